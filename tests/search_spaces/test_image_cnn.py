from __future__ import annotations

import pytest
import torch
from torchvision.models import squeezenet1_1

from search_spaces.image_cnn import bare_image_cnn, build_image_cnn, last_layer
from search_spaces.spaces import DEEPSPECTRUM


@pytest.mark.parametrize("name", ["squeezenet1_1", "mobilenet_v2", "densenet121"])
def test_a_small_picture_becomes_logits(name: str):
    cnn = build_image_cnn(name, 7).eval()
    with torch.no_grad():
        assert cnn(torch.randn(2, 3, 32, 32)).shape == (2, 7)
    assert cnn.get_submodule(last_layer(cnn)).weight.shape[0] == 7


def test_the_last_relu_of_squeezenet_is_left_out():
    theirs = squeezenet1_1(num_classes=5).eval()
    ours = build_image_cnn("squeezenet1_1", 5).eval()
    ours.load_state_dict(theirs.state_dict())
    pictures = torch.randn(8, 3, 64, 64)
    with torch.no_grad():
        before = ours.classifier[:2](ours.features(pictures))  # type: ignore[index,operator]
        torch.testing.assert_close(before.relu().flatten(2).mean(2), theirs(pictures))
        assert (ours(pictures) < 0).any()


@pytest.mark.parametrize("name", DEEPSPECTRUM.dimensions["cnn"])
def test_torchvision_has_every_cnn_of_the_space(name: str):
    with torch.device("meta"):
        cnn = bare_image_cnn(name, 3)
    assert len(cnn.get_parameter(f"{last_layer(cnn)}.bias")) == 3


def test_the_seed_says_the_weights_and_nothing_else_changes():
    state = torch.random.get_rng_state()
    first, second = (build_image_cnn("squeezenet1_1", 3, seed=4) for _ in range(2))
    assert torch.equal(torch.random.get_rng_state(), state)
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)
