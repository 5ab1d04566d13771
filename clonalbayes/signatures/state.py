"""The signature model: what is observed, what is assumed and what is drawn, as plain arrays.

Counts n[k, c] of mutations by branch k and context c arise from intensities

    lambda[k, c] = sum_r theta[k, r] g[r, c],        n[k, .] ~ Multinomial(N[k], lambda[k, .] / Lambda[k])

    g[r, c]     ~ Gamma(strength_r, mean reference[r, c])           a profile is g / sum(g)
    theta[k, r] ~ Gamma(shape_r, mean mean[k, r]) if on[k, r], else 0
    on[k, r]    ~ Bernoulli(use[k, r])

With gamma weights of one rate a normalised vector is Dirichlet; here the *relative* spread of every channel is
the same, 1 / sqrt(strength): a profile that "corresponds to, but is not identical to" its reference differs
from it by a factor in every channel, large channels and small ones alike. The same holds for exposures: a
signature that keeps its share over branches has a large shape, one that comes and goes a small one.

All arrays have a leading axis of independent chains, so that numpy works on all chains at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

CONTEXTS = 96
FLOOR = 2e-5
"""Least share of a channel in a reference profile: no context is impossible."""


@dataclass(frozen=True, eq=False)
class Model:
    """What is observed and assumed.

    Attributes
    ----------
    counts
        [D, K, C] mutations by chain, branch and context; whole numbers. The chains see the same counts, or
        each those of its own draw of the assignments.
    reference
        [R, C] mean of the prior of each profile; sums to one.
    learned
        [R] whether the profile's strength is the learned one; else it is `strength`.
    strength
        [R] shape of the gamma prior of the channels where it is not learned.
    always
        [R] whether the signature is on in every branch (clock signatures).
    closed
        [K, R] whether a gate is closed: the signature can be on by leak only.
    use_prior
        [2, R] Beta prior of the probability that a signature is on in a branch whose gate is open.
    leak
        Probability that a signature is on behind a closed gate.
    strength_prior, mean_prior, shape_prior
        Median and sigma of log-normal priors: of the learned strength; of the mean intensity of a signature;
        of the shape of its intensities over branches.
    by_branch
        Whether the size of each branch is free (shares only), or intensities are absolute.
    """

    counts: np.ndarray
    reference: np.ndarray
    learned: np.ndarray
    strength: np.ndarray
    always: np.ndarray
    closed: np.ndarray
    use_prior: np.ndarray
    leak: float = 0.01
    strength_prior: tuple[float, float] = (40.0, 1.5)
    mean_prior: tuple[float, float] = (0.3, 1.5)
    shape_prior: tuple[float, float] = (4.0, 0.8)
    by_branch: bool = True


@dataclass(eq=False)
class State:
    """What is drawn, for D chains.

    Attributes
    ----------
    theta
        [D, K, R] intensities; 0 where the signature is off.
    g
        [D, R, C] profiles, not normalised.
    strength
        [D] learned strength.
    mean
        [D, K, R] (or [D, 1, R]) prior mean of the intensities.
    shape
        [D, R] shape of the intensities.
    use
        [D, R] probability that a signature is on in a branch whose gate is open.
    size
        [D, K] auxiliary size of each branch: given it, counts are Poisson(size * lambda).
    by_branch, by_context
        [D, K, R] and [D, R, C] allocated mutations.
    """

    theta: np.ndarray
    g: np.ndarray
    strength: np.ndarray
    mean: np.ndarray
    shape: np.ndarray
    use: np.ndarray
    size: np.ndarray
    by_branch: np.ndarray = field(default_factory=lambda: np.empty(0))
    by_context: np.ndarray = field(default_factory=lambda: np.empty(0))

    def exposures(self) -> np.ndarray:
        """Share of each branch's mutations made by each signature, [D, K, R]."""
        weight = self.theta * self.g.sum(-1)[:, None, :]
        total = weight.sum(-1, keepdims=True)
        return np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)

    def profiles(self) -> np.ndarray:
        """Normalised profiles, [D, R, C]."""
        profiles: np.ndarray = self.g / self.g.sum(-1, keepdims=True)
        return profiles


def strengths(model: Model, learned: np.ndarray) -> np.ndarray:
    """Strength of every signature [D, R], given the learned one [D]."""
    return np.where(model.learned, learned[:, None], model.strength)


def normalise(reference: np.ndarray) -> np.ndarray:
    """Profiles [R, C] with at least `FLOOR` in each channel and sum one."""
    raised = np.maximum(reference / reference.sum(-1, keepdims=True), FLOOR)
    profiles: np.ndarray = raised / raised.sum(-1, keepdims=True)
    return profiles
