"""The confusion matrices of an evaluation as a picture."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from deploy.shown_text import plot_text

CELL_INCHES, WIDEST_INCHES = 0.45, 30.0  # a thousand classes must fit into memory as well
_POINTS = 20.0  # of a number, for each inch of its cell
_LEAST_POINTS = 4.0  # smaller ones cannot be read


def write_confusion_plot(path: Path, evaluation: dict[str, Any]) -> None:
    """Draw levels and counts, each cell's share of its row and number of clips, as a PNG.

    ``path`` is one that may be left half-written (`search_spaces.files.atomic_path`).
    """
    from matplotlib.figure import Figure

    if "task" in evaluation:
        _write_classes(path, evaluation)
        return
    figure = Figure(figsize=(12, 5.4), layout="constrained")
    bundle = evaluation["bundle"]
    error = evaluation["metrics"]["level_error"]["value"]
    figure.suptitle(
        f"{plot_text(bundle['name'])} ({bundle['precision']}),"
        f" {evaluation['clips']['number']} clips,"
        f" level error {100 * error:.1f} %"
    )
    axes = figure.subplots(1, 2, width_ratios=[4, 6])
    names = [plot_text(name) for name in evaluation["levels"]["names"]]
    _draw(axes[0], evaluation["level_confusion"], names, "level")
    counts = [str(count) for count in range(len(evaluation["count_confusion"]))]
    _draw(axes[1], evaluation["count_confusion"], counts, "count")
    _save(figure, path)


def _write_classes(path: Path, evaluation: dict[str, Any]) -> None:
    """One matrix of classes; where there may be several, the share of each that was heard."""
    from matplotlib.figure import Figure

    names = [plot_text(name) for name in evaluation["task"]["names"]]
    matrix = evaluation["confusion"]
    cell = min(CELL_INCHES, WIDEST_INCHES / len(names))
    side = max(5.0, cell * len(names) + 2.5)
    figure = Figure(figsize=(side + 0.5, side), layout="constrained")
    bundle, error = evaluation["bundle"], evaluation["metrics"]["error"]["value"]
    figure.suptitle(
        f"{plot_text(bundle['name'])} ({bundle['precision']}),"
        f" {evaluation['clips']['number']} recordings,"
        f" error {100 * error:.1f} %"
    )
    axes = figure.subplots()
    if matrix is not None:
        _draw(axes, matrix, names, "class", _POINTS * cell)
        axes.tick_params(axis="x", rotation=90 if max(map(len, names)) > 3 else 0)
    else:
        recall = [100 * (row["recall"]["value"] or 0.0) for row in evaluation["by_class"]]
        axes.barh(range(len(names)), recall, tick_label=names)
        axes.set_xlabel("recordings of the class in which it was heard (%)")
        axes.set_xlim(0, 100)
    if cell < CELL_INCHES:
        axes.tick_params(labelsize=_POINTS * cell)
    _save(figure, path)


def _save(figure: Any, path: Path) -> None:
    """Write the picture; a letter that the font lacks is a box in it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)  # a line for each
        figure.savefig(path, dpi=150)


def _draw(
    axes: Any,
    matrix: list[list[int]],
    names: list[str],
    what: str,
    points: float = _POINTS * CELL_INCHES,
) -> None:
    clips = np.array(matrix)
    share = clips / np.maximum(clips.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0.0, vmax=1.0)
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel(f"said {what}")
    axes.set_ylabel(f"true {what}")
    shown = np.argwhere(clips) if points >= _LEAST_POINTS else ()
    for row, column in shown:
        color = "white" if share[row, column] > 0.5 else "black"
        axes.text(
            column,
            row,
            clips[row, column],
            ha="center",
            va="center",
            color=color,
            fontsize=points,
        )
