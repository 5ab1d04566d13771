"""Reference alleles that are not those of the reference: a few are named, many mean another genome."""

from __future__ import annotations

import numpy as np
import pandas as pd

from clonalbayes.faults import InputError, fail

from .builds import build_of, builds_that_hold
from .fasta import Reference

TOLERATED = 3
TOLERATED_SHARE = 0.01
SHOWN = 3
SHIFTED = 200
"""Sites that are looked at one base further on, to find positions that were counted from 0."""

IUPAC = {
    "R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT", "M": "AC", "B": "CGT", "D": "AGT", "H": "ACT", "V": "ACG",
    "N": "ACGTRYSWKMBDHV",
}  # fmt: skip


def agrees(ref: str, base: str) -> bool:
    """Say whether a reference allele is that of the genome; IUPAC codes on either side stand for their bases.

    Parameters
    ----------
    ref, base
        The allele of the file, and the bases of the reference, upper case.

    Examples
    --------
    >>> agrees("A", "A"), agrees("A", "R"), agrees("AC", "A"), agrees("T", "R")
    (True, True, False, False)
    """
    if ref == base:
        return True
    return len(ref) == len(base) and all(
        r == b or b in IUPAC.get(r, "") or r in IUPAC.get(b, "") for r, b in zip(ref, base, strict=True)
    )


def judge(sites: pd.DataFrame, wrong: np.ndarray, genome: Reference, source: str, build: str | None) -> list[str]:
    """Say which sites differ from the reference, or raise if so many do that it must be another genome.

    Parameters
    ----------
    sites
        Those that lie on chromosomes of the reference: `chrom`, `pos`, `ref`.
    wrong
        bool, one a site.
    genome
        The reference.
    source
        Name of the sites in messages.
    build
        Build that the sites are on by their own account, if they give one.

    Returns
    -------
    list of str
        One note if any site differs.

    Raises
    ------
    InputError
        If more than 3 sites and more than 1 % of them differ, or more than half.
    """
    n, bad = len(sites), int(wrong.sum())
    if not bad:
        return []
    first = sites[wrong].head(SHOWN)
    some = [f"{c}:{p} {r}" for c, p, r in zip(first["chrom"], first["pos"], first["ref"], strict=True)]
    what = f"{bad} of {n} reference alleles are not those of {genome.name}"
    if bad > max(TOLERATED, TOLERATED_SHARE * n) or bad * 2 > n:
        raise _another_genome(sites, genome, source, build, what, some[0])
    return [f"{source}: {what}: {', '.join(some)}{', ...' if bad > SHOWN else ''}"]


def _another_genome(
    sites: pd.DataFrame, genome: Reference, source: str, build: str | None, what: str, example: str
) -> InputError:
    own = build_of(genome.lengths)
    far = {str(c): int(p) for c, p in sites.groupby("chrom", sort=False)["pos"].max().items()}
    if _counted_from_zero(sites, genome):
        why = " They agree one base further on: positions here are counted from 1."
    elif build and build != own:
        why = f" The calls say that they are on {build}."
    elif own and not build:
        others = [b for b in builds_that_hold(far) if b != own]
        why = f" Likely builds of the calls: {' or '.join(others)}." if others else ""
    else:
        why = ""
    is_on = f" ({own})" if own else ""
    return fail(source, f"{what}{is_on}", f"Give the reference that the calls were made with.{why}", value=example)


def _counted_from_zero(sites: pd.DataFrame, genome: Reference) -> bool:
    """Say whether nearly all sites agree with the next base."""
    some = sites[sites["ref"].str.len() == 1].head(SHIFTED)
    names = {c: genome.resolve(str(c)) for c in some["chrom"].unique()}
    same = [
        agrees(r, genome.fetch(str(names[c]), p, p + 1))
        for c, p, r in zip(some["chrom"], some["pos"], some["ref"], strict=True)
        if names[c] is not None
    ]
    return len(same) > TOLERATED and sum(same) > 0.95 * len(same)
