import json
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_spaces.architecture import (
    Architecture,
    from_indices,
    largest,
    random_architecture,
    read_architecture,
    smallest,
    write_architecture,
)
from search_spaces.errors import UserError
from search_spaces.spaces import get_space

SAM = get_space("sam")
architectures = st.tuples(
    *(st.integers(0, len(choices) - 1) for choices in SAM.dimensions.values())
).map(lambda indices: from_indices(SAM, indices))


@settings(max_examples=30, deadline=None)
@given(architectures)
def test_json_and_indices_round_trip(architecture):
    again = Architecture.from_json(json.loads(json.dumps(architecture.to_json())))
    assert again == architecture
    assert again.digest == architecture.digest
    assert hash(again) == hash(architecture)
    assert from_indices(SAM, architecture.indices(SAM)) == architecture
    assert pickle.loads(pickle.dumps(architecture)) == architecture


@settings(max_examples=30, deadline=None)
@given(architectures, architectures)
def test_digests_tell_architectures_apart(one, other):
    assert (one.digest == other.digest) == (one == other)


def test_choices_cannot_be_changed():
    with pytest.raises(TypeError, match="does not support item assignment"):
        smallest(SAM).choices["stage1_depth"] = 2


def test_random_architectures_follow_the_seed_and_vary():
    drawn = [random_architecture(SAM, np.random.default_rng(7)) for _ in range(2)]
    assert drawn[0] == drawn[1]
    rng = np.random.default_rng(7)
    assert len({random_architecture(SAM, rng).digest for _ in range(20)}) == 20


def test_smallest_and_largest_take_the_ends():
    assert smallest(SAM).choices["stage4_width"] == min(SAM.dimensions["stage4_width"])
    assert largest(SAM).choices["stage4_width"] == max(SAM.dimensions["stage4_width"])
    assert largest(SAM).choices["frontend_hop_ms"] == min(SAM.dimensions["frontend_hop_ms"])


def test_file_round_trip(tmp_path):
    path = tmp_path / "architecture.json"
    write_architecture(path, largest(SAM))
    assert read_architecture(path) == largest(SAM)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"space": "sam-huge"}, r"a\.json: space 'sam-huge' is unknown; there are sam, "),
        (
            {"version": 99},
            r"a\.json: architecture: it is of space sam version 99, expected sam ver",
        ),
        ({"schema_version": 2}, r"a\.json: field \$\.schema_version: 1 was expected"),
        ({"choices": {}}, r"a\.json: architecture: dimension 'frontend_rate_hz' of sam is missing"),
        ({"choices": {"pool": [1]}}, r"a\.json: field \$\.choices\.pool"),
        ({"extra": 1}, r"a\.json: field \$: .*'extra' was unexpected"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(tmp_path, change, message):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(smallest(SAM).to_json() | change))
    with pytest.raises(UserError, match=message):
        read_architecture(path)


def test_an_unknown_dimension_is_refused():
    choices = {**smallest(SAM).choices, "dropout": 1}
    with pytest.raises(UserError, match=r"space sam has no dimension 'dropout'"):
        Architecture("sam", SAM.version, choices).validate()


def test_an_architecture_of_another_space_is_refused():
    message = r"it is of space sam version 1, expected sam-lite version 1; search again in that sp"
    with pytest.raises(UserError, match=message):
        smallest(SAM).validate(get_space("sam-lite"))
