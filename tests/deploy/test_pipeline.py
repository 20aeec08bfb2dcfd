"""The command and its plan, with nothing trained: what is refused, and what would be called."""

import dataclasses
import json
from pathlib import Path

import pytest

from deploy.__main__ import main
from deploy.pipeline_plan import _begin, _evaluate, _fit, _lower, _tune, plan
from deploy.pipeline_scale import read_scale
from deploy.pipeline_settings import RunSettings
from deploy.pipeline_speech import check_sound
from deploy.pipeline_state import Step, open_run_folder
from search_spaces.wandb_options import WandbOptions
from tests.conftest import write_voice
from tests.deploy.search_output import write_search_output
from tests.lightning_modules.recording_folder import write_folder, write_recording


def settings(out: Path) -> RunSettings:
    scale = dataclasses.replace(read_scale("smoke"), protocol="rooms")
    return RunSettings(out, 7, scale, threads=1, versions="{}", listing="0" * 64)


def test_the_first_steps_are_public_commands(tmp_path):
    steps = plan(settings(tmp_path))
    clips, cost_table = next(steps), next(steps)
    assert clips.argv[:3] == ("-m", "lightning_modules", "clips")
    assert clips.argv[clips.argv.index("--protocol") + 1] == "rooms"
    assert cost_table.argv[:3] == ("-m", "deploy", "cost-table")
    assert cost_table.argv[-1] == "--quick"  # the scale's own arguments come last
    assert "0" * 64 in clips.facts
    assert "0" * 64 not in cost_table.facts  # other speech measures no other latency


def test_a_scale_may_begin_with_speech_that_needs_no_label(tmp_path):
    asked = dataclasses.replace(settings(tmp_path), scale=read_scale("few"))
    begin, begun = _begin(asked), tmp_path / "begin" / "supernet.pt"
    assert begin.outputs == (begun,)
    assert begin.argv[begin.argv.index("--model.space") + 1] == "sam-4k"
    assert not {"--data.speech", "--data.labelled_clips"} & {*begin.argv}
    assert begin.facts == ("{}",)  # other speech changes nothing of it
    fit = _fit(asked)
    assert begun in fit.inputs
    for step in (fit, _tune(asked)):
        assert step.argv[step.argv.index("--data.singles_from") + 1] == str(begun)
    assert fit.argv[fit.argv.index("--model.initial_weights") + 1] == str(begun)
    plain = _fit(settings(tmp_path))
    assert not {"--data.singles_from", "--trainer.precision"} & {*plain.argv}
    faster = dataclasses.replace(asked, train_precision="bf16-mixed")
    for step in (_begin(faster), _fit(faster), _tune(faster)):
        assert step.argv[step.argv.index("--trainer.precision") + 1] == "bf16-mixed"


def test_stages_log_to_one_group_of_weights_and_biases(tmp_path):
    wandb = WandbOptions("offline", "p", None, tmp_path, ("vectors.bin",))
    asked = dataclasses.replace(settings(tmp_path / "demo"), wandb=wandb)
    steps = {
        stage: asked.step(stage, "deploy x", {}, outputs=())
        for stage in ("clips", "cost-table", "fit", "search", "lower", "benchmark", "evaluate")
    }
    flags = ("--wandb", "offline", "--wandb-project", "p", "--wandb-group", "demo")
    flags += ("--wandb-dir", str(tmp_path))
    include = ("--wandb-include", "vectors.bin")
    assert {stage: step.reporting for stage, step in steps.items()} == {
        "clips": (),
        "cost-table": (),
        "fit": flags,
        "search": flags,
        "lower": (*flags, *include),
        "benchmark": (*flags, *include),
        "evaluate": (*flags, *include),
    }
    assert settings(tmp_path).step("fit", "deploy x", {}, outputs=()).key() == steps["fit"].key()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--speech", "/no/such/folder"], "error: speech: /no/such/folder: no such folder"),
        (
            ["--scale", "huge"],
            "error: --scale huge: expected smoke, demo, reference, few, many, folder",
        ),
        (["--max-params", "10"], "--max-params 10: the smallest value that could be met is"),
        (["--max-latency-ms", "-1"], "argument --max-latency-ms: got '-1'"),
        (["--speech", ""], "error: --speech: is empty; name recordings, or leave the option out"),
        (["--scale", "folder", "--root", ""], "error: --root: is empty; name recordings, or"),
        (["--root", "here"], "error: --root here: is not of counts, as scale smoke is; leave it"),
        (["--scale", "folder"], "error: --root: not given; name a folder per class, or a CSV"),
        (
            ["--scale", "folder", "--speech", "espeak"],
            "--speech espeak: is not of classes, as scale folder is",
        ),
        (["--scale", "folder", "--root", "/no/such"], "error: root: /no/such: no such folder or"),
        (["--labelled-clips", "1"], "error: --labelled-clips 1: expected at least 2, for training"),
        (
            ["--scale", "folder", "--root", "r", "--labelled-per-class", "1"],
            "error: --labelled-per-class 1: expected at least 2, for training",
        ),
        (["--labelled-clips", "many"], "argument --labelled-clips: got 'many'"),
        (
            ["--scale", "folder", "--root", "r", "--protocol", "rooms"],
            "error: --protocol rooms: is not of classes, as scale folder is; leave it out, or take",
        ),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(tmp_path, capsys, arguments, message):
    out = tmp_path / "run"
    scale = [] if "--scale" in arguments else ["--scale", "smoke"]
    assert main(["run", *scale, *arguments, "--out", str(out)]) == 2
    errors = capsys.readouterr().err
    assert message in errors
    assert len(errors.splitlines()) == 1
    assert not out.exists()


def test_one_class_is_refused(tmp_path, capsys):
    write_recording(tmp_path / "data" / "low" / "a.wav", 200)
    for folder, found in ((tmp_path / "data", "only class 'low'"), (tmp_path / "data/low", "no")):
        arguments = ["--scale", "folder", "--root", str(folder), "--out", str(tmp_path / "run")]
        assert main(["run", *arguments]) == 2
        assert f"holds {found}" in capsys.readouterr().err


def test_a_run_of_classes_fits_the_recordings_and_evaluates_the_test_that_fit_listed(tmp_path):
    root = write_folder(tmp_path / "data")
    scale = dataclasses.replace(read_scale("folder-1s"), root=str(root), labelled_per_class=4)
    listing, outputs = check_sound(scale)
    assert outputs == 3
    write_recording(root / "low" / "ann" / "more.wav", 210)
    assert check_sound(scale)[0] != listing
    asked = RunSettings(tmp_path / "run", 7, scale, 1, "{}", listing, outputs)
    assert next(plan(asked)).stage == "cost-table"  # no clips to be mixed
    fit = _fit(asked)
    flags = dict(zip(fit.argv[3::2], fit.argv[4::2], strict=False))
    assert flags["--data.root"] == str(root)
    assert flags["--data.labelled_per_class"] == "4"
    assert flags["--model.space"] == "events-1s"
    assert "--data.protocol" not in flags
    tested = tmp_path / "run" / "train" / "test_recordings.csv"
    assert tested in fit.outputs
    evaluate = _evaluate(asked, tmp_path / "run" / "bundles" / "net", "int8")
    assert evaluate.argv[evaluate.argv.index("--clips") + 1] == str(tested)
    assert evaluate.argv[-1] == "--rows"


def test_a_link_to_nowhere_is_left_to_fit_which_names_it(tmp_path):
    root = write_folder(tmp_path / "data", speakers=["ann"], each=1)
    scale = dataclasses.replace(read_scale("folder-1s"), root=str(root))
    listings = [check_sound(scale)[0]]
    link = root / "low" / "ann" / "late.wav"
    link.symlink_to(tmp_path / "late.wav")
    listings.append(check_sound(scale)[0])
    write_recording(tmp_path / "late.wav", 200)  # it is heard from now on
    listings.append(check_sound(scale)[0])
    assert len({*listings}) == 3


def test_bundles_of_another_search_do_not_pass_for_this_ones(tmp_path):
    asked = settings(tmp_path)
    frontier = write_search_output(tmp_path / "search")
    bundles = tmp_path / "bundles"
    for name in ("net-earlier", ".net-aside.before", ".net-killed.part"):
        (bundles / name).mkdir(parents=True)
        (bundles / name / "manifest.json").touch()
    (bundles / "own").mkdir()
    step = _lower(asked, frontier)
    assert {*step.clears[:-2]} == {*step.outputs, bundles / "net-earlier", bundles / "net-aside"}
    with open_run_folder(tmp_path / "state") as run:
        run.begin(step, step.key())
    assert not (bundles / "net-earlier").exists()
    assert (bundles / "own").exists()


def test_the_folder_of_another_scale_is_refused_and_left_alone(tmp_path, capsys):
    with open_run_folder(tmp_path / "run") as folder:
        folder.begin(Step("fit", "", ("-m",), (), ()), "0" * 64)
    config = tmp_path / "run" / "config.json"
    config.write_text(json.dumps({"scale": dataclasses.asdict(read_scale("reference"))}))
    before = config.read_text()
    assert main(["run", "--scale", "smoke", "--out", str(tmp_path / "run")]) == 2
    assert "holds a run of space sam-lite, and this scale's is sam-nano" in capsys.readouterr().err
    assert config.read_text() == before


@pytest.mark.parametrize("damaged", [5, ["x"]])
def test_a_damaged_config_of_a_begun_run_is_refused(tmp_path, capsys, damaged):
    with open_run_folder(tmp_path / "run") as folder:
        folder.begin(Step("fit", "", ("-m",), (), ()), "0" * 64)
    before = {**dataclasses.asdict(read_scale("smoke")), "fit_config": damaged}
    (tmp_path / "run" / "config.json").write_text(json.dumps({"scale": before}))
    assert main(["run", "--scale", "smoke", "--out", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert f"config.json: field $.scale.fit_config: is {damaged}, expected a text; put" in error


def test_one_reader_is_refused(tmp_path, capsys):
    write_voice(tmp_path / "speech" / "alone" / "a.wav", seed=1, seconds=1)
    out = tmp_path / "run"
    assert main(["run", "--speech", str(tmp_path / "speech"), "--out", str(out)]) == 2
    assert "only one reader (alone)" in capsys.readouterr().err
    assert not out.exists()


def test_a_full_disk_is_refused(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("deploy.pipeline.MIN_FREE_BYTES", 1 << 60)
    assert main(["run", "--scale", "smoke", "--out", str(tmp_path / "run")]) == 2
    assert "MiB free on its disk, a run needs" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_refused_command_ends_the_run_with_its_code(tmp_path, capfd, speech_folder, monkeypatch):
    monkeypatch.setenv("ERSAM_CACHE", str(tmp_path / "cache"))
    out = tmp_path / "run"
    scale = (Path("deploy/scales/smoke.yaml").read_text()).replace("--quick", "--quack")
    (tmp_path / "own.yaml").write_text(scale)
    arguments = ["--scale", str(tmp_path / "own.yaml"), "--speech", str(speech_folder)]
    assert main(["run", *arguments, "--out", str(out)]) == 2
    errors = capfd.readouterr().err
    assert "error: unrecognized arguments: --quack" in errors
    records = [json.loads(line) for line in (out / "commands.jsonl").read_text().splitlines()]
    assert [(record["stage"], record["exit_code"]) for record in records] == [
        ("clips", 0),
        ("cost-table", 2),
    ]
    assert sorted(path.name for path in (out / "test_clips").glob("*.csv")) == ["clips.csv"]
