from __future__ import annotations

import pytest
import torch
from torch import nn

from lightning_modules.optimiser import make_optimiser
from lightning_modules.pictures import Pictures
from lightning_modules.transfer import Transfer, cnn_layers
from search_spaces.errors import UserError
from search_spaces.spaces import get_space


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
def cnn() -> TinyCnn:
    return TinyCnn()


def transfer(pictures: Pictures, pretrained: bool = True) -> Transfer:
    made = Transfer(pictures)
    made.sha256 = "0" * 64 if pretrained else None
    return made


def learning(cnn: TinyCnn) -> list[str]:
    return [name for name, parameter in cnn.named_parameters() if parameter.requires_grad]


def test_first_the_last_layer_alone_then_all(cnn: TinyCnn):
    pictures = Pictures(frozen_steps=10)
    transfer(pictures, pretrained=True).set_phase(cnn.train(), step=9)
    assert learning(cnn) == ["5.weight", "5.bias"]
    assert not cnn[1].training
    assert cnn[4].training  # dropout belongs to the last layer
    transfer(pictures, pretrained=True).set_phase(cnn.train(), step=10)
    assert len(learning(cnn)) == 8
    assert cnn[1].training


def test_a_share_of_the_layers_may_stay_frozen(cnn: TinyCnn):
    pictures = Pictures(frozen_steps=0, unfrozen_share=0.4)
    transfer(pictures, pretrained=True).set_phase(cnn.train(), step=0)
    assert learning(cnn) == ["2.weight", "2.bias", "5.weight", "5.bias"]
    assert not cnn[1].training


def test_random_weights_are_never_frozen(cnn: TinyCnn):
    transfer(Pictures(frozen_steps=10), pretrained=False).set_phase(cnn.train(), step=0)
    assert len(learning(cnn)) == 8


def test_layers_are_those_with_weights_but_the_last(cnn: TinyCnn):
    assert cnn_layers(cnn) == [cnn[0], cnn[1], cnn[2]]


def test_the_cnn_learns_more_slowly(cnn: TinyCnn):
    pictures = Pictures(unfrozen_rate=0.1)

    share = transfer(pictures).rate_share(cnn)
    net = nn.ModuleDict({"cnn": cnn})
    groups = make_optimiser(net, 0.02, 0.3, share).param_groups
    found = {(group["lr"], group["weight_decay"], len(group["params"])) for group in groups}
    assert found == {(0.02, 0.3, 1), (0.02, 0.0, 1), (0.002, 0.3, 2), (0.002, 0.0, 4)}
    assert transfer(pictures, pretrained=False).rate_share(cnn)("cnn.0.weight") == 1.0


def test_a_frozen_batch_norm_keeps_its_statistics(cnn: TinyCnn):
    before = {name: value.clone() for name, value in cnn[1].state_dict().items()}
    transfer(Pictures(frozen_steps=1), pretrained=True).set_phase(cnn.train(), step=0)
    cnn(torch.randn(4, 3, 5, 5))
    assert all(torch.equal(cnn[1].state_dict()[name], value) for name, value in before.items())


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
        Pictures(cnn="resnet18").architecture(get_space("sam-nano"))
