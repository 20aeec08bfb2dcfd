from __future__ import annotations

from pathlib import Path

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
