"""Sound from elsewhere without labels: what the training hears of it, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lightning_modules.datamodule_folder import FolderDataModule
from search_spaces.errors import UserError
from tests.lightning_modules.recording_folder import open_folder, write_folder, write_recording
from tests.lightning_modules.test_recordings_extra import loudest_hz

OWN_HZ = {200, 600, 1800}


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("recordings") / "data")


@pytest.fixture
def more(tmp_path: Path) -> Path:
    """One long recording and one short one, of pitches of their own."""
    write_recording(tmp_path / "more" / "zoe" / "long.wav", 400, 9.0, seed=200)
    write_recording(tmp_path / "more" / "zoe" / "short.wav", 3000, 0.5, seed=201)
    return tmp_path / "more"


def module(root: Path, more: Path, **options: object) -> FolderDataModule:
    given = {"labelled_batch_size": 3, "unlabelled_batch_size": 8, **options}
    return open_folder(root, more.parent, unlabelled=str(more), **given)


def test_a_batch_takes_its_share_and_more_of_what_is_longer(recordings: Path, more: Path):
    data = module(recordings, more, unlabelled_share=0.75)
    heard: list[int] = []
    for step in range(6):
        batch = data.batch(step)
        assert set(loudest_hz(batch["labelled"]["waveform"])) <= OWN_HZ
        unlabelled = loudest_hz(batch["unlabelled"]["waveform"])
        assert [hz in OWN_HZ for hz in unlabelled] == [True] * 2 + [False] * 6
        heard += unlabelled[2:]
    assert {hz: heard.count(hz) for hz in set(heard)} == {400: 30, 3000: 6}  # 5 pieces against 1
    provenance = data.provenance()
    assert (provenance["recordings"], provenance["unlabelled_recordings"]) == (30, 2)
    assert provenance["unlabelled_share"] == 0.75


def test_its_labels_are_not_looked_at(recordings: Path, more: Path):
    (more / "list.csv").write_text("path,label\nzoe/long.wav,no class of these\n")
    data = module(recordings, more / "list.csv")
    assert data.task.names == ("high", "low", "middle")
    assert data.provenance()["unlabelled_recordings"] == 1


def test_without_it_nothing_changes(recordings: Path, tmp_path: Path):
    plain = open_folder(recordings, tmp_path)
    assert set(loudest_hz(plain.batch(0)["unlabelled"]["waveform"])) <= OWN_HZ
    assert plain.provenance()["unlabelled_recordings"] == 0
    assert plain.provenance()["unlabelled_share"] is None


def test_a_recording_of_the_folder_itself_is_refused(recordings: Path, more: Path):
    shutil.copy(recordings / "low" / "ann" / "0.wav", more / "zoe" / "2.wav")
    message = r"data.unlabelled: zoe/2.wav: is the same sound as low/ann/0.wav of data.root"
    with pytest.raises(UserError, match=message):
        module(recordings, more)


@pytest.mark.parametrize(("share", "clips"), [(0.0, 0), (1.0, 8)])
def test_a_share_that_is_none_or_all_is_refused(
    recordings: Path, more: Path, share: float, clips: int
):
    message = f"data.unlabelled_share: {share:g} of unlabelled_batch_size 8 is {clips} clips"
    with pytest.raises(UserError, match=message):
        module(recordings, more, unlabelled_share=share)


def test_a_batch_without_room_for_it_is_refused(recordings: Path, more: Path):
    with pytest.raises(UserError, match=r"data.unlabelled: .*more is given, but a batch has 0 unl"):
        module(recordings, more, unlabelled_batch_size=0)


def test_a_folder_that_is_not_there_is_refused(recordings: Path, more: Path):
    with pytest.raises(UserError, match=r"^data.unlabelled: .*nowhere: no such"):
        module(recordings, more / "nowhere")


def test_a_checkpoint_of_another_share_is_refused(recordings: Path, more: Path):
    state = module(recordings, more).state_dict()
    module(recordings, more).load_state_dict(state)
    with pytest.raises(
        UserError, match=r"data\.unlabelled_share: the checkpoint was trained with 0\.5, not 0\.75"
    ):
        module(recordings, more, unlabelled_share=0.75).load_state_dict(state)


def test_a_checkpoint_of_other_sound_is_refused(recordings: Path, more: Path):
    data = module(recordings, more)
    state = data.state_dict()
    module(recordings, more).load_state_dict(state)
    write_recording(more / "zoe" / "short.wav", 3000, 0.5, seed=202)
    with pytest.raises(UserError, match=r"data\.unlabelled: not the recordings that the che"):
        module(recordings, more).load_state_dict(state)
    plain = open_folder(recordings, more.parent, labelled_batch_size=3, unlabelled_batch_size=8)
    with pytest.raises(UserError, match=r"data\.unlabelled: not the recordings that the che"):
        plain.load_state_dict(state)
    earlier = {key: value for key, value in state.items() if key != "sounds"}
    module(recordings, more).load_state_dict(earlier)


def test_an_empty_name_is_not_the_current_folder(recordings: Path, tmp_path: Path):
    with pytest.raises(
        UserError, match=r"^data\.unlabelled: is empty; name a folder of recordings"
    ):
        open_folder(recordings, tmp_path, unlabelled="", unlabelled_batch_size=0)
