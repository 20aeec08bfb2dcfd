import os
import subprocess
import sys
from pathlib import Path

import pytest

from search_spaces.errors import UserError, run_command


def refuse(error: BaseException):
    def main() -> int:
        raise error

    return main


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (UserError("a.wav: no sound\n  at all"), 2, "error: a.wav: no sound at all\n"),
        (PermissionError(13, "Permission denied", "/out"), 2, "error: /out: Permission denied\n"),
        (
            OSError(28, "No space left on device"),
            2,
            "error: No space left on device; make room and give the same command again\n",
        ),
        (KeyboardInterrupt(), 130, "interrupted\n"),
    ],
)
def test_an_error_of_the_user_is_one_line_and_its_code(capsys, error, code, line):
    assert run_command(refuse(error)) == code
    assert capsys.readouterr().err == line


def test_success_and_a_command_of_its_own_code():
    assert run_command(lambda: None) == 0
    assert run_command(lambda: 3) == 3


def test_our_own_faults_are_not_hidden():
    with pytest.raises(ZeroDivisionError):
        run_command(lambda: 1 // 0)


# Without the environment's packages, as a Python that was not activated.
@pytest.mark.parametrize(
    "command",
    [
        ["deploy", "predict", "a.wav"],
        ["deploy", "--help"],
        ["lightning_modules", "clips", "--out", "x"],
        ["lightning_modules", "fit"],
        ["search_spaces", "describe", "--space", "sam-lite"],
        ["search_spaces", "nnictl", "create", "--config", "x.yml"],
    ],
)
def test_a_python_without_the_packages_is_one_line(command):
    bare = [sys.executable, "-S", "-m", *command]
    done = subprocess.run(bare, capture_output=True, text=True, check=False)
    (line,) = done.stderr.splitlines()
    assert f": not installed in {sys.executable} (Python 3." in line
    assert "; type `source .venv/bin/activate` in the kit's folder first" in line
    assert done.returncode == 2


def test_a_python_that_is_too_old_is_one_line(capsys, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 12))
    assert run_command(lambda: None) == 2
    assert capsys.readouterr().err.startswith("error: Python 3.11 or later is needed, this is ")


def test_a_missing_module_of_our_own_is_not_hidden():
    with pytest.raises(ModuleNotFoundError):
        run_command(refuse(ModuleNotFoundError("No module", name="deploy.gone")))


# Few lines, which Python holds back until the end of the process.
BRIEF = [sys.executable, "-m", "lightning_modules", "--help"]
BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is full")
def test_what_standard_output_has_no_room_for_is_one_line():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            BRIEF, stdout=full, stderr=subprocess.PIPE, env=BUFFERED, text=True, check=False
        )
    assert done.stderr == (
        "error: standard output: No space left on device; make room and give the same command"
        " again\n"
    )
    assert done.returncode == 2


@pytest.mark.parametrize("command", [BRIEF, [*BRIEF[:3], "stats", "--help"]])
def test_a_reader_that_is_gone_before_the_end_is_no_error(command):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        command, stdout=writer, stderr=subprocess.PIPE, env=BUFFERED, text=True, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")
