"""`python -m search_spaces`: what a user sees."""

import subprocess
import sys

import pytest

from search_spaces import __main__ as command
from search_spaces.cost_table import write_cost_table
from search_spaces.errors import run_command
from search_spaces.spaces import get_space
from tests.search_spaces.synthetic_device import synthetic_table


@pytest.fixture
def call(monkeypatch, capsys):
    """Run a command line in this process; gives exit code, stdout and stderr."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["search_spaces", *map(str, arguments)])
        code = run_command(command.main)
        return code, *capsys.readouterr()

    return run


def test_search_prints_the_winners_and_the_path(call, search_inputs, tmp_path):
    code, out, _ = call(
        "search", "--checkpoint", search_inputs / "supernet.pt",
        "--cost-table", search_inputs / "cost_table.json",
        "--population", 4, "--generations", 1, "--winners", 2, "--ranking-clips", 4,
        "--max-latency-ms", 1, "--out", tmp_path / "search",
    )  # fmt: skip
    assert code == 0
    lines = out.splitlines()
    assert lines[-1] == str(tmp_path / "search" / "frontier.json")
    assert lines[0].split() == ["winner", "level", "error", "params", "MMAC", "ms", "int8"]
    assert sum("net-" in line for line in lines[1:-1]) in (1, 2)
    assert sum(line.endswith("best") for line in lines) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"--checkpoint": "nowhere.pt", "--clips": "{inputs}/clips.npz"},
            "nowhere.pt: no such file",
        ),
        ({"--clips": "nowhere.npz"}, "nowhere.npz: no such file; write it anew with"),
        ({"--cost-table": "nowhere.json"}, "nowhere.json: no such file"),
        ({"--checkpoint": "{inputs}/clips.npz", "--clips": "{inputs}/clips.npz"}, "supernet"),
        (
            {"--max-latency-ms": "0"},
            "argument --max-latency-ms: got '0', expected a number above 0",
        ),
        ({"--max-latency-ms": "0.000001"}, "the smallest value that could be met is 0."),
        ({"--max-energy-mj": "3"}, "no energy_mj for int8 (no meter on this host)"),
        ({"--precision": "int4"}, "argument --precision: invalid choice: 'int4'"),
        ({"--population": "1"}, "--population: got '1', expected a whole number, 2 to 10000"),
        ({"--population": "100000000"}, "got '100000000', expected a whole number, 2 to 10000"),
        ({"--generations": "9" * 30}, "--generations: got '99999999999999999999', expected"),
        ({"--ranking-clips": "1000000000"}, "--ranking-clips: got '1000000000', expected"),
        ({"--seed": "-1"}, "argument --seed: got '-1', expected a whole number, 0 to 4294967295"),
        ({"--level-edges": "1,x"}, "--level-edges: got '1,x', expected whole numbers"),
        ({"--level-edges": "5,1"}, "levels.edges: got [5, 1]"),
        ({"--fix": "pool"}, "--fix: got 'pool', expected DIMENSION=CHOICE, e.g. frontend_mels"),
        ({"--fix": "pool=big"}, "error: --fix: pool = 'big' is not in space sam-nano; allowed: "),
        ({"--winner": "3"}, "--winner"),
        (
            {"--out": "{inputs}/clips.npz/out"},
            "--out: {inputs}/clips.npz/out cannot be written (Not",
        ),
        ({"--out": "{inputs}/clips.npz"}, "--out: {inputs}/clips.npz is a file; name a folder"),
        ({"--out": "{inputs}"}, "--out: {inputs} holds other things ("),
        ({"--out": ""}, "argument --out: is empty; name a file or folder"),
        ({"--checkpoint": "nope.pt"}, "error: nope.pt: no such file; `fit` writes it"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(call, search_inputs, tmp_path, changes, message):
    flags = {
        "--checkpoint": "{inputs}/supernet.pt",
        "--cost-table": "{inputs}/cost_table.json",
        "--population": "2",
        "--out": str(tmp_path / "out"),
        **changes,
    }
    arguments = [part.format(inputs=search_inputs) for item in flags.items() for part in item]
    code, out, error = call("search", *arguments)
    assert (code, out) == (2, "")
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert message.format(inputs=search_inputs) in error
    assert not (tmp_path / "out").exists()


def test_a_dimension_is_fixed_once(call, search_inputs, tmp_path):
    code, _, error = call(
        "search", "--checkpoint", search_inputs / "supernet.pt", "--out", tmp_path / "out",
        "--fix", "pool=mean", "pool=mean_max",
    )  # fmt: skip
    assert (code, error) == (
        2,
        "error: --fix: pool is given twice, mean and mean_max; give it once\n",
    )


def test_nnis_version_is_asked_for_without_a_command(call):
    assert call("nnictl", "--version")[:2] == (0, "3.0\n")


def test_a_checkpoint_of_another_space_is_refused(call, search_inputs, tmp_path):
    table = tmp_path / "cost_table.json"
    write_cost_table(table, synthetic_table(get_space("sam-lite"), subnets=30))
    code, _, error = call(
        "search", "--checkpoint", search_inputs / "supernet.pt", "--cost-table", table,
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert code == 2
    assert f"{table}: cost table: measured on space sam-lite version 1, but the search" in error


def test_describe_prints_the_dimensions(call):
    code, out, _ = call("describe", "--space", "sam-lite")
    assert code == 0
    for dimension in get_space("sam-lite").dimensions:
        assert dimension in out
    code, out, _ = call("describe", "--space", "deepspectrum")
    assert (code, "mobilenet_v2" in out, "share no weights" in out) == (0, True, True)
    code, _, error = call("describe", "--space", "sam-xl")
    assert (code, error.startswith("error: space 'sam-xl' is unknown")) == (2, True)


def test_help_needs_no_torch():
    code = "import sys\nsys.argv = ['x', 'search', '--help']\n" + (
        "from search_spaces.__main__ import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "assert 'torch' not in sys.modules\nassert 'numpy' not in sys.modules"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert "--max-latency-ms" in shown.stdout
