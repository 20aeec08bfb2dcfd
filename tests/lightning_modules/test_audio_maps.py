from __future__ import annotations

import resource
from pathlib import Path

import numpy as np
import pytest

from lightning_modules.audio_maps import allow_files, map_npy
from search_spaces.errors import UserError


def write(folder: Path, number: int) -> list[Path]:
    for at in range(number):
        np.save(folder / f"{at}.npy", np.full(3, at, np.int16))
    return [folder / f"{at}.npy" for at in range(number)]


def test_a_limit_that_is_reached_is_no_damage(tmp_path: Path, few_files: None) -> None:
    paths = write(tmp_path, 100)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    with pytest.raises(UserError, match=rf"one process may open {limit} files; raise") as refused:
        [map_npy(path, "delete it") for path in paths]
    assert "delete" not in str(refused.value)


def test_the_limit_of_many_files_is_the_systems(tmp_path: Path, few_files: None) -> None:
    paths = write(tmp_path, 100)
    allow_files(len(paths))
    maps = [map_npy(path, "delete it") for path in paths]
    assert [int(sound[0]) for sound in maps] == list(range(100))


def test_the_limit_is_left_alone_for_few_files(few_files: None) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    allow_files(3)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before


@pytest.mark.parametrize("content", [None, b"", b"\x93NUMPY", b"no sound"])
def test_what_is_missing_or_damaged_is_named_with_its_mend(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "a.npy"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"a\.npy: missing or damaged; delete it"):
        map_npy(path, "delete it")


def test_another_refusal_of_the_system_is_said_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.npy").mkdir()
    with pytest.raises(UserError, match=r"a\.npy: cannot be opened \(Is a directory\)"):
        map_npy(tmp_path / "a.npy", "delete it")
