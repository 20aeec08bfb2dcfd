"""One real search output and one real bundle for the whole package: lowering takes seconds."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.__main__ import main
from tests.deploy.phone_device.fixtures import adb_server, make_phone, phone, runner_folder
from tests.deploy.search_output import write_search_output

__all__ = ["adb_server", "make_phone", "phone", "runner_folder"]


@pytest.fixture(scope="session")
def frontier_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A frontier with one winner of sam-nano, its weights, clips and supernet."""
    return write_search_output(tmp_path_factory.mktemp("search"))


@pytest.fixture(scope="session")
def bundle_path(frontier_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The winner lowered by the command itself; do not change it, see `bundle_copy`."""
    out = tmp_path_factory.mktemp("bundles")
    assert main(["lower", "--frontier", str(frontier_path), "--out", str(out)]) == 0
    (bundle,) = out.iterdir()
    return bundle


@pytest.fixture
def bundle_copy(bundle_path: Path, tmp_path: Path) -> Callable[[], Path]:
    """Makes a copy of the bundle that a test may spoil."""

    def copy() -> Path:
        return Path(shutil.copytree(bundle_path, tmp_path / "bundle"))

    return copy
