from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from lightning_modules.audio import read_audio, to_pcm16
from lightning_modules.spans import read_spans
from lightning_modules.spans_audio import prepare_recordings
from lightning_modules.spans_clips import RecordedClips, open_recorded
from search_spaces.clip import CLIP_SAMPLES, SAMPLE_RATE_HZ
from search_spaces.errors import UserError
from tests.lightning_modules.spans_folder import write_recordings


def opened(table: Path) -> RecordedClips:
    spans = read_spans(table)
    prepare_recordings([span.path for span in spans], table.parent / "cache")
    return open_recorded(spans, table.parent / "cache")


def in_seconds(cuts: np.ndarray) -> list[tuple[int, float, float]]:
    return [(int(r), s / SAMPLE_RATE_HZ, n / SAMPLE_RATE_HZ) for r, s, n in cuts]


def test_spans_are_cut_every_5_s_and_the_rest_ends_with_the_span(tmp_path: Path) -> None:
    rows = ("one.wav,0,11.5,1,train", "one.wav,20,23,4,train", "two.wav,0,7,2,validation")
    table = write_recordings(
        tmp_path, "\n".join(["path,start_s,end_s,count,use", *rows, "three.flac,,,,", ""])
    )
    clips = opened(table)
    assert in_seconds(clips.train.clips.cuts) == [(0, 0, 5), (0, 5, 5), (0, 6.5, 5), (0, 20, 3)]
    assert clips.train.lo.tolist() == clips.train.hi.tolist() == [1, 1, 1, 4]
    assert in_seconds(clips.validation.clips.cuts) == [(1, 0, 5), (1, 2, 5)]
    # Between spans, behind the last one, and in a recording without labels; not in validation.
    unlabelled = [(0, 11.5, 5), (0, 23, 5), *((2, float(start), 5) for start in range(0, 30, 5))]
    assert in_seconds(clips.unlabelled.cuts) == unlabelled
    assert clips.summary["recordings"] == 3
    assert clips.summary["train_clips"] == 4

    sound = to_pcm16(read_audio(tmp_path / "one.wav"))
    assert np.array_equal(clips.train.clips[1], sound[80_000:160_000])
    short = sound[20 * SAMPLE_RATE_HZ :][: 3 * SAMPLE_RATE_HZ]
    assert np.array_equal(clips.train.clips[3], np.resize(short, CLIP_SAMPLES))
    assert clips.validation.clips.stacked().shape == (2, CLIP_SAMPLES)


def test_recordings_are_split_whole_and_always_the_same(tmp_path: Path) -> None:
    table = write_recordings(tmp_path)
    clips = opened(table)
    recordings = [set(part.clips.cuts[:, 0]) for part in (clips.train, clips.validation)]
    assert not recordings[0] & recordings[1]
    assert all(recordings)
    assert not recordings[1] & set(clips.unlabelled.cuts[:, 0])
    # Rows in another order change neither the split nor the labels of a recording.
    header, *rows = table.read_text().splitlines()
    table.write_text("\n".join([header, *reversed(rows), ""]))
    again = opened(table)
    assert sorted(again.train.lo) == sorted(clips.train.lo)
    assert sorted(again.validation.hi) == sorted(clips.validation.hi)


def test_about_a_fifth_of_many_recordings_is_for_validation(tmp_path: Path) -> None:
    for number in range(40):
        soundfile.write(tmp_path / f"{number}.wav", np.full(5 * 8_000, number / 64), 8_000)
    names = [f"{number}.wav,1" for number in range(40)]
    (tmp_path / "labels.csv").write_text("\n".join(["path,count", *names, ""]))
    clips = opened(tmp_path / "labels.csv")
    assert (len(clips.train.clips), len(clips.validation.clips)) == (32, 8)


@pytest.mark.parametrize("spelling", ["./one.wav", "sub/../one.wav", "link.wav"])
def test_a_recording_is_one_however_its_path_is_spelled(tmp_path: Path, spelling: str) -> None:
    rows = ("one.wav,0,9,1,train", f"{spelling},9,20,1,validation", "two.wav,,,1,validation")
    table = write_recordings(tmp_path, "\n".join(["path,start_s,end_s,count,use", *rows, ""]))
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.wav").symlink_to("one.wav")
    with pytest.raises(UserError, match=r"line 3: use: validation, but .*line 2 has train for the"):
        opened(table)
    table.write_text(table.read_text().replace("20,1,validation", "20,1,train"))
    clips = opened(table)
    assert clips.summary["recordings"] == 2
    assert set(clips.train.clips.cuts[:, 0]) == {0}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["one.wav,0,40,1,"], r"line 2: end_s 40, but one\.wav ends at 31\.00 s"),
        (["one.wav,30.9,,1,"], r"line 2: the span holds 0\.10 s of one\.wav, at least 0\.5 s"),
        (
            ["one.wav,10,20,1,", "two.wav,,,1,", "one.wav,5,11,2,"],
            r"line 2: its span overlaps that of .*line 4 in one\.wav; let one end",
        ),
        (["one.wav,0,10,1,"], r"one\.wav is the only labelled recording; .* label another"),
        (
            ["one.wav,0,9,1,train", "one.wav,9,20,1,validation"],
            r"line 3: use: validation, but .*line 2 has train for the same recording one\.wav",
        ),
        (
            ["one.wav,0,9,1,train", "two.wav,0,9,1,"],
            r"line 3: use: nothing, but other recordings have one; fill it in",
        ),
        (
            ["one.wav,0,9,1,train", "two.wav,0,9,1,train"],
            "column use gives all labelled recordings to train; both need at least one",
        ),
    ],
)
def test_what_cannot_be_cut_or_split_is_one_line(
    tmp_path: Path, rows: list[str], message: str
) -> None:
    table = write_recordings(tmp_path, "\n".join(["path,start_s,end_s,count,use", *rows, ""]))
    with pytest.raises(UserError, match=message):
        opened(table)


@pytest.mark.parametrize(
    ("copy", "message"),
    [
        (
            "copy.flac,0,9,1,validation",
            r"line 4: copy\.flac \(validation\) is .* one\.wav \(train\)",
        ),
        (
            "copy.flac,5,14,2,train",
            r"line 4: copy\.flac is .* one\.wav, which .*line 2 labels other",
        ),
        ("copy.flac,0,9,1,train", None),
        ("copy.flac,9,14,2,train", None),
        ("other.wav,,,,", r"line 4: other\.wav \(train\) is .* as two\.wav \(validation\); remove"),
    ],
)
def test_one_sound_under_two_names_has_one_use_and_one_label(
    tmp_path: Path, copy: str, message: str | None
) -> None:
    rows = ("one.wav,0,9,1,train", "two.wav,,,1,validation", copy)
    table = write_recordings(tmp_path, "\n".join(["path,start_s,end_s,count,use", *rows, ""]))
    soundfile.write(tmp_path / "copy.flac", *soundfile.read(tmp_path / "one.wav", dtype="int16"))
    shutil.copyfile(tmp_path / "two.wav", tmp_path / "other.wav")
    if message is None:
        assert opened(table).summary["recordings"] == 3
        return
    with pytest.raises(UserError, match=message):
        opened(table)
