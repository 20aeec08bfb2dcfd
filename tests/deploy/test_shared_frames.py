"""What overlapping windows share, against each window on its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from deploy import predict, shared_frames_lowering
from deploy.__main__ import main
from deploy.bundle import Bundle, read_bundle
from deploy.lowering import LoweredNet
from deploy.shared_frames import FRAMES_FILES, SharedFrames, load_shared
from deploy.windows import Window, cut
from search_spaces import frontier
from search_spaces.clip import CLIP_SAMPLES, SAMPLE_RATE_HZ
from search_spaces.clips_file import read_clips
from search_spaces.errors import UserError
from search_spaces.frontier import load_winner, read_frontier
from search_spaces.task_classes import ClassesTask
from tests.conftest import synthetic_voice
from tests.deploy.test_predict import parse

HOP_SAMPLES = 32 * 512  # frames of sam-nano's front end, which come every 512 samples


@pytest.fixture(scope="session")
def shared_bundle(frontier_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    out = tmp_path_factory.mktemp("shared")
    arguments = ["lower", "--frontier", str(frontier_path), "--out", str(out), "--share-frames"]
    assert main(arguments) == 0
    (folder,) = out.iterdir()
    return read_bundle(folder)


def sound(seconds: float) -> np.ndarray:
    voices = [synthetic_voice(seed, seconds) for seed in range(3)]
    voices[1][: len(voices[1]) // 2] = 0.0
    return np.clip(sum(voices), -1, 1).astype(np.float32)


def windows(samples: np.ndarray, hop_samples: int = HOP_SAMPLES) -> list[Window]:
    return list(cut(np.split(samples, [30_000, 170_000]), hop_samples))


class CountingEngine:
    """Counts the runs of another engine."""

    def __init__(self, engine) -> None:
        self.engine, self.runs = engine, 0

    def run_tensor(self, inputs):
        self.runs += 1
        return self.engine.run_tensor(inputs)


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-4), ("int8", 0.1)])
@pytest.mark.parametrize("seconds", [5.0, 6.0, 14.0, 21.7])
def test_shared_frames_answer_as_whole_windows_do(
    shared_bundle: Bundle, precision: str, tolerance: float, seconds: float
) -> None:
    if precision not in shared_bundle.precisions:
        pytest.skip("int8 was not kept")
    heard = windows(sound(seconds))
    shared = load_shared(shared_bundle, precision, HOP_SAMPLES)
    assert shared is not None
    got = shared.run_windows(heard)
    engine = shared_bundle.load(precision)
    expected = np.stack([engine.run(window.waveform) for window in heard])
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, atol=tolerance)


def test_frames_are_computed_for_one_window_of_some(shared_bundle: Bundle) -> None:
    shared = load_shared(shared_bundle, "fp32", HOP_SAMPLES)
    assert shared is not None
    shared._frames, shared._trunk = CountingEngine(shared._frames), CountingEngine(shared._trunk)
    shared.run_windows(windows(sound((20 * HOP_SAMPLES + CLIP_SAMPLES) / SAMPLE_RATE_HZ)))
    assert shared._trunk.runs == 21
    assert shared._frames.runs == 6  # windows 0, 4, 8, 12, 16 and 20


@pytest.mark.parametrize(("halves", "turns"), [(65, 2), (33, 2), (34, 1)])
def test_windows_that_start_between_frames_share_with_later_ones(
    shared_bundle: Bundle, halves: int, turns: int
) -> None:
    hop_samples = halves * 256  # half a frame
    length = (20 * hop_samples + CLIP_SAMPLES) / SAMPLE_RATE_HZ
    shared = load_shared(shared_bundle, "fp32", hop_samples)
    assert shared is not None
    heard = windows(sound(length), hop_samples)
    assert len(heard) == 21
    shared._frames = CountingEngine(shared._frames)
    got = shared.run_windows(heard)
    engine = shared_bundle.load("fp32")
    expected = np.stack([engine.run(window.waveform) for window in heard])
    np.testing.assert_allclose(got, expected, atol=1e-4)
    apart = 155 // (halves * turns // 2)  # windows of a turn that share one's frames
    each = [len(range(turn, 21, turns)) for turn in range(turns)]
    assert shared._frames.runs == sum(1 + -(-(number - 1) // apart) for number in each)


def test_windows_that_are_scaled_or_filled_up_run_alone(shared_bundle: Bundle) -> None:
    samples = sound(12.7)
    samples[100_000] = 3.0
    heard = windows(samples)
    assert heard[-1].end_s - heard[-1].start_s < 5
    shared = load_shared(shared_bundle, "fp32", HOP_SAMPLES)
    assert shared is not None
    engine = shared_bundle.load("fp32")
    expected = np.stack([engine.run(window.waveform) for window in heard])
    np.testing.assert_allclose(shared.run_windows(heard), expected, atol=1e-4)
    np.testing.assert_allclose(shared.run_windows(heard[-1:]), expected[-1:], atol=1e-4)


@pytest.mark.parametrize(
    "hop_samples", [CLIP_SAMPLES, CLIP_SAMPLES // 2, SAMPLE_RATE_HZ, HOP_SAMPLES + 1]
)
def test_nothing_is_shared_where_it_gains_nothing(shared_bundle: Bundle, hop_samples: int) -> None:
    assert load_shared(shared_bundle, "fp32", hop_samples) is None


def test_a_bundle_without_halves_shares_nothing(bundle_path: Path) -> None:
    assert load_shared(read_bundle(bundle_path), None, HOP_SAMPLES) is None


def test_a_bundle_of_classes_is_refused(
    frontier_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    named = replace(read_frontier(frontier_path), task=ClassesTask(("dog", "cat"), False))
    monkeypatch.setattr(frontier, "read_frontier", lambda path: named)
    arguments = ["lower", "--frontier", str(frontier_path), "--out", str(tmp_path)]
    assert main([*arguments, "--share-frames"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: --share-frames: {frontier_path} is of classes, only counts")


def test_halves_that_answer_otherwise_are_refused(
    frontier_path: Path, bundle_copy: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = read_frontier(frontier_path)
    lowered = LoweredNet(2.0, lambda waveforms: waveforms, None, None, None, None, 0)  # type: ignore[arg-type]
    network = load_winner(frontier_path, found.winners[0])
    clips = read_clips(frontier_path.parent / "clips.npz")
    monkeypatch.setitem(shared_frames_lowering.TOLERANCE, "fp32", 1e-9)
    with pytest.raises(UserError, match=r"net: fp32 in halves differs from the whole by .*1e-09"):
        shared_frames_lowering.lower_halves("net", network, lowered, clips, bundle_copy())


def test_predict_shares_frames_by_itself(
    shared_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(tmp_path / "a.wav", sound(16.0), SAMPLE_RATE_HZ)
    used: list[int] = []
    run_windows = SharedFrames.run_windows
    monkeypatch.setattr(
        SharedFrames,
        "run_windows",
        lambda self, some: used.append(len(some)) or run_windows(self, some),
    )
    arguments = ("--bundle", shared_bundle.path, "--hop-s", "1.024", tmp_path / "a.wav")
    assert predict.run(parse(*arguments, "--output", tmp_path / "rows.csv")) == 0
    assert used == [12]
    assert (tmp_path / "rows.csv").read_text().count("a.wav") == 12
    assert set(FRAMES_FILES.values()) <= set(shared_bundle.manifest["files"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, "field $.architecture.choices: lacks frontend_rate_hz; lower the net anew"),
        (
            dict.fromkeys(("rate_hz", "hop_ms", "window_ms", "mels"), 7),
            "field $.architecture.choices: front end: rate_hz is 7, allowed",
        ),
    ],
)
def test_a_front_end_that_is_not_known_is_refused(
    shared_bundle: Bundle, change: dict[str, int], message: str
) -> None:
    choices = {f"frontend_{name}": value for name, value in change.items()}
    manifest = {**shared_bundle.manifest, "architecture": {"choices": choices}}
    with pytest.raises(UserError, match=re.escape(message)):
        load_shared(Bundle(shared_bundle.path, manifest), "fp32", HOP_SAMPLES)
