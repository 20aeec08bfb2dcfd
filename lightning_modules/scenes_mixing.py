"""Layered scenes: one event in the foreground, noise behind it, at a known ratio and time.

As Scaper's soundscapes of one foreground event (Salamon et al. 2017, "Scaper: a library for
soundscape synthesis and augmentation", section 2). A scene follows from (seed, index) alone.

Letters: T samples of a scene, E samples of an event.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lightning_modules.audio import Float32, Int16, from_pcm16, to_pcm16
from lightning_modules.audio_activity import FRAME_SAMPLES, active_frames
from lightning_modules.mixtures_noise import noise_bank, rms
from lightning_modules.recordings import LABEL_SEPARATOR, class_names
from lightning_modules.recordings_cache import Sounds
from lightning_modules.recordings_split import Splits
from lightning_modules.splits import SPLITS, Split
from search_spaces.clip import SAMPLE_RATE_HZ
from search_spaces.errors import UserError

TURNS: tuple[Split, ...] = (*("train",) * 7, "validation", "test", "test")  # of ten scenes
PEAK = 0.9  # of a scene: its level says nothing
_FADE_SAMPLES = SAMPLE_RATE_HZ // 200  # 5 ms: an event that is cut must not click
_LEAST_RMS = 1e-5  # of an event; what is below is silence


@dataclass(frozen=True)
class Scene:
    """A scene and the truth of it.

    Attributes:
        samples: int16 [T].
        label: of the event.
        split: of the recordings in it, which are in no other.
        speaker: or source of the event, if known.
        start_s, end_s: of the event.
        snr_db: power of the event over that of the noise behind it; NaN where that is silent.
        event, background: names of the recordings; the second is empty for generated noise.
    """

    samples: Int16
    label: str
    split: Split
    speaker: str
    start_s: float
    end_s: float
    snr_db: float
    event: str
    background: str


class Scenes:
    """Scene ``index`` as a function of the seed and the index.

    Of ten scenes in a row seven are for training, one for validation, two for the test; each split
    takes its classes in turn.

    Args:
        events: isolated sounds; those without a label are left out.
        splits: theirs (see `recordings_split`), in which training has every class.
        backgrounds: recordings to lie behind them; None for generated noise.
        samples: T.
        snr_range_db: from which each scene's ratio is drawn evenly.
        seed: of every draw.

    Raises:
        UserError: fewer backgrounds than splits.
    """

    def __init__(
        self,
        events: Sounds,
        splits: Splits,
        backgrounds: Sounds | None,
        samples: int,
        snr_range_db: tuple[float, float],
        seed: int,
    ) -> None:
        self._events = events
        self._backgrounds = backgrounds
        self._samples = samples
        self._snr_range_db = snr_range_db
        self._seed = seed
        self._behind = None if backgrounds is None else split_backgrounds(backgrounds.digests)
        self._places = {split: self._by_class(splits.places[split]) for split in SPLITS}

    def __getitem__(self, index: int) -> Scene:
        """A scene; any index from 0 on."""
        rng = np.random.default_rng((self._seed, index))
        turn = TURNS[index % len(TURNS)]
        split = turn if self._places[turn] else "train"
        classes = self._places[split]
        # Scenes of its split that came before: so each has as many scenes of every class.
        rank = index // len(TURNS) * TURNS.count(turn) + TURNS[: index % len(TURNS)].count(turn)
        places = classes[rank % len(classes)]
        place = places[int(rng.integers(len(places)))]
        event = sound_of(from_pcm16(self._events.samples[place]))[: self._samples]
        start = int(rng.integers(self._samples - len(event) + 1))
        snr_db = float(rng.uniform(*self._snr_range_db))
        background, behind = self._behind_it(rng, split)
        if not background[start : start + len(event)].any():
            snr_db = math.nan
        item = self._events.items[place]
        return Scene(
            samples=to_pcm16(layered(event, start, background, snr_db)),
            label=LABEL_SEPARATOR.join(item.labels),
            split=split,
            speaker=item.speaker or "",
            start_s=start / SAMPLE_RATE_HZ,
            end_s=(start + len(event)) / SAMPLE_RATE_HZ,
            snr_db=snr_db,
            event=item.name,
            background=behind,
        )

    def _by_class(self, places: Sequence[int]) -> list[list[int]]:
        """Places of the labelled recordings of each class that there is."""
        items = self._events.items
        of_class = [
            [place for place in places if name in items[place].labels]
            for name in class_names(items[place] for place in places)
        ]
        return [places for places in of_class if places]

    def _behind_it(self, rng: np.random.Generator, split: Split) -> tuple[Float32, str]:
        if self._backgrounds is None or self._behind is None:
            bank = noise_bank((self._seed, SPLITS.index(split)))
            return bank.draw(rng, self._samples), ""
        places = self._behind[split]
        place = places[int(rng.integers(len(places)))]
        sound = self._backgrounds.samples[place]
        start = int(rng.integers(len(sound)))
        wrapped = np.take(sound, np.arange(start, start + self._samples), mode="wrap")
        return from_pcm16(wrapped), self._backgrounds.items[place].name


def is_silent(sound: Int16) -> bool:
    """Whether a recording [T] holds nothing that could be heard in noise."""
    return rms(from_pcm16(sound)) < _LEAST_RMS


def sound_of(waveform: Float32) -> Float32:
    """An event without the silence before and after it; float32 [T] to [E]."""
    active = np.flatnonzero(active_frames(waveform))
    if not len(active):
        return waveform
    return waveform[active[0] * FRAME_SAMPLES : (active[-1] + 1) * FRAME_SAMPLES]


def layered(event: Float32, start: int, background: Float32, snr_db: float) -> Float32:
    """An event [E] on a background [T] from sample ``start`` on, at most `PEAK` loud.

    The ratio is of the mean powers while the event lasts. Where the background is silent there, the
    event stands alone, and the ratio does not matter.
    """
    faded = event.copy()
    ramp = np.linspace(0.0, 1.0, min(_FADE_SAMPLES, len(event)), dtype=np.float32)
    faded[: len(ramp)] *= ramp
    faded[len(event) - len(ramp) :] *= ramp[::-1]
    stretch = background[start : start + len(event)]
    level = rms(stretch) * 10 ** (snr_db / 20) if stretch.any() else rms(event)
    scene = background.copy()
    scene[start : start + len(event)] += faded * np.float32(level / max(rms(faded), _LEAST_RMS))
    return scene * np.float32(PEAK / max(float(np.abs(scene).max()), _LEAST_RMS))


def split_backgrounds(digests: Sequence[str]) -> dict[Split, list[int]]:
    """Backgrounds of each split, in the order of a hash of their sounds; equal ones go together.

    Raises:
        UserError: fewer than three different ones.
    """
    hashed = {digest: hashlib.sha256(digest.encode()).hexdigest() for digest in digests}
    order = sorted(hashed, key=lambda digest: hashed[digest])
    if len(order) < len(SPLITS):
        raise UserError(
            f"--background: holds {len(order)} different recordings, expected at least"
            f" {len(SPLITS)}, of which each split takes its own; cut a long one into pieces"
        )
    tested, validated = max(1, round(0.2 * len(order))), max(1, round(0.1 * len(order)))
    split_of: dict[str, Split] = dict.fromkeys(order, "train")
    split_of.update(dict.fromkeys(order[:tested], "test"))
    split_of.update(dict.fromkeys(order[tested : tested + validated], "validation"))
    return {
        split: [at for at, digest in enumerate(digests) if split_of[digest] == split]
        for split in SPLITS
    }
