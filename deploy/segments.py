"""Who speaks when in a recording: NIST's RTTM files, and `meeting_info.txt` of LibriCSS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from lightning_modules.seconds import read_seconds
from search_spaces.errors import UserError

RTTM_SUFFIX = ".rttm"
LIBRICSS_NAME = "meeting_info.txt"
_RTTM_FIELDS = 8  # type file channel start duration orthography subtype speaker; more may follow
_UNKNOWN = "<NA>"
_LIBRICSS_FIELDS = 4  # start, end, speaker, utterance; a transcription may follow


class Segment(NamedTuple):
    """One speaker speaks, from ``start_s`` to ``end_s``."""

    recording: str
    speaker: str
    start_s: float
    end_s: float


def find_segment_files(source: Path) -> list[Path]:
    """The files of segments that ``source`` is, or holds in any sub-folder, in order.

    Raises:
        UserError: there is none.
    """
    if source.is_file():
        return [source]
    found = sorted([*source.rglob(f"*{RTTM_SUFFIX}"), *source.rglob(LIBRICSS_NAME)])
    if not found:
        raise UserError(
            f"{source}: no *{RTTM_SUFFIX} or {LIBRICSS_NAME} there; --segments takes such a file or"
            " a folder of them"
        )
    return found


def read_segments(path: Path) -> list[Segment]:
    """Read one file; in LibriCSS's the recording is the session, the folder above ``path``'s.

    Raises:
        UserError: a line that is not of the format, named by its number, or no segment at all.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not a text in UTF-8 ({error}); export it anew") from None
    parse = _libricss if path.name == LIBRICSS_NAME else _rttm
    segments = list(parse(path, lines))
    if not segments:
        raise UserError(f"{path}: holds no segment, expected at least one")
    return segments


def _rttm(path: Path, lines: list[str]) -> Iterator[Segment]:
    """Lines of type SPEAKER (RT-09 evaluation plan, appendix A); other types and ;; are passed."""
    for number, line in enumerate(lines, start=1):
        fields = line.split()
        if not fields or fields[0] != "SPEAKER":
            continue
        where = f"{path} line {number}"
        if len(fields) < _RTTM_FIELDS:
            raise UserError(
                f"{where}: {len(fields)} fields, expected at least {_RTTM_FIELDS}: SPEAKER file"
                " channel start duration orthography subtype speaker"
            )
        if fields[7] == _UNKNOWN:  # of several people nobody knows how many speak at once
            raise UserError(
                f"{where}: speaker {_UNKNOWN}: people cannot be counted without names; give each"
                " their own, whatever it is"
            )
        start_s = _seconds(fields[3], "start", where)
        duration_s = _seconds(fields[4], "duration", where)
        yield Segment(fields[1], fields[7], start_s, start_s + duration_s)


def _libricss(path: Path, lines: list[str]) -> Iterator[Segment]:
    """Tab-separated start, end, speaker, utterance, transcription under a header."""
    session = path.resolve().parent.parent.name  # <session>/transcription/meeting_info.txt
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        fields, where = line.split("\t"), f"{path} line {number}"
        if len(fields) < _LIBRICSS_FIELDS:
            raise UserError(
                f"{where}: {len(fields)} fields between tabs, expected start_time, end_time,"
                " speaker, utterance_id and transcription"
            )
        start_s, end_s = _seconds(fields[0], "start", where), _seconds(fields[1], "end", where)
        if end_s < start_s:
            raise UserError(f"{where}: ends at {end_s:g} s, before its start at {start_s:g} s")
        yield Segment(session, fields[2], start_s, end_s)


def _seconds(text: str, name: str, where: str) -> float:
    return read_seconds(text, f"{where}: {name}", "seconds, 0 or more")
