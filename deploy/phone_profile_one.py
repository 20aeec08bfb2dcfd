"""Measure the cost table of one phone: its pieces in rounds, its energy, the fit."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.progress import Progress

from deploy import cost_table
from deploy.adb import Adb
from deploy.adb_phones import ListedPhone, connect
from deploy.cost_programs import Program
from deploy.cost_rounds import RawMeasurements
from deploy.cost_samples import CostSamples
from deploy.engine import BACKEND, RUNTIME_NAME
from deploy.phone import prepare
from deploy.phone_files import ROOT
from deploy.phone_pieces import METHOD, ROUNDS, PhoneBench, with_energy
from deploy.phone_runner import RunnerPackage
from deploy.phone_session import Session
from deploy.phone_state import PhoneState, read_state
from search_spaces.cost_table import CostTable, build_cost_table, write_cost_table
from search_spaces.space import SpaceSpec


@dataclass(frozen=True)
class Plan:
    """What is measured on every phone.

    Attributes:
        space: whose pieces.
        samples: the front ends and nets.
        precisions: of the nets.
        threads: of the runtime.
        energy_nets: front ends and whole nets, so many of each, whose energy is measured.
        runner: the package on the phone.
        programs_folder: of the lowered files on the host.
        keep: whether pushed files stay on the phone.
    """

    space: SpaceSpec
    samples: CostSamples
    precisions: list[str]
    threads: int
    energy_nets: int
    runner: RunnerPackage
    programs_folder: Path
    keep: bool

    def programs(self) -> list[Program]:
        """Every file to lower and time."""
        return cost_table.list_programs(self.space, self.samples, self.precisions)

    def metered(self) -> list[Program]:
        """The first so many front ends and the first so many whole nets, at every precision."""
        chosen: list[Program] = []
        for part in ("frontend", "whole"):
            programs = [program for program in self.programs() if program.part == part]
            nets = list(dict.fromkeys(program.architecture for program in programs))
            metered = nets[: self.energy_nets]
            chosen += [program for program in programs if program.architecture in metered]
        return chosen


@dataclass(frozen=True)
class Work:
    """One phone's share.

    Attributes:
        adb: its client.
        device, runtime: as in its cost table.
        bench: where programs are timed.
        raw: medians so far.
        out: its cost table.
    """

    adb: Adb
    device: dict[str, Any]
    runtime: dict[str, Any]
    bench: PhoneBench
    raw: RawMeasurements
    out: Path


def begin(phone: ListedPhone, plan: Plan, out: Path, shared: Progress | None = None) -> Work:
    """Look at the phone and at what was measured on it before.

    Args:
        phone: to measure on.
        plan: what.
        out: its cost table; ``<out>.raw.jsonl`` beside it keeps what was measured, also after the
            table is written.
        shared: shows its progress beside that of others.

    Raises:
        UserError: the phone is not ready; what was measured before is of another phone or build.
    """
    adb = connect(phone)
    state = read_state(adb, ROOT.rpartition("/")[0])
    device = _describe(state)
    runtime = {"name": RUNTIME_NAME, "version": plan.runner.runtime_version, "backend": BACKEND}
    kit = version("ersam-kit")
    header = {
        "device": device,
        "phone": _digest(state.serial or adb.serial),
        "runtime": runtime,
        "kit": kit,
        "threads": plan.threads,
    }
    raw = RawMeasurements(out.with_suffix(".raw.jsonl"), header)
    session = Session(adb, plan.runner, out.parent)
    bench = PhoneBench(session, plan.programs_folder, plan.threads, shared)
    return Work(adb, device, runtime, bench, raw, out)


def measure(work: Work, plan: Plan) -> CostTable:
    """Time the programs, which were lowered, and write the cost table; leave the phone clean.

    Raises:
        PhoneLostError: it went away; what it did so far is there when the command is given again.
        UserError: it is not fit, or a program does not run.
    """
    programs = plan.programs()
    prepare(work.adb, plan.runner, work.bench.files(programs))
    for number in range(ROUNDS):
        work.bench.time_round(programs, number, work.raw)
    energy = work.bench.measure_energy(plan.metered())
    space, precisions = plan.space, plan.precisions
    table = build_cost_table(
        space,
        [
            with_energy(piece, cost_table.program_keys(space, piece, precisions), energy)
            for piece in cost_table.pieces(space, plan.samples, precisions, work.raw)
        ],
        [cost_table.whole_piece(net, precisions, work.raw) for net in plan.samples.held_out],
        device=work.device,
        runtime=work.runtime,
        threads=plan.threads,
        method=METHOD,
        energy_method=energy.method,
        energy_reason=energy.reason,
    )
    write_cost_table(work.out, table)
    work.bench.session.clean(work.bench.jobs, plan.keep)
    return table


def _digest(serial: str) -> str:
    """Tells phones of one model apart without naming them: the file may be shown to others."""
    return hashlib.sha256(serial.encode()).hexdigest()[:16]


def _describe(state: PhoneState) -> dict[str, str]:
    """The ``device`` of the cost table."""
    return {
        "name": state.name,
        "cpu": state.abis[0],
        "os": f"Android API {state.sdk} {state.fingerprint}",
    }
