"""The plots of a study: error against labels, and against size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lightning_modules.study_summary import Summary
from lightning_modules.study_task import StudyTask
from search_spaces.files import atomic_path

STYLES = ("o-", "s--", "^-.", "D:", "v-", "P--", "X-.", "*:", "<-", ">--", "h-.", "p:")


def plot_labels(
    folder: Path, name: str, summaries: Sequence[Summary], task: StudyTask
) -> list[Path]:
    """Error (fp32) against labels, a line per variant; a picture per test condition.

    Trained on what it is tested on. The bar is the range over seeds, of one seed its 95 % interval.
    """
    paths = []
    for protocol in task.conditions:
        lines: dict[str, list[tuple[float, Summary]]] = {}
        for summary in summaries:
            own = task.own_test(summary.key.get("protocol", protocol)) == protocol
            if own and summary.key["comparison"] == "variants":
                place = summary.mean("labelled_clips") or 0.0, summary
                lines.setdefault(summary.key["variant"], []).append(place)
        if lines:
            paths.append(folder / f"{name}-labels-{protocol}.png")
            _draw(paths[-1], task, task.labels_title, protocol, lines, True)
    return paths


def plot_sizes(
    folder: Path, name: str, summaries: Sequence[Summary], task: StudyTask
) -> list[Path]:
    """Error (fp32) against MACs: a supernet's nets, the same alone, and distilled."""
    paths = []
    for protocol in task.conditions:
        lines: dict[str, list[tuple[float, Summary]]] = {}
        for summary in summaries:
            own = task.own_test(summary.key.get("protocol", protocol)) == protocol
            if own and summary.key["comparison"] == "sizes":
                label = f"{summary.key['net']}, {summary.key['budget']} labels"
                size = summary.mean("macs")
                lines.setdefault(label, []).append(((size or 0.0) / 1e6, summary))
        if lines:
            paths.append(folder / f"{name}-sizes-{protocol}.png")
            _draw(paths[-1], task, "million MACs of a clip", protocol, lines, False)
    return paths


def _draw(
    path: Path,
    task: StudyTask,
    x_label: str,
    protocol: str,
    lines: dict[str, list[tuple[float, Summary]]],
    logarithmic: bool,
) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    column = f"{protocol}_fp32_{task.headline}"
    ticks: set[float] = set()
    for (label, points), style in zip(lines.items(), STYLES * (1 + len(lines) // 12), strict=False):
        drawn = [
            (x, mean, *(ends or (mean, mean)))
            for x, summary in sorted(points, key=lambda point: point[0])
            if (mean := summary.mean(column)) is not None
            for ends in (summary.range(column),)
        ]
        if not drawn:
            continue
        xs, means, lows, highs = zip(*drawn, strict=True)
        below = [100 * (mean - low) for mean, low in zip(means, lows, strict=True)]
        above = [100 * (high - mean) for mean, high in zip(means, highs, strict=True)]
        percent = [100 * mean for mean in means]
        axes.errorbar(xs, percent, yerr=[below, above], fmt=style, capsize=3, label=label)
        ticks |= set(xs)
    if logarithmic:
        axes.set_xscale("log")
        axes.set_xticks(sorted(ticks), [f"{tick:g}" for tick in sorted(ticks)])
        axes.minorticks_off()
    axes.set_title(task.plot_title(protocol))
    axes.set_xlabel(x_label)
    axes.set_ylabel(f"{task.error_title}, fp32 through ExecuTorch (%)")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=130)
