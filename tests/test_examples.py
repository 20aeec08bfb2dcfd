"""docs/examples: what is missing is said in one line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"


def run(
    *command: str | Path, cwd: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SLURM_")} | variables
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "task", "message"),
    [
        (["slurm.sh"], {}, "SLURM_NTASKS_PER_NODE or SLURM_JOB_NUM_NODES is not set; give this to"),
        (["slurm_grid.sh"], {"SLURM_ARRAY_TASK_ID": "3"}, "no DIR given; name the folder of reco"),
        (["slurm_grid.sh", "DIR"], {}, "SLURM_ARRAY_TASK_ID: got none, expected 0 to 11"),
        (
            ["slurm_grid.sh", "DIR"],
            {"SLURM_ARRAY_TASK_ID": "99"},
            "SLURM_ARRAY_TASK_ID: got 99, expected 0 to 11",
        ),
    ],
)
def test_what_an_example_lacks_is_one_line(
    arguments: list[str], task: dict[str, str], message: str
):
    ended = run("bash", EXAMPLES / arguments[0], *arguments[1:], **task)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert message in ended.stderr


def test_the_words_teacher_says_what_it_needs():
    ended = run(sys.executable, EXAMPLES / "words_teacher.py")
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "pip install onnx" in ended.stderr or ended.stderr.startswith("usage: ")


@pytest.fixture
def machine(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """second_machine.sh for a folder of its own, with tools that only note what they are asked."""
    script = (EXAMPLES / "second_machine.sh").read_text()
    for name, place in (("/tmp/$NAME", tmp_path / "here"), ("/opt/ersam", tmp_path / "kit")):
        assert f"={name}\n" in script
        script = script.replace(f"={name}\n", f"={place}\n")
    (tmp_path / "examples.sh").write_text(script)
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("ip", "sshd", "ssh-keygen"):
        (tools / tool).write_text(f'#!/bin/sh\necho "{tool} $*" >> "{tmp_path}/asked"\n')
        (tools / tool).chmod(0o755)
    return tmp_path / "examples.sh", {"PATH": f"{tools}:{os.environ['PATH']}"}


def test_the_second_machine_goes_though_parts_of_it_are_gone(
    machine: tuple[Path, dict[str, str]], tmp_path: Path
):
    script, tools = machine
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "sshd.pid").write_text(str(2**22 + 1))  # no process has such an id
    ended = run("bash", script, "down", **tools)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert not (tmp_path / "here").exists()
    assert "ip netns delete" not in (tmp_path / "asked").read_text()


def test_a_second_machine_that_is_there_in_part_is_not_made_again(
    machine: tuple[Path, dict[str, str]], tmp_path: Path
):
    script, tools = machine
    (tmp_path / "here").mkdir()
    ended = run("bash", script, "up", **tools)
    assert ended.returncode == 2
    assert ended.stderr.endswith("is there already, at least in part; first " + f"{script} down\n")


def test_the_second_machine_names_a_tool_that_is_not_installed(
    machine: tuple[Path, dict[str, str]], tmp_path: Path
):
    script, _ = machine
    (tmp_path / "tools" / "sshd").unlink()
    for tool in ("bash", "dirname"):
        (tmp_path / "tools" / tool).symlink_to(shutil.which(tool) or tool)
    ended = run("bash", script, "up", PATH=str(tmp_path / "tools"))
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "sshd is not installed; apt-get install openssh-server" in ended.stderr
