"""The posterior of trees: shares of draws, draws that lack a clone, given clusters, relations in numbers."""

from __future__ import annotations

import numpy as np
import pytest
from tree_posteriors import CHAIN, FORK, TWO, mixture, subtree_sums, with_trees

from clonalbayes import specs
from clonalbayes.summaries import collect, describe_relation, diagnose, has_trees, relation, summarise, tables, trees
from clonalbayes.summaries.detection import detection_rows
from clonalbayes.summaries.trees import find_trees, nested, prevalence_of_trees, related_samples

ETA = np.array([[0.4, 0.3], [0.25, 0.3], [0.15, 0.1]])
"""Fractions that leave the clones in the order of their prevalence in each of the three trees."""


@pytest.fixture(scope="module")
def mixed():
    """Three trees at 0.6, 0.3 and 0.1, slots permuted."""
    drawn = mixture({CHAIN: 0.6, FORK: 0.3, TWO: 0.1}, 2, 200)
    return drawn, summarise(with_trees(drawn, eta=ETA, spread=200.0))


def share(drawn, tree):
    return (drawn == np.array(tree)).all(-1).mean()


def test_trees_are_found_again_through_the_labels(mixed):
    drawn, tree = mixed
    assert np.array_equal(tree["consensus"]["parent"].values, drawn)
    found = collect(tree)
    assert found.parents.tolist() == [list(t) for t in (CHAIN, FORK, TWO)]
    assert found.probability.tolist() == [share(drawn, t) for t in (CHAIN, FORK, TWO)]
    assert found.complete == 1.0
    assert found.effective == pytest.approx(1 / np.square(found.probability).sum())
    assert tree["consensus"]["consensus_parent"].values.tolist() == list(CHAIN)
    assert found.consensus_probability == found.probability[0]
    assert tree["consensus"]["parent_probability"].values[2] == (drawn[..., 2] == 2).mean()


def test_edges_are_shares_of_draws(mixed):
    drawn, tree = mixed
    found = collect(tree)
    assert found.parent_probability[1, 2] == (drawn[..., 2] == 1).mean()
    assert found.parent_probability.sum(0) == pytest.approx(1.0)
    assert found.ancestor_probability[0].tolist() == [1.0] * 3
    assert found.ancestor_probability[1, 2] == 1.0
    assert found.ancestor_probability[2, 2] == share(drawn, CHAIN)


def test_errors_are_those_of_independent_draws():
    drawn = mixture({CHAIN: 0.5, FORK: 0.5}, 4, 1000, seed=3).reshape(-1, 3)
    found = find_trees(drawn, 4)
    assert found.errors() == pytest.approx(0.5 / np.sqrt(4000), rel=0.35)
    slow = np.repeat(drawn[:400], 10, axis=0)  # each tree stays for ten draws
    assert find_trees(slow, 4).errors() == pytest.approx(0.5 / np.sqrt(400), rel=0.35)
    assert np.isnan(find_trees(drawn[:1], 1).errors()).all()


def test_a_draw_that_lacks_a_clone_is_completed_and_said():
    drawn = np.tile(np.array(CHAIN), (2, 50, 1))
    lacking = {(0, d): [1] for d in range(20)}
    tree = summarise(with_trees(drawn, eta=ETA, spread=200.0, lacking=lacking))
    parent = tree["consensus"]["parent"].values
    assert parent[0, :20].tolist() == [[0, -1, 1]] * 20
    assert parent[0, 20:].tolist() == [list(CHAIN)] * 30
    found = collect(tree)
    assert found.complete == 0.8
    assert found.parents.tolist() == [list(CHAIN)]
    assert found.parent_probability[2, 2] == 0.8, "the third hangs below the first where the second is missing"
    assert found.parent_probability[0, 0] == 1.0
    assert found.ancestor_probability[2, 2] == 1.0, "but where the second is there, it is above"
    assert tree["consensus"]["presence"].values[0, 0, 1].tolist() == [-1, -1]


def test_equally_frequent_trees_are_in_no_order_of_their_parents():
    rng = np.random.default_rng(0)
    drawn = np.array([[rng.integers(0, k + 1) for k in range(10)] for _ in range(300)])
    found = find_trees(drawn, 1)
    once = found.parents[found.probability == found.probability.min()]
    assert len(once) > 200
    assert abs(np.corrcoef(np.arange(len(once)), once[:, 1:].sum(1))[0, 1]) < 0.3
    assert np.array_equal(find_trees(drawn[::-1], 1).parents, found.parents), "nor of their appearance"


# --- prevalences -----------------------------------------------------------------------------------------


def test_prevalences_of_a_tree_are_means_over_its_draws(mixed):
    drawn, tree = mixed
    phi = tree["consensus"]["cellular_prevalence"].values
    found = prevalence_of_trees(collect(tree), phi.reshape(-1, 3, 2), 2)
    assert len(found) == 2
    for t, mean in zip((CHAIN, FORK), found, strict=True):
        assert mean == pytest.approx(phi[(drawn == np.array(t)).all(-1)].mean(0))


def test_prevalences_hold_their_children_even_where_clones_are_missing():
    drawn = np.tile(np.array(CHAIN), (1, 40, 1))
    lacking = {(0, d): [int(d % 3)] for d in range(19)}
    tree = summarise(with_trees(drawn, eta=ETA, spread=3.0, lacking=lacking))
    phi = tree["consensus"]["cellular_prevalence"].values.reshape(-1, 3, 2)
    found = collect(tree)
    for parents, mean in zip(found.parents, prevalence_of_trees(found, phi, 9), strict=True):
        assert np.isfinite(mean).all()
        for p in range(4):
            room = 1.0 if p == 0 else mean[p - 1]
            assert (mean[parents == p].sum(0) <= room + 1e-12).all()


def test_nested_changes_nothing_that_is_right():
    phi = subtree_sums(ETA, FORK)
    assert nested(phi, np.array(FORK)) == pytest.approx(phi)
    assert nested(np.array([[0.9], [0.8]]), np.array([0, 0])).sum() == pytest.approx(1.0)


# --- given clusters --------------------------------------------------------------------------------------


def test_given_clusters_keep_their_numbers():
    drawn = mixture({(2, 0, 2): 0.7, (0, 0, 1): 0.3}, 2, 50)
    eta = np.array([[0.05, 0.1], [0.5, 0.2], [0.2, 0.4]])  # not in the order of their prevalence
    tree = summarise(with_trees(drawn, eta=eta, fixed=True))
    group = tree["consensus"]
    assert np.array_equal(group["clone"].values, np.maximum(tree["constant_data"]["cluster"].values, 0))
    assert np.array_equal(group["parent"].values, drawn)
    raw = tree["posterior"]["cellular_prevalence"].values
    assert np.array_equal(group["cellular_prevalence"].values, raw)
    assert group["probability"].values.tolist() == [1.0] * 64
    assert group["p_noise"].values[-4:].tolist() == [1.0] * 4
    assert (group["support"].values == 1).all()
    assert group["clone_size"].values[0, 0].tolist() == [30, 20, 10]
    assert set(group["runner_up"].values.tolist()) == {-2}


def test_clusters_that_are_not_the_slots_are_matched_as_others_are():
    drawn = np.tile(np.array(CHAIN), (1, 20, 1))
    tree = with_trees(drawn, eta=ETA, fixed=True)
    cluster = tree["constant_data"]["cluster"].values
    tree["constant_data"]["cluster"].values[:] = np.where(cluster > 0, 4 - cluster, 0)
    again = summarise(tree)
    assert again["consensus"]["clone"].values[:60].tolist() == [1] * 30 + [2] * 20 + [3] * 10
    assert np.array_equal(again["consensus"]["parent"].values, drawn)


# --- founders and relations ------------------------------------------------------------------------------


def test_relations_of_two_clones(mixed):
    drawn, tree = mixed
    found = collect(tree)
    near = relation(found, 2, 3)
    assert near == pytest.approx(
        {"above": share(drawn, CHAIN), "below": 0.0, "cousins": share(drawn, FORK), "unrelated": share(drawn, TWO)}
    )
    far = relation(found, 1, 2)
    assert far["above"] == pytest.approx(1 - share(drawn, TWO))
    assert far["unrelated"] == pytest.approx(share(drawn, TWO))
    assert relation(found, 3, 2)["below"] == near["above"]
    never = find_trees(np.array([[0, -1], [-1, 0]]), 1)
    assert np.isnan(list(relation(never, 1, 2).values())).all()
    assert describe_relation(never, 1, 2) == "No draw has both clone 1 and clone 2."
    said = describe_relation(found, 2, 3)
    assert f"with probability {1 - share(drawn, TWO):.2f}: clone 2 is above clone 3" in said
    assert f"different branches of one founder ({share(drawn, FORK):.2f})." in said


def test_a_clone_that_is_nowhere_founds_nothing():
    drawn = np.tile(np.array(TWO), (1, 30, 1))
    nowhere = summarise(with_trees(drawn, eta=ETA, spread=200.0, fixed=True, absent=[(1, 0), (1, 1)]))
    somewhere = summarise(with_trees(drawn, eta=ETA, spread=200.0, fixed=True, absent=[(1, 0)]))
    for tree, number in ((nowhere, 1), (somewhere, 2)):
        counts = trees.founder_counts(collect(tree), trees.present_somewhere(tree["consensus"]))
        assert set(counts.tolist()) == {number}


def test_samples_are_related_where_they_share_a_founder():
    parents = np.array([[0, 1, 0, -1]] * 4)
    presence = np.full((4, 4, 3), -1)
    presence[:, 0] = [1, 1, 0]  # the first founder, and its child in the first sample only
    presence[:, 1] = [1, 0, 0]
    presence[:, 2] = [[0, 0, 1], [0, 0, 1], [0, 1, 1], [0, 0, 0]]
    related = related_samples(parents, presence)
    assert related[0].tolist() == [1.0, 1.0, 0.0]
    assert related[1, 2] == pytest.approx(1 / 3), "where the third has no tumour cells, nothing can be said"
    assert related[2, 2] == 1.0
    presence[:, :, 2] = 0
    assert np.isnan(related_samples(parents, presence)[2]).all()


# --- tables, presence ------------------------------------------------------------------------------------


def test_the_table_of_clones_has_parents_at_its_end(mixed):
    _, tree = mixed
    table = tables(tree)["clones"]
    assert list(table)[-3:] == ["log10_bayes_factor", "parent", "parent_probability"]
    assert table["parent"].tolist() == [0, 0, 1, 1, 2, 2]
    assert table["parent_probability"].iloc[4] == tree["consensus"]["parent_probability"].values[2]
    assert (table["ccf_hi"] <= 1.0).all()


def test_presence_is_the_share_of_the_draws_and_its_evidence_that_of_the_reads():
    drawn = np.tile(np.array(CHAIN), (2, 50, 1))
    tree = summarise(with_trees(drawn, eta=ETA, fixed=True, absent=[(1, 0)]))
    table = tables(tree)["clones"].set_index(["clone", "sample"])
    assert table.loc[(2, "A"), "p_present"] == 0.0
    assert table.loc[(2, "B"), "p_present"] == 1.0
    rows = detection_rows(tree, specs.load("detection", "detection"))
    assert table["log10_bayes_factor"].tolist() == [row["log10_bayes_factor"] for row in rows]


def test_a_sample_without_tumour_cells_has_no_ccf():
    drawn = np.tile(np.array(CHAIN), (1, 20, 1))
    tree = summarise(with_trees(drawn, eta=ETA, fixed=True, absent=[(0, 0)]))
    table = tables(tree)["clones"].set_index(["clone", "sample"])
    assert table.loc[(1, "A"), "prevalence_mean"] == 0.0
    assert np.isnan(table.loc[(1, "A"), "ccf_mean"])
    assert table.loc[(1, "B"), "ccf_mean"] == pytest.approx(1.0)


# --- small cases -----------------------------------------------------------------------------------------

SMALL = {
    "no clone": {"trees": np.zeros((2, 5, 0), int), "sizes": (), "eta": None},
    "one clone, one sample": {"trees": np.zeros((2, 5, 1), int), "sizes": (4,), "specimens": ("A",)},
    "one draw": {"trees": np.array([[CHAIN]]), "sizes": (5, 4, 3)},
    "one chain": {"trees": mixture({CHAIN: 0.5, FORK: 0.5}, 1, 9), "sizes": (5, 4, 3)},
    "no noise": {"trees": mixture({CHAIN: 0.5, TWO: 0.5}, 2, 6), "sizes": (5, 4, 3), "noise": 0},
    "a clone lacking everywhere": {
        "trees": np.array([[CHAIN] * 4] * 2),
        "sizes": (5, 4, 3),
        "lacking": {(c, d): [2] for c in range(2) for d in range(4)},
    },
}


@pytest.mark.parametrize("case", SMALL)
def test_small_cases(case):
    tree = with_trees(**SMALL[case])
    again = summarise(tree)
    assert has_trees(again)
    found = collect(again)
    assert found.probability.sum() == pytest.approx(1.0)
    assert found.clones == again["consensus"].sizes["clone"]
    assert len(tables(again)["clones"]) == found.clones * again["posterior"].sizes["specimen"]
    assert diagnose(again).attrs["verdict"]


def test_a_model_without_trees_has_none():
    from posteriors import known

    tree = summarise(known()[0])
    assert not has_trees(tree)
    assert "parent" not in tree["consensus"]
    assert "parent" not in tables(tree)["clones"]
