"""Do the chains agree on the tree? Split frequencies, effective numbers of trees, relations that are unsure.

Split frequencies after Ronquist et al. (2012, MrBayes 3.2), with the clades of a clone tree (a clone and all
that descends from it) for splits; the effective sample size of the topology after Magee et al. (2023, How
trustworthy is your tree?): with the number of ancestor relations that differ as the squared distance between
trees, their Frechet correlation is that of the relations' indicators taken together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from clonalbayes.summaries.ancestry import (
    MISSING,
    ROOT,
    ancestor_weights,
    clade_keys,
    depths,
    distinct,
    walk,
)
from clonalbayes.summaries.convergence import MIN_DRAWS, ess_bulk, ess_of_sum
from clonalbayes.summaries.trees import Trees, stacked

MAX_ASDSF = 0.01
"""Average standard deviation of split frequencies below which chains are taken to agree."""

FREQUENT = 0.1
"""A split counts if it is in this share of the draws of some chain."""

SURE = 0.02
"""Relations whose probability is closer to 0 or 1 than this say little of how the chain mixes."""

RELATIONS, WATCHED = 200, 12
"""Unsure relations that the effective sample size is taken over, and that are named one by one."""


@dataclass(frozen=True)
class Agreement:
    """How far the chains agree on the tree.

    Attributes
    ----------
    clades, parents
        Average standard deviation over chains of the frequencies of clades and of parent-child edges; NaN for
        one chain, 0 for no clone.
    ess, ess_min
        Effective number of independent trees drawn; the same of the worst single relation. The number of
        draws if nothing is unsure, NaN for fewer than four draws a chain.
    """

    clades: float
    parents: float
    ess: float
    ess_min: float


Relations = list[tuple[tuple[int, int], np.ndarray]]
"""Ancestor and descendant, and whether the relation holds in each draw."""


def agreement(trees: Trees, relations: Relations) -> Agreement:
    """Compare the trees of the chains.

    Parameters
    ----------
    trees
        The trees of all draws.
    relations
        From `unsure_relations`.
    """
    rows, which = distinct(trees.drawn)
    chain = np.repeat(np.arange(trees.chains), len(which) // trees.chains)
    counts = np.zeros((trees.chains, len(rows)))
    np.add.at(counts, (chain, which), 1.0)
    keys = clade_keys(rows)
    return Agreement(
        split_deviation(keys, rows != MISSING, counts),
        split_deviation(rows.astype(float), rows != MISSING, counts),
        *_sizes([holds for _, holds in relations], trees),
    )


def split_deviation(keys: np.ndarray, there: np.ndarray, counts: np.ndarray) -> float:
    """Average standard deviation over chains of the frequencies of splits.

    Parameters
    ----------
    keys
        [T, K] what clone k has in tree t, as a number; equal numbers of one clone are the same split.
    there
        [T, K] whether the tree has the clone.
    counts
        [C, T] draws of each tree in each chain.

    Returns
    -------
    float
        Over the splits that have a frequency of at least `FREQUENT` in some chain. The standard deviation has
        the divisor C - 1. NaN for one chain.
    """
    chains = len(counts)
    if chains < 2:
        return np.nan
    row, clone = np.nonzero(there)
    if len(row) == 0:
        return 0.0
    order = np.lexsort((keys[row, clone], clone))
    row, clone = row[order], clone[order]
    key = keys[row, clone]
    split = np.cumsum(np.append(False, (np.diff(clone) != 0) | (np.diff(key) != 0)))
    total = counts.sum(1, keepdims=True)
    share = np.stack([np.bincount(split, weights=c[row]) for c in counts]) / np.maximum(total, 1)
    frequent = share.max(0) >= FREQUENT
    return float(share[:, frequent].std(axis=0, ddof=1).mean())


def unsure_relations(trees: Trees, most: int = RELATIONS) -> Relations:
    """Ancestor relations that hold in some draws only, the most unsure first.

    Parameters
    ----------
    trees
        The trees of all draws.
    most
        Number of relations at most; of more, evenly spaced ones from the most to the least unsure.

    Returns
    -------
    list of tuple
        Ancestor and descendant (from 1), and whether it holds [chain, draw]; a draw that lacks one of the two
        has no such relation.
    """
    rows, which = distinct(trees.drawn)
    k, count = trees.clones, np.bincount(which)
    share = ancestor_weights(rows, count / len(which))[1:].ravel()
    unsure = np.flatnonzero((share > SURE) & (share < 1.0 - SURE))
    unsure = unsure[np.argsort(np.abs(share[unsure] - 0.5), kind="stable")]
    if len(unsure) > most:
        unsure = unsure[np.linspace(0, len(unsure) - 1, most).round().astype(int)]
    place = np.full((k + 1) * k, len(unsure))
    place[unsure + k] = np.arange(len(unsure))
    held = np.zeros((len(rows), len(unsure) + 1), bool)  # the last column takes all others
    for row, clone, up in walk(rows):
        held[row, place[up * k + clone]] = True
    return [
        ((int(i // k) + 1, int(i % k) + 1), trees.per_chain(held[which, j])) for j, i in enumerate(unsure)
    ]


def _sizes(relations: list[np.ndarray], trees: Trees) -> tuple[float, float]:
    """Effective number of trees and the least effective sample size of a relation."""
    total = len(trees.which)
    if total // max(trees.chains, 1) < MIN_DRAWS:
        return np.nan, np.nan
    if not relations:
        return float(total), float(total)
    draws = np.stack(relations).astype(float)
    return ess_of_sum(draws), min(ess_bulk(each) for each in draws)


def tree_quantities(tree: xr.DataTree, relations: Relations) -> Iterator[tuple[str, np.ndarray]]:
    """Name and draws [chain, draw] of what is watched of the trees.

    Parameters
    ----------
    tree
        From `summarise`.
    relations
        Of that posterior.

    Yields
    ------
    tuple
        Depth and number of founders of the draws' own trees, and the most unsure ancestor relations.
    """
    posterior: Any = tree["posterior"]
    raw, chains = stacked(posterior["parent"]), posterior.sizes["chain"]
    yield "tree_depth", depths(raw).max(axis=1, initial=0).reshape(chains, -1)
    yield "n_founders", (raw == ROOT).sum(1).reshape(chains, -1)
    for (above, below), holds in relations[:WATCHED]:
        yield f"ancestor[{above}, {below}]", holds
