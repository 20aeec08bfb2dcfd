import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.bundle_writer import staged_folder
from search_spaces.errors import UserError

KILLED = """
import sys, time
from pathlib import Path
from deploy.bundle_writer import staged_folder
with staged_folder(Path(sys.argv[1])) as folder:
    (folder / "manifest.json").write_text("{}")
    print("half-way", flush=True)
    time.sleep(600)
"""


def write(target: Path, text: str) -> None:
    with staged_folder(target) as folder:
        (folder / "manifest.json").write_text("manifest")
        (folder / "model.pte").write_text(text)


def test_the_whole_folder_or_none(tmp_path: Path) -> None:
    target = tmp_path / "net-1"
    with pytest.raises(TypeError):
        write(target, None)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
    write(target, "first")
    with pytest.raises(TypeError):
        write(target, None)  # type: ignore[arg-type]
    assert (target / "model.pte").read_text() == "first"
    write(target, "second")
    assert {path.read_text() for path in target.iterdir()} == {"manifest", "second"}
    assert [path.name for path in tmp_path.iterdir()] == ["net-1"]


def test_a_full_disk_names_the_bundle(tmp_path: Path) -> None:
    target = tmp_path / "net-1"
    with pytest.raises(OSError, match=r"No space .*net-1'"), staged_folder(target):
        raise OSError(errno.ENOSPC, "No space left on device")  # as it comes of a write
    assert not list(tmp_path.iterdir())


def test_killed_half_way_leaves_no_bundle(tmp_path: Path) -> None:
    target = tmp_path / "net-1"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(target)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": "."},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "half-way\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not target.exists()
    write(target, "whole")
    assert [path.name for path in tmp_path.iterdir()] == ["net-1"]


def test_a_folder_that_is_no_bundle_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("mine")
    with pytest.raises(UserError, match="is there and is no bundle; remove it or choose another"):
        write(tmp_path, "bundle")
    assert (tmp_path / "letters.txt").read_text() == "mine"


def test_a_place_that_cannot_be_written_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="Not a directory"):
        write(tmp_path / "file" / "bundles" / "net-1", "bundle")
