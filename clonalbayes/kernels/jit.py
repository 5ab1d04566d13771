"""The one place where numba compilation is configured.

Kernels are compiled once per machine and cached on disk; they release the interpreter lock, so that
chains run as threads of one process. Numba's cache notices a change in a kernel's own file only, not in the
kernels that it calls, so the cache lies in a folder named after the digest of all of them.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numba
from numba.core import config


def cache_folder() -> str:
    """Return where compiled kernels are kept: beside their source, or in the user's cache if that is read-only.

    The environment variable ``NUMBA_CACHE_DIR`` overrides both.
    """
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted(here.glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    if given := os.environ.get("NUMBA_CACHE_DIR"):
        base = Path(given)
    elif os.access(here, os.W_OK):
        base = here / "__pycache__"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "clonalbayes"
    return str(base / f"kernels-{digest.hexdigest()[:16]}")


_FOLDER = cache_folder()
settings: Any = config  # numba fills its attributes in at import


def kernel[F: Callable[..., Any]](function: F) -> F:
    """Compile `function` in nopython mode, cached and without the interpreter lock."""
    before = settings.CACHE_DIR
    settings.CACHE_DIR = _FOLDER  # read while decorating only; other users of numba keep theirs
    try:
        return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy")(function))
    finally:
        settings.CACHE_DIR = before
