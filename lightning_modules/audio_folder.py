"""Which files of a folder are audio: by their suffix, hidden ones and hidden folders left out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from lightning_modules.audio import AUDIO_SUFFIXES


def walk_audio(
    folder: Path | str,
    refuse: Callable[[OSError], None],
    pass_by: Callable[[str], None] = lambda link: None,
) -> Iterator[tuple[str, list[str]]]:
    """The names of the audio files in ``folder`` and in each folder below it.

    Strings, not paths: of a hundred thousand files these take half the time.

    Args:
        folder: where to begin; links to folders are not followed.
        refuse: is told of a folder that cannot be read.
        pass_by: is told of a link to a folder.

    Yields:
        The path of a folder, beginning with ``folder``, and the names of its audio files.
    """
    for parent, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in folders:
            if os.path.islink(linked := os.path.join(parent, name)):  # noqa: PTH114, PTH118 (slow)
                pass_by(linked)
        yield (
            parent,
            [n for n in files if n.lower().endswith(AUDIO_SUFFIXES) and not n.startswith(".")],
        )
