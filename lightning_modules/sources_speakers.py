"""The sex of each reader, where the speech says it: LibriSpeech's `SPEAKERS.TXT`."""

from __future__ import annotations

from pathlib import Path

from lightning_modules.sources_cache import Speech
from search_spaces.errors import UserError

TABLE = "SPEAKERS.TXT"
_SEXES = ("F", "M")


def sexes_of_readers(speech: Speech) -> dict[str, str]:
    """``F`` or ``M`` by reader id, from the table in the folder of the speech or the one above.

    Returns:
        Empty where there is no such table.

    Raises:
        UserError: see `read_speakers`.
    """
    if speech.kind == "espeak":
        return {}
    folder = Path(speech.place)
    for candidate in (folder / TABLE, folder.parent / TABLE):
        if candidate.is_file():
            return read_speakers(candidate)
    return {}


def read_speakers(path: Path) -> dict[str, str]:
    """Read LibriSpeech's table: ``reader | sex | subset | minutes | name``, ``;`` for remarks.

    Raises:
        UserError: a line of another form, named by its number.
    """
    sexes = {}
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith(";"):
            continue
        reader, _, rest = line.partition("|")
        sex = rest.partition("|")[0].strip()
        if sex not in _SEXES:
            raise UserError(
                f"{path}: line {number}: sex {sex!r}, expected F or M in the second of the columns"
                " that | separates"
            )
        sexes[reader.strip()] = sex
    return sexes
