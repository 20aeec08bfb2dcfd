from __future__ import annotations

import os
import platform

from search_spaces import processor
from search_spaces.processor import processor_name, usable_cores


def test_the_processor_has_the_name_that_the_system_states(tmp_path, monkeypatch):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nmodel name\t: A Chip: 2\nmodel name\t: Another\n")
    monkeypatch.setattr(processor, "_CPUINFO", cpuinfo)
    assert processor_name() == "A Chip: 2"


def test_a_system_that_states_none_has_at_least_its_architecture(tmp_path, monkeypatch):
    monkeypatch.setattr(processor, "_CPUINFO", tmp_path / "none")
    monkeypatch.setattr(platform, "processor", lambda: "")
    assert processor_name() == platform.machine() != ""


def test_a_core_that_is_taken_away_is_not_usable(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    assert usable_cores() == 1
    monkeypatch.delattr(os, "sched_getaffinity")
    assert usable_cores() == os.cpu_count()
