"""What a kill leaves beside a file goes; what another process still writes stays."""

import signal
import subprocess
import sys
from pathlib import Path

from search_spaces.files import atomic_path, write_json
from search_spaces.part_files import open_part

KILLED = """
import os, signal, sys
from pathlib import Path
from search_spaces.files import atomic_path
with atomic_path(Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def killed_amid_writing(path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL


def test_what_killed_processes_left_goes_with_the_next_that_writes_there(tmp_path):
    killed_amid_writing(tmp_path / "voice.npy")
    assert len(names(tmp_path)) == 1
    killed_amid_writing(tmp_path / "other.npy")
    assert len(names(tmp_path)) == 1
    write_json(tmp_path / "a.json", {})
    assert names(tmp_path) == ["a.json"]


def test_what_is_being_written_stays_and_keeps_its_suffix(tmp_path):
    part, lock = open_part(tmp_path / "voice.npy")
    assert part.suffix == ".npy"
    killed_amid_writing(tmp_path / "voice.npy")
    with lock:
        assert part.exists()
    killed_amid_writing(tmp_path / "voice.npy")
    assert not part.exists()


def test_files_of_other_names_stay(tmp_path):
    others = [".a.part.json", ".data.training.part", "a.part-12345678.npy", ".b.part-1.npy"]
    for name in others:
        (tmp_path / name).touch()
    write_json(tmp_path / "a.json", {})
    assert names(tmp_path) == sorted([*others, "a.json"])


def test_a_file_system_without_locks_is_written_to(tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", refuse)
    (tmp_path / ".left.part-12345678.npy").touch()
    with atomic_path(tmp_path / "a.txt") as temporary:
        temporary.write_text("whole")
    assert names(tmp_path) == [".left.part-12345678.npy", "a.txt"]
