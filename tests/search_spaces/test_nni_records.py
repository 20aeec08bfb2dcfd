from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from search_spaces.errors import UserError
from search_spaces.nni_records import read_trials

TABLES = """
create table TrialJobEvent (timestamp integer, trialJobId text, event text, data text,
    logPath text, sequenceId integer, message text, environmentId text);
create table MetricData (timestamp integer, trialJobId text, parameterId text, type text,
    sequence integer, data text);
"""


def write_experiment(folder: Path, name: str, results: dict[str, object]) -> None:
    """A database as NNI 3.0 leaves it; a trial without result has failed."""
    path = folder / name / "db" / "nni.sqlite"
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(TABLES)
        for number, (trial, result) in enumerate(results.items()):
            asked = json.dumps({"parameter_id": number, "parameters": {"x": number}})
            end = "FAILED" if result is None else "SUCCEEDED"
            for time, event, data in ((0, "RUNNING", asked), (5, end, None)):
                row = (time + number, trial, event, data, "", number, None, "local")
                connection.execute("insert into TrialJobEvent values (?,?,?,?,?,?,?,?)", row)
            if result is not None:
                stored = json.dumps(json.dumps(result))  # as NNI stores it
                row = (9, trial, str(number), "FINAL", 0, stored)
                connection.execute("insert into MetricData values (?,?,?,?,?,?)", row)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / "nni-experiments"
    folder.mkdir()
    return folder


def test_trials_have_their_parameters_and_results(home: Path):
    write_experiment(home, "abc", {"T0": {"default": 0.5, "frontier": "f"}, "T1": None, "T2": 0.25})
    trials = read_trials("abc")
    assert [trial.name for trial in trials] == ["T0", "T1", "T2"]
    assert [trial.status for trial in trials] == ["SUCCEEDED", "FAILED", "SUCCEEDED"]
    assert [trial.parameters for trial in trials] == [{"x": 0}, {"x": 1}, {"x": 2}]
    assert trials[0].result == {"default": 0.5, "frontier": "f"}
    assert [trial.result for trial in trials[1:]] == [None, {"default": 0.25}]


def test_a_trial_has_the_parameters_that_it_was_given(home: Path):
    """As NNI 3.0 left it where T0 was killed before it had asked for its parameters."""
    write_experiment(home, "abc", {"T0": None, "T1": 0.5, "T2": 0.25})
    with closing(sqlite3.connect(home / "abc" / "db" / "nni.sqlite")) as connection, connection:
        for trial, number in (("T1", "0"), ("T2", "1")):
            connection.execute(
                "update MetricData set parameterId = ? where trialJobId = ?", (number, trial)
            )
    trials = read_trials("abc")
    assert [trial.parameters for trial in trials] == [{"x": 0}, {"x": 0}, {"x": 1}]


def test_parameters_of_a_resumed_experiment_are_not_those_of_a_later_trial(home: Path):
    """NNI 3.0 counted parameters from 1 again: T2 has the number that T1 had."""
    write_experiment(home, "abc", {"T0": 0.1, "T1": 0.5, "T2": 0.25})
    with closing(sqlite3.connect(home / "abc" / "db" / "nni.sqlite")) as connection, connection:
        again = json.dumps({"parameter_id": 1, "parameters": {"x": 2}})
        connection.execute(
            "update TrialJobEvent set data = ?, timestamp = 20 where trialJobId = 'T2' and data"
            " is not null",
            (again,),
        )
        connection.execute(
            "update MetricData set parameterId = '1', timestamp = 30 where trialJobId = 'T2'"
        )
    trials = read_trials("abc")
    assert [trial.parameters for trial in trials] == [{"x": 0}, {"x": 1}, {"x": 2}]
    with closing(sqlite3.connect(home / "abc" / "db" / "nni.sqlite")) as connection, connection:
        connection.execute("update MetricData set parameterId = '1' where trialJobId = 'T0'")
    assert read_trials("abc")[0].parameters == {"x": 1}  # chosen before its result, not after


def test_an_experiment_lies_where_nnis_list_says(home: Path, tmp_path: Path):
    write_experiment(tmp_path / "elsewhere", "abc", {"T0": None})
    (home / ".experiment").write_text(json.dumps({"abc": {"logDir": str(tmp_path / "elsewhere")}}))
    assert [trial.name for trial in read_trials("abc")] == ["T0"]
    assert len(read_trials("abc", tmp_path / "elsewhere")) == 1


@pytest.mark.parametrize(
    "stored", ["{", "", '"x"', '{"a": 1}', '{"default": NaN}', '{"default": "1"}']
)
def test_a_trial_without_a_finite_number_has_no_result(home: Path, stored: str):
    write_experiment(home, "abc", {"T0": 0.5})
    with closing(sqlite3.connect(home / "abc" / "db" / "nni.sqlite")) as connection, connection:
        connection.execute("update MetricData set data = ?", (stored,))
    (trial,) = read_trials("abc")
    assert (trial.status, trial.result) == ("SUCCEEDED", None)


@pytest.mark.parametrize("stored", ["{", "[]", '{"parameter_id": 0}'])
def test_a_trial_that_nobody_asked_for_is_refused(home: Path, stored: str):
    write_experiment(home, "abc", {"T0": 0.5})
    with closing(sqlite3.connect(home / "abc" / "db" / "nni.sqlite")) as connection, connection:
        connection.execute("update TrialJobEvent set data = ?", (stored,))
    with pytest.raises(
        UserError, match=r"nni\.sqlite: damaged or not NNI's: trial T0 has no param"
    ):
        read_trials("abc")


@pytest.mark.parametrize("name", ["xyz", "", "../abc"])
def test_an_unknown_experiment_is_refused_with_those_there_are(home: Path, name: str):
    (home / ".experiment").write_text(json.dumps({"abc": {}, "def": {}}))
    with pytest.raises(UserError, match=r"no experiment .* experiments here: abc, def"):
        read_trials(name)


def test_a_broken_list_of_experiments_counts_as_none(home: Path):
    (home / ".experiment").write_text("{")
    with pytest.raises(UserError, match="experiments here: none yet"):
        read_trials("abc")


def test_a_file_that_is_no_database_is_refused(home: Path):
    (home / "abc" / "db").mkdir(parents=True)
    (home / "abc" / "db" / "nni.sqlite").write_text("no database, though a file of some length" * 9)
    with pytest.raises(UserError, match="not a database of NNI"):
        read_trials("abc")
