"""Small problems for the kernels, and chains over chosen kernels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from exact import Parameters, admissible

from clonalbayes import specs
from clonalbayes.genotypes import CompiledReads, compile_priors, compile_reads
from clonalbayes.kernels import profile, refs, state
from clonalbayes.kernels.layout import NOISE, Priors


def dataset(
    alt: Any,
    depth: Any,
    major: Any = 1,
    minor: Any = 1,
    normal: Any = 2,
    total: Any = None,
    fixed: Any = None,
    purity: float = 0.8,
    min_alt: int = 0,
) -> xr.Dataset:
    """A Dataset of [N, S] counts; scalars or arrays of copy numbers that broadcast against them."""
    alt, depth = np.asarray(alt), np.asarray(depth)
    dims = ("mutation", "specimen")
    columns = {"alt_count": alt, "depth": depth, "major_cn": major, "minor_cn": minor, "normal_cn": normal}
    columns |= {} if total is None else {"total_cn": total}
    columns |= {} if fixed is None else {"var_read_prob": np.asarray(fixed, float)}
    samples = alt.shape[1]
    return xr.Dataset(
        {key: (dims, np.broadcast_to(np.asarray(value), alt.shape).copy()) for key, value in columns.items()},
        {"purity": ("specimen", np.full(samples, purity)), "purity_sd": ("specimen", np.full(samples, 0.05))},
        {"min_alt": min_alt},
    )


@dataclass
class Chain:
    """One chain: data, priors, state, scratch space, and the references that compiled kernels take."""

    reads: CompiledReads
    priors: Priors
    state: state.State
    work: state.Work = field(init=False)
    terms: profile.Terms = field(init=False)

    def __post_init__(self) -> None:
        self.attach(self.reads)

    def attach(self, reads: CompiledReads) -> None:
        """Take new reads of the same mutations, leaving the state as it is."""
        self.reads, capacity = reads, len(self.state.ccf)
        data = reads.data
        self.work = state.new_work(data, capacity)
        self.terms = profile.new_terms(len(data.cls), capacity + 1, int(np.diff(data.cell_off).max()))
        self.d, self.s = refs.refer_data(data), refs.refer_state(self.state)
        self.w, self.t = refs.refer_work(self.work), refs.refer_terms(self.terms)

    @property
    def clones(self) -> int:
        return int(self.state.n_clones[0])

    def in_dataset_order(self, values: np.ndarray) -> np.ndarray:
        """Values of the kernels' mutations, in the order of the Dataset."""
        result = np.empty_like(values)
        result[self.reads.order] = values
        return result

    @property
    def parameters(self) -> Parameters:
        """What the samples share, as the slow twins take it."""
        s = self.state
        return Parameters(
            float(s.concentration[0]),
            s.presence_prob,
            s.precision,
            s.error_rate,
            s.purity,
            s.cn_clonal,
            self.priors.component,
        )

    @property
    def labels(self) -> list[int]:
        """Labels in the Dataset's order."""
        return [int(v) for v in self.in_dataset_order(self.state.z)]

    @property
    def copies(self) -> np.ndarray:
        """Mutated copies per carrying cell under the present genotypes, [N, S] in the Dataset's order."""
        data = self.reads.data
        return self.in_dataset_order(self.reads.multiplicity[data.geno_off[data.cls] + self.state.g])

    def sweep(self, kernels: Any, births: int, splits: int, round_: int, rng: np.random.Generator) -> float:
        """One sweep of the whole sampler; its log likelihood."""
        loglik = kernels.sweep(self.d, self.s, self.w, self.t, self.priors, births, splits, 0.3, False, round_, rng)
        return float(loglik)


def make_chain(ds: xr.Dataset, capacity: int = 10, **fixed: Any) -> Chain:
    """A chain with all mutations noise and the given hyperparameters."""
    spec = specs.load("clones")
    reads = compile_reads(ds, spec)
    chain = Chain(reads, compile_priors(ds, spec), state.new_state(reads.data, capacity))
    chain.state.error_rate[:] = 0.01
    chain.state.purity[:] = ds["purity"].values
    for name, value in fixed.items():
        getattr(chain.state, name)[:] = value
    return chain


STATES = (  # major, minor, normal copies in three samples
    ((1, 1, 2), (1, 1, 2), (1, 1, 2)),
    ((2, 1, 2), (1, 1, 2), (1, 0, 2)),
    ((1, 0, 1), (1, 0, 1), (2, 0, 1)),
    ((2, 0, 2), (3, 1, 2), (1, 1, 2)),
)


def mixed_dataset(seed: int, min_alt: int = 0, n: int = 24, depth: int = 40) -> xr.Dataset:
    """Random counts over several copy-number classes, with missing entries and given read probabilities."""
    rng = np.random.default_rng(seed)
    copies = np.array([STATES[j] for j in rng.integers(len(STATES), size=n)])
    depths = rng.integers(5, depth, size=(n, 3))
    alt = rng.binomial(depths, rng.choice([0.0, 0.1, 0.5], size=(n, 3)))
    alt[:, 0] = np.maximum(alt[:, 0], min_alt)
    missing = rng.random((n, 3)) < 0.08
    missing[:, 0] = False
    fixed = np.where(rng.random((n, 1)) < 0.15, rng.uniform(0.2, 0.9, (n, 3)), np.nan)
    return dataset(
        np.where(missing, -1, alt),
        np.where(missing, -1, depths),
        *copies.transpose(2, 0, 1),
        fixed=fixed,
        min_alt=min_alt,
    )


def randomise(chain: Chain, clones: int, rng: np.random.Generator) -> None:
    """A random state with that many clones, all occupied and admissible, and random hyperparameters."""
    s, samples = chain.state, chain.state.ccf.shape[1]
    s.z[:] = rng.permutation(np.concatenate([np.arange(clones), rng.integers(-2, clones, size=len(s.z) - clones)]))
    s.g[:] = rng.integers(chain.reads.data.n_geno[chain.reads.data.cls])
    s.n_clones[0] = clones
    s.presence[:clones] = 0
    while clones and not admissible(s.presence[:clones]):
        s.presence[:clones] = rng.integers(0, 3, size=(clones, samples))
    s.ccf[:clones] = np.choose(s.presence[:clones], [0.0, rng.random((clones, samples)), 1.0])
    s.concentration[:] = rng.uniform(0.3, 2.0)
    s.presence_prob[:] = rng.dirichlet(np.ones(3), size=samples)
    s.precision[:] = rng.uniform(5.0, 200.0, samples)
    s.error_rate[:] = rng.uniform(0.001, 0.03, samples)
    s.purity[:] = rng.uniform(0.4, 1.0, samples)
    s.cn_clonal[:] = rng.uniform(0.5, 1.0, samples)


Block = Callable[[Chain, Any, np.random.Generator], None]


def _assign(c: Chain, k: Any, rng: np.random.Generator) -> None:
    k.assign_all(c.d, c.s, c.w, c.priors.component, rng)


def _births(c: Chain, k: Any, rng: np.random.Generator) -> None:
    k.births_and_deaths(c.d, c.s, c.w, c.t, c.priors.component, 4, rng)


def _splits(c: Chain, k: Any, rng: np.random.Generator) -> None:
    k.propose_splits(c.d, c.s, c.w, c.t, 3, rng)


def _condense(c: Chain, k: Any, rng: np.random.Generator) -> None:
    k.condense_or_dissolve(c.d, c.s, c.w, c.t, c.priors.component, 4, rng)


def _genotypes(c: Chain, k: Any, rng: np.random.Generator) -> None:
    k.update_genotypes(c.d, c.s, c.w, rng)


def _prevalences(c: Chain, k: Any, rng: np.random.Generator) -> None:
    k.build_tails(c.d, c.s, c.w)
    k.mark_weak(c.d, c.s, c.w)
    k.update_prevalences(c.d, c.s, c.w, c.t, 0.25, rng)
    k.build_tables(c.d, c.s, c.w)


BLOCKS: dict[str, Block] = {
    "assign": _assign,
    "births": _births,
    "condense": _condense,
    "splits": _splits,
    "genotypes": _genotypes,
    "prevalences": _prevalences,
}


def run_blocks(
    chain: Chain,
    kernels: Any,
    blocks: Sequence[str],
    sweeps: int,
    rng: np.random.Generator,
    record: Callable[[Chain], None],
) -> None:
    """Sweeps over the chosen blocks with the hyperparameters held, `record` called after each."""
    kernels.build_tables(chain.d, chain.s, chain.w)
    kernels.sort_members(chain.s, chain.w)
    for _ in range(sweeps):
        for block in blocks:
            BLOCKS[block](chain, kernels, rng)
        record(chain)


def partition_of(labels: Sequence[int]) -> tuple[int, ...]:
    """Labels with the clones renumbered by first appearance; noise and germline stay negative."""
    seen: dict[int, int] = {}
    return tuple(int(v) if v < 0 else seen.setdefault(int(v), len(seen)) for v in labels)


def set_partition(chain: Chain, labels: Sequence[int], rng: np.random.Generator) -> None:
    """Put the state at the given labels (in the kernels' order), each clone subclonal everywhere."""
    chain.state.z[:] = labels
    clones = max((v for v in labels if v >= 0), default=NOISE) + 1
    chain.state.n_clones[0] = clones
    chain.state.presence[:clones] = 1
    chain.state.ccf[:clones] = rng.random((clones, chain.state.ccf.shape[1]))
