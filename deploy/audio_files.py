"""From the paths a user gives (files and folders) to the audio files meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from lightning_modules.audio import AUDIO_SUFFIXES
from lightning_modules.audio_folder import PassedBy, walk_audio
from search_spaces.errors import describe_os_error


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
        if not _is_folder(given):
            paths[given] = None
            continue
        closed: list[str] = []
        found = sorted(_audio_below(given, closed))
        problems += closed
        if not found and not closed:
            problems.append(
                f"{given}: no audio file in this folder (looked for {', '.join(AUDIO_SUFFIXES)})"
            )
        paths.update(dict.fromkeys(found))
    return AudioFiles(list(paths), problems)


def _audio_below(folder: Path, closed: list[str]) -> Iterator[Path]:
    """Audio files of a folder and of those in it; what is not looked into is added to ``closed``.

    A broken link or a pipe is given, too: whoever reads it is told what it is.
    """

    def refuse(error: OSError) -> None:
        closed.append(f"{describe_os_error(error)}; make it readable, or leave it out")

    passed_by = PassedBy()
    for parent, names in walk_audio(folder, refuse, passed_by):
        yield from (Path(parent, name) for name in names)
    closed += passed_by.lines()


def _is_folder(path: Path) -> bool:
    """Whether it is one; of what cannot be looked at whoever reads it is told why."""
    try:
        return path.is_dir()
    except OSError:
        return False
