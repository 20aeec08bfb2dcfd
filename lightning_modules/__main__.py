"""`python -m lightning_modules`: fit, validate, test, clips, scenes, speak, stats, study, trial."""

from __future__ import annotations

import sys
from importlib import import_module

from search_spaces.errors import UserError, run_command
from search_spaces.termination import ended_by_interrupt, terminated_as_interrupted

# Those of LightningCLI; of the others each is a module.
TRAINER = {
    "fit": "train a net or a supernet",
    "validate": "judge a training's last checkpoint on the validation clips",
    "test": "judge it on the test clips",
}
COMMANDS = {
    "clips": "write labelled clips as wav files",
    "scenes": "lay events into background noise",
    "speak": "words of a synthesiser, a folder per class",
    "stats": "what a folder of recordings holds",
    "study": "a grid of trainings in one table",
    "trial": "one trial of an NNI experiment",
    "net-trial": "the same of nets that are trained alone",
}
# These train in this process, where Lightning has handlers of its own.
_TRAINING = {"trial", "net-trial"}


def main() -> int | None:
    """Dispatch to the subcommand.

    Raises:
        UserError: there is no such command.
    """
    command, *arguments = sys.argv[1:] or ["--help"]
    if command in ("-h", "--help"):
        print("usage: python -m lightning_modules COMMAND [options]; COMMAND --help says which\n")
        for name, what in (TRAINER | COMMANDS).items():
            print(f"  {name:12}{what}")
        return 0
    if command in COMMANDS:
        module = import_module(f"lightning_modules.{command.replace('-', '_')}")
        # Else SIGTERM ends them without a word, and what they had begun to write is left behind.
        with ended_by_interrupt() if command in _TRAINING else terminated_as_interrupted():
            code: int | None = module.main(arguments)
        return code
    if command not in TRAINER:
        raise UserError(f"command {command!r}: expected one of {', '.join(TRAINER | COMMANDS)}")
    from lightning_modules import cli

    return cli.main([command, *arguments])


if __name__ == "__main__":
    sys.exit(run_command(main))
