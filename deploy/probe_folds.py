"""Which recordings train a probe and which test it: new speakers wherever that can be.

Letters: N recordings.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_modules.recordings_alike import joined
from lightning_modules.recordings_item import Item
from search_spaces.errors import UserError

MOST = 5  # folds


class Folds(NamedTuple):
    """Places that train and places that test, int64, of each fold; and in words, how chosen."""

    pairs: list[tuple[NDArray[np.int64], NDArray[np.int64]]]
    how: str


def make_folds(
    items: Sequence[Item],
    sounds: Sequence[str],
    labels: NDArray[np.str_],
    speakers: NDArray[np.str_] | None,
    seed: int,
) -> Folds:
    """The split that a CSV gives; else folds of whole speakers; else of recordings.

    With four speakers that is to leave out one after the other. Speakers who have a sound in common
    are taken for one. Where a label follows from the speaker (whose voice it is) there are no new
    speakers to test by, and folds are of recordings.

    Args:
        items: N recordings.
        sounds: of each [N]; equal ones, or overlapping stretches, have equal names and lie on one
            side.
        labels: of each [N].
        speakers: of each [N]; None where not all are known.
        seed: of the folds.

    Raises:
        UserError: a split without training or test recordings or with one sound in both, a class
            that a split's training lacks, a class of one recording, or too few recordings to train
            by.
    """
    folds = _chosen(items, np.array(sounds), labels, speakers, seed)
    _check_training(folds, labels)
    return folds


def _chosen(
    items: Sequence[Item],
    sounds: NDArray[np.str_],
    labels: NDArray[np.str_],
    speakers: NDArray[np.str_] | None,
    seed: int,
) -> Folds:
    if any(item.split for item in items):
        return _given(items, sounds, labels)
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    counts = np.unique(labels, return_counts=True)[1]
    people = None if speakers is None else _people(sounds, speakers)
    if people is not None and _several_speakers_each(labels, people):
        # scikit-learn refuses more folds than the largest class has recordings
        number = min(MOST, len(np.unique(people)), int(counts.max()))
        splitter = StratifiedGroupKFold(number, shuffle=True, random_state=seed)
        with warnings.catch_warnings():
            # of a class that is not in the test of every fold, which does no harm
            warnings.filterwarnings("ignore", "The least populated class", UserWarning)
            pairs = list(splitter.split(labels, labels, people))
        return Folds(pairs, f"on new speakers, {number} folds")
    _, first = np.unique(sounds, return_index=True)
    names, different = np.unique(labels[first], return_counts=True)
    least, rarest = int(different.min()), str(names[different.argmin()])
    if least < 2:
        raise UserError(
            f"class {rarest!r} has one recording, expected at least two: one to train the probe,"
            " one to test it"
        )
    number = min(MOST, least)
    if len(first) == len(sounds):  # groups, which it ignores, it would warn of
        groups, kind = None, StratifiedKFold
    else:
        groups, kind = sounds, StratifiedGroupKFold
    splitter = kind(number, shuffle=True, random_state=seed)
    pairs = list(splitter.split(labels, labels, groups))
    why = "no speakers are known" if speakers is None else "the label tells the speaker"
    if speakers is not None and _several_speakers_each(labels, speakers):
        why = "speakers have sounds in common"
    return Folds(pairs, f"on other recordings, {number} folds ({why})")


def _check_training(folds: Folds, labels: NDArray[np.str_]) -> None:
    """Refuse training that leaves a classifier nothing to tell apart, or no spread to tell it by.

    Nor may it lack a class that is tested: every recording of it would count as an error.

    Raises:
        UserError: naming what there is.
    """
    for train, test in folds.pairs:
        classes = len(np.unique(labels[train]))
        if classes < 2 or len(train) <= classes:
            raise UserError(
                f"holds too few recordings: tested {folds.how}, a probe is trained on"
                f" {len(train)} recordings of {classes} classes, expected at least two classes and"
                " more recordings than classes; add some"
            )
        if missing := _unlearned(labels, train, test):
            raise UserError(
                f"class {missing[0]!r} has too few speakers: tested {folds.how}, a fold's probe"
                " would not learn it; add recordings of others, or leave the class out"
            )


def _unlearned(
    labels: NDArray[np.str_], train: NDArray[np.int64], test: NDArray[np.int64]
) -> list[str]:
    """The classes that are tested and not trained."""
    return sorted(map(str, set(labels[test]) - set(labels[train])))


def _people(sounds: NDArray[np.str_], speakers: NDArray[np.str_]) -> NDArray[np.str_]:
    """The speakers [N], those with a sound in common taken for one, under one name."""
    by_sound: dict[str, str] = {}
    pairs = {
        (by_sound.setdefault(str(sound), str(speaker)), str(speaker))
        for sound, speaker in sorted(zip(sounds, speakers, strict=True))
    }
    return np.array(joined(list(map(str, speakers)), sorted(pairs)))


def _several_speakers_each(labels: NDArray[np.str_], speakers: NDArray[np.str_]) -> bool:
    return all(len(np.unique(speakers[labels == name])) > 1 for name in np.unique(labels))


def _given(items: Sequence[Item], sounds: NDArray[np.str_], labels: NDArray[np.str_]) -> Folds:
    of = np.array([item.split or "train" for item in items])
    train, test = np.flatnonzero(of != "test"), np.flatnonzero(of == "test")
    if not len(train) or not len(test):
        raise UserError(
            f"its column split names {len(train)} recordings to train and {len(test)} to test,"
            " expected some of each"
        )
    if missing := _unlearned(labels, train, test):
        raise UserError(f"class {missing[0]!r} is in the test only; its probe cannot learn it")
    known = {sounds[place]: items[place].name for place in train.tolist()}
    both = next((place for place in test.tolist() if sounds[place] in known), None)
    if both is not None:
        raise UserError(
            f"{items[both].name} is in the test, and so is its sound in the training"
            f" ({known[sounds[both]]}); leave out one"
        )
    return Folds([(train, test)], "on the split of the CSV")
