"""A space as NNI's search space file, and the part of it that such a file leaves open."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from search_spaces.errors import UserError
from search_spaces.nni_space import narrowed, search_space_of, search_space_yaml
from search_spaces.space import SpaceSpec
from search_spaces.spaces import SPACES, get_space

SHIPPED = Path(__file__).parents[2] / "search_spaces/experiments/sam_architecture_space.yml"
NANO = get_space("sam-nano")


@pytest.mark.parametrize("spec", SPACES.values(), ids=lambda spec: spec.name)
def test_a_space_comes_back_whole_from_its_file(spec: SpaceSpec):
    read = yaml.safe_load(search_space_yaml(spec))
    assert read == search_space_of(spec)
    assert narrowed(spec, read) == spec


def test_the_shipped_file_is_what_the_command_writes():
    assert SHIPPED.read_text() == search_space_yaml(get_space("sam-lite")) + "\n"


def test_choices_that_are_taken_out_stay_out():
    space = search_space_of(NANO)
    space["pool"]["_value"] = ["mean_max"]
    space["stage1_expansion"]["_value"].reverse()
    part = narrowed(NANO, space)
    assert part.dimensions["pool"] == ("mean_max",)
    assert part.dimensions["stage1_expansion"] == (
        1,
        2,
    )  # cheapest first
    assert part.size == NANO.size // 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"pool": None},
            "search space: dimension 'pool' of sam-nano is missing; write",
        ),
        (
            {"pool": {"_type": "uniform", "_value": [0, 1]}},
            "pool is .*uniform.*, expected",
        ),
        ({"pool": {"_type": "choice", "_value": []}}, "pool is .*, expected a choice"),
        ({"pool": {"_type": "choice", "_value": ["min"]}}, "pool = 'min' is not in space"),
        ({"depth": {"_type": "choice", "_value": [1]}}, "space sam-nano has no dimension 'depth'"),
    ],
)
def test_what_is_no_part_of_the_space_is_refused(changes: dict, message: str):
    changed = {**search_space_of(NANO), **changes}
    space = {name: entry for name, entry in changed.items() if entry is not None}
    with pytest.raises(UserError, match=message):
        narrowed(NANO, space)
