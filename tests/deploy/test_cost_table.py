"""The command with its lowering and timing replaced; those two are tested on one real program."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy import cost_programs, cost_table
from deploy.__main__ import main
from deploy.cost_programs import Program, lower_programs
from deploy.cost_rounds import ROUNDS, RawMeasurements, time_rounds
from deploy.cost_samples import draw_samples
from search_spaces.architecture import smallest
from search_spaces.cost import costs
from search_spaces.cost_table import read_cost_table
from search_spaces.errors import UserError
from search_spaces.file_lock import held
from search_spaces.spaces import get_space
from tests.deploy.fakes import lower_and_die

HEADER = {"device": {"name": "x"}, "runtime": {"version": "1"}, "threads": 1}


def test_samples_are_distinct_and_held_out_ones_do_not_move() -> None:
    space = get_space("sam")
    small, large = draw_samples(space, 10, 5, seed=1), draw_samples(space, 40, 5, seed=1)
    assert small.held_out == large.held_out
    assert not {*large.held_out} & {*large.fitted}
    assert len({*large.fitted}) == 40
    assert large.fitted[0] == smallest(space)
    assert len({tuple(choices.items()) for choices in large.frontends}) == len(large.frontends)
    assert draw_samples(space, 10, 5, seed=2).held_out != small.held_out


def test_more_nets_than_the_space_has_are_refused() -> None:
    space = get_space("sam-nano")
    with pytest.raises(
        UserError, match=f"space sam-nano has only {space.size} nets; ask for fewer"
    ):
        draw_samples(space, space.size, 1, seed=0)
    with pytest.raises(UserError, match="--subnets: got 1, expected at least 2"):
        draw_samples(space, 1, 1, seed=0)


def test_raw_measurements_survive_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "raw.jsonl"
    raw = RawMeasurements(path, HEADER)
    raw.add("a", 0, 2.0)
    raw.add("a", 1, 1.5)
    with path.open("a") as stream:
        stream.write("\n" + "[" * 10_000)
        stream.write('\n{"key": "b", "rou')  # the kill
    again = RawMeasurements(path, HEADER)
    assert again.latency_ms("a") == 1.5
    assert not again.has("b", 0)
    again.add("b", 0, 3.0)
    assert RawMeasurements(path, HEADER).latency_ms("b") == 3.0


def test_raw_measurements_of_another_machine_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "raw.jsonl"
    RawMeasurements(path, HEADER)
    with pytest.raises(UserError, match=r"measured with another threads \(1, now 2\); remove it"):
        RawMeasurements(path, {**HEADER, "threads": 2})


def test_raw_measurements_leave_out_what_is_no_median(tmp_path: Path) -> None:
    path = tmp_path / "raw.jsonl"
    RawMeasurements(path, HEADER).add("a", 0, 2.0)
    medians: list[object] = ["1.0", None, 0, -1.0]
    odd = [5, "x", [], {}, *({"key": "a", "round": 1, "median_ms": m} for m in medians)]
    with path.open("ab") as stream:
        stream.write("".join(f"\n{json.dumps(line)}" for line in odd).encode() + b"\n\xff\xfe")
    again = RawMeasurements(path, HEADER)
    assert again.latency_ms("a") == 2.0
    assert not again.has("a", 1)


@pytest.mark.parametrize("first", ["5", "[]", '{"key": "a"}', json.dumps({**HEADER, "more": 1})])
def test_raw_measurements_of_nothing_known_are_refused(tmp_path: Path, first: str) -> None:
    path = tmp_path / "raw.jsonl"
    path.write_text(f"{first}\n")
    with pytest.raises(UserError, match=r"raw\.jsonl: its first line does not tell device, runti"):
        RawMeasurements(path, HEADER)


def test_the_table_predicts_what_a_made_up_device_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lower(programs: list[Program], folder: Path, processes: int) -> Iterator[Program]:
        yield from programs

    def measure(
        programs: list[Program], folder: Path, raw: RawMeasurements, threads: int
    ) -> Iterator[Program]:
        for program in programs:
            cost = costs(program.architecture)
            trunk = 0 if program.part == "frontend" else cost.macs - cost.frontend_macs
            speed = 2 if program.precision == "int8" else 1
            for round_number in range(ROUNDS):
                latency_ms = 1e-7 * (cost.frontend_macs + trunk / speed)
                raw.add(program.key, round_number, latency_ms * (1 + 0.1 * round_number))
                yield program

    monkeypatch.setattr(cost_table, "lower_programs", lower)
    monkeypatch.setattr(cost_table, "time_rounds", measure)
    out = tmp_path / "cost_table.json"
    arguments = ["--space", "sam-lite", "--out", str(out), "--subnets", "60", "--holdout", "30"]
    assert main(["cost-table", *arguments]) == 0
    table = read_cost_table(out)
    for precision in ("fp32", "int8"):
        judged = table.held_out("latency_ms", precision)
        assert judged is not None
        assert judged.subnets == 30
        assert judged.within_10_percent >= 0.95
        assert judged.spearman is not None
        assert judged.spearman >= 0.97
    assert table.energy["reason"] == "no meter on this host"
    assert "of 30 unseen nets within 10 %" in capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == {out.name, "cost_table.raw.jsonl"}
    first = json.loads(out.read_text())
    monkeypatch.setattr(cost_table, "time_rounds", lambda programs, *_: iter(programs[:0]))
    assert main(["cost-table", *arguments]) == 0  # all was measured: nothing is done again
    assert json.loads(out.read_text())["pieces"] == first["pieces"]


@pytest.mark.parametrize("command", ["cost-table", "profile-phone"])
def test_a_table_that_cannot_be_written_is_found_out_first(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "--space", "sam-nano", "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"error: --out: {tmp_path} is a folder or a device; name a file\n"
    )
    assert not list(tmp_path.iterdir())


def test_a_second_cost_table_of_one_name_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = tmp_path / "table.programs"
    begun.mkdir()

    def refused(name: str) -> str:
        assert main(["cost-table", "--space", "sam-nano", "--out", str(tmp_path / name)]) == 2
        return capsys.readouterr().err

    with held(tmp_path / ".table.lock", ""):
        for name in ("table.json", "table.other"):  # both have their programs in that folder
            assert refused(name) == (
                f"error: --out {tmp_path / name}: another command is writing it; wait for that or"
                " name another file\n"
            )
    assert list(tmp_path.iterdir()) == [begun]


def test_sigterm_while_nets_are_lowered_is_one_line(tmp_path: Path) -> None:
    code = (
        "import sys; from deploy import cost_programs; from deploy.__main__ import main;"
        "from tests.deploy.fakes import lower_slowly; cost_programs._lower = lower_slowly;"
        f"sys.exit(main(['cost-table', '--space', 'sam-nano', '--processes', '1',"
        f" '--out', '{tmp_path}/a.json']))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stderr=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    deadline = time.monotonic() + 120
    while process.poll() is None and not list(tmp_path.glob("*/*.begun")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.terminate()
    assert process.communicate(timeout=120)[1].splitlines()[-1:] == [b"terminated"]
    assert process.returncode == 143


def test_a_lowering_that_is_killed_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cost_programs, "_lower", lower_and_die)
    program = Program("frontend", smallest(get_space("sam-nano")), "fp32")
    with pytest.raises(UserError, match=r"a process was killed, .* fewer --processes"):
        list(lower_programs([program], tmp_path, processes=1))


@pytest.mark.parametrize("threads", ["0", "1025", "100000"])
def test_so_many_threads_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], threads: str
) -> None:
    out = str(tmp_path / "table.json")
    assert main(["cost-table", "--space", "sam", "--threads", threads, "--out", out]) == 2
    assert "--threads: got" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_program_is_lowered_once_and_timed(tmp_path: Path) -> None:
    program = Program("frontend", smallest(get_space("sam-nano")), "fp32")
    assert list(lower_programs([program], tmp_path, processes=1)) == [program]
    written = program.path(tmp_path).stat().st_mtime_ns
    assert list(lower_programs([program], tmp_path, processes=1)) == [program]
    assert program.path(tmp_path).stat().st_mtime_ns == written
    raw = RawMeasurements(tmp_path / "raw.jsonl", HEADER)
    assert len(list(time_rounds([program], tmp_path, raw, threads=1))) == ROUNDS
    assert raw.complete(program.key)
    assert 0.001 < raw.latency_ms(program.key) < 1000
