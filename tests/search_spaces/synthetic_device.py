"""A device that exists only in tests: its true costs are known, and unlike the model's form."""

import itertools

import numpy as np

from search_spaces.architecture import Architecture, largest, random_architecture, smallest
from search_spaces.cost import Layer, layer_descriptors
from search_spaces.cost_table import CostTable, Piece, build_cost_table
from search_spaces.space import FRONTEND_DIMENSIONS, SpaceSpec

DEVICE = {"name": "synthetic"}
RUNTIME = {"name": "executorch", "version": "1.4.1"}
SPEED = {"fp32": 1.0, "int8": 0.5}


def layer_ms(layer: Layer, speed: float) -> float:
    """A roofline: the longer of computing and moving, and a start that costs 2 us."""
    efficiency = {"depthwise": 0.3, "conv": 0.7}.get(layer.kind, 1.0)
    computing = layer.macs / (2e7 * efficiency)
    moving = (layer.input_elements + layer.output_elements) / 2e6
    return 0.002 + speed * max(computing, moving)


def frontend_ms(choices) -> float:
    """A cost with a jump that no feature explains: one window falls off a fast path."""
    slow_path = 1.6 if choices["frontend_window_ms"] == 20 else 1.0
    return slow_path * (0.05 + 0.004 * choices["frontend_mels"] / choices["frontend_hop_ms"])


def whole_ms(architecture: Architecture, precision: str) -> float:
    trunk = [x for x in layer_descriptors(architecture) if x.part == "trunk"]
    work = sum(layer_ms(layer, SPEED[precision]) for layer in trunk)
    return 0.01 + frontend_ms(architecture.choices) + work


def measure(architecture: Architecture, rng, noise: float, energy: bool) -> Piece:
    factor = float(np.exp(noise * rng.standard_normal()))
    latency = {p: factor * whole_ms(architecture, p) for p in SPEED}
    joules = {p: 3.0 * ms for p, ms in latency.items()} if energy else {}
    return Piece("whole", dict(architecture.choices), latency, joules)


def frontend_pieces(space: SpaceSpec, energy: bool = False) -> list[Piece]:
    pieces = []
    for values in itertools.product(*(space.dimensions[name] for name in FRONTEND_DIMENSIONS)):
        choices = dict(zip(FRONTEND_DIMENSIONS, values, strict=True))
        ms = frontend_ms(choices)
        joules = dict.fromkeys(SPEED, 3.0 * ms) if energy else {}
        pieces.append(Piece("frontend", choices, dict.fromkeys(SPEED, ms), joules))
    return pieces


def synthetic_table(
    space: SpaceSpec, subnets: int = 60, noise: float = 0.01, energy: bool = False, seed: int = 0
) -> CostTable:
    """A cost table of the synthetic device, measured with relative noise."""
    rng = np.random.default_rng(seed)
    nets = [smallest(space), largest(space)]
    nets += [random_architecture(space, rng) for _ in range(subnets)]
    unseen = [random_architecture(space, rng) for _ in range(40)]
    return build_cost_table(
        space,
        frontend_pieces(space, energy) + [measure(net, rng, noise, energy) for net in nets],
        [measure(net, rng, noise, energy) for net in unseen],
        device=DEVICE,
        runtime=RUNTIME,
        threads=1,
        method="computed",
        energy_method="computed" if energy else None,
        energy_reason=None if energy else "no meter on this host",
    )
