import json

import pytest

from search_spaces.architecture import smallest, write_architecture
from search_spaces.errors import UserError
from search_spaces.files import read_json
from search_spaces.spaces import get_space

SCHEMA = {
    "title": "clips.json",
    "type": "object",
    "properties": {
        "clips": {"type": "integer", "minimum": 1},
        "ms": {"type": "array", "items": {"type": "number", "exclusiveMinimum": 0}},
        "share": {"type": "number"},
    },
    "required": ["clips"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"clips": 1, "ms": [2, NaN]}', r"not valid JSON \(NaN is no number\); write it anew"),
        ('{"clips": 1, "free": [-Infinity]}', r"not valid JSON \(-Infinity is no number\)"),
        ('{"clips": 1, "ms": [2, 1e999]}', r"field \$\.ms\[1\]: inf is not of type 'number'"),
        ('{"clips": 1, "share": -1e999}', r"field \$\.share: -inf is not of type 'number'"),
        (f'{{"clips": {10**30}}}', r"field \$\.clips: 10+ is not of type 'integer'"),
        ('{"clips": 1e308}', r"field \$\.clips: 1e\+308 is not of type 'integer'"),
        (f'{{"clips": {"9" * 5000}}}', "not valid JSON .*4300 digits"),
        ("[" * 10_000, "not valid JSON .*brackets within brackets"),
        (
            json.dumps(["a" * 99] * 99),
            r"field \$: \['a.{140,}\.\.\..*a'\] is not of type 'object'$",
        ),
    ],
)
def test_absurd_numbers_and_depths_are_refused_in_one_line(tmp_path, content, message):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(UserError, match=rf"a\.json: {message}") as caught:
        read_json(tmp_path / "a.json", SCHEMA)
    assert len(str(caught.value)) < 500 + len(str(tmp_path))


def test_numbers_that_can_be_computed_with_are_read(tmp_path):
    value = {"clips": 2**62, "ms": [1, 0.5, 1e300], "share": -3}
    (tmp_path / "a.json").write_text(json.dumps(value))
    assert read_json(tmp_path / "a.json", SCHEMA) == value


def test_another_file_of_the_kit_is_called_by_its_kind(tmp_path):
    write_architecture(tmp_path / "a.json", smallest(get_space("sam-nano")))
    with pytest.raises(UserError, match=r"a\.json: is of the kind architecture\.json, expected cl"):
        read_json(tmp_path / "a.json", SCHEMA)
