"""Algebra of clone trees, against slow walks and enumeration of all trees."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from clonalbayes.summaries import ancestry
from clonalbayes.summaries.arborescence import consensus_tree


def climb(parents, k):
    """Ancestors of clone k (from 0) of one tree, the root last."""
    out = []
    up = parents[k]
    while True:
        out.append(int(up))
        if up == 0 or len(out) > len(parents):
            return out
        up = parents[up - 1]


def is_tree(parents):
    return all(climb(parents, k)[-1] == 0 for k in range(len(parents)))


def all_trees(k):
    """Every rooted labelled tree on k clones."""
    found = [p for p in itertools.product(range(k + 1), repeat=k) if is_tree(p)]
    return np.array(found, int).reshape(len(found), k)


@pytest.fixture(scope="module")
def many():
    """Random trees of twelve clones in which some clones are missing, parents relabelled at random."""
    rng = np.random.default_rng(4)
    rows = np.array([[rng.integers(0, k + 1) for k in range(12)] for _ in range(60)])
    rename = np.concatenate([[0], rng.permutation(12) + 1])
    renamed = np.empty_like(rows)
    renamed[:, rename[1:] - 1] = rename[rows]
    partner = np.where(rng.random(rows.shape) < 0.8, np.arange(12), -1)
    return renamed, ancestry.restrict(renamed, partner), partner


def test_there_are_as_many_trees_as_cayley_says():
    assert [len(all_trees(k)) for k in range(5)] == [1, 1, 3, 16, 125]


def test_ancestors_depths_and_founders_are_those_of_a_walk(many):
    for rows in many[:2]:
        weights = np.random.default_rng(1).random(len(rows))
        slow = np.zeros((13, 12))
        for row, weight in zip(rows, weights, strict=True):
            for k in np.flatnonzero(row >= 0):
                slow[climb(row, k), k] += weight
        assert ancestry.ancestor_weights(rows, weights) == pytest.approx(slow)
        depth = [[len(climb(r, k)) if r[k] >= 0 else 0 for k in range(12)] for r in rows]
        assert ancestry.depths(rows).tolist() == depth
        top = [[[k + 1, *climb(r, k)][-2] if r[k] >= 0 else -1 for k in range(12)] for r in rows]
        assert ancestry.founders_of(rows).tolist() == top


def test_parents_are_weighted(many):
    rows = many[1]
    weights = np.arange(len(rows), dtype=float)
    table = ancestry.parent_weights(rows, weights)
    for p, k in itertools.product(range(13), range(12)):
        assert table[p, k] == weights[rows[:, k] == p].sum()


def test_keys_of_clades_are_equal_where_the_clades_are(many):
    rows = many[1]
    keys = ancestry.clade_keys(rows)
    named = {}
    for d, k in zip(*np.nonzero(rows >= 0), strict=True):
        clade = (k, frozenset(j for j in range(12) if rows[d, j] >= 0 and (j == k or k + 1 in climb(rows[d], j))))
        named.setdefault(clade, set()).add(keys[d, k])
    assert all(len(found) == 1 for found in named.values())
    assert len(set.union(*named.values())) == len(named)
    assert (keys[rows < 0] == 0).all()


def test_restriction_keeps_the_nearest_matched_ancestor(many):
    whole, rows, partner = many
    for d, k in np.ndindex(rows.shape):
        if partner[d, k] < 0:
            assert rows[d, k] == -1
        else:
            assert rows[d, k] == next(a for a in climb(whole[d], k) if a == 0 or partner[d, a - 1] >= 0)


def test_restriction_follows_the_slots():
    slots = np.array([[2, 0, 1, -1]])  # slot 1 founds, 0 below it, 2 below 0; 3 is not used
    assert ancestry.restrict(slots, np.array([[2, 1, 0]])).tolist() == [[3, 0, 2]]
    assert ancestry.restrict(slots, np.array([[2, 1, -1]])).tolist() == [[2, 0, -1]]
    assert ancestry.restrict(slots, np.empty((1, 0), int)).shape == (1, 0)
    assert ancestry.restrict(np.empty((2, 0), int), np.full((2, 1), -1)).tolist() == [[-1], [-1]]


def test_a_completed_tree_is_a_tree_that_restricts_to_the_draws():
    rng = np.random.default_rng(2)
    every = all_trees(4)
    for guide in every[rng.choice(len(every), 25, replace=False)]:
        for _ in range(4):
            partner = np.where(rng.random((len(every), 4)) < 0.6, np.arange(4), -1)
            parts = ancestry.restrict(every, partner)
            whole = ancestry.completed(parts, guide)
            assert all(is_tree(row) for row in whole)
            assert np.array_equal(ancestry.restrict(whole, partner), parts)
            same = (ancestry.restrict(np.tile(guide, (len(every), 1)), partner) == parts).all(1)
            assert (whole[same] == guide).all(), "what agrees with the guide becomes the guide"
            assert np.array_equal(whole[(partner >= 0).all(1)], every[(partner >= 0).all(1)])


def test_different_trees_are_found_in_order():
    rows, which = ancestry.distinct(np.array([[0, 1], [0, 0], [0, 1], [2, 0]]))
    assert rows.tolist() == [[0, 1], [0, 0], [2, 0]]
    assert which.tolist() == [0, 1, 0, 2]
    rows, which = ancestry.distinct(np.zeros((3, 0), int))
    assert rows.shape == (1, 0)
    assert which.tolist() == [0, 0, 0]


@pytest.mark.parametrize(("row", "matched"), [([2, 1], 0), ([1], 0), ([0, 3, 2], 1), ([2, 3, 2], 0)])
def test_a_cycle_is_refused(row, matched):
    with pytest.raises(ValueError, match="its own ancestor"):
        list(ancestry.walk(np.array([row])))
    with pytest.raises(ValueError, match="its own ancestor"):
        ancestry.restrict(np.array([row]), np.array([[matched]]))


def test_a_parent_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="below one that is not there"):
        list(ancestry.walk(np.array([[-1, 1]])))
    with pytest.raises(ValueError, match="a slot that is not used"):
        ancestry.restrict(np.array([[2, -1]]), np.array([[0, -1]]))


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_the_consensus_tree_is_the_best_of_all_trees(k):
    rng = np.random.default_rng(k)
    every = all_trees(k)
    for _ in range(200):
        weights = rng.dirichlet(np.full(len(every), 0.1)) * (rng.random(len(every)) < 0.5)
        if weights.sum() == 0:
            continue
        table = ancestry.parent_weights(every, weights / weights.sum())
        found = consensus_tree(table)
        gain = table[every, np.arange(k)].sum(1)
        assert is_tree(found)
        assert table[found, np.arange(k)].sum() == pytest.approx(gain.max())
        assert (table[found, np.arange(k)] > 0).all(), "no edge that no draw has"


def test_the_consensus_of_one_tree_is_that_tree():
    rng = np.random.default_rng(0)
    row = np.array([[rng.integers(0, k + 1) for k in range(40)]])
    assert consensus_tree(ancestry.parent_weights(row, np.ones(1))).tolist() == row[0].tolist()
    assert consensus_tree(np.zeros((1, 0))).shape == (0,)
