"""What `--help` says: something of every option of every command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

import pytest

from deploy.__main__ import COMMANDS as DEPLOY
from deploy.__main__ import main as deploy
from lightning_modules.__main__ import COMMANDS as TRAINING
from lightning_modules.__main__ import main as lightning_modules
from search_spaces.__main__ import main as search_spaces
from search_spaces.command_line import CommandParser

OF_SPACES = ("search", "describe", "best", "trial", "nnictl")
ALL = (
    *((deploy, command) for command in DEPLOY),
    *((lightning_modules, command) for command in TRAINING),
    *((search_spaces, command) for command in OF_SPACES),
)


@pytest.mark.parametrize(("main", "command"), ALL, ids=[command for _, command in ALL])
def test_every_option_says_what_it_is_for(
    main: Callable[[], object], command: str, monkeypatch: pytest.MonkeyPatch
):
    asked: list[argparse.ArgumentParser] = []
    monkeypatch.setattr(CommandParser, "print_help", lambda parser: asked.append(parser))
    monkeypatch.setattr(sys, "argv", ["python", command, "--help"])
    with pytest.raises(SystemExit):
        main()
    (parser,) = asked
    options = [action for action in parser._actions if action.option_strings]
    assert [action.option_strings[0] for action in options if not action.help] == []
