"""Answers of other nets: the file, what it is refused for, and what a net makes of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lightning_modules.answers import Answers, read_answers, write_answers
from lightning_modules.augmentations import WeakAugmentation
from lightning_modules.cli import main
from lightning_modules.ingredients import CountAddition, LabelledLoss
from lightning_modules.mixtures_open import mixed_by
from lightning_modules.sources_cache import prepare_speech
from search_spaces.architecture import smallest, write_architecture
from search_spaces.errors import UserError
from search_spaces.spaces import get_space
from search_spaces.task_counts import CountsTask
from tests.lightning_modules.runs import SOUNDLESS, run, smoke_arguments
from tests.lightning_modules.test_recipe import recipe

MIXED_BY = {"speech": "abc", "protocol": "rooms", "seed": 1, "rooms": 7, "voice_speed": 0.1}
TEACHERS = [{"name": "net-1", "precision": "int8", "sha256": "0" * 64}]


def answers(path: Path, clips: int = 16, **changes: Any) -> Answers:
    """Random distributions over 0..10 people."""
    said = np.random.default_rng(0).dirichlet(np.ones(11), clips).astype(np.float32)
    return replace(Answers(said, MIXED_BY, CountsTask().to_json(), TEACHERS, path), **changes)


def test_round_trip(tmp_path: Path):
    written = answers(tmp_path / "answers.npz")
    write_answers(written)
    read = read_answers(written.path)
    np.testing.assert_array_equal(read.probabilities, written.probabilities)
    assert (read.mixed_by, read.task, read.teachers) == (MIXED_BY, {"kind": "counts"}, TEACHERS)
    read.check(16, MIXED_BY, CountsTask())


@pytest.mark.parametrize(
    ("clips", "changes", "message"),
    [
        (17, {}, r"is about 16 clips, 17 are for training; write .* with --clips 17$"),
        (
            4,
            {"mixed_by": {**MIXED_BY, "seed": 2}},
            r".* with seed 2, these have 1; .* the same seed$",
        ),
        (4, {"task": {"kind": "classes"}}, r"is of another task; write it anew"),
    ],
)
def test_answers_about_something_else_are_refused(
    clips: int, changes: dict[str, Any], message: str, tmp_path: Path
):
    with pytest.raises(UserError, match=rf"^data.answers: {tmp_path}/a.npz {message}"):
        answers(tmp_path / "a.npz", **changes).check(clips, MIXED_BY, CountsTask())


@pytest.mark.parametrize("said", [np.full((2, 11), 2.0, np.float32), np.zeros((2, 11))])
def test_what_is_no_probability_is_refused(said: np.ndarray, tmp_path: Path):
    with pytest.raises(ValueError, match="field probabilities"):
        answers(tmp_path / "a.npz", probabilities=said)


def test_a_damaged_file_is_one_line(tmp_path: Path):
    path = tmp_path / "answers.npz"
    with pytest.raises(UserError, match=r"answers.npz: no such file; write it anew with `python"):
        read_answers(path)
    write_answers(answers(path))
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(UserError, match=r"answers.npz: not a readable answers.npz \(.*; write it"):
        read_answers(path)


def gradient(share: float, said: Tensor | None) -> Tensor:
    """Of the labelled loss of three clips after three logits."""
    made = recipe(
        labelled_loss=LabelledLoss(answers_share=share),
        weak_augmentation=WeakAugmentation(speed=0.0),
        count_addition=CountAddition(enabled=False),
    )
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 11, generator=generator).requires_grad_()
    labels = torch.tensor([0, 2, 10])
    clips = {"features": torch.zeros(3, 1, 20, 50), "lo": labels, "hi": labels}
    if said is not None:
        clips["answers"] = said
    batch = {"labelled": clips, "unlabelled": {"waveform": torch.zeros(0, 80_000)}}
    seen = made.student_batch(batch, lambda _: logits, lambda _: generator)
    made.losses(logits, seen)["labelled"].backward()
    return logits.grad


def test_the_target_is_between_label_and_answers():
    said = torch.rand(3, 11).softmax(dim=1)
    label, taught = gradient(0.0, None), gradient(1.0, said)
    torch.testing.assert_close(gradient(0.0, said), label)
    assert not torch.allclose(taught, label)
    torch.testing.assert_close(gradient(0.3, said), 0.7 * label + 0.3 * taught)


@pytest.fixture
def options(tmp_path: Path) -> list[str]:
    """Of a run that learns from features and answers."""
    write_architecture(tmp_path / "net.json", smallest(get_space("sam-nano")))
    return [
        *(*SOUNDLESS, "--data.held_features", "true", "--data.cache", str(tmp_path / "cache")),
        *("--model.architecture", str(tmp_path / "net.json")),
        *("--data.answers", str(tmp_path / "answers.npz")),
    ]


def written_for(speech: Path, path: Path, seed: int = 1) -> None:
    mixed = mixed_by(prepare_speech(str(speech)), "libricount", seed, 200, 0.0)
    write_answers(answers(path, mixed_by=mixed))


def test_a_run_learns_from_them_and_goes_on_with_no_others(
    options: list[str], prepared_speech: Path, tmp_path: Path
):
    written_for(prepared_speech, tmp_path / "answers.npz")
    losses = []
    for share in ("0", "1"):
        folder = tmp_path / share
        given = [*options, "--model.labelled_loss.answers_share", share]
        assert run(["fit", *smoke_arguments(prepared_speech, folder, *given)]) == 0
        losses.append((folder / "metrics.csv").read_text())
    assert losses[0] != losses[1]
    path = tmp_path / "answers.npz"
    write_answers(replace(read_answers(path), teachers=[]))
    with pytest.raises(UserError, match=r"^data.answers: not the file that the checkpoint was tra"):
        main(["fit", *smoke_arguments(prepared_speech, folder, *given, "--trainer.max_steps", "6")])


def test_answers_about_other_clips_are_refused_before_any_is_mixed(
    options: list[str], prepared_speech: Path, tmp_path: Path
):
    written_for(prepared_speech, tmp_path / "answers.npz", seed=2)
    with pytest.raises(UserError, match=r"is about clips with seed 2, these have 1; write it anew"):
        main(["fit", *smoke_arguments(prepared_speech, tmp_path / "run", *options)])
    assert not (tmp_path / "run").exists()
    assert not (tmp_path / "cache" / "clips").exists()


def test_answers_need_clips_as_they_are_held(
    options: list[str], prepared_speech: Path, tmp_path: Path
):
    options[options.index("true")] = "false"
    with pytest.raises(UserError, match=r"^data.answers: given, but data.held_features is false"):
        main(["fit", *smoke_arguments(prepared_speech, tmp_path / "run", *options)])
