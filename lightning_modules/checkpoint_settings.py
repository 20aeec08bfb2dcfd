"""Whether a checkpoint is of the run that goes on from it, or that judges it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from lightning_modules.sampling import Sampling
from lightning_modules.sap_augment import SapAugment
from search_spaces.errors import UserError

ANOTHER_FOLDER = "another run folder (--trainer.default_root_dir, of a trial --out)"
JUDGED = ("task", "space", "space_version", "architecture")  # what matters where nothing is trained


def check_settings(
    checkpoint: Mapping[str, Any],
    asked: Mapping[str, Any],
    trainer: Mapping[str, Any],
    resumes: bool,
) -> None:
    """Refuse a checkpoint of another run.

    Args:
        checkpoint: as Lightning loads it.
        asked: settings of this run, as `SupernetModule.settings` says them.
        trainer: options of its trainer, as `trainer_checks.lasting_settings` says them.
        resumes: whether it is trained on, and not only judged.

    Raises:
        UserError: naming the first setting that differs.
    """
    saved = checkpoint.get("settings")
    if saved is None:
        raise UserError("checkpoint: not written by this kit's `fit`; give such a one")
    saved = _of_earlier_versions(asked) | saved
    saved["optimisation"] = {"optimiser": "adamw"} | saved.get("optimisation", {})
    for name, value in asked.items():
        if (resumes or name in JUDGED) and saved.get(name) != value:
            raise _other(name, saved.get(name), value)
    before = checkpoint.get("trainer", {})  # which earlier versions did not write down
    for option, value in trainer.items():
        if resumes and before.get(option, value) != value:
            raise _other(f"trainer.{option}", before[option], value)


def _other(name: str, before: Any, asked: Any) -> UserError:
    return UserError(
        f"checkpoint: trained with {name} = {before}, not {asked}; ask for the same, or choose"
        f" {ANOTHER_FOLDER}"
    )


def _of_earlier_versions(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that checkpoints of earlier versions lack, as those versions trained."""
    return {
        "sampling": asdict(Sampling()),
        "initial_weights": asked["initial_weights"],  # which they did not write down
        "sap_augment": asdict(SapAugment()),
    }
