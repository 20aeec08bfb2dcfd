from __future__ import annotations

from pathlib import Path

import pytest

from deploy.segments import Segment, find_segment_files, read_segments
from search_spaces.errors import UserError

RTTM = """;; made by hand
SPKR-INFO EN2002a 1 <NA> <NA> <NA> unknown MEE071 <NA>
SPEAKER EN2002a 1 29.86 2.50 <NA> <NA> MEE071 <NA> <NA>
SPEAKER EN2002a 1 31.00 0.25 <NA> <NA> FEO072
"""
LIBRICSS = (
    "start_time\tend_time\tspeaker\tutterance_id\ttranscription\n"
    "3.0\t18.6\t4507\t4507-16021-0003\tHOW ABOUT IT\n"
    "17.25\t20.0\t61\t61-70970-0012\tWE WILL GO OUT TOGETHER\n"
)


def libricss(folder: Path, text: str = LIBRICSS) -> Path:
    path = folder / "OV20" / "overlap_ratio_20.0_session0" / "transcription" / "meeting_info.txt"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def test_rttm_lines_of_speakers_are_segments(tmp_path: Path) -> None:
    (tmp_path / "a.rttm").write_text(RTTM)
    assert read_segments(tmp_path / "a.rttm") == [
        Segment("EN2002a", "MEE071", 29.86, pytest.approx(32.36)),
        Segment("EN2002a", "FEO072", 31.0, 31.25),
    ]


def test_libricss_lines_are_segments_of_the_session(tmp_path: Path) -> None:
    session = "overlap_ratio_20.0_session0"
    assert read_segments(libricss(tmp_path)) == [
        Segment(session, "4507", 3.0, 18.6),
        Segment(session, "61", 17.25, 20.0),
    ]


def test_files_are_found_in_sub_folders(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    rttm = tmp_path / "deep" / "a.rttm"
    rttm.write_text(RTTM)
    assert find_segment_files(tmp_path) == [rttm]
    assert find_segment_files(rttm) == [rttm]
    assert libricss(tmp_path) in find_segment_files(tmp_path)
    (tmp_path / "none").mkdir()
    with pytest.raises(
        UserError, match=r"none: no \*\.rttm or meeting_info\.txt there; --segments"
    ):
        find_segment_files(tmp_path / "none")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SPEAKER a 1 0.0 1.0 <NA> <NA>\n", "a.rttm line 1: 7 fields, expected at least 8"),
        ("SPEAKER a 1 x 1 <NA> <NA> b\n", "a.rttm line 1: start 'x', expected seconds"),
        ("\nSPEAKER a 1 0 -1 <NA> <NA> b\n", "a.rttm line 2: duration '-1', expected seconds"),
        ("SPEAKER a 1 nan 1 <NA> <NA> b\n", "a.rttm line 1: start 'nan', expected seconds"),
        ("SPEAKER a 1 0 1 <NA> <NA> <NA> 1 <NA>\n", "line 1: speaker <NA>: people cannot be coun"),
        ("LEXEME a 1 0 1 hello lex b\n", "a.rttm: holds no segment, expected at least one"),
    ],
)
def test_bad_rttm_is_named_by_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.rttm").write_text(text)
    with pytest.raises(UserError, match=message):
        read_segments(tmp_path / "a.rttm")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1.0 2.0 61 61-1 HELLO", "line 2: 1 fields between tabs, expected start_time"),
        ("1.0\ttwo\t61\t61-1\tHELLO", "line 2: end 'two', expected seconds"),
        ("3.0\t2.0\t61\t61-1\tHELLO", "line 2: ends at 2 s, before its start at 3 s"),
    ],
)
def test_bad_libricss_is_named_by_line(tmp_path: Path, line: str, message: str) -> None:
    path = libricss(tmp_path, LIBRICSS.splitlines()[0] + "\n" + line + "\n")
    with pytest.raises(UserError, match=message):
        read_segments(path)


def test_other_bytes_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.rttm").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match=r"a\.rttm: not a text in UTF-8"):
        read_segments(tmp_path / "a.rttm")
