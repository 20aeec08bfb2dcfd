"""Bundles as artifacts of Weights & Biases, and what lowering cost them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.bundle import MANIFEST, MODEL_CARD, MODEL_FILES, VECTORS, Bundle, read_bundle
from deploy.model_card import model_card
from search_spaces.wandb_artifacts import (
    frontier_artifact,
    json_bytes,
    new_artifact,
    use_artifact,
    without_folders,
)
from search_spaces.wandb_options import WandbOptions
from search_spaces.wandb_run import present, wandb_run

if TYPE_CHECKING:
    import wandb

NO_RECORD = "the supernet was not there any more, or another"


def bundle_artifact(bundle: Bundle, include: Sequence[str] = ()) -> wandb.Artifact:
    """The models, the manifest without folders, and the card; `vectors.bin`, sound, if named.

    Args:
        bundle: read.
        include: of `search_spaces.wandb_options.AUDIO_FILES`.
    """
    manifest = dict(bundle.manifest)
    search = manifest["search"]
    manifest["search"] = {**search, "inputs": without_folders(search["inputs"])}
    if manifest["training"]["record"] is None:
        manifest["training"] = {"record": None, "reason": NO_RECORD}
    card = model_card(manifest).encode()
    told = {"bytes": len(card), "sha256": hashlib.sha256(card).hexdigest()}
    manifest["files"] = {**manifest["files"], MODEL_CARD: told}
    files: dict[str, Path | bytes] = {MANIFEST: json_bytes(manifest), MODEL_CARD: card}
    for name in manifest["files"]:
        if name != MODEL_CARD and (name != VECTORS or VECTORS in include):
            files[name] = bundle.path / name
    return new_artifact(f"bundle-{bundle.name}", "bundle", files, figures(bundle))


def log_lowered(options: WandbOptions, frontier: Path, bundles: Sequence[Path]) -> None:
    """Write a run for each bundle: what int8 loses, sizes, and the bundle as an artifact.

    Args:
        options: of the command.
        frontier: `frontier.json`.
        bundles: folders.

    Raises:
        UserError: see `search_spaces.wandb_run.wandb_run`.
    """
    for path in bundles:
        bundle = read_bundle(path)
        config = {"net": bundle.name, "runtime": bundle.manifest["runtime"]}
        with wandb_run(options, "lower", bundle.name, config) as run:
            use_artifact(run, frontier_artifact(frontier))
            run.log(figures(bundle))
            run.log_artifact(bundle_artifact(bundle, options.include))


def figures(bundle: Bundle) -> dict[str, float]:
    """What is known of a bundle, by W&B's key."""
    manifest, held, headline = bundle.manifest, bundle.precisions, bundle.task.headline.key
    values: dict[str, float | None] = {
        "lower/int8_kept": int("int8" in held),
        "lower/params": manifest["costs"]["params"],
        "lower/macs": manifest["costs"]["macs"],
        "lower/int8_drop_points": bundle.int8_drop_points,
    }
    for name in held:
        precision = manifest["precisions"][name]
        values[f"lower/{name}_kb"] = manifest["files"][MODEL_FILES[name]]["bytes"] / 1000
        values[f"lower/{name}_{headline}"] = precision["validation"][headline]["value"]
        values[f"lower/{name}_max_difference"] = precision["max_difference"]
    return present(values)
