"""A teacher of embeddings, whatever it is made of: sound in, one embedding per clip out.

B clips, T samples of a clip, L samples that the teacher hears at once, D dimensions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from search_spaces.clip import SAMPLE_RATE_HZ
from search_spaces.errors import UserError, one_line

_SAME = 1e-2  # of an embedding's length: its answers differ by less from one call to the next


@dataclass(frozen=True)
class Teacher:
    """An embedding of sound at 16 kHz.

    Attributes:
        name: for messages: where it comes from.
        answer: waveform float32 [B, L] to [B, D], to [B, frames, D], or to a tuple that begins with
            one of these.
        samples: L where the teacher takes no other; None for any.
        batch: clips that it takes at once; None for any number.
        sha256: of its weights.
        bytes: that its file has.
        try_samples: T of the clips that it will hear.
        layer: of a net of several, the one that answers; None for its end.

    Raises:
        UserError: on first use, if it hears more at once than a clip holds, cannot hear a clip,
            answers with no embedding, or with another one a second time or beside another clip.
    """

    name: str
    answer: Callable[[Tensor], Any]
    samples: int | None
    batch: int | None
    sha256: str
    bytes: int
    try_samples: int
    layer: int | None = None

    @property
    def identity(self) -> str:
        """Of its answers: the weights and the layer."""
        return self.sha256 if self.layer is None else f"{self.sha256}-layer-{self.layer}"

    @cached_property
    def dimensions(self) -> int:
        """D, told by the embedding of a faint noise, which must be the same a second time.

        And the same beside another clip: what batch norm says while it trains depends on both.
        """
        both = torch.randn(2, self.try_samples, generator=torch.Generator().manual_seed(0))
        noise, loud = 0.01 * both[:1], 0.3 * both[1:]
        first, second = self.embed(noise), self.embed(noise)
        if (second - first).norm() > _SAME * first.norm():
            raise UserError(
                f"{self.name}: answers the same clip otherwise a second time, as with dropout; call"
                " its eval() and export it anew"
            )
        beside = self.embed(torch.cat([noise, loud]))[:1]
        if (beside - first).norm() > _SAME * first.norm():
            raise UserError(
                f"{self.name}: answers a clip otherwise beside another one, as batch norm does"
                " while it trains; call its eval() and export it anew"
            )
        return first.shape[1]

    @torch.no_grad()
    def embed(self, waveform: Tensor) -> Tensor:
        """The average embedding over each clip (Peplinski et al. 2021): its frames'
        and, where a clip is longer than the teacher hears at once, that of stretches that cover it.

        Args:
            waveform: float32 [B, T].

        Returns:
            float32 [B, D].
        """
        samples = self.samples or waveform.shape[1]
        starts = stretches(waveform.shape[1], samples, self.name)
        answers = [self._answers(waveform[:, start : start + samples]) for start in starts]
        return torch.stack(answers).mean(dim=0)

    def _answers(self, waveform: Tensor) -> Tensor:
        return torch.cat([self._one(clips) for clips in waveform.split(self.batch or 1 << 30)])

    def _one(self, clips: Tensor) -> Tensor:
        padded = clips
        if self.batch is not None and len(clips) < self.batch:
            padded = torch.cat([clips, clips[:1].expand(self.batch - len(clips), -1)])
        try:
            said = self.answer(padded)
        except (RuntimeError, AssertionError, TypeError) as error:
            raise UserError(
                f"{self.name}: cannot hear a waveform {list(padded.shape)}"
                f" ({one_line(str(error))[:200]}); expected an embedding of [clips, samples]"
            ) from None
        return self._checked(said, len(padded))[: len(clips)]

    def _checked(self, said: Any, clips: int) -> Tensor:
        tensor = said[0] if isinstance(said, tuple | list) and said else said
        if not isinstance(tensor, Tensor) or tensor.dim() not in (2, 3) or len(tensor) != clips:
            found = list(tensor.shape) if isinstance(tensor, Tensor) else type(tensor).__name__
            raise UserError(
                f"{self.name}: answers {clips} clips with {found}, expected"
                f" [{clips}, dimensions] or [{clips}, frames, dimensions]"
            )
        embedding = tensor.float().cpu()
        embedding = embedding.mean(dim=1) if embedding.dim() == 3 else embedding
        if not embedding.isfinite().all():
            raise UserError(f"{self.name}: its embedding of a clip is not finite; it cannot teach")
        return embedding


def stretches(clip: int, samples: int, name: str) -> list[int]:
    """Where stretches of ``samples`` begin that cover a clip, the last one at its end.

    Raises:
        UserError: a stretch is longer than the clip.
    """
    if samples > clip:
        raise UserError(
            f"{name}: hears {samples} samples at once, a clip has {clip}; give model.space of"
            " longer clips, or a teacher of shorter ones"
        )
    starts = list(range(0, clip - samples + 1, samples))
    return starts if starts[-1] + samples == clip else [*starts, clip - samples]


def check_rate(name: str, rate_hz: int | None, option: str) -> None:
    """Refuse a teacher that does not hear 16 kHz; ``option`` can say the rate.

    Raises:
        UserError: it says another rate, or none.
    """
    if rate_hz is None:
        raise UserError(
            f"{name}: does not say at which rate it hears; give --{option.removeprefix('--')},"
            " or save it with teacher.json (docs/embedding.md)"
        )
    if rate_hz != SAMPLE_RATE_HZ:
        raise UserError(
            f"{name}: hears {rate_hz} Hz, the kit's sound has {SAMPLE_RATE_HZ} Hz; put a resampler"
            " in front of it and export it anew"
        )
