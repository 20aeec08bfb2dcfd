"""Run a lowered file with the ExecuTorch runtime.

Letters: N clips, T samples of a clip, K counts.
"""

from __future__ import annotations

import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from packaging.version import Version

from deploy.quiet import quiet
from search_spaces.errors import UserError

RUNTIME_NAME = "executorch"
BACKEND = "XnnpackBackend"
MOST_THREADS = 1024  # the runtime ends with the process where it cannot start as many


def runtime_version() -> str:
    """Version of the installed ExecuTorch runtime, without the build's suffix, e.g. ``1.4.1``."""
    return version(RUNTIME_NAME).partition("+")[0]


def is_older(version: str, than: str) -> bool:
    """Whether one version of the runtime came before another; both may be a pre-release."""
    return Version(version) < Version(than)


def _pybindings() -> Any:
    """The runtime's Python bindings, without `executorch.exir`, which takes seconds to import."""
    import torch  # noqa: F401  (the bindings are linked to its libraries)
    from executorch.extension.pybindings import _portable_lib

    if not _portable_lib._is_available(BACKEND):
        raise UserError(
            f"executorch {runtime_version()}: backend {BACKEND} is missing from this build, it has"
            f" {_portable_lib._get_registered_backend_names()}; install the wheel of the lock file"
        )
    return _portable_lib


class Engine:
    """A loaded program, run one clip at a time.

    Args:
        model: a ``.pte`` file.
        threads: CPU threads of the runtime. The thread pool is one per process and a loaded program
            keeps a pointer to it, so all engines of a process use the number of the first.

    Attributes:
        load_ms: time that reading the file and setting up its operators took, in ms.
        threads: threads of the pool.

    Raises:
        UserError: no such file, not a program that this runtime reads, another number of threads
            than an earlier engine of this process.
    """

    _threads_of_process: int | None = None

    def __init__(self, model: Path, threads: int = 1) -> None:
        if not Path(model).is_file():
            raise UserError(f"{model}: no such file, expected a lowered model (.pte)")
        bindings = self.prepare(threads)
        self.threads = threads
        with quiet():
            begin = time.perf_counter()
            try:
                self._program = bindings._load_program(str(model))  # must outlive its method
                self._method = self._program.load_method("forward")
            except RuntimeError as error:
                raise UserError(
                    f"{model}: not a program for executorch {runtime_version()} ({error});"
                    " lower it anew with `python -m deploy lower`"
                ) from None
            self.load_ms = 1e3 * (time.perf_counter() - begin)

    @classmethod
    def prepare(cls, threads: int = 1) -> Any:
        """Load the runtime and set up its thread pool, as the first engine would.

        Returns:
            The runtime's Python bindings.

        Raises:
            UserError: no thread, or another number than an earlier engine's.
        """
        if threads < 1:
            raise UserError(f"threads: got {threads}, expected at least 1")
        bindings = _pybindings()
        if cls._threads_of_process is None:
            with quiet():
                bindings._unsafe_reset_threadpool(threads)
            cls._threads_of_process = bindings._threadpool_get_thread_count()
        if cls._threads_of_process != threads:
            raise UserError(
                f"threads: got {threads}, but this process already runs with"
                f" {cls._threads_of_process}; use one number of threads per process"
            )
        return bindings

    @property
    def samples(self) -> int:
        """T, the length of the program's input."""
        return self._program.method_meta("forward").input_tensor_meta(0).sizes()[-1]

    @property
    def outputs(self) -> int:
        """K, the length of the program's output."""
        return self._program.method_meta("forward").output_tensor_meta(0).sizes()[-1]

    def run(self, waveform: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run one clip.

        Args:
            waveform: float32 [T] or [1, T] at 16 kHz, within [-1, 1].

        Returns:
            The program's first output without its batch dimension; of a bundle's model: the
            probability of each count, float32 [K].
        """
        import torch

        clip = np.ascontiguousarray(waveform, dtype=np.float32).reshape(1, -1)
        return self.run_tensor(torch.from_numpy(clip))[0].numpy()

    def run_tensor(self, inputs: Any) -> Any:
        """Run one torch tensor of exactly the program's input shape; this is what is timed."""
        return self._method((inputs,))[0]

    def run_many(self, waveforms: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run N clips one after the other, float32 [N, T] -> [N, K]."""
        return np.stack([self.run(waveform) for waveform in waveforms])
