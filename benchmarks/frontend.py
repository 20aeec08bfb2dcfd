"""`python -m benchmarks.frontend`: the front end against plainer forms of it, lowered, one core."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import astuple
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.machine import describe_machine, figure, write_result
from benchmarks.summary import replace_section
from deploy.engine import Engine
from deploy.export import lower_program, ready_to_lower
from deploy.int8_frontend import Int8FrontEnd
from deploy.quiet import quiet
from deploy.timing import time_in_turns, warm_up
from search_spaces.clip import CLIP_SAMPLES, SAMPLE_RATE_HZ
from search_spaces.command_line import CommandParser, positive_whole_number
from search_spaces.errors import run_command
from search_spaces.files import atomic_path
from search_spaces.frontend import ABSOLUTE_FLOOR, RELATIVE_FLOOR, LogMelFrontEnd
from search_spaces.frontend_geometry import FrontEndGeometry
from search_spaces.frontend_weights import (
    DftGroup,
    dft_groups,
    dft_weights,
    hann_window,
    mel_filters,
    used_bins,
)

RUNS = 500
DOCS = Path("docs/frontend.md")  # its table is rewritten when the result is published


SETTINGS = (
    FrontEndGeometry(8_000, 32, 20, 20),
    FrontEndGeometry(8_000, 20, 20, 40),
    FrontEndGeometry(8_000, 32, 32, 40),
    FrontEndGeometry(8_000, 16, 32, 40),
    FrontEndGeometry(4_000, 40, 64, 64),
    FrontEndGeometry(4_000, 40, 64, 128),
    FrontEndGeometry(8_000, 20, 40, 128, scale="bins"),
    FrontEndGeometry(8_000, 16, 64, 112, scale="even_bins"),
    FrontEndGeometry(16_000, 20, 32, 40),
    FrontEndGeometry(16_000, 10, 32, 64),
)


class DenseDft(LogMelFrontEnd):
    """The same front end with the DFT as one matrix product: not factorised."""

    def __init__(self, *setting: Any) -> None:
        super().__init__(*setting)
        bins = tuple(abs(k) for group in dft_groups(self.geometry) for k in group.bins)
        whole = DftGroup(self.geometry.dft_samples, bins, rotated=False)
        weights = dft_weights(whole, self.geometry).astype(np.float32)
        self.register_buffer("dense", torch.from_numpy(weights), persistent=False)

    def _power(self, first: Tensor, second: Tensor) -> list[Tensor]:
        parts = functional.linear(torch.cat([first, second], dim=2), self.get_buffer("dense"))
        squares, count = parts * parts, sum(self.bin_counts)
        power = squares[..., :count] + squares[..., count : 2 * count]
        return list(power.split(self.bin_counts, dim=2))


class PlainStft(nn.Module):
    """A front end as nets usually have it: a convolution of one channel, a 1x1 one, a mean.

    At 8 kHz it takes the bins below 4 kHz of the waveform's own spectrum, and so needs no filter.
    """

    def __init__(self, *setting: Any) -> None:
        super().__init__()
        geometry = FrontEndGeometry(*setting)
        window_ms, hop_ms, mels = geometry.window_ms, geometry.hop_ms, geometry.mels
        bins = used_bins(geometry)
        n = SAMPLE_RATE_HZ * window_ms // 1000
        window = hann_window(n)
        angle = 2 * np.pi * np.outer(bins, np.arange(n)) / n
        weights = np.concatenate([np.cos(angle), np.sin(angle)]) * window
        filters = mel_filters(geometry)[:, bins] / ((window**2).sum() * n)
        self.stft = nn.Conv2d(
            1, len(weights), (1, n), (1, SAMPLE_RATE_HZ * hop_ms // 1000), bias=False
        )
        self.mel = nn.Conv2d(2 * len(bins), mels, 1, bias=False)
        self.average = nn.Conv2d(mels, 1, 1, bias=False)
        nn.init.constant_(self.average.weight, 1 / mels)
        self.stft.weight.data = torch.tensor(weights, dtype=torch.float32)[:, None, None]
        self.mel.weight.data = torch.tensor(np.tile(filters, 2), dtype=torch.float32)[
            ..., None, None
        ]

    def forward(self, waveform: Tensor) -> Tensor:
        """Waveform [1, T] -> features [1, mels, 1, frames]."""
        parts = self.stft(waveform.reshape(-1, 1, 1, waveform.shape[1]))
        energy = self.mel(parts * parts)
        mean = self.average(energy.mean(dim=(2, 3), keepdim=True))
        return torch.log(energy / (RELATIVE_FLOOR * (mean + ABSOLUTE_FLOOR)) + 1.0)


class KeptInt8(Int8FrontEnd):
    """What an int8 file holds."""

    def __init__(self, *setting: Any) -> None:
        super().__init__(LogMelFrontEnd(*setting))


VARIANTS = {
    "kept": LogMelFrontEnd,
    "kept, int8": KeptInt8,
    "one DFT product": DenseDft,
    "STFT convolution": PlainStft,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Lower every variant at every setting, time them in turns, print a table, write JSON."""
    parser = CommandParser(prog="python -m benchmarks.frontend", description=__doc__)
    parser.add_argument(
        "--runs", type=positive_whole_number, default=RUNS, help="default: %(default)s"
    )
    parser.add_argument("--out", type=Path, help="default: docs/results/frontend.json")
    return run_command(lambda: _run(parser.parse_args(arguments)))


def _run(args: argparse.Namespace) -> int:
    medians_ms: dict[tuple[FrontEndGeometry, str], float] = {}
    details: dict[str, dict[str, Any]] = {}
    for setting in track(SETTINGS, "settings", console=Console(stderr=True)):
        for variant, measured in _measure(setting, args.runs).items():
            medians_ms[setting, variant] = measured["ms_min_p25_p50_p75"][2]
            details[f"{_title(setting)}, {variant}"] = measured
    figures = [
        figure(
            f"front end alone, {_title(setting)}, one core, median",
            medians_ms[setting, "kept"],
            "ms",
        )
        for setting in SETTINGS
    ]
    path = write_result("frontend", "python -m benchmarks.frontend", figures, details, args.out)
    table = _table(medians_ms)
    print(table)
    print(path)
    if args.out is None:
        with atomic_path(DOCS) as temporary:
            text = replace_section(DOCS.read_text(encoding="utf-8"), table)
            temporary.write_text(text, encoding="utf-8")
        print(DOCS)
    return 0


def _title(setting: FrontEndGeometry) -> str:
    scale = setting.scale.replace("_", " ") if setting.bin_step else "mels"
    return (
        f"{setting.rate_hz // 1000} kHz, {setting.hop_ms}/{setting.window_ms} ms,"
        f" {setting.mels} {scale}"
    )


def _measure(setting: FrontEndGeometry, runs: int) -> dict[str, dict[str, Any]]:
    """Size, MACs and quartiles of the time of every variant, timed in turns."""
    waveform = 0.1 * torch.randn(1, CLIP_SAMPLES, generator=torch.Generator().manual_seed(0))
    subjects: dict[str, Callable[[], object]] = {}
    measured: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for variant, module in VARIANTS.items():
            path = Path(folder) / f"{variant}.pte"
            with quiet():
                lowered = lower_program(ready_to_lower(module(*astuple(setting))), waveform)
            path.write_bytes(lowered.program)
            subjects[variant] = partial(Engine(path).run_tensor, waveform)
            warm_up(subjects[variant])
            measured[variant] = {
                "delegated_share_of_macs": lowered.delegation.share,
                "macs": lowered.delegation.macs,
                "bytes": len(lowered.program),
            }
        samples_ms = time_in_turns(subjects, dict.fromkeys(subjects, runs))
    for variant, values in samples_ms.items():
        quartiles = np.percentile(values, [0, 25, 50, 75])
        measured[variant]["ms_min_p25_p50_p75"] = quartiles.round(4).tolist()
    return measured


def _table(medians_ms: dict[tuple[FrontEndGeometry, str], float]) -> str:
    """Medians in ms as a Markdown table, a setting a row, with machine and date."""
    machine = describe_machine()
    rows = ["| | " + " | ".join(VARIANTS) + " |", "|---" * (len(VARIANTS) + 1) + "|"]
    for setting in SETTINGS:
        cells = (f"{medians_ms[setting, variant]:.3f}" for variant in VARIANTS)
        rows.append(f"| {_title(setting)} | " + " | ".join(cells) + " |")
    version = machine["versions"]["executorch"]
    return "\n".join([*rows, "", f"{machine['cpu']}, ExecuTorch {version}, {machine['date']}."])


if __name__ == "__main__":
    sys.exit(main())
