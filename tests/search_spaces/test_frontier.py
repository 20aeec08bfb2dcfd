"""`frontier.json` and its weights come back as they were, or are refused in one line."""

import json
import shutil

import pytest
import torch

from search_spaces.ambiance import AmbianceLevels
from search_spaces.budget import Budget
from search_spaces.clips_file import read_clips, to_float32
from search_spaces.errors import UserError
from search_spaces.frontier import load_winner, read_frontier
from search_spaces.judge import SubnetJudge
from search_spaces.search import search
from search_spaces.search_setup import SearchFiles, SearchSize
from search_spaces.supernet_file import read_supernet

SIZE = SearchSize(population=4, generations=1, winners=2, ranking_clips=4, calibration_clips=2)


@pytest.fixture(scope="module")
def searched(search_inputs, tmp_path_factory):
    out = tmp_path_factory.mktemp("frontier")
    files = SearchFiles(
        search_inputs / "supernet.pt",
        search_inputs / "clips.npz",
        search_inputs / "cost_table.json",
        out,
    )
    value = search(files, Budget(), AmbianceLevels((1, 3), ("none", "few", "many")), SIZE, 0, {})
    return out, value


@pytest.fixture
def folder(searched, tmp_path):
    """A copy that a test may damage."""
    return shutil.copytree(searched[0], tmp_path / "search")


def test_what_was_written_is_read(searched):
    out, value = searched
    frontier = read_frontier(out / "frontier.json")
    assert frontier.best.name == value["best"]
    assert (frontier.space, frontier.version) == ("sam-nano", 1)
    assert frontier.task.levels.names == ("none", "few", "many")
    assert [winner.name for winner in frontier.winners] == [w["name"] for w in value["winners"]]
    assert frontier.points == value["points"]
    winner = frontier.winners[0]
    assert frontier.winner(winner.name) == winner
    assert winner.name == f"net-{winner.architecture.digest}"
    assert set(winner.predicted_latency_ms) == {"fp32", "int8"}
    assert winner.predicted_energy_mj is None
    assert winner.predicted_energy_reason == "no meter on this host"
    assert winner.judged["level_error"].clips == 8


def test_a_winner_computes_what_was_judged(searched, search_inputs):
    out, _ = searched
    frontier = read_frontier(out / "frontier.json")
    clips = read_clips(search_inputs / "clips.npz")
    judge = SubnetJudge(
        read_supernet(search_inputs / "supernet.pt").supernet,
        clips,
        frontier.task,
        ranking_clips=4,
        calibration_clips=2,
        seed=0,
    )
    winner = frontier.best
    net = load_winner(out / "frontier.json", winner)
    judged, evaluation = judge.final(winner.architecture)
    waveform = torch.from_numpy(to_float32(clips.validation_waveform[:3]))
    with torch.no_grad():
        assert torch.equal(net(waveform), judged(waveform))
    assert not net.training
    assert evaluation["level_error"] == winner.judged["level_error"]


def test_a_changed_byte_is_refused(folder):
    winner = read_frontier(folder / "frontier.json").winners[0]
    path = folder / winner.weights_file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"its sha256 is not the one in .*; search again with"):
        load_winner(folder / "frontier.json", winner)


def test_missing_weights_are_refused(folder):
    winner = read_frontier(folder / "frontier.json").winners[0]
    (folder / winner.weights_file).unlink()
    with pytest.raises(UserError, match=r"\.pt: no such file, though .*frontier\.json names it"):
        load_winner(folder / "frontier.json", winner)


def test_an_unknown_winner_is_refused_with_those_there_are(searched):
    frontier = read_frontier(searched[0] / "frontier.json")
    with pytest.raises(UserError, match=rf"winner 'x': .* it has .*{frontier.best.name}"):
        frontier.winner("x")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v.update(best="net-0"), "field best: 'net-0' is not among the winners"),
        (lambda v: v.update(winners=[]), r"field \$\.winners: \[\] "),
        (lambda v: v["space"].update(name="sam-xl"), "space 'sam-xl' is unknown"),
        (
            lambda v: v["space"].update(version=9),
            "is of space sam-nano version 9, expected sam-nano",
        ),
        (
            lambda v: v["winners"][0]["choices"].update(stem_width=9),
            "stem_width = 9 is not in space sam-nano",
        ),
        (lambda v: v["winners"][0].pop("weights"), "'weights' is a required property"),
        (
            lambda v: v["winners"][0]["weights"].update(file="../../etc/passwd"),
            r"field \$\.winners\[0\]\.weights\.file: '../../etc/passwd' does not match",
        ),
        (lambda v: v["levels"].update(edges=[3, 1]), r"levels\.edges: got \[3, 1\]"),
        (
            lambda v: next(w for w in v["winners"] if w["name"] != v["best"]).update(
                ranking_error=0
            ),
            "field best: got net-.*, whose ranking_error is .*, but that of net-.* is 0; search",
        ),
        (
            lambda v: v["budget"].update(max_macs=9),
            "winner net-.*: costs .*, beyond .* max_macs, 9",
        ),
        (lambda v: v["budget"].update(max_latency_ms=1e-3), "beyond the budget's max_latency_ms, "),
        (
            lambda v: v["points"][0].pop("predicted_energy_reason"),
            "net net-.*: field predicted_energy_mj is null without a reason",
        ),
        (
            lambda v: v["winners"][0]["mae"].update(value=None),
            "net net-.*: field mae is null without a reason",
        ),
    ],
)
def test_a_frontier_that_does_not_fit_is_refused(folder, change, message):
    path = folder / "frontier.json"
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))
    with pytest.raises(UserError, match=message) as refused:
        read_frontier(path)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize(("names", "fits"), [(11, True), (10, False), (12, False)])
def test_a_class_too_many_or_too_few_is_refused_without_the_weights(folder, names, fits):
    """Else `lower` alone found it, by the clips, and the report showed classes that nobody has."""
    path = folder / "frontier.json"
    value = json.loads(path.read_text())
    del value["levels"]
    task = {"kind": "classes", "names": [f"class {at}" for at in range(names)], "several": False}
    value["task"] = task
    for winner in value["winners"]:
        winner["error"] = winner["balanced_error"] = winner["level_error"]
    path.write_text(json.dumps(value))
    if fits:
        assert len(read_frontier(path).task.outputs) == names
        return
    with pytest.raises(
        UserError,
        match=rf"json: field task: names {names} outputs, with which winner net-.* would have \d+"
        r" params, but its field params is \d+; search again",
    ):
        read_frontier(path)
