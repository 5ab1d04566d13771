"""``clonalbayes doctor``: does the installation work, and what does it run on."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from importlib import metadata
from pathlib import Path

from clonalbayes import __version__, specs

PACKAGES = ("numpy", "scipy", "numba", "pandas", "xarray", "netCDF4", "arviz", "pymc", "matplotlib", "rich")
"""Packages whose versions are printed; all are needed."""

OPTIONAL = ("pysam",)

type Check = Callable[[], str]


def doctor(options: argparse.Namespace) -> int:
    """Run every check, print one line each, and return 1 if one failed."""
    failed = 0
    for name, check in checks():
        try:
            verdict, text = "ok", check()
        except Exception as error:  # whatever breaks is the finding
            verdict, text, failed = "FAILED", f"{type(error).__name__}: {error}", failed + 1
        print(f"{name:<14} {verdict:<7} {text}")
    print(f"\n{failed} of the checks failed." if failed else "\nEverything needed is here.")
    return 1 if failed else 0


def checks() -> Iterator[tuple[str, Check]]:
    """Yield the name and the function of each check; a check returns its finding or raises."""
    yield "clonalbayes", lambda: f"{__version__} in {Path(__file__).resolve().parents[1]}"
    yield "python", lambda: f"{platform.python_version()} at {sys.executable}"
    yield "machine", machine
    for package in PACKAGES:
        yield package, partial(metadata.version, package)
    for package in OPTIONAL:
        yield package, partial(optional, package)
    yield "models", models
    yield "compiled code", cache
    yield "kernels", kernels


def machine() -> str:
    """Say which system, how many cores this process may use, and how much memory there is."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        memory = f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.1f} GiB memory"
    except (AttributeError, OSError, ValueError):
        memory = "memory unknown"
    return f"{platform.system()} {platform.machine()}, {cores} cores, {memory}"


def optional(package: str) -> str:
    """Return the version of a package that may be missing."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed (only needed for sequencing files)"


def models() -> str:
    """Load every specification."""
    found = [specs.load(name, None).name for name in specs.names()]
    if not found:
        raise FileNotFoundError(f"no specification in {specs.folder()}")
    return f"{', '.join(found)} in {specs.folder()}"


def cache() -> str:
    """Find out whether compiled kernels can be kept; where they cannot be, every run compiles anew."""
    from clonalbayes.kernels.jit import cache_folder

    folder = Path(cache_folder())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return f"kept in {folder}"
    except OSError as error:
        return f"{folder} is not writable ({error.strerror}): set NUMBA_CACHE_DIR, or each run compiles anew"


def kernels() -> str:
    """Fit a small simulated patient."""
    from time import perf_counter

    from clonalbayes.inference import fit
    from clonalbayes.simulate import simulate

    start = perf_counter()
    patient = simulate(30, 2, 2, seed=1)
    tree = fit(patient.dataset, chains=1, tune=20, draws=20, seed=1, cores=1, progress=False)
    n_clones = int(tree["posterior"].to_dataset()["n_clones"].values[0, -1])
    return f"a small fit found {n_clones} clones in {perf_counter() - start:.1f} s"
