"""Clips of real recordings: windows of the labelled spans, and of the sound between them.

Legend: N clips, T samples of a clip.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_modules.audio import MIN_SECONDS, Int16
from lightning_modules.audio_maps import allow_files
from lightning_modules.seconds import ROUNDING_S
from lightning_modules.spans import Span
from lightning_modules.spans_audio import open_recording, recording_sha256
from lightning_modules.spans_split import check_uses, validation_names
from search_spaces.clip import CLIP_SAMPLES, SAMPLE_RATE_HZ
from search_spaces.errors import UserError
from search_spaces.files import real_path, sha256_json

_MIN_SAMPLES = int(MIN_SECONDS * SAMPLE_RATE_HZ)


class Windows:
    """Clips cut out of recordings, by number.

    Args:
        recordings: int16 samples of each.
        cuts: int64 [N, 3]: recording, first sample, number of samples (at most T).
    """

    def __init__(self, recordings: Sequence[Int16], cuts: NDArray[np.int64]) -> None:
        self._recordings = recordings
        self.cuts = cuts

    def __len__(self) -> int:
        return len(self.cuts)

    def __getitem__(self, number: int) -> Int16:
        """Clip ``number``, int16 [T]; a shorter cut is repeated, as `deploy predict` does."""
        recording, start, samples = self.cuts[number]
        return np.resize(self._recordings[recording][start : start + samples], CLIP_SAMPLES)

    def stacked(self, numbers: Iterable[int] | None = None) -> Int16:
        """Clips by number, all if not given, int16 [N, T]."""
        chosen = list(range(len(self)) if numbers is None else numbers)
        clips = np.empty((len(chosen), CLIP_SAMPLES), np.int16)
        for row, number in enumerate(chosen):
            clips[row] = self[number]
        return clips


class LabelledWindows(NamedTuple):
    """N clips with their interval labels, int64 [N] each."""

    clips: Windows
    lo: NDArray[np.int64]
    hi: NDArray[np.int64]


class RecordedClips(NamedTuple):
    """What a table of spans gives."""

    train: LabelledWindows
    validation: LabelledWindows
    unlabelled: Windows  # of the training recordings, outside labelled spans
    summary: dict[str, Any]  # without names of people or files
    sound_sha256: str  # of the recordings' samples

    def announce(self, protocol: str) -> None:
        """One line on stderr, and a warning if the protocol adds up counts that do not add."""
        print(
            f"recordings: {self.summary['recordings']}; clips of 5 s: {len(self.train.clips)}"
            f" labelled for training, {len(self.validation.clips)} for validation,"
            f" {len(self.unlabelled)} unlabelled",
            file=sys.stderr,
        )
        if protocol == "libricount":
            print(
                "warning: data.recordings: people pause in recordings, but under libricount counts"
                " of summed clips add exactly; data.protocol rooms fits them",
                file=sys.stderr,
            )

    def calibration(self, number: int, share: float) -> Int16:
        """A share of ``number`` clips for batch norm, int16 [N, T]: without labels if possible."""
        wanted = round(share * number)
        rng = np.random.default_rng(0)
        first, then = self.unlabelled, self.train.clips
        chosen = rng.permutation(len(first))[:wanted]
        more = rng.permutation(len(then))[: wanted - len(chosen)]
        return np.concatenate([first.stacked(chosen), then.stacked(more)])


def open_recorded(spans: Sequence[Span], cache: Path | str | None = None) -> RecordedClips:
    """Cut prepared recordings.

    A labelled span is cut from its start every 5 s; what remains at its end becomes one more clip,
    which ends with the span, if it is 0.5 s or more. A span below 5 s is one clip, repeated.

    Args:
        spans: of the table.
        cache: see `sources_cache.cache_root`.

    Raises:
        UserError: a span outside its recording, shorter than 0.5 s or across another one; rows
            that disagree about a recording's use; recordings that cannot be split; one sound under
            two names with two labels, or in training and validation.
    """
    by_name = _by_recording(spans)
    paths = [members[0].path for members in by_name.values()]
    allow_files(len(paths))
    sounds = [open_recording(path, cache) for path in paths]
    digests = [recording_sha256(path, cache) for path in paths]
    placed: dict[str, list[tuple[Span, int, int]]] = {}
    cuts: dict[str, list[_Cut]] = {}
    gaps: dict[str, list[tuple[int, int, int]]] = {}
    for at, (name, members) in enumerate(by_name.items()):
        placed[name] = taken = _in_samples(members, len(sounds[at]))
        cuts[name] = [
            _Cut(at, start, samples, *span.label)
            for span, begin, end in taken
            if span.label is not None
            for start, samples in _cut(begin, end)
        ]
        labelled = [(begin, end) for span, begin, end in taken if span.label is not None]
        gaps[name] = [(at, start, CLIP_SAMPLES) for start in _between(labelled, len(sounds[at]))]
    _check_labels(placed, digests)
    validation = validation_names(by_name, {name: len(cuts[name]) for name in cuts})
    check_uses(by_name, digests, validation)
    train = [name for name in by_name if name not in validation]
    unlabelled = np.array([gap for name in train for gap in gaps[name]], np.int64).reshape(-1, 3)
    clips = (
        _labelled(sounds, [cut for name in train for cut in cuts[name]]),
        _labelled(sounds, [cut for name in by_name if name in validation for cut in cuts[name]]),
        Windows(sounds, unlabelled),
    )
    return RecordedClips(
        *clips,
        _summary(*clips, recordings=len(sounds)),
        sha256_json(digests),
    )


def _by_recording(spans: Sequence[Span]) -> dict[str, list[Span]]:
    """The spans of each file, whose rows may spell its path in several ways, by the least name."""
    by_path: dict[Path, list[Span]] = {}
    for span in spans:
        by_path.setdefault(real_path(span.path), []).append(span)
    return {min(span.name for span in members): members for members in by_path.values()}


class _Cut(NamedTuple):
    recording: int
    start: int
    samples: int
    lo: int
    hi: int


def _in_samples(spans: Sequence[Span], length: int) -> list[tuple[Span, int, int]]:
    """The spans of one recording in order, each with its first sample and the one behind it."""
    placed = []
    for span in spans:
        begin = round(span.start_s * SAMPLE_RATE_HZ)
        wanted = length / SAMPLE_RATE_HZ if np.isinf(span.end_s) else span.end_s
        end = min(round(wanted * SAMPLE_RATE_HZ), length)
        if wanted > length / SAMPLE_RATE_HZ + ROUNDING_S:
            raise UserError(
                f"{span.where}: end_s {span.end_s:g}, but {span.name} ends at"
                f" {length / SAMPLE_RATE_HZ:.2f} s"
            )
        if end - begin < _MIN_SAMPLES:
            raise UserError(
                f"{span.where}: the span holds {max(0, end - begin) / SAMPLE_RATE_HZ:.2f} s of"
                f" {span.name}, at least {MIN_SECONDS} s is needed"
            )
        placed.append((span, begin, end))
    labelled = sorted((item for item in placed if item[0].label), key=lambda item: item[1])
    for (earlier, _, end), (later, begin, _) in pairwise(labelled):
        if begin < end:
            raise UserError(
                f"{later.where}: its span overlaps that of {earlier.where} in {later.name};"
                " let one end where the other begins"
            )
    return placed


def _check_labels(
    placed: Mapping[str, Sequence[tuple[Span, int, int]]], digests: Sequence[str]
) -> None:
    """Refuse one sound, under two names, with two labels at one place."""
    by_sound: dict[str, list[tuple[Span, int, int]]] = {}
    for digest, items in zip(digests, placed.values(), strict=True):
        by_sound.setdefault(digest, []).extend(item for item in items if item[0].label)
    for items in by_sound.values():
        reaching: list[tuple[Span, int]] = []  # at most one of each name
        for span, begin, end in sorted(items, key=lambda item: item[1]):
            reaching = [earlier for earlier in reaching if earlier[1] > begin]
            for other, _ in reaching:
                if other.label != span.label:
                    raise UserError(
                        f"{span.where}: {span.name} is the same sound as {other.name}, which"
                        f" {other.where} labels otherwise; mend one"
                    )
            reaching.append((span, end))


def _cut(begin: int, end: int) -> Iterator[tuple[int, int]]:
    """First sample and length of each clip of a span."""
    if end - begin < CLIP_SAMPLES:
        yield begin, end - begin
        return
    yield from (
        (start, CLIP_SAMPLES) for start in range(begin, end - CLIP_SAMPLES + 1, CLIP_SAMPLES)
    )
    if (end - begin) % CLIP_SAMPLES >= _MIN_SAMPLES:
        yield end - CLIP_SAMPLES, CLIP_SAMPLES


def _between(labelled: Sequence[tuple[int, int]], length: int) -> Iterator[int]:
    """First samples of whole clips outside the labelled stretches."""
    ordered = sorted(labelled)
    ends = [0, *(end for _, end in ordered)]
    begins = [*(begin for begin, _ in ordered), length]
    for gap_begin, gap_end in zip(ends, begins, strict=True):
        yield from range(gap_begin, gap_end - CLIP_SAMPLES + 1, CLIP_SAMPLES)


def _labelled(sounds: Sequence[Int16], cuts: Sequence[_Cut]) -> LabelledWindows:
    table = np.array(cuts, np.int64).reshape(-1, len(_Cut._fields))
    return LabelledWindows(Windows(sounds, table[:, :3]), table[:, 3], table[:, 4])


def _summary(
    train: LabelledWindows, validation: LabelledWindows, unlabelled: Windows, recordings: int
) -> dict[str, Any]:
    digest = hashlib.sha256()
    labelled = (
        table for part in (train, validation) for table in (part.clips.cuts, part.lo, part.hi)
    )
    for table in (*labelled, unlabelled.cuts):
        digest.update(np.ascontiguousarray(table).tobytes())
    return {
        "recordings": recordings,
        "train_clips": len(train.clips),
        "validation_clips": len(validation.clips),
        "unlabelled_clips": len(unlabelled),
        "sha256": digest.hexdigest(),
    }
