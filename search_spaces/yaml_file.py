"""YAML as people write it: what cannot be read is one line that names the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import ConstructorError

from search_spaces.errors import UserError, one_line

# What PyYAML raises beside its own errors: a text that is no UTF-8, a date that is none, a value
# that is not of its tag, brackets within brackets.
_UNREADABLE = (yaml.YAMLError, ValueError, AttributeError, LookupError, RecursionError)


class _Loader(yaml.SafeLoader):
    """Refuses what YAML forbids and PyYAML takes: a name that stands twice, of which one is lost.

    Names are texts here, as all that read these files want them.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if not isinstance(name, str):
                raise ConstructorError(
                    problem=f"{name!r} is no name; quote or remove it", problem_mark=key.start_mark
                )
            if name in names:
                raise ConstructorError(
                    problem=f"{name!r} stands twice; keep one", problem_mark=key.start_mark
                )
            names.add(name)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> Any:
    """The value that a file holds.

    Raises:
        UserError: no such file, not YAML in UTF-8, or a name that stands twice or is no text.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except _UNREADABLE as error:
        raise UserError(f"{path}: not valid YAML ({one_line(str(error))}); mend it there") from None
