"""Which files of a folder are audio: by their suffix, hidden ones and hidden folders left out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from lightning_modules.audio import AUDIO_SUFFIXES, OTHER_SUFFIXES


class PassedBy:
    """What a walk does not look into, and one line for each kind of it.

    Attributes:
        links: paths of links to folders.
        others: paths of audio files of kinds that are not looked for.
    """

    def __init__(self) -> None:
        self.links: list[str] = []
        self.others: list[str] = []

    def lines(self) -> list[str]:
        """Each with its mend; the first in order of name stands for all of a kind."""
        kinds = (
            (self.links, "is a link to a folder, not followed", "name or copy that folder"),
            (
                self.others,
                "is audio of a kind that is not looked for",
                f"convert it to one of {', '.join(AUDIO_SUFFIXES)}",
            ),
        )
        return [
            f"{min(paths)}: {what} ({len(paths)} such in all); {mend}"
            for paths, what, mend in kinds
            if paths
        ]


def walk_audio(
    folder: Path | str,
    refuse: Callable[[OSError], None],
    passed_by: PassedBy,
) -> Iterator[tuple[str, list[str]]]:
    """The names of the audio files in ``folder`` and in each folder below it.

    Strings, not paths: of a hundred thousand files these take half the time.

    Args:
        folder: where to begin; links to folders are not followed.
        refuse: is told of a folder that cannot be read.
        passed_by: takes down what is not looked into.

    Yields:
        The path of a folder, beginning with ``folder``, and the names of its audio files.
    """
    for parent, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        shown = [name for name in files if not name.startswith(".")]
        below = (f"{parent}/{name}" for name in folders)
        passed_by.links += [path for path in below if os.path.islink(path)]  # noqa: PTH114 (slow)
        others = (name for name in shown if name.lower().endswith(OTHER_SUFFIXES))
        passed_by.others += [f"{parent}/{name}" for name in others]
        yield parent, [name for name in shown if name.lower().endswith(AUDIO_SUFFIXES)]
