"""Means of the classes: overall mean, substitution, context, by exact message passing on a grid.

    log overall ~ Normal(log median, sigma)
    log mean of a substitution ~ Normal(log overall, sd_substitution)
    log mean of a context ~ Normal(log mean of its substitution, sd_context)
    sd_substitution, sd_context ~ HalfNormal

For a class c the data enter only through the profile l_c(log mean). On a grid of cells the tree of normals is
solved by sums and products: upwards for the evidence, downwards for the prior that all other classes
together give to one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

LOG_LOW, LOG_HIGH = float(np.log(1e-6)), float(np.log(3e-2))
CELL, FINE = 0.1, 20
"""Width of a cell in the log mean; points in a cell."""

SDS = (0.1, 0.2, 0.4, 0.8)
"""Grid of the standard deviations."""

QUANTILES = 5
"""Points that stand for the posterior of one class's mean."""


@dataclass(frozen=True)
class ClassPriors:
    """Priors of the means.

    Parameters
    ----------
    median, sigma
        Of the overall mean rate (log-normal).
    sd_scale
        Scale of the half-normal priors of both standard deviations.
    """

    median: float
    sigma: float
    sd_scale: float


@dataclass
class ClassMeans:
    """Posterior of the class means at one node of the other hyperparameters.

    Parameters
    ----------
    log_evidence
        Log marginal likelihood.
    log_means
        [C + 1, Q] points of equal weight; the last row is a class that the panel does not have.
    """

    log_evidence: float
    log_means: np.ndarray


@lru_cache(maxsize=1)
def centres() -> np.ndarray:
    """Centres of the cells of the log mean, [T]."""
    n = int(np.ceil((LOG_HIGH - LOG_LOW) / CELL))
    return LOG_LOW + CELL * (np.arange(n) + 0.5)


@lru_cache(maxsize=1)
def points() -> np.ndarray:
    """All points of the log mean, [T * FINE], evenly spaced within the cells."""
    inside = (np.arange(FINE) + 0.5) / FINE - 0.5
    return np.asarray((centres()[:, None] + CELL * inside).reshape(-1))


@lru_cache(maxsize=len(SDS))
def step_matrix(sd: float) -> np.ndarray:
    """Probability of each cell given its parent's cell, [T, T]; rows add up to 1."""
    gap = centres()[:, None] - centres()[None]
    weights = np.exp(-0.5 * (gap / max(sd, CELL / 2)) ** 2)
    return np.asarray(weights / weights.sum(1, keepdims=True))


def rough_evidence(profiles: np.ndarray, parents: np.ndarray, priors: ClassPriors) -> float:
    """Log marginal likelihood at one choice of both standard deviations: cheap, to leave hopeless nodes out."""
    top = profiles.max(1)
    cell = np.exp(profiles - top[:, None]).reshape(len(profiles), -1, FINE).mean(2)
    return float(top.sum()) + _pass(cell, parents, SDS[1], SDS[1], priors)[0]


def solve(profiles: np.ndarray, parents: np.ndarray, priors: ClassPriors) -> ClassMeans:
    """Integrate the class means and both standard deviations.

    Parameters
    ----------
    profiles : numpy.ndarray
        [C, T * FINE] log likelihood of each class at `points`.
    parents : numpy.ndarray
        [C] substitution of each class, 0..P-1.
    priors : ClassPriors
        The priors.
    """
    top = profiles.max(1)
    fine = np.exp(profiles - top[:, None])
    cell = fine.reshape(len(profiles), -1, FINE).mean(2)
    logs, messages = [], []
    for inner in _grid(len(parents) > parents.max() + 1):
        for outer in _grid(parents.max() > 0):
            log, down = _pass(cell, parents, inner, outer, priors)
            logs.append(_prior_of_sds(inner, outer, priors) + log)
            messages.append(down)
    shares = np.exp(np.array(logs) - max(logs))
    down = np.tensordot(shares / shares.sum(), np.array(messages), 1)
    posterior = np.repeat(down, FINE, axis=1)
    posterior[:-1] *= fine
    evidence = float(top.sum() + max(logs) + np.log(shares.sum()))
    return ClassMeans(evidence, quantile_points(posterior))


def _grid(varies: bool) -> tuple[float, ...]:
    """Standard deviations to try; where there is one child only, its spread says nothing."""
    return SDS if varies else SDS[:1]


def _prior_of_sds(inner: float, outer: float, priors: ClassPriors) -> float:
    """Log prior weight of two standard deviations on the grid (half-normal, cells of the grid)."""
    width = dict(zip(SDS, np.gradient(np.array(SDS)), strict=True))
    return float(sum(np.log(width[sd]) - 0.5 * (sd / priors.sd_scale) ** 2 for sd in (inner, outer)))


def _pass(
    cell: np.ndarray, parents: np.ndarray, inner: float, outer: float, priors: ClassPriors
) -> tuple[float, np.ndarray]:
    """One upward and one downward pass: log evidence, and for each class (and a new one) its prior [C+1, T]."""
    grid = centres()
    step, leap = step_matrix(inner), step_matrix(outer)
    to_parent = np.log(cell @ step.T + 1e-300)
    n_parents = int(parents.max()) + 1
    belief = np.array([to_parent[parents == p].sum(0) for p in range(n_parents)])
    high = belief.max(1)
    to_root = np.log(np.exp(belief - high[:, None]) @ leap.T + 1e-300)
    prior = -0.5 * ((grid - np.log(priors.median)) / priors.sigma) ** 2
    prior -= np.log(np.exp(prior).sum())
    root = prior + to_root.sum(0)
    evidence = float(high.sum() + root.max() + np.log(np.exp(root - root.max()).sum()))
    from_root = _exp(root - to_root) @ leap
    message = _exp(np.log(from_root + 1e-300)[parents] + belief[parents] - to_parent) @ step
    new = (_exp(root[None]) @ leap) @ step
    down = np.concatenate([message, new])
    scale = (message * cell).sum(1, keepdims=True)
    return evidence, down / np.concatenate([scale, new.sum(1, keepdims=True)])


def _exp(logs: np.ndarray) -> np.ndarray:
    """Exponentials of each row, scaled to a maximum of 1."""
    return np.asarray(np.exp(logs - logs.max(1, keepdims=True)))


def quantile_points(weights: np.ndarray) -> np.ndarray:
    """Points of equal weight with the mean and variance of distributions on `points`: [R, T * FINE] -> [R, Q].

    They are the means of `QUANTILES` equal shares, spread a little to make up for the variance within shares.
    """
    mass = np.cumsum(weights, 1) / weights.sum(1, keepdims=True)
    moment = np.cumsum(weights * points(), 1) / weights.sum(1, keepdims=True)
    levels = np.linspace(0.0, 1.0, QUANTILES + 1)[1:-1]
    out = np.empty((len(weights), QUANTILES))
    for row in range(len(weights)):
        keep = np.concatenate([[True], np.diff(mass[row]) > 0])
        inner = np.interp(levels, mass[row][keep], moment[row][keep])
        out[row] = np.diff(np.concatenate([[0.0], inner, [moment[row, -1]]])) * QUANTILES
    mean = out.mean(1, keepdims=True)
    full = (weights * (points() - mean) ** 2).sum(1) / weights.sum(1)
    stretch = np.sqrt(full / np.maximum(out.var(1), 1e-12))
    return np.asarray(mean + (out - mean) * stretch[:, None])
