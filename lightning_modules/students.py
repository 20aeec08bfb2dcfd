"""The nets in training: a supernet or one fixed net, its EMA teacher, and shared features.

B batch, T samples, F mel bands, L frames, N outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lightning_modules.clip_changes import are_features
from lightning_modules.pictures import Pictures
from lightning_modules.randomness import numpy_generator
from lightning_modules.sampling import Sampling
from search_spaces.architecture import (
    Architecture,
    from_indices,
    largest,
    read_architecture,
    smallest,
)
from search_spaces.errors import UserError
from search_spaces.files import sha256_file
from search_spaces.space import Choice, SpaceSpec
from search_spaces.spaces import PICTURE_SPACES, any_space
from search_spaces.strategy import progressive, sandwich
from search_spaces.supernet import Subnet, Supernet, build_subnet, build_supernet
from search_spaces.supernet_file import load_trained, read_supernet_of, task_of
from search_spaces.task import Task
from search_spaces.task_counts import CountsTask
from search_spaces.task_embedding import EmbeddingTask
from search_spaces.trained_net import trained_net_of

Net = Supernet | Subnet
LARGEST = "largest"  # instead of a file: the largest net of the space
LAST_LAYER = "head.output."  # in the names of its weights


def middle(spec: SpaceSpec) -> Architecture:
    """The net of the middle choice of each dimension; of two the cheaper and the dearer in turn."""
    sizes = [len(choices) for choices in spec.dimensions.values()]
    return from_indices(spec, [(size - 1 + place % 2) // 2 for place, size in enumerate(sizes)])


class Students:
    """Which nets one step trains, and how to make and switch them.

    Args:
        space: name of the search space.
        architecture: path of an `architecture.json`, or ``largest``, to train that one net alone;
            None for the supernet.
        random_subnets: random subnets per step beside the largest and the smallest.
        seed: of the subnets drawn and of fresh weights.
        initial_weights: a `supernet.pt` of the space, or the `subnet.pt` of ``architecture``,
            to start from instead of fresh weights; of the same task, or an embedding, whose last
            layer is then made anew.
        task: what the outputs mean; None counts people.
        sampling: how the subnets of a step are drawn; None by the sandwich rule.
        pictures: the one net of a picture space, in place of the files.

    Raises:
        UserError: unknown space, unreadable architecture or supernet, or one of another space or
            task; a picture space without pictures, or pictures without such a space.
    """

    def __init__(
        self,
        space: str,
        architecture: Path | None,
        random_subnets: int,
        seed: int,
        initial_weights: Path | None = None,
        task: Task | None = None,
        sampling: Sampling | None = None,
        pictures: Pictures = Pictures(),  # noqa: B008 (frozen)
    ) -> None:
        self.task = task or CountsTask()
        self.sampling = sampling or Sampling()
        try:
            self.spec = any_space(space)
        except UserError as error:
            raise UserError(f"model.space: {error}") from None
        if pictures.asked:
            given = {"architecture": architecture, "initial_weights": initial_weights}
            for field, value in given.items():
                if value is not None:
                    raise UserError(
                        f"model.{field}: {value} is given with model.pictures, which name net and"
                        " weights; leave it out"
                    )
            self.fixed: Architecture | None = pictures.architecture(self.spec)
        elif self.spec.name in PICTURE_SPACES:
            raise UserError(
                f"model.space: the nets of {space} share no weights; say by model.pictures which"
                " one to train (configs/deepspectrum.yaml)"
            )
        else:
            self.fixed = None if architecture is None else self._named(architecture)
        if self.fixed is not None and self.fixed.space != self.spec.name:
            raise UserError(
                f"model.architecture: {architecture} is of space {self.fixed.space}, not"
                f" {space}; set model.space: {self.fixed.space}"
            )
        self.random_subnets = random_subnets
        self.seed = seed
        self.initial_weights = initial_weights

    @cached_property
    def initial_sha256(self) -> str | None:
        """Of the file that the weights began with."""
        return None if self.initial_weights is None else sha256_file(self.initial_weights)

    def _named(self, architecture: Path) -> Architecture:
        if str(architecture) == LARGEST:
            return largest(self.spec)
        return read_architecture(architecture)

    @property
    def num_outputs(self) -> int:
        """N."""
        return len(self.task.outputs)

    @property
    def teacher(self) -> Architecture:
        """The net that teaches and that is exported: the largest, or the fixed one."""
        return self.fixed or largest(self.spec)

    def build(self) -> Net:
        """A net with its first weights, laid out channels last: 1.7 times as fast on a CPU."""
        net = self._fresh() if self.initial_weights is None else self._begun(self.initial_weights)
        net.train()  # a file's nets come in evaluation mode, and Lightning keeps the mode it finds
        return net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def _fresh(self) -> Net:
        if self.fixed is not None:
            return build_subnet(self.fixed, self.num_outputs, self.seed)
        return build_supernet(self.spec, self.num_outputs, self.seed)

    def _begun(self, path: Path) -> Net:
        """The net or supernet with the weights of that file; of an embedding, all but the last."""
        content = load_trained(path)
        task = task_of(path, content)
        if not isinstance(task, EmbeddingTask) or isinstance(self.task, EmbeddingTask):
            return self._of_file(path, content, self.task)
        net = self._fresh()
        begun = self._of_file(path, content, task).state_dict()
        for name, value in net.state_dict().items():
            if LAST_LAYER not in name:
                value.copy_(begun[name])
        return net

    def _of_file(self, path: Path, content: Mapping[str, Any], task: Task) -> Net:
        if self.fixed is None:
            return read_supernet_of(path, self.spec, task)
        found = trained_net_of(path, content, self.spec, self.fixed, task)
        if found.architecture != self.fixed:
            raise UserError(
                f"model.initial_weights: {path} is of another net than model.architecture; give"
                " the weights of that one, or a supernet.pt of its space"
            )
        return found.net

    def of_step(self, step: int, done: float = 0.0) -> list[Architecture]:
        """The nets to train in this step, the largest first.

        Args:
            step: of the training.
            done: share of all steps that are done, in [0, 1].
        """
        if self.fixed is not None:
            return [self.fixed]
        rng = numpy_generator(self.seed, step, "sandwich")
        if self.sampling.kind == "progressive":
            # As many nets a step as the sandwich has: one more for its smallest.
            number = 1 + self.random_subnets
            return progressive(self.spec, rng, done, self.sampling.begin, number)
        return sandwich(self.spec, rng, num_random=self.random_subnets)

    def activate(self, net: Net, architecture: Architecture) -> None:
        """Make ``net`` compute as ``architecture``."""
        if isinstance(net, Supernet):
            net.activate(architecture)

    def extract(self, net: Net, architecture: Architecture) -> Subnet:
        """A plain net of its own with the weights that ``net`` uses for ``architecture``."""
        if isinstance(net, Supernet):
            return net.extract(architecture)
        subnet = build_subnet(architecture, self.num_outputs)
        subnet.load_state_dict(net.state_dict())
        return subnet

    def judged(self) -> dict[str, Architecture]:
        """The nets that validation looks at, by name."""
        if self.fixed is not None:
            return {"fixed": self.fixed}
        return {
            "largest": largest(self.spec),
            "middle": middle(self.spec),
            "smallest": smallest(self.spec),
        }


class FeatureCache:
    """Features of one batch, computed once per front end and shared by the nets that use it.

    Args:
        waveform: float32 [B, T], or features [B, 1, F, L] of the only front end that is asked for
            (see `Recipe.refuse_features`).
        augment: applied to the features [B, 1, F, L] of each front end; by default they stay.
    """

    def __init__(
        self, waveform: Tensor, augment: Callable[[Tensor], Tensor] = lambda features: features
    ) -> None:
        self.waveform = waveform
        self.augment = augment
        self.by_frontend: dict[tuple[tuple[str, Choice], ...], Tensor] = {}

    @torch.no_grad()
    def of(self, net: Net, architecture: Architecture) -> Tensor:
        """Features [B, 1, F, L] for ``net``, in which ``architecture`` must be active.

        Float32 under any precision: log-mel energies span more than 16-bit floats hold.
        """
        choices = architecture.choices.items()
        key = tuple(sorted(choice for choice in choices if choice[0].startswith("frontend_")))
        if key not in self.by_frontend:
            with torch.autocast(self.waveform.device.type, enabled=False):
                clips = self.waveform.float()
                features = clips if are_features(clips) else net.features(clips)
                self.by_frontend[key] = self.augment(features)
        return self.by_frontend[key]
