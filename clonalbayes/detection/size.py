"""Presence and size of one clade in one sample: what its likelihood says under the priors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clonalbayes.detection.likelihood import Likelihood, marginal, prevalence_grid

N_SCALES = 9
MASS = 0.95
"""Scales of the size over which is integrated; how often an interval holds the truth."""

INTERPOLATED = 20_001
"""Points at which an interval's density is read off."""


@dataclass
class SizeProfile:
    """The likelihood of a clade's prevalence in one sample on its grid.

    Parameters
    ----------
    prevalence
        [V] grid, the first 0, the last 1.
    logs
        [F, V] log likelihood by the sample's factor.
    weights
        [F] weights of the factors.
    """

    prevalence: np.ndarray
    logs: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, likelihood: Likelihood, weights: np.ndarray) -> SizeProfile:
        """Compute it where it counts."""
        grid = prevalence_grid(likelihood, weights)
        return cls(grid, likelihood(grid), weights)

    @property
    def absent(self) -> np.ndarray:
        """Log likelihood without the clade, [F]."""
        return self.logs[:, 0]

    def present(self, scales: np.ndarray) -> np.ndarray:
        """Log likelihood with the clade, its size integrated: [F, B] for each scale of the size."""
        mass = slab_mass(self.prevalence, scales)
        top = self.logs.max(1, keepdims=True)
        return np.asarray(top + np.log(np.exp(self.logs - top) @ mass.T + 1e-300))

    def log_bayes_factor(self, scales: np.ndarray) -> float:
        """Log Bayes factor of presence against absence from these reads alone, scales averaged."""
        present = marginal(
            np.log(np.exp(_down(self.present(scales))).mean(1)) + self.present(scales).max(), self.weights
        )
        return float(present - marginal(self.absent, self.weights))

    def interval(self, mass: float = MASS) -> tuple[float, float, float]:
        """Mean of the prevalence, every prevalence equally likely before, and its likelihood interval.

        The interval holds the prevalences whose likelihood, rates and factor integrated out, is not smaller
        than the largest one by a factor of exp(z^2 / 2), z = 1.96 for 95 %. It holds the truth in 95 % of
        samples, and in up to 97.5 % where the truth is 0 or nearly so: there only its upper end can fail. The
        interval of highest density under the same prior falls to 92 % three standard deviations above 0, just
        where a clone begins to be found.

        Returns
        -------
        tuple of float
            Mean, lower and upper end; the lower end is 0 unless 0 is that much less likely than the best.
        """
        logs = marginal(self.logs, self.weights)
        density = np.exp(logs - logs.max())
        kept = np.flatnonzero(density > 1e-9)
        low, high = self.prevalence[max(kept[0] - 1, 0)], self.prevalence[min(kept[-1] + 1, len(density) - 1)]
        grid = np.linspace(low, high, INTERPOLATED)
        fine = np.interp(grid, self.prevalence, logs)
        inside = np.flatnonzero(fine >= fine.max() - drop(mass))
        weight = np.exp(fine - fine.max())
        mean = float((grid * weight).sum() / weight.sum())
        return mean, float(grid[inside[0]]), float(grid[inside[-1]])


def drop(mass: float) -> float:
    """How far below its maximum the log likelihood is at the ends of an interval that holds the truth so often.

    Examples
    --------
    >>> round(drop(0.95), 3)
    1.921
    """
    from scipy import special

    return 0.5 * float(special.ndtri(0.5 + 0.5 * mass)) ** 2


def size_scales(lower: float, upper: float) -> np.ndarray:
    """Scales of the size, equally likely: evenly spaced in the logarithm, [B]."""
    return np.geomspace(lower, upper, N_SCALES)


def slab_mass(prevalence: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Prior mass around each point of the grid given presence, [B, V]: Beta(1, 1 / scale)."""
    edges = np.concatenate([[0.0], 0.5 * (prevalence[1:] + prevalence[:-1]), [1.0]])
    with np.errstate(divide="ignore"):
        above = np.exp(np.log1p(-edges) / scales[:, None])
    return np.asarray(-np.diff(above, axis=1))


def _down(logs: np.ndarray) -> np.ndarray:
    """Logs with their maximum taken off."""
    return np.asarray(logs - logs.max())
