import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.__main__ import main
from deploy.benchmark import check_vectors
from deploy.bundle import DEFAULT_BUNDLE, MANIFEST, Bundle, read_bundle
from deploy.measurement import read_measurement
from search_spaces.errors import UserError


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
