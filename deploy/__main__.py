"""`python -m deploy`: everything that happens to a net once it was found."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from search_spaces.command_line import CommandParser
from search_spaces.errors import UserError, run_command

# Each module has HELP, add_arguments(parser) and run(args) -> exit code.
COMMANDS = {
    "run": "deploy.pipeline",
    "cost-table": "deploy.cost_table",
    "lower": "deploy.lower",
    "benchmark": "deploy.benchmark",
    "phone": "deploy.phone",
    "profile-phone": "deploy.phone_profile",
    "merge-cost-tables": "deploy.merge_cost_tables",
    "compare": "deploy.compare",
    "predict": "deploy.predict",
    "evaluate": "deploy.evaluate",
    "answers": "deploy.answers",
    "report": "deploy.report",
    "dashboard": "deploy.dashboard",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; only its module is imported."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    return run_command(lambda: _dispatch(arguments))


def _dispatch(arguments: list[str]) -> int:
    arguments = _without_dashes(arguments)
    chosen = arguments[0] if arguments and arguments[0] in COMMANDS else None
    parser, parsers = _build(chosen)
    if chosen is None:
        args = parser.parse_args(arguments)
        chosen = args.command
    else:  # files may stand on both sides of an option, which a parser of commands cannot read
        try:
            args = parsers[chosen].parse_intermixed_args(arguments[1:])
        except UserError as error:
            raise _dashed_file(arguments[1:]) or error from None
    return import_module(COMMANDS[chosen]).run(args)


def _without_dashes(arguments: list[str]) -> list[str]:
    """What follows ``--`` as paths that no parser takes for options."""
    if "--" not in arguments:
        return arguments
    at = arguments.index("--")
    paths = (f"./{path}" if path.startswith("-") else path for path in arguments[at + 1 :])
    return [*arguments[:at], *paths]


def _dashed_file(arguments: list[str]) -> UserError | None:
    """What to say of a file that a shell's ``*.wav`` named, which the parser took for an option."""
    for name in arguments:
        if name.startswith("-") and Path(name).is_file():
            return UserError(
                f"{name}: begins as an option does; give files behind `--`, or ./{name}"
            )
    return None


def build_parser(chosen: str | None = None) -> argparse.ArgumentParser:
    """The parser; with ``chosen``, the other commands are known by name only."""
    return _build(chosen)[0]


def _build(chosen: str | None) -> tuple[CommandParser, dict[str, CommandParser]]:
    """The parser, and those of its commands by name."""
    parser = CommandParser(prog="python -m deploy", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    parsers = {}
    for name, module_name in COMMANDS.items():
        if chosen in (None, name):
            module = import_module(module_name)
            parsers[name] = commands.add_parser(name, help=module.HELP, description=module.HELP)
            module.add_arguments(parsers[name])
        else:
            commands.add_parser(name)
    return parser, parsers


if __name__ == "__main__":
    sys.exit(main())
