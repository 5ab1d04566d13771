"""What a user knows, kept by the chains: frequencies against the enumerated posterior restricted to it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import tree_twin as twin
from breakages import intact
from tree_check import truth_of
from tree_fixtures import BLOCKS, make_chain, plant, prepare
from tree_problems import FREE

from clonalbayes.inference.conditions import Conditions

KERNELS = intact()
NONE = np.zeros((0, 2), np.int64)
GUARDED = ("births", "condense", "splits", "tree")
RENUMBER = GUARDED[:3]
"""Blocks that give clones other rows."""


def precedes(key, first, second):
    """Whether the first mutation's clone is the second's or above it."""
    labels, parent = key
    if min(labels[first], labels[second]) < 0:
        return False
    return labels[first] == labels[second] or labels[first] + 1 in twin.path_to_root(parent, labels[second])


CASES = {
    "precedes": (Conditions(np.array([[0, 1]]), NONE, NONE), lambda key: precedes(key, 0, 1)),
    "together": (
        Conditions(NONE, np.array([[0, 2]]), NONE),
        lambda key: key[0][0] >= 0 and key[0][0] == key[0][2],
    ),
    "both": (
        Conditions(np.array([[2, 1]]), np.array([[0, 2]]), NONE),
        lambda key: key[0][0] >= 0 and key[0][0] == key[0][2] and precedes(key, 2, 1),
    ),
    "absent": (Conditions(NONE, NONE, np.array([[0, 1]])), lambda key: key[0][0] >= 0),
}


def restricted(name: str, problem: str) -> dict:
    """The posterior of the labellings with trees that a condition allows."""
    truth, posterior = truth_of(f"free: {problem}")
    conditions, holds = CASES[name]
    focus = "absent" if len(conditions.absent) else "one"
    masses = {key: truth.mass(*key, focus, 1) for key in posterior if holds(key)}
    total = sum(masses.values())
    return {key: mass / total for key, mass in masses.items() if mass > 0.0}


def run(name: str, problem: str, sweeps: int, renumber: bool = True) -> Counter:
    """Labellings with trees that a chain under a condition visits, its blocks guarded as in `Rung`."""
    conditions, chain, rng = CASES[name][0], make_chain(FREE[problem]), np.random.default_rng(8)
    assert (chain.reads.order == np.arange(3)).all()
    plant(chain, (0, 0, 0))
    for i, sample in conditions.absent:
        chain.state.presence[chain.state.z[i], sample] = chain.state.fraction[chain.state.z[i], sample] = 0
        chain.state.fraction[-1, sample] = 1.0
    prepare(chain, KERNELS)
    chain.records[1].pinned[conditions.named] = 1  # these change places by guarded moves only
    seen: Counter = Counter()
    for _ in range(sweeps):
        BLOCKS["assign"](chain, KERNELS, rng)
        for block in GUARDED:
            if renumber and block in RENUMBER:
                chain.records[3].barred[:] = 0
            if not conditions.guard(chain.state, lambda block=block: BLOCKS[block](chain, KERNELS, rng)):
                prepare(chain, KERNELS)  # what was derived from the state is stale
            conditions.bar(chain.state, chain.records[3].barred)
        BLOCKS["transfer"](chain, KERNELS, rng)
        assert conditions.broken(chain.state) == 0
        seen[chain.key()] += 1
    return seen


@pytest.mark.slow
@pytest.mark.parametrize("problem", ["reads", "no reads"])
@pytest.mark.parametrize("name", CASES)
def test_frequencies_are_those_of_the_restricted_posterior(problem, name):
    exact, sweeps = restricted(name, problem), 12000
    seen = run(name, problem, sweeps)
    assert set(seen) <= set(exact)
    gaps = {key: seen[key] / sweeps - p for key, p in exact.items()}
    worst = max(gaps, key=lambda key: abs(gaps[key]))
    assert abs(gaps[worst]) < 0.02, (worst, gaps[worst])
