"""Which recordings are one sound: they stay together, and have one label."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from lightning_modules.recordings_item import Item
from search_spaces.errors import UserError
from search_spaces.files import real_path


def check_sounds(items: Sequence[Item], digests: Sequence[str]) -> None:
    """Refuse one sound with two labels.

    Raises:
        UserError: naming both recordings and labels.
    """
    seen: dict[str, Item] = {}
    for item, digest in zip(items, digests, strict=True):
        first = seen.setdefault(digest, item)
        if item.labels and not first.labels:
            seen[digest] = first = item
        if item.labels and set(first.labels) != set(item.labels):
            raise UserError(
                f"root: {first.name} and {item.name} are the same sound, labelled"
                f" {';'.join(first.labels)} and {';'.join(item.labels)}; mend one"
            )


def together(items: Sequence[Item], digests: Sequence[str]) -> list[str]:
    """The digests, made equal where stretches of one recording overlap, and so all along a chain.

    A stretch that overlaps with a second, whose sound is there under a third name, is one with all.
    """
    if all(item.start_s == 0 and item.end_s is None for item in items):
        return list(digests)
    by_path: defaultdict[Path, list[int]] = defaultdict(list)
    for place, item in enumerate(items):
        by_path[real_path(item.path)].append(place)  # a CSV may spell it in several ways
    pairs = []
    for places in by_path.values():
        first, reached_s = places[0], -math.inf
        for place in sorted(places, key=lambda place: items[place].start_s):
            item = items[place]
            if item.start_s >= reached_s:
                first = place
            pairs.append((digests[first], digests[place]))
            reached_s = max(reached_s, math.inf if item.end_s is None else item.end_s)
    return joined(digests, pairs)


def joined(names: Sequence[str], pairs: Iterable[tuple[str, str]]) -> list[str]:
    """The names, those that pairs link made equal, by however many pairs; others stay."""
    of: dict[str, str] = {}

    def first(name: str) -> str:
        while of.get(name, name) != name:
            of[name] = of.get(of[name], of[name])  # a shorter way for the next one
            name = of[name]
        return name

    for one, other in pairs:
        of[first(other)] = first(one)
    return [first(name) for name in names]
