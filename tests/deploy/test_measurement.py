import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.__main__ import main
from deploy.bundle import DEFAULT_BUNDLE, MANIFEST
from deploy.compare import median_ratio
from deploy.measurement import (
    comparable,
    figure,
    latency_summary,
    read_measurement,
    write_measurement,
)
from search_spaces.errors import UserError


def measurement() -> dict[str, Any]:
    samples = [1.0 + 0.01 * i for i in range(200)]
    sha256 = "0" * 64
    return {
        "created": "2026-11-21T08:00:00+00:00",
        "bundle": {
            "name": "net-1",
            "precision": "int8",
            "model_sha256": sha256,
            "manifest_sha256": sha256,
        },
        "device": {"name": "x", "cpu": "x", "cores": 2, "memory_bytes": 1, "os": "Linux"},
        "build": {"runtime": "executorch 1.4.1", "backend": "XnnpackBackend", "kit": "0.1.0"},
        "threads": 1,
        "conditions": {
            "governor": figure("performance"),
            "temperature_before_c": figure(40.0),
            "temperature_after_c": figure(None, "sensor is off"),
            "charging": figure(False),
        },
        "method": {
            "description": "by hand",
            "warm_up_runs": 20,
            "warm_up_stable": True,
            "runs": 200,
        },
        "latency_ms": latency_summary(samples),
        "load_ms": figure(1.0),
        "first_inference_ms": figure(2.0),
        "frontend": {"reason": "not on the phone"},
        "eager": {"reason": "not on the phone"},
        "throughput": {"reason": "not on the phone"},
        "memory": {
            "peak_rss_bytes": figure(1),
            "model_bytes": figure(None, "unknown"),
            "method": "VmHWM",
        },
        "energy": {"value_mj": None, "method": None, "reason": "no meter on this host"},
        "vectors": {"count": 5, "max_difference": 0.0, "tolerance": 0.1},
    }


def test_round_trip_with_what_a_phone_lacks(tmp_path: Path) -> None:
    path = tmp_path / "measurement.json"
    write_measurement(path, measurement())
    assert read_measurement(path) == {"schema_version": 1, **measurement()}


def test_percentiles_are_of_all_samples() -> None:
    summary = latency_summary(list(range(1, 102)))
    assert summary["samples"] == list(range(1, 102))
    assert (summary["p50"], summary["p90"], summary["p99"]) == (51, 91, 100)


def test_a_missing_figure_has_a_reason() -> None:
    assert figure(3, "never said") == {"value": 3, "reason": None}
    assert figure(None, "no sensor") == {"value": None, "reason": "no sensor"}


def test_the_medians_shown_are_those_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_measurement(tmp_path / "a.json", measurement())
    edited = measurement()
    edited["latency_ms"]["p50"] = 1e300
    write_measurement(tmp_path / "b.json", edited)
    assert main(["compare", str(tmp_path / "a.json"), str(tmp_path / "b.json")]) == 0
    assert capsys.readouterr().out.count("net-1 int8: median 1.995 ms\n") == 2


def test_few_runs_tell_no_difference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = measurement()
    few["latency_ms"]["samples"] = [1.0] * 20
    write_measurement(tmp_path / "a.json", measurement())
    write_measurement(tmp_path / "few.json", few)
    assert main(["compare", str(tmp_path / "a.json"), str(tmp_path / "few.json")]) == 2
    assert "few.json: field $.latency_ms.samples: holds 20 runs, expe" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("part", "key", "value", "message"),
    [
        ("device", "cpu", "y", r"device\.cpu is 'x' in one and 'y'"),
        ("device", "cores", 8, r"device\.cores is 2 in one and 8"),
        ("build", "runtime", "executorch 1.5.0", r"build\.runtime is 'executorch 1\.4\.1'"),
        ("build", "torch", "2.13", r"build\.torch is None in one and '2\.13'"),
        ("conditions", "governor", figure("powersave"), r"conditions\.governor\.value is 'perf"),
    ],
)
def test_unlike_measurements_are_not_compared(
    part: str, key: str, value: Any, message: str
) -> None:
    a, b = measurement(), copy.deepcopy(measurement())
    b[part][key] = value
    with pytest.raises(UserError, match=f"measurements cannot be compared: {message}"):
        comparable(a, b)


def test_unlike_threads_are_not_compared_and_like_ones_are() -> None:
    with pytest.raises(UserError, match="threads is 1 in one and 4 in the other"):
        comparable(measurement(), {**measurement(), "threads": 4})
    other = measurement()
    other["bundle"]["precision"] = "fp32"
    other["conditions"]["temperature_before_c"] = figure(60.0)
    comparable(measurement(), other)


def test_ratio_and_its_interval() -> None:
    a = [1.0 + 0.001 * (37 * i % 200) for i in range(200)]
    ratio, low, high = median_ratio(a, [2 * value for value in a])
    assert ratio == pytest.approx(2.0)
    assert 1.9 < low < 2.0 < high < 2.1
    _, low, high = median_ratio(a, a)
    assert low < 1 < high


def test_a_drift_widens_the_interval() -> None:
    steady = [1.0 + 0.001 * (37 * i % 200) for i in range(200)]
    _, steady_low, steady_high = median_ratio(steady, steady)
    _, low, high = median_ratio(sorted(steady), steady)
    assert high - low > 1.5 * (steady_high - steady_low)


@settings(max_examples=8)
@given(st.lists(st.floats(0.1, 100), min_size=20, max_size=60), st.floats(0.5, 2))
def test_the_interval_holds_the_ratio_of_a_series_and_its_multiple(
    samples: list[float], factor: float
) -> None:
    ratio, low, high = median_ratio(samples, [factor * sample for sample in samples])
    assert ratio == pytest.approx(factor)
    assert low <= ratio * (1 + 1e-9)
    assert ratio <= high * (1 + 1e-9)


def test_fewer_than_200_runs_are_no_measurement(tmp_path: Path) -> None:
    path = tmp_path / "measurement.json"
    short = {"schema_version": 1, **measurement()}
    short["method"] = {**short["method"], "runs": 50}
    path.write_text(json.dumps(short))
    with pytest.raises(UserError, match=r"field \$\.method\.runs: 50 is less than the minimum of"):
        read_measurement(path)


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        ("NaN", r"not valid JSON \(NaN is no number\)"),
        ("Infinity", r"not valid JSON \(Infinity is no number\)"),
        ("1e999", r"field \$\.latency_ms\.samples\[0\]: inf is not of type 'number'"),
    ],
)
def test_samples_that_are_no_numbers_are_not_believed(
    tmp_path: Path, sample: str, message: str
) -> None:
    write_measurement(tmp_path / "a.json", measurement())
    text = (tmp_path / "a.json").read_text()
    (tmp_path / "a.json").write_text(text.replace("1.0,", f"{sample},", 1))
    with pytest.raises(UserError, match=message):
        read_measurement(tmp_path / "a.json")


def test_another_file_is_called_by_its_kind() -> None:
    with pytest.raises(UserError, match=r"is of the kind manifest\.json, expected measurement\.j"):
        read_measurement(DEFAULT_BUNDLE / MANIFEST)
