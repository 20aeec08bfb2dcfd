"""What of Slurm can be tried without it: its variables, its signal, and `scontrol requeue`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.lightning_modules.runs import _context, metrics, run, smoke_arguments

JOB = {
    "SLURM_JOB_ID": "4711",
    "SLURM_JOB_NAME": "ersam",
    "SLURM_NTASKS": "1",
    "SLURM_NTASKS_PER_NODE": "1",
    "SLURM_PROCID": "0",
    "SLURM_LOCALID": "0",
    "SLURM_NODEID": "0",
    "SLURM_NODELIST": "localhost",
}


def _child(arguments: list[str], tools: Path, errors: Path) -> None:
    """Slurm warns while speech is prepared, is not heeded, and warns amid the fourth step."""
    import torch

    from lightning_modules import cli, module
    from lightning_modules.datamodule import AmbianceDataModule
    from search_spaces.errors import run_command

    torch.set_num_threads(1)
    os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT), sys.stderr.fileno())
    os.environ.update(JOB, PATH=f"{tools}:{os.environ['PATH']}")
    prepare = AmbianceDataModule.prepare_data
    log_step, steps = module.SupernetModule._log_step, 0

    def prepared(self):
        os.kill(os.getpid(), signal.SIGUSR1)
        prepare(self)

    def warned(self, *args):
        nonlocal steps
        steps += 1
        if steps == 4:
            os.kill(os.getpid(), signal.SIGUSR1)
        return log_step(self, *args)

    AmbianceDataModule.prepare_data = prepared
    module.SupernetModule._log_step = warned
    os._exit(run_command(lambda: cli.main(arguments)))


def test_a_warned_job_saves_the_step_requeues_itself_ends_and_loses_nothing(
    prepared_speech: Path, tmp_path: Path
):
    tools, asked = tmp_path / "tools", tmp_path / "asked"
    tools.mkdir()
    (tools / "scontrol").write_text(
        f'#!/bin/sh\necho "$@" >> "{asked}"\n[ $(wc -l < "{asked}") = 1 ] || kill -TERM $PPID\n'
    )
    (tools / "scontrol").chmod(0o755)
    folder, undisturbed = tmp_path / "run", tmp_path / "undisturbed"
    # checkpoints so rare that none but the warned one is written
    rare = ("--trainer.callbacks.every_n_train_steps", "2")
    options = smoke_arguments(prepared_speech, folder)
    options[options.index(rare[0]) + 1] = "100"
    process = _context.Process(target=_child, args=(["fit", *options], tools, tmp_path / "errors"))
    process.start()
    process.join()
    # It ends by itself, also where Slurm ends it: between two processes that would be a crash.
    assert process.exitcode == os.EX_TEMPFAIL
    assert "saved step 4 and asked Slurm to requeue the job" in (tmp_path / "errors").read_text()
    assert asked.read_text().splitlines() == ["requeue 4711"] * 2
    checkpoint = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    assert checkpoint["global_step"] == 4
    assert list(folder.glob("hpc_ckpt*")) == []
    assert run(["fit", *options]) == 0
    assert run(["fit", *smoke_arguments(prepared_speech, undisturbed)]) == 0
    assert metrics(folder) == metrics(undisturbed)


def test_lightning_takes_ranks_and_addresses_from_slurm(monkeypatch: pytest.MonkeyPatch):
    from lightning.pytorch.plugins.environments import SLURMEnvironment

    for name, value in {**JOB, "SLURM_PROCID": "5", "SLURM_NTASKS": "8"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SLURM_NODELIST", "gpu[3-4]")
    assert SLURMEnvironment.detect()
    environment = SLURMEnvironment()
    assert (environment.global_rank(), environment.world_size()) == (5, 8)
    assert environment.main_address == "gpu3"
    assert environment.requeue_signal == signal.SIGUSR1


@pytest.mark.parametrize("example", ["slurm.sh", "slurm_grid.sh"])
def test_the_examples_run_fit_under_srun_which_alone_is_warned(example: str, tmp_path: Path):
    tools, asked = tmp_path / ".venv" / "bin", tmp_path / "asked"
    tools.mkdir(parents=True)
    (tools / "activate").write_text(f'PATH="{tools}:$PATH"\n')
    (tools / "srun").write_text(f'#!/bin/sh\necho "$SRUN_CPUS_PER_TASK $@" > "{asked}"\n')
    (tools / "srun").chmod(0o755)
    job = {"SLURM_JOB_ID": "1", "SLURM_CPUS_PER_TASK": "3", "SLURM_ARRAY_TASK_ID": "7"}
    size = {"SLURM_NTASKS_PER_NODE": "1", "SLURM_JOB_NUM_NODES": "2"}
    path = Path(__file__).parents[2] / "docs" / "examples" / example
    command = ["bash", str(path), "configs/own.yaml", "--trainer.max_steps", "5"]
    subprocess.run(command, cwd=tmp_path, env=os.environ | job | size, check=True)
    cores, *words = asked.read_text().split()
    assert (cores, words[:4]) == ("3", ["python", "-m", "lightning_modules", "fit"])
    assert "configs/own.yaml" in words
    assert words[-2:] == ["--trainer.max_steps", "5"]
    assert {"#SBATCH --signal=SIGUSR1@90", "#SBATCH --requeue"} <= {*path.read_text().split("\n")}
