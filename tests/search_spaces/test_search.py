"""One search: repeatable, within its budget, resumable after a kill, whole or not at all."""

import errno
import os
import resource
import signal
import subprocess
import sys
import time

import pytest
import torch
from jsonschema import ValidationError

from search_spaces.ambiance import AmbianceLevels
from search_spaces.architecture import read_architecture
from search_spaces.budget import Budget
from search_spaces.errors import UserError
from search_spaces.file_lock import held
from search_spaces.judge import SubnetJudge
from search_spaces.records import point_record
from search_spaces.search import search
from search_spaces.search_result import LOCK
from search_spaces.search_setup import SearchFiles, SearchSize
from search_spaces.spaces import get_space
from search_spaces.supernet import build_supernet
from search_spaces.supernet_file import write_supernet
from search_spaces.task_classes import ClassesTask

SIZE = SearchSize(population=6, generations=3, winners=3, ranking_clips=8, calibration_clips=3)
BUDGET = Budget(max_latency_ms=0.5)


def run(inputs, out, budget=BUDGET, seed=0, table=True, fixed=None, minimise=()):
    files = SearchFiles(
        checkpoint=inputs / "supernet.pt",
        clips=inputs / "clips.npz",
        cost_table=inputs / "cost_table.json" if table else None,
        out=out,
    )
    return search(files, budget, AmbianceLevels(), SIZE, seed, fixed or {}, minimise)


def test_a_fixed_choice_is_made_by_every_net(search_inputs, tmp_path):
    value = run(search_inputs, tmp_path, fixed={"frontend_window_ms": 20})
    assert {point["choices"]["frontend_window_ms"] for point in value["points"]} == {20}
    assert value["winners"]


def test_a_fixed_choice_that_the_space_lacks_is_refused(search_inputs, tmp_path):
    with pytest.raises(
        UserError, match=r"frontend_window_ms = 21 is not in space sam-nano; allowed: "
    ):
        run(search_inputs, tmp_path, fixed={"frontend_window_ms": 21})


def test_only_the_costs_asked_for_are_minimised(search_inputs, tmp_path):
    value = run(search_inputs, tmp_path, minimise=["params"])
    assert value["objectives"] == ["ranking_error", "params"]
    points = sorted(value["points"], key=lambda point: point["params"])
    errors = [point["ranking_error"] for point in points]
    assert errors == sorted(errors, reverse=True)
    with pytest.raises(UserError, match="--minimise energy_mj: is not known; what is: params, mac"):
        run(search_inputs, tmp_path / "other", minimise=["energy_mj"])


def test_levels_of_people_are_refused_where_classes_are_named(search_inputs, tmp_path):
    """They would be passed over without a word."""
    space = get_space("sam-nano")
    task, supernet = ClassesTask(("dog", "door")), build_supernet(space, num_outputs=2)
    write_supernet(tmp_path / "supernet.pt", supernet, {"seed": 1}, task)
    files = SearchFiles(tmp_path / "supernet.pt", search_inputs / "clips.npz", None, tmp_path / "o")
    levels = AmbianceLevels((1, 3), ("none", "few", "many"))
    with pytest.raises(UserError, match=r"--level-edges, .* but .*supernet\.pt is of classes; lea"):
        search(files, Budget(), levels, SIZE, 0)


def lasting(value):
    """All of a frontier but when it was made and how long it took."""
    search = {name: field for name, field in value["search"].items() if name != "seconds"}
    return {**value, "created": None, "search": search}


@pytest.fixture(scope="module")
def done(search_inputs, tmp_path_factory):
    out = tmp_path_factory.mktemp("search")
    return out, run(search_inputs, out)


def test_the_best_winner_is_there_as_an_architecture(done):
    out, value = done
    best = next(winner for winner in value["winners"] if winner["name"] == value["best"])
    assert dict(read_architecture(out / "best.json").choices) == best["choices"]


def test_winners_are_of_the_frontier_and_within_the_budget(done):
    out, value = done
    names = [point["name"] for point in value["points"]]
    assert value["best"] in {winner["name"] for winner in value["winners"]} <= set(names)
    assert 1 <= len(value["winners"]) <= SIZE.winners
    assert all(winner["predicted_latency_ms"]["int8"] <= 0.5 for winner in value["winners"])
    assert all(
        point["predicted_energy_reason"] == "no meter on this host" for point in value["points"]
    )
    latencies = [winner["predicted_latency_ms"]["int8"] for winner in value["winners"]]
    assert latencies == sorted(latencies)
    best = next(winner for winner in value["winners"] if winner["name"] == value["best"])
    assert best["ranking_error"] == min(point["ranking_error"] for point in value["points"])
    assert value["objectives"] == ["ranking_error", "latency_ms", "params"]
    assert (out / "frontier.png").read_bytes().startswith(b"\x89PNG")
    assert not list(out.rglob("*.part*"))


def test_the_same_seed_gives_the_same_frontier(done, search_inputs, tmp_path):
    _, value = done
    assert lasting(run(search_inputs, tmp_path)) == lasting(value)
    assert lasting(run(search_inputs, tmp_path / "other", seed=1)) != lasting(value)


def test_a_second_run_judges_nothing_anew(done, search_inputs, monkeypatch):
    out, value = done

    def refuse(*arguments):
        raise AssertionError("judged a subnet that was judged before")

    monkeypatch.setattr(SubnetJudge, "ranking_error", refuse)
    assert lasting(run(search_inputs, out)) == lasting(value)


def test_killed_and_started_again_it_ends_in_the_same_frontier(done, search_inputs, tmp_path):
    _, value = done
    command = [
        sys.executable, "-m", "search_spaces", "search",
        "--checkpoint", search_inputs / "supernet.pt",
        "--cost-table", search_inputs / "cost_table.json",
        "--max-latency-ms", "0.5", "--population", "6", "--generations", "3", "--winners", "3",
        "--ranking-clips", "8", "--calibration-clips", "3", "--out", tmp_path,
    ]  # fmt: skip
    journal = tmp_path / "evaluations.jsonl"
    # Sums over other numbers of threads round differently, and other tests change this process's.
    threads = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=threads)
    try:
        deadline = time.monotonic() + 240
        while not journal.exists() or journal.read_bytes().count(b"\n") < 3:
            assert time.monotonic() < deadline, "the search judged nothing"
            assert process.poll() is None, "the search ended before it was killed"
            time.sleep(0.005)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    judged = journal.read_bytes().count(b"\n")
    assert 3 <= judged < value["search"]["evaluations"]
    assert not (tmp_path / "frontier.json").exists()
    assert lasting(run(search_inputs, tmp_path)) == lasting(value)


def test_without_a_cost_table_macs_stand_in_for_latency(search_inputs, tmp_path):
    value = run(search_inputs, tmp_path, budget=Budget(max_params=5_000), table=False)
    assert value["objectives"] == ["ranking_error", "macs", "params"]
    assert value["inputs"]["cost_table"] is None
    for winner in value["winners"]:
        assert winner["params"] <= 5_000
        assert winner["predicted_latency_ms"] is None
        assert winner["predicted_latency_reason"] == "no cost table was given"


def test_a_budget_that_no_net_meets_ends_at_once_and_writes_nothing(search_inputs, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(UserError, match="no net of space sam-nano meets --max-latency-ms 1e-06"):
        run(search_inputs, out, budget=Budget(max_latency_ms=1e-6))
    assert not out.exists()


def test_two_searches_do_not_mix_their_files_in_one_folder(search_inputs, tmp_path):
    """Else `best.json` and the weights might be of the one and `frontier.json` of the other."""
    out = tmp_path / "search"
    with held(out / LOCK, "not this one"):
        with pytest.raises(UserError, match=r"--out .*search: another search is at work in this f"):
            run(search_inputs, out)
        assert [path.name for path in out.iterdir()] == [LOCK]
    (out / LOCK).touch()  # as a kill leaves it
    assert run(search_inputs, out)["winners"]
    assert not (out / LOCK).exists()


def test_a_full_disk_names_the_judgements(search_inputs, tmp_path, monkeypatch):
    def no_room(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # as it comes: without a name

    monkeypatch.setattr("search_spaces.evaluations.os.fsync", no_room)
    with pytest.raises(OSError, match=r"No space left on device: '.*/evaluations\.jsonl'"):
        run(search_inputs, tmp_path)


def test_a_folder_of_a_search_is_its_own_whatever_has_come_in(done, search_inputs):
    out, value = done
    (out / "bundles").mkdir()
    assert lasting(run(search_inputs, out)) == lasting(value)


def test_a_full_disk_leaves_no_half_written_file(search_inputs, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, hard))  # holds the judgements, no weights
    try:
        with pytest.raises(OSError, match="File too large"):
            run(search_inputs, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    left = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    assert [str(path) for path in left] == ["evaluations.jsonl"]


def test_a_result_against_the_schema_is_found_before_anything_is_written(
    search_inputs, tmp_path, monkeypatch
):
    def without_reason(*arguments):
        point = point_record(*arguments)
        return {**point, "predicted_energy_reason": None}

    monkeypatch.setattr("search_spaces.search_result.point_record", without_reason)
    with pytest.raises(ValidationError, match="None is not of type 'string'"):
        run(search_inputs, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["evaluations.jsonl"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_folder_is_refused_before_anything_is_judged(search_inputs, tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match=r"--out: .* cannot be written \(Permission denied\)"):
        run(search_inputs, tmp_path / "out")
