"""Linear algebra on one thread: threads cost more than they save where matrices are small."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController


def one_blas_thread() -> AbstractContextManager[object]:
    """One thread for every BLAS and OpenMP library of this process while the block runs."""
    return _libraries().limit(limits=1)


@cache
def _libraries() -> ThreadpoolController:
    """Looked for once a process: going through all that is loaded takes milliseconds."""
    return ThreadpoolController()
