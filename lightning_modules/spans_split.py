"""Which recordings of a table of spans validate, and which train."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from lightning_modules.labels import VALIDATION_SHARE
from lightning_modules.spans import Span
from search_spaces.errors import UserError
from search_spaces.files import sha256_text

_LARGEST_VALIDATION_SHARE = 0.35  # no recording may make it more, if a smaller one can do


def validation_names(spans: Mapping[str, Sequence[Span]], clips: Mapping[str, int]) -> set[str]:
    """The recordings for validation: those that the table names, or about 20 % of the clips.

    Args:
        spans: of each recording.
        clips: labelled clips of each recording.

    Raises:
        UserError: rows that disagree about a recording's use, or recordings that cannot be split.
    """
    uses = {name: _use_of(members) for name, members in spans.items()}
    labelled = [name for name in spans if clips[name]]
    named = {name for name in labelled if uses[name] == "validation"}
    if any(uses.values()):
        missing = next((name for name in labelled if uses[name] is None), None)
        if missing is not None:
            where = spans[missing][0].where
            raise UserError(f"{where}: use: nothing, but other recordings have one; fill it in")
        if not named or named == set(labelled):
            raise UserError(
                "data.recordings: column use gives all labelled recordings to"
                f" {'validation' if named else 'train'}; both need at least one"
            )
        return named
    if len(labelled) < 2:
        raise UserError(
            f"data.recordings: {labelled[0]} is the only labelled recording; training and"
            " validation need one each: label another, or cut it in two files"
        )
    return _drawn({name: clips[name] for name in labelled})


def _drawn(clips: Mapping[str, int]) -> set[str]:
    """Recordings in the order of their names' hashes until they hold a fifth of all clips."""
    total, held = sum(clips.values()), 0
    drawn: set[str] = set()
    ordered = sorted(clips, key=sha256_text)
    for name in ordered:
        fits = held + clips[name] <= _LARGEST_VALIDATION_SHARE * total
        if held < VALIDATION_SHARE * total and fits:
            drawn.add(name)
            held += clips[name]
    return drawn or {min(ordered, key=lambda name: clips[name])}


def _use_of(spans: Sequence[Span]) -> str | None:
    known = [span for span in spans if span.use is not None]
    for earlier, later in pairwise(known):
        if earlier.use != later.use:
            raise UserError(
                f"{later.where}: use: {later.use}, but {earlier.where} has {earlier.use} for the"
                f" same recording {later.name}; a recording is in one of them only"
            )
    return known[0].use if known else None


def check_uses(
    by_name: Mapping[str, Sequence[Span]], digests: Sequence[str], validation: set[str]
) -> None:
    """Refuse one sound, under two names, in both training and validation.

    Args:
        by_name: spans of each recording.
        digests: of the recordings' sounds, in the same order.
        validation: names of the recordings that validate.

    Raises:
        UserError: naming both recordings and their uses.
    """
    first: dict[str, str] = {}
    for digest, (name, members) in zip(digests, by_name.items(), strict=True):
        other = first.setdefault(digest, name)
        if (name in validation) != (other in validation):
            uses = ["validation" if one in validation else "train" for one in (name, other)]
            raise UserError(
                f"{members[0].where}: {name} ({uses[0]}) is the same sound as {other} ({uses[1]});"
                " remove one, or give both one use"
            )
