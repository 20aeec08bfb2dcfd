"""The shipped search spaces by name (docs/space.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from search_spaces.clip import SAMPLE_RATE_HZ
from search_spaces.errors import UserError
from search_spaces.space import NUM_STAGES, Choice, SpaceSpec


def stages(
    *,
    depth: Sequence[tuple[int, ...]],
    width: Sequence[tuple[int, ...]],
    expansion: Sequence[tuple[int, ...]],
    kernel: Sequence[tuple[int, ...]],
    time_stride: Sequence[tuple[int, ...]],
    frequency_stride: Sequence[tuple[int, ...]],
) -> dict[str, tuple[Choice, ...]]:
    """The six dimensions of every stage, from the choices of one stage after the other."""
    choices = {
        "depth": depth,
        "width": width,
        "expansion": expansion,
        "kernel": kernel,
        "time_stride": time_stride,
        "frequency_stride": frequency_stride,
    }
    return {
        f"stage{number}_{name}": of_stage[number - 1]
        for number in range(1, NUM_STAGES + 1)
        for name, of_stage in choices.items()
    }


# Widths are multiples of 16 (or 8 itself) where a net must be fast: XNNPACK's fp32 product computes
# output channels in sixteens, and 24 take as long as 48 (docs/space.md).
SAM = SpaceSpec(
    "sam",
    1,
    {
        "frontend_rate_hz": (8_000, 16_000),
        "frontend_hop_ms": (32, 20, 16, 10),
        "frontend_window_ms": (20, 32),
        "frontend_mels": (20, 32, 40, 64),
        "stem_width": (8, 16),
        "stem_kernel": (3, 5),
        "stem_time_stride": (4, 2),
        **stages(
            depth=((1, 2), (1, 2, 3), (1, 2, 3), (1, 2, 3)),
            width=((8, 16, 24), (16, 24, 32), (24, 32, 48, 64), (32, 48, 64, 96)),
            expansion=((1, 2), (1, 2, 3, 4), (1, 2, 3, 4), (1, 2, 3, 4, 6)),
            kernel=((3, 5),) * NUM_STAGES,
            time_stride=((2,), (2,), (2, 1), (2, 1)),
            frequency_stride=((2,), (2,), (2, 1), (2,)),
        ),
        "pool": ("mean", "max", "mean_max"),
        "head_hidden": (32, 64, 128),
    },
)

SAM_LITE = SpaceSpec(
    "sam-lite",
    1,
    {
        "frontend_rate_hz": (8_000,),
        "frontend_hop_ms": (20, 10),
        "frontend_window_ms": (20,),
        "frontend_mels": (20, 40),
        "stem_width": (8, 16),
        "stem_kernel": (3, 5),
        "stem_time_stride": (4,),
        **stages(
            depth=((1,), (1, 2), (1, 2), (1, 2)),
            width=((8, 16), (16, 32), (32, 48), (32, 48, 64)),
            expansion=((1, 2), (1, 2, 3), (1, 2, 3), (1, 2, 3)),
            kernel=((3, 5),) * NUM_STAGES,
            time_stride=((2,), (2,), (1,), (2, 1)),
            frequency_stride=((2,), (2,), (2, 1), (2,)),
        ),
        "pool": ("mean", "max", "mean_max"),
        "head_hidden": (32, 64),
    },
)

SAM_NANO = SpaceSpec(
    "sam-nano",
    1,
    {
        "frontend_rate_hz": (8_000,),
        "frontend_hop_ms": (32,),
        "frontend_window_ms": (20, 32),
        "frontend_mels": (20,),
        "stem_width": (8,),
        "stem_kernel": (3,),
        "stem_time_stride": (4, 2),
        **stages(
            depth=((1,), (1,), (1,), (1, 2)),
            width=((8,), (16,), (24, 32), (32,)),
            expansion=((1, 2),) * NUM_STAGES,
            kernel=((3,),) * NUM_STAGES,
            time_stride=((2,), (2,), (1,), (1,)),
            frequency_stride=((2,),) * NUM_STAGES,
        ),
        "pool": ("mean", "mean_max"),
        "head_hidden": (32,),
    },
)

# Dense convolutions where the spaces above filter each channel by itself: more products, but ones
# that a CPU does fast, in training and in int8 (docs/space.md).
SAM_FUSED = SpaceSpec(
    "sam-fused",
    1,
    {
        "frontend_rate_hz": (8_000,),
        "frontend_hop_ms": (32, 20),
        "frontend_window_ms": (20,),
        "frontend_mels": (20, 40),
        "normalise": ("band_means",),
        "block": ("fused",),
        "stem_width": (8, 16),
        "stem_kernel": (3, 5),
        "stem_time_stride": (2,),
        **stages(
            depth=((1,), (1, 2), (1, 2), (1, 2)),
            width=((8, 16), (16, 32), (16, 32, 48), (32, 48, 64)),
            expansion=((1, 2),) * NUM_STAGES,
            kernel=((3,),) * NUM_STAGES,
            time_stride=((2,), (2,), (1,), (2, 1)),
            frequency_stride=((2,),) * NUM_STAGES,
        ),
        "pool": ("mean", "max", "mean_max"),
        "head_hidden": (32, 64),
    },
)

# Bands as fine as the harmonics of a voice, of which several voices at once are told apart; a long
# window needs few frames, and what lies above 2 kHz may be left out (docs/space.md).
SAM_FINE = replace(
    SAM_FUSED,
    name="sam-fine",
    dimensions={
        **SAM_FUSED.dimensions,
        "frontend_rate_hz": (4_000, 8_000),
        "frontend_hop_ms": (40,),
        "frontend_window_ms": (64,),
        "frontend_mels": (64, 128),
        "frontend_scale": ("linear",),
        "stem_time_stride": (2, 1),
        "stage2_time_stride": (2, 1),
        "stage3_time_stride": (2, 1),
        "stage4_time_stride": (1,),
        "pool": ("mean_beside_max",),
    },
)

# Adjacent bands are channels of the first convolution, which then has as many products and is no
# longer slow for want of channels; blocks of one dense convolution do the rest (docs/space.md).
SAM_PLAIN = SpaceSpec(
    "sam-plain",
    1,
    {
        "frontend_rate_hz": (4_000, 8_000),
        "frontend_hop_ms": (40, 32, 20),
        "frontend_window_ms": (64,),
        "frontend_mels": (64, 128),
        "frontend_scale": ("linear",),
        "normalise": ("band_means",),
        "block": ("plain",),
        "stem_bands": (8,),
        "stem_width": (16, 32),
        "stem_kernel": (3,),
        "stem_time_stride": (2, 1),
        **stages(
            depth=((1,),) * NUM_STAGES,
            width=((16, 32, 48), (32, 48), (32, 48), (48, 64)),
            expansion=((1,),) * NUM_STAGES,
            kernel=((3,),) * NUM_STAGES,
            time_stride=((2, 1),) * NUM_STAGES,
            frequency_stride=((2, 1),) * NUM_STAGES,
        ),
        "pool": ("mean_beside_max",),
        "head_hidden": (32, 64),
    },
)

# Plain nets behind one front end, that of models/sam-small: a supernet of them learns from features
# that are made once (`data.held_features`), and dense convolutions make its steps short.
SAM_4K = SpaceSpec(
    "sam-4k",
    1,
    {
        **SAM_PLAIN.dimensions,
        "frontend_rate_hz": (4_000,),
        "frontend_hop_ms": (40,),
        "frontend_mels": (128,),
        "stage1_time_stride": (1,),
        "stage2_frequency_stride": (2,),
        "stage3_time_stride": (1,),
        "stage3_frequency_stride": (1,),
        "stage4_frequency_stride": (2,),
    },
)

# The same behind every other bin, 31 Hz apart up to 3.5 kHz every 16 ms, which no matrix sorts into
# bands: what it takes in an int8 file is little more (docs/frontend.md). Version 1 had 128 bins of
# 40 ms every 20 ms.
SAM_8K = SpaceSpec(
    "sam-8k",
    2,
    {
        **SAM_4K.dimensions,
        "frontend_rate_hz": (8_000,),
        "frontend_hop_ms": (16,),
        "frontend_mels": (112,),
        "frontend_scale": ("even_bins",),
        "stem_time_stride": (2,),
        "stage1_time_stride": (2,),
    },
)

# Nets of sam-8k with wider layers, and more frames for the first of them: for those who have a
# millisecond (models/sam-large).
SAM_WIDE = SpaceSpec(
    "sam-wide",
    1,
    {
        **SAM_8K.dimensions,
        "stem_width": (32, 48),
        "stage1_width": (48, 64),
        "stage1_time_stride": (2, 1),
        "stage2_width": (48, 64),
        "stage3_width": (48, 64),
        "stage4_width": (64, 96),
        "head_hidden": (64,),
    },
)

# What tells a word or an event is its spectrum, which the mean of each band over a short clip holds
# in part; it also lasts shorter than a count (docs/space.md).
EVENTS = replace(
    SAM_FUSED, name="events", dimensions={**SAM_FUSED.dimensions, "normalise": ("none",)}
)
EVENTS_1S = replace(
    EVENTS,
    name="events-1s",
    dimensions={**EVENTS.dimensions, "stem_time_stride": (2, 1)},
    clip_samples=SAMPLE_RATE_HZ,
)

# Words differ in what is short and narrow: overlapping frames every 10 ms, bands half as wide.
WORDS_1S = replace(
    EVENTS_1S,
    name="words-1s",
    dimensions={
        **EVENTS_1S.dimensions,
        "frontend_hop_ms": (20, 10),
        "frontend_window_ms": (20, 32),
        "frontend_mels": (40, 64),
    },
)

# The same nets for recordings of a second: words, digits, door bells.
SECOND_SPACES = tuple(
    replace(spec, name=f"{spec.name}-1s", clip_samples=SAMPLE_RATE_HZ)
    for spec in (SAM, SAM_LITE, SAM_NANO)
)

SPACES = {
    spec.name: spec
    for spec in (
        SAM,
        SAM_LITE,
        SAM_NANO,
        SAM_FUSED,
        SAM_FINE,
        SAM_PLAIN,
        SAM_4K,
        SAM_8K,
        SAM_WIDE,
        EVENTS,
        *SECOND_SPACES,
        EVENTS_1S,
        WORDS_1S,
    )
}

# Spectrogram pictures to an image CNN (docs/deepspectrum.md). Its nets share no weights: each is
# trained alone, so no supernet and no search has them.
DEEPSPECTRUM = SpaceSpec(
    "deepspectrum",
    1,
    {
        "frontend_rate_hz": (16_000,),
        "frontend_hop_ms": (32, 20, 16, 10),
        "frontend_window_ms": (20, 32, 64),
        "frontend_mels": (20, 32, 40, 64, 128),
        "frontend_scale": ("mel", "linear"),
        "colour_map": ("grey", "jet", "viridis", "magma", "inferno", "plasma", "cividis"),
        "picture_size": (32, 64, 96, 128, 160, 224),
        "cnn": (
            *("squeezenet1_1", "mobilenet_v2", "resnet18", "densenet121", "resnet34"),
            *("shufflenet_v2_x1_0", "mnasnet1_0", "mobilenet_v3_large", "efficientnet_b0"),
            *("resnet50", "densenet169", "densenet201", "vgg16", "vgg19"),
        ),
    },
)
PICTURE_SPACES = {
    spec.name: spec
    for spec in (
        DEEPSPECTRUM,
        replace(DEEPSPECTRUM, name="deepspectrum-1s", clip_samples=SAMPLE_RATE_HZ),
    )
}


def get_space(name: str) -> SpaceSpec:
    """The space called ``name``.

    Raises:
        UserError: no such space; the message names those there are.
    """
    if name in PICTURE_SPACES:
        raise UserError(
            f"space {name!r}: its nets are trained alone and share no weights; of those that do"
            f" there are {', '.join(SPACES)}"
        )
    if name not in SPACES:
        raise UserError(
            f"space {name!r} is unknown; there are {', '.join(SPACES)}"
            f" and, for nets trained alone, {', '.join(PICTURE_SPACES)}"
        )
    return SPACES[name]


def any_space(name: str) -> SpaceSpec:
    """The space called ``name``, also one whose nets share no weights.

    Raises:
        UserError: no such space; the message names those there are.
    """
    return PICTURE_SPACES[name] if name in PICTURE_SPACES else get_space(name)
