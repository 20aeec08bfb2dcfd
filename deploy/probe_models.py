"""The embeddings that are compared: bundles, and a teacher from its file; their time and size.

Letters: B clips, T samples of a clip, K dimensions.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from deploy.bundle import MODEL_FILES, Bundle, read_bundle
from search_spaces.clip import SAMPLE_RATE_HZ
from search_spaces.errors import UserError
from search_spaces.task_embedding import EmbeddingTask

TEACHER_OPTIONS = ("--teacher-rate-hz", "--teacher-samples")
ROUNDS, RUNS, WARM_UP = 5, 8, 3


@dataclass(frozen=True)
class Embedder:
    """An embedding of clips.

    Attributes:
        name: in the table.
        role: whether others are compared with it.
        form: what runs: a precision of ExecuTorch, or ``torch``.
        run: waveform float32 [T] to float32 [K].
        clip_samples: T.
        dimensions: K.
        bytes: of the file.
        sha256: of the file.
    """

    name: str
    role: Literal["teacher", "student"]
    form: str
    run: Callable[[NDArray[np.float32]], NDArray[np.float32]]
    clip_samples: int
    dimensions: int
    bytes: int
    sha256: str


def embedders(
    bundles: Sequence[Path],
    precision: str | None,
    teacher: Path | None,
    rate_hz: int | None = None,
    samples: int | None = None,
) -> list[Embedder]:
    """The teacher first, if there is one, then the bundles.

    Args:
        bundles: folders.
        precision: of the bundles; None for int8 where they have it.
        teacher: its file, or its bundle, of which fp32 is taken; None for no teacher.
        rate_hz: at which the teacher hears, where its file does not say it.
        samples: that the teacher hears at once, where its file does not say it.

    Raises:
        UserError: a bundle that is missing, unsound or gives no embedding; see
            `teacher_files.read_teacher`.
    """
    students = [_of_bundle(read_bundle(path), precision, "student") for path in bundles]
    if teacher is None:
        return students
    if teacher.is_dir():
        for option, given in zip(TEACHER_OPTIONS, (rate_hz, samples), strict=True):
            if given is not None:
                raise UserError(f"{option}: the bundle {teacher} says it itself; leave it out")
        first = _of_bundle(read_bundle(teacher), "fp32", "teacher")
    else:
        first = _of_file(teacher, students[0].clip_samples, rate_hz, samples)
    return [first, *students]


def _of_bundle(
    bundle: Bundle, precision: str | None, role: Literal["teacher", "student"]
) -> Embedder:
    if not isinstance(bundle.task, EmbeddingTask):
        flag = "--teacher" if role == "teacher" else "--bundle"
        raise UserError(
            f"{flag}: {bundle.path} is of {bundle.task.kind}, expected the bundle of an embedding"
            " (--probe)"
        )
    chosen = bundle.choose_precision(precision)
    file = bundle.manifest["files"][MODEL_FILES[chosen]]
    return Embedder(
        name=bundle.name,
        role=role,
        form=chosen,
        run=bundle.load(chosen).run,
        clip_samples=bundle.clip_samples,
        dimensions=bundle.task.dimensions,
        bytes=file["bytes"],
        sha256=file["sha256"],
    )


def _of_file(path: Path, clip_samples: int, rate_hz: int | None, samples: int | None) -> Embedder:
    from lightning_modules.teacher_files import read_teacher

    torch.set_num_threads(1)  # as the bundles have
    teacher = read_teacher(
        path, clip_samples, rate_hz, samples, own_length=True, options=TEACHER_OPTIONS
    )

    def run(waveform: NDArray[np.float32]) -> NDArray[np.float32]:
        clip = np.ascontiguousarray(waveform, np.float32)[None]
        return teacher.embed(torch.from_numpy(clip))[0].numpy()

    return Embedder(
        name=path.stem,
        role="teacher",
        form="torch",
        run=run,
        clip_samples=teacher.try_samples,
        dimensions=teacher.dimensions,
        bytes=teacher.bytes,
        sha256=teacher.sha256,
    )


def time_ms_per_second(models: Sequence[Embedder]) -> list[float]:
    """Median time of each model for a second of sound, ms, on one thread of this machine.

    They are timed in turns, so that whatever else the machine does disturbs all of them.
    """
    samples: list[list[float]] = [[] for _ in models]
    rng = np.random.default_rng(0)
    clips = [0.1 * rng.standard_normal(model.clip_samples).astype(np.float32) for model in models]
    for round_number in range(ROUNDS):
        for model, clip, taken in zip(models, clips, samples, strict=True):
            for _ in range(WARM_UP if round_number == 0 else 1):
                model.run(clip)
            for _ in range(RUNS):
                begin = time.perf_counter()
                model.run(clip)
                taken.append(1e3 * (time.perf_counter() - begin))
    return [
        float(np.median(taken)) * SAMPLE_RATE_HZ / model.clip_samples
        for model, taken in zip(models, samples, strict=True)
    ]
