"""From the posterior of a tree to its dates: clones found again in every draw, bounds, detection, the command."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from signature_case import SETTINGS  # noqa: F401  (specifications are read once)
from tree_posteriors import CHAIN, FORK, with_trees

from clonalbayes.cli import main
from clonalbayes.data.treatments import Treatment, add_treatments
from clonalbayes.faults import InputError
from clonalbayes.signatures.contexts import CONTEXTS
from clonalbayes.signatures.tables import read_reference
from clonalbayes.summaries import summarise
from clonalbayes.summaries.dating import date_fit, own_exposures
from clonalbayes.timing.posterior import (
    TreeDraws,
    branch_draws,
    clone_of_mutations,
    detection,
    evidence_of_presence,
    tree_draws,
)

DATES = ("2010-01-01", "2012-01-01")


def fitted(trees=(FORK, CHAIN), dates=DATES, contexts=True, absent=((1, 0),)):
    tree = with_trees(np.tile(np.array(trees), (2, 5, 1)), dates=None, absent=absent)
    rng = np.random.default_rng(2)
    held = tree["constant_data"].to_dataset()
    n = held.sizes["mutation"]
    if contexts:
        held["context"] = ("mutation", rng.choice(CONTEXTS, n))
        held["kind"] = ("mutation", np.where(np.arange(n) < n - 6, "snv", "indel"))
        held["context"][-10:-4] = ""
    held["date"] = ("specimen", list(dates))
    held = add_treatments(held, [Treatment("mercaptopurine", "2010-03-01", "2011-06-30")])
    tree["constant_data"] = held.reset_coords()
    return summarise(tree)


def test_clones_are_found_again_whatever_their_slots():
    consensus = np.array([1, 1, 1, 2, 2, 0, -1])
    assignment = np.array([[3, 3, 3, 0, 0, -1, -2], [0, 0, 1, 1, 1, 0, -2], [0, 0, 0, 0, 0, -1, -1]])
    found = clone_of_mutations(assignment, consensus, 2)
    assert found[0].tolist() == [0, 0, 0, 1, 1, -1, -1]
    assert found[1].tolist() == [0, 0, 1, 1, 1, 0, -1]
    assert found[2].tolist() == [0, 0, 0, 0, 0, -1, -1]


def test_draws_of_the_tree_become_counts_parents_and_bounds():
    tree = fitted()
    draws = tree_draws(tree, "2000-01-01", trees=8)
    consensus = tree["consensus"].to_dataset()
    assert draws.parent.shape == (8, 3)
    assert draws.counts.sum(axis=(1, 2)).tolist() == [int((np.asarray(consensus["clone"]) > 0).sum()) - 6] * 8
    assert draws.kinds.sum(axis=(1, 2)).tolist() == [60] * 8
    first, second = 3653.0, 4383.0
    present = consensus["presence"].values.reshape(-1, 3, 2)[0]
    expected = [first if present[k, 0] == 1 else second for k in range(3)]
    assert draws.bound[0].tolist() == expected
    assert second in expected
    assert draws.treatments[0].name == "mercaptopurine"
    assert len({tuple(row) for row in draws.parent.tolist()}) == 2


def test_a_presence_is_evidence_by_its_bayes_factor():
    rng = np.random.default_rng(4)
    draws, psi = 4000, 0.7
    presence = np.ones((draws, 4, 1), np.int8)
    for k, odds in ((1, 1.0), (2, 10.0)):  # of the reads for presence; the last clade lies in the second
        p = psi * odds / (psi * odds + 1.0 - psi)
        presence[:, k, 0] = rng.random(draws) < p
    presence[:, 3, 0] = presence[:, 1, 0] * (rng.random(draws) < psi)
    presence[:9, 3] = -1
    parent = np.tile([0, 1, 1, 2], (draws, 1))
    parent[:9, 3] = -1
    found = evidence_of_presence(presence, parent, np.full((draws, 1), psi))[:, 0]
    assert found == pytest.approx([1.0, 0.0, 0.9, 0.0], abs=0.06)
    assert found[0] == 1.0


def unsure(share, seed=5):
    """A fit in which the reads leave open whether the second clone is in the first sample."""
    tree = fitted(trees=(FORK,), absent=())
    k = int(np.argsort(np.bincount(tree["consensus"]["clone"].values.clip(0))[1:])[1])  # a leaf: the middle size
    held = tree["consensus"].to_dataset()
    state = held["presence"].values
    state[:, :, k, 0] = np.random.default_rng(seed).random(state.shape[:2]) < share
    tree["consensus"] = held
    return tree, k


def test_what_the_reads_leave_open_is_no_bound():
    first, second = 3653.0, 4383.0
    tree, k = unsure(0.5)
    assert tree["consensus"]["presence"].values[:, :, k, 0].any()  # the prior of being there is a half, too
    draws = tree_draws(tree, "2000-01-01", trees=10)
    assert (draws.bound[:, k] == second).mean() >= 0.8
    assert (np.delete(draws.bound, k, 1) == first).all()
    assert "A" not in draws.seen[k]
    tree, k = unsure(1.0)
    assert (tree_draws(tree, "2000-01-01", trees=10).bound == first).all()


def test_small_clones_are_detected_less():
    tree = fitted()
    chance = detection(tree, np.array([[[0.9, 0.9], [0.005, 0.0], [0.0, 0.0]]]))[0]
    assert chance[0] == pytest.approx(1.0, abs=1e-6)
    assert 0.05 < chance[1] < 0.5
    assert chance[2] == pytest.approx(0.0, abs=1e-9)
    whole = tree_draws(tree, "2000-01-01", callable_share=0.5)
    assert whole.detected.max() <= 0.5


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"dates": ("", "")}, "no sample has a date"),
        ({"dates": ("1999-01-01", "2012-01-01")}, "before the patient's origin"),
        ({"contexts": False}, "no mutation has a context"),
    ],
)
def test_what_is_missing_is_told(change, says):
    with pytest.raises(InputError, match=says):
        tree_draws(fitted(**change), "2000-01-01")


def test_a_fit_without_a_tree_is_refused():
    tree = fitted()
    tree["consensus"] = tree["consensus"].to_dataset().drop_vars("parent")
    with pytest.raises(InputError, match="no tree"):
        tree_draws(tree, "2000-01-01")


def test_the_command_dates_a_result(tmp_path, monkeypatch):
    from clonalbayes import results

    class Stored:
        tree = fitted()

    monkeypatch.setattr(results, "open_result", lambda folder: Stored)
    args = ["timing", str(tmp_path), "--out", str(tmp_path / "t"), "--origin", "2000-01-01", "--trees", "6"]
    assert main([*args, "--tune", "30", "--draws", "30", "--chains", "2", "--quiet"]) == 0
    table = pd.read_csv(tmp_path / "t" / "timing.tsv", sep="\t")
    assert set(table["kind"]) == {"node", "split"}
    assert "p_during mercaptopurine" in table
    branches = pd.read_csv(tmp_path / "t" / "branches.tsv", sep="\t")
    assert branches["indels_mean"].sum() == pytest.approx(2.0, abs=2.1)
    assert branches["snvs_mean"].sum() == pytest.approx(58.0, abs=2.1)
    assert json.loads((tmp_path / "t" / "run.json").read_text())["origin"] == "2000-01-01"


def test_a_result_takes_no_second_tree(tmp_path, capsys):
    assert main(["timing", str(tmp_path), "--out", str(tmp_path / "t"), "--tree", "x.tsv"]) == 2
    assert "its own trees" in capsys.readouterr().err


SHORT = {"chains": 2, "tune": 20, "draws": 10}


def test_a_fit_gets_dates_branches_and_words():
    part = date_fit(fitted(), origin="2000-01-01", trees=5, schedule=SHORT, seed=3)
    data = part.arrays["timing"]
    assert data["node_time"].dims == ("tree", "draw", "clone")
    assert data.sizes["tree"] == 5
    assert data.attrs["origin"] == "2000-01-01"
    assert list(data["signature"].values) == ["SBS1", "SBS5", "SBS87"]
    assert (data["node_time"].values >= 0).all()
    assert set(part.tables) == {"timing", "branches", "gates", "clock"}
    assert [row["branch"] for row in part.tables["branches"]] == ["1", "2", "3"]
    assert part.entry["dated"]
    assert part.entry["findings"][0].startswith("The lineages ")
    without = date_fit(fitted(), origin="2000-01-01", treatments=(), trees=5, schedule=SHORT)
    assert list(without.arrays["timing"]["signature"].values) == ["SBS1", "SBS5"]
    assert "gates" not in without.tables


def test_the_numbers_of_the_branches_follow_the_draws():
    tree = fitted()
    row = date_fit(tree, origin="2000-01-01", trees=5, schedule=SHORT).tables["branches"][0]
    draws = branch_draws(tree)
    snvs = draws.kinds[:, 0, 0]
    assert row["snvs_mean"] == pytest.approx(snvs[draws.parent[:, 0] >= 0].mean())
    assert row["snvs_lo"] <= row["snvs_mean"] <= row["snvs_hi"]
    by_signature = sum(row[f"{name}_mean"] for name in ("SBS1", "SBS5", "SBS87"))
    contexts = tree_draws(tree, "2000-01-01", trees=5).counts[:, 0].sum(1)
    assert by_signature == pytest.approx(contexts.mean(), abs=1e-9)


def test_dates_use_the_exposures_of_a_joint_fit():
    reference = read_reference()
    kept = [reference.names.index(name) for name in ("SBS1", "SBS5", "SBS87", "SBS18")]
    profiles = np.repeat(reference.values[kept][None], 4, 0)
    exposures = np.tile([0.1, 0.3, 0.2, 0.4], (4, 3, 1))
    parent = np.tile([0, 1, 1], (4, 1))
    counts = np.random.default_rng(1).poisson(300 * np.einsum("dkq,dqc->dkc", exposures, profiles))
    drawn = TreeDraws(
        parent, np.zeros((4, 3, 4), int), np.ones((4, 3)), parent[0], counts=counts, bound=np.full((4, 3), 900.0),
        signatures=("SBS1", "SBS5", "SBS87", "SBS18"), exposures=exposures, profiles=profiles,
    )  # fmt: skip
    left, given = own_exposures(drawn, ("SBS1", "SBS87"), seed=1)
    assert left.counts.sum() / counts.sum() == pytest.approx(0.3, abs=0.04)
    assert (left.counts <= counts).all()
    assert given[0].shape == (4, 3, 2)
    assert given[0][:, :, 1].sum() == pytest.approx(0.2 * counts.sum())
    everything, _ = own_exposures(drawn, drawn.signatures, seed=1)
    assert (everything.counts == counts).all()
    same, nothing = own_exposures(drawn, ("SBS1", "SBS31"), seed=1)
    assert same is drawn
    assert nothing is None


@pytest.mark.parametrize(
    ("change", "origin", "says"),
    [
        ({"dates": ("", "")}, "2000-01-01", "no sample has a date"),
        ({"contexts": False}, "2000-01-01", "no mutation has a context"),
        ({}, "", "origin is not known"),
    ],
)
def test_a_fit_that_cannot_be_dated_says_why_and_counts_its_branches(change, origin, says):
    part = date_fit(fitted(**change), origin=origin)
    assert not part.entry["dated"]
    assert says in part.entry["findings"][0]
    assert set(part.tables) == {"branches"}
    kinds = [name for name in ("snvs", "other") if f"{name}_mean" in part.tables["branches"][0]]
    assert sum(row[f"{name}_mean"] for row in part.tables["branches"] for name in kinds) > 50


def test_a_fit_without_a_tree_says_so():
    tree = fitted()
    tree["consensus"] = tree["consensus"].to_dataset().drop_vars("parent")
    part = date_fit(tree, origin="2000-01-01")
    assert "no tree" in part.entry["findings"][0]
    assert not part.tables
