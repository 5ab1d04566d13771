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
GUARDED = ("births", "condense", "splits", "tree", "transfer")


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
}


@pytest.mark.slow
@pytest.mark.parametrize("problem", ["reads", "no reads"])
@pytest.mark.parametrize("name", CASES)
def test_frequencies_are_those_of_the_restricted_posterior(problem, name):
    conditions, holds = CASES[name]
    _, posterior = truth_of(f"free: {problem}")
    exact = {key: p for key, p in posterior.items() if holds(key)}
    total, sweeps = sum(exact.values()), 12000
    chain, rng = make_chain(FREE[problem]), np.random.default_rng(8)
    assert (chain.reads.order == np.arange(3)).all()
    plant(chain, (0, 0, 0))
    prepare(chain, KERNELS)
    chain.records[1].pinned[conditions.named] = 1  # these change places by guarded moves only
    seen: Counter = Counter()
    for _ in range(sweeps):
        BLOCKS["assign"](chain, KERNELS, rng)
        for block in GUARDED:
            if not conditions.guard(chain.state, lambda block=block: BLOCKS[block](chain, KERNELS, rng)):
                prepare(chain, KERNELS)  # what was derived from the state is stale
        seen[chain.key()] += 1
    assert set(seen) <= set(exact)
    gaps = {key: seen[key] / sweeps - p / total for key, p in exact.items()}
    worst = max(gaps, key=lambda key: abs(gaps[key]))
    assert abs(gaps[worst]) < 0.02, (worst, gaps[worst])
