"""An embedding that teaches classes: its probe, and a run that learns from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lightning_modules.ingredients import (
    Additivity,
    CountAddition,
    LabelledLoss,
    Mixing,
    PseudoLabels,
)
from lightning_modules.mentor import Mentor
from lightning_modules.mentor_embedding import EmbeddingMentor
from lightning_modules.module import SupernetModule
from lightning_modules.objective import objective_of
from lightning_modules.students import FeatureCache
from lightning_modules.teacher_files import is_embedding
from search_spaces.clip import SAMPLE_RATE_HZ
from search_spaces.errors import UserError
from search_spaces.spaces import get_space
from search_spaces.supernet import build_supernet
from search_spaces.supernet_file import write_supernet
from search_spaces.task import Task
from search_spaces.task_classes import ClassesTask
from search_spaces.task_embedding import ProximityTask
from tests.lightning_modules.recording_folder import PITCHES_HZ, write_folder, write_recording
from tests.lightning_modules.runs import metrics, run
from tests.lightning_modules.test_classes import arguments

NANO = get_space("sam-nano-1s")
WORDS = ClassesTask(tuple(PITCHES_HZ))


class Pitches(nn.Module):
    """The share of each pitch in a second of sound, and one number that says nothing."""

    waves: Tensor

    def __init__(self) -> None:
        super().__init__()
        time_s = torch.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
        turns = 2 * torch.pi * torch.tensor(list(PITCHES_HZ.values()))[:, None] * time_s
        self.register_buffer("waves", torch.cat([torch.sin(turns), torch.cos(turns)]))

    def forward(self, waveform: Tensor) -> Tensor:
        found = (waveform @ self.waves.T).square().unflatten(1, (2, -1)).sum(dim=1)
        shares = found / found.sum(dim=1, keepdim=True).clamp_min(1e-9)
        return torch.cat([shares, torch.full_like(shares[:, :1], 7.0)], dim=1)


@pytest.fixture(scope="module")
def embedding(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("teacher") / "pitches.pt"
    program = torch.jit.trace(Pitches(), torch.zeros(2, SAMPLE_RATE_HZ))
    torch.jit.save(program, str(path), _extra_files={"teacher.json": '{"rate_hz": 16000}'})
    return path


def tones(number: int, task: Task = WORDS, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Clips of a second with lo and hi."""
    rng = np.random.default_rng(seed)
    label = rng.integers(3, size=number)
    pitch_hz = np.array(list(PITCHES_HZ.values()))[label] * rng.uniform(0.9995, 1.0005, number)
    time_s = np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    clips = 0.1 * np.sin(2 * np.pi * pitch_hz[:, None] * time_s) + 0.01 * rng.standard_normal(
        (number, SAMPLE_RATE_HZ)
    )
    lo = np.eye(3, dtype=np.int64)[label] if task == ClassesTask(WORDS.names, True) else label
    return torch.from_numpy(clips.astype(np.float32)), torch.from_numpy(lo), torch.from_numpy(lo)


@pytest.mark.parametrize("several", [False, True])
def test_the_probe_learns_from_few_labels_and_is_the_same_again(embedding: Path, several: bool):
    task = ClassesTask(WORDS.names, several)
    mentors = [EmbeddingMentor(embedding, NANO, objective_of(task)) for _ in range(2)]
    for mentor in mentors:
        mentor.learn([tones(6, task, seed=1), tones(6, task, seed=2)])
    waveform, lo, _ = tones(40, task, seed=3)
    first, second = (mentor.logits(FeatureCache(waveform)) for mentor in mentors)
    assert torch.equal(first, second)
    assert not first.requires_grad
    truth = lo.argmax(dim=1) if several else lo
    assert torch.equal(first.argmax(dim=1), truth)
    assert first.isfinite().all()  # one of its numbers never varies


def test_only_an_embedding_is_probed(embedding: Path, tmp_path: Path):
    write_supernet(tmp_path / "counts.pt", build_supernet(NANO), {})
    write_supernet(tmp_path / "speech.pt", build_supernet(NANO, 6), {}, ProximityTask(6))
    (tmp_path / "text.pt").write_text("no weights")
    found = {path.name: is_embedding(path) for path in (embedding, *tmp_path.glob("*.pt"))}
    expected = {"pitches.pt": True, "speech.pt": True, "counts.pt": False, "text.pt": False}
    assert found == expected
    assert not is_embedding(tmp_path / "none.pt")
    assert is_embedding(Path("torchaudio:HUBERT_BASE"))
    assert isinstance(module(WORDS, distil_from=embedding).mentor, EmbeddingMentor)
    with pytest.raises(UserError, match=r"none.pt: no such file"):
        module(WORDS, distil_from=tmp_path / "none.pt")
    given = {"architecture": Path("largest"), "distil_from": tmp_path / "speech.pt"}
    same = module(ProximityTask(6), **given)
    assert isinstance(same.mentor, Mentor)  # it says the same numbers, and needs no probe


def module(task: Task, **options: Path) -> SupernetModule:
    """Of a task that does not count, without what takes probabilities."""
    return SupernetModule(
        "sam-nano-1s",
        task,
        labelled_loss=LabelledLoss(emd_weight=0.0),
        count_addition=CountAddition(enabled=False),
        mixing=Mixing(enabled=False),
        pseudo_labels=PseudoLabels(enabled=False),
        additivity=Additivity(enabled=False),
        **options,
    )


def test_features_are_refused(embedding: Path):
    with pytest.raises(UserError, match=r"model.distil_from: an embedding hears sound, but data"):
        EmbeddingMentor(embedding, NANO, objective_of(WORDS)).refuse_features({})


def test_a_run_learns_from_it_and_goes_on_to_the_same_losses(embedding: Path, tmp_path: Path):
    recordings = write_folder(tmp_path / "data")
    for number in range(4):
        write_recording(tmp_path / "more" / f"{number}.wav", 400.0, 5.0, seed=50 + number)
    options = ["--model.distil_from", str(embedding), "--model.pseudo_labels.weight", "0"]
    options += ["--data.unlabelled", str(tmp_path / "more")]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    errors = tmp_path / "errors.txt"
    assert run(arguments(recordings, whole, *options), errors=errors) == 0, errors.read_text()
    assert "pitches.pt: error of 0.0 % on 6 validation clips" in errors.read_text()
    assert all(float(row["train/mentor"]) > 0 for row in metrics(whole))
    saved = torch.load(whole / "checkpoints" / "last.ckpt", weights_only=False)
    assert {name.split(".")[0] for name in saved["state_dict"]} == {"net", "teacher"}
    assert run(arguments(recordings, killed, *options), ("training step", 4)) == -9
    assert run(arguments(recordings, killed, *options)) == 0
    assert metrics(killed) == metrics(whole)
