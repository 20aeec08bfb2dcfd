"""Loopback ports for servers of tests."""

from __future__ import annotations

import random
import socket
from contextlib import suppress
from pathlib import Path

_FIRST_PORT = 10_000  # above the ports that services of a host commonly have
_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


def listen() -> socket.socket:
    """Listen on a port that stays free when the listener closes, until somebody listens there.

    The kernel gives no outgoing connection such a port. From a port of its ephemeral range a client
    that keeps asking for a closed one, as adb does for a lost phone, would be connected to itself
    one day, and hold it.
    """
    end = int(_EPHEMERAL.read_text().split()[0]) if _EPHEMERAL.exists() else 32_768
    if end < 2 * _FIRST_PORT:  # a host whose connections may have nearly any port
        end = 65_536
    choose = random.SystemRandom()
    for _ in range(100):
        port = choose.randrange(_FIRST_PORT, end)
        with suppress(OSError):
            return socket.create_server(("127.0.0.1", port))
    raise OSError(f"no free port from {_FIRST_PORT} to {end}")


def free_port() -> int:
    """A port for a server that binds it itself."""
    with listen() as server:
        port: int = server.getsockname()[1]
    return port
