"""The dashboard: every panel's key is logged by the commands, and nothing private with them."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deploy.__main__ import main
from deploy.bundle import read_bundle
from deploy.dashboard_panels import SECTIONS, panels
from deploy.dashboard_picture import _cell, draw_dashboard
from deploy.wandb_bundle import bundle_artifact
from deploy.wandb_measurement import ENERGIES, ENERGY
from deploy.wandb_records import OfflineRun, read_run, read_runs, records
from search_spaces.clips_file import read_clips
from search_spaces.errors import UserError
from tests.deploy.logged_runs import GROUP, holders_of, log_walk, logged_keys
from tests.wandb_server import Server

JOBS = ["fit", "fit", "search", "lower", "benchmark", "phone", "phone"]


@pytest.fixture(scope="module")
def walk(
    speech_folder: Path,
    frontier_path: Path,
    bundle_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A folder with the logs of the whole walk."""
    folder = tmp_path_factory.mktemp("walk")
    log_walk(folder, speech_folder, frontier_path, bundle_path)
    return folder


@pytest.fixture(scope="module")
def runs(walk: Path) -> list[OfflineRun]:
    return read_runs(walk)


def test_the_walk_is_one_group_of_runs(runs: list[OfflineRun]):
    assert sorted(run.run["job_type"] for run in runs) == sorted(JOBS)
    assert {run.run["run_group"] for run in runs} == {GROUP}
    assert {run.run["project"] for run in runs} == {"ersam-kit"}


def test_every_panel_shows_what_is_logged(runs: list[OfflineRun]):
    for panel in panels("Frontier", "Phones", "Labels"):
        found = [run for run in runs if run.run["job_type"] in panel.logged_by]
        assert {run.run["job_type"] for run in found} == {*panel.logged_by}, panel.title
        for key in panel.keys:
            holders = holders_of(key, panel, runs)
            if panel.kind == "histogram":
                assert sum(holders[0].summary[key]["values"]) > 0
            if panel.kind in ("table", "scatter"):
                rows = holders[0].table(key)
                assert rows
                assert panel.kind == "table" or {panel.x, panel.y} <= rows[0].keys()


def test_a_net_trained_alone_is_shown_as_a_supernet_is(runs: list[OfflineRun]):
    alone = runs[1]
    assert {"train/mentor", "val/level_error/fixed"} <= logged_keys(alone)
    labels = {key for panel in panels("Labels") for key in panel.keys}
    assert {"train/mentor", "val/level_error/fixed"} <= labels
    assert "val/error/fixed" in {key for panel in panels("Classes") for key in panel.keys}


def test_energy_that_is_absent_stays_absent(runs: list[OfflineRun]):
    host = next(run for run in runs if run.run["job_type"] == "benchmark")
    one, two = [run for run in runs if run.run["job_type"] == "phone"]
    assert one.summary[ENERGY] == pytest.approx(20.0, rel=1e-3)
    assert sum(one.summary[ENERGIES]["values"]) == 3  # repeats
    for run, reason in ((host, "no meter on this host"), (two, "was measured with 1 threads only")):
        assert not {ENERGY, ENERGIES} & logged_keys(run)
        assert run.config["energy_reason"] == reason


def test_lineage_leads_from_speech_to_measurement(runs: list[OfflineRun]):
    made = {(item.kind, item.digest) for run in runs for item in run.artifacts if not item.used}
    used = {
        run.run["job_type"]: {(item.kind, item.digest) for item in run.artifacts if item.used}
        for run in runs
    }
    assert {kind for kind, _ in made} == {"supernet", "frontier", "bundle", "measurement"}
    assert {kind for kind, _ in used["fit"]} == {"speech"}
    # `lower` was given another frontier here than the one searched: a frontier all the same.
    assert {kind for kind, _ in used["lower"]} == {"frontier"}
    assert used["search"] | used["benchmark"] | used["phone"] <= made


def test_nothing_private_is_logged(walk: Path, runs: list[OfflineRun], speech_folder: Path):
    readers = [path.name for path in speech_folder.iterdir()]
    clip = read_clips(walk / "train" / "clips.npz").validation_waveform[0]
    loud = clip[np.abs(clip).argmax() :][:500]
    private = [*readers, "utterance", str(speech_folder), "RIFF"]
    looked = 0
    for path in (walk / "wandb").rglob("*"):
        if path.is_file():
            looked += 1
            content = path.read_bytes()
            assert [word for word in private if word.encode() in content] == [], path
            assert loud.tobytes() not in content, path
    assert looked > 40
    uploaded = {file for run in runs for item in run.artifacts for file in item.files}
    assert not {"vectors.bin", "clips.npz", "labels.csv"} & uploaded


def test_no_folder_leaves_with_an_artifact(walk: Path, runs: list[OfflineRun]):
    private = [str(walk.parent), socket.gethostname(), str(Path.cwd())]
    for run in runs:
        for artifact in run.artifacts:
            told = [json.dumps(artifact.metadata).encode()]
            told += [path.read_bytes() for path in artifact.files.values()]
            for word in private:
                assert len(word) < 4 or not any(word.encode() in text for text in told), word
        assert str(walk.parent) not in json.dumps([run.config, run.summary])


def test_sound_goes_into_a_bundle_where_it_is_named(bundle_path: Path):
    bundle = read_bundle(bundle_path)
    assert "vectors.bin" not in bundle_artifact(bundle).manifest.entries
    whole = bundle_artifact(bundle, ["vectors.bin"])
    assert {*whole.manifest.entries} == {path.name for path in bundle_path.iterdir()}


def test_a_bundle_of_an_artifact_is_a_sound_bundle(bundle_path: Path, tmp_path: Path):
    for name, entry in bundle_artifact(
        read_bundle(bundle_path), ["vectors.bin"]
    ).manifest.entries.items():
        (tmp_path / name).write_bytes(Path(entry.local_path).read_bytes())
    copied = read_bundle(tmp_path)
    inputs = copied.manifest["search"]["inputs"]
    assert inputs["checkpoint"]["path"] == "supernet.pt"
    assert copied.precisions == read_bundle(bundle_path).precisions


def test_prints_the_dashboard_without_an_account(capsys: pytest.CaptureFixture[str]):
    assert main(["dashboard", "--wandb-group", "g1", "--wandb-project", "p"]) == 0
    text = capsys.readouterr().out
    check_sections(json.loads(text)["spec"])
    assert '"value": "g1"' in text


def test_draws_the_dashboard(walk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    picture = tmp_path / "dashboard.png"
    assert main(["dashboard", "--picture", str(picture), "--runs", str(walk)]) == 0
    assert picture.read_bytes()[1:4] == b"PNG"
    assert capsys.readouterr().out == f"{picture}\n"


def test_names_that_look_like_formulas_are_drawn_as_they_are(tmp_path: Path):
    run = OfflineRun(tmp_path, run={"job_type": "evaluate", "display_name": "$5_and_$6-caf\udce9"})
    run.summary["evaluate/error"] = 0.2
    draw_dashboard(tmp_path / "dashboard.png", [run])
    assert (tmp_path / "dashboard.png").stat().st_size > 1000
    assert _cell("$5_and_$6") == r"\$5_and_\$6"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--picture", "a.png"], "--picture, --runs: got one of them, expected both or neither"),
        (["--runs", "."], "--picture, --runs: got one of them, expected both or neither"),
        (
            ["--picture", "a.png", "--runs", ".", "--create"],
            "--create: got together with --picture, expected one of them",
        ),
        (
            ["--picture", "a.bogus", "--runs", "."],
            "--picture a.bogus: expected a name that ends in",
        ),
        (["--wandb-project", ""], "--wandb-project: is empty; name a project, or leave the option"),
        (["--wandb-group", "\N{GRINNING FACE}"], "--wandb-group '\N{GRINNING FACE}': W&B takes no"),
        (["--picture", "a.png", "--runs", "docs"], "docs: holds no offline run; log one with --wa"),
    ],
)
def test_wrong_arguments_are_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
):
    assert main(["dashboard", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {message}")


def test_a_group_without_runs_is_one_line(walk: Path, capsys: pytest.CaptureFixture[str]):
    arguments = ["--picture", "a.png", "--runs", str(walk), "--wandb-group", "nobody"]
    assert main(["dashboard", *arguments]) == 2
    assert f"--wandb-group: {walk} holds no run of the group 'nobody'" in capsys.readouterr().err


def test_creating_needs_an_account(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    import wandb

    def refuse(verify: bool) -> None:
        raise wandb.errors.UsageError("No API key configured.")

    monkeypatch.setattr(wandb, "login", refuse)
    assert main(["dashboard", "--create"]) == 2
    assert "--wandb online: No API key configured." in capsys.readouterr().err


def test_creates_the_dashboard_with_an_account(
    wandb_account: Server, capsys: pytest.CaptureFixture[str]
):
    assert main(["dashboard", "--create", "--wandb-project", "p", "--wandb-group", "g1"]) == 0
    (view,) = wandb_account.variables("UpsertView2")
    assert (view["entityName"], view["projectName"], view["type"]) == ("team", "p", "project-view")
    name = view["name"].removeprefix("nw-").removesuffix("-v")
    assert capsys.readouterr().out == f"{wandb_account.url}/team/p?nw={name}\n"
    assert view["displayName"] == "ERSAM Kit: g1"
    check_sections(json.loads(view["spec"]))


def check_sections(spec: dict[str, Any]) -> None:
    sections = spec["section"]["panelBankConfig"]["sections"]
    assert [section["name"] for section in sections] == list(SECTIONS)
    for section, expected in zip(sections, SECTIONS.values(), strict=True):
        for shown, panel in zip(section["panels"], expected, strict=True):
            assert all(key in json.dumps(shown) for key in panel.keys), panel.title


def test_a_server_that_refuses_the_dashboard_is_one_line(
    wandb_account: Server, capsys: pytest.CaptureFixture[str]
):
    wandb_account.refuses["UpsertView2"] = "project not found"
    assert main(["dashboard", "--create", "--wandb-entity", "team"]) == 2
    assert "error: --create: team/ersam-kit: " in (told := capsys.readouterr().err)
    assert "project not found" in told


def test_what_a_killed_run_wrote_can_be_read(runs: list[OfflineRun], tmp_path: Path):
    (whole,) = runs[0].folder.glob("*.wandb")
    content = whole.read_bytes()
    cut = tmp_path / "offline-run-1" / "run-1.wandb"
    cut.parent.mkdir()
    cut.write_bytes(content[: len(content) // 2])
    assert 0 < len(list(records(cut))) < len(list(records(whole)))
    assert read_run(cut).run["run_group"] == GROUP


def test_runs_of_one_second_come_in_the_order_of_their_start(
    runs: list[OfflineRun], tmp_path: Path
):
    for name, run in zip("zyx", runs[:3], strict=True):
        shutil.copytree(run.folder, tmp_path / f"offline-run-20261121_120000-{name}")
    copies = read_runs(tmp_path)
    assert [copy.folder.name[-1] for copy in copies] == ["z", "y", "x"]
    assert [copy.run for copy in copies] == [run.run for run in runs[:3]]


def test_a_file_that_is_no_run_is_refused(tmp_path: Path):
    path = tmp_path / "offline-run-1" / "run-1.wandb"
    path.parent.mkdir()
    path.write_bytes(b"hello")
    with pytest.raises(
        UserError, match=r"run-1.wandb: not a run of W&B \(does not begin with :W&B"
    ):
        read_runs(tmp_path)


def test_a_run_killed_at_its_start_is_passed_over(
    runs: list[OfflineRun], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (whole,) = runs[0].folder.glob("*.wandb")
    for size in (0, 2, 7, 100):
        cut = tmp_path / f"offline-run-{size}" / f"run-{size}.wandb"
        cut.parent.mkdir()
        cut.write_bytes(whole.read_bytes()[:size])
    with pytest.raises(UserError, match="holds no offline run"):
        read_runs(tmp_path)
    capsys.readouterr()
    shutil.copytree(runs[0].folder, tmp_path / runs[0].folder.name)
    assert [run.run for run in read_runs(tmp_path)] == [runs[0].run]
    told = capsys.readouterr().err.splitlines()
    assert sorted(line.partition("/run-")[2] for line in told) == [
        f"{size}.wandb: ends before it says what run it is; passed over" for size in (0, 100, 2, 7)
    ]
