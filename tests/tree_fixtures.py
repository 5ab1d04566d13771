"""Chains over chosen kernels of the tree model, with the hyperparameters held."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from kernel_fixtures import partition_of
from tree_problems import TreeProblem

from clonalbayes import specs
from clonalbayes.genotypes import CompiledReads, compile_priors, compile_reads
from clonalbayes.kernels import profile, refs, state, tree_grove, tree_place
from clonalbayes.kernels.hyper import PURITY, PURITY_WITH_CELLS, scale_of
from clonalbayes.kernels.layout import ABSENT, SUBCLONAL, Priors

SPEC = specs.load("tree")


@dataclass
class TreeChain:
    """One chain: data, priors, state, scratch space, and the references that compiled kernels take."""

    reads: CompiledReads
    priors: Priors
    state: state.State
    d: Any = field(init=False)
    s: Any = field(init=False)
    w: Any = field(init=False)
    t: Any = field(init=False)
    grove: Any = field(init=False)
    offer: Any = field(init=False)

    def __post_init__(self) -> None:
        self.attach(self.reads)

    def attach(self, reads: CompiledReads) -> None:
        """Take new reads of the same mutations, leaving the state as it is."""
        self.reads = reads
        data, capacity, samples = reads.data, *self.state.ccf.shape
        self.records = (
            self.state, state.new_work(data, capacity),
            profile.new_terms(len(data.cls), capacity + 1, int(np.diff(data.cell_off).max())),
            tree_grove.new_grove(samples, capacity), tree_place.new_offer(samples),
        )  # fmt: skip
        _, work, terms, grove, offer = self.records
        self.d, self.s = refs.refer_data(data), refs.refer_state(self.state)
        self.w, self.t = refs.refer_work(work), refs.refer_terms(terms)
        self.grove, self.offer = refs.refer_grove(grove), refs.refer_offer(offer)

    @property
    def clones(self) -> int:
        return int(self.state.n_clones[0])

    @property
    def labels(self) -> np.ndarray:
        """Clone rows of the mutations, in the Dataset's order."""
        found = np.empty_like(self.state.z)
        found[self.reads.order] = self.state.z
        return found

    @property
    def parents(self) -> tuple[int, ...]:
        """Parent of each row: 0 the normal root, else 1 + row."""
        root = self.state.ccf.shape[0]
        return tuple(0 if p == root else int(p) + 1 for p in self.state.parent[: self.clones])

    def key(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Labels and parents with the clones numbered by first appearance in the Dataset's order."""
        labels, parents = self.labels, self.parents
        rows = list(dict.fromkeys(int(v) for v in labels if v >= 0))
        number = {row: k for k, row in enumerate(rows)}
        return partition_of(labels), tuple(0 if parents[r] == 0 else 1 + number[parents[r] - 1] for r in rows)

    @property
    def copies(self) -> np.ndarray:
        """Mutated copies per carrying cell under the present genotypes, [N, S] in the Dataset's order."""
        data = self.reads.data
        rows = self.reads.multiplicity[data.geno_off[data.cls] + self.state.g]
        found = np.empty_like(rows)
        found[self.reads.order] = rows
        return found

    @property
    def fractions(self) -> np.ndarray:
        """Fractions [K + 1, S], the normal cells first."""
        return np.vstack([self.state.fraction[-1], self.state.fraction[: self.clones]])

    @property
    def presence(self) -> np.ndarray:
        """Presence [K, S] as 0 and 1."""
        return (self.state.presence[: self.clones] != ABSENT).astype(int)


def make_chain(problem: TreeProblem, capacity: int = 10) -> TreeChain:
    """A chain at the parameters that the problem holds, all mutations noise (or the given clusters)."""
    reads, p = compile_reads(problem.ds, SPEC), problem.parameters
    priors = compile_priors(problem.ds, SPEC)
    share = np.stack([np.nan_to_num(p.observed[:, 0]), np.nan_to_num(p.observed[:, 1])], axis=1)
    with_slack = share.copy()
    with_slack[:, 1] = np.where(share[:, 1] > 0.0, np.hypot(share[:, 1], p.slack), 0.0)
    tree = priors.tree.copy()
    tree[1], tree[2] = p.founder_weight, p.slack
    priors = priors._replace(component=np.array(p.component), purity=share, share=with_slack, tree=tree)
    chain = TreeChain(reads, priors, state.new_state(reads.data, capacity))
    s = chain.state
    for name, values in {
        "psi": p.present_prob, "sparsity": p.fraction_concentration, "precision": p.precision,
        "error_rate": p.error_rate, "cn_clonal": p.cn_clonal, "concentration": p.concentration, "purity": 0.5,
    }.items():  # fmt: skip
        getattr(s, name)[:] = values
    s.step_size[[PURITY, scale_of(PURITY_WITH_CELLS)]], s.moments[PURITY] = 0.02, (0.7, 0.1)
    plant(chain, problem.labels or (-1,) * len(reads.order))
    return chain


def plant(chain: TreeChain, labels: Sequence[int], parent: Sequence[int] | None = None) -> None:
    """Set labels (the Dataset's order), and a tree whose clones are present everywhere in equal parts."""
    s = chain.state
    s.z[:] = np.array(labels)[chain.reads.order]
    clones, root = max(max(labels, default=-1), -1) + 1, s.ccf.shape[0]
    s.n_clones[0] = clones
    above = [0] * clones if parent is None else list(parent)
    s.parent[:clones] = [root if p == 0 else p - 1 for p in above]
    s.presence[:clones] = SUBCLONAL
    s.fraction[:] = 0.0
    s.fraction[:clones] = s.fraction[root] = 1.0 / (clones + 1)
    tree_grove.refresh_prevalences(chain.s)
    s.purity[:] = 1.0 - s.fraction[root]


type Block = Callable[[TreeChain, Any, np.random.Generator], None]


def _constants(c: TreeChain, k: Any) -> None:
    k.refresh_prevalences(c.s)
    k.refresh_constants(c.s, c.priors, c.grove)
    k.refresh_heights(c.d, c.s, c.w, c.t, c.grove)


def _rehang(c: TreeChain, k: Any, rng: np.random.Generator) -> None:
    _constants(c, k)
    for row in range(c.clones):
        k.rehang(c.d, c.s, c.w, c.t, c.grove, c.priors, c.offer, row, True, rng)


def _regraft(c: TreeChain, k: Any, rng: np.random.Generator) -> None:
    _constants(c, k)
    for row in range(c.clones):
        k.regraft(c.d, c.s, c.w, c.t, c.grove, c.priors, c.offer, row, rng)


def _swap(c: TreeChain, k: Any, rng: np.random.Generator) -> None:
    _constants(c, k)
    for _ in range(c.clones):  # the way back swaps the other of the two: each is drawn afresh
        k.swap(c.d, c.s, c.w, c.t, c.grove, c.offer, int(rng.integers(c.clones)), rng)


def _company(c: TreeChain, k: Any, rng: np.random.Generator) -> None:
    _constants(c, k)
    for row in range(c.clones):
        k.rehang_in_company(c.d, c.s, c.w, c.t, c.grove, c.priors, row, rng)


def _settle(c: TreeChain, k: Any, rng: np.random.Generator) -> None:
    _constants(c, k)
    k.settle_all(c.d, c.s, c.w, c.t, c.grove, c.offer, 0.0, 0, rng)


def _transfer(c: TreeChain, k: Any, rng: np.random.Generator) -> None:
    _constants(c, k)
    k.settle_all(c.d, c.s, c.w, c.t, c.grove, c.offer, 3.0, 0, rng)


def _shift(c: TreeChain, k: Any, rng: np.random.Generator) -> None:
    _constants(c, k)
    k.settle_all(c.d, c.s, c.w, c.t, c.grove, c.offer, 0.0, 8, rng)


def _clades(c: TreeChain, k: Any, rng: np.random.Generator) -> None:
    _constants(c, k)
    k.step_errors(c.d, c.s, c.w, c.t, c.grove, c.priors, c.offer, 1.0, 0.0, rng)


def _errors(c: TreeChain, k: Any, rng: np.random.Generator) -> None:
    _constants(c, k)
    k.step_errors(c.d, c.s, c.w, c.t, c.grove, c.priors, c.offer, 0.0, 1.0, rng)


def _move_tree(c: TreeChain, k: Any, rng: np.random.Generator) -> None:
    _constants(c, k)
    k.move_tree(c.d, c.s, c.w, c.t, c.grove, c.priors, c.offer, True, rng)


def _genotypes(c: TreeChain, k: Any, rng: np.random.Generator) -> None:
    k.build_tables(c.d, c.s, c.w)
    k.update_genotypes(c.d, c.s, c.w, rng)
    _curves(c, k)


def _purity(c: TreeChain, k: Any, rng: np.random.Generator) -> None:
    """Purities of the samples whose reads depend on them, alone and with the cells; no other parameter."""
    for s in np.flatnonzero(c.priors.linked):
        k.gather_sample(c.d, c.s, c.w, c.t, s)
        loglik = k.sample_loglik(c.d, c.s, c.w, c.t, s)
        for which in (PURITY, PURITY_WITH_CELLS):
            loglik = k.update_parameter(c.d, c.s, c.w, c.t, c.priors, s, which, loglik, 0, rng)
    _curves(c, k)


def _curves(c: TreeChain, k: Any) -> None:
    k.build_tails(c.d, c.s, c.w)
    k.mark_weak(c.d, c.s, c.w)
    k.build_all_curves(c.d, c.s, c.w, c.t, c.grove)


def _tables(c: TreeChain, k: Any) -> None:
    k.build_tables(c.d, c.s, c.w)
    k.sort_members(c.s, c.w)
    _constants(c, k)


def _assign(c: TreeChain, k: Any, rng: np.random.Generator) -> None:
    _tables(c, k)
    k.assign_all(c.d, c.s, c.w, c.priors.component, rng)
    _curves(c, k)


def _births(c: TreeChain, k: Any, rng: np.random.Generator) -> None:
    _tables(c, k)
    k.graft_births_and_deaths(c.d, c.s, c.w, c.t, c.grove, c.priors, c.offer, 4, rng)
    _curves(c, k)


def _condense(c: TreeChain, k: Any, rng: np.random.Generator) -> None:
    _tables(c, k)
    k.graft_condensations(c.d, c.s, c.w, c.t, c.grove, c.priors, c.offer, 4, rng)
    _curves(c, k)


def _splits(c: TreeChain, k: Any, rng: np.random.Generator) -> None:
    _tables(c, k)
    k.graft_split_or_merge(c.d, c.s, c.w, c.t, c.grove, c.priors, c.offer, 3, rng)
    _curves(c, k)


BLOCKS: dict[str, Block] = {
    "assign": _assign,
    "births": _births,
    "condense": _condense,
    "splits": _splits,
    "genotypes": _genotypes,
    "purity": _purity,
    "rehang": _rehang,
    "company": _company,
    "regraft": _regraft,
    "swap": _swap,
    "settle": _settle,
    "transfer": _transfer,
    "shift": _shift,
    "clades": _clades,
    "errors": _errors,
    "tree": _move_tree,
}


def prepare(c: TreeChain, k: Any) -> None:
    """Build every cache from the state."""
    k.refresh_prevalences(c.s)
    k.build_tables(c.d, c.s, c.w)
    k.sort_members(c.s, c.w)
    _curves(c, k)
    _constants(c, k)


def run_blocks(
    chain: TreeChain,
    kernels: Any,
    blocks: Sequence[str],
    sweeps: int,
    rng: np.random.Generator,
    record: Callable[[TreeChain], None],
) -> None:
    """Sweeps over the chosen blocks, `record` called after each."""
    prepare(chain, kernels)
    for _ in range(sweeps):
        for block in blocks:
            BLOCKS[block](chain, kernels, rng)
        record(chain)
