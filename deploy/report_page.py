"""What the sections of the report are made of, and how they become one HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from deploy.report_figures import Figure
from deploy.report_reader import Missing

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Table:
    """Rows of text under a header."""

    caption: str
    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


@dataclass(frozen=True)
class Section:
    """A part of the page; ``folded`` holds further figures under a title, closed at first."""

    id: str
    title: str
    lead: str
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    folded: Sequence[tuple[str, Sequence[Figure]]] = ()
    missing: Sequence[Missing] = ()


@dataclass(frozen=True)
class Card:
    """A headline figure."""

    title: str
    value: str
    note: str


@dataclass(frozen=True)
class Page:
    """The whole report."""

    title: str
    subtitle: str
    cards: Sequence[Card]
    sections: Sequence[Section]
    footer: str


def render(page: Page) -> str:
    """One self-contained HTML document: style and pictures are within, nothing is fetched."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    style = Markup((TEMPLATES / "report.css").read_text(encoding="utf-8"))
    return environment.get_template("report.html").render(page=page, style=style)
