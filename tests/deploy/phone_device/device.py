"""The phone as a whole: a socket that adb connects to, its state, and the faults of a cable."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

from deploy.adb import find_adb
from tests.deploy.phone_device.runners import RESULTS, Runner, ScriptedRunner, Write
from tests.deploy.phone_device.shell import Phone, Shell
from tests.deploy.phone_device.sync import Disk, serve_sync
from tests.deploy.phone_device.wire import Connection, Stream
from tests.ports import free_port

_GARBAGE = bytes(range(7, 247)) * 3


class PhoneDevice:
    """A phone on loopback.

    Args:
        root: folder of its storage.
        runner: what `am instrument` runs.

    Attributes:
        phone: its state, to be changed by a test.
        messages: how many were exchanged since `count_from_now`.
        cut_at, silent_at, garbage_at: message at which the cable is pulled, at which it stops
            answering, at which it sends garbage.
        delay_s: before each message.
        services: what the client asked for, in order.
    """

    def __init__(self, root: Path, runner: Runner | None = None) -> None:
        self.disk = Disk(root)
        self.phone = Phone(self.disk)
        self.runner: Runner = runner or ScriptedRunner()
        self.services: list[str] = []
        self.delay_s = 0.0
        self.cut_at: int | None = None
        self.silent_at: int | None = None
        self.garbage_at: int | None = None
        self.messages = 0
        self._shell = Shell(self.phone, self._instrument, lambda: self.runner.pid, self._stop)
        self._counting = threading.Lock()
        self._connections: list[Connection] = []
        self._listener: socket.socket | None = None
        self._port = free_port()
        self.disk.path("/data/local/tmp").mkdir(parents=True)

    @property
    def serial(self) -> str:
        return f"127.0.0.1:{self._port}"

    def plug(self) -> None:
        """Listen, and have adb connect."""
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self._port))
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()
        deadline = time.monotonic() + 20
        while _adb("-s", self.serial, "get-state") != "device":
            _adb("connect", self.serial)
            if time.monotonic() > deadline:
                raise TimeoutError(f"adb does not connect to {self.serial}")
            time.sleep(0.02)

    def unplug(self) -> None:
        """Pull the cable."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for connection in self._connections:
            connection.cut()
        self._connections.clear()

    def remove(self) -> None:
        """Unplug for good: adb forgets it."""
        self.heal()
        self.unplug()
        self.runner.stop()
        deadline = time.monotonic() + 20
        while self.serial in _adb("devices"):  # the server may be connecting it again just now
            _adb("disconnect", self.serial)
            if time.monotonic() > deadline:
                raise TimeoutError(f"adb does not forget {self.serial}")

    def heal(self) -> None:
        """No fault any more."""
        self.cut_at = self.silent_at = self.garbage_at = None
        self.delay_s = 0.0

    def count_from_now(self) -> None:
        self.messages = 0
        self.services.clear()

    def files(self, name: str) -> list[str]:
        """Names in a folder of the phone; none where there is no folder."""
        path = self.disk.path(name)
        return sorted(child.name for child in path.iterdir()) if path.is_dir() else []

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                wire, _ = listener.accept()
                wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                banner = "device::ro.product.name=loopback;ro.product.model=Loopback 1;"
                connection = Connection(wire, banner, self._serve, self._on_message)
                self._connections.append(connection)
                threading.Thread(target=connection.run, daemon=True).start()

    def _on_message(self, connection: Connection, what: str) -> None:
        with self._counting:
            self.messages += 1
            number = self.messages
        if self.delay_s:
            time.sleep(self.delay_s)
        if number == self.cut_at:
            self.unplug()
            raise ConnectionError("the cable was pulled")
        if number == self.garbage_at:
            connection.wire.sendall(_GARBAGE)
        while self.silent_at is not None and number >= self.silent_at:
            time.sleep(0.05)
            if connection.wire.fileno() < 0:
                raise ConnectionError("closed while silent")

    def _serve(self, stream: Stream, service: str) -> bool:
        self.services.append(service)
        name = service.partition(":")[0]
        if name == "sync":
            serve_sync(stream, self.disk)
        elif name.split(",")[0] in ("shell", "exec"):
            self._shell.serve(stream, service)
        else:
            return False
        return True

    def _instrument(self, job: str, write: Write) -> None:
        self.runner.run(self.disk.path(job), self.disk.path(RESULTS), write)

    def _stop(self) -> None:
        self.runner.stop()


def _adb(*arguments: str) -> str:
    said = subprocess.run(
        [str(find_adb()), *arguments], capture_output=True, text=True, timeout=30, check=False
    )
    return said.stdout.strip()
