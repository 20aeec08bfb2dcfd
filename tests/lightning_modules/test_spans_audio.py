from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from lightning_modules import spans_audio
from lightning_modules.spans_audio import open_recording, prepare_recordings, recording_sha256
from search_spaces.errors import UserError


def test_a_recording_is_decoded_once_until_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.full(16_000, 3.0), 16_000, subtype="FLOAT")
    prepare_recordings([path, path], tmp_path / "cache")
    assert set(open_recording(path, tmp_path / "cache")) == {32767}  # brought within full scale
    (kept,) = (tmp_path / "cache" / "spans").glob("*.npy")
    before = kept.stat().st_mtime_ns
    prepare_recordings([path], tmp_path / "cache")
    assert kept.stat().st_mtime_ns == before
    soundfile.write(path, np.full(8_000, 0.5), 16_000)
    prepare_recordings([path], tmp_path / "cache")
    assert len(open_recording(path, tmp_path / "cache")) == 8_000


def test_a_damaged_recording_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("no audio")
    with pytest.raises(UserError, match=r"a\.wav: cannot be decoded"):
        prepare_recordings([tmp_path / "a.wav"], tmp_path / "cache")


def test_the_digest_of_a_recording_is_of_its_sound(tmp_path: Path) -> None:
    tone = np.sin(np.arange(16_000))
    soundfile.write(tmp_path / "a.wav", 0.5 * tone, 16_000)
    shutil.copyfile(tmp_path / "a.wav", tmp_path / "copy.wav")
    soundfile.write(tmp_path / "faint.wav", 0.4 * tone, 16_000)
    paths = [tmp_path / f"{name}.wav" for name in ("a", "copy", "faint")]
    prepare_recordings(paths, tmp_path / "cache")
    first, copy, faint = (recording_sha256(path, tmp_path / "cache") for path in paths)
    assert first == copy != faint
    for kept in (tmp_path / "cache" / "spans").glob("*.sha256"):
        kept.unlink()  # as an earlier version left it
    prepare_recordings(paths, tmp_path / "cache")
    assert recording_sha256(paths[2], tmp_path / "cache") == faint


def test_killed_between_its_two_passes_a_recording_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, calls = tmp_path / "a.wav", []
    soundfile.write(path, np.full(16_000, 3.0), 16_000, subtype="FLOAT")
    read_blocks = spans_audio.read_blocks

    def deadly(path: Path) -> Iterator[np.ndarray]:
        calls.append(path)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return read_blocks(path)

    monkeypatch.setattr(spans_audio, "read_blocks", deadly)
    with pytest.raises(KeyboardInterrupt):
        prepare_recordings([path], tmp_path / "cache")
    assert not list((tmp_path / "cache" / "spans").iterdir())
