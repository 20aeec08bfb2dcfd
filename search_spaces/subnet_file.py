"""`subnet.pt`: the weights of one net that was trained alone, and how they came to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search_spaces.architecture import SCHEMA, Architecture
from search_spaces.errors import UserError
from search_spaces.json_values import check_json
from search_spaces.supernet import Subnet, build_subnet
from search_spaces.supernet_file import check_outputs, task_of
from search_spaces.task import Task

_KINDS = {"properties": {"architecture": SCHEMA}}


@dataclass(frozen=True)
class SubnetFile:
    """What `subnet.pt` holds.

    Attributes:
        net: in evaluation mode.
        architecture: of the net.
        task: what its outputs mean.
    """

    net: Subnet
    architecture: Architecture
    task: Task


def read_subnet(path: Path, value: Mapping[str, Any]) -> SubnetFile:
    """The net in the content of a `subnet.pt`, see `supernet_file.load_trained`.

    Args:
        path: of the file, for messages.
        value: its content.

    Raises:
        UserError: an architecture that is not of its space, weights that do not fit it, a file that
            does not say what its outputs mean, or a task of another number of outputs.
    """
    check_json(path, value, _KINDS)
    if "settings" not in value["training"]:
        raise UserError(
            f"{path}: field $.training: 'settings', which say what its outputs mean, is missing;"
            " train it anew"
        )
    task = task_of(path, value)
    check_outputs(path, value, task)
    try:
        architecture = Architecture.from_json(value["architecture"])
        net = build_subnet(architecture, value["num_outputs"])
        net.load_state_dict(value["state_dict"])
    except (UserError, RuntimeError, AttributeError, TypeError) as error:
        reason = str(error).splitlines()[-1].strip()
        raise UserError(f"{path}: its net cannot be built ({reason}); train it anew") from None
    return SubnetFile(net.eval(), architecture, task)
