"""Limit of detection and evidence where all sites of a sample err alike: closed forms, for many clones at once.

The fit of a patient learns one error rate for each sample, and how far its reads scatter. All alt reads at a
clone's sites together are then what tells, and their number is nearly negative binomial: with N reads at the
sites, error rate e known to a coefficient of variation c, and variance inflated D-fold within sites,

    mean e N + v E,    variance D (e N + v E) + (c e N)^2,

v the prevalence and E the reads that would be alt if all cells had the clone.
"""

from __future__ import annotations

import numpy as np

from clonalbayes.detection.size import MASS, drop, slab_mass

LARGEST_SIZE = 1e9
"""Size of a negative binomial from which it is a Poisson."""

STEPS, POINTS, LOWEST = 45, 240, 1e-7
"""Halvings of a search; points over which a prevalence is integrated, and the lowest of them."""


def pooled_limit(
    noise: np.ndarray, spread: np.ndarray, dispersion: np.ndarray, exposure: np.ndarray, level: float, power: float
) -> np.ndarray:
    """Smallest prevalence that is found with a given power, by all alt reads at a clone's sites.

    Parameters
    ----------
    noise
        Alt reads that errors are expected to make at the sites.
    spread
        Coefficient of variation of that number: how well the sample's error rate is known.
    dispersion
        Variance of the reads over that of a Poisson, at least 1.
    exposure
        Alt reads expected if every cell had the clone. All four broadcast.
    level
        False positives: the threshold is the smallest number of reads that errors reach no more often.
    power
        Probability of finding it.

    Returns
    -------
    numpy.ndarray
        Cellular prevalence; NaN where not even a prevalence of 1 is found.

    Examples
    --------
    >>> limit = pooled_limit(np.array(37.0), np.array(0.05), np.array(1.0), np.array(115_900.0), 0.01, 0.95)
    >>> round(float(limit), 6)
    0.000259
    """
    noise, spread, dispersion, exposure = np.broadcast_arrays(noise, spread, dispersion, exposure)
    known = (spread * noise) ** 2
    threshold = _threshold(noise, dispersion * noise + known, level)
    low, high = np.full(noise.shape, -9.0), np.zeros(noise.shape)
    reachable = _found(threshold, noise, exposure, dispersion, known) >= power
    for _ in range(STEPS):
        middle = 0.5 * (low + high)
        good = _found(threshold, noise, 10.0**middle * exposure, dispersion, known) >= power
        low, high = np.where(good, low, middle), np.where(good, middle, high)
    return np.where(reachable & (exposure > 0.0), 10.0**high, np.nan)


def log_bayes_factor(
    alt: np.ndarray,
    noise: np.ndarray,
    spread: np.ndarray,
    dispersion: np.ndarray,
    exposure: np.ndarray,
    scales: np.ndarray,
) -> np.ndarray:
    """Evidence of the pooled reads for presence, natural logarithm; 0 where there is no exposure.

    Parameters
    ----------
    alt
        Alt reads at the sites.
    noise, spread, dispersion, exposure
        As in `pooled_limit`; all five broadcast.
    scales
        [B] scales of the prevalence given presence, equally likely: Beta(1, 1 / scale) each.
    """
    alt, noise, spread, dispersion, exposure = np.broadcast_arrays(alt, noise, spread, dispersion, exposure)
    grid = np.concatenate([[0.0], np.geomspace(LOWEST, 1.0, POINTS)])
    mass = slab_mass(grid, scales).mean(0)
    logs = np.array([_loglik(v, alt, noise, spread, dispersion, exposure) for v in grid])
    top = logs.max(0)
    present = top + np.log(np.tensordot(mass, np.exp(logs - top), 1))
    return np.where(exposure > 0.0, present - logs[0], 0.0)


def size_interval(
    alt: np.ndarray,
    noise: np.ndarray,
    spread: np.ndarray,
    dispersion: np.ndarray,
    exposure: np.ndarray,
    mass: float = MASS,
) -> tuple[np.ndarray, np.ndarray]:
    """Likelihood interval of the prevalence from the pooled reads alone, as `SizeProfile.interval`; no prior of size.

    Parameters
    ----------
    alt, noise, spread, dispersion, exposure
        As in `log_bayes_factor`.
    mass
        How often it holds the truth.

    Returns
    -------
    tuple of numpy.ndarray
        Lower and upper end; 0 and 1 where there is no exposure.

    Examples
    --------
    >>> low, high = size_interval(*map(np.array, (37.0, 37.0, 0.05, 1.0, 115_900.0)))
    >>> float(low), round(float(high), 6)
    (0.0, 0.000119)
    """
    alt, noise, spread, dispersion, exposure = np.broadcast_arrays(alt, noise, spread, dispersion, exposure)
    known = alt, noise, spread, dispersion, exposure
    best = np.clip((alt - noise) / np.maximum(exposure, 1e-300), 0.0, 1.0)
    least = np.maximum(_loglik(best, *known), _loglik(0.0, *known)) - drop(mass)
    ends = []
    for outside in (0.0, 1.0):
        inner, outer = best, np.full(best.shape, outside)
        holds = _loglik(outer, *known) >= least
        for _ in range(STEPS):
            middle = 0.5 * (inner + outer)
            good = _loglik(middle, *known) >= least
            inner, outer = np.where(good, middle, inner), np.where(good, outer, middle)
        ends.append(np.where(holds | (exposure <= 0.0), outside, inner))
    return ends[0], ends[1]


def _loglik(
    prevalence: np.ndarray | float,
    alt: np.ndarray,
    noise: np.ndarray,
    spread: np.ndarray,
    dispersion: np.ndarray,
    exposure: np.ndarray,
) -> np.ndarray:
    """Log likelihood of a prevalence, without the factorial of the reads."""
    mean = noise + prevalence * exposure
    return _log_density(alt, mean, dispersion * mean + (spread * noise) ** 2)


def _log_density(x: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Log probability of a negative binomial with this mean and variance, without the factorial of x."""
    from scipy import special

    mean = np.maximum(mean, 1e-12)
    size = np.minimum(mean**2 / np.maximum(variance - mean, 1e-300), LARGEST_SIZE)
    ways = special.gammaln(x + size) - special.gammaln(size) - x * np.log(size + mean)
    return np.asarray(ways + x * np.log(mean) - size * np.log1p(mean / size))


def upper_tail(at: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """P(X >= at) of a negative binomial with this mean and variance; a Poisson where they are equal.

    Examples
    --------
    >>> round(float(upper_tail(np.array(1.0), np.array(0.01), np.array(0.01))), 5)
    0.00995
    """
    from scipy import special

    mean = np.maximum(mean, 1e-12)
    size = np.minimum(mean**2 / np.maximum(variance - mean, 1e-300), LARGEST_SIZE)
    at = np.maximum(at, 0.0)
    tail = special.betainc(np.maximum(at, 1e-300), size, mean / (mean + size))
    plain = special.gammainc(np.maximum(at, 1e-300), mean)
    return np.where(at <= 0.0, 1.0, np.where(size < LARGEST_SIZE, tail, plain))


def _found(
    threshold: np.ndarray, noise: np.ndarray, signal: np.ndarray, dispersion: np.ndarray, known: np.ndarray
) -> np.ndarray:
    """Probability that noise and signal together reach the threshold."""
    return upper_tail(threshold, noise + signal, dispersion * (noise + signal) + known)


def _threshold(mean: np.ndarray, variance: np.ndarray, level: float) -> np.ndarray:
    """Smallest number of reads that is reached with a probability of at most `level`."""
    low = np.zeros(mean.shape)  # always reached
    high = np.ceil(mean + 40.0 * np.sqrt(variance) + 40.0)
    while (high - low > 1.0).any():
        middle = np.floor(0.5 * (low + high))
        rare = upper_tail(middle, mean, variance) <= level
        low, high = np.where(rare, low, middle), np.where(rare, middle, high)
    return high
