"""Load and run a model in a process of its own, for what only a fresh process can tell.

`python -m deploy.fresh_process MODEL THREADS SAMPLES` prints one line of JSON; `measure` runs that.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from search_spaces.errors import UserError

RUNS = 20
METHOD = (
    "VmHWM of a fresh process after 20 runs (torch and the runtime's Python binding included);"
    " model_bytes: growth of the resident set from before loading to after the runs"
)


def measure(model: Path, threads: int, clip_samples: int) -> dict[str, Any]:
    """Load time, first inference, and memory; null figures where the system has no /proc.

    Raises:
        UserError: the process failed; the message has its last line.
    """
    result = subprocess.run(
        [sys.executable, "-m", "deploy.fresh_process", str(model), str(threads), str(clip_samples)],
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        last = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise UserError(f"{model}: does not run in a process of its own: {last}")
    return json.loads(result.stdout.strip().splitlines()[-1])


def main(model: Path, threads: int, clip_samples: int) -> None:
    """Body of the fresh process."""
    import numpy as np
    import torch

    from deploy.engine import Engine

    torch.set_num_threads(1)
    clip = torch.from_numpy(np.zeros((1, clip_samples), dtype=np.float32))
    Engine.prepare(threads)
    before = _status_bytes("VmRSS")
    engine = Engine(model, threads)
    begin = time.perf_counter()
    engine.run_tensor(clip)
    first_ms = 1e3 * (time.perf_counter() - begin)
    for _ in range(RUNS - 1):
        engine.run_tensor(clip)
    peak, after = _status_bytes("VmHWM"), _status_bytes("VmRSS")
    grown = None if before is None or after is None else max(after - before, 0)
    print(
        json.dumps(
            {
                "load_ms": engine.load_ms,
                "first_inference_ms": first_ms,
                "peak_rss_bytes": peak,
                "model_bytes": grown,
            }
        )
    )


def _status_bytes(field: str) -> int | None:
    """A field of /proc/self/status in bytes, None where there is none."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="utf-8").splitlines():
            if line.startswith(f"{field}:"):
                return 1024 * int(line.split()[1])
    return None


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
