"""One net of a space: a choice per dimension, as a value and as `architecture.json`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from search_spaces.errors import UserError
from search_spaces.files import load_schema, read_json, write_json
from search_spaces.space import Choice, SpaceSpec
from search_spaces.spaces import any_space

SCHEMA_VERSION = 1
SCHEMA = load_schema(Path(__file__).parent / "schemas", "architecture")


@dataclass(frozen=True)
class Architecture:
    """One choice per dimension of a space.

    Attributes:
        space, version: the space's name and version.
        choices: by dimension; made read-only.
    """

    space: str
    version: int
    choices: Mapping[str, Choice]

    def __post_init__(self) -> None:
        object.__setattr__(self, "choices", MappingProxyType(dict(self.choices)))

    def __hash__(self) -> int:
        return hash((self.space, self.version, tuple(sorted(self.choices.items()))))

    def __reduce__(self) -> tuple[Any, ...]:
        return Architecture, (self.space, self.version, dict(self.choices))

    @property
    def digest(self) -> str:
        """Eight hex digits that name the net; equal for equal nets of one space and version."""
        value = [self.space, self.version, sorted(self.choices.items())]
        return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:8]

    @property
    def clip_samples(self) -> int:
        """T, samples of a clip of its space."""
        return any_space(self.space).clip_samples

    def validate(self, spec: SpaceSpec | None = None) -> Architecture:
        """Return the architecture if it is one of ``spec`` (default: the space that it names).

        Raises:
            UserError: unknown space, another version, a missing or unknown dimension, a choice
                that the space does not offer.
        """
        spec = any_space(self.space) if spec is None else spec
        if (self.space, self.version) != (spec.name, spec.version):
            raise UserError(
                f"architecture: it is of space {self.space} version {self.version}, expected"
                f" {spec.name} version {spec.version}; search again in that space"
            )
        missing = [name for name in spec.dimensions if name not in self.choices]
        if missing:
            raise UserError(f"architecture: dimension {missing[0]!r} of {spec.name} is missing")
        for dimension, choice in self.choices.items():
            spec.check_choice(dimension, choice)
        return self

    def indices(self, spec: SpaceSpec) -> list[int]:
        """Position of each choice within its dimension of ``spec``, in the order of dimensions."""
        return [
            choices.index(self.choices[dimension]) for dimension, choices in spec.dimensions.items()
        ]

    def to_json(self) -> dict[str, Any]:
        """The value that `architecture.json` holds."""
        return {
            "schema_version": SCHEMA_VERSION,
            "space": self.space,
            "version": self.version,
            "choices": dict(self.choices),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Architecture:
        """The architecture in a value that satisfies the schema.

        Raises:
            UserError: see `validate`.
        """
        return cls(value["space"], value["version"], value["choices"]).validate()


def from_indices(spec: SpaceSpec, indices: Sequence[int]) -> Architecture:
    """Inverse of `Architecture.indices`."""
    chosen = zip(spec.dimensions.items(), indices, strict=True)
    choices = {dimension: choices[index] for (dimension, choices), index in chosen}
    return Architecture(spec.name, spec.version, choices)


def smallest(spec: SpaceSpec) -> Architecture:
    """The net of the cheapest choices."""
    return from_indices(spec, [0] * len(spec.dimensions))


def largest(spec: SpaceSpec) -> Architecture:
    """The net of the dearest choices; in supernet training it is the teacher."""
    return from_indices(spec, [len(choices) - 1 for choices in spec.dimensions.values()])


def random_architecture(spec: SpaceSpec, rng: np.random.Generator) -> Architecture:
    """Each choice drawn independently and uniformly."""
    return from_indices(spec, [int(rng.integers(len(c))) for c in spec.dimensions.values()])


def read_architecture(path: Path) -> Architecture:
    """Read `architecture.json`.

    Raises:
        UserError: no such file, not JSON, breaks the schema, or not in the space that it names;
            the message begins with the path.
    """
    value = read_json(path, SCHEMA)
    try:
        return Architecture.from_json(value)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def write_architecture(path: Path, architecture: Architecture) -> None:
    """Write `architecture.json` atomically."""
    write_json(path, architecture.to_json(), SCHEMA)
