"""What the data of every task have in common: batches by number, and going on after a kill.

Legend: B labelled clips, U unlabelled clips, V validation clips, T samples, K outputs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from lightning import LightningDataModule
from lightning.pytorch.trainer.states import TrainerFn
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from lightning_modules.audio import Int16
from lightning_modules.checkpoint_settings import ANOTHER_FOLDER
from lightning_modules.datamodule_batches import Batch, BatchStream, as_float, quiet_loader
from lightning_modules.ranges import check_least
from search_spaces.errors import UserError
from search_spaces.files import sha256_file
from search_spaces.task import Task

MOST_WORKERS = 256  # each is a process


class StreamDataModule(LightningDataModule, ABC):
    """Labelled and unlabelled batches that are a function of the seed and the step alone.

    Args:
        eval_batch_size: clips of a validation or test batch.
        steps_per_epoch: training batches of an epoch.
        num_workers: processes that make clips while the model trains; 0 for none.
        labels: where `labels.csv` lies; ``labels.csv`` in the trainer's root folder if None.

    Attributes:
        earlier_settings: those of `settings` that checkpoints of earlier versions lack, as those
            versions trained.
    """

    earlier_settings: ClassVar[Mapping[str, Any]] = {}

    def __init__(
        self, eval_batch_size: int, steps_per_epoch: int, num_workers: int, labels: str | None
    ) -> None:
        super().__init__()
        # The cache is shared by machines as the run folder is; where not, each process prepares.
        self.prepare_data_per_node = False
        check_least(
            eval_batch_size=(eval_batch_size, 1),
            steps_per_epoch=(steps_per_epoch, 1),
            num_workers=(num_workers, 0),
        )
        if num_workers > MOST_WORKERS:
            raise UserError(f"num_workers: {num_workers}, expected at most {MOST_WORKERS}")
        self._eval_batch_size = eval_batch_size
        self._steps_per_epoch = steps_per_epoch
        self._num_workers = num_workers
        self._labels_file = labels
        self._batches: Any = None  # set by `setup`
        self._position = 0
        self._stream: BatchStream | None = None

    @property
    @abstractmethod
    def task(self) -> Task:
        """What the labels say."""

    @abstractmethod
    def validation_clips(self) -> tuple[Int16, NDArray[Any], NDArray[Any]]:
        """The labelled validation clips: int16 [V, T], lo and hi int64 [V] or [V, K]."""

    @abstractmethod
    def calibration_clips(self, number: int) -> Int16:
        """At most ``number`` training clips, int16 [number, T], unlabelled ones first."""

    @abstractmethod
    def provenance(self) -> dict[str, Any]:
        """What a model trained on this data should say about it; no names of people or folders."""

    def settings(self) -> dict[str, Any]:
        """What must be the same for a run to go on, by option, as plain values."""
        return {}

    def sounds_sha256(self) -> dict[str, str | None]:
        """SHA-256 of the sound of the batches, by option; None where the option is not given.

        Of samples, not of times or folders: a copy of the recordings serves as well.
        """
        return {}

    @property
    def labels_file(self) -> Path:
        """Where `labels.csv` lies."""
        if self._labels_file is not None:
            return Path(self._labels_file)
        return Path(self.trainer.default_root_dir if self.trainer else ".", "labels.csv")

    def batch(self, step: int) -> Batch:
        """Training batch ``step`` of a run, counted over all epochs, of one process.

        Returns:
            ``{"labelled": {"waveform": float32 [B, T], "lo": int64 [B], "hi": int64 [B]},
            "unlabelled": {"waveform": float32 [U, T]}}``; lo and hi are [B, K] where several
            outputs may be right.
        """
        return as_float(self._batches[step])

    def train_dataloader(self) -> BatchStream:
        """The batches from the first that was not handed out yet; see `BatchStream`."""
        self._stream = BatchStream(
            self._batches,
            self._steps_per_epoch,
            self._num_workers,
            self._stream.position if self._stream else self._position,
            rank=self.trainer.global_rank if self.trainer else 0,
            world_size=self.trainer.world_size if self.trainer else 1,
        )
        return self._stream

    def state_dict(self) -> dict[str, Any]:
        """The position in the training batches, and the labels, settings and sounds of these."""
        return {
            "position": self._stream.position if self._stream else self._position,
            "labels_sha256": sha256_file(self.labels_file),
            "settings": self.settings(),
            "sounds": self.sounds_sha256(),
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Let the next `train_dataloader` go on at the saved position.

        Raises:
            UserError: `labels.csv`, a setting or a sound is not that of the checkpoint.
        """
        if self._batches is not None:
            self._check(state_dict)
        self._position, self._stream = state_dict["position"], None

    def _check_labels(self, saved: Mapping[str, Any]) -> None:
        if saved["labels_sha256"] != sha256_file(self.labels_file):
            raise UserError(
                f"{self.labels_file}: not the labels that the checkpoint was trained with;"
                " put those back, or train anew without the checkpoint"
            )

    def _check(self, saved: Mapping[str, Any]) -> None:
        self._check_labels(saved)
        if self.trainer is not None and self.trainer.state.fn != TrainerFn.FITTING:
            return  # nothing goes on
        # Checkpoints of earlier versions have none, or lack those that came later.
        before = {**self.earlier_settings, **saved.get("settings", {})}
        for option, value in self.settings().items():
            if before.get(option, value) != value:
                raise UserError(
                    f"data.{option}: the checkpoint was trained with {before[option]}, not {value};"
                    f" ask for the same, or choose {ANOTHER_FOLDER}"
                )
        heard = saved.get("sounds", {})  # which these lack as well
        for option, sha256 in self.sounds_sha256().items():
            if heard.get(option, sha256) != sha256:
                raise UserError(
                    f"data.{option}: not the recordings that the checkpoint was trained with; put"
                    f" those back, or choose {ANOTHER_FOLDER}"
                )

    def _rewind(self) -> None:
        """Begin at the first batch; a checkpoint, if any, is loaded after this."""
        self._position, self._stream = 0, None

    def _eval_loader(self, clips: Dataset[Any]) -> DataLoader[Any]:
        """All clips in order, in every process: some are judged together, such as pairs."""
        # Lightning shares the clips out between processes unless there is such a sampler already.
        every: DistributedSampler[Any] = DistributedSampler(
            clips, num_replicas=1, rank=0, shuffle=False
        )
        return quiet_loader(
            clips, self._num_workers, batch_size=self._eval_batch_size, sampler=every
        )
