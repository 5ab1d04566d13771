"""Where the clones of a tree are drawn: one row each, or in levels below the root."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clonalbayes.summaries.ancestry import ROOT, depths


def children_of(parents: np.ndarray) -> list[list[int]]:
    """Children of the root and of each clone [K + 1], as numbers, those with fewer descendants first.

    Examples
    --------
    >>> children_of(np.array([0, 1, 1, 2]))
    [[1], [3, 2], [4], [], []]
    """
    below = np.ones(len(parents) + 1, int)
    for k in np.argsort(-depths(parents[None])[0], kind="stable"):
        below[parents[k]] += below[k + 1]
    found: list[list[int]] = [[] for _ in range(len(parents) + 1)]
    for k, parent in enumerate(parents.tolist()):
        found[parent].append(k + 1)
    return [sorted(numbers, key=lambda k: (below[k], k)) for numbers in found]


def rows_of(parents: np.ndarray) -> np.ndarray:
    """Row of each clone [K] in an outline: every clone above its descendants, subtrees together.

    Examples
    --------
    >>> rows_of(np.array([0, 1, 1, 2])).tolist()
    [0, 2, 1, 3]
    """
    children, row = children_of(parents), np.zeros(len(parents), int)
    stack, count = children[ROOT][::-1], 0
    while stack:
        k = stack.pop()
        row[k - 1], count = count, count + 1
        stack.extend(children[k][::-1])
    return row


@dataclass(frozen=True)
class Branches:
    """Branches drawn to scale.

    Attributes
    ----------
    end
        [K] inches from the root to each clone.
    unit
        Inches of one mutation.
    lengthened
        [K] whether a branch is drawn longer than it is.
    """

    end: np.ndarray
    unit: float
    lengthened: np.ndarray


def to_scale(
    parents: np.ndarray, lengths: np.ndarray, width: float, least: float, widest: float = np.inf
) -> Branches:
    """Fit branches into a width, none shorter than can be seen.

    Parameters
    ----------
    parents
        [K] parents.
    lengths
        [K] length of the branch to each clone, in mutations.
    width
        Inches for the longest path; if it has no room for branches of the least length, they get it.
    least
        Inches of the shortest branch.
    widest
        Inches that the longest path has at most; shortest branches are shorter then.
    """
    deepest = int(depths(parents[None]).max(initial=1))
    width = min(max(width, 1.3 * least * deepest), widest)
    least = min(least, width / (1.3 * deepest))
    low, high = 0.0, width / max(float(lengths.max(initial=0)), 1.0)
    for _ in range(50):
        unit = (low + high) / 2.0
        if _ends(parents, np.maximum(lengths * unit, least)).max(initial=0.0) > width:
            high = unit
        else:
            low = unit
    drawn = np.maximum(lengths * low, least)
    return Branches(_ends(parents, drawn), low, drawn > lengths * low * (1 + 1e-9))


def _ends(parents: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    end = np.zeros(len(parents) + 1)
    for k in np.argsort(depths(parents[None])[0], kind="stable"):
        end[k + 1] = end[parents[k]] + lengths[k]
    return end[1:]


def levels(parents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places of the root and the clones [K + 1] in a tree drawn from the top: x in leaves, y the depth.

    Examples
    --------
    >>> x, y = levels(np.array([0, 1, 1]))
    >>> x.tolist(), y.tolist()
    ([0.5, 0.5, 0.0, 1.0], [0, 1, 2, 2])
    """
    children = children_of(parents)
    deep = np.append(0, depths(parents[None])[0])
    x = np.zeros(len(parents) + 1)
    order, stack, leaves = [], [ROOT], 0
    while stack:
        order.append(stack.pop())
        stack.extend(children[order[-1]][::-1])
    for k in order:
        if not children[k]:
            x[k], leaves = leaves, leaves + 1
    for k in reversed(order):
        if children[k]:
            x[k] = (x[children[k][0]] + x[children[k][-1]]) / 2.0
    return x, deep
