"""Clips with their counts: a folder of `<count>_<anything>.wav`, or a CSV that lists them.

LibriCount's archive (Stöter et al. 2018, doi:10.5281/zenodo.1216072) is such a folder, where a
`.json` beside each clip says who speaks when in it.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.audio_files import audio_files
from lightning_modules.csv_rows import check_needed, read_count, read_rows
from search_spaces.errors import UserError
from search_spaces.files import real_path, sha256_file
from search_spaces.json_values import parse_json

CSV_NAME = "clips.csv"  # beside the clips of a folder, as `lightning_modules clips` writes it
LIBRICOUNT = "LibriCount"  # as a protocol: its own mixtures, not ours
_COLUMNS = ("file", "count", "snr_db", "rt60_s", "protocol", "sexes")
_PATH = "path"  # what tables of training recordings call the file
_COUNT_IN_NAME = re.compile(r"(\d+)_")


@dataclass(frozen=True)
class LabelledClip:
    """One clip; what is not known of it is None."""

    path: Path
    name: str  # relative to the folder or the CSV
    count: int
    snr_db: float | None = None
    rt60_s: float | None = None
    protocol: str | None = None
    sexes: str | None = None  # F or M of each who is heard
    start_s: float | None = None  # of a window of a longer recording


def read_labelled_clips(source: Path) -> list[LabelledClip]:
    """Read the clips of a folder or of a CSV with the columns ``file,count[,snr_db,rt60_s,...]``.

    ``file`` may be called ``path``, as in tables of training recordings.

    In a folder the names hold the counts, and a `clips.csv` there adds what else is known.

    Raises:
        UserError: no clips, a name without a count, a count outside 0..10, a row whose file is
            missing, or a row that contradicts a name; the message names the file and the mend.
    """
    if source.is_dir():
        clips = list(_of_folder(source))
    elif source.is_file():
        clips = list(_of_csv(source))
    else:
        raise UserError(f"{source}: no such file or folder; give a folder of clips or a CSV")
    if not clips:
        raise UserError(f"{source}: holds no clips, expected at least one")
    return clips


def clips_sha256(clips: Iterable[LabelledClip]) -> str:
    """One digest of the clips' bytes and counts, whatever their names and order."""
    known: dict[Path, str] = {}
    lines = []
    for clip in clips:
        if clip.path not in known:
            known[clip.path] = sha256_file(clip.path)
        start = "" if clip.start_s is None else f" {clip.start_s:g}"
        lines.append(f"{known[clip.path]}{start} {clip.count}\n")
    lines.sort()
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def annotation_path(clip: Path) -> Path:
    """Where LibriCount says who speaks when in a clip."""
    return clip.with_suffix(".json")


def _of_folder(folder: Path) -> Iterator[LabelledClip]:
    known = {}
    if (folder / CSV_NAME).is_file():
        known = {clip.path: clip for clip in _of_csv(folder / CSV_NAME)}
    found = audio_files([folder])
    for problem in found.problems:
        raise UserError(problem)
    for path in found.paths:
        count = _count_in_name(path)
        clip = known.get(path, LabelledClip(path, str(path.relative_to(folder)), count))
        if clip.count != count:
            raise UserError(
                f"{path}: the name says count {count}, {CSV_NAME} says {clip.count}; mend one"
            )
        yield _annotated(clip)


def _annotated(clip: LabelledClip) -> LabelledClip:
    """A clip of LibriCount, checked with the annotation beside it; any other as it is.

    Raises:
        UserError: an annotation that is damaged, or names another number of speakers.
    """
    annotation = annotation_path(clip.path)
    if not annotation.is_file():
        return clip
    try:
        speakers = parse_json(annotation.read_text(encoding="utf-8"))
        whole = all(
            {"speaker_id", "activity"} <= speaker.keys()
            and all(0 <= start <= end for start, end in speaker["activity"])
            for speaker in speakers
        )
    except (ValueError, AttributeError, TypeError) as error:
        raise UserError(
            f"{annotation}: not an annotation of LibriCount ({error}); unpack the archive anew"
        ) from None
    if not isinstance(speakers, list) or not whole:
        raise UserError(
            f"{annotation}: not an annotation of LibriCount, expected a list of speaker_id and"
            " activity; unpack the archive anew"
        )
    if len(speakers) != clip.count:
        raise UserError(
            f"{clip.path}: the name says count {clip.count}, {annotation.name} names"
            f" {len(speakers)} speakers; unpack the archive anew"
        )
    sexes = [speaker.get("sex") for speaker in speakers]
    known = "".join(sorted(sexes)) if all(sex in ("F", "M") for sex in sexes) else None
    return replace(clip, protocol=clip.protocol or LIBRICOUNT, sexes=clip.sexes or known or None)


def _count_in_name(path: Path) -> int:
    match = _COUNT_IN_NAME.match(path.name)
    if match is None:
        raise UserError(
            f"{path}: no count in the name; rename it to <count>_<anything>{path.suffix},"
            f" e.g. 3_{path.name}, list the counts in a CSV, or give --segments"
        )
    return read_count(match[1], f"{path}: count")


def _of_csv(source: Path) -> Iterator[LabelledClip]:
    seen: dict[Path, int] = {}
    needed, expected = _COLUMNS[:2], "file,count[,snr_db,rt60_s,protocol,sexes]"

    def check(found: Sequence[str]) -> None:
        if _PATH in found and "file" in found:
            raise UserError(f"{source}: columns file and path both name the clips; keep one")
        named = ["file" if name == _PATH else name for name in found]
        check_needed(named, needed, expected, source)
        if stretch := {"start_s", "end_s"}.intersection(found):
            raise UserError(
                f"{source}: column {min(stretch)} would not be looked at: clips are heard whole;"
                " cut them, or give --segments"
            )

    for line, row in read_rows(source, check, (*_COLUMNS, _PATH)):
        where = f"{source} line {line}"
        clip = _of_row(row, source, where)
        first = seen.setdefault(real_path(clip.path), line)
        if first != line:
            raise UserError(f"{where}: {clip.name} is listed twice (also line {first}); keep one")
        yield clip


def _of_row(row: dict[str, str | None], source: Path, where: str) -> LabelledClip:
    name = row.get("file") or row.get(_PATH) or ""
    path = source.parent / name
    if not path.is_file():
        raise UserError(f"{where}: no such file {path}; paths are relative to the CSV's folder")
    clip = LabelledClip(path, name, read_count(row["count"] or "", f"{where}: count"))
    rt60_s, sexes = _number(row, "rt60_s", where), _sexes(row, where)
    if rt60_s is not None and rt60_s < 0:
        raise UserError(f"{where}: rt60_s {rt60_s:g}, expected seconds from 0 on, or nothing")
    if sexes is not None and len(sexes) < clip.count:  # in turn more are heard than at once
        raise UserError(f"{where}: sexes {sexes!r} of {clip.count} voices; mend one")
    return replace(
        clip,
        snr_db=_number(row, "snr_db", where),
        rt60_s=rt60_s,
        protocol=row.get("protocol") or None,
        sexes=sexes,
    )


def _sexes(row: dict[str, str | None], where: str) -> str | None:
    text = row.get("sexes") or None
    if text is not None and set(text) - {"F", "M"}:
        raise UserError(f"{where}: sexes {text!r}, expected an F or M for each voice, or nothing")
    return text


def _number(row: dict[str, str | None], column: str, where: str) -> float | None:
    text = row.get(column)
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        raise UserError(
            f"{where}: {column} {text!r}, expected a number, or nothing if not known"
        ) from None
    return value if math.isfinite(value) else None
