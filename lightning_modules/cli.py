"""`python -m lightning_modules fit|validate|test`: LightningCLI with this kit's run folder."""

from __future__ import annotations

import itertools
import sys
import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from lightning.fabric.plugins import CheckpointIO
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI, SaveConfigCallback

from lightning_modules.checkpoints import AtomicCheckpointIO, check_checkpoint, last_checkpoint
from lightning_modules.cli_errors import CONFIG_FLAGS, OneLineParser, errors_in_one_line
from lightning_modules.datamodule import AmbianceDataModule
from lightning_modules.datamodule_embedding import EmbeddingDataModule
from lightning_modules.datamodule_folder import FolderDataModule
from lightning_modules.loggers import StepCsvLogger
from lightning_modules.module import SupernetModule
from lightning_modules.run_lock import sole_fit
from lightning_modules.slurm import RequeueBetweenSteps, requeue_while_preparing
from lightning_modules.trainer_checks import check_length, check_numbers, is_try, switched_off
from lightning_modules.wandb_cli import asked_loggers, log_lineage, prepare_wandb
from search_spaces.errors import UserError
from search_spaces.files import atomic_path
from search_spaces.wandb_options import add_wandb_arguments
from search_spaces.yaml_file import read_yaml

CSV_FILES = {"fit": "metrics.csv", "validate": "validate.csv", "test": "test.csv"}
# By task.
DATA = {
    "counts": AmbianceDataModule,
    "classes": FolderDataModule,
    "embedding": EmbeddingDataModule,
}
# Lightning's remarks that are wrong here: the teacher is meant to be in evaluation mode, and every
# process logs the same figures.
NOISE = (
    ".*args parameter is intended to run from within Python.*",
    r".*module\(s\) in eval mode at the start of training.*",
    ".*isinstance.treespec, LeafSpec.*",
    ".*does not have many workers.*",
    ".*It is recommended to use .self.log.*sync_dist=True.*",
)


class SaveRunConfig(SaveConfigCallback):
    """Writes `config.yaml` when training starts, after a checkpoint of another run is refused."""

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Nothing yet."""

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the file."""
        super().setup(trainer, pl_module, "fit")

    def save_config(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Whole or not at all, which Lightning's own writing is not, and without a checkpoint.

        Else another run of this configuration would begin where this one did.
        """
        config = self.config.clone()
        config.ckpt_path = None
        with atomic_path(Path(trainer.default_root_dir, self.config_filename)) as temporary:
            text = self.parser.dump(config, skip_none=False)
            temporary.write_text(text, encoding="utf-8")


class AmbianceCLI(LightningCLI):
    """Sets the run folder's logger and checkpoints; `fit` goes on from the last checkpoint."""

    @staticmethod
    def subcommands() -> dict[str, set[str]]:
        """Trainer methods offered, and their arguments that are not options."""
        data = {"model", "datamodule", "dataloaders"}
        return {
            "fit": {"model", "datamodule", "train_dataloaders", "val_dataloaders"},
            "validate": data,
            "test": data,
        }

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """The task; one seed, space and protocol for data and model."""
        parser.add_argument(
            "--task",
            choices=list(DATA),
            default="counts",
            help="counting people in mixtures of speech, naming classes of any recordings, or an"
            " embedding of them",
        )
        parser.link_arguments("seed_everything", "data.seed")
        parser.link_arguments("seed_everything", "model.seed")
        parser.link_arguments("data.task", "model.task", apply_on="instantiate")
        if self.datamodule_class is AmbianceDataModule:
            parser.link_arguments("data.protocol", "model.protocol")
            parser.link_arguments("model.architecture", "data.architecture")
        parser.link_arguments("model.space", "data.space")
        add_wandb_arguments(parser)

    def before_instantiate_classes(self) -> None:
        """Give W&B's loggers the kit's privacy, and put their files into the run folder too.

        Raises:
            UserError: there is no run folder, a precision that the kit does not train in, gradients
                clipped to less than nothing, or W&B cannot be reached though it should.
        """
        trainer = self._get(self.config, "trainer")
        if trainer.default_root_dir is None:
            raise UserError("trainer.default_root_dir: not given; name a folder, e.g. runs/sam")
        check_numbers(trainer)
        prepare_wandb(self._options(), as_list(trainer.logger), Path(trainer.default_root_dir))

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """The trainer, with a CSV log always and atomic checkpoints unless others are asked for.

        Progress bars and checkpoints of the configuration are left out where they are switched off.
        """
        options = self._get(self.config_init, "trainer")
        folder, job = Path(options.default_root_dir), self.subcommand or "fit"
        plugins = as_list(options.plugins)
        if not any(isinstance(plugin, CheckpointIO) for plugin in plugins):
            plugins = [*plugins, AtomicCheckpointIO()]
        loggers = [
            StepCsvLogger(folder / CSV_FILES[job]),
            *as_list(options.logger),
            *asked_loggers(self._options(), folder, job),
        ]
        off = switched_off(options)
        callbacks = [item for item in as_list(options.callbacks) if not isinstance(item, off)]
        kwargs |= {"logger": loggers, "plugins": plugins, "callbacks": callbacks}
        trainer = super().instantiate_trainer(**kwargs)
        log_lineage(trainer)
        return trainer

    def before_fit(self) -> None:
        """Go on from the run folder's last checkpoint."""
        self._choose_checkpoint(required=False)
        self.model.check_data(self.datamodule)
        check_length(self.trainer)
        if self.model.transfer is not None:
            self.model.transfer.find()  # refused before hours of recordings are decoded
        requeue_while_preparing()

    def fit(self, **arguments: Any) -> None:
        """Train, alone in the run folder.

        Raises:
            UserError: see `sole_fit`.
        """
        folder = Path(self.trainer.default_root_dir)
        with sole_fit(folder) if self.trainer.is_global_zero else nullcontext():
            if arguments.get("ckpt_path") is None:  # of a run that was waited for
                arguments["ckpt_path"] = self._own_checkpoint(folder)
            self.trainer.fit(**arguments)

    def before_validate(self) -> None:
        """Judge the run folder's last checkpoint unless another is given."""
        self._choose_checkpoint(required=True)

    before_test = before_validate

    def _options(self) -> dict[str, Any]:
        """The subcommand's options."""
        return vars(self.config[self.subcommand] if self.subcommand else self.config)

    def _choose_checkpoint(self, required: bool) -> None:
        options = self.config_init[self.subcommand]
        folder = Path(options.trainer.default_root_dir)
        if options.weights_only is None:
            options.weights_only = True
        if options.ckpt_path in (None, "last"):  # Lightning's own "last" would judge fresh weights
            options.ckpt_path = self._own_checkpoint(folder)
        elif not required:
            options.ckpt_path = self._further_one(options.ckpt_path, folder)
        if options.ckpt_path is not None:
            check_checkpoint(Path(options.ckpt_path), options.weights_only)
        elif required:
            raise UserError(
                f"{folder}: holds no checkpoints/last.ckpt; run `fit` first or give --ckpt_path"
            )

    def _own_checkpoint(self, folder: Path) -> Path | None:
        """The run folder's last one; none where training is but tried, which begins anew."""
        anew = self.subcommand == "fit" and is_try(self.trainer)
        return None if anew else last_checkpoint(folder)

    def _further_one(self, given: str | Path, folder: Path) -> str | Path:
        """The checkpoint that a run began with, or its own where it was killed since.

        A word such as ``best`` is Lightning's, and stays one.
        """
        own = last_checkpoint(folder)
        if own is None or not Path(given).is_file() or own.samefile(given):
            return given
        if self.trainer.is_global_zero:
            print(
                f"going on from {own}; to begin with {given} again, name another"
                " --trainer.default_root_dir",
                file=sys.stderr,
                flush=True,
            )
        return own


def as_list(value: Any) -> list[Any]:
    """A trainer option that takes one, several or none of something, as a list."""
    if value is None or isinstance(value, bool):
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def task_of(arguments: Sequence[str]) -> str:
    """The task that the options and configuration files name, the last one winning.

    It says which data the other options are about, so it is read before them.

    Raises:
        UserError: there is no such task, or a configuration file has a part that is null.
    """
    task = "counts"
    words = [word for argument in arguments for word in argument.split("=", 1)]
    for flag, value in itertools.pairwise(words):
        if flag == "--task":
            task = value
        elif flag in CONFIG_FLAGS and Path(value).is_file():
            config = read_yaml(Path(value))
            _refuse_null(config, value)
            task = config.get("task", task) if isinstance(config, dict) else task
    if not isinstance(task, str) or task not in DATA:
        raise UserError(f"task: got {task!r}, expected {' or '.join(DATA)}")
    return task


def _refuse_null(config: Any, path: str) -> None:
    """Refuse a part without settings, of which the parser says something else.

    Raises:
        UserError: naming the file and the part.
    """
    for part in ("trainer", "model", "data"):
        if isinstance(config, dict) and part in config and config[part] is None:
            raise UserError(f"{path}: {part}: is null; give its settings, or leave the line out")


def main(arguments: list[str], callbacks: Sequence[Callback] = ()) -> int:
    """Run a subcommand.

    Args:
        arguments: subcommand and options.
        callbacks: added to those of the configuration.

    Raises:
        UserError: bad options, configuration or data, or a process that died; see
            `search_spaces.errors.run_command`.
    """
    for message in NOISE:
        warnings.filterwarnings("ignore", message)
    with errors_in_one_line(arguments):
        AmbianceCLI(
            SupernetModule,
            DATA[task_of(arguments)],
            parser_class=OneLineParser,
            seed_everything_default=0,
            auto_configure_optimizers=False,
            save_config_callback=SaveRunConfig,
            save_config_kwargs={"overwrite": True, "save_to_log_dir": False},
            trainer_defaults={
                "num_sanity_val_steps": 0,
                "max_epochs": -1,
                "callbacks": [RequeueBetweenSteps(), *callbacks],
            },
            args=arguments,
        )
    return 0
