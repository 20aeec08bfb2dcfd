"""What libsndfile passes over: a file that ends too early, or goes on behind its end."""

from __future__ import annotations

import mmap
import re
from pathlib import Path

from search_spaces.errors import UserError

# What a recorder that could not go back to its header leaves there: the largest number that it has,
# signed (give or take the header) or not.
_UNKNOWN_RIFF_BYTES = (range(0x7FFF_0000, 0x8000_0100), range(0xFFFF_0000, 0x1_0000_0000))
_UNKNOWN_LONG_BYTES = range(0x7FFF_FFFF_FFFF_0000, 1 << 64)
_W64_RIFF = bytes.fromhex("726966662e91cf11a5d628db04c10000")
_RIFF_CHUNK = re.compile(rb"[A-Za-z0-9_][A-Za-z0-9_ ]{3}")  # the name that it begins with
_NO_ZERO = re.compile(rb"[^\x00]")
_FLAC_BEGINS = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22")
_OGG_GOES_ON = re.compile(rb"OggS\x00[\x00\x01\x04\x05]")
_OGG_BEGINS = re.compile(rb"OggS\x00[\x02\x03\x06\x07]")
# The frame that tells how long an MP3 is: 13, 21 or 36 bytes behind a frame's beginning, by layout.
_MP3_BEGINS = re.compile(
    rb"\xff[\xe2-\xff][^\xff][\x00-\xff](?:.{9}|.{17}|.{32})(?:Xing|Info)", re.S
)


def check_whole(path: Path) -> None:
    """Refuse a file that ends before its header says, or of which only the first part is heard.

    An mp3, and an ogg, does not say how long it should be. A recorder that broke off leaves in a
    wav the length that it wrote last, or none. Recordings that were joined byte by byte
    are decoded up to the end of the first one.

    Raises:
        UserError: naming the file and the mend.
    """
    found = path.stat().st_size
    with path.open("rb") as stream:
        announced = _announced_bytes(stream.read(40))
        if announced is not None and found + 1 < announced:
            raise UserError(f"{path}: is truncated ({found} of {announced} bytes); copy it again")
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            if left := _unannounced_bytes(content):
                raise UserError(
                    f"{path}: goes on for {left} bytes behind the sound that its header announces,"
                    " as of a recorder that broke off, and these are not heard; mend the header"
                    " (`sox --ignore-length old.wav new.wav`)"
                )
            if _is_joined(content):
                raise UserError(
                    f"{path}: holds several recordings one behind the other, of which only the"
                    " first is heard; take them apart, or convert the file to wav"
                )


def _announced_bytes(head: bytes) -> int | None:
    """The length of the whole file by its header, if that has one."""
    if head[:4] in (b"RIFF", b"FORM"):
        length = int.from_bytes(head[4:8], "little" if head[:4] == b"RIFF" else "big")
        return None if any(length in unknown for unknown in _UNKNOWN_RIFF_BYTES) else length + 8
    if head[:4] in (b"RF64", b"BW64") and head[12:16] == b"ds64":
        length = int.from_bytes(head[20:28], "little")
        return None if length in _UNKNOWN_LONG_BYTES or not length else length + 8
    if head[:16] == _W64_RIFF:
        length = int.from_bytes(head[16:24], "little")
        return None if length in _UNKNOWN_LONG_BYTES else length
    return None


def _unannounced_bytes(content: mmap.mmap) -> int:
    """Bytes that lie behind the last chunk of a wav file, if they are half a second of it or more.

    Zeros, as a disk's block ends with, and tags are no sound.
    """
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        return 0
    at, bytes_per_s = 12, 0
    while _RIFF_CHUNK.match(content, at):
        length = int.from_bytes(content[at + 4 : at + 8], "little")
        if content[at : at + 4] == b"fmt ":
            bytes_per_s = int.from_bytes(content[at + 16 : at + 20], "little")
        at += 8 + length
        if length % 2 and not _RIFF_CHUNK.match(content, at):  # few leave the filling byte out
            at += 1
    left = len(content) - at
    tags = content[at : at + 3] == b"ID3"
    if tags or 2 * left < bytes_per_s or not _NO_ZERO.search(content, at):
        return 0
    return left


def _is_joined(content: mmap.mmap) -> bool:
    """Whether a second recording begins behind the first."""
    if content[:4] == b"fLaC":
        return _FLAC_BEGINS.search(content, 4) is not None
    if content[:4] == b"OggS":
        first = _OGG_GOES_ON.search(content)
        return first is not None and _OGG_BEGINS.search(content, first.end()) is not None
    if content[:3] == b"ID3" or content[:1] == b"\xff":
        first = _MP3_BEGINS.search(content)
        return first is not None and _MP3_BEGINS.search(content, first.end()) is not None
    return False
