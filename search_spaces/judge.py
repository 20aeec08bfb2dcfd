"""How good a subnet is with the weights that it inherits from the supernet.

Letters: N clips, T samples, M mels, F frames, K outputs.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from search_spaces.architecture import Architecture, largest
from search_spaces.batch_norm import even_parts, recalibrate_batch_norm
from search_spaces.clips_file import Clips, to_float32
from search_spaces.errors import UserError
from search_spaces.metrics import Estimate
from search_spaces.net import AmbianceNet
from search_spaces.space import FRONTEND_DIMENSIONS, Choice
from search_spaces.supernet import Subnet, Supernet
from search_spaces.task import Task

_BATCH = 64
_CACHE_BYTES = 1 << 30


class SubnetJudge:
    """Judges subnets of one supernet on the clips of one `clips.npz`.

    Features are kept per front end, for the same few front ends recur all through a search.

    Args:
        supernet: gives the weights.
        clips: validation clips, and the unlabelled ones that re-estimate batch norm; as long as
            those of the supernet.
        task: scores and judges what the nets say.
        ranking_clips: at most so many validation clips rank; the labelled ones first, then sums.
        calibration_clips: at most so many clips re-estimate batch norm while ranking; the final
            judgement takes all.
        seed: of the bootstrap.
    """

    def __init__(
        self,
        supernet: Supernet,
        clips: Clips,
        task: Task,
        *,
        ranking_clips: int,
        calibration_clips: int,
        seed: int,
    ) -> None:
        self.supernet = supernet.eval()
        self.clips = clips
        self.task = task
        self.seed = seed
        order = np.argsort(~clips.validation_original, kind="stable")
        self._ranking = order[:ranking_clips]
        self._calibration = clips.calibration_waveform[:calibration_clips]
        self._features: OrderedDict[tuple[Choice, ...], tuple[Tensor, Tensor]] = OrderedDict()

    @property
    def ranking_clips(self) -> int:
        """Validation clips that rank."""
        return len(self._ranking)

    @property
    def calibration_clips(self) -> int:
        """Clips that re-estimate batch norm while ranking."""
        return len(self._calibration)

    @torch.inference_mode()
    def ranking_error(self, architecture: Architecture) -> float:
        """The task's score on the ranking clips."""
        net = self.supernet.extract(architecture).eval()
        validation, calibration = self._cached_features(architecture, net)
        if not self._has_own_statistics(architecture):
            parts = even_parts(len(calibration), _BATCH)
            batches = (calibration[part] for part in parts)
            recalibrate_batch_norm(net, batches, run=net.classify)
        return self.task.ranking_error(
            _probabilities(net, validation.split(_BATCH), self.task),
            self.clips.validation_lo[self._ranking],
            self.clips.validation_hi[self._ranking],
        )

    @torch.inference_mode()
    def final(self, architecture: Architecture) -> tuple[AmbianceNet, dict[str, Estimate]]:
        """The subnet with statistics of its own, from every calibration clip, and its metrics.

        See `labelled_metrics` for the latter.
        """
        net = self.supernet.extract(architecture).eval()
        if not self._has_own_statistics(architecture):
            recalibrate_batch_norm(net, _batches(self.clips.calibration_waveform))
        net.eval()
        return net, labelled_metrics(net, self.clips, self.task, self.seed)

    def _has_own_statistics(self, architecture: Architecture) -> bool:
        """Whether the supernet's statistics are this net's: those of the largest are.

        They are averaged over all of its training, and a few hundred clips would be less exact.
        """
        return architecture == largest(self.supernet.spec)

    def _cached_features(
        self, architecture: Architecture, net: AmbianceNet
    ) -> tuple[Tensor, Tensor]:
        """Features [N, 1, M, F] of the ranking clips and of the calibration clips."""
        key = tuple(architecture.choices[name] for name in FRONTEND_DIMENSIONS)
        if key not in self._features:
            ranking = self.clips.validation_waveform[self._ranking]
            self._features[key] = (_features(net, ranking), _features(net, self._calibration))
        self._features.move_to_end(key)
        while len(self._features) > 1 and self._held_bytes() > _CACHE_BYTES:
            self._features.popitem(last=False)
        return self._features[key]

    def _held_bytes(self) -> int:
        return sum(x.nbytes for pair in self._features.values() for x in pair)


@torch.inference_mode()
def labelled_metrics(net: Subnet, clips: Clips, task: Task, seed: int) -> dict[str, Estimate]:
    """Figures of a net on the clips that were labelled, see `Task.judge`.

    Their sums are left out: those hold more people than clips do, and would make the interval look
    narrower than it is.
    """
    original = clips.validation_original
    features = (net.features(batch) for batch in _batches(clips.validation_waveform[original]))
    lo, hi = clips.validation_lo[original], clips.validation_hi[original]
    return task.judge(_probabilities(net, features, task), lo, hi, seed)


@torch.inference_mode()
def validation_ranking_error(net: Subnet, clips: Clips, task: Task) -> float:
    """The statistic that ranks, on all validation clips and their sums."""
    features = (net.features(batch) for batch in _batches(clips.validation_waveform))
    probabilities = _probabilities(net, features, task)
    return task.ranking_error(probabilities, clips.validation_lo, clips.validation_hi)


def _batches(waveform: NDArray[np.int16]) -> Iterator[Tensor]:
    """Batches of [N, T] as float32 in [-1, 1], alike in size."""
    for part in even_parts(len(waveform), _BATCH):
        yield torch.from_numpy(to_float32(waveform[part]))


def _features(net: AmbianceNet, waveform: NDArray[np.int16]) -> Tensor:
    return torch.cat([net.features(batch) for batch in _batches(waveform)])


def _probabilities(net: Subnet, features: Iterable[Tensor], task: Task) -> NDArray[np.float32]:
    """Probabilities [N, K] from batches of features.

    Raises:
        UserError: some are not finite.
    """
    probabilities = torch.cat([task.probabilities(net.classify(x)) for x in features]).numpy()
    if not np.isfinite(probabilities).all():
        raise UserError(
            "supernet: a subnet gives NaN, so its training diverged; train it anew with a lower"
            " learning rate"
        )
    return probabilities
