"""How good a count is: level error, MAE, exact accuracy, their intervals, and calibration.

A label is a closed interval of counts ``[lo, hi]``; a plain count has ``lo == hi``. A metric looks
only at the clips whose label settles it: the level error at those whose interval lies within one
level, MAE and exact accuracy at those with ``lo == hi``.

Letters: N clips, K counts, L levels, R bootstrap resamples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from search_spaces.ambiance import AmbianceLevels
from search_spaces.errors import UserError

RESAMPLES = 2_000
CONFIDENCE = 0.95
CALIBRATION_BINS = 15
_BLOCK = 100  # resamples drawn at once, which bounds memory at 100 x N


@dataclass(frozen=True)
class Estimate:
    """A mean over clips with its 95 % interval; ``value`` is None where no label settles it."""

    value: float | None
    low: float | None
    high: float | None
    clips: int

    def to_json(self) -> dict[str, Any]:
        """The form the kit's files hold; an unknown value is null with its reason."""
        values: dict[str, Any] = {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "clips": self.clips,
        }
        if self.value is None:
            values["reason"] = "no clip has a label that settles this metric"
        return values

    @staticmethod
    def from_json(values: dict[str, Any]) -> Estimate:
        """Inverse of `to_json`."""
        return Estimate(values["value"], values["low"], values["high"], values["clips"])


class Reliability(NamedTuple):
    """A reliability diagram (Guo et al. 2017, section 2): one row per bin of confidence."""

    confidence: NDArray[np.float64]  # [bins], mean confidence, NaN in an empty bin
    accuracy: NDArray[np.float64]  # [bins], share that was right, NaN in an empty bin
    clips: NDArray[np.int64]  # [bins]


@dataclass(frozen=True)
class Evaluation:
    """Every metric of one net on one set of clips."""

    clips: int
    level_error: Estimate
    mae: Estimate
    exact_accuracy: Estimate
    ece: float | None
    level_confusion: NDArray[np.int64]  # [L, L], row = true level
    count_confusion: NDArray[np.int64]  # [K, K], row = true count


def evaluate(
    probabilities: ArrayLike,
    lo: ArrayLike,
    hi: ArrayLike,
    levels: AmbianceLevels | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Evaluation:
    """Judge count probabilities [N, K] against labels ``lo`` and ``hi`` [N].

    Raises:
        UserError: probabilities that are no distribution over counts, or labels that do not fit.
    """
    levels = levels or AmbianceLevels()
    values = np.asarray(probabilities, dtype=np.float64)
    decision = levels.decide(values)
    low, high = check_labels(lo, hi, values)
    true_levels = levels.of_counts(low)
    settled = true_levels == levels.of_counts(high)
    plain = low == high
    wrong_level = (decision.levels != true_levels)[settled].astype(np.float64)
    off_by = np.abs(decision.counts - low)[plain].astype(np.float64)
    ece = None
    if settled.any():
        ece = expected_calibration_error(decision.probability[settled], wrong_level == 0)
    return Evaluation(
        clips=len(low),
        level_error=bootstrap_mean(wrong_level, seed, resamples),
        mae=bootstrap_mean(off_by, seed, resamples, most=values.shape[1] - 1.0),
        exact_accuracy=bootstrap_mean((off_by == 0).astype(np.float64), seed, resamples),
        ece=ece,
        level_confusion=confusion_matrix(
            true_levels[settled], decision.levels[settled], len(levels)
        ),
        count_confusion=confusion_matrix(low[plain], decision.counts[plain], values.shape[1]),
    )


def bootstrap_mean(
    values: NDArray[np.float64],
    seed: int = 0,
    resamples: int = RESAMPLES,
    most: float | None = 1.0,
) -> Estimate:
    """Mean of per-clip values [N] with its 95 % percentile bootstrap interval (Efron 1979).

    Where all values are equal the resamples cannot vary and would claim certainty. At most a share
    of the clips may then have another value, by Clopper and Pearson (1934) 3.7 / N for large N; the
    interval is that of the mean if these had 0 or ``most``.

    Args:
        values: from 0 to ``most``.
        seed: of the resamples.
        resamples: how many.
        most: largest value that a clip may have; None where there is none, and no such interval.
    """
    clips = len(values)
    if clips == 0:
        return Estimate(None, None, None, 0)
    mean = float(values.mean())
    tail = (1.0 - CONFIDENCE) / 2.0
    if (values == values[0]).all() and most is not None:
        others = 1.0 - tail ** (1.0 / clips)
        return Estimate(mean, mean * (1.0 - others), mean + others * (most - mean), clips)
    rng = np.random.default_rng(seed)
    uniform = np.full(clips, 1.0 / clips)
    means = []
    for start in range(0, resamples, _BLOCK):
        drawn = rng.multinomial(clips, uniform, size=min(_BLOCK, resamples - start))  # [R, N]
        means.append(drawn @ values / clips)
    low, high = np.quantile(np.concatenate(means), (tail, 1.0 - tail))
    return Estimate(mean, float(low), float(high), clips)


def bootstrap_balanced(
    wrong: NDArray[np.bool_],
    classes: NDArray[np.int64],
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Estimate:
    """Mean over classes of the share of wrong clips, with its 95 % percentile bootstrap interval.

    Clips are drawn anew within each class, from its share of wrong ones with half a clip more of
    either kind: a net that always says one class is wholly right there and wholly wrong elsewhere,
    and resamples of its clips alone would claim certainty. What the half clips move the mean by is
    taken off again. Where every clip is right, or every one wrong, the open end is that of
    `bootstrap_mean` for as many clips of each class as the rarest has.

    Args:
        wrong: of each clip [N].
        classes: of each clip [N], 0 or more.
        seed: of the resamples.
        resamples: how many.
    """
    total = len(wrong)
    _, classes = np.unique(classes, return_inverse=True)
    clips = np.bincount(classes)
    if not total:
        return Estimate(None, None, None, 0)
    errors = np.bincount(classes, wrong).astype(np.int64)
    value = float((errors / clips).mean())
    if value in (0.0, 1.0):
        end = bootstrap_mean(np.full(len(clips) * clips.min(), value), seed, resamples)
        return Estimate(value, end.low, end.high, total)
    smooth = (errors + 0.5) / (clips + 1.0)
    drawn = np.random.default_rng(seed).binomial(clips, smooth, (resamples, len(clips))) / clips
    means = drawn.mean(axis=1) - smooth.mean() + value
    tail = (1.0 - CONFIDENCE) / 2.0
    low, high = np.quantile(means, (tail, 1.0 - tail))
    low, high = min(value, max(0.0, float(low))), max(value, min(1.0, float(high)))
    return Estimate(value, low, high, total)


def reliability(
    confidence: ArrayLike, correct: ArrayLike, bins: int = CALIBRATION_BINS
) -> Reliability:
    """Bin confidences [N] in (0, 1] into equal widths and compare with ``correct`` [N]."""
    confidences = np.asarray(confidence, dtype=np.float64)
    hits = np.asarray(correct, dtype=np.float64)
    which = np.clip(np.ceil(confidences * bins).astype(np.int64) - 1, 0, bins - 1)
    clips = np.bincount(which, minlength=bins)
    filled = np.where(clips > 0, clips, np.nan)
    return Reliability(
        np.bincount(which, confidences, bins) / filled,
        np.bincount(which, hits, bins) / filled,
        clips,
    )


def expected_calibration_error(
    confidence: ArrayLike, correct: ArrayLike, bins: int = CALIBRATION_BINS
) -> float:
    """ECE (Naeini et al. 2015; Guo et al. 2017, equation 3) of N >= 1 decisions."""
    diagram = reliability(confidence, correct, bins)
    gap = np.nan_to_num(np.abs(diagram.accuracy - diagram.confidence))
    return float((gap * diagram.clips).sum() / diagram.clips.sum())


def confusion_matrix(true: ArrayLike, predicted: ArrayLike, size: int) -> NDArray[np.int64]:
    """Counts of (true, predicted) pairs of N labels in 0..size-1 as [size, size], row = true."""
    pairs = np.asarray(true, dtype=np.int64) * size + np.asarray(predicted, dtype=np.int64)
    return np.bincount(pairs, minlength=size * size).reshape(size, size)


def check_labels(
    lo: ArrayLike, hi: ArrayLike, probabilities: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Labels ``lo`` and ``hi`` [N] as whole numbers that fit probabilities [N, K].

    Raises:
        UserError: of another length, or no interval within 0..K - 1.
    """
    low, high = np.asarray(lo, dtype=np.int64), np.asarray(hi, dtype=np.int64)
    clips, counts = probabilities.shape
    if low.shape != (clips,) or high.shape != (clips,):
        raise UserError(
            f"labels: got shapes lo {list(low.shape)} and hi {list(high.shape)},"
            f" expected [{clips}], one per row of probabilities"
        )
    bad = np.flatnonzero((low < 0) | (low > high) | (high >= counts))
    if len(bad):
        at = bad[0]
        raise UserError(
            f"labels: clip {at} has the interval [{low[at]}, {high[at]}],"
            f" expected 0 <= lo <= hi <= {counts - 1}"
        )
    return low, high
