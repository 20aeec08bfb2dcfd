"""The report of a run that names classes: confusion, recall, hardest recordings, labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from deploy.report_data import RunData
from deploy.report_figures import Figure
from deploy.report_page import Card, Section, Table
from deploy.report_sections import headline_evaluation
from deploy.report_spectrogram import spectrogram_svg
from deploy.report_svg import Chart, category_axis, heatmap, linear_axis
from deploy.report_text import ECE, ece, net_title, percent
from lightning_modules.recordings_cache import load
from lightning_modules.study_groups import bounds_text
from search_spaces.errors import UserError, one_line
from search_spaces.task_json import read_task

MOST_CLASSES = 30  # of a heat map that can still be read
HARDEST = 20
SHOWN = 6  # of them, as spectrograms


def class_cards(evaluation: dict[str, Any]) -> list[Card]:
    """The headline figures of the test."""
    cards = []
    for metric in read_task(evaluation).judged_by:
        estimate = evaluation["metrics"][metric.key]
        if estimate["value"] is not None:
            value, interval = percent(estimate).split(" [")
            note = f"[{interval} {net_title(evaluation)}"
            cards.append(Card(metric.title.capitalize(), value, note))
    return cards


def class_confusion_section(data: RunData) -> Section:
    """Metrics of every net on the test, who is taken for whom, and which class is missed."""
    headline = headline_evaluation(data)
    tables, figures = [], []
    if headline:
        metrics = read_task(headline).judged_by
        rows = [
            (
                net_title(evaluation),
                f"{evaluation['clips']['number']} ({evaluation['clips']['sha256'][:8]})",
                *(percent(evaluation["metrics"][metric.key]) for metric in metrics),
                ece(evaluation["metrics"]),
            )
            for evaluation in data.evaluations
        ]
        header = ("net", "recordings (digest)", *(metric.title for metric in metrics), ECE)
        tables.append(Table("All nets, with 95 % intervals", header, rows))
        tables.append(_by_class(headline))
        tables += _by_snr(headline)
        figures = _figures(headline)
    return Section(
        "confusion",
        "Confusion",
        f"Shown for {net_title(headline)}." if headline else "",
        figures=figures,
        tables=tables,
        missing=data.missing.get("evaluations", ()),
    )


def hardest_section(data: RunData) -> Section:
    """The recordings of whose label the net was least sure; their names stay on this machine."""
    headline = headline_evaluation(data) or {}
    hardest = headline.get("rows", [])[:HARDEST]
    rows = [
        (row["file"], row["label"], row["said"], f"{100 * row['probability_of_label']:.1f} %")
        for row in hardest
    ]
    return Section(
        "hardest",
        "Hardest recordings",
        "Those first of whose label the net was least sure."
        if rows
        else "`deploy evaluate --rows` keeps the recordings' names, which may be private.",
        figures=_spectrograms(data, hardest[:SHOWN]),
        tables=[Table("Test", ("recording", "label", "said", "probability of the label"), rows)]
        if rows
        else (),
        missing=data.missing.get("recordings", ()) if rows else (),
    )


def class_labels_section(data: RunData) -> Section:
    """The label budget by class."""
    counted = Counter((row.label, row.use) for row in data.used or [])
    names = sorted({name for name, _ in counted})
    rows = [(name, *(str(counted[name, use]) for use in ("train", "validation"))) for name in names]
    total = sum(counted.values())
    return Section(
        "labels",
        "Label budget",
        f"{total} labelled recordings in all: every one whose label was looked at."
        if total
        else "Every recording whose label was looked at.",
        tables=[Table("train/labels.csv", ("label", "training", "validation"), rows)]
        if rows
        else (),
        missing=data.missing.get("labels", ()),
    )


def _spectrograms(data: RunData, rows: Sequence[Mapping[str, Any]]) -> list[Figure]:
    """A picture of each recording that is still there; the page holds pictures, no sound."""
    figures = []
    for row in rows:
        item = data.recordings.get(row["file"])
        if item is None:
            continue
        heard = f"taken for {row['said'] or 'none'}" if row["wrong"] else "named rightly"
        said = f"{item.path.name}: {row['label']} {heard}"
        try:
            figures.append(Figure(spectrogram_svg(load(item), f"Spectrogram. {said}"), said))
        except UserError as error:
            figures.append(Figure(Markup(""), one_line(str(error))))
    return figures


def _figures(evaluation: dict[str, Any]) -> list[Figure]:
    names, matrix = evaluation["task"]["names"], evaluation["confusion"]
    figures = [_recall(evaluation)]
    if matrix is not None and len(names) <= MOST_CLASSES:
        right = sum(matrix[at][at] for at in range(len(names)))
        alt = f"Confusion of classes: {right} of {sum(map(sum, matrix))} on the diagonal"
        caption = "Recordings: rows are what was true, columns what the net said; a cell's shade is"
        caption += " its share of the row."
        figures.insert(0, Figure(heatmap(matrix, names, "class", alt), caption))
    return figures


def _recall(evaluation: dict[str, Any]) -> Figure:
    rows = [row for row in evaluation["by_class"] if row["recall"]["value"] is not None]
    names = [row["name"] for row in rows]
    recall = [row["recall"] for row in rows]
    chart = Chart(category_axis("class", names), linear_axis("recall (%)", [0.0, 100.0]))
    ends = [(at, 100 * e["low"], 100 * e["high"]) for at, e in enumerate(recall)]
    chart.intervals(ends, "c1")
    notes = [
        f"{name}: {percent(e)}, {e['clips']} recordings"
        for name, e in zip(names, recall, strict=True)
    ]
    chart.points([(at, 100 * e["value"]) for at, e in enumerate(recall)], "c1", notes)
    caption = "Share of each class's recordings in which it was heard, with 95 % intervals."
    return Figure(chart.svg(f"Recall by class. {'; '.join(notes)}"), caption)


def _by_snr(evaluation: dict[str, Any]) -> list[Table]:
    """Where the recordings say how loud the noise is."""
    rows = [
        (bounds_text(row), str(row["clips"]), percent(row["error"]))
        for row in evaluation.get("by_snr_db", [])
    ]
    return [Table("By SNR", ("SNR (dB)", "recordings", "error"), rows)] if rows else []


def _by_class(evaluation: dict[str, Any]) -> Table:
    rows = [
        (row["name"], str(row["clips"]), percent(row["recall"]), percent(row["precision"]))
        for row in evaluation["by_class"]
    ]
    return Table("By class", ("class", "recordings", "recall", "precision"), rows)
