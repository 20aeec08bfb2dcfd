"""What a search is asked for, and what it then works with: everything checked and loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from search_spaces.ambiance import AmbianceLevels
from search_spaces.budget import Budget, Indices, Prices, check_budget
from search_spaces.clips_file import read_clips_for
from search_spaces.cost_table import read_cost_table
from search_spaces.errors import UserError
from search_spaces.evaluations import inputs_key
from search_spaces.files import sha256_file
from search_spaces.judge import SubnetJudge
from search_spaces.outcome import objective_axes
from search_spaces.space import Choice, SpaceSpec
from search_spaces.supernet_file import read_supernet
from search_spaces.task import Task
from search_spaces.task_counts import CountsTask


@dataclass(frozen=True)
class SearchFiles:
    """Paths that a search reads and the folder that it writes."""

    checkpoint: Path
    clips: Path
    cost_table: Path | None
    out: Path


@dataclass(frozen=True)
class SearchSize:
    """How much is looked at: nets per generation, generations, winners, clips per judgement.

    Attributes:
        strategy: ``nsga2``, or one of NNI's (`nni_adapter.STRATEGIES`), which looks at population
            times generations nets, those beyond the budget included.
    """

    population: int = 20
    generations: int = 5
    winners: int = 4
    ranking_clips: int = 200
    calibration_clips: int = 96
    strategy: str = "nsga2"


@dataclass(frozen=True)
class Setup:
    """What `prepare` makes of what was asked for.

    Attributes:
        files, budget, seed: as asked for.
        task: of the supernet, counts with the levels asked for.
        spec: the part of the space that is open.
        prices: costs of its nets.
        start: a net within the budget.
        axes: costs that are objectives beside the ranking error.
        judge: of its nets.
        inputs: path and SHA-256 of each file, as in `frontier.json`.
        key: a hash of all that a judgement depends on besides the net.
    """

    files: SearchFiles
    budget: Budget
    task: Task
    seed: int
    spec: SpaceSpec
    prices: Prices
    start: Indices
    axes: list[str]
    judge: SubnetJudge
    inputs: dict[str, dict[str, str] | None]
    key: str


def prepare(
    files: SearchFiles,
    budget: Budget,
    levels: AmbianceLevels,
    size: SearchSize,
    seed: int,
    fixed: Mapping[str, Choice] = MappingProxyType({}),
    minimise: Sequence[str] = (),
) -> Setup:
    """Load the files and check the budget; nothing is judged and nothing written.

    Raises:
        UserError: an input that is missing or does not fit, or a budget that no net meets.
    """
    table = read_cost_table(files.cost_table) if files.cost_table else None
    checkpoint = read_supernet(files.checkpoint)
    supernet, task = checkpoint.supernet, checkpoint.task
    if levels != AmbianceLevels() and not isinstance(task, CountsTask):
        raise UserError(
            f"--level-edges, --level-names: are of people who are counted, but {files.checkpoint}"
            f" is of {task.kind}; leave them out"
        )
    clips = read_clips_for(files.clips, supernet.spec, task)
    if isinstance(task, CountsTask):
        task = CountsTask(levels)
    if table is not None:
        try:
            table.check_space(supernet.spec)
        except UserError as error:
            raise UserError(f"{files.cost_table}: {error}") from None
    spec = _restricted(supernet.spec, fixed)
    prices, witness = check_budget(spec, table, budget, supernet.num_outputs)
    judge = SubnetJudge(
        supernet,
        clips,
        task,
        ranking_clips=size.ranking_clips,
        calibration_clips=size.calibration_clips,
        seed=seed,
    )
    checkpoint_input, clips_input = _input(files.checkpoint), _input(files.clips)
    key = inputs_key(
        {
            "checkpoint": checkpoint_input["sha256"],
            "clips": clips_input["sha256"],
            "ranking_clips": judge.ranking_clips,
            "calibration_clips": judge.calibration_clips,
            **({"fixed": dict(fixed)} if fixed else {}),  # other places for the same net
        }
    )
    return Setup(
        files=files,
        budget=budget,
        task=task,
        seed=seed,
        spec=spec,
        prices=prices,
        start=tuple(witness.indices(spec)),
        axes=objective_axes(prices, minimise),
        judge=judge,
        inputs={
            "checkpoint": checkpoint_input,
            "clips": clips_input,
            "cost_table": _input(files.cost_table) if files.cost_table else None,
        },
        key=key,
    )


def _restricted(spec: SpaceSpec, fixed: Mapping[str, Choice]) -> SpaceSpec:
    try:
        return spec.restricted(fixed)
    except UserError as error:
        raise UserError(f"--fix: {str(error).removeprefix('architecture: ')}") from None


def _input(path: Path) -> dict[str, str]:
    return {"path": str(path), "sha256": sha256_file(path)}
