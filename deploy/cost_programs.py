"""Lower the nets of a cost table, in several processes.

Weights are fresh: time does not depend on them. Each program is a file, so that a killed run
goes on where it was.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Literal

from search_spaces.architecture import Architecture
from search_spaces.errors import UserError
from search_spaces.files import atomic_path
from search_spaces.termination import deaf_children, terminated_as_interrupted

Part = Literal["frontend", "whole"]


@dataclass(frozen=True)
class Program:
    """One file to lower and time.

    Attributes:
        part: ``whole`` net, or its ``frontend`` alone.
        architecture: for a front end any net that has it.
        precision: ``fp32`` or ``int8``.
    """

    part: Part
    architecture: Architecture
    precision: str

    @property
    def key(self) -> str:
        """Name of the file, and of its rows among the measurements."""
        return f"{self.part}-{self.architecture.digest}-{self.precision}"

    def path(self, folder: Path) -> Path:
        """Its file."""
        return folder / f"{self.key}.pte"


def lower_programs(programs: Iterable[Program], folder: Path, processes: int) -> Iterator[Program]:
    """Lower those whose file is missing, and yield each when it is there."""
    waiting = []
    for program in programs:
        if program.path(folder).exists():
            yield program
        else:
            waiting.append(program)
    if not waiting:
        return
    folder.mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("spawn")
    with terminated_as_interrupted():  # else the pool's semaphores are left, and a warning
        pool = ProcessPoolExecutor(min(processes, len(waiting)), context, _start_worker)
        try:
            with deaf_children():
                futures = {
                    pool.submit(_lower, _plain(program), program.path(folder)): program
                    for program in waiting
                }
            for future in as_completed(futures):
                future.result()
                yield futures[future]
        except BrokenProcessPool:
            raise UserError(
                "lowering: a process was killed, as happens where memory is short; give the same"
                " command again with fewer --processes, and it goes on"
            ) from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _plain(program: Program) -> dict[str, Any]:
    architecture = program.architecture
    return {
        "part": program.part,
        "space": architecture.space,
        "version": architecture.version,
        "choices": dict(architecture.choices),
        "precision": program.precision,
    }


def _start_worker() -> None:
    """Silence the worker, and let it end when its parent is killed."""
    null = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(null, descriptor)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    import torch

    torch.set_num_threads(1)


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def _lower(program: Mapping[str, Any], path: Path) -> None:
    import torch

    from deploy.export import ProbabilityNet, lower_program, ready_to_lower
    from deploy.int8_frontend import with_int8_frontend
    from deploy.quantize import quantize
    from search_spaces.supernet import build_subnet

    architecture = Architecture(program["space"], program["version"], program["choices"])
    net = build_subnet(architecture)
    whole = program["part"] == "whole"
    network = ready_to_lower(ProbabilityNet(net) if whole else net.frontend)
    noise = 0.1 * torch.randn(
        1, architecture.clip_samples, generator=torch.Generator().manual_seed(0)
    )
    if program["precision"] == "int8":
        network = quantize(network, [noise]) if whole else with_int8_frontend(network)
    content = lower_program(network, noise).program
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
