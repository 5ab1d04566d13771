"""The tree model forward and backward, for Geweke's test (see `joint`): by rejection where purities are known."""

from __future__ import annotations

from typing import Any

import numpy as np
from exact import GERMLINE, NOISE
from joint import SAMPLES, Layout, Simulator, first_state, partition_values, with_squares
from tree_fixtures import SPEC, TreeChain

from clonalbayes.kernels import state, tree_grove
from clonalbayes.kernels.layout import SUBCLONAL, Priors
from clonalbayes.simulate.genome import descends
from clonalbayes.simulate.prior_tree import depth_of, draw_fractions, draw_presence, draw_tree

SIGMA, SLACK, STRENGTH, WEIGHT = 0.5, 0.05, 4.0, 0.4


class TreeSimulator(Simulator):
    """Seven mutations; the first sample has a gain, so that its reads depend on its purity, the second has none."""

    major = np.array([[1, 1]] * 5 + [[2, 1]] * 2)
    minor = np.ones((7, SAMPLES), int)
    depth = np.array([[12, 18], [15, 9], [20, 11], [8, 14], [17, 17], [19, 13], [14, 16]])
    spec = SPEC
    priors = Priors(
        concentration=np.array([2.0, 1.5]),
        presence=np.ones(3),
        precision=np.array([np.log(20.0), 0.7]),
        error_rate=np.tile([np.log(0.015), 0.5], (SAMPLES, 1)),
        purity=np.tile([0.6, 0.25], (SAMPLES, 1)),
        cn_clonal=np.array([4.0, 2.0]),
        component=np.array([5.0, 1.5, 1.0]),
        tree=np.array([1.0, WEIGHT, SLACK, SIGMA, np.log(0.6), 0.6, STRENGTH]),
        share=np.tile([0.6, np.hypot(0.25, SLACK)], (SAMPLES, 1)),
        linked=np.array([1, 0]),
    )

    def draw_prior(self, layout: Layout, s: state.State, rng: np.random.Generator) -> None:
        """Given the purities that are known."""
        self.draw_tree_prior(s, rng)
        self.draw_samples(layout, s, rng)

    def draw_tree_prior(self, s: state.State, rng: np.random.Generator) -> None:
        """Labels, tree, presence, fractions, purity and their parameters."""
        p = self.priors
        while True:
            clones = self.draw_labels(s, rng)
            scale = rng.normal(p.tree[4], p.tree[5])
            a = np.exp(rng.normal(scale, SIGMA, SAMPLES))
            mean = rng.random()
            psi = np.clip(rng.beta(STRENGTH * mean, STRENGTH * (1.0 - mean), SAMPLES), 1e-9, 1 - 1e-9)
            parent = draw_tree(clones, WEIGHT, rng)
            presence = draw_presence(parent, psi, rng)
            fraction = draw_fractions(presence, a, rng)
            purity = 1.0 - fraction[0] + SLACK * rng.standard_normal(SAMPLES)
            gap = (purity - p.purity[:, 0]) / p.purity[:, 1]
            inside = 0.0 < purity[0] <= 1.0 and ((a > 0.01) & (a < 20.0)).all() and 1e-3 < mean < 1 - 1e-3
            if inside and rng.random() < np.exp(-0.5 * (gap**2).sum()):
                break
        root = len(s.parent)
        s.sparsity_scale[0], s.sparsity[:], s.psi_mean[0], s.psi[:] = scale, a, mean, psi
        s.parent[:clones] = np.where(parent == 0, root, parent - 1)
        s.presence[:clones] = presence * SUBCLONAL
        s.fraction[:] = 0.0
        s.fraction[:clones], s.fraction[root] = fraction[1:], fraction[0]
        s.purity[:] = purity[0], 0.5
        tree_grove.refresh_prevalences(s)

    def carriers(self, s: state.State) -> np.ndarray:
        """The clone's prevalence."""
        return s.ccf[np.maximum(s.z, 0)].T

    def functionals(self, s: state.State, alt: np.ndarray) -> dict[str, float]:
        """Means and mean squares of the partition, the tree, cells, reads and parameters."""
        clones, root = int(s.n_clones[0]), len(s.parent)
        parent = np.where(s.parent[:clones] == root, 0, s.parent[:clones] + 1)
        z, lines = s.z, descends(parent)
        inside = (z >= 0).astype(float)
        phi = s.ccf[np.maximum(z, 0)].T * inside
        there = (s.presence[np.maximum(z, 0)].T != 0) * inside
        pair = z[0] >= 0 and z[1] >= 0 and z[0] != z[1]
        values = partition_values(s) | {
            "founders": float((parent == 0).sum()),
            "depth": float(depth_of(parent)),
            "ancestry": float(bool(pair and lines[z[0], z[1]])),
            "log sparsity scale": float(s.sparsity_scale[0]),
            "psi mean": float(s.psi_mean[0]),
            "prevalence of an aberrant mutation": float(phi[0, -1]),
            "product of prevalences": float((phi[0] * phi[1]).mean()),
            "reads of carriers": float((alt * phi).mean()),
            "reads of the absent": float((alt * (inside - there)).mean()),
            "reads of noise": float((alt * (z == NOISE)).mean()),
            "reads of germline": float((alt * (z == GERMLINE)).mean()),
            "reads by genotype": float(alt[0, -1] * (s.g[-1] == 0)),
            "purity": float(s.purity[0]),
            "purity by normal cells": float(s.purity[0] * s.fraction[root, 0]),
        }
        for t in range(SAMPLES):
            values |= {
                f"prevalence in {t}": float(phi[t, 0]),
                f"mean prevalence in {t}": float(phi[t].mean()),
                f"presence in {t}": float(there[t, 0]),
                f"present clones in {t}": float((s.presence[:clones, t] != 0).sum()),
                f"normal cells in {t}": float(s.fraction[root, t]),
                f"log sparsity in {t}": float(np.log(s.sparsity[t])),
                f"psi in {t}": float(s.psi[t]),
            }
        return with_squares(values)

    def new_chain(self, layout: Layout, capacity: int = 12) -> TreeChain:
        """A chain of the tree model."""
        return TreeChain(layout.reads, self.priors, first_state(layout, (0.6, 0.3), capacity))

    def sweep(self, chain: TreeChain, kernels: Any, rng: np.random.Generator) -> None:
        """Six births, four splits."""
        kernels.sweep_joint(
            chain.d, chain.s, chain.w, chain.t, chain.grove, self.priors, chain.offer, 6, 4, 0, rng
        )


TREE = TreeSimulator()
