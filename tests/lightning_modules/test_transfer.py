from __future__ import annotations

import pytest
import torch
from torch import nn

from lightning_modules.optimiser import make_optimiser
from lightning_modules.pictures import Pictures
from lightning_modules.transfer import cnn_layers, learning_rate_share, set_phase
from search_spaces.errors import UserError
from search_spaces.picture_net import PictureNet
from search_spaces.space import get_space


class TinyCnn(nn.Sequential):
    """Three layers with weights before the last."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(3, 4, 3),
            nn.BatchNorm2d(4),
            nn.Conv2d(4, 4, 3),
            nn.Flatten(),
            nn.Dropout(0.5),
            nn.Linear(4, 2),
        )


@pytest.fixture
def net() -> PictureNet:
    return PictureNet(frontend=nn.Identity(), picture=nn.Identity(), cnn=TinyCnn())


def learning(net: PictureNet) -> list[str]:
    named = net.cnn.named_parameters()
    return [name for name, parameter in named if parameter.requires_grad]


def test_first_the_last_layer_alone_then_all(net: PictureNet):
    pictures = Pictures(frozen_steps=10)
    set_phase(net.train(), pictures, pretrained=True, step=9)
    assert learning(net) == ["5.weight", "5.bias"]
    assert not net.cnn[1].training
    assert net.cnn[4].training  # dropout belongs to the last layer
    set_phase(net.train(), pictures, pretrained=True, step=10)
    assert len(learning(net)) == 8
    assert net.cnn[1].training


def test_a_share_of_the_layers_may_stay_frozen(net: PictureNet):
    pictures = Pictures(frozen_steps=0, unfrozen_share=0.4)
    set_phase(net.train(), pictures, pretrained=True, step=0)
    assert learning(net) == ["2.weight", "2.bias", "5.weight", "5.bias"]
    assert not net.cnn[1].training


def test_random_weights_are_never_frozen(net: PictureNet):
    set_phase(net.train(), Pictures(frozen_steps=10), pretrained=False, step=0)
    assert len(learning(net)) == 8


def test_layers_are_those_with_weights_but_the_last(net: PictureNet):
    assert cnn_layers(net.cnn) == [net.cnn[0], net.cnn[1], net.cnn[2]]


def test_the_cnn_learns_more_slowly(net: PictureNet):
    pictures = Pictures(unfrozen_rate=0.1)

    def share(name: str) -> float:
        return learning_rate_share(net, pictures, True, name)

    groups = make_optimiser(net, 0.02, 0.3, share).param_groups
    found = {(group["lr"], group["weight_decay"], len(group["params"])) for group in groups}
    assert found == {(0.02, 0.3, 1), (0.02, 0.0, 1), (0.002, 0.3, 2), (0.002, 0.0, 4)}
    assert learning_rate_share(net, pictures, False, "cnn.0.weight") == 1.0


def test_a_frozen_batch_norm_keeps_its_statistics(net: PictureNet):
    before = {name: value.clone() for name, value in net.cnn[1].state_dict().items()}
    set_phase(net.train(), Pictures(frozen_steps=1), pretrained=True, step=0)
    net.cnn(torch.randn(4, 3, 5, 5))
    assert all(torch.equal(net.cnn[1].state_dict()[name], value) for name, value in before.items())


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        (
            "cnn",
            "lenet",
            r"model.pictures.cnn: got 'lenet', allowed: squeezenet1_1, mobilenet_v2, ",
        ),
        ("size", 100, r"model.pictures.size: got 100, allowed: 32, 64, 96, 128, 160, 224"),
        ("colour_map", "hot", r"model.pictures.colour_map: got 'hot', allowed: grey, jet, viridis"),
        ("frozen_steps", -1, r"model.pictures.frozen_steps: got -1, expected at least 0"),
        ("unfrozen_share", 2.0, r"model.pictures.unfrozen_share: got 2.0, expected 0.0 to 1.0"),
        ("unfrozen_rate", 2.0, r"model.pictures.unfrozen_rate: got 2.0, expected 0.0 to 1.0"),
    ],
)
def test_a_field_out_of_range_is_refused(field: str, value: object, reason: str):
    with pytest.raises(UserError, match=reason):
        Pictures(**{field: value})


def test_pictures_need_a_space_of_pictures():
    with pytest.raises(
        UserError, match=r"got with model.space sam-nano, which has no pictures; set"
    ):
        Pictures().architecture(get_space("sam-nano"))
