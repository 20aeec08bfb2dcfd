"""What holds for every command line of the package."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from deploy.__main__ import COMMANDS, build_parser, main
from search_spaces.errors import UserError


@pytest.mark.parametrize("name", COMMANDS)
def test_no_option_takes_an_empty_path(name: str) -> None:
    """It would be the folder that one is in."""
    (commands,) = (a for a in build_parser(name)._actions if a.dest == "command")
    assert commands.choices is not None
    command = dict(commands.choices)[name]
    assert [action.dest for action in command._actions if action.type is Path] == []


@pytest.mark.parametrize(
    "arguments",
    [["predict", ""], ["predict", "a.wav", "--output", ""], ["evaluate", "--clips", ""]],
)
def test_an_empty_path_is_refused(arguments: list[str]) -> None:
    with pytest.raises(UserError, match=r"^argument .*: is empty; name a file or folder"):
        build_parser(arguments[0]).parse_args(arguments)


def test_files_may_stand_on_both_sides_of_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "a.wav", "--hop-s", "1", "b.wav"]) == 2
    missing = "error: a.wav: no such file\nerror: b.wav: no such file\n"
    assert capsys.readouterr().err.endswith(missing)


def test_two_dashes_end_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "a.wav", "--hop-s", "1", "--", "-dash.wav", "--b.wav"]) == 2
    said = capsys.readouterr().err.splitlines()[-3:]
    assert said == [f"error: {name}: no such file" for name in ("a.wav", "-dash.wav", "--b.wav")]


def test_a_file_that_looks_like_an_option_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-r.wav").touch()
    for arguments in (["-r.wav"], ["a.wav", "-r.wav"]):
        assert main(["predict", *arguments]) == 2
        assert capsys.readouterr().err == (
            "error: -r.wav: begins as an option does; give files behind `--`, or ./-r.wav\n"
        )
    assert main(["predict", "-q.wav"]) == 2
    assert "required: audio" in capsys.readouterr().err


def test_a_closed_standard_output_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["predict", "a.wav"]) == 2
    assert capsys.readouterr().err == (
        "error: standard output is closed; send it to a file, or to /dev/null\n"
    )


def test_a_closed_standard_error_hides_what_is_said_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert main(["compare", "none.json", "none.json"]) == 2
    assert capsys.readouterr().out == ""
