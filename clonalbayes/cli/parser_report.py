"""The arguments of ``report``. Only the standard library is imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Add ``report``."""
    from clonalbayes.cli.parser import _command

    report = _command(commands, "report", "one HTML page of a result: findings, figures, tables", "report:report")
    report.add_argument("result", metavar="DIR", type=Path, help="result folder of `fit` or `run`")
    report.add_argument(
        "--out", metavar="F.html", type=Path, help="file to write (default: report.html in the result folder)"
    )
    report.add_argument(
        "--events",
        metavar="FILE",
        type=Path,
        help="drivers, rearrangements, clonotypes to put on the tree (default: events.tsv of the result)",
    )
