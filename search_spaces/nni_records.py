"""What NNI leaves of an experiment in its database, readable while it runs and after it is stopped.

NNI keeps a list of all experiments in ``~/nni-experiments/.experiment`` and each one's record in
``<its working directory>/<id>/db/nni.sqlite`` (nni_manager/core/sqlDatabase.ts).
"""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search_spaces.errors import UserError
from search_spaces.json_values import is_number


@dataclass(frozen=True)
class Trial:
    """One trial of an experiment.

    Attributes:
        name: NNI's id of it.
        number: counted from 0 in the order of submission.
        status: the last that NNI noted, e.g. ``SUCCEEDED``, ``EARLY_STOPPED``, ``FAILED``.
        parameters: what the tuner chose: those that it was given, if it says so by a result. NNI
            hands out parameters in turn, so that where a trial is killed before it has asked for
            its own, each later one is given those of the one before; and it counts them from the
            beginning again where an experiment is resumed.
        result: what it reported at its end, with ``default``, a finite number; None if it did not
            get there, or reported something else.
        period_ms: times of its first and last event, since 1970.
    """

    name: str
    number: int
    status: str
    parameters: dict[str, Any]
    result: dict[str, Any] | None
    period_ms: tuple[int, int]


def default_folder() -> Path:
    """NNI's folder of experiments."""
    return Path(os.path.expanduser("~"), "nni-experiments")  # noqa: PTH111 (Path refuses who has no home)


def read_trials(experiment: str, folder: Path | None = None) -> list[Trial]:
    """All trials of an experiment, in the order of their numbers.

    Args:
        experiment: its id.
        folder: the experiment's working directory; the one in NNI's list, else the default.

    Raises:
        UserError: no such experiment, or a database that is none, or damaged.
    """
    path = _database(experiment, folder)
    uri = f"{path.resolve().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=10)) as connection:
            events = connection.execute(
                "select trialJobId, event, data, sequenceId, timestamp from TrialJobEvent"
                " order by timestamp"
            ).fetchall()
            results = connection.execute(
                "select trialJobId, parameterId, data, timestamp from MetricData"
                " where type = 'FINAL'"
                " order by timestamp"
            ).fetchall()
    except sqlite3.Error as error:
        raise UserError(f"{path}: not a database of NNI ({error})") from None
    status: dict[str, str] = {}
    numbers: dict[str, int] = {}
    parameters: dict[str, dict[str, Any]] = {}
    chosen: dict[str, str] = {}  # NNI's number of the parameters, by trial
    by_id: dict[str, list[tuple[int, dict[str, Any]]]] = {}  # and when they were chosen
    periods_ms: dict[str, tuple[int, int]] = {}
    for name, event, data, number, time_ms in events:
        periods_ms[name] = (periods_ms.get(name, (time_ms, 0))[0], time_ms)
        status[name] = event
        if number is not None:
            numbers[name] = number
        if data and name not in parameters:
            chosen[name], parameters[name] = _parameters(data, name, path)
            by_id.setdefault(chosen[name], []).append((time_ms, parameters[name]))
    last = {name: _result(data) for name, _, data, _ in results}
    given: dict[str, dict[str, Any]] = {}
    for name, asked, _, time_ms in results:
        before = [values for chosen_ms, values in by_id.get(asked, []) if chosen_ms <= time_ms]
        if asked != chosen.get(name) and before:
            given[name] = before[-1]
    return sorted(
        (
            Trial(
                name,
                numbers.get(name, 0),
                status[name],
                given.get(name, parameters[name]),
                last.get(name),
                periods_ms[name],
            )
            for name in parameters
        ),
        key=lambda trial: trial.number,
    )


def check_stopped(experiment: str, command: str, folder: Path | None = None) -> None:
    """Refuse an experiment that cannot be resumed or viewed.

    Args:
        experiment: its id.
        command: of `nnictl`.
        folder: in which the experiment lies; None for one in NNI's list.

    Raises:
        UserError: there is none of this id, or it runs.
    """
    listed = _listed()
    there = experiment in listed if folder is None else _file(folder, experiment).is_file()
    if not there:
        known = ", ".join(listed) or "none yet"
        raise UserError(
            f"nnictl {command}: no experiment {experiment!r} in {folder or default_folder()};"
            f" experiments here: {known}"
        )
    if experiment in _running(listed):
        raise UserError(
            f"nnictl {command}: {experiment} is running; first `nnictl stop {experiment}`"
        )


def check_listed(experiment: str, command: str) -> None:
    """Refuse an experiment that NNI's list does not hold.

    Args:
        experiment: its id.
        command: of `nnictl`.

    Raises:
        UserError: there is none of this id.
    """
    listed = _listed()
    if experiment not in listed:
        known = ", ".join(listed) or "none yet"
        raise UserError(
            f"nnictl {command}: no experiment {experiment!r} in {default_folder()};"
            f" experiments here: {known}"
        )


def check_running(experiment: str | None, port: int | None) -> None:
    """Refuse to stop an experiment that does not run.

    Args:
        experiment: its id, the beginning of it, or with a star; None for any.
        port: on which it listens; None for any.

    Raises:
        UserError: none that runs is meant.
    """
    running = _running(_listed())
    named = (experiment or "").removesuffix("*")
    if not any(
        name.startswith(named) and port in (None, entry.get("port"))
        for name, entry in running.items()
    ):
        what = " ".join(
            [*([repr(experiment)] if experiment else []), *([f"on port {port}"] if port else [])]
        )
        known = ", ".join(running) or "none"
        raise UserError(f"nnictl stop: no experiment {what} runs; running here: {known}")


def _running(listed: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {
        name: entry
        for name, entry in listed.items()
        if entry.get("status") != "STOPPED" and _is_alive(entry.get("pid"))
    }


def _is_alive(pid: Any) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, TypeError):
        return False
    return True


def _database(experiment: str, folder: Path | None) -> Path:
    listed = _listed()
    if folder is None:
        folder = Path(listed.get(experiment, {}).get("logDir") or default_folder())
    path = _file(folder, experiment)
    if not experiment or Path(experiment).name != experiment or not path.is_file():
        known = ", ".join(listed) or "none yet"
        raise UserError(
            f"--experiment: no experiment {experiment!r} in {folder}; experiments here: {known}"
        )
    return path


def _file(folder: Path, experiment: str) -> Path:
    return folder / experiment / "db" / "nni.sqlite"


def _listed() -> dict[str, dict[str, Any]]:
    path = default_folder() / ".experiment"
    if not path.is_file():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError:
        return {}  # NNI rewrites it in place; the id alone will do
    return value if isinstance(value, dict) else {}


def _parameters(text: Any, name: str, path: Path) -> tuple[str, dict[str, Any]]:
    """What the tuner chose, and NNI's number of it, by the event of a trial's submission.

    Raises:
        UserError: it is not as NNI writes it.
    """
    value = _json(text)
    parameters = value.get("parameters") if isinstance(value, dict) else None
    if not isinstance(parameters, dict):
        raise UserError(
            f"{path}: damaged or not NNI's: trial {name} has no parameters; restore it from a copy"
        )
    return str(value.get("parameter_id")), parameters


def _result(text: Any) -> dict[str, Any] | None:
    """What a trial reported; None where it has no finite number by which to compare it."""
    value = _json(text)
    while isinstance(value, str):  # NNI stores JSON within JSON
        value = _json(value)
    result = value if isinstance(value, dict) else {"default": value}
    return result if is_number(result.get("default")) else None


def _json(text: Any) -> Any:
    """What a field of the database says; None where that is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return None
