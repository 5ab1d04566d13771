"""Trinucleotide contexts of substitutions: the 96 channels of COSMIC, read off the reference.

A channel is written from the strand on which the mutated base is a pyrimidine: `A[C>A]G` is a C between A and G
that became A. Order and labels are COSMIC's: by substitution (C>A, C>G, C>T, T>A, T>C, T>G), base before, base after.
Source: Alexandrov et al. 2013, Nature 500:415.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from clonalbayes.data.schema import MISSING
from clonalbayes.faults import fail

from .fasta import Reference
from .mismatch import agrees, judge
from .output import quoted, write_table

if TYPE_CHECKING:
    import xarray as xr

PAIR = str.maketrans("ACGT", "TGCA")
SUBSTITUTIONS = ("C>A", "C>G", "C>T", "T>A", "T>C", "T>G")
CHANNELS: tuple[str, ...] = tuple(
    f"{before}[{substitution}]{after}" for substitution in SUBSTITUTIONS for before in "ACGT" for after in "ACGT"
)
"""The 96 channels in COSMIC's order."""


@dataclass
class Contexts:
    """Contexts of mutations.

    Parameters
    ----------
    labels
        One a mutation, in the order given: a label of `CHANNELS`, or "" where there is none.
    mismatched
        bool, one a mutation: the reference allele is another one than that of the reference.
    notes
        Things to be said aloud.
    """

    labels: np.ndarray
    mismatched: np.ndarray
    notes: list[str] = field(default_factory=list)


def channel(triplet: str, alt: str) -> str:
    """Return the label of a substitution, "" if a base is not A, C, G or T.

    Parameters
    ----------
    triplet
        The mutated base of the forward strand between its neighbours, upper case.
    alt
        What it became.

    Examples
    --------
    >>> channel("ACG", "T"), channel("CGT", "A"), channel("NCG", "T")
    ('A[C>T]G', 'A[C>T]G', '')
    """
    if len(triplet) != 3 or len(alt) != 1 or not set(triplet + alt) <= set("ACGT"):
        return ""
    if triplet[1] in "AG":
        triplet, alt = triplet.translate(PAIR)[::-1], alt.translate(PAIR)
    return f"{triplet[0]}[{triplet[1]}>{alt}]{triplet[2]}"


def find_contexts(sites: pd.DataFrame, reference: str | Path | Reference, source: str = "sites") -> Contexts:
    """Return the context of each mutation; only single-base substitutions have one.

    Parameters
    ----------
    sites
        Columns `chrom`, `pos` (from 1, -1 unknown), `ref`, `alt`.
    reference
        FASTA of the genome, plain or packed, indexed or not.
    source
        Name of the sites in messages.

    Returns
    -------
    Contexts

    Raises
    ------
    InputError
        If more than a few reference alleles are not those of the reference, if positions lie beyond the ends of its
        chromosomes, or if it lacks the chromosomes of most mutations.
    """
    genome = reference if isinstance(reference, Reference) else Reference(reference)
    chrom = sites["chrom"].astype(str).to_numpy(dtype=object)
    pos = sites["pos"].to_numpy(np.int64)
    ref = np.array([str(r).upper() for r in sites["ref"]], dtype=object)
    alt = np.array([str(a).upper() for a in sites["alt"]], dtype=object)
    names = {c: genome.resolve(c) for c in dict.fromkeys(chrom)}
    there = np.array([names[c] is not None for c in chrom], dtype=bool) & (pos != MISSING) & (ref != "")
    place = np.array(
        [genome.order(str(names[c])) if t else -1 for c, t in zip(chrom, there, strict=True)], dtype=np.int64
    )
    labels = np.full(len(sites), "", dtype=object)
    wrong = np.zeros(len(sites), bool)
    order = np.lexsort((pos, place))
    for i in order[there[order]]:
        contig = str(names[chrom[i]])
        start, size = int(pos[i]) - 1, len(ref[i])
        around = genome.fetch(contig, start - 1, start + size + 1)
        own = around[min(start, 1) : min(start, 1) + size]
        if not agrees(ref[i], own):
            wrong[i] = True
        elif size == 1:
            labels[i] = channel(around, alt[i])
    notes = _judge(sites.assign(chrom=chrom, pos=pos, ref=ref), there, wrong, genome, source)
    return Contexts(labels, wrong, notes + _without(labels, ref, alt, there, wrong))


def _judge(sites: pd.DataFrame, there: np.ndarray, wrong: np.ndarray, genome: Reference, source: str) -> list[str]:
    """Raise if the reference is another genome; else say which sites differ."""
    absent = int((~there).sum())
    notes = []
    if absent * 2 > len(there):
        i = int(np.flatnonzero(~there)[0])
        raise fail(
            source,
            f"{absent} of {len(there)} mutations lie on chromosomes that {genome.name} does not have, or have no place",
            "Give the reference that the calls were made with.",
            value=f"{sites['chrom'].iloc[i]}:{sites['pos'].iloc[i]}",
        )
    if absent:
        notes.append(f"{absent} mutations without a place, or on chromosomes that {genome.name} does not have")
    return notes + judge(sites[there], wrong[there], genome, source, _stated_build(sites))


def _stated_build(sites: pd.DataFrame) -> str | None:
    """Return the build that a table of sites states, if it states one."""
    stated = set(sites["build"]) - {""} if "build" in sites else set()
    return stated.pop() if len(stated) == 1 else None


def _without(labels: np.ndarray, ref: np.ndarray, alt: np.ndarray, there: np.ndarray, wrong: np.ndarray) -> list[str]:
    """Say how many mutations have no context, and why."""
    single = np.array([len(r) == len(a) == 1 for r, a in zip(ref, alt, strict=True)], dtype=bool)
    notes = []
    if (~single & there).any():
        notes.append(f"{(~single & there).sum()} indels and substitutions of several bases have no context")
    unknown = single & there & ~wrong & (labels == "")
    if unknown.any():
        notes.append(f"{unknown.sum()} substitutions have no context: a base beside them is unknown (N)")
    return notes


def add_contexts(ds: xr.Dataset, reference: str | Path | Reference) -> tuple[xr.Dataset, list[str]]:
    """Return a patient's Dataset with the coordinate `context`.

    Parameters
    ----------
    ds
        Dims `mutation`, `specimen`, with the coordinates `chrom`, `pos`, `ref`, `alt`.
    reference
        As in `find_contexts`.

    Returns
    -------
    tuple
        The Dataset, and things to be said aloud.

    Raises
    ------
    InputError
        As in `find_contexts`.
    """
    sites = pd.DataFrame({c: ds[c].values for c in ("chrom", "pos", "ref", "alt")})
    found = find_contexts(sites, reference, str(ds.attrs.get("source", "dataset")))
    out = ds.assign_coords(context=("mutation", found.labels.astype(str)))
    out["context"].attrs.update(ds["context"].attrs if "context" in ds.coords else {})
    return out, found.notes


def catalogue(labels: np.ndarray) -> pd.Series:
    """Return how many mutations there are in each of the 96 channels.

    Parameters
    ----------
    labels
        Contexts, "" where there is none.

    Returns
    -------
    pandas.Series
        Indexed by `CHANNELS`.
    """
    return pd.Series(labels).value_counts().reindex(CHANNELS, fill_value=0)


def write_contexts(sites: pd.DataFrame, found: Contexts, path: str | Path) -> None:
    """Write a table with the columns mutation, chrom, pos, ref, alt, kind, context (empty where there is none).

    Parameters
    ----------
    sites
        From `read_sites`.
    found
        From `find_contexts`.
    path
        File to write; it appears when it is complete.
    """
    table = sites[["chrom", "pos", "ref", "alt", "kind"]].copy()
    table["chrom"] = [quoted(c) for c in table["chrom"]]
    ids = [f"{c}:{p}:{r}>{a}" for c, p, r, a in zip(*(table[k] for k in ("chrom", "pos", "ref", "alt")), strict=True)]
    table.insert(0, "mutation", ids)
    write_table(table.assign(context=found.labels), Path(path))
