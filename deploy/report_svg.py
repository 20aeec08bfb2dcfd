"""Small charts as inline SVG; their colours come from the page's style sheet, hence its theme."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

from markupsafe import Markup

WIDTH, HEIGHT = 560, 320  # user units; the page scales the picture
LEFT, RIGHT, TOP, BOTTOM = 62, 16, 14, 48


@dataclass(frozen=True)
class Axis:
    """A scale with its ticks.

    Attributes:
        label: what is shown, with its unit.
        low: value at the left or bottom end.
        high: value at the right or top end.
        ticks: values that are labelled.
        names: texts of the ticks; the values themselves where empty.
        log: logarithmic scale.
    """

    label: str
    low: float
    high: float
    ticks: tuple[float, ...]
    names: tuple[str, ...] = ()
    log: bool = False

    def share(self, value: float) -> float:
        """Place of a value on the axis, 0 at its low end and 1 at its high end."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def tick_names(self) -> Iterable[tuple[float, str]]:
        """Each tick's value and text."""
        return zip(self.ticks, self.names or map("{:g}".format, self.ticks), strict=True)


def linear_axis(label: str, values: Iterable[float], low: float | None = 0.0) -> Axis:
    """An axis with round ticks around ``values``; it begins at ``low`` unless that is None."""
    known = list(values)
    bottom = min(known) if low is None else low
    top = max([*known, bottom])
    # Values that differ by a rounding alone get an axis all the same.
    least = 1e-9 * max(abs(bottom), abs(top))
    step = _round_step(max((top - bottom) / 5, least) if top > bottom else abs(top) / 5 or 0.2)
    first, last = math.floor(bottom / step + 1e-9), math.ceil(top / step - 1e-9)
    ticks = tuple(float(f"{at * step:.12g}") for at in range(first, max(last, first + 1) + 1))
    return Axis(label, ticks[0], ticks[-1], ticks)


def log_axis(label: str, values: Iterable[float]) -> Axis:
    """A logarithmic axis around positive ``values`` with ticks at 1, 2 and 5."""
    known = list(values)
    low, high = min(known) / 1.15, max(known) * 1.15
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    marks = [digit * 10.0**exponent for exponent in exponents for digit in (1, 2, 5)]
    ticks = tuple(float(f"{mark:.3g}") for mark in marks if low <= mark <= high)
    return Axis(label, low, high, ticks, log=True)


def category_axis(label: str, names: Sequence[str]) -> Axis:
    """Names at 0, 1, 2..., each in the middle of its share of the axis."""
    return Axis(label, -0.5, len(names) - 0.5, tuple(range(len(names))), tuple(names))


def _round_step(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return power * min(digit for digit in (1, 2, 5, 10) if digit * power >= step * (1 - 1e-9))


@dataclass
class Chart:
    """Marks over two axes; each method adds one kind of mark, `svg` gives the picture.

    ``style`` is a class of the style sheet: ``c1``..``c4`` for series, ``faint`` for background.
    """

    x: Axis
    y: Axis
    _marks: list[str] = field(default_factory=list)

    def points(
        self,
        places: Iterable[tuple[float, float]],
        style: str,
        notes: Iterable[str],
        radius: float = 5,
    ) -> None:
        """Dots; each note shows on hover."""
        for (x, y), note in zip(places, notes, strict=True):
            self._marks.append(
                f'<circle class="{style}" cx="{self._x(x):.1f}" cy="{self._y(y):.1f}"'
                f' r="{radius:g}"><title>{escape(note)}</title></circle>'
            )

    def line(self, places: Iterable[tuple[float, float]], style: str) -> None:
        """Straight lines from place to place."""
        path = " ".join(f"{self._x(x):.1f},{self._y(y):.1f}" for x, y in places)
        self._marks.append(f'<polyline class="line {style}" points="{path}"/>')

    def intervals(self, intervals: Iterable[tuple[float, float, float]], style: str) -> None:
        """Vertical bars from low to high: (x, low, high)."""
        for x, low, high in intervals:
            self._marks.append(
                f'<line class="interval {style}" x1="{self._x(x):.1f}" x2="{self._x(x):.1f}"'
                f' y1="{self._y(low):.1f}" y2="{self._y(high):.1f}"/>'
            )

    def bars(
        self, bars: Iterable[tuple[float, float, float, float]], style: str, notes: Iterable[str]
    ) -> None:
        """Filled rectangles (x low, x high, y low, y high); each note shows on hover."""
        for (x_low, x_high, y_low, y_high), note in zip(bars, notes, strict=True):
            left, right = self._x(x_low), self._x(x_high)
            top, bottom = self._y(y_high), self._y(y_low)
            self._marks.append(
                f'<rect class="{style}" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}"'
                f' height="{bottom - top:.1f}"><title>{escape(note)}</title></rect>'
            )

    def image(self, png: bytes, x_high: float, y_high: float) -> None:
        """A picture from the origin of both axes to (x high, y high), stretched to fit."""
        left, top = self._x(self.x.low), self._y(y_high)
        width, height = self._x(x_high) - left, self._y(self.y.low) - top
        data = base64.b64encode(png).decode("ascii")
        self._marks.append(
            f'<image x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}"'
            f' preserveAspectRatio="none" href="data:image/png;base64,{data}"/>'
        )

    def rule(self, x: float, name: str, style: str, row: int = 0) -> None:
        """A vertical line with its name beside its top; ``row`` keeps names apart."""
        at = self._x(x)
        anchor, offset = ("end", -4) if at > WIDTH - 110 else ("start", 4)
        self._marks.append(
            f'<line class="rule {style}" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}"'
            f' y2="{HEIGHT - BOTTOM}"/>'
            f'<text class="note" x="{at + offset:.1f}" y="{TOP + 10 + 14 * row}"'
            f' text-anchor="{anchor}">{escape(name)}</text>'
        )

    def svg(self, alt: str) -> Markup:
        """The picture; ``alt`` says in words what it shows."""
        return picture(alt, "".join([*self._grid(), *self._marks]))

    def _grid(self) -> Iterable[str]:
        base, middle = HEIGHT - BOTTOM, (LEFT + WIDTH - RIGHT) / 2
        for value, name in self.y.tick_names():
            at = self._y(value)
            yield f'<path class="grid" d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}"/>'
            yield f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{escape(name)}</text>'
        for value, name in self.x.tick_names():
            yield (
                f'<text x="{self._x(value):.1f}" y="{base + 18}" text-anchor="middle">'
                f"{escape(name)}</text>"
            )
        yield f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{base}" y2="{base}"/>'
        yield (
            f'<text class="label" x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">'
            f"{escape(self.x.label)}</text>"
        )
        yield (
            f'<text class="label" transform="translate(14 {(TOP + base) / 2}) rotate(-90)"'
            f' text-anchor="middle">{escape(self.y.label)}</text>'
        )

    def _x(self, value: float) -> float:
        return LEFT + self.x.share(value) * (WIDTH - LEFT - RIGHT)

    def _y(self, value: float) -> float:
        return HEIGHT - BOTTOM - self.y.share(value) * (HEIGHT - BOTTOM - TOP)


def heatmap(matrix: Sequence[Sequence[int]], names: Sequence[str], what: str, alt: str) -> Markup:
    """A confusion matrix, row = true; a cell's shade is its share of the row."""
    size = len(names)
    cell = (HEIGHT - TOP - BOTTOM) / size
    left = (WIDTH - cell * size) / 2
    parts = []
    for row, clips in enumerate(matrix):
        y = TOP + row * cell
        total = max(1, sum(clips))
        parts.append(
            f'<text x="{left - 8:.1f}" y="{y + cell / 2 + 4:.1f}" text-anchor="end">'
            f"{escape(names[row])}</text>"
            f'<text x="{left + (row + 0.5) * cell:.1f}" y="{HEIGHT - BOTTOM + 18}"'
            f' text-anchor="middle">{escape(names[row])}</text>'
        )
        for column, number in enumerate(clips):
            x, share = left + column * cell, number / total
            note = f"true {names[row]}, said {names[column]}: {number} of {sum(clips)}"
            parts.append(
                f'<rect class="cell" x="{x:.1f}" y="{y:.1f}" width="{cell - 1:.1f}"'
                f' height="{cell - 1:.1f}" fill-opacity="{share:.3f}">'
                f"<title>{escape(note)}</title></rect>"
            )
            if number:
                style = "on-dark" if share > 0.5 else "on-light"
                parts.append(
                    f'<text class="{style}" x="{x + cell / 2:.1f}" y="{y + cell / 2 + 4:.1f}"'
                    f' text-anchor="middle">{number}</text>'
                )
    parts.append(
        f'<text class="label" x="{WIDTH / 2}" y="{HEIGHT - 8}" text-anchor="middle">'
        f"said {escape(what)}</text>"
        f'<text class="label" transform="translate({left - 52:.1f} {(HEIGHT - BOTTOM + TOP) / 2})'
        f' rotate(-90)" text-anchor="middle">true {escape(what)}</text>'
    )
    return picture(alt, "".join(parts))


def picture(alt: str, content: str) -> Markup:
    """Wrap marks into an SVG element that screen readers announce as ``alt``."""
    return Markup(
        f'<svg role="img" viewBox="0 0 {WIDTH} {HEIGHT}" aria-label="{escape(alt)}">{content}</svg>'
    )
