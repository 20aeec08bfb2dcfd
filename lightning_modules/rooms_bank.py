"""A cached bank of room responses: made once by pyroomacoustics, then read without it.

The first reflections are image sources (Allen & Berkley 1979), the late ones noise that decays with
the room's reverberation time (Lehmann & Johansson, "Diffuse reverberation model for efficient
image-source simulation of room impulse responses", IEEE TASLP 18(6), 2010): an image-source model
of the whole decay takes seconds per response in small live rooms.
Legend: R rooms, P places in a room, L samples of a response.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from lightning_modules.audio import Float32
from lightning_modules.splits import Split
from search_spaces.clip import MAX_COUNT, SAMPLE_RATE_HZ
from search_spaces.errors import UserError
from search_spaces.files import atomic_path

RESPONSE_SAMPLES = 8192  # 0.5 s: a room of RT60 0.7 s has decayed by 44 dB
PLACES = MAX_COUNT + 2
MIN_ROOMS = 10

_BANK_VERSION = 1
_BANK_SEED = 20_261_121
_RT60_RANGE_S = (0.2, 0.7)
_SIDE_RANGE_M = (3.0, 10.0)
_HEIGHT_RANGE_M = (2.4, 4.0)
_DISTANCE_RANGE_M = (0.5, 4.0)
_MIC_HEIGHT_RANGE_M = (0.7, 1.5)
_MOUTH_HEIGHT_RANGE_M = (1.0, 1.8)
_WALL_M = 0.4  # nobody, and no microphone, is nearer to a wall
_ORDER = 15  # of the image sources
_SPEED_OF_SOUND_M_S = 343.0
_MATCH_SAMPLES = SAMPLE_RATE_HZ // 50  # the tail starts as loud as the reflections 20 ms before it


@dataclass(frozen=True)
class RoomBank:
    """Responses from the places of many rooms to one microphone each.

    Attributes:
        responses: float16 [R, P, L], each of unit energy: the distance of a place changes how
            reverberant a voice is, not how loud.
        rt60_s: measured reverberation times, float32 [R].
    """

    responses: NDArray[np.float16]
    rt60_s: Float32

    def of_split(self, split: Split) -> RoomBank:
        """The rooms of one split, 70 / 10 / 20 %: test rooms are never trained in."""
        place = np.arange(len(self.rt60_s)) % 10
        chosen = {"train": place < 7, "validation": place == 7, "test": place > 7}[split]
        return RoomBank(self.responses[chosen], self.rt60_s[chosen])


def check_rooms(rooms: int) -> None:
    """Refuse a bank that has no room for some split.

    Raises:
        UserError: fewer than 10 rooms.
    """
    if rooms < MIN_ROOMS:
        raise UserError(f"rooms: {rooms}, expected at least {MIN_ROOMS}: each split has its own")


def prepare_bank(rooms: int, folder: Path) -> RoomBank:
    """Make the rooms that ``folder`` lacks, one file each, and read the first ``rooms``.

    A larger bank begins with the rooms of a smaller one; a killed run goes on.

    Raises:
        UserError: fewer than 10 rooms, or a damaged file.
    """
    check_rooms(rooms)
    folder = folder / f"v{_BANK_VERSION}"
    missing = [room for room in range(rooms) if not _file(folder, room).is_file()]
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        for room in tqdm(missing, desc="Making rooms"):
            responses, rt60_s = make_room(room)
            with atomic_path(_file(folder, room)) as temporary:
                np.savez(
                    temporary, responses=responses.astype(np.float16), rt60_s=np.float32(rt60_s)
                )
    return _read(folder, rooms)


def make_room(room: int) -> tuple[Float32, float]:
    """Room number ``room`` of the bank: responses float32 [P, L] of unit energy, RT60 in s."""
    rng = np.random.default_rng((_BANK_SEED, _BANK_VERSION, room))
    while True:
        responses = _simulate(rng)
        rt60_s = float(np.median([measure_rt60_s(response) for response in responses]))
        if _RT60_RANGE_S[0] <= rt60_s <= _RT60_RANGE_S[1]:
            energy = np.sum(np.square(responses), axis=1, keepdims=True)
            return responses / np.sqrt(energy), rt60_s


def measure_rt60_s(response: Float32) -> float:
    """RT60 from the decay between -5 and -25 dB of the backward-integrated energy.

    Schroeder 1965; T20 of ISO 3382-2.

    Args:
        response: float32 [L].
    """
    remaining = np.cumsum(np.square(response[::-1], dtype=np.float64))[::-1]
    decay_db = 10 * np.log10(remaining / remaining[0] + 1e-12)
    fit = np.flatnonzero((decay_db <= -5) & (decay_db >= -25))
    slope_db = np.polyfit(fit / SAMPLE_RATE_HZ, decay_db[fit], 1)[0]
    return float(-60 / slope_db)


def _simulate(rng: np.random.Generator) -> Float32:
    import pyroomacoustics

    rt60_s = rng.uniform(*_RT60_RANGE_S)
    size_m = np.array([*rng.uniform(*_SIDE_RANGE_M, 2), rng.uniform(*_HEIGHT_RANGE_M)])
    try:
        absorption, _ = pyroomacoustics.inverse_sabine(rt60_s, size_m)
    except ValueError:  # a large room cannot be that dry
        return _simulate(rng)
    room = pyroomacoustics.ShoeBox(
        size_m,
        fs=SAMPLE_RATE_HZ,
        materials=pyroomacoustics.Material(absorption),
        max_order=_ORDER,
    )
    mic_m = np.array(
        [*rng.uniform(_WALL_M, size_m[:2] - _WALL_M), rng.uniform(*_MIC_HEIGHT_RANGE_M)]
    )
    room.add_microphone(mic_m)
    for _ in range(PLACES):
        room.add_source(_place(rng, mic_m, size_m))
    room.compute_rir()
    tail_from = min(
        int(_ORDER * size_m.min() / _SPEED_OF_SOUND_M_S * SAMPLE_RATE_HZ), RESPONSE_SAMPLES // 4
    )
    return np.stack([_with_tail(rng, response, tail_from, rt60_s) for response in room.rir[0]])


def _place(
    rng: np.random.Generator, mic_m: NDArray[np.float64], size_m: NDArray[np.float64]
) -> NDArray[np.float64]:
    while True:
        distance_m, azimuth = rng.uniform(*_DISTANCE_RANGE_M), rng.uniform(0, 2 * np.pi)
        height_m = rng.uniform(*_MOUTH_HEIGHT_RANGE_M)
        across_m = np.sqrt(max(distance_m**2 - (height_m - mic_m[2]) ** 2, 0))
        place = mic_m[:2] + across_m * np.array([np.cos(azimuth), np.sin(azimuth)])
        if (place > _WALL_M).all() and (place < size_m[:2] - _WALL_M).all():
            return np.array([*place, height_m])


def _with_tail(
    rng: np.random.Generator, early: NDArray[np.float64], tail_from: int, rt60_s: float
) -> Float32:
    decay = 10 ** (-3 * np.arange(RESPONSE_SAMPLES) / (rt60_s * SAMPLE_RATE_HZ))
    tail = rng.standard_normal(RESPONSE_SAMPLES) * decay
    response = np.zeros(RESPONSE_SAMPLES, np.float32)
    response[:tail_from] = early[:tail_from]
    before = slice(tail_from - _MATCH_SAMPLES, tail_from)
    level = np.sqrt(np.sum(np.square(response[before])) / np.sum(np.square(decay[before])))
    response[tail_from:] = level * tail[tail_from:]
    return response


def _read(folder: Path, rooms: int) -> RoomBank:
    responses = np.empty((rooms, PLACES, RESPONSE_SAMPLES), np.float16)
    rt60_s = np.empty(rooms, np.float32)
    for room in range(rooms):
        path = _file(folder, room)
        try:
            with np.load(path) as file:
                responses[room], rt60_s[room] = file["responses"], file["rt60_s"]
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            raise UserError(f"{path}: damaged; delete it and start again") from None
    return RoomBank(responses, rt60_s)


def _file(folder: Path, room: int) -> Path:
    return folder / f"room-{room:05d}.npz"
