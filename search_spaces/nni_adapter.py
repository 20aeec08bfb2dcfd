"""All that touches NNI (3.0, archived in 2024): the model space, its mutation, its samples.

`ModelSpace` is a `SpaceSpec` as NNI knows it, made with the layers of `NniLayers`; NNI's one-shot
strategies mutate it into a supernet and sample that by ``{label: value}``. The front end has no
learnt weights to slice: its mixed operation picks one of several fixed ones.
Letters: B batch, T samples, F mel bands, W frames.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

with warnings.catch_warnings():  # NNI 3.0 wraps all of torch.nn and wonders at newer members
    warnings.simplefilter("ignore")
    import nni
    import nni.nas.nn.pytorch as nas
    from nni.mutable import MutableExpression
    from nni.nas.evaluator import Evaluator
    from nni.nas.execution import SequentialExecutionEngine
    from nni.nas.oneshot.pytorch.supermodule.base import BaseSuperNetModule
    from nni.nas.oneshot.pytorch.supermodule.operation import MixedConv2d, MixedOperation
    from nni.nas.space import ExecutableModelSpace, SimplifiedModelSpace
    from nni.nas.strategy import TPE, Random, RandomOneShot, RegularizedEvolution, Strategy

from search_spaces.architecture import Architecture
from search_spaces.blocks import Layers, TimePool
from search_spaces.frontend import LogMelFrontEnd
from search_spaces.net import AmbianceNet, assemble
from search_spaces.nni_strategies import population_of
from search_spaces.space import FRONTEND_DIMENSIONS, Choice, SpaceSpec


class MutableLogMelFrontEnd(  # type: ignore[call-arg]
    nas.ParametrizedModule, LogMelFrontEnd, wraps=LogMelFrontEnd
):
    """`LogMelFrontEnd` whose settings may be still open."""


class NniLayers(Layers):
    """Makes layers whose arguments may be NNI mutables."""

    def conv(self, **arguments: Any) -> nn.Conv2d:
        """`torch.nn.Conv2d`, mutable."""
        return nas.MutableConv2d(**arguments)

    def norm(self, channels: Any) -> nn.BatchNorm2d:
        """`torch.nn.BatchNorm2d`, mutable."""
        return nas.MutableBatchNorm2d(channels)

    def frontend(self, **arguments: Any) -> nn.Module:
        """`LogMelFrontEnd`, mutable."""
        mutable = _is_open(*arguments.values())
        return (MutableLogMelFrontEnd if mutable else LogMelFrontEnd)(**arguments)

    def pool(self, kind: Any) -> nn.Module:
        """A choice between the kinds of `TimePool`."""
        if not _is_open(kind):
            return TimePool(kind)
        return nas.LayerChoice({name: TimePool(name) for name in kind.values}, label=kind.label)

    def pool_rows(self, kind: Any) -> int:
        """Rows that the pool leaves; the kinds that a space offers leave equally many."""
        return super().pool_rows(kind.values[0] if _is_open(kind) else kind)

    def repeat(self, block: Callable[[int], nn.Module], depth: Any) -> nn.Module:
        """NNI's `Repeat`."""
        return nas.Repeat(block, depth)

    def pair(self, frequency: Any, time: Any) -> Any:
        """Strides as one expression."""
        if not _is_open(frequency, time):
            return frequency, time
        return MutableExpression(lambda *both: both, "({}, {})", [frequency, time])


class MendedMixedConv2d(MixedConv2d):
    """NNI's mixed convolution, which NNI 3.0 cannot freeze where there is no bias."""

    def freeze_weight(self, **arguments: Any) -> dict[str, Tensor]:
        """The sampled part of weight and bias; NNI adds ``bias: None``, which no module loads."""
        weights = super().freeze_weight(**arguments)
        return {name: value for name, value in weights.items() if value is not None}


class MixedFrontEnd(MixedOperation, LogMelFrontEnd):
    """The supernet's front end: the fixed one that is sampled, made when first needed.

    For strategies that sample; features of unlike rates and sizes have no weighted sum.
    """

    bound_type = MutableLogMelFrontEnd
    argument_list = ["rate_hz", "hop_ms", "window_ms", "mels"]  # noqa: RUF012 (NNI's interface)

    def super_init_argument(self, name: str, value_choice: MutableExpression) -> Choice:
        """The dearest choice."""
        return value_choice.values[-1]

    def __post_init__(self) -> None:
        # not submodules: which ones were needed so far must not show in the buffers of a supernet
        self._variants: dict[tuple[Any, ...], LogMelFrontEnd] = {}

    def forward_with_args(
        self, rate_hz: int, hop_ms: int, window_ms: int, mels: int, waveform: Tensor
    ) -> Tensor:
        """Waveform float32 [B, T] -> features float32 [B, 1, F, W] of the sampled settings.

        Raises:
            ValueError: a differentiable strategy asks for a mixture of settings.
        """
        settings: dict[str, Any] = {
            "rate_hz": rate_hz,
            "hop_ms": hop_ms,
            "window_ms": window_ms,
            "mels": mels,
        }
        mixed = [name for name, value in settings.items() if isinstance(value, dict)]
        if mixed:
            raise ValueError(
                "To be compatible with differentiable one-shot strategy,"
                f" {', '.join(mixed)} in LogMelFrontEnd must not be mutable."
            )
        key = (*settings.values(), waveform.device)
        if key not in self._variants:
            frontend = LogMelFrontEnd(
                **settings, clip_samples=self.geometry.clip_samples, scale=self.geometry.scale
            )
            self._variants[key] = frontend.to(waveform.device)
        return self._variants[key](waveform)

    def freeze_weight(self, **_arguments: Choice) -> dict[str, Tensor]:
        """Nothing: all weights follow from the settings."""
        return {}


class ModelSpace(nas.ModelSpace, AmbianceNet):
    """A `SpaceSpec` as an NNI model space; an NNI label is the dimension's name.

    A dimension of one choice is a constant and has no label.
    """

    def __init__(self, spec: SpaceSpec, num_outputs: int) -> None:
        choices = {
            name: nni.choice(name, list(values)) if len(values) > 1 else values[0]
            for name, values in spec.dimensions.items()
        }
        parts = assemble(choices, num_outputs, NniLayers(), spec.clip_samples)
        AmbianceNet.__init__(self, **parts)

    def extra_oneshot_hooks(self, _strategy: Any) -> list[Callable]:
        """What NNI's one-shot strategies ask a space for: mutations of its own modules."""
        return [MixedFrontEnd.mutate, MendedMixedConv2d.mutate]


def sampling_supernet(spec: SpaceSpec, num_outputs: int) -> ModelSpace:
    """The supernet that NNI's `RandomOneShot` makes of a space."""
    return RandomOneShot().mutate_model(ModelSpace(spec, num_outputs))


def activate(supernet: ModelSpace, choices: Mapping[str, Choice]) -> None:
    """Let the supernet compute the net of ``choices``."""
    sample = dict(choices)
    for module in supernet.modules():
        if isinstance(module, BaseSuperNetModule):
            module.resample(memo=sample)


def frozen_weights(supernet: ModelSpace, choices: Mapping[str, Choice]) -> dict[str, Tensor]:
    """The learnt state of the net of ``choices``, under the names of the plain net; not copied.

    Equal to the state of ``supernet.freeze(choices)``, which copies the supernet once per level of
    modules and takes some twenty times as long.
    """
    sample = dict(choices)
    state: dict[str, Tensor] = {}

    def visit(name: str, module: nn.Module) -> None:
        if isinstance(module, nas.Repeat):
            depth = module.depth_choice
            kept = depth.freeze(sample) if _is_open(depth) else depth
            for index, block in enumerate(module.blocks[:kept]):
                visit(f"{name}.{index}", block)
        elif isinstance(module, MixedOperation):
            opened = {key: value.freeze(sample) for key, value in module.mutable_arguments.items()}
            weights = module.freeze_weight(**{**module.init_arguments, **opened})
            state.update({f"{name}.{key}": value for key, value in weights.items()})
        else:
            weights = module.state_dict() if not list(module.children()) else {}
            state.update({f"{name}.{key}": value for key, value in weights.items()})
            for key, child in module.named_children():
                visit(f"{name}.{key}".lstrip("."), child)

    visit("", supernet)
    return state


def differentiable_part(spec: SpaceSpec) -> SpaceSpec:
    """The part of a space on which NNI's DARTS and GumbelDARTS run.

    They sum the outputs of all choices, which must therefore be of one shape: the dearest front end
    and the dearest strides are kept, all else stays open (docs/space.md).
    """
    fixed = {
        dimension: choices[-1]
        for dimension, choices in spec.dimensions.items()
        if dimension in FRONTEND_DIMENSIONS or dimension.endswith("_stride")
    }
    return spec.restricted(fixed)


class Figure(Evaluator):
    """Gives NNI one figure of each sample; NNI builds no net for it.

    Args:
        figure: of a sample; larger is better.
    """

    def __init__(self, figure: Callable[[Mapping[str, Choice]], float]) -> None:
        self.figure = figure

    def _execute(self, model: ExecutableModelSpace) -> None:
        nni.report_final_result(self.figure(model.sample or {}))


def explore(
    spec: SpaceSpec, strategy: str, figure: Callable[[Architecture], float], nets: int, seed: int
) -> None:
    """Let one of NNI's strategies look at nets of a space, in this process.

    Args:
        spec: the space.
        strategy: one of `STRATEGIES`.
        figure: of a net; larger is better.
        nets: at most so many; a strategy that finds no further one ends earlier.
        seed: of its draws.
    """
    evaluator = Figure(lambda sample: figure(architecture_of(spec, sample)))
    space = SimplifiedModelSpace.from_model(ModelSpace(spec, num_outputs=1), evaluator)
    STRATEGIES[strategy](nets, seed)(space, SequentialExecutionEngine(max_model_count=nets))


STRATEGIES: dict[str, Callable[[int, int], Strategy]] = {
    "evolution": lambda nets, seed: RegularizedEvolution(
        population_size=population_of(nets), sample_size=5, mutation_prob=0.1, seed=seed
    ),
    "random": lambda _nets, seed: Random(seed=seed),
    "tpe": lambda _nets, seed: TPE(optimize_mode="maximize", seed=seed),
}


def architecture_of(spec: SpaceSpec, sample: Mapping[str, Choice]) -> Architecture:
    """The architecture that NNI samples or exports from a model space of ``spec``.

    Raises:
        UserError: the sample lacks an open dimension or holds a choice that the space lacks.
    """
    fixed = {name: values[0] for name, values in spec.dimensions.items() if len(values) == 1}
    return Architecture(spec.name, spec.version, {**fixed, **sample}).validate(spec)


def _is_open(*values: Any) -> bool:
    return any(isinstance(value, MutableExpression) for value in values)
