"""One job on one phone: followed, found again, refused, crashed, killed, hanging, stopped."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy import phone_session
from deploy.adb import Adb, PhoneLostError
from deploy.phone_files import ROOT, push_missing
from deploy.phone_job import Job
from deploy.phone_runner import read_runner
from deploy.phone_session import RUNNING, Session, stopped_by_hand
from search_spaces.errors import UserError
from tests.deploy.phone_device.device import PhoneDevice
from tests.deploy.phone_device.runners import RESULTS, ScriptedRunner, Write
from tests.deploy.phone_device.scripted import scripted_result, write_result
from tests.deploy.test_phone_job import job_of_bundle


@pytest.fixture
def session(phone: PhoneDevice, runner_folder: Path, tmp_path: Path) -> Session:
    adb = Adb(phone.serial, ping_every_s=0.5, ping_timeout_s=2.0)
    return Session(adb, read_runner(runner_folder), tmp_path / "logs", quiet_s=0.2)


@pytest.fixture
def job(session: Session) -> Job:
    made = job_of_bundle(session.adb.serial)
    push_missing(session.adb, made.files)
    return made


def ignore(status: dict[str, str]) -> None:
    pass


def result_on(phone: PhoneDevice, job: Job) -> Path:
    return phone.disk.path(f"{RESULTS}/{job.job_id}.json")


def test_a_job_is_followed_to_its_result(phone: PhoneDevice, session: Session, job: Job) -> None:
    seen: list[dict[str, str]] = []
    result = session.run(job, seen.append)
    assert result["complete"]
    assert [model["key"] for model in result["models"]] == [
        model["key"] for model in job.content["models"]
    ]
    assert [status["event"] for status in seen] == ["started", *["model_started"] * 2]
    assert {status["job_id"] for status in seen} == {job.job_id}


def test_a_result_that_is_there_is_taken(phone: PhoneDevice, session: Session, job: Job) -> None:
    write_result(result_on(phone, job), scripted_result(job.text.encode()))
    assert session.run(job, ignore)["complete"]
    assert phone.runner.starts == 0


def test_a_result_that_the_host_has_is_measured_anew(
    phone: PhoneDevice, session: Session, job: Job
) -> None:
    first = session.run(job, ignore)
    second = session.run(job, ignore, known=first["finished"])
    assert second["finished"] > first["finished"]
    assert phone.runner.models_run == 4


def test_a_result_of_other_work_is_not(phone: PhoneDevice, session: Session, job: Job) -> None:
    write_result(result_on(phone, job), scripted_result(job.text.encode() + b" "))
    phone.runner = ScriptedRunner(ending="INSTRUMENTATION_CODE: -1\n")
    with pytest.raises(UserError, match="the runner ended without a whole result; give the same"):
        session.run(job, ignore)
    assert phone.runner.starts == 1


def test_finished_models_are_not_measured_again(
    phone: PhoneDevice, session: Session, job: Job
) -> None:
    phone.runner = ScriptedRunner(crash_at=1, seconds_per_model=0.2)
    with pytest.raises(UserError, match=r"the runner crashed \(Process crashed\.\); the phone's"):
        session.run(job, ignore)
    (log,) = session.logs.iterdir()
    assert "a line of the log" in log.read_text()
    phone.runner.crash_at = None
    assert session.run(job, ignore)["complete"]
    assert phone.runner.models_run == 2


def test_killed_by_the_system_is_told_apart(phone: PhoneDevice, session: Session, job: Job) -> None:
    phone.phone.exit_info = (
        "ApplicationExitInfo #0:\n timestamp=2026 pid=4000 realUid=10123\n"
        " process=org.ersam.runner reason=3 (LOW_MEMORY) subreason=0 (UNKNOWN) status=0\n"
    )
    phone.runner = ScriptedRunner(crash_at=1, seconds_per_model=0.3)
    with pytest.raises(UserError, match=r"runner was killed by the system \(LOW_MEMORY\); the"):
        session.run(job, ignore)
    phone.phone.exit_info = phone.phone.exit_info.replace("3 (LOW_MEMORY)", "4 (APP CRASH)")
    with pytest.raises(UserError, match="the runner crashed"):
        session.run(job, ignore)


def test_a_refusal_of_the_runner_is_one_line(
    phone: PhoneDevice, session: Session, job: Job
) -> None:
    ending = "INSTRUMENTATION_RESULT: ersam.error=battery at 12 %,\nneeded are 20 %\n"
    phone.runner = ScriptedRunner(ending=f"{ending}INSTRUMENTATION_CODE: 5\n")
    with pytest.raises(UserError, match=r"phone .*: battery at 12 %, needed are 20 %$"):
        session.run(job, ignore)


def test_a_runner_that_am_does_not_find(phone: PhoneDevice, session: Session, job: Job) -> None:
    class Missing(ScriptedRunner):
        def _run(self, job_path: Path, results: Path, write: Write) -> None:
            write(
                b"INSTRUMENTATION_STATUS: Error=Unable to find x\nINSTRUMENTATION_STATUS_CODE: -1\n"
            )

    phone.runner = Missing()
    with pytest.raises(UserError, match=r"the runner did not start \(Unable to find x\)"):
        session.run(job, ignore)


def test_a_runner_that_hangs_is_stopped(
    phone: PhoneDevice, session: Session, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phone_session, "_HANGS_S", 0.5)
    phone.runner = ScriptedRunner(hang=True)
    with pytest.raises(UserError, match=r"the runner hangs, it was stopped; the phone's log is in"):
        session.run(job, ignore)
    wait_until(lambda: phone.runner.pid is None)


def test_a_job_goes_on_without_its_cable_and_is_waited_for(
    phone: PhoneDevice, session: Session, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phone_session, "_POLL_S", 0.05)
    phone.runner = ScriptedRunner(seconds_per_model=0.8)

    def pull(status: dict[str, str]) -> None:
        if status["event"] == "model_started":
            phone.unplug()

    begin = time.monotonic()
    with pytest.raises(PhoneLostError, match="connection lost, the job goes on; connect it again"):
        session.run(job, pull)
    assert time.monotonic() - begin < 5
    phone.plug()
    assert phone.runner.pid is not None
    said: list[dict[str, str]] = []
    assert session.run(job, said.append)["complete"]
    assert phone.runner.starts == 1
    assert said == [{"message": "the job still runs, waiting for it"}]


def test_silence_during_a_job_is_noticed(phone: PhoneDevice, session: Session, job: Job) -> None:
    phone.runner = ScriptedRunner(seconds_per_model=30)

    def fall_silent(status: dict[str, str]) -> None:
        phone.silent_at = phone.messages

    with pytest.raises(PhoneLostError, match="connection lost"):
        session.run(job, fall_silent)


def test_a_phone_that_is_busy_is_left_alone(phone: PhoneDevice, session: Session, job: Job) -> None:
    phone.runner.pid = 77
    phone.disk.path(f"{RUNNING}/another.77").mkdir(parents=True)
    with pytest.raises(UserError, match=r"is busy with job another of another command; wait, or"):
        session.run(job, ignore)
    assert phone.runner.starts == 0


def test_ctrl_c_stops_the_job_and_leaves_nothing(
    phone: PhoneDevice, session: Session, job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    phone.runner = ScriptedRunner(seconds_per_model=30)

    def interrupt(status: dict[str, str]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), stopped_by_hand(session, [job]):
        session.run(job, interrupt)
    wait_until(lambda: phone.runner.pid is None)
    assert phone.files(ROOT) == []
    assert phone.files(RESULTS) == []
    assert "stopping the job" in capsys.readouterr().err


def test_a_result_that_stays_is_told_of(
    phone: PhoneDevice, session: Session, job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    phone.phone.broken = {"rm"}
    session.clean([job], keep=False)
    assert "could not clean up: phone" in capsys.readouterr().err
    with pytest.raises(UserError, match=r"cannot remove .*\.json: rm: Read-only file system"):
        session.forget(job)


def test_ctrl_c_without_a_phone_says_so(
    phone: PhoneDevice, session: Session, job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    phone.unplug()
    with pytest.raises(KeyboardInterrupt), stopped_by_hand(session, [job]):
        raise KeyboardInterrupt
    assert "could not clean up: phone" in capsys.readouterr().err


def wait_until(holds: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
