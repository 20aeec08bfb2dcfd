"""The decisions of `lower_net`, on the real programs of the session's bundle."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from deploy import lowering
from deploy.bundle import read_bundle
from deploy.check_clips import extreme_waveforms, gain_to_dbfs
from deploy.delegation import Delegation
from deploy.export import LoweredProgram
from deploy.lowering import LoweredModel, LoweredNet, lower_net
from search_spaces.errors import UserError
from search_spaces.frontier import load_winner, read_frontier
from search_spaces.metrics import evaluate
from search_spaces.task_counts import CountsTask
from tests.deploy.search_output import make_clips

WHOLE = Delegation(100, 100, 1, ())


@pytest.fixture
def lower(
    bundle_path: Path, frontier_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., LoweredNet]:
    """`lower_net` whose lowering hands out the bundle's programs; ``drop`` is int8's, in points."""

    def call(
        drop: float = 0.0, delegation: Delegation = WHOLE, spoil: bool = False, **options: object
    ) -> LoweredNet:
        program = (bundle_path / "model.pte").read_bytes()
        monkeypatch.setattr(
            lowering, "lower_program", lambda *_: LoweredProgram(program, delegation)
        )
        net = load_winner(frontier_path, read_frontier(frontier_path).winners[0])
        if spoil:
            dict(net.named_parameters())["head.output.bias"].data[3] += 0.5

        def int8(name: str, *_: object) -> LoweredModel:
            (tmp_path / "model_int8.pte").write_bytes(b"int8")
            judged = CountsTask().judge(np.full((2, 11), 1 / 11), [0, 1], [0, 1])
            return LoweredModel(WHOLE, 0.0, 0.1, 1, judged, error=fp32_error + drop)

        monkeypatch.setattr(lowering, "_lower_int8", int8)
        options = {"max_int8_drop_points": 0.5, **options}
        return lower_net("net-1", net, clips, CountsTask(), tmp_path, **options)  # type: ignore[arg-type]

    clips = make_clips()
    bundle = read_bundle(bundle_path)
    answers = bundle.load("fp32").run_many(lowering.to_float32(clips.validation_waveform))
    judged = evaluate(answers, clips.validation_lo, clips.validation_hi)
    assert judged.level_error.value is not None
    fp32_error = 100 * judged.level_error.value
    return call


def test_int8_within_the_limit_is_kept(lower: Callable[..., LoweredNet], tmp_path: Path) -> None:
    lowered = lower(drop=0.4)
    assert lowered.int8 is not None
    assert lowered.int8_reason is None
    assert lowered.fp32.max_difference <= 1e-3
    assert (tmp_path / "model_int8.pte").exists()


def test_int8_that_loses_too_much_is_left_out(
    lower: Callable[..., LoweredNet], tmp_path: Path
) -> None:
    lowered = lower(drop=0.6)
    assert lowered.int8 is None
    assert lowered.int8_drop_points == pytest.approx(0.6)
    assert lowered.int8_reason == (
        "int8 loses 0.60 points of level accuracy on 22 validation clips, allowed 0.5"
        " (--allow-drop keeps it)"
    )
    assert (tmp_path / "model.pte").exists()
    assert not (tmp_path / "model_int8.pte").exists()


def test_allow_drop_keeps_it_and_says_so(lower: Callable[..., LoweredNet], tmp_path: Path) -> None:
    lowered = lower(drop=3.0, allow_drop=True)
    assert lowered.int8 is not None
    assert lowered.int8_reason is not None
    assert "loses 3.00 points" in lowered.int8_reason
    assert (tmp_path / "model_int8.pte").exists()
    assert lower(drop=3.0, max_int8_drop_points=3.5).int8_reason is None


def test_fp32_that_differs_from_eager_is_refused(lower: Callable[..., LoweredNet]) -> None:
    with pytest.raises(UserError, match=r"net-1: fp32 differs from eager torch by 0\.\d+ on 30"):
        lower(spoil=True)


def test_too_little_delegated_is_refused(lower: Callable[..., LoweredNet]) -> None:
    with pytest.raises(UserError, match=r"net-1: 90\.00 % of the MACs .*; left out: log"):
        lower(delegation=Delegation(100, 90, 2, ("log",)))


def test_clips_that_settle_no_level_are_refused(
    lower: Callable[..., LoweredNet], monkeypatch: pytest.MonkeyPatch
) -> None:
    unsettled = CountsTask().judge(np.full((1, 11), 1 / 11), [0], [10])
    monkeypatch.setattr(CountsTask, "judge", lambda *_, **__: unsettled)
    with pytest.raises(
        UserError, match="net-1: no validation clip's label settles the level error"
    ):
        lower()


def test_a_nan_is_no_small_difference() -> None:
    assert not lowering._largest_difference(np.zeros(2), np.array([0, np.nan])) <= 1e-3


def test_extremes_are_what_they_are_called() -> None:
    silence, loud, faint, noise = extreme_waveforms(make_clips())
    assert not silence.any()
    assert np.abs(loud).max() == pytest.approx(1.0)
    assert 20 * np.log10(np.sqrt(np.mean(faint**2))) == pytest.approx(-50, abs=0.01)
    assert 0.99 < np.abs(noise).max() <= 1.0
    assert gain_to_dbfs(silence, -50) == 1.0


def test_only_labelled_clips_set_the_temperature(
    lower: Callable[..., LoweredNet], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def fit(logits: np.ndarray, lo: np.ndarray, hi: np.ndarray, several: bool) -> float:
        seen.append(len(logits))
        return 1.0

    monkeypatch.setattr(lowering, "fit_temperature", fit)
    with pytest.raises(UserError, match="differs from eager"):  # made with another temperature
        lower()
    assert seen == [11]  # of 22, the others are sums
