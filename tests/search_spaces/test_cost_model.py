"""The fit finds known costs, also when some measurements are disturbed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_spaces.architecture import largest, random_architecture, smallest
from search_spaces.cost import Layer, layer_descriptors
from search_spaces.cost_model import (
    fit_costs,
    judge_predictions,
    layer_features,
    predict_cost,
)
from search_spaces.errors import UserError
from search_spaces.spaces import get_space

TRUTH = {"pointwise.macs": 2e-8, "pointwise.operators": 3e-3, "add.inputs": 1e-7, "call": 0.02}


def random_rows(number, seed=0):
    rng = np.random.default_rng(seed)
    return [
        {
            "pointwise.macs": float(rng.integers(1, 100) * 1e5),
            "pointwise.operators": float(rng.integers(1, 9)),
            "add.inputs": float(rng.integers(0, 50) * 1e4),
            "call": 1.0,
        }
        for _ in range(number)
    ]


def test_known_coefficients_are_found():
    rows = random_rows(40)
    found = fit_costs(rows, [predict_cost(row, TRUTH) for row in rows])
    for name, value in TRUTH.items():
        assert found[name] == pytest.approx(value, rel=0.03)


def test_a_few_disturbed_measurements_hardly_matter():
    rows = random_rows(60)
    costs = np.array([predict_cost(row, TRUTH) for row in rows])
    costs[::10] *= 2.5  # every tenth net was measured during a burst of other load
    found = fit_costs(rows, costs.tolist())
    unseen = random_rows(40, seed=1)
    truth = [predict_cost(row, TRUTH) for row in unseen]
    judged = judge_predictions([predict_cost(row, found) for row in unseen], truth)
    assert judged.p95_relative_error < 0.05


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31))
def test_more_work_never_costs_less(seed):
    rng = np.random.default_rng(seed)
    rows = random_rows(12, seed)
    found = fit_costs(rows, rng.uniform(0.1, 2.0, 12).tolist())
    assert min(found.values()) >= 0.0


def test_features_of_layers_by_hand():
    depthwise = Layer(
        "d", "trunk", "depthwise", 8, 8, (4, 5), (4, 5), (3, 3),
        macs=8 * 9 * 20, params=88, weight_elements=72,
    )  # fmt: skip
    add = Layer("a", "trunk", "add", 8, 8, (4, 5), (4, 5))
    assert layer_features([depthwise, add, add]) == {
        "depthwise3x3.operators": 1,
        "depthwise3x3.inputs": 160,
        "depthwise3x3.outputs": 160,
        "depthwise3x3.macs": 1440,
        "depthwise3x3.tiled_macs": 2880,  # 8 channels fill half a tile of 16
        "depthwise3x3.weights": 72,
        "add.operators": 2,
        "add.inputs": 640,
        "add.outputs": 320,
    }


@pytest.mark.parametrize("name", ["sam-nano", "sam-lite", "sam"])
def test_features_sum_to_the_macs_of_a_net(name):
    space = get_space(name)
    nets = [smallest(space), largest(space), random_architecture(space, np.random.default_rng(0))]
    for net in nets:
        layers = layer_descriptors(net)
        features = layer_features(layers)
        macs = sum(value for key, value in features.items() if key.endswith(".macs"))
        assert macs == sum(layer.macs for layer in layers) > 0


def test_a_layer_that_was_never_measured_is_refused():
    with pytest.raises(UserError, match=r"cost table: no measured net had 'linear\.macs'"):
        predict_cost({"call": 1.0, "linear.macs": 3.0}, TRUTH)


def test_nothing_measured_is_refused():
    with pytest.raises(
        UserError, match="cost table: got 0 measured nets to fit, expected at least"
    ):
        fit_costs([], [])


def test_judging_by_hand():
    judged = judge_predictions([1.0, 2.3, 2.9, 5.0], [1.0, 2.0, 3.0, 4.0])
    assert judged.subnets == 4
    assert judged.within_10_percent == pytest.approx(0.5)
    assert judged.spearman == pytest.approx(1.0)
    assert judged.median_relative_error == pytest.approx((0.1 / 3 + 0.15) / 2)
    assert judge_predictions([1.0, 1.0], [1.0, 2.0]).spearman is None
