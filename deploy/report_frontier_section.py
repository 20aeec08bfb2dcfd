"""The report's section about the frontier: what the search found, and what was shipped of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deploy.report_cost_figures import Measured, search_figure, shipped_figure
from deploy.report_data import RunData
from deploy.report_figures import Figure
from deploy.report_measured import measured_texts
from deploy.report_page import Section, Table
from deploy.report_text import DASH, kilobytes, machine, milliseconds, net_title, percent
from search_spaces.frontier import Frontier
from search_spaces.task_json import read_task


def frontier_section(data: RunData) -> Section:
    """What the search found and what became of it; of an embedding `bundles_section` lists it."""
    tested = data.kind != "embedding"
    parts = ("frontier", "bundles", *(("evaluations",) if tested else ()), "measurements")
    figures: list[Figure] = []
    if data.frontier and data.frontier.raw["search"]["algorithm"] != "none":
        figures.append(search_figure(data.frontier))
    return Section(
        "frontier",
        "Frontier",
        _budget(data),
        figures=[*figures, *_shipped(data, "test" if tested else "validation")],
        tables=[_winners(data, data.frontier)] if data.frontier and tested else (),
        missing=[missing for part in parts for missing in data.missing.get(part, ())],
    )


def _shipped(data: RunData, clips: str) -> list[Figure]:
    """Nets that were judged and measured, a figure for each machine that measured."""
    judged = {net: (title, error) for net, title, error in _judged(data)}
    nets: dict[tuple[str, str], list[Measured]] = {}
    for record in data.measurements:
        if found := judged.get(net_title(record)):
            bundle, latency_ms = record["bundle"], record["latency_ms"]["p50"]
            title, error = found
            net = Measured(bundle["name"], bundle["precision"], latency_ms, error)
            nets.setdefault((title, machine(record)), []).append(net)
    return [shipped_figure(each, title, clips, name) for (title, name), each in nets.items()]


def _judged(data: RunData) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Nets with the title and value of their headline error: of the test where there is one."""
    if data.kind != "embedding":
        for evaluation in data.evaluations:
            headline = read_task(evaluation).headline
            error = evaluation["metrics"][headline.key]
            if error["value"] is not None:
                yield net_title(evaluation), headline.title, error
        return
    for bundle in data.bundles:
        headline = bundle.task.headline
        for precision in bundle.precisions:
            error = bundle.manifest["precisions"][precision]["validation"][headline.key]
            if error["value"] is not None:
                yield f"{bundle.name} {precision}", headline.title, error


def _budget(data: RunData) -> str:
    if data.frontier is None:
        return "What the search found, and what became of it."
    budget, search = data.frontier.budget, data.frontier.raw["search"]
    units = {"max_latency_ms": "ms", "max_params": "parameters", "max_macs": "MACs"}
    units["max_energy_mj"] = "mJ"
    if search["algorithm"] == "none":
        return f"Space {data.frontier.space}: one net that was given, nothing was searched."
    limits = [f"{budget[key]:,g} {unit}" for key, unit in units.items() if budget[key] is not None]
    return (
        f"Space {data.frontier.space}, {search['evaluations']} subnets judged in"
        f" {search['seconds']:.0f} s. Budget: {', '.join(limits) or 'none'}"
        f" ({budget['precision']})."
    )


def _winners(data: RunData, frontier: Frontier) -> Table:
    measured = measured_texts(data)
    tested = {net_title(record): record["metrics"] for record in data.evaluations}
    bundles = {bundle.name: bundle for bundle in data.bundles}
    headline, rows = frontier.task.headline, []
    for winner in (*frontier.winners, *(data.tuned.winners if data.tuned else ())):
        bundle = bundles.get(winner.name)
        for precision in bundle.precisions if bundle else ("fp32",):
            title = f"{winner.name} {precision}"
            size = bundle.model_path(precision).stat().st_size if bundle else None
            metrics = tested.get(title)
            rows.append(
                (
                    title,
                    f"{winner.params / 1e3:.1f} k",
                    f"{winner.macs / 1e6:.1f} M",
                    kilobytes(winner.peak_activation_bytes),
                    kilobytes(size) if size else DASH,
                    milliseconds((winner.predicted_latency_ms or {}).get(precision)),
                    measured.get(title, DASH),
                    percent(winner.judged[headline.key].to_json()),
                    percent(metrics[headline.key]) if metrics else DASH,
                )
            )
    header = (
        *("net", "parameters", "MACs", "activations", "file"),
        *("predicted", "measured", f"{headline.title}, validation", f"{headline.title}, test"),
    )
    return Table("Winners, cheapest first", header, rows)
