"""The consensus partition: which mutations form a clone, and how often each mutation is in it.

The reference is the draw with the smallest expected variation of information to the others. Every draw is
matched to it, each mutation goes where it is most often, and this is repeated with the new partition until
it stays. A clone that has no counterpart in at least half of the draws is not a clone of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clonalbayes.summaries.alignment import (
    FIRST,
    GERMLINE,
    NOISE,
    Draws,
    Match,
    chunks,
    crosstabs,
    match,
    variation_of_information,
)

CANDIDATES, JUDGES, JUDGED_MUTATIONS = 32, 64, 20_000
"""Draws that may be the reference, draws they are compared with, mutations they are compared on."""

SCOUTS = 200
"""Draws used until the partition stays; the last rounds use all."""

ROUNDS, FULL_ROUNDS = 8, 3
ADDING_ROUNDS = 3
"""Rounds in which clones that the reference lacks may be added."""

BLOCK = 2048
"""Mutations whose codes are counted at once."""

MIN_SUPPORT = 0.5
"""Share of draws in which a consensus clone must have a counterpart."""


@dataclass(frozen=True)
class Consensus:
    """A partition of the mutations and how the draws agree with it.

    Attributes
    ----------
    partition
        [N] codes: 0 germline, 1 noise, 1 + k clone k.
    counts
        [N, K + 3] draws in which the mutation has each code; the last column is a clone without counterpart.
    match
        Of all draws.
    """

    partition: np.ndarray
    counts: np.ndarray
    match: Match

    @property
    def clones(self) -> int:
        """Number of consensus clones."""
        return self.match.partner.shape[1]


def find_consensus(draws: Draws) -> Consensus:
    """Find the consensus partition of draws with exchangeable labels.

    Parameters
    ----------
    draws
        At least one draw.

    Returns
    -------
    Consensus
        Clones in no particular order; each holds a mutation.
    """
    partition = dense(reference(draws))
    scouts = draws.thinned(SCOUTS)
    for round_ in range(ROUNDS):
        found = align(scouts, partition)
        new = dense(_settle(found))
        if round_ < ADDING_ROUNDS:
            new = _with_missing(scouts, found, new)
        if np.array_equal(new, partition):
            break
        partition = new
    for _ in range(FULL_ROUNDS):
        found = align(draws, partition)
        new = _settle(found)
        if np.unique(new[new >= FIRST]).size == found.clones:
            return Consensus(new, found.counts, found.match)
        partition = dense(new)
    # Two partitions take turns: the one that the last draws were matched to is as good as the other.
    return found


def given_consensus(draws: Draws) -> Consensus:
    """Take the slots as the clones: for clusters that were given, where every draw has the same labels.

    Parameters
    ----------
    draws
        With the same row for every draw.

    Returns
    -------
    Consensus
        Clone k is slot k in every draw.
    """
    count, slots = len(draws.labels), draws.slots
    partition = draws.labels[0].astype(np.intp) + FIRST
    counts = np.zeros((len(partition), slots + FIRST + 1), np.intp)
    counts[np.arange(len(partition)), partition] = count
    size = np.bincount(partition, minlength=slots + FIRST)[FIRST:]
    return Consensus(
        partition,
        counts,
        Match(
            np.tile(np.arange(slots), (count, 1)),
            np.tile(size, (count, 1)),
            np.tile(np.arange(slots + FIRST), (count, 1)),
        ),
    )


def reference(draws: Draws) -> np.ndarray:
    """Return the partition [N], as codes, of the draw that is closest to the others on average."""
    judges = draws.thinned(JUDGES, JUDGED_MUTATIONS)
    candidates = np.unique(np.linspace(0, len(judges.labels) - 1, CANDIDATES).round().astype(int))
    loss = [
        variation_of_information(
            crosstabs(judges.labels, judges.width, judges.labels[c] + np.intp(FIRST), judges.width)
        ).mean()
        for c in candidates
    ]
    whole = draws.thinned(JUDGES)
    return whole.labels[candidates[int(np.argmin(loss))]].astype(np.intp) + FIRST


def dense(partition: np.ndarray) -> np.ndarray:
    """Number the clones of a partition without gaps.

    Examples
    --------
    >>> dense(np.array([0, 1, 5, 3, 5])).tolist()
    [0, 1, 3, 2, 3]
    """
    held = np.unique(partition[partition >= FIRST])
    out = partition.astype(np.intp)
    clone = partition >= FIRST
    out[clone] = np.searchsorted(held, partition[clone]) + FIRST
    return out


def align(draws: Draws, partition: np.ndarray) -> Consensus:
    """Match draws to a partition and count how often each mutation is where.

    Parameters
    ----------
    draws
        Of N mutations.
    partition
        [N] codes without gaps.

    Returns
    -------
    Consensus
        With the given partition.
    """
    columns = int(partition.max(initial=FIRST - 1)) + 1
    matches = [
        match(crosstabs(draws.labels[chunk], draws.width, partition, columns))
        for chunk in chunks(len(draws.labels), draws.width * columns)
    ]
    parts = ([m.partner for m in matches], [m.size for m in matches], [m.target for m in matches])
    found = Match(*(np.concatenate(part) for part in parts))
    return Consensus(partition, tally(draws, found.target, columns + 1), found)


def tally(draws: Draws, target: np.ndarray, columns: int) -> np.ndarray:
    """Count the draws in which each mutation has each code.

    Parameters
    ----------
    draws
        [D, N] raw labels.
    target
        [D, slots + 2] partition code of each code of each draw.
    columns
        Number of partition codes.

    Returns
    -------
    numpy.ndarray
        [N, columns] counts.
    """
    total, n = draws.labels.shape
    counts = np.zeros((n, columns), np.int32)
    for start in range(0, n, BLOCK):  # the counts of a block stay in the processor's cache
        block = counts[start : start + BLOCK]
        own = np.arange(len(block)) * columns
        for chunk in chunks(total, len(block)):
            code = codes_of(draws.labels[chunk, start : start + BLOCK], target[chunk])
            code += own
            block += np.bincount(code.ravel(), minlength=block.size).reshape(block.shape)
    return counts


def codes_of(labels: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Partition codes [M, N] of raw labels, given where each code of each draw goes."""
    at = labels.astype(np.intp)
    at += FIRST
    at += (np.arange(len(labels)) * target.shape[1])[:, None]
    return target.ravel()[at]


def _settle(found: Consensus) -> np.ndarray:
    """Put each mutation where it is most often, among the components and the clones with support."""
    counts = found.counts[:, :-1].copy()
    support = (found.match.partner >= 0).mean(0)
    counts[:, FIRST:][:, support < MIN_SUPPORT] = -1
    return counts.argmax(1)


def expected_loss(draws: Draws, partition: np.ndarray) -> float:
    """Mean variation of information, in nats, between a partition [N] and the draws."""
    columns = int(partition.max(initial=FIRST - 1)) + 1
    losses = [
        variation_of_information(crosstabs(draws.labels[chunk], draws.width, partition, columns))
        for chunk in chunks(len(draws.labels), draws.width * columns)
    ]
    return float(np.concatenate(losses).mean())


def _with_missing(draws: Draws, found: Consensus, new: np.ndarray) -> np.ndarray:
    """Add clones that most draws have and the partition lacks, as one draw has them, if it is closer then."""
    columns = found.counts.shape[1] - 1
    matched = np.full_like(found.match.target, columns)
    matched[:, :FIRST] = GERMLINE, NOISE
    draw, clone = np.nonzero(found.match.partner >= 0)
    matched[draw, found.match.partner[draw, clone] + FIRST] = clone + FIRST
    outside = tally(draws, matched, columns + 1)[:, columns]
    homeless = np.flatnonzero(outside > MIN_SUPPORT * len(draws.labels))
    if len(homeless) == 0:
        return new
    labels = draws.labels[:, homeless]
    apart = codes_of(labels, matched) == columns
    best = int(apart.sum(1).argmax())
    richer = new.copy()
    richer[homeless[apart[best]]] = columns + labels[best, apart[best]]
    richer = dense(richer)
    return richer if expected_loss(draws, richer) < expected_loss(draws, new) else new
