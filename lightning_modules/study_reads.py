"""How often the test clips were read, and by what: `test_reads.csv`."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from search_spaces.errors import full_disk_named
from search_spaces.files import whole_lines

READS = "test_reads.csv"
COLUMNS = ("time", "row", "net", "precision", "clips")


def note_read(out: Path, row: str, net: str, precision: str, clips: str) -> None:
    """Write down that a net is about to hear all clips of a test, by its name, before it does.

    An evaluation that is killed and made again counts twice: it was read twice.
    """
    path = out / READS
    begun = bool(whole_lines(path))  # a full disk leaves a line that is cut, or a file of none
    with full_disk_named(path), path.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        if not begun:
            writer.writerow(COLUMNS)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        writer.writerow([now, row, net, precision, clips])


def count_reads(out: Path) -> dict[str, tuple[int, int]]:
    """Times that each folder of test clips was read, and by how many rows."""
    path = out / READS
    content = path.read_text(encoding="utf-8") if path.exists() else ""
    whole = io.StringIO(content[: content.rfind("\n") + 1], newline="")
    # One that was begun on a full disk has no first line of names.
    lines = [line for line in csv.reader(whole) if len(line) == len(COLUMNS)]
    reads = [(clips, row) for _, row, _, _, clips in lines if clips != COLUMNS[-1]]
    times = Counter(clips for clips, _ in reads)
    pairs = Counter(clips for clips, _ in {*reads})
    return {clips: (times[clips], pairs[clips]) for clips in sorted(times)}
