"""What the dashboard shows: sections of panels, each with the keys that the kit's commands log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from deploy.wandb_evaluation import CONFUSION, RECALL
from deploy.wandb_measurement import ENERGIES, ENERGY, LATENCIES, SAMPLES
from search_spaces.wandb_options import SUBNET_TABLE
from search_spaces.wandb_search import TABLE as FRONTIER_TABLE

STEP, TRAINING_STEP = "_step", "trainer/global_step"


@dataclass(frozen=True)
class Panel:
    """One picture.

    Attributes:
        title: above it.
        kind: ``line`` over ``x``, one ``bar`` per run, ``histogram`` of each run, ``table``, or
            ``scatter`` of two columns of a table.
        keys: of W&B; of a ``table`` or a ``scatter`` the table's.
        logged_by: job types of the runs that have the keys.
        x: key of a ``line``, column of a ``scatter``.
        y: column of a ``scatter``.
    """

    title: str
    kind: Literal["line", "bar", "histogram", "table", "scatter"]
    keys: tuple[str, ...]
    logged_by: tuple[str, ...]
    x: str = STEP
    y: str = ""


def _curve(title: str, *keys: str) -> Panel:
    return Panel(title, "line", keys, ("fit",), TRAINING_STEP)


_MEASURED = ("benchmark", "phone")
_TESTED = ("evaluate",)
SECTIONS: dict[str, tuple[Panel, ...]] = {
    "Frontier": (
        Panel(
            "Error and size", "scatter", (FRONTIER_TABLE,), ("search",), "params", "ranking_error"
        ),
        Panel(
            "Error and predicted latency",
            "scatter",
            (FRONTIER_TABLE,),
            ("search",),
            "latency_ms",
            "ranking_error",
        ),
        Panel("Nets of the frontier", "table", (FRONTIER_TABLE,), ("search",)),
        Panel("What int8 loses, in points", "bar", ("lower/int8_drop_points",), ("lower",)),
        Panel("Size of the files, in kB", "bar", ("lower/fp32_kb", "lower/int8_kb"), ("lower",)),
    ),
    "Phones": (
        Panel(
            "Latency of a clip, in ms",
            "bar",
            ("latency/p50_ms", "latency/p90_ms", "latency/p99_ms"),
            _MEASURED,
        ),
        Panel("Latency, every run, in ms", "histogram", (LATENCIES,), _MEASURED),
        Panel("Latency in the order of the runs, in ms", "line", (SAMPLES,), _MEASURED),
        Panel("Energy of a clip, in mJ", "bar", (ENERGY,), ("phone",)),
        Panel("Energy of a clip in each repeat, in mJ", "histogram", (ENERGIES,), ("phone",)),
    ),
    "Labels": (
        _curve(
            "Share of clips with a pseudo-label",
            "val/pseudo_label_share",
            "train/pseudo_label_share",
        ),
        _curve(
            "Pseudo-labels that are right (on labelled clips)",
            "val/pseudo_label_accuracy",
            "val/pseudo_label_within_one",
        ),
        _curve(
            "Losses by ingredient",
            "train/labelled",
            "train/pseudo_labels",
            "train/additivity",
            "train/distillation",
            "train/mentor",
        ),
        _curve(
            "Level error by size of net",
            "val/level_error/largest",
            "val/level_error/middle",
            "val/level_error/smallest",
            "val/level_error/fixed",
        ),
        Panel("Error by size of net, at the end", "table", (SUBNET_TABLE,), ("fit",)),
    ),
    "People": (
        Panel("Level error on the test", "bar", ("evaluate/level_error",), _TESTED),
        Panel("MAE of the count on the test", "bar", ("evaluate/mae",), _TESTED),
    ),
    "Classes": (
        Panel("Error on the test", "bar", ("evaluate/error", "evaluate/balanced_error"), _TESTED),
        Panel("Calibration", "bar", ("evaluate/ece_before_temperature", "evaluate/ece"), _TESTED),
        Panel("Recall of each class, with its 95 % interval", "table", (RECALL,), _TESTED),
        Panel("Which class is taken for which", "table", (CONFUSION,), _TESTED),
        _curve(
            "Error by size of net, on validation recordings",
            "val/error/largest",
            "val/error/middle",
            "val/error/smallest",
            "val/error/fixed",
        ),
    ),
}


def panels(*sections: str) -> Iterator[Panel]:
    """Every panel of these sections, in order; of all if none is named."""
    for name in sections or SECTIONS:
        yield from SECTIONS[name]
