"""`cost_table.json` predicts nets it has not seen and refuses what it does not know."""

import dataclasses
import json

import numpy as np
import pytest

from search_spaces.architecture import random_architecture, smallest
from search_spaces.cost_table import Piece, build_cost_table, read_cost_table, write_cost_table
from search_spaces.errors import UserError
from search_spaces.spaces import get_space
from tests.search_spaces.synthetic_device import (
    DEVICE,
    RUNTIME,
    frontend_pieces,
    measure,
    synthetic_table,
    whole_ms,
)

SPACE = get_space("sam-lite")


@pytest.fixture(scope="module")
def table():
    return synthetic_table(SPACE)


@pytest.mark.parametrize("name", ["sam-nano", "sam-lite", "sam"])
def test_unseen_subnets_meet_the_target(name):
    table = synthetic_table(get_space(name), noise=0.02)
    for precision in ("fp32", "int8"):
        judged = table.held_out("latency_ms", precision)
        assert judged.subnets >= 30
        assert judged.within_10_percent >= 0.95
        assert judged.spearman >= 0.97


def test_a_net_is_predicted_close_to_its_true_cost(table):
    rng = np.random.default_rng(5)
    for _ in range(10):
        net = random_architecture(SPACE, rng)
        assert table.latency_ms(net, "int8") == pytest.approx(whole_ms(net, "int8"), rel=0.1)


def test_the_head_is_of_as_many_outputs_as_there_are_classes():
    table = synthetic_table(SPACE, energy=True)
    net = smallest(SPACE)
    counts = table.latency_ms(net, "fp32")
    assert table.latency_ms(net, "fp32", 11) == counts
    more = table.latency_ms(net, "fp32", 527)
    assert table.latency_ms(net, "fp32", 10) < counts < more
    assert table.energy_mj(net, "fp32", 527) > table.energy_mj(net, "fp32")


def test_a_front_end_that_was_not_measured_is_estimated_from_the_others():
    rng = np.random.default_rng(0)
    space = get_space("sam")
    measured = [p for p in frontend_pieces(space) if p.choices["frontend_mels"] != 32]
    # no jump of this device lies between the measured mels, so that neighbours tell the cost
    pieces = [
        measure(random_architecture(space, rng), rng, noise=0.0, energy=False) for _ in range(60)
    ]
    table = build_cost_table(
        space, measured + pieces, [], device=DEVICE, runtime=RUNTIME, threads=1,
        method="computed", energy_reason="no meter",
    )  # fmt: skip
    assert table.held_out("latency_ms", "fp32") is None
    net = smallest(space)
    choices = {**net.choices, "frontend_mels": 32, "frontend_window_ms": 32}
    net = dataclasses.replace(net, choices=choices)
    assert table.latency_ms(net, "fp32") == pytest.approx(whole_ms(net, "fp32"), rel=0.25)


def test_write_and_read_give_the_same_predictions(table, tmp_path):
    write_cost_table(tmp_path / "cost_table.json", table)
    again = read_cost_table(tmp_path / "cost_table.json")
    assert again == table
    net = random_architecture(SPACE, np.random.default_rng(1))
    assert again.latency_ms(net, "fp32") == table.latency_ms(net, "fp32")


def test_energy_is_predicted_where_it_was_metered(table):
    metered = synthetic_table(SPACE, energy=True)
    net = smallest(SPACE)
    assert metered.energy_mj(net, "int8") == pytest.approx(3 * whole_ms(net, "int8"), rel=0.1)
    with pytest.raises(
        UserError, match=r"synthetic: no energy_mj for int8 \(no meter on this host\)"
    ):
        table.energy_mj(net, "int8")


def test_a_precision_that_was_not_measured_is_refused(table):
    fp32_only = dataclasses.replace(
        table, fits=tuple(f for f in table.fits if f.precision == "fp32")
    )
    with pytest.raises(UserError, match=r"no latency_ms for int8 \(it has fp32"):
        fp32_only.latency_ms(smallest(SPACE), "int8")


def test_another_space_is_refused(table):
    with pytest.raises(
        UserError, match="measured on space sam-lite version 1, got an architecture"
    ):
        table.latency_ms(smallest(get_space("sam")), "int8")
    with pytest.raises(
        UserError, match="but the search is in sam version 1; run `python -m deploy"
    ):
        table.check_space(get_space("sam"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v.update(threads=0), r"field \$.threads: 0 is less than the minimum of 1"),
        (lambda v: v.update(extra=1), r"Additional properties are not allowed \('extra'"),
        (lambda v: v["space"].update(name="sam-xl"), "space 'sam-xl' is unknown"),
        (lambda v: v["space"].update(version=7), "measured on space sam-lite version 7"),
        (lambda v: v.update(schema_version=2), r"field \$.schema_version: 1 was expected"),
        (
            lambda v: v["pieces"][0]["latency_ms"].update(fp32=0),
            r"less than or equal to the minimum",
        ),
        (
            lambda v: v["pieces"][0]["choices"].popitem(),
            r"field \$.pieces\[0\].choices: front end: dimension '.*' of sam-lite is missing; meas",
        ),
        (
            lambda v: v["pieces"][0]["choices"].update(frontend_mels=[]),
            r"field \$.pieces\[0\].choices: .*frontend_mels = \[\] is not in space sam-lite",
        ),
        (
            lambda v: v["pieces"].insert(1, {**v["pieces"][0], "latency_ms": {"fp32": 9}}),
            r"field \$.pieces\[1\]: a second figure of the front end of \$.pieces\[0\]; keep one",
        ),
        (  # that says more of the net is no other front end
            lambda v: v["pieces"].insert(
                1, {**v["pieces"][0], "choices": {**v["pieces"][0]["choices"], "stem_width": 8}}
            ),
            r"field \$.pieces\[1\]: a second figure of the front end of \$.pieces\[0\]; keep one",
        ),
        (
            lambda v: v["held_out_pieces"][1]["choices"].pop("stem_width"),
            r"field \$.held_out_pieces\[1\].choices: .*dimension 'stem_width' of sam-lite is mis",
        ),
        (
            lambda v: v["energy"].update(reason=None),
            r"field \$.energy: got .*, but no fit is of energy, expected a reason and no method; m",
        ),
        (
            lambda v: v["energy"].update(method="rails", reason=None),
            r"field \$.energy: .* no fit is of energy, expected a reason and no method; measure it",
        ),
        (
            lambda v: v["fits"].append(v["fits"][0]),
            r"field \$.fits\[2\]: a second fit of latency_ms at fp32; keep one",
        ),
        (
            lambda v: v["fits"][1].update(whole=dict.fromkeys(v["fits"][1]["whole"], 0)),
            r"field \$.fits\[1\].whole: got no coefficient above 0; measure it anew with",
        ),
        (
            lambda v: v["fits"][1]["whole"].pop("pointwise.macs"),
            r"field \$.fits\[1\]: no measured net had 'pointwise.macs'; measure more nets",
        ),
        (
            lambda v: v["fits"][0]["whole"].update(call=1e308),
            r"field \$.fits\[0\].whole.call: 1e\+308 is greater than the maximum of 1000000000000",
        ),
        (
            lambda v: v["pieces"][0]["latency_ms"].update(fp32=1e308),
            r"field \$.pieces\[0\].latency_ms.fp32: 1e\+308 is greater than the maximum",
        ),
    ],
)
def test_a_file_that_does_not_fit_is_refused(table, tmp_path, change, message):
    path = tmp_path / "cost_table.json"
    write_cost_table(path, table)
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))
    with pytest.raises(UserError, match=message) as refused:
        read_cost_table(path)
    assert str(path) in str(refused.value)


def test_fits_of_energy_need_its_method(tmp_path):
    table = synthetic_table(SPACE, subnets=5, energy=True)
    path = tmp_path / "cost_table.json"
    for energy in ({"method": None, "reason": None}, {"method": "rails", "reason": "no meter"}):
        write_cost_table(path, dataclasses.replace(table, energy=energy))
        with pytest.raises(UserError, match=r"\$.energy: .* a fit is of energy, expected a method"):
            read_cost_table(path)


def build(pieces, **energy):
    return build_cost_table(
        SPACE, pieces, [], device=DEVICE, runtime=RUNTIME, threads=1, method="computed", **energy
    )


def test_pieces_that_do_not_suffice_are_refused():
    whole = Piece("whole", dict(smallest(SPACE).choices), {"fp32": 1.0})
    front = frontend_pieces(SPACE)[0]
    with pytest.raises(
        UserError, match="got 0 measured front ends and 1 whole nets for latency_ms"
    ):
        build([whole], energy_reason="none")
    with pytest.raises(
        UserError, match="got 1 measured front ends and 0 whole nets for latency_ms"
    ):
        build([front], energy_reason="none")
    with pytest.raises(UserError, match="give either energy_method or energy_reason"):
        build([whole, front])
    with pytest.raises(UserError, match="stem_width = 9 is not in space sam-lite"):
        build([front, dataclasses.replace(whole, choices={**whole.choices, "stem_width": 9})],
              energy_reason="none")  # fmt: skip
