"""Audio files of any rate, depth and channels to mono float32, and 16-bit wav files back.

Legend: T samples, C channels. A sample is a float32 in [-1, 1] or an int16 (value = int16 / 32768).
"""

from __future__ import annotations

import math
import os
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_modules.audio_container import check_whole
from search_spaces.clip import SAMPLE_RATE_HZ
from search_spaces.errors import UserError

Float32 = NDArray[np.float32]
Int16 = NDArray[np.int16]

AUDIO_SUFFIXES = (".wav", ".flac", ".mp3", ".ogg")
# What phones and recorders write besides; not looked for in folders.
OTHER_SUFFIXES = (".3gp", ".aac", ".aif", ".aiff", ".amr", ".caf", ".m4a", ".opus", ".wma")
MIN_SECONDS = 0.5
LEAST_RATE_HZ = 1_000
PCM16_SCALE = 32768.0

_BLOCK_VALUES = 1 << 20  # decoded, or resampled, at a time: 4 MiB, whatever the file's length
UNKNOWN_LENGTH_FRAMES = (
    1 << 62
)  # libsndfile announces about 2^63 frames for a stream without a length
_LOOKED_AT = 61  # of so many frames one tells whether channels cancel; a prime, for tones' sake
_CANCELLED = 0.1  # of the power that channels have in all; the sum of unrelated ones keeps it
_LOUDEST = 1e10  # full scale is 1, or 32768 where somebody forgot to divide


def read_audio(path: Path | str, min_seconds: float = MIN_SECONDS) -> Float32:
    """Decode a whole file to float32 [T] at 16 kHz; see `read_blocks`."""
    return np.concatenate(list(read_blocks(path, min_seconds)))


def read_blocks(path: Path | str, min_seconds: float = MIN_SECONDS) -> Iterator[Float32]:
    """Decode a file block by block, average its channels and resample it (soxr, high quality).

    Args:
        path: a wav, flac, mp3 or ogg file of any rate, depth and number of channels.
        min_seconds: a file that holds less is refused.

    Yields:
        float32 [T] at 16 kHz, consecutive, of any length, in constant memory.

    Raises:
        UserError: the file is missing, not audio, empty, truncated, too short, has more behind its
            end, or holds NaN or infinite samples. The message starts with the path. What was sound
            before the fault has been given by then.
    """
    import soundfile
    import soxr

    path = Path(path)
    _check_file(path)
    decoded = 0
    try:
        with soundfile.SoundFile(os.fsencode(path)) as file:  # str must be UTF-8
            announced, source_hz = file.frames, file.samplerate
            if source_hz < LEAST_RATE_HZ:
                raise UserError(
                    f"{path}: says that it has {source_hz} samples a second, expected"
                    f" {LEAST_RATE_HZ} or more; export it again"
                )
            resampler = soxr.ResampleStream(source_hz, SAMPLE_RATE_HZ, 1, dtype="float32")
            # A frame's values, or what it becomes.
            growth = max(file.channels, SAMPLE_RATE_HZ / source_hz)
            frames = max(1, int(_BLOCK_VALUES / growth))
            if file.format == "FLAC":  # of a damaged one the block with the fault is lost
                frames = min(frames, source_hz)
            # libsndfile takes six times as long to hand out 16-bit samples as floats.
            dtype = "int16" if file.subtype == "PCM_16" else "float32"
            while len(block := file.read(frames, dtype=dtype, always_2d=True)):
                mono = _mono(block)
                decoded += len(mono)
                if not (heard := np.abs(mono) < _LOUDEST).all():  # nor is NaN
                    sound = mono[: np.flatnonzero(~heard)[0]]
                    yield sound if source_hz == SAMPLE_RATE_HZ else resampler.resample_chunk(sound)
                    raise UserError(
                        f"{path}: holds NaN or infinite samples, or such as no sound has; export"
                        " it again"
                    )
                yield mono if source_hz == SAMPLE_RATE_HZ else resampler.resample_chunk(mono)
            # The length of an MP3 without a Xing header is an estimate.
            if file.format != "MP3" and decoded < announced < UNKNOWN_LENGTH_FRAMES:
                raise UserError(
                    f"{path}: is truncated ({decoded} of {announced} frames); copy it again"
                )
            check_whole(path)
            yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)
    except (soundfile.SoundFileError, TypeError) as error:  # TypeError: .raw, which has no header
        reason = getattr(error, "error_string", str(error)).removeprefix("Error : ").rstrip(".")
        if "does not exist" in reason:  # what libsndfile says of any MP3 that is none
            reason = "no MP3 in it"
        raise UserError(
            f"{path}: cannot be decoded, damaged or not audio ({reason});"
            " copy it again or convert it to wav"
        ) from None
    if decoded < min_seconds * source_hz:
        heard_s = math.floor(100 * decoded / source_hz) / 100  # 0.4999 s are no 0.50 s
        raise UserError(
            f"{path}: holds {heard_s:.2f} s of sound, at least {min_seconds} s is needed"
        )


def _mono(block: NDArray[Any]) -> Float32:
    """Mean of the channels, int16 or float32 [T, C] -> float32 [T].

    Channels of opposite polarity, as a crossed wire leaves them, would cancel each other, and a
    room full of people be none; such ones are turned round first.
    """
    channels = block.shape[1]
    total = block[:, 0].astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):  # `read_blocks` refuses what comes of it
        turned = _turned_round(block) if channels > 1 else ()
        if 0 in turned:
            np.negative(total, out=total)
        for channel in range(1, channels):  # NumPy's own mean is slow along so short an axis
            add = np.subtract if channel in turned else np.add
            add(total, block[:, channel], out=total)
    scale = PCM16_SCALE if block.dtype == np.int16 else 1.0
    if channels * scale != 1.0:
        total /= np.float32(channels * scale)
    return total


def _turned_round(block: NDArray[Any]) -> tuple[int, ...]:
    """The channels of [T, C] that run against the loudest one, where their mean would vanish."""
    some = block[::_LOOKED_AT].T.astype(np.float64, order="C")
    some -= some.mean(axis=1, keepdims=True)  # an offset is no sound
    power = np.square(some).sum(axis=1)  # [C]
    if not np.square(some.sum(axis=0)).sum() < _CANCELLED * power.sum():  # nor of NaN
        return ()
    against = some @ some[power.argmax()] < 0.0
    return tuple(np.flatnonzero(against).tolist())


def _check_file(path: Path) -> None:
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "no such file"
        if path.exists() and not path.is_dir():
            what = "is a pipe or a device; write what comes of it to a file"
        raise UserError(f"{path}: {what}")
    if not os.access(path, os.R_OK):
        raise UserError(f"{path}: may not be read; change its permissions")
    if path.stat().st_size == 0:
        raise UserError(f"{path}: is empty (0 bytes); copy or record it again")


def to_pcm16(waveform: Float32) -> Int16:
    """Round float32 in [-1, 1] to int16 of the same shape; 1.0 becomes 32767."""
    return np.clip(np.rint(waveform * PCM16_SCALE), -PCM16_SCALE, PCM16_SCALE - 1).astype(np.int16)


def from_pcm16(samples: Int16) -> Float32:
    """int16 of any shape to float32 in [-1, 1), exactly."""
    return samples.astype(np.float32) / np.float32(PCM16_SCALE)


def write_wav(path: Path, samples: Int16) -> None:
    """Write int16 [T] as a mono wav file of 16 kHz, bit for bit, by the standard library only."""
    # Opened here: a signal amid wave's own opening would leave a half-made object, which complains.
    with path.open("wb") as stream, wave.open(stream, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes(samples.astype("<i2").tobytes())
