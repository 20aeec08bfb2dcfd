"""The linear classifiers that probe embeddings.

Letters: N recordings, K dimensions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from deploy.probe_folds import Folds

_ROUNDING = 1e-12  # of a mean
CLASSIFIERS = {"logistic": "logistic regression", "lda": "LDA"}


def probe(
    name: str, embeddings: NDArray[np.float64], labels: NDArray[np.str_], folds: Folds
) -> NDArray[np.float64]:
    """Train a classifier on each fold, and test it.

    Args:
        name: one of `CLASSIFIERS`.
        embeddings: [N, K]; their mean and spread in training are taken off.
        labels: [N].
        folds: which train and test.

    Returns:
        1 where a tested recording was named rightly, else 0; all folds one after the other.
    """
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    right = []
    for train, test in folds.pairs:
        classifier = make_pipeline(StandardScaler(), _classifier(name))
        classifier.fit(embeddings[train], labels[train])
        right.append(classifier.predict(embeddings[test]) == labels[test])
    return np.concatenate(right).astype(np.float64)


def _classifier(name: str) -> Any:
    if name == "logistic":
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(max_iter=2000, class_weight="balanced")
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    # With more dimensions than recordings a covariance needs shrinking (Ledoit & Wolf 2004).
    return LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")


def by_speaker(embeddings: NDArray[np.float64], speakers: NDArray[np.str_]) -> NDArray[np.float64]:
    """Embeddings [N, K] less each speaker's mean, over each speaker's spread, as NOSS has it.

    No label is looked at, so that this may be done to those who test as well.
    """
    result = np.empty_like(embeddings)
    for speaker in np.unique(speakers):
        own = speakers == speaker
        mean, spread = embeddings[own].mean(axis=0), embeddings[own].std(axis=0)
        varies = spread > _ROUNDING * np.abs(mean)  # and is not the rounding of a constant's mean
        result[own] = (embeddings[own] - mean) / np.where(varies, spread, 1.0)
    return result
