"""A trained net as teacher: a supernet's largest of one fixed net, or a net trained alone of any.

Knowledge distillation (Hinton et al. 2015), as Once-for-All (Cai et al. 2020, section 4.2) compares
with it. B batch, T samples, N outputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lightning_modules.students import FeatureCache
from search_spaces.architecture import largest
from search_spaces.clip import SAMPLE_RATE_HZ
from search_spaces.errors import UserError
from search_spaces.files import sha256_file
from search_spaces.frontend_geometry import frontend_settings
from search_spaces.space import SpaceSpec
from search_spaces.supernet_file import FORMAT, load_trained
from search_spaces.task import Task
from search_spaces.trained_net import trained_net_of


class Mentor:
    """Not a module: its weights belong into no checkpoint of the net that it teaches.

    Args:
        path: a `supernet.pt` of the students' space, or a `subnet.pt` of any space.
        spec: the students' space.
        task: what its outputs must mean.
        one_student: whether it teaches one fixed net.

    Raises:
        UserError: see `search_spaces.supernet_file.read_supernet_of`; a net that hears clips of
            another length; a supernet for a supernet, whose nets learn from its own largest.
    """

    def __init__(self, path: Path, spec: SpaceSpec, task: Task, one_student: bool = True) -> None:
        value = load_trained(path)
        if value["format"] == FORMAT and not one_student:
            raise UserError(
                f"model.distil_from: {path} is given without model.architecture, the net to"
                " teach; a supernet's nets learn from its own largest one"
                " (model.distillation), or from a subnet.pt"
            )
        found = trained_net_of(path, value, spec, largest(spec), task)
        heard, clip = found.architecture.clip_samples, spec.clip_samples
        if heard != clip:
            raise UserError(
                f"model.distil_from: {path} hears clips of {heard / SAMPLE_RATE_HZ:g} s at"
                f" {SAMPLE_RATE_HZ} Hz ({found.architecture.space}), {spec.name} those of"
                f" {clip / SAMPLE_RATE_HZ:g} s; give a teacher of clips as long"
            )
        self.architecture, self.net = found.architecture, found.net
        self.net.requires_grad_(False).eval()
        self.sha256 = sha256_file(path)

    def refuse_features(self, settings: Mapping[str, Any]) -> None:
        """Refuse features of another front end than its own.

        Raises:
            UserError: they are.
        """
        own = frontend_settings(self.architecture.choices)
        if own != settings:
            raise UserError(
                f"model.distil_from: its front end ({own}) is not that of model.architecture"
                f" ({dict(settings)}), whose features data.held_features brings; set held_features"
                " to false"
            )

    @torch.no_grad()
    def logits(self, cache: FeatureCache) -> Tensor:
        """Its logits [B, N] for the clips that the student sees, strongly augmented as they are."""
        self.net.to(cache.waveform.device)
        return self.net.classify(cache.of(self.net, self.architecture)).float()
