"""`cost_table.json`: what nets of a space cost on one device, measured, and predicted for the rest.

The file holds the measurements and the coefficients fitted to them, so that a phone's table arrives
by the same file as the host's and anyone can fit it anew (`cost_fit`, `cost_model`).
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from search_spaces.architecture import Architecture
from search_spaces.clip import NUM_COUNTS
from search_spaces.cost import Precision
from search_spaces.cost_fit import (
    PRECISIONS,
    QUANTITIES,
    Fit,
    FrontEndKey,
    Piece,
    Quantity,
    fit_pieces,
    frontend_key,
    measured_frontends,
    whole_features,
)
from search_spaces.cost_model import HeldOut, predict_cost
from search_spaces.errors import UserError
from search_spaces.files import load_schema, read_json, write_json
from search_spaces.space import FRONTEND_DIMENSIONS, SpaceSpec
from search_spaces.spaces import get_space

SCHEMA_VERSION = 1
SCHEMA = load_schema(Path(__file__).parent / "schemas", "cost_table")
_MEND = "measure it anew with `python -m deploy cost-table`"


@dataclass(frozen=True)
class CostTable:
    """A device's measurements with the predictor fitted to them; the fields are the file's."""

    created: str
    space: dict[str, Any]
    device: dict[str, Any]
    runtime: dict[str, Any]
    threads: int
    method: str
    energy: dict[str, str | None]
    pieces: tuple[Piece, ...]
    held_out_pieces: tuple[Piece, ...]
    fits: tuple[Fit, ...]

    @cached_property
    def _by_key(self) -> dict[tuple[Quantity, Precision], Fit]:
        return {(fit.quantity, fit.precision): fit for fit in self.fits}

    @cached_property
    def _frontends(self) -> dict[tuple[Quantity, Precision], dict[FrontEndKey, float]]:
        return {key: measured_frontends(self.pieces, *key) for key in self._by_key}

    def has(self, quantity: Quantity, precision: Precision) -> bool:
        """Whether the table predicts ``quantity`` at ``precision``."""
        return (quantity, precision) in self._by_key

    def latency_ms(
        self, architecture: Architecture, precision: Precision, num_outputs: int = NUM_COUNTS
    ) -> float:
        """Predicted ms for one clip of a net with a head of so many outputs.

        Raises:
            UserError: a precision without a measurement, or an architecture of another space.
        """
        return self._predict(architecture, "latency_ms", precision, num_outputs)

    def energy_mj(
        self, architecture: Architecture, precision: Precision, num_outputs: int = NUM_COUNTS
    ) -> float:
        """Predicted mJ for one clip.

        Raises:
            UserError: see `latency_ms`; also where the table holds no energy, with its reason.
        """
        return self._predict(architecture, "energy_mj", precision, num_outputs)

    def held_out(self, quantity: Quantity, precision: Precision) -> HeldOut | None:
        """Error on the held-out subnets."""
        return self._fit(quantity, precision).held_out

    def check_space(self, space: SpaceSpec) -> None:
        """Refuse a table that was measured on another space.

        Raises:
            UserError: naming both.
        """
        if self.space != {"name": space.name, "version": space.version}:
            raise UserError(
                f"cost table: measured on space {self.space['name']} version"
                f" {self.space['version']}, but the search is in {space.name} version"
                f" {space.version}; run `python -m deploy cost-table --space {space.name}`"
            )

    def check_has(self, quantity: Quantity, precision: Precision) -> None:
        """Refuse a quantity or precision that was not measured.

        Raises:
            UserError: naming what there is, or why there is no energy.
        """
        if not self.has(quantity, precision):
            reason = self.energy["reason"] if quantity == "energy_mj" else None
            has = [p for p in PRECISIONS if self.has(quantity, p)]
            raise UserError(
                f"cost table of {self.device['name']}: no {quantity} for {precision}"
                f" ({reason or 'it has ' + (', '.join(has) or 'none')})"
            )

    def _fit(self, quantity: Quantity, precision: Precision) -> Fit:
        self.check_has(quantity, precision)
        return self._by_key[quantity, precision]

    def _predict(
        self,
        architecture: Architecture,
        quantity: Quantity,
        precision: Precision,
        num_outputs: int,
    ) -> float:
        fit = self._fit(quantity, precision)
        if (
            architecture.space != self.space["name"]
            or architecture.version != self.space["version"]
        ):
            raise UserError(
                f"cost table: measured on space {self.space['name']} version"
                f" {self.space['version']}, got an architecture of {architecture.space} version"
                f" {architecture.version}"
            )
        measured = self._frontends[quantity, precision]
        features = whole_features(architecture, measured, fit.frontend, num_outputs)
        return predict_cost(features, fit.whole)


def build_cost_table(
    space: SpaceSpec,
    pieces: Sequence[Piece],
    held_out: Sequence[Piece],
    *,
    device: dict[str, Any],
    runtime: dict[str, Any],
    threads: int,
    method: str,
    energy_method: str | None = None,
    energy_reason: str | None = None,
) -> CostTable:
    """Fit and judge a table from measured pieces.

    Args:
        space: whose architectures were measured.
        pieces: measurements to fit: at least one front end and one whole net.
        held_out: measured whole nets that are not in ``pieces``; they only judge.
        device: at least ``name``.
        runtime: at least ``name`` and ``version``.
        threads: of the runtime.
        method: how one figure was made from many runs.
        energy_method: how energy was metered, None where it was not.
        energy_reason: why there is no energy, None where there is.

    Raises:
        UserError: too few pieces, choices that are not of the space, or neither an energy method
            nor a reason for having none.
    """
    if (energy_method is None) == (energy_reason is None):
        raise UserError("cost table: give either energy_method or energy_reason")
    fits = []
    for quantity in QUANTITIES:
        for precision in PRECISIONS:
            if any(piece.figure(quantity, precision) for piece in pieces):
                fits.append(fit_pieces(space, pieces, held_out, quantity, precision))
    return CostTable(
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        space={"name": space.name, "version": space.version},
        device=device,
        runtime=runtime,
        threads=threads,
        method=method,
        energy={"method": energy_method, "reason": energy_reason},
        pieces=tuple(pieces),
        held_out_pieces=tuple(held_out),
        fits=tuple(fits),
    )


def write_cost_table(path: Path, table: CostTable) -> None:
    """Write the table atomically."""
    value = {"schema_version": SCHEMA_VERSION, **asdict(table)}
    for fit, record in zip(table.fits, value["fits"], strict=True):
        record["held_out"] = fit.held_out._asdict() if fit.held_out else None
    for name in ("pieces", "held_out_pieces", "fits"):
        value[name] = list(value[name])
    write_json(path, value, SCHEMA)


def read_cost_table(path: Path) -> CostTable:
    """Read and validate a table.

    Raises:
        UserError: missing, not JSON, a field against the schema, a space that this kit does not
            know, choices that are not of it, a front end with two figures, fits that cannot be, or
            no word on why there is no energy.
    """
    value = read_json(path, SCHEMA)
    del value["schema_version"]
    for name in ("pieces", "held_out_pieces"):
        value[name] = tuple(Piece(**piece) for piece in value[name])
    for fit in value["fits"]:
        fit["held_out"] = HeldOut(**fit["held_out"]) if fit["held_out"] else None
    table = CostTable(**{**value, "fits": tuple(Fit(**fit) for fit in value["fits"])})
    try:
        space = get_space(value["space"]["name"])
        table.check_space(space)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    _check_fits(table, path)
    for name in ("pieces", "held_out_pieces"):
        for at, piece in enumerate(value[name]):
            try:
                _check_choices(space, piece)
            except UserError as error:
                raise UserError(f"{path}: field $.{name}[{at}].choices: {error}; {_MEND}") from None
    _check_frontends(table, path)
    _check_coefficients(table, path)
    return table


def _check_fits(table: CostTable, path: Path) -> None:
    """Refuse fits that stand twice or predict nothing, and energy that contradicts them.

    Raises:
        UserError: naming the field.
    """
    known = set()
    for at, fit in enumerate(table.fits):
        field = f"{path}: field $.fits[{at}]"
        if (fit.quantity, fit.precision) in known:
            raise UserError(f"{field}: a second fit of {fit.quantity} at {fit.precision}; keep one")
        if not any(fit.whole.values()):
            raise UserError(f"{field}.whole: got no coefficient above 0; {_MEND}")
        known.add((fit.quantity, fit.precision))
    has = any(quantity == "energy_mj" for quantity, _ in known)
    method, reason = table.energy["method"], table.energy["reason"]
    if has != (method is not None) or has != (reason is None):
        expected = "a method and no reason" if has else "a reason and no method"
        raise UserError(
            f"{path}: field $.energy: got {table.energy}, but {'a' if has else 'no'} fit is of"
            f" energy, expected {expected}; {_MEND}"
        )


def _check_frontends(table: CostTable, path: Path) -> None:
    """Refuse a front end with two figures, of which one would be passed over.

    Raises:
        UserError: naming both pieces.
    """
    first: dict[FrontEndKey, int] = {}
    for at, piece in enumerate(table.pieces):
        if piece.part != "frontend":
            continue
        before = first.setdefault(frontend_key(piece.choices), at)
        if table.pieces[before] != piece:
            raise UserError(
                f"{path}: field $.pieces[{at}]: a second figure of the front end of"
                f" $.pieces[{before}]; keep one, or {_MEND}"
            )


def _check_coefficients(table: CostTable, path: Path) -> None:
    """Refuse a fit that lacks a coefficient of a net that it was made of.

    Raises:
        UserError: naming the fit and the coefficient.
    """
    for at, fit in enumerate(table.fits):
        for piece in table.pieces:
            if piece.part == "whole" and piece.figure(fit.quantity, fit.precision) is not None:
                net = Architecture(table.space["name"], table.space["version"], piece.choices)
                try:
                    table._predict(net, fit.quantity, fit.precision, NUM_COUNTS)
                except UserError as error:
                    said = str(error).removeprefix("cost table: ")
                    raise UserError(f"{path}: field $.fits[{at}]: {said}") from None


def _check_choices(space: SpaceSpec, piece: Piece) -> None:
    if piece.part == "whole":
        Architecture(space.name, space.version, piece.choices).validate(space)
        return
    missing = [name for name in FRONTEND_DIMENSIONS if name not in piece.choices]
    if missing:
        raise UserError(f"front end: dimension {missing[0]!r} of {space.name} is missing")
    for dimension, choice in piece.choices.items():
        space.check_choice(dimension, choice)
