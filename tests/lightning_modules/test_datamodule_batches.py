import math
import os
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset

from lightning_modules.datamodule_batches import Batch, BatchStream, TrainBatches, quiet_loader
from lightning_modules.datamodule_held import HeldInMemory
from lightning_modules.labels import Label
from lightning_modules.mixtures import Clip, Mixtures
from search_spaces.clip import CLIP_SAMPLES


class NumberedClips(Mixtures):
    """Clips whose every sample is their index."""

    def __init__(self) -> None:
        pass

    def __getitem__(self, index: int) -> Clip:
        return Clip(np.full(CLIP_SAMPLES, index, np.int16), math.nan)


@pytest.fixture
def batches() -> Callable[..., TrainBatches]:
    labels = [Label(f"train-{i}", "train", "libricount", 0, i, i % 11, 10, "me") for i in range(6)]

    def build(
        labelled: int = 4, unlabelled: int = 5, seed: int = 0, pool: int = 20
    ) -> TrainBatches:
        clips = NumberedClips()
        held = HeldInMemory(clips, 6)
        return TrainBatches(clips, held, labels, pool, labelled, unlabelled, seed)

    return build


def clip_numbers(batches: TrainBatches, part: str, steps: range) -> list[int]:
    return [int(row) for step in steps for row in batches[step][part]["waveform"][:, 0]]


def test_every_pass_sees_every_clip_once_in_another_order(batches) -> None:
    labelled = clip_numbers(batches(), "labelled", range(6))  # 24 places, 4 passes over 6 clips
    passes = [labelled[start : start + 6] for start in range(0, 24, 6)]
    assert all(sorted(one) == list(range(6)) for one in passes)
    assert len({tuple(one) for one in passes}) > 1
    unlabelled = clip_numbers(batches(), "unlabelled", range(14))  # 70 places, 5 passes over 14
    assert sorted(unlabelled[:14]) == list(range(6, 20))
    assert sorted(unlabelled[14:28]) == list(range(6, 20))


def test_labels_belong_to_their_waveforms(batches) -> None:
    part = batches()[3]["labelled"]
    assert part["lo"].tolist() == part["waveform"][:, 0].tolist()
    assert part["hi"].tolist() == [10] * 4
    assert part["lo"].dtype == torch.int64


def test_unlabelled_clips_carry_no_count(batches) -> None:
    assert set(batches()[0]["unlabelled"]) == {"waveform"}


def test_no_unlabelled_clips_if_none_are_asked_for(batches) -> None:
    assert batches(unlabelled=0, pool=6)[2]["unlabelled"]["waveform"].shape == (0, CLIP_SAMPLES)


def test_order_follows_the_seed(batches) -> None:
    orders = [clip_numbers(batches(seed=seed), "unlabelled", range(3)) for seed in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]


@pytest.mark.parametrize("num_workers", [0, 2])
def test_stream_goes_on_where_it_was(batches, num_workers: int) -> None:
    def numbers(stream: BatchStream) -> list[float]:
        return [float(batch["unlabelled"]["waveform"][0, 0]) * 32768 for batch in stream]

    whole = BatchStream(batches(), steps_per_epoch=8, num_workers=0)
    expected = numbers(whole) + numbers(whole)
    assert len(whole) == 8
    assert whole.position == 16

    killed = BatchStream(batches(), 8, num_workers)
    handed_out = iter(killed)
    for _ in range(3):
        next(handed_out)
    state = killed.state_dict()
    assert state == {"position": 3}  # not the batches that workers have prepared
    resumed = BatchStream(batches(), 8, num_workers)
    resumed.load_state_dict(state)
    assert numbers(resumed) == expected[3:11]


def test_processes_of_one_training_get_different_batches(batches) -> None:
    streams = [BatchStream(batches(), 3, 0, rank=rank, world_size=2) for rank in range(2)]
    for step, pair in enumerate(zip(*streams, strict=True)):
        for rank, batch in enumerate(pair):
            expected = batches()[2 * step + rank]["unlabelled"]["waveform"] / 32768
            assert torch.equal(batch["unlabelled"]["waveform"], expected)


def test_loaders_leave_the_global_generator_alone() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    list(quiet_loader([1, 2, 3], num_workers=0))
    assert torch.equal(torch.get_rng_state(), before)


class ProcessIds(Dataset[Batch]):
    """Batches that say which process made them."""

    def __getitem__(self, step: int) -> Batch:
        return {"labelled": {"waveform": torch.tensor([0], dtype=torch.int16), "lo": made_by()}}


def made_by() -> torch.Tensor:
    return torch.tensor([os.getpid()])


def test_a_worker_and_the_clips_that_it_holds_outlive_an_epoch() -> None:
    stream = BatchStream(ProcessIds(), steps_per_epoch=3, num_workers=1)
    makers = {int(batch["labelled"]["lo"]) for _ in range(2) for batch in stream}
    assert len(makers) == 1
    assert makers != {os.getpid()}
    assert stream.position == 6
