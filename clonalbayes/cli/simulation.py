"""``clonalbayes simulate``: a simulated patient, with the truth beside it."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from clonalbayes.cli.parser import SIMULATE_DEFAULTS
from clonalbayes.faults import fail

READS, TRUTH = "reads.tsv", "truth.json"
"""What a folder of a simulation holds, and is known by."""

ARGUMENTS = {
    "mutations": "n_mutations",
    "samples": "n_samples",
    "clones": "n_clones",
    "depth": "depth",
    "seed": "seed",
}
"""Option -> argument of `clonalbayes.simulate`."""

FIXED_IN_EXAMPLE = ("samples", "clones")


def simulate(options: argparse.Namespace) -> None:
    """Write the reads and the truth of a simulated patient into a folder, both or none."""
    folder = check_folder(options.out, force=options.force)
    arguments = given(options)
    from clonalbayes.simulate import lineage_switch
    from clonalbayes.simulate import simulate as draw

    simulation = (lineage_switch if options.example else draw)(**arguments)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".simulate-", dir=folder.parent) as part:
        simulation.write(part)
        folder.mkdir(exist_ok=True)
        for name in (READS, TRUTH):
            (Path(part) / name).replace(folder / name)
    if not options.quiet:
        sizes = simulation.dataset.sizes
        print(f"{folder / READS}: {sizes['mutation']} mutations x {sizes['specimen']} samples, ", end="")
        print(f"{len(simulation.truth.ccf)} clones; the truth is in {TRUTH} beside it")


def check_folder(folder: Path, *, force: bool) -> Path:
    """Check that a simulation can be written into a folder.

    Raises
    ------
    InputError
        If it is a file, or holds something: a simulation is replaced with ``--force``, anything else never.
    """
    if folder.exists() and not folder.is_dir():
        raise fail(str(folder), "is a file", "Choose another name for the folder.")
    if folder.is_dir() and any(folder.iterdir()):
        if not all((folder / name).is_file() for name in (READS, TRUTH)):
            raise fail(str(folder), "is not empty and holds no simulation", "Choose another name.")
        if not force:
            raise fail(str(folder), "holds a simulation already", "Choose another name, or give --force.")
    return folder


def given(options: argparse.Namespace) -> dict[str, Any]:
    """Return the arguments of the simulator; those that were not given are the defaults.

    Raises
    ------
    InputError
        If the example is asked for with other samples or clones than it has.
    """
    asked = {name: getattr(options, name) for name in ARGUMENTS}
    if options.example:
        for name in FIXED_IN_EXAMPLE:
            if asked[name] is not None:
                raise fail(f"--{name}", "the example has its own", "Leave it out, or leave --example out.")
        return {ARGUMENTS[name]: value for name, value in asked.items() if value is not None}
    return {
        ARGUMENTS[name]: SIMULATE_DEFAULTS[name] if value is None else value for name, value in asked.items()
    }
