"""The host's ExecuTorch behind pipes: what the runner's JVM main loads models with.

`python -m tests.deploy.phone_device.engine`, in the runner's protocol: a greeting line, then
`LOAD <threads> <path>` and `RUN <d0>,<d1>,...` with float32 (little-endian) following, answered by
`OK`, `OK <m>` with m float32, or `ERR <one line>`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import BinaryIO

import numpy as np

from deploy.engine import BACKEND, RUNTIME_NAME, Engine, runtime_version
from search_spaces.errors import UserError, one_line


def main() -> None:
    """Answer until the input ends."""
    # Native libraries print to descriptor 1: the protocol keeps a copy, they get stderr.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    about = {"name": RUNTIME_NAME, "version": runtime_version(), "backends": [BACKEND]}
    out.write(f"ERSAM-ENGINE 1 {json.dumps(about)}\n".encode())
    out.flush()
    engine: Engine | None = None
    while line := sys.stdin.buffer.readline():
        verb, _, rest = line.decode().rstrip("\n").partition(" ")
        try:
            if verb == "LOAD":
                threads, _, path = rest.partition(" ")
                engine = Engine(Path(path), int(threads))
                out.write(b"OK\n")
            elif verb == "RUN" and engine is not None:
                _run(engine, rest, sys.stdin.buffer, out)
            else:
                out.write(f"ERR {verb}: expected LOAD, then RUN\n".encode())
        except (UserError, RuntimeError) as error:
            out.write(f"ERR {one_line(str(error))}\n".encode())
        out.flush()


def _run(engine: Engine, shape: str, stdin: BinaryIO, out: BinaryIO) -> None:
    import torch

    sizes = [int(size) for size in shape.split(",")]
    values = np.frombuffer(stdin.read(4 * int(np.prod(sizes))), "<f4").reshape(sizes)
    answer = engine.run_tensor(torch.from_numpy(values.copy())).numpy().astype("<f4")
    out.write(f"OK {answer.size}\n".encode() + answer.tobytes())


if __name__ == "__main__":
    main()
