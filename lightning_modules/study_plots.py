"""The plots of a study: error against labels, and against size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lightning_modules.mixtures_open import CONDITIONS
from lightning_modules.study_summary import Summary
from search_spaces.files import atomic_path

STYLES = ("o-", "s--", "^-.", "D:", "v-", "P--", "X-.", "*:", "<-", ">--", "h-.", "p:")


def plot_labels(folder: Path, name: str, summaries: Sequence[Summary]) -> list[Path]:
    """Level error (fp32) against labelled clips, a line per variant; a picture per test protocol.

    Trained on what it is tested on. The bar is the range over seeds, of one seed its 95 % interval.
    """
    paths = []
    for protocol in CONDITIONS:
        lines: dict[str, list[tuple[float, Summary]]] = {}
        for summary in summaries:
            if summary.key["comparison"] == "variants" and summary.key["protocol"] == protocol:
                place = float(summary.key["labelled_clips"]), summary
                lines.setdefault(summary.key["variant"], []).append(place)
        if lines:
            paths.append(folder / f"{name}-labels-{protocol}.png")
            title = f"trained and tested on {protocol}, unseen readers"
            _draw(paths[-1], title, "labelled clips (validation included)", protocol, lines, True)
    return paths


def plot_sizes(folder: Path, name: str, summaries: Sequence[Summary]) -> list[Path]:
    """Level error (fp32) against MACs: a supernet's nets, the same alone, and distilled."""
    paths = []
    for protocol in CONDITIONS:
        lines: dict[str, list[tuple[float, Summary]]] = {}
        for summary in summaries:
            if summary.key["comparison"] == "sizes" and summary.key["protocol"] == protocol:
                label = f"{summary.key['net']}, {summary.key['budget']} labels"
                size = summary.mean("macs")
                lines.setdefault(label, []).append(((size or 0.0) / 1e6, summary))
        if lines:
            paths.append(folder / f"{name}-sizes-{protocol}.png")
            title = f"trained and tested on {protocol}, unseen readers"
            _draw(paths[-1], title, "million MACs of a 5 s clip", protocol, lines, False)
    return paths


def _draw(
    path: Path,
    title: str,
    x_label: str,
    protocol: str,
    lines: dict[str, list[tuple[float, Summary]]],
    logarithmic: bool,
) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    column = f"{protocol}_fp32_level_error"
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
    axes.set_title(title)
    axes.set_xlabel(x_label)
    axes.set_ylabel("level error, fp32 through ExecuTorch (%)")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=130)
