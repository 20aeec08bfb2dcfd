"""`frontier.json` and `weights/*.pt`: what a search found, for lowering and for the report."""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from search_spaces.architecture import Architecture
from search_spaces.cost import costs
from search_spaces.errors import UserError
from search_spaces.files import load_schema, read_json, write_json
from search_spaces.json_values import Validator
from search_spaces.metrics import Estimate
from search_spaces.supernet import build_subnet
from search_spaces.task import Task
from search_spaces.task_json import read_task
from search_spaces.torch_file import write_torch

SCHEMA_VERSION = 1
SCHEMA = load_schema(Path(__file__).parent / "schemas", "frontier")
WEIGHTS_FORMAT = "ersam-subnet"
_MEND = "search again with `python -m search_spaces search`"


@dataclass(frozen=True)
class Winner:
    """A chosen net of the frontier; fields as in the schema.

    Attributes:
        judged: figures of the task on the labelled validation clips.
    """

    name: str
    architecture: Architecture
    ranking_error: float
    judged: dict[str, Estimate]
    params: int
    macs: int
    frontend_macs: int
    peak_activation_bytes: int
    predicted_latency_ms: dict[str, float] | None
    predicted_latency_reason: str | None
    predicted_energy_mj: dict[str, float] | None
    predicted_energy_reason: str | None
    weights_file: str
    weights_sha256: str


@dataclass(frozen=True)
class Frontier:
    """A validated `frontier.json`.

    Attributes:
        space, version: the space searched.
        task: by which errors were judged.
        budget, points: as in the schema.
        best: the winner of lowest ranking error.
        winners: cheapest first.
        raw: the whole file.
    """

    space: str
    version: int
    task: Task
    budget: dict[str, Any]
    best: Winner
    winners: tuple[Winner, ...]
    points: list[dict[str, Any]]
    raw: dict[str, Any]

    def winner(self, name: str) -> Winner:
        """The winner called ``name``.

        Raises:
            UserError: there is none; the message lists those there are.
        """
        for winner in self.winners:
            if winner.name == name:
                return winner
        names = ", ".join(winner.name for winner in self.winners)
        raise UserError(f"winner {name!r}: the frontier has none of this name; it has {names}")


def read_frontier(path: Path) -> Frontier:
    """Read and validate `frontier.json`; the weights are read by `load_winner`.

    Raises:
        UserError: missing, not JSON, a field against the schema, an architecture that is not of
            its space, a task with another number of outputs than the winners have, a best winner
            that is not the best of the winners, one beyond the budget, or a figure that is null
            without a reason.
    """
    value = read_json(path, SCHEMA)
    space = value["space"]
    try:
        task = read_task(value)
        winners = tuple(_winner(space, task, record) for record in value["winners"])
        best = [winner for winner in winners if winner.name == value["best"]]
        if not best:
            raise UserError(f"field best: {value['best']!r} is not among the winners")
        _check_outputs(winners, task)
        _check_winners(best[0], winners, value["budget"])
        for net in (*value["winners"], *value["points"]):
            _check_reasons(net)
    except UserError as error:
        raise UserError(f"{path}: {error}; {_MEND}") from None
    return Frontier(
        space=space["name"],
        version=space["version"],
        task=task,
        budget=value["budget"],
        best=best[0],
        winners=winners,
        points=value["points"],
        raw=value,
    )


def check_frontier(value: Mapping[str, Any]) -> None:
    """Find out whether `write_frontier` would take a value, before anything is written.

    Raises:
        jsonschema.ValidationError: it would not.
    """
    Validator(SCHEMA).validate({"schema_version": SCHEMA_VERSION, **value})


def write_frontier(path: Path, value: dict[str, Any]) -> None:
    """Write `frontier.json` atomically; ``value`` satisfies the schema but for its version."""
    write_json(path, {"schema_version": SCHEMA_VERSION, **value}, SCHEMA)


def save_weights(
    path: Path,
    architecture: Architecture,
    net: nn.Module,
    num_outputs: int,
    training: Mapping[str, Any] | None = None,
) -> str:
    """Write a subnet's weights atomically, for the `subnet.pt` of `fit` with its training record.

    Returns:
        Hex SHA-256 of the file.
    """
    value = {
        "format": WEIGHTS_FORMAT,
        "schema_version": SCHEMA_VERSION,
        "architecture": architecture.to_json(),
        "num_outputs": num_outputs,
        "state_dict": {name: tensor.cpu() for name, tensor in net.state_dict().items()},
    }
    if training is not None:
        value["training"] = dict(training)
    return write_torch(path, value)


def load_winner(frontier_path: Path, winner: Winner) -> nn.Module:
    """Load a winner's net: waveform [B, T] -> logits [B, K], in evaluation mode.

    Raises:
        UserError: the weights file is missing, changed since the search, or not such a file.
    """
    path = Path(frontier_path).parent / winner.weights_file
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{path}: no such file, though {frontier_path} names it; {_MEND}") from None
    if hashlib.sha256(content).hexdigest() != winner.weights_sha256:
        raise UserError(f"{path}: its sha256 is not the one in {frontier_path}; {_MEND}")
    try:
        value = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        if value["format"] != WEIGHTS_FORMAT or value["schema_version"] != SCHEMA_VERSION:
            raise UserError(f"{path}: not the weights of a subnet; {_MEND}")
        net = build_subnet(winner.architecture, value["num_outputs"])
        net.load_state_dict(value["state_dict"])
    except (KeyError, TypeError, RuntimeError, pickle.UnpicklingError) as error:
        raise UserError(f"{path}: not the weights of {winner.name} ({error}); {_MEND}") from None
    return net.eval()


def _check_outputs(winners: Sequence[Winner], task: Task) -> None:
    """Refuse a task that names an output too many or too few, by what that costs in parameters.

    Which would else be found by those alone who read the weights.

    Raises:
        UserError: naming a winner and the field.
    """
    outputs = len(task.outputs)
    for winner in winners:
        params = costs(winner.architecture, outputs).params
        if params != winner.params:
            raise UserError(
                f"field task: names {outputs} outputs, with which winner {winner.name} would have"
                f" {params} params, but its field params is {winner.params}"
            )


def _check_winners(best: Winner, winners: Sequence[Winner], budget: Mapping[str, Any]) -> None:
    """Refuse a best winner that is not, and winners beyond the budget.

    Raises:
        UserError: naming the winner and the field.
    """
    least = min(winners, key=lambda winner: winner.ranking_error)
    if least.ranking_error < best.ranking_error:
        raise UserError(
            f"field best: got {best.name}, whose ranking_error is {best.ranking_error:g}, but that"
            f" of {least.name} is {least.ranking_error:g}"
        )
    for winner in winners:
        costs = {
            "max_latency_ms": (winner.predicted_latency_ms or {}).get(budget["precision"]),
            "max_params": winner.params,
            "max_macs": winner.macs,
            "max_energy_mj": (winner.predicted_energy_mj or {}).get(budget["precision"]),
        }
        for limit, cost in costs.items():
            if cost is not None and budget[limit] is not None and cost > budget[limit]:
                raise UserError(
                    f"winner {winner.name}: costs {cost:g}, beyond the budget's {limit},"
                    f" {budget[limit]:g}"
                )


def _check_reasons(net: Mapping[str, Any]) -> None:
    """Refuse a winner or point with a figure that is null and does not say why.

    Raises:
        UserError: naming the field.
    """
    reasons = {
        name: net.get(name.rpartition("_")[0] + "_reason")
        for name in ("predicted_latency_ms", "predicted_energy_mj")
        if net[name] is None
    }
    reasons |= {
        name: figure.get("reason")
        for name, figure in net.items()
        if isinstance(figure, dict) and figure.get("value", 0) is None
    }
    for name, reason in reasons.items():
        if reason is None:
            raise UserError(f"net {net['name']}: field {name} is null without a reason")


def _required(record: Mapping[str, Any], key: str) -> Any:
    if key not in record:
        raise UserError(f"winner {record['name']}: field {key} is missing")
    return record[key]


def _winner(space: Mapping[str, Any], task: Task, record: Mapping[str, Any]) -> Winner:
    return Winner(
        name=record["name"],
        architecture=Architecture(space["name"], space["version"], record["choices"]).validate(),
        ranking_error=record["ranking_error"],
        judged={
            metric.key: Estimate.from_json(_required(record, metric.key))
            for metric in task.judged_by
        },
        params=record["params"],
        macs=record["macs"],
        frontend_macs=record["frontend_macs"],
        peak_activation_bytes=record["peak_activation_bytes"],
        predicted_latency_ms=record["predicted_latency_ms"],
        predicted_latency_reason=record.get("predicted_latency_reason"),
        predicted_energy_mj=record["predicted_energy_mj"],
        predicted_energy_reason=record.get("predicted_energy_reason"),
        weights_file=record["weights"]["file"],
        weights_sha256=record["weights"]["sha256"],
    )
