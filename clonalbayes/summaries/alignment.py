"""Matching the clones of draws to the clones of one partition, through their shared mutations.

Labels of draws are exchangeable, so draws are compared by who is with whom. Everything here works on
contingency tables (slots of a draw x clones of the partition), never on pairs of mutations, so the cost is
linear in mutations.

Codes: in a draw 0 = germline, 1 = noise, 2 + s = slot s (the raw label + 2). In a partition 0 = germline,
1 = noise, 1 + k = clone k = 1..K, and K + 2 = some clone that has no counterpart in the partition.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

GERMLINE, NOISE, FIRST = 0, 1, 2
"""Codes of the two components that are no clones, and of the first clone."""

CHUNK = 1_000_000
"""Entries of an array that are worked on at once: 8 MB as 64-bit integers."""

MIN_JACCARD = 0.25
"""Shared / united mutations that a slot needs to pass as a clone: half of a clone split evenly has 0.5."""


@dataclass(frozen=True)
class Draws:
    """Draws of all chains, one after the other.

    Attributes
    ----------
    labels
        [D, N] raw labels: slot, -1 noise, -2 germline.
    slots
        Number of slots.
    """

    labels: np.ndarray
    slots: int

    @property
    def width(self) -> int:
        """Number of codes of a draw."""
        return self.slots + FIRST

    def thinned(self, most: int, mutations: int | None = None) -> Draws:
        """Return at most `most` draws, evenly spaced, and at most `mutations` of the mutations.

        The first and the last draw are among them, so that every chain is.
        """
        total, n = self.labels.shape
        rows = np.unique(np.linspace(0, total - 1, min(most, total)).round().astype(int))
        step = 1 if mutations is None else max(1, -(-n // mutations))
        return Draws(self.labels[rows][:, ::step], self.slots)


def chunks(total: int, width: int) -> Iterator[slice]:
    """Split rows of some width into ranges that are worked on at once.

    Examples
    --------
    >>> [(c.start, c.stop) for c in chunks(3, CHUNK // 2)]
    [(0, 2), (2, 3)]
    """
    step = max(1, CHUNK // max(width, 1))
    for start in range(0, total, step):
        yield slice(start, min(start + step, total))


@dataclass(frozen=True)
class Match:
    """How draws are matched to a partition of K clones.

    Attributes
    ----------
    partner
        [D, K] slot that is the clone in the draw, -1 where there is none.
    size
        [D, K] mutations in that slot, 0 where there is none.
    target
        [D, slots + 2] code in the partition of each code of the draw. A slot that is nobody's partner goes to
        the clone that most of its mutations belong to (a split of that clone), else to K + 2.
    """

    partner: np.ndarray
    size: np.ndarray
    target: np.ndarray


def crosstabs(labels: np.ndarray, width: int, partition: np.ndarray, columns: int) -> np.ndarray:
    """Count mutations by code in each draw and code in a partition.

    Parameters
    ----------
    labels
        [M, N] raw labels of some draws.
    width
        Codes of a draw.
    partition
        [N] codes of the partition.
    columns
        Codes of the partition.

    Returns
    -------
    numpy.ndarray
        [M, width, columns] counts.
    """
    cells = width * columns
    kind = np.int16 if cells < np.iinfo(np.int16).max else np.int32  # narrow codes go three times as fast
    shifted = (partition + FIRST * columns).astype(kind)
    out = np.empty((len(labels), cells), np.int64)
    for draw, row in zip(labels, out, strict=True):
        code = np.multiply(draw, kind(columns), dtype=kind)
        code += shifted
        row[:] = np.bincount(code, minlength=cells)
    return out.reshape(-1, width, columns)


def variation_of_information(tables: np.ndarray) -> np.ndarray:
    """Distance between two partitions from their contingency tables.

    Parameters
    ----------
    tables
        [M, A, B] counts.

    Returns
    -------
    numpy.ndarray
        [M] variation of information in nats (Meila 2007): 0 for the same partition.

    Examples
    --------
    >>> variation_of_information(np.array([[[2, 0], [0, 2]]])).tolist()
    [0.0]
    >>> variation_of_information(np.array([[[1, 1], [1, 1]]])).round(4).tolist()
    [1.3863]
    """
    total = np.maximum(tables[0].sum(), 1)
    own = _n_log_n(tables.sum(2)).sum(1) + _n_log_n(tables.sum(1)).sum(1)
    return np.maximum(own - 2.0 * _n_log_n(tables).sum((1, 2)), 0.0) / total


def _n_log_n(counts: np.ndarray) -> np.ndarray:
    return counts * np.log(np.maximum(counts, 1))


def match(tables: np.ndarray) -> Match:
    """Match the slots of draws to the clones of a partition by the assignment problem on shared mutations.

    Parameters
    ----------
    tables
        [M, slots + 2, K + 2] from `crosstabs`.

    Returns
    -------
    Match
    """
    m, width, columns = tables.shape
    slots, clones = width - FIRST, columns - FIRST
    target = np.full((m, width), columns, np.intp)
    target[:, :FIRST] = GERMLINE, NOISE
    if slots == 0 or clones == 0:
        none = np.zeros((m, clones), np.intp)
        return Match(none - 1, none, target)
    shared = tables[:, FIRST:, FIRST:]
    size = tables[:, FIRST:].sum(2)
    partner = _best_partners(shared)
    draw, clone = np.nonzero(partner >= 0)
    slot = partner[draw, clone]
    both = shared[draw, slot, clone]
    united = size[draw, slot] + tables[draw, :, clone + FIRST].sum(1) - both
    weak = both < MIN_JACCARD * united
    partner[draw[weak], clone[weak]] = -1
    home = shared.argmax(2)
    held = np.take_along_axis(shared, home[:, :, None], 2)[:, :, 0]
    target[:, FIRST:] = np.where(2 * held > size, home + FIRST, columns)
    draw, clone = np.nonzero(partner >= 0)
    target[draw, partner[draw, clone] + FIRST] = clone + FIRST
    held = np.zeros_like(partner)
    held[draw, clone] = size[draw, partner[draw, clone]]
    return Match(partner, held, target)


def _best_partners(shared: np.ndarray) -> np.ndarray:
    """Slot of each clone [M, K] that maximises the number of shared mutations, -1 where none is shared."""
    m, slots, _ = shared.shape
    best, top = shared.argmax(1), shared.max(1)
    chosen = np.bincount((best + slots * np.arange(m)[:, None])[top > 0], minlength=m * slots)
    partner = np.where(top > 0, best, -1)
    # Where no slot is the best of two clones, the best of each is the optimum; the solver is for the others.
    for d in np.flatnonzero(chosen.reshape(m, slots).max(1) > 1):
        from scipy.optimize import linear_sum_assignment

        slot, clone = linear_sum_assignment(shared[d], maximize=True)
        partner[d] = -1
        partner[d, clone] = np.where(shared[d, slot, clone] > 0, slot, -1)
    return partner
