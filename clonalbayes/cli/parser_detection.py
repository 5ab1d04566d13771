"""The arguments of errors, detect and filter. Only the standard library is imported."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

LOSSES = ("drop", "mixture", "keep")
"""What `detect` does with sites that copy number may have removed."""

FILTER_NAMES = (
    "asmd",
    "asrd",
    "clpm",
    "depth",
    "near_indel",
    "quality_ratio",
    "alt_reads",
    "germline",
    "overdispersion",
)
"""Filters, in the order in which they are listed."""

FILTER_NUMBERS: dict[str, tuple[float, str]] = {
    "asmd": (140.0, "smallest median alignment score of the supporting reads (150 bp reads)"),
    "asrd": (0.87, "smallest median alignment score per base, where there is no ASMD or reads are not of 150 bp"),
    "clpm": (0.0, "largest median number of clipped bases of the supporting reads"),
    "min-depth": (30.0, "smallest mean depth over the samples"),
    "max-depth": (150.0, "largest mean depth over the samples"),
    "indel-distance": (1.0, "bases around an indel in which substitutions are not trusted"),
    "quality-ratio": (0.75, "smallest share of all alt reads that pass the quality thresholds; must be exceeded"),
    "min-alt": (5.0, "alt reads that one sample must have"),
    "germline-q": (1e-5, "Benjamini-Hochberg q value from which a variant is not germline"),
    "rho": (0.01, "overdispersion below which a shared variant is an artefact"),
}
"""Option -> default and meaning. The defaults of `clonalbayes.filters.Limits` are the same."""


def add(commands: Any) -> None:
    """Add ``errors``, ``detect`` and ``filter``."""
    _add_errors(commands)
    _add_detect(commands)
    _add_filter(commands)


def _add_errors(commands: Any) -> None:
    from clonalbayes.cli.parser import _command

    errors = _command(commands, "errors", "learn the error model of a panel of unmatched normals", "errors:errors")
    errors.add_argument("panel", metavar="PANEL", type=Path, help="table that `count` wrote of the normals")
    errors.add_argument("--out", metavar="F.json", type=Path, required=True, help="model to write (.json or .json.gz)")
    errors.add_argument(
        "--contexts", metavar="F.tsv", type=Path, help="table of `contexts`, where the panel's has no context"
    )
    errors.add_argument("--model", metavar="NAME|F.toml", default="errors", help="specification (default: %(default)s)")


def _add_detect(commands: Any) -> None:
    from clonalbayes.cli.parser import _command, whole

    detect = _command(commands, "detect", "find small clones, and their size, from all their sites", "detection:detect")
    detect.add_argument(
        "sites",
        metavar="SITES",
        type=Path,
        nargs="?",
        help="sites that define a lineage, a column clade for several; or a result folder: its clones are the clades",
    )
    detect.add_argument(
        "--clades", metavar="NAME", nargs="+", help="clades to look for, such as clones of the result (default: all)"
    )
    detect.add_argument("--counts", metavar="F", type=Path, nargs="+", help="tables that `count` wrote of the samples")
    noise = detect.add_mutually_exclusive_group()
    noise.add_argument("--errors", metavar="F.json", type=Path, help="error model, from `errors`")
    noise.add_argument("--panel", metavar="F", type=Path, help="table that `count` wrote of unmatched normals")
    detect.add_argument(
        "--controls",
        metavar="F|rest",
        help="sites that no sample carries, by which each sample's error factor is learned; "
        "rest: all counted sites outside SITES",
    )
    detect.add_argument("--purity", metavar="FILE|VALUE", help="purity, where copy number is not the normal one")
    detect.add_argument(
        "--lost", choices=LOSSES, default="drop", help="sites that copy number may have removed (default: %(default)s)"
    )
    detect.add_argument("--out", metavar="F.tsv", type=Path, help="table to write; printed in short in any case")
    detect.add_argument(
        "--plan", metavar=("DEPTH", "SITES"), type=float, nargs=2, help="limit of detection of an assay not yet run"
    )
    detect.add_argument(
        "--control-sites", metavar="N", type=whole(0), help="control sites of the plan (default: third alleles)"
    )
    detect.add_argument(
        "--model", metavar="NAME|F.toml", default="detection", help="specification (default: %(default)s)"
    )


def _add_filter(commands: Any) -> None:
    from clonalbayes.cli.parser import _command

    command = _command(commands, "filter", "filter mutations, and say why each one fell", "filtering:filter_table")
    command.add_argument("input", metavar="INPUT", type=Path, help="table that `count` wrote, or a table for `fit`")
    command.add_argument("--out", metavar="F.tsv", type=Path, required=True, help="table of every mutation and filter")
    command.add_argument("--kept", metavar="F.tsv", type=Path, help="the input's rows of the mutations that pass")
    command.add_argument(
        "--only", metavar="NAME", nargs="+", choices=FILTER_NAMES, help=f"filters to run: {', '.join(FILTER_NAMES)}"
    )
    command.add_argument("--skip", metavar="NAME", nargs="+", choices=FILTER_NAMES, help="filters to leave out")
    command.add_argument("--sex", choices=("female", "male"), help="male: X and Y have one copy")
    command.add_argument(
        "--diploid",
        metavar="SAMPLE",
        nargs="+",
        help="samples for the germline test (default: by copy number, else all)",
    )
    command.add_argument(
        "--sites", metavar="F.tsv", type=Path, help="table of `sites`: its indels count, its ASMD, ASRD and CLPM win"
    )
    command.add_argument("--fit", metavar="DIR", type=Path, help="result folder: how many victims the model would keep")
    for name, (default, help) in FILTER_NUMBERS.items():
        command.add_argument(
            f"--{name}", metavar="X", type=_finite, default=default, help=f"{help} (default: %(default)g)"
        )


def _finite(text: str) -> float:
    """Parse a finite number of at least 0."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0.0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 0")
    return value
