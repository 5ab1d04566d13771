"""The arguments of ``copynumber``. Only the standard library is imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Add ``copynumber``."""
    from clonalbayes.cli.parser import _command

    command = _command(
        commands, "copynumber", "copy number of any caller as one table, or joined onto counts", "copynumber:copynumber"
    )
    command.add_argument(
        "files", metavar="[SAMPLE=]FILE", nargs="+", help="segments and purities, of any caller; told by their content"
    )
    command.add_argument("--out", metavar="F.tsv", type=Path, required=True, help="table to write")
    command.add_argument(
        "--counts", metavar="INPUT", type=Path, help="input of `fit`: write it with copy number and purity, for `fit`"
    )
    command.add_argument("--sex", choices=("female", "male"), help="decides the copies of X and Y in normal cells")
    command.add_argument("--genome", metavar="BUILD", help="GRCh37, GRCh38 or T2T: pseudo-autosomal regions")
    command.add_argument(
        "--no-call", choices=("normal", "missing", "exclude"), default="normal",
        help="a mutation that no segment covers: normal copies, its count not used, or left out (default: %(default)s)",
    )  # fmt: skip
    command.add_argument("--quiet", action="store_true", help="print nothing but faults")
