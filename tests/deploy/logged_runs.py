"""The whole walk logged to Weights & Biases at tiny scale, by the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from deploy import benchmark
from deploy.__main__ import main
from deploy.bundle import read_bundle
from deploy.dashboard_panels import Panel
from deploy.phone_result import clip_energies_mj, measurements, read_result
from deploy.wandb_measurement import log_measurements
from deploy.wandb_records import OfflineRun
from lightning_modules import cli as fit_command
from search_spaces import __main__ as search_command
from search_spaces.wandb_options import WandbOptions
from tests.lightning_modules.runs import smoke_arguments

GROUP = "walk"
GOLDEN = Path(__file__).parents[2] / "android_runner" / "golden" / "result-two-bundles.json"


def logged_keys(run: OfflineRun) -> set[str]:
    """Every key that a panel could show."""
    return {*run.summary, *(key for row in run.history for key in row)}


def holders_of(key: str, panel: Panel, runs: Sequence[OfflineRun]) -> list[OfflineRun]:
    """The runs whose values of ``key`` a panel shows; there are some, a curve also has its axis."""
    found = [run for run in runs if run.run["job_type"] in panel.logged_by]
    holders = [run for run in found if key in logged_keys(run)]
    assert holders, f"{panel.title}: {key}"
    if panel.kind == "line":
        assert any({key, panel.x} <= row.keys() for row in holders[0].history), key
    return holders


def log_walk(folder: Path, speech: Path, frontier: Path, bundle: Path) -> None:
    """Log fit, search, lower, benchmark and phone into ``folder``/wandb, one group.

    There are two of fit: of a supernet, and of one net that it teaches. What is measured is made up
    and what is lowered was lowered before; the rest is as it is.
    """
    torch.set_num_threads(1)  # a busy machine takes minutes with more
    flags = ["--wandb", "--wandb-group", GROUP, "--wandb-dir", str(folder)]
    train = folder / "train"
    smoke = smoke_arguments(speech, train, "--data.cache", str(folder / "cache"))
    sure = ["--model.pseudo_labels.threshold", "0"]  # of every clip: accuracy has a value
    short = ["--trainer.max_steps", "2", "--data.steps_per_epoch", "2"]
    assert fit_command.main(["fit", *smoke, *short, *sure, *flags]) == 0
    taught = ["--model.architecture", "largest", "--model.distil_from", str(train / "supernet.pt")]
    taught += ["--trainer.default_root_dir", str(folder / "taught")]
    assert fit_command.main(["fit", *smoke, *short, *taught, *flags]) == 0
    size = ["--population", "4", "--generations", "1", "--winners", "1", "--ranking-clips", "4"]
    inputs = ["--checkpoint", str(train / "supernet.pt"), "--out", str(folder / "search")]
    with mock.patch("sys.argv", ["search_spaces", "search", *inputs, *size, *flags]):
        assert search_command.main() == 0
    lowering = ["--frontier", str(frontier), "--out", str(bundle.parent)]
    assert main(["lower", *lowering, *flags]) == 0
    measured = list(host_measurements(bundle))
    out = ["--out", str(folder / "measurements")]
    with mock.patch.object(benchmark, "measure_bundle", side_effect=measured):
        assert (
            main(["benchmark", "--bundle", str(bundle), "--precision", "fp32", *out, *flags]) == 0
        )
    options = WandbOptions("offline", "ersam-kit", GROUP, folder)
    result = phone_result(bundle)
    energies = clip_energies_mj(result)
    log_measurements(options, "phone", measurements(result), [read_bundle(bundle)], energies)


def phone_result(bundle: Path) -> dict[str, Any]:
    """The golden result, as if of the bundle."""
    text = GOLDEN.read_text().replace("net-a", bundle.name)
    (bundle.parent.parent / "result.json").write_text(text)
    return read_result(bundle.parent.parent / "result.json")


def host_measurements(bundle: Path) -> Iterator[dict[str, Any]]:
    """A measurement without energy for a host, made from the golden one."""
    content = next(measurements(phone_result(bundle)))
    latency = content["latency_ms"]
    yield {key: value for key, value in content.items() if key != "phone"} | {
        "energy": {"value_mj": None, "method": None, "reason": "no meter on this host"},
        "frontend": {"latency_ms": latency, "share": 1.0},
        "eager": {"latency_ms": latency, "threads": 1, "speedup": 1.0},
        "throughput": {
            "macs": 10,
            "macs_per_s": 1e9,
            "attainable_macs_per_s": 1e10,
            "attainable_method": "made up",
            "share": 0.1,
        },
        "memory": content["memory"] | {"peak_rss_bytes": {"value": 5e8, "reason": None}},
    }
