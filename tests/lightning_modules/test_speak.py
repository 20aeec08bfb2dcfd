from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from lightning_modules import speak
from lightning_modules.espeak import VARIANTS
from lightning_modules.recordings import read_recordings
from search_spaces.errors import UserError


@pytest.fixture(autouse=True)
def few_voices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speak, "VARIANTS", VARIANTS[:2])


def test_words_become_a_folder_per_class_that_is_read_as_one(tmp_path: Path):
    out = tmp_path / "words"
    assert speak.main(["--words", "yes", "1=one", "--takes", "2", "--out", str(out)]) == 0
    items = read_recordings(out)
    assert {item.labels for item in items} == {("yes",), ("1",)}
    assert {item.speaker for item in items} == set(VARIANTS[:2])
    assert len(items) == 2 * 2 * 2
    sounds = [soundfile.read(item.path, dtype="float32") for item in items]
    assert {rate_hz for _, rate_hz in sounds} == {16_000}
    assert all(0.15 * 16_000 < len(sound) < 1.2 * 16_000 for sound, _ in sounds)
    assert len({len(sound) for sound, _ in sounds}) > 2  # takes differ
    assert list(tmp_path.iterdir()) == [out]


def test_the_same_seed_says_the_same(tmp_path: Path):
    for name, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        command = ["--words", "two", "--takes", "1", "--seed", seed, "--out", str(tmp_path / name)]
        speak.main(command)
    a, b, c = ((tmp_path / name / "two/m1/0.wav").read_bytes() for name in "abc")
    assert a == b != c


def test_a_killed_call_goes_on_if_it_is_asked_for_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def command(name: str, seed: str = "0") -> list[str]:
        options = ["--words", "two", "six", "--takes", "1", "--seed", seed]
        return [*options, "--out", str(tmp_path / name)]

    speak.main(command("whole"))
    said = speak.speak
    calls: list[str] = []

    def stopped(voice: str, pitch: int, rate: int, text: str) -> np.ndarray:
        calls.append(text)
        if calls.count("six") == 2:
            raise KeyboardInterrupt
        return said(voice, pitch, rate, text)

    monkeypatch.setattr(speak, "speak", stopped)
    for name in ("same", "other"):
        calls.clear()
        with pytest.raises(KeyboardInterrupt):
            speak.main(command(name))
        assert not (tmp_path / name).exists()
    calls.clear()
    speak.main(command("same"))
    assert [text for text in calls if text] == ["six"]  # what was left
    calls.clear()
    monkeypatch.setattr(speak, "speak", said)
    speak.main(command("other", seed="1"))
    whole, same, other = (
        {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        for root in (tmp_path / name for name in ("whole", "same", "other"))
    )
    assert same == whole
    assert other.keys() == whole.keys()
    assert not set(other.values()) & set(whole.values())
    assert {path.name for path in tmp_path.iterdir()} == {"whole", "same", "other"}


def test_silence_around_a_word_is_cut():
    quiet, word = np.zeros(8000, np.float32), np.full(1600, -1.5, np.float32)
    trimmed = speak.trim(np.concatenate([quiet, word, quiet]), "word")
    assert len(trimmed) == 1600 + 2 * 480
    assert np.abs(trimmed).max() == 1.0
    with pytest.raises(UserError, match="--words: espeak says nothing for 'hush'"):
        speak.trim(quiet, "hush")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["=one"], "--words '=one': expected TEXT, or LABEL=TEXT"),
        (["1="], "--words '1=': expected TEXT, or LABEL=TEXT"),
        (["a/b=slash"], "--words 'a/b=slash': label 'a/b' cannot be a class's folder"),
        (["unlabelled"], "label 'unlabelled' cannot be a class's folder"),
        (["1=one", "1=won"], "--words '1=won': label '1' is given twice"),
        (["caf\udce9"], r"--words 'caf\\udce9': not in UTF-8; write it in UTF-8"),
        (["yes", "Yes"], "--words: classes 'yes' and 'Yes' .* differ in spelling only"),
    ],
)
def test_words_that_are_no_classes_are_refused(words: list[str], message: str, tmp_path: Path):
    with pytest.raises(UserError, match=message):
        speak.main(["--words", *words, "--out", str(tmp_path / "out")])
    assert not list(tmp_path.iterdir())


def test_what_fails_leaves_nothing_behind(tmp_path: Path):
    with pytest.raises(UserError, match=r"--languages: espeak-ng .* does not speak 'xx'; nam"):
        speak.main(["--words", "yes", "--languages", "xx", "--out", str(tmp_path / "out")])
    assert not list(tmp_path.iterdir())
    with pytest.raises(UserError, match=r"--out: .*test_speak.py is a file; name a folder"):
        speak.main(["--words", "yes", "--out", __file__])
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").touch()
    with pytest.raises(UserError, match=r"--out: .*full exists and is not empty; name another"):
        speak.main(["--words", "yes", "--out", str(tmp_path / "full")])
