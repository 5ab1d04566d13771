"""The test of one clade in one sample, and the smallest clone that it finds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clonalbayes.detection.likelihood import SampleSites, largest_noise, with_outliers
from clonalbayes.detection.tail import BINS, Score, closed, make_score, saddlepoint, tail_probability, upper_tails
from clonalbayes.errors.factors import Control, Factor, factor_posterior
from clonalbayes.specs import Spec

POWER_POINTS = 5
"""Factors over which a power is averaged."""


@dataclass
class NoiseTest:
    """The distribution of reads under noise, and the statistic that looks for the clone.

    Parameters
    ----------
    sites
        The sites; their reads are not looked at to make the test.
    factor
        Posterior of the sample's factor.
    law
        [I, F, X + 1] probability of each count under noise.
    score
        The statistic.
    """

    sites: SampleSites
    factor: Factor
    law: np.ndarray
    score: Score

    def p_value(self) -> float:
        """Chance that noise alone looks at least as much like the clone as the reads do."""
        return tail_probability(self.score, self.law, self.factor.weights, self.score.of(self.sites.alt))

    def limit(self, level: float, power: float) -> float:
        """Smallest prevalence that is found with a given power.

        Parameters
        ----------
        level : float
            False positives.
        power : float
            Probability of finding it.

        Returns
        -------
        float
            Cellular prevalence; NaN if not even a prevalence of 1 is found.
        """
        tails = upper_tails(self.score, closed(self.law), self.factor.weights)
        passing = np.flatnonzero(tails < level)
        threshold = float(passing[0]) if len(passing) else float(BINS)
        number = min(POWER_POINTS, len(self.factor.factors))
        levels = (np.arange(number) + 0.5) / number
        factors = np.array([self.factor.quantile(float(q)) for q in levels])
        law = self.sites.rates.pmf(self.sites.depth, factors, self.law.shape[2] - 1)
        low, high = -7.0, 0.0
        if self._power(10.0**high, law, threshold) < power:
            return float("nan")
        for _ in range(18):
            middle = 0.5 * (low + high)
            found = self._power(10.0**middle, law, threshold)
            low, high = (low, middle) if found >= power else (middle, high)
        return float(10.0**high)

    def _power(self, prevalence: float, noise: np.ndarray, threshold: float) -> float:
        """Chance that a clone of some prevalence reaches the threshold."""
        found = 0.0
        for f in range(noise.shape[1]):
            law = closed(with_signal(self.sites, noise[:, f], prevalence))
            found += float(np.exp(saddlepoint(self.score.steps, law, threshold)))
        return found / noise.shape[1]


@dataclass(frozen=True)
class Assumptions:
    """What a test assumes besides the reads.

    Parameters
    ----------
    tau
        Standard deviation of the log factor without control bases.
    outlier
        Share of outliers among sites: what a single site can contribute is bounded by it.
    mismatch
        Standard deviation of the log: how unlike errors at the sites and at control bases of the same classes
        may be.
    """

    tau: float
    outlier: float
    mismatch: float

    @classmethod
    def of(cls, spec: Spec, tau: float) -> Assumptions:
        """Take them from a specification of the family `detection`."""
        return cls(tau, spec.constant("outlier"), spec.constant("mismatch"))


def make_test(sites: SampleSites, control: Control, assumed: Assumptions, known: Factor | None = None) -> NoiseTest:
    """Make the test of one clade in one sample, from depths, error model and control bases.

    Parameters
    ----------
    sites : SampleSites
        The sites, all with reads.
    control : Control
        Of the sample.
    assumed : Assumptions
        What is assumed of them.
    known : Factor, optional
        Take this posterior of the factor instead of making one.
    """
    noise = sites.expected_noise
    mismatch = float(np.hypot(assumed.mismatch, control.unlike(sites.rates.by_class(sites.depth))))
    first = factor_posterior(control, assumed.tau, mismatch, noise)
    mean = np.array([first.mean])
    largest = largest_noise(sites, first.quantile(0.99))
    absent = with_outliers(sites.rates.pmf(sites.depth, mean, largest), sites.depth, assumed.outlier)[:, 0]
    prevalence = reference_prevalence(sites, first, sites.rates.common_cv(sites.depth.astype(float)))
    score = make_score(with_signal(sites, absent, prevalence), absent)
    share = sites.depth * score.steps[:, min(1, largest)].astype(float)
    factor = known
    if factor is None:
        common = float(np.hypot(sites.rates.common_cv(share), mismatch))
        factor = factor_posterior(control, assumed.tau, common, noise * first.mean)
    return NoiseTest(sites, factor, sites.rates.pmf(sites.depth, factor.factors, largest), score)


def reference_prevalence(sites: SampleSites, factor: Factor, common_cv: float) -> float:
    """Prevalence near the limit of detection, from depths and noise alone.

    3.6 standard deviations of the noise (a 1 % test with 90 % power), and never less than 4.6 reads.
    """
    noise = sites.expected_noise * factor.mean
    spread = float(factor.weights @ factor.factors**2) / factor.mean**2 - 1.0 + common_cv**2
    reads = 3.6 * np.sqrt(noise * (1.0 + noise * spread)) + 4.6
    return float(min(reads / max(sites.exposure, 1e-9), 1.0))


def with_signal(sites: SampleSites, noise: np.ndarray, prevalence: float) -> np.ndarray:
    """Distribution of alt reads with the clone: noise plus binomial signal.

    Parameters
    ----------
    sites : SampleSites
        The sites.
    noise : numpy.ndarray
        [I, X + 1] distribution of the noise.
    prevalence : float
        Cellular prevalence.

    Returns
    -------
    numpy.ndarray
        [I, X + 1].
    """
    from scipy import special

    share = np.minimum(sites.gain * prevalence, 1.0 - 1e-9)[:, None]
    k = np.arange(noise.shape[1])
    values, place = np.unique(sites.depth, return_inverse=True)  # depths are few, their functions are dear
    n = values[:, None].astype(float)
    ways = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(np.maximum(n - k, 0) + 1)
    n, ways = n[place], ways[place]
    logs = ways + k * np.log(np.maximum(share, 1e-300)) + (n - k) * np.log1p(-share)
    signal = np.where(k <= n, np.exp(logs), 0.0)
    if sites.loss is not None:
        signal *= 1.0 - sites.loss[:, None]
        signal[:, 0] += sites.loss
    out = np.zeros_like(noise)
    for count in range(noise.shape[1]):
        out[:, count:] += noise[:, count : count + 1] * signal[:, : noise.shape[1] - count]
    return out
