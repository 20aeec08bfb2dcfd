import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from lightning_modules import sources, sources_cache
from lightning_modules.sources import Recording, find_source
from lightning_modules.sources_cache import INDEX_NAME, cache_root, open_speech, prepare_speech
from lightning_modules.splits import SPLITS, split_of
from search_spaces.errors import UserError
from tests.conftest import write_voice

Missing = dict[str, list[Recording]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(4):
        write_voice(tmp_path / f"speech/reader{number % 2}/{number}.wav", seed=number, seconds=2)
    return tmp_path / "speech"


def refuse_decoding(*_: object) -> None:
    raise AssertionError("decoded again")


def test_recordings_are_decoded_once(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepare_speech(str(folder), tmp_path / "cache")
    assert sorted(first.voices) == ["reader0", "reader1"]
    voice = first.voices["reader0"]
    assert voice.dtype == np.int16
    assert len(voice) == pytest.approx(2 * 2 * 16_000, abs=3200)
    assert np.sqrt(np.mean((voice / 32768.0) ** 2)) == pytest.approx(10 ** (-26 / 20), rel=0.05)

    monkeypatch.setattr(sources, "read_audio", refuse_decoding)
    again = prepare_speech(str(folder), tmp_path / "cache")
    assert np.array_equal(again.voices["reader0"], voice)


def test_only_a_changed_readers_recordings_are_decoded_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare_speech(str(folder), tmp_path / "cache")
    write_voice(folder / "reader1/1.wav", seed=9, seconds=3)
    decoded = []
    read_audio = sources.read_audio

    def noted(path: str) -> np.ndarray:
        decoded.append(Path(path).name)
        return read_audio(path)

    monkeypatch.setattr(sources, "read_audio", noted)
    speech = prepare_speech(str(folder), tmp_path / "cache")
    assert sorted(decoded) == ["1.wav", "3.wav"]
    assert len(speech.voices["reader1"]) > len(speech.voices["reader0"])


def test_a_reader_who_left_is_forgotten(folder: Path, tmp_path: Path) -> None:
    prepare_speech(str(folder), tmp_path / "cache")
    for path in (folder / "reader1").iterdir():
        path.unlink()
    assert list(prepare_speech(str(folder), tmp_path / "cache").voices) == ["reader0"]


def test_a_killed_run_goes_on_with_what_is_missing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode = sources_cache._decode
    monkeypatch.setattr(sources_cache, "_SECONDS_BETWEEN_INDEXES", -1.0)

    def killed_after_one(missing: Missing, to: Path) -> Iterator[dict[str, Any]]:
        yield next(decode(missing, to))
        raise KeyboardInterrupt

    monkeypatch.setattr(sources_cache, "_decode", killed_after_one)
    with pytest.raises(KeyboardInterrupt):
        prepare_speech(str(folder), tmp_path / "cache")
    prepared = next((tmp_path / "cache/speech").iterdir())
    with pytest.raises(UserError, match="interrupted; prepare the speech again"):
        open_speech(prepared)

    asked: list[str] = []

    def noted(missing: Missing, to: Path) -> Iterator[dict[str, Any]]:
        asked.extend(missing)
        return decode(missing, to)

    monkeypatch.setattr(sources_cache, "_decode", noted)
    assert len(prepare_speech(str(folder), tmp_path / "cache").voices) == 2
    assert len(asked) == 1


def test_unusable_recordings_are_listed_and_skipped_or_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "reader0/empty.wav").touch()
    (folder / "reader1/text.flac").write_text("no audio")
    soundfile.write(folder / "reader1/silent.wav", np.zeros(32_000), 16_000)
    soundfile.write(folder / "reader1/nan.wav", np.full(32_000, np.nan), 16_000, subtype="FLOAT")
    for _ in range(2):  # the second time from the cache
        speech = prepare_speech(str(folder), tmp_path / "cache")
        listed = capsys.readouterr().err
        for name in ("empty.wav", "text.flac", "silent.wav", "nan.wav"):
            assert sum(name in line for line in listed.splitlines()) == 1
        assert "skipped 4 of 8 recordings" in listed
    assert speech.recordings == 4
    with pytest.raises(UserError, match=r"4 of 8 recordings cannot be used \(see above\)"):
        prepare_speech(str(folder), tmp_path / "cache", strict=True)
    with pytest.raises(UserError, match="4 of 8 recordings cannot be used"):
        prepare_speech(str(speech.folder), strict=True)


def test_a_reader_under_two_names_is_said(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare_speech(str(folder), tmp_path / "cache")
    assert "same sound" not in capsys.readouterr().err
    shutil.copytree(folder / "reader0", folder / "somebody")
    prepare_speech(str(folder), tmp_path / "cache")
    said = "readers reader0 and somebody have the same sound, sample for sample (1 such in all)"
    assert said in capsys.readouterr().err
    (folder / "somebody/0.wav").unlink()  # one recording of two
    prepare_speech(str(folder), tmp_path / "cache")
    assert "same sound" not in capsys.readouterr().err


def test_odd_names_are_only_names(tmp_path: Path) -> None:
    reader = os.fsdecode(b"reader \xff")  # not UTF-8
    write_voice(tmp_path / "speech" / reader / "a.wav", seed=0, seconds=1)
    (tmp_path / "speech/anna").mkdir()
    (tmp_path / "speech/anna/gone.wav").symlink_to(tmp_path / "nowhere.wav")
    speech = prepare_speech(str(tmp_path / "speech"), tmp_path / "cache")
    assert list(speech.voices) == [reader]
    assert split_of(reader) in SPLITS
    assert "gone.wav: no such file" in speech.skipped[0]


def test_nothing_usable_is_refused(tmp_path: Path) -> None:
    (tmp_path / "speech/anna").mkdir(parents=True)
    (tmp_path / "speech/anna/a.wav").touch()
    with pytest.raises(UserError, match="none of its 1 recordings can be used"):
        prepare_speech(str(tmp_path / "speech"), tmp_path / "cache")


def test_prepared_speech_needs_no_decoder(
    prepared_speech: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "soundfile", None)
    monkeypatch.setitem(sys.modules, "soxr", None)
    assert len(prepare_speech(str(prepared_speech)).voices) == 19


def test_damaged_caches_are_refused(folder: Path, tmp_path: Path) -> None:
    prepared = prepare_speech(str(folder), tmp_path / "cache").folder
    voice = next(prepared.glob("*.npy"))
    whole = voice.read_bytes()
    voice.write_bytes(whole[:40])
    with pytest.raises(UserError, match="missing or damaged; delete"):
        open_speech(prepared)
    np.save(voice, np.zeros(3, np.int16))
    with pytest.raises(UserError, match=r"not what speech\.json says"):
        open_speech(prepared)
    (prepared / INDEX_NAME).write_text(json.dumps({"format": "other"}))
    with pytest.raises(UserError, match=r"speech\.json: field"):
        open_speech(prepared)


def test_more_readers_than_a_shell_may_open_files_are_no_damage(
    folder: Path, tmp_path: Path, few_files: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = prepare_speech(str(folder), tmp_path / "cache").folder
    index = json.loads((prepared / INDEX_NAME).read_text())
    index["readers"] = [
        {**index["readers"][0], "reader": f"reader{number}"} for number in range(100)
    ]
    (prepared / INDEX_NAME).write_text(json.dumps(index))
    with monkeypatch.context() as context:
        context.setattr(sources_cache, "allow_files", lambda number: None)
        with pytest.raises(UserError, match="cannot be opened beside all others"):
            open_speech(prepared)
    assert len(open_speech(prepared).voices) == 100


def test_a_copy_of_the_recordings_is_the_same_sound(folder: Path, tmp_path: Path) -> None:
    first = prepare_speech(str(folder), tmp_path / "cache")
    copy = shutil.copytree(folder, tmp_path / "copy", copy_function=shutil.copyfile)
    again = prepare_speech(str(copy), tmp_path / "cache")
    assert again.summary()["index_sha256"] != first.summary()["index_sha256"]
    assert again.sound_sha256() == first.sound_sha256()
    assert again.clips_sha256() == first.clips_sha256()
    write_voice(copy / "reader1/1.wav", seed=9, seconds=3)
    assert prepare_speech(str(copy), tmp_path / "cache").sound_sha256() != first.sound_sha256()


def test_clips_of_other_sound_of_the_same_length_are_other_clips(
    folder: Path, tmp_path: Path
) -> None:
    first = prepare_speech(str(folder), tmp_path / "cache")
    write_voice(folder / "reader1/1.wav", seed=9, seconds=2)
    again = prepare_speech(str(folder), tmp_path / "cache")
    assert again.clips_sha256() != first.clips_sha256()


def test_an_index_without_the_files_hashes_stands_for_itself(folder: Path, tmp_path: Path) -> None:
    prepared = prepare_speech(str(folder), tmp_path / "cache")
    path = prepared.folder / INDEX_NAME
    index = json.loads(path.read_text())
    del index["readers"][0]["sha256"]
    path.write_text(json.dumps(index))
    old = prepare_speech(str(folder), tmp_path / "cache")
    assert old.clips_sha256() == old.summary()["index_sha256"] != prepared.clips_sha256()


def test_an_index_that_lists_every_recording_is_still_read(folder: Path, tmp_path: Path) -> None:
    prepared = prepare_speech(str(folder), tmp_path / "cache").folder
    path = prepared / INDEX_NAME
    present = json.loads(path.read_text())
    source = find_source(str(folder))
    old = {**present, "schema_version": 1, "readers": []}
    for entry in present["readers"]:
        listed = [item for item in source.recordings if item.reader == entry["reader"]]
        names = [{"name": item.name, "version": item.version} for item in listed]
        old["readers"].append({**entry, "recordings": names})
    path.write_text(json.dumps(old))
    assert open_speech(prepared).recordings == 4
    written = {file: file.stat().st_mtime_ns for file in prepared.glob("*.npy")}
    prepare_speech(str(folder), tmp_path / "cache")
    assert {file: file.stat().st_mtime_ns for file in prepared.glob("*.npy")} == written
    path.write_text(json.dumps({"schema_version": 1}))
    with pytest.raises(UserError, match=r"speech\.json: damaged; delete"):
        open_speech(prepared)


def test_summary_names_neither_people_nor_folders(folder: Path, tmp_path: Path) -> None:
    summary = prepare_speech(str(folder), tmp_path / "cache").summary()
    assert summary["readers"] == 2
    assert summary["recordings"] == 4
    assert summary["hours"] == pytest.approx(8 / 3600, abs=1e-3)
    assert "reader0" not in json.dumps(summary)
    assert str(tmp_path) not in json.dumps(summary)


def test_cache_folder_is_the_argument_then_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ERSAM_CACHE", raising=False)
    assert cache_root() == Path(".cache/ersam")
    monkeypatch.setenv("ERSAM_CACHE", "/elsewhere")
    assert cache_root() == Path("/elsewhere")
    assert cache_root("here") == Path("here")


def test_a_cache_that_is_a_file_is_refused_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(UserError, match=f"^cache: {file} is a file; name a folder$"):
        cache_root(file)
    monkeypatch.setenv("ERSAM_CACHE", str(file))
    with pytest.raises(UserError, match=f"^ERSAM_CACHE: {file} is a file; name a folder$"):
        cache_root()
