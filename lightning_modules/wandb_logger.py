"""Training as a run of Weights & Biases: Lightning's logger with the kit's privacy."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import WandbLogger
from lightning.pytorch.loggers.logger import rank_zero_experiment
from lightning.pytorch.utilities.rank_zero import rank_zero_only

from search_spaces.errors import UserError, one_line
from search_spaces.wandb_options import PROJECT
from search_spaces.wandb_run import keep_artifacts_in, private_settings


class PrivateWandbLogger(WandbLogger):
    """A `WandbLogger` that is offline unless asked, and tells nothing of machine and folders.

    The command line puts it in the place of any `WandbLogger` of a YAML.

    Args:
        save_dir: its folder ``wandb`` takes the run.
        offline: write files only.
        project: of W&B.
        kwargs: of `WandbLogger` and `wandb.init`.
    """

    def __init__(
        self,
        save_dir: str | Path = ".",
        offline: bool = True,
        project: str = PROJECT,
        **kwargs: Any,
    ) -> None:
        kwargs = {"settings": private_settings(), "job_type": "fit", **kwargs}
        super().__init__(save_dir=save_dir, offline=offline, project=project, **kwargs)
        self._staging = ExitStack()

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """The run, begun at the first call.

        Raises:
            UserError: W&B refuses, or cannot be reached.
        """
        import wandb

        if self._experiment is None:
            folder = Path(self.save_dir or ".")
            folder.mkdir(parents=True, exist_ok=True)
            self._staging.enter_context(keep_artifacts_in(folder))
        try:
            return super().experiment
        except wandb.errors.Error as error:
            raise UserError(f"W&B: {one_line(str(error))}; log offline, or not at all") from None

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """End the run, so that all of it is on the disk before the process ends.

        Args:
            status: ``success``, or how the training ended instead.
        """
        import wandb

        super().finalize(status)
        if self._experiment is not None:
            folder = Path(self._experiment.dir).parent
            self._experiment.finish(exit_code=int(status != "success"))
            self._experiment = None
            self._staging.close()
            wandb.teardown()  # returns when all is on the disk
            print(f"wrote {folder}")
