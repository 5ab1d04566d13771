"""Small problems whose mutations have contexts, with exposures from a short library so that their sum is exact.

A clone's exposures are one of three rows of the library, with given chances; noise and germline have spectra of
their own. What is enumerated by `exact` and `tree_exact` gains a factor for every clone, its contexts' probability
summed over the library. A gate changes those chances for a clone that is present in the first sample.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import enumeration
import kernel_fixtures
import numpy as np
import tree_check
import tree_fixtures
from enumeration import BURN, COMMON, Report
from exact import GERMLINE, Enumeration
from tree_check import z_score
from tree_exact import TreeEnumeration, closed_sets

from clonalbayes.kernels import refs, state
from clonalbayes.kernels.layout import NO_CONTEXT

LIBRARY = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.05, 0.9, 0.05]])
"""Probabilities of three contexts in the rows of the library."""

CHANCE = np.array([0.5, 0.3, 0.2])
CLOSED = np.array([0.02, 0.18, 0.8])
"""Chances of the rows where the gate is open, and where it is closed."""

OFTEN = 0.2
"""Share of the sweeps after which the library's rows are drawn anew."""

SPECTRA = {GERMLINE: np.array([0.2, 0.5, 0.3]), -1: np.array([0.1, 0.2, 0.7])}
CONTEXTS = (0, 1, 0, NO_CONTEXT)
"""Context of each mutation, in the Dataset's order."""


def clone_factor(members: Sequence[int], shut: bool = False) -> float:
    """Probability of the contexts of a clone's mutations, summed over the library."""
    counts = [CONTEXTS[i] for i in members if CONTEXTS[i] != NO_CONTEXT]
    return float((CLOSED if shut else CHANCE) @ LIBRARY[:, counts].prod(axis=1))


def outside_factor(labels: Sequence[int]) -> float:
    """Probability of the contexts of noise and germline."""
    return math.prod(
        SPECTRA[v][CONTEXTS[i]] for i, v in enumerate(labels) if v < 0 and CONTEXTS[i] != NO_CONTEXT
    )


def members_of(labels: Sequence[int], clone: int) -> list[int]:
    return [i for i, v in enumerate(labels) if v == clone]


class ContextEnumeration(Enumeration):
    """The posterior of the clone model with contexts."""

    def mass(self, labels: tuple[int, ...], focus: str = "one", genotype: int | None = None) -> float:
        factor = outside_factor(labels)
        for k in range(max(labels) + 1):
            factor *= clone_factor(members_of(labels, k))
        return factor * super().mass(labels, focus, genotype)


@dataclass
class TreeContextEnumeration(TreeEnumeration):
    """The posterior of the tree model with contexts; gates are closed for clones in sample 0 if `gated`."""

    gated: bool = False

    def likelihood(
        self, labels: tuple[int, ...], parent: tuple[int, ...], focus: str = "one", at: int = 0
    ) -> float:
        assert not self.conditioned
        factor = outside_factor(labels)
        if not self.gated:
            for k in range(len(parent)):
                factor *= clone_factor(members_of(labels, k))
            return factor * super().likelihood(labels, parent, focus, at)
        total = 0.0
        for g in itertools.product(*[range(len(o)) for o in self.options]):
            parts = [
                [float(np.sum(w)) for w, _ in self.pieces(s, labels, parent, list(g), focus if s == at else "one")]
                for s in range(self.samples)
            ]
            first = 0.0
            for there, mass in zip(closed_sets(parent), parts[0], strict=True):
                shut = [clone_factor(members_of(labels, k), k in there) for k in range(len(parent))]
                first += mass * math.prod(shut)
            total += first * math.prod(sum(part) for part in parts[1:]) / math.prod(len(o) for o in self.options)
        noise = math.prod(self.noise[i] for i, label in enumerate(labels) if label == -1)
        return factor * total * noise


class Library:
    """Draws the row of the library of every tag, as `signatures.joint` draws exposures."""

    def __init__(self, chain: Any, gated: bool) -> None:
        data, capacity = chain.reads.data, len(chain.state.tag)
        data.context[:] = np.array(CONTEXTS)[chain.reads.order]
        self.work = state.new_work(data, capacity, True, np.arange(2) if gated else None)
        chain.w = refs.refer_work(self.work)
        self.work.context_log[capacity:, :3] = np.log([SPECTRA[GERMLINE], SPECTRA[-1]])
        self.gated = gated

    def redraw(self, chain: Any, rng: np.random.Generator) -> None:
        """Draw now and then, so that what the moves leave behind is seen."""
        if rng.random() < OFTEN:
            self.draw(chain, rng)

    def draw(self, chain: Any, rng: np.random.Generator) -> None:
        s, data = chain.state, chain.reads.data
        for row, tag in enumerate(s.tag):
            chance = CHANCE.copy()
            if row < s.n_clones[0]:
                chance = CLOSED.copy() if self.gated and s.presence[row, 0] != 0 else chance
                counts = data.context[(s.z == row) & (data.context != NO_CONTEXT)]
                chance *= LIBRARY[:, counts].prod(axis=1)
            kind = rng.choice(3, p=chance / chance.sum())
            self.work.context_log[tag, :3] = np.log(LIBRARY[kind])
            if self.gated:
                self.work.gate[tag, 0] = np.log(CLOSED[kind] / CHANCE[kind])


def check_flat(kernels: Any, run: str, sweeps: int, seed: int, problem: str = "diploid") -> Report:
    """The clone model's moves with contexts against its enumeration."""
    chosen, plain = enumeration.RUNS[run], enumeration.PROBLEMS[problem].enumeration()
    truth = ContextEnumeration(plain.ds, plain.p, plain.grid)
    exact = {labels: p for labels, p in truth.posterior.items() if chosen.reaches(labels)}
    chain, rng = enumeration.PROBLEMS[problem].chain(), np.random.default_rng(seed)
    kernel_fixtures.set_partition(chain, np.array(chosen.start)[chain.reads.order], rng)
    library = Library(chain, False)
    library.draw(chain, rng)
    keys: list[Any] = []
    for i in range(BURN + sweeps):
        kernel_fixtures.run_blocks(chain, kernels, chosen.blocks, 1, rng, lambda _: None)
        library.redraw(chain, rng)
        if i >= BURN:
            keys.append(kernel_fixtures.partition_of(chain.in_dataset_order(chain.state.z)))
    return compare(keys, exact)


def check_tree(
    kernels: Any, run: str, sweeps: int, seed: int, gated: bool = False, problem: str = "free: reads"
) -> Report:
    """The tree model's moves with contexts against its enumeration; with gates also how often clones are present."""
    chosen, case = tree_check.RUNS[run], tree_check.PROBLEMS[problem]
    plain = case.enumeration
    truth = TreeContextEnumeration(plain.ds, plain.p, plain.grid, plain.first, plain.others, gated=gated)
    posterior = truth.posterior if case.labels is None else truth.trees_of(case.labels)
    exact = {key: p for key, p in posterior.items() if chosen.reaches(key)}
    chain, rng = tree_fixtures.make_chain(case), np.random.default_rng(seed)
    library = Library(chain, gated)
    start = (chosen.start[: len(chain.reads.order)],) if case.labels is None else next(iter(exact))
    tree_fixtures.plant(chain, *start)
    library.draw(chain, rng)
    tree_fixtures.prepare(chain, kernels)
    keys, present = [], []
    for i in range(BURN + sweeps):
        for block in chosen.blocks:
            tree_fixtures.BLOCKS[block](chain, kernels, rng)
        library.redraw(chain, rng)
        if i >= BURN:
            keys.append(chain.key())
            row = int(chain.labels[0])
            present.append((row >= 0 and chain.presence[row, 0], chain.presence[:, 0].sum()))
    report = compare(keys, exact)
    for name, column in zip(("present", "present clones"), np.array(present, float).T, strict=True):
        report.z[name] = z_score(column, truth.expect(list(exact), name, 0))
    return report


def compare(keys: list[Any], masses: dict[Any, float]) -> Report:
    """Frequencies of labellings (with trees) against their exact probabilities."""
    total, sweeps = sum(masses.values()), len(keys)
    exact = {key: p / total for key, p in masses.items()}
    counts = Counter(keys)
    gaps = [abs(counts[key] / sweeps - p) for key, p in exact.items()]
    strange = sweeps - sum(counts[key] for key in exact)
    z = {
        str(key): z_score(np.array([k == key for k in keys], float), p) for key, p in exact.items() if p >= COMMON
    }
    return Report(0.5 * (sum(gaps) + strange / sweeps), max(gaps), z, strange)
