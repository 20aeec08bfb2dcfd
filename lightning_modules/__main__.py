"""`python -m lightning_modules`: fit, validate, test, clips, scenes, speak, stats, study, trial."""

from __future__ import annotations

import sys

from search_spaces.errors import run_command


def main() -> int | None:
    """Dispatch to the subcommand."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["clips"]:
        from lightning_modules import clips

        return clips.main(arguments[1:])
    if arguments[:1] == ["scenes"]:
        from lightning_modules import scenes

        return scenes.main(arguments[1:])
    if arguments[:1] == ["speak"]:
        from lightning_modules import speak

        return speak.main(arguments[1:])
    if arguments[:1] == ["stats"]:
        from lightning_modules import stats

        return stats.main(arguments[1:])
    if arguments[:1] == ["study"]:
        from lightning_modules import study

        return study.main(arguments[1:])
    if arguments[:1] == ["trial"]:
        from lightning_modules import trial

        return trial.main(arguments[1:])
    if arguments[:1] == ["net-trial"]:
        from lightning_modules import net_trial

        return net_trial.main(arguments[1:])
    from lightning_modules import cli

    return cli.main(arguments)


if __name__ == "__main__":
    sys.exit(run_command(main))
