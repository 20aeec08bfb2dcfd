"""The one net that a file of trained weights stands for."""

from __future__ import annotations

from pathlib import Path

from search_spaces.architecture import largest
from search_spaces.subnet_file import SubnetFile, read_subnet
from search_spaces.supernet_file import FORMAT, load_trained, read_supernet


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
