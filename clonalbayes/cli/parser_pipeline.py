"""The arguments of ``run`` and ``example``. Only the standard library is imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

EXAMPLE_DEFAULTS = {"mutations": 1400, "depth": 100.0, "panel": 6, "seed": 1}
"""What `example` draws when it is not told: the defaults of `clonalbayes.simulate.files.write_example`."""


def add(commands: Any) -> None:
    """Add ``run`` and ``example``."""
    from clonalbayes.cli.parser import _command, number, whole

    run = _command(commands, "run", "from the files of a patient to the result, redoing what changed", "pipeline:run")
    run.add_argument("file", metavar="RUN.toml", type=Path, help="the patient: samples, files, dates, treatments")
    run.add_argument("--until", metavar="STAGE", help="stop after this stage; `clonalbayes check RUN.toml` lists them")
    run.add_argument("--force", action="store_true", help="replace a result that this run has not made")
    run.add_argument("--quiet", action="store_true", help="print nothing but faults")

    what = "write a simulated patient to try things on: BAM, VCF, copy number, events, run.toml"
    example = _command(commands, "example", what, "pipeline:example")
    example.add_argument("folder", metavar="DIR", type=Path, help="folder to write")
    for name, kind, help in (
        ("mutations", whole(60), "sites, artefacts and germline variants included"),
        ("depth", number(0), "mean depth"),
        ("panel", whole(0), "unmatched normals"),
        ("seed", whole(0), "seed of the random numbers"),
    ):
        example.add_argument(
            f"--{name}", metavar="N", type=kind, default=EXAMPLE_DEFAULTS[name], help=f"{help} (default: %(default)s)"
        )
    example.add_argument("--force", action="store_true", help="replace the files of an example")
    example.add_argument("--quiet", action="store_true", help="print nothing but faults")
