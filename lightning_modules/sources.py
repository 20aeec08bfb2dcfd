"""Where speech comes from: a folder of recordings, torchaudio's LibriSpeech, or espeak's voices.

A source lists its recordings cheaply; `sources_cache` decodes each of them once.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from lightning_modules.audio import Float32, read_audio
from lightning_modules.audio_folder import PassedBy, walk_audio
from search_spaces.errors import UserError, describe_os_error

DEFAULT_VOICES = 120  # of espeak: enough for more than 10 readers in each split

# <reader>/<chapter>/<reader>-<chapter>-<utterance>.flac (Panayotov et al., ICASSP 2015), and with _
# LibriTTS (Zen et al. 2019; its utterances have two numbers) and MLS (Pratap et al. 2020)
_LIBRISPEECH_FILE = re.compile(
    r"(?P<reader>\d+)(?P<between>[-_])(?P<chapter>\d+)(?P=between)\d+(_\d+)?"
)


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording of one reader.

    Attributes:
        reader: id of the reader; the split is made from it.
        name: path relative to the source's folder, or the voice and the text it reads.
        version: changes when the recording does (a file's bytes and modification time).
        load: returns it as mono float32 [T] at 16 kHz, or raises `UserError`.
    """

    reader: str
    name: str
    version: str
    load: Callable[[], Float32] = field(repr=False, compare=False)


@dataclass(frozen=True)
class Source:
    """Recordings of many readers.

    Attributes:
        kind: ``folder``, ``librispeech`` or ``espeak``.
        place: the folder as an absolute path, or the number of voices.
        recordings: sorted by reader and name.
        remarks: what may not be as it was meant: links, other kinds of audio, folders of one name.
    """

    kind: str
    place: str
    recordings: tuple[Recording, ...]
    remarks: tuple[str, ...] = ()


def find_source(speech: str) -> Source:
    """List the recordings that ``speech`` names.

    Args:
        speech: a folder (reader = parent folder, or LibriSpeech's layout); ``espeak`` or
            ``espeak:<voices>``; ``librispeech:<root>/<subset>``, which is torchaudio's
            ``LIBRISPEECH(root, url=subset)``.

    Raises:
        UserError: no such folder, no recordings in it, or an unknown number of voices.
    """
    if not speech:
        raise UserError("speech: is empty; name a folder of recordings, or espeak")
    kind, _, place = speech.partition(":")
    if kind == "espeak":
        from lightning_modules.sources_espeak import espeak_source

        return espeak_source(place or str(DEFAULT_VOICES))
    if kind == "librispeech" and place:
        return librispeech_source(Path(place).parent, Path(place).name)
    return folder_source(Path(speech))


def warn_of_remarks(source: Source, field: str) -> None:
    """A line on stderr for each of the source's remarks."""
    for remark in source.remarks:
        print(f"warning: {field}: {remark}", file=sys.stderr)


def folder_source(folder: Path) -> Source:
    """Every wav, flac, mp3 and ogg file below ``folder``, hidden ones left out.

    The reader is the name of the file's parent folder; in LibriSpeech's layout, which is also that
    of LibriTTS and MLS, it is the folder above that, the chapter's.

    Raises:
        UserError: ``folder`` is missing, is a file, may not be read, or holds no such file.
    """
    if not folder.is_dir():
        reason = (
            "is a file, expected a folder of recordings" if folder.exists() else "no such folder"
        )
        raise UserError(f"speech: {folder}: {reason}")
    root = str(folder.resolve())
    recordings = []
    passed_by = PassedBy()
    folders: dict[str, str] = {}  # of each reader who is named by the parent folder, the first
    namesakes: dict[str, tuple[str, str]] = {}  # of these, with another folder
    for parent, names in walk_audio(root, _refuse_folder, passed_by):
        for name in names:
            reader = _reader_of(parent, name.rpartition(".")[0])
            recordings.append(_file_recording(f"{parent}/{name}", root, reader))
            if parent.endswith(f"/{reader}") and folders.setdefault(reader, parent) != parent:
                first = folders[reader]
                namesakes.setdefault(reader, (min(first, parent), max(first, parent)))
    remarks = passed_by.lines()
    if not recordings:
        raise UserError(
            f"speech: {folder}: holds no wav, flac, mp3 or ogg file; expected <reader>/<recording>"
            f"{''.join(f'; {remark}' for remark in remarks)}"
        )
    if namesakes:
        first, second = min(namesakes.values())
        remarks.append(
            f"{first} and {second} are taken for one reader ({len(namesakes)} such in all); if they"
            " are two people, let the folder that holds the recordings be named after the reader"
        )
    return Source("folder", root, _sorted(recordings), tuple(remarks))


def librispeech_source(root: Path, subset: str) -> Source:
    """A subset of LibriSpeech as `torchaudio.datasets.LIBRISPEECH` finds it under ``root``.

    Only its metadata is used: decoding by torchaudio 2.11 needs torchcodec. A copy without the
    transcripts, which that metadata needs, is listed as a folder.

    Raises:
        UserError: unknown subset, or not there.
    """
    from torchaudio.datasets import LIBRISPEECH

    try:
        dataset = LIBRISPEECH(root, url=subset, download=False)
    except (ValueError, RuntimeError) as error:
        raise UserError(
            f"speech: librispeech:{root}/{subset}: {str(error).split(' Please')[0]} expected"
            " librispeech:<root>/<subset> with the audio in <root>/LibriSpeech/<subset>"
        ) from None
    folder = Path(root, "LibriSpeech", subset).resolve()
    try:
        rows = [dataset.get_metadata(n) for n in range(len(dataset))]
    except FileNotFoundError:
        return Source("librispeech", str(folder), folder_source(folder).recordings)
    if not rows:
        raise UserError(f"speech: {folder}: holds no LibriSpeech recording")
    recordings = [
        _file_recording(str((folder.parent / row[0]).resolve()), str(folder), str(row[3]))
        for row in rows
    ]
    return Source("librispeech", str(folder), _sorted(recordings))


def _refuse_folder(error: OSError) -> None:
    raise UserError(f"speech: {describe_os_error(error)}") from None


def _reader_of(parent: str, stem: str) -> str:
    match = _LIBRISPEECH_FILE.fullmatch(stem)
    if match and parent.endswith(f"/{match['reader']}/{match['chapter']}"):
        return match["reader"]
    return parent.rpartition("/")[2]


def _file_recording(path: str, root: str, reader: str) -> Recording:
    version = "not readable"  # also of a link to nowhere; loading it says why
    if os.access(path, os.R_OK):
        status = Path(path).stat()
        version = f"{status.st_size} bytes, {status.st_mtime_ns} ns"
    return Recording(
        reader=reader,
        name=path.removeprefix(f"{root}/"),
        version=version,
        load=partial(read_audio, path),
    )


def _sorted(recordings: list[Recording]) -> tuple[Recording, ...]:
    return tuple(sorted(recordings, key=lambda item: (item.reader, item.name)))
