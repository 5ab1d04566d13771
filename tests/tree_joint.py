"""Geweke's joint-distribution test of the tree model's sweep, and the recovery of the prior without reads.

Forward: everything from the prior, by rejection where purities are known, then reads. Backward: a chain that
alternates one sweep of the sampler with new reads given its state. Both draw from the same joint distribution, so
every mean must agree. With depth 0 the backward chain is a run without reads.

The first sample has a gain, so that its reads depend on its purity; the second has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from exact import GERMLINE, NOISE
from joint import Layout, _noise_fractions, _truncated
from kernel_fixtures import dataset
from tree_fixtures import SPEC, TreeChain

from clonalbayes.genotypes import CompiledReads, _assemble, compile_reads
from clonalbayes.kernels import state, tree_grove
from clonalbayes.kernels.layout import MAX_ERROR, SUBCLONAL, Priors
from clonalbayes.simulate.genome import descends
from clonalbayes.simulate.prior_tree import depth_of, draw_fractions, draw_presence, draw_tree

SAMPLES, NORMAL = 2, 2
MAJOR = np.array([[1, 1]] * 5 + [[2, 1]] * 2)
MINOR = np.ones_like(MAJOR)
DEPTH = np.array([[12, 18], [15, 9], [20, 11], [8, 14], [17, 17], [19, 13], [14, 16]])
SIGMA, SLACK, STRENGTH, WEIGHT = 0.5, 0.05, 4.0, 0.4

# Priors under which reads this few say something about every parameter.
PRIORS = Priors(
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


@dataclass(frozen=True)
class TreeLayout(Layout):
    """The reads' frame for prevalences that are shares of all cells."""

    @classmethod
    def make(cls, min_alt: int, depth: np.ndarray = DEPTH) -> TreeLayout:
        """Compile the frame from a Dataset with arbitrary counts."""
        reads = compile_reads(dataset(depth // 2, depth, MAJOR, MINOR, min_alt=min_alt), SPEC)
        d = reads.data
        rows = np.stack([d.cell_mult, d.cell_total, d.cell_normal, d.cell_aberrant, d.cell_fixed], axis=1)
        return cls(reads, depth[reads.order].T.copy(), min_alt, rows)

    def with_counts(self, alt: np.ndarray) -> CompiledReads:
        """The same frame around other alt counts [S, N]."""
        d = self.reads.data
        ends = np.append(d.geno_off, len(d.geno_cell))
        data = _assemble(
            alt, self.depth, d.cls, d.geno_cell, ends, d.cell_off, self.rows.astype(float), self.min_alt, SPEC
        )
        return CompiledReads(data, self.reads.order, self.reads.multiplicity)


def draw_prior(layout: Layout, s: state.State, rng: np.random.Generator) -> None:
    """Write a draw from the prior, given the purities that are known, to the state."""
    draw_tree_prior(s, rng)
    p, data = PRIORS, layout.reads.data
    s.g[:] = rng.integers(data.n_geno[data.cls])
    s.precision[:] = np.exp(rng.normal(*p.precision, size=SAMPLES))
    s.error_rate[:] = _truncated(lambda: np.exp(rng.normal(p.error_rate[:, 0], p.error_rate[:, 1])), MAX_ERROR)
    s.cn_clonal[:] = rng.beta(*p.cn_clonal, size=SAMPLES)


def draw_tree_prior(s: state.State, rng: np.random.Generator) -> None:
    """Labels, tree, presence, fractions, purity and their parameters."""
    while True:
        clones = draw_labels(s, rng)
        scale = rng.normal(PRIORS.tree[4], PRIORS.tree[5])
        a = np.exp(rng.normal(scale, SIGMA, SAMPLES))
        mean = rng.random()
        psi = np.clip(rng.beta(STRENGTH * mean, STRENGTH * (1.0 - mean), SAMPLES), 1e-9, 1 - 1e-9)
        parent = draw_tree(clones, WEIGHT, rng)
        presence = draw_presence(parent, psi, rng)
        fraction = draw_fractions(presence, a, rng)
        purity = 1.0 - fraction[0] + SLACK * rng.standard_normal(SAMPLES)
        gap = (purity - PRIORS.purity[:, 0]) / PRIORS.purity[:, 1]
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


def draw_labels(s: state.State, rng: np.random.Generator) -> int:
    """Labels and their concentration; the number of clones."""
    p = PRIORS
    s.concentration[0] = rng.gamma(p.concentration[0], 1.0 / p.concentration[1])
    kinds = rng.choice(3, size=len(s.z), p=rng.dirichlet(p.component))
    s.z[:] = np.choose(kinds, [0, NOISE, GERMLINE])
    sizes: list[int] = []
    for i in np.flatnonzero(kinds == 0):
        weights = np.array([*sizes, s.concentration[0]])
        k = int(rng.choice(len(weights), p=weights / weights.sum()))
        sizes[k:] = [1] if k == len(sizes) else [sizes[k] + 1, *sizes[k + 1 :]]
        s.z[i] = k
    s.n_clones[0] = len(sizes)
    return len(sizes)


def mean_alt(layout: Layout, s: state.State) -> np.ndarray:
    """Expected alt fraction [S, N] of the mutations in clones and germline; noise as germline."""
    data, order = layout.reads.data, layout.reads.order
    copies = layout.reads.multiplicity[data.geno_off[data.cls] + s.g].T
    major, minor = MAJOR[order].T, MINOR[order].T
    share = np.where((major == 1) & (minor == 1) & (copies == 1), 1.0, s.cn_clonal[:, None])
    copies = share * copies + (1.0 - share)
    total = share * (major + minor) + (1.0 - share) * NORMAL
    purity = s.purity[:, None]
    phi = s.ccf[np.maximum(s.z, 0)].T
    mutated = np.where(s.z >= 0, phi * copies, purity * copies + 1.0 - purity)
    x = np.minimum(mutated / (purity * total + (1.0 - purity) * NORMAL), 1.0)
    return x * (1.0 - s.error_rate[:, None]) + (1.0 - x) * s.error_rate[:, None]


def draw_counts(layout: Layout, s: state.State, rng: np.random.Generator) -> np.ndarray:
    """Alt counts [S, N] given the state, drawn again and again for the mutations that would not be called."""
    mean, precision = mean_alt(layout, s), s.precision[:, None]
    alt = np.zeros(layout.depth.shape, np.int64)
    missing, noise = np.ones(layout.depth.shape[1], bool), s.z == NOISE
    while missing.any():
        p = rng.beta(mean * precision, (1.0 - mean) * precision)
        p[:, noise] = _noise_fractions(int(noise.sum()), rng)
        alt[:, missing] = rng.binomial(layout.depth, p)[:, missing]
        missing &= alt.max(axis=0) < layout.min_alt
    return alt


def functionals(s: state.State, alt: np.ndarray) -> dict[str, float]:
    """Label-free functions of state and reads; the same names in every call."""
    clones, root = int(s.n_clones[0]), len(s.parent)
    parent = np.where(s.parent[:clones] == root, 0, s.parent[:clones] + 1)
    z, lines = s.z, descends(parent)
    inside = (z >= 0).astype(float)
    phi = s.ccf[np.maximum(z, 0)].T * inside
    there = (s.presence[np.maximum(z, 0)].T != 0) * inside
    pair = z[0] >= 0 and z[1] >= 0 and z[0] != z[1]
    values = {
        "clones": float(clones),
        "noise": float((z == NOISE).sum()),
        "germline": float((z == GERMLINE).sum()),
        "singletons": float((np.bincount(z[z >= 0], minlength=1) == 1).sum()),
        "together": float(z[0] == z[1] and z[0] >= 0),
        "together across classes": float(z[0] == z[-1] and z[0] >= 0),
        "first genotype": float(s.g[-1] == 0),
        "founders": float((parent == 0).sum()),
        "depth": float(depth_of(parent)),
        "ancestry": float(bool(pair and lines[z[0], z[1]])),
        "log concentration": float(np.log(s.concentration[0])),
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
            f"log precision in {t}": float(np.log(s.precision[t])),
            f"log error in {t}": float(np.log(s.error_rate[t])),
            f"share in {t}": float(s.cn_clonal[t]),
        }
    return values | {f"{name} squared": value * value for name, value in values.items()}


def new_chain(layout: Layout, capacity: int = 12) -> TreeChain:
    """A chain at a placeholder state, its steps set to the prior's scales."""
    s = state.new_state(layout.reads.data, capacity)
    s.step_size[:] = np.array([[0.7], [0.5], [0.1], [0.2], [0.1]])
    centres = [PRIORS.precision, PRIORS.error_rate[0], (0.6, 0.3), (0.67, 0.18)]
    s.moments[:] = np.array([(mean, sd**2) for mean, sd in centres])[:, None, :]
    return TreeChain(layout.reads, PRIORS, s)


def forward(layout: Layout, draws: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Functionals of independent draws from the joint distribution."""
    s = new_chain(layout).state
    rows = []
    for _ in range(draws):
        draw_prior(layout, s, rng)
        rows.append(functionals(s, draw_counts(layout, s, rng)))
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def backward(
    layout: Layout, kernels: Any, draws: int, rng: np.random.Generator, births: int = 6, splits: int = 4
) -> dict[str, np.ndarray]:
    """Functionals along the chain of sweeps and new reads."""
    chain = new_chain(layout)
    draw_prior(layout, chain.state, rng)
    no_reads = layout.depth.max() == 0
    rows = []
    for _ in range(draws):
        alt = draw_counts(layout, chain.state, rng)
        if not (no_reads and rows):
            chain.attach(layout.with_counts(alt))
        kernels.sweep_joint(
            chain.d, chain.s, chain.w, chain.t, chain.grove, PRIORS, chain.offer, births, splits, 0, rng
        )
        rows.append(functionals(chain.state, alt))
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}
