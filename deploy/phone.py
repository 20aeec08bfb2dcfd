"""`python -m deploy phone`: measure bundles on Android phones and bring `measurement.json` back."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.adb import Adb, file_name
from deploy.adb_phones import choose_phones, connect, list_phones
from deploy.measurement import write_measurement
from deploy.phone_files import ROOT, push_missing
from deploy.phone_job import (
    ENERGY,
    LATENCY,
    MEMORY,
    MIN_BATTERY_PERCENT,
    build_job,
    bundle_model,
    check_runtime,
)
from deploy.phone_options import Wishes, add_arguments, read_wishes
from deploy.phone_result import SCHEMA, clip_energies_mj, failures, measurements, read_result
from deploy.phone_runner import RunnerPackage, install_runner, read_runner
from deploy.phone_session import Session, stopped_by_hand
from deploy.phone_show import job_progress, remarks, table
from deploy.phone_state import PhoneState, check_fit, read_state
from search_spaces.errors import EXIT_BAD_INPUT, UserError, complain
from search_spaces.files import write_json
from search_spaces.wandb_run import check_online

__all__ = ["HELP", "add_arguments", "run"]
HELP = "measure bundles on Android phones: latency, memory, energy, and the numbers themselves"


def run(args: argparse.Namespace) -> int:
    """Measure on every phone that is meant; a phone that fails stops no other."""
    wishes = read_wishes(args)
    check_online(wishes.wandb)
    runner = read_runner(args.runner)
    for bundle, _ in wishes.bundles:
        check_runtime(str(bundle.path), bundle.manifest["runtime"]["version"], runner)
    phones = choose_phones(list_phones(), args.serial, args.all)
    failed = False
    for phone in phones:
        out = args.out / file_name(phone.serial) if args.all else args.out
        try:
            failed |= not measure_on_phone(connect(phone), runner, wishes, out)
        except UserError as error:
            if len(phones) == 1:
                raise
            complain(error)
            failed = True
    return EXIT_BAD_INPUT if failed else 0


def measure_on_phone(adb: Adb, runner: RunnerPackage, wishes: Wishes, out: Path) -> bool:
    """Measure on one phone and write what it brings; whether every model passed.

    Raises:
        PhoneLostError: it went away; what it did so far is there when the command is given again.
        UserError: it is not fit, or the job failed as a whole.
    """
    models = [bundle_model(bundle, precision) for bundle, precision in wishes.bundles]
    job = build_job(
        adb.serial,
        models,
        max(bundle.manifest["created"] for bundle, _ in wishes.bundles),
        wishes.threads,
        latency=LATENCY,
        memory=MEMORY,
        energy={"threads": min(wishes.threads), **ENERGY} if wishes.energy else None,
        day_profile=wishes.day_profile,
    )
    session = Session(adb, runner, out)
    whole = out / "phone" / f"{job.job_id}.json"
    with stopped_by_hand(session, [job]):
        name = prepare(adb, runner, job.files).name
        print(f"measuring takes {job.minutes:.0f} minutes or more", file=sys.stderr)
        with job_progress(name) as show:
            result = session.run(job, show, _finished(whole))
    measured = list(measurements(result))
    write_json(whole, result, SCHEMA)
    for measurement in measured:
        bundle = measurement["bundle"]
        file = f"{bundle['name']}-{bundle['precision']}-{measurement['threads']}t.json"
        write_measurement(out / file, measurement)
    session.clean([job], wishes.keep)
    if measured:
        print("\n".join([f"{name} ({adb.serial})", table(measured), *remarks(measured)]))
    print(f"wrote {len(measured)} measurements to {out}")
    wrong = list(failures(result))
    for line in wrong:
        complain(f"phone {adb.serial}: {line}")
    if wishes.wandb is not None and measured:
        from deploy.wandb_measurement import log_measurements

        bundles = [bundle for bundle, _ in wishes.bundles]
        log_measurements(wishes.wandb, "phone", measured, bundles, clip_energies_mj(result))
    return not wrong


def prepare(adb: Adb, runner: RunnerPackage, files: Mapping[str, Path]) -> PhoneState:
    """Check the phone, install the runner and push files (by SHA-256); returns what it found.

    Raises:
        UserError: see `deploy.phone_state.check_fit`, `install_runner` and `push_missing`.
    """
    state = read_state(adb, ROOT.rpartition("/")[0])
    size = sum(path.stat().st_size for path in (*files.values(), runner.apk))
    check_fit(adb.serial, state, runner, size, MIN_BATTERY_PERCENT)
    print(f"{state.name} ({adb.serial}): Android API {state.sdk}", file=sys.stderr)
    if install_runner(adb, runner):
        print(f"installed {runner.apk}", file=sys.stderr)
    pushed = push_missing(adb, files)
    print(f"pushed {pushed / 1e6:.1f} MB", file=sys.stderr)
    return state


def _finished(path: Path) -> str | None:
    """When the result that was brought before was finished; None where there is none."""
    return read_result(path)["finished"] if path.exists() else None
