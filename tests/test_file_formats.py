"""Every file format has a valid schema whose fields are described, and stands in docs/files.md."""

import json
from pathlib import Path

import jsonschema
import pytest

ROOT = Path(__file__).parent.parent
WRITTEN_BY_PEOPLE = ("scale.schema.json", "study.schema.json")  # settings carry no version
SCHEMAS = sorted(ROOT.glob("*/schemas/*.schema.json"))


def test_there_are_schemas():
    assert {path.parent.parent.name for path in SCHEMAS} >= {"search_spaces", "deploy"}


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_a_schema_is_valid_and_described(path):
    schema = json.loads(path.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["description"]
    if path.name not in WRITTEN_BY_PEOPLE:
        assert "const" in schema["properties"]["schema_version"]


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_a_schema_stands_in_the_docs(path):
    text = (ROOT / "docs" / "files.md").read_text()
    assert f"(../{path.relative_to(ROOT)})" in text
