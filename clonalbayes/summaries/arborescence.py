"""The tree whose edges are together the most credible: Edmonds' maximum spanning arborescence."""

from __future__ import annotations

import numpy as np

FORBIDDEN = -1e6
"""Weight of an edge that no draw has; any tree that was drawn outweighs one such edge."""


def consensus_tree(probability: np.ndarray) -> np.ndarray:
    """Find the tree with the largest sum of the probabilities of its parent-child edges.

    It is the tree with the largest expected number of right parents. An edge that no draw has is not taken.

    Parameters
    ----------
    probability
        [K + 1, K] probability that clone k + 1 has the parent p, 0 the normal root.

    Returns
    -------
    numpy.ndarray
        [K] int16 parents.

    Examples
    --------
    >>> consensus_tree(np.array([[0.6, 0.4], [0.0, 0.6], [0.4, 0.0]])).tolist()
    [0, 1]
    """
    k = probability.shape[1]
    weight = np.full((k + 1, k + 1), FORBIDDEN)
    weight[:, 1:] = np.where(probability > 0, probability, FORBIDDEN)
    weight[np.arange(k + 1), np.arange(k + 1)] = -np.inf
    return _arborescence(weight)[1:].astype(np.int16)


def _arborescence(weight: np.ndarray) -> np.ndarray:
    """Best parents [n] of a dense graph whose node 0 is the root, by Chu, Liu and Edmonds (1967).

    Every node takes its best parent; a cycle becomes one node, and what it loses by taking its parent from
    outside is the weight of the edges into it.
    """
    n = len(weight)
    best = weight.argmax(0)
    best[0] = 0
    cycle = _cycle(best)
    if len(cycle) == 0:
        return best
    rest = np.setdiff1d(np.arange(n), cycle)  # the root is the first of them
    smaller = np.full((len(rest) + 1, len(rest) + 1), -np.inf)
    smaller[:-1, :-1] = weight[np.ix_(rest, rest)]
    into = weight[np.ix_(rest, cycle)] - weight[best[cycle], cycle]
    out_of = weight[np.ix_(cycle, rest)]
    smaller[:-1, -1], smaller[-1, :-1] = into.max(1), out_of.max(0)
    found = _arborescence(smaller)
    parents = best.copy()
    for j in range(1, len(rest)):
        inside = found[j] == len(rest)
        parents[rest[j]] = cycle[out_of[:, j].argmax()] if inside else rest[found[j]]
    entry = found[-1]
    parents[cycle[into[entry].argmax()]] = rest[entry]
    return parents


def _cycle(parents: np.ndarray) -> np.ndarray:
    """Nodes of some cycle of a parent array whose node 0 is the root; empty if there is none."""
    state = np.zeros(len(parents), np.int64)  # 0 not seen, else the start of the walk that saw it
    state[0] = len(parents)
    for start in range(1, len(parents)):
        node = start
        while state[node] == 0:
            state[node] = start
            node = int(parents[node])
        if state[node] == start:
            cycle = [node]
            while (step := int(parents[cycle[-1]])) != node:
                cycle.append(step)
            return np.array(cycle, np.intp)
    return np.empty(0, np.intp)
