"""Teachers of embeddings from local files; nothing is downloaded.

A TorchScript file or a `.pt2` of `torch.export` may say how it hears in an extra file
`teacher.json`, ``{"rate_hz": 16000, "samples": 16000}``; nets trained by this kit need not.
"""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lightning_modules.teacher import Teacher, check_rate
from lightning_modules.teacher_torchaudio import SCHEME, open_pipeline
from search_spaces.clip import SAMPLE_RATE_HZ
from search_spaces.errors import UserError, one_line
from search_spaces.files import sha256_file
from search_spaces.json_values import parse_json
from search_spaces.supernet_file import load_trained, task_of
from search_spaces.task_embedding import EmbeddingTask, TeacherTask
from search_spaces.trained_net import read_trained_net

EXTRA = "teacher.json"
_MEND = (
    "expected TorchScript, a .pt2 of torch.export, or the subnet.pt or supernet.pt of an embedding"
)


@dataclass(frozen=True)
class _Opened:
    """What a file holds: how to ask it, and what it says of itself."""

    answer: Callable[[Tensor], Any]
    rate_hz: int | None
    samples: int | None
    batch: int | None = None
    weights: Path | None = None  # where these are not the file that was named
    layer: int | None = None


def read_teacher(
    path: Path,
    clip_samples: int,
    rate_hz: int | None = None,
    samples: int | None = None,
    device: str = "cpu",
    own_length: bool = False,
    options: tuple[str, str] = ("data.teacher_rate_hz", "data.teacher_samples"),
) -> Teacher:
    """Read a teacher and let it hear a clip.

    Args:
        path: of the file, or ``torchaudio:NAME``.
        clip_samples: T of the clips that it will hear.
        rate_hz: at which it hears, where the file does not say it.
        samples: that it hears at once, where the file does not say it and it does not take any
            number.
        device: to run on; a `.pt2` stays where it was exported.
        own_length: whether it will hear clips of its own length instead, where it has one.
        options: names of those that gave ``rate_hz`` and ``samples``.

    Raises:
        UserError: no such file or not a teacher; of another rate, or an unknown one; the file says
            otherwise than was given; see also `Teacher`.
    """
    path = Path(path)
    opened = _open(path, device)
    told = ((rate_hz, opened.rate_hz), (samples, opened.samples))
    for option, (given, found) in zip(options, told, strict=True):
        if given is not None and found is not None and given != found:
            raise UserError(f"{option}: got {given}, but {path} says {found}; leave the option out")
    check_rate(str(path), rate_hz if opened.rate_hz is None else opened.rate_hz, options[0])
    heard, weights = samples if opened.samples is None else opened.samples, opened.weights or path
    if heard is not None and heard < 1:
        told_by = EXTRA if opened.samples is not None else f"--{options[1].removeprefix('--')}"
        raise UserError(
            f"{path}: hears {heard} samples at once, expected 1 or more; mend {told_by}"
        )
    teacher = Teacher(
        name=str(path),
        answer=opened.answer,
        samples=heard,
        batch=opened.batch,
        sha256=sha256_file(weights),
        bytes=weights.stat().st_size,
        try_samples=(heard or clip_samples) if own_length else clip_samples,
        layer=opened.layer,
    )
    try:
        TeacherTask(teacher.dimensions)  # before anything is decoded
    except UserError as error:
        raise UserError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from None
    return teacher


def is_embedding(path: Path) -> bool:
    """Whether a file, if it is any teacher, is one of an embedding: all but the kit's other nets.

    Raises:
        UserError: a file of this kit that is damaged.
    """
    if str(path).startswith(SCHEME):
        return True
    inside = _inside(path) if path.is_file() else None
    if inside is None:
        return False
    if _is_export(inside) or _is_torchscript(inside):
        return True
    return isinstance(task_of(path, load_trained(path)), EmbeddingTask)


def _inside(path: Path) -> set[str] | None:
    """The names of what a file holds; None for another than such a file."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {name.partition("/")[2] for name in archive.namelist()}
    except zipfile.BadZipFile:
        return None


def _is_export(inside: set[str]) -> bool:
    return "archive_format" in inside


def _is_torchscript(inside: set[str]) -> bool:
    return "constants.pkl" in inside


def _open(path: Path, device: str) -> _Opened:
    if str(path).startswith(SCHEME):
        pipeline = open_pipeline(str(path), device)
        return _Opened(
            pipeline.answer, pipeline.rate_hz, None, None, pipeline.weights, pipeline.layer
        )
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "no such file"
        raise UserError(f"{path}: {what}, {_MEND}")
    inside = _inside(path)
    if inside is None:
        raise UserError(f"{path}: not a teacher, {_MEND}")
    if _is_export(inside):
        return _of_export(path)
    if _is_torchscript(inside):
        return _of_torchscript(path, device)
    return _of_this_kit(path, device)


def _of_torchscript(path: Path, device: str) -> _Opened:
    extra: dict[str, Any] = {EXTRA: ""}
    try:
        net = torch.jit.load(str(path), map_location=device, _extra_files=extra).eval()
    except RuntimeError as error:
        raise UserError(f"{path}: not readable ({one_line(str(error))[:200]}), {_MEND}") from None
    told = _told(path, extra[EXTRA])
    rate_hz = told.get("rate_hz", getattr(net, "sample_rate", None))  # as torchaudio calls it
    return _Opened(_on(net, device), rate_hz, told.get("samples"))


def _of_export(path: Path) -> _Opened:
    extra: dict[str, Any] = {EXTRA: ""}
    disabled = logging.root.manager.disable
    logging.disable(logging.ERROR)  # torch logs the traceback of a file that it cannot read
    try:
        program = torch.export.load(path, extra_files=extra)
    except (RuntimeError, ValueError) as error:
        raise UserError(f"{path}: not readable ({one_line(str(error))[:200]}), {_MEND}") from None
    finally:
        logging.disable(disabled)
    told = _told(path, extra[EXTRA])
    inputs = [
        node.meta["val"]
        for node in program.graph.nodes
        if node.op == "placeholder" and node.name in program.graph_signature.user_inputs
    ]
    if len(inputs) != 1 or inputs[0].dim() != 2:
        shapes = [list(value.shape) for value in inputs]
        raise UserError(f"{path}: takes {shapes}, expected one waveform [clips, samples]")
    batch, samples = (size if isinstance(size, int) else None for size in inputs[0].shape)
    return _Opened(
        program.module(),
        told.get("rate_hz"),
        told.get("samples") if samples is None else samples,
        batch,
    )


def _of_this_kit(path: Path, device: str) -> _Opened:
    """The net of a `subnet.pt`, or the largest of a `supernet.pt`."""
    found = read_trained_net(path)
    task = found.task
    if not isinstance(task, EmbeddingTask):
        raise UserError(f"{path}: its outputs are {task.kind}, expected an embedding to learn from")
    raw = _on(found.net, device)
    return _Opened(
        lambda waveform: task.probabilities(raw(waveform)),
        SAMPLE_RATE_HZ,
        found.architecture.clip_samples,
    )


def _on(net: Any, device: str) -> Callable[[Tensor], Any]:
    net.to(device)
    return lambda waveform: net(waveform.to(device))


def _told(path: Path, text: str | bytes) -> dict[str, int]:
    """What the extra file says, nothing where there is none."""
    if not text:
        return {}
    try:
        told = parse_json(text.decode("utf-8") if isinstance(text, bytes) else text)
        fits = all(type(told.get(key, 1)) is int for key in ("rate_hz", "samples"))
    except (ValueError, AttributeError):
        fits = False
    if not fits:
        raise UserError(
            f"{path}: its {EXTRA} is {text!r:.100}, expected"
            ' {"rate_hz": 16000, "samples": 16000}, either or both'
        )
    return told
