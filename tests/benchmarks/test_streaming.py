import json
from pathlib import Path

import pytest
import soundfile

from benchmarks import streaming


@pytest.mark.parametrize("other", [("wav", 16_000, 1), *streaming.OTHERS])
def test_recordings_are_as_long_as_asked_for(tmp_path: Path, other: tuple[str, int, int]) -> None:
    path = streaming.generate(tmp_path, streaming.Recording(*other, hours=70 / 3600))
    info = soundfile.info(path)
    assert (info.samplerate, info.channels) == other[1:]
    assert info.duration == pytest.approx(70, abs=0.1)
    sound, _ = soundfile.read(path, frames=8_000, start=2_000)
    assert sound.std() > 1e-3


def test_streaming_benchmark_states_factor_and_memory(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streaming, "OTHERS", streaming.OTHERS[:1])
    result = tmp_path / "streaming.json"
    arguments = ["--hours", "0.02", "--runs", "1"]
    assert streaming.main([*arguments, "--folder", str(tmp_path), "--out", str(result)]) == 0
    written = json.loads(result.read_text())
    day, short, overlapping, other = written["details"]["recordings"]
    assert (day["rows"], short["rows"], overlapping["rows"], other["rows"]) == (15, 2, 68, 15)
    assert day["peak_mib"] > 10
    factors = [row for row in written["figures"] if row["target"]]
    assert [row["target"] for row in factors] == [">= 5000"]
    assert factors[0]["value"] == pytest.approx(72 / day["seconds"])
    assert "0.02 h of wav, 16 kHz, mono, to CSV on one core" in capsys.readouterr().out
