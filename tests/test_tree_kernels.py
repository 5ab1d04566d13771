"""The tree's moves against the exact posterior over labellings and trees, alone and in sequence; their support.

Short runs; `validation/exact.py --spec tree` runs every breakage against the checks at length.
"""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest
import tree_twin as twin
from breakages import check_texts, intact
from kernel_fixtures import dataset
from tree_breakages import TREE_BREAKAGES, broken_tree
from tree_check import PROBLEMS, RUNS, Report, check, check_kept, truth_of
from tree_fixtures import BLOCKS, SPEC, TreeChain, make_chain, plant, prepare, run_blocks
from tree_problems import GRID, TreeProblem

from clonalbayes.kernels import density, state
from clonalbayes.kernels.tree_faint import step_errors
from clonalbayes.kernels.tree_graft import log_tree_prior
from clonalbayes.kernels.tree_local import settle_all
from clonalbayes.kernels.tree_moves import move_tree

LARGEST_GAP = 0.02  # of the frequency of any labelling with a tree
LARGEST_Z = 5.5  # of some twenty to eighty frequencies and means, by 40 batches
FOUND = 6.5
KERNELS = intact()

GIVEN = [name for name in PROBLEMS if name.startswith("given: ") and "aberrant" not in name]
ALONE = [  # each move with the least that it needs to get everywhere
    ("settle", "given: three"),
    ("settle", "given: three, called"),
    ("transfer", "given: three, purity"),
    ("shift", "given: three"),
    ("shift", "given: three, purity"),
    ("shift", "given: three, called"),
    ("settle, genotypes, purity", "given: three, aberrant"),
    ("rehang, transfer", "given: three"),
    ("rehang, transfer", "given: two, called"),
    ("rehang, transfer", "given: four, spikes"),
    ("company, transfer", "given: three"),
    ("company, transfer", "given: three, called"),
    ("company, transfer", "given: four, spikes"),
    ("regraft", "given: three, apart"),
    ("regraft, transfer", "given: three, purity"),
    ("regraft, transfer", "given: four, no reads"),
    ("swap, transfer", "given: two"),
    ("swap, transfer", "given: three"),
    ("swap, transfer", "given: three, called"),
    ("births", "free: reads"),
    ("births", "free: no reads"),
    ("births", "free: called"),
    ("births, tree, transfer", "free: purity"),
    ("births, tree, transfer, purity", "free: aberrant"),
    ("assign, condense, transfer", "free: reads"),
    ("assign, condense, transfer", "free: called"),
    ("splits, transfer", "free: reads"),
    ("splits, transfer", "free: no reads"),
    ("assign, splits, transfer", "free: called"),
]
TOGETHER = ["reads", "called", "purity", "founders", "no reads"]
LARGE = ["four", "one sample called"]


def assert_exact(report: Report) -> None:
    assert report.strange == 0
    assert report.largest_gap < LARGEST_GAP
    assert report.worst[0] < LARGEST_Z, report.worst


@pytest.mark.parametrize("problem", GIVEN)
def test_all_moves_of_the_tree_find_every_tree_as_often_as_they_should(problem):
    assert_exact(check(KERNELS, problem, "all given", 12000, seed=1, means="four" not in problem))


@pytest.mark.parametrize("problem", [*TOGETHER, *(pytest.param(name, marks=pytest.mark.slow) for name in LARGE)])
def test_all_moves_find_every_partition_with_every_tree_as_often_as_they_should(problem):
    assert_exact(check(KERNELS, f"free: {problem}", "all", 12000, seed=2, means=problem not in LARGE))


@pytest.mark.parametrize(
    ("run", "problem"), [("all, aberrant", "free: aberrant"), ("all given, aberrant", "given: three, aberrant")]
)
def test_with_aberrant_copy_number_too(run, problem):
    assert_exact(check(KERNELS, problem, run, 16000, seed=3))


@pytest.mark.parametrize(("run", "problem"), ALONE)
def test_each_move_alone_or_with_the_least_that_it_needs(run, problem):
    assert_exact(check(KERNELS, problem, run, 20000, seed=4, means="four" not in problem))


@pytest.mark.parametrize(("run", "problem"), [("births", "free: purity"), ("births, purity", "free: aberrant")])
def test_births_alone_keep_the_posterior_where_purity_makes_them_slow(run, problem):
    # Alone they stay in trees of two founders for up to thousands of sweeps; batches of one run see too small an error.
    assert_exact(check_kept(KERNELS, problem, run, 3000, seed=12))


@pytest.mark.slow
def test_a_posterior_that_is_not_kept_is_found():
    broken = broken_tree("grafted births without the chance of being picked")
    assert check_kept(broken, "free: purity", "births", 3000, seed=12).worst[0] > FOUND


def test_every_move_is_checked_alone():
    with_errors = {"clades", "errors"}  # in `test_tree_faint`
    assert {block for run, _ in ALONE for block in RUNS[run].blocks} == set(BLOCKS) - with_errors


# ---- the support: no move ever breaks the pigeonhole principle


@numba.njit
def faults(fraction, ccf, presence, parent, clones, populations):
    """Number of clone-sample pairs off the support: cells, sums of children, presence, counts, circles."""
    root, found = len(parent), 0
    for k in range(clones):
        x = k
        for _ in range(clones + 1):
            x = parent[x] if x != root else root
        found += x != root
    for s in range(ccf.shape[1]):
        below = np.zeros(root + 1)
        total, there = fraction[root, s], 1
        found += not fraction[root, s] > 0.0
        for k in range(clones):
            total += fraction[k, s]
            below[parent[k]] += ccf[k, s]
            there += presence[k, s] != 0
            found += (presence[k, s] != 0) != (fraction[k, s] > 0.0)
            found += (presence[k, s] != 0) != (ccf[k, s] > 0.0)
            found += presence[k, s] != 0 and parent[k] != root and presence[parent[k], s] == 0
        for k in range(clones):
            found += below[k] > ccf[k, s] * (1.0 + 1e-9) + 1e-12
        found += abs(total - 1.0) > 1e-9 or below[root] > 1.0 + 1e-9 or there != populations[s]
    return found


@numba.njit(nogil=True, error_model="numpy")
def walk(d, s, w, t, grove, priors, offer, sweeps, rng):
    """Sweeps of the tree's moves; faults found after each kind of move."""
    found = 0
    for _ in range(sweeps):
        move_tree(d, s, w, t, grove, priors, offer, True, rng)
        found += faults(s.fraction, s.ccf, s.presence, s.parent, s.n_clones[0], grove.populations)
        settle_all(d, s, w, t, grove, offer, 1.0, 2, rng)
        found += faults(s.fraction, s.ccf, s.presence, s.parent, s.n_clones[0], grove.populations)
        step_errors(d, s, w, t, grove, priors, offer, 1.0, 1.0, rng)
        found += faults(s.fraction, s.ccf, s.presence, s.parent, s.n_clones[0], grove.populations)
    return found


def wide_problem(clones: int, samples: int, seed: int) -> TreeProblem:
    """A cluster of one mutation for each clone of a random tree, most of them absent from most samples."""
    rng = np.random.default_rng(seed)
    phi = rng.random((clones, samples)) * (rng.random((clones, samples)) < 0.5)
    depth = rng.integers(2, 25, (clones, samples))
    return TreeProblem(
        dataset(rng.binomial(depth, 0.5 * phi), depth), tuple(rng.uniform(0.2, 0.8, samples)),
        tuple(rng.uniform(0.02, 1.5, samples)), labels=tuple(range(clones)), precision=500.0, error_rate=0.002,
    )  # fmt: skip


def test_in_a_million_draws_no_clone_is_larger_than_its_parent():
    counts = np.zeros(state.N_COUNTERS, int)
    for seed, clones in ((1, 3), (2, 8), (3, 20)):
        chain = make_chain(wide_problem(clones, 4, seed), clones + 4)
        prepare(chain, KERNELS)
        rng = np.random.default_rng(seed)
        sweeps = 600_000 // (clones * 10)
        assert walk(chain.d, chain.s, chain.w, chain.t, chain.grove, chain.priors, chain.offer, sweeps, rng) == 0
        counts += chain.state.counters
    assert counts[20:30:2].sum() > 1_000_000  # proposals
    assert counts[21:30:2].min() > 100  # accepted: every move has moved


def support_of(chain: TreeChain) -> int:
    s = chain.state
    populations = np.array([1 + int(column.sum()) for column in chain.presence.T])
    return int(faults(s.fraction, s.ccf, s.presence, s.parent, chain.clones, populations))


@pytest.mark.parametrize("min_alt", [0, 2])
def test_births_splits_and_condensations_keep_the_support(min_alt):
    rng = np.random.default_rng(5)
    depth = rng.integers(20, 60, (12, 3))
    share = np.array([[0.4, 0.3, 0.0], [0.2, 0.0, 0.3], [0.05, 0.2, 0.1]])[np.arange(12) % 3]
    alt = np.maximum(rng.binomial(depth, share), [2, 0, 0])
    problem = TreeProblem(dataset(alt, depth, min_alt=min_alt), (0.5, 0.6, 0.4), (0.3, 0.5, 0.2), precision=200.0)
    chain, seen = make_chain(problem, 14), []
    blocks = ("assign", "births", "condense", "splits", "tree", "transfer")
    run_blocks(chain, KERNELS, blocks, 1500, rng, lambda c: seen.append((c.clones, support_of(c))))
    assert sum(found for _, found in seen) == 0
    assert len({clones for clones, _ in seen}) > 3


def test_the_check_of_the_support_sees_what_breaks_it():
    chain = make_chain(PROBLEMS["given: three"])
    plant(chain, (0, 1, 2), (0, 1, 1))
    assert support_of(chain) == 0
    kept = {name: getattr(chain.state, name).copy() for name in ("fraction", "ccf", "presence", "parent")}
    for name, place, value in (
        ("parent", 0, 2),  # a circle
        ("ccf", (1, 0), 0.9),
        ("presence", (1, 1), 0),
        ("fraction", (-1, 0), 0.3),
    ):
        getattr(chain.state, name)[place] = value
        assert support_of(chain) > 0, name
        getattr(chain.state, name)[:] = kept[name]


# ---- the densities that kernels state


@pytest.mark.parametrize("name", ["three", "four, spikes", "three, apart", "two clusters of two"])
def test_kernels_state_the_prior_of_the_tree_as_the_twin_does(name):
    problem = PROBLEMS[f"given: {name}"]
    p = problem.parameters
    chain, values = make_chain(problem), []
    plant(chain, problem.labels)
    prepare(chain, KERNELS)
    rng = np.random.default_rng(6)
    for _ in range(40):
        for block in ("tree", "transfer"):
            BLOCKS[block](chain, KERNELS, rng)
        parents, fraction, presence = chain.parents, chain.fractions, chain.presence
        mine = sum(
            twin.presence_log_prior(parents, presence[:, s], p.present_prob[s])
            + twin.fraction_log_prior(fraction[:, s], presence[:, s], p.fraction_concentration[s])
            for s in range(2)
        )
        mine += twin.tree_log_prior(parents, p.founder_weight) + twin.hyper_log_prior(p, 0.3, 0.5)
        values.append(density.tree_log_prior(chain.s, chain.priors) - mine)
        assert log_tree_prior(chain.s, p.founder_weight) == pytest.approx(
            twin.tree_log_prior(parents, p.founder_weight)
        )
    assert np.ptp(values) < 1e-8  # kernels leave constants out


def test_heights_are_the_likelihoods_of_the_twin():
    # Differences of the exact heights between two states are those of the twin's log likelihood.
    problem = PROBLEMS["given: three"]
    p, chain = problem.parameters, make_chain(problem)
    plant(chain, problem.labels)
    prepare(chain, KERNELS)
    rng, gaps = np.random.default_rng(7), []
    for _ in range(30):
        for block in ("rehang", "settle"):
            BLOCKS[block](chain, KERNELS, rng)
        KERNELS.refresh_heights(chain.d, chain.s, chain.w, chain.t, chain.grove)
        phi = twin.prevalences(chain.parents, chain.fractions)
        mine = twin.log_likelihood(problem.ds, p, chain.labels, chain.copies, phi, np.full(2, 0.5), GRID)
        gaps.append(float(chain.records[3].now[:3].sum()) - mine)
    assert np.ptp(gaps) < 1e-7


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "run", "problem"),
    [
        ("places without the Dirichlet's constant", "settle", "given: three, sparse"),
        ("re-hanging without the founders", "rehang, transfer", "given: three, sparse"),
        ("swaps without the way back", "swap, transfer", "given: three, called"),
        ("transfers without the Jacobian", "transfer", "given: three"),
        ("grafts without the number of trees", "births", "free: no reads"),
        ("grafted splits without the seat", "splits, transfer", "free: reads"),
    ],
)
def test_a_broken_kernel_is_found(name, run, problem):
    report = check(broken_tree(name), problem, run, 16000, seed=5)
    assert report.worst[0] > FOUND or report.largest_gap > 2 * LARGEST_GAP


def test_every_breakage_finds_the_text_that_it_changes():
    check_texts(TREE_BREAKAGES)
    assert all(old != new for _, old, new in TREE_BREAKAGES.values())


def test_the_problems_are_not_trivial():
    # Several trees matter in each, so that agreement says something.
    for name in PROBLEMS:
        if "four" not in name and "one sample" not in name:
            _, posterior = truth_of(name)
            assert sorted(posterior.values())[-2] > 0.03, name
    assert SPEC.blocks["prevalence"] == "tree"
    assert state.SPARE_CLONES == 2
    assert math.isfinite(LARGEST_GAP)
