"""A run of Weights & Biases that tells nothing of the machine, its folders or the people recorded.

Runs are written offline first, whatever the mode: neither an account nor the network can then cost
a result. `online` uploads the finished run by W&B's own `wandb sync`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search_spaces.errors import UserError, one_line
from search_spaces.wandb_options import WandbOptions

if TYPE_CHECKING:
    import wandb

STAGING = "WANDB_DATA_DIR"  # where W&B keeps artifacts' files until they are uploaded
_SYNC_LIMIT_S = 1800
_OFFLINE_MEND = "leave `online` out, and `wandb sync` uploads later"


def present(values: Mapping[str, float | None]) -> dict[str, float]:
    """What has a value: a chart has no place for a reason, and nothing is not 0."""
    return {name: value for name, value in values.items() if value is not None}


def private_settings() -> wandb.Settings:
    """Settings that leave out what W&B collects by itself.

    That is: the command line, paths, host name, user, git remote and patch, code, installed
    packages, the terminal's output, and the machine's load.
    """
    import wandb

    return wandb.Settings(
        silent=True,
        console="off",
        disable_code=True,
        disable_git=True,
        save_code=False,
        host="-",
        program="ersam-kit",
        x_disable_machine_info=True,
        x_disable_meta=True,
        x_disable_stats=True,
        x_save_requirements=False,
    )


def check_online(options: WandbOptions | None) -> None:
    """Refuse to begin work whose log could not be uploaded.

    Raises:
        UserError: no key, a wrong one, or no way to the server.
    """
    if options is None or options.mode != "online":
        return
    failure = _login_failure()
    if failure is not None:
        raise UserError(f"--wandb online: {failure}; {_OFFLINE_MEND}")


def _login_failure() -> str | None:
    """Why nothing can be uploaded now, if so."""
    import wandb

    try:
        logged_in = wandb.login(verify=True)
    except wandb.errors.Error as error:
        return one_line(str(error))
    if logged_in:
        return None
    return "not logged in; run `wandb login`, or unset WANDB_MODE if it says offline"


@contextmanager
def keep_artifacts_in(folder: Path) -> Iterator[None]:
    """Let W&B stage artifacts in ``folder``/wandb: all that a later upload sends lies there."""
    before = os.environ.get(STAGING)
    os.environ[STAGING] = str(Path(folder, "wandb", "data").absolute())
    try:
        yield
    finally:
        if before is None:
            del os.environ[STAGING]
        else:
            os.environ[STAGING] = before


@contextmanager
def wandb_run(
    options: WandbOptions, job_type: str, name: str, config: Mapping[str, Any]
) -> Iterator[wandb.Run]:
    """Yield a run; after the block it is written, and uploaded if that was asked for.

    Args:
        options: of the command.
        job_type: name of the command.
        name: of the run.
        config: what the result depends on.

    Raises:
        UserError: it could not be written or uploaded; the command's own results are not affected.
    """
    import wandb

    options.folder.mkdir(parents=True, exist_ok=True)
    try:
        with (
            keep_artifacts_in(options.folder),
            wandb.init(
                project=options.project,
                group=options.group,
                job_type=job_type,
                name=name,
                mode="offline",
                dir=str(options.folder),
                config=dict(config),
                settings=private_settings(),
            ) as run,
        ):
            yield run
            folder = Path(run.dir).parent
        # A run's end is only announced to W&B's writer; once that ends, all is on the disk.
        wandb.teardown()
    except wandb.errors.Error as error:
        raise UserError(
            f"--wandb: {one_line(str(error))}; the results themselves are written"
        ) from None
    print(f"wrote {folder}")
    if options.mode == "online":
        sync(folder)


def sync(folder: Path) -> None:
    """Upload a finished run by `wandb sync`.

    Raises:
        UserError: it failed; the run stays where it is.
    """
    again = f"the results are written; upload by `wandb sync {folder}`"
    failure = _login_failure()
    if failure is not None:  # `wandb sync` would try for minutes, and say nothing
        raise UserError(f"--wandb online: {failure}; {again}")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "wandb", "sync", str(folder)],
            capture_output=True,
            text=True,
            timeout=_SYNC_LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        raise UserError(f"--wandb online: no answer in {_SYNC_LIMIT_S} s; {again}") from None
    # Its exit code is 0 also when the server refuses; of a run that is there it leaves this file.
    if done.returncode != 0 or not [*folder.glob("*.wandb.synced")]:
        raise UserError(f"--wandb online: {_complaint(done.stderr or done.stdout)}; {again}")


def _complaint(told: str) -> str:
    """The last line in which W&B says something."""
    lines = [
        line.removeprefix("wandb: ").removeprefix("ERROR").strip() for line in told.split("\n")
    ]
    return next((one_line(line) for line in reversed(lines) if line), "failed")
