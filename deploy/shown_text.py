"""Names as people are shown them: those of files need not be UTF-8, and may hold any sign."""

from __future__ import annotations


def shown(text: str) -> str:
    r"""A text that UTF-8 can hold: a byte that Python carries as a surrogate becomes ``\udce9``."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def plot_text(text: str) -> str:
    """A text for matplotlib, which would set what stands between two dollars as a formula."""
    return shown(text).replace("$", r"\$")
