"""The likelihood of a clone's prevalence in one sample, from all its sites at once.

A read shows the alt allele because it comes from a mutated molecule (share v = prevalence * yield of the site)
or, if not, by an error. With signal reads ~ Binomial(depth, v) and noise reads from the error model,

    P(x | prevalence, f) = sum over k of noise(k | f) Binomial(x - k | depth, v),

where f is the sample's factor on the error rate. Noise has a small share of outliers, sites whose reads
neither errors nor the clone explain: a wrong call must not decide. Sites that may have lost the mutation carry
it with probability 1 - loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from clonalbayes.errors.rates import SiteRates

OUTLIER_ALPHA, OUTLIER_BETA = 1.0, 3.0
"""Alt fraction of an outlier: a Beta distribution."""

N_COARSE, N_FINE = 41, 121
LOWEST_PREVALENCE = 1e-7
SUPPORT = 20.0
"""Points of the two grids of prevalence; the fine one covers what lies within this log range of the best."""

GROUPS = (0, 2, 5, 2**62)
"""Alt reads at which sites are parted for the scan."""

BLOCK = 4_000_000
"""Numbers held at a time while prevalences are scanned."""


@dataclass
class SampleSites:
    """Reads of one sample at the sites of one clade.

    Parameters
    ----------
    alt, depth
        [I] reads; sites without reads do no harm.
    gain
        [I] expected share of alt reads per unit of prevalence (1/2 where all cells have two copies).
    rates
        Error rates of these sites.
    loss
        [I] probability that the clone has lost the mutation; None: no site has.
    """

    alt: np.ndarray
    depth: np.ndarray
    gain: np.ndarray
    rates: SiteRates
    loss: np.ndarray | None = None

    @property
    def expected_noise(self) -> float:
        """Noise reads expected at factor 1."""
        return float(self.rates.mean @ self.depth)

    @property
    def exposure(self) -> float:
        """Signal reads expected per unit of prevalence."""
        share = self.gain if self.loss is None else self.gain * (1.0 - self.loss)
        return float(share @ self.depth)


def largest_noise(sites: SampleSites, factor: float) -> int:
    """Count above which noise is left to the outliers."""
    mean = sites.rates.mean * sites.depth * factor
    top = float(mean.max()) if len(mean) else 0.0
    return int(min(4 + np.ceil(top + 7.0 * np.sqrt(top)), 2000))


def with_outliers(noise: np.ndarray, depth: np.ndarray, outlier: float) -> np.ndarray:
    """Mix a share of outliers into the distribution of noise reads: [I, F, X + 1], depth [I]."""
    values, place = np.unique(depth, return_inverse=True)  # depths are few, their functions are dear
    other = outlier * np.exp(outlier_logs(np.arange(noise.shape[-1])[None], values[:, None]))
    return np.asarray((1.0 - outlier) * noise + other[place][:, None, :])


def outlier_logs(alt: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Log probability of alt reads at an outlier; -inf above the depth."""
    from scipy import special

    alt, depth = np.broadcast_arrays(np.asarray(alt, float), np.asarray(depth, float))
    rest = np.maximum(depth - alt, 0.0)
    ways = special.gammaln(depth + 1) - special.gammaln(alt + 1) - special.gammaln(rest + 1)
    beta = special.betaln(alt + OUTLIER_ALPHA, rest + OUTLIER_BETA)
    logs = ways + beta - special.betaln(OUTLIER_ALPHA, OUTLIER_BETA)
    return np.where(alt <= depth, logs, -np.inf)


class Likelihood:
    """log P(reads | prevalence, factor) of one clade in one sample.

    Parameters
    ----------
    sites : SampleSites
        The reads.
    factors : numpy.ndarray
        [F] grid of the sample's factor.
    outlier : float
        Share of outliers among sites.
    noise : numpy.ndarray, optional
        [I, F, X + 1] `SiteRates.pmf` of these sites and factors, if it is there already.
    """

    def __init__(
        self, sites: SampleSites, factors: np.ndarray, outlier: float, noise: np.ndarray | None = None
    ) -> None:
        self.sites, self.outlier = sites, outlier
        if noise is None:
            noise = sites.rates.pmf(sites.depth, factors, largest_noise(sites, float(factors.max())))
        self.noise, self.largest = with_outliers(noise, sites.depth, outlier), noise.shape[2] - 1
        seen = np.flatnonzero(sites.alt > 0)
        sure = np.ones(len(sites.alt), bool) if sites.loss is None else sites.loss <= 0.0
        self.special = np.union1d(seen, np.flatnonzero(~sure))
        plain = np.setdiff1d(np.arange(len(sites.alt)), self.special, assume_unique=True)
        self.quiet = np.log(self.noise[plain, :, 0]).sum(0)
        self.gains, place = np.unique(sites.gain[plain], return_inverse=True)
        self.reads = np.bincount(place.reshape(-1), sites.depth[plain], minlength=len(self.gains))

    def __call__(self, prevalence: np.ndarray) -> np.ndarray:
        """Log likelihood on a grid of prevalences (0 allowed): [F, V]."""
        shares = np.minimum(np.outer(self.gains, prevalence), 1.0 - 1e-9)
        out = self.quiet[:, None] + (self.reads @ np.log1p(-shares))[None]
        alt = self.sites.alt[self.special]
        for few, many in pairwise(GROUPS):  # few reads need few terms
            rows = self.special[(alt >= few) & (alt < many)]
            terms = int(min(self.sites.alt[rows].max(initial=0), self.largest)) + 1
            width = max(BLOCK // max(len(prevalence) * terms, 1), 1)
            for start in range(0, len(rows), width):
                out = out + self._scan(rows[start : start + width], prevalence, terms)
        return np.asarray(out)

    def _scan(self, rows: np.ndarray, prevalence: np.ndarray, terms: int) -> np.ndarray:
        """Sum over some sites of their log probability, [F, V], noise from 0 to terms - 1 reads."""
        alt, depth = self.sites.alt[rows], self.sites.depth[rows]
        share = np.minimum(self.sites.gain[rows, None] * prevalence, 1.0 - 1e-9)
        signal = alt[:, None] - np.arange(terms)
        logs = _binomial_logs(signal, depth, share)
        top = logs.max(1)
        mixed = self.noise[rows, :, :terms] @ np.exp(logs - top[:, None])
        site = top[:, None] + np.log(mixed + 1e-300)
        beyond = alt > self.largest
        if beyond.any():  # noise alone does not reach such a count: an outlier does
            other = np.log(self.outlier) + outlier_logs(alt, depth)
            site[beyond] = np.logaddexp(site[beyond], other[beyond, None, None])
        if self.sites.loss is not None:
            lost = self.sites.loss[rows, None, None]
            bare = self.noise[rows, :, np.minimum(alt, self.largest)][:, :, None]
            far = np.exp(np.log(self.outlier) + outlier_logs(alt, depth))
            bare = np.where(beyond[:, None, None], far[:, None, None], bare)
            site = np.log((1.0 - lost) * np.exp(site) + lost * bare + 1e-300)
        return np.asarray(site.sum(0))


def _binomial_logs(signal: np.ndarray, depth: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Log binomial probabilities: signal [R, K] of depth [R] at shares [R, V] -> [R, K, V]."""
    from scipy import special

    n = depth[:, None].astype(float)
    count = np.maximum(signal, 0).astype(float)
    ways = special.gammaln(n + 1) - special.gammaln(count + 1) - special.gammaln(n - count + 1)
    with np.errstate(divide="ignore"):
        up, down = np.log(share)[:, None, :], np.log1p(-share)[:, None, :]
    lift = np.where(count[:, :, None] > 0, count[:, :, None] * np.maximum(up, -1e4), 0.0)
    logs = ways[:, :, None] + lift + (n - count)[:, :, None] * down
    return np.where(signal[:, :, None] >= 0, logs, -1e5)


def prevalence_grid(likelihood: Likelihood, weights: np.ndarray) -> np.ndarray:
    """Choose prevalences at which to compute a likelihood: 0, a coarse grid, and a fine one where it counts.

    Parameters
    ----------
    likelihood : Likelihood
        Of one clade in one sample.
    weights : numpy.ndarray
        [F] weights of the factors.

    Returns
    -------
    numpy.ndarray
        [V] ascending, the first 0, the last 1.
    """
    coarse = np.concatenate([[0.0], np.geomspace(LOWEST_PREVALENCE, 1.0, N_COARSE)])
    logs = marginal(likelihood(coarse), weights)
    good = np.flatnonzero(logs > logs.max() - SUPPORT)
    low, high = coarse[max(good[0] - 1, 0)], coarse[min(good[-1] + 1, len(coarse) - 1)]
    fine = np.linspace(low, high, N_COARSE)
    logs = marginal(likelihood(fine), weights)
    good = np.flatnonzero(logs > logs.max() - SUPPORT)
    low, high = fine[max(good[0] - 1, 0)], fine[min(good[-1] + 1, len(fine) - 1)]
    return np.unique(np.concatenate([coarse, np.linspace(low, high, N_FINE)]))


def marginal(logs: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Integrate factors out of log likelihoods: [F, ...] -> [...]."""
    top = logs.max(0)
    return np.asarray(top + np.log(np.tensordot(weights, np.exp(logs - top), 1)))
