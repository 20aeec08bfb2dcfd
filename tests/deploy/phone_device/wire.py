"""adb's wire protocol from the phone's side: messages, and streams with one write in flight.

See protocol.txt of AOSP's packages/modules/adb: a header of six little-endian words (command, two
arguments, length, checksum, magic), then the payload.
"""

from __future__ import annotations

import itertools
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress

HEADER = struct.Struct("<4s5I")
VERSION = 0x01000001  # checksums are not looked at
MAX_DATA = 256 * 1024
FEATURES = "cmd,stat_v2,shell_v2"


class Stream:
    """One service that the client opened."""

    def __init__(self, connection: Connection, local: int, remote: int) -> None:
        self.connection, self.local, self.remote = connection, local, remote
        self.closed = False
        self._received = bytearray()
        self._changed = threading.Condition()
        self._credit = threading.Semaphore(0)

    def feed(self, data: bytes) -> None:
        with self._changed:
            self._received += data
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self.closed = True
            self._changed.notify_all()
        self._credit.release()

    def read(self, count: int) -> bytes:
        """``count`` bytes, or fewer where the client closed the stream."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._received) >= count or self.closed)
            data = bytes(self._received[:count])
            del self._received[:count]
            return data

    def write(self, data: bytes) -> None:
        """Send all, waiting for the client after each piece.

        Raises:
            ConnectionError: the client closed the stream.
        """
        for start in range(0, len(data), self.connection.max_data):
            if self.closed:
                raise ConnectionError("stream closed by the client")
            piece = data[start : start + self.connection.max_data]
            self.connection.send(b"WRTE", self.local, self.remote, piece)
            self._credit.acquire()

    def acknowledged(self) -> None:
        self._credit.release()


class Connection:
    """A client's connection.

    Args:
        wire: the socket.
        banner: what the phone says of itself.
        serve: runs one service on a stream; False where there is no such service.
        on_message: called before each message in either direction with a few words on it; it may
            delay, send garbage, or raise `ConnectionError` to cut the cable.
    """

    def __init__(
        self,
        wire: socket.socket,
        banner: str,
        serve: Callable[[Stream, str], bool],
        on_message: Callable[[Connection, str], None],
    ) -> None:
        self.wire, self.banner = wire, banner
        self.max_data = MAX_DATA
        self._serve, self._on_message = serve, on_message
        self._streams: dict[int, Stream] = {}
        self._locals = itertools.count(1)
        self._sending = threading.Lock()

    def run(self) -> None:
        """Answer until the connection ends."""
        try:
            while True:
                command, first, second, length, _, _ = HEADER.unpack(self._receive(HEADER.size))
                self._handle(command, first, second, self._receive(length))
        except (ConnectionError, OSError):
            pass
        finally:
            self.cut()

    def cut(self) -> None:
        """Pull the cable."""
        with suppress(OSError):
            self.wire.shutdown(socket.SHUT_RDWR)
        self.wire.close()
        for stream in list(self._streams.values()):
            stream.close()

    def send(self, command: bytes, first: int, second: int, data: bytes = b"") -> None:
        self._on_message(self, f"send {command.decode()}")
        magic = int.from_bytes(command, "little") ^ 0xFFFFFFFF
        header = HEADER.pack(command, first, second, len(data), sum(data) & 0xFFFFFFFF, magic)
        with self._sending:
            self.wire.sendall(header + data)

    def _receive(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            block = self.wire.recv(count - len(data))
            if not block:
                raise ConnectionError("closed by the client")
            data += block
        return bytes(data)

    def _handle(self, command: bytes, first: int, second: int, data: bytes) -> None:
        self._on_message(self, f"receive {command.decode()}")
        stream = self._streams.get(second)
        if command == b"CNXN":
            self.max_data = min(second, MAX_DATA)
            self.send(b"CNXN", VERSION, MAX_DATA, f"{self.banner}features={FEATURES}".encode())
        elif command == b"OPEN":
            self._open(first, data.rstrip(b"\0").decode())
        elif stream is None:
            return
        elif command == b"WRTE":
            stream.feed(data)
            self.send(b"OKAY", stream.local, stream.remote)
        elif command == b"OKAY":
            stream.acknowledged()
        elif command == b"CLSE":
            self._streams.pop(second, None)
            stream.close()

    def _open(self, remote: int, service: str) -> None:
        stream = Stream(self, local=next(self._locals), remote=remote)
        self._streams[stream.local] = stream
        threading.Thread(target=self._run_service, args=(stream, service), daemon=True).start()

    def _run_service(self, stream: Stream, service: str) -> None:
        with suppress(ConnectionError, OSError):
            self.send(b"OKAY", stream.local, stream.remote)
            known = self._serve(stream, service)
            self._streams.pop(stream.local, None)
            self.send(b"CLSE", stream.local if known else 0, stream.remote)
