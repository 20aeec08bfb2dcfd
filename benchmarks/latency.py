"""`python -m benchmarks.latency`: waveform to probabilities on one core, against the targets."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from benchmarks.machine import figure, write_result
from deploy.benchmark import measure_bundle, summary
from deploy.bundle import MODEL_FILES, Bundle, read_bundle
from search_spaces.command_line import CommandParser, positive_whole_number
from search_spaces.errors import UserError, run_command

MODELS_FOLDER = Path("models")
TARGET_PARAMS = "<= 100 k"
# Aims of nets of few labels, and of those trained with all labels (models/README.md)
FEW_LABELS = 500
TARGET_MS, TARGET_ALL_LABELS_MS = {"fp32": 1.5, "int8": 0.9}, {"int8": 0.5}
TARGET_INT8_KB = 150  # of few labels alone
RUNS = 1_000


def main() -> int:
    """Measure every bundle at every precision that it holds, with one thread."""
    parser = CommandParser(prog="python -m benchmarks.latency", description=__doc__)
    parser.add_argument(
        "--bundle", nargs="+", type=Path, help=f"default: those in {MODELS_FOLDER}/"
    )
    parser.add_argument(
        "--runs", type=positive_whole_number, default=RUNS, help="default: %(default)s"
    )
    parser.add_argument("--out", type=Path, help="default: docs/results/latency.json")
    return run_command(lambda: _run(parser.parse_args()))


def _run(args: argparse.Namespace) -> int:
    bundles = [read_bundle(path) for path in args.bundle or _shipped_bundles()]
    figures, details = [], {}
    for bundle in bundles:
        params_k = bundle.manifest["costs"]["params"] / 1000
        figures.append(figure(f"{bundle.name}: parameters", params_k, "k", target=TARGET_PARAMS))
        for precision in bundle.precisions:
            measurement = measure_bundle(bundle, precision, threads=1, runs=args.runs)
            print(summary(measurement), file=sys.stderr)
            figures += _figures(bundle, precision, measurement)
            details[f"{bundle.name} {precision}"] = measurement
    path = write_result("latency", "python -m benchmarks.latency", figures, details, args.out)
    for row in figures:
        target = f" (target {row['target']})" if row["target"] else ""
        print(f"{row['name']}: {row['value']:.4g} {row['unit']}{target}")
    print(path)
    return 0


def _shipped_bundles() -> list[Path]:
    folders = sorted(path.parent for path in MODELS_FOLDER.glob("*/manifest.json"))
    if not folders:
        raise UserError(f"{MODELS_FOLDER}/: holds no bundle; give one with --bundle")
    return folders


def aims(bundle: Bundle, precision: str) -> tuple[str | None, str | None]:
    """Aims of a bundle's latency and of its file's size; None without one."""
    record = bundle.manifest["training"].get("record") or {}
    few = (record.get("labelled_clips") or 0) <= FEW_LABELS
    limit_ms = (TARGET_MS if few else TARGET_ALL_LABELS_MS).get(precision)
    return (
        None if limit_ms is None else f"< {limit_ms} ms",
        f"<= {TARGET_INT8_KB} kB" if few and precision == "int8" else None,
    )


def _figures(bundle: Bundle, precision: str, measurement: dict[str, Any]) -> list[dict[str, Any]]:
    title = f"{bundle.name}, {precision}"
    latency, throughput = measurement["latency_ms"], measurement["throughput"]
    size_kb = bundle.manifest["files"][MODEL_FILES[precision]]["bytes"] / 1000
    aim_ms, aim_kb = aims(bundle, precision)
    rows = [
        figure(
            f"{title}: waveform to level, one core, median",
            latency["p50"],
            "ms",
            target=aim_ms,
        ),
        figure(f"{title}: the same, p99", latency["p99"], "ms"),
        figure(
            f"{title}: size of the file",
            size_kb,
            "kB",
            target=aim_kb,
        ),
        figure(f"{title}: MAC/s of what the core can do", 100 * throughput["share"], "%"),
    ]
    if "share" in measurement["frontend"]:
        rows.append(figure(f"{title}: front end", 100 * measurement["frontend"]["share"], "%"))
    if "speedup" in measurement["eager"]:
        rows.append(figure(f"{title}: torch eager takes", measurement["eager"]["speedup"], "times"))
    return rows


if __name__ == "__main__":
    sys.exit(main())
