"""The largest net of a trained supernet as the teacher of one fixed net.

Knowledge distillation (Hinton et al. 2015), as Once-for-All (Cai et al. 2020, section 4.2) compares
with it. B batch, T samples, N outputs.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from lightning_modules.students import FeatureCache
from search_spaces.architecture import largest
from search_spaces.files import sha256_file
from search_spaces.space import SpaceSpec
from search_spaces.supernet_file import read_supernet_of
from search_spaces.task import Task


class Mentor:
    """Not a module: its weights belong into no checkpoint of the net that it teaches.

    Args:
        path: a `supernet.pt`.
        spec: the space that it must be of.
        task: what its outputs must mean.

    Raises:
        UserError: see `search_spaces.supernet_file.read_supernet_of`.
    """

    def __init__(self, path: Path, spec: SpaceSpec, task: Task) -> None:
        self.architecture = largest(spec)
        self.net = read_supernet_of(path, spec, task).extract(self.architecture)
        self.net.requires_grad_(False).eval()
        self.sha256 = sha256_file(path)

    @torch.no_grad()
    def logits(self, cache: FeatureCache) -> Tensor:
        """Its logits [B, N] for the clips that the student sees, strongly augmented as they are."""
        self.net.to(cache.waveform.device)
        return self.net.classify(cache.of(self.net, self.architecture)).float()
