"""`answers.npz`: what trained nets say of the training clips of a run, for another net to learn.

An ensemble is better than each of its nets, and a net can learn from its answers what labels do not
say: how near a clip is to another count (Hinton, Vinyals and Dean 2015, section 3; You et al. 2017
average several teachers). Asked once, for nets whose front ends are not the learning one's.

N clips, K outputs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search_spaces.errors import UserError
from search_spaces.files import atomic_path, sha256_file
from search_spaces.json_values import parse_json
from search_spaces.npz_file import read_npz
from search_spaces.task import Task

SCHEMA_VERSION = 1
_MEND = "write it anew with `python -m deploy answers`"
_TEXTS = ("mixed_by", "task", "teachers")  # kept as JSON


@dataclass(frozen=True)
class Answers:
    """The mean of the teachers' probabilities for training clips 0..N-1.

    Attributes:
        probabilities: float32 [N, K].
        mixed_by: what the clips depend on, as `mixtures_open.mixed_by` says it.
        task: what the outputs mean, as `Task.to_json` says it.
        teachers: ``name``, ``precision`` and ``sha256`` of each.
        path: the file that they were read from, or are for.

    Raises:
        ValueError: a field of another type or shape, or probabilities out of range.
    """

    probabilities: NDArray[np.float32]
    mixed_by: Mapping[str, Any]
    task: Mapping[str, Any]
    teachers: Sequence[Mapping[str, str]]
    path: Path

    def __post_init__(self) -> None:
        said = self.probabilities
        if said.dtype != np.float32 or said.ndim != 2:
            raise ValueError(f"field probabilities: got {said.dtype} {list(said.shape)}")
        if not ((said >= 0) & (said <= 1.0 + 1e-3)).all():
            raise ValueError("field probabilities: expected 0 to 1")
        if not isinstance(self.mixed_by, Mapping):
            raise ValueError(f"field mixed_by: got {self.mixed_by!r}, expected names with values")

    @cached_property
    def sha256(self) -> str:
        """Of the file."""
        return sha256_file(self.path)

    def check(self, clips: int, mixed_by: Mapping[str, Any], task: Task) -> None:
        """Refuse answers about other clips than 0..``clips``-1 of these mixtures, or another task.

        Raises:
            UserError: they are; it names the file and what differs.
        """
        if self.task != task.to_json():
            raise UserError(f"data.answers: {self.path} is of another task; {_MEND}")
        for field, value in mixed_by.items():
            said = self.mixed_by.get(field)
            if said != value:
                raise UserError(
                    f"data.answers: {self.path} is about clips with {field} {said}, these have"
                    f" {value}; {_MEND}, with the same {field}"
                )
        if len(self.probabilities) < clips:
            raise UserError(
                f"data.answers: {self.path} is about {len(self.probabilities)} clips, {clips} are"
                f" for training; {_MEND}, with --clips {clips}"
            )


def write_answers(answers: Answers) -> None:
    """Write `answers.npz` atomically."""
    with atomic_path(answers.path) as temporary, temporary.open("wb") as stream:
        texts: dict[str, Any] = {
            name: np.str_(json.dumps(getattr(answers, name))) for name in _TEXTS
        }
        version = np.int64(SCHEMA_VERSION)
        np.savez(stream, schema_version=version, probabilities=answers.probabilities, **texts)


def read_answers(path: Path) -> Answers:
    """Read and validate `answers.npz`.

    Raises:
        UserError: missing, not such a file, of another version, or a field that does not fit.
    """
    return read_npz(path, "answers.npz", SCHEMA_VERSION, _MEND, partial(_parse, path))


def _parse(path: Path, archive: Any) -> Answers:
    texts = {name: parse_json(str(archive[name])) for name in _TEXTS}
    return Answers(archive["probabilities"], **texts, path=path)
