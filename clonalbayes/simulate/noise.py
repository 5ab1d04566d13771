"""Artefacts: scattered ones show or not in each sample, recurrent ones have one alt fraction in all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from clonalbayes.genotypes import beta_grid
from clonalbayes.simulate.reads import draw_alt, log_pmf
from clonalbayes.specs import Spec

MAX_ROUNDS = 10_000


@dataclass(frozen=True)
class NoiseModel:
    """What artefacts look like.

    Attributes
    ----------
    recurrent_share
        Probability that an artefact is recurrent.
    shown
        Probability that a scattered artefact shows in a sample.
    slab
        Beta parameters of the alt fraction where a scattered artefact shows.
    error_rate
        Alt fraction where it does not.
    fractions, weights
        Discrete distribution of the alt fraction of recurrent artefacts.
    precision
        Of the beta-binomial of recurrent artefacts.
    """

    recurrent_share: float
    shown: float
    slab: tuple[float, float]
    error_rate: float
    fractions: np.ndarray
    weights: np.ndarray
    precision: float


def noise_model(spec: Spec) -> NoiseModel:
    """Return the noise component of a specification."""
    recurrent = (
        spec.value("noise_recurrent_fraction", "alpha"),
        spec.value("noise_recurrent_fraction", "beta"),
    )
    return NoiseModel(
        spec.value("noise_recurrent", "p"),
        spec.value("noise_presence", "p"),
        (spec.value("noise_slab", "alpha"), spec.value("noise_slab", "beta")),
        spec.constant("noise_error_rate"),
        *beta_grid(*recurrent),
        spec.constant("noise_recurrent_precision"),
    )


def draw_noise(
    depth: np.ndarray, model: NoiseModel, min_alt: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Alt counts of artefacts, given that each has at least `min_alt` alt reads in some sample.

    Parameters
    ----------
    depth
        [N, S] reads.
    model
        What artefacts look like.
    min_alt
        Alt reads that some sample must have.
    rng
        Source of randomness.

    Returns
    -------
    tuple of numpy.ndarray
        Alt counts [N, S] and whether each artefact is recurrent [N].

    Raises
    ------
    ValueError
        If an artefact is next to never called at its depth.
    """
    alt, recurrent = np.zeros(depth.shape, np.int64), np.zeros(len(depth), bool)
    left = np.arange(len(depth))
    for _ in range(MAX_ROUNDS):
        if not len(left):
            return alt, recurrent
        alt[left], recurrent[left] = _draw_once(depth[left], model, rng)
        left = left[(alt[left] < min_alt).all(axis=1)]
    raise ValueError(
        f"artefacts at depth {depth[left[0]].tolist()} are hardly ever called with {min_alt} alt reads"
    )


def _draw_once(
    depth: np.ndarray, model: NoiseModel, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    recurrent = rng.random(len(depth)) < model.recurrent_share
    fraction = rng.choice(model.fractions, size=(len(depth), 1), p=model.weights)
    steady = draw_alt(depth, fraction, model.precision, rng)
    shown = rng.random(depth.shape) < model.shown
    scattered = rng.binomial(depth, np.where(shown, rng.beta(*model.slab, depth.shape), model.error_rate))
    return np.where(recurrent[:, None], steady, scattered), recurrent


def log_likelihood_noise(alt: np.ndarray, depth: np.ndarray, model: NoiseModel, min_alt: int) -> np.ndarray:
    """Log probability [N] of the counts [N, S] of artefacts, given that each was called.

    The chance of a call sums the patterns in which no sample reaches `min_alt`, one sample at a time.
    """
    total = _log_mixture(_log_scattered(alt, depth, model), _log_recurrent(alt, depth, model), model)
    if min_alt == 0:
        return total
    below = np.arange(min_alt)[:, None, None]
    scattered = logsumexp(_scattered_terms(below, depth, model), axis=0)
    steady = logsumexp(_recurrent_terms(below[..., None], depth[..., None], model), axis=0)
    recurrent = logsumexp(steady.sum(axis=1) + np.log(model.weights), axis=1)
    missed = _log_mixture(scattered.sum(axis=1), recurrent, model)
    return total - np.log1p(-np.exp(missed))


def _log_mixture(scattered: np.ndarray, recurrent: np.ndarray, model: NoiseModel) -> np.ndarray:
    share = model.recurrent_share
    return np.logaddexp(scattered + np.log1p(-share), recurrent + np.log(share))


def _scattered_terms(alt: np.ndarray, depth: np.ndarray, model: NoiseModel) -> np.ndarray:
    slab = np.asarray(model.slab[0] / sum(model.slab)), np.asarray(sum(model.slab))
    on = log_pmf(alt, depth, *slab)
    off = log_pmf(alt, depth, np.asarray(model.error_rate), np.asarray(np.inf))
    return np.logaddexp(on + np.log(model.shown), off + np.log1p(-model.shown))


def _log_scattered(alt: np.ndarray, depth: np.ndarray, model: NoiseModel) -> np.ndarray:
    return _scattered_terms(alt, depth, model).sum(axis=1)


def _recurrent_terms(alt: np.ndarray, depth: np.ndarray, model: NoiseModel) -> np.ndarray:
    return log_pmf(alt, depth, model.fractions, np.asarray(model.precision))


def _log_recurrent(alt: np.ndarray, depth: np.ndarray, model: NoiseModel) -> np.ndarray:
    terms = _recurrent_terms(alt[..., None], depth[..., None], model)
    return logsumexp(terms.sum(axis=1) + np.log(model.weights), axis=1)
