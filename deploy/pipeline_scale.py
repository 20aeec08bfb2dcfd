"""How large a run is: the shipped scales, or a YAML file of the same form."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from search_spaces.budget import Budget
from search_spaces.errors import UserError
from search_spaces.files import load_schema
from search_spaces.json_values import check_json
from search_spaces.yaml_file import read_yaml

SCALES_FOLDER = Path(__file__).parent / "scales"
CONFIGS_FOLDER = Path(__file__).parent.parent / "lightning_modules" / "configs"
SHIPPED_SCALES = ("smoke", "demo", "reference", "few", "many", "folder", "folder-1s")
_REQUIRED_OF_COUNTS = ("speech", "labelled_clips", "test_clips")
_OF_COUNTS = (*_REQUIRED_OF_COUNTS, "protocol")
_OF_CLASSES = ("root", "labelled_per_class")
OWN_FIELDS = (*_OF_COUNTS, *_OF_CLASSES)  # of one task alone
SCHEMA = load_schema(Path(__file__).parent / "schemas", "scale")


@dataclass(frozen=True)
class Scale:
    """Sizes of a run's stages; the fields are described in ``schemas/scale.schema.json``."""

    description: str
    fit_config: str
    space: str
    expected_seconds: dict[str, float]
    task: Literal["counts", "classes"] = "counts"
    speech: str | None = None
    protocol: str | None = None
    labelled_clips: int | None = None
    test_clips: int | None = None
    root: str | None = None
    labelled_per_class: int | None = None
    max_latency_ms: float | None = None
    max_params: int | None = None
    max_energy_mj: float | None = None
    tune_steps: int | None = None
    begin_config: str | None = None
    arguments: dict[str, list[str]] = field(default_factory=dict)

    @property
    def own_fields(self) -> tuple[str, ...]:
        """The fields that only this task has."""
        return _OF_COUNTS if self.task == "counts" else _OF_CLASSES

    @property
    def budget(self) -> Budget:
        """What a winner may cost at most."""
        return Budget(
            max_latency_ms=self.max_latency_ms,
            max_params=self.max_params,
            max_energy_mj=self.max_energy_mj,
        )


def read_scale(name: str) -> Scale:
    """Read a shipped scale by name, or a YAML file by path.

    Raises:
        UserError: neither a shipped scale nor a file, not YAML, or a field that is unknown,
            missing, out of range or of another task.
    """
    path = SCALES_FOLDER / f"{name}.yaml" if name in SHIPPED_SCALES else Path(name)
    if not path.is_file():
        raise UserError(f"--scale {name}: expected {', '.join(SHIPPED_SCALES)} or a YAML file")
    value = read_yaml(path)
    check_json(path, value, SCHEMA)
    if value.get("task", "counts") == "counts":
        value.setdefault("protocol", "libricount")
    scale = Scale(**value)
    if scale.begin_config and scale.task != "counts":
        raise UserError(f"{path}: field begin_config: the task is {scale.task}, which has none")
    for name in OWN_FIELDS:
        if name in value and name not in scale.own_fields:
            raise UserError(f"{path}: field {name}: the task is {scale.task}, which has none")
        if name in _REQUIRED_OF_COUNTS and scale.task == "counts" and name not in value:
            raise UserError(f"{path}: field {name}: missing, though the task is {scale.task}")
    _check_stages(path, scale)
    for name in ("fit_config", "begin_config"):
        config = getattr(scale, name)
        if config is not None and not config_path(config).is_file():
            raise UserError(
                f"{path}: field {name}: {config} is neither a shipped configuration of `fit`"
                f" ({CONFIGS_FOLDER}) nor a YAML file"
            )
    return scale


def config_path(name: str) -> Path:
    """A shipped configuration of `fit` by name, else the path as it is."""
    shipped = CONFIGS_FOLDER / f"{name}.yaml"
    return shipped if shipped.is_file() else Path(name)


def _check_stages(path: Path, scale: Scale) -> None:
    """Refuse a stage that only some scales have and of which nobody knows how long it takes."""
    has = {
        "clips": scale.task == "counts",
        "begin": scale.begin_config is not None,
        "tune": scale.tune_steps is not None,
    }
    for stage, there in has.items():
        if there and stage not in scale.expected_seconds:
            raise UserError(
                f"{path}: field expected_seconds: lacks {stage}, which the scale has; add its"
                " usual seconds"
            )
