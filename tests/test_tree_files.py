"""The files of the posterior of trees, and the sentences on what is open."""

from __future__ import annotations

import itertools
import json
import re

import numpy as np
import pandas as pd
import pytest
from posteriors import dataset, known, patient
from test_ancestry import all_trees
from test_trees import ETA, SMALL
from tree_posteriors import CHAIN, FORK, TWO, mixture, subtree_sums, with_trees

from clonalbayes import results, run
from clonalbayes.faults import InputError
from clonalbayes.results import open_result, write
from clonalbayes.summaries import collect, summarise, tree_files, tree_json, tree_parts
from clonalbayes.summaries.unidentified import siblings, unidentified


@pytest.fixture(scope="module")
def tree():
    drawn = mixture({CHAIN: 0.6, FORK: 0.3, TWO: 0.1}, 2, 200)
    return summarise(with_trees(drawn, eta=ETA, spread=200.0))


@pytest.fixture(scope="module")
def made(tree, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trees") / "result"
    write(tree, patient(dataset(64)), folder, {})
    return folder


def test_the_folder_has_the_files_of_trees_only_with_trees(made, tmp_path):
    assert {path.name for path in made.iterdir()} == {*results.FILES, *results.TREE_FILES}
    write(summarise(known()[0]), patient(dataset(66)), tmp_path / "plain", {})
    assert {path.name for path in (tmp_path / "plain").iterdir()} == set(results.FILES)
    plain = open_result(tmp_path / "plain")
    assert "trees" not in plain.run
    for part in ("edges", "identifiability", "trees", "newick"):
        with pytest.raises(InputError, match="its model has no trees"):
            getattr(plain, part)


def test_a_replaced_result_leaves_nothing_of_its_trees(tree, tmp_path):
    write(tree, patient(dataset(64)), tmp_path / "r", {})
    write(summarise(known()[0]), patient(dataset(66)), tmp_path / "r", {})
    assert [path.name for path in tmp_path.iterdir()] == ["r"]
    assert {path.name for path in (tmp_path / "r").iterdir()} == set(results.FILES)


def test_everything_is_read_back(tree, made):
    result = open_result(made)
    frames, texts, found = tree_parts(tree)
    for name in results.TREE_TABLES:
        pd.testing.assert_frame_equal(getattr(result, name), frames[name], check_dtype=False, rtol=1e-5)
    assert result.newick == texts["tree.nwk"].strip()
    assert result.trees == json.loads(texts["trees.json"])
    assert result.run["trees"] == found


def test_the_json_has_the_trees_of_the_posterior(tree):
    trees = collect(tree)
    read = json.loads(tree_json.trees_json(tree, trees))
    assert read["samples"] == ["A", "B"]
    assert [len(c) for c in read["clusters"]] == [30, 20, 10]
    assert read["clusters"][2] == [f"m{i}" for i in range(50, 60)]
    assert (read["n_trees"], read["listed"], read["complete"]) == (3, 1.0, 1.0)
    assert [row["tree"] for row in read["trees"]] == [0, 1, 2]
    for t, row in enumerate(read["trees"]):
        assert row["parents"] == trees.parents[t].tolist()
        assert row["prob"] == pytest.approx(trees.probability[t])
        assert row["prob_se"] == pytest.approx(trees.errors()[t], rel=1e-3)
        phi = np.array(row["phi"])
        assert phi.shape == (4, 2)
        assert phi[0].tolist() == [1, 1]
        for p in range(4):
            assert (phi[1:][trees.parents[t] == p].sum(0) <= phi[p] + 1e-4).all()


def test_a_long_list_is_cut_and_says_what_it_holds(tree, monkeypatch):
    monkeypatch.setattr(tree_json, "MOST_TREES", 2)
    read = json.loads(tree_json.trees_json(tree, collect(tree)))
    assert len(read["trees"]) == 2
    assert read["n_trees"] == 3
    assert read["listed"] == pytest.approx(sum(row["prob"] for row in read["trees"]))
    monkeypatch.setattr(tree_json, "MOST_VALUES", 1)
    assert len(json.loads(tree_json.trees_json(tree, collect(tree)))["trees"]) == 1


def moving(seed=5):
    """A posterior in which one mutation is in either of two clones and another is noise in some draws."""
    drawn = mixture({CHAIN: 0.7, FORK: 0.3}, 2, 100)
    tree = with_trees(drawn, eta=ETA, spread=200.0, sizes=(5, 4, 3), noise=1)
    labels = tree["posterior"]["assignment"].values
    rng = np.random.default_rng(seed)
    moved, noisy = rng.random((2, 100)) < 0.3, rng.random((2, 100)) < 0.2
    labels[:, :, 4] = np.where(moved, labels[:, :, 5], labels[:, :, 0])
    labels[:, :, 11] = np.where(noisy, -1, labels[:, :, 10])
    return summarise(tree), drawn, moved, noisy


def test_where_mutations_move_every_draw_has_its_own_clones():
    tree, drawn, moved, noisy = moving()
    trees = collect(tree)
    read = json.loads(tree_json.trees_json(tree, trees))
    assert [row["prob"] for row in read["trees"]] == sorted((row["prob"] for row in read["trees"]), reverse=True)
    assert len(read["trees"]) == 8, "two trees, each with four ways to place the two mutations"
    assert sum("clusters" in row for row in read["trees"]) == 6
    shares = {}
    for row in read["trees"]:
        clusters = row.get("clusters", read["clusters"])
        key = row["parents"] == list(CHAIN), "m4" in clusters[1], "m11" not in clusters[2]
        shares[key] = row["prob"]
        assert "m4" in clusters[0] or "m4" in clusters[1]
    chain = (drawn == np.array(CHAIN)).all(-1)
    for key, share in shares.items():
        assert share == pytest.approx(((chain == key[0]) & (moved == key[1]) & (noisy == key[2])).mean())
    assert read["listed"] == pytest.approx(1.0)


def test_few_draws_keep_the_probabilities_of_trees(monkeypatch):
    tree, *_ = moving()
    monkeypatch.setattr(tree_json, "MOST_DRAWS", 20)
    monkeypatch.setattr(tree_json, "MOST_NAMES", 1)
    trees = collect(tree)
    read = json.loads(tree_json.trees_json(tree, trees))
    total = sum(row["prob"] for row in read["trees"] if row["parents"] == list(CHAIN))
    assert total == pytest.approx(trees.probability[0])
    assert read["listed"] == pytest.approx(1.0)


def test_a_clone_that_some_draws_merge_is_empty_there():
    drawn = np.tile(np.array(CHAIN), (1, 40, 1))
    tree = with_trees(drawn, eta=ETA, spread=200.0, lacking={(0, d): [1] for d in range(10)})
    labels = tree["posterior"]["assignment"].values
    labels[0, :10, 30:50] = labels[0, :10, :1]
    tree = summarise(tree)
    usual, merged = json.loads(tree_json.trees_json(tree, collect(tree)))["trees"]
    assert (usual["prob"], merged["prob"]) == (0.75, 0.25)
    assert (usual["tree"], merged["tree"]) == (0, 0)
    assert [len(c) for c in merged["clusters"]] == [50, 0, 10]
    assert usual["parents"] == list(CHAIN)
    assert merged["parents"] == [0, 1, 1], "the empty clone divides nothing"
    assert merged["phi"][2] == [0, 0]


def test_a_clone_of_few_draws_follows_the_others():
    line = (0, 1, 2, 3)
    drawn = np.tile(np.array(line), (1, 40, 1))
    eta = np.array([[0.3, 0.3], [0.2, 0.2], [0.2, 0.1], [0.1, 0.1]])
    lacking = {(0, d): [1] for d in range(30)}  # their mutations are noise there, and are in the consensus
    tree = summarise(with_trees(drawn, sizes=(9, 8, 7, 6), eta=eta, spread=200.0, lacking=lacking))
    assert tree["consensus"].sizes["clone"] == 3
    read = json.loads(tree_json.trees_json(tree, collect(tree)))
    assert read["trees"][0]["prob"] == 0.75
    assert read["trees"][0]["parents"] == [0, 1, 2]
    extra = read["trees"][1]
    assert extra["parents"] == [0, 4, 2, 1], "the fourth lies between the first and the second"
    assert [len(c) for c in extra["clusters"]] == [9, 7, 6, 8]
    phi = np.array(extra["phi"])
    assert phi[1, 0] > phi[4, 0] > phi[2, 0]
    assert {row["tree"] for row in read["trees"]} == {0}


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # the scorer leaves files to be closed by others
def test_the_scorer_reads_the_json(shared, made, tmp_path):
    import importlib.util

    place = shared / "bench" / "trees" / "score.py"
    if not place.is_file():
        pytest.skip("the scorer is not here")
    spec = importlib.util.spec_from_file_location("score", place)
    score = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(score)
    trees, clusters, samples = score.load_method(made / "trees.json")
    assert len(trees) == 3
    assert trees[0][2].shape == (4, 2)
    assert samples == ["A", "B"]
    assert len(clusters) == 3


def test_edges_are_the_probabilities(tree):
    trees = collect(tree)
    table = tree_files.edge_table(trees)
    assert list(table) == ["parent", "child", "probability", "relation"]
    parents = table[table["relation"] == "parent"].set_index(["parent", "child"])["probability"]
    assert parents.loc[(0, 1)] == 1.0
    assert parents.loc[(2, 3)] == trees.parent_probability[2, 2]
    assert parents.groupby("child").sum().tolist() == pytest.approx([1.0] * 3)
    above = table[table["relation"] == "ancestor"].set_index(["parent", "child"])["probability"]
    assert above.loc[(1, 3)] == 1.0
    assert above.loc[(2, 3)] == trees.ancestor_probability[2, 2]
    assert 0 not in above.index.get_level_values("parent")
    assert (table["probability"] > 0).all()


# --- Newick ----------------------------------------------------------------------------------------------


def parsed(text):
    """Parents, lengths and supports by name, from a Newick text with quoted names and comments."""
    tokens = re.findall(r"'(?:[^']|'')*'|\[[^\]]*\]|[(),;]|:[0-9.eE+-]+|[^\s(),;:\[\]']+", text)
    parents, lengths, supports, stack, ready, last = {}, {}, {}, [], [], None
    for token in tokens:
        if token == "(":
            stack.append(ready)
            ready = []
        elif token in "),;":
            if token == ")":
                children, ready = ready, stack.pop()
        elif token.startswith(":"):
            lengths[last] = float(token[1:])
        elif token.startswith("["):
            supports[last] = float(token[len("[&support=") : -1])
        else:
            last = token[1:-1].replace("''", "'") if token.startswith("'") else token
            for child in locals().get("children") or []:
                parents[child] = last
            children = []
            ready.append(last)
    return parents, lengths, supports


def test_newick_holds_the_consensus_tree(tree):
    parents, lengths, supports = parsed(tree_files.consensus_newick(tree, collect(tree)))
    assert parents == {"clone1": "normal", "clone2": "clone1", "clone3": "clone2"}
    assert lengths == {"clone1": 30, "clone2": 20, "clone3": 10}
    assert supports["clone1"] == 1.0
    assert supports["clone3"] == pytest.approx(collect(tree).support[2], rel=1e-3)


def test_names_with_signs_of_the_format_are_quoted():
    names = ["root", "it's", "(a,b);", "x:[1] y"]
    text = tree_files.newick(np.array([0, 1, 1]), np.ones(3), np.array([1, 2, 3]), names)
    parents, lengths, _ = parsed(text)
    assert parents == {"it's": "root", "(a,b);": "it's", "x:[1] y": "it's"}
    assert lengths["(a,b);"] == 2
    assert tree_files.newick(np.empty(0, int), np.empty(0), np.empty(0), ["normal"]) == "normal;"


def test_newick_of_a_long_line_of_clones():
    k = 3000  # deeper than Python's stack
    text = tree_files.newick(np.arange(k), np.ones(k), np.ones(k), [f"c{i}" for i in range(k + 1)])
    assert text.count("(") == k


# --- findings --------------------------------------------------------------------------------------------


def test_findings_of_the_trees(tree, made):
    found = open_result(made).run["trees"]
    trees = collect(tree)
    assert found["best_probability"] == trees.probability[0]
    assert found["p_single_founder"] == pytest.approx(1 - trees.probability[2])
    assert found["founders"] == pytest.approx({"1": 1 - trees.probability[2], "2": trees.probability[2]})
    assert found["unrelated_samples"] == []
    assert len(found["not_identified"]) == 2
    said = run.findings(made)
    assert f"Best of 3 trees: probability {trees.probability[0]:.2g}" in said
    assert f"2 points open (identifiability.tsv); a single founder: {found['p_single_founder']:.2g}." in said


def test_samples_that_are_not_related_are_named():
    two = summarise(with_trees(np.array([[(0, 0)] * 20]), sizes=(5, 4), absent=[(0, 1), (1, 0)], fixed=True))
    _, _, found = tree_parts(two)
    assert found["unrelated_samples"] == ["A and B are clonally related with probability 0.00"]
    assert found["founders"] == {"2": 1.0}
    assert found["p_single_founder"] == 0.0


@pytest.mark.parametrize("case", SMALL)
def test_small_cases_are_written_and_read(case, tmp_path):
    tree = summarise(with_trees(**SMALL[case]))
    write(tree, patient(dataset(tree["posterior"].sizes["mutation"])), tmp_path / "r", {})
    result = open_result(tmp_path / "r")
    assert result.trees["listed"] == pytest.approx(1.0)
    assert result.newick.endswith("normal;")
    assert len(result.edges) == len(result.edges.drop_duplicates(["parent", "child", "relation"]))
    assert run.findings(tmp_path / "r")


# --- what is open ----------------------------------------------------------------------------------------


def test_a_sure_tree_leaves_nothing_open():
    tree = summarise(with_trees(np.array([[CHAIN] * 30] * 2), eta=ETA, spread=200.0))
    assert unidentified(tree, collect(tree)) == []


def test_open_parents_are_listed_with_what_would_tell(tree):
    trees = collect(tree)
    second, third = unidentified(tree, trees)
    p = trees.parent_probability
    assert (second["clone"], third["clone"]) == (2, 3)
    assert (second["kind"], third["kind"]) == ("parent", "parent")
    assert third["parents"] == f"2 ({p[2, 2]:.3f}), 1 ({p[1, 2]:.3f})"
    assert third["statement"].startswith(
        f"Clone 3 hangs below clone 2 ({p[2, 2]:.2f}) or clone 1 ({p[1, 2]:.2f}). A sample in which clone 3 is "
        "larger than clone 2 would exclude clone 2; "
    )
    assert "clones 3 and 2 together are larger than clone 1 would exclude clone 1" in third["statement"]
    assert "clones 2 and 1 together are more than all cells would exclude the normal root" in second["statement"]
    assert third["closest_sample"] in ("A", "B")


def test_the_closest_sample_is_the_one_with_least_room():
    eta = np.array([[0.3, 0.35, 0.1], [0.4, 0.01, 0.3], [0.1, 0.3, 0.1]])
    drawn = mixture({CHAIN: 0.5, FORK: 0.5}, 2, 100)
    tree = summarise(with_trees(drawn, eta=eta, spread=500.0, specimens=("A", "B", "C"), fixed=True))
    (row,) = unidentified(tree, collect(tree))
    assert (row["clone"], row["closest_sample"]) == (3, "B")
    assert row["room"] == pytest.approx(0.01, abs=0.005)
    assert "at clone 2" in row["statement"]


def test_a_sample_that_breaks_the_rule_excludes_the_parent():
    rng = np.random.default_rng(0)
    every = all_trees(4)
    excluded = 0
    for truth in every[rng.choice(len(every), 40)]:
        phi = subtree_sums(rng.dirichlet(np.full(5, 0.5))[:4, None], truth)[:, 0]
        held = np.stack([np.where(every == p, phi, 0.0).sum(1) for p in range(5)], axis=1)
        fits = (held <= np.append(1.0, phi) + 1e-12).all(1)
        for clone, parent in itertools.permutations(range(1, 5), 2):
            beside = siblings(truth[None], clone, parent)
            together = (every[:, [k - 1 for k in (clone, *beside)]] == parent).all(1)
            if phi[[k - 1 for k in (clone, *beside)]].sum() > phi[parent - 1] + 1e-9:
                excluded += 1
                assert not fits[together].any()
    assert excluded > 50


def test_an_only_founder_always_fits_at_the_root():
    drawn = mixture({(0, 1): 0.4, (2, 0): 0.4, (0, 0): 0.2}, 2, 200)
    eta = np.array([[0.3, 0.3], [0.3, 0.3]])
    tree = summarise(with_trees(drawn, sizes=(5, 4), eta=eta, fixed=True))
    first, second = unidentified(tree, collect(tree))
    assert first["sample_that_tells"] == "a sample in which clone 1 is larger than clone 2 would exclude clone 2"
    assert second["sample_that_tells"] == "a sample in which clone 2 is larger than clone 1 would exclude clone 1"


def test_an_open_order_of_two_clones_is_said_as_such():
    drawn = mixture({(0, 1, 2, 0): 0.5, (2, 0, 1, 0): 0.5}, 2, 200)
    eta = np.array([[0.2, 0.1], [0.2, 0.3], [0.1, 0.1], [0.1, 0.1]])
    tree = summarise(with_trees(drawn, sizes=(5, 4, 3, 2), eta=eta, fixed=True))
    trees = collect(tree)
    rows = unidentified(tree, trees)
    assert [(row["clone"], row["kind"]) for row in rows] == [(1, "order"), (2, "order"), (3, "order")]
    share = trees.ancestor_probability[1, 1]
    tells = "A sample in which clones 1 and 2 differ in size would tell: the larger is above."
    said = f"Clone 1 is above clone 2 ({share:.2f}) or below it ({1 - share:.2f})"
    assert rows[0]["statement"] == rows[1]["statement"] == f"{said}. {tells}"
    assert rows[2]["statement"] == f"{said}, and clone 3 hangs below the lower of the two. {tells}"
    _, _, found = tree_parts(tree)
    assert found["not_identified"] == [rows[0]["statement"], rows[2]["statement"]], "each sentence once"


def test_a_long_list_of_parents_describes_a_few_samples():
    drawn = mixture({(0, 1, 1, 1, p): 0.25 for p in (1, 2, 3, 4)}, 2, 200)
    tree = summarise(with_trees(drawn, sizes=(5, 4, 3, 2, 1), fixed=True))
    (row,) = unidentified(tree, collect(tree))
    assert row["clone"] == 5
    assert row["parents"].count("(") == 4
    assert row["sample_that_tells"].count("would exclude") == 3
