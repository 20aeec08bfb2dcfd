"""Speech decoded once: 16 kHz mono int16, one .npy per reader and an index that names them.

Training reads only this folder, so it also works where no decoder is installed.
Legend: T samples.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from lightning_modules.audio import MIN_SECONDS, Float32, Int16, to_pcm16
from lightning_modules.audio_activity import keep_speech
from lightning_modules.audio_maps import allow_files, map_npy
from lightning_modules.audio_npy import write_npy
from lightning_modules.sources import Recording, Source, find_source, warn_of_remarks
from search_spaces.clip import SAMPLE_RATE_HZ
from search_spaces.errors import UserError
from search_spaces.files import (
    check_json,
    load_schema,
    read_json,
    sha256_file,
    sha256_json,
    sha256_text,
    write_json,
)

INDEX_NAME = "speech.json"
SCHEMA_VERSION = 2
CACHE_VARIABLE = "ERSAM_CACHE"

_SCHEMA_FOLDER = Path(__file__).parent / "schemas"
_SECONDS_BETWEEN_INDEXES = 5.0  # a kill loses at most this much decoding
_LEVEL_RMS = 10 ** (-26 / 20)  # of each recording, so that joins within one reader are even
_LARGEST_PEAK = 0.99


@dataclass(frozen=True)
class Speech:
    """Prepared speech.

    Attributes:
        folder: the cache folder.
        voices: reader id -> that reader's recordings joined, int16 [T], memory-mapped.
        kind: what it was made from (``folder``, ``librispeech``, ``espeak``).
        place: the folder that it was made from, as an absolute path, or the number of voices.
        recordings: how many recordings it holds.
        skipped: the refused ones' messages.
        files_sha256: reader id -> SHA-256 of the reader's .npy, where the index has it.
    """

    folder: Path
    voices: dict[str, Int16]
    kind: str
    place: str
    recordings: int
    skipped: list[str]
    files_sha256: dict[str, str]

    def summary(self) -> dict[str, Any]:
        """What it is, without names of people or folders (it travels with the trained model)."""
        samples = sum(len(voice) for voice in self.voices.values())
        return {
            "kind": self.kind,
            "readers": len(self.voices),
            "recordings": self.recordings,
            "skipped_recordings": len(self.skipped),
            "hours": round(samples / SAMPLE_RATE_HZ / 3600, 3),
            "index_sha256": sha256_file(self.folder / INDEX_NAME),
        }

    def sound_sha256(self) -> str:
        """Of what the sound is known by: the readers, and how many samples each has.

        The index's own hash changes with the recordings' times and folder; this one is also that
        of a copy, or of the prepared folder alone.
        """
        return sha256_json({reader: len(voice) for reader, voice in self.voices.items()})

    def clips_sha256(self) -> str:
        """Of all that clips mixed of this speech depend on: the readers and their samples.

        The same for recordings that were copied or mounted anew. Of speech that was prepared before
        the index had the files' hashes it is the index's own.
        """
        if self.files_sha256.keys() != self.voices.keys():
            return sha256_file(self.folder / INDEX_NAME)
        return sha256_json(self.files_sha256)


def cache_root(cache: Path | str | None = None) -> Path:
    """The cache folder: ``cache``, else ``$ERSAM_CACHE``, else ``.cache/ersam`` here.

    Raises:
        UserError: it is a file.
    """
    of_shell = os.environ.get(CACHE_VARIABLE)
    root = Path(cache or of_shell or Path(".cache", "ersam"))
    if root.is_file():
        field = CACHE_VARIABLE if of_shell and not cache else "cache"
        raise UserError(f"{field}: {root} is a file; name a folder")
    return root


def prepare_speech(speech: str, cache: Path | str | None = None, strict: bool = False) -> Speech:
    """Decode what is new or changed in ``speech`` into the cache, and open it.

    Killed and started again, it goes on with the readers that are still missing. Recordings that
    cannot be used are listed by name on stderr and skipped.

    Args:
        speech: see `sources.find_source`; or a folder that this function has prepared before
            (it holds ``speech.json``), which is opened as it is.
        cache: see `cache_root`.
        strict: refuse, instead of skip, recordings that cannot be used.

    Raises:
        UserError: nothing usable, or ``strict`` and something to skip.
    """
    if Path(speech, INDEX_NAME).is_file():
        prepared = open_speech(Path(speech))
    else:
        source = find_source(speech)
        warn_of_remarks(source, "speech")
        folder = cache_root(cache) / "speech" / _cache_name(source)
        _decode_missing(source, folder)
        prepared = open_speech(folder)
    _report_skipped(speech, prepared, strict)
    _warn_of_copies(speech, prepared)
    return prepared


def open_speech(folder: Path) -> Speech:
    """Open a prepared cache folder; nothing is decoded.

    Raises:
        UserError: not such a folder, unfinished, or damaged; or it has more readers than files may
            be open.
    """
    index = _read_index(folder / INDEX_NAME)
    if not index["complete"]:
        raise UserError(f"{folder}: preparing it was interrupted; prepare the speech again")
    voices = {}
    allow_files(len(index["readers"]))
    for entry in index["readers"]:
        if not entry["samples"]:
            continue
        path = folder / entry["file"]
        voice = map_npy(path, f"delete {folder} and prepare it again")
        if voice.dtype != np.int16 or voice.shape != (entry["samples"],):
            raise UserError(
                f"{path}: not what {INDEX_NAME} says; delete {folder} and prepare it again"
            )
        voices[entry["reader"]] = voice
    entries = index["readers"]
    known = {e["reader"]: e["sha256"] for e in entries if e["samples"] and "sha256" in e}
    return Speech(
        folder=folder,
        voices=voices,
        kind=index["source"]["kind"],
        place=index["source"]["place"],
        recordings=sum(e["recordings"]["number"] - len(e["skipped"]) for e in entries),
        skipped=[message for e in entries for message in e["skipped"]],
        files_sha256=known,
    )


def _decode_missing(source: Source, folder: Path) -> None:
    wanted = {
        reader: list(recordings)
        for reader, recordings in groupby(source.recordings, key=lambda item: item.reader)
    }
    path = folder / INDEX_NAME
    old = _read_index(path) if path.is_file() else {"readers": []}
    done = {
        entry["reader"]: entry
        for entry in old["readers"]
        if entry["reader"] in wanted
        and entry["recordings"] == _listing(wanted[entry["reader"]])
        and (not entry["samples"] or (folder / entry["file"]).is_file())
    }
    missing = {reader: wanted[reader] for reader in wanted if reader not in done}
    written = time.monotonic()
    for entry in _decode(missing, folder):
        done[entry["reader"]] = entry
        if time.monotonic() - written > _SECONDS_BETWEEN_INDEXES:
            write_json(path, _index(source, done, complete=False), _schema())
            written = time.monotonic()
    index = _index(source, done, complete=True)
    if index != old:
        write_json(path, index, _schema())


def _decode(missing: dict[str, list[Recording]], folder: Path) -> Iterator[dict[str, Any]]:
    if not missing:
        return
    folder.mkdir(parents=True, exist_ok=True)
    pool = ThreadPoolExecutor(os.cpu_count())  # the decoder and the resampler release the GIL
    try:
        jobs = [pool.submit(_decode_reader, *item, folder) for item in missing.items()]
        for job in tqdm(as_completed(jobs), "Decoding readers", len(jobs)):
            yield job.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _decode_reader(reader: str, recordings: list[Recording], folder: Path) -> dict[str, Any]:
    skipped: list[str] = []

    def pieces() -> Iterator[Int16]:
        for recording in recordings:
            try:
                yield _level(_speech_of(recording))
            except UserError as error:
                skipped.append(str(error))

    name = f"{sha256_text(reader)[:16]}.npy"
    samples = write_npy(folder / name, pieces())
    return {
        "reader": reader,
        "file": name,
        "samples": samples,
        **({"sha256": sha256_file(folder / name)} if samples else {}),
        "recordings": _listing(recordings),
        "skipped": skipped,
    }


def _speech_of(recording: Recording) -> Float32:
    speech = keep_speech(recording.load())
    if len(speech) < MIN_SECONDS * SAMPLE_RATE_HZ:
        raise UserError(
            f"{recording.name}: holds {len(speech) / SAMPLE_RATE_HZ:.2f} s of sound besides"
            f" silence, at least {MIN_SECONDS} s is needed"
        )
    return speech


def _level(speech: Float32) -> Int16:
    rms = float(np.sqrt(np.mean(np.square(speech))))
    gain = min(_LEVEL_RMS / rms, _LARGEST_PEAK / float(np.abs(speech).max()))
    return to_pcm16(speech * np.float32(gain))


def _listing(recordings: list[Recording]) -> dict[str, Any]:
    """Tells whether a reader's recordings have changed, however many there are."""
    return _fingerprint([(recording.name, recording.version) for recording in recordings])


def _fingerprint(named: list[tuple[str, str]]) -> dict[str, Any]:
    return {"number": len(named), "sha256": sha256_text(json.dumps(named))}


def _old_listing(entry: dict[str, Any]) -> dict[str, Any]:
    return _fingerprint([(item["name"], item["version"]) for item in entry["recordings"]])


def _read_index(path: Path) -> dict[str, Any]:
    """Read `speech.json`; one of version 1, which lists every recording, becomes the present one.

    Raises:
        UserError: missing, not JSON, or not what the schema says.
    """
    value = read_json(path, {})
    if isinstance(value, dict) and value.get("schema_version") == 1:
        try:
            readers = [{**entry, "recordings": _old_listing(entry)} for entry in value["readers"]]
        except (KeyError, TypeError):
            raise UserError(f"{path}: damaged; delete {path.parent} and prepare it again") from None
        value = {**value, "schema_version": SCHEMA_VERSION, "readers": readers}
    check_json(path, value, _schema())
    return value


def _index(source: Source, entries: dict[str, dict[str, Any]], complete: bool) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "format": "ersam-speech",
        "rate_hz": SAMPLE_RATE_HZ,
        "complete": complete,
        "source": {"kind": source.kind, "place": source.place},
        "readers": [entries[reader] for reader in sorted(entries)],
    }


def _report_skipped(name: str, speech: Speech, strict: bool) -> None:
    skipped, total = len(speech.skipped), speech.recordings + len(speech.skipped)
    for message in speech.skipped:
        print(f"skipped: {message}", file=sys.stderr)
    if not speech.voices:
        raise UserError(f"speech: {name}: none of its {total} recordings can be used (see above)")
    if skipped and strict:
        raise UserError(
            f"speech: {name}: {skipped} of {total} recordings cannot be used (see above); remove"
            " them or drop strict"
        )
    if skipped:
        print(f"warning: skipped {skipped} of {total} recordings of {name}", file=sys.stderr)


def _warn_of_copies(name: str, speech: Speech) -> None:
    """One line on stderr if a reader is there under two names."""
    first: dict[str, str] = {}
    copies = [
        (other, reader)
        for reader, sha256 in speech.files_sha256.items()
        if (other := first.setdefault(sha256, reader)) != reader
    ]
    if copies and speech.kind != "espeak":
        other, reader = copies[0]
        print(
            f"warning: speech: {name}: readers {other} and {reader} have the same sound, sample"
            f" for sample ({len(copies)} such in all), and count as two people, maybe one in"
            " training and one in the test; remove one of the two folders",
            file=sys.stderr,
        )


def _cache_name(source: Source) -> str:
    identity = sha256_text(f"{source.kind}:{source.place}")[:8]
    stem = Path(source.place).name if source.kind != "espeak" else source.place
    return f"{source.kind}-{stem}-{identity}"


def _schema() -> dict[str, Any]:
    return load_schema(_SCHEMA_FOLDER, "speech")
