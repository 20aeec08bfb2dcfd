from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from deploy.evaluation import SCHEMA, make_evaluation
from deploy.labelled_clips import LabelledClip
from search_spaces.ambiance import AmbianceLevels

ORIGIN = {
    "bundle": {
        "name": "net",
        "precision": "int8",
        "manifest_sha256": "0" * 64,
        "runtime": {"name": "executorch", "version": "1.4.1"},
    },
    "clips": {"number": 4, "sha256": "1" * 64},
}


def clip(count: int, **known: Any) -> LabelledClip:
    return LabelledClip(Path("private.wav"), "private.wav", count, **known)


def sure_of(*counts: int) -> np.ndarray:
    return np.eye(11, dtype=np.float32)[list(counts)]


def evaluation_of_four(with_rows: bool = False) -> dict[str, Any]:
    """True counts 0, 1, 3, 7; said 0, 2, 4, 7: one of four levels wrong, off by 0, 1, 1, 0."""
    clips = [
        clip(0, protocol="rooms"),
        clip(1, snr_db=3.0, rt60_s=0.35, protocol="rooms"),
        clip(3, snr_db=5.0, rt60_s=0.35, protocol="rooms"),
        clip(7, snr_db=31.0, protocol="libricount"),
    ]
    dbfs = np.array([-np.inf, -55.0, -20.0, -15.0])
    levels, said = AmbianceLevels(), sure_of(0, 2, 4, 7)
    return make_evaluation(clips, said, dbfs, levels, ORIGIN, with_rows, temperature=1.0)


def value(record: dict[str, Any], metric: str) -> tuple[float, int]:
    return record[metric]["value"], record[metric]["clips"]


def test_the_evaluation_satisfies_its_schema_with_and_without_rows() -> None:
    for with_rows in (False, True):
        jsonschema.validate(evaluation_of_four(with_rows), SCHEMA)


def test_metrics_are_those_of_a_hand_made_sum() -> None:
    metrics = evaluation_of_four()["metrics"]
    assert value(metrics, "level_error") == (0.25, 4)
    assert value(metrics, "mae") == (0.5, 4)
    assert value(metrics, "exact_accuracy") == (0.5, 4)
    assert metrics["ece"] == pytest.approx(0.25)  # always sure, right three times of four
    assert metrics["mae"]["low"] <= 0.5 <= metrics["mae"]["high"]


def test_the_ece_before_temperature_is_that_of_the_bare_logits() -> None:
    logits = np.zeros((2, 11))
    logits[:, 0] = (4.0, 2.0)  # says nobody; the second time there is one
    inside = np.exp(logits / 2.0) / np.exp(logits / 2.0).sum(axis=1, keepdims=True)
    bare = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    clips, dbfs = [clip(0), clip(1)], np.zeros(2)

    def metrics(said: np.ndarray, temperature: float) -> dict[str, Any]:
        levels = AmbianceLevels()
        return make_evaluation(clips, said, dbfs, levels, ORIGIN, False, temperature)["metrics"]

    after = metrics(inside.astype(np.float32), 2.0)
    before = metrics(bare.astype(np.float32), 1.0)
    assert after["ece_before_temperature"] == pytest.approx(before["ece"], abs=1e-6)
    assert after["ece_before_temperature"] != pytest.approx(after["ece"], abs=1e-3)


def test_confusion_counts_pairs_of_true_and_said() -> None:
    evaluation = evaluation_of_four()
    assert evaluation["level_confusion"] == [
        [1, 0, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 1],
    ]
    assert evaluation["count_confusion"][1][2] == evaluation["count_confusion"][3][4] == 1
    assert np.sum(evaluation["count_confusion"]) == 4


def test_bins_hold_only_what_is_known() -> None:
    evaluation = evaluation_of_four()

    def bounds(name: str) -> list[tuple[Any, Any, int]]:
        return [(row["low"], row["high"], row["clips"]) for row in evaluation[name]]

    assert bounds("by_snr_db") == [(None, 5.0, 1), (5.0, 10.0, 1), (25.0, None, 1)]
    assert bounds("by_rt60_s") == [(0.3, 0.4, 2)]
    assert bounds("by_input_dbfs") == [(None, -50.0, 1), (-20.0, -10.0, 2)]
    assert [row["count"] for row in evaluation["by_count"]] == [0, 1, 3, 7]
    assert [row["clips"] for row in evaluation["by_protocol"]] == [1, 3]
    assert value(evaluation["by_rt60_s"][0], "level_error") == (0.5, 2)
    assert value(evaluation["by_protocol"][1], "mae") == (pytest.approx(2 / 3), 3)


def test_calibration_shows_the_share_that_was_right() -> None:
    (only,) = evaluation_of_four()["calibration"]
    assert (only["high"], only["confidence"], only["accuracy"], only["clips"]) == (1.0, 1, 0.75, 4)


def test_file_names_are_kept_only_in_rows() -> None:
    assert "private" not in str(evaluation_of_four())
    rows = evaluation_of_four(with_rows=True)["rows"]
    assert rows[1] == {
        "file": "private.wav",
        "count": 1,
        "predicted_count": 2,
        "level": 1,
        "predicted_level": 2,
        "probability": 1.0,
    }


def test_errors_are_by_sex_where_that_of_each_voice_is_known() -> None:
    clips = [clip(1, sexes="F"), clip(2, sexes="MM"), clip(3, sexes="FMM"), clip(4), clip(0)]
    said, dbfs, levels = sure_of(1, 1, 3, 4, 0), np.zeros(5), AmbianceLevels()
    evaluation = make_evaluation(clips, said, dbfs, levels, ORIGIN, False, 1.0)
    jsonschema.validate(evaluation, SCHEMA)
    assert [(row["sex"], row["clips"], row["mae"]["value"]) for row in evaluation["by_sex"]] == [
        ("women", 1, 0.0),
        ("men", 1, 1.0),
        ("women and men", 1, 0.0),
    ]
    assert "by_sex_reason" not in evaluation


def test_an_unknown_sex_is_absent_with_its_reason() -> None:
    evaluation = evaluation_of_four()
    assert evaluation["by_sex"] == []
    assert "SPEAKERS.TXT" in evaluation["by_sex_reason"]
