"""Any embedding as teacher of other outputs: a linear probe on it, learned from the few labels.

A large embedding needs few labels to name classes (Shor et al. 2020, section 4), and what its probe
says of unlabelled clips and between the classes is what a small net learns from (Hinton et al.
2015). B clips, T samples, D dimensions, N outputs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lightning_modules.objective_base import Objective
from lightning_modules.students import FeatureCache
from lightning_modules.teacher_files import read_teacher
from search_spaces.errors import UserError
from search_spaces.space import SpaceSpec

_PENALTY = 1e-3  # of squared weights; ten times more or less is half a point worse on digits
_LEAST_SPREAD = 1e-6
_AT_ONCE = 16


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

    def learn(self, clips: Iterable[tuple[Tensor, Tensor, Tensor]]) -> None:
        """Learn the probe; the same clips give the same probe.

        Args:
            clips: batches of waveforms float32 [B, T] with lo and hi (see `Task`).
        """
        heard, lows, highs = [], [], []
        for waveform, lo, hi in clips:
            heard.append(self._embed(waveform))
            lows.append(lo.cpu())
            highs.append(hi.cpu())
        embeddings, lo, hi = torch.cat(heard), torch.cat(lows), torch.cat(highs)
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
            loss = self._objective.labelled(self._ask(embeddings), lo, hi)
            loss = loss + _PENALTY * probe.weight.square().sum()
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
