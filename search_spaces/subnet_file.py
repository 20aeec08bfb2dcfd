"""`subnet.pt`: the weights of one net that was trained alone, and how they came to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search_spaces.architecture import Architecture
from search_spaces.errors import UserError
from search_spaces.supernet import Subnet, build_subnet
from search_spaces.task import Task
from search_spaces.task_json import read_task


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
        UserError: an architecture that is not of its space, weights that do not fit it, or a file
            that does not say what its outputs mean.
    """
    try:
        architecture = Architecture.from_json(value["architecture"])
        settings = value["training"]["settings"]
        task = read_task({key: settings[key] for key in ("task",) if key in settings})
        net = build_subnet(architecture, value["num_outputs"])
        net.load_state_dict(value["state_dict"])
    except (UserError, KeyError, TypeError, RuntimeError) as error:
        reason = str(error).splitlines()[-1].strip()
        raise UserError(f"{path}: its net cannot be built ({reason}); train it anew") from None
    return SubnetFile(net.eval(), architecture, task)
