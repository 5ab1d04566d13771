"""Intervals of highest density, and the evidence that a clone is present."""

from __future__ import annotations

import numpy as np

from clonalbayes.intervals import MASS as MASS
from clonalbayes.intervals import hdi as hdi
from clonalbayes.intervals import mean as mean


def presence(state: np.ndarray, prior: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Posterior probability that a clone is present in a sample, and the Bayes factor for it.

    Parameters
    ----------
    state
        [D, ...] 0 absent, 1 subclonal, 2 clonal, -1 where the draw has no such clone.
    prior
        Prior probability of presence, in (0, 1]; an array that goes with the state without draws, or one number
        for all. If it is 1, presence was assumed and there is no evidence to
        weigh: the Bayes factor is NaN. So it is if the prior is NaN: not known.

    Returns
    -------
    tuple of numpy.ndarray
        Share of the draws with presence; posterior odds / prior odds. The odds are
        (present + 0.5) / (absent + 0.5) draws, so that the Bayes factor stays finite: if no draw is without
        (or with) the clone, it is a lower (upper) bound that grows with the number of draws.

    Raises
    ------
    ValueError
        If the prior is not in (0, 1].
    """
    prior = np.asarray(prior, float)
    if (prior <= 0.0).any() or (prior > 1.0).any():
        raise ValueError(f"the prior probability of presence is in (0, 1], not {prior}")
    absent, present = (state == 0).sum(0), (state > 0).sum(0)
    drawn = absent + present
    p_present = np.where(drawn > 0, present / np.maximum(drawn, 1), np.nan)
    factor = (present + 0.5) / (absent + 0.5) * (1.0 - prior) / prior
    return p_present, np.where((drawn > 0) & (prior < 1.0), factor, np.nan)


def prior_presence(weights: np.ndarray, samples: int) -> float:
    """Prior probability that a clone is present in a given sample.

    Parameters
    ----------
    weights
        Dirichlet weights of absent, subclonal and clonal.
    samples
        Number of samples. A clone is present in at least one of them, by the model.

    Returns
    -------
    float
        With one sample 1; with many, the mean of the Dirichlet.

    Examples
    --------
    >>> round(prior_presence(np.ones(3), 2), 3), prior_presence(np.ones(3), 1)
    (0.75, 1.0)
    """
    absent = float(weights[0] / np.sum(weights))
    return (1.0 - absent) / (1.0 - absent**samples)


def prior_presence_at(deepest: int, concentration: float, mean: tuple[float, float]) -> np.ndarray:
    """Prior probability that a clone of a tree is in a given sample, by its depth.

    A clade is in a sample that its parent is in with probability psi ~ Beta(c m, c (1 - m)), one for the
    sample, m ~ Beta(alpha, beta); so a clone at depth d is there with probability E[psi^d].

    Parameters
    ----------
    deepest
        Largest depth; a founder has depth 1.
    concentration
        c.
    mean
        alpha and beta.

    Returns
    -------
    numpy.ndarray
        [deepest + 1], by depth; 1 at depth 0, the root.

    Examples
    --------
    >>> prior_presence_at(2, 4.0, (1.0, 1.0)).round(3).tolist()
    [1.0, 0.5, 0.367]
    """
    m = (np.arange(2000) + 0.5) / 2000
    weight = m ** (mean[0] - 1.0) * (1.0 - m) ** (mean[1] - 1.0)
    weight /= weight.sum()
    d = np.arange(deepest)[:, None]
    power = np.cumprod((concentration * m + d) / (concentration + d), axis=0)
    return np.concatenate([[1.0], power @ weight])
