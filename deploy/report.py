"""`python -m deploy report`: one self-contained HTML page about a run."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from deploy.report_classes import (
    class_cards,
    class_confusion_section,
    class_labels_section,
    hardest_section,
    names_classes,
)
from deploy.report_cost_sections import (
    energy_section,
    frontier_section,
    predicted_section,
)
from deploy.report_data import RunData, read_run
from deploy.report_latency_section import latency_section
from deploy.report_page import Card, Page, Section, render
from deploy.report_sections import (
    calibration_section,
    commands_section,
    confusion_section,
    errors_section,
    headline_evaluation,
    labels_section,
)
from deploy.report_text import kilobytes, milliseconds, net_title, percent, plain
from search_spaces.files import atomic_path

HELP = "one HTML page about a run: errors, costs, labels, commands"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument("--run", type=Path, required=True, help="folder of a run")
    parser.add_argument("--out", type=Path, help="the page (default: report.html in the run)")


def run(args: argparse.Namespace) -> int:
    """Write the page, print its path."""
    out = args.out or args.run / "report.html"
    html = render(make_page(read_run(args.run), args.run.resolve().name))
    with atomic_path(out) as temporary:
        temporary.write_text(html, encoding="utf-8")
    print(f"wrote {out}")
    return 0


def make_page(data: RunData, name: str) -> Page:
    """All sections in their order."""
    of_classes = names_classes(data)
    asked = "Which class is heard" if of_classes else "How many people speak at once"
    return Page(
        title=f"ERSAM Kit: {name}",
        subtitle=f"{asked}: what was searched, trained, shipped and measured.",
        cards=_cards(data),
        sections=[
            frontier_section(data),
            *(_class_sections(data) if of_classes else _count_sections(data)),
            calibration_section(data),
            latency_section(data),
            predicted_section(data),
            energy_section(data),
            class_labels_section(data) if of_classes else labels_section(data),
            commands_section(data),
        ],
        footer=f"Written {datetime.now(UTC):%Y-%m-%d %H:%M} UTC by `python -m deploy report`."
        " Intervals are 95 % bootstrap intervals over clips.",
    )


def _count_sections(data: RunData) -> list[Section]:
    return [confusion_section(data), errors_section(data)]


def _class_sections(data: RunData) -> list[Section]:
    return [class_confusion_section(data), hardest_section(data)]


def _cards(data: RunData) -> list[Card]:
    """The headline: the best net on test clips, its time and size, and what it cost in labels."""
    cards = []
    headline = headline_evaluation(data)
    if headline:
        title, metrics = net_title(headline), headline["metrics"]
        if "task" in headline:
            cards += class_cards(headline)
        else:
            error, mae = percent(metrics["level_error"]), plain(metrics["mae"])
            clips, (value, rest) = f"{headline['clips']['number']} test clips", error.split(" [")
            cards.append(Card("Level error", value, f"[{rest} {title}"))
            value, rest = mae.split(" [")
            cards.append(Card("MAE of the count", value, f"[{rest} {clips}"))
        for record in data.measurements:
            if net_title(record) == title:
                latency = record["latency_ms"]
                note = f"p99 {milliseconds(latency['p99'])}, one clip"
                cards.append(Card("Latency, median", milliseconds(latency["p50"]), note))
        for bundle in data.bundles:
            if bundle.name == headline["bundle"]["name"]:
                size = bundle.model_path(headline["bundle"]["precision"]).stat().st_size
                params = f"{bundle.manifest['costs']['params'] / 1e3:.1f} k parameters"
                cards.append(Card("File", kilobytes(size), params))
    if data.labels:
        validation = sum(label.use == "validation" for label in data.labels)
        note = f"of them {validation} for validation"
        cards.append(Card("Labelled clips", str(len(data.labels)), note))
    return cards
