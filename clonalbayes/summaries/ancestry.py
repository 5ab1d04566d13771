"""Algebra of many clone trees at once: who is above whom, which trees are the same, what lies below a clone.

A tree over K clones is a row of parents: `parents[d, k]` is the parent of clone k + 1 in draw d, 0 the normal
root, otherwise the number of a clone 1..K, and -1 where the draw has no such clone. Such a clone is nobody's
parent. All functions take rows of many draws, so that nothing is done draw by draw.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

ROOT, MISSING = 0, -1
"""The normal cells as a parent, and the parent of a clone that a draw does not have."""


def walk(parents: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Go up from every clone of every draw at once, one step at a time, until the root.

    Parameters
    ----------
    parents
        [D, K] parents.

    Yields
    ------
    tuple of numpy.ndarray
        Row, clone (from 0) and ancestor (0 the root) of each clone that still has one: first the parents,
        then their parents, and so on.

    Raises
    ------
    ValueError
        If some row is not a tree: a clone is its own ancestor, or below one that is not there.
    """
    row, clone = np.nonzero(parents >= 0)
    up = parents[row, clone].astype(np.intp)
    for _ in range(parents.shape[1] + 1):
        if len(row) == 0:
            return
        if (up < 0).any():
            raise ValueError("a clone lies below one that is not there")
        yield row, clone, up
        live = up > ROOT
        row, clone, up = row[live], clone[live], up[live]
        up = parents[row, up - 1].astype(np.intp)
    if len(row):
        raise ValueError("a clone is its own ancestor")


def ancestor_weights(parents: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Total weight of the rows in which one clone is above another.

    Parameters
    ----------
    parents
        [D, K] parents.
    weights
        [D] weight of each row.

    Returns
    -------
    numpy.ndarray
        [K + 1, K]: ancestor (0 the root) by clone.

    Examples
    --------
    >>> ancestor_weights(np.array([[0, 1], [2, 0]]), np.array([3.0, 1.0])).tolist()
    [[4.0, 4.0], [0.0, 3.0], [1.0, 0.0]]
    """
    k = parents.shape[1]
    total = np.zeros((k + 1) * k)
    for row, clone, up in walk(parents):
        total += np.bincount(up * k + clone, weights=weights[row], minlength=total.size)
    return total.reshape(k + 1, k)


def parent_weights(parents: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Total weight of the rows in which one clone is the parent of another.

    Parameters
    ----------
    parents, weights
        As in `ancestor_weights`.

    Returns
    -------
    numpy.ndarray
        [K + 1, K]: parent (0 the root) by clone.
    """
    k = parents.shape[1]
    row, clone = np.nonzero(parents >= 0)
    code = parents[row, clone].astype(np.intp) * k + clone
    return np.bincount(code, weights=weights[row], minlength=(k + 1) * k).reshape(k + 1, k)


def depths(parents: np.ndarray) -> np.ndarray:
    """Number of steps from each clone up to the root [D, K]: 1 for a founder, 0 where it is not there.

    Examples
    --------
    >>> depths(np.array([[0, 1, 2], [0, 0, -1]])).tolist()
    [[1, 2, 3], [1, 1, 0]]
    """
    out = np.zeros(parents.shape, np.int64)
    for row, clone, _ in walk(parents):
        out[row, clone] += 1  # a clone comes up at most once in a step
    return out


def founders_of(parents: np.ndarray) -> np.ndarray:
    """Top ancestor of each clone [D, K], itself for a founder; -1 where it is not there.

    Examples
    --------
    >>> founders_of(np.array([[0, 1, 0], [2, 0, -1]])).tolist()
    [[1, 1, 3], [2, 2, -1]]
    """
    out = np.where(parents >= 0, np.arange(1, parents.shape[1] + 1), MISSING)
    for row, clone, up in walk(parents):
        live = up > ROOT
        out[row[live], clone[live]] = up[live]
    return out


def clade_keys(parents: np.ndarray) -> np.ndarray:
    """Name the set of clones at or below each clone by a number [D, K]; 0 where it is not there.

    Each clone has a random whole number, a set their sum. Sums stay below 2**52, where floats are exact; for a
    hundred clones two different sets of one clone share a number with probability 2**-45.
    """
    d, k = parents.shape
    bits = 51 - int(np.ceil(np.log2(max(k, 1))))
    code = np.random.default_rng(0).integers(1, 2**bits, k).astype(float)
    keys = np.where(parents >= 0, code, 0.0)
    for row, clone, up in walk(parents):
        live = up > ROOT
        at = row[live] * k + up[live] - 1
        keys += np.bincount(at, weights=code[clone[live]], minlength=d * k).reshape(d, k)
    return keys


def distinct(parents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the different rows, in the order of their first appearance.

    Parameters
    ----------
    parents
        [D, K] parents.

    Returns
    -------
    tuple of numpy.ndarray
        The different rows [T, K], and which of them each row is [D].

    Examples
    --------
    >>> rows, which = distinct(np.array([[0, 1], [2, 0], [0, 1]]))
    >>> rows.tolist(), which.tolist()
    ([[0, 1], [2, 0]], [0, 1, 0])
    """
    rows = np.ascontiguousarray(parents)
    seen: dict[bytes, int] = {}
    which = np.fromiter((seen.setdefault(row.tobytes(), len(seen)) for row in rows), np.intp, len(rows))
    first = np.zeros(len(seen), np.intp)
    first[which[::-1]] = np.arange(len(rows))[::-1]
    return rows[first], which


def restrict(parents: np.ndarray, partner: np.ndarray) -> np.ndarray:
    """Trees over consensus clones from the trees over the slots of the draws.

    Parameters
    ----------
    parents
        [D, slots] parent of each slot: 0 the root, else 1 + slot; -1 for an unused slot.
    partner
        [D, K] slot that is the clone in the draw, -1 where there is none.

    Returns
    -------
    numpy.ndarray
        [D, K] int16: number of the nearest ancestor that is a consensus clone, 0 if there is none above; -1
        where the draw lacks the clone.

    Examples
    --------
    >>> restrict(np.array([[0, 1, 2]]), np.array([[2, 0]])).tolist()  # slot 1 is no consensus clone
    [[2, 0]]
    """
    out = np.full(partner.shape, MISSING, np.int16)
    row, clone = np.nonzero(partner >= 0)
    number = np.zeros((len(partner), parents.shape[1] + 1), np.int16)
    number[row, partner[row, clone] + 1] = clone + 1
    up = parents[row, partner[row, clone]].astype(np.intp)
    for _ in range(parents.shape[1] + 1):
        found = (up <= ROOT) | (number[row, up] > 0)
        if (up[found] < 0).any():
            raise ValueError("a clone lies below a slot that is not used")
        if (number[row[found], up[found]] == clone[found] + 1).any():
            break
        out[row[found], clone[found]] = number[row[found], up[found]]
        row, clone, up = row[~found], clone[~found], up[~found]
        if len(row) == 0:
            return out
        up = parents[row, up - 1].astype(np.intp)
    raise ValueError("a slot is its own ancestor")


def completed(parents: np.ndarray, guide: np.ndarray) -> np.ndarray:
    """Put clones that a draw lacks where a guide tree has them; without them it is the draw's tree again.

    A missing clone goes below its parent in the guide. A clone that the draw hangs where the guide would hang
    it if the missing ones were taken out, goes below them; every other one stays.

    Parameters
    ----------
    parents
        [D, K] parents, -1 where a clone is missing.
    guide
        [K] parents of the guide tree, none missing.

    Returns
    -------
    numpy.ndarray
        [D, K] int16 parents, none missing.

    Examples
    --------
    >>> completed(np.array([[0, -1, 1], [0, -1, 0]]), np.array([0, 1, 2])).tolist()
    [[0, 1, 2], [0, 1, 0]]
    """
    parents, guide = np.asarray(parents, np.int16), np.asarray(guide, np.int16)
    gone = parents == MISSING
    if not gone.any():
        return parents
    rows = np.flatnonzero(gone.any(1))
    lost = np.concatenate([np.zeros((len(rows), 1), bool), gone[rows]], axis=1)  # the root is never lost
    above = np.concatenate([[ROOT], guide]).astype(np.intp)
    anchor = np.broadcast_to(guide.astype(np.intp), (len(rows), len(guide))).copy()
    for _ in range(len(guide)):  # up the guide until a clone that the draw has
        climb = np.take_along_axis(lost, anchor, 1)
        if not climb.any():
            break
        anchor[climb] = above[anchor[climb]]
    below_lost = lost[:, guide.astype(np.intp)]
    move = gone[rows] | (below_lost & (parents[rows] == anchor))
    out = parents.copy()
    out[rows] = np.where(move, guide, parents[rows])
    return out
