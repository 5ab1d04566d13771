"""Drawing read counts, as they are or given that some sample shows enough alt reads to be called."""

from __future__ import annotations

import numpy as np
from scipy.special import betaln, gammaln, logsumexp

TINY = 1e-12
CHUNK_ENTRIES = 2_000_000


def draw_alt(
    depth: np.ndarray, expected: np.ndarray, precision: np.ndarray | float, rng: np.random.Generator
) -> np.ndarray:
    """Beta-binomial alt counts.

    Parameters
    ----------
    depth
        [N, S] reads; 0 gives 0.
    expected
        [N, S] expected alt fractions.
    precision
        alpha + beta of the beta-binomial; infinity is the binomial. Broadcasts against `depth`.
    rng
        Source of randomness.

    Returns
    -------
    numpy.ndarray
        [N, S] int64.
    """
    expected = np.clip(expected, TINY, 1.0 - TINY)
    fraction = np.broadcast_to(expected, depth.shape).copy()
    precision = np.broadcast_to(np.asarray(precision, float), depth.shape)
    spread = np.isfinite(precision)
    fraction[spread] = rng.beta(*beta_parameters(fraction[spread], precision[spread]))
    return rng.binomial(depth, fraction)


def beta_parameters(expected: np.ndarray, precision: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return alpha and beta of the beta distribution with this mean and precision."""
    return expected * precision, (1.0 - expected) * precision


def draw_called(
    depth: np.ndarray,
    expected: np.ndarray,
    precision: np.ndarray | float,
    min_alt: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """As `draw_alt`, given that every mutation has at least `min_alt` alt reads in some sample.

    The mutations that a first draw leaves below it are drawn from the conditional distribution itself,
    so that ones that are next to never called cost no more than others.

    Raises
    ------
    ValueError
        If a mutation has fewer than `min_alt` reads in every sample.
    """
    if min_alt > 0 and (depth.max(axis=1) < min_alt).any():
        raise ValueError("a mutation has fewer than min_alt reads in every sample: it cannot be called")
    alt = draw_alt(depth, expected, precision, rng)
    missed = np.flatnonzero((alt < min_alt).all(axis=1))
    wide = np.broadcast_to(np.asarray(precision, float), depth.shape)
    step = max(1, CHUNK_ENTRIES // (depth.shape[1] * (int(depth.max(initial=0)) + 1)))
    for low in range(0, len(missed), step):
        rows = missed[low : low + step]
        alt[rows] = _draw_given_called(depth[rows], expected[rows], wide[rows], min_alt, rng)
    return alt


def log_pmf(alt: np.ndarray, depth: np.ndarray, expected: np.ndarray, precision: np.ndarray) -> np.ndarray:
    """Log beta-binomial probability (binomial where the precision is infinite), -inf above the depth."""
    expected = np.clip(expected, TINY, 1.0 - TINY)
    inside = alt <= depth
    ref = np.where(inside, depth - alt, 0)
    choose = gammaln(depth + 1.0) - gammaln(alt + 1.0) - gammaln(ref + 1.0)
    finite = np.where(np.isfinite(precision), precision, 1.0)
    a, b = beta_parameters(expected, finite)
    spread = betaln(a + alt, b + ref) - betaln(a, b)
    sharp = alt * np.log(expected) + ref * np.log1p(-expected)
    return np.where(inside, choose + np.where(np.isfinite(precision), spread, sharp), -np.inf)


def log_chance_called(
    depth: np.ndarray, expected: np.ndarray, precision: np.ndarray | float, min_alt: int
) -> np.ndarray:
    """Log probability [N] that some sample has at least `min_alt` alt reads; [N, S] in.

    Summed from the tails of the distribution, so that it is exact however small.
    """
    return np.log(_called_from(_all_pmf(depth, expected, precision), min_alt)[:, 0])


def _all_pmf(depth: np.ndarray, expected: np.ndarray, precision: np.ndarray | float) -> np.ndarray:
    """Probabilities [N, S, J] of every alt count j."""
    alt = np.arange(int(depth.max(initial=0)) + 1)
    wide = np.broadcast_to(np.asarray(precision, float), depth.shape)
    logs = log_pmf(alt, depth[..., None], expected[..., None], wide[..., None])
    return np.exp(logs - logsumexp(logs, axis=2, keepdims=True))


def _called_from(pmf: np.ndarray, min_alt: int) -> np.ndarray:
    """Chance [N, S + 1] that a sample from s onwards shows enough alt reads."""
    low, high = pmf[..., :min_alt].sum(axis=2), pmf[..., min_alt:].sum(axis=2)
    called = np.zeros((len(pmf), pmf.shape[1] + 1))
    for s in range(pmf.shape[1] - 1, -1, -1):
        called[:, s] = high[:, s] + low[:, s] * called[:, s + 1]
    return called


def _draw_given_called(
    depth: np.ndarray, expected: np.ndarray, precision: np.ndarray, min_alt: int, rng: np.random.Generator
) -> np.ndarray:
    """Alt counts given a call: sample after sample, whether it is the first to show the mutation."""
    pmf = _all_pmf(depth, expected, precision)
    called = _called_from(pmf, min_alt)
    high = pmf[..., min_alt:].sum(axis=2)
    done = np.zeros(len(depth), bool)
    alt = np.zeros(depth.shape, np.int64)
    for s in range(depth.shape[1]):
        first = ~done & (rng.random(len(depth)) * called[:, s] < high[:, s])
        weights = pmf[:, s].copy()
        weights[first, :min_alt] = 0.0
        weights[~done & ~first, min_alt:] = 0.0
        heaped = np.cumsum(weights, axis=1)
        alt[:, s] = (heaped <= rng.random((len(depth), 1)) * heaped[:, -1:]).sum(axis=1)
        done |= first
    return alt
