"""A bundle: the folder that `lower` writes and that everything after it reads."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.engine import RUNTIME_NAME, Engine, is_older, runtime_version
from deploy.vectors import Vectors, read_vectors
from search_spaces.ambiance import AmbianceLevels
from search_spaces.command_line import named_path
from search_spaces.errors import UserError
from search_spaces.files import load_schema, read_json, sha256_file
from search_spaces.task import Task
from search_spaces.task_counts import CountsTask
from search_spaces.task_json import read_task

SCHEMA_VERSION = 1
SCHEMA = load_schema(Path(__file__).parent / "schemas", "manifest")
MANIFEST = "manifest.json"
VECTORS = "vectors.bin"
MODEL_CARD = "README.md"
DEFAULT_BUNDLE = Path(__file__).resolve().parent.parent / "models" / "sam-base"
MODEL_FILES = {"fp32": "model.pte", "int8": "model_int8.pte"}
PRECISIONS = tuple(MODEL_FILES)
ANEW = "lower the net anew or copy the bundle again"


@dataclass(frozen=True)
class Bundle:
    """A bundle whose manifest was validated.

    Attributes:
        path: its folder.
        manifest: as in the schema.
    """

    path: Path
    manifest: dict[str, Any]

    @property
    def name(self) -> str:
        """Name of the net."""
        return self.manifest["name"]

    @property
    def files(self) -> list[Path]:
        """All that it is made of."""
        return [self.path / name for name in (MANIFEST, *self.manifest["files"])]

    @property
    def task(self) -> Task:
        """What its outputs mean.

        Raises:
            UserError: names or levels that cannot be.
        """
        try:
            return read_task(self.manifest)
        except UserError as error:
            raise UserError(f"{self.path / MANIFEST}: {error}; {ANEW}") from None

    @property
    def levels(self) -> AmbianceLevels:
        """Levels of social ambiance by which it decides.

        Raises:
            UserError: it names classes.
        """
        task = self.task
        if not isinstance(task, CountsTask):
            raise UserError(
                f"{self.path}: names {len(task.outputs)} classes, expected a bundle that counts"
                " people"
            )
        return task.levels

    @property
    def clip_samples(self) -> int:
        """T, samples of the clip that it hears, at 16 kHz."""
        return self.manifest["clip_samples"]

    @property
    def precisions(self) -> tuple[str, ...]:
        """Precisions that it holds."""
        return tuple(name for name in PRECISIONS if self.manifest["precisions"][name] is not None)

    @property
    def int8_drop_points(self) -> float | None:
        """Accuracy that int8 loses, in points, kept or not; None where it was not judged.

        Earlier bundles say it of a kept int8 alone, and elsewhere.
        """
        int8: dict[str, Any] = self.manifest["precisions"]["int8"] or {"quantisation": {}}
        of_kept = int8["quantisation"].get(f"{self.task.headline.key}_drop_points")
        found: float | None = self.manifest.get("int8_drop_points", of_kept)
        return found

    @property
    def default_precision(self) -> str:
        """The fastest that passed every check: int8 where it was kept."""
        return self.precisions[-1]

    def choose_precision(self, precision: str | None) -> str:
        """``precision`` if the bundle holds it, `default_precision` for None.

        Raises:
            UserError: the bundle does not hold it; the message has the reason.
        """
        if precision is None:
            return self.default_precision
        if precision not in PRECISIONS:
            known = ", ".join(PRECISIONS)
            raise UserError(f"precision: got {precision!r}, expected one of {known}")
        if precision not in self.precisions:
            raise UserError(
                f"{self.path}: holds no {precision} model: {self.manifest['int8_reason']}"
            )
        return precision

    def model_path(self, precision: str) -> Path:
        """The ``.pte`` file of a precision.

        Raises:
            UserError: see `choose_precision`.
        """
        return self.path / MODEL_FILES[self.choose_precision(precision)]

    def tolerance(self, precision: str) -> float:
        """Largest difference from the vectors that is allowed."""
        return self.manifest["precisions"][precision]["tolerance"]

    def load(self, precision: str | None = None, threads: int = 1) -> Engine:
        """Load the model of a precision.

        Raises:
            UserError: see `choose_precision`; or the manifest is of clips of another length, or of
                another number of outputs, or names these in two ways.
        """
        engine = Engine(self.model_path(self.choose_precision(precision)), threads)
        if engine.samples != self.clip_samples:
            raise UserError(
                f"{self.path / MANIFEST}: field $.clip_samples: is {self.clip_samples}, the model"
                f" takes {engine.samples}; {ANEW}"
            )
        named = list(self.task.outputs)
        if len(named) != engine.outputs:
            raise UserError(
                f"{self.path / MANIFEST}: field $.task: says what {len(named)} outputs mean, the"
                f" model gives {engine.outputs}; {ANEW}"
            )
        if named != self.manifest["outputs"]:
            raise UserError(
                f"{self.path / MANIFEST}: field $.outputs: names the outputs otherwise than"
                f" $.task does; {ANEW}"
            )
        return engine

    def vectors(self) -> Vectors:
        """Inputs with their expected outputs."""
        return read_vectors(self.path / VECTORS, self.precisions)


def read_bundle(path: Path, verify: bool = True) -> Bundle:
    """Read a bundle.

    Args:
        path: its folder.
        verify: whether every file's SHA-256 is checked.

    Raises:
        UserError: not a bundle, a manifest against the schema or without a model's file, a file
            that is missing or changed, or a runtime older than the one that the models were lowered
            for.
    """
    path = Path(path)
    _check_folder(path)
    bundle = Bundle(path, read_json(path / MANIFEST, SCHEMA))
    _check_models(bundle)
    _check_runtime(bundle)
    if verify:
        for name, expected in bundle.manifest["files"].items():
            _check_file(path / name, expected)
    return bundle


def add_choice_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options by which bundles are measured; see `choose_bundles`."""
    parser.add_argument(
        "--bundle", nargs="+", type=named_path, required=True, help="bundle folders"
    )
    parser.add_argument(
        "--precision",
        nargs="+",
        choices=PRECISIONS,
        help="default: all that the bundle holds",
    )


def choose_bundles(
    paths: Sequence[Path], precisions: Sequence[str] | None
) -> list[tuple[Bundle, str]]:
    """Bundles that are measured, each with one of the precisions, for None with all that it holds.

    Raises:
        UserError: see `read_bundle` and `Bundle.choose_precision`; or two of one name, which names
            the files that are written.
    """
    bundles = [read_bundle(path) for path in paths]
    names = [bundle.name for bundle in bundles]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UserError(
            f"--bundle: two are named {twice!r} and would be written to the same files; measure"
            " them one by one, each with an --out of its own"
        )
    return [
        (bundle, bundle.choose_precision(precision))
        for bundle in bundles
        for precision in dict.fromkeys(precisions or bundle.precisions)
    ]


def _check_folder(path: Path) -> None:
    """Refuse what is no bundle; a file of one, or a folder of several, leads to the right name."""
    if path.is_file() and (path.parent / MANIFEST).exists():
        raise UserError(f"{path}: is a file of a bundle; give its folder, {path.parent}")
    if not path.is_dir():
        raise UserError(f"{path}: no such folder, expected a bundle written by `deploy lower`")
    if not (path / MANIFEST).exists():
        within = min(path.glob(f"*/{MANIFEST}"), default=None)
        mend = f"name one in it, as {within.parent}" if within else "`deploy lower` writes bundles"
        raise UserError(f"{path}: not a bundle, has no {MANIFEST}; {mend}")


def _check_models(bundle: Bundle) -> None:
    """Refuse a model that no digest vouches for."""
    for precision in bundle.precisions:
        if MODEL_FILES[precision] not in bundle.manifest["files"]:
            raise UserError(
                f"{bundle.path / MANIFEST}: field $.files: lacks {MODEL_FILES[precision]}, though"
                f" the bundle holds {precision}; {ANEW}"
            )


def _check_file(path: Path, expected: dict[str, Any]) -> None:
    if not path.is_file():
        raise UserError(f"{path}: missing, though {MANIFEST} lists it; lower the net anew")
    size = path.stat().st_size
    if size != expected["bytes"]:
        raise UserError(
            f"{path}: has {size} bytes, {MANIFEST} says {expected['bytes']}; lower the net anew"
        )
    if sha256_file(path) != expected["sha256"]:
        raise UserError(
            f"{path}: changed since it was lowered (sha256 differs from {MANIFEST});"
            " lower the net anew or copy it again"
        )


def _check_runtime(bundle: Bundle) -> None:
    needed, installed = bundle.manifest["runtime"]["version"], runtime_version()
    if is_older(installed, needed):
        raise UserError(
            f"{bundle.path}: lowered for {RUNTIME_NAME} {needed}, this is the older {installed};"
            f" install {RUNTIME_NAME} {needed} or later"
        )
