from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from lightning_modules.spans import read_spans
from search_spaces.errors import UserError


@pytest.fixture
def table(tmp_path: Path) -> Path:
    (tmp_path / "a.wav").touch()
    return tmp_path / "mine.csv"


def write(
    table: Path, *rows: str, header: str = "path,start_s,end_s,count,level,lo,hi,use"
) -> Path:
    table.write_text("\n".join([header, *rows, ""]))
    return table


@pytest.mark.parametrize(
    ("cells", "label"),
    [
        ("3,,,", (3, 3)),
        ("0,,,", (0, 0)),
        (",none,,", (0, 0)),
        (",one,,", (1, 1)),
        (",some,,", (2, 4)),
        (",active,,", (5, 10)),
        (",0,,", (0, 0)),  # a level's number, as `predict` writes it
        (",2,,", (2, 4)),
        (",3,,", (5, 10)),
        (",,2,7", (2, 7)),
        (",,,", None),
    ],
)
def test_every_kind_of_label_is_an_interval_of_counts(
    table: Path, cells: str, label: tuple[int, int] | None
) -> None:
    write(table, f"a.wav,1.5,12,{cells},train", "a.wav,20,25,1,,,,train")
    span = read_spans(table)[0]
    assert (span.start_s, span.end_s, span.label, span.use) == (1.5, 12.0, label, "train")


def test_only_a_path_and_a_label_are_needed(table: Path) -> None:
    write(table, "a.wav,2,anna", header="path,count,labelled_by")
    (span,) = read_spans(table)
    assert (span.start_s, span.end_s, span.label, span.use) == (0.0, math.inf, (2, 2), None)
    assert span.path == table.parent / "a.wav"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("b.wav,,,1,,,,", "line 2: path: no such file"),
        ("a.wav,x,,1,,,,", "line 2: start_s: 'x', expected seconds from 0 on, or nothing"),
        ("a.wav,-1,,1,,,,", "line 2: start_s: '-1', expected seconds from 0 on"),
        ("a.wav,,nan,1,,,,", "line 2: end_s: 'nan', expected seconds from 0 on"),
        ("a.wav,5,5,1,,,,", "line 2: end_s 5 is not after start_s 5; mend one"),
        ("a.wav,,,11,,,,", "line 2: count: '11', expected a whole number from 0 to 10"),
        ("a.wav,,,two,,,,", "line 2: count: 'two', expected a whole number"),
        ("a.wav,,,,many,,,", "line 2: level: 'many', expected one of none, one, some, active"),
        ("a.wav,,,,4,,,", "line 2: level: '4', expected one of none, one, some, active, or its nu"),
        ("a.wav,,,2,some,,,", "line 2: has count and level; give only one of them"),
        ("a.wav,,,2,,1,3,", "line 2: has count and lo,hi; give only one of them"),
        ("a.wav,,,,,3,2,", "line 2: lo 3 is above hi 2; mend one"),
        ("a.wav,,,,,3,,", "line 2: hi: '', expected a whole number"),
        ("a.wav,,,1,,,,test", "line 2: use: 'test', expected train or validation, or nothing"),
        ("a.wav,,,,,,,validation", "line 2: use: validation, which needs a label; give one"),
        ("a.wav,0,1,1,,,,,9", "line 2: has more fields than the first line ('9' is too much)"),
        ("a.wav,,,,,,,", "labels nothing, expected at least one row with a label"),
    ],
)
def test_a_bad_row_is_named_with_file_and_line(table: Path, row: str, message: str) -> None:
    with pytest.raises(UserError, match="^" + re.escape(f"{table}") + ".*" + re.escape(message)):
        read_spans(write(table, row))


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (
            "path,count,Use",
            "column 'Use' in its first line would not be looked at; did you mean us",
        ),
        (
            "path,count,start,end",
            "column 'start' in its first line would not be looked at; did you",
        ),
        ("path,count,Start s", "did you mean start_s? rename it"),
        ("path,count,use, use", "column use is in its first line twice; remove one"),
        ("path,count,start_ms,end_ms", "did you mean start_s? rename it, in seconds"),
        ("path,count,split", "column 'split' in its first line would not be looked at; did you me"),
        ("path,count,onset,offset", "did you mean start_s? rename it, in seconds"),
        ("path,count,start_s,duration_s", "last to its recording's end; give end_s, start_s plus"),
    ],
)
def test_a_column_that_is_meant_is_not_passed_over(table: Path, header: str, message: str) -> None:
    table.write_text(f"{header}\na.wav,1,0,1\n")
    with pytest.raises(UserError, match=re.escape(message)):
        read_spans(table)


@pytest.mark.parametrize(
    "header", ["path,count,start_s,end_s,start_ms,duration", "path,count,,,duration,note_id"]
)
def test_other_columns_may_be_there(table: Path, header: str) -> None:
    table.write_text(f"{header}\na.wav,1,,,9,anna\n")
    assert read_spans(table)[0].start_s == 0


def test_blanks_around_a_columns_name_do_not_hide_it(table: Path) -> None:
    table.write_text("path,count, start_s, end_s ,use,remark\na.wav,1,0,5, validation,x\n")
    (span,) = read_spans(table)
    assert (span.start_s, span.end_s, span.use) == (0.0, 5.0, "validation")


def test_empty_lines_of_a_table_are_passed_over(table: Path) -> None:
    write(table, "a.wav,0,1,1,,,,", ",,,,,,,", " ,", "a.wav,1,2,2,,,,", ",,,,,,,")
    assert [span.label for span in read_spans(table)] == [(1, 1), (2, 2)]


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.csv: no such file, expected a CSV with path"):
        read_spans(tmp_path / "none.csv")
    with pytest.raises(UserError, match="is a folder, expected a CSV with path"):
        read_spans(tmp_path)
    (tmp_path / "a.csv").write_text("file,count\n")
    with pytest.raises(UserError, match=r"a\.csv: columns file,count; expected path\["):
        read_spans(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_bytes(b"path,count\n\xff\xff,1\n")
    with pytest.raises(UserError, match=r"b\.csv: not a CSV in UTF-8"):
        read_spans(tmp_path / "b.csv")
