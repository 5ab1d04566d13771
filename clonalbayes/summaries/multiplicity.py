"""Copies of each mutation per carrying cell, from the genotypes of the draws."""

from __future__ import annotations

import numpy as np
import xarray as xr

from clonalbayes.summaries.alignment import NOISE, Draws
from clonalbayes.summaries.consensus import Consensus, codes_of

UNKNOWN = -1
"""Copies where a genotype has no meaning: noise, and sites whose expected alt fraction was given."""

DRAWS = 400
"""Draws that decide which genotype is the most frequent one."""


def genotype_classes(ds: xr.Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Genotypes of every mutation, as the sampler numbers them.

    Parameters
    ----------
    ds
        Dataset with the copy numbers, dims `mutation`, `specimen`.

    Returns
    -------
    tuple of numpy.ndarray
        [N] first row of the mutation's genotypes, [N] number of them, [G, S] copies per carrying cell
        (NaN where the state is not a copy number).
    """
    from clonalbayes import genotypes  # loads the compiled kernels, which who only reads a result does not need

    columns = genotypes._filled_states(ds)
    code, first = genotypes._classes(columns)
    _, offset, copies = genotypes._genotype_table(columns, first, genotypes._Cells(columns[0].shape[1]))
    return offset[code], np.diff(offset)[code], copies.reshape(-1, columns[0].shape[1])


def multiplicity(ds: xr.Dataset, genotype: np.ndarray, draws: Draws, found: Consensus) -> np.ndarray:
    """Copies of each mutation in its most frequent genotype among the draws in which it is where it belongs.

    Parameters
    ----------
    ds
        Dataset with the copy numbers.
    genotype
        [D, N] genotype of each mutation in each draw, numbered within its copy-number class.
    draws
        The same draws.
    found
        The consensus.

    Returns
    -------
    numpy.ndarray
        [N, S] int8; -1 for noise and where the expected alt fraction was given. Rounded where the tumour cells
        of a sample have different copies.
    """
    first, number, copies = genotype_classes(ds)
    chosen = np.zeros(len(first), np.intp)
    open_ = np.flatnonzero(number > 1)
    if len(open_):
        rows = np.unique(np.linspace(0, len(genotype) - 1, min(DRAWS, len(genotype))).round().astype(int))
        chosen[open_] = _most_frequent(
            genotype, draws, found.match.target, rows, open_, found.partition, int(number.max())
        )
    vectors = copies[first + chosen]
    vectors[found.partition == NOISE] = np.nan
    return np.rint(np.where(np.isnan(vectors), UNKNOWN, vectors)).astype(np.int8)


def _most_frequent(
    genotype: np.ndarray,
    draws: Draws,
    target: np.ndarray,
    rows: np.ndarray,
    open_: np.ndarray,
    partition: np.ndarray,
    most: int,
) -> np.ndarray:
    """Most frequent genotype of the mutations that have several, over the draws `rows`."""
    counts = np.zeros((len(open_), most), np.int64)
    at = np.arange(len(open_)) * most
    step = max(1, 1_000_000 // len(open_))
    for start in range(0, len(rows), step):
        chunk = rows[start : start + step]
        home = codes_of(draws.labels[chunk][:, open_], target[chunk]) == partition[open_]
        code = genotype[chunk][:, open_].astype(np.intp) + at
        counts += np.bincount(code[home], minlength=counts.size).reshape(counts.shape)
    return counts.argmax(1)
