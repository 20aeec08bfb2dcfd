"""Waveform to log-mel features by matrix products alone, so that XNNPACK runs all of it.

Letters: B batch, T samples, N samples of a window, F frames, L numbers of a folded frame,
K bins of the DFT, M mels.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from search_spaces.clip import CLIP_SAMPLES
from search_spaces.frontend_geometry import DECIMATED_ROW, FrontEndGeometry
from search_spaces.frontend_weights import (
    SHORTEST_FOLD,
    SHORTEST_ROTATION,
    Weights,
    decimation_weights,
    dft_groups,
    dft_weights,
    hann_window,
    mel_weights,
)

# Energies are compared with the clip's mean: RELATIVE_FLOOR of it (-40 dB) counts as silence.
RELATIVE_FLOOR = 1e-4
# A mean energy per mel band below this (white noise of about -87 dBFS) fades to digital silence.
ABSOLUTE_FLOOR = 3e-11


class LogMelFrontEnd(nn.Module):
    """Log-mel features that say nothing of the clip's level.

    The weights are fixed and no part of the state dict. In eager mode it runs on any device and
    batch; lowered, XNNPACK takes all of it (docs/frontend.md: what else was measured).

    Args:
        rate_hz, hop_ms, window_ms, mels, clip_samples, scale: see `FrontEndGeometry`.

    Raises:
        UserError: a value that is not allowed.
    """

    def __init__(
        self,
        rate_hz: int = 8_000,
        hop_ms: int = 16,
        window_ms: int = 32,
        mels: int = 40,
        clip_samples: int = CLIP_SAMPLES,
        scale: str = "mel",
    ) -> None:
        super().__init__()
        geometry = FrontEndGeometry(rate_hz, hop_ms, window_ms, mels, clip_samples, scale)
        self.geometry = geometry
        n = geometry.window_samples
        window = hann_window(n)[: n // 2]
        self._constant("window", window)
        if geometry.dft_samples < n:
            self._constant("falling", 1.0 - window)
        groups = dft_groups(geometry)
        self.bin_counts = tuple(len(group.bins) for group in groups)
        for index, group in enumerate(groups):
            self._constant(f"dft_{index}", dft_weights(group, geometry))
        if geometry.bin_step:
            self._constant("mean", np.full((1, geometry.mels // 2), 1 / geometry.mels))
        else:
            self._constant("mel", mel_weights(geometry))
        self._constant("average", np.full((1, geometry.frames), RELATIVE_FLOOR / geometry.frames))
        self._constant("floor", np.array([RELATIVE_FLOOR * ABSOLUTE_FLOOR]))
        if geometry.decimation > 1:
            here, following = decimation_weights(geometry)
            self._constant("taps_here", here)
            self._constant("taps_following", following)

    def _constant(self, name: str, value: Weights) -> None:
        tensor = torch.from_numpy(np.ascontiguousarray(value, dtype=np.float32))
        self.register_buffer(name, tensor.clone(), persistent=False)

    @property
    def frames(self) -> int:
        """Frames of a clip."""
        return self.geometry.frames

    def output_shape(self) -> tuple[int, int, int]:
        """Shape of one clip's features: (1, mels, frames)."""
        return (1, self.geometry.mels, self.geometry.frames)

    def forward(self, waveform: Tensor) -> Tensor:
        """Features of clips, in float32 also under autocast.

        Args:
            waveform: float32 [B, T] at 16 kHz.

        Returns:
            float32 [B, 1, mels, frames]: ``log(1 + e / (RELATIVE_FLOOR * mean(e)))`` of the mel
            energies e; 0 for silence (so zero padding means silence), 9.2 at the clip's mean.

        Raises:
            ValueError: the waveform is not [B, clip_samples].
        """
        samples = self.geometry.clip_samples
        if waveform.dim() != 2 or waveform.shape[1] != samples:
            shape = list(waveform.shape)
            raise ValueError(f"waveform is {shape}, allowed: [batch, {samples}]")
        device = waveform.device.type
        if torch.is_autocast_enabled(device):
            with torch.autocast(device, enabled=False):
                return self.forward(waveform.float())
        mel, mean = self._mel_and_mean(waveform)
        level = functional.linear(mean, self.get_buffer("average"), self.get_buffer("floor"))
        return torch.log(mel / level + 1.0).reshape(-1, *self.output_shape())

    def mel_energy(self, waveform: Tensor) -> Tensor:
        """Energies of the mel bands.

        Args:
            waveform: float32 [B, T] at 16 kHz.

        Returns:
            float32 [B, mels, frames]; all bins of both signs together hold the mean square.
        """
        return self._mel_and_mean(waveform)[0]

    def _mel_and_mean(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        """Energies of the mel bands [B, M, F] and their mean over the bands [B, 1, F]."""
        power = self._power(*self._half_frames(self._decimate(waveform)))
        if self.geometry.bin_step:
            return self._alternating(*power)
        mels = self.geometry.mels
        energy = functional.linear(torch.cat(power, 2), self.get_buffer("mel")).transpose(1, 2)
        return energy[:, :mels], energy[:, mels : mels + 1]

    def _alternating(self, odd: Tensor, even: Tensor) -> tuple[Tensor, Tensor]:
        """As `_mel_and_mean`, from the power of odd and of even bins, each [B, F, M / 2]."""
        weights = self.get_buffer("mean")  # the same for both, which need not be joined for it
        mean = functional.linear(odd, weights) + functional.linear(even, weights)
        pair = (odd, even) if self.geometry.odd_first else (even, odd)
        # Each is transposed before they alternate: the other way round takes twice as long
        energy = torch.stack([power.transpose(1, 2) for power in pair], dim=2)
        return energy.reshape(len(odd), self.geometry.mels, -1), mean.transpose(1, 2)

    def _decimate(self, waveform: Tensor) -> Tensor:
        """The waveform at the front end's rate, [B, samples]."""
        if self.geometry.decimation == 1:
            return waveform
        rows = waveform.reshape(len(waveform), -1, self.geometry.decimation_row)
        here = functional.linear(rows, self.get_buffer("taps_here"))
        following = functional.linear(rows, self.get_buffer("taps_following"))
        # No more than the frames need, or what is left over would be cut off by another copy
        rows_kept = min(here.shape[1] - 1, -(-self.geometry.framed_samples // DECIMATED_ROW))
        samples = here[:, :rows_kept] + following[:, 1 : rows_kept + 1]
        return samples.reshape(len(waveform), -1)

    def _half_frames(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """The frames' first and second halves, windowed, each [B, F, N / 2].

        Even bins alone are the bins of the halves' sum, a polyphase filter bank (Crochiere and
        Rabiner, *Multirate Digital Signal Processing*, 1983, section 7.2): the halves of that sum
        then, each [B, F, N / 4].
        """
        length = self.geometry.framed_samples
        missing = length - samples.shape[1]
        if missing > 0:
            samples = functional.pad(samples, (0, missing))
        elif missing < 0:  # a slice of everything would split the delegate
            samples = samples[:, :length]
        rows = samples.reshape(len(samples), -1, self.geometry.hop_samples)
        half = self.geometry.window_samples // 2
        window = self.get_buffer("window")
        if self.geometry.dft_samples < self.geometry.window_samples:
            return self._halves_summed(rows, 0), self._halves_summed(rows, half // 2)
        second = self._columns(rows, half, half)
        # Not times `falling`, as in `_halves_summed`: nets are trained on these very roundings.
        return self._columns(rows, 0, half) * window, second - second * window

    def _halves_summed(self, rows: Tensor, start: int) -> Tensor:
        """A quarter of a frame from ``start`` on plus that half a frame later, windowed."""
        half = self.geometry.window_samples // 2
        first, second = (self._columns(rows, start + part, half // 2) for part in (0, half))
        window, falling = (
            self.get_buffer(name)[start : start + half // 2] for name in ("window", "falling")
        )
        return first * window + second * falling

    def _columns(self, rows: Tensor, start: int, length: int) -> Tensor:
        """``length`` samples of every frame from ``start`` on, [B, F, length].

        Args:
            rows: [B, hops, hop].
            start: in the frame.
            length: at least one.
        """
        hop, stop = self.geometry.hop_samples, start + length
        pieces = []
        while start < stop:
            row, column = divmod(start, hop)
            width = min(stop - start, hop - column)
            piece = rows[:, row : row + self.geometry.frames, column : column + width]
            pieces.append(piece)
            start += width
        return pieces[0] if len(pieces) == 1 else torch.cat(pieces, dim=2)

    def _power(self, first: Tensor, second: Tensor) -> list[Tensor]:
        """Power of the used bins by group (see `dft_groups`), each [B, F, K], from the halves."""
        power = []
        for parts, count in zip(self._parts(first, second), self.bin_counts, strict=True):
            squares = parts * parts
            power.append(squares[..., :count] + squares[..., count : 2 * count])
        return power

    def _parts(self, first: Tensor, second: Tensor) -> list[Tensor]:
        """Real and imaginary parts of the bins by group, each [B, F, at least 2 K]."""
        once = self.geometry.bin_step > 0
        frames = [first - second, first + second] if once else _folded(first, second)
        return [
            functional.linear(frame, self.get_buffer(f"dft_{index}"))
            for index, frame in enumerate(frames)
        ]


def _folded(first: Tensor, second: Tensor) -> list[Tensor]:
    """Folded frames in the order of `dft_groups`, from the frames' halves [B, F, N / 2]."""
    frames = []
    while True:
        total, difference = first + second, first - second
        length = total.shape[-1]
        frames += _rotated(difference) if length >= SHORTEST_ROTATION else [difference]
        if length // 2 < SHORTEST_FOLD:
            return [*frames, total]
        first, second = total[..., : length // 2], total[..., length // 2 :]


def _rotated(difference: Tensor) -> list[Tensor]:
    """Two complex frames of a quarter of the length, [B, F, L] -> twice [B, F, L / 2].

    With z[n] = x[n] - i x[n + L / 2], bins 1 modulo 4 are sums of z[n] W^(nk); folding z turns its
    second half by 45 degrees: z[n] +- exp(-i pi / 4) z[n + L / 4]. Real parts come first, then
    negated imaginary ones.
    """
    batch, frames, length = difference.shape
    halves = difference.reshape(batch, frames, 2, length // 2)
    early = halves[..., : length // 4]
    late = halves[..., length // 4 :] * math.sqrt(0.5)
    real, imaginary = late[:, :, :1], late[:, :, 1:]
    turned = torch.cat([real - imaginary, real + imaginary], dim=2)
    return [
        (early + turned).reshape(batch, frames, length // 2),
        (early - turned).reshape(batch, frames, length // 2),
    ]
