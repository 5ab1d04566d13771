"""Calls against the reference: are the reference alleles those of the genome, and indels as far left as they go."""

from __future__ import annotations

import numpy as np
import pandas as pd

from clonalbayes.faults import fail

from .alleles import left_align, trim
from .builds import build_of, builds_that_hold
from .calls import Calls
from .fasta import Reference

TOLERATED = 3
TOLERATED_SHARE = 0.01
IUPAC = {
    "R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT", "M": "AC", "B": "CGT", "D": "AGT", "H": "ACT", "V": "ACG",
    "N": "ACGTRYSWKMBDHV",
}  # fmt: skip
SHOWN = 3


def against_reference(calls: list[Calls], genome: Reference) -> list[str]:
    """Check reference alleles, complete the indels of MAF, and move indels to the left.

    Parameters
    ----------
    calls
        The calls of each file, chromosomes named as in the reference; their alleles are changed.
    genome
        The reference.

    Returns
    -------
    list of str
        What was changed or found.

    Raises
    ------
    InputError
        If more than a few reference alleles are not those of the reference.
    """
    frame = pd.concat([c.frame[["chrom", "pos", "ref", "alt", "kind"]] for c in calls], ignore_index=True)
    here = frame["chrom"].isin(genome.lengths).to_numpy()
    unique = frame[here].drop_duplicates(["chrom", "pos", "ref", "alt"])
    unique = unique.assign(place=unique["chrom"].map(genome.order)).sort_values(["place", "pos"], kind="stable")
    moved: dict[tuple, tuple] = {}
    wrong: set[tuple] = set()
    for chrom, pos, ref, alt, kind in unique[["chrom", "pos", "ref", "alt", "kind"]].itertuples(index=False):
        key = (chrom, pos, ref, alt)
        base = genome.fetch(chrom, pos - 1, pos - 1 + len(ref))
        if not agrees(ref, base):
            wrong.add(key)
        elif kind == "indel":
            moved[key] = _moved(genome, key, base)
    notes = []
    for c in calls:
        notes += _check_file(c, genome, wrong)
        notes += _move(c, moved)
    return notes


def agrees(ref: str, base: str) -> bool:
    """Say whether a reference allele is that of the genome; IUPAC codes on either side stand for their bases.

    Parameters
    ----------
    ref, base
        The allele of the file, and the bases of the reference, upper case.
    """
    if ref == base:
        return True
    return len(ref) == len(base) and all(
        r == b or b in IUPAC.get(r, "") or r in IUPAC.get(b, "") for r, b in zip(ref, base, strict=True)
    )


def _moved(genome: Reference, key: tuple, base: str) -> tuple[int, str, str]:
    chrom, pos, ref, alt = key
    if ref[0] == alt[0] == "N" and base[0] != "N":
        ref, alt = base[0] + ref[1:], base[0] + alt[1:]
    return left_align(*trim(pos, ref, alt), lambda start, end: genome.fetch(chrom, start, end))


def wrong_build(file: str, n_wrong: int, n: int, genome: Reference, far: dict[str, int], example: str) -> Exception:
    """Return the fault of a file whose reference alleles are not those of the reference.

    Parameters
    ----------
    file
        Name of the file.
    n_wrong, n
        Sites whose reference allele is another one, and all sites that were compared.
    genome
        The reference.
    far
        Largest position by chromosome, from which the builds that come into question follow.
    example
        One of the sites.
    """
    own = build_of(genome.lengths)
    is_on = f" ({own})" if own else ""
    others = [b for b in builds_that_hold(far) if b != own]
    likely = f" Likely builds of the calls: {' or '.join(others)}." if own and others else ""
    return fail(
        file,
        f"{n_wrong} of {n} reference alleles are not those of {genome.name}{is_on}",
        f"Give the reference that the calls were made with.{likely}",
        value=example,
    )


def too_many(n_wrong: int, n: int) -> bool:
    """Say whether so many reference alleles are wrong that the reference must be another genome.

    Parameters
    ----------
    n_wrong, n
        Sites whose reference allele is another one, and all sites that were compared.
    """
    return n_wrong > max(TOLERATED, TOLERATED_SHARE * n) or n_wrong * 2 > n


def _check_file(calls: Calls, genome: Reference, wrong: set[tuple]) -> list[str]:
    """Raise if the file is on another genome; else say which sites differ."""
    if not wrong:
        return []
    keys = list(zip(*(calls.frame[c] for c in ("chrom", "pos", "ref", "alt")), strict=True))
    bad = np.array([k in wrong for k in keys], dtype=bool)
    n = int(calls.frame["chrom"].isin(genome.lengths).sum())
    if not bad.any():
        return []
    some = [f"{c}:{p} {r}" for c, p, r, _ in (keys[i] for i in np.flatnonzero(bad)[:SHOWN])]
    if too_many(int(bad.sum()), n):
        far = {str(c): int(p) for c, p in calls.frame.groupby("chrom", sort=False)["pos"].max().items()}
        raise wrong_build(calls.file, int(bad.sum()), n, genome, far, some[0])
    return [
        f"{calls.file}: {bad.sum()} of {n} reference alleles are not those of {genome.name}: {', '.join(some)}"
        + (", ..." if bad.sum() > SHOWN else "")
    ]


def _move(calls: Calls, moved: dict[tuple, tuple]) -> list[str]:
    """Write the alleles that have been moved."""
    changed = 0
    frame = calls.frame
    columns = {c: frame[c].to_numpy(dtype=object, copy=True) for c in ("chrom", "pos", "ref", "alt")}
    for i in np.flatnonzero((frame["kind"] == "indel").to_numpy()):
        key = tuple(columns[c][i] for c in ("chrom", "pos", "ref", "alt"))
        site = moved.get(key)
        if site is not None and site != key[1:]:
            columns["pos"][i], columns["ref"][i], columns["alt"][i] = site
            changed += 1
    if not changed:
        return []
    for c in ("ref", "alt"):
        frame[c] = columns[c]
    frame["pos"] = columns["pos"].astype(np.int64)
    return [f"{calls.file}: {changed} indels moved to the left"]
