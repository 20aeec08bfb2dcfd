"""`python -m benchmarks.summary`: the table of ``docs/figures.md`` from ``docs/results/*.json``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.machine import RESULTS_FOLDER
from search_spaces.command_line import CommandParser
from search_spaces.errors import UserError, run_command
from search_spaces.files import atomic_path

BEGIN, END = "<!-- figures:begin -->", "<!-- figures:end -->"
HEADER = "| figure | measured | target | command | date | machine |\n|---|---|---|---|---|---|"


def main() -> int:
    """Rewrite the section between the marks; nothing else of the file changes."""
    parser = CommandParser(
        prog="python -m benchmarks.summary",
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--results", type=Path, default=RESULTS_FOLDER, help="folder of results")
    parser.add_argument(
        "--page", type=Path, default=Path("docs/figures.md"), help="file to rewrite"
    )
    arguments = parser.parse_args()
    text = arguments.page.read_text(encoding="utf-8")
    updated = replace_section(text, figures_table(read_results(arguments.results)))
    with atomic_path(arguments.page) as temporary:
        temporary.write_text(updated, encoding="utf-8")
    print(arguments.page)
    return 0


def read_results(folder: Path) -> list[dict[str, Any]]:
    """Every result of ``folder``, by benchmark name.

    Raises:
        UserError: no results there, or a file that is none.
    """
    results = []
    for path in sorted(folder.glob("*.json")):
        try:
            result = json.loads(path.read_text(encoding="utf-8"))
        except json.JSONDecodeError as error:
            raise UserError(f"{path}: not valid JSON ({error}); run its benchmark again") from None
        missing = {"benchmark", "command", "machine", "figures"} - set(result)
        if missing:
            raise UserError(f"{path}: field {min(missing)} is missing; run its benchmark again")
        results.append(result)
    if not results:
        raise UserError(f"{folder}: holds no results; run a benchmark first (see docs/figures.md)")
    return results


def figures_table(results: list[dict[str, Any]]) -> str:
    """The figures that have a target as a Markdown table, one row each."""
    rows = [HEADER]
    for result in results:
        machine = result["machine"]
        where = f"{machine['cpu']}, {machine['cores']} cores"
        for figure in (figure for figure in result["figures"] if figure["target"]):
            cells = (
                figure["name"],
                measured(figure),
                figure["target"],
                f"`{result['command']}`",
                machine["date"],
                where,
            )
            rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def measured(figure: dict[str, Any]) -> str:
    """A figure with its unit, three significant digits; or why there is none."""
    if figure["value"] is None:
        return f"not measured: {figure['reason']}"
    value = figure["value"]
    digits = f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{digits} {figure['unit']}".rstrip()


def replace_section(text: str, section: str) -> str:
    """``text`` with ``section`` between the marks.

    Raises:
        UserError: the marks are missing or in the wrong order.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise UserError(f"page of figures: the marks {BEGIN} and {END} are missing; put them back")
    return f"{before}{BEGIN}\n{section}\n{END}{after}"


if __name__ == "__main__":
    sys.exit(run_command(main))
