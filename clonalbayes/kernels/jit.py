"""The one place where numba compilation is configured.

Kernels are compiled once per machine and cached on disk; they release the interpreter lock, so that
chains run as threads of one process.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile `function` in nopython mode, cached and without the interpreter lock."""
    return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy")(function))
