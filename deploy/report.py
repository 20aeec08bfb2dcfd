"""`python -m deploy report`: one self-contained HTML page about a run."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, datetime

from deploy.report_classes import (
    class_cards,
    class_confusion_section,
    class_labels_section,
    hardest_section,
)
from deploy.report_cost_sections import energy_section, predicted_section
from deploy.report_data import RunData, read_run
from deploy.report_embedding import bundles_section, embedding_cards, versions_section
from deploy.report_frontier_section import frontier_section
from deploy.report_latency_section import latency_section
from deploy.report_page import Card, Page, Section, render
from deploy.report_probe import probe_section
from deploy.report_recordings import recordings_section
from deploy.report_sections import (
    calibration_section,
    commands_section,
    confusion_section,
    errors_section,
    headline_evaluation,
    labels_section,
)
from deploy.report_text import kilobytes, milliseconds, net_title, percent, place, plain
from deploy.shown_text import shown
from search_spaces.command_line import named_path
from search_spaces.errors import UserError
from search_spaces.files import atomic_path, check_writable, real_path

HELP = "one HTML page about a run: errors, costs, labels, commands"

_ASKED = {
    "counts": "How many people speak at once",
    "classes": "Which class is heard",
    "embedding": "An embedding, from which others learn with few labels",
}
_OVER = {"counts": "clips", "classes": "clips", "embedding": "clips, of probes over recordings"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument("--run", type=named_path, required=True, help="folder of a run")
    parser.add_argument("--out", type=named_path, help="the page (default: report.html in the run)")


def run(args: argparse.Namespace) -> int:
    """Write the page, print its path."""
    if args.run.is_file():
        raise UserError(
            f"--run {args.run}: is a file; give the folder of a run, as {args.run.parent} may be"
        )
    out = args.out or args.run / "report.html"
    check_writable(out, "--out" if args.out else "--run")
    if out.suffix != ".html" and out.exists() and real_path(args.run) in real_path(out).parents:
        raise UserError(f"--out: {out} is a file of the run; name another one")
    html = render(make_page(read_run(args.run), args.run.resolve().name))
    with atomic_path(out) as temporary:
        temporary.write_text(shown(html), encoding="utf-8")
    print(f"wrote {out}")
    return 0


def make_page(data: RunData, name: str) -> Page:
    """All sections in their order."""
    return Page(
        title=f"ERSAM Kit: {name}",
        subtitle=f"{_ASKED[data.kind]}: what was searched, trained, shipped and measured.",
        cards=embedding_cards(data) if data.kind == "embedding" else _cards(data),
        sections=[frontier_section(data), *_SECTIONS[data.kind](data)],
        footer=f"Written {datetime.now(UTC):%Y-%m-%d %H:%M} UTC by `python -m deploy report`."
        f" Intervals are 95 % bootstrap intervals over {_OVER[data.kind]}.",
    )


def _count_sections(data: RunData) -> list[Section]:
    return [
        confusion_section(data),
        errors_section(data),
        calibration_section(data),
        *_cost_sections(data),
        labels_section(data),
        commands_section(data),
    ]


def _class_sections(data: RunData) -> list[Section]:
    return [
        class_confusion_section(data),
        hardest_section(data),
        calibration_section(data),
        *_cost_sections(data),
        class_labels_section(data),
        commands_section(data),
    ]


def _embedding_sections(data: RunData) -> list[Section]:
    return [
        bundles_section(data),
        probe_section(data),
        *_cost_sections(data),
        recordings_section(data),
        versions_section(data),
    ]


def _cost_sections(data: RunData) -> list[Section]:
    return [latency_section(data), predicted_section(data), energy_section(data)]


_SECTIONS: dict[str, Callable[[RunData], list[Section]]] = {
    "counts": _count_sections,
    "classes": _class_sections,
    "embedding": _embedding_sections,
}


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
                note = f"p99 {milliseconds(latency['p99'])}, one clip; {place(record)}"
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
