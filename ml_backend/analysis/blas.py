"""How many threads matrix products take, where PyTorch computes in between."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController

# Threads of NumPy's products keep spinning for a while after each, and so do PyTorch's: where both want every core,
# each slows down the other. On two cores, suggestions took twice as long.
_THREADS = max(1, (os.cpu_count() or 1) // 2)


@contextmanager
def few_blas_threads() -> Iterator[None]:
    """Take half of the cores for matrix products of NumPy and SciPy in this process; also a decorator.

    Has no effect while another thread limits them.
    """
    with _controller().limit(limits=_THREADS, user_api="blas"):
        yield


@cache
def _controller() -> ThreadpoolController:
    """Finds the libraries in the process, which takes some milliseconds."""
    return ThreadpoolController().select(user_api="blas")
