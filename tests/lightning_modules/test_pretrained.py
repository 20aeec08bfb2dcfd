from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from lightning_modules.pretrained import find_weights, load_pretrained
from search_spaces.errors import UserError
from search_spaces.image_cnn import build_image_cnn

FIRST, FIRST_ = "features.0.weight", r"features\.0\.weight"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture(scope="module")
def published() -> dict[str, Tensor]:
    """As torchvision would publish SqueezeNet: with 1000 outputs."""
    return build_image_cnn("squeezenet1_1", 1000, seed=9).state_dict()


def test_the_newest_file_of_the_cnn_in_torchs_cache_is_taken(cache: Path):
    for age, name in enumerate(["resnet18-b.pth", "resnet18-a.pth", "resnet34-c.pth"]):
        (cache / name).touch()
        os.utime(cache / name, (age, age))
    assert find_weights("resnet18", "cache") == cache / "resnet18-a.pth"


def test_nothing_is_downloaded(cache: Path):
    with pytest.raises(
        UserError, match=r"pictures.weights: .* holds no vgg16-\*.pth, and nothing is downloaded"
    ):
        find_weights("vgg16", "cache")


def test_random_weights_are_had_for_the_asking():
    assert find_weights("vgg16", "random") is None


def test_a_path_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(UserError, match=r"mine.pth: no such file; give torchvision's vgg16-\*.pth"):
        find_weights("vgg16", str(tmp_path / "mine.pth"))


def test_all_but_the_last_layer_is_filled(published: dict[str, Tensor], tmp_path: Path):
    torch.save({"state_dict": published}, tmp_path / "s.pth")
    cnn = build_image_cnn("squeezenet1_1", 3)
    fresh = cnn.get_submodule("classifier.1").weight.clone()
    load_pretrained(cnn, "squeezenet1_1", tmp_path / "s.pth")
    assert torch.equal(cnn.get_submodule("classifier.1").weight, fresh)
    state = cnn.state_dict()
    filled = [name for name in published if not name.startswith("classifier")]
    assert all(torch.equal(state[name], published[name]) for name in filled)


def test_weights_of_another_cnn_are_refused_and_named(published: dict[str, Tensor], tmp_path: Path):
    torch.save(published, tmp_path / "s.pth")
    with pytest.raises(
        UserError,
        match=r"s.pth: not the weights of mobilenet_v2, whose features.0.0.weight is \[32, 3, 3, 3"
        r"\]; the file lacks it; they are squeezenet1_1's: set model.pictures.cnn to squee",
    ):
        load_pretrained(build_image_cnn("mobilenet_v2", 3), "mobilenet_v2", tmp_path / "s.pth")


def test_weights_of_another_width_are_refused(published: dict[str, Tensor], tmp_path: Path):
    narrow = {**published, "features.0.weight": torch.zeros(32, 3, 3, 3)}
    torch.save(narrow, tmp_path / "s.pth")
    with pytest.raises(
        UserError, match=r"features.0.weight is \[64, .*; the file has \[32, 3, 3, 3"
    ):
        load_pretrained(build_image_cnn("squeezenet1_1", 3), "squeezenet1_1", tmp_path / "s.pth")


def test_weights_of_a_deeper_cnn_are_refused(published: dict[str, Tensor], tmp_path: Path):
    torch.save({**published, "features.13.weight": torch.zeros(1)}, tmp_path / "s.pth")
    with pytest.raises(UserError, match=r"squeezenet1_1, which has no features.13.weight"):
        load_pretrained(build_image_cnn("squeezenet1_1", 3), "squeezenet1_1", tmp_path / "s.pth")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([1, 2], r"got no dictionary of tensors; save the CNN's state_dict"),
        ({"epoch": 3}, r"got no dictionary of tensors"),
        (torch.nn.Flatten(), r"not a file of weights alone \(.*\); save the CNN's state_dict"),
    ],
)
def test_what_is_no_file_of_weights_is_refused(value: object, reason: str, tmp_path: Path):
    torch.save(value, tmp_path / "s.pth")
    with pytest.raises(UserError, match=reason):
        load_pretrained(build_image_cnn("squeezenet1_1", 3), "squeezenet1_1", tmp_path / "s.pth")


def test_names_of_old_densenet_files_are_understood(tmp_path: Path):
    source = build_image_cnn("densenet121", 2, seed=5).state_dict()
    old = {}
    for name, tensor in source.items():
        for word in ("norm", "conv"):
            if ".denselayer" in name:
                name = name.replace(f".{word}1.", f".{word}.1.").replace(
                    f".{word}2.", f".{word}.2."
                )
        old[name] = tensor
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    torch.save(old, tmp_path / "d.pth")
    cnn = build_image_cnn("densenet121", 3)
    load_pretrained(cnn, "densenet121", tmp_path / "d.pth")
    name = "features.denseblock1.denselayer1.conv2.weight"
    assert torch.equal(cnn.state_dict()[name], source[name])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (lambda weight: {1: weight}, r"s.pth: got no dictionary of tensors; save the CNN's"),
        (lambda weight: {FIRST: weight.to(torch.int8)}, rf"{FIRST_} is torch.int8, .* as floats"),
        (lambda weight: {FIRST: weight.to(torch.complex64)}, rf"{FIRST_} is torch.complex64, "),
        (lambda weight: {FIRST: weight.to_sparse()}, rf"{FIRST_} is .*, torch.sparse_coo on cpu"),
        (lambda weight: {FIRST: weight.to("meta")}, rf"{FIRST_} is .*, torch.strided on meta"),
        (lambda weight: {FIRST: weight / 0}, rf"{FIRST_} is .* holds NaN or infinity; expected"),
    ],
)
def test_what_would_be_read_as_other_numbers_is_refused(
    published: dict[str, Tensor],
    tmp_path: Path,
    changed: Callable[[Tensor], dict[object, Tensor]],
    message: str,
):
    torch.save({**published, **changed(published[FIRST])}, tmp_path / "s.pth")
    with pytest.raises(UserError, match=message):
        load_pretrained(build_image_cnn("squeezenet1_1", 3), "squeezenet1_1", tmp_path / "s.pth")
