"""One cost table out of those of several phones of one model, and how far the phones differ."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from search_spaces.architecture import Architecture
from search_spaces.cost_fit import PRECISIONS
from search_spaces.cost_table import CostTable, Piece, build_cost_table
from search_spaces.errors import UserError
from search_spaces.spaces import get_space

TOLERANCE = 0.1
_ALIKE = ("space", "device", "runtime", "threads", "method")

Tables = Mapping[str, CostTable]  # by the phone's or file's name


@dataclass(frozen=True)
class Figures:
    """What the phones measured of one piece.

    Attributes:
        piece: e.g. ``net-1a2b3c4d``.
        precision: of the piece.
        latency_ms: of each phone, in the order of the tables.
    """

    piece: str
    precision: str
    latency_ms: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """The slowest phone's figure over the fastest one's."""
        return max(self.latency_ms) / min(self.latency_ms)


def merge_tables(tables: Tables) -> CostTable:
    """The table of the median phone, fitted anew.

    A figure is the median over the phones. Energy is kept where every phone metered it in the same
    way.

    Raises:
        UserError: fewer than two tables; they differ in space, device (its model and build are part
            of it), runtime, threads or method, or hold other pieces.
    """
    if len(tables) < 2:
        raise UserError(f"got {len(tables)} cost table, expected at least two to merge")
    _check_alike(tables)
    first = next(iter(tables.values()))
    reason = _no_energy(tables)
    return build_cost_table(
        get_space(first.space["name"]),
        _merge(tables, lambda table: table.pieces, reason is None),
        _merge(tables, lambda table: table.held_out_pieces, reason is None),
        device=first.device,
        runtime=first.runtime,
        threads=first.threads,
        method=f"median of {len(tables)} phones, of each: {first.method}",
        energy_method=None if reason else first.energy["method"],
        energy_reason=reason,
    )


def compare_pieces(tables: Tables) -> list[Figures]:
    """The phones' latencies of every piece, the largest ratio first.

    Args:
        tables: that `merge_tables` takes.
    """
    found = []
    for pieces in (lambda table: table.pieces, lambda table: table.held_out_pieces):
        for key, same in _side_by_side(tables, pieces):
            for precision in same[0].latency_ms:
                latencies_ms = tuple(piece.latency_ms[precision] for piece in same)
                found.append(Figures(key, precision, latencies_ms))
    return sorted(found, key=lambda figures: -figures.ratio)


def disagreements(tables: Tables, tolerance: float) -> list[str]:
    """Lines on how far the phones differ, the pieces beyond the tolerance by name.

    Args:
        tables: that `merge_tables` takes.
        tolerance: share by which the slowest phone may exceed the fastest one.
    """
    compared = compare_pieces(tables)
    lines = []
    for number, name in enumerate(tables):
        shares = (each.latency_ms[number] / median(each.latency_ms) for each in compared)
        lines.append(f"{name}: takes {median(shares):.3f} times as long as the median phone")
    beyond = [figures for figures in compared if figures.ratio > 1 + tolerance]
    lines.append(
        f"{len(beyond)} of {len(compared)} pieces differ by more than {100 * tolerance:g} %,"
        f" the most by {100 * (compared[0].ratio - 1):.1f} %"
    )
    for figures in beyond:
        shown = ", ".join(f"{value:.3f}" for value in figures.latency_ms)
        title = f"{figures.piece} {figures.precision}"
        lines.append(f"  {title}: {shown} ms, ratio {figures.ratio:.3f}")
    return lines


def pieces_csv(tables: Tables) -> str:
    """`compare_pieces` as CSV: piece, precision, ms of each phone, ratio."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["piece", "precision", *(f"{name} ms" for name in tables), "ratio"])
    for figures in compare_pieces(tables):
        ratio = f"{figures.ratio:.4f}"
        writer.writerow([figures.piece, figures.precision, *figures.latency_ms, ratio])
    return text.getvalue()


def _no_energy(tables: Tables) -> str | None:
    """Why the merged table has no energy; None where every phone metered it in one way."""
    methods = list(dict.fromkeys(table.energy["method"] for table in tables.values()))
    if None in methods:
        reasons = (table.energy["reason"] for table in tables.values())
        return f"not of every phone: {next(filter(None, reasons))}"
    return (
        None if len(methods) == 1 else f"metered in different ways: {'; '.join(map(str, methods))}"
    )


def _merge(
    tables: Tables, pieces: Callable[[CostTable], Sequence[Piece]], energy: bool
) -> list[Piece]:
    return [
        Piece(
            same[0].part,
            same[0].choices,
            _medians([piece.latency_ms for piece in same]),
            _medians([piece.energy_mj for piece in same]) if energy else {},
        )
        for _, same in _side_by_side(tables, pieces)
    ]


def _medians(figures: Sequence[Mapping[str, float]]) -> dict[Any, float]:
    """By precision, of those that every phone has."""
    return {
        precision: median(by_precision[precision] for by_precision in figures)
        for precision in PRECISIONS
        if all(precision in by_precision for by_precision in figures)
    }


def _check_alike(tables: Tables) -> None:
    (first_name, first), *others = tables.items()
    for name, table in others:
        for field in _ALIKE:
            ours, theirs = _flat(field, getattr(first, field)), _flat(field, getattr(table, field))
            for key in dict.fromkeys([*ours, *theirs]):
                if ours.get(key) != theirs.get(key):
                    raise UserError(
                        f"{name}: {key} is {theirs.get(key)!r}, in {first_name} it is"
                        f" {ours.get(key)!r}; only tables of one phone model and build, runtime,"
                        " number of threads and method can be merged"
                    )
        mine, its = _keys(first), _keys(table)
        if mine != its:
            piece = min(mine ^ its)
            lacks, has = (name, first_name) if piece in mine else (first_name, name)
            raise UserError(
                f"{lacks}: lacks {' '.join(piece)}, which {has} holds; measure both with the same"
                " --precision, --subnets, --holdout and --seed"
            )


def _flat(field: str, value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return {f"{field}.{key}": entry for key, entry in value.items()}
    return {field: value}


def _keys(table: CostTable) -> set[tuple[str, str, str]]:
    """Name, precision and use of every piece."""
    used = {"to fit": table.pieces, "held out": table.held_out_pieces}
    return {
        (_name(table, piece), precision, use)
        for use, pieces in used.items()
        for piece in pieces
        for precision in piece.latency_ms
    }


def _side_by_side(
    tables: Tables, pieces: Callable[[CostTable], Sequence[Piece]]
) -> Iterator[tuple[str, list[Piece]]]:
    """The name of each piece, and the piece as each phone measured it."""
    found = [{_name(table, piece): piece for piece in pieces(table)} for table in tables.values()]
    for name in found[0]:
        yield name, [by_name[name] for by_name in found]


def _name(table: CostTable, piece: Piece) -> str:
    if piece.part == "frontend":
        return "frontend-" + "-".join(str(choice) for _, choice in sorted(piece.choices.items()))
    space = table.space
    return f"net-{Architecture(space['name'], space['version'], piece.choices).digest}"
