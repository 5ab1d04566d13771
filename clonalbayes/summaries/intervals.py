"""Intervals of highest density, and the evidence that a clone is present."""

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


def mean(draws: np.ndarray) -> np.ndarray:
    """Mean along the first axis over the draws that have a value; NaN where none has."""
    total = np.asarray(draws.sum(0))
    if np.isfinite(total).all() and len(draws):
        return total / len(draws)
    valid = np.isfinite(draws)
    total = np.where(valid, draws, 0.0).sum(0)
    count = valid.sum(0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def presence(state: np.ndarray, prior: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Posterior probability that a clone is present in a sample, and the Bayes factor for it.

    Parameters
    ----------
    state
        [D, ...] 0 absent, 1 subclonal, 2 clonal, -1 where the draw has no such clone.
    prior
        Prior probability of presence, in (0, 1]; an array that goes with the state without draws, or one number
        for all. If it is 1, presence was assumed and there is no evidence to
        weigh: the Bayes factor is NaN. So it is if the prior is NaN: not known.

    Returns
    -------
    tuple of numpy.ndarray
        Share of the draws with presence; posterior odds / prior odds. The odds are
        (present + 0.5) / (absent + 0.5) draws, so that the Bayes factor stays finite: if no draw is without
        (or with) the clone, it is a lower (upper) bound that grows with the number of draws.

    Raises
    ------
    ValueError
        If the prior is not in (0, 1].
    """
    prior = np.asarray(prior, float)
    if (prior <= 0.0).any() or (prior > 1.0).any():
        raise ValueError(f"the prior probability of presence is in (0, 1], not {prior}")
    absent, present = (state == 0).sum(0), (state > 0).sum(0)
    drawn = absent + present
    p_present = np.where(drawn > 0, present / np.maximum(drawn, 1), np.nan)
    factor = (present + 0.5) / (absent + 0.5) * (1.0 - prior) / prior
    return p_present, np.where((drawn > 0) & (prior < 1.0), factor, np.nan)


def prior_presence(weights: np.ndarray, samples: int) -> float:
    """Prior probability that a clone is present in a given sample.

    Parameters
    ----------
    weights
        Dirichlet weights of absent, subclonal and clonal.
    samples
        Number of samples. A clone is present in at least one of them, by the model.

    Returns
    -------
    float
        With one sample 1; with many, the mean of the Dirichlet.

    Examples
    --------
    >>> round(prior_presence(np.ones(3), 2), 3), prior_presence(np.ones(3), 1)
    (0.75, 1.0)
    """
    absent = float(weights[0] / np.sum(weights))
    return (1.0 - absent) / (1.0 - absent**samples)


def prior_presence_at(deepest: int, concentration: float, mean: tuple[float, float]) -> np.ndarray:
    """Prior probability that a clone of a tree is in a given sample, by its depth.

    A clade is in a sample that its parent is in with probability psi ~ Beta(c m, c (1 - m)), one for the
    sample, m ~ Beta(alpha, beta); so a clone at depth d is there with probability E[psi^d].

    Parameters
    ----------
    deepest
        Largest depth; a founder has depth 1.
    concentration
        c.
    mean
        alpha and beta.

    Returns
    -------
    numpy.ndarray
        [deepest + 1], by depth; 1 at depth 0, the root.

    Examples
    --------
    >>> prior_presence_at(2, 4.0, (1.0, 1.0)).round(3).tolist()
    [1.0, 0.5, 0.367]
    """
    m = (np.arange(2000) + 0.5) / 2000
    weight = m ** (mean[0] - 1.0) * (1.0 - m) ** (mean[1] - 1.0)
    weight /= weight.sum()
    d = np.arange(deepest)[:, None]
    power = np.cumprod((concentration * m + d) / (concentration + d), axis=0)
    return np.concatenate([[1.0], power @ weight])
