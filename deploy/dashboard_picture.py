"""The dashboard's panels drawn from offline runs by the kit itself: not W&B's own page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deploy.dashboard_panels import SECTIONS, Panel
from deploy.shown_text import plot_text
from deploy.wandb_records import OfflineRun
from search_spaces.files import atomic_path

NOTE = "Drawn by `python -m deploy dashboard --picture` from offline runs; not W&B's own page."
NO_VALUE = "no run has a value"
_TABLE_ROWS, _TABLE_COLUMNS = 8, 5
_NAME_LETTERS = 26


def draw_dashboard(path: Path, runs: Sequence[OfflineRun]) -> None:
    """Draw every panel, a row per section.

    Args:
        path: of the picture, ``.png`` or ``.svg``.
        runs: that are shown.
    """
    columns = max(len(panels) for panels in SECTIONS.values())
    figure = Figure(figsize=(4.4 * columns, 3.6 * len(SECTIONS)))
    figure.suptitle(NOTE, fontsize=10, y=0.995)
    rows: Any = figure.subfigures(len(SECTIONS), 1, squeeze=False)
    for row, (name, panels) in zip(rows[:, 0], SECTIONS.items(), strict=True):
        row.suptitle(name, fontweight="bold", x=0.01, ha="left")
        row.subplots_adjust(left=0.06, right=0.99, bottom=0.14, top=0.84, wspace=0.4)
        for axes, panel in zip(row.subplots(1, columns), panels, strict=False):
            axes.set_title(panel.title, fontsize=9)
            axes.tick_params(labelsize=7)
            shown = [run for run in runs if run.run["job_type"] in panel.logged_by]
            if not _DRAW[panel.kind](axes, panel, shown):
                axes.set_axis_off()
                axes.text(0.5, 0.5, NO_VALUE, ha="center", color="gray", transform=axes.transAxes)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=80)


def _line(axes: Axes, panel: Panel, runs: Sequence[OfflineRun]) -> bool:
    having = [run for run in runs if _has_line(panel, run)]
    for run in having:
        for key in panel.keys:
            points = [(row[panel.x], row[key]) for row in run.history if {panel.x, key} <= {*row}]
            if points:
                x, y = zip(*points, strict=True)
                names = [_short(run)] * (len(having) > 1) + [key] * (len(panel.keys) > 1)
                axes.plot(x, y, linewidth=1, label=": ".join(names) or _short(run))
    axes.set_xlabel(panel.x.removeprefix("_"), fontsize=7)
    return _legend(axes, bool(axes.lines))


def _has_line(panel: Panel, run: OfflineRun) -> bool:
    return any(panel.x in row and not row.keys().isdisjoint(panel.keys) for row in run.history)


def _bar(axes: Axes, panel: Panel, runs: Sequence[OfflineRun]) -> bool:
    having = [run for run in runs if any(key in run.summary for key in panel.keys)]
    height = 0.8 / len(panel.keys)
    for number, key in enumerate(panel.keys):
        places = np.arange(len(having)) + number * height
        values = [run.summary.get(key, np.nan) for run in having]
        axes.barh(places, values, height, label=key.rpartition("/")[2])
    axes.set_yticks(range(len(having)), [_short(run) for run in having], fontsize=5)
    return _legend(axes, bool(having))


def _histogram(axes: Axes, panel: Panel, runs: Sequence[OfflineRun]) -> bool:
    found = [run for run in runs if panel.keys[0] in run.summary]
    for run in found:
        held = run.summary[panel.keys[0]]
        axes.stairs(held["values"], held["bins"], label=_short(run))
    axes.locator_params(axis="x", nbins=4)
    return _legend(axes, bool(found))


def _scatter(axes: Axes, panel: Panel, runs: Sequence[OfflineRun]) -> bool:
    drawn = False
    for run in (run for run in runs if panel.keys[0] in run.summary):
        points = [(row[panel.x], row[panel.y]) for row in run.table(panel.keys[0])]
        known = [(x, y) for x, y in points if x is not None and y is not None]
        if known:
            x, y = zip(*known, strict=True)
            axes.scatter(x, y, s=14, label=_short(run))
            drawn = True
    axes.set_xlabel(panel.x, fontsize=7)
    axes.set_ylabel(panel.y, fontsize=7)
    return _legend(axes, drawn)


def _table(axes: Axes, panel: Panel, runs: Sequence[OfflineRun]) -> bool:
    rows = [row for run in runs if panel.keys[0] in run.summary for row in run.table(panel.keys[0])]
    if not rows:
        return False
    columns = list(rows[0])[:_TABLE_COLUMNS]
    titles = [plot_text(column) for column in columns]
    cells = [[_cell(row[column]) for column in columns] for row in rows[:_TABLE_ROWS]]
    axes.set_axis_off()
    table = axes.table(cells, colLabels=titles, loc="center")
    table.auto_set_font_size(False)
    table.set_fontsize(6)
    table.auto_set_column_width(range(len(columns)))
    return True


_DRAW = {
    "line": _line,
    "bar": _bar,
    "histogram": _histogram,
    "scatter": _scatter,
    "table": _table,
}


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) else plot_text(str(value))


def _short(run: OfflineRun) -> str:
    return plot_text(run.run["display_name"][:_NAME_LETTERS])


def _legend(axes: Axes, drawn: bool) -> bool:
    if drawn:
        axes.legend(fontsize=6)
    return drawn
