"""Keep native libraries' chatter off the terminal; what they said is shown only on a failure."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from search_spaces.errors import UserError


@contextmanager
def quiet() -> Iterator[None]:
    """Hold back stdout, stderr, warnings and logs of the block, Python's and C++'s alike.

    ExecuTorch, cpuinfo and torch write to file descriptors 1 and 2 directly, so these are turned
    to a temporary file. An unexpected exception prints what was held back; a `UserError` says all
    that its reader needs.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    saved = {descriptor: os.dup(descriptor) for descriptor in (1, 2)}
    with tempfile.TemporaryFile() as held, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        disabled = logging.root.manager.disable
        logging.disable(logging.ERROR)
        for descriptor in saved:
            os.dup2(held.fileno(), descriptor)
        show = False
        try:
            yield
        except (UserError, KeyboardInterrupt):
            raise
        except BaseException:
            show = True
            raise
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for descriptor, copy in saved.items():
                os.dup2(copy, descriptor)
                os.close(copy)
            logging.disable(disabled)
            if show:
                held.seek(0)
                sys.stderr.write(held.read().decode(errors="replace"))
