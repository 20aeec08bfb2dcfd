"""`python -m benchmarks.phone`: what the tool adds to the phone's own time, on a loopback phone."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.machine import figure, write_result
from deploy.bundle import read_bundle
from deploy.phone_job import ENERGY, LATENCY, MEMORY, build_job, bundle_model
from deploy.phone_result import measurements, read_result
from search_spaces.command_line import CommandParser
from search_spaces.errors import UserError, run_command
from tests.deploy.phone_device.device import PhoneDevice
from tests.deploy.phone_device.fixtures import write_runner
from tests.deploy.phone_device.runners import ScriptedRunner
from tests.deploy.phone_device.scripted import scripted_result
from tests.deploy.phone_device.server import own_adb_server

BUNDLE = Path("models/sam")
PHONE_S = 1.0
REPEATS = 5
SAMPLES = 2_000
TARGET_OVERHEAD, TARGET_PARSE = "< 10 s", "< 50 ms"


def main() -> int:
    """Measure one bundle on a phone that takes a known time, and parse a long result."""
    parser = CommandParser(prog="python -m benchmarks.phone", description=__doc__)
    parser.add_argument(
        "--bundle", type=Path, default=BUNDLE, help="a bundle folder (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, help="default: docs/results/phone.json")
    return run_command(lambda: _run(parser.parse_args()))


def _run(args: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        overhead_s = [
            _overhead_s(args.bundle, folder / f"overhead-{number}") for number in range(REPEATS)
        ]
        parse_ms = _parse_ms(args.bundle, folder / "result.json")
    figures = [
        figure(
            "`deploy phone` over the phone's own time, one bundle, runner to install, median",
            median(overhead_s),
            "s",
            target=TARGET_OVERHEAD,
        ),
        figure(
            f"result of {SAMPLES:,} samples to measurements, median",
            median(parse_ms),
            "ms",
            target=TARGET_PARSE,
        ),
    ]
    details = {"overhead_s": overhead_s, "parse_ms": parse_ms, "phone_s_per_model": PHONE_S}
    path = write_result("phone", "python -m benchmarks.phone", figures, details, args.out)
    for row in figures:
        print(f"{row['name']}: {row['value']:.4g} {row['unit']} (target {row['target']})")
    print(path)
    return 0


def _overhead_s(bundle: Path, folder: Path) -> float:
    """Wall time of the command, Python's start included, less what the phone spent measuring."""
    folder.mkdir()
    with own_adb_server(folder):
        runner = ScriptedRunner(seconds_per_model=PHONE_S)
        phone = PhoneDevice(folder / "phone", runner)
        phone.plug()
        command = [sys.executable, "-m", "deploy", "phone", "--bundle", str(bundle)]
        command += ["--runner", str(write_runner(folder / "runner")), "--out", str(folder / "out")]
        begin = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wall_s = time.perf_counter() - begin
        phone.remove()
    if done.returncode != 0:
        raise UserError(f"`deploy phone` failed: {done.stderr.strip().splitlines()[-1]}")
    return wall_s - PHONE_S * runner.models_run


def _parse_ms(bundle_path: Path, path: Path) -> list[float]:
    """From the file on disk to a measurement, validated."""
    bundle = read_bundle(bundle_path)
    models = [bundle_model(bundle, bundle.default_precision)]
    energy = {"threads": 1, **ENERGY}
    created = bundle.manifest["created"]
    job = build_job("-", models, created, [1], latency=LATENCY, memory=MEMORY, energy=energy)
    result = scripted_result(job.text.encode(), samples=SAMPLES)
    path.write_text(json.dumps(result), encoding="utf-8")
    taken_ms = []
    for _ in range(4 * REPEATS):
        begin = time.perf_counter()
        list(measurements(read_result(path)))
        taken_ms.append(1e3 * (time.perf_counter() - begin))
    return taken_ms


if __name__ == "__main__":
    sys.exit(main())
