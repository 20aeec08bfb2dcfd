from pathlib import Path

import pytest

from search_spaces.errors import UserError
from search_spaces.yaml_file import read_yaml


def test_a_value_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: [1, x]\n")
    assert read_yaml(tmp_path / "a.yaml") == {"a": [1, "x"]}


@pytest.mark.parametrize(
    "content",
    [
        b"a: 1\na: 2\n",
        b"a: {1: 2}",
        b"{",
        b"a: \xff",
        b"a: 2024-02-30",
        b'a: !!int "x"',
        b"a: !!float x",
        b"[" * 5000,
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"a\.yaml: not valid YAML \(") as caught:
        read_yaml(path)
    assert len(str(caught.value).splitlines()) == 1


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no\.yaml: no such file"):
        read_yaml(tmp_path / "no.yaml")
