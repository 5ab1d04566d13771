"""R-hat and effective sample sizes, after Vehtari, Gelman, Simpson, Carpenter and Buerkner (2021).

Rank-Normalization, Folding, and Localization: An Improved R-hat, Bayesian Analysis 16(2). The same numbers as
ArviZ gives, without the seconds that importing it takes.
"""

from __future__ import annotations

from functools import lru_cache
from statistics import NormalDist

import numpy as np

MIN_DRAWS = 4
"""Draws of a chain below which nothing can be said."""

TINY = 1e-12
"""Share of the variance between chains below which there is none within them but for rounding."""

TAILS = (0.05, 0.95)
"""Quantiles whose effective sample sizes make that of the tails."""


def rhat(draws: np.ndarray) -> float:
    """Rank-normalised split R-hat: the larger of that of the bulk and that of the folded draws.

    Parameters
    ----------
    draws
        [chain, draw].

    Returns
    -------
    float
        1 for a quantity that never changes; NaN for fewer than two chains or four draws, or with NaN.
    """
    if not _judgeable(draws) or len(draws) < 2:
        return np.nan
    if np.ptp(draws) == 0:
        return 1.0
    halves = _split(draws)
    folded = np.abs(halves - np.median(halves))
    return max(_plain_rhat(_normal_scores(halves)), _plain_rhat(_normal_scores(folded)))


def ess_bulk(draws: np.ndarray) -> float:
    """Effective sample size of rank-normalised split chains: for means and medians.

    Parameters
    ----------
    draws
        [chain, draw].

    Returns
    -------
    float
        The number of draws for a quantity that never changes; NaN for fewer than four draws, or with NaN.
    """
    return _ess(_normal_scores(_split(draws))) if _judgeable(draws) else np.nan


def ess_tail(draws: np.ndarray) -> float:
    """Effective sample size of the 5 % and 95 % quantiles, the smaller of the two: for intervals.

    Parameters
    ----------
    draws
        [chain, draw].

    Returns
    -------
    float
        As `ess_bulk`.
    """
    if not _judgeable(draws):
        return np.nan
    return min(_ess(_split((draws <= end).astype(float))) for end in np.quantile(draws, TAILS))


def ess_of_sum(draws: np.ndarray) -> float:
    """Effective sample size of several quantities taken together, for means.

    Their autocovariances are added up, so that those that vary count.

    Parameters
    ----------
    draws
        [quantity, chain, draw], at least four draws.

    Returns
    -------
    float
        The number of draws if nothing ever changes.
    """
    halves = [_split(each) for each in draws]
    if all(np.ptp(each) == 0 for each in halves):
        return float(draws[0].size)
    m, n = halves[0].shape
    covariance = np.sum([_autocovariance(each).mean(axis=0) for each in halves], axis=0)
    between = sum(each.mean(axis=1).var(ddof=1) for each in halves)
    return _ess_from(covariance, float(between), m, n)


def _judgeable(draws: np.ndarray) -> bool:
    return draws.shape[1] >= MIN_DRAWS and bool(np.isfinite(draws).all())


def _split(draws: np.ndarray) -> np.ndarray:
    """Halves of the chains as chains; the middle draw of an odd number is left out."""
    half = draws.shape[1] // 2
    return np.vstack([draws[:, :half], draws[:, -half:]])


def _normal_scores(draws: np.ndarray) -> np.ndarray:
    """Normal quantiles of the ranks, ties sharing their mean rank."""
    _, inverse, counts = np.unique(draws, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    twice = (2 * last - counts + 1)[inverse]  # twice the mean rank is whole
    return _score_table(draws.size)[twice].reshape(draws.shape)


@lru_cache(maxsize=4)
def _score_table(size: int) -> np.ndarray:
    """Score of every possible mean rank r of `size` draws, at index 2 r (Blom's offset 3/8)."""
    quantile = NormalDist().inv_cdf
    scores = [quantile((twice / 2 - 0.375) / (size + 0.25)) for twice in range(2, 2 * size + 1)]
    return np.array([np.nan, np.nan, *scores])


def _plain_rhat(draws: np.ndarray) -> float:
    """Square root of pooled over within-chain variance; infinite if chains are stuck at different values."""
    n = draws.shape[1]
    within = draws.var(axis=1, ddof=1).mean()
    between = n * draws.mean(axis=1).var(ddof=1)
    if within <= TINY * between:
        return 1.0 if between == 0 else np.inf
    return float(np.sqrt((between / within + n - 1) / n))


def _ess(chains: np.ndarray) -> float:
    """Effective sample size by Geyer's initial monotone sequence over the chains together."""
    if np.ptp(chains) < np.finfo(float).resolution:
        return float(chains.size)
    m, n = chains.shape
    covariance = _autocovariance(chains).mean(axis=0)
    return _ess_from(covariance, float(chains.mean(axis=1).var(ddof=1)) if m > 1 else 0.0, m, n)


def _ess_from(covariance: np.ndarray, between: float, m: int, n: int) -> float:
    """Effective sample size of m chains of n draws from their mean autocovariance and the variance of means."""
    within = covariance[0] * n / (n - 1.0)
    pooled = covariance[0] + between
    correlation = 1.0 - (within - covariance) / pooled
    correlation[0] = 1.0
    rho, last = _positive_sequence(correlation)
    for t in range(1, last - 1, 2):  # pairs may not grow
        if rho[t + 1] + rho[t + 2] > rho[t - 1] + rho[t]:
            rho[t + 1 : t + 3] = (rho[t - 1] + rho[t]) / 2.0
    time = -1.0 + 2.0 * rho[: last + 1].sum() + rho[last + 1 : last + 2].sum()
    return float(m * n / max(time, 1.0 / np.log10(m * n)))


def _positive_sequence(correlation: np.ndarray) -> tuple[np.ndarray, int]:
    """Autocorrelations up to the last pair with a positive sum, zero after it, and the index of its end."""
    n = len(correlation)
    rho = np.zeros(n)
    rho[:2] = even, odd = correlation[:2]
    t = 1
    while t < n - 3 and even + odd > 0.0:
        even, odd = correlation[t + 1], correlation[t + 2]
        if even + odd >= 0:
            rho[t + 1 : t + 3] = even, odd
        t += 2
    last = t - 2
    if even > 0:
        rho[last + 1] = even
    return rho, last


def _autocovariance(chains: np.ndarray) -> np.ndarray:
    """Autocovariance [chain, lag] by the fast Fourier transform."""
    n = chains.shape[1]
    size = 1 << (2 * n - 1).bit_length()
    spectrum = np.fft.rfft(chains - chains.mean(axis=1, keepdims=True), size)
    return np.fft.irfft(np.abs(spectrum) ** 2, size)[:, :n] / n
