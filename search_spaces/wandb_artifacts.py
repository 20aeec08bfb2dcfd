"""Artifacts of Weights & Biases with their lineage: speech -> supernet -> frontier -> bundle -> ...

An artifact is made from the same files with the same bytes by the command that writes them and by
the one that reads them; W&B then knows by the digest that they are one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search_spaces.files import read_json

if TYPE_CHECKING:
    import wandb


def new_artifact(
    name: str,
    kind: str,
    files: Mapping[str, Path | bytes],
    metadata: Mapping[str, Any] | None = None,
) -> wandb.Artifact:
    """An artifact of the given content.

    Args:
        name: letters, digits, ``-``, ``_`` and ``.``.
        kind: W&B's type: ``speech`` or ``recordings``, ``supernet``, ``frontier``, ``bundle`` or
            ``measurement``.
        files: by name in the artifact: a file, or content.
        metadata: shown beside it.
    """
    import wandb

    artifact = wandb.Artifact(name, type=kind, metadata=dict(metadata or {}))
    for file, content in files.items():
        if isinstance(content, bytes):
            with artifact.new_file(file, mode="wb") as stream:
                stream.write(content)
        else:
            artifact.add_file(str(content), name=file)
    return artifact


def use_artifact(run: wandb.Run, artifact: wandb.Artifact) -> None:
    """Record that the run read the artifact.

    W&B's public `use_artifact` needs the network. What it does with an artifact that is made here
    is this call, which an offline run records too: upload what the server lacks, mark as used.
    """
    run._log_artifact(artifact, is_user_created=True, use_after_commit=True)


def json_bytes(value: Any) -> bytes:
    """JSON with sorted keys, so that equal values are equal bytes."""
    return json.dumps(value, indent=1, sort_keys=True).encode()


def without_folders(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of a search (`frontier.json`) with the names of files instead of their paths."""
    return {
        name: None if entry is None else {**entry, "path": Path(entry["path"]).name}
        for name, entry in inputs.items()
    }


def supernet_artifact(
    checkpoint: Path, metadata: Mapping[str, Any] | None = None
) -> wandb.Artifact:
    """The weights; `clips.npz` beside them is sound and stays here."""
    return new_artifact("supernet", "supernet", {"supernet.pt": checkpoint}, metadata)


def frontier_artifact(path: Path) -> wandb.Artifact:
    """`frontier.json`, without the folders of its inputs, and the winners' weights."""
    value = read_json(path, {})
    content = {**value, "inputs": without_folders(value["inputs"])}
    files: dict[str, Path | bytes] = {"frontier.json": json_bytes(content)}
    for winner in value["winners"]:
        file = winner["weights"]["file"]
        files[file] = path.parent / file
    return new_artifact("frontier", "frontier", files, {"best": value["best"]})
