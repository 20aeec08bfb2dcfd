"""What torch saves is written whole or not at all."""

import hashlib
import resource

import pytest
import torch

from search_spaces.torch_file import NOT_TORCH, write_torch


def test_what_was_written_is_read(tmp_path):
    path = tmp_path / "new" / "value.pt"
    digest = write_torch(path, {"weight": torch.arange(3.0)})
    assert torch.load(path, weights_only=True)["weight"].tolist() == [0.0, 1.0, 2.0]
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("content", [b"RIFF\x24\x00\x00\x00WAVEfmt ", b"(d.", b"0", b"2.", b"Ra."])
def test_what_torch_did_not_write_is_known_as_that(tmp_path, content):
    path = tmp_path / "other.pt"
    path.write_bytes(content)
    with pytest.raises(NOT_TORCH):
        torch.load(path, weights_only=True)


def test_a_full_disk_is_an_os_error_and_leaves_the_old_file(tmp_path):
    path = tmp_path / "value.pt"
    write_torch(path, {"weight": torch.zeros(3)})
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_torch(path, {"weight": torch.zeros(5_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["value.pt"]
