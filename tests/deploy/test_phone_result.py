"""A result becomes measurements: every sample kept, nothing invented."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.measurement import comparable, read_measurement, write_measurement
from deploy.phone_result import THERMAL_STATUS, failures, measurements, read_result
from search_spaces.errors import UserError
from tests.deploy.phone_device.scripted import scripted_result, told
from tests.deploy.test_phone_job import GOLDEN, job_of_bundle

UNTOLD = {"value": None, "reason": "not told"}


def result() -> dict[str, Any]:
    return scripted_result(job_of_bundle().text.encode())


def test_one_measurement_per_model_and_number_of_threads(tmp_path: Path) -> None:
    measured = list(measurements(result()))
    assert [(m["bundle"]["precision"], m["threads"]) for m in measured] == [
        (precision, threads) for precision in ("fp32", "int8") for threads in (1, 2, 4)
    ]
    for measurement in measured:
        write_measurement(tmp_path / "m.json", measurement)
        assert read_measurement(tmp_path / "m.json")["latency_ms"] == measurement["latency_ms"]
        assert measurement["energy"]["value_mj"] is None
        assert measurement["energy"]["reason"] == "charging by usb"
        assert measurement["memory"]["peak_pss_bytes"] == told(53_000_000)
        assert measurement["memory"]["model_bytes"] == told(3_000_000)
        assert measurement["device"]["name"] == "Test Loopback 1"
        assert measurement["conditions"]["governor"] == told("schedutil")


@settings(max_examples=30)
@given(st.lists(st.lists(st.floats(1e-3, 1e4), min_size=1, max_size=9), min_size=1, max_size=4))
def test_every_sample_is_kept_and_percentiles_are_of_all(repeats: list[list[float]]) -> None:
    measured = result()
    latency = measured["models"][0]["latency"][0]
    template = latency["repeats"][0]
    latency["repeats"] = [{**template, "samples_ms": samples} for samples in repeats]
    measurement = next(measurements(measured))
    every = [sample for samples in repeats for sample in samples]
    summary = measurement["latency_ms"]
    assert summary["samples"] == pytest.approx(every, abs=1e-6)
    assert measurement["method"]["runs"] == len(every)
    assert [repeat["runs"] for repeat in measurement["phone"]["repeats"]] == [*map(len, repeats)]
    expected = np.percentile(every, (50, 90, 99))
    assert [summary[name] for name in ("p50", "p90", "p99")] == pytest.approx(list(expected))
    assert summary["p50"] <= summary["p90"] <= summary["p99"]


@settings(max_examples=30)
@given(
    st.lists(st.sampled_from([*THERMAL_STATUS, None]), min_size=4, max_size=4),
    st.lists(st.one_of(st.none(), st.floats(0, 2)), min_size=4, max_size=4),
    st.lists(st.booleans(), min_size=2, max_size=2),
)
def test_heat_is_the_worst_that_was_seen(
    statuses: list[str | None], headrooms: list[float | None], timed_out: list[bool]
) -> None:
    measured = result()
    repeats = measured["models"][0]["latency"][0]["repeats"]
    states = [repeat[moment] for repeat in repeats for moment in ("before", "after")]
    for state, status, headroom in zip(states, statuses, headrooms, strict=True):
        state["thermal_status"] = UNTOLD if status is None else told(status)
        state["thermal_headroom"] = UNTOLD if headroom is None else told(headroom)
    for repeat, late in zip(repeats, timed_out, strict=True):
        repeat["gate"]["timed_out"] = late
    heat = next(measurements(measured))["conditions"]["heat"]
    seen = [status for status in statuses if status is not None]
    assert heat["gate_timed_out"] == any(timed_out)
    assert (heat["worst_thermal_status"]["value"] is None) == (not seen)
    assert all(
        THERMAL_STATUS.index(status) <= THERMAL_STATUS.index(heat["worst_thermal_status"]["value"])
        for status in seen
    )
    told_headrooms = [headroom for headroom in headrooms if headroom is not None]
    assert heat["highest_thermal_headroom"]["value"] == max(told_headrooms, default=None)


def test_energy_belongs_to_its_number_of_threads() -> None:
    measured = result()
    measured["models"][0]["energy"] |= {
        "value_mj": 8.5,
        "low_mj": 8.0,
        "high_mj": 9.0,
        "reason": None,
        "method": "battery_charge_counter",
        "meter": "charge counter",
    }
    one, two, *_ = measurements(measured)
    assert (one["energy"]["value_mj"], one["energy"]["low_mj"], one["energy"]["high_mj"]) == (
        8.5,
        8.0,
        9.0,
    )
    assert one["energy"]["method"] == "battery_charge_counter"
    assert two["energy"]["value_mj"] is None
    assert two["energy"]["reason"] == "was measured with 1 threads only"


def test_what_was_not_asked_for_or_not_told_has_a_reason() -> None:
    measured = result()
    measured["device"]["cpu_clusters"] = []
    for model in measured["models"]:
        model["memory"] = model["energy"] = None
    first = next(measurements(measured))
    assert first["memory"]["peak_rss_bytes"]["reason"] == "the job did not ask for it"
    assert first["energy"]["reason"] == "the job did not ask for it"
    assert (
        first["conditions"]["governor"]["reason"] == "the phone does not show its cores' clusters"
    )
    measured = result()
    measured["models"][0]["memory"]["pss_before_bytes"] = UNTOLD
    assert next(measurements(measured))["memory"]["model_bytes"] == UNTOLD


def test_a_failed_model_gives_a_line_and_no_measurement() -> None:
    measured = result()
    measured["models"][0] |= {
        "status": "failed",
        "error": {"code": "vectors_differ", "message": "differs by 0.2, allowed 0.001"},
        "latency": [],
    }
    assert {m["bundle"]["precision"] for m in measurements(measured)} == {"int8"}
    (line,) = failures(measured)
    assert line.endswith("fp32: differs by 0.2, allowed 0.001")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("complete", "yes", r"field \$\.complete: 'yes' is not of type 'boolean'"),
        ("schema_version", 2, r"field \$\.schema_version: 1 was expected"),
    ],
)
def test_a_result_that_breaks_the_schema(
    tmp_path: Path, field: str, value: Any, message: str
) -> None:
    path = tmp_path / "result.json"
    path.write_text(json.dumps({**result(), field: value}))
    with pytest.raises(UserError, match=message):
        read_result(path)
    sample = result()
    sample["models"][0]["latency"][0]["repeats"][0]["samples_ms"][3] = 0
    path.write_text(json.dumps(sample))
    with pytest.raises(UserError, match=r"samples_ms\[3\]: 0 is less than or equal to the minimum"):
        read_result(path)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("result-*.json")), ids=lambda path: path.name)
def test_golden_results_become_measurements(path: Path, tmp_path: Path) -> None:
    golden = read_result(path)
    for measurement in measurements(golden):
        write_measurement(tmp_path / "m.json", measurement)
    assert len(list(failures(golden))) == sum(m["status"] == "failed" for m in golden["models"])


def test_hot_or_unlike_phones_are_not_compared() -> None:
    a, b = next(measurements(result())), next(measurements(result()))
    comparable(a, b)
    b["conditions"]["temperature_before_c"] = told(36.0)
    with pytest.raises(UserError, match="the battery began at 30 °C in one and 36 °C in the other"):
        comparable(a, b)
    b = next(measurements(result()))
    b["conditions"]["power_save"] = told(True)
    with pytest.raises(UserError, match=r"conditions\.power_save\.value is False in one and True"):
        comparable(a, b)
    b = next(measurements(result()))
    b["conditions"]["heat"]["worst_thermal_status"] = told("severe")
    with pytest.raises(UserError, match="fp32 reached thermal status 'severe'; let it cool"):
        comparable(a, b)
    b["conditions"]["heat"]["gate_timed_out"] = True
    with pytest.raises(UserError, match="fp32 began before the phone had cooled down; let it cool"):
        comparable(b, a)
    b = next(measurements(result()))
    b["device"]["os"] = "Android 15"
    with pytest.raises(UserError, match=r"device\.os is 'Android 14 .* in one and 'Android 15'"):
        comparable(a, b)
