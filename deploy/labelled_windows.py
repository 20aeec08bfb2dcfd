"""Recordings with segments of their speakers as 5 s windows with counts.

Letters: K speakers, F frames of 20 ms, N windows.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deploy.audio_files import audio_files
from deploy.labelled_clips import LabelledClip
from deploy.segments import find_segment_files, origin_of, read_segments
from deploy.segments_corpora import LIBRICSS_NAME
from deploy.segments_segment import Segment
from deploy.windows import duration_s
from lightning_modules.audio_activity import FRAME_MS, bridge_pauses
from lightning_modules.rooms import BRIDGED_PAUSE_MS
from search_spaces.clip import CLIP_SECONDS, MAX_COUNT
from search_spaces.errors import UserError
from search_spaces.files import real_path

_FRAMES_PER_S = 1000 // FRAME_MS
_WINDOW_FRAMES = round(CLIP_SECONDS * _FRAMES_PER_S)
_LARGEST_EXCESS_S = 2.0  # of segments over the recording: more is not a matter of rounding
_LIBRICSS_RECORDING = Path("record", "raw_recording.wav")  # within a session


def read_labelled_windows(recordings: Path, segments: Path) -> list[LabelledClip]:
    """Every whole 5 s of every recording that has segments, with the most who speak at once.

    A speaker is heard in the recording whose name begins with the id that the file of segments
    gives, up to a dot (``EN2002a.Mix-Headset.wav`` of ``EN2002a``), one of LibriCSS in the
    session's ``record/raw_recording.wav``. Recordings without segments are left out, with a line on
    stderr.

    Args:
        recordings: an audio file, or a folder with recordings in any sub-folder.
        segments: a file, or a folder of them; see `find_segment_files`.

    Raises:
        UserError: segments without a recording or with several, that end far behind it, or of more
            than 10 people at once; a recording below 5 s or without a known length, or of which
            two files say who speaks in it.
    """
    found = audio_files([recordings])
    for problem in found.problems:
        raise UserError(problem)
    spoken: dict[Path, list[Segment]] = {}
    protocols: dict[Path, str | None] = {}
    said_by: dict[Path, Path] = {}
    for path in find_segment_files(segments):
        libricss = path.name == LIBRICSS_NAME
        for segment in read_segments(path):
            recording = (
                _session_recording(path, found.paths)
                if libricss
                else _recording_of(segment.recording, path, found.paths)
            )
            # a reference beside a system's guess: one speaker under two names would be two people
            origin = origin_of(path)
            if (other := said_by.setdefault(recording, origin)) != origin:
                raise UserError(
                    f"{path}: {other} says too who speaks in {recording}; give --segments one of"
                    " them, or a folder with one file per recording"
                )
            spoken.setdefault(recording, []).append(segment)
            # LibriCSS sorts its sessions by overlap: 0L, 0S, OV10...
            protocols[recording] = (
                f"LibriCSS {path.resolve().parents[2].name}" if libricss else None
            )
    left_out = len(found.paths) - len(spoken)
    if left_out:
        print(f"left out for want of segments: {left_out} audio files", file=sys.stderr)
    folder = recordings if recordings.is_dir() else recordings.parent
    return [
        LabelledClip(
            recording,
            f"{recording.relative_to(folder)} at {number * CLIP_SECONDS:g} s",
            count,
            protocol=protocols[recording],
            start_s=number * CLIP_SECONDS,
        )
        for recording in sorted(spoken)
        for number, count in enumerate(_counts(recording, spoken[recording]))
    ]


def window_counts(segments: Sequence[Segment], windows: int) -> NDArray[np.int64]:
    """The most speakers at the same moment in each window [N], as `rooms` counts them.

    A speaker speaks in the 20 ms frames that a segment covers and through pauses of up to 0.2 s
    between them; what is said behind the last window is left out.
    """
    speakers = sorted({segment.speaker for segment in segments})
    frames = windows * _WINDOW_FRAMES
    speaking = np.zeros((len(speakers), frames + _WINDOW_FRAMES), bool)  # [K, F]
    for segment in segments:
        bounds = (round(at * _FRAMES_PER_S) for at in (segment.start_s, segment.end_s))
        speaking[speakers.index(segment.speaker), slice(*bounds)] = True
    speaking = bridge_pauses(speaking, BRIDGED_PAUSE_MS)[:, :frames]
    together = speaking.sum(axis=0, dtype=np.int64)
    return together.reshape(windows, _WINDOW_FRAMES).max(axis=1)


def _counts(recording: Path, segments: Sequence[Segment]) -> list[int]:
    length_s = duration_s(recording)
    if length_s is None or length_s < CLIP_SECONDS:
        # cut off, not rounded: 4.9999 s are not "5.00 s, expected at least 5 s"
        known = (
            "no known length" if length_s is None else f"{math.floor(100 * length_s) / 100:.2f} s"
        )
        raise UserError(f"{recording}: {known}, expected at least {CLIP_SECONDS:g} s; use wav")
    last = max(segments, key=lambda segment: segment.end_s)
    if last.end_s > length_s + _LARGEST_EXCESS_S:
        raise UserError(
            f"{recording}: ends at {length_s:.2f} s, but {last.speaker} speaks until"
            f" {last.end_s:.2f} s; these are not its segments, or it is cut short"
        )
    counts = window_counts(segments, int(length_s / CLIP_SECONDS)).tolist()
    for number, count in enumerate(counts):
        if count > MAX_COUNT:
            raise UserError(
                f"{recording}: {count} people speak at once in the 5 s from"
                f" {number * CLIP_SECONDS:g} s on, at most {MAX_COUNT} can be counted"
            )
    return counts


def _session_recording(path: Path, recordings: Sequence[Path]) -> Path:
    wanted = path.parent.parent / _LIBRICSS_RECORDING
    for recording in recordings:
        if real_path(recording) == real_path(wanted):
            return recording
    raise UserError(f"{path}: its recording {wanted} is not among those of --clips")


def _recording_of(name: str, path: Path, recordings: Sequence[Path]) -> Path:
    fitting = [one for one in recordings if one.stem == name or one.name.startswith(f"{name}.")]
    if len(fitting) != 1:
        which = " and ".join(str(one) for one in fitting[:2]) or "none of --clips"
        raise UserError(
            f"{path}: recording {name} fits {which}, expected one that is called"
            f" {name}.<anything>; give --clips a folder with one"
        )
    return fitting[0]
