import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from benchmarks import accuracy
from benchmarks.accuracy import at_level


@pytest.mark.parametrize("level_dbfs", [-50.0, 0.0])
def test_a_clip_is_brought_to_the_level(level_dbfs: float) -> None:
    waveform = np.sin(np.arange(1000, dtype=np.float32)) * np.float32(0.3)
    peak = np.abs(at_level(waveform, level_dbfs)).max()
    assert 20 * np.log10(peak) == pytest.approx(level_dbfs, abs=1e-4)


def test_digital_silence_stays_silent() -> None:
    assert not at_level(np.zeros(10, np.float32), 0.0).any()


def trained(protocol: str, labelled: int) -> dict[str, Any]:
    """What a bundle tells of its training."""
    return {"protocol": protocol, "labelled_clips": labelled}


class FakeEngine:
    """Certain of two people, whatever it hears."""

    def run(self, _waveform: np.ndarray) -> np.ndarray:
        return np.eye(11, dtype=np.float32)[2]


class FakeBundle:
    """A bundle of one precision."""

    name, path = "fake", Path("fake")
    manifest: ClassVar[dict[str, Any]] = {"training": {"record": trained("libricount", 500)}}
    precisions = ("fp32",)

    def __init__(self) -> None:
        from search_spaces.ambiance import AmbianceLevels

        self.levels = AmbianceLevels()

    def load(self, _precision: str) -> FakeEngine:
        return FakeEngine()


def test_every_precision_is_judged_at_every_level(
    prepared_speech: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accuracy, "read_bundle", lambda _path: FakeBundle())
    out = tmp_path / "accuracy.json"
    assert accuracy.main(["--speech", str(prepared_speech), "--clips", "6", "--out", str(out)]) == 0
    written = json.loads(out.read_text())
    assert len(written["details"]) == 2 + 1 + len(accuracy.INPUT_LEVELS_DBFS)
    assert len(written["figures"]) == 4
    assert [row["target"] for row in written["figures"][:2]] == ["<= 5 %", "<= 0.40"]
    errors = {row["value"] for row in written["figures"] if "level error" in row["name"]}
    assert len(errors) == 1  # the level changes nothing for a model that does not listen


@pytest.mark.parametrize(
    ("record", "protocol", "aims"),
    [
        (trained("libricount", 500), "libricount", ("<= 5 %", "<= 0.40") * 2),
        (trained("libricount", 100), "libricount", ("<= 4.5 %", None, None, None)),
        (trained("multicondition", 10_000), "rooms", ("<= 6 %", "<= 0.55", None, None)),
        (trained("allconditions", 10_000), "libricount", ("<= 2.5 %", "<= 0.27", None, None)),
        (trained("multicondition", 10_000), "varied", (None,) * 4),
        (trained("rooms", 500), "rooms", (None,) * 4),
        (trained("rooms", 25), "rooms", ("<= 16 %", None, None, None)),
        (trained("rooms", 25), "libricount", (None,) * 4),
        ({**trained("rooms", 25), "speech": {"kind": "espeak"}}, "rooms", (None,) * 4),
        (None, "libricount", (None,) * 4),
    ],
)
def test_aims_depend_on_the_label_budget(
    record: dict[str, Any] | None,
    protocol: str,
    aims: accuracy.Targets,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(FakeBundle, "manifest", {"training": {"record": record}})
    assert accuracy.targets(FakeBundle(), protocol) == aims
