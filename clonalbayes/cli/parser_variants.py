"""The arguments of the commands that read variants and events. Only the standard library is imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Add ``sites``, ``contexts`` and ``events``."""
    _add_sites(commands)
    _add_contexts(commands)
    _add_events(commands)


def _add_sites(commands: Any) -> None:
    from clonalbayes.cli.parser import _command

    sites = _command(commands, "sites", "join the variant calls of all samples into one table of sites", "sites:sites")
    sites.add_argument(
        "files", metavar="[NAME=]FILE", nargs="+", help="VCF, BCF, MAF or table; NAME for a tumour sample without one"
    )
    sites.add_argument("--out", metavar="F.tsv", type=Path, required=True, help="table to write")
    sites.add_argument("--calls", metavar="F.tsv", type=Path, help="table of every call with its file and row")
    sites.add_argument(
        "--reference", metavar="R.fa", type=Path, help="genome: indels are moved to the left, alleles are checked"
    )
    sites.add_argument("--split-mnv", action="store_true", help="a site for each base of a substitution of several")
    sites.add_argument(
        "--pass-only", action="store_true", help="leave out calls that did not pass the caller's filters"
    )


def _add_contexts(commands: Any) -> None:
    from clonalbayes.cli.parser import _command

    contexts = _command(commands, "contexts", "read trinucleotide contexts off the reference", "contexts:contexts")
    contexts.add_argument("sites", metavar="SITES", type=Path, help="table of `sites`, VCF, MAF, or table of counts")
    contexts.add_argument("--reference", metavar="R.fa", type=Path, required=True, help="genome, packed or not")
    contexts.add_argument("--out", metavar="F.tsv", type=Path, required=True, help="table to write")


def _add_events(commands: Any) -> None:
    from clonalbayes.cli.parser import _command

    events = _command(
        commands, "events", "join rearrangements, clonotypes and drivers into one table of events", "events:events"
    )
    events.add_argument(
        "files",
        metavar="[NAME=]FILE",
        nargs="+",
        help="BEDPE or VCF of rearrangements, MiXCR or AIRR table, table of drivers; NAME for a sample without one",
    )
    events.add_argument("--out", metavar="F.tsv", type=Path, required=True, help="table to write")
    events.add_argument(
        "--slop",
        metavar="N",
        type=int,
        default=0,
        help="bases by which breakpoints of one rearrangement may differ between files (default: %(default)s)",
    )
