"""The label budget as a file: which clips are labelled, with what, and by whom (`labels.csv`)."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from tqdm import tqdm

from search_spaces.clip import MAX_COUNT
from search_spaces.errors import UserError
from search_spaces.files import atomic_path

VALIDATION_SHARE = 0.2  # of the budget and of the pool
GENERATOR = "generator"
CountOf = Callable[[int], int]

_DIGITS = 20  # of the largest seed; int() refuses thousands

_CHECKED_COUNTS = 16  # of each use, made again on a resume to see whether they are still the same


@dataclass(frozen=True)
class Label:
    """A row of `labels.csv`.

    Attributes:
        clip: name of the clip, ``<use>-<index>``.
        use: ``train`` or ``validation``; it is also the split of the clip's readers.
        protocol: how the clip is mixed.
        seed: seed of the mixtures.
        index: number of the clip in its split.
        lo: the count is at least this.
        hi: the count is at most this; equal to ``lo`` where the count itself is known.
        labelled_by: ``generator``, or whoever edited the row.
    """

    clip: str
    use: str
    protocol: str
    seed: int
    index: int
    lo: int
    hi: int
    labelled_by: str


COLUMNS = tuple(field.name for field in fields(Label))


@dataclass(frozen=True)
class Budget:
    """How many clips exist and how many of them are labelled, per use.

    The pool stands for the recordings that an application has collected: a fixed number of clips,
    most of them never labelled. Clips 0..labelled-1 of each use are the labelled ones, so a larger
    budget holds every label of a smaller one.
    """

    train_labelled: int
    validation_labelled: int
    train_pool: int

    @classmethod
    def of(
        cls, labelled_clips: int, pool_clips: int, validation_clips: int | None = None
    ) -> Budget:
        """Four fifths of the labels and of the pool for training, one fifth for validation.

        Args:
            labelled_clips: both uses together.
            pool_clips: labelled and unlabelled ones.
            validation_clips: another number of labels for validation.

        Raises:
            UserError: fewer than 2 labelled clips, or more than the pool holds; none left for
                training.
        """
        if labelled_clips < 2:
            raise UserError(
                f"labelled_clips: {labelled_clips}, expected at least 2, one of them for validation"
            )
        if labelled_clips > pool_clips:
            raise UserError(
                f"labelled_clips: {labelled_clips} is a label budget larger than the data, a"
                f" pool of {pool_clips} clips; lower it or raise pool_clips"
            )
        validation = max(1, round(labelled_clips * VALIDATION_SHARE))
        if validation_clips is not None:
            if not 1 <= validation_clips < labelled_clips:
                raise UserError(
                    f"validation_clips: {validation_clips} of {labelled_clips} labelled_clips,"
                    " expected at least 1 and fewer than all"
                )
            validation = validation_clips
        validation_pool = max(1, round(pool_clips * VALIDATION_SHARE))
        train = labelled_clips - validation
        return cls(train, validation, max(pool_clips - validation_pool, train))


def budget_labels(
    path: Path, budget: Budget, protocol: str, seed: int, train: CountOf, validation: CountOf
) -> list[Label]:
    """Draw the budget's labels and write them to ``path``; if it is there, read and verify it.

    The counts and ``labelled_by`` of an existing file may have been edited (a person who only knew
    the level gives lo < hi); the clips in it, and the counts of rows by ``generator``, may not.

    Args:
        path: `labels.csv`.
        budget: how many labels of each use.
        protocol: name of the protocol.
        seed: seed of the mixtures.
        train: count of a labelled clip of the training readers, by its number.
        validation: the same of the validation readers.

    Raises:
        UserError: ``path`` is not such a file, or belongs to another budget or other speech.
    """
    uses = {
        "train": (budget.train_labelled, train),
        "validation": (budget.validation_labelled, validation),
    }
    clips = [(use, index) for use, (number, _) in uses.items() for index in range(number)]
    if not path.exists():
        labels = [
            _draw(use, uses[use][1], protocol, seed, index)
            for use, index in tqdm(clips, desc="Labelling clips", leave=False)
        ]
        write_labels(path, labels)
        return labels
    labels = read_labels(path)
    wanted = [(_name(use, index), use, protocol, seed, index) for use, index in clips]
    found = [(row.clip, row.use, row.protocol, row.seed, row.index) for row in labels]
    if found != wanted:
        raise UserError(
            f"{path}: holds {len(found)} labels of another budget, protocol or seed than asked for"
            f" ({len(wanted)} of {protocol}, seed {seed}); ask for the same, or delete it"
        )
    for row in _to_check(labels):
        if row != _draw(row.use, uses[row.use][1], protocol, seed, row.index):
            raise UserError(
                f"{path}: {row.clip} has another count than the speech gives now; the speech has"
                f" changed since (or the row was edited: then set labelled_by); delete it to redraw"
            )
    return labels


def _to_check(labels: Sequence[Label]) -> list[Label]:
    """Some of the generator's rows, evenly from the first to the last of each use."""
    chosen: list[Label] = []
    for use in ("train", "validation"):
        rows = [row for row in labels if row.use == use and row.labelled_by == GENERATOR]
        number = min(len(rows), _CHECKED_COUNTS)
        chosen += [rows[at * (len(rows) - 1) // max(1, number - 1)] for at in range(number)]
    return chosen


def write_labels(path: Path, labels: Sequence[Label]) -> None:
    """Write `labels.csv`, atomically."""
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(label) for label in labels)


def read_labels(path: Path) -> list[Label]:
    """Read `labels.csv`.

    Raises:
        UserError: missing, other columns, or a value out of range, named by line and column.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            found = tuple(reader.fieldnames or ())
            if found != COLUMNS:
                raise UserError(f"{path}: columns {','.join(found)}; expected {','.join(COLUMNS)}")
            return [_parse(path, line, row) for line, row in enumerate(reader, start=2)]
    except (FileNotFoundError, IsADirectoryError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read as labels.csv ({error})") from None


def _parse(path: Path, line: int, row: dict[str, str]) -> Label:
    numbers = {}
    for column in ("seed", "index", "lo", "hi"):
        text = row[column] or ""
        if not text.isdecimal() or len(text) > _DIGITS:
            shown = text if len(text) <= _DIGITS else f"{text[:_DIGITS]}..."
            raise UserError(
                f"{path}: line {line}: {column}: {shown!r}, expected a whole number >= 0 of at most"
                f" {_DIGITS} digits"
            )
        numbers[column] = int(text)
    absent = [column for column in COLUMNS if row[column] is None]
    if absent:
        raise UserError(f"{path}: line {line}: {absent[0]}: is missing, the line is cut")
    if row["use"] not in ("train", "validation"):
        raise UserError(f"{path}: line {line}: use: {row['use']!r}, expected train or validation")
    if not numbers["lo"] <= numbers["hi"] <= MAX_COUNT:
        raise UserError(
            f"{path}: line {line}: lo {numbers['lo']}, hi {numbers['hi']};"
            f" expected 0 <= lo <= hi <= {MAX_COUNT}"
        )
    return Label(
        clip=row["clip"],
        use=row["use"],
        protocol=row["protocol"],
        labelled_by=row["labelled_by"],
        **numbers,
    )


def _draw(use: str, count_of: CountOf, protocol: str, seed: int, index: int) -> Label:
    count = count_of(index)
    return Label(_name(use, index), use, protocol, seed, index, count, count, GENERATOR)


def _name(use: str, index: int) -> str:
    return f"{use}-{index:06d}"
