"""From the paths a user gives (files and folders) to the audio files meant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from lightning_modules.audio import AUDIO_SUFFIXES
from lightning_modules.audio_folder import walk_audio
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
        if not _is(Path.is_dir, given, unknown=False):
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
    """Audio files of a folder and of those in it; what cannot be read is added to ``closed``.

    A file that cannot be looked at is given: whoever reads it is told why it cannot be.
    """

    def refuse(error: OSError) -> None:
        closed.append(f"{describe_os_error(error)}; make it readable, or leave it out")

    for parent, names in walk_audio(folder, refuse):
        paths = (Path(parent, name) for name in names)
        yield from (path for path in paths if _is(Path.is_file, path, unknown=True))


def _is(kind: Callable[[Path], bool], path: Path, unknown: bool) -> bool:
    """Whether a path is of a kind, ``unknown`` where the operating system does not say."""
    try:
        return kind(path)
    except OSError:
        return unknown
