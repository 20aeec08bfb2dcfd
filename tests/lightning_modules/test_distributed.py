"""Two processes (gloo) train as one with the doubled batch does: same nets, other clips.

They judge as one does: all clips, by both.
"""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest
import torch

from search_spaces.supernet_file import read_supernet
from tests.lightning_modules.runs import _context, run, smoke_arguments
from tests.lightning_modules.spans_folder import write_recordings
from tests.lightning_modules.test_embedding import arguments

STEPS = 3
# What draws random numbers per process, or looks at a whole batch, cannot be the same in both.
PLAIN = (
    *("--model.weak_augmentation.speed", "0", "--model.count_addition.enabled", "false"),
    *("--model.strong_augmentation.enabled", "false", "--model.pseudo_labels.enabled", "false"),
    *("--model.additivity.enabled", "false", "--data.unlabelled_batch_size", "0"),
    *("--trainer.max_steps", str(STEPS), "--trainer.check_val_every_n_epoch", "9"),
)
TWO = ("--trainer.strategy", "ddp_fork_find_unused_parameters_true", "--trainer.devices", "2")


def _child(arguments: list[str], seen: Path) -> None:
    import torch
    from torch.nn import functional

    from lightning_modules import cli, clip_changes, module
    from lightning_modules.students import Students
    from search_spaces.errors import run_command

    torch.set_num_threads(1)
    clip_changes.circular_shift = lambda waveform, generator: waveform
    # Batch norm looks at the batch of one process; gradients are compared without it.
    batch_norm = functional.batch_norm
    functional.batch_norm = lambda x, _mean, _var, weight, bias, *rest: batch_norm(
        x, x.new_zeros(x.shape[1]), x.new_ones(x.shape[1]), weight, bias, False
    )
    step = module.SupernetModule.training_step
    of_step = Students.of_step

    def recorded(self: module.SupernetModule, batch: dict, batch_idx: int) -> torch.Tensor:
        labelled = batch["labelled"]
        row = {
            "clips": [round(float(clip.abs().sum()), 3) for clip in labelled["waveform"]],
            "nets": [net.digest for net in of_step(self.students, batch_idx)],
        }
        with (seen / f"{self.global_rank}.jsonl").open("a") as stream:
            stream.write(json.dumps(row) + "\n")
        return step(self, batch, batch_idx)

    module.SupernetModule.training_step = recorded
    os._exit(run_command(lambda: cli.main(arguments)))


def train(speech: Path, folder: Path, *options: str) -> list[list[dict]]:
    """Per process the clips and nets of each step."""
    folder.mkdir()
    arguments = ["fit", *smoke_arguments(speech, folder, *PLAIN, *options)]
    process = _context.Process(target=_child, args=(arguments, folder))
    process.start()
    process.join()
    assert process.exitcode == 0
    return [
        [json.loads(line) for line in path.read_text().splitlines()]
        for path in sorted(folder.glob("?.jsonl"))
    ]


@pytest.fixture(scope="module")
def runs(prepared_speech: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple:
    folder = tmp_path_factory.mktemp("distributed")
    two = train(prepared_speech, folder / "two", *TWO, "--data.labelled_batch_size", "4")
    one = train(prepared_speech, folder / "one", "--data.labelled_batch_size", "8")
    return folder, one, two


def test_each_process_trains_the_same_nets_on_other_clips(runs: tuple):
    _, (alone,), two = runs
    assert len(two) == 2
    for step in range(STEPS):
        first, second = two[0][step], two[1][step]
        assert first["nets"] == second["nets"] == alone[step]["nets"]
        assert not set(first["clips"]) & set(second["clips"])
        assert first["clips"] + second["clips"] == alone[step]["clips"]


def test_two_processes_reach_the_weights_of_one_with_the_doubled_batch(runs: tuple):
    folder, _, _ = runs
    one, two = (
        read_supernet(folder / name / "supernet.pt").supernet.state_dict()
        for name in ("one", "two")
    )
    assert one.keys() == two.keys()
    weights = [name for name in one if "num_batches" not in name]
    apart = torch.cat([(one[name] - two[name]).abs().flatten() for name in weights])
    # Where a gradient is next to nothing, Adam makes a whole step of the order of the sum.
    assert (apart > 1e-4).float().mean() < 0.01
    assert apart.median() < 1e-6


def judged(folder: Path, name: str) -> list[dict[str, str]]:
    """Rows of what `validate` or `test` logged."""
    with (folder / name).open(newline="") as stream:
        return list(csv.DictReader(stream))


def check_that_two_processes_judge_as_one_does(folder: Path, *arguments: str) -> None:
    """`validate` and `test` of a trained run give the same figures, whoever shares the work."""
    for command in ("validate", "test"):
        errors = folder / "errors.txt"
        assert run([command, *arguments], errors=errors) == 0, errors.read_text()
        alone = judged(folder, f"{command}.csv")
        (folder / f"{command}.csv").unlink()
        assert run([command, *arguments, *TWO], errors=errors) == 0, errors.read_text()
        assert judged(folder, f"{command}.csv") == alone
        assert "sync_dist" not in errors.read_text()


def test_two_processes_judge_pairs_of_clips_as_one_does(speech_folder: Path, tmp_path: Path):
    fit, *options = arguments("embedding", speech_folder, tmp_path, "--trainer.max_steps", "2")
    assert run([fit, *options, *TWO]) == 0
    check_that_two_processes_judge_as_one_does(tmp_path, *options)


def test_two_processes_agree_on_figures_that_few_labels_settle(
    prepared_speech: Path, tmp_path: Path
):
    # Of three validation clips the second may hold any number of people.
    table = write_recordings(
        tmp_path / "own",
        "path,count,lo,hi,use\ntwo.wav,,0,10,validation\nthree.flac,1,,,train\n",
    )
    options = smoke_arguments(
        *(prepared_speech, tmp_path / "run", *PLAIN, "--data.recordings", str(table)),
        *("--data.validation_clips", "1", "--data.test_clips", "6"),
    )
    assert run(["fit", *options]) == 0
    check_that_two_processes_judge_as_one_does(tmp_path / "run", *options)
