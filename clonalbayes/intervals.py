"""Intervals of highest density and means of draws; NaN marks draws without a value."""

from __future__ import annotations

import numpy as np

MASS = 0.95
"""Share of the draws that an interval holds, unless the user asks otherwise."""

BLOCK = 64
"""Columns whose draws are sorted at once: they stay in the processor's cache."""


def hdi(draws: np.ndarray, mass: float = MASS) -> tuple[np.ndarray, np.ndarray]:
    """Shortest interval that holds a share of the draws, along the first axis.

    Atoms need no special treatment: if that share of the draws is exactly 0, the interval is [0, 0]; if fewer
    are, the interval reaches from 0 as far as it must.

    Parameters
    ----------
    draws
        [D, ...] draws. NaN marks draws without a value; they are left out.
    mass
        Share of the draws, in (0, 1].

    Returns
    -------
    tuple of numpy.ndarray
        Lower and upper ends, NaN where there is no draw.

    Raises
    ------
    ValueError
        If the mass is not in (0, 1].

    Examples
    --------
    >>> low, high = hdi(np.array([0.0, 0.0, 0.0, 1.0]), 0.75)
    >>> float(low), float(high)
    (0.0, 0.0)
    """
    if not 0.0 < mass <= 1.0:
        raise ValueError(f"the mass of an interval is in (0, 1], not {mass}")
    draws = np.asarray(draws, float)
    flat = draws.reshape(len(draws), int(np.prod(draws.shape[1:])))
    low, high = (np.full(flat.shape[1], np.nan) for _ in range(2))
    for start in range(0, flat.shape[1], BLOCK):
        part = slice(start, start + BLOCK)
        ordered = np.sort(np.ascontiguousarray(flat[:, part].T), axis=1)  # NaN come last
        low[part], high[part] = _shortest(ordered, mass)
    return low.reshape(draws.shape[1:]), high.reshape(draws.shape[1:])


def _shortest(ordered: np.ndarray, mass: float) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the shortest intervals of rows of rising values, NaN last."""
    valid = np.isfinite(ordered).sum(1)
    low, high = (np.full(len(ordered), np.nan) for _ in range(2))
    for count in np.unique(valid[valid > 0]):
        held = max(int(np.ceil(mass * count - 1e-9)), 1)
        rows = np.flatnonzero(valid == count)
        block = ordered[rows, :count]
        start = (block[:, held - 1 :] - block[:, : count - held + 1]).argmin(1)
        low[rows] = block[np.arange(len(rows)), start]
        high[rows] = block[np.arange(len(rows)), start + held - 1]
    return low, high


def central(draws: np.ndarray, mass: float = MASS) -> tuple[np.ndarray, np.ndarray]:
    """Interval that leaves the same share of the draws on either side, along the first axis.

    For shares that are often piled up at 0: the lower end is 0 where more than half of what is left out is, and a
    single draw moves the ends less than those of the shortest interval.

    Parameters
    ----------
    draws
        [D, ...] draws. NaN marks draws without a value; they are left out.
    mass
        Share of the draws, in (0, 1].

    Examples
    --------
    >>> low, high = central(np.arange(101.0), 0.9)
    >>> round(float(low), 6), round(float(high), 6)
    (5.0, 95.0)
    """
    tail = (1.0 - mass) / 2.0
    quantile = np.nanquantile if np.isnan(draws).any() else np.quantile
    low, high = quantile(draws, [tail, 1.0 - tail], axis=0)
    return low, high


def mean(draws: np.ndarray) -> np.ndarray:
    """Mean along the first axis over the draws that have a value; NaN where none has."""
    total = np.asarray(draws.sum(0))
    if np.isfinite(total).all() and len(draws):
        return total / len(draws)
    valid = np.isfinite(draws)
    total = np.where(valid, draws, 0.0).sum(0)
    count = valid.sum(0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
