"""An engine of NNI's NAS strategies that passes their nets to whoever asks for the next one."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Mapping

from nni.nas.execution import ExecutionEngine
from nni.nas.execution.event import FinalMetricEvent, TrainingEndEvent
from nni.nas.space import ExecutableModelSpace, ModelStatus, SimplifiedModelSpace

from search_spaces.nni_adapter import STRATEGIES, ModelSpace
from search_spaces.nni_strategies import SampleKey, sample_key
from search_spaces.space import SpaceSpec

_LOOKS_EVERY_S = 0.2


def run_strategy(spec: SpaceSpec, strategy: str, nets: int, seed: int, engine: TrialEngine) -> None:
    """Let a strategy ask ``engine`` for nets until it ends.

    Args:
        spec: the space.
        strategy: one of `nni_strategies.NNI_STRATEGIES`.
        nets: how many it will look at.
        seed: of its draws.
        engine: passes them on.
    """
    space = SimplifiedModelSpace.from_model(ModelSpace(spec, num_outputs=1))
    STRATEGIES[strategy](nets, seed)(space, engine)


class TrialEngine(ExecutionEngine):
    """Passes a strategy's nets to whoever asks for the next one and reports its figure.

    Args:
        known: figures of nets that need no trial, by `sample_key`; may grow.
    """

    def __init__(self, known: Mapping[SampleKey, float]) -> None:
        super().__init__()
        self._known = known
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
            figure = self._known.get(sample_key(model.sample or {}))
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
