"""Let a thread prepare the next items while the caller works on the last ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")
_PATIENCE_S = 0.1  # between two looks at whether the caller still wants items


class _Made(NamedTuple, Generic[T]):
    items: tuple[T, ...]  # one, or none at the end
    error: BaseException | None = None


def read_ahead(items: Iterable[T], depth: int = 2) -> Iterator[T]:
    """The same items in the same order, up to ``depth`` of them made before they are asked for.

    It gains where making an item leaves the interpreter's lock, as decoding and resampling do. An
    error of ``items`` is raised after the items before it; a caller that stops early stops it.
    """
    made: Queue[_Made[T]] = Queue(depth)
    unwanted = Event()

    def put(result: _Made[T]) -> None:
        while not unwanted.is_set():
            try:
                made.put(result, timeout=_PATIENCE_S)
                return
            except Full:
                continue

    def make() -> None:
        error: BaseException | None = None
        try:
            for item in items:
                put(_Made((item,)))
                if unwanted.is_set():
                    return
        except BaseException as raised:  # noqa: BLE001 (raised again where the items are used)
            error = raised
        put(_Made((), error))

    thread = Thread(target=make, daemon=True)
    thread.start()
    try:
        while (result := made.get()).items:
            yield result.items[0]
        if result.error is not None:
            raise result.error
    finally:
        unwanted.set()
        while thread.is_alive():
            try:
                made.get_nowait()
            except Empty:
                thread.join(_PATIENCE_S)
