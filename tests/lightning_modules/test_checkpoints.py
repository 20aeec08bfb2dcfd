from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lightning_modules.checkpoints import AtomicCheckpointIO, RunCheckpoint, last_checkpoint
from search_spaces.errors import UserError


def test_a_checkpoint_comes_back_with_weights_only(tmp_path: Path):
    io, path = AtomicCheckpointIO(), tmp_path / "checkpoints" / "last.ckpt"
    assert last_checkpoint(tmp_path) is None
    io.save_checkpoint({"step": 3, "weight": torch.ones(2)}, path)
    assert last_checkpoint(tmp_path) == path
    loaded = io.load_checkpoint(path, weights_only=True)
    assert loaded["step"] == 3
    assert torch.equal(loaded["weight"], torch.ones(2))


@pytest.mark.parametrize("steps", [0, -3])
def test_a_checkpoint_every_so_many_steps_needs_a_number(steps: int):
    with pytest.raises(UserError, match=f"every_n_train_steps: got {steps}, expected at least 1"):
        RunCheckpoint(every_n_train_steps=steps)


def test_a_write_that_fails_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    io, path = AtomicCheckpointIO(), tmp_path / "last.ckpt"
    io.save_checkpoint({"step": 1}, path)

    def disk_full(self: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", disk_full)
    with pytest.raises(OSError, match="No space left on device"):
        io.save_checkpoint({"step": 2}, path)
    assert io.load_checkpoint(path, weights_only=True)["step"] == 1
    assert [file.name for file in tmp_path.iterdir()] == ["last.ckpt"]
