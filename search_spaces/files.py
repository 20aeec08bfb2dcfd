"""Files that pass between the packages: read with their schema, written atomically."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from search_spaces.errors import UserError, full_disk_named
from search_spaces.file_lock import held
from search_spaces.json_values import Validator, check_json, parse_json
from search_spaces.part_files import open_part

_UMASK = os.umask(0o077)  # it can be read by setting it alone, and threads share it
os.umask(_UMASK)


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that replaces it only when the block succeeds.

    A reader therefore sees the old file or the whole new one, also after a kill or on a full disk.
    What a kill leaves goes with the next one (`part_files`): write to the temporary in place.
    The temporary keeps the suffix, since some writers choose their format by it. Of a link what it
    leads to is replaced. A file that is there keeps its permissions.

    Raises:
        OSError: the folder cannot be written or its disk is full; it names ``path``.
        UserError: ``path`` is a folder, or a device or pipe, which nothing may replace.
    """
    path = led_to(Path(path))
    if path.exists() and not path.is_file():
        raise UserError(f"{path}: is a folder or a device; name a file")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        temporary, lock = open_part(path)
    except OSError as error:
        error.filename = str(path)
        raise
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.chmod(stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o666 & ~_UMASK)
        temporary.replace(path)
    except OSError as error:
        if error.filename in (None, str(temporary)):  # a full disk comes without a name
            error.filename = str(path)
        raise
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()
        lock.close()


def real_path(path: Path) -> Path:
    """The path without links; unlike `Path.resolve` it takes a link that leads to itself."""
    return Path(os.path.realpath(path))


def led_to(path: Path) -> Path:
    """Where a link leads in the end; any other path is left as it is."""
    return real_path(path) if path.is_symlink() else path


def check_writable(path: Path, field: str, *, folder: bool = False) -> None:
    """Find out before long work whether its result can be written; nothing is left behind.

    Args:
        path: a file that will be written, also in folders that are still to be made.
        field: the option that named it.
        folder: whether ``path`` is a folder of files instead.

    Raises:
        UserError: it cannot.
    """
    try:
        if not folder and path.exists() and not path.is_file():
            raise UserError(f"{field}: {path} is a folder or a device; name a file")
        if folder and path.exists() and not path.is_dir():
            raise UserError(f"{field}: {path} is a file; name a folder")
        places = (path, *path.absolute().parents) if folder else path.absolute().parents
        with tempfile.TemporaryFile(dir=next(place for place in places if place.exists())):
            pass
    except OSError as error:
        raise UserError(
            f"{field}: {path} cannot be written ({error.strerror}); make room or change"
            " permissions there, or name another place"
        ) from None


def refuse_input(path: Path, inputs: Iterable[Path], what: str, field: str) -> None:
    """Refuse to write over a file that is read, as a wrong or forgotten name would.

    Raises:
        UserError: ``path`` is one of ``inputs``, which ``what`` names.
    """
    try:
        known = path.stat()
    except OSError:
        return  # not there yet, or found out when it is written
    for one in inputs:
        with suppress(OSError):  # whoever reads it says what is wrong
            if os.path.samestat(known, one.stat()):
                raise UserError(f"{field}: {path} is one of the {what}; name another file")


def refuse_full_folder(path: Path, field: str) -> None:
    """Refuse to write a folder where there is something already.

    Raises:
        UserError: ``path`` exists and is no empty folder.
    """
    if path.exists() and not path.is_dir():
        raise UserError(f"{field}: {path} is a file; name a folder")
    if path.exists() and any(path.iterdir()):
        raise UserError(
            f"{field}: {path} exists and is not empty; name another folder or remove it"
        )


def check_new_folder(path: Path, field: str) -> None:
    """Find out before long work whether a folder can be written by `new_folder`.

    Raises:
        UserError: there is something in it, or no folder beside it can take its name.
    """
    refuse_full_folder(path, field)
    place = real_path(path)
    if place.is_mount():
        raise UserError(f"{field}: {path} is where a disk is mounted; name a folder in it")
    check_writable(place.parent, field, folder=True)


def refuse_foreign_folder(
    path: Path, field: str, own: Collection[str], marks: Iterable[str]
) -> None:
    """Refuse to write into a folder of other things, or where nothing can be written.

    Args:
        path: the folder.
        field: the option that named it.
        own: names of all that the command writes there; a folder of these alone is its own.
        marks: of these each tells that the folder is its own, whatever has come in since.

    Raises:
        UserError: it holds other things, is a file, or cannot be written.
    """
    check_writable(path, field, folder=True)
    if not path.is_dir() or any((path / name).exists() for name in marks):
        return
    names = (entry.name for entry in path.iterdir())
    foreign = (name for name in names if name not in own and ".part" not in name)
    if (found := next(foreign, None)) is not None:
        raise UserError(
            f"{field}: {path} holds other things ({found}); name another folder, or an empty one"
        )


@contextmanager
def new_folder(path: Path, settings: dict[str, Any] | None = None) -> Iterator[Path]:
    """Yield a hidden folder beside ``path`` that takes its name only when the block succeeds.

    Args:
        path: the folder to come.
        settings: what its files follow from; where given, a folder of the same settings that a
            block left when it was killed or interrupted is yielded again, with what it holds.

    Raises:
        OSError: it cannot be written, or ``path`` is no empty folder (`refuse_full_folder`); of a
            full disk it names ``path``.
        UserError: another process is writing it.
    """
    path = real_path(path)  # the name of the folder that one is in, or that a link leads to
    growing, of = path.with_name(f".{path.name}.part"), path.with_name(f".{path.name}.part.json")
    refusal = f"{path}: another process is writing it; wait for that or name another folder"
    with held(path.with_name(f".{path.name}.lock"), refusal):
        if settings is None or not growing.is_dir() or not _holds(of, settings):
            of.unlink(missing_ok=True)  # before the folder, which would else be taken for its own
            shutil.rmtree(growing, ignore_errors=True)
            growing.mkdir(parents=True)
            if settings is not None:
                write_json(of, settings)
        is_kept = False
        try:
            with full_disk_named(path):
                yield growing
                growing.replace(path)
        except KeyboardInterrupt:  # SIGTERM too, if it is heard at all
            is_kept = settings is not None
            raise
        finally:
            if not is_kept:
                of.unlink(missing_ok=True)
                shutil.rmtree(growing, ignore_errors=True)


def _holds(path: Path, settings: dict[str, Any]) -> bool:
    """Whether a file holds these settings; a damaged one holds none."""
    try:
        return bool(read_json(path, {}) == settings)
    except UserError:
        return False


def write_json(path: Path, value: Any, schema: dict[str, Any] | None = None) -> None:
    """Write ``value`` as JSON atomically; with ``schema``, a value that breaks it is our own bug.

    Raises:
        jsonschema.ValidationError: ``value`` does not satisfy ``schema``.
    """
    if schema is not None:
        Validator(schema).validate(value)
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: Path, schema: dict[str, Any]) -> Any:
    """Read a JSON file and validate it.

    Raises:
        UserError: the file is missing, is not JSON, or breaks the schema; the message names the
            file, the field, and what is allowed there.
    """
    path = Path(path)
    try:
        value = parse_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise UserError(f"{path}: is a folder, expected a JSON file") from None
    except ValueError as error:
        raise UserError(f"{path}: not valid JSON ({error}); write it anew") from None
    check_json(path, value, schema)
    return value


def whole_lines(path: Path) -> list[bytes]:
    """The lines of a file that grows line by line, none where there is no file.

    What a kill has left of a last one is taken off the file.
    """
    content = path.read_bytes() if path.exists() else b""
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        os.truncate(path, len(whole))
    return whole.split(b"\n")[:-1]


def load_schema(folder: Path, name: str) -> dict[str, Any]:
    """Read the JSON schema ``name`` (e.g. ``"frontier"``) that ships in ``folder``."""
    return json.loads((folder / f"{name}.schema.json").read_text(encoding="utf-8"))


def sha256_json(value: Any) -> str:
    """Hex SHA-256 of plain values, whatever the order of their keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def sha256_text(text: str) -> str:
    """Hex SHA-256 of a text, which may hold names of files.

    These need not be valid UTF-8; Python carries the other bytes as surrogates.
    """
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def sha256_file(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
