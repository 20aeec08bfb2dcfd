"""The entries of `frontier.json`: a net with its costs, and a winner with errors and weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from search_spaces.architecture import Architecture, from_indices
from search_spaces.budget import Indices, Prices
from search_spaces.cost import costs
from search_spaces.cost_fit import PRECISIONS, Quantity
from search_spaces.frontier import save_weights
from search_spaces.metrics import Estimate
from search_spaces.task import estimates_to_json

NO_TABLE = "no cost table was given"


def name_of(prices: Prices, net: Indices) -> str:
    """A net's name in the files: ``net-`` and the digest of its architecture."""
    return f"net-{from_indices(prices.space, net).digest}"


def winner_record(
    out: Path,
    point: dict[str, Any],
    architecture: Architecture,
    net: nn.Module,
    judged: Mapping[str, Estimate],
    num_outputs: int,
) -> dict[str, Any]:
    """A winner's entry; writes its weights into ``out``.

    Args:
        out: folder of `frontier.json`.
        point: see `point_record`.
        architecture: of the winner.
        net: with its weights and statistics of its own.
        judged: its figures on the clips that were labelled.
        num_outputs: of the net.
    """
    file = f"weights/{point['name']}.pt"
    sha256 = save_weights(out / file, architecture, net, num_outputs)
    return {
        **point,
        **estimates_to_json(judged),
        "weights": {"file": file, "sha256": sha256},
    }


def point_record(prices: Prices, net: Indices, error: float) -> dict[str, Any]:
    """A net's entry among the points of the file."""
    architecture = from_indices(prices.space, net)
    cost = costs(architecture, prices.num_outputs)
    point: dict[str, Any] = {
        "name": name_of(prices, net),
        "choices": dict(architecture.choices),
        "ranking_error": error,
        "params": cost.params,
        "macs": cost.macs,
        "frontend_macs": cost.frontend_macs,
        "peak_activation_bytes": cost.peak_activation_bytes,
    }
    table = prices.table
    latency = _predicted(prices, "latency_ms", architecture)
    energy = _predicted(prices, "energy_mj", architecture)
    point["predicted_latency_ms"] = latency
    if latency is None:
        point["predicted_latency_reason"] = NO_TABLE
    point["predicted_energy_mj"] = energy
    if energy is None:
        point["predicted_energy_reason"] = table.energy["reason"] if table else NO_TABLE
    return point


def _predicted(
    prices: Prices, quantity: Quantity, architecture: Architecture
) -> dict[str, float] | None:
    table = prices.table
    if table is None:
        return None
    return {
        precision: getattr(table, quantity)(architecture, precision, prices.num_outputs)
        for precision in PRECISIONS
        if table.has(quantity, precision)
    } or None
