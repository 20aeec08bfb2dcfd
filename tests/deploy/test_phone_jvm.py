"""The whole walk with the runner's own Kotlin and the host's ExecuTorch on a true model."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deploy import phone as phone_command
from deploy import phone_pieces
from deploy.__main__ import main
from deploy.adb import Adb
from deploy.bundle import read_bundle
from deploy.cost_programs import Program
from deploy.measurement import read_measurement
from deploy.phone_pieces import PhoneBench
from deploy.phone_runner import SCHEMA, read_runner
from deploy.phone_session import Session
from search_spaces.architecture import smallest
from search_spaces.files import read_json
from search_spaces.spaces import get_space
from tests.deploy.phone_device.device import PhoneDevice
from tests.deploy.phone_device.runners import JvmRunner
from tests.deploy.phone_device.scripted import device
from tests.deploy.test_phone_job import BUNDLE, ROOT

CLASSPATH = ROOT / "android_runner" / "target" / "jvm" / "classpath.txt"
pytestmark = pytest.mark.skipif(
    shutil.which("java") is None or not CLASSPATH.exists(),
    reason="needs Java and the runner's classes (`make runner`)",
)
ENGINE = [sys.executable, "-m", "tests.deploy.phone_device.engine"]
QUICK = {
    "repeats": 1,
    "min_seconds": 0.2,
    "min_runs": 200,
    "warm_up": {"window_runs": 5, "tolerance": 0.5, "max_seconds": 2},
}
QUICK_ENERGY = {
    "repeats": 3,
    "active_seconds": 0.5,
    "baseline_seconds": 0.3,
    "sample_interval_ms": 20,
}
IDLE_MW, ACTIVE_MW = 800, 20_000
CONDITIONS: dict[str, Any] = {
    "device": device(),
    "battery": {
        "percent": 80,
        "temperature_c": 30.0,
        "plugged": "none",
        "charging": False,
        "voltage_mv": 4100,
        "capacity_uah": 2_600_000,
    },
    "thermal_status": "none",
    "thermal_headroom": 0.3,
    "screen_on": True,
    "power_save": False,
    "power": {
        "meter": "battery_charge_counter",
        "idle_mw": IDLE_MW,
        "active_mw": ACTIVE_MW,
        "step": 1,
    },
}


@pytest.fixture
def jvm_phone(
    make_phone: Callable[[], PhoneDevice], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> PhoneDevice:
    """A phone that runs the true runner, quickly."""
    monkeypatch.setattr(phone_command, "LATENCY", QUICK)
    monkeypatch.setattr(phone_command, "ENERGY", QUICK_ENERGY)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / "device.json").write_text(json.dumps(CONDITIONS))
    phone = make_phone()
    phone.runner = JvmRunner(CLASSPATH.read_text().strip(), tmp_path / "device.json", ENGINE)
    return phone


def deploy(runner: Path, out: Path, *arguments: str, bundle: Path = BUNDLE) -> int:
    given = ["--bundle", str(bundle), "--runner", str(runner), "--out", str(out)]
    return main(["phone", *given, "--threads", "1", *arguments])


def test_a_true_model_is_checked_and_timed_by_the_true_runner(
    jvm_phone: PhoneDevice, runner_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deploy(runner_folder, tmp_path / "out", "--precision", "int8") == 0
    (path,) = (tmp_path / "out").glob("net-*.json")
    measured = read_measurement(path)
    assert measured["vectors"]["count"] == 5
    assert measured["vectors"]["max_difference"] <= measured["vectors"]["tolerance"]
    assert measured["method"]["runs"] >= 200
    assert 0 < measured["latency_ms"]["p50"] < 1000
    assert measured["device"]["name"] == "Test Loopback 1"
    (whole,) = (tmp_path / "out").glob("phone/*.json")
    (model,) = json.loads(whole.read_text())["models"]
    for repeat in model["energy"]["repeats"]:
        above_idle_mj = (ACTIVE_MW - IDLE_MW) * repeat["active_seconds"] / repeat["runs"]
        assert repeat["per_clip_mj"] == pytest.approx(above_idle_mj, rel=0.2)
    energy = measured["energy"]  # on a busy host the repeats may differ too much for a value
    assert energy["method"] == "battery_charge_counter"
    assert energy["value_mj"] == model["energy"]["value_mj"]
    assert (energy["value_mj"] is None) == (energy["reason"] is not None)
    (latency,) = model["latency"]
    samples = [sample for repeat in latency["repeats"] for sample in repeat["samples_ms"]]
    assert measured["latency_ms"]["samples"] == pytest.approx(samples)
    expected = np.percentile(samples, (50, 90, 99))
    assert [latency[f"{name}_ms"] for name in ("p50", "p90", "p99")] == pytest.approx(expected)


def test_the_windows_that_a_cost_table_asks_for_suffice_the_true_runner(
    jvm_phone: PhoneDevice,
    runner_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(phone_pieces, "ENERGY", {**QUICK_ENERGY, "repeats": 99})
    program = Program("whole", smallest(get_space("sam")), "fp32")
    shutil.copy(BUNDLE / "model.pte", program.path(tmp_path))
    session = Session(Adb(jvm_phone.serial), read_runner(runner_folder), tmp_path / "logs")
    bench = PhoneBench(session, tmp_path, threads=1)
    phone_command.prepare(session.adb, session.runner, bench.files([program]))
    energy = bench.measure_energy([program])
    # On a busy host the repeats may differ too much for a value, yet they are enough.
    assert energy.reason is None or "not distinguishable from idling" in energy.reason
    (job,) = bench.jobs
    (model,) = session.run(job, lambda status: None)["models"]
    assert [repeat["used"] for repeat in model["energy"]["repeats"]] == [True] * 3


def test_a_runner_without_an_engine_says_so(
    jvm_phone: PhoneDevice, runner_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    jvm_phone.runner = JvmRunner(CLASSPATH.read_text().strip(), tmp_path / "device.json", [])
    assert deploy(runner_folder, tmp_path / "out") == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith(f"error: phone {jvm_phone.serial}: ")
    assert "no engine" in line


def test_what_the_build_says_of_its_package_is_understood() -> None:
    description = CLASSPATH.parents[1] / "runner.json"
    assert read_json(description, SCHEMA)["package"] == "org.ersam.runner"


def test_a_bundle_whose_vectors_expect_another_net_fails(
    jvm_phone: PhoneDevice, runner_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The fp32 model under the name of the int8 one, with a tolerance that tells them apart."""
    spoilt = Path(shutil.copytree(BUNDLE, tmp_path / "spoilt"))
    manifest = json.loads((spoilt / "manifest.json").read_text())
    shutil.copy(spoilt / "model.pte", spoilt / "model_int8.pte")
    manifest["files"]["model_int8.pte"] = manifest["files"]["model.pte"]
    manifest["precisions"]["int8"]["tolerance"] = 1e-5
    (spoilt / "manifest.json").write_text(json.dumps(manifest))
    assert read_bundle(spoilt).name
    arguments = ["--no-energy", "--precision", "int8"]
    assert deploy(runner_folder, tmp_path / "out", *arguments, bundle=spoilt) == 2
    err = capsys.readouterr().err.splitlines()[-1]
    assert err.startswith(f"error: phone {jvm_phone.serial}: ")
    assert "vectors" in err
    assert not list((tmp_path / "out").glob("net-*"))
