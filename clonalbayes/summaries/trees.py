"""The posterior of trees over the consensus clones: which trees, how probable, who is above whom.

A draw that lacks a consensus clone says nothing of that clone's place. Probabilities of edges are shares of
the draws that have both clones. For probabilities of whole trees such a draw is completed: the clone is put
where the consensus tree has it (`clonalbayes.summaries.ancestry.completed`), and `Trees.complete` says which
share of the draws needed none of that.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from clonalbayes.summaries.ancestry import (
    MISSING,
    ROOT,
    ancestor_weights,
    completed,
    depths,
    distinct,
    founders_of,
    parent_weights,
)
from clonalbayes.summaries.arborescence import consensus_tree

GROUP = "consensus"

BATCHES = 40
"""Stretches of the chains, in all, whose differences give Monte-Carlo errors."""


@dataclass(frozen=True)
class Trees:
    """The trees of all draws.

    Attributes
    ----------
    drawn
        [D, K] parent of each consensus clone in each draw, chain after chain; -1 where the draw lacks it.
    parents
        [T, K] the different trees with nothing missing, most probable first.
    which
        [D] tree of each draw.
    consensus
        [K] parents of the consensus tree.
    chains
        Number of chains.
    """

    drawn: np.ndarray
    parents: np.ndarray
    which: np.ndarray
    consensus: np.ndarray
    chains: int

    @property
    def clones(self) -> int:
        """Number of consensus clones."""
        return self.drawn.shape[1]

    @cached_property
    def there(self) -> np.ndarray:
        """[D] whether the draw has every consensus clone."""
        return np.asarray((self.drawn != MISSING).all(1))

    @property
    def complete(self) -> float:
        """Share of the draws that have every consensus clone."""
        return float(self.there.mean())

    @cached_property
    def probability(self) -> np.ndarray:
        """[T] share of the draws with each tree, falling."""
        return np.bincount(self.which, minlength=len(self.parents)) / len(self.which)

    @property
    def effective(self) -> float:
        """Number of equally probable trees that would be as hard to guess: 1 / sum of squares."""
        return float(1.0 / np.square(self.probability).sum())

    @cached_property
    def parent_probability(self) -> np.ndarray:
        """[K + 1, K] probability of each parent (0 the root) among the draws that have the clone."""
        return parent_shares(self.drawn)

    @cached_property
    def ancestor_probability(self) -> np.ndarray:
        """[K + 1, K] probability that the first is above the second, among the draws that have both."""
        rows, which = distinct(self.drawn)
        weights = np.bincount(which).astype(float)
        has = np.concatenate([np.ones((len(rows), 1)), rows != MISSING], axis=1)
        both = (has * weights[:, None]).T @ has[:, 1:]
        return ancestor_weights(rows, weights) / np.maximum(both, 1.0)

    @cached_property
    def support(self) -> np.ndarray:
        """[K] probability of each clone's parent in the consensus tree."""
        return self.parent_probability[self.consensus.astype(np.intp), np.arange(self.clones)]

    @property
    def consensus_probability(self) -> float:
        """Share of the draws whose tree is the consensus tree."""
        same = (self.parents == self.consensus).all(1)
        return float(self.probability[same].sum())

    def errors(self) -> np.ndarray:
        """Monte-Carlo standard error [T] of the probability of each tree, from batch means.

        NaN where there are too few draws for batches of two.
        """
        count, per_chain = len(self.parents), len(self.which) // max(self.chains, 1)
        batches = min(max(BATCHES // self.chains, 1), per_chain // 2)
        if self.chains * batches < 2:
            return np.full(count, np.nan)
        within = np.arange(per_chain) * batches // per_chain
        batch = (np.arange(self.chains)[:, None] * batches + within).ravel()
        total = self.chains * batches
        held = np.bincount(self.which * total + batch, minlength=count * total).reshape(count, total)
        share = held / np.bincount(batch, minlength=total)
        return np.asarray(share.std(axis=1, ddof=1) / np.sqrt(total))

    def per_chain(self, values: np.ndarray) -> np.ndarray:
        """Values [D, ...] as [chain, draw, ...]."""
        return values.reshape(self.chains, len(values) // self.chains, *values.shape[1:])


def parent_shares(drawn: np.ndarray) -> np.ndarray:
    """Share [K + 1, K] of the draws with each parent among those that have the clone; 0 where none has it."""
    counts = parent_weights(drawn, np.ones(len(drawn)))
    return counts / np.maximum(counts.sum(0), 1.0)


def has_trees(tree: xr.DataTree) -> bool:
    """Whether a posterior is one of trees."""
    return "parent" in tree["posterior"].data_vars


def find_trees(drawn: np.ndarray, chains: int) -> Trees:
    """Collect the trees of draws.

    Parameters
    ----------
    drawn
        [D, K] parent of each consensus clone, -1 where a draw lacks it.
    chains
        Number of chains; their draws follow each other.
    """
    consensus = consensus_tree(parent_shares(drawn))
    rows, which = distinct(completed(drawn, consensus))
    count = np.bincount(which, minlength=len(rows))
    # A list of trees may be cut off, and of equally frequent ones a random choice is to be left then.
    chance = (rows * np.random.default_rng(0).random(rows.shape[1])).sum(1)
    order = np.lexsort((chance % 1.0, -count))
    rank = np.empty(len(rows), np.intp)
    rank[order] = np.arange(len(rows))
    return Trees(drawn, rows[order], rank[which], consensus, chains)


def collect(tree: xr.DataTree) -> Trees:
    """Collect the trees of a posterior.

    Parameters
    ----------
    tree
        From `summarise`, of a model with trees.
    """
    group: Any = tree[GROUP]
    return find_trees(stacked(group["parent"]), group.sizes["chain"])


def stacked(variable: Any) -> np.ndarray:
    """Draws of all chains, one after the other: [chain, draw, ...] as [D, ...]."""
    values = variable.transpose("chain", "draw", ...).values
    return np.asarray(values.reshape(values.shape[0] * values.shape[1], *values.shape[2:]))


def prevalence_of_trees(trees: Trees, phi: np.ndarray, most: int) -> list[np.ndarray]:
    """Mean prevalences of the most probable trees, each over its own draws.

    Parameters
    ----------
    trees
        The trees.
    phi
        [D, K, S] prevalence of each consensus clone, NaN where a draw lacks it.
    most
        Number of trees.

    Returns
    -------
    list of numpy.ndarray
        [K, S] for each. A mean of draws keeps the sum rule; where a draw of the tree lacks a clone, the
        parents are raised to hold their children.
    """
    order = np.argsort(trees.which, kind="stable")
    ends = np.cumsum(np.bincount(trees.which, minlength=len(trees.parents)))
    overall: np.ndarray | None = None
    out = []
    for t in range(min(most, len(trees.parents))):
        mine = order[ends[t - 1] if t else 0 : ends[t]]
        if trees.there[mine].all():
            out.append(phi[mine].mean(0))
            continue
        block = phi[mine]
        known = np.isfinite(block)
        mean = np.where(known, block, 0.0).sum(0) / np.maximum(known.sum(0), 1)
        if not known.any(0).all():
            overall = _mean_of_known(phi) if overall is None else overall
            mean = np.where(known.any(0), mean, overall)
        out.append(nested(mean, trees.parents[t]))
    return out


def _mean_of_known(phi: np.ndarray) -> np.ndarray:
    known = np.isfinite(phi)
    return np.where(known, phi, 0.0).sum(0) / np.maximum(known.sum(0), 1)


def nested(phi: np.ndarray, parents: np.ndarray) -> np.ndarray:
    """Raise prevalences [K, S] so that every clone holds its children, and scale samples that exceed 1.

    Examples
    --------
    >>> nested(np.array([[0.5], [0.4], [0.3]]), np.array([0, 1, 1])).round(2).tolist()
    [[0.7], [0.4], [0.3]]
    """
    out = phi.copy()
    for k in np.argsort(-depths(parents[None])[0], kind="stable"):
        children = np.flatnonzero(parents == k + 1)
        out[k] = np.maximum(out[k], out[children].sum(0))
    top = out[parents == ROOT].sum(0)
    return out / np.maximum(top, 1.0)


def founder_counts(trees: Trees, present: np.ndarray) -> np.ndarray:
    """Number of independent founders in each draw [D].

    Parameters
    ----------
    trees
        The trees.
    present
        [D, K] whether the clone is in some sample; one that is nowhere founds nothing.
    """
    return np.asarray(((trees.parents[trees.which] == ROOT) & present).sum(1))


def present_somewhere(group: Any) -> np.ndarray:
    """Whether each consensus clone is in some sample [D, K]; a clone that a draw lacks counts as present."""
    return np.asarray((stacked(group["presence"]) != 0).any(2))


def relation(trees: Trees, first: int, second: int) -> dict[str, float]:
    """Probabilities of how two clones are related.

    Parameters
    ----------
    trees
        The trees.
    first, second
        Numbers of two consensus clones, from 1.

    Returns
    -------
    dict
        `above` and `below`: the first is an ancestor, a descendant of the second; `cousins`: on different
        branches of one founder; `unrelated`: of different founders; among the draws that have both. NaN if
        no draw has.
    """
    pair = trees.drawn[:, [first - 1, second - 1]]
    drawn = trees.drawn[(pair != MISSING).all(1)]
    if len(drawn) == 0:
        return dict.fromkeys(("above", "below", "cousins", "unrelated"), float("nan"))
    rows, which = distinct(drawn)
    share = np.bincount(which) / len(which)
    founder = founders_of(rows)[:, [first - 1, second - 1]]
    over = ancestor_weights(rows, share)
    above, below = float(over[first, second - 1]), float(over[second, first - 1])
    related = float(share[founder[:, 0] == founder[:, 1]].sum())
    return {
        "above": above,
        "below": below,
        "cousins": max(related - above - below, 0.0),
        "unrelated": max(1.0 - related, 0.0),
    }


def describe_relation(trees: Trees, first: int, second: int) -> str:
    """Say in a sentence how two clones are related.

    Parameters
    ----------
    trees, first, second
        As in `relation`.

    Examples
    --------
    >>> describe_relation(find_trees(np.array([[0, 1], [0, 1], [0, 1], [0, 0]]), 1), 1, 2)
    'Clones 1 and 2 are clonally related with probability 0.75: clone 1 is above clone 2 (0.75).'
    """
    p = relation(trees, first, second)
    if np.isnan(p["unrelated"]):
        return f"No draw has both clone {first} and clone {second}."
    ways = (
        ("above", f"clone {first} is above clone {second}"),
        ("below", f"clone {first} is below clone {second}"),
        ("cousins", "they are on different branches of one founder"),
    )
    listed = ", ".join(f"{words} ({p[way]:.2f})" for way, words in ways if p[way] >= 0.005)
    head = f"Clones {first} and {second} are clonally related with probability {1.0 - p['unrelated']:.2f}"
    return f"{head}: {listed}." if listed else f"{head}."


def related_samples(parents: np.ndarray, presence: np.ndarray, most: int = 1000) -> np.ndarray:
    """Probability that the tumour cells of two samples have a founder in common.

    Parameters
    ----------
    parents
        [D, slots] parents of the draws' own clones, 0 for founders, -1 for unused slots.
    presence
        [D, slots, S] 1 where the clone is in the sample.
    most
        Draws that are looked at, evenly spaced.

    Returns
    -------
    numpy.ndarray
        [S, S] among the draws in which both samples hold tumour cells; NaN where none does.
    """
    rows = np.unique(np.linspace(0, len(parents) - 1, min(most, len(parents))).round().astype(int))
    samples = presence.shape[2]
    shared, both = np.zeros((samples, samples)), np.zeros((samples, samples))
    for d in rows:
        founders = (presence[d, parents[d] == ROOT] == 1).astype(np.float32)
        shared += founders.T @ founders > 0
        some = founders.any(0)
        both += some[:, None] & some
    return np.where(both > 0, shared / np.maximum(both, 1.0), np.nan)
