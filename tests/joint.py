"""Geweke's joint-distribution test of the whole sweep, and the recovery of the prior without reads.

Forward: everything from the prior by rejection, then reads. Backward: a chain that alternates one sweep of the
sampler with new reads given its state. Both draw from the same joint distribution, so every mean must agree. With
depth 0 the backward chain is a run without reads.

`Simulator` is what the models share, `CloneSimulator` the clone model's; the tree model's is in `tree_joint`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from enumeration import BATCHES
from exact import CONSTANTS, GERMLINE, NOISE, admissible
from kernel_fixtures import Chain, dataset
from scipy import stats

from clonalbayes import specs
from clonalbayes.genotypes import CompiledReads, _assemble, beta_grid, compile_reads
from clonalbayes.kernels import state
from clonalbayes.kernels.layout import MAX_ERROR, Priors

SAMPLES, NORMAL = 2, 2
GRID = beta_grid(*CONSTANTS["fraction"])


@dataclass(frozen=True)
class Layout:
    """The reads' frame: copy numbers in the kernels' order, and what re-assembling with new counts needs."""

    reads: CompiledReads
    depth: np.ndarray  # [S, N] in the kernels' order
    min_alt: int
    rows: np.ndarray  # [T, 5] the cells' states
    spec: specs.Spec

    def with_counts(self, alt: np.ndarray) -> CompiledReads:
        """The same frame around other alt counts [S, N]."""
        d = self.reads.data
        ends = np.append(d.geno_off, len(d.geno_cell))
        data = _assemble(
            alt, self.depth, d.cls, d.geno_cell, ends, d.cell_off, self.rows.astype(float), self.min_alt, self.spec
        )
        return CompiledReads(data, self.reads.order, self.reads.multiplicity)


class Simulator(ABC):
    """A model from its prior to reads, and the chain that goes back.

    A model has copy numbers `major` and `minor`, `depth` [N, S], a specification and priors under which reads this
    few say something about every parameter, and says how its prior is drawn, what its mutations' prevalences are,
    how a chain is swept and which functions of state and reads are looked at.
    """

    major: np.ndarray
    minor: np.ndarray
    depth: np.ndarray
    spec: specs.Spec
    priors: Priors

    @abstractmethod
    def draw_prior(self, layout: Layout, s: state.State, rng: np.random.Generator) -> None:
        """Write a draw from the prior to the state."""

    @abstractmethod
    def carriers(self, s: state.State) -> np.ndarray:
        """Share of all cells that carry each mutation of a clone [S, N]; any number elsewhere."""

    @abstractmethod
    def functionals(self, s: state.State, alt: np.ndarray) -> dict[str, float]:
        """Label-free functions of state and reads; the same names in every call."""

    @abstractmethod
    def new_chain(self, layout: Layout, capacity: int = 12) -> Any:
        """A chain at a state that the first draw replaces, its steps set to the prior's scales."""

    @abstractmethod
    def sweep(self, chain: Any, kernels: Any, rng: np.random.Generator) -> None:
        """One sweep of the model's sampler."""

    def dataset(self, alt: np.ndarray, depth: np.ndarray, min_alt: int) -> Any:
        """The counts [N, S] as a Dataset with the model's copy numbers."""
        return dataset(alt, depth, self.major, self.minor, min_alt=min_alt)

    def layout(self, min_alt: int, depth: np.ndarray | None = None) -> Layout:
        """Compile the frame from a Dataset with arbitrary counts."""
        depth = self.depth if depth is None else depth
        reads = compile_reads(self.dataset(depth // 2, depth, min_alt), self.spec)
        d = reads.data
        rows = np.stack([d.cell_mult, d.cell_total, d.cell_normal, d.cell_aberrant, d.cell_fixed], axis=1)
        return Layout(reads, depth[reads.order].T.copy(), min_alt, rows, self.spec)

    def draw_samples(self, layout: Layout, s: state.State, rng: np.random.Generator) -> None:
        """Write genotypes and the samples' parameters but purity, from their prior, to the state."""
        data, p = layout.reads.data, self.priors
        s.g[:] = rng.integers(data.n_geno[data.cls])
        s.precision[:] = np.exp(rng.normal(*p.precision, size=SAMPLES))
        s.error_rate[:] = _truncated(
            lambda: np.exp(rng.normal(p.error_rate[:, 0], p.error_rate[:, 1])), MAX_ERROR
        )
        s.cn_clonal[:] = rng.beta(*p.cn_clonal, size=SAMPLES)

    def draw_labels(self, s: state.State, rng: np.random.Generator) -> int:
        """Write labels and their concentration to the state; the number of clones."""
        p = self.priors
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

    def mean_alt(self, layout: Layout, s: state.State) -> np.ndarray:
        """Expected alt fraction [S, N] of the mutations in clones and germline; noise as germline."""
        data, order = layout.reads.data, layout.reads.order
        copies = layout.reads.multiplicity[data.geno_off[data.cls] + s.g].T
        major, minor = self.major[order].T, self.minor[order].T
        share = np.where((major == 1) & (minor == 1) & (copies == 1), 1.0, s.cn_clonal[:, None])
        copies = share * copies + (1.0 - share)
        total = share * (major + minor) + (1.0 - share) * NORMAL
        purity = s.purity[:, None]
        mutated = np.where(s.z >= 0, self.carriers(s) * copies, purity * copies + 1.0 - purity)
        x = np.minimum(mutated / (purity * total + (1.0 - purity) * NORMAL), 1.0)
        return x * (1.0 - s.error_rate[:, None]) + (1.0 - x) * s.error_rate[:, None]

    def draw_counts(self, layout: Layout, s: state.State, rng: np.random.Generator) -> np.ndarray:
        """Alt counts [S, N] given the state, drawn again and again for the mutations that would not be called."""
        mean, precision = self.mean_alt(layout, s), s.precision[:, None]
        alt = np.zeros(layout.depth.shape, np.int64)
        missing, noise = np.ones(layout.depth.shape[1], bool), s.z == NOISE
        while missing.any():
            p = rng.beta(mean * precision, (1.0 - mean) * precision)
            p[:, noise] = _noise_fractions(int(noise.sum()), rng)
            alt[:, missing] = rng.binomial(layout.depth, p)[:, missing]
            missing &= alt.max(axis=0) < layout.min_alt
        return alt

    def forward(self, layout: Layout, draws: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Functionals of independent draws from the joint distribution."""
        s = self.new_chain(layout).state
        rows = []
        for _ in range(draws):
            self.draw_prior(layout, s, rng)
            rows.append(self.functionals(s, self.draw_counts(layout, s, rng)))
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}

    def backward(
        self, layout: Layout, kernels: Any, draws: int, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """Functionals along the chain of sweeps and new reads."""
        chain = self.new_chain(layout)
        self.draw_prior(layout, chain.state, rng)
        no_reads = layout.depth.max() == 0
        rows = []
        for _ in range(draws):
            alt = self.draw_counts(layout, chain.state, rng)
            if not (no_reads and rows):
                chain.attach(layout.with_counts(alt))
            self.sweep(chain, kernels, rng)
            rows.append(self.functionals(chain.state, alt))
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}


class CloneSimulator(Simulator):
    """The clone model: eight mutations, of which two have a gain in the first sample and a loss in the second."""

    major = np.array([[1, 1]] * 6 + [[2, 1]] * 2)
    minor = np.array([[1, 1]] * 6 + [[1, 0]] * 2)
    depth = np.array([[12, 18], [15, 9], [20, 11], [8, 14], [17, 17], [10, 20], [19, 13], [14, 16]])
    spec = specs.load("clones")
    priors = Priors(
        concentration=np.array([2.0, 1.5]),
        presence=np.array([1.5, 2.0, 1.0]),
        precision=np.array([np.log(20.0), 0.7]),
        error_rate=np.tile([np.log(0.015), 0.5], (SAMPLES, 1)),
        purity=np.tile([0.7, 0.12], (SAMPLES, 1)),
        cn_clonal=np.array([4.0, 2.0]),
        component=np.array([5.0, 1.5, 1.0]),
        tree=np.zeros(7),
        share=np.zeros((SAMPLES, 2)),
        linked=np.zeros(SAMPLES, np.int64),
    )

    def draw_prior(self, layout: Layout, s: state.State, rng: np.random.Generator) -> None:
        """By rejection of clones that are nowhere or alike."""
        while True:
            clones = self.draw_labels(s, rng)
            s.presence_prob[:] = rng.dirichlet(self.priors.presence, size=SAMPLES)
            for t in range(SAMPLES):
                s.presence[:clones, t] = rng.choice(3, size=clones, p=s.presence_prob[t])
            if admissible(s.presence[:clones]):
                break
        s.ccf[:clones] = np.choose(s.presence[:clones], [0.0, rng.random((clones, SAMPLES)), 1.0])
        self.draw_samples(layout, s, rng)
        purity = self.priors.purity
        s.purity[:] = _truncated(lambda: rng.normal(purity[:, 0], purity[:, 1]), 1.0)

    def carriers(self, s: state.State) -> np.ndarray:
        """Purity times the clone's share of the tumour cells."""
        return s.purity[:, None] * s.ccf[np.maximum(s.z, 0)].T

    def functionals(self, s: state.State, alt: np.ndarray) -> dict[str, float]:
        """Means and mean squares of the partition, prevalences, genotypes, reads and parameters."""
        clones = int(s.n_clones[0])
        z, presence, ccf = s.z, s.presence[:clones], s.ccf[:clones]
        inside = np.where(z >= 0, 1.0, 0.0)
        of_mutation = ccf[np.maximum(z, 0)].T * inside if clones else np.zeros((SAMPLES, len(z)))
        values = partition_values(s) | {
            "ccf of a mutation": float(of_mutation[0, 0]),
            "ccf of an aberrant mutation": float(of_mutation[1, -1]),
            "mean ccf": float(of_mutation.mean()),
            "product of ccf": float((of_mutation[0] * of_mutation[1]).mean()),
            "reads of carriers": float((alt * of_mutation).mean()),
            "reads of noise": float((alt * (z == NOISE)).mean()),
            "reads of germline": float((alt * (z == GERMLINE)).mean()),
            "reads of an aberrant mutation by genotype": float(alt[0, -1] * (s.g[-1] == 0)),
            "purity by prevalence": float((s.purity[:, None] * of_mutation).mean()),
        }
        for t in range(SAMPLES):
            values |= {
                f"absent in {t}": float((presence[:, t] == 0).sum()),
                f"clonal in {t}": float((presence[:, t] == 2).sum()),
                f"probability of absent in {t}": float(s.presence_prob[t, 0]),
                f"probability of subclonal in {t}": float(s.presence_prob[t, 1]),
                f"purity in {t}": float(s.purity[t]),
            }
        return with_squares(values)

    def new_chain(self, layout: Layout, capacity: int = 12) -> Chain:
        """A chain of the clone model."""
        return Chain(layout.reads, self.priors, first_state(layout, self.priors.purity[0], capacity))

    def sweep(self, chain: Chain, kernels: Any, rng: np.random.Generator) -> None:
        """Six births, four splits."""
        chain.sweep(kernels, 6, 4, 0, rng)


CLONES = CloneSimulator()


def first_state(layout: Layout, purity: Any, capacity: int) -> state.State:
    """A state without clones, with the steps of its random walks; `purity` has mean and sd."""
    s = state.new_state(layout.reads.data, capacity)
    s.step_size[:] = np.array([[0.7], [0.5], [0.1], [0.2], [0.1]])
    centres = [CLONES.priors.precision, CLONES.priors.error_rate[0], purity, (0.67, 0.18)]
    s.moments[:] = np.array([(mean, sd**2) for mean, sd in centres])[:, None, :]
    return s


def partition_values(s: state.State) -> dict[str, float]:
    """Functions of labels, genotypes and the samples' parameters that both models have."""
    z = s.z
    values = {
        "clones": float(s.n_clones[0]),
        "noise": float((z == NOISE).sum()),
        "germline": float((z == GERMLINE).sum()),
        "singletons": float((np.bincount(z[z >= 0], minlength=1) == 1).sum()),
        "together": float(z[0] == z[1] and z[0] >= 0),
        "together across classes": float(z[0] == z[-1] and z[0] >= 0),
        "first genotype": float(s.g[-1] == 0),
        "log concentration": float(np.log(s.concentration[0])),
    }
    for t in range(SAMPLES):
        values |= {
            f"log precision in {t}": float(np.log(s.precision[t])),
            f"log error in {t}": float(np.log(s.error_rate[t])),
            f"share in {t}": float(s.cn_clonal[t]),
        }
    return values


def with_squares(values: dict[str, float]) -> dict[str, float]:
    """The values and their squares."""
    return values | {f"{name} squared": value * value for name, value in values.items()}


def _truncated(draw: Any, top: float) -> np.ndarray:
    values = draw()
    while (bad := (values <= 0.0) | (values > top)).any():
        values = np.where(bad, draw(), values)
    return values


def _noise_fractions(n: int, rng: np.random.Generator) -> np.ndarray:
    """Alt fractions [S, n] of artefacts, scattered or recurrent."""
    c = CONSTANTS
    shown = rng.random((SAMPLES, n)) < c["presence"]
    scattered = np.where(shown, rng.beta(*c["slab"], size=(SAMPLES, n)), c["error"])
    centre = rng.choice(GRID[0], size=n, p=GRID[1])
    recurrent = rng.beta(centre * c["precision"], (1.0 - centre) * c["precision"], size=(SAMPLES, n))
    return np.where(rng.random(n) < c["recurrent"], recurrent, scattered)


def z_scores(independent: dict[str, np.ndarray], chain: dict[str, np.ndarray]) -> dict[str, float]:
    """Gaps between the means in standard errors; those of the chain by batch means."""
    z = {}
    for name, draws in independent.items():
        batches = chain[name][: len(chain[name]) // BATCHES * BATCHES].reshape(BATCHES, -1).mean(axis=1)
        error = np.hypot(draws.std() / len(draws) ** 0.5, batches.std(ddof=1) / BATCHES**0.5)
        gap = batches.mean() - draws.mean()
        z[name] = float(gap / error) if error > 0.0 else (0.0 if abs(gap) < 1e-12 else float("inf"))
    return z


def p_value(z: dict[str, float]) -> float:
    """Chance of a z-score as large as the largest, by Bonferroni with the batches' degrees of freedom."""
    worst = max(abs(value) for value in z.values())
    return float(min(1.0, 2.0 * len(z) * stats.t.sf(worst, BATCHES - 1)))
