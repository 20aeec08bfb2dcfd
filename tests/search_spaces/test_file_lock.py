from pathlib import Path

import pytest

from search_spaces.errors import UserError
from search_spaces.file_lock import held, take_lock


def test_a_second_holder_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    lock = tmp_path / "made" / ".lock"
    with held(lock, "wait for it"):
        with pytest.raises(UserError, match=r"^wait for it$"), held(lock, "wait for it"):
            pass
        assert lock.exists()  # the refused one has not removed it
    assert not list(lock.parent.iterdir())
    with held(lock, "wait for it"):
        pass


def test_a_lock_is_let_go_of_by_an_error(tmp_path: Path) -> None:
    lock = tmp_path / ".lock"
    with pytest.raises(ValueError, match="broken"), held(lock, "wait"):
        raise ValueError("broken")
    with held(lock, "wait"):
        pass


@pytest.mark.parametrize("anew", [False, True])
def test_a_file_that_was_renamed_since_it_was_opened_is_refused(tmp_path: Path, anew: bool) -> None:
    path = tmp_path / "rows.part"
    with path.open("a") as stream:
        path.rename(tmp_path / "rows")
        if anew:
            path.touch()
        with pytest.raises(UserError, match="wait"):
            take_lock(stream, path, "wait")
