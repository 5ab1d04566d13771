"""The tree model as a pm.Model: its density against the slow twin, its forward draws against the stated laws."""

from __future__ import annotations

import itertools
import math
import warnings
from types import SimpleNamespace

import clone_model_twin
import numpy as np
import pytest
import tree_twin as twin
from scipy import stats
from scipy.special import gammaln

import clonalbayes
from clonalbayes import specs
from clonalbayes.faults import InputError
from clonalbayes.genotypes import beta_grid

pm = pytest.importorskip("pymc")
pytensor = pytest.importorskip("pytensor")

import pytensor.tensor as pt  # noqa: E402
from pytensor.tensor.random.variable import shared_rng  # noqa: E402

from clonalbayes.model import draws, predictive, tree  # noqa: E402

MODE = "FAST_COMPILE"  # runs in Python: compiling to machine code costs a minute and tests nothing of ours
SPEC = specs.load("tree")
KNOWN = """
extends = "tree"
name = "known"
[[constraints]]
must_precede = ["m0", "m1"]
[[constraints]]
same_clone = ["m2", "m0"]
[[constraints]]
absent_in = { mutation = "m1", samples = ["relapse"] }
"""


def dataset(min_alt):
    """Awkward data: gains, losses, a given read probability, missing counts; a sample without a purity."""
    ds = clone_model_twin.dataset(min_alt=min_alt)
    ds["major_cn"].values[3::5, 0], ds["minor_cn"].values[3::5, 0] = 3, 0
    ds["total_cn"].values[3::5, 0] = -1
    return ds


def points_of(drawn, model):
    """Points of the free variables, one a draw."""
    prior = drawn.prior.dataset.isel(chain=0)
    names = [variable.name for variable in model.free_RVs]
    return [
        {name: np.asarray(prior[name].isel(draw=d).values) for name in names} for d in range(prior.sizes["draw"])
    ]


def observed_of(ds):
    """Purity and its sd of every sample; NaN where a purity of 1 came without an error."""
    sd = ds["purity_sd"].values
    unknown = np.isnan(sd) & (ds["purity"].values == 1.0)
    sd = np.where(np.isnan(sd), SPEC.value("purity", "sd"), sd)
    return np.where(unknown[:, None], np.nan, np.stack([ds["purity"].values, sd], axis=1))


def parameters_of(ds, point):
    """What the twin holds, from a point."""
    return twin.TreeParameters(
        point["present_prob"], point["fraction_concentration"], point["precision"], point["error_rate"],
        point["cn_clonal_fraction"], observed_of(ds), float(point["concentration"]), SPEC.vector("component_weight"),
        SPEC.constant("founder_weight"), SPEC.constant("purity_slack"),
    )  # fmt: skip


def whole_logp(ds, point):
    """Log of the whole joint density at a point, by the twin."""
    z, slots = point["assignment"], len(point["parent"])
    used = np.unique(z[z >= 0])
    number = {0: 0} | {int(slot) + 1: 1 + k for k, slot in enumerate(used)}
    if any(int(p) not in number for p in point["parent"][used]):
        return -math.inf
    p = parameters_of(ds, point)
    fraction = point["clone_fraction"][[0, *(1 + used)]]
    purity = 1.0 - fraction[0]
    linked = [s for s in range(3) if twin.needs_purity(ds, s)]
    purity[linked] = point["read_purity"]
    options = [clone_model_twin.genotypes(ds, i) for i in range(len(z))]
    total = twin.log_joint(
        ds, p, [int(np.searchsorted(used, v)) if v >= 0 else int(v) for v in z],
        [number[int(v)] for v in point["parent"][used]], point["presence"][used], fraction, purity,
        np.array([o[g] for o, g in zip(options, point["genotype"], strict=True)]), [len(o) for o in options],
        beta_grid(1.0, 9.0),
    )  # fmt: skip
    total += twin.hyper_log_prior(p, float(point["fraction_concentration_median"]), float(point["present_prob_mean"]))
    total += gammaln(slots - len(used) + 1) - gammaln(slots + 1)
    total += stats.gamma.logpdf(point["concentration"], 1.0, scale=0.1)
    total += stats.lognorm(1.2, scale=500.0).logpdf(point["precision"]).sum()
    error = stats.lognorm(0.7, scale=1.5e-4)
    total += (error.logpdf(point["error_rate"]) - error.logcdf(0.05)).sum()
    return float(total + stats.beta(10.0, 1.0).logpdf(point["cn_clonal_fraction"]).sum())


@pytest.fixture(scope="module", params=[3, 0], ids=["called", "uncalled"])
def case(request):
    """A model of awkward data, its compiled density, and random points of positive prior density."""
    ds = dataset(request.param)
    model = clonalbayes.build_model(ds, "tree")
    drawn = predictive.sample_prior(model, 30, seed=11)
    points = points_of(drawn, model)
    return SimpleNamespace(ds=ds, model=model, drawn=drawn, points=points, logp=model.compile_logp(mode=MODE))


def test_the_density_is_that_of_the_twin(case):
    values = np.array([[case.logp(point), whole_logp(case.ds, point)] for point in case.points])
    assert np.isfinite(values).all()
    assert np.abs(values[:, 0] - values[:, 1]).max() < 1e-6 * max(1.0, np.abs(values).max() / 1e3)


def test_draws_have_several_clones_trees_and_absences(case):
    # Otherwise the comparison of densities says little.
    parents = [tuple(point["parent"][point["parent"] >= 0]) for point in case.points]
    assert max(map(len, parents)) >= 3
    assert any(0 < parent.count(0) < len(parent) for parent in parents)
    assert any((point["presence"][point["parent"] >= 0] == 0).any() for point in case.points)


def test_the_start_has_positive_density_and_no_clones(case):
    start = case.model.initial_point()
    assert (start["assignment"] == -1).all()
    assert (start["parent"] == tree.UNUSED).all()
    assert case.logp(start) == pytest.approx(whole_logp(case.ds, start), abs=1e-6)


def test_coords_and_variables_are_named(case):
    assert case.model.coords["population"][:2] == ("normal", "0")
    assert {"observed_purity", "alt_count", "admissible"} == {v.name for v in case.model.observed_RVs}
    assert case.model.named_vars_to_dims["clone_fraction"] == ("population", "specimen")
    assert case.model.coords["aberrant_specimen"] == ("diagnosis", "relapse")
    assert case.model.coords["stated_specimen"] == ("diagnosis", "relapse")


def test_prevalences_are_sums_over_subtrees_that_keep_to_the_pigeonhole(case):
    prior = case.drawn.prior.dataset.isel(chain=0)
    for d, point in enumerate(case.points):
        used = np.flatnonzero(point["parent"] >= 0)
        phi = prior["cellular_prevalence"].isel(draw=d).values
        assert np.isnan(np.delete(phi, used, axis=0)).all()
        for k in used:
            children = np.flatnonzero(point["parent"] == k + 1)
            wanted = point["clone_fraction"][1 + k] + phi[children].sum(axis=0)
            assert phi[k] == pytest.approx(wanted, abs=1e-9)
        founders = np.flatnonzero(point["parent"] == 0)
        assert prior["purity"].isel(draw=d).values == pytest.approx(phi[founders].sum(axis=0), abs=1e-9)


def chain_of_two(point):
    """The point with two clones in slots 0 and 1, the second below the first and absent from the third sample."""
    moved = {name: np.array(value) for name, value in point.items()}
    moved["assignment"][:] = np.arange(len(moved["assignment"])) % 2
    moved["parent"][:], moved["presence"][:], moved["clone_fraction"][:] = tree.UNUSED, 0, 0.0
    moved["parent"][:2], moved["presence"][:2] = [0, 1], [[1, 1, 1], [1, 1, 0]]
    moved["clone_fraction"][:3] = [[0.3, 0.3, 0.3], [0.3, 0.2, 0.7], [0.4, 0.5, 0.0]]
    moved["read_purity"][:] = 0.7
    return moved


def test_density_is_zero_off_the_support(case):
    def value(**changes):
        point = chain_of_two(case.points[0])
        for name, (place, new) in changes.items():
            point[name][place] = new
        return case.logp(point)

    assert np.isfinite(value())
    assert np.isfinite(value(parent=(slice(0, 2), [2, 0]), presence=(slice(0, 2), [[1, 1, 0], [1, 1, 1]]),
                             clone_fraction=(slice(1, 3), [[0.4, 0.5, 0.0], [0.3, 0.2, 0.7]])))  # fmt: skip
    for parents in ([2, 1], [1, 0], [0, -1], [0, 3], [0, 99], [3, 0]):
        assert value(parent=(slice(0, 2), parents)) == -np.inf, parents
    assert value(parent=(5, 0)) == -np.inf  # a slot without members in the tree
    assert value(presence=((0, 2), 0)) == -np.inf  # cells in an absent clone
    assert value(presence=((0, 0), 2)) == -np.inf
    assert value(presence=((7, 0), 1)) == -np.inf
    assert value(parent=(slice(0, 2), [2, 0])) == -np.inf  # a present child of an absent clone
    assert value(clone_fraction=((0, 0), 0.4)) == -np.inf  # more cells than there are
    assert value(clone_fraction=((1, 0), 0.0)) == -np.inf
    assert value(read_purity=(0, 1.01)) == -np.inf
    assert value(assignment=(0, -3)) == -np.inf


def test_labels_of_slots_are_exchangeable(case):
    rng = np.random.default_rng(3)
    for point in case.points[:8]:
        order = rng.permutation(len(point["parent"]))
        moved = {name: np.array(value) for name, value in point.items()}
        moved["parent"][order] = np.where(point["parent"] > 0, order[point["parent"] - 1] + 1, point["parent"])
        moved["presence"][order] = point["presence"]
        moved["clone_fraction"][1 + order] = point["clone_fraction"][1:]
        moved["assignment"] = np.where(point["assignment"] >= 0, order[point["assignment"]], point["assignment"])
        assert case.logp(moved) == pytest.approx(case.logp(point), abs=1e-9)


def test_constraints_are_conditions_on_the_prior(tmp_path):
    path = tmp_path / "known.toml"
    path.write_text(KNOWN, encoding="utf-8")
    model = clonalbayes.build_model(dataset(0), path)
    with model:
        forward = pm.sample_prior_predictive(
            draws=1500, random_seed=4, compile_kwargs={"mode": MODE},
            var_names=["assignment", "parent", "presence", "read_purity", "admissible"],
        )  # fmt: skip
    prior = forward.prior.dataset.isel(chain=0)
    seen = []
    for d in range(1500):
        z, parent = (prior[name].values[d] for name in ("assignment", "parent"))
        first, second, third = (int(v) for v in z[:3])
        met = bool(((prior["read_purity"].values[d] > 0) & (prior["read_purity"].values[d] <= 1)).all())
        if met and min(first, second, third) >= 0:
            above = [second + 1]
            while above[-1] > 0:
                above.append(int(parent[above[-1] - 1]))
            met = first == third and first + 1 in above and prior["presence"].values[d, second, 1] == 0
        else:
            met = False
        seen.append(met)
    assert 3 < sum(seen) < 1000
    assert forward.prior_predictive["admissible"].values[0].astype(bool).tolist() == seen


def test_constraints_on_unknown_mutations_are_faults(tmp_path):
    path = tmp_path / "known.toml"
    path.write_text(KNOWN.replace('"m1"', '"m77"'), encoding="utf-8")
    with pytest.raises(InputError, match="m77"):
        clonalbayes.build_model(dataset(0), path)


def test_without_copy_number_and_purity_there_are_no_variables_for_them():
    ds = clone_model_twin.dataset(plain=True).assign_coords(
        purity=("specimen", np.ones(3)), purity_sd=("specimen", np.full(3, np.nan))
    )
    names = clonalbayes.build_model(ds, "tree").named_vars
    assert "read_purity" not in names
    assert "observed_purity" not in names
    assert "purity" in names


# ---- the laws, one by one


@pytest.mark.parametrize(("slots", "used"), [(3, (0, 1, 2)), (4, (0, 2, 3)), (3, ()), (2, (1,))])
def test_parents_have_the_chances_of_the_tree_prior(slots, used):
    sizes = np.zeros(slots, int)
    sizes[list(used)] = 2
    value = pt.lvector()
    logp = pytensor.function([value], pm.logp(tree.Parent.dist(sizes, 0.3), value), mode=MODE)
    states = list(itertools.product(range(-1, slots + 1), repeat=slots))
    chance = {state: math.exp(logp(np.array(state))) for state in states}
    assert sum(chance.values()) == pytest.approx(1.0)
    for parent in twin.trees(len(used)):
        state = np.full(slots, -1)
        state[list(used)] = [0 if p == 0 else used[p - 1] + 1 for p in parent]
        assert chance[tuple(state)] == pytest.approx(math.exp(twin.tree_log_prior(parent, 0.3)))
    rng = np.random.default_rng(2)
    drawn = [tuple(draws.draw_parents(rng, sizes, 0.3)) for _ in range(20000)]
    possible = [state for state in states if chance[state] > 0]
    seen = np.array([drawn.count(state) for state in possible])
    assert seen.sum() == 20000
    expected = 20000 * np.array([chance[state] for state in possible])
    assert stats.chi2.sf(((seen - expected) ** 2 / expected).sum(), max(len(possible) - 1, 1)) > 1e-3


def test_presence_has_its_chances():
    parent, chance = np.array([2, 0, -1, 2, 1]), np.array([0.6, 0.3])
    value = pt.lmatrix()
    logp = pytensor.function([value], pm.logp(tree.TreePresence.dist(parent, chance), value), mode=MODE)
    rng = np.random.default_rng(3)
    drawn = [draws.draw_tree_presence(rng, parent, chance) for _ in range(20000)]
    for s in range(2):
        total = 0.0
        states = list(itertools.product((0, 1), repeat=5))
        seen, expected = [], []
        for state in states:
            full = np.zeros((5, 2), int)
            full[:, s] = state
            inside = state[2] == 0
            compact = [0 if p == 0 else 1 + [0, 1, 3, 4].index(p - 1) for p in parent[[0, 1, 3, 4]]]
            wanted = twin.presence_log_prior(compact, [state[k] for k in (0, 1, 3, 4)], chance[s])
            wanted = wanted if inside else -np.inf
            other = math.log1p(-chance[1 - s])  # the founder is absent from the other sample, and so are all
            assert logp(full) == pytest.approx(wanted + other) or (logp(full) == -np.inf and wanted == -np.inf)
            total += math.exp(wanted)
            seen.append(sum(tuple(d[:, s]) == state for d in drawn))
            expected.append(20000 * math.exp(wanted))
        assert total == pytest.approx(1.0)
        seen, expected = np.array(seen), np.array(expected)
        assert seen[expected == 0].sum() == 0
        kept = expected > 0
        assert stats.chi2.sf(((seen - expected)[kept] ** 2 / expected[kept]).sum(), kept.sum() - 1) > 1e-3


@pytest.mark.parametrize("a", [0.01, 0.4, 3.0])
def test_fractions_are_dirichlet_over_what_is_there(a):
    presence = np.array([[1, 0], [0, 0], [1, 0]])
    rng = np.random.default_rng(4)
    drawn = np.array([draws.draw_fractions(rng, presence, np.array([a, a])) for _ in range(8000)])
    assert (drawn[:, 2] == 0).all()
    assert (drawn[:, :, 1] == [1.0, 0.0, 0.0, 0.0]).all()
    assert (drawn[:, [0, 1, 3], 0] > 0).all()
    shares = drawn[:, [0, 1, 3], 0]
    assert shares.sum(axis=1) == pytest.approx(np.ones(8000))
    law = stats.beta(a, 2 * a)
    for column in shares.T:
        assert column.mean() == pytest.approx(1 / 3, abs=4.5 * law.std() / math.sqrt(8000))
        assert (column**2).mean() == pytest.approx(law.moment(2), abs=4.5 / math.sqrt(8000))
    value = pt.dmatrix()
    logp = pytensor.function([value], pm.logp(tree.CloneFraction.dist(presence, [a, a]), value), mode=MODE)
    point = np.array([[0.2, 1.0], [0.3, 0.0], [0.0, 0.0], [0.5, 0.0]])
    assert logp(point) == pytest.approx(stats.dirichlet.logpdf([0.2, 0.3, 0.5], [a, a, a]))


def own_variables():
    """The model's own random variables."""
    rng = {"rng": shared_rng(seed=3), "return_next_rng": True}
    return {
        "parent": tree.ParentRV()(np.array([1, 0, 3, 2]), 0.3, **rng)[1],
        "presence": tree.TreePresenceRV()(np.array([0, 1, -1, 1]), np.array([0.5, 0.9]), **rng)[1],
        "fraction": tree.CloneFractionRV()(np.array([[1, 0], [0, 1]]), np.array([0.5, 0.9]), **rng)[1],
    }


@pytest.mark.parametrize("name", ["parent", "presence", "fraction"])
def test_own_variables_compile_without_a_warning(name):
    variable = own_variables()[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values = {mode: pytensor.function([], variable, mode=mode)() for mode in ("NUMBA", MODE)}
    assert values["NUMBA"].dtype == values[MODE].dtype
    assert values["NUMBA"].shape == values[MODE].shape == {"parent": (4,), "presence": (4, 2), "fraction": (3, 2)}[name]
