"""The front end's fixed weights, computed anew whenever a front end is made: nothing is stored.

Letters: N samples of a window, K bins, L numbers of a folded frame, M mels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from search_spaces.clip import SAMPLE_RATE_HZ
from search_spaces.frontend_geometry import (
    DECIMATED_ROW,
    HIGHEST_OF_NYQUIST,
    LOWEST_HZ,
    FrontEndGeometry,
)

Weights = NDArray[np.float64]

DECIMATION_KAISER_BETA = 3.0

SHORTEST_FOLD = 32  # folding a frame further saves no time
SHORTEST_ROTATION = 64


@dataclass(frozen=True)
class DftGroup:
    """Bins of the DFT that one matrix product yields from one folded frame.

    Attributes:
        length: L, numbers of the folded frame.
        bins: bins of the N-point DFT; a negative one stands for its conjugate, of equal power.
        rotated: the folded frame is complex, L / 2 real parts followed by L / 2 negated imaginary
            ones (see `frontend._rotated`), else real.
    """

    length: int
    bins: tuple[int, ...]
    rotated: bool


def used_bins(geometry: FrontEndGeometry) -> list[int]:
    """Bins that lie in a band."""
    return [int(k) for k in np.flatnonzero(mel_filters(geometry).any(axis=0))]


@lru_cache(maxsize=128)
def dft_groups(geometry: FrontEndGeometry) -> tuple[DftGroup, ...]:
    """Split the bins by decimation in frequency (split radix: Duhamel and Hollmann, 1984).

    The sum of a frame's two halves holds its even bins, their difference its odd ones; so each
    fold halves the numbers that a bin is computed from. A long difference is turned into two
    complex frames of a quarter of its length, which again halves the products.

    Where bands are bins one fold is all (of the sums, where they are even bins), for odd and even
    ones need no other order than to alternate, and the product that would sort them takes longer
    than what more folds save.
    """
    bins, length, step = used_bins(geometry), geometry.dft_samples, 1
    if geometry.bin_step:
        return odd_and_even(bins, geometry)
    groups = []
    while length // 2 >= SHORTEST_FOLD:
        length //= 2
        odd = [k for k in bins if k % (2 * step) == step]
        if length >= SHORTEST_ROTATION:
            # k / step is 1, 3, 5 or 7 modulo 8; both k and -k may be taken, so make it 1 or 5
            turned = [k if k // step % 4 == 1 else -k for k in odd]
            for residue in (1, 5):
                chosen = tuple(k for k in turned if k // step % 8 == residue)
                groups.append(DftGroup(length // 2, chosen, rotated=True))
        else:
            groups.append(DftGroup(length, tuple(odd), rotated=False))
        step *= 2
    groups.append(DftGroup(length, tuple(k for k in bins if k % step == 0), rotated=False))
    return tuple(groups)


def odd_and_even(bins: Sequence[int], geometry: FrontEndGeometry) -> tuple[DftGroup, ...]:
    """The odd bins, then the even ones, of those that may be used, from one fold of the frame."""
    step = max(1, geometry.bin_step)
    return tuple(
        DftGroup(
            geometry.dft_samples // 2,
            tuple(k for k in bins if k // step % 2 == parity),
            rotated=False,
        )
        for parity in (1, 0)
    )


def dft_weights(group: DftGroup, geometry: FrontEndGeometry) -> Weights:
    """Real parts of the group's bins, then imaginary ones, then padding: [padded(2 K), L].

    Where bands are bins these are scaled as `mel_weights` scales the others.
    """
    samples = group.length // 2 if group.rotated else group.length
    angle = 2 * np.pi * np.outer(group.bins, np.arange(samples)) / geometry.window_samples
    cosine, sine = np.cos(angle), np.sin(angle)
    if geometry.bin_step:
        power = mel_filters(geometry)[:, group.bins].max(axis=0) / _full_power(geometry)
        cosine, sine = (part * np.sqrt(power)[:, None] for part in (cosine, sine))
    if group.rotated:
        weights = np.block([[cosine, -sine], [-sine, -cosine]])
    else:
        weights = np.concatenate([cosine, -sine])
    return pad_rows(weights)


def mel_weights(geometry: FrontEndGeometry) -> Weights:
    """Mel triangles over the groups' bins in their order, then their mean, then padding.

    Returns:
        [padded(M + 1), K], scaled so that the energies of all bins of both signs together are the
        mean square of the windowed signal.
    """
    order = [abs(k) for group in dft_groups(geometry) for k in group.bins]
    filters = mel_filters(geometry)[:, order]
    filters = filters / _full_power(geometry)
    return pad_rows(np.concatenate([filters, filters.mean(axis=0, keepdims=True)]))


def _full_power(geometry: FrontEndGeometry) -> float:
    """Power of all bins of both signs of a windowed signal whose mean square is 1."""
    return float((hann_window(geometry.window_samples) ** 2).sum() * geometry.window_samples)


@lru_cache(maxsize=128)
def mel_filters(geometry: FrontEndGeometry) -> Weights:
    """What of each bin lies in each band, [M, N / 2 + 1].

    Triangles of height 1 on Slaney's mel scale, or on a linear one; or single bins. At a decimated
    rate they also undo the decimating filter's response.
    """
    n = geometry.window_samples
    bins_hz = np.arange(n // 2 + 1) * geometry.rate_hz / n
    if geometry.bin_step:
        filters = np.zeros((geometry.mels, n // 2 + 1))
        bands = np.arange(geometry.mels)
        filters[bands, geometry.first_bin + geometry.bin_step * bands] = 1.0
    else:
        filters = _triangles(bins_hz, geometry)
    if geometry.decimation > 1:
        taps = decimation_taps(geometry)
        phase = 2j * np.pi / SAMPLE_RATE_HZ * np.outer(bins_hz, np.arange(len(taps)))
        response = np.abs(np.exp(-phase) @ taps) ** 2
        filters = np.where(filters > 0.0, filters / response, 0.0)
    return filters


def _triangles(bins_hz: Weights, geometry: FrontEndGeometry) -> Weights:
    lowest_hz, highest_hz = LOWEST_HZ, geometry.highest_hz
    if geometry.scale == "linear":
        edges_hz = np.linspace(lowest_hz, highest_hz, geometry.mels + 2)
    else:
        edges = np.linspace(hz_to_mel(lowest_hz), hz_to_mel(highest_hz), geometry.mels + 2)
        edges_hz = mel_to_hz(edges)
    rising = (bins_hz - edges_hz[:-2, None]) / np.diff(edges_hz)[:-1, None]
    falling = (edges_hz[2:, None] - bins_hz) / np.diff(edges_hz)[1:, None]
    triangles = np.minimum(rising, falling)
    return np.where(triangles > 1e-9, triangles, 0.0)  # a bin on an edge is not in the band


def hz_to_mel(frequency_hz: float) -> float:
    """Slaney's mel scale: linear below 1 kHz, logarithmic above (Auditory Toolbox, 1998)."""
    if frequency_hz < 1000.0:
        return 3.0 * frequency_hz / 200.0
    return 15.0 + 27.0 * math.log(frequency_hz / 1000.0) / math.log(6.4)


def mel_to_hz(mel: Weights) -> Weights:
    """Inverse of `hz_to_mel`."""
    logarithmic = 1000.0 * np.exp((mel - 15.0) * math.log(6.4) / 27.0)
    return np.where(mel < 15.0, 200.0 * mel / 3.0, logarithmic)


def hann_window(samples: int) -> Weights:
    """Periodic Hann window [samples]; its second half is 1 minus its first."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(samples) / samples)


def decimation_taps(geometry: FrontEndGeometry) -> Weights:
    """Kaiser-windowed sinc that passes what the bands lie in, unit gain at DC, [taps].

    One tap more than a row of samples: with its row and the next one, a product sees all of them.
    """
    half = geometry.decimation_row // 2
    offset = np.arange(-half, half + 1)
    taps = np.sinc(HIGHEST_OF_NYQUIST * geometry.rate_hz / SAMPLE_RATE_HZ * offset)
    taps *= np.kaiser(len(taps), DECIMATION_KAISER_BETA)
    return taps / taps.sum()


def decimation_weights(geometry: FrontEndGeometry) -> tuple[Weights, Weights]:
    """The taps as products of a row of samples and of the row after it, each [outputs, row]."""
    row, taps = geometry.decimation_row, decimation_taps(geometry)
    weights = np.zeros((DECIMATED_ROW, 2 * row))
    for output in range(DECIMATED_ROW):
        start = geometry.decimation * output
        weights[output, start : start + len(taps)] = taps
    return weights[:, :row], weights[:, row:]


def padded_rows(rows: int) -> int:
    """The next multiple of 16.

    XNNPACK's f32 product takes twice as long where 1 to 8 outputs are left over (measured:
    40 outputs 76 us, 48 outputs 46 us).
    """
    return rows + -rows % 16


def pad_rows(weights: Weights) -> Weights:
    """Zero rows up to `padded_rows`."""
    return np.pad(weights, ((0, padded_rows(len(weights)) - len(weights)), (0, 0)))
