from pathlib import Path

import pytest

from deploy.engine import Engine, is_older, runtime_version
from search_spaces.errors import UserError


def test_refuses_what_it_cannot_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"model\.pte: no such file, expected a lowered model"):
        Engine(tmp_path / "model.pte")
    (tmp_path / "model.pte").write_bytes(b"not a program" * 100)
    with pytest.raises(UserError, match=r"not a program for executorch .*; lower it anew"):
        Engine(tmp_path / "model.pte")


def test_one_number_of_threads_per_process(bundle_path: Path) -> None:
    model = bundle_path / "model.pte"
    assert Engine(model).threads == 1
    with pytest.raises(UserError, match="threads: got 2, but this process already runs with 1"):
        Engine(model, threads=2)
    with pytest.raises(UserError, match="threads: got 0, expected at least 1"):
        Engine(model, threads=0)


def test_versions_are_compared_as_versions() -> None:
    assert is_older("1.4.1", "1.10.0")
    assert is_older("1.5.0rc1", "1.5.0")
    assert not is_older("1.5.0.dev20260101", "1.4.1")


def test_version_has_no_suffix() -> None:
    assert all(part.isdigit() for part in runtime_version().split("."))
