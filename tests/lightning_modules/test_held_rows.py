import errno
import os
import re
from pathlib import Path

import numpy as np
import pytest
from torch.utils.data import Dataset

from lightning_modules.datamodule_batches import quiet_loader
from lightning_modules.held_rows import HeldRows
from search_spaces.errors import UserError, run_command


def test_rows_are_what_was_written_and_others_zero(tmp_path: Path) -> None:
    rows = HeldRows(tmp_path / "rows", 4, (2, 3), np.float16)
    rows[2] = np.arange(6, dtype=np.float64).reshape(2, 3).T.copy().T  # not contiguous
    assert rows[2].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert rows[2].dtype == np.float16
    assert not rows[0].any()
    assert not rows[3].any()
    rows[2][:] = 9  # a copy: what is kept stays
    assert rows[2].max() == 5


def test_a_longer_one_finds_the_rows_of_a_shorter_one(tmp_path: Path) -> None:
    HeldRows(tmp_path / "rows", 2, (3,), np.int16)[1] = np.array([7, 8, 9])
    longer = HeldRows(tmp_path / "rows", 5, (3,), np.int16)
    assert [longer[row].tolist() for row in (1, 4)] == [[7, 8, 9], [0, 0, 0]]
    HeldRows(tmp_path / "rows", 1, (3,), np.int16)
    assert longer[1].tolist() == [7, 8, 9], "a smaller one cuts nothing"


def test_a_file_that_was_cut_is_named(tmp_path: Path) -> None:
    rows = HeldRows(tmp_path / "rows", 2, (3,), np.int16)
    os.truncate(tmp_path / "rows", 8)
    assert rows[0].tolist() == [0, 0, 0]
    with pytest.raises(UserError, match=re.escape(f"{tmp_path / 'rows'}: cut short; delete")):
        rows[1]


def test_a_full_disk_is_said_in_one_line_by_a_worker_too(
    tmp_path: Path, monkeypatch, capsys
) -> None:
    rows = HeldRows(tmp_path / "rows", 2, (3,), np.int16)
    asked = iter([4])  # a part of the row finds room

    def full(file: int, data: memoryview, offset: int) -> int:
        for taken in asked:
            return taken
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)

    class Written(Dataset):
        def __len__(self) -> int:
            return 1

        def __getitem__(self, item: int) -> int:
            rows[item] = np.array([1, 2, 3])
            return item

    assert run_command(lambda: len(list(quiet_loader(Written(), 1)))) == 2
    assert capsys.readouterr().err == (
        f"error: {tmp_path / 'rows'}: No space left on device; make room and give the same command"
        " again\n"
    )


def test_a_row_is_read_without_what_lies_around_it(tmp_path: Path) -> None:
    """Of a file that the system does not hold in memory, as one larger than it."""
    rows = HeldRows(tmp_path / "rows", 256, (1 << 14,), np.int32)  # 16 MiB
    for row in range(256):
        rows[row] = np.full(1 << 14, row)
    with (tmp_path / "rows").open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    before = _read_from_disk()
    assert rows[100].tolist() == [100] * (1 << 14)
    assert _read_from_disk() - before <= 2 * rows.row_bytes


def _read_from_disk() -> int:
    counts = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(counts["read_bytes"])
