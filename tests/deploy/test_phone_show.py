"""The table and what one must know to read it."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.phone_result import measurements
from deploy.phone_show import WIFI_ADVICE, job_progress, remarks, table
from tests.deploy.phone_device.scripted import scripted_result, told
from tests.deploy.test_phone_job import job_of_bundle


def measured(**parts: Any) -> list[dict[str, Any]]:
    return list(measurements(scripted_result(job_of_bundle(**parts).text.encode())))


def test_a_row_per_measurement_in_columns() -> None:
    rows = measured()
    rows[0]["energy"] |= {"value_mj": 8.5, "low_mj": 8.0, "high_mj": 9.25}
    rows[1]["memory"]["peak_pss_bytes"] = {"value": None, "reason": "not told"}
    header, *lines = table(rows).splitlines()
    assert len(lines) == len(rows)
    assert header.split("  ")[0] == "net"
    assert lines[0].endswith("4.003   4.006   4.006     12.5      53  8.5 (8 to 9.25)")
    assert lines[1].split()[-2:] == ["-", "-"]
    assert len({line.index("12.5") for line in lines}) == 1


def test_a_hot_or_unsettled_phone_is_remarked() -> None:
    rows = measured(energy=None)[:1]
    assert remarks(rows) == ["energy: the job did not ask for it"]
    rows[0]["conditions"]["heat"]["gate_timed_out"] = True
    rows[0]["method"]["warm_up_stable"] = False
    assert [line.partition("threads: ")[2] for line in remarks(rows)[:2]] == [
        "began before the phone had cooled down",
        "the median had not settled when measuring began",
    ]


def test_a_day_is_a_line_per_model() -> None:
    rows = measured(energy=None)[:3]  # one model, three numbers of threads
    nothing = {"value": None, "reason": "charging by usb"}
    day = {"interval_seconds": 60, "mean_mw": nothing, "idle_mw": nothing, "battery_hours": nothing}
    for row in rows:
        row["phone"]["day_profile"] = day
    title = f"{rows[0]['bundle']['name']} fp32, one clip each 60 s"
    assert remarks(rows)[0] == f"{title}: charging by usb"
    day |= {"mean_mw": told(41.6), "idle_mw": told(40.2), "battery_hours": told(310.0)}
    assert remarks(rows)[:-1] == [f"{title}: 42 mW, 40 mW idle, 310 h of battery"]


def test_the_way_to_energy_is_told_to_whoever_wanted_it_while_charging() -> None:
    rows = measured()
    assert remarks(rows) == ["energy: charging by usb", WIFI_ADVICE]
    for row in rows:
        row["phone"]["repeats"][0]["before"]["plugged"] = "none"
    assert remarks(rows) == ["energy: charging by usb"]


def test_each_step_is_a_line_where_nobody_watches_a_bar(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with job_progress("Phone") as show:
        for status in (
            {"event": "started", "fraction": "0.0"},
            {"event": "progress", "message": "warms up", "fraction": "0.1"},
            {"event": "progress", "message": "warms up", "fraction": "0.2"},
            {"event": "progress", "message": "times", "fraction": "garbage"},
        ):
            show(status)
    assert capsys.readouterr().err.splitlines() == [
        "Phone: started",
        "Phone: warms up",
        "Phone: times",
    ]
