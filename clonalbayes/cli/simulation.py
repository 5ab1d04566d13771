"""``clonalbayes simulate``: a patient drawn from the model, with the truth beside it."""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clonalbayes.cli.parser import SIMULATE_DEFAULTS
from clonalbayes.faults import fail

EXAMPLE: dict[str, float] = {"mutations": 3000, "samples": 8, "clones": 14, "depth": 100, "seed": 11}
"""The example patient: as many samples and clones as the case that the documentation walks through."""

READS, TRUTH = "reads.tsv", "truth.json"


def simulate(options: argparse.Namespace) -> None:
    """Write the simulated reads and the truth into a folder."""
    folder: Path = options.out
    if folder.exists() and not folder.is_dir():
        raise fail(str(folder), "is a file", "Choose another name for the folder.")
    if folder.exists() and any(folder.iterdir()) and not _replaceable(folder, options.force):
        raise fail(
            str(folder),
            "exists and is not empty",
            "Choose another name, or replace a simulation with --force.",
        )
    asked = settings(options)
    from clonalbayes.data.export import export
    from clonalbayes.simulate import simulate as draw

    simulation = draw(
        n_mutations=int(asked["mutations"]),
        n_samples=int(asked["samples"]),
        n_clones=int(asked["clones"]),
        depth=asked["depth"],
        seed=int(asked["seed"]),
    )
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    export(simulation.dataset, "pyclone-vi", folder / READS)
    truth = {"settings": asked, "truth": plain(simulation.truth)}
    (folder / TRUTH).write_text(json.dumps(truth) + "\n", encoding="utf-8")
    if not options.quiet:
        counts = f"{asked['mutations']:g} mutations x {asked['samples']:g} samples"
        print(f"{folder / READS}: {counts}, {asked['clones']:g} clones; the truth is in {folder / TRUTH}")


def settings(options: argparse.Namespace) -> dict[str, float]:
    """Return what to draw: the options given, over those of the example or the defaults."""
    base = EXAMPLE if options.example else SIMULATE_DEFAULTS
    given = {name: getattr(options, name) for name in base}
    return {name: base[name] if value is None else value for name, value in given.items()}


def _replaceable(folder: Path, force: bool) -> bool:
    """Tell whether a folder may be replaced: only a simulation, and only when told."""
    return force and (folder / READS).is_file() and (folder / TRUTH).is_file()


def plain(value: Any) -> Any:
    """Turn records, Datasets and arrays into what JSON holds.

    Parameters
    ----------
    value
        A dataclass, a mapping, a Dataset, an array, a list or a scalar, nested in any way.

    Returns
    -------
    dict, list, str, int, float, bool or None
        The same as plain containers.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if hasattr(value, "variables"):  # a Dataset: coordinates and variables by name
        return {str(name): plain(value[name].values) for name in value.variables}
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if hasattr(value, "tolist"):  # an array, or a scalar of numpy
        return value.tolist()
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
