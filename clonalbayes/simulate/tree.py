"""Random trees of clones and their prevalences over time, pigeonhole-consistent by construction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clonalbayes.simulate.genome import descends

ATTEMPTS = 300
SMALLEST = 0.002
"""A clone that would be a smaller share of a sample than this is absent from it."""


@dataclass(frozen=True)
class Populations:
    """A tree of clones in samples.

    Attributes
    ----------
    parent
        [K] parent from 1, 0 = the normal root.
    share
        [K, S] tumour cells that are exactly this clone; each sample sums to 1.
    """

    parent: np.ndarray
    share: np.ndarray

    @property
    def ccf(self) -> np.ndarray:
        """[K, S] tumour cells of the clone and its descendants."""
        total = descends(self.parent).astype(float) @ self.share
        return np.where(total > 1.0 - 1e-9, 1.0, total)


def draw_populations(n_clones: int, n_samples: int, rng: np.random.Generator) -> Populations:
    """Draw a tree and shares whose clones can be told apart as far as the samples allow.

    Of some hundred draws the one is kept whose two most similar clones (and the smallest clone and absence)
    differ most.

    Parameters
    ----------
    n_clones, n_samples
        Sizes.
    rng
        Source of randomness.
    """
    best, widest = None, -1.0
    for _ in range(ATTEMPTS):
        parent = _draw_tree(n_clones, rng)
        drawn = Populations(parent, _draw_shares(parent, n_samples, rng))
        gap = _smallest_gap(drawn.ccf)
        if gap > widest:
            best, widest = drawn, gap
    assert best is not None
    return best


def _draw_tree(n_clones: int, rng: np.random.Generator) -> np.ndarray:
    """Clone 1 founds the tumour; each later one descends from an earlier one, recent ones more often."""
    parent = np.zeros(n_clones, np.int64)
    for k in range(1, n_clones):
        weights = 1.0 + np.arange(k)
        parent[k] = 1 + rng.choice(k, p=weights / weights.sum())
    return parent


def _draw_shares(parent: np.ndarray, n_samples: int, rng: np.random.Generator) -> np.ndarray:
    """Dirichlet shares of the clones that live at each sample's time; clones appear in order and die out."""
    clones = len(parent)
    born = np.sort(rng.random(clones)) * 0.8
    born[0] = 0.0
    life = rng.exponential(0.6, clones)
    share = np.zeros((clones, n_samples))
    for s in range(n_samples):
        now = 1.0 if n_samples == 1 else s / (n_samples - 1)
        alive = (born <= now) & ((now < born + life) | (rng.random(clones) < 0.15))
        if not alive.any():
            alive[np.flatnonzero(born <= now)[-1]] = True
        drawn = rng.dirichlet(np.full(int(alive.sum()), 0.7))
        drawn[drawn < SMALLEST] = 0.0
        share[alive, s] = drawn / drawn.sum()
    return share


def _smallest_gap(ccf: np.ndarray) -> float:
    """Smallest distance (largest difference over samples) between two clones, or of one from absence."""
    rows = np.vstack([ccf, np.zeros(ccf.shape[1])])
    gaps = np.abs(rows[:, None] - rows[None]).max(axis=2)
    return float(gaps[np.triu_indices(len(rows), 1)].min())
