import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deploy import benchmark
from deploy.__main__ import main
from deploy.benchmark import check_vectors
from deploy.benchmark_resume import Begun
from deploy.bundle import DEFAULT_BUNDLE, MANIFEST, Bundle, read_bundle
from deploy.measurement import read_measurement, write_measurement
from search_spaces.errors import UserError
from tests.deploy.test_measurement import measurement as a_measurement


def test_measures_what_the_issue_asks_for(
    bundle_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--bundle", str(bundle_path), "--precision", "int8", "--out", str(tmp_path)]
    assert main(["benchmark", *arguments]) == 0
    path = tmp_path / f"{bundle_path.name}-int8.json"
    measured = read_measurement(path)
    latency = measured["latency_ms"]
    assert len(latency["samples"]) == measured["method"]["runs"] == 200
    assert 0 < min(latency["samples"]) <= latency["p50"] <= latency["p90"] <= latency["p99"]
    assert measured["bundle"]["name"] == bundle_path.name
    assert measured["frontend"]["share"] > 0
    assert measured["eager"]["threads"] == 1
    assert measured["throughput"]["attainable_macs_per_s"] > 1e8
    assert measured["load_ms"]["value"] > 0
    assert measured["first_inference_ms"]["value"] > 0
    assert measured["memory"]["peak_rss_bytes"]["value"] > 50e6
    assert measured["energy"] == {
        "value_mj": None,
        "method": None,
        "reason": "no meter on this host",
    }
    assert measured["vectors"]["max_difference"] <= measured["vectors"]["tolerance"]
    out = capsys.readouterr().out
    assert f"{bundle_path.name} int8: p50" in out
    assert f"wrote {path}" in out
    same = ["compare", str(path), str(path)]
    assert main(same) == 0
    assert "1.000 times as long" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--runs", "199"], "--runs: got 199, expected at least 200"),
        (["--threads", "0"], "argument --threads: got '0', expected a whole number, 1 to 1024"),
        (["--out", "/proc/x"], "--out: /proc/x/"),
        (
            ["--precision", "int8", "--out", "/proc/x.json"],
            "--out: /proc/x.json cannot be written (No such file or directory)",
        ),
        (
            ["--precision", "int8", "--out", str(DEFAULT_BUNDLE / MANIFEST)],
            f"--out: {DEFAULT_BUNDLE / MANIFEST} is one of the bundles' files; name another",
        ),
        (["--out", "x.json"], "--out x.json: one file cannot hold 2 measurements"),
        (["--bundle", *2 * [str(DEFAULT_BUNDLE)]], "--bundle: two are named 'net-"),
    ],
)
def test_wrong_arguments_are_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["benchmark", "--bundle", str(DEFAULT_BUNDLE), *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {message}")


def test_answers_unlike_the_vectors_fail(
    bundle_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = read_bundle(bundle_path)
    monkeypatch.setattr(Bundle, "tolerance", lambda *_: 1e-3)
    with pytest.raises(UserError, match=r"int8 differs from its vectors by 0\.\d+, allowed 0\.001"):
        check_vectors(bundle, "int8", bundle.load("fp32"))  # another model than it should be


def test_goes_on_where_it_was_interrupted_and_measures_all_anew_when_it_had_ended(
    bundle_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = []

    def interrupted_at_int8(_: Any, precision: str, *__: Any) -> dict[str, Any]:
        asked.append(precision)
        if asked == ["fp32", "int8"]:
            raise KeyboardInterrupt
        value = a_measurement()
        value["bundle"]["precision"] = precision
        return value

    monkeypatch.setattr(benchmark, "measure_bundle", interrupted_at_int8)
    monkeypatch.setattr(benchmark, "summary", lambda value: value["bundle"]["precision"])
    command = ["benchmark", "--bundle", str(bundle_path), "--out", str(tmp_path)]
    fp32, int8 = (tmp_path / f"{bundle_path.name}-{kind}.json" for kind in ("fp32", "int8"))
    assert main(command) == 130
    first = fp32.read_bytes()
    capsys.readouterr()
    assert main([*command, "--runs", "200"]) == 0
    assert asked == ["fp32", "int8", "int8"]
    assert fp32.read_bytes() == first
    out, err = capsys.readouterr()
    assert f"fp32 (1/2): kept, measured at {read_measurement(fp32)['created']} before" in err
    assert f"to measure it anew, remove {fp32}" in err
    assert out.startswith("fp32\n")
    assert sorted(tmp_path.iterdir()) == [fp32, int8]
    assert main(command) == 0
    assert asked[3:] == ["fp32", "int8"]


@pytest.mark.parametrize("change", ["options", "file", "journal"])
def test_what_was_measured_otherwise_or_is_another_file_is_not_kept(
    change: str, tmp_path: Path
) -> None:
    path = tmp_path / "net-int8.json"
    write_measurement(path, a_measurement())
    Begun(tmp_path, {"runs": 200}).add(path)
    assert Begun(tmp_path, {"runs": 200}).measured(path) == read_measurement(path)
    if change == "file":
        path.write_text(path.read_text("utf-8") + "\n", "utf-8")
    if change == "journal":
        (tmp_path / ".benchmark.part.json").write_text("{", "utf-8")
    runs = 300 if change == "options" else 200
    assert Begun(tmp_path, {"runs": runs}).measured(path) is None


def test_help_needs_neither_torch_nor_executorch() -> None:
    script = (
        "import sys; from deploy.__main__ import build_parser; build_parser('benchmark');"
        "build_parser('lower'); build_parser('cost-table');"
        "print({'torch', 'executorch', 'nni'} & {*sys.modules})"
    )
    result = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": "."},
    )
    assert result.stdout == "set()\n"
