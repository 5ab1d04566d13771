"""Arguments of ``signatures`` and ``timing``. Only the standard library is imported here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Add the commands."""
    _add_signatures(commands)
    _add_timing(commands)


def _add_signatures(commands: Any) -> None:
    """Add ``signatures``."""
    command = _command(
        commands,
        "signatures",
        "divide the mutations of each branch among mutational signatures",
        "signatures:signatures",
    )
    command.add_argument("counts", metavar="COUNTS", type=Path, help="mutations by branch and context (96), text table")
    command.add_argument("--out", metavar="DIR", type=Path, required=True, help="folder to write")
    _add_references(command)
    command.add_argument(
        "--no-prior", action="store_true", help="find all signatures from the data alone; references only name them"
    )
    command.add_argument(
        "--denovo", metavar="N", type=_whole(0), help="de novo signatures offered (default: the model's)"
    )
    command.add_argument(
        "--gates", metavar="F.tsv", type=Path,
        help="branches in which a treatment's signature cannot be: columns branch, signature",
    )  # fmt: skip
    add_opportunities(command)
    _add_running(command)


def _add_timing(commands: Any) -> None:
    """Add ``timing``."""
    command = _command(commands, "timing", "date the nodes of a tree in calendar time", "timing:timing")
    command.add_argument(
        "source", metavar="DIR|COUNTS", type=Path, help="result folder of fit, or counts by branch and context"
    )
    command.add_argument("--out", metavar="DIR", type=Path, required=True, help="folder to write")
    command.add_argument(
        "--tree",
        metavar="F.tsv",
        type=Path,
        help="with COUNTS: columns branch, parent, sampled (first date; may be empty)",
    )
    add_history(command, "those of the result")
    _add_references(command)
    command.add_argument(
        "--trees", metavar="N", type=_whole(1), default=32, help="draws of the tree to date (default: %(default)s)"
    )
    _add_running(command)


def add_history(command: Any, otherwise: str) -> None:
    """Add what dates need besides the samples' own: birth, treatments, how much of the genome is seen."""
    command.add_argument("--origin", metavar="DATE", help="birth of the patient, YYYY-MM-DD: the root of the tree")
    command.add_argument(
        "--treatments", metavar="F.tsv", type=Path, help=f"columns treatment, start, end (default: {otherwise})"
    )
    command.add_argument(
        "--callable", metavar="SHARE", type=float, default=1.0,
        help="share of the genome in which mutations can be called (default: %(default)s)",
    )  # fmt: skip


def add_opportunities(command: Any) -> None:
    """Add the table of what could have mutated."""
    command.add_argument(
        "--opportunities", metavar="F.tsv", type=Path,
        help="sites of each trinucleotide in the sequenced region (exome, panel) and in the reference's",
    )  # fmt: skip


def _add_references(command: Any) -> None:
    command.add_argument("--reference", metavar="F.tsv", type=Path, help="profiles (default: a few of COSMIC v3.4)")
    command.add_argument("--signatures", metavar="A,B,...", help="candidates, by name (default: those the model names)")
    command.add_argument("--model", metavar="NAME|F.toml", help="specification (default: the command's own)")


def _add_running(command: Any) -> None:
    for name, minimum, text in (
        ("chains", 1, "independent chains"),
        ("draws", 2, "draws kept per chain"),
        ("tune", 1, "sweeps before the first draw"),
    ):
        command.add_argument(f"--{name}", metavar="N", type=_whole(minimum), help=f"{text} (default: the model's)")
    command.add_argument(
        "--seed", metavar="N", type=_whole(0), default=1, help="seed of the random numbers (default: %(default)s)"
    )
    command.add_argument("--force", action="store_true", help="replace the folder if it exists")
    command.add_argument("--quiet", action="store_true", help="print nothing but faults")


def _command(commands: Any, name: str, text: str, handler: str) -> Any:
    from clonalbayes.cli.parser import _command as make

    return make(commands, name, text, handler)


def _whole(minimum: int) -> Callable[[str], int]:
    from clonalbayes.cli.parser import whole

    return whole(minimum)
