from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from search_spaces.colour_maps import COLOUR_MAPS, colour
from search_spaces.image_cnn import IMAGENET_MEAN, IMAGENET_STD
from search_spaces.picture import BRIGHTEST, SpectrogramPicture, resize_weights


def rgb(picture: torch.Tensor) -> np.ndarray:
    """[1, 3, S, S] as the CNN sees it -> [S, S, 3] in [0, 1]."""
    return picture[0].permute(1, 2, 0).numpy() * np.array(IMAGENET_STD) + np.array(IMAGENET_MEAN)


@pytest.mark.parametrize("colour_map", COLOUR_MAPS)
@pytest.mark.parametrize("size", [12, 40])
def test_it_is_the_coloured_spectrogram_resized(colour_map: str, size: int):
    values = torch.rand(20, 30, generator=torch.Generator().manual_seed(1)) * 1.1
    picture = SpectrogramPicture(20, 30, size, colour_map)(values[None, None] * BRIGHTEST)
    coloured = colour(colour_map, values.numpy().ravel()).reshape(20, 30, 3)
    image = torch.from_numpy(coloured).permute(2, 0, 1)[None].flip(2)
    expected = functional.interpolate(image, (size, size), mode="bilinear", antialias=True)
    np.testing.assert_allclose(rgb(picture), expected[0].permute(1, 2, 0).numpy(), atol=2e-5)


def test_low_frequencies_lie_below():
    features = torch.zeros(1, 1, 16, 16)
    features[:, :, 0] = BRIGHTEST
    picture = rgb(SpectrogramPicture(16, 16, 32, "grey")(features))
    assert picture[-1].min() > 0.9
    assert np.abs(picture[:16]).max() < 1e-6


def test_it_has_nothing_to_learn_and_nothing_to_save():
    picture = SpectrogramPicture(16, 16, 32, "magma")
    assert list(picture.parameters()) == []
    assert picture.state_dict() == {}


def test_it_is_float32_under_autocast():
    picture = SpectrogramPicture(16, 16, 32, "magma")
    features = torch.rand(1, 1, 16, 16) * BRIGHTEST
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(picture(features), picture(features.float()))


def test_resizing_weighs_every_point_alike():
    weights = resize_weights(30, 12)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(weights[:, 5:-5].sum(axis=0), 12 / 30, atol=0.05)
