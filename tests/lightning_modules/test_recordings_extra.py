"""Recordings that only train: what the training hears of them, and what is refused."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
import torch

from lightning_modules.datamodule_folder import FolderDataModule
from search_spaces.errors import UserError
from tests.lightning_modules.recording_folder import open_folder, write_folder, write_recording


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("recordings") / "data")


@pytest.fixture
def extra(tmp_path: Path) -> Path:
    """Louder than all others, and of two of the three classes."""
    for seed, (name, pitch_hz) in enumerate((("low", 150), ("high", 2500))):
        for number in range(2):
            path = tmp_path / "extra" / name / "robot" / f"{number}.wav"
            write_recording(path, pitch_hz, seed=100 + 2 * seed + number)
    return tmp_path / "extra"


def module(root: Path, extra: Path, **options: object) -> FolderDataModule:
    sizes = {"labelled_batch_size": 8, "unlabelled_batch_size": 2}
    return open_folder(root, extra.parent, extra=str(extra), **sizes, **options)


def loudest_hz(waveform: torch.Tensor) -> list[int]:
    """Of clips of a second, to 50 Hz."""
    spectrum = torch.fft.rfft(waveform).abs().argmax(dim=1)
    return [50 * round(int(hz) / 50) for hz in spectrum]


def test_a_batch_takes_its_share_with_the_labels_of_the_folders(recordings: Path, extra: Path):
    data = module(recordings, extra, extra_share=0.25)
    of_class = {150: "low", 2500: "high", 200: "low", 600: "middle", 1800: "high"}
    for step in range(4):
        labelled = data.batch(step)["labelled"]
        heard = loudest_hz(labelled["waveform"])
        assert sum(hz in (150, 2500) for hz in heard) == 2
        named = [data.task.names[int(label)] for label in labelled["lo"]]
        assert named == [of_class[hz] for hz in heard]
        assert torch.equal(labelled["lo"], labelled["hi"])
        assert not {150, 2500} & set(loudest_hz(data.batch(step)["unlabelled"]["waveform"]))


def test_they_are_in_no_budget_and_in_no_split(recordings: Path, extra: Path):
    data = module(recordings, extra, labelled_per_class=2)
    with (extra.parent / "labels.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 3 * 2
    assert not any(row["speaker"] == "robot" for row in rows)
    assert not {150, 2500} & set(loudest_hz(torch.from_numpy(data.calibration_clips(30)).float()))
    provenance = data.provenance()
    assert (provenance["recordings"], provenance["extra_recordings"]) == (30, 4)
    assert provenance["extra_share"] == 0.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda root: (root / "low").rename(root / "deep"), "is of class 'deep', expected one of"),
        (lambda root: (root / "low").rename(root / "LOW"), "classes 'low' and 'LOW' .* differ"),
        (lambda root: (root / "low").rename(root / "unlabelled"), "has no label, though it is"),
        (shutil.rmtree, "data.extra: .*extra: no such folder or CSV"),
    ],
)
def test_what_cannot_train_is_refused(recordings: Path, extra: Path, change, message: str):
    change(extra)
    with pytest.raises(UserError, match=f"data.extra: .*{message.removeprefix('data.extra: .*')}"):
        module(recordings, extra)


def test_a_recording_of_the_folder_itself_is_refused(recordings: Path, extra: Path):
    shutil.copy(recordings / "low" / "ann" / "0.wav", extra / "low" / "robot" / "2.wav")
    with pytest.raises(UserError, match=r"low/robot/2.wav: is the same sound as low/ann/0.wav of"):
        module(recordings, extra)


def test_a_stretch_that_overlaps_with_ones_own_is_refused(tmp_path: Path):
    for name in ("a.wav", "b.wav", "c.wav"):
        write_recording(tmp_path / name, 300, seconds=4.0, seed=ord(name[0]))
    rows = [
        f"{name}.wav,{label},{name},{start},{start + 1}"
        for name in "abc"
        for start, label in enumerate(("yes", "no", "yes"))
    ]
    (tmp_path / "own.csv").write_text("\n".join(["path,label,speaker,start_s,end_s", *rows]))
    (tmp_path / "extra.csv").write_text("path,label,start_s,end_s\na.wav,no,2.5,3.5\n")
    with pytest.raises(UserError, match=r"a.wav#2.5-3.5: is the same sound as a.wav#2-3 of data.r"):
        module(tmp_path / "own.csv", tmp_path / "extra.csv")
    (tmp_path / "extra.csv").write_text("path,label,start_s,end_s\na.wav,no,3.1,4\n")
    module(tmp_path / "own.csv", tmp_path / "extra.csv")


def test_speakers_of_the_test_who_train_elsewhere_are_said(
    recordings: Path, extra: Path, capsys: pytest.CaptureFixture[str]
):
    assert module(recordings, extra, test_speakers=["ann"]).provenance()["test_by_speaker"]
    assert "of the test's names" not in capsys.readouterr().err
    (extra / "low" / "robot").rename(extra / "low" / "ann")
    known = module(recordings, extra, test_speakers=["ann"]).provenance()["test_by_speaker"]
    assert not known
    assert "data.extra has speakers of the test's names (ann)" in capsys.readouterr().err


def test_another_test_than_the_training_kept_is_refused(recordings: Path, tmp_path: Path):
    open_folder(recordings, tmp_path, test_speakers=["ann"])
    data = open_folder(recordings, tmp_path, test_speakers=["ann"])
    data.setup("test")
    other = FolderDataModule(
        str(recordings),
        space="sam-nano-1s",
        labels=str(tmp_path / "labels.csv"),
        cache=str(recordings.parent / "cache"),
        test_speakers=["bob"],
    )
    with pytest.raises(
        UserError, match=r"test_recordings.csv: lists other recordings for the test"
    ):
        other.setup("test")


def test_several_labels_unasked_are_refused(recordings: Path, extra: Path):
    (extra / "list.csv").write_text("path,label\nlow/robot/0.wav,low;high\n")
    with pytest.raises(UserError, match=r"low/robot/0.wav: has 2 labels, expected one"):
        module(recordings, extra / "list.csv")


@pytest.mark.parametrize(("share", "clips"), [(0.0, 0), (1.0, 8), (0.05, 0)])
def test_a_share_that_is_none_or_all_is_refused(
    recordings: Path, extra: Path, share: float, clips: int
):
    message = f"data.extra_share: {share:g} of labelled_batch_size 8 is {clips} clips, expected 1"
    with pytest.raises(UserError, match=message):
        module(recordings, extra, extra_share=share)


@pytest.mark.parametrize(
    "change",
    [
        lambda root: write_recording(root / "low" / "robot" / "0.wav", 150, seed=200),
        lambda root: (root / "low").rename(root / "middle"),  # the same sound with another label
    ],
)
def test_a_checkpoint_of_other_extra_recordings_is_refused(recordings: Path, extra: Path, change):
    state = module(recordings, extra).state_dict()
    module(recordings, extra).load_state_dict(state)
    change(extra)
    with pytest.raises(UserError, match=r"data\.extra: not the recordings that the che"):
        module(recordings, extra).load_state_dict(state)


def test_an_empty_name_is_not_the_current_folder(recordings: Path, tmp_path: Path):
    with pytest.raises(UserError, match=r"^data\.extra: is empty; name a folder of recordings"):
        open_folder(recordings, tmp_path, extra="", labelled_batch_size=8, unlabelled_batch_size=2)
