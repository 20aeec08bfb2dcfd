from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from deploy.audio_files import audio_files


def test_folders_are_expanded_in_order_and_files_taken_as_given(tmp_path: Path) -> None:
    folder = tmp_path / "day"
    for name in ("b.WAV", "a/z.flac", "notes.txt", "._b.wav", ".cache/c.wav", "c.mp3"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    found = audio_files([tmp_path / "x.bin", folder, folder / "b.WAV", tmp_path / "x.bin"])

    assert found.paths == [
        tmp_path / "x.bin",
        folder / "a/z.flac",
        folder / "b.WAV",
        folder / "c.mp3",
    ]
    assert found.problems == []


def test_a_folder_without_audio_is_a_problem_by_name(tmp_path: Path) -> None:
    found = audio_files([tmp_path])
    assert found.paths == []
    assert found.problems == [
        f"{tmp_path}: no audio file in this folder (looked for .wav, .flac, .mp3, .ogg)"
    ]


def test_what_cannot_be_looked_at_is_taken_for_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that may be listed and not entered; root may enter every one."""
    closed, long = tmp_path / "closed" / "a.wav", tmp_path / f"{'x' * 300}.wav"
    closed.parent.mkdir()
    closed.touch()
    told = Path.is_dir

    def refuse(path: Path) -> bool:
        if path == closed:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return told(path)

    monkeypatch.setattr(Path, "is_dir", refuse)
    assert audio_files([closed, tmp_path, long]).paths == [closed, long]


def test_what_is_not_heard_is_not_passed_over(tmp_path: Path) -> None:
    folder = tmp_path / "day"
    folder.mkdir()
    (folder / "gone.wav").symlink_to("/annex/6")
    (folder / "loop.wav").symlink_to("loop.wav")
    os.mkfifo(folder / "pipe.wav")
    (folder / "folder.wav").mkdir()
    (folder / "linked").symlink_to(tmp_path, target_is_directory=True)
    for name in ("b.m4a", "a.M4A", ".hidden.m4a", "notes.txt"):
        (folder / name).touch()
    found = audio_files([folder])
    assert found.paths == [folder / "gone.wav", folder / "loop.wav", folder / "pipe.wav"]
    assert found.problems == [
        f"{folder / 'linked'}: is a link to a folder, not followed (1 such in all);"
        " name or copy that folder",
        f"{folder / 'a.M4A'}: is audio of a kind that is not looked for (2 such in all);"
        " convert it to one of .wav, .flac, .mp3, .ogg",
    ]
