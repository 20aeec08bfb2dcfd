"""A budget that no net meets ends at once and names what could be met."""

import dataclasses
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_spaces.architecture import largest, random_architecture, smallest
from search_spaces.budget import Budget, Prices, check_budget, fits, smallest_value
from search_spaces.cost import costs
from search_spaces.errors import UserError
from search_spaces.spaces import get_space
from tests.search_spaces.synthetic_device import synthetic_table

SPACE = get_space("sam-lite")
TABLE = synthetic_table(SPACE, energy=True)
PRICES = Prices(SPACE, TABLE, "int8")
FIELDS = {
    "latency_ms": "max_latency_ms",
    "params": "max_params",
    "macs": "max_macs",
    "energy_mj": "max_energy_mj",
}


def price_of(architecture):
    return PRICES.of(tuple(architecture.indices(SPACE)))


def test_no_net_drawn_is_cheaper_than_the_smallest_value():
    rng = np.random.default_rng(0)
    for axis in FIELDS:
        least = smallest_value(PRICES, axis, {})
        drawn = [price_of(random_architecture(SPACE, rng))[axis] for _ in range(300)]
        assert least <= min(drawn)
        assert least <= price_of(smallest(SPACE))[axis]


@settings(max_examples=12, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), st.floats(0.3, 3.0), min_size=1))
def test_either_a_net_that_fits_or_a_value_that_makes_one_fit(shares):
    """Each limit is a share of the smallest value on its axis: some can be met, some not."""
    limits = {axis: share * smallest_value(PRICES, axis, {}) for axis, share in shares.items()}
    for _ in range(len(limits) + 1):
        try:
            _, witness = check_budget(
                SPACE, TABLE, Budget(**{FIELDS[axis]: limit for axis, limit in limits.items()})
            )
        except UserError as refusal:
            for flag, could in re.findall(
                r"--max-([a-z-]+) .*?could be met is ([\d.]+)", str(refusal)
            ):
                limits[flag.replace("-", "_")] = float(could)
        else:
            assert fits(price_of(witness), limits)
            return
    pytest.fail(f"following the advice never made a budget that can be met: {limits}")


def test_the_tightest_limit_comes_first():
    least = {axis: smallest_value(PRICES, axis, {}) for axis in FIELDS}
    budget = Budget(max_latency_ms=least["latency_ms"] * 0.9, max_params=least["params"] * 0.1)
    with pytest.raises(UserError) as refusal:
        check_budget(SPACE, TABLE, budget)
    text = str(refusal.value)
    assert text.startswith("budget: no net of space sam-lite meets --max-params")
    assert text.index("--max-params") < text.index("--max-latency-ms")
    assert f"could be met is {int(least['params'])}" in text


def test_limits_that_can_be_met_only_one_at_a_time_are_told_apart():
    # the short window takes fewest MACs and, on this device, a slow path (see synthetic_device)
    space = get_space("sam-nano")
    table = synthetic_table(space)
    prices = Prices(space, table, "int8")
    least = {axis: smallest_value(prices, axis, {}) for axis in ("latency_ms", "macs")}
    assert smallest_value(prices, "macs", {"latency_ms": least["latency_ms"]}) > least["macs"]
    budget = Budget(max_latency_ms=least["latency_ms"], max_macs=least["macs"])
    with pytest.raises(UserError, match=r"meets all limits together; the tightest is --max-") as no:
        check_budget(space, table, budget)
    assert "with the others kept, the smallest value that could be met is" in str(no.value)


def test_the_least_is_named_however_small():
    fits = [
        dataclasses.replace(fit, whole={name: 1e-320 for name in fit.whole}) for fit in TABLE.fits
    ]
    table = dataclasses.replace(TABLE, fits=tuple(fits))
    with pytest.raises(UserError, match=r"smallest value that could be met is 0\.0+\d{1,4} ms"):
        check_budget(SPACE, table, Budget(max_latency_ms=1e-322))


def test_no_limits_are_met_by_the_smallest_net():
    _, witness = check_budget(SPACE, None, Budget())
    assert witness == smallest(SPACE)


def test_prices_agree_with_costs_and_table():
    net = largest(SPACE)
    price = price_of(net)
    assert price["params"] == costs(net).params
    assert price["macs"] == costs(net).macs
    assert price["latency_ms"] == TABLE.latency_ms(net, "int8")
    wide = Prices(SPACE, TABLE, "int8", num_outputs=500).of(tuple(net.indices(SPACE)))
    assert wide["latency_ms"] == TABLE.latency_ms(net, "int8", 500) > price["latency_ms"]
    assert "latency_ms" not in Prices(SPACE, None, "int8").of(tuple(net.indices(SPACE)))


@pytest.mark.parametrize(
    ("table", "budget", "message"),
    [
        (None, Budget(max_latency_ms=1.0), "--max-latency-ms needs --cost-table; measure one with"),
        (
            None,
            Budget(max_energy_mj=1.0),
            "--max-energy-mj needs --cost-table with measured energy",
        ),
        (
            synthetic_table(SPACE),
            Budget(max_energy_mj=1.0),
            r"no energy_mj for int8 \(no meter on this host\)",
        ),
        (
            synthetic_table(get_space("sam-nano")),
            Budget(),
            "measured on space sam-nano version 1, but the search is in sam-lite",
        ),
    ],
)
def test_a_limit_on_an_unknown_cost_is_refused(table, budget, message):
    with pytest.raises(UserError, match=message):
        check_budget(SPACE, table, budget)
