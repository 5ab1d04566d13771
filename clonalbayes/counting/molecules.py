"""Compiled code that turns what reads say at a site into counts of molecules, mates counted once."""

from __future__ import annotations

from typing import Any

import numpy as np

from clonalbayes.kernels.jit import kernel

from .layout import (
    ALL_ALT,
    ALL_OTHER,
    ALL_REF,
    ALLELE,
    ALT,
    ALT_FORWARD,
    BASE,
    BOTH,
    CLIP_MEDIAN,
    CLIP_SHARE,
    CLIPPED,
    DELETED,
    END_MEDIAN,
    GAP_SHARE,
    GAPPED,
    LENGTH,
    MAPPED,
    MATE,
    MATES,
    MIN_BASE,
    N_A,
    N_DISAGREE,
    N_SILENT,
    NEITHER,
    NO_SCORE,
    PLACE,
    PLACE_MEAN,
    PLACE_MEDIAN,
    QUALITY,
    RATIO_MEDIAN,
    REF,
    REF_FORWARD,
    REVERSE,
    SCORE,
    SCORE_MEDIAN,
    SILENT,
    SITE,
)


@kernel
def _pair(rows: np.ndarray, said: np.ndarray, names: np.ndarray, partner: np.ndarray) -> None:
    """Find the two reads of one molecule among the reads at one site; -1 = alone."""
    size = 16
    while size < 2 * len(rows):
        size *= 2
    slots = np.zeros(size, np.int64)  # places from 1; 0 = free
    for i in range(len(rows)):
        partner[i] = -1
        name = names[rows[i]]
        if name == 0 or said[rows[i], ALLELE] == SILENT:
            continue
        slot = np.int64(name >> np.uint64(17)) & (size - 1)
        while slots[slot] > 0:
            other = slots[slot] - 1
            same = names[rows[other]] == name and partner[other] < 0
            if same and said[rows[other], MATE] + said[rows[i], MATE] == 3:
                partner[i], partner[other] = other, i
                break
            slot = (slot + 1) & (size - 1)
        if partner[i] < 0:
            slots[slot] = i + 1


@kernel
def _chosen(one: np.ndarray, two: np.ndarray, one_counts: bool, two_counts: bool, mates: int) -> int:
    """Return which of two mates speaks for its molecule: 0, 1; -1 none of them can, -2 they disagree."""
    if not (one_counts and two_counts):
        return 0 if one_counts else 1 if two_counts else -1
    better = one[QUALITY] > two[QUALITY] or (one[QUALITY] == two[QUALITY] and one[MATE] == 1)
    if one[ALLELE] == two[ALLELE] and one[BASE] == two[BASE]:
        return 0 if better else 1
    if mates == NEITHER or one[QUALITY] == two[QUALITY]:
        return -2
    return 0 if better else 1


@kernel
def _count(row: np.ndarray, counts: np.ndarray) -> None:
    """Add one molecule to the counts of its site."""
    allele = row[ALLELE]
    counts[allele] += 1
    if allele in (ALT, REF):
        counts[(ALT_FORWARD if allele == ALT else REF_FORWARD) + row[REVERSE]] += 1
    base = row[BASE]
    if base > 0 and allele < DELETED:
        counts[N_A + (base > 1) + (base > 2) + (base > 4)] += 1


@kernel
def _median(values: np.ndarray, n: Any) -> Any:
    """Return the median of the first n values, which are sorted (Shell's method: numpy's takes seconds to compile)."""
    gap = 1
    while gap < n // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, n):
            value, j = values[i], i
            while j >= gap and values[j - gap] > value:
                values[j] = values[j - gap]
                j -= gap
            values[j] = value
        gap //= 3
    return (values[(n - 1) // 2] + values[n // 2]) / 2.0


@kernel
def _describe(rows: np.ndarray, n: Any, said: np.ndarray, facts: np.ndarray) -> None:
    """Summarise the n supporting reads of one site."""
    values = np.empty((5, n))
    n_scores, clipped, gapped, total = np.int64(0), 0, 0, 0
    for i in range(n):
        row = said[rows[i]]
        values[0, i], values[1, i] = row[PLACE], row[CLIPPED]
        values[2, i] = min(row[PLACE], row[LENGTH] - row[PLACE] + 1)
        total += row[PLACE]
        clipped += row[CLIPPED] > 0
        gapped += row[GAPPED]
        if row[SCORE] != NO_SCORE:
            values[3, n_scores], values[4, n_scores] = row[SCORE], row[SCORE] / row[LENGTH]
            n_scores += 1
    facts[PLACE_MEAN], facts[PLACE_MEDIAN] = total / n, _median(values[0], n)
    facts[CLIP_MEDIAN], facts[END_MEDIAN] = _median(values[1], n), _median(values[2], n)
    if n_scores:
        facts[SCORE_MEDIAN], facts[RATIO_MEDIAN] = _median(values[3], n_scores), _median(values[4], n_scores)
    facts[CLIP_SHARE], facts[GAP_SHARE] = clipped / n, gapped / n


@kernel
def _site(
    rows: np.ndarray, said: np.ndarray, names: np.ndarray, rules: np.ndarray, counts: np.ndarray, facts: np.ndarray
) -> None:
    """Turn what the reads say at one site into counts of molecules."""
    n = len(rows)
    partner = np.zeros(n, np.int64) - 1
    if rules[MATES] != BOTH:
        _pair(rows, said, names, partner)
    supporting, n_supporting = np.empty(n, np.int64), np.int64(0)
    for i in range(n):
        one, mate = said[rows[i]], partner[i]
        if one[ALLELE] == SILENT:
            counts[N_SILENT] += one[MAPPED]
            continue
        if 0 <= mate < i:
            continue
        two = said[rows[mate]] if mate >= 0 else one
        good = one[MAPPED] == 1 and one[QUALITY] >= rules[MIN_BASE]
        other_good = mate >= 0 and two[MAPPED] == 1 and two[QUALITY] >= rules[MIN_BASE]
        choice = _chosen(one, two, good, other_good, rules[MATES])
        if choice >= 0:
            row = rows[i] if choice == 0 else rows[mate]
            _count(said[row], counts)
            if said[row, ALLELE] == ALT:
                supporting[n_supporting] = row
                n_supporting += 1
        elif choice == -2:
            counts[N_DISAGREE] += 1
        choice = _chosen(one, two, n > 0, mate >= 0, rules[MATES])
        allele = one[ALLELE] if choice == 0 else two[ALLELE]
        if choice >= 0 and allele < DELETED:
            counts[ALL_REF if allele == REF else ALL_ALT if allele == ALT else ALL_OTHER] += 1
    if n_supporting:
        _describe(supporting, n_supporting, said, facts)


@kernel
def resolve(
    said: np.ndarray, names: np.ndarray, held: int, first: Any, complete: int, rules: np.ndarray,
    counts: np.ndarray, facts: np.ndarray,
) -> int:  # fmt: skip
    """Count the molecules of complete sites and drop what was said there.

    Parameters
    ----------
    said, names
        As `scan` filled them; rows of incomplete sites are moved to the front.
    held
        Filled rows.
    first, complete
        Sites from `first` up to `complete` are complete.
    rules
        int64: MIN_BASE, MATES.
    counts, facts
        int32 [n, COUNT_WIDTH], float64 [n, FACT_WIDTH]; written.

    Returns
    -------
    int
        Rows that are left.
    """
    start = np.zeros(complete - first + 1, np.int64)
    for m in range(held):
        if said[m, SITE] < complete:
            start[said[m, SITE] - first + 1] += 1
    for j in range(complete - first):
        start[j + 1] += start[j]
    order = np.empty(start[-1], np.int64)
    filled = start.copy()
    for m in range(held):
        j = said[m, SITE] - first
        if j < complete - first:
            order[filled[j]] = m
            filled[j] += 1
    for j in range(complete - first):
        if start[j + 1] > start[j]:
            rows = order[start[j] : start[j + 1]]
            _site(rows, said, names, rules, counts[first + j], facts[first + j])
    left = 0
    for m in range(held):
        if said[m, SITE] >= complete:
            for k in range(said.shape[1]):
                said[left, k] = said[m, k]
            names[left] = names[m]
            left += 1
    return left
