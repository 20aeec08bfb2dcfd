"""`deploy answers`: what bundles say of training clips, by the command itself."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from deploy.__main__ import main
from deploy.bundle import DEFAULT_BUNDLE, read_bundle
from lightning_modules.answers import read_answers
from lightning_modules.audio import from_pcm16
from lightning_modules.mixtures_open import mixed_by, open_mixtures
from lightning_modules.sources_cache import prepare_speech

CLIPS = 5


def arguments(speech: Path, out: Path, *bundles: Path) -> list[str]:
    return [
        *("answers", "--bundle", *map(str, bundles), "--speech", str(speech), "--seed", "3"),
        *("--voice-speed", "0.1", "--clips", str(CLIPS), "--out", str(out)),
        *("--cache", str(out.parent / "cache")),
    ]


def test_they_are_the_mean_of_what_the_bundles_say_of_the_training_clips(
    prepared_speech: Path, bundle_path: Path, bundle_copy: Callable[[], Path], tmp_path: Path
):
    out = tmp_path / "answers.npz"
    assert main(arguments(prepared_speech, out, bundle_path, bundle_copy())) == 0
    answers = read_answers(out)
    assert answers.probabilities.shape == (CLIPS, 11)
    np.testing.assert_allclose(answers.probabilities.sum(axis=1), 1.0, atol=1e-4)
    speech = prepare_speech(str(prepared_speech))
    assert answers.mixed_by == mixed_by(speech, "libricount", 3, 200, 0.1)
    mixtures = open_mixtures(speech, "libricount", 3, "train", voice_speed=0.1)
    bundle = read_bundle(bundle_path)
    assert [teacher["name"] for teacher in answers.teachers] == [bundle.name] * 2
    said = bundle.load().run(from_pcm16(mixtures[CLIPS - 1].samples))
    np.testing.assert_allclose(answers.probabilities[-1], said, atol=1e-6)


@pytest.mark.parametrize("known", [["libricount", "rooms"], ["multicondition"]])
def test_of_clips_that_they_are_not_asked_about_the_answer_is_the_label(
    prepared_speech: Path, bundle_path: Path, tmp_path: Path, known: list[str]
) -> None:
    out = tmp_path / "answers.npz"
    options = ["--protocol", "allconditions", "--rooms", "10", "--clips", "12"]
    asked = ["--ask-of", *known]
    assert main([*arguments(prepared_speech, out, bundle_path), *options, *asked]) == 0
    said = read_answers(out).probabilities
    cache = tmp_path / "cache"
    speech = prepare_speech(str(prepared_speech))
    mixtures = open_mixtures(speech, "allconditions", 3, "train", 10, cache, voice_speed=0.1)
    clips = [mixtures[index] for index in range(12)]
    assert {clip.protocol for clip in clips} >= {"varied", "rooms"}
    for clip, row in zip(clips, said, strict=True):
        label = np.eye(11)[int(clip.count)]
        assert (row == label).all() == (clip.protocol == "varied")
    assert main([*arguments(prepared_speech, out, bundle_path), *options]) == 0
    assert not (read_answers(out).probabilities == said).all(), "now asked about all"


def test_a_bundle_is_not_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = Path(shutil.copytree(DEFAULT_BUNDLE, tmp_path / "bundle"))
    for name in ("model_int8.pte", "manifest.json"):
        before = (copy / name).read_bytes()
        assert main(arguments(tmp_path, copy / name, copy)) == 2
        assert f"{name} is one of the bundles' files; name another" in capsys.readouterr().err
        assert (copy / name).read_bytes() == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--voice-speed", "2"], "--voice-speed: 2.0, expected 0 (off) to 0.5"),
        (["--precision", "int4"], "invalid choice: 'int4'"),
        (["--bundle", "nowhere"], "nowhere: no such folder, expected a bundle written by"),
        (["--clips", "0"], "got '0', expected a whole number, 1 or more"),
    ],
)
def test_bad_options_are_one_line(
    options: list[str],
    message: str,
    bundle_path: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    out = tmp_path / "answers.npz"
    assert main([*arguments(Path("espeak:40"), out, bundle_path), *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not out.exists()
