"""The report's sections about costs: predictions and energy."""

from __future__ import annotations

from deploy.report_cost_figures import predicted_figure
from deploy.report_data import RunData
from deploy.report_measured import of_table
from deploy.report_page import Section, Table
from deploy.report_text import DASH, by_reason, net_title, place, threads
from search_spaces.architecture import Architecture
from search_spaces.cost_table import PRECISIONS, CostTable
from search_spaces.frontier import Frontier

Pair = tuple[str, str, float, float]  # name, precision, predicted ms, measured ms


def predicted_section(data: RunData) -> Section:
    """Costs predicted from the cost table against costs measured."""
    missing = [
        *data.missing.get("cost_table", ()),
        *data.missing.get("frontier", ()),
        *data.missing.get("measurements", ()),
    ]
    figures, tables = [], []
    if data.cost_table:
        if data.frontier and (winners := _winner_pairs(data, data.frontier, data.cost_table)):
            figures.append(predicted_figure(winners, "Winners"))
        if unseen := _held_out_pairs(data.cost_table):
            figures.append(predicted_figure(unseen, "Subnets that the cost table had not seen"))
        tables.append(_held_out(data.cost_table))
    return Section(
        "predicted",
        "Costs, predicted and measured",
        "Parameters, MACs and activation memory are exact; latency is predicted from the cost"
        " table, for its device and number of threads alone. A prediction between the dashed lines"
        " is within 10 %.",
        figures=figures,
        tables=tables,
        missing=missing,
    )


def energy_section(data: RunData) -> Section:
    """Energy by net, or why there is none."""
    rows, absent = [], []
    for record in data.measurements:
        energy = record["energy"]
        if energy["value_mj"] is None:
            absent.append((net_title(record), "energy of a clip", energy["reason"]))
        else:
            value = f"{energy['value_mj']:.3g} mJ"
            rows.append((net_title(record), place(record), value, energy["method"]))
    if data.cost_table and data.cost_table.energy["reason"]:
        reason = data.cost_table.energy["reason"]
        absent.append(("the cost table", "predicted energy", reason))
    tables = []
    if rows:
        tables.append(Table("Energy of one clip", ("net", "on", "energy", "method"), rows))
    if absent:
        tables.append(Table("Not measured", ("figure", "reason", "of"), by_reason(absent)))
    return Section(
        "energy",
        "Energy",
        "A figure without a meter would be a guess: it is absent, with the reason.",
        tables=tables,
        missing=[*data.missing.get("cost_table", ()), *data.missing.get("measurements", ())],
    )


def _winner_pairs(data: RunData, frontier: Frontier, table: CostTable) -> list[Pair]:
    """Predicted and measured latency of the winners, where the cost table's device measured."""
    predicted = {winner.name: winner.predicted_latency_ms for winner in frontier.winners}
    pairs = []
    for record in data.measurements:
        name, precision = record["bundle"]["name"], record["bundle"]["precision"]
        guess = (predicted.get(name) or {}).get(precision)
        if guess is not None and of_table(record, table):
            pairs.append((name, precision, guess, record["latency_ms"]["p50"]))
    return pairs


def _held_out_pairs(table: CostTable) -> list[Pair]:
    pairs: list[Pair] = []
    for number, piece in enumerate(table.held_out_pieces, start=1):
        architecture = Architecture(table.space["name"], table.space["version"], piece.choices)
        for precision in PRECISIONS:
            measured = piece.figure("latency_ms", precision)
            if measured is not None and table.has("latency_ms", precision):
                predicted = table.latency_ms(architecture, precision)
                pairs.append((f"subnet {number}", precision, predicted, measured))
    return pairs


def _held_out(table: CostTable) -> Table:
    rows = []
    for fit in table.fits:
        judged = fit.held_out
        rows.append(
            (
                f"{fit.quantity} {fit.precision}",
                *(
                    (
                        str(judged.subnets),
                        f"{100 * judged.within_10_percent:.0f} %",
                        DASH if judged.spearman is None else f"{judged.spearman:.3f}",
                        f"{100 * judged.median_relative_error:.1f} %",
                        f"{100 * judged.p95_relative_error:.1f} %",
                    )
                    if judged
                    else (DASH,) * 5
                ),
            )
        )
    header = (
        *("predictor", "unseen subnets", "within 10 %", "Spearman"),
        *("median error", "95th percentile"),
    )
    device = table.device["name"]
    runtime = f"{table.runtime['name']} {table.runtime['version']}"
    caption = f"Cost table of {device}, {runtime}, {threads(table.threads)}, {table.created[:10]}"
    return Table(caption, header, rows)
