"""`python -m deploy benchmark`: time bundles on this host and write `measurement.json`."""

from __future__ import annotations

import argparse
import datetime
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from deploy.benchmark_resume import Begun
from deploy.benchmark_table import benchmark_table
from deploy.bundle import MANIFEST, MODEL_FILES, Bundle, add_choice_arguments, choose_bundles
from deploy.device import NO_METER, charging, describe_device, governor, temperature_c
from deploy.engine import BACKEND, MOST_THREADS, RUNTIME_NAME, Engine
from deploy.measurement import MIN_RUNS, figure, latency_summary, write_measurement
from search_spaces.command_line import named_path, positive_whole_number, whole_number_within
from search_spaces.errors import UserError
from search_spaces.files import check_writable, refuse_input, sha256_file
from search_spaces.wandb_options import add_wandb_arguments, read_wandb_options
from search_spaces.wandb_run import check_online

HELP = "time bundles on this host, beside torch eager and what the core can do"
METHOD = (
    "the net, its front end, eager torch and a large product are timed in turns of 20 runs each"
    " after warm-up; batch 1, wall clock around the runtime's call"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    add_choice_arguments(parser)
    parser.add_argument(
        "--threads",
        type=whole_number_within(1, MOST_THREADS),
        default=1,
        help="default: %(default)s",
    )
    parser.add_argument(
        "--runs",
        type=positive_whole_number,
        default=MIN_RUNS,
        help=f"timed runs, at least {MIN_RUNS} (default: %(default)s)",
    )
    parser.add_argument(
        "--out",
        type=named_path,
        default=Path("measurements"),
        help="folder for <net>-<precision>.json, or for one measurement a name ending in .json"
        " (default: %(default)s)",
    )
    add_wandb_arguments(parser, include=True)


def run(args: argparse.Namespace) -> int:
    """Measure every bundle at every precision and print a table."""
    if args.runs < MIN_RUNS:
        raise UserError(f"--runs: got {args.runs}, expected at least {MIN_RUNS}")
    jobs = choose_bundles(args.bundle, args.precision)
    bundles = [bundle for bundle, _ in jobs]
    if args.out.suffix == ".json" and len(jobs) > 1:
        raise UserError(f"--out {args.out}: one file cannot hold {len(jobs)} measurements")
    paths = [_file(args.out, bundle, precision) for bundle, precision in jobs]
    files = [file for bundle in bundles for file in bundle.files]
    for path in paths:
        refuse_input(path, files, "bundles' files", "--out")
        check_writable(path, "--out")
    wandb = read_wandb_options(args, args.out.parent)
    check_online(wandb)
    begun = Begun(paths[0].parent, _settings(jobs, args))
    measured = []
    for number, ((bundle, precision), path) in enumerate(zip(jobs, paths, strict=True), start=1):
        title = f"{bundle.name} {precision} ({number}/{len(jobs)})"
        measurement = begun.measured(path)
        if measurement is not None:
            print(
                f"{title}: kept, measured at {measurement['created']} before this command was"
                f" killed or interrupted; to measure it anew, remove {path}",
                file=sys.stderr,
            )
        else:
            print(f"{title}: measuring", file=sys.stderr)
            measurement = measure_bundle(bundle, precision, args.threads, args.runs)
            write_measurement(path, measurement)
            begun.add(path)
        print(f"{summary(measurement)}\n  wrote {path}")
        measured.append(measurement)
    begun.end()
    if len(jobs) > 1:
        print(f"\n{benchmark_table(list(zip(bundles, measured, strict=True)))}")
    if wandb is not None:
        from deploy.wandb_measurement import log_measurements

        log_measurements(wandb, "benchmark", measured, bundles)
    return 0


def _file(out: Path, bundle: Bundle, precision: str) -> Path:
    return out if out.suffix == ".json" else out / f"{bundle.name}-{precision}.json"


def _settings(jobs: list[tuple[Bundle, str]], args: argparse.Namespace) -> dict[str, Any]:
    """What a measurement follows from besides the host's state at the time."""
    return {
        "measured": [_measured(bundle, precision) for bundle, precision in jobs],
        "device": describe_device(),
        "build": _build(),
        "threads": args.threads,
        "runs": args.runs,
    }


def _measured(bundle: Bundle, precision: str) -> dict[str, Any]:
    return {
        "name": bundle.name,
        "precision": precision,
        "model_sha256": bundle.manifest["files"][MODEL_FILES[precision]]["sha256"],
        "manifest_sha256": sha256_file(bundle.path / MANIFEST),
    }


def _build() -> dict[str, Any]:
    import torch

    return {
        "runtime": f"{RUNTIME_NAME} {version(RUNTIME_NAME)}",
        "backend": BACKEND,
        "kit": version("ersam-kit"),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def measure_bundle(bundle: Bundle, precision: str, threads: int, runs: int) -> dict[str, Any]:
    """One measurement, as its schema has it.

    Raises:
        UserError: the model's answers differ from the bundle's vectors beyond the tolerance.
    """
    import torch

    from deploy.fresh_process import METHOD as MEMORY_METHOD
    from deploy.fresh_process import measure as measure_fresh
    from deploy.references import ATTAINABLE_METHOD, references
    from deploy.timing import time_in_turns, warm_up

    before = temperature_c()
    torch.set_num_threads(1)
    engine = bundle.load(precision, threads)
    vectors = check_vectors(bundle, precision, engine)
    fresh = measure_fresh(bundle.model_path(precision), threads, bundle.clip_samples)
    clip = torch.from_numpy(bundle.vectors().inputs[:1])
    others = references(bundle, precision, threads, clip)
    subjects = {"net": lambda: engine.run_tensor(clip), **others.subjects}
    warmed = {name: warm_up(subject) for name, subject in subjects.items()}
    samples = time_in_turns(subjects, {"net": runs, **dict.fromkeys(others.subjects, MIN_RUNS)})
    median = {name: float(np.median(values)) for name, values in samples.items()}
    no_proc = "the system has no /proc to read it from"
    return {
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "bundle": _measured(bundle, precision),
        "device": describe_device(),
        "build": _build(),
        "threads": threads,
        "conditions": {
            "governor": governor(),
            "temperature_before_c": before,
            "temperature_after_c": temperature_c(),
            "charging": charging(),
        },
        "method": {
            "description": METHOD,
            "warm_up_runs": warmed["net"].runs,
            "warm_up_stable": warmed["net"].stable,
            "runs": runs,
        },
        "latency_ms": latency_summary(samples["net"]),
        "load_ms": figure(fresh["load_ms"]),
        "first_inference_ms": figure(fresh["first_inference_ms"]),
        "frontend": (
            {
                "latency_ms": latency_summary(samples["frontend"]),
                "share": median["frontend"] / median["net"],
            }
            if "frontend" in samples
            else {"reason": others.missing_reason}
        ),
        "eager": (
            {
                "latency_ms": latency_summary(samples["eager"]),
                "threads": 1,
                "speedup": median["eager"] / median["net"],
            }
            if "eager" in samples
            else {"reason": others.missing_reason}
        ),
        "throughput": _throughput(
            bundle.manifest["costs"]["macs"],
            median["net"],
            others.attainable_macs / median["attainable"] * 1e3,
            ATTAINABLE_METHOD,
        ),
        "memory": {
            "peak_rss_bytes": figure(fresh["peak_rss_bytes"], no_proc),
            "model_bytes": figure(fresh["model_bytes"], no_proc),
            "method": MEMORY_METHOD,
        },
        "energy": {"value_mj": None, "method": None, "reason": NO_METER},
        "vectors": vectors,
    }


def check_vectors(bundle: Bundle, precision: str, engine: Engine) -> dict[str, Any]:
    """Run the bundle's vectors.

    Raises:
        UserError: the largest difference is beyond the bundle's tolerance.
    """
    vectors = bundle.vectors()
    difference = float(np.abs(engine.run_many(vectors.inputs) - vectors.expected[precision]).max())
    tolerance = bundle.tolerance(precision)
    if not difference <= tolerance:
        raise UserError(
            f"{bundle.path}: {precision} differs from its vectors by {difference:.2g}, allowed"
            f" {tolerance:g}; this runtime or machine computes something else, do not trust it"
        )
    return {"count": len(vectors.gain), "max_difference": difference, "tolerance": tolerance}


def summary(measurement: dict[str, Any]) -> str:
    """Two lines for the terminal."""
    latency, frontend = measurement["latency_ms"], measurement["frontend"]
    eager, throughput = measurement["eager"], measurement["throughput"]
    rss = measurement["memory"]["peak_rss_bytes"]["value"]
    parts = [
        f"{measurement['bundle']['name']} {measurement['bundle']['precision']}:"
        f" p50 {latency['p50']:.3f} ms, p90 {latency['p90']:.3f}, p99 {latency['p99']:.3f}"
        f" ({measurement['method']['runs']} runs, threads {measurement['threads']})\n ",
        f"load {measurement['load_ms']['value']:.1f} ms,",
        f"first {measurement['first_inference_ms']['value']:.1f} ms,",
        f"front end {100 * frontend['share']:.0f} %," if "share" in frontend else "",
        f"{eager['speedup']:.1f} x eager," if "speedup" in eager else "",
        f"{throughput['macs_per_s'] / 1e9:.1f} of"
        f" {throughput['attainable_macs_per_s'] / 1e9:.1f} GMAC/s,",
        f"peak RSS {rss / 1e6:.0f} MB" if rss else "peak RSS unknown",
    ]
    return " ".join(part for part in parts if part)


def _throughput(
    macs: int, latency_ms: float, attainable_macs_per_s: float, method: str
) -> dict[str, Any]:
    macs_per_s = macs / latency_ms * 1e3
    return {
        "macs": macs,
        "macs_per_s": macs_per_s,
        "attainable_macs_per_s": attainable_macs_per_s,
        "attainable_method": method,
        "share": macs_per_s / attainable_macs_per_s,
    }
