"""`python -m benchmarks.accuracy`: a bundle's error on test readers, at any input level.

Letters: N clips, T samples, K counts.
"""

from __future__ import annotations

import argparse
import math
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks.machine import figure, write_result
from deploy.bundle import DEFAULT_BUNDLE, Bundle, read_bundle
from lightning_modules.audio import from_pcm16
from lightning_modules.mixtures import Mixtures
from lightning_modules.mixtures_open import PROTOCOLS, open_mixtures, parts_of
from lightning_modules.sources_cache import prepare_speech
from search_spaces.command_line import CommandParser, positive_whole_number, whole_number
from search_spaces.errors import run_command
from search_spaces.metrics import Estimate, Evaluation, evaluate

INPUT_LEVELS_DBFS = (-50.0, -25.0, 0.0)  # of the clip's peak
Targets = tuple[str | None, str | None, str | None, str | None]
NO_TARGETS: Targets = (None, None, None, None)
TARGETS: dict[str, tuple[tuple[float, Targets], ...]] = {  # by protocol and up to so many labels
    "libricount": (
        (25, ("<= 7 %", None, None, None)),
        (100, ("<= 4.5 %", None, None, None)),
        (500, ("<= 5 %", "<= 0.40", "<= 5 %", "<= 0.40")),
        (math.inf, ("<= 2.5 %", "<= 0.27", None, None)),
    ),
    "rooms": (
        (25, ("<= 16 %", None, None, None)),
        (100, ("<= 11 %", None, None, None)),
        (500, NO_TARGETS),
        (math.inf, ("<= 6 %", "<= 0.55", None, None)),
    ),
}


def main(argv: Sequence[str]) -> int:
    """Judge every precision at every input level, print, and write the result file."""
    options = _parser().parse_args(argv)
    bundle = read_bundle(options.bundle)
    speech = prepare_speech(options.speech, options.cache)
    mixtures = open_mixtures(speech, options.protocol, options.seed, "test", cache=options.cache)
    figures, details = [], {"speech": speech.summary(), "clips": options.clips}
    for precision in bundle.precisions:
        title = f"{bundle.name}, {precision}, {options.protocol}"
        judged = {
            level: judge(bundle, precision, mixtures, options.clips, level)
            for level in (None, *INPUT_LEVELS_DBFS)
        }
        figures += _figures(title, judged, targets(bundle, options.protocol))
        for level, evaluation in judged.items():
            where = "random levels" if level is None else f"peak {level:g} dBFS"
            details[f"{title}, {where}"] = {
                "level_error": evaluation.level_error.to_json(),
                "mae": evaluation.mae.to_json(),
                "exact_accuracy": evaluation.exact_accuracy.to_json(),
                "ece": evaluation.ece,
            }
    for row in figures:
        target = f" (target {row['target']})" if row["target"] else ""
        print(f"{row['name']}: {row['value']:.3g} {row['unit']}{target}")
    command = shlex.join(["python", "-m", "benchmarks.accuracy", *argv])
    name = f"accuracy_{options.protocol}_{bundle.path.name}"
    print(write_result(name, command, figures, details, options.out))
    return 0


def judge(
    bundle: Bundle, precision: str, mixtures: Mixtures, number: int, level_dbfs: float | None
) -> Evaluation:
    """Metrics of clips 0..``number``-1 through ExecuTorch.

    Args:
        level_dbfs: peak that every clip is brought to, as float, so that nothing is lost on the
            way; None leaves the protocol's random level.
    """
    engine = bundle.load(precision)
    counts = np.empty(number, np.int64)
    probabilities = []
    for index in tqdm(range(number), f"{precision}, {level_dbfs or 'random'}", leave=False):
        clip = mixtures[index]
        counts[index] = int(clip.count)
        probabilities.append(engine.run(at_level(from_pcm16(clip.samples), level_dbfs)))
    return evaluate(np.stack(probabilities), counts, counts, bundle.levels)


def at_level(waveform: NDArray[np.float32], level_dbfs: float | None) -> NDArray[np.float32]:
    """float32 [T] with its peak at ``level_dbfs``; digital silence stays."""
    peak = float(np.abs(waveform).max())
    if level_dbfs is None or peak == 0:
        return waveform
    return waveform * np.float32(10 ** (level_dbfs / 20) / peak)


def targets(bundle: Bundle, protocol: str) -> Targets:
    """The aims for level error and MAE, and for both at any input level, by the label budget.

    None of a net that was trained under another protocol, or on synthetic voices.
    """
    record = bundle.manifest["training"]["record"] or {}
    synthetic = record.get("speech", {}).get("kind") == "espeak"
    if synthetic or protocol not in parts_of(record.get("protocol", "")):
        return NO_TARGETS
    labelled = record["labelled_clips"]
    return next((aims for most, aims in TARGETS.get(protocol, ()) if labelled <= most), NO_TARGETS)


def _figures(
    title: str, judged: Mapping[float | None, Evaluation], aims: Targets
) -> list[dict[str, object]]:
    """At random levels with the intervals, and the worst of the fixed levels."""
    error, low, high = (100 * value for value in _settled(judged[None].level_error))
    mae, mae_low, mae_high = _settled(judged[None].mae)
    fixed = [judged[level] for level in INPUT_LEVELS_DBFS]
    worst_error = max(100 * _settled(evaluation.level_error)[0] for evaluation in fixed)
    worst_mae = max(_settled(evaluation.mae)[0] for evaluation in fixed)
    at = f"worst of peaks at {', '.join(f'{level:g}' for level in INPUT_LEVELS_DBFS)} dBFS"
    return [
        figure(f"{title}: level error ({low:.1f} to {high:.1f})", error, "%", aims[0]),
        figure(f"{title}: MAE ({mae_low:.2f} to {mae_high:.2f})", mae, "", aims[1]),
        figure(f"{title}, {at}: level error", worst_error, "%", aims[2]),
        figure(f"{title}, {at}: MAE", worst_mae, "", aims[3]),
    ]


def _settled(estimate: Estimate) -> tuple[float, float, float]:
    """Value and interval; clips with exact counts, as here, settle every metric."""
    if estimate.value is None or estimate.low is None or estimate.high is None:
        raise ValueError(f"no clip settles the metric: {estimate}")
    return estimate.value, estimate.low, estimate.high


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("--speech", required=True, help="as for `lightning_modules`")
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE, help="default: %(default)s")
    parser.add_argument("--protocol", choices=PROTOCOLS, default="libricount")
    parser.add_argument("--clips", type=positive_whole_number, default=1100)
    parser.add_argument("--seed", type=whole_number, default=0)
    parser.add_argument("--cache", help="folder of prepared speech and rooms")
    parser.add_argument("--out", type=Path, help="result file, default in docs/results/")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(lambda: main(sys.argv[1:])))
