"""Who speaks when in a recording: which files say it, NIST's RTTM among them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from deploy.segments_corpora import AMI_SUFFIX, KALDI_NAME, LIBRICSS_NAME, ami, kaldi, libricss
from deploy.segments_segment import Segment, seconds
from search_spaces.errors import UserError

RTTM_SUFFIX = ".rttm"
_RTTM_FIELDS = 8  # type file channel start duration orthography subtype speaker; more may follow
_UNKNOWN = "<NA>"


def find_segment_files(source: Path) -> list[Path]:
    """The files of segments that ``source`` is, or holds in any sub-folder, in order.

    Raises:
        UserError: there is none.
    """
    if source.is_file():
        return [source]
    kinds = (f"*{RTTM_SUFFIX}", LIBRICSS_NAME, f"*{AMI_SUFFIX}", KALDI_NAME)
    # LibriCSS has folders that are called `segments`.
    found = sorted(path for kind in kinds for path in source.rglob(kind) if path.is_file())
    if not found:
        raise UserError(
            f"{source}: no {', '.join(kinds[:-1])} or {kinds[-1]} there; --segments takes such a"
            " file or a folder of them"
        )
    return found


def origin_of(path: Path) -> Path:
    """What says who speaks: the file, but of AMI, with a file for each speaker, their meeting."""
    if path.name.endswith(AMI_SUFFIX):
        return path.with_name(path.name.removesuffix(AMI_SUFFIX).rpartition(".")[0])
    return path


def read_segments(path: Path) -> list[Segment]:
    """Read one file, whose format its name tells; any other name is of an RTTM.

    Raises:
        UserError: a line that is not of the format, named by its number, or no segment at all.
    """
    if path.name.endswith(AMI_SUFFIX):
        return list(ami(path))
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not a text in UTF-8 ({error}); export it anew") from None
    parse = {LIBRICSS_NAME: libricss, KALDI_NAME: kaldi}.get(path.name, _rttm)
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
        start_s = seconds(fields[3], "start", where)
        duration_s = seconds(fields[4], "duration", where)
        yield Segment(fields[1], fields[7], start_s, start_s + duration_s)
