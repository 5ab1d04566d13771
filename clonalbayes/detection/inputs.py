"""From tables to the reads of each clade in each sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from clonalbayes.data.counts import CountTable
from clonalbayes.data.schema import DIPLOID
from clonalbayes.faults import FaultList, fail

CN_COLUMNS = ("multiplicity", "major_cn", "minor_cn", "total_cn", "normal_cn", "purity")
"""Columns of the count tables that say how many reads a mutation of a cell gives."""

LINEAGE = "lineage"
"""Name of the clade where the list of sites names none."""

DROP, MIX, KEEP = "drop", "mixture", "keep"
LOSSES = (DROP, MIX, KEEP)
"""What to do with sites that copy number may have removed: leave out, weigh, or take as there."""


@dataclass
class SampleReads:
    """One sample's reads at some sites.

    Parameters
    ----------
    name, run
        Sample, and its sequencing run ("" unknown).
    alt, depth
        [I] reads, 0 of 0 where there are none.
    gain
        [I] expected share of alt reads per unit of cellular prevalence; 0 where the mutation is lost.
    at_risk
        [I] whether copy number may have removed the mutation.
    other
        [I] reads of third alleles, -1 unknown.
    """

    name: str
    run: str
    alt: np.ndarray
    depth: np.ndarray
    gain: np.ndarray
    at_risk: np.ndarray
    other: np.ndarray


def clades_of(sites: CountTable) -> dict[str, np.ndarray]:
    """Rows of each clade of a list of sites, in order of first appearance; one without names is `LINEAGE`."""
    names = [str(name) or LINEAGE for name in sites.text("clade")]
    return {name: np.array([i for i, other in enumerate(names) if other == name]) for name in dict.fromkeys(names)}


def reads_of(
    mutations: np.ndarray, tables: Sequence[CountTable], purity: Mapping[str, float] | float | None = None
) -> list[SampleReads]:
    """Gather every sample's reads at some sites.

    Parameters
    ----------
    mutations : numpy.ndarray
        [I] identifiers.
    tables : sequence of CountTable
        Each sample in one of them.
    purity : mapping or float, optional
        Tumour cells / all cells by sample, or of all samples; wins over the tables' column.

    Raises
    ------
    InputError
        If a sample is in two tables, a purity names no sample, or none of the sites is in any table.
    """
    faults = FaultList()
    owner: dict[str, str] = {}
    for table in tables:
        for name in table.samples:
            if name in owner:
                remedy = "Rename one of them, or leave one of the files out."
                faults.add(table.name, f"the sample is in {owner[name]} as well", remedy, value=name)
            owner.setdefault(name, table.name)
    for name in purity if isinstance(purity, Mapping) else ():
        if name not in owner:
            remedy = f"Samples: {', '.join(owner)}."
            faults.add("--purity", "there is no such sample", remedy, value=name)
    faults.raise_if_any()
    places = [_rows(table, mutations) for table in tables]
    if not any((rows >= 0).any() for rows in places):
        shown = str(tables[0].mutations[0]) if len(tables[0].mutations) else "none"
        remedy = f"Sites are named like {mutations[0]}, the counts' like {shown}: count at the sites of the list."
        raise fail(tables[0].name, "none of the sites is among the counts", remedy)
    return [
        _sample(table, rows, column, purity)
        for table, rows in zip(tables, places, strict=True)
        for column in range(len(table.samples))
    ]


def _rows(table: CountTable, mutations: np.ndarray) -> np.ndarray:
    """Row of each mutation in a table, -1 where it has none."""
    place = {str(name): row for row, name in enumerate(table.mutations)}
    return np.array([place.get(str(name), -1) for name in mutations], np.int64)


def _sample(
    table: CountTable, rows: np.ndarray, column: int, purity: Mapping[str, float] | float | None
) -> SampleReads:
    name = table.samples[column]
    there = rows >= 0
    alt = np.where(there, table.alt[rows, column], -1)
    missing = alt < 0
    depth = np.where(missing, 0, table.depth[rows, column])
    numbers = {
        key: np.where(there, table.numbers[key][rows, column], np.nan)
        for key in (*CN_COLUMNS, "other_count")
        if key in table.numbers
    }
    given = purity.get(name) if isinstance(purity, Mapping) else purity
    gain, risk = gain_of(numbers, len(rows), given)
    other = numbers.get("other_count", np.full(len(rows), np.nan))
    third = np.where(np.isnan(other), -1, other).astype(np.int64)
    return SampleReads(name, str(table.run[column]), np.where(missing, 0, alt), depth, gain, risk, third)


def gain_of(
    numbers: Mapping[str, np.ndarray], n_sites: int, purity: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Expected share of alt reads per unit of prevalence, and which sites copy number may have removed.

    Parameters
    ----------
    numbers : mapping
        Columns of `CN_COLUMNS` that are known, [I] each, NaN unknown.
    n_sites : int
        I.
    purity : float, optional
        Tumour cells / all cells; else the column's, else 1.

    Returns
    -------
    tuple of numpy.ndarray
        multiplicity / (purity * total + (1 - purity) * normal), the multiplicity being 1 unless it is given; and
        whether an allele is missing from the tumour cells. Without copy number: 1/2, and none.

    Examples
    --------
    >>> gain, risk = gain_of({"major_cn": np.array([1.0, 1.0]), "minor_cn": np.array([1.0, 0.0])}, 2)
    >>> gain.tolist(), risk.tolist()
    ([0.5, 1.0], [False, True])
    """
    unknown = np.full(n_sites, np.nan)

    def column(name: str) -> np.ndarray:
        return np.asarray(numbers.get(name, unknown), float)

    normal = np.where(np.isnan(column("normal_cn")), DIPLOID, column("normal_cn"))
    total = column("major_cn") + column("minor_cn")
    total = np.where(np.isnan(total), column("total_cn"), total)
    risk = (column("minor_cn") == 0) & (normal > 1) | (total < normal)
    total = np.where(np.isnan(total), normal, total)
    share = np.full(n_sites, purity) if purity is not None else column("purity")
    share = np.where(np.isnan(share), 1.0, share)
    copies = share * total + (1.0 - share) * normal
    mutated = column("multiplicity")
    known = ~np.isnan(mutated)
    gain = np.where(known, np.nan_to_num(mutated), 1.0) / np.where(copies > 0, copies, np.inf)
    return np.minimum(gain, 1.0), risk & ~known
