"""The picture of an evaluation of classes, however many there are."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread

from deploy.confusion_plot import CELL_INCHES, WIDEST_INCHES, write_confusion_plot

CLASSES = 2 * round(WIDEST_INCHES / CELL_INCHES)


def evaluation(names: list[str], several: bool) -> dict[str, Any]:
    return {
        "task": {"kind": "classes", "names": names, "several": several},
        "bundle": {"name": "net", "precision": "int8"},
        "clips": {"number": len(names)},
        "metrics": {"error": {"value": 0.0}},
        "confusion": None if several else np.eye(len(names), dtype=int).tolist(),
        "by_class": [{"name": name, "recall": {"value": 1.0}} for name in names],
    }


@pytest.mark.parametrize("several", [False, True])
def test_a_picture_of_many_classes_does_not_grow_with_them(tmp_path: Path, several: bool):
    names = [str(at) for at in range(CLASSES)]
    write_confusion_plot(tmp_path / "picture.png", evaluation(names, several))
    height, width = imread(tmp_path / "picture.png").shape[:2]
    assert height <= width <= 150 * (WIDEST_INCHES + 4)


def test_names_in_letters_that_the_font_lacks_are_no_warnings(tmp_path: Path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_confusion_plot(tmp_path / "picture.png", evaluation(["犬", "Größe"], several=False))
    assert (tmp_path / "picture.png").is_file()
