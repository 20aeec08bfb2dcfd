import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.pipeline_runner import StepRefusedError, run_steps
from deploy.pipeline_state import Step, fingerprint, open_run_folder
from search_spaces.errors import UserError
from search_spaces.processes import describe_exit, minutes

EXPECTED_S = {"copy": 60.0, "count": 5.0}
COPY = "import sys, pathlib as p; p.Path(sys.argv[2]).write_bytes(p.Path(sys.argv[1]).read_bytes())"

WRITE_INTO = (
    "import sys, pathlib as p; d = p.Path(sys.argv[1]); d.mkdir(); (d / 'x').write_text('1')"
)


def copy_step(source: Path, target: Path, **changes) -> Step:
    """A step that copies a file, so that its result depends on its input and on nothing else."""
    fields = {
        "stage": "copy",
        "label": target.stem,
        "argv": ("-c", COPY, str(source), str(target)),
        "inputs": (source,),
        "outputs": (target,),
    }
    return Step(**{**fields, **changes})


def script_step(script: str, output: Path, **changes) -> Step:
    """A step that runs a script, which finds the path of its output as its argument."""
    return copy_step(output, output, argv=("-c", script, str(output)), inputs=(), **changes)


def commands(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "commands.jsonl").read_text().splitlines()]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "speech.txt"
    path.write_text("hello")
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "run"


def go(out: Path, *steps: Step) -> None:
    with open_run_folder(out) as run:
        run_steps(run, steps, EXPECTED_S)


def test_steps_run_in_order_and_are_recorded(source, out):
    first, second = out / "a", out / "b"
    go(out, copy_step(source, first), copy_step(first, second))
    assert second.read_text() == "hello"
    records = commands(out)
    assert [record["label"] for record in records] == ["a", "b"]
    assert records[0]["argv"] == ["python", "-c", COPY, str(source), str(first)]
    assert {record["exit_code"] for record in records} == {0}
    assert records[0]["versions"].keys() >= {"torch", "executorch", "ersam-kit"}


def test_a_folder_of_another_name_says_that_all_is_done_anew(source, out, tmp_path, capsys):
    go(out, copy_step(source, out / "a"))
    go(out, copy_step(source, out / "a"))
    assert "anew" not in capsys.readouterr().err
    moved = tmp_path / "moved"
    out.rename(moved)
    go(moved, copy_step(source, moved / "a"))
    said = capsys.readouterr().err.splitlines()
    assert [line for line in said if "are done anew" in line] == [
        f"--out {moved}: its steps were run as --out {out} and are done anew under another name;"
        f" to go on with them, stop this (Ctrl-C) and give --out {out}, with the folder there"
    ]
    assert len(commands(moved)) == 2
    go(moved, copy_step(source, moved / "a"))
    assert "anew" not in capsys.readouterr().err


def test_how_a_step_reports_changes_nothing_of_what_is_done(source, out):
    go(out, copy_step(source, out / "a"))
    go(out, copy_step(source, out / "a", reporting=("--wandb", "offline")))
    assert len(commands(out)) == 1
    go(out, copy_step(source, out / "b", reporting=("--wandb", "offline")))
    assert commands(out)[1]["argv"][-2:] == ["--wandb", "offline"]


def test_a_second_run_does_nothing(source, out, capfd):
    go(out, copy_step(source, out / "a"))
    go(out, copy_step(source, out / "a"))
    assert len(commands(out)) == 1
    assert "[1/2] copy a: done before, unchanged" in capfd.readouterr().err


@pytest.mark.parametrize("what", ["input", "output", "missing output", "argv", "facts"])
def test_a_change_runs_the_step_again(source, out, what):
    target = out / "a"
    go(out, copy_step(source, target, facts=("torch 1",)))
    step = copy_step(source, target, facts=("torch 1",))
    if what == "input":
        source.write_text("other")
    elif what == "output":
        target.write_text("edited by hand")
    elif what == "missing output":
        target.unlink()
    elif what == "argv":
        step = copy_step(source, target, facts=("torch 1",), argv=(*step.argv, "more"))
    else:
        step = copy_step(source, target, facts=("torch 2",))
    go(out, step)
    assert len(commands(out)) == 2
    assert target.read_text() == source.read_text()


def test_what_was_not_finished_is_run_again_and_what_was_is_not(source, out):
    bad = script_step("import sys; sys.exit(2)", out / "b")
    with pytest.raises(StepRefusedError):
        go(out, copy_step(source, out / "a"), bad)
    go(out, copy_step(source, out / "a"), copy_step(source, out / "b"))
    assert [record["label"] for record in commands(out)] == ["a", "b", "b"]
    assert [record["exit_code"] for record in commands(out)] == [0, 2, 0]


def test_an_interrupted_step_finds_what_it_left_and_changed_inputs_do_not(source, out):
    folder = out / "train"
    script = (
        "import sys, pathlib as p; f = p.Path(sys.argv[1]); f.parent.mkdir(exist_ok=True);"
        "n = f.parent / 'checkpoint'; again = n.exists(); n.touch(); again or sys.exit(2);"
        "f.write_text('resumed')"
    )
    step = script_step(script, folder / "supernet", clears=(folder,))
    with pytest.raises(StepRefusedError):
        go(out, step)
    changed = script_step(script, folder / "supernet", clears=(folder,), facts=("new",))
    with pytest.raises(StepRefusedError):
        go(out, changed)
    go(out, changed)
    assert (folder / "supernet").read_text() == "resumed"


def test_what_was_finished_comes_back_where_other_options_are_refused(source, out):
    folder = out / "a"
    good = script_step(WRITE_INTO, folder, clears=(folder,))
    bad = script_step("import sys; sys.exit(2)", folder, clears=(folder,))
    go(out, good)
    with pytest.raises(StepRefusedError) as refused:
        go(out, bad)
    assert refused.value.as_before
    assert [path.name for path in out.iterdir() if path.is_dir()] == ["a"]
    assert (folder / "x").read_text() == "1"
    go(out, good)
    assert len(commands(out)) == 2  # it was done before


def test_what_a_command_wrote_before_it_refused_to_go_on_stays(source, out):
    folder = out / "a"
    full = script_step(WRITE_INTO.replace("'1')", "'2'); sys.exit(2)"), folder, clears=(folder,))
    go(out, script_step(WRITE_INTO, folder, clears=(folder,)))
    with pytest.raises(StepRefusedError) as refused:  # as training does on a full disk
        go(out, full)
    assert not refused.value.as_before
    assert (folder / "x").read_text() == "2"


def test_what_was_finished_comes_back_when_it_is_asked_for_again(source, out):
    folder = out / "a"
    good = script_step(WRITE_INTO, folder, clears=(folder,))
    crash = script_step(WRITE_INTO.replace("'1')", "'2'); sys.exit(3)"), folder, clears=(folder,))
    other = script_step(WRITE_INTO.replace("'1'", "'3'"), folder, clears=(folder,))
    go(out, good)
    with pytest.raises(UserError):
        go(out, crash)
    assert {path.name for path in out.iterdir() if path.is_dir()} == {"a", ".a.before"}
    go(out, good)
    assert (folder / "x").read_text() == "1"
    go(out, other)
    assert (folder / "x").read_text() == "3"
    assert [path.name for path in out.iterdir() if path.is_dir()] == ["a"]
    assert len(commands(out)) == 3


def test_a_crash_says_how_to_go_on(out):
    with pytest.raises(UserError, match=r"'copy a' ended with exit code 3; .*same command again"):
        go(out, script_step("import sys; sys.exit(3)", out / "a"))


def test_a_killed_command_is_named_as_such(out):
    script = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    with pytest.raises(UserError, match=r"was killed by SIGKILL \(out of memory\?\)"):
        go(out, script_step(script, out / "a"))
    assert describe_exit(-signal.SIGSEGV) == "was killed by SIGSEGV"


def test_success_without_the_output_is_an_error(out):
    with pytest.raises(UserError, match=r"run/a: not written by step 'copy a'"):
        go(out, script_step("pass", out / "a"))


def test_a_folder_of_other_things_is_refused(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with (
        pytest.raises(UserError, match=r"holds 'thesis.tex' but no state.json.* name a new"),
        open_run_folder(tmp_path),
    ):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["thesis.tex"]


def test_a_file_is_refused_as_run_folder(tmp_path):
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(UserError, match="is a file; name a folder"), open_run_folder(path):
        pass


def test_two_runs_in_one_folder_are_refused(out):
    with (
        open_run_folder(out),
        pytest.raises(UserError, match="another `deploy run` is at work"),
        open_run_folder(out),
    ):
        pass


def test_a_damaged_state_is_refused_by_name(out):
    go(out)
    (out / "state.json").write_text("{}")
    with pytest.raises(UserError, match=r"state.json: field \$: 'schema_version' is a required"):
        go(out)


def test_fingerprint_of_a_folder_sees_names_and_bytes(tmp_path):
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "a").write_text("1")
    before = fingerprint(folder)
    (folder / "a").write_text("2")
    changed = fingerprint(folder)
    (folder / "a").rename(folder / "b")
    assert len({before, changed, fingerprint(folder), fingerprint(tmp_path / "none")}) == 4


def test_minutes():
    assert [minutes(s) for s in (0.4, 59, 61, 605)] == ["0s", "59s", "1m01s", "10m05s"]


SLEEPER = """
import sys, pathlib
from deploy.pipeline_runner import run_steps
from deploy.pipeline_state import Step, open_run_folder
from search_spaces.errors import run_command
out = pathlib.Path(sys.argv[1])
script = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(60)"
def main():
    with open_run_folder(out) as run:
        step = Step("copy", "", ("-c", script, str(out / "pid")), (), (out / "pid",))
        run_steps(run, [step], {"copy": 1})
sys.exit(run_command(main))
"""


def start_sleeper(out: Path) -> tuple[subprocess.Popen, int]:
    """A pipeline in its own process, and the pid of the command that it runs."""
    pipeline = subprocess.Popen(
        [sys.executable, "-c", SLEEPER, str(out)],
        start_new_session=True,
        stderr=subprocess.PIPE,
        # A shell's background job ignores Ctrl-C, and its children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    for _ in range(600):
        if (out / "pid").exists() and (text := (out / "pid").read_text()):
            return pipeline, int(text)
        time.sleep(0.05)
    raise AssertionError("the command did not start")


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def wait_for_end(pid: int) -> None:
    for _ in range(200):
        if not is_alive(pid):
            return
        time.sleep(0.05)
    raise AssertionError(f"process {pid} still runs")


def test_ctrl_c_ends_command_and_pipeline_in_one_line(out):
    pipeline, pid = start_sleeper(out)
    os.killpg(pipeline.pid, signal.SIGINT)
    _, errors = pipeline.communicate(timeout=30)
    assert pipeline.returncode == 130
    assert errors.decode().splitlines()[-1] == "interrupted"
    wait_for_end(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_a_killed_pipeline_leaves_no_orphan_and_its_folder_opens_again(out):
    pipeline, pid = start_sleeper(out)
    pipeline.kill()
    pipeline.communicate(timeout=30)
    wait_for_end(pid)
    with open_run_folder(out):
        pass
