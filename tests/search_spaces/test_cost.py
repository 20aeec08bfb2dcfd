"""Letters: H height (frequency), W width (time)."""

import gc
import time

import numpy as np
import pytest
import torch
from torch import nn
from torch.fx.experimental.proxy_tensor import make_fx

from search_spaces.architecture import Architecture, largest, random_architecture, smallest
from search_spaces.cost import costs, layer_descriptors
from search_spaces.frontend_geometry import FrontEndGeometry, frontend_settings
from search_spaces.spaces import SPACES, get_space
from search_spaces.supernet import build_subnet

NANO = get_space("sam-nano")


def random_architectures(count: int) -> list[Architecture]:
    rng = np.random.default_rng(0)
    ends = [end(space) for space in SPACES.values() for end in (smallest, largest)]
    return ends + [random_architecture(get_space("sam"), rng) for _ in range(count)]


def by_name(architecture: Architecture) -> dict:
    return {layer.name: layer for layer in layer_descriptors(architecture)}


def features_of(architecture: Architecture) -> torch.Tensor:
    settings = frontend_settings(architecture.choices)
    geometry = FrontEndGeometry(**settings, clip_samples=architecture.clip_samples)
    return torch.zeros(1, 1, geometry.mels, geometry.frames)


# Smallest net of sam-nano: 20 mels; 8 kHz, hop 256 and window 160 samples: 156 frames.
# The stem strides (2, 4): 10 x 39. Stage 1 (2, 2): 5 x 20. Stage 2 (2, 2): 3 x 10. Stage 3 (2, 1):
# 2 x 10, width 24. Stage 4 (2, 1): 1 x 10, width 32. Expansion 1 throughout, kernel 3.
BY_HAND = {
    "normalise.loudness": (0, 0),
    "normalise.bands": (0, 0),
    "normalise.subtract": (0, 0),
    "normalise": (0, 0),
    "stem.conv": (3 * 3 * 1 * 8 * (10 * 39), 3 * 3 * 8 + 2 * 8),
    "stages.0.0.expand.conv": (8 * 8 * (10 * 39), 8 * 8 + 2 * 8),
    "stages.0.0.depthwise.conv": (3 * 3 * 8 * (5 * 20), 3 * 3 * 8 + 2 * 8),
    "stages.0.0.project.conv": (8 * 8 * (5 * 20), 8 * 8 + 2 * 8),
    "stages.1.0.expand.conv": (8 * 8 * (5 * 20), 8 * 8 + 2 * 8),
    "stages.1.0.depthwise.conv": (3 * 3 * 8 * (3 * 10), 3 * 3 * 8 + 2 * 8),
    "stages.1.0.project.conv": (8 * 16 * (3 * 10), 8 * 16 + 2 * 16),
    "stages.2.0.expand.conv": (16 * 16 * (3 * 10), 16 * 16 + 2 * 16),
    "stages.2.0.depthwise.conv": (3 * 3 * 16 * (2 * 10), 3 * 3 * 16 + 2 * 16),
    "stages.2.0.project.conv": (16 * 24 * (2 * 10), 16 * 24 + 2 * 24),
    "stages.3.0.expand.conv": (24 * 24 * (2 * 10), 24 * 24 + 2 * 24),
    "stages.3.0.depthwise.conv": (3 * 3 * 24 * (1 * 10), 3 * 3 * 24 + 2 * 24),
    "stages.3.0.project.conv": (24 * 32 * (1 * 10), 24 * 32 + 2 * 32),
    "pool.mean": (0, 0),
    "head.hidden": (32 * 32, 32 * 32 + 32),
    "head.output": (32 * 11, 32 * 11 + 11),
}


def test_a_net_counted_by_hand():
    architecture = smallest(NANO)
    trunk = [layer for layer in layer_descriptors(architecture) if layer.part == "trunk"]
    assert {layer.name: (layer.macs, layer.params) for layer in trunk} == BY_HAND
    cost = costs(architecture)
    assert cost.params == sum(params for _, params in BY_HAND.values())
    assert cost.macs - cost.frontend_macs == sum(macs for macs, _ in BY_HAND.values())


def test_a_residual_block_by_hand():
    deep = Architecture("sam-nano", 1, {**smallest(NANO).choices, "stage4_depth": 2})
    layers = by_name(deep)
    expand, depthwise, project, add = (
        layers[name]
        for name in (
            "stages.3.1.expand.conv",
            "stages.3.1.depthwise.conv",
            "stages.3.1.project.conv",
            "stages.3.1",
        )
    )
    map_elements = 32 * 1 * 10  # 32 channels of 1 x 10, also after expanding by 1
    assert (expand.input_elements, expand.output_elements) == (map_elements, map_elements)
    assert expand.held_elements == 0, "its input is the residual"
    assert depthwise.held_elements == project.held_elements == map_elements
    assert (add.kind, add.macs, add.params) == ("add", 0, 0)
    assert (add.input_elements, add.output_elements) == (2 * map_elements, map_elements)


def test_fused_blocks_by_hand():
    spec = get_space("events-1s")
    deep = Architecture(spec.name, 1, {**smallest(spec).choices, "stage4_depth": 2})
    layers = by_name(deep)
    assert "normalise" not in layers
    # 20 mels, hop 32 ms: 32 frames. Stem (2, 2): 10 x 16. Stage 1: 5 x 8. Stage 2: 3 x 4.
    # Stage 3 (2, 1): 2 x 4. Stage 4 (2, 2): 1 x 2, 32 channels.
    first = layers["stages.0.0.expand.conv"]
    assert (first.kind, first.macs, first.params) == (
        "conv",
        3 * 3 * 8 * 8 * (5 * 8),
        3 * 3 * 8 * 8 + 2 * 8,
    )
    expand, project = (layers[f"stages.3.1.{name}.conv"] for name in ("expand", "project"))
    assert expand.macs == 3 * 3 * 32 * 32 * 2
    assert (expand.held_elements, project.held_elements) == (0, 32 * 2)
    assert layers["stages.3.1"].kind == "add"


def test_plain_blocks_behind_bands_as_channels_by_hand():
    layers = by_name(smallest(get_space("sam-plain")))
    # 64 bands, hop 40 ms: 124 frames. 8 bands are channels: 8 x 124. Stem (1, 2): 8 x 62, 16
    # channels. Stage 1 (2, 2): 4 x 31. Stage 2 (2, 2): 2 x 16, 32 channels.
    stem, first = layers["stem.conv"], layers["stages.0.0.conv"]
    assert (stem.in_channels, stem.macs, stem.params) == (
        8,
        3 * 3 * 8 * 16 * (8 * 62),
        3 * 3 * 8 * 16 + 2 * 16,
    )
    assert (first.kind, first.macs) == ("conv", 3 * 3 * 16 * 16 * (4 * 31))
    assert layers["stages.1.0.conv"].macs == 3 * 3 * 16 * 32 * (2 * 16)
    assert not any("project" in name for name in layers)


@pytest.mark.parametrize("architecture", random_architectures(12), ids=lambda each: each.digest)
def test_parameters_and_macs_agree_with_the_net(architecture):
    net = build_subnet(architecture).eval()
    counted = {}

    def count(name):
        def hook(module, _inputs, output):
            counted[name] = output.numel() * module.weight[0].numel()

        return hook

    for name, module in net.named_modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(count(name))
    net.classify(features_of(architecture))
    cost = costs(architecture)
    predicted = by_name(architecture)
    assert counted == {name: predicted[name].macs for name in counted}
    assert sum(counted.values()) == cost.macs - cost.frontend_macs
    assert sum(parameter.numel() for parameter in net.parameters()) == cost.params
    assert (
        net.features(torch.zeros(1, architecture.clip_samples)).shape
        == features_of(architecture).shape
    )


# Runs within the convolution or pooling before it, or moves no data
FOLDED = ("batch_norm", "relu", "getitem", "view", "reshape", "detach", "alias")


def simulated_peak(architecture: Architecture) -> int:
    """Most elements alive at once when the traced trunk runs and frees after the last use."""
    net = build_subnet(architecture).eval()
    with torch.no_grad():
        graph = make_fx(lambda features: net.classify(features))(features_of(architecture)).graph
    producer, elements, reads = {}, {}, []
    for node in graph.nodes:
        inputs = [producer[each] for each in node.all_input_nodes if each in producer]
        if node.op == "call_function" and any(name in str(node.target) for name in FOLDED):
            producer[node] = inputs[0]
        elif node.op in ("placeholder", "call_function"):
            producer[node] = node
            value = node.meta["val"]
            elements[node] = (value[0] if isinstance(value, tuple) else value).numel()
            reads.append((node, set(inputs)))
    last_use = {each: step for step, (_, inputs) in enumerate(reads) for each in inputs}
    peak = 0
    for step, (node, _) in enumerate(reads[1:], start=1):
        alive = [each for each, _ in reads[:step] if last_use.get(each, 0) >= step]
        peak = max(peak, elements[node] + sum(elements[each] for each in alive))
    return peak


@pytest.mark.parametrize(
    "architecture", random_architectures(1)[3::2], ids=lambda each: each.digest
)
def test_peak_activation_agrees_with_a_simulation_of_the_trunk(architecture):
    trunk = [layer for layer in layer_descriptors(architecture) if layer.part == "trunk"]
    peak = max(each.input_elements + each.output_elements + each.held_elements for each in trunk)
    assert peak == simulated_peak(architecture)


def test_peak_is_the_greater_of_front_end_in_fp32_and_trunk_in_its_precision():
    layers = layer_descriptors(largest(get_space("sam")))
    alive = {
        part: max(
            each.input_elements + each.output_elements + each.held_elements
            for each in layers
            if each.part == part
        )
        for part in ("frontend", "trunk")
    }
    for precision, width in (("fp32", 4), ("int8", 1)):
        expected = max(4 * alive["frontend"], width * alive["trunk"])
        assert (
            costs(largest(get_space("sam")), precision=precision).peak_activation_bytes == expected
        )


def test_a_head_that_takes_mean_and_maximum_by_hand():
    layers = by_name(smallest(get_space("sam-fine")))
    assert (layers["pool"].kind, layers["pool"].out_size) == ("concat", (2, 1))
    hidden = layers["head.hidden"]
    assert (hidden.kernel, hidden.in_size, hidden.out_size) == ((2, 1), (2, 1), (1, 1))
    assert (hidden.macs, hidden.params) == (2 * 32 * 32, 2 * 32 * 32 + 32)


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_smallest_and_largest_bound_the_costs(space):
    rng = np.random.default_rng(1)
    low, high = costs(smallest(space)), costs(largest(space))
    for _ in range(100):
        cost = costs(random_architecture(space, rng))
        assert low.params <= cost.params <= high.params
        assert low.macs <= cost.macs <= high.macs


def test_the_spaces_reach_the_sizes_they_promise():
    sam, lite = get_space("sam"), get_space("sam-lite")
    assert costs(smallest(sam)).params < 5_500
    assert 400_000 < costs(largest(sam)).params < 550_000
    assert 150e6 < costs(largest(sam)).macs < 220e6
    assert 80_000 < costs(largest(lite)).params <= 100_000
    trunk = costs(largest(lite)).macs - costs(largest(lite)).frontend_macs
    assert 10e6 < trunk < 16e6


def test_a_thousand_costs_take_no_noticeable_time():
    architectures = random_architectures(200)
    gc.collect()  # or a collection of all that other tests left may fall into the measurement
    start = time.thread_time()
    for architecture in architectures:
        costs(architecture)
    assert (time.thread_time() - start) / len(architectures) < 5e-3
