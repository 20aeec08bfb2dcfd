import copy
import io
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from search_spaces.architecture import (
    Architecture,
    from_indices,
    largest,
    random_architecture,
    smallest,
)
from search_spaces.errors import UserError
from search_spaces.spaces import get_space
from search_spaces.supernet import Supernet, build_subnet, build_supernet

NANO = get_space("sam-nano")
SAM = get_space("sam")
shared_supernet = cache(lambda name: build_supernet(get_space(name), seed=1))


def waveforms(batch: int = 2) -> torch.Tensor:
    return torch.randn(batch, 80_000, generator=torch.Generator().manual_seed(0)) * 0.1


def assert_extract_computes_the_same(supernet: Supernet, architecture: Architecture) -> None:
    supernet.activate(architecture)
    for training in (True, False):
        subnet = supernet.train(training).extract(architecture)
        assert subnet.training == training
        ours, theirs = supernet(waveforms()), subnet(waveforms())
        assert ours.shape == (2, 11)
        assert torch.equal(ours, theirs)


@settings(max_examples=8, deadline=None)
@given(st.tuples(*(st.integers(0, len(c) - 1) for c in SAM.dimensions.values())))
def test_any_net_of_the_full_space_extracts_to_what_the_supernet_computes(indices):
    assert_extract_computes_the_same(shared_supernet("sam"), from_indices(SAM, indices))


@pytest.mark.parametrize("name", ["sam-nano", "sam-lite", "sam"])
@pytest.mark.parametrize("end", [smallest, largest])
def test_the_ends_extract_to_what_the_supernet_computes(name, end):
    assert_extract_computes_the_same(shared_supernet(name), end(get_space(name)))


def test_every_front_end_and_stride_leaves_a_valid_map():
    rng = np.random.default_rng(0)
    strides = [name for name in SAM.dimensions if "stride" in name]
    deepest = SAM.restricted(
        {name: SAM.dimensions[name][0] for name in strides} | {"frontend_mels": 20}
    )
    for _ in range(5):
        subnet = build_subnet(random_architecture(deepest, rng)).eval()
        assert torch.isfinite(subnet(waveforms(1))).all()


def test_extract_and_build_subnet_share_parameter_names():
    architecture = largest(NANO)
    extracted = shared_supernet("sam-nano").extract(architecture).state_dict()
    built = build_subnet(architecture).state_dict()
    assert {name: value.shape for name, value in built.items()} == {
        name: value.shape for name, value in extracted.items()
    }
    assert not any("frontend" in name for name in built), "only learnt weights"


def test_an_extracted_net_is_free_of_nni_and_of_the_supernet():
    supernet = build_supernet(NANO)
    before = {name: value.clone() for name, value in supernet.state_dict().items()}
    subnet = supernet.extract(smallest(NANO))
    assert not any(type(module).__module__.startswith("nni") for module in subnet.modules())
    for parameter in subnet.parameters():
        assert parameter.requires_grad
        assert parameter.is_contiguous()
        torch.nn.init.zeros_(parameter)
    assert all(torch.equal(value, before[name]) for name, value in supernet.state_dict().items())


def test_a_small_net_trains_the_first_channels_of_the_large_ones():
    supernet = build_supernet(NANO)
    narrow = {**largest(NANO).choices, "stage3_width": 24}
    supernet.activate(Architecture(NANO.name, NANO.version, narrow))
    supernet(waveforms()).sum().backward()
    gradient = supernet.net.stages[2].blocks[0].project.conv.weight.grad
    assert gradient[:24].abs().sum() > 0
    assert gradient[24:].abs().sum() == 0


def test_seeds_decide_the_weights_and_leave_the_global_random_state():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    first, again, other = (build_supernet(NANO, seed=seed).state_dict() for seed in (1, 1, 2))
    nets = [build_subnet(largest(NANO), seed=seed).state_dict() for seed in (1, 1, 2)]
    assert torch.equal(torch.rand(1), expected)
    for one, same, different in ((first, again, other), nets):
        assert all(torch.equal(value, same[name]) for name, value in one.items())
        assert any(not torch.equal(value, different[name]) for name, value in one.items())


def test_a_fresh_supernet_is_the_largest_net():
    supernet = build_supernet(NANO)
    assert supernet.active == largest(NANO)
    assert supernet(waveforms(1)).shape == (1, 11)


def test_features_and_classify_make_up_the_net():
    supernet = shared_supernet("sam-nano").eval()
    supernet.activate(smallest(NANO))
    features = supernet.features(waveforms())
    assert features.shape[:3] == (2, 1, smallest(NANO).choices["frontend_mels"])
    assert torch.equal(supernet.classify(features), supernet(waveforms()))


def test_state_loads_with_weights_only_and_a_copy_computes_the_same():
    supernet = build_supernet(NANO, seed=4).eval()
    supernet.activate(smallest(NANO))
    expected = supernet(waveforms())
    file = io.BytesIO()
    torch.save(supernet.state_dict(), file)
    file.seek(0)
    other = build_supernet(NANO, seed=5).eval()
    other.load_state_dict(torch.load(file, weights_only=True))
    other.activate(smallest(NANO))
    assert torch.equal(other(waveforms()), expected)
    assert torch.equal(copy.deepcopy(supernet)(waveforms()), expected)


def test_a_copy_used_for_other_nets_keeps_the_same_buffers():
    supernet = build_supernet(NANO)
    averaged = copy.deepcopy(supernet)
    supernet.activate(smallest(NANO))
    supernet(waveforms(1))
    names = [name for name, _ in supernet.named_buffers()]
    assert names == [name for name, _ in averaged.named_buffers()]


@pytest.mark.parametrize("method", ["activate", "extract"])
def test_an_architecture_of_another_space_is_refused(method):
    with pytest.raises(UserError, match=r"of space sam version 1, expected sam-nano version 1"):
        getattr(shared_supernet("sam-nano"), method)(smallest(SAM))
