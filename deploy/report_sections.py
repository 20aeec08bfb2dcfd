"""The report's sections about errors and labels."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from typing import Any

from deploy.report_data import RunData
from deploy.report_figures import (
    Figure,
    calibration_figures,
    confusion_figures,
    error_by_bin_figures,
    error_by_count_figures,
    gives_several,
    labels_figure,
)
from deploy.report_page import Section, Table
from deploy.report_reader import Missing
from deploy.report_text import DASH, ECE, ece, net_title, percent, plain

# Field of an evaluation: its column in clips.csv (None: measured on the clip), label, metrics.
_BINNED = {
    "by_snr_db": ("snr_db", "signal-to-noise ratio (dB)", ("level_error", "mae")),
    "by_rt60_s": ("rt60_s", "reverberation time RT60 (s)", ("level_error",)),
    "by_input_dbfs": (None, "input level (dB of full scale)", ("level_error",)),
}


def confusion_section(data: RunData) -> Section:
    """Metrics of every net on the test clips, and who is taken for whom."""
    headline, others = headline_evaluation(data), other_evaluations(data)
    rows = []
    for evaluation in data.evaluations:
        metrics = evaluation["metrics"]
        rows.append(
            (
                net_title(evaluation),
                f"{evaluation['clips']['number']} ({evaluation['clips']['sha256'][:8]})",
                percent(metrics["level_error"]),
                plain(metrics["mae"]),
                percent(metrics["exact_accuracy"]),
                ece(metrics),
            )
        )
    header = ("net", "clips (digest)", "level error", "MAE (people)", "exact accuracy", ECE)
    return Section(
        "confusion",
        "Confusion",
        f"{_of(headline)}Rows are what was true, columns what the net said.",
        figures=confusion_figures(headline) if headline else (),
        tables=[
            Table(
                "All nets, with 95 % intervals; nets with the same digest heard the same clips",
                header,
                rows,
            )
        ]
        if rows
        else (),
        folded=[(net_title(other), confusion_figures(other)) for other in others],
        missing=data.missing.get("evaluations", ()),
    )


def errors_section(data: RunData) -> Section:
    """Where the net errs: by count, SNR, reverberation and input level."""
    headline = headline_evaluation(data)
    unknown = [
        Missing(
            "test_clips/clips.csv",
            f"its column {column} is empty or not there, so the {label} is not known",
            "python -m lightning_modules clips --speech DIR --protocol rooms --split test"
            " --count 220 --out DIR",
        )
        for field, (column, label, _) in _BINNED.items()
        if headline and column and not headline[field]
    ]
    by_sex = headline.get("by_sex", []) if headline else []
    if headline and not by_sex:
        unknown.append(
            Missing(
                "test_clips/clips.csv",
                headline.get("by_sex_reason", "the evaluation is of an earlier version"),
                "python -m lightning_modules clips --speech DIR --split test --out DIR",
            )
        )
    return Section(
        "errors",
        "Error against SNR and count",
        f"{_of(headline)}Bars are 95 % intervals: a wide one says that there are few clips.",
        figures=_error_figures(headline) if headline else (),
        folded=[(net_title(other), _error_figures(other)) for other in other_evaluations(data)],
        tables=_by_sex(by_sex),
        missing=[*data.missing.get("evaluations", ()), *unknown],
    )


def calibration_section(data: RunData) -> Section:
    """Whether a probability means what it says."""
    headline = headline_evaluation(data)
    judged = "class" if data.kind == "classes" else "level"
    what = f"that of the {judged}, as deploy predict gives it"
    if headline and gives_several(headline):
        what = "that of each yes and each no"
    return Section(
        "calibration",
        "Calibration",
        f"{_of(headline)}The probability is {what}.",
        figures=calibration_figures(headline) if headline else (),
        folded=[
            (net_title(other), calibration_figures(other)) for other in other_evaluations(data)
        ],
        missing=data.missing.get("evaluations", ()),
    )


def labels_section(data: RunData) -> Section:
    """The label budget."""
    labels = data.labels or []
    counted = Counter((row.use, row.protocol, row.labelled_by) for row in labels)
    rows = [(*key, str(clips)) for key, clips in sorted(counted.items())]
    header = ("use", "protocol", "labelled by", "clips")
    return Section(
        "labels",
        "Label budget",
        f"{len(labels)} labelled clips in all: every clip whose count was looked at, for training,"
        " early stopping or choosing."
        if labels
        else "Every clip whose count was looked at, for training, early stopping or choosing.",
        figures=[labels_figure(labels)] if labels else (),
        tables=[Table("train/labels.csv", header, rows)] if labels else (),
        missing=data.missing.get("labels", ()),
    )


def commands_section(data: RunData) -> Section:
    """Every command of the run, and the versions it ran with."""
    commands = data.commands or []
    rows = [
        (
            shlex.join(command["argv"]),
            command["started"],
            f"{command['seconds']:.0f} s",
            DASH if command["exit_code"] is None else str(command["exit_code"]),
        )
        for command in commands
    ]
    found = {
        (name, version) for command in commands for name, version in command["versions"].items()
    }
    tables = [
        Table("commands.jsonl, in order", ("command", "started", "took", "exit code"), rows),
        Table("Versions", ("package", "version"), sorted(found)),
    ]
    return Section(
        "commands",
        "Commands and versions",
        "What was run, as it was run; a stage that was interrupted is listed once per start.",
        tables=tables if commands else (),
        missing=data.missing.get("commands", ()),
    )


def headline_evaluation(data: RunData) -> dict[str, Any] | None:
    """The evaluation shown in full: the search's best net, int8 where there is one.

    The test clips choose nothing; without a frontier it is the first by name.
    """
    best = data.frontier.best.name if data.frontier else None

    def rank(evaluation: dict[str, Any]) -> tuple[bool, str, bool]:
        bundle = evaluation["bundle"]
        return bundle["name"] != best, bundle["name"], bundle["precision"] != "int8"

    return min(data.evaluations, key=rank, default=None)


def other_evaluations(data: RunData) -> list[dict[str, Any]]:
    """All but the headline."""
    headline = headline_evaluation(data)
    return [evaluation for evaluation in data.evaluations if evaluation is not headline]


def _error_figures(evaluation: dict[str, Any]) -> list[Figure]:
    figures = error_by_count_figures(evaluation)
    for field, (_, label, metrics) in _BINNED.items():
        if evaluation[field]:
            figures += error_by_bin_figures(evaluation[field], label, metrics)
    return figures


def _by_sex(rows: Sequence[dict[str, Any]]) -> list[Table]:
    """Errors on clips of women, of men and of both."""
    lines = [
        (row["sex"], str(row["clips"]), percent(row["level_error"]), plain(row["mae"]))
        for row in rows
    ]
    header = ("sex of the readers", "clips", "level error", "MAE (people)")
    return [Table("By sex of the readers", header, lines)] if lines else []


def _of(evaluation: dict[str, Any] | None) -> str:
    return f"Shown for {net_title(evaluation)}. " if evaluation else ""
