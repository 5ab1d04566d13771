"""The test of Coorens et al. 2024 for comparison: pooled alt reads against one error rate."""

from __future__ import annotations

from dataclasses import dataclass


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
    from scipy import stats

    if depth <= 0:
        return SingleRate(rate, 1.0, float("nan"), 0.0, 1.0)
    low = 0.0 if alt == 0 else float(stats.beta.ppf(level / 2, alt, depth - alt + 1))
    high = 1.0 if alt == depth else float(stats.beta.ppf(1 - level / 2, alt + 1, depth - alt))
    return SingleRate(rate, float(stats.binom.sf(alt - 1, depth, rate)), alt / depth, low, high)
