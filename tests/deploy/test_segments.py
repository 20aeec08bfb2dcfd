from __future__ import annotations

from pathlib import Path

import pytest

from deploy.segments import find_segment_files, origin_of, read_segments
from deploy.segments_segment import Segment
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


AMI = """<?xml version="1.0" encoding="ISO-8859-1" standalone="yes"?>
<nite:root nite:id="EN2002a.A.segs" xmlns:nite="http://nite.sourceforge.net/">
   <segment nite:id="EN2002a.sync.4" channel="0" transcriber_start="2.5" transcriber_end="4.0">
      <nite:child href="EN2002a.A.words.xml#id(EN2002a.A.words0)..id(EN2002a.A.words3)"/>
   </segment>
   <segment nite:id="EN2002a.sync.9" channel="0" transcriber_start="6.0" transcriber_end="7.25"/>
</nite:root>
"""
KALDI = "anna-1 EN2002a 0.50 3.00\nbob-1 EN2002a 2.5 4\n"


def kaldi(folder: Path, text: str = KALDI, speakers: str = "anna-1 anna\nbob-1 bob\n") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "utt2spk").write_text(speakers)
    (folder / "segments").write_text(text)
    return folder / "segments"


def ami(folder: Path, name: str = "EN2002a.A.segments.xml", text: str = AMI) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(text.encode("latin-1"))
    return folder / name


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


def test_kaldi_s_segments_have_the_speakers_of_utt2spk(tmp_path: Path) -> None:
    assert read_segments(kaldi(tmp_path)) == [
        Segment("EN2002a", "anna", 0.5, 3.0),
        Segment("EN2002a", "bob", 2.5, 4.0),
    ]


def test_ami_s_files_are_one_speaker_each(tmp_path: Path) -> None:
    path = ami(tmp_path)
    assert read_segments(path) == [
        Segment("EN2002a", "A", 2.5, 4.0),
        Segment("EN2002a", "A", 6.0, 7.25),
    ]
    silent = ami(tmp_path, "EN2002a.B.segments.xml", "<root/>")
    assert read_segments(silent) == []
    assert origin_of(path) == origin_of(silent) == tmp_path / "EN2002a"


def test_files_are_found_in_sub_folders(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    rttm = tmp_path / "deep" / "a.rttm"
    rttm.write_text(RTTM)
    assert find_segment_files(tmp_path) == [rttm]
    assert find_segment_files(rttm) == [rttm]
    (libricss(tmp_path).parent / "segments").mkdir()  # LibriCSS's, of cut recordings
    table, speaker = kaldi(tmp_path / "data"), ami(tmp_path / "ami")
    assert libricss(tmp_path / "more") in (found := find_segment_files(tmp_path))
    assert {table, speaker, rttm} < set(found)
    assert len(found) == 5
    (tmp_path / "none").mkdir()
    with pytest.raises(
        UserError, match=r"none: no \*\.rttm, meeting_info\.txt, .*xml or segments there; --seg"
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


@pytest.mark.parametrize(
    ("text", "speakers", "message"),
    [
        ("u a 0\n", "u s", "segments line 1: 3 fields, expected utterance recording start end"),
        ("u a 0 x\n", "u s", "segments line 1: end 'x', expected seconds"),
        ("u a 2 1\n", "u s", "segments line 1: ends at 1 s, before its start at 2 s"),
        ("u a 1 2\n", "v s", "segments line 1: utterance u has no speaker in utt2spk beside it"),
        ("u a 1 2\n", "u s t", "utt2spk line 1: 3 fields, expected utterance speaker"),
        ("\n", "u s", "segments: holds no segment, expected at least one"),
    ],
)
def test_bad_kaldi_is_named_by_line(tmp_path: Path, text: str, speakers: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_segments(kaldi(tmp_path, text, speakers))


def test_kaldi_s_segments_without_speakers_are_refused(tmp_path: Path) -> None:
    path = kaldi(tmp_path)
    (tmp_path / "utt2spk").unlink()
    with pytest.raises(UserError, match=r"utt2spk: no such file, which names the speaker of each"):
        read_segments(path)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.A.segments.xml", "<root>", r"a\.A\.segments\.xml: not XML"),
        ("a.segments.xml", AMI, "expected a name as EN2002a.A.segments.xml, of meeting and spea"),
        ("a.A.segments.xml", "<r><segment/></r>", "segment 1: transcriber_start '', expected sec"),
        (
            "a.A.segments.xml",
            '<r><segment transcriber_start="2" transcriber_end="1"/></r>',
            "segment 1: ends at 1 s, before its start at 2 s",
        ),
    ],
)
def test_bad_ami_is_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_segments(ami(tmp_path, name, text))


def test_other_bytes_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.rttm").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match=r"a\.rttm: not a text in UTF-8"):
        read_segments(tmp_path / "a.rttm")
