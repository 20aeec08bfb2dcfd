import json
from pathlib import Path

import pytest
import torch

from benchmarks import frontend


@pytest.mark.parametrize(
    "setting",
    [
        (16_000, 20, 20, 20),
        (16_000, 10, 32, 40),
        (16_000, 16, 64, 112, 80_000, "bins"),
        (16_000, 16, 64, 112, 80_000, "even_bins"),
    ],
)
def test_all_variants_are_the_same_front_end(setting):
    waveform = 0.1 * torch.randn(1, 80_000, generator=torch.Generator().manual_seed(1))
    features = {name: each(*setting)(waveform) for name, each in frontend.VARIANTS.items()}
    kept = features.pop("kept")
    rounded = features.pop("kept, int8")
    assert 0 < (rounded - kept).abs().mean() < 0.05
    for others in features.values():
        torch.testing.assert_close(others.reshape(kept.shape), kept, rtol=0, atol=1e-3)


def test_benchmark_states_the_time_of_each_variant(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setattr(frontend, "SETTINGS", frontend.SETTINGS[:1])
    result = tmp_path / "frontend.json"
    assert frontend.main(["--runs", "3", "--out", str(result)]) == 0
    written = json.loads(result.read_text())
    assert [row["unit"] for row in written["figures"]] == ["ms"]
    assert all(row["value"] > 0 for row in written["figures"])
    shares = [entry["delegated_share_of_macs"] for entry in written["details"].values()]
    assert shares == [1.0] * len(frontend.VARIANTS)
    assert "8 kHz, 32/20 ms, 20 mels" in capsys.readouterr().out
