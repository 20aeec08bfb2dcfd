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
    assert read(include=True) is None
    assert read("--wandb-group", "") is None  # as a shell variable may be


def test_offline_is_what_the_flag_alone_means():
    assert read("--wandb") == WandbOptions("offline", "ersam-kit", None, Path("runs/x"))


def test_all_of_it_can_be_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WANDB_PROJECT", "theirs")
    assert read("--wandb").project == "theirs"
    given = ("--wandb", "online", "--wandb-project", "p", "--wandb-group", "g", "--wandb-dir", "d")
    assert read(*given, "--wandb-include", "vectors.bin", include=True) == WandbOptions(
        "online", "p", "g", Path("d"), ("vectors.bin",)
    )


def test_a_project_of_the_environment_is_looked_at_too(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WANDB_PROJECT", "50%")
    with pytest.raises(UserError, match=r"^WANDB_PROJECT: got '50%', but W&B takes at most 128"):
        read("--wandb")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--wandb", "sometimes"], r"argument --wandb: invalid choice: 'sometimes' \(choose from"),
        (["--wandb-include", "clips.npz"], "argument --wandb-include: invalid choice: 'clips.npz'"),
        (["--wandb-group", "g"], "^--wandb-group: needs --wandb; give it, or neither"),
        (["--wandb-project", "p"], "^--wandb-project: needs --wandb"),
        (["--wandb-dir", "d"], "^--wandb-dir: needs --wandb"),
        (["--wandb-include", "vectors.bin"], "^--wandb-include: needs --wandb"),
        (
            ["--wandb", "--wandb-project", "a/b"],
            "^--wandb-project: got 'a/b', but W&B takes at mos",
        ),
        (["--wandb", "--wandb-project", "p" * 129], "^--wandb-project: .* at most 128 characters"),
        (
            ["--wandb", "--wandb-dir", __file__],
            r"^--wandb-dir: .*options\.py is a file; name a fol",
        ),
    ],
)
def test_a_wrong_value_is_refused(arguments: list[str], message: str):
    with pytest.raises(UserError, match=message):
        read(*arguments, include=True)
