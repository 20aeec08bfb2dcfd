"""The command and its plan, with nothing trained: what is refused, and what would be called."""

import dataclasses
import json
from pathlib import Path

import pytest

from deploy.__main__ import main
from deploy.pipeline_plan import RunSettings, plan
from deploy.pipeline_scale import read_scale
from search_spaces.wandb_options import WandbOptions
from tests.conftest import write_voice


def settings(out: Path) -> RunSettings:
    scale = read_scale("smoke")
    return RunSettings(out, "rooms", 7, scale, threads=1, versions="{}", listing="0" * 64)


def test_the_first_steps_are_public_commands(tmp_path):
    steps = plan(settings(tmp_path))
    clips, cost_table = next(steps), next(steps)
    assert clips.argv[:3] == ("-m", "lightning_modules", "clips")
    assert clips.argv[clips.argv.index("--protocol") + 1] == "rooms"
    assert cost_table.argv[:3] == ("-m", "deploy", "cost-table")
    assert cost_table.argv[-1] == "--quick"  # the scale's own arguments come last
    assert "0" * 64 in clips.facts
    assert "0" * 64 not in cost_table.facts  # other speech measures no other latency


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
        "evaluate": (),
    }
    assert settings(tmp_path).step("fit", "deploy x", {}, outputs=()).key() == steps["fit"].key()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--speech", "/no/such/folder"], "error: speech: /no/such/folder: no such folder"),
        (
            ["--scale", "huge"],
            "error: --scale huge: expected smoke, demo, reference, base or a YAML file",
        ),
        (["--max-params", "10"], "--max-params 10: the smallest value that could be met is"),
        (["--max-latency-ms", "-1"], "argument --max-latency-ms: got '-1'"),
        (["--labelled-clips", "many"], "argument --labelled-clips: got 'many'"),
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
