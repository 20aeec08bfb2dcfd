"""Fit a device's measured pieces: front ends alone, and whole nets.

Front ends are few and dear, and their cost jumps (another length of the transform takes another
path), so each is measured alone and its figure is a feature of the nets that have it. One that was
not measured is estimated from the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from search_spaces.architecture import Architecture
from search_spaces.clip import NUM_COUNTS
from search_spaces.cost import Precision, layer_descriptors
from search_spaces.cost_model import (
    HeldOut,
    fit_costs,
    judge_predictions,
    layer_features,
    predict_cost,
)
from search_spaces.errors import UserError
from search_spaces.layer import Layer
from search_spaces.space import FRONTEND_DIMENSIONS, Choice, SpaceSpec

Quantity = Literal["latency_ms", "energy_mj"]
PRECISIONS: tuple[Precision, ...] = ("fp32", "int8")
FrontEndKey = tuple[tuple[str, Choice], ...]
QUANTITIES: tuple[Quantity, ...] = ("latency_ms", "energy_mj")


@dataclass(frozen=True)
class Piece:
    """One measured net, or one front end alone.

    Attributes:
        part: ``frontend`` (waveform to features) or ``whole`` (waveform to probabilities).
        choices: every dimension of the space for ``whole``, the front end's for ``frontend``.
        latency_ms: ms for one clip, by precision.
        energy_mj: mJ for one clip, by precision; empty without a meter.
    """

    part: Literal["frontend", "whole"]
    choices: dict[str, Choice]
    latency_ms: dict[str, float]
    energy_mj: dict[str, float] = field(default_factory=dict)

    def figure(self, quantity: Quantity, precision: Precision) -> float | None:
        """The measured figure, None where there is none."""
        return getattr(self, quantity).get(precision)


@dataclass(frozen=True)
class Fit:
    """Coefficients for one quantity and precision, and their error on nets not seen."""

    quantity: Quantity
    precision: Precision
    frontend: dict[str, float]
    whole: dict[str, float]
    held_out: HeldOut | None


def fit_pieces(
    space: SpaceSpec,
    pieces: Sequence[Piece],
    held_out: Sequence[Piece],
    quantity: Quantity,
    precision: Precision,
) -> Fit:
    """Fit ``pieces`` for one quantity and precision, and judge the fit by ``held_out``.

    Raises:
        UserError: no front end or no whole net among the pieces, or choices not of the space.
    """
    measured = measured_frontends(pieces, quantity, precision)
    wholes = _wholes(space, pieces, quantity, precision)
    if not measured or not wholes:
        raise UserError(
            f"cost table: got {len(measured)} measured front ends and {len(wholes)} whole nets"
            f" for {quantity} at {precision}, expected at least one of each"
        )
    # A front end's layers do not depend on the other dimensions: take these from any whole net.
    others = wholes[0][0].choices
    frontend_rows = [
        layer_features(_layers(_architecture(space, {**others, **choices}), "frontend"))
        for choices in (dict(key) for key in measured)
    ]
    frontend = fit_costs(frontend_rows, list(measured.values()))
    whole = fit_costs(
        [whole_features(architecture, measured, frontend) for architecture, _ in wholes],
        [figure for _, figure in wholes],
    )
    unseen = _wholes(space, held_out, quantity, precision)
    judged = None
    if len(unseen) >= 2:
        features = [whole_features(architecture, measured, frontend) for architecture, _ in unseen]
        judged = judge_predictions(
            [predict_cost(row, whole) for row in features], [figure for _, figure in unseen]
        )
    return Fit(quantity, precision, frontend, whole, judged)


def measured_frontends(
    pieces: Sequence[Piece], quantity: Quantity, precision: Precision
) -> dict[FrontEndKey, float]:
    """Measured figure of each front end, by its choices."""
    figures = {}
    for piece in pieces:
        figure = piece.figure(quantity, precision)
        if piece.part == "frontend" and figure is not None:
            figures[frontend_key(piece.choices)] = figure
    return figures


def _wholes(
    space: SpaceSpec, pieces: Sequence[Piece], quantity: Quantity, precision: Precision
) -> list[tuple[Architecture, float]]:
    figures = ((piece, piece.figure(quantity, precision)) for piece in pieces)
    return [
        (_architecture(space, piece.choices), figure)
        for piece, figure in figures
        if piece.part == "whole" and figure is not None
    ]


def frontend_key(choices: Mapping[str, Choice]) -> FrontEndKey:
    """By which the figure of a front end is known."""
    return tuple((name, choices[name]) for name in FRONTEND_DIMENSIONS)


def _architecture(space: SpaceSpec, choices: Mapping[str, Choice]) -> Architecture:
    return Architecture(space.name, space.version, choices).validate(space)


def _layers(architecture: Architecture, part: str) -> list[Layer]:
    return [layer for layer in layer_descriptors(architecture) if layer.part == part]


def whole_features(
    architecture: Architecture,
    measured: dict[FrontEndKey, float],
    frontend: dict[str, float],
    num_outputs: int = NUM_COUNTS,
) -> dict[str, float]:
    """Features of a whole net.

    Args:
        architecture: of the net.
        measured: cost of the front ends measured alone.
        frontend: coefficients for those that were not.
        num_outputs: of its head; the nets that a table measures have one per count.
    """
    layers = layer_descriptors(architecture, num_outputs)
    figure = measured.get(frontend_key(architecture.choices))
    if figure is None:
        figure = predict_cost(layer_features([x for x in layers if x.part == "frontend"]), frontend)
    trunk = layer_features([layer for layer in layers if layer.part == "trunk"])
    return {**trunk, "frontend": figure, "call": 1.0}
