"""Recordings to training, validation and test: by speaker where that is known, and said if not."""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from lightning_modules.recordings_alike import check_sounds, together
from lightning_modules.recordings_item import Item, differently_spelled
from lightning_modules.splits import SPLITS, Split
from search_spaces.errors import UserError
from search_spaces.files import sha256_text

ValidationBy = Literal["speaker", "recording"]
TEST_SHARE, VALIDATION_SHARE = 0.2, 0.1  # of the recordings
MIN_SPEAKERS = 3


@dataclass
class Splits:
    """Places of the recordings of each split, and lines that a user should read.

    Attributes:
        places: by split.
        remarks: one line each.
        by_speaker: whether the test's speakers are in no other split, as far as recordings name
            theirs; of labelled ones all must.
    """

    places: dict[Split, list[int]] = field(default_factory=lambda: {name: [] for name in SPLITS})
    remarks: list[str] = field(default_factory=list)
    by_speaker: bool = True


def add_split_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--test-speakers`` and ``--validation-by``; see `split_recordings`."""
    parser.add_argument(
        "--test-speakers",
        nargs="+",
        default=[],
        metavar="SPEAKER",
        help="whose recordings are the test (default: a fifth of the speakers)",
    )
    parser.add_argument(
        "--validation-by",
        choices=get_args(ValidationBy),
        default="speaker",
        help="whole speakers, or recordings of those that train (default: speaker)",
    )


def split_recordings(
    items: Sequence[Item],
    digests: Sequence[str],
    test_speakers: Sequence[str] = (),
    validation_by: ValidationBy = "speaker",
) -> Splits:
    """Split by the CSV's column, else by speaker, else by recording with every class in each.

    What depends on chance depends on names and sounds alone: the same recordings are split alike.

    Args:
        items: the recordings.
        digests: of their sounds.
        test_speakers: whose recordings are the test; none for a share of the speakers.
        validation_by: whether validation takes whole speakers from training, as the test does, or
            recordings of the training speakers, where these are too few to spare one.

    Raises:
        UserError: no such speaker, or one though the CSV says the test; an unlabelled recording of
            a speaker of the test that is to train; a class that training lacks, too few recordings
            of a class, or one sound in two splits or with two labels.
    """
    check_sounds(items, digests)
    digests = together(items, digests)
    splits = Splits()
    if any(item.split for item in items):
        if test_speakers:
            raise UserError(
                "test_speakers: given, but the CSV's column split says what the test is; drop one"
            )
        _by_column(items, splits)
    else:
        _test_from(items, digests, test_speakers, splits)
    if not splits.places["validation"]:
        _validation_from(items, digests, validation_by, splits)
    check_splits(items, digests, splits)
    _judge_speakers(items, splits)
    _judge_classes(items, splits)
    return splits


def _judge_speakers(items: Sequence[Item], splits: Splits) -> None:
    """Find out whether the test is of new speakers, and say so if not."""
    for one, other in differently_spelled(item.speaker for item in items if item.speaker):
        splits.remarks.append(
            f"speakers {one!r} and {other!r} differ in spelling only: if they are one person, give"
            " them one name, or that person may be in two splits"
        )
    test = _speakers(items, splits.places["test"])
    others = [*splits.places["train"], *splits.places["validation"]]
    labelled = test | _speakers(items, others)
    shared = sorted(test & {items[place].speaker for place in others})
    splits.by_speaker = "" not in labelled and not shared
    if not test:
        return
    why = f"speakers {', '.join(shared[:3])} are in other splits, too"
    if not splits.by_speaker:
        splits.remarks.append(
            f"the test is not of new speakers ({why if shared else 'some have no speaker'}):"
            " figures will look better than on new ones"
        )
        return
    # Noise has no speaker, so this alone is no leak.
    unknown = sum(items[place].speaker is None for place in splits.places["train"])
    if unknown:
        splits.remarks.append(
            f"{unknown} unlabelled recordings that train name no speaker: if they are of the"
            " test's speakers, figures will look better than on new ones"
        )


def _judge_classes(items: Sequence[Item], splits: Splits) -> None:
    """Say which classes are not judged: whole speakers may take none of one along."""
    classes = {
        split: {label for place in places for label in items[place].labels}
        for split, places in splits.places.items()
    }
    for split in SPLITS[1:]:
        missing = sorted(classes["train"] - classes[split])
        if missing and classes[split]:
            named = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
            splits.remarks.append(
                f"{split} has no recording of {len(missing)} of {len(classes['train'])} classes"
                f" ({named}): its figures say nothing of them"
            )


def check_splits(items: Sequence[Item], digests: Sequence[str], splits: Splits) -> None:
    """Refuse a sound in two splits, and a class that training or validation lacks.

    Raises:
        UserError: naming the recordings or the class.
    """
    home: dict[str, tuple[Split, Item]] = {}
    classes: dict[Split, set[str]] = {name: set() for name in SPLITS}
    for split, places in splits.places.items():
        for place in places:
            item = items[place]
            classes[split].update(item.labels)
            first, other = home.setdefault(digests[place], (split, item))
            if first != split:
                raise UserError(
                    f"root: {other.name} ({first}) and {item.name} ({split}) are the same sound, or"
                    " overlap, in two splits; remove one, or give both one speaker"
                )
    for split in ("test", "validation"):
        for name in sorted(classes[split] - classes["train"]):
            raise UserError(
                f"root: class {name!r} has recordings in {split} but none in train; add some of"
                " other speakers, or move one by the CSV's column split"
            )
    if not splits.places["validation"] or not classes["validation"]:
        raise UserError("root: no labelled recording is left for validation; label more")


def _by_column(items: Sequence[Item], splits: Splits) -> None:
    for place, item in enumerate(items):
        if item.labels and item.split is None:
            raise UserError(
                f"root: {item.name}: has no split, though others have; fill the column or drop it"
            )
        splits.places[item.split or "train"].append(place)
    _keep_from_training(items, splits)
    if not any(items[place].labels for place in splits.places["test"]):
        splits.remarks.append(
            "the CSV's column split marks no labelled recording as test: figures will be of"
            " validation alone, which also chooses"
        )


def _keep_from_training(items: Sequence[Item], splits: Splits) -> None:
    """Move unlabelled recordings of speakers who only test, or validate, there; none is used there.

    Raises:
        UserError: the CSV gives a recording of a speaker of the test to another split. It may let
            one of a speaker who validates train.
    """
    held = _unlabelled_of(items, splits, "test")
    for item in (items[place] for place in held):
        if item.split is not None:
            raise UserError(
                f"root: {item.name}: the CSV's column split says {item.split}, but its speaker"
                f" {item.speaker} is of the test; leave the column empty there, and it is not used"
            )
    _hold(splits, held, "test")
    held = _unlabelled_of(items, splits, "validation")
    free = [place for place in held if items[place].speaker and items[place].split is None]
    _hold(splits, free, "validation")


def _unlabelled_of(items: Sequence[Item], splits: Splits, split: Split) -> list[int]:
    """Places of unlabelled training recordings of speakers of ``split``.

    Not of speakers whose labelled recordings train: these are not new to the net anyway.
    """
    train = splits.places["train"]
    new = _speakers(items, splits.places[split]) - _speakers(items, train)
    return [place for place in train if not items[place].labels and items[place].speaker in new]


def _hold(splits: Splits, held: Sequence[int], split: Split) -> None:
    if held:
        splits.remarks.append(_not_used(len(held), split))
        _move(splits, splits.places["train"], [*splits.places[split], *held], split)


def _not_used(number: int, split: Split = "test") -> str:
    return f"{number} unlabelled recordings are not used: they are of speakers of the {split}"


def _test_from(
    items: Sequence[Item], digests: Sequence[str], test_speakers: Sequence[str], splits: Splits
) -> None:
    speakers = sorted({item.speaker for item in items if item.speaker})
    unknown = sorted(set(test_speakers) - set(speakers))
    if unknown:
        raise UserError(
            f"test_speakers: {', '.join(unknown)}: no such speaker; there are"
            f" {', '.join(speakers[:20]) or 'none known'}"
        )
    labelled = sorted(_speakers(items, range(len(items))))  # those of others test nothing
    known = "" not in labelled
    if test_speakers and not set(test_speakers) & set(labelled):
        raise UserError(
            f"test_speakers: {', '.join(test_speakers)}: no labelled recording is theirs; there are"
            f" some of {', '.join(name for name in labelled[:20] if name) or 'no known speaker'}"
        )
    if test_speakers or (known and len(labelled) >= MIN_SPEAKERS):
        chosen = set(test_speakers) or set(_share(items, labelled, TEST_SHARE))
        taken = [place for place, item in enumerate(items) if item.speaker in chosen]
        unused = sum(not items[place].labels for place in taken)
        if unused:
            splits.remarks.append(_not_used(unused))
    else:
        why = "no speaker or source is known for all of them"
        if known:
            why = f"only {len(labelled)} speakers are known, {MIN_SPEAKERS} would be needed"
        splits.remarks.append(f"recordings are split at random, not by speaker: {why}")
        splits.by_speaker = False
        taken = _of_each_class(items, digests, range(len(items)), TEST_SHARE, "test")
    _move(splits, range(len(items)), taken, "test")


def _validation_from(
    items: Sequence[Item], digests: Sequence[str], by: ValidationBy, splits: Splits
) -> None:
    train = splits.places["train"]
    share = VALIDATION_SHARE / (1.0 - TEST_SHARE)
    speakers = sorted(_speakers(items, train))
    if by == "speaker" and splits.by_speaker and "" not in speakers and len(speakers) > 1:
        chosen = set(_share([items[place] for place in train], speakers, share))
        taken = [place for place in train if items[place].speaker in chosen]
    else:
        if splits.by_speaker:
            splits.remarks.append("validation is not by speaker: it is of training speakers, too")
        taken = _of_each_class(items, digests, train, share, "validation")
    _move(splits, list(train), taken, "validation")


def _speakers(items: Sequence[Item], places: Iterable[int]) -> set[str]:
    """Of labelled recordings; an unknown one is empty."""
    return {items[place].speaker or "" for place in places if items[place].labels}


def _move(splits: Splits, of: Iterable[int], taken: Sequence[int], split: Split) -> None:
    inside = set(taken)
    splits.places["train"] = [place for place in of if place not in inside]
    splits.places[split] = sorted(inside)


def _share(items: Sequence[Item], speakers: Sequence[str], share: float) -> list[str]:
    """Speakers, in the order of their hashes, who have about ``share`` of the labelled items."""
    recordings: defaultdict[str, int] = defaultdict(int)
    for item in items:
        if item.speaker and item.labels:
            recordings[item.speaker] += 1
    chosen: list[str] = []
    wanted, found = share * sum(recordings[name] for name in speakers), 0
    for speaker in sorted(speakers, key=sha256_text)[:-1]:
        if chosen and found + recordings[speaker] / 2 > wanted:
            break
        chosen.append(speaker)
        found += recordings[speaker]
    return chosen


def _of_each_class(
    items: Sequence[Item],
    digests: Sequence[str],
    among: Iterable[int],
    share: float,
    split: Split,
) -> list[int]:
    """About ``share`` of the sounds of every class, at least one; equal sounds stay together."""
    by_class: dict[str, dict[str, list[int]]] = {}
    for place in among:
        if items[place].labels:
            sounds = by_class.setdefault(items[place].labels[0], {})
            sounds.setdefault(digests[place], []).append(place)
    taken = []
    for name, sounds in sorted(by_class.items()):
        least = 3 if split == "test" else 2
        if len(sounds) < least:
            several = any(len(places) > 1 for places in sounds.values())
            alike = " (equal sounds, and stretches that overlap, are one)" if several else ""
            raise UserError(
                f"root: class {name!r} has {len(sounds)} different recordings left for train and"
                f" {split}, expected at least {least}; record more, or remove the class{alike}"
            )
        number = max(1, round(share * len(sounds)))
        hashed = sorted((sha256_text(f"{split}/{digest}"), digest) for digest in sounds)
        for _, digest in hashed[:number]:
            taken += sounds[digest]
    return taken
