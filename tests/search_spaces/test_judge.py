"""A subnet is judged with its own batch norm statistics, and the cache changes nothing."""

import numpy as np
import pytest
import torch

from search_spaces.architecture import largest, random_architecture, smallest
from search_spaces.batch_norm import recalibrate_batch_norm
from search_spaces.clips_file import read_clips, to_float32
from search_spaces.errors import UserError
from search_spaces.judge import SubnetJudge
from search_spaces.metrics import evaluate
from search_spaces.ranking import ranked_probability_score
from search_spaces.supernet_file import read_supernet
from search_spaces.task_counts import CountsTask


@pytest.fixture(scope="module")
def judge(search_inputs):
    return SubnetJudge(
        read_supernet(search_inputs / "supernet.pt").supernet,
        read_clips(search_inputs / "clips.npz"),
        CountsTask(),
        ranking_clips=10,
        calibration_clips=3,
        seed=0,
    )


def straightforward(judge, architecture, chosen, num_calibration):
    """Count probabilities of the clips ``chosen``, without any cache or batching."""
    net = judge.supernet.extract(architecture)
    if architecture != largest(judge.supernet.spec):
        calibration = to_float32(judge.clips.calibration_waveform[:num_calibration])
        recalibrate_batch_norm(net, [torch.from_numpy(calibration)])
    with torch.no_grad():
        waveform = torch.from_numpy(to_float32(judge.clips.validation_waveform[chosen]))
        return net.eval()(waveform).softmax(dim=1).numpy()


def test_ranking_error_is_that_of_the_labelled_clips_and_then_the_sums(judge):
    assert (judge.ranking_clips, judge.calibration_clips) == (10, 3)
    chosen = np.arange(10)  # clips 0..7 are labelled, 8 and 9 are sums
    labels = judge.clips.validation_lo[chosen]
    for net in (smallest(judge.supernet.spec), largest(judge.supernet.spec)):
        probabilities = straightforward(judge, net, chosen, 3)
        expected = ranked_probability_score(probabilities, labels, labels)
        assert judge.ranking_error(net) == pytest.approx(expected, abs=1e-4)
        assert judge.ranking_error(net) == judge.ranking_error(net)


def test_the_final_judgement_looks_at_the_labelled_clips_only(judge):
    net = smallest(judge.supernet.spec)
    module, evaluation = judge.final(net)
    original = judge.clips.validation_original
    labels = judge.clips.validation_lo[original]
    probabilities = straightforward(judge, net, original, len(judge.clips.calibration_waveform))
    expected = evaluate(probabilities, labels, labels, seed=0)
    assert evaluation["level_error"] == expected.level_error
    assert evaluation["mae"] == expected.mae
    assert evaluation["mae"].clips == original.sum() == 8
    assert not module.training


def test_the_largest_net_keeps_the_statistics_of_its_training(judge):
    net = largest(judge.supernet.spec)
    kept, trained = judge.final(net)[0].state_dict(), judge.supernet.extract(net).state_dict()
    assert all(torch.equal(kept[name], trained[name]) for name in trained)


def test_a_last_calibration_clip_does_not_weigh_as_much_as_a_batch(judge, monkeypatch):
    monkeypatch.setattr("search_spaces.judge._BATCH", 3)
    net = smallest(judge.supernet.spec)
    calibration = torch.from_numpy(to_float32(judge.clips.calibration_waveform))
    assert len(calibration) == 4
    halves = judge.supernet.extract(net)
    recalibrate_batch_norm(halves, calibration.split(2))
    for name, value in judge.final(net)[0].state_dict().items():
        torch.testing.assert_close(value, halves.state_dict()[name], msg=name)
    ranked = SubnetJudge(
        judge.supernet, judge.clips, judge.task, ranking_clips=10, calibration_clips=4, seed=0
    )
    with torch.no_grad():
        waveform = torch.from_numpy(to_float32(judge.clips.validation_waveform[:10]))
        probabilities = halves.eval()(waveform).softmax(dim=1).numpy()
    labels = judge.clips.validation_lo[:10]
    expected = ranked_probability_score(probabilities, labels, labels)
    assert ranked.ranking_error(net) == pytest.approx(expected, abs=1e-5)


def test_judging_leaves_the_supernet_as_it_was(judge):
    before = {name: value.clone() for name, value in judge.supernet.state_dict().items()}
    judge.ranking_error(random_architecture(judge.supernet.spec, np.random.default_rng(0)))
    for name, value in judge.supernet.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_a_supernet_that_diverged_is_refused(search_inputs, judge):
    supernet = read_supernet(search_inputs / "supernet.pt").supernet
    for parameter in supernet.parameters():
        torch.nn.init.constant_(parameter, float("nan"))
    diverged = SubnetJudge(
        supernet, judge.clips, judge.task, ranking_clips=4, calibration_clips=2, seed=0
    )
    with pytest.raises(UserError, match="supernet: a subnet gives NaN, so its training diverged"):
        diverged.ranking_error(largest(supernet.spec))
