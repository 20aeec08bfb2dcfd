from __future__ import annotations

import multiprocessing
import time
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from lightning_modules import cli, run_lock
from lightning_modules.run_lock import sole_fit
from search_spaces.errors import UserError
from tests.lightning_modules.runs import smoke_arguments

_context = multiprocessing.get_context("fork")


def _work(folder: Path, begun: Event, leave: Event, seconds: float) -> None:
    with sole_fit(folder):
        # Like a worker of a loader: it outlives this process when that is killed.
        _context.Process(target=time.sleep, args=(3,)).start()
        begun.set()
        leave.wait(seconds)


def _begin(
    folder: Path, seconds: float = 30.0
) -> tuple[multiprocessing.process.BaseProcess, Event]:
    begun, leave = _context.Event(), _context.Event()
    process = _context.Process(target=_work, args=(folder, begun, leave, seconds))
    process.start()
    assert begun.wait(30)
    return process, leave


def test_a_second_fit_in_a_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run_lock, "PATIENCE_S", 0.3)
    process, leave = _begin(tmp_path)
    refusal = r"trainer.default_root_dir: another fit is at work in /"
    with pytest.raises(UserError, match=refusal):
        cli.main(["fit", *smoke_arguments(Path("/no/speech"), tmp_path)])
    assert "waiting for another fit in" in capsys.readouterr().err
    leave.set()
    process.join()


def test_one_that_ends_is_waited_for(tmp_path: Path) -> None:
    process, _ = _begin(tmp_path, seconds=0.5)
    with sole_fit(tmp_path):
        assert not process.is_alive() or not process.join(10)


def test_a_killed_one_lets_go_whatever_its_workers_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    process, _ = _begin(tmp_path)
    process.kill()
    process.join()
    with sole_fit(tmp_path):
        assert (tmp_path / run_lock.LOCK).is_file()
    assert capsys.readouterr().err == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [None, "labels.csv"])
def test_a_folder_in_which_nothing_came_is_not_left(tmp_path: Path, name: str | None) -> None:
    folder = tmp_path / "run"
    with sole_fit(folder):
        if name:
            (folder / name).touch()
    assert [path.name for path in tmp_path.rglob("*")] == (["run", name] if name else [])
