from __future__ import annotations

from pathlib import Path

import pytest

from search_spaces.command_line import CommandParser
from search_spaces.errors import UserError
from search_spaces.wandb_options import WandbOptions, add_wandb_arguments, read_wandb_options


def read(*arguments: str, include: bool = False) -> WandbOptions | None:
    parser = CommandParser()
    add_wandb_arguments(parser, include=include)
    return read_wandb_options(parser.parse_args(arguments), Path("runs/x"))


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_PROJECT", raising=False)


def test_nothing_is_logged_unless_asked_for():
    assert read() is None
    assert read("--wandb-group", "g") is None


def test_offline_is_what_the_flag_alone_means():
    assert read("--wandb") == WandbOptions("offline", "ersam-kit", None, Path("runs/x"))


def test_all_of_it_can_be_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WANDB_PROJECT", "theirs")
    assert read("--wandb").project == "theirs"
    given = ("--wandb", "online", "--wandb-project", "p", "--wandb-group", "g", "--wandb-dir", "d")
    assert read(*given, "--wandb-include", "vectors.bin", include=True) == WandbOptions(
        "online", "p", "g", Path("d"), ("vectors.bin",)
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--wandb", "sometimes"], r"argument --wandb: invalid choice: 'sometimes' \(choose from"),
        (["--wandb-include", "clips.npz"], "argument --wandb-include: invalid choice: 'clips.npz'"),
    ],
)
def test_a_wrong_value_is_refused(arguments: list[str], message: str):
    with pytest.raises(UserError, match=message):
        read(*arguments, include=True)
