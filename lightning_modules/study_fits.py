"""The trainings of a study, each in a folder of its own that the rows share."""

from __future__ import annotations

from pathlib import Path

import yaml

from lightning_modules.study_config import SUPERNET
from lightning_modules.study_design import Fit
from lightning_modules.study_stages import run_stage, seconds_of
from search_spaces.files import atomic_path

SETTINGS = "fit.yaml"
DONE = "done"  # a mark, since every other file is written while it trains too
CLIPS = "clips.npz"


def fit_folder(out: Path, fit: Fit) -> Path:
    """Where a training lies."""
    return out / "fits" / fit.id


def architecture_of(out: Path, row_id: str) -> Path:
    """The `architecture.json` of the net that a row judged."""
    return out / "rows" / row_id / "architecture.json"


def is_trained(out: Path, fit: Fit) -> bool:
    """Whether the training ended, and its clips are still there for search and lowering."""
    folder = fit_folder(out, fit)
    return (folder / DONE).exists() and (folder / CLIPS).exists()


def train(out: Path, fit: Fit) -> None:
    """Train, or go on from the last checkpoint; nothing if it is done.

    Raises:
        StageFailedError: `fit` failed.
    """
    if is_trained(out, fit):
        return
    folder = fit_folder(out, fit)
    write_settings(out, fit)
    arguments = ("lightning_modules", "fit", "--config", str(folder / SETTINGS))
    run_stage(folder, "fit", arguments)
    (folder / DONE).touch()


def write_settings(out: Path, fit: Fit) -> Path:
    """Write the whole configuration of `fit`; a file that says the same keeps its time.

    For the time of the last file ends a killed attempt (see `study_stages.seconds_of`).
    """
    folder = fit_folder(out, fit)
    values = {**fit.values, "trainer": {**fit.values["trainer"], "default_root_dir": str(folder)}}
    model = {**values["model"]}
    if fit.architecture is not None:
        model["architecture"] = fit.architecture
    if fit.like is not None:
        model["architecture"] = str(architecture_of(out, fit.like.id))
    if fit.taught_by is not None:
        model["distil_from"] = weights_of(out, fit.taught_by)
    if fit.begins_with is not None:
        model["initial_weights"] = weights_of(out, fit.begins_with)
        values["data"] = {**values["data"], "singles_from": model["initial_weights"]}
    values["model"] = model
    path, text = folder / SETTINGS, yaml.safe_dump(values, sort_keys=False)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        with atomic_path(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return path


def weights_of(out: Path, fit: Fit) -> str:
    """The file of weights that `fit` leaves."""
    return str(fit_folder(out, fit) / ("supernet.pt" if fit.kind == SUPERNET else "subnet.pt"))


def frontier_of_fit(out: Path, fit: Fit) -> Path:
    """The `frontier.json` that `fit` leaves of one fixed net."""
    return fit_folder(out, fit) / "frontier.json"


def drop_clips(out: Path, fit: Fit) -> None:
    """Remove `clips.npz`, some 50 MB, once nobody needs it; `fit` makes it again if asked to."""
    (fit_folder(out, fit) / CLIPS).unlink(missing_ok=True)


def fit_seconds(out: Path, fit: Fit) -> float | None:
    """Wall time of a training; None before any."""
    return seconds_of(fit_folder(out, fit)).get("fit")


def kind_of(fit: Fit) -> str:
    """Which of the expected times per step is its own."""
    return "supernet_step_s" if fit.kind == SUPERNET else "alone_step_s"
