"""Who speaks when, as corpora say it: LibriCSS's `meeting_info.txt`, AMI's XML, Kaldi's `segments`.

RTTM, which any corpus may come with, is in `segments`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

from deploy.segments_segment import Segment, seconds
from search_spaces.errors import UserError

LIBRICSS_NAME = "meeting_info.txt"
AMI_SUFFIX = ".segments.xml"  # <meeting>.<speaker>.segments.xml: a file for each speaker
KALDI_NAME = "segments"
KALDI_SPEAKERS = "utt2spk"  # beside it
_LIBRICSS_FIELDS = 4  # start, end, speaker, utterance; a transcription may follow
_KALDI_FIELDS = "utterance recording start end"


def libricss(path: Path, lines: Sequence[str]) -> Iterator[Segment]:
    """Tab-separated start, end, speaker, utterance, transcription under a header.

    The recording is the session, the folder above that of ``path``.
    """
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
        times = {"start": fields[0], "end": fields[1]}
        yield _segment(session, fields[2], times, where)


def kaldi(path: Path, lines: Sequence[str]) -> Iterator[Segment]:
    """Lines of utterance, recording, start and end; `utt2spk` beside it has the speakers."""
    speakers = dict(_pairs(path.with_name(KALDI_SPEAKERS)))
    for number, line in enumerate(lines, start=1):
        fields, where = line.split(), f"{path} line {number}"
        if not fields:
            continue
        if len(fields) != len(_KALDI_FIELDS.split()):
            raise UserError(f"{where}: {len(fields)} fields, expected {_KALDI_FIELDS}")
        utterance, recording, start, end = fields
        if utterance not in speakers:
            raise UserError(
                f"{where}: utterance {utterance} has no speaker in {KALDI_SPEAKERS} beside it;"
                " add a line there"
            )
        yield _segment(recording, speakers[utterance], {"start": start, "end": end}, where)


def ami(path: Path) -> Iterator[Segment]:
    """The segments of one speaker of one meeting, as AMI's manual annotations have them.

    A speaker who says nothing has none.
    """
    meeting, _, speaker = path.name.removesuffix(AMI_SUFFIX).rpartition(".")
    if not meeting or not speaker:
        raise UserError(
            f"{path}: expected a name as EN2002a.A{AMI_SUFFIX}, of meeting and speaker; rename it"
        )
    try:
        found = list(ElementTree.parse(path).iter("segment"))
    except (ElementTree.ParseError, ValueError) as error:  # ValueError: an unknown encoding
        raise UserError(f"{path}: not XML ({error}); unpack AMI's annotations anew") from None
    for number, segment in enumerate(found, start=1):
        where = f"{path} segment {number}"
        names = ("transcriber_start", "transcriber_end")
        yield _segment(meeting, speaker, {name: segment.get(name, "") for name in names}, where)


def _segment(recording: str, speaker: str, times: Mapping[str, str], where: str) -> Segment:
    """A segment from the texts of its start and its end, by their names in the file."""
    start_s, end_s = (seconds(text, name, where) for name, text in times.items())
    if end_s < start_s:
        raise UserError(f"{where}: ends at {end_s:g} s, before its start at {start_s:g} s")
    return Segment(recording, speaker, start_s, end_s)


def _pairs(path: Path) -> Iterator[tuple[str, str]]:
    """Utterance and speaker of each line."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        raise UserError(
            f"{path}: no such file, which names the speaker of each utterance of"
            f" {KALDI_NAME}; copy it there, too"
        ) from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not a text in UTF-8 ({error}); export it anew") from None
    for number, line in enumerate(lines, start=1):
        fields = line.split()
        if len(fields) not in (0, 2):
            raise UserError(
                f"{path} line {number}: {len(fields)} fields, expected utterance speaker"
            )
        if fields:
            yield fields[0], fields[1]
