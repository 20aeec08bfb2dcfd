"""Pre-trained weights of an image CNN from a file on this machine; nothing is ever downloaded."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from torch import Tensor, nn

from lightning_modules.pictures import CACHE, RANDOM
from search_spaces.errors import UserError, one_line
from search_spaces.image_cnn import bare_image_cnn, last_layer
from search_spaces.spaces import DEEPSPECTRUM
from search_spaces.torch_file import NOT_TORCH

# torchvision's DenseNet files are older than its names: `norm.1` there is `norm1` here.
_OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12])\.")


def find_weights(cnn: str, weights: str) -> Path | None:
    """The file that ``model.pictures.weights`` means; None for random weights.

    Args:
        cnn: torchvision's name.
        weights: ``cache``, ``random`` or a path.

    Raises:
        UserError: no such file, or none of this CNN in torchvision's cache.
    """
    if weights == RANDOM:
        return None
    if weights != CACHE:
        if not Path(weights).is_file():
            raise UserError(
                f"model.pictures.weights: {weights}: no such file; give torchvision's {cnn}-*.pth,"
                f" {CACHE} or {RANDOM}"
            )
        return Path(weights)
    folder = Path(torch.hub.get_dir()) / "checkpoints"  # where torchvision keeps what it downloads
    found = sorted(folder.glob(f"{cnn}-*.pth"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise UserError(
            f"model.pictures.weights: {folder} holds no {cnn}-*.pth, and nothing is downloaded; put"
            f" torchvision's file there, name another by its path, or ask for {RANDOM}"
        )
    return found[-1]


def load_pretrained(cnn: nn.Module, name: str, path: Path) -> None:
    """Fill all of ``cnn`` but its last layer with the weights of a file.

    Args:
        cnn: changed in place.
        name: what it is called.
        path: a dictionary of tensors as torchvision publishes it, with any number of outputs.

    Raises:
        UserError: not such a file, or weights of another CNN.
    """
    weights = _read(path)
    last = last_layer(cnn) + "."
    expected = {
        key: value.shape for key, value in cnn.state_dict().items() if key[: len(last)] != last
    }
    for key, shape in expected.items():
        got = weights.get(key)
        if got is None or got.shape != shape:
            has = "lacks it" if got is None else f"has {list(got.shape)}"
            raise UserError(
                f"model.pictures.weights: {path}: not the weights of {name}, whose {key} is"
                f" {list(shape)}; the file {has}{_guess(weights)}"
            )
    unknown = [key for key in weights if key not in expected and key[: len(last)] != last]
    if unknown:
        raise UserError(
            f"model.pictures.weights: {path}: not the weights of {name}, which has no {unknown[0]}"
            f"{_guess(weights)}"
        )
    cnn.load_state_dict({key: weights[key] for key in expected}, strict=False)


def _read(path: Path) -> dict[str, Tensor]:
    try:
        value = torch.load(path, map_location="cpu", weights_only=True)
    except NOT_TORCH as error:
        raise UserError(
            f"model.pictures.weights: {path}: not a file of weights alone"
            f" ({one_line(str(error))[:80]}); save the CNN's state_dict"
        ) from None
    if isinstance(value, dict) and isinstance(value.get("state_dict"), dict):
        value = value["state_dict"]  # as trainers save it
    if not isinstance(value, dict) or not all(
        isinstance(key, str) and isinstance(x, Tensor) for key, x in value.items()
    ):
        raise UserError(
            f"model.pictures.weights: {path}: got no dictionary of tensors; save the CNN's"
            " state_dict"
        )
    for key, tensor in value.items():
        if not _is_plain(tensor):
            raise UserError(
                f"model.pictures.weights: {path}: {key} is {tensor.dtype}, {tensor.layout} on"
                f" {tensor.device}, or holds NaN or infinity; expected finite numbers; save the"
                " CNN's state_dict as floats"
            )
    return {_OLD_DENSENET.sub(r"\1\2.", key): tensor for key, tensor in value.items()}


def _is_plain(tensor: Tensor) -> bool:
    """Whether it holds finite numbers; integers count batches, and are no weights."""
    if tensor.layout != torch.strided or tensor.is_meta or tensor.is_quantized:
        return False
    if tensor.is_floating_point():
        return bool(tensor.isfinite().all())
    return tensor.dtype == torch.int64 and tensor.dim() == 0


def _guess(weights: dict[str, Tensor]) -> str:
    """Whose weights they are, if a CNN of the space has all of their names and shapes."""
    for name in map(str, DEEPSPECTRUM.dimensions["cnn"]):
        with torch.device("meta"):
            cnn = bare_image_cnn(name, 1)
        last = last_layer(cnn) + "."
        shapes = {k: v.shape for k, v in cnn.state_dict().items() if k[: len(last)] != last}
        if all(k in weights and weights[k].shape == shape for k, shape in shapes.items()):
            return f"; they are {name}'s: set model.pictures.cnn to {name}"
    return ""
