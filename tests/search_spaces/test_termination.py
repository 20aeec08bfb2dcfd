from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from search_spaces.termination import (
    Terminated,
    deaf_children,
    ended_by_interrupt,
    terminated_as_interrupted,
)

HEARS = "import signal; print(signal.getsignal(signal.SIGINT) != signal.SIG_IGN)"


def test_sigterm_interrupts_within_the_block_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), terminated_as_interrupted():
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before


def test_what_is_started_within_the_block_hears_no_ctrl_c() -> None:
    def heard() -> str:
        return subprocess.check_output([sys.executable, "-c", HEARS], text=True).strip()

    with deaf_children():
        assert heard() == "False"
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background
    try:
        assert heard() == "True"
    finally:
        signal.signal(signal.SIGINT, before)


ENDS = """
import os, signal
from search_spaces.termination import ended_by_interrupt
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a job in the background lacks
with ended_by_interrupt():
    print("half of it")
    os.kill(os.getpid(), signal.SIGINT)
"""


def test_an_interrupt_ends_a_trial_as_a_signal_does() -> None:
    ended = subprocess.run([sys.executable, "-c", ENDS], capture_output=True, text=True)
    assert ended.returncode == -signal.SIGINT
    assert (ended.stdout, ended.stderr) == ("half of it\n", "interrupted\n")


def test_what_is_refused_or_terminated_within_the_block_goes_on() -> None:
    with pytest.raises(ValueError, match="refused"), ended_by_interrupt():
        raise ValueError("refused")
    with pytest.raises(Terminated), ended_by_interrupt(), terminated_as_interrupted():
        os.kill(os.getpid(), signal.SIGTERM)
