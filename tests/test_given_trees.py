"""Clusters, trees and conditions that a user gives, and what the chains make of them."""

from __future__ import annotations

import json

import numpy as np
import pytest

import clonalbayes as cb
from clonalbayes.data.tree_file import read_tree
from clonalbayes.faults import InputError
from clonalbayes.inference.conditions import Conditions
from clonalbayes.kernels.state import new_state

SHORT = {"chains": 2, "draws": 20, "tune": 20, "seed": 3, "progress": False}
PARAMS = {"samples": ["a", "b", "c"], "clusters": [["s0", "s1", "s2"], ["s3", "s4"], ["s5", "s6"]], "garbage": []}
# cluster 1 in all cells, 2 and 3 in different samples: both hang below 1
VAF = np.array([[50, 48, 46], [30, 0, 20], [0, 30, 16]])


@pytest.fixture(scope="module")
def patient(tmp_path_factory):
    """Seven mutations in three clusters, as an .ssm file with its params."""
    folder = tmp_path_factory.mktemp("given")
    rows = ["id\tname\tvar_reads\ttotal_reads\tvar_read_prob"]
    for k, cluster in enumerate(PARAMS["clusters"]):
        for name in cluster:
            counts = ", ".join(str(v) for v in VAF[k])
            rows.append(f"{name}\tm_{name}\t{counts}\t100, 100, 100\t0.5, 0.5, 0.5")
    (folder / "p.ssm").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "p.params.json").write_text(json.dumps(PARAMS), encoding="utf-8")
    return cb.read(folder / "p.ssm", params=folder / "p.params.json")


def parents_of(tree) -> np.ndarray:
    """[draws, clones] parents of the given clusters."""
    parent = tree["posterior"]["parent"].values
    return parent.reshape(-1, parent.shape[-1])


def test_given_clusters_keep_their_order_and_find_their_tree(patient):
    tree = cb.fit(patient.data, fixed_clusters=True, **SHORT)
    found = parents_of(tree)
    assert ((found == [0, 1, 1]).all(axis=1)).mean() > 0.8
    phi = tree["posterior"]["cellular_prevalence"].mean(("chain", "draw")).values
    np.testing.assert_allclose(phi, 2 * VAF / 100, atol=0.08)


def test_a_given_tree_is_kept_and_bounds_the_prevalences(patient):
    tree = cb.fit(patient.data, fixed_clusters=True, given_tree=[0, 1, 2], **SHORT)
    assert (parents_of(tree) == [0, 1, 2]).all()
    phi = tree["posterior"]["cellular_prevalence"].values
    assert (np.diff(phi, axis=2) <= 1e-12).all()


def test_children_never_sum_to_more_than_their_parent(patient):
    tree = cb.fit(patient.data, **SHORT)["posterior"]
    phi, parent = tree["cellular_prevalence"].values, tree["parent"].values
    for c, d in np.ndindex(phi.shape[:2]):
        for p in range(-1, phi.shape[2]):
            room = 1.0 if p < 0 else np.nan_to_num(phi[c, d, p])
            children = phi[c, d][parent[c, d] == p + 1].sum(axis=0)
            assert (children <= room + 1e-9).all()


@pytest.mark.parametrize("given", [[0, 1], [0, 1, 4], [2, 1, 0], [0, 1, -1]])
def test_a_tree_that_is_none_is_refused(patient, given):
    with pytest.raises(InputError, match="--tree"):
        cb.fit(patient.data, fixed_clusters=True, given_tree=given, **SHORT)


def test_a_tree_needs_given_clusters(patient):
    with pytest.raises(InputError, match="--fixed-clusters"):
        cb.fit(patient.data, given_tree=[0, 1, 1], **SHORT)


def test_the_same_seed_gives_the_same_tree_on_any_number_of_cores(patient):
    one, two = (cb.fit(patient.data, cores=cores, **SHORT)["posterior"] for cores in (1, 2))
    assert one.equals(two)


def specification(tmp_path, text: str):
    file = tmp_path / "mine.toml"
    file.write_text(f'extends = "tree"\nname = "mine"\n{text}', encoding="utf-8")
    return file


@pytest.mark.parametrize("fixed", [True, False])
def test_conditions_hold_in_every_draw(patient, tmp_path, fixed):
    text = '[[constraints]]\nmust_precede = ["s3", "s5"]\n'
    text += '[[constraints]]\nabsent_in = { mutation = "s5", samples = ["b"] }\n'
    text += '[[constraints]]\nsame_clone = ["s5", "s6"]\n'
    data = patient.data.copy(deep=True)  # the last cluster could hang below the first or the second
    data["alt_count"][5:] = [[18, 0, 10], [18, 0, 10]]
    tree = cb.fit(data, spec=specification(tmp_path, text), fixed_clusters=fixed, **SHORT)["posterior"]
    names = [str(name) for name in tree["mutation"].values]
    label, parent = tree["assignment"].values, tree["parent"].values
    late = names.index("s5")
    for c, d in np.ndindex(label.shape[:2]):
        x, early = label[c, d, late], label[c, d, names.index("s3")]
        assert tree["presence"].values[c, d, x, 1] == 0
        assert label[c, d, names.index("s6")] == x
        while x >= 0 and x != early:
            x = parent[c, d, x] - 1
        assert x == early


def test_conditions_that_the_reads_contradict_are_refused_in_words(patient, tmp_path):
    text = '[[constraints]]\nmust_precede = ["s3", "s5"]\n'
    with pytest.raises(InputError, match="meets all constraints"):
        cb.fit(patient.data, spec=specification(tmp_path, text), fixed_clusters=True, **SHORT)


def test_broken_conditions_are_counted(patient):
    data = patient.data
    state = new_state(compiled(data), 5)
    state.n_clones[0] = 2
    state.z[:] = [0, 0, 0, 1, 1, -1, 1]
    state.parent[:2] = [5, 0]
    state.presence[1, 2] = 1
    pairs = np.array([[0, 3], [3, 0], [5, 0]])
    assert Conditions(pairs, pairs[:0], pairs[:0]).broken(state) == 2
    assert Conditions(pairs[:0], np.array([[3, 4], [3, 5]]), pairs[:0]).broken(state) == 1
    assert Conditions(pairs[:0], pairs[:0], np.array([[3, 2], [3, 1]])).broken(state) == 1


def test_a_block_that_breaks_a_condition_is_undone(patient):
    state = new_state(compiled(patient.data), 5)
    state.n_clones[0] = 1
    state.z[:] = 0
    conditions = Conditions(np.zeros((0, 2), int), np.array([[0, 1]]), np.zeros((0, 2), int))

    def leave() -> None:
        state.z[1] = -1

    assert not conditions.guard(state, leave)
    assert (state.z == 0).all()
    assert conditions.guard(state, lambda: None)


def compiled(data):
    """The data as kernels read them."""
    from clonalbayes.genotypes import compile_reads

    return compile_reads(data, cb.load_spec("tree")).data


@pytest.mark.parametrize(
    "text",
    [
        '{"trees": [{"parents": [0, 1, 1], "prob": 0.9}]}',
        '{"structures": [[0, 1, 1]]}',
        '{"parents": [0, 1, 1]}',
        "parent\tchild\n0\t1\n1\t2\n1\t3\n",
        "parent\tchild\tprobability\trelation\n0\t1\t1\tparent\n1\t2\t0.6\tparent\n3\t2\t0.4\tparent\n"
        "1\t3\t1\tparent\n0\t3\t1\tancestor\n",
    ],
)
def test_a_tree_is_read_from_any_of_its_forms(tmp_path, text):
    file = tmp_path / "tree"
    file.write_text(text, encoding="utf-8")
    assert read_tree(file) == [0, 1, 1]


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", '{"parents": ["a"]}', '{"trees": []}', "a\tb\n1\t2\n"),
        *("parent\tchild\n0\tx\n", "parent\tchild\n0\t2\n"),
    ],
)
def test_what_is_no_tree_is_refused_in_words(tmp_path, text):
    file = tmp_path / "tree"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="tree"):
        read_tree(file)


def test_a_missing_tree_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_tree(tmp_path / "none.json")
