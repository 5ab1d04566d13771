"""What the filters look at, from a long table of counts or from a patient's Dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from clonalbayes.faults import FaultList

if TYPE_CHECKING:
    import xarray as xr

    from clonalbayes.data.counts import CountTable

SEX_CHROMOSOMES = ("X", "Y")
SUPPORT = ("asmd", "asrd", "clpm")
"""Columns about the reads that support a mutation."""


@dataclass
class FilterInput:
    """Mutations (N) and samples (S) to be filtered.

    Parameters
    ----------
    name
        Of the file.
    mutations, samples
        Identifiers.
    alt, depth
        [N, S] reads, 0 of 0 where missing.
    alt_all
        [N, S] alt reads of any quality, NaN unknown; None if they were not counted.
    support
        Column of `SUPPORT` -> [N] of the sample with the most supporting reads, NaN unknown; only those there are.
    chrom, pos, ref, alt_allele
        [N]; "" or -1 where unknown.
    diploid
        [N, S] whether the sample has two copies there (one of X and Y in a male): it counts for germline.
    haploid
        [N] whether a germline variant has one copy: X and Y of a male.
    notes
        What a user should know.
    """

    name: str
    mutations: np.ndarray
    samples: list[str]
    alt: np.ndarray
    depth: np.ndarray
    alt_all: np.ndarray | None
    support: dict[str, np.ndarray]
    chrom: np.ndarray
    pos: np.ndarray
    ref: np.ndarray
    alt_allele: np.ndarray
    diploid: np.ndarray
    haploid: np.ndarray
    notes: list[str] = field(default_factory=list)


def from_table(
    table: CountTable,
    *,
    sites: CountTable | None = None,
    sex: str | None = None,
    diploid: Sequence[str] | None = None,
) -> FilterInput:
    """Take what the filters need from a long table of counts.

    Parameters
    ----------
    table : CountTable
        Read with the columns ``alt_count_all``, ``asmd``, ``asrd``, ``clpm`` and the copy numbers.
    sites : CountTable, optional
        Table of sites with one sample's worth of ``asmd``, ``asrd``, ``clpm``: the caller's win over ours.
    sex : str, optional
        "male": X and Y have one copy. None: as "female".
    diploid : sequence of str, optional
        Samples for the germline test; by default those whose copy number there is normal, or all.

    Raises
    ------
    InputError
        If a sample does not exist.
    """
    missing = table.alt < 0
    alt, depth = np.where(missing, 0, table.alt), np.where(missing, 0, table.depth)
    out = FilterInput(
        name=table.name,
        mutations=table.mutations,
        samples=table.samples,
        alt=alt,
        depth=depth,
        alt_all=table.numbers.get("alt_count_all"),
        support={key: _of_best(table.numbers[key], alt) for key in SUPPORT if key in table.numbers},
        chrom=table.text("chrom"),
        pos=table.pos,
        ref=table.text("ref"),
        alt_allele=table.text("alt"),
        diploid=np.ones(alt.shape, bool),
        haploid=_haploid(table.text("chrom"), sex),
    )
    _set_diploid(out, table.numbers, diploid)
    if sites is not None:
        _take_support(out, sites)
    return out


def from_dataset(ds: xr.Dataset, *, sex: str | None = None, diploid: Sequence[str] | None = None) -> FilterInput:
    """Take what the filters need from a patient's Dataset; it has no facts about the supporting reads."""
    alt, depth = ds["alt_count"].values.astype(np.int64), ds["depth"].values.astype(np.int64)
    missing = alt < 0
    blank = np.full(len(alt), "", object)

    def text(name: str) -> np.ndarray:
        return ds[name].values.astype(str).astype(object) if name in ds.coords else blank

    out = FilterInput(
        name=str(ds.attrs.get("source", "dataset")),
        mutations=ds["mutation"].values.astype(str).astype(object),
        samples=[str(name) for name in ds["specimen"].values],
        alt=np.where(missing, 0, alt),
        depth=np.where(missing, 0, depth),
        alt_all=None,
        support={},
        chrom=text("chrom"),
        pos=ds["pos"].values.astype(np.int64) if "pos" in ds.coords else np.full(len(alt), -1),
        ref=text("ref"),
        alt_allele=text("alt"),
        diploid=np.ones(alt.shape, bool),
        haploid=_haploid(text("chrom"), sex),
    )
    numbers = {
        name: np.where(ds[name].values < 0, np.nan, ds[name].values)
        for name in ("major_cn", "minor_cn", "normal_cn")
        if name in ds
    }
    _set_diploid(out, numbers, diploid)
    return out


def _of_best(values: np.ndarray, alt: np.ndarray) -> np.ndarray:
    """The value in the sample with the most supporting reads among those that have one, [N]."""
    score = np.where(np.isnan(values), -1, alt)
    best = score.argmax(1)
    rows = np.arange(len(values))
    return np.asarray(values[rows, best])


def _haploid(chrom: np.ndarray, sex: str | None) -> np.ndarray:
    """Which mutations lie on X or Y of a male."""
    if sex != "male":
        return np.zeros(len(chrom), bool)
    plain = [str(name).removeprefix("chr").upper() for name in chrom]
    return np.isin(np.array(plain, object), SEX_CHROMOSOMES)


def _set_diploid(out: FilterInput, numbers: dict[str, np.ndarray], names: Sequence[str] | None) -> None:
    """Decide which samples count for the germline test, mutation by mutation."""
    if names is not None:
        faults = FaultList()
        for name in names:
            if name not in out.samples:
                faults.add("--diploid", "there is no such sample", f"Samples: {', '.join(out.samples)}.", value=name)
        faults.raise_if_any()
        out.diploid = np.tile(np.isin(out.samples, list(names)), (len(out.mutations), 1))
        return
    major, minor = numbers.get("major_cn"), numbers.get("minor_cn")
    if major is None or minor is None:
        out.notes.append(f"{out.name}: no copy number, every sample counts as diploid for the germline test")
        return
    expected = np.where(out.haploid, 0.0, 1.0)[:, None]
    unknown = np.isnan(major) | np.isnan(minor)
    out.diploid = unknown | ((major == 1) & (minor == expected))
    none = int((~out.diploid.any(1)).sum())
    if none:
        out.notes.append(f"{out.name}: {none} mutations lie where no sample is diploid: not tested for germline")


def _take_support(out: FilterInput, sites: CountTable) -> None:
    """Let the caller's ASMD, ASRD and CLPM win over those counted."""
    place = {str(name): row for row, name in enumerate(sites.mutations)}
    rows = np.array([place.get(str(name), -1) for name in out.mutations])
    for key in SUPPORT:
        if key not in sites.numbers:
            continue
        given = np.where(rows >= 0, sites.numbers[key][rows, 0], np.nan)
        own = out.support.get(key, np.full(len(rows), np.nan))
        out.support[key] = np.where(np.isnan(given), own, given)
