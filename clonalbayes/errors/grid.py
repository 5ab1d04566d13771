"""The grid of error rates, and the priors of a site's rate laid on it.

A site's error rate e is integrated out on one grid of rates, evenly spaced in the logarithm. A prior with
distribution function F and partial mean M(r) = E[e; e <= r] is laid on the grid by hat functions: the mass of
the cell between two neighbours is split between them such that its mean stays what it is. The grid's spacing
(a factor of 1.28) then adds a spread of at most an eighth to a single site and none to a mean.

Two families say how the rates of one class vary around the class's mean mu. Both are given their width as
``spread`` = sqrt(log(1 + cv^2)), cv the coefficient of variation:

    beta        e ~ Beta(mu k, (1 - mu) k),  k = (1 - mu) / (mu cv^2) - 1
    lognormal   log e ~ Normal(log mu - spread^2 / 2, spread)
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

LOWEST, HIGHEST, N_RATES = 1e-7, 0.2, 60
FAMILIES = ("beta", "lognormal")
"""Families of the prior of a site's rate."""


def rates() -> np.ndarray:
    """Return the grid of error rates, [G], ascending."""
    return np.geomspace(LOWEST, HIGHEST, N_RATES)


def concentration(mean: np.ndarray, spread: float) -> np.ndarray:
    """Return the concentration (alpha + beta) of the Beta prior with this mean and spread.

    Parameters
    ----------
    mean : numpy.ndarray
        Mean rate, in (0, 1).
    spread : float
        Standard deviation in the logarithm, roughly; above 0.

    Examples
    --------
    >>> round(float(concentration(np.array(1e-4), 1.0)))
    5818
    """
    return np.asarray((1.0 - mean) / (mean * np.expm1(spread**2)) - 1.0)


def prior_weights(family: str, mean: np.ndarray, spread: float) -> np.ndarray:
    """Lay the prior of a site's rate on the grid.

    Parameters
    ----------
    family : str
        One of `FAMILIES`.
    mean : numpy.ndarray
        [M] means of the class.
    spread : float
        Width of the prior, as in the module's docstring.

    Returns
    -------
    numpy.ndarray
        [M, G] weights, each row adds up to 1.

    Raises
    ------
    ValueError
        If there is no such family.
    """
    from scipy import special

    grid = rates()
    mean = np.asarray(mean, float)[:, None]
    if family == "lognormal":
        z = (np.log(grid) - np.log(mean)) / spread
        below, moment = special.ndtr(z + spread / 2), mean * special.ndtr(z - spread / 2)
    elif family == "beta":
        total = np.maximum(concentration(mean, spread), 1e-3)
        a, b = mean * total, (1.0 - mean) * total
        below, moment = special.betainc(a, b, grid), mean * special.betainc(a + 1.0, b, grid)
    else:
        raise ValueError(f"unknown family {family!r}; there are {', '.join(FAMILIES)}")
    return _hats(below, moment, grid)


def _hats(below: np.ndarray, moment: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Split the mass of every cell between its ends; what lies outside the grid goes to the nearest end."""
    mass, first = np.diff(below, axis=1), np.diff(moment, axis=1)
    right = np.clip((first - grid[:-1] * mass) / np.diff(grid), 0.0, mass)
    weights = np.zeros_like(below)
    weights[:, :-1] += mass - right
    weights[:, 1:] += right
    weights[:, 0] += below[:, 0]
    weights[:, -1] += 1.0 - below[:, -1]
    return weights / weights.sum(1, keepdims=True)


@lru_cache(maxsize=512)
def prior_table(family: str, spread: float, log_means: tuple[float, ...]) -> np.ndarray:
    """`prior_weights` on a grid of log means, kept for the next call; read-only."""
    table = prior_weights(family, np.exp(np.array(log_means)), spread)
    table.setflags(write=False)
    return table


def zero_terms(depth: np.ndarray, precision: float) -> tuple[np.ndarray, np.ndarray]:
    """Terms of the probability of no alt read: log P(0) = -p A - p^2 B / 2 for a small rate p.

    Parameters
    ----------
    depth : numpy.ndarray
        Reads.
    precision : float
        alpha + beta of the beta-binomial; infinity is the binomial.

    Returns
    -------
    tuple of numpy.ndarray
        A and B, of the shape of `depth`. The next term is of the order depth * p^3.
    """
    if np.isinf(precision):
        return np.asarray(depth, float), np.asarray(depth, float)
    from scipy import special

    values, place = np.unique(depth, return_inverse=True)  # depths are few, their functions are dear
    first = precision * (special.digamma(precision + values) - special.digamma(precision))
    second = precision**2 * (special.polygamma(1, precision) - special.polygamma(1, precision + values))
    place = place.reshape(np.shape(depth))
    return first[place], second[place]


def noise_pmf(rate: np.ndarray, depth: np.ndarray, largest: int, precision: float) -> np.ndarray:
    """Probability of 0..largest alt reads at known rates: beta-binomial.

    Parameters
    ----------
    rate, depth : numpy.ndarray
        Rates and reads; they broadcast.
    largest : int
        Largest count.
    precision : float
        alpha + beta; infinity is the binomial.

    Returns
    -------
    numpy.ndarray
        [..., largest + 1]; what lies above `largest` is left out.

    Notes
    -----
    The probability of 0 is exact to the third power of the rate, the others follow from the ratio of
    neighbours, which is exact.
    """
    rate, depth = np.broadcast_arrays(np.asarray(rate, float), np.asarray(depth, float))
    a, b = zero_terms(depth, precision)
    out = np.empty((*rate.shape, largest + 1))
    out[..., 0] = np.exp(-rate * a - 0.5 * rate**2 * b)
    for x in range(largest):
        room = np.maximum(depth - x, 0.0)
        if np.isinf(precision):
            step = rate / (1.0 - rate)
        else:
            step = (rate * precision + x) / ((1.0 - rate) * precision + depth - 1.0 - x)
        out[..., x + 1] = out[..., x] * step * room / (x + 1.0)
    return out
