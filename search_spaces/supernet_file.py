"""`supernet.pt`: the trained weights of a supernet, and how they came to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from search_spaces.errors import UserError
from search_spaces.frontier import SCHEMA as FRONTIER_SCHEMA
from search_spaces.frontier import WEIGHTS_FORMAT
from search_spaces.json_values import check_json
from search_spaces.space import SpaceSpec
from search_spaces.spaces import get_space
from search_spaces.supernet import Supernet, build_supernet
from search_spaces.task import Task
from search_spaces.task_counts import CountsTask
from search_spaces.task_json import read_task
from search_spaces.torch_file import NOT_TORCH, write_torch

FORMAT = "ersam-supernet"
SCHEMA_VERSION = 1
FIELDS = ("format", "schema_version", "space", "num_outputs", "state_dict", "training")
SUBNET_FIELDS = (
    "format",
    "schema_version",
    "architecture",
    "num_outputs",
    "state_dict",
    "training",
)
_KIND = {"type": "object", "required": ["kind"]}
_KINDS = {  # of what the fields hold, in the language of JSON schemas
    "properties": {
        "space": {
            "type": "object",
            "required": ["name", "version"],
            "properties": {"name": {"type": "string"}, "version": {"type": "integer"}},
        },
        "num_outputs": {"type": "integer", "minimum": 1},
        "architecture": {"type": "object"},
        "state_dict": {"type": "object"},
        "training": {
            "type": "object",
            "properties": {"settings": {"type": "object", "properties": {"task": _KIND}}},
        },
        "task": _KIND,
    }
}
_TASKS = FRONTIER_SCHEMA["properties"]["task"]["oneOf"]  # by kind


@dataclass(frozen=True)
class SupernetFile:
    """What `supernet.pt` holds.

    Attributes:
        supernet: in eval mode, its largest net active.
        task: what its outputs mean.
        training: how it was trained (config digest, seed, steps, label budget, ...), plain values.
    """

    supernet: Supernet
    task: Task
    training: dict[str, Any]


def write_supernet(
    path: Path, supernet: Supernet, training: Mapping[str, Any], task: Task | None = None
) -> None:
    """Write `supernet.pt` atomically.

    Args:
        path: of the file.
        supernet: its weights are written; for a trained one give the averaged (EMA) weights.
        training: plain values (str, int, float, bool, None, lists and dicts of them), so that
            `torch.load` reads the file with ``weights_only``.
        task: what its outputs mean; None counts people.
    """
    value = {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "space": {"name": supernet.spec.name, "version": supernet.spec.version},
        "num_outputs": supernet.num_outputs,
        "state_dict": {name: tensor.cpu() for name, tensor in supernet.state_dict().items()},
        "training": dict(training),
        "task": (task or CountsTask()).to_json(),
    }
    write_torch(path, value)


def read_supernet(path: Path, spec: SpaceSpec | None = None) -> SupernetFile:
    """Read `supernet.pt`.

    Args:
        path: of the file.
        spec: the space that it must be of; default: whichever it names.

    Raises:
        UserError: no such file; not a supernet (a Lightning checkpoint is told apart); of another
            space, version or format; a field of another kind; weights or a task that do not fit.
    """
    path = Path(path)
    value = _load(path, {FORMAT: FIELDS})
    name, version = value["space"]["name"], value["space"]["version"]
    try:
        expected = get_space(name) if spec is None else spec
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    if (name, version) != (expected.name, expected.version):
        raise UserError(
            f"{path}: is of space {name} version {version}, expected {expected.name} version"
            f" {expected.version}; train a supernet of that space"
        )
    task = task_of(path, value)
    check_outputs(path, value, task)
    supernet = build_supernet(expected, value["num_outputs"])
    try:
        supernet.load_state_dict(value["state_dict"])
    except (RuntimeError, AttributeError, TypeError) as error:
        reason = str(error).splitlines()[-1].strip()
        raise UserError(
            f"{path}: its weights do not fit space {name}: {reason} Train it anew"
        ) from None
    return SupernetFile(supernet.eval(), task, value["training"])


def read_supernet_of(path: Path, spec: SpaceSpec, task: Task) -> Supernet:
    """A supernet of that space whose outputs mean the same.

    Raises:
        UserError: see `read_supernet`; or it is of another task.
    """
    found = read_supernet(path, spec)
    check_task(path, found.task, task)
    return found.supernet


def task_of(path: Path, value: Mapping[str, Any]) -> Task:
    """What the outputs of a `supernet.pt` or `subnet.pt` mean, by its content.

    Raises:
        UserError: a task that this kit does not know, or that lacks a field.
    """
    fields = value if value["format"] == FORMAT else value["training"].get("settings", {})
    named = {key: fields[key] for key in ("task",) if key in fields}
    for fields_of_kind in _TASKS:  # of all together a message could only say that none fits
        if named and named["task"]["kind"] == fields_of_kind["properties"]["kind"]["const"]:
            check_json(path, named, {"properties": {"task": fields_of_kind}})
    try:
        return read_task(named)
    except UserError as error:
        raise UserError(f"{path}: {error}; train it anew with this kit") from None


def check_outputs(path: Path, value: Mapping[str, Any], task: Task) -> None:
    """Refuse a file whose net has another number of outputs than its task.

    Raises:
        UserError: naming both.
    """
    if len(task.outputs) != value["num_outputs"]:
        raise UserError(
            f"{path}: field $.num_outputs: got {value['num_outputs']}, but its task,"
            f" {task.kind}, has {len(task.outputs)}; train it anew"
        )


def check_task(path: Path, found: Task, expected: Task) -> None:
    """Refuse weights whose outputs mean something else.

    Raises:
        UserError: naming both tasks.
    """
    if found.to_json() != expected.to_json():
        raise UserError(
            f"{path}: its {len(found.outputs)} outputs are {found.kind}"
            f" ({', '.join(found.outputs)[:60]}), expected {len(expected.outputs)} {expected.kind}"
            f" ({', '.join(expected.outputs)[:60]}); give a net of the same task"
        )


def read_training(path: Path) -> dict[str, Any]:
    """How the weights in a `supernet.pt`, or in the `subnet.pt` of one fixed net, came to be.

    Raises:
        UserError: see `read_supernet`.
    """
    return load_trained(path)["training"]


def load_trained(path: Path) -> dict[str, Any]:
    """The content of a `supernet.pt`, or of the `subnet.pt` of one fixed net; see `read_subnet`.

    Raises:
        UserError: see `read_supernet`.
    """
    return _load(Path(path), {FORMAT: FIELDS, WEIGHTS_FORMAT: SUBNET_FIELDS})


def _load(path: Path, fields_by_format: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    try:
        value = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; `fit` writes it") from None
    except IsADirectoryError:
        raise UserError(f"{path}: is a folder, expected a supernet.pt") from None
    except PermissionError:
        raise
    except NOT_TORCH:
        raise UserError(f"{path}: not a supernet file, or damaged; `fit` writes it anew") from None
    if isinstance(value, dict) and "pytorch-lightning_version" in value:
        raise UserError(
            f"{path}: is a Lightning checkpoint, which only `fit` resumes from;"
            " give the supernet.pt that `fit` writes"
        )
    if not isinstance(value, dict) or value.get("format") not in fields_by_format:
        raise UserError(f"{path}: not a supernet file; give the supernet.pt that `fit` writes")
    if value.get("schema_version") != SCHEMA_VERSION or not all(
        key in value for key in fields_by_format[value["format"]]
    ):
        raise UserError(
            f"{path}: supernet format version {value.get('schema_version')!r},"
            f" this kit reads {SCHEMA_VERSION}; train it anew with this kit"
        )
    check_json(path, value, _KINDS)
    return value
