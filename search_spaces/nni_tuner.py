"""NNI's NAS strategies as a tuner of `nnictl`: each net that a strategy asks for becomes a trial.

NNI 3.0 runs its strategies from Python only (`NasExperiment`), in a process that must live as long
as the experiment. Here it is NNI's dispatcher, started by `nnictl` like that of any tuner, which
holds the strategy: in a thread, over an engine that passes its nets to the dispatcher one by one.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Mapping
from typing import Any

from nni import NoMoreTrialError
from nni.nas.execution import ExecutionEngine
from nni.nas.execution.event import FinalMetricEvent, TrainingEndEvent
from nni.nas.space import ExecutableModelSpace, ModelStatus, SimplifiedModelSpace
from nni.tuner import Tuner
from nni.utils import extract_scalar_reward

from search_spaces.errors import UserError
from search_spaces.nni_adapter import STRATEGIES, ModelSpace
from search_spaces.nni_space import narrowed
from search_spaces.space import get_space

_LOOKS_EVERY_S = 0.2

Sample = Mapping[str, Any]  # a choice by dimension


class StrategyTuner(Tuner):
    """One of NNI's NAS strategies; the arguments are `classArgs` in an experiment's YAML.

    A resumed experiment replays: the strategy begins anew with the same seed, and the nets whose
    figures NNI brings back are answered without a trial.

    Args:
        space: name of the space, whose open dimensions the search space file lists.
        strategy: one of `nni_adapter.STRATEGIES`.
        nets: how many the experiment looks at: its `maxTrialNumber`.
        seed: of the strategy's draws.

    Raises:
        UserError: no such space or strategy.
    """

    def __init__(self, space: str, strategy: str, nets: int, seed: int = 0) -> None:
        if strategy not in STRATEGIES:
            raise UserError(f"strategy: got {strategy!r}, expected one of {', '.join(STRATEGIES)}")
        self._spec = self._whole = get_space(space)
        self._strategy = STRATEGIES[strategy](nets, seed)
        self._engine = TrialEngine()
        self._thread = threading.Thread(target=self._explore, daemon=True)
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
            self._engine.known[_key(sample)] = extract_scalar_reward(entry["value"])

    def generate_parameters(self, parameter_id: int, **_: Any) -> dict[str, Any]:
        """The next net that the strategy asks for: a choice for each open dimension.

        Raises:
            NoMoreTrialError: it has ended: it finds no further net.
            Exception: it failed: what it raised, which ends the experiment.
        """
        if self._thread.ident is None:
            self._thread.start()
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
        if model is not None:
            self._engine.finish(model, figure)

    def _explore(self) -> None:
        space = SimplifiedModelSpace.from_model(ModelSpace(self._spec, num_outputs=1))
        try:
            self._strategy(space, self._engine)
        except Exception as error:  # noqa: BLE001 (raised again in the dispatcher's thread)
            self._failure = error


class TrialEngine(ExecutionEngine):
    """Passes a strategy's nets to whoever asks for the next one and reports its figure.

    Attributes:
        known: figures of nets that need no trial, by `_key`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[frozenset[tuple[str, Any]], float] = {}
        self._models: list[ExecutableModelSpace] = []
        self._offered: queue.Queue[ExecutableModelSpace] = queue.Queue()
        self._wanted = 0
        self._lock = threading.Lock()

    def next_model(self, strategy: threading.Thread) -> ExecutableModelSpace | None:
        """Wait for the strategy's next net; None if its thread has ended without one."""
        with self._lock:
            self._wanted += 1
        while True:
            alive = strategy.is_alive()
            try:
                return self._offered.get(timeout=_LOOKS_EVERY_S)
            except queue.Empty:
                if not alive:
                    return None

    def submit_models(self, *models: ExecutableModelSpace) -> None:
        """Offer nets; one whose figure is known ends at once."""
        for model in models:
            model.status = ModelStatus.Training
            self._models.append(model)
            figure = self.known.get(_key(model.sample or {}))
            if figure is not None:
                self.finish(model, figure)
                continue
            with self._lock:
                self._wanted -= 1
            self._offered.put(model)

    def finish(self, model: ExecutableModelSpace, figure: float | None) -> None:
        """Tell the strategy a net's figure; None where its trial failed."""
        if figure is not None:
            self.dispatch_model_event(FinalMetricEvent(model, figure))
        ended = ModelStatus.Failed if figure is None else ModelStatus.Trained
        self.dispatch_model_event(TrainingEndEvent(model, ended))

    def list_models(self, status: ModelStatus | None = None) -> Iterable[ExecutableModelSpace]:
        """Nets of a status, or all."""
        return [model for model in self._models if status in (None, model.status)]

    def idle_worker_available(self) -> bool:
        """Whether somebody waits for a net."""
        with self._lock:
            return self._wanted > 0

    def budget_available(self) -> bool:
        """Always: NNI's manager counts trials and time."""
        return True


def _key(sample: Sample) -> frozenset[tuple[str, Any]]:
    return frozenset(sample.items())
