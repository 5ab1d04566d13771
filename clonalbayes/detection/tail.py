"""A calibrated test: how often noise alone would look at least as much like the clone.

The statistic is the log likelihood ratio between a clone at a reference prevalence (chosen from depths and
noise alone, near the limit of detection) and none. It is a sum over sites, so its distribution under noise is
a convolution, computed exactly on a lattice by Fourier transform for each factor of the sample, and mixed over
the factor's posterior. Far out in the tail the saddlepoint formula of Lugannani and Rice takes over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BINS = 2048
HOT = 0.1
"""A site with a larger chance of noise is convolved by itself, the others by power sums."""

MAX_HOT = 300
"""With more sites of that kind, sums are smooth and the saddlepoint formula is used throughout."""

NEGLIGIBLE = 1e-13
"""Counts of a site that are rarer than this are left out of its transform."""

STEEPEST = 200.0
"""Largest tilt in units of the largest step."""

FAR = 1e-9
"""Below this tail probability rounding of the transform shows."""


@dataclass
class Score:
    """The statistic: a whole number of lattice steps for each site and count.

    Parameters
    ----------
    steps
        [I, X + 1] contribution of 0..X alt reads; larger counts contribute as X.
    width
        Size of a lattice step in log likelihood ratio.
    """

    steps: np.ndarray
    width: float

    def of(self, alt: np.ndarray) -> int:
        """The statistic of a sample's reads."""
        return int(self.steps[np.arange(len(alt)), np.minimum(alt, self.steps.shape[1] - 1)].sum())


def make_score(present: np.ndarray, absent: np.ndarray) -> Score:
    """Build the statistic from the probabilities of each count.

    Parameters
    ----------
    present, absent : numpy.ndarray
        [I, X + 1] with the clone at the reference prevalence, and without.

    Notes
    -----
    More reads never count for less: a count that outliers explain better than the reference prevalence
    counts like the best smaller one.
    """
    tiny = 1e-300
    ratio = np.log(present + tiny) - np.log(absent + tiny)
    ratio = np.maximum.accumulate(np.clip(ratio - ratio[:, :1], 0.0, 30.0), axis=1)
    law = absent / absent.sum(1, keepdims=True)
    mean, square = (law * ratio).sum(1), (law * ratio**2).sum(1)
    spread = np.sqrt(max(float((square - mean**2).sum()), 0.0))
    reach = float(mean.sum()) + 12.0 * spread + 4.0 * float(ratio.max(initial=0.0)) + 1e-9
    width = reach / (BINS - 1)
    return Score(np.rint(ratio / width).astype(np.int64), width)


def tail_probability(score: Score, law: np.ndarray, weights: np.ndarray, at: int) -> float:
    """P(statistic >= at), mixed over the sample's factor.

    Parameters
    ----------
    score : Score
        The statistic.
    law : numpy.ndarray
        [I, F, X + 1] probability of each count.
    weights : numpy.ndarray
        [F] weights of the factors.
    at : int
        In lattice steps.
    """
    law = closed(law)
    if at <= 0:
        return 1.0
    if at < BINS and (law[:, :, 0].min(1) < 1.0 - HOT).sum() <= MAX_HOT:
        p = float(upper_tails(score, law, weights)[at])
        if p > FAR:
            return min(p, 1.0)
    logs = np.array([saddlepoint(score.steps, law[:, f], float(at)) for f in range(len(weights))])
    return min(float(weights @ np.exp(logs)), 1.0)


def closed(law: np.ndarray) -> np.ndarray:
    """Give the last count the probability of all larger ones."""
    law = np.array(law)
    law[..., -1] += np.maximum(1.0 - law.sum(-1), 0.0)
    return law / law.sum(-1, keepdims=True)


def upper_tails(score: Score, law: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """P(statistic >= t) for every lattice point t below `BINS`, mixed over the factor: [BINS]."""
    pmf = weights @ _convolved(score.steps, law)
    return np.maximum(np.cumsum(pmf[::-1])[::-1], 0.0)


def _convolved(steps: np.ndarray, law: np.ndarray) -> np.ndarray:
    """Distribution of the sum of independent lattice variables for every factor, [F, BINS].

    The range is wide enough that nothing of weight wraps around.
    """
    hot = law[:, :, 0].min(1) < 1.0 - HOT
    ratio = law[~hot, :, 1:] / law[~hot, :, :1]
    logs = np.array(
        [
            np.log(law[~hot, f, 0]).sum() + np.fft.rfft(_power_sums(ratio[:, f], steps[~hot, 1:]))
            for f in range(law.shape[1])
        ]
    )
    spectrum = np.exp(logs)
    turn = np.exp(-2j * np.pi * np.arange(BINS) / BINS)
    frequency = np.arange(BINS // 2 + 1)
    for site in np.flatnonzero(hot):
        last = int(np.flatnonzero(law[site].max(0) > NEGLIGIBLE)[-1]) + 1
        spectrum *= law[site, :, :last] @ turn[(steps[site, :last, None] * frequency) % BINS]
    return np.fft.irfft(spectrum, BINS, axis=1)


def _power_sums(ratio: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Lattice weights of sum over sites of log(1 + z), z = sum over counts of ratio * e^(i w step), to z^3.

    Squares and cubes use the two commonest counts: the others enter them with less than a millionth.
    """
    out = np.bincount(steps.reshape(-1), ratio.reshape(-1), minlength=BINS)[:BINS]
    r, s = ratio[:, :2], steps[:, :2]
    pairs = len(r), r.shape[1] ** 2
    r2 = (r[:, :, None] * r[:, None]).reshape(pairs)
    s2 = (s[:, :, None] + s[:, None]).reshape(pairs)
    out = out - 0.5 * np.bincount(s2.reshape(-1) % BINS, r2.reshape(-1), minlength=BINS)
    r3 = (r2[:, :, None] * r[:, None]).reshape(-1)
    s3 = (s2[:, :, None] + s[:, None]).reshape(-1)
    return np.asarray(out + np.bincount(s3 % BINS, r3, minlength=BINS) / 3.0)


def saddlepoint(steps: np.ndarray, law: np.ndarray, at: float) -> float:
    """Log of P(sum of the sites' steps >= at), by the formula of Lugannani and Rice.

    Parameters
    ----------
    steps, law : numpy.ndarray
        [I, X + 1] lattice values and their probabilities.
    at : float
        Threshold; half a step is taken off for continuity. So far out that no tilt reaches it, the bound of
        Chernoff stands for the probability.
    """
    from scipy import special

    values, target = steps.astype(float), at - 0.5
    reach = STEEPEST / max(float(values.max(initial=0.0)), 1.0)
    if _cumulants(values, law, -reach)[1] >= target:
        return 0.0
    k, k1, _ = _cumulants(values, law, reach)
    if k1 <= target:
        return float(min(k - reach * target, 0.0))
    s = _solve(values, law, target, reach)
    k, _, k2 = _cumulants(values, law, s)
    if abs(s) * np.sqrt(k2) < 1e-4:
        return float(np.log(0.5))
    w = np.sign(s) * np.sqrt(max(2.0 * (s * target - k), 0.0))
    u = 2.0 * np.sinh(0.5 * s) * np.sqrt(k2)
    log_density = -0.5 * w * w - 0.5 * np.log(2.0 * np.pi)
    if w < 6.0:
        return float(np.log(max(special.ndtr(-w) + np.exp(log_density) * (1.0 / u - 1.0 / w), 1e-300)))
    # Far out: 1 - Phi(w) = density (1/w - 1/w^3 + ...), so that the tail is density (1/u - 1/w^3).
    return float(log_density + np.log(max(1.0 / u - 1.0 / w**3, 1e-12)))


def _cumulants(values: np.ndarray, law: np.ndarray, s: float) -> tuple[float, float, float]:
    """Cumulant function of the sum at s, and its first two derivatives."""
    logs = np.log(law + 1e-300) + s * values
    top = logs.max(1)
    weight = np.exp(logs - top[:, None])
    total = weight.sum(1)
    mean = (weight * values).sum(1) / total
    square = (weight * values**2).sum(1) / total
    return float((top + np.log(total)).sum()), float(mean.sum()), float((square - mean**2).sum())


def _solve(values: np.ndarray, law: np.ndarray, target: float, reach: float) -> float:
    """Find s at which the tilted mean is the target, by Newton's method within a shrinking bracket."""
    low, high, s = -reach, reach, 0.0
    for _ in range(80):
        _, mean, variance = _cumulants(values, law, s)
        if abs(mean - target) < 1e-7 * max(variance, 1.0) or high - low < 1e-12 * reach:
            break
        low, high = (s, high) if mean < target else (low, s)
        s += (target - mean) / max(variance, 1e-12)
        if not low < s < high:
            s = 0.5 * (low + high)
    return s
