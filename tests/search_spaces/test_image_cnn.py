from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from search_spaces.errors import UserError
from search_spaces.image_cnn import BUILT_HERE, build_image_cnn, last_layer

# With 1000 outputs, as torchvision's documentation has them; entries of its files of weights.
PARAMETERS = {
    "squeezenet1_1": 1_235_496,
    "mobilenet_v2": 3_504_872,
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "densenet121": 7_978_856,
}
SOME_NAMES = {
    "squeezenet1_1": ("features.0.weight", "features.12.expand3x3.bias", "classifier.1.weight"),
    "mobilenet_v2": ("features.1.conv.0.0.weight", "features.17.conv.3.running_var"),
    "resnet18": ("layer2.0.downsample.0.weight", "layer4.1.bn2.num_batches_tracked", "fc.bias"),
    "resnet34": ("layer3.5.conv2.weight", "bn1.running_mean"),
    "densenet121": (
        "features.denseblock4.denselayer16.conv2.weight",
        "features.transition3.norm.weight",
        "features.norm5.bias",
        "classifier.weight",
    ),
}


@pytest.mark.parametrize("name", BUILT_HERE)
def test_parameters_are_those_of_torchvision(name: str):
    with torch.device("meta"):
        cnn = BUILT_HERE[name](1000)
    assert sum(parameter.numel() for parameter in cnn.parameters()) == PARAMETERS[name]
    assert set(SOME_NAMES[name]) <= set(cnn.state_dict())


@pytest.mark.parametrize("name", ["squeezenet1_1", "mobilenet_v2", "densenet121"])
def test_a_small_picture_becomes_logits(name: str):
    cnn = build_image_cnn(name, 7).eval()
    with torch.no_grad():
        assert cnn(torch.randn(2, 3, 32, 32)).shape == (2, 7)
    assert cnn.get_submodule(last_layer(cnn)).weight.shape[0] == 7


@pytest.mark.parametrize("name", BUILT_HERE)
def test_it_computes_what_torchvision_computes(name: str):
    models = pytest.importorskip("torchvision.models")
    theirs, ours = models.get_model(name, weights=None).eval(), BUILT_HERE[name](1000).eval()
    ours.load_state_dict(theirs.state_dict())
    picture = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        expected, got = theirs(picture), ours(picture)
    if name != "squeezenet1_1":  # whose last ReLU is left out here
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)


def test_the_seed_says_the_weights_and_nothing_else_changes():
    state = torch.random.get_rng_state()
    first, second = (build_image_cnn("squeezenet1_1", 3, seed=4) for _ in range(2))
    assert torch.equal(torch.random.get_rng_state(), state)
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def test_without_torchvision_its_install_command_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    monkeypatch.setattr(torch, "__version__", "2.13.0+cpu")
    with pytest.raises(
        UserError,
        match=r"cnn: vgg16 is built by torchvision, .*/pip install torchvision==0\.28\.\*, or"
        r" choose squeezenet1_1, mobilenet_v2, ",
    ):
        build_image_cnn("vgg16", 3)


def test_with_torchvision_it_builds_the_others(monkeypatch: pytest.MonkeyPatch):
    def get_model(name: str, weights: None, num_classes: int) -> nn.Module:
        assert (name, weights) == ("vgg16", None)
        return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4, num_classes))

    monkeypatch.setitem(sys.modules, "torchvision.models", SimpleNamespace(get_model=get_model))
    cnn = build_image_cnn("vgg16", 3)
    assert last_layer(cnn) == "2"
    assert cnn.get_submodule("2").out_features == 3
