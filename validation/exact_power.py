"""False positives and power of the test of one panel and sample, computed and not counted.

Given a panel, a sample's depths and its control reads, the threshold of the test at a level is a number of lattice
steps. How often reads of the true rates reach it is a convolution again, this time with the truth. Averages over
panels and samples of these probabilities are what counting draws would give, without its noise.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from clonalbayes.detection.noise_test import NoiseTest, with_signal
from clonalbayes.detection.tail import BINS, closed, upper_tails
from clonalbayes.errors.grid import noise_pmf

LEVELS = (0.001, 0.002, 0.003, 0.005, 0.007, 0.01, 0.013, 0.016, 0.02, 0.025, 0.03, 0.04)
SIZES = (0.0, 8e-5, 9e-5, 1e-4, 1.1e-4, 1.25e-4, 1.4e-4, 1.8e-4)
"""Nominal levels of the test; VAFs at which its power is computed."""

NOMINAL = 0.01


def reached(
    test: NoiseTest, rates: np.ndarray, precision: float, sizes: tuple[float, ...] = SIZES
) -> np.ndarray:
    """Chance that true reads reach the thresholds of a test, [sizes, LEVELS].

    Parameters
    ----------
    test : NoiseTest
        The test of this sample; one copy of two is mutated at every site.
    rates : numpy.ndarray
        [I] true error rates of the sites in this sample.
    precision : float
        alpha + beta of the beta-binomial of one site in one sample.
    sizes : tuple of float
        VAFs of the clone.
    """
    weights = test.factor.weights
    tails = upper_tails(test.score, closed(test.law), weights)
    thresholds = [int(np.flatnonzero(tails < level)[0]) if (tails < level).any() else BINS - 1 for level in LEVELS]
    noise = noise_pmf(np.minimum(rates, 0.5), test.sites.depth, test.law.shape[2] - 1, precision)
    out = []
    for vaf in sizes:
        law = closed(with_signal(test.sites, noise, 2.0 * vaf))
        steps = test.score.steps
        mean = (law * steps).sum(1)
        sd = np.sqrt(((law * steps**2).sum(1) - mean**2).sum())
        if mean.sum() + 6.0 * sd < BINS:
            out.append(upper_tails(test.score, law[:, None], np.ones(1))[thresholds])
        else:  # sums beyond the lattice: so large that the normal distribution will do
            out.append(special.ndtr((mean.sum() - np.array(thresholds) + 0.5) / sd))
    return np.array(out)


def at_nominal(mean: np.ndarray) -> float:
    """False positives at a nominal 1 %, of a mean of `reached`."""
    return float(mean[0, LEVELS.index(NOMINAL)])


def limit(mean: np.ndarray, power: float, true_level: float | None) -> float:
    """VAF that is found with some power, by interpolation; NaN if none of `SIZES` is.

    Parameters
    ----------
    mean : numpy.ndarray
        Mean of `reached` over panels and samples.
    power : float
        Wanted probability.
    true_level : float or None
        False positives that there truly are; None: those of the nominal level.
    """
    steps = np.arange(len(LEVELS), dtype=float)
    at = float(LEVELS.index(NOMINAL)) if true_level is None else float(np.interp(true_level, mean[0], steps))
    found = np.array([np.interp(at, steps, row) for row in mean])
    return float(np.interp(power, found, SIZES)) if found[-1] >= power else float("nan")
