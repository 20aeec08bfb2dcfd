"""A space as the search space file of an NNI experiment, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import yaml

from search_spaces.errors import UserError
from search_spaces.space import SpaceSpec


def search_space_of(spec: SpaceSpec) -> dict[str, dict[str, Any]]:
    """The open dimensions as NNI's choices."""
    return {
        name: {"_type": "choice", "_value": list(spec.dimensions[name])}
        for name in spec.open_dimensions
    }


def search_space_yaml(spec: SpaceSpec) -> str:
    """`search_space_of` as YAML, one dimension a line."""
    lines = [
        f"# The open dimensions of {spec.name}, version {spec.version}, written by",
        f"# python -m search_spaces describe --space {spec.name} --nni",
    ]
    for name, entry in search_space_of(spec).items():
        value = yaml.safe_dump(entry, default_flow_style=True, width=1000)
        lines.append(f"{name}: {value.strip()}")
    return "\n".join(lines)


def narrowed(spec: SpaceSpec, search_space: Mapping[str, Any]) -> SpaceSpec:
    """The part of ``spec`` that a search space of NNI's leaves open.

    Raises:
        UserError: a dimension or choice that the space lacks, an open dimension that is missing,
            or one that is not a list of choices.
    """
    missing = [name for name in spec.open_dimensions if name not in search_space]
    if missing:
        raise UserError(
            f"search space: dimension {missing[0]!r} of {spec.name} is missing; write the file anew"
            f" with `python -m search_spaces describe --space {spec.name} --nni`"
        )
    dimensions = dict(spec.dimensions)
    for name, entry in search_space.items():
        if entry["_type"] != "choice" or not entry["_value"]:
            raise UserError(f"search space: {name} is {entry}, expected a choice of some values")
        for choice in entry["_value"]:
            spec.check_choice(name, choice)
        dimensions[name] = tuple(x for x in spec.dimensions[name] if x in entry["_value"])
    return replace(spec, dimensions=dimensions)
