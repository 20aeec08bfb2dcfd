from __future__ import annotations

import pytest
from lightning.pytorch import LightningModule
from lightning.pytorch.tuner.lr_finder import _determine_lr_attr_name

from lightning_modules.cli_errors import (
    OneLineParser,
    ParserError,
    errors_in_one_line,
    refuse_dead_process,
)
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


def test_a_callback_that_looks_for_an_attribute_in_vain_is_refused_in_one_line():
    refusal = r"^trainer: refuses these settings \(AttributeError: When using the learning rate fin"
    with pytest.raises(UserError, match=refusal), errors_in_one_line(["fit"]):
        _determine_lr_attr_name(LightningModule())


def test_an_attribute_that_we_lack_ourselves_is_no_refusal_of_lightning():
    with pytest.raises(AttributeError), errors_in_one_line(["fit"]):
        OneLineParser.colour  # noqa: B018
