import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import ranking
from search_spaces.clip import CLIP_SAMPLES
from search_spaces.clips_file import Clips, write_clips
from search_spaces.errors import UserError
from search_spaces.spaces import get_space
from search_spaces.supernet import build_supernet
from search_spaces.supernet_file import write_supernet


def test_statistics_by_hand():
    probabilities = np.array([[0.5, 0.25, 0.25, *[0.0] * 8], [0.0, 0.0, 1.0, *[0.0] * 8]])
    counts = np.array([1, 5])  # decided: 0 and 2
    assert ranking.level_error(probabilities, counts) == 1.0
    assert ranking.mae(probabilities, counts) == 2.0
    assert ranking.log_loss(probabilities[:1], counts[:1]) == pytest.approx(np.log(4))


def test_correlations_compare_ranks():
    rows = [
        {"a": 1.0, "b": 9.0, "same": 1.0, "fresh MAE": 2.0},
        {"a": 2.0, "b": 4.0, "same": 1.0, "fresh MAE": 20.0},
        {"a": 3.0, "b": 1.0, "same": 1.0, "fresh MAE": 21.0},
    ]
    found = ranking.correlations(rows)
    assert found["a"]["fresh MAE"] == pytest.approx(1.0)
    assert found["b"]["fresh MAE"] == pytest.approx(-1.0)
    assert found["same"]["fresh MAE"] is None
    assert "| b | -1.00 |\n| same | - |" in ranking.table(found)


def test_every_statistic_is_compared_on_both_sets_of_clips(
    prepared_speech: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    counts = np.array([0, 3, 7, 2])
    clips = Clips(
        validation_waveform=rng.integers(-3000, 3000, (4, CLIP_SAMPLES)).astype(np.int16),
        validation_lo=counts,
        validation_hi=counts,
        validation_original=np.array([True, True, True, False]),
        calibration_waveform=rng.integers(-3000, 3000, (4, CLIP_SAMPLES)).astype(np.int16),
    )
    write_clips(tmp_path / "clips.npz", clips)
    checkpoint = tmp_path / "supernet.pt"
    write_supernet(checkpoint, build_supernet(get_space("sam-nano")), {})
    arguments = ["--checkpoint", str(checkpoint), "--speech", str(prepared_speech)]
    out = ["--out", str(tmp_path / "ranking.json")]
    assert ranking.main([*arguments, "--nets", "3", "--clips", "6", *out]) == 0
    written = json.loads((tmp_path / "ranking.json").read_text())
    assert written["details"]["clips"] == {"labelled": 3, "labelled and sums": 4}
    assert len(written["details"]["nets"]) == 3
    assert len(written["details"]["spearman"]) == 2 * len(ranking.STATISTICS)
    assert "| ranked probability score, labelled |" in capsys.readouterr().out


def test_the_supernet_is_looked_for_before_its_clips(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nope\.pt: no such file; `fit` writes it"):
        ranking.main(["--checkpoint", str(tmp_path / "nope.pt"), "--speech", "espeak"])
