"""`python -m benchmarks.ranking`: which statistic on the validation clips ranks subnets best.

Random subnets of a trained supernet are judged on the clips that a search has and on many fresh
clips of the validation readers; the table gives the rank correlation between the two.

Letters: N clips, T samples, K counts.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from tqdm import tqdm

from benchmarks.machine import write_result
from lightning_modules.mixtures_open import PROTOCOLS, open_mixtures
from lightning_modules.sources_cache import prepare_speech
from search_spaces.ambiance import AmbianceLevels
from search_spaces.architecture import random_architecture
from search_spaces.clips_file import read_clips, to_float32
from search_spaces.command_line import CommandParser, positive_whole_number, whole_number
from search_spaces.errors import run_command
from search_spaces.judge import SubnetJudge
from search_spaces.net import AmbianceNet
from search_spaces.ranking import ranked_probability_score
from search_spaces.supernet_file import read_supernet
from search_spaces.task_counts import CountsTask

_BATCH = 64
LEVELS = AmbianceLevels()

Statistic = Callable[[NDArray[np.float64], NDArray[np.int64]], float]


def level_error(probabilities: NDArray[np.float64], counts: NDArray[np.int64]) -> float:
    """Share of N clips whose level, decided from [N, K], is not that of the count [N]."""
    return float((LEVELS.decide(probabilities).levels != LEVELS.of_counts(counts)).mean())


def mae(probabilities: NDArray[np.float64], counts: NDArray[np.int64]) -> float:
    """Mean absolute error of the count decided from [N, K], in people."""
    return float(np.abs(LEVELS.decide(probabilities).counts - counts).mean())


def log_loss(probabilities: NDArray[np.float64], counts: NDArray[np.int64]) -> float:
    """Mean negative log probability that [N, K] gives to the count [N]."""
    right = probabilities[np.arange(len(counts)), counts]
    return float(-np.log(np.maximum(right, 1e-12)).mean())


STATISTICS: dict[str, Statistic] = {
    "level error": level_error,
    "MAE of the count": mae,
    "log loss of the count": log_loss,
    "ranked probability score": lambda p, counts: ranked_probability_score(p, counts, counts),
}


def main(argv: Sequence[str]) -> int:
    """Judge, correlate, print and write the result file."""
    options = _parser().parse_args(argv)
    supernet = read_supernet(options.checkpoint).supernet
    clips = read_clips(options.checkpoint.with_name("clips.npz"))
    judge = SubnetJudge(
        supernet, clips, CountsTask(LEVELS), ranking_clips=1, calibration_clips=1, seed=options.seed
    )
    speech = prepare_speech(options.speech, options.cache)
    mixtures = open_mixtures(
        speech, options.protocol, options.seed, "validation", cache=options.cache
    )
    fresh = [mixtures[index] for index in range(options.clips)]
    fresh_waveform = np.stack([clip.samples for clip in fresh])
    fresh_counts = np.array([int(clip.count) for clip in fresh])
    # Labels of sums may be intervals under `rooms`; what is compared here are labels that settle.
    exact = clips.validation_lo == clips.validation_hi
    sets = {
        "labelled": np.flatnonzero(clips.validation_original & exact),
        "labelled and sums": np.flatnonzero(exact),
    }
    rng = np.random.default_rng(options.seed)
    rows: list[dict[str, float]] = []
    for _ in tqdm(range(options.nets), "judging subnets"):
        net, _ = judge.final(random_architecture(supernet.spec, rng))
        seen = probabilities_of(net, clips.validation_waveform)
        row = {
            f"{name}, {where}": statistic(seen[index], clips.validation_lo[index])
            for where, index in sets.items()
            for name, statistic in STATISTICS.items()
        }
        unseen = probabilities_of(net, fresh_waveform)
        rows.append(
            {
                **row,
                "fresh level error": level_error(unseen, fresh_counts),
                "fresh MAE": mae(unseen, fresh_counts),
            }
        )
    found = correlations(rows)
    print(table(found))
    command = shlex.join(["python", "-m", "benchmarks.ranking", *argv])
    details = {"clips": {k: len(v) for k, v in sets.items()}, "spearman": found, "nets": rows}
    print(write_result("ranking", command, [], details, options.out))
    return 0


@torch.inference_mode()
def probabilities_of(net: AmbianceNet, waveform: NDArray[np.int16]) -> NDArray[np.float64]:
    """Count probabilities [N, K] of 16-bit clips [N, T]."""
    batches = (waveform[start : start + _BATCH] for start in range(0, len(waveform), _BATCH))
    logits = [net(torch.from_numpy(to_float32(batch))) for batch in batches]
    return torch.cat(logits).softmax(dim=1).double().numpy()


def correlations(rows: Sequence[dict[str, float]]) -> dict[str, dict[str, float | None]]:
    """Spearman's correlation of each statistic with each fresh error, over nets.

    None where one of them is the same for every net.
    """
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    targets = [name for name in columns if name.startswith("fresh")]
    return {
        name: {
            target: float(spearmanr(values, columns[target])[0])
            if np.ptp(values) and np.ptp(columns[target])
            else None
            for target in targets
        }
        for name, values in columns.items()
        if name not in targets
    }


def table(found: dict[str, dict[str, float | None]]) -> str:
    """The correlations as Markdown."""
    targets = list(next(iter(found.values())))
    lines = ["| statistic | " + " | ".join(targets) + " |", "|---" * (1 + len(targets)) + "|"]
    for name, values in found.items():
        shown = ("-" if values[target] is None else f"{values[target]:.2f}" for target in targets)
        cells = " | ".join(shown)
        lines.append(f"| {name} | {cells} |")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(prog="python -m benchmarks.ranking", description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True, help="supernet.pt of `fit`")
    parser.add_argument("--speech", required=True, help="that the supernet was trained on")
    parser.add_argument("--protocol", choices=PROTOCOLS, default="libricount")
    parser.add_argument("--nets", type=positive_whole_number, default=48)
    parser.add_argument("--clips", type=positive_whole_number, default=700, help="fresh ones")
    parser.add_argument("--seed", type=whole_number, default=77)
    parser.add_argument("--cache", help="folder of prepared speech and rooms")
    parser.add_argument("--out", type=Path, help="default: docs/results/ranking.json")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(lambda: main(sys.argv[1:])))
