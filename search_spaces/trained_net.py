"""The one net that a file of trained weights stands for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from search_spaces.architecture import Architecture, largest
from search_spaces.space import SpaceSpec
from search_spaces.subnet_file import SubnetFile, read_subnet
from search_spaces.supernet_file import (
    FORMAT,
    check_task,
    load_trained,
    read_supernet,
    read_supernet_of,
)
from search_spaces.task import Task


def read_trained_net(path: Path) -> SubnetFile:
    """The net of a `subnet.pt`, or the largest of a `supernet.pt`, in evaluation mode.

    Raises:
        UserError: see `subnet_file.read_subnet` and `supernet_file.read_supernet`.
    """
    content = load_trained(path)
    if content["format"] != FORMAT:
        return read_subnet(path, content)
    found = read_supernet(path)
    architecture = largest(found.supernet.spec)
    return SubnetFile(found.supernet.extract(architecture).eval(), architecture, found.task)


def trained_net_of(
    path: Path,
    value: Mapping[str, Any],
    spec: SpaceSpec,
    architecture: Architecture,
    task: Task,
) -> SubnetFile:
    """A net whose outputs mean the same: that of a `subnet.pt`, or one of a space's `supernet.pt`.

    Args:
        path: of the file.
        value: its content, see `supernet_file.load_trained`.
        spec: the space that a supernet must be of; a subnet may be of any.
        architecture: the net to take from a supernet.
        task: what its outputs must mean.

    Raises:
        UserError: see `supernet_file.read_supernet_of`, `subnet_file.read_subnet` and
            `supernet_file.check_task`.
    """
    if value["format"] == FORMAT:
        net = read_supernet_of(path, spec, task).extract(architecture)
        return SubnetFile(net, architecture, task)
    found = read_subnet(path, value)
    check_task(path, found.task, task)
    return found
