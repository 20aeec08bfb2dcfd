"""From the paths a user gives (files and folders) to the audio files meant."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from lightning_modules.audio import AUDIO_SUFFIXES


class AudioFiles(NamedTuple):
    """The files to read, each once, and one line for each folder that holds none."""

    paths: list[Path]
    problems: list[str]


def audio_files(inputs: Iterable[Path]) -> AudioFiles:
    """Expand folders recursively, in order of name; a path that is no folder is taken as it is.

    Within a folder only names with a known audio suffix count, and hidden ones do not.
    """
    paths: dict[Path, None] = {}
    problems = []
    for given in inputs:
        if not given.is_dir():
            paths[given] = None
            continue
        found = sorted(path for path in given.rglob("*") if _is_audio(path, given))
        if not found:
            problems.append(
                f"{given}: no audio file in this folder (looked for {', '.join(AUDIO_SUFFIXES)})"
            )
        paths.update(dict.fromkeys(found))
    return AudioFiles(list(paths), problems)


def _is_audio(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return path.suffix.lower() in AUDIO_SUFFIXES and not hidden and path.is_file()
