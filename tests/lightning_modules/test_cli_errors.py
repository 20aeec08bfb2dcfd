from __future__ import annotations

import pytest

from lightning_modules.cli_errors import OneLineParser, ParserError, refuse_dead_process
from search_spaces.errors import UserError


def test_a_parser_complains_in_one_line():
    with pytest.raises(ParserError, match=r"^two lines$"):
        OneLineParser().error("two\n  lines")


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("DataLoader worker (pid 7) is killed by signal: Killed.", "data.num_workers: a process"),
        ("[../pair.cc:553] Connection closed by peer [::1]:9", "trainer: another process of this"),
    ],
)
def test_a_dead_process_is_one_line_that_says_how_to_go_on(reason: str, message: str):
    with pytest.raises(UserError, match=f"{message}.*run the same command again"):
        refuse_dead_process(RuntimeError(reason))
    refuse_dead_process(RuntimeError("something else"))
    with pytest.raises(SystemExit) as ended:
        refuse_dead_process(
            RuntimeError("DataLoader worker (pid 9) is killed by signal: Terminated.")
        )
    assert ended.value.code == 143
