"""The report of a run that makes an embedding: its headline, its bundles, their versions."""

from __future__ import annotations

from collections.abc import Iterator

from deploy.bundle import Bundle
from deploy.report_data import RunData
from deploy.report_measured import measured_texts
from deploy.report_page import Card, Section, Table
from deploy.report_probe import probe_cards
from deploy.report_sections import commands_section
from deploy.report_text import DASH, judged, kilobytes, milliseconds
from search_spaces.frontier import Winner
from search_spaces.task import Task

NOT_MEASURED = "not measured"
_COSTS = ("parameters", "MACs", "file", "predicted", "measured")


def embedding_cards(data: RunData) -> list[Card]:
    """The headline: the search's best net in the form that is shipped, and what it was made of."""
    cards, bundle = [], headline_bundle(data)
    if bundle is not None:
        form, metric = bundle.default_precision, bundle.task.headline
        error = bundle.manifest["precisions"][form]["validation"][metric.key]
        if error["value"] is not None:
            value, interval = judged(metric, error).split(" [")
            title = f"{metric.title[0].upper()}{metric.title[1:]}"
            cards.append(Card(title, value, f"[{interval} {bundle.name} {form}, validation"))
        cards += probe_cards(data.probe, bundle.name) if data.probe else []
        params = f"{bundle.manifest['costs']['params'] / 1e3:.1f} k parameters"
        cards.append(Card("File", kilobytes(_bytes(bundle, form)), params))
    if data.used:
        labels = sum(bool(row.label) for row in data.used)
        note = f"{len(data.used)} recordings trained and validated"
        cards.append(Card("Labels looked at", str(labels), note))
    return cards


def headline_bundle(data: RunData) -> Bundle | None:
    """That of the search's best net; the first by name where there is none."""
    best = data.frontier.best.name if data.frontier else None
    return min(data.bundles, key=lambda each: (each.name != best, each.name), default=None)


def bundles_section(data: RunData) -> Section:
    """Every net: what it costs, how far each of its files is from the teacher, what int8 loses."""
    measured = measured_texts(data)
    by_task: dict[Task, list[tuple[str, ...]]] = {}
    reasons = []
    for bundle in data.bundles:
        rows = by_task.setdefault(bundle.task, [])
        rows += [_row(bundle, precision, measured) for precision in bundle.precisions]
        if reason := bundle.manifest["int8_reason"]:
            reasons.append((bundle.name, reason))
    lowered = {bundle.name for bundle in data.bundles}
    if data.frontier:
        rows = by_task.setdefault(data.frontier.task, [])
        rows += [_unlowered(net, data.frontier.task) for net in _others(data, lowered)]
    tables = [_table(task, rows) for task, rows in by_task.items() if rows]
    if reasons:
        tables.append(Table("int8", ("net", "why"), reasons))
    return Section(
        "bundles",
        "Bundles",
        "Judged with the very files on the validation clips, by which the nets were chosen too."
        " What int8 loses is the difference of its error from that of fp32, in points.",
        tables=tables,
        missing=[*data.missing.get("bundles", ()), *data.missing.get("measurements", ())],
    )


def versions_section(data: RunData) -> Section:
    """The commands where they were recorded, and the versions that made the bundles."""
    if data.commands:
        return commands_section(data)
    versions = {
        pair
        for bundle in data.bundles
        for pair in (
            ("ersam-kit", bundle.manifest["kit_version"]),
            *bundle.manifest["inputs"]["versions"].items(),
        )
    }
    return Section(
        "commands",
        "Commands and versions",
        "No commands are recorded: `deploy run` alone records them, and it makes no embeddings.",
        tables=[Table("Versions that lowered", ("package", "version"), sorted(versions))]
        if versions
        else (),
    )


def _table(task: Task, rows: list[tuple[str, ...]]) -> Table:
    headline, *others = (metric.title for metric in task.judged_by)
    header = ("net", *_COSTS, headline, "int8 loses", *others)
    return Table(f"Nets with {len(task.outputs)} dimensions", header, rows)


def _row(bundle: Bundle, precision: str, measured: dict[str, str]) -> tuple[str, ...]:
    title, costs = f"{bundle.name} {precision}", bundle.manifest["costs"]
    held = bundle.manifest["precisions"][precision]
    headline, *others = (
        judged(metric, held["validation"][metric.key]) for metric in bundle.task.judged_by
    )
    lost = bundle.int8_drop_points if precision == "int8" else None
    return (
        title,
        f"{costs['params'] / 1e3:.1f} k",
        f"{costs['macs'] / 1e6:.1f} M",
        kilobytes(_bytes(bundle, precision)),
        milliseconds((costs["predicted_latency_ms"] or {}).get(precision)),
        measured.get(title, NOT_MEASURED),
        headline,
        DASH if lost is None else f"{lost:+.2f}",
        *others,
    )


def _others(data: RunData, lowered: set[str]) -> Iterator[Winner]:
    """Winners of which there is no bundle."""
    frontiers = [each for each in (data.frontier, data.tuned) if each]
    return (net for each in frontiers for net in each.winners if net.name not in lowered)


def _unlowered(net: Winner, task: Task) -> tuple[str, ...]:
    headline, *others = (
        judged(metric, net.judged[metric.key].to_json()) for metric in task.judged_by
    )
    return (
        f"{net.name}, not lowered",
        f"{net.params / 1e3:.1f} k",
        f"{net.macs / 1e6:.1f} M",
        DASH,
        milliseconds((net.predicted_latency_ms or {}).get("fp32")),
        DASH,
        headline,
        DASH,
        *others,
    )


def _bytes(bundle: Bundle, precision: str) -> int:
    return bundle.model_path(precision).stat().st_size
