"""Draws of trees, cells and purities from the tree model's prior.

Written without the sampler's kernels and without `clonalbayes.model`, so that they can be held against each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clonalbayes.simulate.genome import descends
from clonalbayes.specs import Spec

CONCENTRATION_RANGE = (0.01, 20.0)
"""Concentrations that the sampler allows; the prior has 0.1 % of its mass outside."""

SMALLEST = 1e-300


@dataclass
class TreeDraw:
    """A tree of K clones in S samples.

    Attributes
    ----------
    parent
        [K] parent from 1, 0 = the normal root.
    presence
        [K, S] 0 or 1.
    fraction
        [K + 1, S] cells, the normal ones first.
    prevalence
        [K, S] cells of the clone and its descendants.
    parameters
        fraction_concentration, present_prob, purity [S], and what the first two are drawn around.
    """

    parent: np.ndarray
    presence: np.ndarray
    fraction: np.ndarray
    prevalence: np.ndarray
    parameters: dict[str, np.ndarray]


def draw_tree(clones: int, founder_weight: float, rng: np.random.Generator) -> np.ndarray:
    """Parents [K] of a tree with probability proportional to `founder_weight` to the number of its founders.

    A random walk over the clones and the root, whose edges have that weight: each node's parent is where it
    is first come upon from (Aldous 1990 and Broder 1989).
    """
    parent, here = np.full(clones + 1, -1), 0
    while (parent[1:] < 0).any():
        weights = np.where(np.arange(clones + 1) == 0, founder_weight, 1.0)
        if here == 0:
            weights[:] = founder_weight
        weights[here] = 0.0
        there = int(rng.choice(clones + 1, p=weights / weights.sum()))
        if there > 0 and parent[there] < 0:
            parent[there] = here
        here = there
    return parent[1:]


def draw_presence(parent: np.ndarray, present_prob: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Presence [K, S]: a coin under a present parent, else 0."""
    coin = rng.random((len(parent), len(present_prob))) < present_prob
    lines = descends(parent)  # [ancestor or self, clone]
    return np.array([coin[lines[:, k]].all(axis=0) for k in range(len(parent))], np.int64).reshape(coin.shape)


def draw_fractions(presence: np.ndarray, concentration: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Fractions [K + 1, S]: symmetric Dirichlet over normal cells and present clones, by gamma variables."""
    there = np.vstack([np.ones((1, presence.shape[1])), presence]) > 0
    # Gamma(a) = Gamma(a + 1) U^(1 / a): small concentrations would underflow otherwise.
    logs = np.log(rng.standard_gamma(np.broadcast_to(concentration + 1.0, there.shape)))
    logs += np.log1p(-rng.random(there.shape)) / concentration
    share = np.where(there, np.exp(np.where(there, logs, -np.inf) - np.where(there, logs, -np.inf).max(axis=0)), 0.0)
    return np.where(there, np.maximum(share / share.sum(axis=0), SMALLEST), 0.0)


def draw_concentrations(samples: int, spec: Spec, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Concentrations [S] and their median."""
    median, spread = (spec.value("fraction_concentration_median", name) for name in ("median", "sigma"))
    sigma = spec.value("fraction_concentration", "sigma")
    while True:
        centre = median * np.exp(spread * rng.standard_normal())
        drawn = centre * np.exp(sigma * rng.standard_normal(samples))
        if ((drawn > CONCENTRATION_RANGE[0]) & (drawn < CONCENTRATION_RANGE[1])).all():
            return drawn, np.array(centre)


def draw_clones(clones: int, samples: int, spec: Spec, rng: np.random.Generator) -> TreeDraw:
    """Draw a tree with presence and cells, and what they depend on.

    Parameters
    ----------
    clones, samples
        Sizes.
    spec
        A specification with a tree.
    rng
        Source of randomness.
    """
    mean, strength = rng.random(), spec.value("present_prob", "concentration")
    present_prob = np.clip(rng.beta(strength * mean, strength * (1.0 - mean), samples), 1e-9, 1.0 - 1e-9)
    concentration, centre = draw_concentrations(samples, spec, rng)
    parent = draw_tree(clones, spec.constant("founder_weight"), rng)
    presence = draw_presence(parent, present_prob, rng)
    fraction = draw_fractions(presence, concentration, rng)
    prevalence = descends(parent).astype(float) @ fraction[1:]
    parameters = {
        "fraction_concentration": concentration,
        "fraction_concentration_median": centre,
        "present_prob": present_prob,
        "present_prob_mean": np.array(mean),
        "purity": fraction[1:].sum(axis=0),
    }
    return TreeDraw(parent, presence, fraction, np.minimum(prevalence, 1.0), parameters)


def draw_purities(
    purity: np.ndarray, linked: np.ndarray, sd: float, slack: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray] | None:
    """Purities that the reads see and that the file states, [S] each; None if one is not within (0, 1].

    Parameters
    ----------
    purity
        What the normal cells leave, [S].
    linked
        Whether the reads of a sample depend on its purity, [S]. Others see any number.
    sd, slack
        Standard error of the file's purity (0: it states none), and sd between the two purities.
    """
    seen = purity + slack * rng.standard_normal(len(purity))
    stated = seen + sd * rng.standard_normal(len(purity)) if sd > 0.0 else np.ones(len(purity))
    possible = ((seen > 0.0) & (seen <= 1.0)) | ~linked
    if not possible.all() or (stated <= 0.0).any() or (stated > 1.0).any():
        return None
    return np.where(linked, seen, 0.5), stated


def depth_of(parent: np.ndarray) -> int:
    """Most clones on a path from the root; 0 without clones."""
    return int(descends(parent).sum(axis=0).max(initial=0))
