"""adb's file service, version 1 with `stat_v2`, on a folder that stands for the phone's storage."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Callable
from pathlib import Path

from tests.deploy.phone_device.wire import Stream

_WORD = struct.Struct("<I")
_STAT2 = struct.Struct("<IQQIIIIQqqq")
_BLOCK = 64 * 1024


class Disk:
    """The phone's storage.

    Attributes:
        root: folder of the host.
        free_bytes: what may still be written.
        flips_bits: whether what is written is not what was sent.
        on_write: called after each block with how long the file is by then.
    """

    def __init__(self, root: Path, free_bytes: int = 8_000_000_000) -> None:
        self.root = root
        self.free_bytes = free_bytes
        self.flips_bits = False
        self.on_write: Callable[[int], None] = lambda length: None

    def path(self, name: str) -> Path:
        """The host's path of one of the phone's; it never leaves the root."""
        path = Path(os.path.normpath(self.root / name.lstrip("/")))
        if not path.is_relative_to(self.root):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), name)
        return path

    def take(self, count: int) -> None:
        """Use up space.

        Raises:
            OSError: none left.
        """
        if count > self.free_bytes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.free_bytes -= count


def serve_sync(stream: Stream, disk: Disk) -> None:
    """Answer requests until the client quits."""
    while len(header := stream.read(8)) == 8:
        request, length = header[:4], _WORD.unpack(header[4:])[0]
        if request == b"QUIT":
            return
        name = stream.read(length).decode()
        if request in (b"STA2", b"LST2"):
            stream.write(request + _stat(disk, name))
        elif request == b"SEND":
            _receive_file(stream, disk, name.rpartition(",")[0])
        elif request == b"RECV":
            _send_file(stream, disk, name)
        else:
            raise ConnectionError(f"request {request!r} is not known to this phone")


def _stat(disk: Disk, name: str) -> bytes:
    try:
        found = disk.path(name).stat()
    except OSError as error:
        return _STAT2.pack(error.errno or 0, *[0] * 10)
    times = (int(found.st_atime), int(found.st_mtime), int(found.st_ctime))
    identity = (0, found.st_dev, found.st_ino, found.st_mode, found.st_nlink, 0, 0)
    return _STAT2.pack(*identity, found.st_size, *times)


def _receive_file(stream: Stream, disk: Disk, name: str) -> None:
    """Write as it comes, as a phone does: what was cut off is left there."""
    failure: OSError | None = None
    with Path(os.devnull).open("wb") as nowhere:
        try:
            disk.path(name).parent.mkdir(parents=True, exist_ok=True)
            target = disk.path(name).open("wb")
        except OSError as error:
            failure, target = error, nowhere
        with target:
            while len(header := stream.read(8)) == 8:
                kind, length = header[:4], _WORD.unpack(header[4:])[0]
                if kind == b"DONE":
                    break
                data = stream.read(length)
                try:
                    if failure is None:
                        disk.take(len(data))
                        target.write(data[::-1] if disk.flips_bits else data)
                        target.flush()
                        disk.on_write(target.tell())
                except OSError as error:
                    failure = error
            else:
                return
    if failure is not None:
        text = f"couldn't write to file: {failure.strerror}".encode()
        stream.write(b"FAIL" + _WORD.pack(len(text)) + text)
    else:
        stream.write(b"OKAY" + bytes(4))


def _send_file(stream: Stream, disk: Disk, name: str) -> None:
    try:
        data = disk.path(name).read_bytes()
    except OSError as error:
        text = f"open failed: {error.strerror}".encode()
        stream.write(b"FAIL" + _WORD.pack(len(text)) + text)
        return
    for start in range(0, len(data), _BLOCK):
        block = data[start : start + _BLOCK]
        stream.write(b"DATA" + _WORD.pack(len(block)) + block)
    stream.write(b"DONE" + bytes(4))
