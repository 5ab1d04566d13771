"""Draws from the tree model's prior: their laws, one by one, against the slow twin's densities."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import tree_twin as twin
from scipy import stats

from clonalbayes import specs
from clonalbayes.genotypes import beta_grid
from clonalbayes.simulate import CopyState, Design, simulate_prior
from clonalbayes.simulate.prior_tree import (
    CONCENTRATION_RANGE,
    depth_of,
    draw_clones,
    draw_concentrations,
    draw_fractions,
    draw_presence,
    draw_purities,
    draw_tree,
)

SPEC = specs.load("tree")
DRAWS = 8000


@pytest.mark.parametrize(("clones", "weight"), [(1, 0.3), (2, 0.3), (3, 0.3), (3, 1.0)])
def test_trees_are_drawn_with_their_chances(clones, weight):
    rng = np.random.default_rng(1)
    seen = Counter(tuple(int(p) for p in draw_tree(clones, weight, rng)) for _ in range(DRAWS))
    possible = list(twin.trees(clones))
    assert set(seen) <= set(possible)
    expected = DRAWS * np.exp([twin.tree_log_prior(parent, weight) for parent in possible])
    gaps = np.array([seen[parent] for parent in possible]) - expected
    assert stats.chi2.sf((gaps**2 / expected).sum(), max(len(possible) - 1, 1)) > 1e-3


def test_no_clones_are_a_tree_too():
    rng = np.random.default_rng(1)
    drawn = draw_clones(0, 2, SPEC, rng)
    assert drawn.fraction.tolist() == [[1.0, 1.0]]
    assert drawn.parameters["purity"].tolist() == [0.0, 0.0]
    assert depth_of(drawn.parent) == 0
    assert depth_of(np.array([2, 0, 1])) == 3


def test_presence_has_the_chances_of_the_twin():
    rng, parent, psi = np.random.default_rng(2), np.array([0, 1, 1, 2]), 0.6
    drawn = draw_presence(parent, np.full(DRAWS, psi), rng)
    for there, seen in Counter(map(tuple, drawn.T.tolist())).items():
        wanted = math.exp(twin.presence_log_prior(tuple(parent), there, psi))
        assert seen / DRAWS == pytest.approx(wanted, abs=4.5 * math.sqrt(wanted / DRAWS))


@pytest.mark.parametrize("a", [0.02, 0.5, 4.0])
def test_fractions_are_dirichlet_over_what_is_there(a):
    presence = np.tile(np.array([[1], [0], [1]]), DRAWS)
    drawn = draw_fractions(presence, np.full(DRAWS, a), np.random.default_rng(3))
    assert (drawn[2] == 0.0).all()
    assert (drawn[[0, 1, 3]] > 0.0).all()
    assert drawn.sum(axis=0) == pytest.approx(np.ones(DRAWS))
    law = stats.beta(a, 2 * a)
    for row in drawn[[0, 1, 3]]:
        assert row.mean() == pytest.approx(1 / 3, abs=4.5 * law.std() / math.sqrt(DRAWS))
        assert (row > 0.5).mean() == pytest.approx(law.sf(0.5), abs=4.5 * 0.5 / math.sqrt(DRAWS))


def test_concentrations_are_lognormal_around_a_lognormal():
    rng = np.random.default_rng(4)
    drawn = np.array([np.append(*draw_concentrations(2, SPEC, rng)) for _ in range(4000)])
    centre = np.log(drawn[:, 2])
    assert centre.mean() == pytest.approx(math.log(0.3), abs=0.1)
    assert (np.log(drawn[:, 0]) - centre).std() == pytest.approx(0.5, abs=0.03)
    assert ((drawn[:, :2] > CONCENTRATION_RANGE[0]) & (drawn[:, :2] < CONCENTRATION_RANGE[1])).all()


def test_purities_are_around_what_the_normal_cells_leave():
    rng, linked = np.random.default_rng(5), np.array([True, False])
    drawn = [draw_purities(np.array([0.7, 0.4]), linked, 0.05, 0.01, rng) for _ in range(4000)]
    seen, stated = (np.array([d[j] for d in drawn if d is not None]) for j in range(2))
    assert seen[:, 0].std() == pytest.approx(0.01, rel=0.1)
    assert (seen[:, 1] == 0.5).all()
    assert stated.mean(axis=0) == pytest.approx([0.7, 0.4], abs=0.004)
    assert stated.std(axis=0) == pytest.approx([math.hypot(0.05, 0.01)] * 2, rel=0.1)
    refused = [draw_purities(np.array([0.7, 1.0]), np.array([True, True]), 0.0, 0.01, rng) is None for _ in range(400)]
    assert 0.4 < np.mean(refused) < 0.6


CLASSES = ((CopyState(), CopyState()), (CopyState(2, 1), CopyState()), (CopyState(var_read_prob=0.4), CopyState()))


def test_a_simulated_patient_hangs_together():
    several = 0
    for seed in range(25):
        simulation = simulate_prior(Design(30, 2, classes=CLASSES, min_alt=2), "tree", seed=seed)
        truth, p = simulation.truth, simulation.truth.parameters
        clones = len(truth.parent)
        several += clones > 2
        assert twin.is_tree(tuple(int(v) for v in truth.parent))
        assert sorted({int(z) for z in truth.assignment if z >= 0}) == list(range(clones))
        phi = twin.prevalences(tuple(int(v) for v in truth.parent), p["clone_fraction"])
        assert truth.ccf * p["purity"] == pytest.approx(phi, abs=1e-9)
        assert p["clone_fraction"].sum(axis=0) == pytest.approx(np.ones(2))
        assert 0.0 < p["read_purity"][0] <= 1.0
        assert np.isfinite(p["log_likelihood"])
        stated = simulation.dataset["purity"].values
        assert np.abs(stated - p["purity"]).max() < 0.3
        assert simulation.dataset["alt_count"].values.max(axis=1).min() >= 2
        assert len(simulation.truth_table()["parent"]) == clones
    assert several > 2


def test_the_log_likelihood_is_that_of_the_twin():
    for seed in range(6):
        simulation = simulate_prior(Design(20, 2, classes=CLASSES[:2], min_alt=1), "tree", seed=seed)
        truth, q, ds = simulation.truth, simulation.truth.parameters, simulation.dataset
        p = twin.TreeParameters(q["present_prob"], q["fraction_concentration"], q["precision"], q["error_rate"],
                                q["cn_clonal_fraction"])  # fmt: skip
        mine = twin.log_likelihood(
            ds, p, truth.assignment, truth.multiplicity, truth.ccf * q["purity"], q["read_purity"], beta_grid(1.0, 9.0)
        )
        assert q["log_likelihood"] == pytest.approx(mine, abs=1e-4)


def test_without_a_stated_purity_the_data_say_so():
    ds = simulate_prior(Design(purity_sd=0.0), "tree", seed=1).dataset
    assert np.isnan(ds["purity_sd"].values).all()
    assert (ds["purity"].values == 1.0).all()


def test_the_seed_decides():
    one, two, other = (simulate_prior(Design(), "tree", seed=seed).dataset for seed in (3, 3, 4))
    assert one.equals(two)
    assert not one.equals(other)
