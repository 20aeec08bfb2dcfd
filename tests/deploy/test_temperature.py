import numpy as np
import pytest
from scipy.special import expit, log_expit, log_softmax, softmax

from deploy.temperature import MAX_TEMPERATURE, MIN_TEMPERATURE, fit_temperature


@pytest.mark.parametrize("true_temperature", [0.5, 1.0, 2.5])
def test_finds_the_temperature_that_made_the_labels(true_temperature: float) -> None:
    rng = np.random.default_rng(0)
    logits = 3 * rng.standard_normal((4000, 5))
    labels = np.array([rng.choice(5, p=p) for p in softmax(logits / true_temperature, axis=1)])
    assert fit_temperature(logits, labels, labels) == pytest.approx(true_temperature, rel=0.1)


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("true_temperature", [0.7, 1.0, 1.5])
def test_few_labels_leave_other_clips_no_worse(true_temperature: float, several: bool) -> None:
    rng = np.random.default_rng(2)
    logits = 3 * rng.standard_normal((4000, 5))
    chances = expit(logits / true_temperature) if several else softmax(logits / true_temperature, 1)
    labels = (
        (rng.random(chances.shape) < chances).astype(np.int64)
        if several
        else (chances.cumsum(axis=1) > rng.random((4000, 1))).argmax(axis=1)
    )

    def loss(temperature: float) -> float:
        if several:
            return -log_expit(np.where(labels == 1, logits, -logits) / temperature).sum(1).mean()
        return -log_softmax(logits / temperature, 1)[np.arange(4000), labels].mean()

    clips = 3 if several else 12
    seen = [rng.choice(4000, clips, replace=False) for _ in range(40)]
    fitted = [fit_temperature(logits[some], labels[some], labels[some], several) for some in seen]
    assert np.mean([loss(t) for t in fitted]) < 1.05 * loss(1.0)


def test_a_wider_interval_is_right_more_often_and_cools() -> None:
    rng = np.random.default_rng(1)
    logits = 2 * rng.standard_normal((2000, 5))
    labels = np.array([rng.choice(5, p=p) for p in softmax(logits, axis=1)])
    wide = fit_temperature(logits, np.zeros_like(labels), np.full_like(labels, 3))
    assert wide != pytest.approx(fit_temperature(logits, labels, labels), rel=0.01)


def test_stays_within_bounds_where_every_label_is_met() -> None:
    logits = 50 * np.eye(5)
    labels = np.arange(5)
    low = fit_temperature(logits, labels, labels)
    assert MIN_TEMPERATURE <= low <= MAX_TEMPERATURE
    wrong = fit_temperature(logits, (labels + 1) % 5, (labels + 1) % 5)
    assert wrong == pytest.approx(MAX_TEMPERATURE, rel=0.01)
