"""`python -m deploy merge-cost-tables`: one cost table of several phones of one model."""

from __future__ import annotations

import argparse
from pathlib import Path

from deploy.cost_merge import TOLERANCE, Tables, disagreements, merge_tables, pieces_csv
from deploy.cost_table import summary
from search_spaces.command_line import named_path, positive_number
from search_spaces.cost_table import read_cost_table, write_cost_table
from search_spaces.errors import UserError
from search_spaces.files import atomic_path, check_writable, refuse_input, sha256_file

HELP = "merge the cost tables of several phones of one model, and show where the phones differ"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument("tables", nargs="+", type=named_path, help="cost_table.json of each phone")
    parser.add_argument("--out", required=True, type=named_path, help="cost_table.json to write")
    add_tolerance(parser)


def add_tolerance(parser: argparse.ArgumentParser) -> None:
    """Declare the option that says which pieces are named."""
    parser.add_argument(
        "--tolerance",
        type=positive_number,
        default=TOLERANCE,
        metavar="SHARE",
        help="pieces whose slowest phone exceeds the fastest by more are named"
        " (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    """Merge, show, write."""
    refuse_input(args.out, args.tables, "tables that are merged", "--out")
    for path in (args.out, figures_path(args.out)):
        check_writable(path, "--out")
    tables = {str(path): read_cost_table(path) for path in args.tables}
    _refuse_copies(args.tables)
    write_merged(tables, args.out, args.tolerance)
    return 0


def _refuse_copies(paths: list[Path]) -> None:
    """Refuse one table under two names, which would count as two phones that agree.

    Raises:
        UserError: naming both.
    """
    first: dict[str, Path] = {}
    for path in paths:
        other = first.setdefault(sha256_file(path), path)
        if other is not path:
            raise UserError(f"{path}: is the same table as {other}; give each phone's once")


def figures_path(out: Path) -> Path:
    """Where the figures of every phone lie."""
    return out.with_suffix(".phones.csv")


def write_merged(tables: Tables, out: Path, tolerance: float) -> None:
    """Write the merged table and, beside it, every phone's figures; print what differs.

    Raises:
        UserError: see `merge_tables`.
    """
    merged = merge_tables(tables)
    write_cost_table(out, merged)
    figures = figures_path(out)
    with atomic_path(figures) as temporary:
        temporary.write_text(pieces_csv(tables), encoding="utf-8")
    print(f"{merged.device['name']}: {len(tables)} phones")
    print("\n".join([*disagreements(tables, tolerance), *summary(merged)]))
    print(f"wrote {out} and {figures}")
