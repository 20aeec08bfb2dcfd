"""Semi-supervised training of a supernet as a LightningModule; docs/training.md explains it.

B labelled clips, U unlabelled clips, S sums of unlabelled clips, T samples, N outputs.
"""

from __future__ import annotations

import math
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor

from lightning_modules.augmentations import StrongAugmentation, WeakAugmentation
from lightning_modules.calibration import choose_clips
from lightning_modules.checkpoint_settings import check_settings
from lightning_modules.datamodule_batches import Batch
from lightning_modules.ema import update_average
from lightning_modules.held_form import Features
from lightning_modules.ingredients import (
    Additivity,
    CountAddition,
    Distillation,
    LabelledLoss,
    Mixing,
    Proximity,
    PseudoLabels,
)
from lightning_modules.judging import Judge
from lightning_modules.mentor_embedding import EmbeddingMentor
from lightning_modules.mentors import learn_outputs, mentor_of
from lightning_modules.mixtures_open import ProtocolName
from lightning_modules.optimiser import EVEN, Optimisation, make_optimiser, warm_up_cosine
from lightning_modules.pictures import Pictures
from lightning_modules.pseudo_audit import PseudoLabelAudit
from lightning_modules.randomness import torch_generator
from lightning_modules.ranges import check_range
from lightning_modules.recipe import Recipe, StudentBatch
from lightning_modules.sampling import Sampling
from lightning_modules.sap_augment import SapAugment
from lightning_modules.students import FeatureCache, Students
from lightning_modules.trainer_checks import lasting_settings
from lightning_modules.transfer import Transfer
from search_spaces.architecture import Architecture
from search_spaces.batch_norm import frozen_batch_norm_statistics
from search_spaces.clip import CLIP_SAMPLES, CLIP_SECONDS
from search_spaces.clips_file import to_float32
from search_spaces.errors import UserError
from search_spaces.supernet import Subnet
from search_spaces.task import Task
from search_spaces.task_counts import CountsTask

JUDGE_CALIBRATION_CLIPS = 96


class SupernetModule(pl.LightningModule):
    """Trains every net of a space on few labelled and many unlabelled clips.

    Args:
        space: name of the search space.
        task: what is learned (set from the data); None counts people.
        protocol: how the clips are mixed (set from `data.protocol`): under `libricount` the counts
            of summed clips add exactly, otherwise they are bounded.
        seed: of every random draw (set from `seed_everything`).
        architecture: an `architecture.json`, or ``largest``, to train that net alone by the same
            recipe.
        initial_weights: a `supernet.pt` of the space, or the `subnet.pt` of ``architecture``,
            to start from instead of fresh weights; of the same task, or an embedding, whose last
            layer is then made anew.
        distil_from: a trained `supernet.pt` of the space whose largest net teaches the one of
            ``architecture``, or a `subnet.pt` of any space (docs/deepspectrum.md) that teaches it
            or the largest net, beside labels and targets (weight: ``distillation.weight``); or any
            embedding, which teaches by a linear probe (`mentor_embedding`).
        pictures: the net of a picture space to train: spectrogram pictures to an image CNN.
        random_subnets: random subnets per step, beside the largest and the smallest.
        sampling: see `sampling.Sampling`.
        optimisation: see `optimiser.Optimisation`.
        labelled_loss: see `ingredients.LabelledLoss`.
        weak_augmentation: see `augmentations.WeakAugmentation`.
        count_addition: see `ingredients.CountAddition`; of counts alone.
        mixing: see `ingredients.Mixing`.
        strong_augmentation: see `augmentations.StrongAugmentation`.
        sap_augment: see `sap_augment.SapAugment`.
        pseudo_labels: see `ingredients.PseudoLabels`.
        additivity: see `ingredients.Additivity`; of counts alone.
        distillation: see `ingredients.Distillation`.
        proximity: see `ingredients.Proximity`; of an embedding without a teacher alone.
        ema_decay: of the teacher's weights.
        ramp_up_steps: steps in which the losses on unlabelled clips reach their weights.

    Raises:
        UserError: a value out of range, naming the field, the value and the range; an ingredient
            that makes no sense for the task.
    """

    def __init__(
        self,
        space: str = "sam",
        task: Task | None = None,
        protocol: ProtocolName = "libricount",
        seed: int = 0,
        architecture: Path | None = None,
        initial_weights: Path | None = None,
        distil_from: Path | None = None,
        pictures: Pictures = Pictures(),  # noqa: B008
        random_subnets: int = 2,
        sampling: Sampling = Sampling(),  # noqa: B008 (all of these are frozen)
        optimisation: Optimisation = Optimisation(),  # noqa: B008
        labelled_loss: LabelledLoss = LabelledLoss(),  # noqa: B008
        weak_augmentation: WeakAugmentation = WeakAugmentation(),  # noqa: B008
        count_addition: CountAddition = CountAddition(),  # noqa: B008
        mixing: Mixing = Mixing(),  # noqa: B008
        strong_augmentation: StrongAugmentation = StrongAugmentation(),  # noqa: B008
        sap_augment: SapAugment = SapAugment(),  # noqa: B008
        pseudo_labels: PseudoLabels = PseudoLabels(),  # noqa: B008
        additivity: Additivity = Additivity(),  # noqa: B008
        distillation: Distillation = Distillation(),  # noqa: B008
        proximity: Proximity | None = None,
        ema_decay: float = 0.998,
        ramp_up_steps: int = 1000,
    ) -> None:
        super().__init__()
        check_range("random_subnets", random_subnets, 0, 16)
        check_range("ema_decay", ema_decay, 0.0, 0.999999)
        check_range("ramp_up_steps", ramp_up_steps, 0)
        self.task = task or CountsTask()
        self.seed = seed
        self.optimisation = optimisation
        self.distillation = distillation
        self.ema_decay = ema_decay
        self.recipe = Recipe(
            task=self.task,
            labelled_loss=labelled_loss,
            weak_augmentation=weak_augmentation,
            count_addition=count_addition,
            mixing=mixing,
            strong_augmentation=strong_augmentation,
            pseudo_labels=pseudo_labels,
            additivity=additivity,
            distillation=distillation,
            ramp_up_steps=ramp_up_steps,
            counts_add_exactly=protocol == "libricount",
            sap_augment=sap_augment,
            proximity=proximity,
        )
        self.students = Students(
            space,
            architecture,
            random_subnets,
            seed,
            initial_weights,
            self.task,
            sampling=sampling,
            pictures=pictures,
        )
        self.transfer = Transfer(pictures) if pictures.asked else None
        self.statistics = pseudo_labels.statistics(self.recipe.objective)
        self.mentor = None
        if distil_from is not None:
            one_student = self.students.fixed is not None
            self.mentor = mentor_of(
                distil_from, self.students.spec, self.recipe.objective, one_student
            )
        self.net = self.students.build()
        self.teacher = self.students.build()
        self.teacher.load_state_dict(self.net.state_dict())
        self.teacher.requires_grad_(False).eval()
        self.judge = Judge(self.students, self.recipe.objective)
        self.audit = PseudoLabelAudit(self.task)

    def setup(self, stage: str) -> None:
        """Fill a new run's image CNN with pre-trained weights; a checkpoint comes after this.

        Raises:
            UserError: see `Transfer.load`.
        """
        self._trainer_settings = lasting_settings(self.trainer)  # which callbacks may change later
        if stage == "fit" and self.transfer is not None:
            self.transfer.load(self.net.get_submodule("cnn"))
            self.teacher.load_state_dict(self.net.state_dict())

    def check_data(self, data: pl.LightningDataModule) -> None:
        """Refuse data that the nets cannot hear, or features where something needs sound.

        Raises:
            UserError: people are counted by nets of other clips than theirs; see also
                `Recipe.refuse_features` and `Mentor.refuse_features`.
        """
        spec = self.students.spec
        if isinstance(self.task, CountsTask) and spec.clip_samples != CLIP_SAMPLES:
            raise UserError(
                f"model.space: {spec.name} hears clips of {spec.clip_seconds:g} s, people are"
                f" counted in clips of {CLIP_SECONDS:g} s; choose another space, such as sam-lite"
            )
        held = getattr(data, "held_form", None)
        if isinstance(held, Features):
            self.recipe.refuse_features()
            if self.mentor is not None:
                self.mentor.refuse_features(held.settings)

    def train(self, mode: bool = True) -> SupernetModule:
        """Switch the net to training; the teacher always stays in evaluation mode."""
        super().train(mode)
        self.teacher.eval()
        return self

    # --- one training step ---

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Sum of the losses of all ingredients and nets on one batch (see `Recipe`)."""
        step = self.trainer.fit_loop.total_batch_idx  # unlike batch_idx over all epochs
        draws = partial(self._draws, step)
        torch.manual_seed(draws("global").initial_seed())
        if self.transfer is not None:
            self.transfer.set_phase(self.net.get_submodule("cnn"), self.global_step)
        seen = self.recipe.student_batch(
            batch, self.teacher_probabilities, draws, self.statistics, self.distils
        )
        # The same draws for every front end: one clip is noisy, or masked, for all of the nets.
        cache = FeatureCache(
            seen.waveform,
            lambda features: self.recipe.strong_augmentation.features(
                features,
                seen.strong,
                draws,
                self.students.spec.clip_seconds,
                seen.strengths,
            ),
        )
        first, *others = self.students.of_step(step, self._done(step))
        first_logits = self._student_logits(first, cache)
        parts = self.recipe.losses(first_logits, seen)
        loss = self.recipe.total(parts, step)
        if self.mentor is not None:
            taught = self.mentor.logits(cache)
            parts["mentor"] = self.recipe.objective.distil(first_logits, taught)
            loss = loss + self.distillation.weight * parts["mentor"]
        if others:
            with frozen_batch_norm_statistics(self.net):
                subnet_losses = [
                    self._subnet_loss(self._student_logits(other, cache), first_logits, seen, step)
                    for other in others
                ]
            parts["distillation"] = torch.stack(subnet_losses).mean()
            loss = loss + self.distillation.weight * parts["distillation"]
        self._log_step({"loss": loss, **parts}, seen)
        return loss

    @torch.no_grad()
    def teacher_probabilities(self, waveform: Tensor) -> Tensor:
        """The teacher's probabilities: float32 [U, T] to float32 [U, N]."""
        architecture = self.students.teacher
        self.students.activate(self.teacher, architecture)
        features = FeatureCache(waveform).of(self.teacher, architecture)
        return self.recipe.objective.probabilities(self.teacher.classify(features))

    def teacher_net(self) -> Subnet:
        """The teacher alone: a plain net on this device, with its own batch norm statistics."""
        return self.students.extract(self.teacher, self.students.teacher).to(self.device).eval()

    @property
    def distils(self) -> bool:
        """Whether a net learns from another one, on every clip of a step."""
        in_place = self.distillation.enabled and self.students.fixed is None
        return in_place or self.mentor is not None

    def on_fit_start(self) -> None:
        """Let an embedding that teaches learn the outputs; tell of clips that teach nothing."""
        if isinstance(self.mentor, EmbeddingMentor):
            data: Any = self.trainer.datamodule  # type: ignore[attr-defined]
            learn_outputs(self.mentor, self.recipe, data, self.seed, tell=self.global_rank == 0)
        if not self.distils and not self.recipe.learns_from_unlabelled:
            self._tell_unused()

    def _tell_unused(self) -> None:
        data: Any = self.trainer.datamodule  # type: ignore[attr-defined]
        unused = data.settings().get("unlabelled_batch_size", 0)
        if self.global_rank == 0 and unused:
            print(
                f"data.unlabelled_batch_size: nothing learns from these {unused} clips of a step;"
                " 0 would save making them, model.pseudo_labels.enabled would use them",
                file=sys.stderr,
            )

    def _student_logits(self, architecture: Architecture, cache: FeatureCache) -> Tensor:
        self.students.activate(self.net, architecture)
        return self.net.classify(cache.of(self.net, architecture)).float()

    def _subnet_loss(
        self, logits: Tensor, first_logits: Tensor, seen: StudentBatch, step: int
    ) -> Tensor:
        if self.distillation.enabled:
            return self.recipe.objective.distil(logits, first_logits)
        return self.recipe.total(self.recipe.losses(logits, seen), step)

    def _done(self, step: int) -> float:
        """The share of the run's steps that lie before this one."""
        batches = self.trainer.estimated_stepping_batches * self.trainer.accumulate_grad_batches
        return min(1.0, step / batches)

    def _draws(self, step: int, purpose: str) -> torch.Generator:
        # Other processes of a distributed run see other clips and need other draws.
        return torch_generator(self.seed, step, f"{purpose}/{self.global_rank}", self.device)

    # --- optimisation ---

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """The optimiser and its schedule over all steps of the run."""
        settings = self.optimisation
        shares = EVEN
        if self.transfer is not None:
            shares = self.transfer.rate_share(self.net.get_submodule("cnn"))
        optimiser = make_optimiser(
            self.net, settings.learning_rate, settings.weight_decay, shares, settings.optimiser
        )
        total_steps = int(self.trainer.estimated_stepping_batches)
        schedule = warm_up_cosine(optimiser, settings.warm_up_steps, total_steps)
        return {
            "optimizer": optimiser,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Step, then move the teacher: before any checkpoint of this step is written."""
        super().optimizer_step(*args, **kwargs)
        update_average(self.teacher, self.net, self.ema_decay, self.global_step)

    # --- checkpoints ---

    def settings(self) -> dict[str, Any]:
        """What must be the same for a run to go on, as plain values."""
        fixed = self.students.fixed
        return {
            "space": self.students.spec.name,
            "space_version": self.students.spec.version,
            "architecture": None if fixed is None else fixed.to_json(),
            "distil_from": None if self.mentor is None else self.mentor.sha256,
            "pictures": None if self.transfer is None else self.transfer.settings(),
            "seed": self.seed,
            "random_subnets": self.students.random_subnets,
            "initial_weights": self.students.initial_sha256,
            "sampling": asdict(self.students.sampling),
            "optimisation": asdict(self.optimisation),
            "ema_decay": self.ema_decay,
            **self.recipe.settings(),
        }

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the settings, and flush the logs: a resume repeats no step before this one.

        Random numbers need no more than the seed: each step's follow from it and the step.
        """
        checkpoint["settings"] = self.settings()
        checkpoint["trainer"] = self._trainer_settings
        for logger in self.trainer.loggers:
            logger.save()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse a checkpoint of another run.

        Raises:
            UserError: naming the first setting that differs.
        """
        resumes = self.trainer.state.fn == TrainerFn.FITTING
        check_settings(checkpoint, self.settings(), self._trainer_settings, resumes)
        done, asked = checkpoint["global_step"], self.trainer.max_steps
        if resumes and 0 <= asked <= done and self.trainer.is_global_zero:
            print(
                f"nothing is left to train: the checkpoint has done {done} steps, trainer.max_steps"
                f" is {asked}",
                file=sys.stderr,
            )

    # --- validation and test ---

    def on_validation_epoch_start(self) -> None:
        """Extract the nets to be judged from the teacher, each with its batch norm statistics."""
        calibration = torch.empty(0, device=self.device)
        if self.judge.recalibrates:
            data: Any = self.trainer.datamodule  # type: ignore[attr-defined]
            samples = choose_clips(
                data, self.teacher_net(), self.task, JUDGE_CALIBRATION_CLIPS, self.seed
            )
            calibration = torch.from_numpy(to_float32(samples)).to(self.device)
        self.judge.prepare(self.teacher, calibration)
        self.audit.clear()

    def validation_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        """Judge one batch of labelled clips: ``waveform`` [B, T], ``lo``, ``hi`` (see `Task`)."""
        waveform, lo, hi = batch["waveform"], batch["lo"], batch["hi"]
        self.judge.add(waveform, lo, hi)
        if self.recipe.pseudo_labels.enabled:
            probabilities = self.teacher_probabilities(waveform)
            seen = self.recipe.pseudo_labels.view(
                waveform, probabilities, self.recipe.objective, self.statistics
            )
            self.audit.add(seen, lo, hi)

    def on_validation_epoch_end(self) -> None:
        """Log the metrics as ``val/<metric>/<net>``, and what became of pseudo-labels."""
        self._log_judged("val", self.judge.metrics(intervals=False) | self.audit.metrics())

    def on_test_epoch_start(self) -> None:
        """As for the validation."""
        self.on_validation_epoch_start()

    def test_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        """Judge one batch of the test split's clips."""
        self.judge.add(batch["waveform"], batch["lo"], batch["hi"])

    def on_test_epoch_end(self) -> None:
        """Log the metrics as ``test/<metric>/<net>``, with their 95 % intervals."""
        self._log_judged("test", self.judge.metrics(intervals=True))

    # --- log ---

    def _log_judged(self, split: str, metrics: dict[str, float]) -> None:
        # Each process judged all clips, but batch norm's statistics are its own: of its batches.
        # The first one's are written, so its figures are taken; an average would be of no net.
        judged = self.trainer.strategy.broadcast(metrics)
        self.log_dict({f"{split}/{name}": value for name, value in judged.items()})

    def _log_step(self, losses_by_name: dict[str, Tensor], seen: StudentBatch) -> None:
        self.log("loss", losses_by_name["loss"].detach(), prog_bar=True, logger=False)
        step, trainer = self.global_step, self.trainer
        due = (step + 1) % trainer.log_every_n_steps == 0  # type: ignore[attr-defined]
        if not due or trainer.fit_loop._should_accumulate():
            return
        row = {f"train/{name}": value.item() for name, value in losses_by_name.items()}
        if not math.isfinite(row["train/loss"]):
            raise UserError(
                f"training: the loss is {row['train/loss']} at step {step}; lower"
                f" model.optimisation.learning_rate ({self.optimisation.learning_rate})"
            )
        if seen.pseudo is not None:
            row["train/pseudo_label_share"] = seen.pseudo.weight.mean().item()
        if seen.sums is not None:
            row["train/sum_share"] = seen.sums.weight.mean().item()
        row["train/learning_rate"] = trainer.optimizers[0].param_groups[0]["lr"]
        # Directly, not by `self.log`: Lightning passes a step's values on only after a checkpoint
        # of that step is written, so a run killed in between would lack the row for ever.
        for logger in trainer.loggers:
            logger.log_metrics(row, step=step)
