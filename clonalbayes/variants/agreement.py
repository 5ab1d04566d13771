"""Whether files agree on the genome: build, lengths of chromosomes, and how these are named."""

from __future__ import annotations

from clonalbayes.faults import FaultList

from .builds import BUILDS, bare, beyond, build_of, builds_that_hold, has_prefix
from .calls import Calls
from .fasta import Reference

LIFT = "Give files of one genome build; lift the others over, or call them again."
OTHER = "Give the reference that the calls were made with."


def check_builds(calls: list[Calls], genome: Reference | None) -> str | None:
    """Make sure that all files and the reference are of one genome build.

    Parameters
    ----------
    calls
        The calls of each file.
    genome
        The reference, if there is one.

    Returns
    -------
    str or None
        The build, None if no file says.

    Raises
    ------
    InputError
        Naming each file that is of another build than the first file or the reference, and each with positions
        beyond the end of a chromosome.
    """
    faults = FaultList()
    stated = [(c.file, c.build, c.contigs) for c in calls]
    known = [(f, b) for f, b, _ in stated if b is not None]
    if genome is not None and genome.build is not None:
        known.insert(0, (genome.name, genome.build))
    first_file, build = known[0] if known else ("", None)
    for file, other in known[1:]:
        if other != build:
            faults.add(file, f"the file is on {other}, {first_file} is on {build}", LIFT)
    lengths: list[tuple[str, dict[str, int]]] = []
    for file, _, contigs in stated:
        if not len(faults):
            _compare_lengths(file, contigs, lengths, faults)
        lengths.append((file, contigs))
    for c in calls:
        _check_ends(c, genome, build, faults)
    faults.raise_if_any()
    return build


def _compare_lengths(
    file: str, contigs: dict[str, int], others: list[tuple[str, dict[str, int]]], faults: FaultList
) -> None:
    """Find chromosomes that are of another length in another file; the mitochondrion has several versions."""
    mine = {bare(c): n for c, n in contigs.items()}
    for name, theirs in others:
        named = {bare(c): n for c, n in theirs.items()}
        shared = [c for c in mine if c in named and c != "MT"]
        differ = [c for c in shared if mine[c] != named[c]]
        if differ:
            c = differ[0]
            what = f"{len(differ)} of {len(shared)} chromosomes have another length than in {name}"
            faults.add(file, what, LIFT, value=f"{c}: {mine[c]} and {named[c]}")
            return


def furthest(calls: Calls) -> dict[str, int]:
    """Return the largest position by chromosome.

    Parameters
    ----------
    calls
        The calls of a file.
    """
    return {str(c): int(p) for c, p in calls.frame.groupby("chrom", sort=False)["pos"].max().items()}


def _check_ends(calls: Calls, genome: Reference | None, build: str | None, faults: FaultList) -> None:
    far = furthest(calls)
    if genome is not None:
        lengths, where = genome.lengths, genome.name
    elif build in BUILDS:
        lengths, where = BUILDS[str(build)], str(build)
    else:
        lengths, where = calls.contigs, "the file's own header"
    out = beyond(far, lengths)
    if not out:
        return
    fits = [b for b in builds_that_hold(far) if b != build_of(lengths)]
    likely = f"; they fit {' or '.join(fits)}" if fits else ""
    row = int(calls.frame.loc[calls.frame["chrom"] == out[0], "pos"].idxmax())
    faults.add(
        calls.file,
        f"positions on {len(out)} chromosomes lie beyond their ends in {where}{likely}",
        OTHER if genome is not None else LIFT,
        row=int(calls.frame["row"][row]),
        value=f"{out[0]}:{far[out[0]]}",
    )


def settle_names(calls: list[Calls]) -> list[str]:
    """Name the chromosomes of all files as the first file does.

    Parameters
    ----------
    calls
        The calls of each file; their chromosomes are renamed.

    Returns
    -------
    list of str
        What was changed.
    """
    names: dict[str, str] = {}
    notes = []
    prefix = next((p for c in calls if (p := has_prefix(c.frame["chrom"].unique())) is not None), None)
    for c in calls:
        own = {
            str(chrom): names.setdefault(bare(chrom), _prefixed(chrom, prefix)) for chrom in c.frame["chrom"].unique()
        }
        if any(old != new for old, new in own.items()):
            old, new = next((o, n) for o, n in own.items() if o != n)
            notes.append(f"{c.file}: chromosomes are named as in {calls[0].file} ({old} is {new})")
            c.frame["chrom"] = c.frame["chrom"].map(own)
    return notes


def _prefixed(chrom: str, prefix: bool | None) -> str:
    """Write a chromosome with or without `chr`; other contigs stay as they are."""
    if prefix is None or has_prefix([chrom]) is None:
        return chrom
    name = bare(chrom)
    if not prefix:
        return name
    return "chrM" if name == "MT" else f"chr{name}"


def reference_names(calls: list[Calls], genome: Reference) -> list[str]:
    """Name the chromosomes of all files as the reference does.

    Parameters
    ----------
    calls
        The calls of each file; their chromosomes are renamed.
    genome
        The reference.

    Returns
    -------
    list of str
        What was changed, and which contigs the reference lacks.

    Raises
    ------
    InputError
        If the reference lacks the contigs of more than half the calls of a file.
    """
    faults, notes = FaultList(), []
    lengths = {bare(chrom): n for chrom, n in genome.lengths.items()}
    for c in calls:
        if any(lengths.get(bare(chrom), n) != n for chrom, n in c.contigs.items() if bare(chrom) != "MT"):
            # A piece of a genome serves as well as the whole: its bases decide, not its lengths.
            notes.append(f"{c.file}: chromosomes have other lengths than in {genome.name}")
        own = {str(chrom): genome.resolve(str(chrom)) for chrom in c.frame["chrom"].unique()}
        absent = [chrom for chrom, name in own.items() if name is None]
        lost = c.frame["chrom"].isin(absent)
        if absent and lost.sum() > len(c.frame) / 2:
            what = f"{lost.sum()} of {len(c.frame)} calls lie on contigs that {genome.name} does not have"
            faults.add(c.file, what, OTHER, column="CHROM", value=absent[0])
        elif absent:
            some = ", ".join(absent[:5]) + (", ..." if len(absent) > 5 else "")
            notes.append(f"{c.file}: {lost.sum()} calls lie on contigs that {genome.name} does not have ({some})")
        changed = {old: new for old, new in own.items() if new not in (None, old)}
        if changed:
            old, new = next(iter(changed.items()))
            notes.append(f"{c.file}: chromosomes are named as in {genome.name} ({old} is {new})")
            c.frame["chrom"] = c.frame["chrom"].map(lambda chrom, own=own: own[chrom] or chrom)
    faults.raise_if_any()
    return notes
