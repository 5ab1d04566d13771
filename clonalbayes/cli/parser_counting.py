"""The arguments of ``count``. Only the standard library is imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Add ``count``."""
    from clonalbayes.cli.parser import _command, whole

    count = _command(commands, "count", "count the reads of every sample at given sites", "counting:count")
    count.add_argument("files", metavar="[NAME=]FILE", nargs="+", help="BAM or CRAM, one a sample, sorted and indexed")
    count.add_argument("--sites", metavar="SITES", type=Path, required=True, help="VCF, or table of `sites` or similar")
    count.add_argument("--reference", metavar="R.fa", type=Path, required=True, help="genome, packed or not")
    count.add_argument("--out", metavar="F.tsv", type=Path, required=True, help="long table to write")
    count.add_argument(
        "--min-base-quality", metavar="Q", type=whole(0), default=25, help="least base quality (default: %(default)s)"
    )
    count.add_argument(
        "--min-mapping-quality", metavar="Q", type=whole(0), default=30,
        help="least mapping quality (default: %(default)s; 40 is used for the size of a clone)",
    )  # fmt: skip
    count.add_argument(
        "--orphans", choices=("drop", "keep"), default="drop",
        help="reads whose mate is not mapped in a proper pair (default: %(default)s)",
    )  # fmt: skip
    count.add_argument(
        "--mates", choices=("neither", "better", "both"), default="neither",
        help="what counts where the two reads of a molecule disagree; both: every read counts (default: %(default)s)",
    )  # fmt: skip
    count.add_argument("--max-depth", metavar="N", type=whole(1), help="reads looked at at one site (default: all)")
    count.add_argument("--cores", metavar="N", type=whole(1), help="threads (default: all cores)")
    count.add_argument("--quiet", action="store_true", help="print nothing but faults")
