"""`python -m deploy phone` against a phone on loopback, through the real adb client."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from deploy.__main__ import main
from deploy.bundle import read_bundle
from deploy.measurement import read_measurement
from deploy.phone_files import FILES, ROOT
from deploy.wandb_records import read_runs
from tests.deploy.logged_runs import logged_keys
from tests.deploy.phone_device.device import PhoneDevice
from tests.deploy.phone_device.fixtures import write_runner
from tests.deploy.phone_device.runners import RESULTS, ScriptedRunner
from tests.deploy.phone_device.scripted import SAMPLES
from tests.deploy.test_phone_job import BUNDLE
from tests.deploy.test_phone_session import wait_until

# Every message of the whole walk instead of some of each step; takes minutes.
EVERY_MESSAGE = os.environ.get("ERSAM_EVERY_MESSAGE") == "1"
Deploy = Callable[..., int]


@pytest.fixture
def deploy(runner_folder: Path, tmp_path: Path) -> Deploy:
    """Runs the command on the shipped bundle; results go to ``tmp_path / "out"``."""

    def run(*arguments: str) -> int:
        given = ["--bundle", str(BUNDLE), "--runner", str(runner_folder)]
        return main(["phone", *given, "--out", str(tmp_path / "out"), *arguments])

    return run


def error_line(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line by which a command fails."""
    lines = capsys.readouterr().err.splitlines()
    (line,) = [line for line in lines if line.startswith("error: ")]
    assert line == lines[-1]
    return line


def test_measures_prints_and_leaves_the_phone_clean(
    phone: PhoneDevice, deploy: Deploy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deploy("--threads", "1,2") == 0
    out = tmp_path / "out"
    net = read_bundle(BUNDLE).name
    named = {path.name.removeprefix(f"{net}-") for path in out.glob("net-*.json")}
    assert named == {"fp32-1t.json", "fp32-2t.json", "int8-1t.json", "int8-2t.json"}
    for path in out.glob("net-*.json"):
        measurement = read_measurement(path)
        assert len(measurement["latency_ms"]["samples"]) == SAMPLES
    assert len(list(out.glob("phone/*.json"))) == 1
    printed = capsys.readouterr().out
    assert "precision  threads  p50 ms" in printed
    assert "energy: charging by usb" in printed
    assert "energy needs the phone unplugged: `adb tcpip 5555`" in printed
    assert phone.files(ROOT) == phone.files(RESULTS) == []
    assert phone.phone.installed == {"org.ersam.runner": 1}


def test_kept_files_are_not_sent_again_and_all_is_measured_anew(
    phone: PhoneDevice, deploy: Deploy, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deploy("--keep", "--threads", "1") == 0
    size = sum(path.stat().st_size for path in BUNDLE.iterdir() if path.suffix != ".md")
    assert f"pushed {size / 1e6:.1f} MB" in capsys.readouterr().err
    assert len(phone.files(FILES)) == 4
    assert deploy("--keep", "--threads", "1") == 0
    second = capsys.readouterr().err
    assert "pushed 0.0 MB" in second
    assert "installed" not in second
    assert phone.runner.starts == 2


def test_a_cable_pulled_at_a_message_is_noticed_and_the_same_command_continues(
    phone: PhoneDevice, deploy: Deploy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--precision", "int8", "--threads", "1"]
    phone.count_from_now()
    assert deploy(*arguments) == 0
    total = phone.messages
    assert total > 150
    cuts = range(1, total) if EVERY_MESSAGE else [*range(1, total, 27), total - 5]
    (expected,) = (tmp_path / "out").glob("net-*.json")
    for cut in cuts:
        phone.phone.installed.clear()
        phone.runner = ScriptedRunner()
        expected.unlink()
        phone.count_from_now()
        phone.cut_at = cut
        begin = time.monotonic()
        code = deploy(*arguments)
        assert time.monotonic() - begin < 15  # on a busy host; else well below one
        phone.heal()
        phone.plug()
        if code == 0:  # the host has everything already; the last answers do no harm
            left = phone.files(FILES) or phone.files(RESULTS)
            assert bool(left) <= ("could not clean up" in capsys.readouterr().err), cut
        else:
            assert code == 2
            assert "the same command" in error_line(capsys), cut
            assert deploy(*arguments) == 0, cut
            assert phone.files(FILES) == phone.files(RESULTS) == []
            capsys.readouterr()
        assert read_measurement(expected)["method"]["runs"] == SAMPLES
        assert phone.runner.models_run == 1, cut


def test_refusals_before_anything_runs(
    phone: PhoneDevice, deploy: Deploy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    phone.phone.locked = True
    assert deploy() == 2
    assert error_line(capsys).endswith("is locked; unlock it and give the same command again")
    phone.phone.locked = False
    phone.phone.battery_percent = 7
    assert deploy() == 2
    assert "battery at 7 %, needed are 20 %; charge it" in error_line(capsys)
    phone.phone.battery_percent = 80
    phone.disk.free_bytes = 50_000_000
    assert deploy() == 2
    assert "has 50 MB free, needed are 51 MB" in error_line(capsys)
    old = write_runner(tmp_path / "old", runtime_version="1.3.0")
    phone.count_from_now()
    assert deploy("--runner", str(old)) == 2
    assert "models/sam: lowered for executorch 1.4.1, the runner has the older 1.3.0" in (
        error_line(capsys)
    )
    assert phone.services == []
    assert not phone.phone.installed
    assert phone.runner.starts == 0


def test_no_phone_and_no_choice(
    make_phone: Callable[[], PhoneDevice], deploy: Deploy, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deploy() == 2
    assert "no phone: adb sees none" in error_line(capsys)
    first, second = make_phone(), make_phone()
    assert deploy() == 2
    assert "2 phones (" in error_line(capsys)
    assert deploy("--serial", second.serial, "--threads", "1") == 0
    assert (first.runner.starts, second.runner.starts) == (0, 1)
    first.unplug()
    wait_until(lambda: deploy("--serial", first.serial) == 2)
    assert f"phone {first.serial}: offline; pull the cable out" in error_line(capsys)


def test_all_phones_and_one_that_fails_stops_no_other(
    make_phone: Callable[[], PhoneDevice],
    deploy: Deploy,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    phones = sorted((make_phone(), make_phone()), key=lambda phone: phone.serial)
    phones[0].phone.locked = True
    assert deploy("--all", "--threads", "1", "--precision", "fp32") == 2
    err = capsys.readouterr().err
    assert f"error: phone {phones[0].serial}: is locked" in err
    folder = tmp_path / "out" / phones[1].serial.replace(":", "_")
    assert len(list(folder.glob("net-*-fp32-1t.json"))) == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == [folder.name]


def test_a_failed_model_is_a_line_and_the_others_are_written(
    phone: PhoneDevice, deploy: Deploy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    phone.runner = ScriptedRunner(failing="int8")
    assert deploy("--threads", "1") == 2
    assert error_line(capsys).endswith("int8: differs from its vectors by 0.3, allowed 0.1")
    assert [path.name[-12:] for path in (tmp_path / "out").glob("net-*")] == ["fp32-1t.json"]


def test_each_measurement_is_a_run_of_weights_and_biases(
    phone: PhoneDevice, deploy: Deploy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--wandb", "--wandb-group", "phones"]
    assert deploy("--threads", "1", "--precision", "int8", *options) == 0
    (run,) = read_runs(tmp_path)  # beside --out
    assert f"wrote {run.folder}" in capsys.readouterr().out
    assert (run.run["job_type"], run.run["run_group"]) == ("phone", "phones")
    assert len([row for row in run.history if "latency/sample_ms" in row]) == SAMPLES
    assert "energy/clip_mj" not in logged_keys(run)
    assert run.config["energy_reason"].startswith("charging by usb")
    (log,) = run.folder.glob("*.wandb")
    assert phone.serial.encode() not in log.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--threads", "1,1"], "argument --threads: got '1,1', expected distinct whole numbers"),
        (["--threads", "1,01"], "argument --threads: got '1,01', expected distinct whole numbers"),
        (["--threads", "0"], "argument --threads: got '0', expected distinct whole numbers"),
        (["--all", "--serial", "A"], "--serial: got 'A' together with --all, expected one of"),
        (
            ["--day-profile", "1", "--interval", "90"],
            "--interval: got 90 s, expected at most the 1",
        ),
        (["--out", "/proc/x"], "--out: /proc/x cannot be written (No such file or directory)"),
        (["--runner", "nowhere"], "nowhere: holds no runner.apk with its runner.json; build"),
        (["--bundle", str(BUNDLE), str(BUNDLE)], "--bundle: two are named 'net-"),
    ],
)
def test_wrong_arguments_are_one_line(
    deploy: Deploy, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deploy(*arguments) == 2
    assert error_line(capsys).startswith(f"error: {message}")


def test_ctrl_c_stops_the_job_on_the_phone(
    phone: PhoneDevice, runner_folder: Path, tmp_path: Path
) -> None:
    phone.runner = ScriptedRunner(seconds_per_model=60)
    command = [sys.executable, "-m", "deploy", "phone", "--bundle", str(BUNDLE)]
    command += ["--runner", str(runner_folder), "--out", str(tmp_path / "out")]
    # A shell's background job ignores Ctrl-C, and so would what it starts.
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=heed) as process:
        wait_until(lambda: phone.runner.pid is not None, seconds=60)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.splitlines()[-2:] == [f"phone {phone.serial}: stopping the job", "interrupted"]
    wait_until(lambda: phone.runner.pid is None)
    assert phone.files(ROOT) == []


def test_help_needs_neither_torch_nor_executorch() -> None:
    script = (
        "import sys; from deploy.__main__ import build_parser; build_parser('phone');"
        "build_parser('profile-phone');"
        "print({'torch', 'executorch', 'nni', 'wandb', 'adbutils'} & {*sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
