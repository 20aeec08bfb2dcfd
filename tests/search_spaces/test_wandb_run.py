from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from deploy.wandb_records import read_runs
from search_spaces import wandb_run as module
from search_spaces.__main__ import main
from search_spaces.errors import UserError, run_command
from search_spaces.wandb_artifacts import json_bytes, new_artifact, use_artifact
from search_spaces.wandb_options import WandbOptions
from search_spaces.wandb_run import STAGING, check_online, present, sync, wandb_run
from tests.wandb_server import Server


def options(folder: Path, mode: str = "offline") -> WandbOptions:
    return WandbOptions(mode, "p", "g", folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one run, written without network, account or home."""
    folder = tmp_path_factory.mktemp("logged")
    with wandb_run(options(folder / "new"), "search", "first", {"seed": 3}) as run:
        run.log({"error": 0.5})
        use_artifact(run, new_artifact("in", "frontier", {"a.json": json_bytes({"a": 1})}))
        run.log_artifact(new_artifact("out", "bundle", {"b.json": json_bytes({"b": 2})}))
    return folder / "new"


def test_a_run_is_written_with_group_config_metrics_and_artifacts(folder: Path):
    (run,) = read_runs(folder)
    assert (run.run["run_group"], run.run["job_type"], run.run["project"]) == ("g", "search", "p")
    assert run.config["seed"] == 3
    assert run.history[0]["error"] == run.summary["error"] == 0.5
    assert [(item.name, item.used) for item in run.artifacts] == [("in", True), ("out", False)]
    assert run.artifacts[0].files["a.json"].read_text() == '{\n "a": 1\n}'


def test_all_that_would_be_uploaded_lies_in_the_folder(folder: Path):
    (run,) = read_runs(folder)
    for artifact in run.artifacts:
        for path in artifact.files.values():
            assert folder.resolve() in path.resolve().parents
    assert STAGING not in os.environ


def test_nothing_is_said_of_the_machine(folder: Path):
    (run,) = read_runs(folder)
    assert run.run["host"] == "-"
    (log,) = run.folder.glob("*.wandb")
    told = log.read_bytes()
    for private in (socket.gethostname(), sys.executable, str(Path.cwd()), sys.argv[0], "/pytest"):
        told_outside_paths = told.replace(str(folder).encode(), b"")
        assert len(private) < 4 or private.encode() not in told_outside_paths, private
    assert not (run.folder / "files" / "requirements.txt").exists()
    assert not (run.folder / "files" / "wandb-metadata.json").exists()


def test_what_has_no_value_is_left_out():
    assert present({"a": 0.0, "b": None}) == {"a": 0.0}


def test_offline_asks_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "wandb", None)  # an import would fail
    check_online(None)
    check_online(options(tmp_path))


def test_without_a_key_online_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    import wandb

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.delenv("WANDB_MODE")
    wandb.teardown()  # which forgets the environment of other tests
    arguments = ["search", "--checkpoint", "x", "--out", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", ["search_spaces", *arguments, "--wandb", "online"])
    assert run_command(main) == 2
    (line,) = [text for text in capsys.readouterr().err.splitlines() if "error" in text]
    assert line.startswith("error: --wandb online: No API key configured")
    assert line.endswith("leave `online` out, and `wandb sync` uploads later")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        (ConnectionError("no route"), "--wandb online: no route; leave `online` out"),
        (False, "--wandb online: not logged in; run `wandb login`"),
    ],
)
def test_an_unreachable_server_is_one_line(
    behaviour: object, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import wandb

    def login(verify: bool) -> bool:
        if isinstance(behaviour, Exception):
            raise wandb.errors.AuthenticationError(str(behaviour))
        return False

    monkeypatch.setattr(wandb, "login", login)
    with pytest.raises(UserError, match=message):
        check_online(options(tmp_path, "online"))


def test_a_server_that_went_away_is_not_asked_to_take_the_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    import wandb

    def refuse(verify: bool) -> None:
        raise wandb.errors.AuthenticationError("no route")

    monkeypatch.setattr(wandb, "login", refuse)
    monkeypatch.setattr(module, "subprocess", None)
    (run,) = folder.glob("wandb/offline-run-*")
    message = r"--wandb online: no route; the results are written; upload by `wandb sync .*offline"
    with pytest.raises(UserError, match=message):
        sync(run)
    assert read_runs(folder)[0].summary["error"] == 0.5


def test_a_server_that_refuses_the_run_is_one_line(folder: Path, wandb_account: Server):
    wandb_account.refuses["UpsertBucket"] = "permission denied"
    (run,) = folder.glob("wandb/offline-run-*")
    with pytest.raises(
        UserError, match=r"permission denied; the results are written; upload by `wandb sync .*off"
    ):
        sync(run)
    assert read_runs(folder)[0].summary["error"] == 0.5


def test_an_upload_that_never_ends_is_given_up(folder: Path, monkeypatch: pytest.MonkeyPatch):
    import wandb

    def hang(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("wandb", 1)

    monkeypatch.setattr(wandb, "login", lambda verify: True)
    monkeypatch.setattr(
        module, "subprocess", SimpleNamespace(run=hang, TimeoutExpired=subprocess.TimeoutExpired)
    )
    with pytest.raises(UserError, match="--wandb online: no answer in 1800 s; the results are"):
        sync(folder)


def test_online_uploads_the_finished_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    uploaded: list[Path] = []
    monkeypatch.setattr(module, "sync", uploaded.append)
    with wandb_run(options(tmp_path, "online"), "lower", "net", {}) as run:
        run.log({"a": 1})
    assert [read_runs(path)[0].summary["a"] for path in [uploaded[0].parent]] == [1]


def test_an_account_gets_the_run_and_its_artifacts(
    tmp_path: Path, wandb_account: Server, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    online = options(Path("private-folder"), "online")
    check_online(online)
    with wandb_run(online, "search", "first", {"seed": 3}) as run:
        run.log({"error": 0.5})
        use_artifact(run, new_artifact("in", "frontier", {"a.json": json_bytes({"a": 1})}))
        run.log_artifact(new_artifact("out", "bundle", {"b.json": json_bytes({"b": 2})}))
    begun = wandb_account.variables("UpsertBucket")[0]
    assert (begun["project"], begun["groupName"], begun["jobType"]) == ("p", "g", "search")
    assert json.loads(begun["config"])["seed"]["value"] == 3
    history = [body["files"].get("wandb-history.jsonl", {}) for body in wandb_account.streamed]
    rows = [json.loads(row) for part in history for row in part.get("content", ())]
    assert [row["error"] for row in rows] == [0.5]
    assert json.loads(wandb_account.stored["run/wandb-summary.json"])["error"] == 0.5
    assert json.loads(wandb_account.stored["in/a.json"]) == {"a": 1}
    assert json.loads(wandb_account.stored["out/b.json"]) == {"b": 2}
    (used,) = wandb_account.variables("UseArtifact")
    assert used["input"]["artifactID"] == "in"
    private = [socket.gethostname(), sys.executable, str(Path.cwd()), "private-folder"]
    told = {
        word
        for word in private
        for body in wandb_account.received
        if len(word) > 3 and word.encode() in re.sub(rb'"local_path":"[^"]*"', b"", body)
    }
    assert told == set()


def test_a_refusal_of_wandb_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import wandb

    def refuse(**_: object) -> None:
        raise wandb.errors.CommError("no service")

    monkeypatch.setattr(wandb, "init", refuse)
    with (
        pytest.raises(UserError, match=r"^--wandb: no service; the results themselves are written"),
        wandb_run(options(tmp_path), "lower", "net", {}),
    ):
        pass
