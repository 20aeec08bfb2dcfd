"""From prepared speech and the name of a protocol to the mixtures of a split."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path
from typing import Any, Literal, get_args

from lightning_modules.libricount import LibriCount
from lightning_modules.mixtures import Mixtures
from lightning_modules.mixtures_parts import MixtureProtocol
from lightning_modules.multicondition import MultiCondition
from lightning_modules.rooms import Rooms
from lightning_modules.rooms_bank import check_rooms, prepare_bank
from lightning_modules.sources_cache import Speech, cache_root
from lightning_modules.splits import Split, largest_count, split_readers
from lightning_modules.varied import Varied
from search_spaces.clip import MAX_COUNT
from search_spaces.errors import UserError

ProtocolName = Literal["libricount", "rooms", "varied", "multicondition", "allconditions"]
PROTOCOLS: tuple[ProtocolName, ...] = get_args(ProtocolName)
CONDITIONS: tuple[ProtocolName, ...] = ("libricount", "rooms")  # those that have aims
_MADE_OF: dict[str, tuple[ProtocolName, ...]] = {
    "multicondition": CONDITIONS,
    "allconditions": (*CONDITIONS, "varied"),
}
DEFAULT_ROOMS = 200


def parts_of(protocol: str) -> tuple[str, ...]:
    """The protocols of which clips of this one are: several, or itself."""
    return _MADE_OF.get(protocol, (protocol,))


def mixed_by(
    speech: Speech, protocol: str, seed: int, rooms: int, voice_speed: float
) -> dict[str, Any]:
    """All that a training clip of a number depends on, as plain values (see `open_mixtures`)."""
    return {
        "speech": speech.clips_sha256(),
        "protocol": protocol,
        "seed": seed,
        "rooms": rooms,
        "voice_speed": voice_speed,
    }


def open_mixtures(
    speech: Speech,
    protocol: str,
    seed: int,
    split: Split,
    rooms: int = DEFAULT_ROOMS,
    cache: Path | str | None = None,
    revealed: Container[int] | None = None,
    voice_speed: float = 0.0,
) -> Mixtures:
    """The mixtures that a split's readers make, in rooms of that split where there are rooms.

    Args:
        speech: prepared speech.
        protocol: one of `PROTOCOLS`.
        seed: see `Mixtures`.
        split: whose readers speak.
        rooms: size of the bank of rooms; what the cache lacks of it is made.
        cache: see `cache_root`.
        revealed: see `Mixtures`.
        voice_speed: see `random_window`.

    Raises:
        UserError: no such protocol, or too few readers (see `split_readers`).
    """
    readers = split_readers(speech.voices)[split]
    return Mixtures(
        [speech.voices[reader] for reader in readers],
        _open_protocol(protocol, split, rooms, cache, voice_speed),
        seed,
        split,
        max_count=largest_count(split, len(readers), MAX_COUNT),
        revealed=revealed,
    )


def check_protocol(protocol: str, rooms: int) -> None:
    """Refuse too few rooms, where there are rooms, before speech is decoded.

    Raises:
        UserError: see `rooms_bank.check_rooms`.
    """
    if protocol != LibriCount.name:
        check_rooms(rooms)


def prepare_protocol(protocol: str, rooms: int, cache: Path | str | None) -> None:
    """Make what the protocol needs and the cache lacks; see `open_mixtures`."""
    _open_protocol(protocol, "train", rooms, cache)


def _open_protocol(
    name: str, split: Split, rooms: int, cache: Path | str | None, voice_speed: float = 0.0
) -> MixtureProtocol:
    if name not in PROTOCOLS:
        raise UserError(f"protocol: {name!r}, expected one of {', '.join(PROTOCOLS)}")
    parts = parts_of(name)
    opened: list[MixtureProtocol] = [LibriCount(voice_speed)] if LibriCount.name in parts else []
    if len(opened) < len(parts):
        bank = prepare_bank(rooms, cache_root(cache) / "rooms").of_split(split)
        opened += [kind(bank, voice_speed) for kind in (Rooms, Varied) if kind.name in parts]
    return opened[0] if len(opened) == 1 else MultiCondition(name, opened)
