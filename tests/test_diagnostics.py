"""Convergence: the published formulas, what is watched, and what is said about it."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from posteriors import dataset, known, posterior

from clonalbayes.summaries import convergence, diagnose, summarise, verdict
from clonalbayes.summaries import diagnostics as judged


def autoregressive(rng, chains, draws, rho):
    out = rng.normal(size=(chains, draws))
    for t in range(1, draws):
        out[:, t] += rho * out[:, t - 1]
    return out


def series():
    """Draws of every kind that a sampler makes, by name."""
    rng = np.random.default_rng(0)
    return {
        "independent": rng.normal(size=(4, 100)),
        "odd number": rng.normal(size=(3, 101)),
        "slow": autoregressive(rng, 4, 500, 0.9),
        "antithetic": autoregressive(rng, 4, 400, -0.7),
        "counts": rng.poisson(3.0, (4, 200)).astype(float),
        "binary": (rng.random((4, 250)) < 0.1).astype(float),
        "rare": (rng.random((4, 250)) < 0.01).astype(float),
        "apart": rng.normal(size=(4, 100)) + np.arange(4)[:, None],
        "other spread": rng.normal(size=(4, 100)) * np.array([1.0, 1.0, 1.0, 9.0])[:, None],
        "heavy tails": rng.standard_cauchy((4, 300)),
        "few": rng.normal(size=(2, 4)),
        "many chains": rng.normal(size=(20, 30)),
        "drifting": rng.normal(size=(2, 200)) + np.linspace(0, 3, 200),
        "random walk": rng.normal(size=(2, 300)).cumsum(1),
    }


@pytest.mark.parametrize("name", list(series()))
def test_same_numbers_as_arviz(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what other packages warn of when they are imported is not ours
        stats = pytest.importorskip("arviz_stats.base").array_stats
    draws = series()[name]
    axes = {"chain_axis": 0, "draw_axis": 1}
    assert convergence.rhat(draws) == pytest.approx(float(stats.rhat(draws, **axes)), rel=1e-10)
    assert convergence.ess_bulk(draws) == pytest.approx(float(stats.ess(draws, **axes)), rel=1e-10)
    tail = float(stats.ess(draws, method="tail", prob=(0.05, 0.95), **axes))
    assert convergence.ess_tail(draws) == pytest.approx(tail, rel=1e-10)


def test_scores_are_normal_quantiles_of_mean_ranks():
    from statistics import NormalDist

    scores = convergence._normal_scores(np.array([[3.0, 1.0], [3.0, 2.0]]))
    quantile = NormalDist().inv_cdf
    expected = [quantile((rank - 0.375) / 4.25) for rank in (3.5, 1.0, 3.5, 2.0)]
    assert scores.ravel() == pytest.approx(expected, rel=1e-12)


def test_what_never_changes_has_converged():
    still = np.full((4, 50), 7.0)
    assert convergence.rhat(still) == 1.0
    assert convergence.ess_bulk(still) == convergence.ess_tail(still) == 200


def test_chains_stuck_at_different_values_are_seen():
    stuck = np.repeat([[1.0], [2.0]], 50, axis=1)
    assert convergence.rhat(stuck) == np.inf


@pytest.mark.parametrize("draws", [50, 250, 1000, 1001])
def test_rounding_is_no_variance(draws):
    assert convergence.rhat(np.repeat([[1.0], [1.0], [0.0], [0.0]], draws, axis=1)) == np.inf
    assert convergence.rhat(np.repeat([[1.0], [0.0], [0.0], [0.0]], draws, axis=1)) == np.inf


@pytest.mark.parametrize("draws", [np.zeros((1, 100)), np.zeros((4, 3)), np.array([[np.nan] * 9] * 2)])
def test_what_cannot_be_judged_is_nan(draws):
    assert np.isnan(convergence.rhat(draws))


# --- what is watched -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def summary():
    return summarise(known(chains=4, draws=100, errors=0.1)[0])


def test_quantities_are_label_free(summary):
    rng = np.random.default_rng(9)
    tree, *_ = known(chains=4, draws=100, errors=0.1)
    raw = tree["posterior"]
    labels, phi = raw["assignment"].values, raw["cellular_prevalence"].values
    for c in range(4):
        for d in range(100):
            order = rng.permutation(phi.shape[2])
            phi[c, d, order] = phi[c, d].copy()
            raw["presence"].values[c, d, order] = raw["presence"].values[c, d].copy()
            labels[c, d] = np.where(labels[c, d] >= 0, order[np.maximum(labels[c, d], 0)], labels[c, d])
    first = dict(judged.quantities(summary))
    second = dict(judged.quantities(summarise(tree)))
    assert list(first) == list(second)
    for name, draws in first.items():
        assert np.array_equal(draws, second[name]), name


def test_what_is_watched(summary):
    names = [name for name, _ in judged.quantities(summary)]
    assert names[:6] == ["n_clones", "n_noise", "n_germline", "log_likelihood", "lp", "log_concentration"]
    for sample in "AB":
        for stem in ("log_precision", "log_error_rate", "purity", "cn_clonal_fraction"):
            assert f"{stem}[{sample}]" in names
    assert len(names) == len(set(names))
    assert 0 < sum(name.startswith("together[") for name in names) <= judged.PAIRS
    watched = sum(name.startswith("prevalence[") for name in names)
    assert 3 <= watched <= judged.PREVALENCES + judged.UNSURE


def test_pairs_are_informative(summary):
    for name, draws in judged.quantities(summary):
        if name.startswith("together["):
            assert 0.0 < draws.mean() < 1.0


def test_prevalence_of_a_mutation_follows_its_clone():
    tree, truth, profile = known()
    draws = judged.prevalence_of(tree["posterior"], 0)
    assert np.abs(draws - 0.8 * profile[0]).max() < 0.05
    assert (judged.prevalence_of(tree["posterior"], int(np.flatnonzero(truth < 0)[0])) == 0).all()


def test_a_posterior_without_clones_is_judged():
    table = diagnose(summarise(posterior(np.full((2, 20, 4), -1), None, dataset(4))))
    assert table.set_index("quantity").loc["n_clones", "verdict"] == "converged"


# --- what is said ----------------------------------------------------------------------------------------


def judge(chains=4, draws=1000, **changed):
    """The diagnosis of a good run in which some quantities are replaced."""
    rng = np.random.default_rng(3)
    tree, *_ = known(chains=chains, draws=draws, sizes=(3, 2))
    for name, values in changed.items():
        group = "posterior" if name in tree["posterior"] else "sample_stats"
        tree[group][name].values[...] = values(rng)
    return diagnose(summarise(tree))


def test_a_good_run():
    table = judge()
    assert list(table) == ["quantity", "rhat", "ess_bulk", "ess_tail", "verdict"]
    assert set(table["verdict"]) == {"converged"}
    assert verdict(table) == table.attrs["verdict"] == "converged"


def test_chains_that_disagree():
    table = judge(draws=500, lp=lambda rng: rng.normal(size=(4, 500)) + 9 * np.arange(4)[:, None])
    said = table.set_index("quantity").loc["lp", "verdict"]
    assert said.startswith("chains disagree")
    assert "--tune" in said
    assert "lp: R-hat" in verdict(table)


def test_a_slow_quantity_asks_for_more_draws():
    table = judge(lp=lambda rng: autoregressive(rng, 4, 1000, 0.97)).set_index("quantity")
    said = table.loc["lp", "verdict"]
    assert said.split(":")[0] in (
        "not converged, chains differ by more than chance",
        "too few independent draws",
    )
    asked = int(said.rsplit(" ", 1)[1])
    assert asked * table.loc["lp", "ess_bulk"] / 1000 >= 400
    assert asked <= 10 * 1000


def test_all_verdicts_ask_for_the_same_number_of_draws():
    table = judge(
        draws=300,
        lp=lambda rng: autoregressive(rng, 4, 300, 0.95),
        log_likelihood=lambda rng: autoregressive(rng, 4, 300, 0.8),
    )
    asked = {said.rsplit(" ", 1)[1] for said in table["verdict"] if "--draws" in said}
    assert len(asked) == 1


def test_one_chain_and_few_draws():
    assert set(judge(chains=1, draws=50)["verdict"]) == {
        "one chain cannot show that it has converged: run with --chains 4"
    }
    short = judge(chains=2, draws=3)
    assert set(short["verdict"]) == {"too few draws to judge: run with --draws 1000"}
    assert verdict(short) == short["verdict"].iloc[0]


def test_tails_are_judged_apart():
    row = {"quantity": ["a"], "rhat": [1.0], "ess_bulk": [900.0], "ess_tail": [100.0], "apart": [False]}
    table = pd.DataFrame(row)
    assert judged.kinds(table, 4, 1000) == ["tail"]
    said = judged._advice(table, 4, 1000, {})["tail"]
    assert said == "too few draws for the ends of the intervals: run with --draws 5000"


@pytest.mark.parametrize(("column", "kind"), [("rhat", "rhat"), ("ess_bulk", "ess"), ("ess_tail", "tail")])
def test_a_number_that_is_none_is_not_convergence(column, kind):
    row = {"quantity": ["a"], "rhat": [1.0], "ess_bulk": [900.0], "ess_tail": [900.0], "apart": [False]}
    assert judged.kinds(pd.DataFrame(row), 4, 1000) == ["converged"]
    assert judged.kinds(pd.DataFrame(row | {column: [np.nan]}), 4, 1000) == [kind]


def test_chains_are_apart_where_two_hardly_overlap():
    rng = np.random.default_rng(1)
    slow = rng.normal(size=(4, 200)) + np.array([0.0, 0.3, 0.9, 1.2])[:, None]
    stuck = rng.normal(size=(4, 200)) + np.array([0.0, 0.0, 0.0, 3.0])[:, None]
    assert convergence.rhat(slow) > judged.APART / 1.1
    assert judged.least_overlap(slow) > judged.OVERLAP > judged.least_overlap(stuck)
    assert judged.least_overlap(stuck[:, ::-1]) == judged.least_overlap(stuck)
    assert judged.least_overlap(np.ones((3, 5))) == 1.0
    assert judged.least_overlap(np.arange(3.0)[:, None] + np.zeros((3, 5))) == 0.0


def test_the_sentence_names_the_worst_quantity():
    table = pd.DataFrame(
        {
            "quantity": ["a", "b", "c"],
            "rhat": [1.0, 1.04, 1.02],
            "ess_bulk": [900.0, 90.0, 300.0],
            "ess_tail": [900.0] * 3,
            "verdict": ["converged", "not converged: run on", "not converged: run on"],
        }
    )
    assert verdict(table) == "not converged: run on (b: R-hat 1.04, 90 effective draws, and 1 of 2 others)"


def test_no_heavy_import_is_needed():
    import subprocess
    import sys

    heavy = ("pymc", "arviz", "arviz_stats")
    code = f"import clonalbayes.summaries, sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
