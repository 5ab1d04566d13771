"""Likelihood of the noise component, which no parameter of the state enters: computed once.

An artefact is either *scattered* (it shows or not in each sample, independently, at any alt fraction) or
*recurrent* (one alt fraction in all samples, as a site that maps or sequences badly has it, whatever the
purity and the copy number).
"""

import math

import numpy as np

from clonalbayes.kernels.jit import kernel
from clonalbayes.kernels.special import log_gamma
from clonalbayes.kernels.tables import fill_axis, fill_low


@kernel
def log_choose(depth: np.ndarray, alt: np.ndarray) -> np.ndarray:
    """Log binomial coefficients, summed over samples. Counts are [S, N]; result [N]."""
    samples, n = depth.shape
    total = np.zeros(n)
    for s in range(samples):
        for i in range(n):
            d, a = float(depth[s, i]), float(alt[s, i])
            if a > 0.0 and a < d:
                total[i] += log_gamma(d + 1.0) - log_gamma(a + 1.0) - log_gamma(d - a + 1.0)
    return total


@kernel
def saturated_loglik(depth: np.ndarray, alt: np.ndarray) -> np.ndarray:
    """Binomial log likelihood at each mutation's own alt fractions, without coefficients. [S, N] to [N]."""
    samples, n = depth.shape
    total = np.zeros(n)
    for s in range(samples):
        for i in range(n):
            d, a = float(depth[s, i]), float(alt[s, i])
            if a > 0.0 and a < d:
                total[i] += a * math.log(a / d) + (d - a) * math.log1p(-a / d)
    return total


@kernel
def scattered_probability(d: float, a: float, shown: float, alpha: float, beta: float, error: float) -> float:
    """Probability of `a` alt reads of `d`: Beta(alpha, beta)-binomial where it shows, else errors."""
    choose = log_gamma(d + 1.0) - log_gamma(a + 1.0) - log_gamma(d - a + 1.0)
    on = choose + log_gamma(alpha + a) + log_gamma(beta + d - a) - log_gamma(alpha + beta + d)
    on += log_gamma(alpha + beta) - log_gamma(alpha) - log_gamma(beta)
    off = choose + a * math.log(error) + (d - a) * math.log1p(-error)
    return shown * math.exp(on) + (1.0 - shown) * math.exp(off)


@kernel
def scattered_loglik(
    depth: np.ndarray, alt: np.ndarray, shown: float, alpha: float, beta: float, error: float, min_alt: int
) -> tuple[np.ndarray, np.ndarray]:
    """Log likelihood of every mutation as a scattered artefact, and its chance of fewer than min_alt everywhere.

    Counts are [S, N] with depth 0 where missing; results [N].
    """
    samples, n = depth.shape
    total, missed = np.zeros(n), np.ones(n)
    for i in range(n):
        for s in range(samples):
            d, a = float(depth[s, i]), float(alt[s, i])
            if d > 0.0:
                total[i] += math.log(scattered_probability(d, a, shown, alpha, beta, error))
            low = 0.0
            for j in range(min(min_alt, int(d) + 1)):
                low += scattered_probability(d, float(j), shown, alpha, beta, error)
            missed[i] *= min(low, 1.0)
    return total, missed


@kernel
def recurrent_loglik(
    alt_ix: np.ndarray, ref_ix: np.ndarray, depth_ix: np.ndarray, alt_off: np.ndarray, alt_val: np.ndarray,
    ref_off: np.ndarray, ref_val: np.ndarray, depth_off: np.ndarray, depth_val: np.ndarray, log_choose: np.ndarray,
    fractions: np.ndarray, weights: np.ndarray, precision: float, min_alt: int,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """As `scattered_loglik` for recurrent artefacts; their alt fraction has the discrete prior given.

    Indices are [S, N] on the samples' axes (see `layout.ReadData`).
    """
    samples, n = alt_ix.shape
    total, missed = np.full(n, -np.inf), np.zeros(n)
    alt_table, ref_table = np.empty(len(alt_val)), np.empty(len(ref_val))
    depth_table, low_table = np.empty(len(depth_val)), np.empty(len(depth_val))
    for j in range(len(fractions)):
        p, acc, low = fractions[j], np.zeros(n), np.ones(n)
        for s in range(samples):
            a0, a1, r0, r1 = alt_off[s], alt_off[s + 1], ref_off[s], ref_off[s + 1]
            d0, d1 = depth_off[s], depth_off[s + 1]
            fill_axis(alt_table, a0, alt_val, a0, a1, p * precision)
            fill_axis(ref_table, r0, ref_val, r0, r1, (1.0 - p) * precision)
            fill_axis(depth_table, d0, depth_val, d0, d1, precision)
            if min_alt > 0:
                fill_low(low_table, d0, depth_val, d0, d1, p, precision, min_alt)
            for i in range(n):
                d = d0 + depth_ix[s, i]
                acc[i] += alt_table[a0 + alt_ix[s, i]] + ref_table[r0 + ref_ix[s, i]] - depth_table[d]
                if min_alt > 0:
                    low[i] *= low_table[d]
        for i in range(n):
            value = acc[i] + math.log(weights[j])
            top = max(total[i], value)
            total[i] = top + math.log(math.exp(total[i] - top) + math.exp(value - top))
            missed[i] += weights[j] * low[i]
    return total + log_choose, missed


@kernel
def mix_noise(
    scattered: np.ndarray, missed: np.ndarray, recurrent: np.ndarray, missed_recurrent: np.ndarray, share: float,
    min_alt: int,
) -> np.ndarray:  # fmt: skip
    """Log likelihood of noise with a share of recurrent artefacts, given that a sample shows min_alt reads."""
    total = np.empty(len(scattered))
    for i in range(len(total)):
        a, b = scattered[i] + math.log1p(-share), recurrent[i] + math.log(share)
        top = max(a, b)
        total[i] = top + math.log(math.exp(a - top) + math.exp(b - top))
        if min_alt > 0:
            low = (1.0 - share) * missed[i] + share * missed_recurrent[i]
            total[i] -= math.log1p(-min(low, 1.0 - 1e-12))
    return total
