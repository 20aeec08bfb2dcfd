"""One set of weights for every net of a space, and the nets cut out of it.

Letters: B batch, T samples, F mel bands, W frames, K outputs.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from search_spaces.architecture import Architecture, largest
from search_spaces.blocks import Layers
from search_spaces.clip import NUM_COUNTS
from search_spaces.net import AmbianceNet, assemble, initialise
from search_spaces.picture_net import PictureNet, build_picture_net
from search_spaces.space import SpaceSpec
from search_spaces.spaces import PICTURE_SPACES

Subnet = AmbianceNet | PictureNet


class Supernet(nn.Module):
    """All nets of a space with shared weights; computes the one that was activated last.

    A net's weights are prefixes (channels, depth) and centres (kernels) of the largest one's, as in
    once-for-all (Cai et al. 2020, section 3.2). NNI's `RandomOneShot` does the sharing. A new
    supernet is the largest net.

    Args:
        spec: the space.
        num_outputs: K, logits.
        seed: of the fresh weights; the global random state is left as it was.
    """

    def __init__(self, spec: SpaceSpec, num_outputs: int = NUM_COUNTS, seed: int = 0) -> None:
        super().__init__()
        # NNI takes seconds to import and whoever uses a subnet does not need it
        from search_spaces.nni_adapter import sampling_supernet

        self.spec = spec
        self.num_outputs = num_outputs
        with torch.random.fork_rng(devices=[]):
            self.net = sampling_supernet(spec, num_outputs)
        initialise(self.net, torch.Generator().manual_seed(seed))
        self.activate(largest(spec))

    def activate(self, architecture: Architecture) -> None:
        """Compute ``architecture`` from now on.

        Raises:
            UserError: it is not in the space.
        """
        from search_spaces.nni_adapter import activate

        architecture.validate(self.spec)
        activate(self.net, architecture.choices)
        self.active = architecture

    def extract(self, architecture: Architecture) -> AmbianceNet:
        """A plain net with a copy of the weights, on the CPU, in the supernet's mode.

        Its batch norm statistics are those of the supernet: see `recalibrate_batch_norm`.

        Raises:
            UserError: the architecture is not in the space.
        """
        from search_spaces.nni_adapter import frozen_weights

        architecture.validate(self.spec)
        parts = assemble(
            architecture.choices,
            self.num_outputs,
            Layers(device="meta"),
            self.spec.clip_samples,
        )
        subnet = AmbianceNet(**parts)
        state = frozen_weights(self.net, architecture.choices)
        copies = {
            name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
            for name, value in state.items()
        }
        subnet.load_state_dict(copies, assign=True)
        return subnet.train(self.training)

    def features(self, waveform: Tensor) -> Tensor:
        """Waveform float32 [B, T] -> the active front end's features [B, 1, F, W]."""
        return self.net.features(waveform)

    def classify(self, features: Tensor) -> Tensor:
        """Features of the active front end, float32 [B, 1, F, W] -> logits float32 [B, K]."""
        return self.net.classify(features)

    def forward(self, waveform: Tensor) -> Tensor:
        """Waveform float32 [B, T] at 16 kHz -> logits float32 [B, K]."""
        return self.net(waveform)


def build_supernet(spec: SpaceSpec, num_outputs: int = NUM_COUNTS, seed: int = 0) -> Supernet:
    """A supernet with fresh weights; see `Supernet`."""
    return Supernet(spec, num_outputs, seed)


def build_subnet(
    architecture: Architecture, num_outputs: int = NUM_COUNTS, seed: int = 0
) -> Subnet:
    """A plain net with fresh weights; its state has the names of `Supernet.extract`'s.

    Args:
        architecture: of any space.
        num_outputs: K, logits.
        seed: of the fresh weights; the global random state is left as it was.
    """
    if architecture.space in PICTURE_SPACES:
        return build_picture_net(architecture, num_outputs, seed)
    with torch.random.fork_rng(devices=[]):
        parts = assemble(architecture.choices, num_outputs, Layers(), architecture.clip_samples)
        subnet = AmbianceNet(**parts)
    initialise(subnet, torch.Generator().manual_seed(seed))
    return subnet
