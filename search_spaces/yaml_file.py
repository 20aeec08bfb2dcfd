"""YAML as people write it: what cannot be read is one line that names the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from search_spaces.errors import UserError, one_line

# What PyYAML raises beside its own errors: a text that is no UTF-8, a date that is none, a value
# that is not of its tag, brackets within brackets.
_UNREADABLE = (yaml.YAMLError, ValueError, AttributeError, LookupError, RecursionError)


def read_yaml(path: Path) -> Any:
    """The value that a file holds.

    Raises:
        UserError: no such file, or not YAML in UTF-8.
    """
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except _UNREADABLE as error:
        raise UserError(f"{path}: not valid YAML ({one_line(str(error))}); mend it there") from None
