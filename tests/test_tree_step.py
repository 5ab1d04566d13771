"""The step method of the tree model: points and states, its moves by the model's density, what PyMC picks."""

from __future__ import annotations

from types import SimpleNamespace

import clone_model_twin
import numpy as np
import pytest
import tree_twin as twin
from scipy.special import gammaln
from test_tree_model import KNOWN, dataset

import clonalbayes

pm = pytest.importorskip("pymc")

from pymc.sampling.mcmc import assign_step_methods  # noqa: E402

from clonalbayes.steps import TreeStep  # noqa: E402
from clonalbayes.steps.tree_step import TREE_TAG, tree_to_point, tree_to_state  # noqa: E402

MODE = "FAST_COMPILE"


@pytest.fixture(scope="module")
def case():
    """A model of awkward data, and points along a chain with the statistics of their sweeps."""
    ds = dataset(3)
    model = clonalbayes.build_model(ds, "tree")
    with model:
        step = TreeStep(model.value_vars)
    step.setup_chain(np.random.default_rng(2), 20, 100)
    point, points, stats = model.initial_point(), [], []
    for t in range(400):
        point, (row,) = step.step(point)
        if t >= 250 and t % 3 == 0:
            points.append(point)
            stats.append(row)
    return SimpleNamespace(ds=ds, model=model, step=step, points=points, stats=stats)


def test_the_kernels_lp_is_the_models_density(case):
    logp = case.model.compile_logp(mode=MODE)
    gaps = []
    for point, row in zip(case.points, case.stats, strict=True):
        slots, clones = len(point["parent"]), row["n_clones"]
        on_logs = ("precision", "error_rate", "fraction_concentration", "fraction_concentration_median")
        value = float(logp(point)) + sum(np.log(point[name]).sum() for name in on_logs)
        value += gammaln(slots + 1.0) - gammaln(slots - clones + 1.0)  # kernels forget the labels of slots
        gaps.append(row["lp"] - value)
    assert np.isfinite(gaps).all()
    assert np.ptp(gaps) < 1e-4  # kernels leave constants out


def test_the_chain_moves_and_keeps_to_the_support(case):
    assert len({tuple(point["parent"]) for point in case.points}) > 1
    assert len({row["n_clones"] for row in case.stats}) > 1
    for point, row in zip(case.points, case.stats, strict=True):
        used = np.flatnonzero(point["parent"] >= 0)
        assert len(used) == row["n_clones"]
        assert twin.is_tree(tuple(int(p) for p in point["parent"][used]))
        assert point["clone_fraction"].sum(axis=0) == pytest.approx(np.ones(3))


def test_a_point_becomes_a_state_and_the_same_point_again(case):
    arrays = case.step._ready()
    rng = np.random.default_rng(2)
    for point in case.points[::10]:
        tree_to_state(case.step.block, point, arrays.state)
        again = tree_to_point(case.step.block, arrays.state)
        assert set(again) == set(point)
        for name, value in again.items():
            assert np.allclose(value, point[name]), name
        order = rng.permutation(len(point["parent"]))
        moved = {name: np.array(value) for name, value in point.items()}
        moved["parent"][order] = np.where(point["parent"] > 0, order[point["parent"] - 1] + 1, point["parent"])
        moved["presence"][order] = point["presence"]
        moved["clone_fraction"][1 + order] = point["clone_fraction"][1:]
        moved["assignment"] = np.where(point["assignment"] >= 0, order[point["assignment"]], point["assignment"])
        kept = arrays.state.ccf[: arrays.state.n_clones[0]].copy()
        tree_to_state(case.step.block, moved, arrays.state)
        mine = arrays.state.ccf[: arrays.state.n_clones[0]]
        assert sorted(map(tuple, mine.round(9))) == sorted(map(tuple, kept.round(9)))


def test_prevalences_of_a_state_are_those_of_the_twin(case):
    state = case.step._ready().state
    point = case.points[-1]
    tree_to_state(case.step.block, point, state)
    clones = int(state.n_clones[0])
    parent = np.where(state.parent[:clones] == len(state.parent), 0, state.parent[:clones] + 1)
    fraction = np.vstack([state.fraction[-1], state.fraction[:clones]])
    assert state.ccf[:clones] == pytest.approx(twin.prevalences(tuple(map(int, parent)), fraction))


def test_a_chain_repeats_and_leaves_its_arrays_behind(case):
    assert case.step.__getstate__()["_arrays"] is None
    drawn, step = [], case.step
    for _ in range(2):
        step.setup_chain(np.random.default_rng(5), 5, 5)
        point = case.model.initial_point()
        for _ in range(3):
            point, _ = step.step(point)
        drawn.append(point)
    assert all(np.array_equal(drawn[0][name], drawn[1][name]) for name in drawn[0])


def test_pymc_picks_the_step_for_all_variables(case):
    _, chosen = assign_step_methods(case.model, None)
    assert list(chosen) == [TreeStep]
    assert len(chosen[TreeStep]) == len(case.model.free_RVs)


def test_the_step_refuses_other_variables(case):
    with case.model, pytest.raises(ValueError, match="all variables of one tree model"):
        TreeStep(case.model.value_vars[:3])


def test_a_model_with_constraints_is_not_sampled_by_a_step_that_ignores_them(tmp_path):
    path = tmp_path / "known.toml"
    path.write_text(KNOWN, encoding="utf-8")
    model = clonalbayes.build_model(dataset(0), path)
    assert not any(hasattr(variable.tag, TREE_TAG) for variable in model.free_RVs)


def test_without_aberrant_copy_number_there_is_no_purity_to_step():
    model = clonalbayes.build_model(clone_model_twin.dataset(plain=True), "tree")
    assert "read_purity" not in model.named_vars
    with model:
        step = TreeStep(model.value_vars)
    point, (stats,) = step.step(model.initial_point())
    assert np.isfinite(stats["lp"])
    assert "read_purity" not in point
