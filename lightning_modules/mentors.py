"""The teacher that `model.distil_from` names, and what an embedding learns before it teaches.

B clips, T samples.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from lightning_modules.audio import from_pcm16
from lightning_modules.datamodule_base import StreamDataModule
from lightning_modules.datamodule_batches import Batch
from lightning_modules.mentor import Mentor
from lightning_modules.mentor_embedding import EmbeddingMentor
from lightning_modules.objective_base import Objective
from lightning_modules.randomness import torch_generator
from lightning_modules.recipe import Recipe
from lightning_modules.teacher_files import is_embedding
from search_spaces.space import SpaceSpec
from search_spaces.task_embedding import EmbeddingTask

PROBE_BATCHES = 64  # of labelled clips, from which an embedding that teaches learns the outputs


def mentor_of(
    path: Path, spec: SpaceSpec, objective: Objective, one_student: bool
) -> Mentor | EmbeddingMentor:
    """A trained net that teaches a net of its own task, or an embedding that teaches another.

    Args:
        path: of the net or the embedding.
        spec: the students' space.
        objective: of the students' task.
        one_student: whether it teaches one fixed net.

    Raises:
        UserError: see `Mentor` and `EmbeddingMentor`.
    """
    if not isinstance(objective.task, EmbeddingTask) and is_embedding(path):
        device = "cuda" if torch.cuda.is_available() else "cpu"
        return EmbeddingMentor(path, spec, objective, device)
    return Mentor(path, spec, objective.task, one_student)


def learn_outputs(
    mentor: EmbeddingMentor, recipe: Recipe, data: StreamDataModule, seed: int, tell: bool
) -> None:
    """Let an embedding learn the outputs from the labels, and tell how well.

    Args:
        mentor: that will teach.
        recipe: of the students.
        data: of the run.
        seed: of the augmentation.
        tell: whether this process says it on stderr.
    """
    steps = tqdm(range(PROBE_BATCHES), "Asking the teacher", leave=False)
    mentor.learn(_weakly_augmented(recipe, data.batch(step), seed, step) for step in steps)
    clips, lo, hi = data.validation_clips()
    said = mentor.probabilities(torch.from_numpy(from_pcm16(clips)))
    headline = recipe.task.headline
    error = recipe.task.judge(said.numpy(), lo, hi)[headline.key]
    if tell and error.value is not None:
        print(
            f"model.distil_from: {mentor.teacher.name}: {headline.title} of"
            f" {headline.text(error.value)} on {error.clips} validation clips",
            file=sys.stderr,
        )


def _weakly_augmented(
    recipe: Recipe, batch: Batch, seed: int, step: int
) -> tuple[Tensor, Tensor, Tensor]:
    """A batch's labelled clips [B, T], the same in every process, with lo and hi."""
    seen = batch["labelled"]
    draw = torch_generator(seed, step, "probe", seen["waveform"].device)
    return recipe.weak_augmentation(seen["waveform"], draw), seen["lo"], seen["hi"]
