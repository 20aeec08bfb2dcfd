"""A job on a phone shown on the terminal: its progress while it runs, its figures afterwards."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from rich.progress import Progress

from deploy.phone_result import NOT_ASKED
from deploy.progress import stderr_progress
from deploy.text_columns import aligned

_STEP = ("model", "phase", "threads", "repeat", "message")
_HEADER = ("net", "precision", "threads", "p50 ms", "p90 ms", "p99 ms", "load ms", "PSS MB", "mJ")
WIFI_ADVICE = (
    "energy needs the phone unplugged: `adb tcpip 5555`, pull the cable out, `adb connect"
    " ADDRESS:5555` (Settings, About phone, IP address), then the same command with"
    " --serial ADDRESS:5555; see docs/phone.md"
)


@contextmanager
def job_progress(
    title: str, shared: Progress | None = None
) -> Iterator[Callable[[dict[str, str]], None]]:
    """Yield what takes the runner's statuses: a bar on a terminal, else a line for each step.

    Args:
        title: of the job.
        shared: shows the bars of several jobs that run at once.
    """
    last: tuple[str | None, ...] = ()
    with nullcontext(shared) if shared else stderr_progress() as progress:
        task = progress.add_task(title, total=1.0)

        def show(status: dict[str, str]) -> None:
            nonlocal last
            step = tuple(status.get(name) for name in _STEP)
            text = f"{title}: {status.get('message') or status.get('event', '')}"
            progress.update(task, description=text, completed=_fraction(status))
            if step != last and progress.disable:
                print(text, file=sys.stderr, flush=True)
            last = step

        yield show
        progress.remove_task(task)


def _fraction(status: dict[str, str]) -> float | None:
    """Share of the job that is done; None leaves the bar as it is."""
    try:
        return float(status["fraction"])
    except (KeyError, ValueError):
        return None


def table(measurements: Sequence[dict[str, Any]]) -> str:
    """The figures in columns, a row per measurement."""
    return aligned([_HEADER, *map(_row, measurements)])


def remarks(measurements: Sequence[dict[str, Any]]) -> list[str]:
    """What the table does not hold: heat, an unsettled warm-up, the day, why there is no energy."""
    lines = []
    for measurement in measurements:
        title = (
            f"{measurement['bundle']['name']} {measurement['bundle']['precision']},"
            f" {measurement['threads']} threads"
        )
        heat = measurement["conditions"]["heat"]
        if heat["gate_timed_out"]:
            lines.append(f"{title}: began before the phone had cooled down")
        if not measurement["method"]["warm_up_stable"]:
            lines.append(f"{title}: the median had not settled when measuring began")
    lines += dict.fromkeys(filter(None, map(_day_profile, measurements)))
    reasons = {m["energy"]["reason"]: None for m in measurements if m["energy"]["reason"]}
    lines += [f"energy: {reason}" for reason in reasons]
    if any(_wanted_energy_while_plugged(measurement) for measurement in measurements):
        lines.append(WIFI_ADVICE)
    return lines


def _day_profile(measurement: dict[str, Any]) -> str | None:
    """The duty cycle's power in a line; the same for each number of threads."""
    day = measurement["phone"]["day_profile"]
    if day is None:
        return None
    title = (
        f"{measurement['bundle']['name']} {measurement['bundle']['precision']}, one clip each"
        f" {day['interval_seconds']:g} s"
    )
    if day["mean_mw"]["value"] is None:
        return f"{title}: {day['mean_mw']['reason']}"
    text = f"{title}: {day['mean_mw']['value']:.0f} mW"
    for name, words in (("idle_mw", "mW idle"), ("battery_hours", "h of battery")):
        if day[name]["value"] is not None:
            text += f", {day[name]['value']:.0f} {words}"
    return text


def _wanted_energy_while_plugged(measurement: dict[str, Any]) -> bool:
    plugged = measurement["phone"]["repeats"][0]["before"]["plugged"]
    energy = measurement["energy"]
    lacks = energy["value_mj"] is None and energy["reason"] != NOT_ASKED
    return lacks and plugged not in ("none", "unknown")


def _row(measurement: dict[str, Any]) -> tuple[str, ...]:
    latency, memory = measurement["latency_ms"], measurement["memory"]
    pss_bytes = memory.get("peak_pss_bytes", {"value": None})["value"]
    energy = measurement["energy"]
    return (
        measurement["bundle"]["name"],
        measurement["bundle"]["precision"],
        str(measurement["threads"]),
        *(f"{latency[name]:.3f}" for name in ("p50", "p90", "p99")),
        f"{measurement['load_ms']['value']:.1f}",
        "-" if pss_bytes is None else f"{pss_bytes / 1e6:.0f}",
        "-"
        if energy["value_mj"] is None
        else f"{energy['value_mj']:.3g} ({energy['low_mj']:.3g} to {energy['high_mj']:.3g})",
    )
