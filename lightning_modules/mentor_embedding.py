"""Any embedding as teacher of other outputs: a linear probe on it, learned from the few labels.

A large embedding needs few labels to name classes (Shor et al. 2020, section 4), and what its probe
says of unlabelled clips and between the classes is what a small net learns from (Hinton et al.
2015). B clips, T samples, D dimensions, N outputs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from lightning_modules.objective_base import Objective
from lightning_modules.students import FeatureCache
from lightning_modules.teacher_files import read_teacher
from search_spaces.errors import UserError
from search_spaces.space import SpaceSpec

# Weighed by docs/classes.md, "What the probe hears": of squared weights, and of other recordings,
# such as a synthesiser's, against those of the task.
_PENALTY = 3e-3
_EXTRA_WEIGHT = 0.1
_LEAST_SPREAD = 1e-6
_AT_ONCE = 16


class ProbeClips(NamedTuple):
    """Labelled clips of which a probe learns.

    Attributes:
        waveform: float32 [B, T].
        lo: see `Task`.
        hi: likewise.
        extra: whether each is of other recordings than the task's own (`data.extra`): bool [B].
    """

    waveform: Tensor
    lo: Tensor
    hi: Tensor
    extra: Tensor


class EmbeddingMentor:
    """Not a module: its weights belong into no checkpoint of the net that it teaches.

    Args:
        path: of the embedding, see `teacher_files.read_teacher`.
        spec: the students' space.
        objective: of the task; its loss on labels is the probe's.
        device: for the embedding.

    Raises:
        UserError: see `teacher_files.read_teacher`.
    """

    def __init__(
        self, path: Path, spec: SpaceSpec, objective: Objective, device: str = "cpu"
    ) -> None:
        self.teacher = read_teacher(path, spec.clip_samples, device=device)
        self.sha256 = self.teacher.identity
        self._objective = objective
        self._mean = self._spread = torch.empty(0)
        self._probe = nn.Linear(self.teacher.dimensions, len(objective.task.outputs))

    def refuse_features(self, settings: Mapping[str, Any]) -> None:
        """Refuse features instead of sound.

        Raises:
            UserError: always.
        """
        raise UserError(
            "model.distil_from: an embedding hears sound, but data.held_features brings features;"
            " set held_features to false"
        )

    def learn(self, clips: Iterable[ProbeClips]) -> None:
        """Learn the probe from batches; the same clips give the same probe."""
        heard = [(self._embed(some.waveform), *(part.cpu() for part in some[1:])) for some in clips]
        embeddings, lo, hi, extra = (torch.cat(parts) for parts in zip(*heard, strict=True))
        self._mean = embeddings.mean(dim=0)
        self._spread = embeddings.std(dim=0).clamp_min(_LEAST_SPREAD)
        probe = self._probe
        nn.init.zeros_(probe.weight)
        nn.init.zeros_(probe.bias)
        optimiser = torch.optim.LBFGS(
            probe.parameters(), max_iter=200, line_search_fn="strong_wolfe"
        )

        def closure() -> Tensor:
            optimiser.zero_grad()
            loss = _PENALTY * probe.weight.square().sum()
            for weight, some in ((1.0, ~extra), (_EXTRA_WEIGHT, extra)):
                if some.any():
                    logits = self._ask(embeddings[some])
                    loss = loss + weight * self._objective.labelled(logits, lo[some], hi[some])
            loss.backward()
            return loss

        with torch.enable_grad():
            optimiser.step(closure)
        probe.requires_grad_(False)

    @torch.no_grad()
    def logits(self, cache: FeatureCache) -> Tensor:
        """The probe's logits [B, N] for the sound that the student's features are made of."""
        device = cache.waveform.device
        return self._ask(self._embed(cache.waveform)).to(device)

    @torch.no_grad()
    def probabilities(self, waveform: Tensor) -> Tensor:
        """What the probe says of clips float32 [B, T]: [B, N]."""
        return self._objective.probabilities(self._ask(self._embed(waveform)))

    def _ask(self, embeddings: Tensor) -> Tensor:
        logits: Tensor = self._probe((embeddings - self._mean) / self._spread)
        return logits

    def _embed(self, waveform: Tensor) -> Tensor:
        return torch.cat([self.teacher.embed(some.float()) for some in waveform.split(_AT_ONCE)])
