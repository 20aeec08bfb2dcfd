"""`clips.npz` comes back as it was written, and a file that does not fit is refused in one line."""

import dataclasses
import zipfile

import numpy as np
import pytest

from search_spaces.clip import CLIP_SAMPLES
from search_spaces.clips_file import (
    _ARRAYS,
    Clips,
    read_clips,
    read_clips_for,
    to_float32,
    to_int16,
    write_clips,
)
from search_spaces.errors import UserError
from search_spaces.spaces import any_space
from search_spaces.task_classes import ClassesTask
from search_spaces.task_counts import CountsTask


def clips(**changes):
    rng = np.random.default_rng(0)
    values = {
        "validation_waveform": rng.integers(-999, 999, (3, CLIP_SAMPLES), dtype=np.int16),
        "validation_lo": np.array([0, 2, 5]),
        "validation_hi": np.array([0, 4, 5]),
        "validation_original": np.array([True, True, False]),
        "calibration_waveform": rng.integers(-999, 999, (2, CLIP_SAMPLES), dtype=np.int16),
    }
    return Clips(**{**values, **changes})


def test_round_trip(tmp_path):
    written = clips(task=CountsTask().to_json())
    write_clips(tmp_path / "clips.npz", written)
    read = read_clips(tmp_path / "clips.npz")
    for field in dataclasses.fields(Clips):
        np.testing.assert_array_equal(getattr(read, field.name), getattr(written, field.name))
    assert [path.name for path in tmp_path.iterdir()] == ["clips.npz"]


def test_sound_keeps_its_value_to_sixteen_bits_and_clips_beyond_full_scale():
    sound = np.linspace(-1, 1, 1001)
    assert np.abs(to_float32(to_int16(sound)) - sound).max() <= 0.5 / 32767 + 1e-7
    assert to_int16(np.array([-2.0, 3.0])).tolist() == [-32767, 32767]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"validation_lo": np.array([0, 2])},
            r"field validation_waveform: got int16 \[3, 80000\], expected int16 \[2, 80000\]",
        ),
        (
            {"calibration_waveform": np.zeros((2, 5), np.int16)},
            r"field calibration_waveform: got int16 \[2, 5\], expected int16 \[2, 80000\]",
        ),
        ({"validation_hi": np.zeros(3)}, r"field validation_hi: got float64 \[3\], expected int64"),
        ({"validation_lo": np.array([1, 2, 5])}, r"expected 0 <= lo <= hi"),
        ({"validation_original": np.zeros(3, bool)}, r"field validation_original: marks no clip"),
        (
            {"calibration_waveform": np.zeros((0, CLIP_SAMPLES), np.int16)},
            r"field calibration_waveform: holds no clip",
        ),
    ],
)
def test_clips_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        clips(**changes)


def write_truncated(path):
    write_clips(path, clips())
    path.write_bytes(path.read_bytes()[:-1000])


def write_without_a_field(path):
    np.savez(path, schema_version=1, validation_lo=np.zeros(1, np.int64))


def write_wrong_interval(path):
    write_clips(path, clips())
    values = dict(np.load(path))
    np.savez(path, **{**values, "validation_lo": np.array([9, 9, 9])})


def write_pickle(path):
    np.savez(path, schema_version=np.array({"no": "number"}, dtype=object))


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: None, "no such file; write it anew with `python -m lightning_modules fit`"),
        (lambda path: path.mkdir(), "is a folder, expected a clips.npz"),
        (lambda path: path.write_text("hello"), "not a readable clips.npz"),
        (lambda path: path.write_bytes(b""), "not a readable clips.npz"),
        (write_truncated, "not a readable clips.npz"),
        (write_without_a_field, "not a readable clips.npz .*validation_waveform"),
        (write_wrong_interval, "fields validation_lo, validation_hi: expected 0 <= lo <= hi"),
        (write_pickle, "not a readable clips.npz"),
        (
            lambda path: np.savez(path, schema_version=2),
            "field schema_version: got 2, expected 1; write it anew",
        ),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path, write, message):
    path = tmp_path / "clips.npz"
    write(path)
    with pytest.raises(UserError, match=message) as refused:
        read_clips(path)
    assert str(path) in str(refused.value)


def change_bytes(after, offset, new):
    def write(path):
        write_clips(path, clips())
        content = bytearray(path.read_bytes())
        at = content.rindex(after) + offset
        content[at : at + len(new)] = new
        path.write_bytes(content)

    return write


def write_other_header(path):
    """A member whose description of its array does not end."""
    write_clips(path, clips())
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = "schema_version.npy"
    members[name] = members[name].replace(b"}", b"(")
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)


@pytest.mark.parametrize(
    "write",
    [
        change_bytes(b"schema_version.npy", -46 + 8, b"\x01"),  # encrypted
        change_bytes(b"schema_version.npy", -46 + 10, b"\x63"),  # method of compression
        change_bytes(b"schema_version.npy", -46 + 42, b"\xff\xff\xff\x7f"),  # place of the member
        change_bytes(b"PK\x05\x06", 16, b"\xff\xff\xff\x7f"),  # place of the directory
        write_other_header,
        lambda path: np.savez(path, schema_version=np.zeros(2)),
        lambda path: np.savez(path, schema_version=1, **dict.fromkeys(_ARRAYS, np.int64(0))),
    ],
)
def test_a_damaged_archive_is_refused(tmp_path, write):
    path = tmp_path / "clips.npz"
    write(path)
    with pytest.raises(
        UserError, match=r"clips.npz: not a readable clips\.npz \(.*; write it anew"
    ):
        read_clips(path)


def test_a_single_array_is_refused(tmp_path):
    path = tmp_path / "clips.npz"
    with path.open("wb") as stream:
        np.save(stream, np.zeros(3))
    with pytest.raises(UserError, match=r"a single array, expected a clips\.npz"):
        read_clips(path)


SAM, COUNTS = any_space("sam"), CountsTask()
CAT_OR_DOG = ClassesTask(("cat", "dog"), several=False)


@pytest.mark.parametrize("task", [None, COUNTS.to_json()])
def test_clips_of_the_task_and_those_that_do_not_say_theirs_are_read(tmp_path, task):
    write_clips(tmp_path / "clips.npz", clips(task=task))
    assert read_clips_for(tmp_path / "clips.npz", SAM, COUNTS).task == task


@pytest.mark.parametrize(
    ("space", "labelled", "task", "message"),
    [
        ("events-1s", COUNTS, COUNTS, "have 80000 samples, those of space events-1s have 16000"),
        ("sam", CAT_OR_DOG, COUNTS, "is of another task or other classes"),
        ("sam", CAT_OR_DOG, ClassesTask(("cat", "cow"), several=False), "or other classes"),
    ],
)
def test_clips_for_other_nets_are_refused(tmp_path, space, labelled, task, message):
    write_clips(tmp_path / "clips.npz", clips(task=labelled.to_json()))
    with pytest.raises(UserError, match=f"clips.npz: .*{message}.*beside the supernet.pt"):
        read_clips_for(tmp_path / "clips.npz", any_space(space), task)
