"""A search's frontier as a run of Weights & Biases: a table, an interactive plot, an artifact."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from search_spaces.task_json import read_task
from search_spaces.wandb_artifacts import frontier_artifact, supernet_artifact, use_artifact
from search_spaces.wandb_options import WandbOptions
from search_spaces.wandb_run import present, wandb_run

COLUMNS = (
    "net",
    "winner",
    "ranking_error",
    "level_error",
    "level_error_low",
    "level_error_high",
    "mae",
    "params",
    "macs",
    "peak_activation_bytes",
    "latency_ms",
    "energy_mj",
)
TABLE, PLOT = "frontier/table", "frontier/plot"


def log_search(options: WandbOptions, checkpoint: Path, out: Path, value: dict[str, Any]) -> None:
    """Write the run of a finished search.

    Args:
        options: of the command.
        checkpoint: `supernet.pt`.
        out: folder with `frontier.json`.
        value: what that file holds.

    Raises:
        UserError: see `search_spaces.wandb_run.wandb_run`.
    """
    import wandb

    headline = read_task(value).headline
    config = {key: value[key] for key in ("seed", "space", "budget", "objectives", "search")}
    best = next(winner for winner in value["winners"] if winner["name"] == value["best"])
    with wandb_run(options, "search", f"search-{value['best']}", config) as run:
        use_artifact(run, supernet_artifact(checkpoint))
        rows = frontier_rows(value)
        table = wandb.Table(columns=list(COLUMNS), data=rows)
        shown = "macs" if rows[0][COLUMNS.index("latency_ms")] is None else "latency_ms"
        plot = wandb.plot.scatter(table, shown, "ranking_error", title="Frontier")
        run.log(
            {
                TABLE: table,
                PLOT: plot,
                "frontier/nets": len(rows),
                "frontier/evaluations": value["search"]["evaluations"],
                "frontier/best_ranking_error": best["ranking_error"],
                "frontier/best_params": best["params"],
                **present(
                    {
                        f"frontier/best_{headline.key}": best[headline.key]["value"],
                        "frontier/best_latency_ms": _of(best, "latency_ms", value),
                        "frontier/best_energy_mj": _of(best, "energy_mj", value),
                    }
                ),
            }
        )
        run.log_artifact(frontier_artifact(out / "frontier.json"))


def frontier_rows(value: dict[str, Any]) -> list[list[Any]]:
    """A row of `COLUMNS` for each net of the frontier; only winners were judged finally.

    Of classes the columns of the level error hold the error, and that of the MAE nothing.
    """
    winners = {winner["name"]: winner for winner in value["winners"]}
    headline = read_task(value).headline.key
    rows = []
    for point in value["points"]:
        judged = winners.get(point["name"], {})
        error, mae = judged.get(headline, {}), judged.get("mae", {})
        rows.append(
            [
                point["name"],
                point["name"] in winners,
                point["ranking_error"],
                *(error.get(field) for field in ("value", "low", "high")),
                mae.get("value"),
                *(point[field] for field in ("params", "macs", "peak_activation_bytes")),
                _of(point, "latency_ms", value),
                _of(point, "energy_mj", value),
            ]
        )
    return rows


def _of(point: dict[str, Any], quantity: str, value: dict[str, Any]) -> float | None:
    """Predicted at the budget's precision, None where there is no prediction."""
    predicted = point[f"predicted_{quantity}"] or {}
    return predicted.get(value["budget"]["precision"])
