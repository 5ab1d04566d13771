"""Contexts in the moves of the partition and of the tree, against exact posteriors; what is broken is found."""

from __future__ import annotations

import numpy as np
import pytest
from breakages import check_texts, intact
from context_breakages import CONTEXT_BREAKAGES, broken_context
from context_case import CHANCE, CLOSED, LIBRARY, check_flat, check_tree, clone_factor
from tree_fixtures import make_chain, plant
from tree_problems import FREE

from clonalbayes.kernels import refs, state

LARGEST_GAP, LARGEST_Z, FOUND = 0.025, 5.5, 6.5
KERNELS = intact()
SPARSE = "given: three, sparse"


def assert_exact(report):
    assert report.strange == 0
    assert report.largest_gap < LARGEST_GAP
    assert report.worst[0] < LARGEST_Z, report.worst


@pytest.mark.parametrize("run", ["all", "births", "splits", "assign, condense"])
def test_moves_of_clones_with_contexts_draw_from_the_exact_posterior(run):
    assert_exact(check_flat(KERNELS, run, 8000, seed=1))


@pytest.mark.parametrize("gated", [False, True])
@pytest.mark.parametrize("run", ["all", "births", "splits, transfer", "assign, condense, transfer"])
def test_moves_in_the_tree_with_contexts_and_gates_draw_from_the_exact_posterior(run, gated):
    assert_exact(check_tree(KERNELS, run, 8000, seed=2, gated=gated))


@pytest.mark.parametrize("run", ["settle", "rehang, transfer", "regraft, transfer", "swap, transfer", "all given"])
def test_moves_of_presence_know_the_gates(run):
    report = check_tree(KERNELS, run, 12000, seed=3, gated=True, problem=SPARSE)
    assert report.worst[0] < LARGEST_Z, report.worst


@pytest.mark.parametrize(
    ("name", "check", "run", "problem"),
    [
        ("new clones whose exposures are the likeliest for nothing", check_flat, "births", "diploid"),
        ("assignment of noise without contexts", check_tree, "all", "free: reads"),
        ("splits that ignore the contexts where they were", check_flat, "splits", "diploid"),
        ("condensation that ignores the contexts of noise", check_flat, "assign, condense", "diploid"),
        ("grafted splits that ignore the contexts where they were", check_tree, "splits, transfer", "free: reads"),
        ("grafted merges that ignore the contexts of the other", check_tree, "splits, transfer", "free: reads"),
        ("grafted births that ignore contexts", check_tree, "births", "free: reads"),
        ("grafted condensation that ignores the contexts of noise", check_tree, "assign, condense, transfer",
         "free: reads"),
    ],
)  # fmt: skip
@pytest.mark.slow
def test_a_kernel_that_is_broken_is_found(name, check, run, problem):
    assert check(broken_context(name), run, 6000, seed=3, problem=problem).worst[0] > FOUND


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "run"),
    [
        ("truncated draws without the gate", "settle"),
        ("re-hanging without the gate", "rehang, transfer"),
        ("company without the gate", "company, transfer"),
        ("re-grafting without the gate", "regraft, transfer"),
        ("swaps without the gate", "swap, transfer"),
    ],
)
def test_a_move_that_forgets_the_gate_is_found(name, run):
    report = check_tree(broken_context(name), run, 12000, seed=3, gated=True, problem=SPARSE)
    assert report.worst[0] > FOUND


def test_every_breakage_finds_its_text():
    check_texts(CONTEXT_BREAKAGES)
    assert all(old != new for _, old, new in CONTEXT_BREAKAGES.values())


def clones_with_tags(kernels, labels=(0, 1, 2)):
    chain = make_chain(FREE["reads"])
    plant(chain, labels, (0,) * (max(labels) + 1))
    chain.state.tag[:] = np.random.default_rng(0).permutation(len(chain.state.tag))
    kernels.build_tables(chain.d, chain.s, chain.w)
    kernels.sort_members(chain.s, chain.w)
    return chain


def moved_tags(kernels):
    """Tag of each mutation's clone before and after the first clone has gone."""
    chain = clones_with_tags(kernels)
    before = chain.state.tag[chain.state.z].copy()
    gone = int(np.flatnonzero(chain.state.z == 0)[0])
    chain.state.z[gone] = -1
    chain.records[1].size[0] = 0
    kernels.remove_clone(chain.s, chain.w, 0)
    after = chain.state.tag[np.maximum(chain.state.z, 0)]
    kept = chain.state.z >= 0
    return before[kept], after[kept], before[gone], chain.state.tag


def test_tags_move_with_their_clones_and_come_back_behind_them():
    before, after, freed, tags = moved_tags(KERNELS)
    assert np.array_equal(before, after)
    assert tags[2] == freed
    assert sorted(tags) == list(range(len(tags)))


def test_tags_that_stay_where_clones_move_are_found():
    before, after, _, _ = moved_tags(broken_context("tags that stay when clones move"))
    assert not np.array_equal(before, after)


def frequencies(kernels, draws=4000):
    chain, rng = clones_with_tags(kernels), np.random.default_rng(1)
    scores = np.full(len(chain.state.tag), -np.inf)
    scores[3:] = np.log(np.arange(1.0, len(scores) - 2.0))
    tags = chain.state.tag.copy()
    found = np.zeros(len(tags))
    for _ in range(draws):
        chain.state.tag[:] = tags
        kernels.take_tag(chain.s, scores, rng)
        found[np.flatnonzero(tags == chain.state.tag[3])] += 1.0 / draws
    wanted = np.exp(scores) / np.exp(scores).sum()
    return found, wanted


def test_free_tags_are_taken_as_often_as_their_contexts_say():
    found, wanted = frequencies(KERNELS)
    assert found == pytest.approx(wanted, abs=0.03)


def test_tags_taken_whatever_the_contexts_say_are_found():
    found, wanted = frequencies(broken_context("tags taken whatever the contexts say"))
    assert found != pytest.approx(wanted, abs=0.03)


def test_the_enumeration_sums_over_the_library():
    assert clone_factor([0, 2]) == pytest.approx(sum(CHANCE * LIBRARY[:, 0] ** 2))
    assert clone_factor([3]) == pytest.approx(1.0)  # no context
    assert clone_factor([1], shut=True) == pytest.approx(sum(CLOSED * LIBRARY[:, 1]))
    assert LIBRARY.sum(axis=1) == pytest.approx(1.0)


def test_without_contexts_there_is_no_table_and_no_gate():
    work = state.new_work(make_chain(FREE["reads"]).reads.data, 5)
    assert work.context_log.shape == (7, 0)
    assert work.gate.shape == (5, 0)
    assert not KERNELS.in_use(refs.refer_work(work))
