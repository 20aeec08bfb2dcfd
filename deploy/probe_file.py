"""`probe.json`: its version, its schema, and how it is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from search_spaces.errors import UserError
from search_spaces.files import load_schema, read_json

SCHEMA_VERSION = 1
SCHEMA = load_schema(Path(__file__).parent / "schemas", "probe")


def read_probe(path: Path) -> dict[str, Any]:
    """Read and validate what probes said.

    Raises:
        UserError: missing, not JSON, a field against the schema, or a model without accuracy on one
            of the sets.
    """
    value = read_json(path, SCHEMA)
    names = {one["name"] for one in value["sets"]}
    for at, model in enumerate(value["models"]):
        if model["accuracy"].keys() != names:
            raise UserError(
                f"{path}: field $.models[{at}].accuracy: is of"
                f" {', '.join(sorted(model['accuracy'])) or 'no set'}, expected of"
                f" {', '.join(sorted(names))}"
            )
    return value
