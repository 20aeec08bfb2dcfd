"""How far a study is, and how long it takes: as was expected, mended by what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning_modules.study_design import Row
from lightning_modules.study_fits import fit_seconds, is_trained, kind_of
from lightning_modules.study_stages import seconds_of
from lightning_modules.study_table import ROW


@dataclass(frozen=True)
class Estimate:
    """Seconds that a study needs in all and has left, and rows that are finished."""

    total_s: float
    left_s: float
    done: int


def is_finished(out: Path, row: Row) -> bool:
    """Whether a row has its figures."""
    return (out / "rows" / row.id / ROW).exists()


def estimate(out: Path, rows: Sequence[Row], expected: dict[str, Any]) -> Estimate:
    """How long the rows take; a training that several of them share counts once.

    What is finished is known; the rest is expected, times how much longer than expected (or
    shorter) the finished ones took: rows and trainings apart, for a short training is mostly
    starting up, which says nothing of a row.
    """
    fits = list({fit.id: fit for row in rows for fit in row.fits}.values())
    of_rows, of_fits = _Part(), _Part()
    for row in rows:
        if is_finished(out, row):
            of_rows.guessed += expected["row_s"]
            of_rows.known += sum(seconds_of(out / "rows" / row.id).values())
        else:
            of_rows.left += expected["row_s"]
    needed = {fit.id for row in rows if not is_finished(out, row) for fit in row.fits}
    for fit in fits:
        seconds, guess = fit_seconds(out, fit), fit.steps * expected[kind_of(fit)]
        if seconds is not None and (is_trained(out, fit) or fit.id not in needed):
            of_fits.guessed += guess
            of_fits.known += seconds
        elif fit.id in needed:
            of_fits.left += guess
    left_s = of_rows.left_s + of_fits.left_s
    done = sum(is_finished(out, row) for row in rows)
    return Estimate(of_rows.known + of_fits.known + left_s, left_s, done)


@dataclass
class _Part:
    """Seconds of rows or of trainings: what the finished took, and were guessed; what is left."""

    known: float = 0.0
    guessed: float = 0.0
    left: float = 0.0

    @property
    def left_s(self) -> float:
        return self.left * (self.known / self.guessed if self.guessed else 1.0)
