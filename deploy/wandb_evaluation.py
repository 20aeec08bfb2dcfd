"""An evaluation as a run of Weights & Biases: figures, and of classes recall and confusion.

No name of a recording or a speaker is logged, also where the evaluation has them (`--rows`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from deploy.bundle import Bundle
from deploy.wandb_bundle import bundle_artifact
from search_spaces.wandb_artifacts import use_artifact
from search_spaces.wandb_options import WandbOptions
from search_spaces.wandb_run import present, wandb_run

RECALL, CONFUSION, CONFUSION_PLOT = "classes/recall", "classes/confusion", "classes/confusion_plot"
RECALL_COLUMNS = (
    *("class", "recordings", "recall", "recall_low", "recall_high"),
    *("precision", "precision_low", "precision_high"),
)
CONFUSION_COLUMNS = ("true", "said", "recordings", "share")


def log_evaluation(options: WandbOptions, bundle: Bundle, evaluation: Mapping[str, Any]) -> None:
    """Write the run of one evaluation.

    Raises:
        UserError: see `search_spaces.wandb_run.wandb_run`.
    """
    import wandb

    what = evaluation["bundle"]
    config = {"net": what["name"], "precision": what["precision"], "clips": evaluation["clips"]}
    with wandb_run(options, "evaluate", f"{what['name']}-{what['precision']}", config) as run:
        use_artifact(run, bundle_artifact(bundle, options.include))
        logged: dict[str, Any] = figures(evaluation)
        if "by_class" in evaluation:
            recall = wandb.Table(columns=list(RECALL_COLUMNS), data=list(recall_rows(evaluation)))
            logged[RECALL] = recall
            logged[f"{RECALL}_plot"] = wandb.plot.bar(recall, "class", "recall", title="Recall")
        if evaluation.get("confusion") is not None:
            rows = list(confusion_rows(evaluation))
            logged[CONFUSION] = wandb.Table(columns=list(CONFUSION_COLUMNS), data=rows)
            names = evaluation["task"]["names"]
            pairs = [(row[0], row[1]) for row in rows for _ in range(row[2])]
            true, said = zip(*pairs, strict=True)
            logged[CONFUSION_PLOT] = wandb.plot.confusion_matrix(
                y_true=[names.index(name) for name in true],
                preds=[names.index(name) for name in said],
                class_names=names,
                title="Confusion",
            )
        run.log(logged)


def figures(evaluation: Mapping[str, Any]) -> dict[str, float]:
    """What has a value, by W&B's key; each estimate with the ends of its interval."""
    found: dict[str, float | None] = {}
    for name, figure in evaluation["metrics"].items():
        if isinstance(figure, Mapping):
            found[f"evaluate/{name}"] = figure["value"]
            found |= {f"evaluate/{name}_{end}": figure[end] for end in ("low", "high")}
        else:
            found[f"evaluate/{name}"] = figure
    return present(found)


def recall_rows(evaluation: Mapping[str, Any]) -> Iterator[list[Any]]:
    """A row of `RECALL_COLUMNS` for each class."""
    for row in evaluation["by_class"]:
        ends = [row[of][end] for of in ("recall", "precision") for end in ("value", "low", "high")]
        yield [row["name"], row["clips"], *ends]


def confusion_rows(evaluation: Mapping[str, Any]) -> Iterator[list[Any]]:
    """A row of `CONFUSION_COLUMNS` for each pair of classes that came together."""
    names = evaluation["task"]["names"]
    for true, row in zip(names, evaluation["confusion"], strict=True):
        for said, recordings in zip(names, row, strict=True):
            if recordings:
                yield [true, said, recordings, recordings / sum(row)]
