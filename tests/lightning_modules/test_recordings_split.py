from __future__ import annotations

from dataclasses import replace
from itertools import combinations, permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightning_modules.recordings_budget import draw_budget
from lightning_modules.recordings_item import Item
from lightning_modules.recordings_split import Splits, split_recordings, together
from lightning_modules.splits import SPLITS
from search_spaces.errors import UserError


def items_of(classes: int, speakers: int, each: int, known: bool = True) -> list[Item]:
    return [
        Item(
            Path(f"{c}/{s}/{n}"), f"{c}/{s}/{n}", (f"class {c}",), f"speaker {s}" if known else None
        )
        for c in range(classes)
        for s in range(speakers)
        for n in range(each)
    ]


def split(items: list[Item], **options: object) -> Splits:
    return split_recordings(items, [item.name for item in items], **options)


def speakers_of(items: list[Item], splits: Splits) -> dict[str, set[str | None]]:
    return {name: {items[p].speaker for p in splits.places[name]} for name in SPLITS}


@given(st.integers(3, 12), st.integers(1, 3))
def test_no_speaker_is_in_two_splits(speakers: int, each: int):
    items = items_of(2, speakers, each)
    splits = split(items)
    found = speakers_of(items, splits)
    assert all(found.values())
    assert all(not a & b for a, b in combinations(found.values(), 2))
    assert splits.by_speaker
    assert sum(map(len, splits.places.values())) == len(items)


def test_the_speakers_of_the_test_can_be_named():
    items = items_of(2, 4, 10)
    splits = split(items, test_speakers=["speaker 2"], validation_by="recording")
    found = speakers_of(items, splits)
    assert found["test"] == {"speaker 2"}
    assert found["train"] == {"speaker 0", "speaker 1", "speaker 3"}
    assert splits.by_speaker
    assert splits.remarks == ["validation is not by speaker: it is of training speakers, too"]


def test_a_class_that_validation_or_the_test_lacks_is_said():
    items = [replace(item, labels=("dog",)) for item in items_of(1, 10, 3)]
    items += [Item(Path(f"one {n}.wav"), f"one {n}.wav", ("cat",), "speaker 0") for n in range(3)]
    items += [Item(Path(f"two {n}.wav"), f"two {n}.wav", ("door",), "speaker 0") for n in range(3)]
    said = [remark for remark in split(items).remarks if "has no recording" in remark]
    assert said == [
        f"{name} has no recording of 2 of 3 classes (cat, door): its figures say nothing of them"
        for name in ("validation", "test")
    ]


@pytest.mark.parametrize("labelled", [1, 4])
def test_speakers_without_labels_are_not_taken_for_the_test(labelled: int):
    items = items_of(2, labelled, 10)
    alone = split(items)
    others = [Item(Path(f"u{n}"), f"u{n}", (), f"other {n % 60}") for n in range(600)]
    splits = split([*items, *others])
    assert splits.places["test"] == alone.places["test"]
    assert splits.places["validation"] == alone.places["validation"]
    assert len(splits.places["train"]) == len(alone.places["train"]) + 600
    assert splits.by_speaker == (labelled == 4)
    with pytest.raises(UserError, match=r"other 7: no labelled recording is theirs; there are som"):
        split([*items, *others], test_speakers=["other 7"])


def test_unlabelled_recordings_of_a_named_speaker_are_left_out_and_that_is_said():
    items = [*items_of(2, 4, 10), Item(Path("u"), "u", (), "speaker 2")]
    splits = split(items, test_speakers=["speaker 2"])
    assert splits.places["test"][-1] == 80
    assert splits.remarks == [
        "1 unlabelled recordings are not used: they are of speakers of the test"
    ]


def test_without_speakers_every_class_is_in_every_split_and_that_is_said():
    items = items_of(3, 1, 10, known=False)
    splits = split(items)
    for name in SPLITS:
        assert {items[p].labels[0] for p in splits.places[name]} == {f"class {c}" for c in range(3)}
    assert not splits.by_speaker
    assert splits.remarks[0].startswith("recordings are split at random, not by speaker: no")


def test_unlabelled_recordings_train():
    items = [*items_of(2, 1, 10, known=False), Item(Path("noise"), "noise")]
    assert len(items) - 1 in split(items).places["train"]


def test_a_column_of_the_csv_decides_and_shared_speakers_are_said():
    items = [
        Item(Path(f"{s}{n}"), f"{s}{n}", (c,), "ann", split=s)
        for s in SPLITS
        for n, c in enumerate(("a", "b"))
    ]
    splits = split(items)
    assert [len(splits.places[name]) for name in SPLITS] == [2, 2, 2]
    assert not splits.by_speaker
    assert (
        "the test is not of new speakers (speakers ann are in other splits, too)"
        in splits.remarks[0]
    )


def test_speakers_spelled_in_two_ways_are_said():
    items = items_of(2, 4, 3)
    items[0] = replace(items[0], speaker="Speaker_0")
    said = [remark for remark in split(items).remarks if "spelling" in remark]
    assert len(said) == 1
    assert "speakers 'Speaker_0' and 'speaker 0' differ in spelling only" in said[0]


def test_speakers_of_the_test_who_validate_are_said():
    items = items_of(2, 3, 3)
    split_of_speaker = {"speaker 0": "train", "speaker 1": "validation", "speaker 2": "test"}
    items = [replace(item, split=split_of_speaker[item.speaker]) for item in items]
    assert split(items).by_speaker
    items[-1] = replace(items[-1], split="validation")
    splits = split(items)
    assert not splits.by_speaker
    assert "(speakers speaker 2 are in other splits, too)" in splits.remarks[0]


def test_unlabelled_recordings_of_the_tests_speakers_do_not_train():
    items = [
        replace(item, split={"speaker 0": "train", "speaker 1": "validation"}.get(item.speaker))
        for item in items_of(2, 3, 3)
    ]
    items = [item if item.split else replace(item, split="test") for item in items]
    items += [Item(Path(f"u{n}"), f"u{n}", (), f"speaker {n}") for n in range(3)]
    splits = split(items)
    assert [place for place in splits.places["train"] if not items[place].labels] == [18]
    assert splits.places["validation"][-1] == 19
    assert splits.places["test"][-1] == 20
    assert splits.by_speaker
    assert splits.remarks == [
        f"1 unlabelled recordings are not used: they are of speakers of the {name}"
        for name in ("test", "validation")
    ]
    items[-2] = replace(items[-2], split="train")  # who says so must know
    assert 19 in split(items).places["train"]
    items[-1] = replace(items[-1], split="train")
    with pytest.raises(
        UserError, match="root: u2: the CSV's column split says train, but its speaker speaker 2"
    ):
        split(items)


def test_unlabelled_recordings_of_a_speaker_who_trains_anyway_do_train():
    items = [
        Item(Path(f"{s}{n}"), f"{s}{n}", (c,), "ann", split=s)
        for s in SPLITS
        for n, c in enumerate(("a", "b"))
    ]
    items.append(Item(Path("u"), "u", (), "ann", split="train"))
    splits = split(items)
    assert 6 in splits.places["train"]
    assert not splits.by_speaker


def test_unlabelled_recordings_of_nobody_known_are_said():
    items = [*items_of(2, 5, 3), Item(Path("noise"), "noise")]
    splits = split(items)
    assert splits.by_speaker
    assert splits.remarks == [
        "1 unlabelled recordings that train name no speaker: if they are of the test's speakers,"
        " figures will look better than on new ones"
    ]


def test_a_column_without_a_labelled_test_recording_is_said():
    items = [replace(item, split="train") for item in items_of(2, 1, 10)]
    items += [Item(Path("x"), "x", split="test")]
    assert split(items).remarks[0].startswith("the CSV's column split marks no labelled recording")


@pytest.mark.parametrize(
    ("items", "options", "message"),
    [
        (items_of(2, 1, 2, known=False), {}, r"class 'class 0' has 2 different recordings left"),
        (
            [*items_of(2, 1, 9, known=False), Item(Path("x"), "x", ("rare",))],
            {},
            r"class 'rare' has 1 different recordings left for train and test, expected at least 3",
        ),
        (
            [Item(Path("x"), f"x{at}", ("a",), start_s=at, end_s=at + 1.5) for at in range(9)],
            {},
            r"1 different .* \(equal sounds, and stretches that overlap, are one\)$",
        ),
        (items_of(2, 3, 1), {"test_speakers": ["zoe"]}, r"zoe: no such speaker; there are speaker"),
        (
            [*items_of(2, 4, 4), Item(Path("x"), "x", ("rare",), "zoe")],
            {"test_speakers": ["zoe"]},
            r"class 'rare' has recordings in test but none in train",
        ),
        (
            [Item(Path("x"), "x", ("a",), split="train"), Item(Path("y"), "y", ("b",))],
            {},
            r"root: y: has no split, though others have",
        ),
        (
            [replace(item, split="train") for item in items_of(2, 4, 4)],
            {"test_speakers": ["speaker 1"]},
            r"test_speakers: given, but the CSV's column split says what the test is; drop one",
        ),
    ],
)
def test_what_cannot_be_split_is_refused(items: list[Item], options: dict, message: str):
    with pytest.raises(UserError, match=message):
        split(items, **options)


def test_overlapping_stretches_of_a_recording_stay_together():
    stretches = [
        Item(Path(f"{n}.wav"), f"{n}.wav#{start}", (f"class {n % 2}",), None, start, start + 0.5)
        for n in range(20)
        for start in (0.0, 0.4, 0.9)  # the last one only touches
    ]
    found = split(stretches).places
    where = {place: name for name, places in found.items() for place in places}
    assert all(where[place] == where[place + 1] for place in range(0, 60, 3))
    assert any(where[place] != where[place + 2] for place in range(0, 60, 3))
    names = ["train", "test", *["train"] * 52, *["validation"] * 6]
    by_column = [replace(item, split=name) for item, name in zip(stretches, names, strict=True)]
    with pytest.raises(UserError, match=r"0.wav#0.0 \(train\) and 0.wav#0.4 \(test\) .* overlap"):
        split(by_column)


def test_stretches_stay_together_however_their_file_is_spelled(tmp_path: Path):
    (tmp_path / "sub").mkdir()
    stretches = [
        Item(tmp_path / name, f"{name}#{start}", ("a",), None, start, start + 0.5)
        for name, start in (("a.wav", 0.0), ("sub/../a.wav", 0.4))
    ]
    assert len(set(together(stretches, ["one", "other"]))) == 1


def test_one_sound_in_two_splits_or_with_two_labels_is_refused():
    items = items_of(2, 4, 4)
    digests = [item.name for item in items]
    digests[0] = digests[12] = "same"  # of one class, two speakers
    with pytest.raises(UserError, match=r"0/0/0 \(\w+\) and 0/3/0 \(\w+\) are the same sound, or"):
        split_recordings(items, digests, ["speaker 3"])
    digests[12], digests[-1] = "other", "same"
    with pytest.raises(UserError, match=r"same sound, labelled class 0 and class 1; mend one"):
        split_recordings(items, digests)


def test_the_budget_counts_per_class_and_a_larger_one_holds_the_smaller():
    items = items_of(3, 4, 20)
    splits = split(items, test_speakers=["speaker 0"], validation_by="recording")
    small, large = (draw_budget(items, splits, number, seed=1) for number in (5, 10))
    assert set(small.train) < set(large.train) <= set(splits.places["train"])
    assert (len(small.train), len(small.validation)) == (3 * 4, 3 * 1)
    assert (len(large.train), len(large.validation)) == (3 * 8, 3 * 2)
    whole = draw_budget(items, splits, None, seed=1)
    assert whole.train == splits.places["train"]


def test_a_larger_budget_holds_the_smaller_also_of_several_labels():
    rng = np.random.default_rng(0)
    names = np.array(["a", "b", "c", "d"])
    items = [
        replace(item, labels=tuple(names[rng.permutation(4)[: rng.integers(1, 4)]].tolist()))
        for item in items_of(2, 4, 20)
    ]
    splits = split(items, test_speakers=["speaker 0"], validation_by="recording")
    smaller: set[int] = set()
    for number in range(2, 16):
        budget = draw_budget(items, splits, number, seed=1)
        chosen = {*budget.train, *budget.validation}
        assert smaller <= chosen
        smaller = chosen
        for name in names:
            seen = sum(name in items[place].labels for place in budget.train)
            assert seen >= number - max(1, round(number / 5))


def test_a_budget_that_a_class_cannot_fill_is_said_and_one_label_is_refused():
    items = items_of(2, 4, 4)
    splits = split(items)
    assert "class 'class 0' has" in draw_budget(items, splits, 500, seed=1).remarks[0]
    with pytest.raises(UserError, match="labelled_per_class: 1, expected at least 2"):
        draw_budget(items, splits, 1, seed=1)


def test_a_copy_of_an_overlapping_stretch_stays_with_the_other_too():
    stretches = [
        Item(Path("one.wav"), "one.wav#0-2", ("a",), None, 0.0, 2.0),
        Item(Path("one.wav"), "one.wav#1-3", ("a",), None, 1.0, 3.0),
        Item(Path("copy.wav"), "copy.wav", ("a",)),
        Item(Path("other.wav"), "other.wav", ("a",)),
    ]
    for order in permutations(range(4)):
        digests = ["first", "second", "second", "other"]
        found = together([stretches[n] for n in order], [digests[n] for n in order])
        assert len({found[order.index(n)] for n in range(3)}) == 1
        assert found[order.index(3)] == "other"
