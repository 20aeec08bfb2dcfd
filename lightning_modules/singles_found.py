"""Which unlabelled clips hold one voice, and which none, as a trained net hears them.

Asked once, and kept in the cache. Legend: N clips, T samples, K outputs.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from lightning_modules.audio import Float32, Int16, from_pcm16
from lightning_modules.audio_maps import map_npy
from lightning_modules.mixtures import Mixtures
from search_spaces.clip import CLIP_SAMPLES
from search_spaces.errors import UserError
from search_spaces.files import atomic_path, sha256_file, sha256_json
from search_spaces.supernet import Subnet
from search_spaces.supernet_file import check_task
from search_spaces.task_counts import CountsTask
from search_spaces.trained_net import read_trained_net

PART = 100  # clips that are asked and kept together; a kill loses at most one part
LEAST = 20  # clips of one voice, fewer are no crowd
_NO_VOICE, _ONE_VOICE = 0, 1
_MEND = "delete it, it is made anew"


@dataclass(frozen=True)
class Found:
    """Sound of the clips that were found, int16 [N, T] each, mapped into memory."""

    voices: Int16
    quiet: Int16


def find_singles(
    teacher: Path,
    mixtures: Mixtures,
    clips: range,
    confidence: float,
    described: dict[str, Any],
    cache: Path,
) -> Found:
    """Ask the teacher about clips that nobody labelled; killed and started again, it goes on.

    Args:
        teacher: a `subnet.pt` or `supernet.pt` (its largest net) that counts people.
        mixtures: make the clips.
        clips: numbers of them.
        confidence: a clip is taken whose count the teacher gives this probability or more.
        described: what the mixtures depend on, plain values.
        cache: folder in which it is kept.

    Raises:
        UserError: no such net, or it finds too few clips of one voice.
    """
    net = _read_net(teacher)
    key = {**described, "teacher": sha256_file(teacher)}
    folder = cache / "singles" / sha256_json(key)[:16]
    probabilities = _ask(net, mixtures, clips, folder)
    chosen = {
        count: [clips[at] for at in np.flatnonzero(probabilities[:, count] >= confidence)]
        for count in (_NO_VOICE, _ONE_VOICE)
    }
    found = len(chosen[_ONE_VOICE])
    if found < LEAST:
        raise UserError(
            f"data.singles_from: {teacher} is sure of one voice in {found} of {len(clips)} clips,"
            f" {LEAST} are needed; lower data.singles_confidence, raise data.singles_pool, or train"
            " it longer"
        )
    print(
        f"data.singles_from: sure of one voice in {found} and of none in {len(chosen[_NO_VOICE])}"
        f" of {len(clips)} unlabelled clips",
        file=sys.stderr,
    )
    return Found(*(_sounds(mixtures, chosen[count], folder) for count in (_ONE_VOICE, _NO_VOICE)))


def _read_net(path: Path) -> Subnet:
    found = read_trained_net(path)
    check_task(path, found.task, CountsTask())
    if found.architecture.clip_samples != CLIP_SAMPLES:
        raise UserError(
            f"data.singles_from: {path} is of space {found.architecture.space}, which does not hear"
            " clips of 5 s; give a net that does"
        )
    return found.net.requires_grad_(False)


def _ask(net: Subnet, mixtures: Mixtures, clips: range, folder: Path) -> Float32:
    """Probabilities of the counts, float32 [N, K]."""
    said = []
    for start in tqdm(range(0, len(clips), PART), "Listening for single voices", leave=False):
        part = clips[start : start + PART]
        path = folder / f"heard-{part[0]}-{part[-1]}.npy"
        if not path.is_file():
            waveform = np.stack([from_pcm16(mixtures[index].samples) for index in part])
            with torch.no_grad():
                answer = net(torch.from_numpy(waveform)).softmax(dim=1).numpy()
            _save(path, answer)
        said.append(map_npy(path, _MEND))
    return np.concatenate(said)


def _sounds(mixtures: Mixtures, chosen: Sequence[int], folder: Path) -> Int16:
    if not chosen:
        return np.empty((0, CLIP_SAMPLES), np.int16)
    digest = hashlib.sha256(np.array(chosen, np.int64).tobytes()).hexdigest()[:12]
    path = folder / f"clips-{digest}.npy"
    if not path.is_file():
        sounds = np.empty((len(chosen), CLIP_SAMPLES), np.int16)
        for row, index in enumerate(tqdm(chosen, "Keeping single voices", leave=False)):
            sounds[row] = mixtures[index].samples
        _save(path, sounds)
    return map_npy(path, _MEND)


def _save(path: Path, values: NDArray[Any]) -> None:
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.save(stream, values)
