from itertools import cycle
from unittest import mock

from deploy import timing
from deploy.timing import time_in_turns, warm_up


def test_turns_alternate_and_every_run_is_kept() -> None:
    calls: list[str] = []
    subjects = {name: (lambda name=name: calls.append(name)) for name in ("net", "eager")}
    samples = time_in_turns(subjects, {"net": 50, "eager": 20})
    assert {name: len(values) for name, values in samples.items()} == {"net": 50, "eager": 20}
    assert calls == ["net"] * 21 + ["eager"] * 21 + ["net"] * 21 + ["net"] * 11
    assert all(sample >= 0 for values in samples.values() for sample in values)


def test_warm_up_ends_when_the_median_settles() -> None:
    batches = iter([[9.0] * 10, [5.0] * 10, [5.05] * 10])
    with mock.patch.object(timing, "time_runs", side_effect=batches):
        assert warm_up(lambda: None) == timing.WarmUp(runs=30, stable=True)


def test_warm_up_gives_up_on_what_never_settles() -> None:
    batches = cycle([[1.0] * 10, [2.0] * 10])
    with mock.patch.object(timing, "time_runs", side_effect=batches):
        assert not warm_up(lambda: None, max_seconds=0.01).stable
