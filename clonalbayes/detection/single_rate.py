"""The test of Coorens et al. 2024 for comparison: pooled alt reads against one error rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class SingleRate:
    """One-sided binomial test of pooled reads against one error rate.

    Parameters
    ----------
    rate
        The error rate: alt reads over reads at the same sites in the panel.
    p_value
        P(X >= alt reads) for X ~ Binomial(depth, rate).
    vaf, low, high
        alt / depth and its Clopper-Pearson interval. The error rate is part of it.
    """

    rate: float
    p_value: float
    vaf: float
    low: float
    high: float


def single_rate_test(alt: int, depth: int, rate: float, level: float = 0.05) -> SingleRate:
    """Run the test.

    >>> round(single_rate_test(301, 231_800, 1.6e-4).vaf, 4)
    0.0013
    """
    p, low, high = single_rate_tests(np.array(alt), np.array(depth), rate, level)
    return SingleRate(rate, float(p), alt / depth if depth > 0 else float("nan"), float(low), float(high))


def single_rate_tests(
    alt: np.ndarray, depth: np.ndarray, rate: float, level: float = 0.05
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Run many tests at once.

    Parameters
    ----------
    alt, depth
        Pooled reads, arrays of one shape.
    rate
        The error rate.
    level
        One minus the mass of the interval.

    Returns
    -------
    tuple of numpy.ndarray
        p-values, and the ends of the Clopper-Pearson intervals; 1, 0 and 1 without reads.
    """
    from scipy import special

    alt, depth = np.asarray(alt, float), np.asarray(depth, float)
    rest = depth - alt
    low = np.where(alt > 0, special.betaincinv(np.maximum(alt, 1.0), rest + 1.0, level / 2), 0.0)
    high = np.where(rest > 0, special.betaincinv(alt + 1.0, np.maximum(rest, 1.0), 1.0 - level / 2), 1.0)
    p = np.where(alt > 0, special.betainc(np.maximum(alt, 1.0), rest + 1.0, rate), 1.0)
    return p, low, high
