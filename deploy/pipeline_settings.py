"""What was asked of a run, and how it turns a command with options into a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.pipeline_scale import Scale
from deploy.pipeline_state import Step
from search_spaces.clip import NUM_COUNTS
from search_spaces.wandb_options import WandbOptions

# Those that log to Weights & Biases.
LOGGED_STAGES = ("begin", "fit", "search", "tune", "lower", "benchmark", "evaluate")
AUDIO_STAGES = ("lower", "benchmark", "evaluate")  # whose artifacts may take files with sound

Options = Mapping[str, object]  # flag to value, or to several; None leaves the flag out


@dataclass(frozen=True)
class RunSettings:
    """What the user asked of a run.

    Attributes:
        out: the run folder.
        seed: of everything.
        scale: speech, protocol, sizes, label budget and cost budget.
        threads: of every measurement.
        versions: packages and versions that all results depend on.
        listing: digest of the recordings.
        num_outputs: of the nets.
        wandb: how the stages log to Weights & Biases, or None.
        train_precision: of Lightning's trainer, or None for the configuration's.
    """

    out: Path
    seed: int
    scale: Scale
    threads: int
    versions: str
    listing: str
    num_outputs: int = NUM_COUNTS
    wandb: WandbOptions | None = None
    train_precision: str | None = None

    def step(
        self,
        stage: str,
        command: str,
        options: Options,
        *,
        outputs: tuple[Path, ...],
        inputs: tuple[Path, ...] = (),
        clears: tuple[Path, ...] = (),
        label: str = "",
        hears_speech: bool = False,
    ) -> Step:
        """A step that calls ``python -m <command> <options>`` and what the scale adds to it."""
        flags: list[str] = []
        for flag, value in options.items():
            values = value if isinstance(value, list) else [value]
            flags += [] if value is None else [flag, *map(str, values)]
        return Step(
            stage=stage,
            label=label,
            argv=("-m", *command.split(), *flags, *self.scale.arguments.get(stage, ())),
            inputs=inputs,
            outputs=outputs,
            clears=clears,
            reporting=self._reporting(stage),
            facts=(self.versions, self.listing) if hears_speech else (self.versions,),
        )

    def _reporting(self, stage: str) -> tuple[str, ...]:
        """The options by which a stage logs to Weights & Biases."""
        if self.wandb is None or stage not in LOGGED_STAGES:
            return ()
        group, include = self.wandb.group or self.out.name, self.wandb.include
        return (
            *("--wandb", self.wandb.mode, "--wandb-project", self.wandb.project),
            *("--wandb-group", group, "--wandb-dir", str(self.wandb.folder)),
            *(("--wandb-include", *include) if include and stage in AUDIO_STAGES else ()),
        )
