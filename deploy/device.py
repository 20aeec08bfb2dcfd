"""What this host is and what state it is in, as far as it tells."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

from deploy.measurement import figure
from search_spaces.processor import processor_name, usable_cores

NO_METER = "no meter on this host"  # why energy is null

_GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
_THERMAL = Path("/sys/class/thermal")
_POWER = Path("/sys/class/power_supply")


def describe_device() -> dict[str, Any]:
    """The ``device`` of a measurement or a cost table."""
    cpu, cores = processor_name(), usable_cores()
    return {
        "name": f"{cpu}, {cores} cores",
        "cpu": cpu,
        "cores": cores,
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "os": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def governor() -> dict[str, Any]:
    """The CPU's frequency governor, or why it is unknown."""
    if _GOVERNOR.exists():
        return figure(_GOVERNOR.read_text(encoding="utf-8").strip())
    return figure(None, "the system does not show a frequency governor (virtual machine?)")


def temperature_c() -> dict[str, Any]:
    """The hottest thermal zone in degrees Celsius, or why it is unknown."""
    values = []
    for path in sorted(_THERMAL.glob("thermal_zone*/temp")):
        try:
            values.append(int(path.read_text(encoding="utf-8")) / 1000)
        except (OSError, ValueError):  # a sensor that is off
            continue
    if values:
        return figure(max(values))
    return figure(None, "no temperature sensor that can be read on this host")


def charging() -> dict[str, Any]:
    """Whether a battery is being charged, or why that is unknown."""
    for path in sorted(_POWER.glob("BAT*/status")):
        return figure(path.read_text(encoding="utf-8").strip() == "Charging")
    return figure(None, "no battery on this host")
