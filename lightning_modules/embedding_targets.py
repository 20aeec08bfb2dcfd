"""What a teacher says of clips, asked once and kept beside the decoded sound.

W stretches, T samples of a clip, D dimensions.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from lightning_modules.audio import Int16, from_pcm16
from lightning_modules.embedding_clips import Stretch, cut
from lightning_modules.sources_cache import cache_root
from lightning_modules.teacher import Teacher
from search_spaces.errors import UserError
from search_spaces.files import atomic_path
from search_spaces.task_embedding import EmbeddingTask

PART = 256  # clips that are kept together; a kill loses at most one part
_AT_ONCE = 16
_FILLED = {True: "repeated", False: "centred"}  # what a short recording's answers are of


class Units(NamedTuple):
    """The teacher's mean [D] over training clips, and its spread about it, one number for all."""

    mean: NDArray[np.float32]
    spread: float

    def of(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """Embeddings float32 [W, D] in these units; see `search_spaces.task_embedding.TeacherTask`.

        They are changed themselves: of a million clips a copy takes gigabytes.
        """
        embeddings -= self.mean
        embeddings /= self.spread
        return embeddings


def units_of(embeddings: NDArray[np.float32], name: str) -> Units:
    """Units in which the variance of embeddings [W, D] is 1 on average over D.

    Raises:
        UserError: the teacher answers every clip alike.
    """
    mean = embeddings.mean(axis=0, dtype=np.float64)
    blocks = (embeddings[start : start + PART] for start in range(0, len(embeddings), PART))
    squares = sum(float(np.square(block - mean).sum()) for block in blocks)
    spread = math.sqrt(squares / max(1, embeddings.size))
    if not spread > 1e-6 * max(1.0, float(np.abs(mean).max())):
        raise UserError(
            f"{name}: answers all of the {len(embeddings)} training clips alike; there is nothing"
            " to learn from it"
        )
    return Units(mean.astype(np.float32), spread)


def teacher_says(
    teacher: Teacher,
    sounds: Sequence[Int16],
    digests: Sequence[str],
    chosen: Sequence[Stretch],
    samples: int,
    task: EmbeddingTask,
    cache: Path | str | None,
) -> NDArray[np.float32]:
    """The teacher's embedding of each stretch; killed and started again, it goes on.

    Args:
        teacher: to ask.
        sounds: the recordings.
        digests: of their sounds.
        chosen: W clips of them.
        samples: T.
        task: fills clips.
        cache: see `sources_cache.cache_root`.

    Returns:
        float32 [W, D].
    """
    folder = cache_root(cache) / "embeddings" / teacher.identity
    said = np.empty((len(chosen), teacher.dimensions), np.float32)
    starts = range(0, len(chosen), PART)
    for start in tqdm(starts, "Asking the teacher", leave=False, disable=len(starts) < 2):
        part = chosen[start : start + PART]
        heard = [
            # what is at its default is left out: earlier versions did not know it
            [
                digests[place],
                first,
                *([] if speed == 1 else [speed]),
                *([f"channel {channel}"] if channel else []),
            ]
            for place, first, speed, channel in part
        ]
        key = json.dumps([heard, samples, teacher.samples, _FILLED[task.repeats]])
        path = folder / f"{hashlib.sha256(key.encode()).hexdigest()[:20]}.npy"
        if not path.is_file():
            clips = torch.from_numpy(from_pcm16(cut(sounds, part, samples, task)))
            embeddings = torch.cat([teacher.embed(some) for some in clips.split(_AT_ONCE)])
            with atomic_path(path) as temporary, temporary.open("wb") as stream:
                np.save(stream, embeddings.numpy())
        said[start : start + PART] = _load(path, len(part), teacher.dimensions)
    return said


def _load(path: Path, clips: int, dimensions: int) -> NDArray[np.float32]:
    try:
        embeddings = np.load(path, allow_pickle=False)
        if embeddings.shape != (clips, dimensions):
            raise ValueError
    except (OSError, ValueError, EOFError):
        raise UserError(f"{path}: damaged; delete it, it is made anew") from None
    return embeddings
