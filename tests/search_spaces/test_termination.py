from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from search_spaces.termination import deaf_children, terminated_as_interrupted

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
