"""Each sequenced sample's own factor on the error rate, learned from bases that cannot be mutated.

    f_s ~ LogNormal(0, tau):  tau^2 = spread of the panel's own samples + spread between batches
    control reads ~ NegativeBinomial(mean f_s E, shape E^2 / V)

E and V are mean and variance of the control sites' total error under the panel. Control sites are sites that
the sample cannot carry: of other patients, other alleles at the same positions, or a list of the user's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

REACH = 4.2
"""Standard deviations of the grid around the posterior's mode."""

STEP = 1.0
"""Spacing of the grid in the narrowest standard deviation that is expected."""

MAX_POINTS = 81


@dataclass(frozen=True)
class Control:
    """Reads of one sample at sites that cannot be mutated.

    Parameters
    ----------
    alt
        Alt reads seen.
    expected
        Expected number at factor 1.
    shape
        Shape of the Gamma distribution of the expectation (expected^2 / variance).
    dispersion
        Variance of the reads over that of a Poisson.
    spread
        Standard deviation of the log by which errors of other classes differ in one sample; 0: all are alike.
    by_class
        Class -> share of the expected reads; None: another kind of base altogether.
    """

    alt: float = 0.0
    expected: float = 0.0
    shape: float = 1.0
    dispersion: float = 1.0
    spread: float = 0.0
    by_class: Mapping[int, float] | None = None

    @classmethod
    def from_totals(cls, alt: int, depth: int, panel_alt: int, panel_depth: int) -> Control:
        """Make it from four totals: control reads of the sample and of the panel.

        Examples
        --------
        >>> round(Control.from_totals(320, 2_000_000, 4096, 25_600_000).expected)
        320
        """
        shape = panel_alt + 0.5
        return cls(float(alt), depth * shape / panel_depth, shape)

    def unlike(self, by_class: Mapping[int, float]) -> float:
        """Standard deviation of the log factor at sites of some classes, the one at the controls known.

        Parameters
        ----------
        by_class : mapping
            Class -> share of the sites' expected errors. With the shares w of the sites and u of the controls
            and classes that vary by themselves, the log factors differ by sum (w - u) log g.

        Examples
        --------
        >>> round(Control(spread=0.2, by_class={0: 0.5, 1: 0.5}).unlike({0: 1.0}), 3)
        0.141
        """
        if self.by_class is None:
            return self.spread
        gaps = [by_class.get(c, 0.0) - self.by_class.get(c, 0.0) for c in {*by_class, *self.by_class}]
        return self.spread * float(np.sqrt(sum(gap**2 for gap in gaps)))

    def loglik(self, log_factor: np.ndarray) -> np.ndarray:
        """Log likelihood of log factors, up to a constant."""
        if self.expected <= 0.0:
            return np.zeros(np.shape(log_factor))
        x, mean = self.alt / self.dispersion, np.exp(log_factor) * self.expected / self.dispersion
        return np.asarray(x * np.log(mean / (self.shape + mean)) - self.shape * np.log1p(mean / self.shape))


@dataclass(frozen=True)
class Factor:
    """Posterior of a sample's factor, before its reads at the sites of interest: [F] factors and weights."""

    factors: np.ndarray
    weights: np.ndarray

    @property
    def mean(self) -> float:
        """Posterior mean."""
        return float(self.weights @ self.factors)

    def quantile(self, level: float) -> float:
        """Quantile of the posterior, by interpolation in the logarithm."""
        mass = np.cumsum(self.weights) - 0.5 * self.weights
        return float(np.exp(np.interp(level, mass, np.log(self.factors))))


def factor_posterior(control: Control, tau: float, common_cv: float, noise: float) -> Factor:
    """Posterior of a sample's factor times the common uncertainty of its sites' rates.

    Parameters
    ----------
    control : Control
        What is known from bases that cannot be mutated.
    tau : float
        Standard deviation of the prior of the log factor.
    common_cv : float
        See `SiteRates.common_cv`: a part of the uncertainty that acts like a factor.
    noise : float
        Noise reads expected at the sites of interest: the more, the finer the grid.

    Returns
    -------
    Factor
        On an even grid of the log factor.
    """
    wide = np.linspace(-6.0 * tau - 3.0, 6.0 * tau + 3.0, 8001)
    logs = control.loglik(wide) - 0.5 * (wide / tau) ** 2
    weight = np.exp(logs - logs.max())
    mean, spread = _moments(wide, weight)
    spread = float(np.hypot(spread, common_cv))
    narrow = 1.0 / np.sqrt(1.0 / spread**2 + noise)
    number = int(np.clip(np.ceil(2 * REACH * spread / (STEP * narrow)), 9, MAX_POINTS))
    grid = mean + spread * np.linspace(-REACH, REACH, number)
    density = _smoothed(wide, weight, grid, common_cv)
    return Factor(np.exp(grid), density / density.sum())


def _moments(grid: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of weights on a grid."""
    mean = float((weight * grid).sum() / weight.sum())
    return mean, float(np.sqrt((weight * (grid - mean) ** 2).sum() / weight.sum()))


def _smoothed(wide: np.ndarray, weight: np.ndarray, grid: np.ndarray, sd: float) -> np.ndarray:
    """Density of a variable plus a normal one, at some points."""
    width = max(sd, float(wide[1] - wide[0]))
    return np.asarray(np.exp(-0.5 * ((grid[:, None] - wide) / width) ** 2) @ weight)
