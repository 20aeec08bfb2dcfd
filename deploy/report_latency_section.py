"""The report's section about latency: every sample, and what the time is made of."""

from __future__ import annotations

from deploy.report_cost_figures import latency_figure
from deploy.report_data import RunData
from deploy.report_page import Section, Table
from deploy.report_text import DASH, by_reason, machine, megabytes, milliseconds, net_title, place


def latency_section(data: RunData) -> Section:
    """Every latency sample, and what the time is made of."""
    best = data.frontier.best.name if data.frontier else None
    shown, folded = [], []
    for measurement in data.measurements:
        title = f"{net_title(measurement)} on {place(measurement)}"
        percentiles = {name: measurement["latency_ms"][name] for name in ("p50", "p90", "p99")}
        figure = latency_figure(title, measurement["latency_ms"]["samples"], percentiles)
        if best in (None, measurement["bundle"]["name"]):
            shown.append(figure)
        else:
            folded.append((title, [figure]))
    return Section(
        "latency",
        "Latency",
        "One clip, from waveform to the net's answer, on the device named in the table.",
        figures=shown,
        tables=_measurements(data),
        folded=folded,
        missing=data.missing.get("measurements", ()),
    )


def _measurements(data: RunData) -> list[Table]:
    """Measurements by machine, and what could not be measured."""
    machines: dict[str, list[tuple[str, ...]]] = {}
    absent = []
    for record in data.measurements:
        title, latency = net_title(record), record["latency_ms"]
        frontend, eager, throughput = record["frontend"], record["eager"], record["throughput"]
        row = (
            title,
            *(milliseconds(latency[name]) for name in ("p50", "p90", "p99")),
            f"{100 * frontend['share']:.0f} %" if "share" in frontend else DASH,
            milliseconds(eager["latency_ms"]["p50"]) if "speedup" in eager else DASH,
            milliseconds(record["load_ms"]["value"]),
            milliseconds(record["first_inference_ms"]["value"]),
            megabytes(record["memory"]["model_bytes"]["value"]),
            f"{throughput['macs_per_s'] / 1e9:.1f} G/s ({100 * throughput['share']:.0f} %)"
            if "share" in throughput
            else DASH,
        )
        machines.setdefault(machine(record), []).append(row)
        figures = {
            "load": record["load_ms"],
            "first run": record["first_inference_ms"],
            "memory": record["memory"]["model_bytes"],
            "front end": frontend,
            "torch eager": eager,
            "MACs": throughput,
        }
        absent += [
            (title, name, value["reason"]) for name, value in figures.items() if value.get("reason")
        ]
    header = (
        *("net", "p50", "p90", "p99", "front end", "torch eager, p50", "load", "first run"),
        *("memory", "MACs (of attainable)"),
    )
    tables = [Table(name, header, rows) for name, rows in machines.items()]
    if absent:
        tables.append(Table("Not measured", ("figure", "reason", "of"), by_reason(absent)))
    return tables
