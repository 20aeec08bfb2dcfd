"""NNI's NAS strategies as a tuner of `nnictl`: each net that a strategy asks for becomes a trial.

NNI 3.0 runs its strategies from Python only (`NasExperiment`), in a process that must live as long
as the experiment. Here it is NNI's dispatcher, started by `nnictl` like that of any tuner, which
holds the strategy: in a thread, over an engine that passes its nets to the dispatcher one by one.
What takes seconds to import is left until the first net is asked for: NNI's manager waits ten for
the tuner.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from nni import NoMoreTrialError
from nni.tuner import Tuner
from nni.utils import extract_scalar_reward

from search_spaces.errors import UserError
from search_spaces.nni_space import narrowed
from search_spaces.nni_strategies import NNI_STRATEGIES, SampleKey, sample_key
from search_spaces.spaces import get_space

if TYPE_CHECKING:
    from nni.nas.space import ExecutableModelSpace

    from search_spaces.nni_engine import TrialEngine


class StrategyTuner(Tuner):
    """One of NNI's NAS strategies; the arguments are `classArgs` in an experiment's YAML.

    A resumed experiment replays: the strategy begins anew with the same seed, and the nets whose
    figures NNI brings back are answered without a trial.

    Args:
        space: name of the space, whose open dimensions the search space file lists.
        strategy: one of `nni_strategies.NNI_STRATEGIES`.
        nets: how many the experiment looks at: its `maxTrialNumber`.
        seed: of the strategy's draws.

    Raises:
        UserError: no such space or strategy.
    """

    def __init__(self, space: str, strategy: str, nets: int, seed: int = 0) -> None:
        if strategy not in NNI_STRATEGIES:
            known = ", ".join(NNI_STRATEGIES)
            raise UserError(f"strategy: got {strategy!r}, expected one of {known}")
        self._spec = self._whole = get_space(space)
        self._strategy, self._nets, self._seed = strategy, nets, seed
        self._known: dict[SampleKey, float] = {}
        self._engine: TrialEngine | None = None
        self._failure: Exception | None = None
        self._running: dict[int, ExecutableModelSpace] = {}

    def update_search_space(self, search_space: Mapping[str, Any]) -> None:
        """Take the choices that are open, before the first net is asked for.

        Raises:
            UserError: they are not a part of the space.
        """
        self._spec = narrowed(self._whole, search_space)

    def import_data(self, data: Iterable[Mapping[str, Any]]) -> None:
        """Take the figures of a resumed experiment's trials."""
        for entry in data:
            sample = {name: entry["parameter"][name] for name in self._spec.open_dimensions}
            self._known[sample_key(sample)] = extract_scalar_reward(entry["value"])

    def generate_parameters(self, parameter_id: int, **_: Any) -> dict[str, Any]:
        """The next net that the strategy asks for: a choice for each open dimension.

        Raises:
            NoMoreTrialError: it has ended: it finds no further net.
            Exception: it failed: what it raised, which ends the experiment.
        """
        if self._engine is None:
            self._engine = self._start()
        model = self._engine.next_model(self._thread)
        if model is None:
            raise self._failure or NoMoreTrialError("the strategy finds no further net")
        self._running[parameter_id] = model
        first = {name: self._spec.dimensions[name][0] for name in self._whole.open_dimensions}
        return {**first, **(model.sample or {})}  # a dimension with one choice left has no sample

    def receive_trial_result(
        self, parameter_id: int, parameters: Any, value: Any, **_: Any
    ) -> None:
        """Give the strategy a net's figure."""
        self._finish(parameter_id, extract_scalar_reward(value))

    def trial_end(self, parameter_id: int, success: bool, **_: Any) -> None:
        """Tell the strategy of a trial that ended without a figure."""
        if not success:
            self._finish(parameter_id, None)

    def _finish(self, parameter_id: int, figure: float | None) -> None:
        model = self._running.pop(parameter_id, None)  # one of NNI's two threads gets it
        if model is not None and self._engine is not None:
            self._engine.finish(model, figure)

    def _start(self) -> TrialEngine:
        from search_spaces.nni_engine import TrialEngine, run_strategy

        engine = TrialEngine(self._known)

        def explore() -> None:
            try:
                run_strategy(self._spec, self._strategy, self._nets, self._seed, engine)
            except Exception as error:  # noqa: BLE001 (raised again in the dispatcher's thread)
                self._failure = error

        self._thread = threading.Thread(target=explore, daemon=True)
        self._thread.start()
        return engine
