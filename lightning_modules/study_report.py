"""The Markdown page of a study: what was trained, what came out, what was read and what it took."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from lightning_modules.study_config import SHIPPED, Study
from lightning_modules.study_plots import plot_labels, plot_sizes
from lightning_modules.study_reads import count_reads
from lightning_modules.study_report_groups import group_tables
from lightning_modules.study_summary import Line, Summary, summarise
from lightning_modules.study_table import STAGES, STUDY
from lightning_modules.study_task import StudyTask
from search_spaces.errors import UserError
from search_spaces.files import atomic_path, check_writable

_TITLE = "# Study `"  # how a page begins
TITLES = {
    "variants": "Recipes",
    "sizes": "A net of the supernet, the same net alone, and distilled from the largest",
    "searches": "Search, random search, and a net made by hand, at equal cost",
    "front_ends": "Searched and fixed front end",
}


def check_page(study: Study, results: Path) -> None:
    """Refuse to write the page over a file that is not this study's page.

    Raises:
        UserError: it is another file, or cannot be written.
    """
    check_writable(results, "--results")
    if not results.exists():
        return
    with results.open(encoding="utf-8", errors="replace") as stream:
        first = stream.readline().strip()
    if first and first != _title(study):
        is_a_page = first.startswith(_TITLE)
        found = f"is the page of another one ({first[2:]})" if is_a_page else "is no study's page"
        raise UserError(f"--results: {results} {found}; name another file, or remove it")


def write_report(study: Study, planned: int, table: Sequence[Line], results: Path) -> list[Path]:
    """Write the page, and its pictures into a folder of the same name beside it.

    Args:
        study: what was asked for.
        planned: its number of rows.
        table: its finished rows (see `study_table.collect`).
        results: path of the page.

    Returns:
        The pictures.
    """
    summaries = summarise(study.task, table)
    folder = results.with_suffix("")
    plots = [
        *plot_labels(folder, study.name, summaries, study.task),
        *plot_sizes(folder, study.name, summaries, study.task),
    ]
    text = "\n".join(_page(study, planned, table, summaries, plots, results))
    with atomic_path(results) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
    return plots


def _page(
    study: Study,
    planned: int,
    table: Sequence[Line],
    summaries: Sequence[Summary],
    plots: Sequence[Path],
    results: Path,
) -> Iterator[str]:
    yield f"{_title(study)}\n"
    yield f"{' '.join(study.values['description'].split())}\n"
    config = study.name if study.path.parent == SHIPPED else study.path
    yield f"Made by `python -m lightning_modules study --config {config}`:"
    yield f"{len(table)} of {planned} rows are finished. Rows, with every interval: `{STUDY}`;"
    yield f"{study.task.grouped_by}: `groups.csv`, both in the study's folder.\n"
    for plot in plots:
        yield f"![{plot.stem}]({os.path.relpath(plot, results.parent)})\n"
    for comparison, title in TITLES.items():
        chosen = [each for each in summaries if each.key["comparison"] == comparison]
        if chosen:
            yield f"## {title}\n"
            head = _head(study.task)
            yield f"| {' | '.join(head)} |\n|{'---|' * len(head)}"
            yield from (_table_row(each, study.task) for each in chosen)
            yield ""
    yield f"Error is the {study.task.error_title}, in per cent, on {study.task.unseen}, fp32"
    yield "through ExecuTorch unless int8 is said. Several rows: their mean and, in brackets, their"
    yield "range; one row: its 95 % bootstrap interval. Minutes are of training, search, lowering"
    yield "and evaluation of one row; rows that share a training each carry the whole of it.\n"
    yield from group_tables(study.task, study.out, table)
    yield "## Honest choosing\n"
    yield "Nothing was stopped early; the last weights (their average) are used. Which net of a"
    yield "supernet is judged and its temperature were chosen by validation clips within the label"
    yield "budget. int8 is judged whatever it loses. Test clips, the same for every row, chose"
    yield "nothing; how often they were read:\n"
    yield "| test clips | reads (a net at one precision) | by so many rows |\n|---|---|---|"
    for clips, (times, rows) in count_reads(study.out).items():
        yield f"| `{clips}` | {times} | {rows} |"
    yield "\n## Compute\n"
    yield from _compute(table)


def _title(study: Study) -> str:
    return f"{_TITLE}{study.name}`"


def _head(task: StudyTask) -> tuple[str, ...]:
    """The columns of a table."""
    return (
        *("recipe", "net", "chosen by", "labels", task.trained_on_title, "rows", "params", "MMAC"),
        *(f"{condition}: error, {task.second[1]}" for condition in task.conditions),
        *(f"{condition}: int8 error" for condition in task.conditions),
        *("ECE before, after", "minutes"),
    )


def _table_row(summary: Summary, task: StudyTask) -> str:
    key = summary.key
    size = f", {float(key['size_mmacs']):g} MMAC" if key["size_mmacs"] else ""
    count = summary.mean("labelled_clips") or 0.0
    labels = task.labels_text(key["budget"], round(count))
    trained_on = list(dict.fromkeys(line["protocol"] for line in summary.lines))
    macs, params = summary.mean("macs"), summary.mean("params")
    cells = [
        key["variant"],
        key["net"] + size,
        key["chosen_by"],
        labels,
        ", ".join(trained_on),
        str(len(summary.lines)),
        "" if params is None else f"{params / 1e3:.0f} k",
        "" if macs is None else f"{macs / 1e6:.1f}",
    ]
    second, _, scale, digits = task.second
    for condition in task.conditions:
        error = summary.text(f"{condition}_fp32_{task.headline}", 100, 1)
        cells.append(f"{error}, {summary.text(f'{condition}_fp32_{second}', scale, digits)}")
    for condition in task.conditions:
        cells.append(summary.text(f"{condition}_int8_{task.headline}", 100, 1))
    own = task.own_test(trained_on[0])
    ends = (summary.mean(f"{own}_fp32_{name}") for name in ("ece_before", "ece"))
    cells.append(", ".join("-" if value is None else f"{value:.3f}" for value in ends))
    seconds = [summary.mean(f"{stage}_seconds") or 0.0 for stage in STAGES]
    cells.append(f"{sum(seconds) / 60:.1f}")
    return f"| {' | '.join(cells)} |"


def _compute(table: Sequence[Line]) -> Iterator[str]:
    fits = {line["fit"]: float(line["fit_seconds"]) for line in table}
    begun = [line for line in table if line.get("begins_with")]  # older rows lack the column
    fits |= {line["begins_with"]: float(line["begin_seconds"]) for line in begun}
    rest = sum(float(line[f"{stage}_seconds"]) for line in table for stage in STAGES[2:])
    yield f"{len(fits)} trainings took {sum(fits.values()) / 60:.0f} minutes, the rest of the rows"
    yield f"{rest / 60:.0f} minutes, wall time, kills included, on:"
    for machine in sorted({line["machine"] for line in table}):
        yield f"\n- {machine}"
