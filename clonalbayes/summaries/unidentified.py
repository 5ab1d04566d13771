"""What the tree leaves open: clones with several possible parents, and the sample that would tell them apart.

A parent holds its children: in no sample do clones that hang side by side below p sum to more than p. So one
sample in which clone k and its would-be siblings below p are together larger than p excludes p as the parent
of k. A sample with k but without p is the plainest case. Which clones are siblings is read from the draws in
which p is the parent of k. The normal root holds all cells, and an only founder always fits there.

Often all that is open is which of two clones of one line is above the other. Then one sample in which their
sizes differ tells, and so it is said, also of the clones that hang below the lower of the two.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from clonalbayes.summaries.ancestry import ROOT
from clonalbayes.summaries.trees import GROUP, Trees, stacked

SURE = 0.95
"""Probability of a parent from which it counts as known."""

LEAST, MOST_PARENTS, TESTED = 0.02, 5, 3
"""Probability from which a parent is listed, how many are at most, and for how many a test is described."""

LOOKED_AT = 200
"""Draws in which the room at a parent is measured."""


def unidentified(tree: xr.DataTree, trees: Trees) -> list[dict[str, Any]]:
    """List the clones whose parent is not sure.

    Parameters
    ----------
    tree
        From `summarise`.
    trees
        Of that posterior.

    Returns
    -------
    list of dict
        By clone: clone, kind ("order" if only the order of two clones of one line is open, else "parent"),
        parents ("7 (0.61), 0 (0.39)", 0 the normal root), statement (all of it in words), sample_that_tells (in
        words; empty if none would), closest_sample (the sample at hand in which a parent has the least room
        left for what the clone has of the cells) and room (mean share of the cells left there).
    """
    best = trees.parent_probability.max(0) if trees.clones else np.empty(0)
    return [_row(tree, trees, int(k) + 1) for k in np.flatnonzero((best > 0) & (best < SURE))]


def _row(tree: xr.DataTree, trees: Trees, clone: int) -> dict[str, Any]:
    share = trees.parent_probability[:, clone - 1]
    order = np.argsort(-share, kind="stable")[:MOST_PARENTS]
    parents = [int(p) for p in order if share[p] >= LEAST]
    tests, rooms = [], []
    for parent in parents:
        rows = np.flatnonzero(trees.drawn[:, clone - 1] == parent)
        beside = siblings(trees.drawn[rows], clone, parent)
        if parent != ROOT or beside:
            tests.append(f"{sample_that_excludes(clone, beside, parent)} would exclude {name_of(parent)}")
        room, size, sample = least_room(tree, trees, rows, clone, parent)
        if sample:
            rooms.append((room / size, room, sample, parent))
    pair = pair_in_question(trees, clone, parents)
    if pair is None:
        listed = listing([f"{name_of(p)} ({share[p]:.2f})" for p in parents], "or")
        words, tells = f"{_start(name_of(clone))} hangs below {listed}.", "; ".join(tests[:TESTED])
        words += f" {_start(tells)}." if tells else ""
    else:
        words, tells = _order_words(trees, clone, *pair)
    _, room, sample, parent = min(rooms, default=(np.nan, np.nan, "", ROOT))
    if sample and pair is None:
        words += f" Of the samples at hand {sample} comes closest: {room:.3g} of the cells left at {name_of(parent)}."
    return {
        "clone": clone,
        "kind": "parent" if pair is None else "order",
        "parents": ", ".join(f"{p} ({share[p]:.3f})" for p in parents),
        "statement": words,
        "sample_that_tells": tells,
        "closest_sample": sample,
        "room": room,
    }


def pair_in_question(trees: Trees, clone: int, parents: list[int]) -> tuple[int, int] | None:
    """Find two clones of one line whose order is all that is open about a clone's parent.

    Parameters
    ----------
    trees
        The trees.
    clone
        The clone.
    parents
        Its possible parents, the most probable first.

    Returns
    -------
    tuple or None
        The clone and one of its two likeliest parents, or these two parents; the smaller number first.
    """
    if len(parents) < 2 or trees.parent_probability[parents[:2], clone - 1].sum() < SURE:
        return None
    one, two = parents[:2]
    for pair in ((one, two), (clone, one), (clone, two)):
        low, high = sorted(pair)
        if low == ROOT:
            continue
        ways = trees.ancestor_probability[low, high - 1], trees.ancestor_probability[high, low - 1]
        if min(ways) >= 1.0 - SURE and sum(ways) >= SURE:
            return low, high
    return None


def _order_words(trees: Trees, clone: int, low: int, high: int) -> tuple[str, str]:
    """Sentences on a clone of which only the order of two clones is open, and the sample that would tell."""
    above, below = trees.ancestor_probability[low, high - 1], trees.ancestor_probability[high, low - 1]
    tells = f"a sample in which clones {low} and {high} differ in size would tell: the larger is above"
    words = f"Clone {low} is above clone {high} ({above:.2f}) or below it ({below:.2f})"
    if clone not in (low, high):
        words += f", and clone {clone} hangs below the lower of the two"
    return f"{words}. {_start(tells)}.", tells


def siblings(drawn: np.ndarray, clone: int, parent: int) -> list[int]:
    """Clones that hang beside a clone in most of the draws [D, K] in which it has that parent.

    Examples
    --------
    >>> siblings(np.array([[0, 1, 1], [0, 1, 1], [0, 1, 2]]), clone=2, parent=1)
    [3]
    """
    often = (drawn == parent).mean(0) > 0.5
    return [int(k) + 1 for k in np.flatnonzero(often) if k + 1 != clone]


def sample_that_excludes(clone: int, beside: list[int], parent: int) -> str:
    """Describe a sample that would exclude a parent, given who else hangs there.

    Examples
    --------
    >>> sample_that_excludes(4, [], 7)
    'a sample in which clone 4 is larger than clone 7'
    >>> sample_that_excludes(4, [2, 5], 0)
    'a sample in which clones 4, 2 and 5 together are more than all cells'
    """
    size = "more than all cells" if parent == ROOT else f"larger than {name_of(parent)}"
    if not beside:
        return f"a sample in which {name_of(clone)} is {size}"
    return f"a sample in which clones {listing([str(k) for k in (clone, *beside)], 'and')} together are {size}"


def least_room(
    tree: xr.DataTree, trees: Trees, rows: np.ndarray, clone: int, parent: int
) -> tuple[float, float, str]:
    """Find the sample with the clone in which a parent has the least room left, for the size of the clone.

    Parameters
    ----------
    tree
        From `summarise`.
    trees
        Of that posterior.
    rows
        Draws in which the parent is the clone's.
    clone, parent
        Their numbers.

    Returns
    -------
    tuple
        Mean share of the cells that are the parent's own and mean prevalence of the clone there, and the name
        of the sample; NaN and "" if the clone is in none.
    """
    group: Any = tree[GROUP]
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, LOOKED_AT).astype(int))]
    phi = stacked(group["cellular_prevalence"])
    below = (trees.drawn[rows] == parent).any(0)
    beside = np.nan_to_num(phi[np.ix_(rows, np.flatnonzero(below))])
    held = np.where((trees.drawn[rows] == parent)[:, below, None], beside, 0.0).sum(1)
    whole = 1.0 if parent == ROOT else phi[rows, parent - 1]
    there = (phi[rows, clone - 1] > 0).mean(0) > 0.5
    if not there.any():
        return np.nan, np.nan, ""
    room, size = np.maximum((whole - held).mean(0), 0.0), phi[rows, clone - 1].mean(0)
    s = int(np.where(there, room / np.maximum(size, 1e-12), np.inf).argmin())
    return float(room[s]), float(size[s]), str(group["specimen"].values[s])


def name_of(clone: int) -> str:
    """What a clone or the root is called in a sentence."""
    return "the normal root" if clone == ROOT else f"clone {clone}"


def listing(words: list[str], last: str) -> str:
    """Join words as one would in a sentence.

    Examples
    --------
    >>> listing(["a", "b", "c"], "or"), listing(["a"], "or")
    ('a, b or c', 'a')
    """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def _start(words: str) -> str:
    return words[:1].upper() + words[1:]
