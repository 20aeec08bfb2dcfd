"""An adb server of one's own: the user's phones, keys and server stay untouched."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.adb import find_adb
from tests.ports import free_port

_PORT = "ANDROID_ADB_SERVER_PORT"


@contextmanager
def own_adb_server(home: Path) -> Iterator[None]:
    """Start a server on a free port, which every client of this process then asks.

    Args:
        home: where the server keeps its keys.
    """
    port = str(free_port())
    before = os.environ.get(_PORT)
    os.environ[_PORT] = port
    try:
        own = {**os.environ, "HOME": str(home), "ADB_MDNS": "0"}
        start = [str(find_adb()), "start-server"]
        subprocess.run(start, capture_output=True, check=True, env=own)
        yield
    finally:
        subprocess.run([str(find_adb()), "kill-server"], capture_output=True, check=False)
        if before is None:
            del os.environ[_PORT]
        else:
            os.environ[_PORT] = before
