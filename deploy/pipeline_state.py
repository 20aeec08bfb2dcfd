"""What a run folder remembers of its steps, so that a run started again does only what is left."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search_spaces.errors import UserError
from search_spaces.file_lock import held
from search_spaces.files import atomic_path, load_schema, read_json, sha256_file, write_json

SCHEMA = load_schema(Path(__file__).parent / "schemas", "pipeline_state")
STATE_FILE = "state.json"
COMMANDS_FILE = "commands.jsonl"
CONFIG_FILE = "config.json"
TUNED = "tune/frontier.json"
_HAS_SCALE = {
    "type": "object",
    "required": ["scale"],
    "properties": {"scale": {"type": "object"}},
}


@dataclass(frozen=True)
class Step:
    """One public command of the run.

    Attributes:
        stage: the stage it belongs to, e.g. ``"benchmark"``.
        label: what tells it from other steps of its stage, e.g. ``"w1 int8"``; may be empty.
        argv: arguments after ``python``, e.g. ``("-m", "deploy", "lower", ...)``.
        inputs: files and folders whose contents the result depends on.
        outputs: files and folders that the command writes.
        facts: anything else the result depends on (versions, the listing of the speech).
        reporting: further arguments, on which no result depends.
        clears: files and folders taken away before the step starts on changed inputs: its own and
            those made from its outputs. Kept when the same call is made again, to resume from.
            What a finished step left is put aside until this one has finished (`RunFolder`).
    """

    stage: str
    label: str
    argv: tuple[str, ...]
    inputs: tuple[Path, ...]
    outputs: tuple[Path, ...]
    facts: tuple[str, ...] = ()
    reporting: tuple[str, ...] = ()
    clears: tuple[Path, ...] = ()

    @property
    def name(self) -> str:
        """Stage and label, unique in a run."""
        return f"{self.stage} {self.label}".rstrip()

    def key(self) -> str:
        """Hex digest of everything that the step's result depends on."""
        inputs = {str(path): fingerprint(path) for path in self.inputs}
        return digest(json.dumps([self.argv, inputs, self.facts], sort_keys=True))


def digest(text: str) -> str:
    """Hex SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def fingerprint(path: Path) -> str | None:
    """Hex digest of a file's bytes or of a folder's names and bytes; None if it is missing."""
    if path.is_file():
        return sha256_file(path)
    if not path.is_dir():
        return None
    files = sorted(item for item in path.rglob("*") if item.is_file())
    return digest("".join(f"{item.relative_to(path)}\0{sha256_file(item)}\n" for item in files))


class RunFolder:
    """A run's folder with its state; made by :func:`open_run_folder`, which also locks it.

    What a step did with other options is hours of work, and the new ones may be a mistake: it lies
    beside, as ``.train.before``, until the step has finished with the new ones, and comes back when
    these are refused at once or the old ones are asked for again.
    """

    def __init__(self, path: Path, state: dict[str, Any]) -> None:
        self.path = path
        self._state = state
        self._aside: dict[str, Any] = state.setdefault("aside", {})

    def is_done(self, step: Step, key: str) -> bool:
        """Whether the step finished with this key and its outputs are as it left them."""
        if self._aside.get(step.name, {"key": None})["key"] == key:
            self.put_back(step)
        entry = self._state["finished"].get(step.name)
        if entry is None or entry["key"] != key:
            return False
        now = {str(path.relative_to(self.path)): fingerprint(path) for path in step.outputs}
        return now == entry["outputs"]

    def begin(self, step: Step, key: str) -> None:
        """Remember that the step has begun; what it clears is taken away if its inputs changed."""
        finished = self._state["finished"].pop(step.name, None)
        last_key = self._state["started"].get(step.name, finished and finished["key"])
        if last_key != key:
            for path in step.clears:
                if finished is not None:
                    _put_aside(path)
                else:
                    _remove(path)
            if finished is not None:
                self._aside[step.name] = finished
        self._state["started"][step.name] = key
        self._write()

    def put_back(self, step: Step) -> None:
        """Bring back what the step did with the options before these, if that lies aside."""
        finished = self._aside.pop(step.name, None)
        if finished is None:
            return
        for path in step.clears:
            if _beside(path).exists():
                _remove(path)
                _beside(path).rename(path)
        self._state["started"].pop(step.name, None)
        self._state["finished"][step.name] = finished
        self._write()

    def refused(self, step: Step) -> bool:
        """Bring back what the step did before, if its command refused its options at once.

        One that has written something goes on from there: a full disk ends with the same code.
        """
        if step.name not in self._aside or any(path.exists() for path in step.clears):
            return False
        self.put_back(step)
        return True

    def has_begun(self, stage: str) -> bool:
        """Whether a step of the stage was ever begun here."""
        names = (*self._state["finished"], *self._state["started"], *self._aside)
        return any(name.split(" ")[0] == stage for name in names)

    def finish(self, step: Step, key: str) -> None:
        """Remember that the step succeeded, with its outputs' contents.

        Raises:
            UserError: an output is missing although the command reported success.
        """
        outputs = {str(path.relative_to(self.path)): fingerprint(path) for path in step.outputs}
        for name, value in outputs.items():
            if value is None:
                raise UserError(
                    f"{self.path / name}: not written by step {step.name!r}, which reported success"
                )
        self._state["started"].pop(step.name, None)
        self._state["finished"][step.name] = {"key": key, "outputs": outputs}
        self._state["place"] = str(self.path)
        self._aside.pop(step.name, None)
        self._write()
        for path in step.clears:
            _remove(_beside(path))

    def record(self, command: dict[str, Any]) -> None:
        """Append one command to ``commands.jsonl``."""
        path = self.path / COMMANDS_FILE
        lines = path.read_text(encoding="utf-8") if path.exists() else ""
        with atomic_path(path) as temporary:
            temporary.write_text(lines + json.dumps(command) + "\n", encoding="utf-8")

    def _write(self) -> None:
        write_json(self.path / STATE_FILE, self._state, SCHEMA)


def read_config(path: Path) -> dict[str, Any] | None:
    """A run's `config.json`; None where there is none.

    Raises:
        UserError: it is damaged.
    """
    return read_json(path, _HAS_SCALE) if path.exists() else None


def tunes(config: Path) -> bool:
    """Whether the run of a `config.json` trains its best winner on alone.

    Where it does not, ``tune/`` is left from an earlier scale. A run that has no such file was not
    made by `deploy run`: what lies there is of it.

    Raises:
        UserError: the file is damaged.
    """
    value = read_config(config)
    return value is None or bool(value["scale"].get("tune_steps"))


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.before")  # hidden, or it would pass for a bundle


def lying_in(folder: Path, mark: str) -> tuple[Path, ...]:
    """The folders in one that hold a file ``mark``, by the names that they had before they were put
    aside (`RunFolder`), in order."""
    names = (path.parent.name for path in folder.glob(f"*/{mark}"))
    own = {name[1:].removesuffix(".before") if name.endswith(".before") else name for name in names}
    return tuple(folder / name for name in sorted(own) if not name.startswith("."))


def _put_aside(path: Path) -> None:
    """Rename a file or a folder, if it is there, in the place of what lies aside already."""
    if path.exists():
        _remove(_beside(path))
        path.rename(_beside(path))


def _remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def open_run_folder(path: Path) -> Iterator[RunFolder]:
    """Open or make a run folder and hold it until the block ends.

    Raises:
        UserError: the folder holds other things, or another process runs in it.
    """
    if path.exists() and not path.is_dir():
        raise UserError(f"--out {path}: is a file; name a folder")
    state_path = path / STATE_FILE
    if path.is_dir() and not state_path.exists():
        foreign = sorted(item.name for item in path.iterdir() if not item.name.startswith("."))
        if foreign:
            raise UserError(
                f"--out {path}: holds {foreign[0]!r} but no {STATE_FILE}, so it is not the folder"
                " of a run; name a new or empty folder"
            )
    refusal = (
        f"--out {path}: another `deploy run` is at work in this folder;"
        " wait for it or name another folder"
    )
    with held(path / ".lock", refusal):
        if state_path.exists():
            state = read_json(state_path, SCHEMA)
        else:
            state = {"schema_version": 1, "finished": {}, "started": {}}
            write_json(state_path, state, SCHEMA)
        _tell_moved(path, state.get("place"))
        yield RunFolder(path, state)


def _tell_moved(path: Path, before: str | None) -> None:
    """Say so where steps were run under another name, by which their commands name their files."""
    if before not in (None, str(path)):
        print(
            f"--out {path}: its steps were run as --out {before} and are done anew under another"
            f" name; to go on with them, stop this (Ctrl-C) and give --out {before}, with the"
            " folder there",
            file=sys.stderr,
            flush=True,
        )
