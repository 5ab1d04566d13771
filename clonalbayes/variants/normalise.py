"""Calls against the reference: are the reference alleles those of the genome, and indels as far left as they go."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .alleles import left_align, trim
from .calls import Calls
from .fasta import Reference
from .mismatch import agrees, judge


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


def _moved(genome: Reference, key: tuple, base: str) -> tuple[int, str, str]:
    chrom, pos, ref, alt = key
    if ref[0] == alt[0] == "N" and base[0] != "N":
        ref, alt = base[0] + ref[1:], base[0] + alt[1:]
    return left_align(*trim(pos, ref, alt), lambda start, end: genome.fetch(chrom, start, end))


def _check_file(calls: Calls, genome: Reference, wrong: set[tuple]) -> list[str]:
    """Raise if the file is on another genome; else say which sites differ."""
    if not wrong:
        return []
    sites = calls.frame.loc[calls.frame["chrom"].isin(genome.lengths), ["chrom", "pos", "ref", "alt"]]
    bad = np.array([key in wrong for key in sites.itertuples(index=False, name=None)], dtype=bool)
    return judge(sites, bad, genome, calls.file, calls.build)


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
