"""Do the chains agree on the tree: split frequencies, effective numbers, what the diagnosis says."""

from __future__ import annotations

import numpy as np
import pytest
from tree_posteriors import CHAIN, FORK, TWO, mixture, with_trees

from clonalbayes.summaries import collect, diagnose, summarise
from clonalbayes.summaries import tree_convergence as judged
from clonalbayes.summaries.convergence import ess_bulk, ess_of_sum
from clonalbayes.summaries.trees import find_trees


def agree(drawn):
    """Agreement of the chains of trees [chain, draw, clone]."""
    trees = find_trees(drawn.reshape(drawn.shape[0] * drawn.shape[1], drawn.shape[2]), len(drawn))
    return judged.agreement(trees, judged.unsure_relations(trees))


def test_split_frequencies_by_hand():
    drawn = np.array([[CHAIN] * 3 + [FORK], [CHAIN] + [FORK] * 3])
    found = agree(drawn)
    # Clades: {1,2,3} and {3} always; {2,3} and {2} in 3 and 1 of 4 draws. Parents: of the third alone differ.
    off = np.std([0.75, 0.25], ddof=1)
    assert found.clades == pytest.approx(np.mean([0, off, off, 0]))
    assert found.parents == pytest.approx(np.mean([0, 0, off, off]))


def test_rare_splits_do_not_count():
    drawn = np.array([[CHAIN] * 20 + [FORK], [CHAIN] * 21])
    found = agree(drawn)
    off = np.std([20 / 21, 1], ddof=1)  # {2,3} and 2 above 3; that {2} is alone, and 1 above 3, are rare
    assert found.clades == pytest.approx(off / 3)
    assert found.parents == pytest.approx(off / 3)


def test_a_clade_that_some_draws_lack_is_counted_where_it_is():
    drawn = np.array([[(0, 1, 1)] * 4, [(0, -1, 1)] * 4])
    off = np.std([1, 0], ddof=1)
    assert agree(drawn).clades == pytest.approx(np.mean([off, off, off, 0]))


def test_one_chain_and_no_clone():
    assert np.isnan(agree(np.array([[CHAIN] * 9])).clades)
    assert agree(np.zeros((2, 5, 0), int)) == judged.Agreement(0.0, 0.0, 10.0, 10.0)
    assert np.isnan(agree(np.array([[CHAIN] * 3] * 2)).ess)


def test_independent_and_slow_trees_have_their_sizes():
    drawn = mixture({CHAIN: 0.4, FORK: 0.4, TWO: 0.2}, 4, 500, seed=5)
    assert agree(drawn).ess == pytest.approx(2000, rel=0.2)
    slow = np.repeat(drawn[:, :50], 10, axis=1)
    found = agree(slow)
    assert found.ess == pytest.approx(200, rel=0.3)
    assert found.ess_min <= found.ess * 1.3


def test_the_sum_of_one_is_that_one():
    draws = np.random.default_rng(0).normal(size=(4, 300)).cumsum(axis=1)
    assert ess_of_sum(draws[None]) == pytest.approx(ess_of_sum(np.stack([draws, draws])))
    indicator = (draws > 0).astype(float)
    assert ess_of_sum(indicator[None]) == pytest.approx(ess_bulk(indicator))
    assert ess_of_sum(np.ones((2, 4, 10))) == 40


def test_unsure_relations_are_the_ones_that_change():
    drawn = mixture({CHAIN: 0.6, TWO: 0.4}, 2, 100)
    trees = find_trees(drawn.reshape(-1, 3), 2)
    found = dict(judged.unsure_relations(trees))
    assert set(found) == {(2, 3), (1, 2)}  # 2 is above 3 in the line, 3 below 1 in both
    for holds in found.values():
        assert np.array_equal(holds, (drawn == np.array(CHAIN)).all(-1))
    assert len(judged.unsure_relations(trees, 1)) == 1


# --- what is said ----------------------------------------------------------------------------------------


def judge(drawn):
    table = diagnose(summarise(with_trees(drawn, sizes=(4, 3, 2), spread=200.0)))
    return table, table.set_index("quantity")


def test_rows_of_the_diagnosis():
    drawn = mixture({CHAIN: 0.5, FORK: 0.3, TWO: 0.2}, 4, 250)
    table, rows = judge(drawn)
    assert list(table) == ["quantity", "rhat", "ess_bulk", "ess_tail", "verdict", "value"]
    assert {"tree_depth", "n_founders", "ancestor[2, 3]"} <= set(rows.index)
    trees = find_trees(drawn.reshape(-1, 3), 4)
    found = judged.agreement(trees, judged.unsure_relations(trees))
    for name, value in (
        ("asdsf[clades]", found.clades), ("asdsf[parents]", found.parents), ("ess[trees]", found.ess),
        ("ess[worst relation]", found.ess_min), ("n_trees", 3), ("n_trees_effective", trees.effective),
    ):  # fmt: skip
        assert rows.loc[name, "value"] == pytest.approx(value)
        assert np.isnan(rows.loc[name, "rhat"])
    assert rows.loc["n_trees", "verdict"] == ""
    assert np.isnan(rows.loc["log_likelihood", "value"])
    assert "lp" not in rows.index


def test_frequencies_that_differ_ask_for_draws_that_would_do():
    table, rows = judge(mixture({CHAIN: 0.5, FORK: 0.5}, 4, 100, seed=2))
    off = rows.loc["asdsf[clades]", "value"]
    assert off > judged.MAX_ASDSF
    said = rows.loc["asdsf[clades]", "verdict"]
    assert said.startswith("frequencies of clades differ between chains by more than 0.01")
    asked = int(said.rsplit(" ", 1)[1])
    assert asked >= min(100 * (off / judged.MAX_ASDSF) ** 2, 1000)
    assert said in table.attrs["verdict"]
    assert f"differ by {off:.3f}" in table.attrs["verdict"]


def test_chains_in_different_trees_are_apart():
    table, rows = judge(np.array([[CHAIN] * 100] * 2 + [[FORK] * 100] * 2))
    assert rows.loc["asdsf[clades]", "verdict"].startswith("chains disagree")
    said = table.attrs["verdict"]
    assert said.count("chains disagree") == 1, "the same is to be done about all of it"
    assert "each chain has a value of its own" in said
    assert said.endswith("so with the trees (frequencies of clades differ by 0.289, 4 effective trees)")


def test_a_sure_tree_agrees():
    table, rows = judge(np.array([[CHAIN] * 400] * 4))
    assert rows.loc["asdsf[clades]", "value"] == 0.0
    assert rows.loc["ess[trees]", ["value", "verdict"]].tolist() == [1600, "converged"]
    assert table.attrs["verdict"].endswith("the chains agree on the trees (clade frequencies differ by 0.000)")


@pytest.mark.parametrize(("chains", "draws", "said"), [(1, 50, "one chain"), (2, 3, "too few draws")])
def test_too_little_to_judge_is_said_once(chains, draws, said):
    table, rows = judge(np.array([[CHAIN] * draws] * chains))
    assert rows.loc["asdsf[clades]", "verdict"].startswith(said)
    assert table.attrs["verdict"].count(said) == 1


def test_labels_of_slots_do_not_matter():
    drawn = mixture({CHAIN: 0.6, TWO: 0.4}, 2, 50)
    one, two = (
        dict(judged.tree_quantities(tree, judged.unsure_relations(collect(tree))))
        for tree in (summarise(with_trees(drawn, fixed=fixed, eta=np.array([[0.4], [0.2], [0.1]]), specimens="A"))
                     for fixed in (True, False))
    )  # fmt: skip
    for name, draws in one.items():
        assert np.array_equal(draws, two[name]), name
