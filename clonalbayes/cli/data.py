"""``clonalbayes check`` and ``export``: what an input holds, and the same in another tool's format."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from clonalbayes.cli.purity import parse_purity

if TYPE_CHECKING:
    from clonalbayes.data.patient import Patient


def read_patient(options: argparse.Namespace) -> Patient:
    """Read the input that the options name."""
    from clonalbayes.data.patient import read

    return read(
        options.input, params=options.params, purity=parse_purity(options.purity), min_alt=options.min_alt
    )


def check(options: argparse.Namespace) -> None:
    """Print per sample what was understood; of a run file, also what would be done."""
    if options.input.suffix == ".toml":
        from clonalbayes.pipeline.plan import check_run

        print(check_run(options.input))
        return
    from clonalbayes.data.describe import describe

    print(describe(read_patient(options)))


def export(options: argparse.Namespace) -> None:
    """Write the input in another tool's format."""
    from clonalbayes.data.export import export as write

    losses = write(read_patient(options), options.to, options.out)
    print(options.out)
    for loss in losses:
        print(f"not held by this format: {loss}")
