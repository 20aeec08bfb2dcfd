"""How often the test clips were read, and by what: `test_reads.csv`."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

READS = "test_reads.csv"
COLUMNS = ("time", "row", "net", "precision", "clips")


def note_read(out: Path, row: str, net: str, precision: str, clips: str) -> None:
    """Write down that a net is about to hear all clips of a test, by its name, before it does.

    An evaluation that is killed and made again counts twice: it was read twice.
    """
    path = out / READS
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        if new:
            writer.writerow(COLUMNS)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        writer.writerow([now, row, net, precision, clips])


def count_reads(out: Path) -> dict[str, tuple[int, int]]:
    """Times that each folder of test clips was read, and by how many rows."""
    path = out / READS
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    times = Counter(row["clips"] for row in rows)
    pairs = Counter(clips for clips, _ in {(row["clips"], row["row"]) for row in rows})
    return {clips: (times[clips], pairs[clips]) for clips in sorted(times)}
