import json
import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pytest
import soundfile
import torch

from lightning_modules.audio import from_pcm16
from lightning_modules.datamodule import AmbianceDataModule
from lightning_modules.mixtures_open import open_mixtures
from lightning_modules.sources_cache import open_speech
from search_spaces.errors import UserError
from tests.conftest import write_voice
from tests.lightning_modules.spans_folder import write_recordings

Build = Callable[..., AmbianceDataModule]


@pytest.fixture
def build(prepared_speech: Path, tmp_path: Path) -> Build:
    def build(**changes: Any) -> AmbianceDataModule:
        options: dict[str, Any] = {
            "speech": str(prepared_speech),
            "labelled_clips": 10,
            "pool_clips": 60,
            "test_clips": 3,
            "labelled_batch_size": 3,
            "unlabelled_batch_size": 2,
            "eval_batch_size": 2,
            "steps_per_epoch": 4,
            "num_workers": 0,
            "labels": str(tmp_path / "labels.csv"),
            "cache": str(tmp_path / "cache"),
        }
        return AmbianceDataModule(**{**options, **changes})

    return build


def ready(data: AmbianceDataModule) -> AmbianceDataModule:
    data.prepare_data()
    data.setup()
    return data


def test_batches_keep_the_contract(build: Build) -> None:
    data = ready(build())
    batch = next(iter(data.train_dataloader()))
    labelled, unlabelled = batch["labelled"], batch["unlabelled"]
    assert labelled["waveform"].shape == (3, 80_000)
    assert labelled["waveform"].dtype == torch.float32
    assert labelled["lo"].shape == labelled["hi"].shape == (3,)
    assert unlabelled["waveform"].shape == (2, 80_000)
    assert batch["labelled"]["waveform"].abs().max() <= 1
    assert torch.equal(data.batch(0)["labelled"]["waveform"], labelled["waveform"])


def test_counts_of_unlabelled_clips_cannot_be_reached(build: Build) -> None:
    data = ready(build())
    assert set(data.batch(0)["unlabelled"]) == {"waveform"}
    for index in range(data.budget.train_pool):
        clip = data.train_clips[index]
        truths = (clip.count, clip.snr_db, clip.rt60_s, clip.level_dbfs)
        if index < data.budget.train_labelled:
            assert not math.isnan(clip.count)
        else:
            assert all(math.isnan(value) for value in truths)


def test_a_batch_depends_on_seed_and_step_alone(build: Build) -> None:
    one, other = ready(build()), ready(build(num_workers=2, steps_per_epoch=6))
    for step, batch in enumerate(other.train_dataloader()):
        again = one.batch(step)
        for part in batch:
            for field in batch[part]:
                assert torch.equal(batch[part][field], again[part][field])


def test_validation_clips_are_the_labelled_ones_of_their_readers(build: Build) -> None:
    data = ready(build())
    samples, lo, hi = data.validation_clips()
    assert samples.shape == (2, 80_000)
    assert samples.dtype == np.int16
    known = open_mixtures(open_speech(Path(data._speech_name)), "libricount", 0, "validation")
    assert lo.tolist() == hi.tolist() == [known[0].count, known[1].count]
    loaded = next(iter(data.val_dataloader()))
    assert torch.equal(loaded["waveform"], torch.from_numpy(from_pcm16(samples)))
    assert loaded["lo"].tolist() == lo.tolist()


def test_test_clips_carry_their_truths(build: Build) -> None:
    batches = list(ready(build()).test_dataloader())
    assert [len(batch["waveform"]) for batch in batches] == [2, 1]
    assert set(batches[0]) == {"waveform", "lo", "hi", "snr_db", "rt60_s", "level_dbfs"}


def test_calibration_clips_are_unlabelled_ones_first(build: Build) -> None:
    data = ready(build())
    clips = data.calibration_clips(5)
    assert clips.shape == (5, 80_000)
    assert np.array_equal(clips[0], data.train_clips[8].samples)
    everything = data.calibration_clips(500)  # a pool of 48 training clips, 8 of them labelled
    assert len(everything) == 48
    assert np.array_equal(everything[40], data.train_clips[0].samples)


def test_provenance_says_what_without_names(build: Build, tmp_path: Path) -> None:
    provenance = ready(build()).provenance()
    assert provenance["readers"] == {"train": 11, "validation": 4, "test": 4}
    assert provenance["labelled_clips"] == 10
    assert len(provenance["labels_sha256"]) == 64
    text = json.dumps(provenance)
    assert "reader-0" not in text
    assert str(tmp_path.parent) not in text


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"labelled_clips": 61}, "labelled_clips: 61 is a label budget larger than the data"),
        ({"labelled_clips": 60}, "leaves no clip of the pool unlabelled"),
        ({"labelled_batch_size": 0}, "labelled_batch_size: 0, expected at least 1"),
        ({"unlabelled_batch_size": -1}, "unlabelled_batch_size: -1, expected at least 0"),
        ({"steps_per_epoch": 0}, "steps_per_epoch: 0, expected at least 1"),
        ({"seed": -1}, "seed: -1, expected at least 0"),
        ({"voice_speed": 0.9}, r"voice_speed: 0.9, expected 0 \(off\) to 0.5"),
        ({"held_clips": -1}, "held_clips: -1, expected at least 0"),
        (
            {"held_clips": 0, "held_on_disk": True},
            "data.held_clips: 0, but data.held_on_disk or data.held_features keeps clips; give a",
        ),
        ({"num_workers": -2}, "num_workers: -2, expected at least 0"),
        ({"num_workers": 999}, "num_workers: 999, expected at most 256"),
        ({"speech": "/missing"}, "speech: /missing: no such folder"),
        ({"protocol": "party"}, "protocol: 'party', expected one of"),
    ],
)
def test_bad_settings_are_refused(build: Build, changes: dict[str, Any], expected: str) -> None:
    with pytest.raises(UserError, match=expected):
        ready(build(**changes))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_recordings(tmp_path / "recordings")


def test_recordings_take_their_share_of_every_batch(build: Build, table: Path) -> None:
    options = {"labelled_batch_size": 4, "unlabelled_batch_size": 4, "protocol": "libricount"}
    data = ready(build(recordings=str(table), recordings_share=0.5, **options))
    recorded = data._recorded
    assert recorded is not None
    train = {clip.tobytes() for clip in recorded.train.clips.stacked()}
    unlabelled = {clip.tobytes() for clip in recorded.unlabelled.stacked()}
    seen: list[int] = []
    for step in range(len(train)):
        batch = data._batches[step]
        found = [clip.numpy().tobytes() in train for clip in batch["labelled"]["waveform"]]
        assert sum(found) == 2
        assert batch["labelled"]["lo"].dtype == torch.int64
        seen += [place for place, is_recorded in enumerate(found) if is_recorded]
        loose = [clip.numpy().tobytes() in unlabelled for clip in batch["unlabelled"]["waveform"]]
        assert sum(loose) == 2
        assert set(batch["unlabelled"]) == {"waveform"}
    assert set(seen) == {0, 1, 2, 3}  # not always the first or the last of a batch


def test_recordings_come_with_their_own_labels(build: Build, table: Path) -> None:
    data = ready(build(recordings=str(table), labelled_batch_size=4))
    train = data._recorded.train  # type: ignore[union-attr]
    labels = {
        clip.tobytes(): (int(lo), int(hi))
        for clip, lo, hi in zip(train.clips.stacked(), train.lo, train.hi, strict=True)
    }
    found = []
    for step in range(4):
        part = data._batches[step]["labelled"]
        for clip, lo, hi in zip(part["waveform"], part["lo"], part["hi"], strict=True):
            known = labels.get(clip.numpy().tobytes())
            found += [known == (int(lo), int(hi))] if known else []
    assert found == [True] * 8


def test_recordings_are_validated_calibrated_and_accounted_for(build: Build, table: Path) -> None:
    plain, data = ready(build()), ready(build(recordings=str(table), labelled_batch_size=4))
    recorded = data._recorded
    assert recorded is not None
    samples, lo, hi = data.validation_clips()
    own = len(recorded.validation.clips)
    assert np.array_equal(samples[:-own], plain.validation_clips()[0])
    assert np.array_equal(samples[-own:], recorded.validation.clips.stacked())
    assert hi[-own:].tolist() == recorded.validation.hi.tolist()
    assert len(lo) == len(samples)
    calibration = {clip.tobytes() for clip in data.calibration_clips(8)}
    assert len(calibration & {clip.tobytes() for clip in recorded.unlabelled.stacked()}) == 4
    assert len(calibration) == 8
    assert data.provenance()["recordings"]["train_clips"] == len(recorded.train.clips)
    assert "wav" not in json.dumps(data.provenance()["recordings"])


def test_a_checkpoint_of_other_recordings_is_refused(build: Build, table: Path) -> None:
    state = ready(build(recordings=str(table), labelled_batch_size=4)).state_dict()
    table.write_text(table.read_text().replace("one.wav,0,11,1", "one.wav,0,11,3"))
    other = ready(build(recordings=str(table), labelled_batch_size=4))
    with pytest.raises(UserError, match=r"data.recordings: not the file that the checkpoint"):
        other.load_state_dict(state)
    with pytest.raises(UserError, match=r"data.recordings: not the file that the checkpoint"):
        ready(build(labelled_batch_size=4)).load_state_dict(state)


@pytest.mark.parametrize("share", [0.0, 0.1, 1.0])
def test_a_share_without_recorded_or_generated_clips_is_refused(
    build: Build, table: Path, share: float
) -> None:
    with pytest.raises(
        UserError, match=r"recordings_share: .* of labelled_batch_size 3 is .*1 to 2"
    ):
        ready(build(recordings=str(table), recordings_share=share))


@pytest.mark.parametrize("share", [math.nan, math.inf])
def test_a_share_that_is_no_number_is_refused(build: Build, table: Path, share: float) -> None:
    with pytest.raises(UserError, match=f"recordings_share: got {share}, expected a share betwe"):
        ready(build(recordings=str(table), recordings_share=share))


def test_counts_that_do_not_add_are_warned_of(
    build: Build, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ready(build(recordings=str(table)))
    lines = capsys.readouterr().err.splitlines()
    assert any(line.startswith("recordings: 4; clips of 5 s: ") for line in lines)
    assert any("warning: data.recordings: people pause" in line for line in lines)


class Recorder(pl.LightningModule):
    """Notes the first sample of what it is trained with."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.seen: list[float] = []

    def training_step(self, batch: dict[str, Any], _: int) -> torch.Tensor:
        self.seen.append(float(batch["unlabelled"]["waveform"].sum()))
        return self.weight.sum()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def train(
    data: AmbianceDataModule, folder: Path, ckpt: Path | None = None, **options: Any
) -> list[float]:
    module = Recorder()
    trainer = pl.Trainer(
        default_root_dir=folder,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **options,
    )
    trainer.fit(module, datamodule=data, ckpt_path=ckpt, weights_only=True)
    return module.seen


@pytest.mark.filterwarnings("ignore::UserWarning:lightning")
@pytest.mark.parametrize("stop", [{"max_steps": 9}, {"max_epochs": 2}])
def test_training_resumes_with_the_next_batch(
    build: Build, tmp_path: Path, stop: dict[str, Any]
) -> None:
    """From a checkpoint within and at the end of an epoch of 4 steps, as after a kill."""
    saving = pl.callbacks.ModelCheckpoint(
        tmp_path, "{step}", every_n_train_steps=1, save_top_k=-1, save_on_train_epoch_end=False
    )
    expected = train(build(), tmp_path, callbacks=[saving], **stop)
    assert len(expected) == stop.get("max_steps", 8)
    for step in (1, 4, 6):
        checkpoint = tmp_path / f"step={step}.ckpt"
        assert train(build(), tmp_path, checkpoint, **stop) == expected[step:]


def test_a_checkpoint_of_other_labels_is_refused(build: Build, tmp_path: Path) -> None:
    state = ready(build()).state_dict()
    (tmp_path / "labels.csv").unlink()
    other = ready(build(labelled_clips=12))
    with pytest.raises(UserError, match="not the labels that the checkpoint was trained with"):
        other.load_state_dict(state)


def test_labels_lie_in_the_trainers_folder(build: Build, tmp_path: Path) -> None:
    data = build(labels=None)
    data.trainer = pl.Trainer(default_root_dir=tmp_path / "run", accelerator="cpu", logger=False)
    ready(data)
    assert (tmp_path / "run/labels.csv").is_file()


@pytest.mark.skipif(
    "ERSAM_SPEECH" not in os.environ, reason="needs ERSAM_SPEECH, a folder of speech"
)
def test_real_speech(build: Build) -> None:
    data = ready(build(speech=os.environ["ERSAM_SPEECH"]))
    rms = data.batch(0)["unlabelled"]["waveform"].square().mean(dim=1).sqrt()
    assert (rms < 1).all()
    assert data.provenance()["speech"]["hours"] > 0


def test_voices_change_their_speed_in_training_alone(build: Build) -> None:
    plain, varied = ready(build()), ready(build(voice_speed=0.2))
    assert not np.array_equal(plain.train_clips[3].samples, varied.train_clips[3].samples)
    np.testing.assert_array_equal(plain.validation_clips()[0], varied.validation_clips()[0])


@pytest.mark.parametrize(
    ("option", "value"),
    [("labelled_batch_size", 2), ("unlabelled_batch_size", 1), ("voice_speed", 0.1)],
)
def test_a_checkpoint_of_other_settings_is_refused(build: Build, option: str, value: float) -> None:
    state = ready(build()).state_dict()
    with pytest.raises(
        UserError, match=rf"data\.{option}: the checkpoint was trained with .*, not {value};"
    ):
        ready(build(**{option: value})).load_state_dict(state)
    ready(build(num_workers=0, test_clips=9)).load_state_dict(state)


def test_a_checkpoint_of_an_earlier_version_has_no_settings_and_no_sounds(build: Build) -> None:
    state = {**ready(build()).state_dict(), "position": 5}
    other = ready(build(labelled_batch_size=2))
    for lacking in ("settings", "sounds"):
        del state[lacking]
        other.load_state_dict(state)
        assert other.state_dict()["position"] == 5


def test_a_checkpoint_of_other_speech_is_refused_though_the_counts_are_the_same(
    build: Build, speech_folder: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(speech_folder, tmp_path / "copy", copy_function=shutil.copyfile)
    state = ready(build()).state_dict()
    ready(build(speech=str(copy))).load_state_dict(state)  # the same sound, of other times
    reader = next(copy.iterdir()).name
    write_voice(copy / reader / "utterance.wav", seed=0, seconds=7)
    with pytest.raises(UserError, match=r"data\.speech: not the recordings that the che"):
        ready(build(speech=str(copy))).load_state_dict(state)


def test_a_checkpoint_of_recordings_that_sound_otherwise_is_refused(
    build: Build, table: Path
) -> None:
    options = {"recordings": str(table), "labelled_batch_size": 4}
    state = ready(build(**options)).state_dict()
    sound, rate_hz = soundfile.read(table.parent / "two.wav")
    soundfile.write(table.parent / "two.wav", 0.5 * sound, rate_hz)  # as long, with the same cuts
    with pytest.raises(UserError, match=r"data\.recordings: not the recordings that the che"):
        ready(build(**options)).load_state_dict(state)
