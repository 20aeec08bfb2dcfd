"""NNI's own machinery on our spaces; seconds, since NNI 3.0 takes some to import."""

import pytest
import torch
from nni.nas.evaluator.pytorch import ClassificationModule, Lightning, Trainer
from nni.nas.execution import SequentialExecutionEngine
from nni.nas.space import RawFormatModelSpace
from nni.nas.strategy import DARTS, GumbelDARTS, Proxyless, RandomOneShot
from torch.utils.data import DataLoader, TensorDataset

from search_spaces.architecture import largest, smallest
from search_spaces.errors import UserError
from search_spaces.nni_adapter import (
    ModelSpace,
    activate,
    architecture_of,
    differentiable_part,
    frozen_weights,
    sampling_supernet,
)
from search_spaces.space import FRONTEND_DIMENSIONS
from search_spaces.spaces import get_space

NANO = get_space("sam-nano")
LITE = get_space("sam-lite")
WAVEFORMS = torch.randn(2, 80_000, generator=torch.Generator().manual_seed(0))


def test_labels_are_the_open_dimensions():
    space = ModelSpace(LITE, num_outputs=11)
    opened = {name: list(values) for name, values in LITE.dimensions.items() if len(values) > 1}
    assert {label: mutable.values for label, mutable in space.simplify().items()} == opened


@pytest.mark.parametrize("end", [smallest, largest])
@pytest.mark.parametrize("space", [LITE, get_space("sam-fine")], ids=lambda space: space.name)
def test_frozen_weights_are_those_that_nni_freezes(space, end):
    choices = dict(end(space).choices)
    supernet = sampling_supernet(space, num_outputs=11).eval()
    activate(supernet, choices)
    frozen = supernet.freeze(choices)
    by_nni = frozen.state_dict()
    ours = frozen_weights(supernet, choices)
    assert {name for name in by_nni if "num_batches" not in name} == set(ours)
    assert all(torch.equal(value, by_nni[name]) for name, value in ours.items())
    torch.testing.assert_close(frozen.eval()(WAVEFORMS), supernet(WAVEFORMS))


@pytest.mark.parametrize(
    ("strategy", "space"),
    [
        (RandomOneShot, NANO),
        (DARTS, differentiable_part(NANO)),
        (GumbelDARTS, differentiable_part(NANO)),
    ],
)
def test_nni_trains_and_exports_with_its_own_strategies(strategy, space):
    clips = DataLoader(TensorDataset(WAVEFORMS, torch.tensor([0, 3])), batch_size=2)
    trainer = Trainer(
        max_epochs=1,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    evaluator = Lightning(
        ClassificationModule(num_classes=11),
        trainer,
        train_dataloaders=clips,
        val_dataloaders=clips,
    )
    model_space = ModelSpace(space, num_outputs=11)
    run = strategy()
    run(RawFormatModelSpace(model_space, evaluator), SequentialExecutionEngine())
    assert trainer.global_step > 0
    exported = next(run.list_models())
    architecture = architecture_of(space, exported.sample)
    architecture.validate(NANO)


@pytest.mark.parametrize("strategy", [DARTS, GumbelDARTS])
def test_differentiable_strategies_reach_every_open_choice(strategy):
    part = differentiable_part(LITE)
    supernet = strategy().mutate_model(ModelSpace(part, num_outputs=11))
    supernet(WAVEFORMS).square().sum().backward()
    weights = {
        name.rsplit(".", 1)[-1]: parameter.grad
        for name, parameter in supernet.named_parameters()
        if "_arch_alpha." in name
    }
    opened = {name for name, choices in part.dimensions.items() if len(choices) > 1}
    assert set(weights) == opened - {"pool"}  # a LayerChoice has one nameless set of weights
    assert all(gradient.abs().sum() > 0 for gradient in weights.values())
    assert supernet.pool._arch_alpha.grad.abs().sum() > 0


@pytest.mark.parametrize("strategy", [DARTS, GumbelDARTS])
def test_differentiable_strategies_refuse_an_open_front_end(strategy):
    supernet = strategy().mutate_model(ModelSpace(LITE, num_outputs=11))
    message = "one-shot strategy, hop_ms, mels in LogMelFrontEnd must not be mutable"
    with pytest.raises(ValueError, match=message):
        supernet(WAVEFORMS)


@pytest.mark.parametrize("strategy", [DARTS, GumbelDARTS])
def test_differentiable_strategies_refuse_open_strides(strategy):
    fixed = {name: LITE.dimensions[name][0] for name in FRONTEND_DIMENSIONS}
    supernet = strategy().mutate_model(ModelSpace(LITE.restricted(fixed), num_outputs=11))
    with pytest.raises(ValueError, match="stride, dilation in Conv2d must not be mutable"):
        supernet(WAVEFORMS)


def test_proxyless_knows_no_mixed_operations():
    with pytest.raises(TypeError, match="has dangling mutables and is not supported"):
        Proxyless().mutate_model(ModelSpace(differentiable_part(NANO), num_outputs=11))


def test_a_sample_that_lacks_a_dimension_is_refused():
    with pytest.raises(UserError, match="dimension 'frontend_window_ms' of sam-nano is missing"):
        architecture_of(NANO, {"pool": "mean"})
