"""Set-up refuses a Python that does not work in one line, before anything is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def make(folder: Path, *arguments: str, path: str = os.defpath) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": path, "HOME": str(folder)}
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def fake_python(folder: Path, version: str) -> Path:
    """An interpreter that says it is ``version`` and can do nothing else."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\necho {version}\n")
    path.chmod(0o755)
    return path


def test_another_version_is_refused_in_one_line(clone):
    done = make(clone, "setup", f"PYTHON={fake_python(clone, '3.10')}")
    message = done.stderr.splitlines()[0]
    assert done.returncode == 2
    assert message.startswith("error: no supported Python at PYTHON=")
    assert "runs on 3.11 3.12 3.13" in message
    assert not (clone / ".venv").exists()


def test_no_python_at_all_is_one_line_too(clone):
    tools = clone / "tools"
    tools.mkdir()
    for name in ("make", "bash", "sh"):
        (tools / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    done = make(clone, "setup", path=str(tools))
    assert done.returncode == 2
    assert done.stderr.startswith("error: no supported Python on PATH; this kit runs on 3.11")


def test_an_environment_of_another_version_is_refused(clone):
    (clone / ".venv" / "bin").mkdir(parents=True)
    fake_python(clone / ".venv" / "bin", "3.9")
    done = make(clone, "setup")
    assert done.returncode == 2
    assert done.stderr.startswith("error: .venv holds Python 3.9; this kit runs on 3.11")


def test_the_makefile_and_the_project_agree_on_versions():
    supported = re.search(r"^SUPPORTED := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert supported
    versions = supported[1].split()
    last = f"3.{int(versions[-1].partition('.')[2]) + 1}"
    assert project["requires-python"] == f">={versions[0]},<{last}"


def test_the_lock_pins_every_direct_dependency_with_hashes():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    lock = (ROOT / "requirements.lock").read_text()
    for requirement in wanted:
        name = re.match(r"[\w-]+", requirement)
        assert name
        assert re.search(rf"^{name[0]}==\S+.*\\\n    --hash=sha256:", lock, re.MULTILINE), name[0]
