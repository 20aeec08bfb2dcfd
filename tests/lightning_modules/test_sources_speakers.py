from dataclasses import replace
from pathlib import Path

import pytest

from lightning_modules.sources_cache import open_speech
from lightning_modules.sources_speakers import read_speakers, sexes_of_readers
from search_spaces.errors import UserError

TABLE = """; reader_id | sex | subset
14   | F | train-clean-360  | 25.03 | Kristin LeMoine

17   | M | train-clean-360  | 25.04 | A | name with bars
"""


def test_the_table_of_librispeech_is_read(tmp_path: Path) -> None:
    (tmp_path / "SPEAKERS.TXT").write_text(TABLE)
    assert read_speakers(tmp_path / "SPEAKERS.TXT") == {"14": "F", "17": "M"}


def test_a_line_of_another_form_is_named(tmp_path: Path) -> None:
    (tmp_path / "SPEAKERS.TXT").write_text(TABLE + "19, F\n")
    with pytest.raises(UserError, match=r"SPEAKERS.TXT: line 5: sex '', expected F or M in the"):
        read_speakers(tmp_path / "SPEAKERS.TXT")


def test_the_table_lies_in_the_folder_of_the_speech_or_above_it(
    prepared_speech: Path, tmp_path: Path
) -> None:
    speech = open_speech(prepared_speech)
    (tmp_path / "subset").mkdir()
    (tmp_path / "SPEAKERS.TXT").write_text(TABLE)
    for place in (tmp_path, tmp_path / "subset"):
        assert sexes_of_readers(replace(speech, place=str(place))) == {"14": "F", "17": "M"}
    assert sexes_of_readers(replace(speech, place=str(tmp_path / "a/b"))) == {}
    assert sexes_of_readers(replace(speech, kind="espeak", place="120")) == {}
