"""The clone model as a pm.Model: its density against a twin and against the kernels, its forward draws."""

from __future__ import annotations

import itertools
import math
import warnings
from types import SimpleNamespace

import clone_model_twin as twin
import numpy as np
import pytest
from scipy import stats

import clonalbayes
from clonalbayes import specs

pm = pytest.importorskip("pymc")
pytensor = pytest.importorskip("pytensor")

import pytensor.tensor as pt  # noqa: E402
from pytensor.tensor.random.variable import shared_rng  # noqa: E402

from clonalbayes.model import called, draws, partition, predictive, prevalence, reads  # noqa: E402
from clonalbayes.steps.points import VARIABLES  # noqa: E402

MODE = "FAST_COMPILE"  # runs in Python: compiling to machine code costs a minute and tests nothing of ours
SPEC = specs.load("clones")


def points_of(tree):
    """Points of the free variables, one a draw."""
    prior = tree.prior.dataset.isel(chain=0)
    return [
        {name: np.asarray(prior[name].isel(draw=d).values) for name in VARIABLES}
        for d in range(prior.sizes["draw"])
    ]


@pytest.fixture(scope="module", params=[3, 0], ids=["called", "uncalled"])
def case(request):
    """A model of awkward data, its compiled density, and random points of positive prior density."""
    ds = twin.dataset(min_alt=request.param)
    model = clonalbayes.build_model(ds)
    tree = predictive.sample_prior(model, 40, seed=11)
    return SimpleNamespace(
        ds=ds, model=model, tree=tree, points=points_of(tree), logp=model.compile_logp(mode=MODE)
    )


def test_the_density_is_that_of_the_twin(case):
    gaps = [case.logp(point) - twin.logp(case.ds, SPEC, point) for point in case.points]
    assert np.abs(gaps).max() < 1e-6  # gamma functions of large precisions differ so much between libraries


def test_the_start_has_positive_density_and_no_clones(case):
    start = case.model.initial_point()
    assert (start["assignment"] == -1).all()
    assert case.logp(start) == pytest.approx(twin.logp(case.ds, SPEC, start), abs=1e-6)


def test_coords_and_variables_are_named(case):
    assert set(case.model.coords) == {"slot", "mutation", "specimen", "state"}
    assert case.model.coords["state"] == ("absent", "subclonal", "clonal")
    assert len(case.model.coords["slot"]) == case.ds.sizes["mutation"]
    assert {rv.name for rv in case.model.free_RVs} == set(VARIABLES)
    assert {rv.name for rv in case.model.observed_RVs} == {"alt_count", "admissible"}
    assert case.model.named_vars_to_dims["presence_prob"] == ("specimen", "state")


def two_clones(point):
    """The point with two clones in slots 0 and 1, present somewhere."""
    moved = {name: value.copy() for name, value in point.items()}
    moved["assignment"][:] = np.arange(len(moved["assignment"])) % 2
    moved["presence"][:2] = [[1, 2, 0], [2, 1, 0]]
    return moved


def test_clones_without_presence_and_equal_clones_have_density_zero(case):
    point = two_clones(case.points[0])
    assert np.isfinite(case.logp(point))
    point["presence"][0] = 0
    assert case.logp(point) == -np.inf
    point["presence"][:2] = [2, 0, 2]
    assert case.logp(point) == -np.inf
    point["presence"][:2] = [1, 0, 2]  # equal presence, but the prevalences differ
    assert np.isfinite(case.logp(point))


@pytest.mark.parametrize("label", [draws.UNPLACED, -4, 10])
def test_labels_outside_the_support_have_density_zero(case, label):
    point = two_clones(case.points[0])
    point["assignment"][3] = label
    assert case.logp(point) == -np.inf


def test_labels_of_slots_are_exchangeable(case):
    rng = np.random.default_rng(3)
    for point in case.points[:10]:
        order = rng.permutation(len(point["presence"]))
        moved = {**point, "presence": np.empty_like(point["presence"]), "prevalence_slab": np.empty(0)}
        moved["prevalence_slab"] = np.empty_like(point["prevalence_slab"])
        moved["presence"][order] = point["presence"]
        moved["prevalence_slab"][order] = point["prevalence_slab"]
        moved["assignment"] = np.where(
            point["assignment"] >= 0, order[point["assignment"]], point["assignment"]
        )
        assert case.logp(moved) == pytest.approx(case.logp(point), abs=1e-9)


def test_sample_prior_keeps_draws_that_meet_the_condition(case):
    assert (case.tree.prior_predictive["admissible"] == 1).all()
    for point in case.points:
        assert twin.admissible(point)
    clones = case.tree.prior["n_clones"].values.ravel()
    assert [len(np.unique(p["assignment"][p["assignment"] >= 0])) for p in case.points] == clones.tolist()
    used = ~np.isnan(case.tree.prior["cellular_prevalence"].values[0])
    assert (used.any(axis=2).sum(axis=1) == clones).all()


def test_drawn_reads_were_called(case):
    alt = case.tree.prior_predictive["alt_count"].values[0]
    depth = np.maximum(case.ds["depth"].values, 0)
    assert ((alt >= 0) & (alt <= depth)).all()
    assert (alt.max(axis=2) >= case.ds.attrs["min_alt"]).all()


def test_prevalence_is_ccf_times_purity(case):
    prior = case.tree.prior.dataset.isel(chain=0)
    point = case.points[5]
    ccf = np.choose(point["presence"], [0.0, point["prevalence_slab"], 1.0])
    shown = prior["cellular_prevalence"].isel(draw=5).values
    used = np.unique(point["assignment"][point["assignment"] >= 0])
    assert np.allclose(shown[used], (ccf * point["purity"])[used])
    assert np.isnan(np.delete(shown, used, axis=0)).all()


def test_prior_predictive_of_pymc_marks_the_draws_that_count(case):
    with case.model:
        tree = pm.sample_prior_predictive(draws=60, random_seed=2, compile_kwargs={"mode": MODE})
    marked = tree.prior_predictive["admissible"].values[0]
    assert 0 < marked.sum() < 60
    assert [twin.admissible(point) for point in points_of(tree)] == marked.astype(bool).tolist()


def test_sample_prior_takes_data_and_repeats_with_the_seed():
    ds = twin.dataset(n=5, plain=True)
    one, two = (predictive.sample_prior(ds, 4, seed=8) for _ in range(2))
    assert one.prior.dataset.equals(two.prior.dataset)
    assert not predictive.sample_prior(ds, 4, seed=9).prior.dataset.equals(one.prior.dataset)


def test_sample_prior_says_when_the_condition_is_hopeless(monkeypatch):
    monkeypatch.setattr(predictive, "TRIES", 3)
    with pytest.raises(RuntimeError, match="0 of 3 draws"):
        predictive._accepted(lambda: [np.array(0)], 0, 1)


# ---- the partition


def clone_number_chances(n, concentration):
    """Chances of 0 .. n clones among n mutations under the Chinese restaurant process."""
    chances = np.array([1.0])
    for i in range(n):
        new = concentration / (concentration + i)
        chances = np.append(chances * (1.0 - new), 0.0) + np.append(0.0, chances * new)
    return chances


def test_forward_draws_have_the_clone_numbers_of_the_restaurant_process():
    rng, n = np.random.default_rng(0), 12
    drawn = [draws.draw_assignment(rng, 1.7, np.array([1e9, 1e-9, 1e-9]), n, n) for _ in range(4000)]
    counts = np.bincount([len(np.unique(labels)) for labels in drawn], minlength=n + 1)
    expected = 4000 * clone_number_chances(n, 1.7)
    big = expected > 5
    statistic = ((counts - expected)[big] ** 2 / expected[big]).sum()
    assert stats.chi2.sf(statistic, big.sum() - 1) > 1e-3
    assert np.bincount(np.concatenate(drawn), minlength=n).std() < 0.1 * 4000  # slots are all alike


@pytest.mark.parametrize("slots", [3, 2])
def test_partition_probabilities_sum_to_one_and_match_the_draws(slots):
    weights, n = np.array([2.0, 0.7, 0.5]), 3
    value = pt.lvector()
    logp = pm.logp(partition.Assignment.dist(0.8, weights, n, slots), value)
    logp = pytensor.function([value], logp, mode=MODE)
    states = [np.array(z) for z in itertools.product(range(-2, slots), repeat=n)]
    chances = np.exp([logp(z) for z in states])
    assert np.log(chances) == pytest.approx([twin.partition_logp(z, 0.8, weights, slots) for z in states])
    rng = np.random.default_rng(1)
    drawn = [tuple(draws.draw_assignment(rng, 0.8, weights, n, slots)) for _ in range(20000)]
    lost = np.mean([draws.UNPLACED in z for z in drawn])
    assert (
        chances.sum() == pytest.approx(1.0)
        if slots == n
        else chances.sum() == pytest.approx(1 - lost, abs=0.02)
    )
    seen = np.array([drawn.count(tuple(z)) for z in states])
    expected = 20000 * chances
    assert stats.chi2.sf(((seen - expected) ** 2 / expected).sum(), len(states) - 1) > 1e-3


def test_the_conditioned_prior_is_that_of_plain_rejection():
    ds = twin.dataset(n=8, samples=1, plain=True)
    shown = predictive.sample_prior(ds, 400, seed=5).prior
    rng, kept = np.random.default_rng(6), []
    while len(kept) < 2000:
        concentration, prob = rng.gamma(1.0), rng.dirichlet(np.ones(3))
        labels = draws.draw_assignment(rng, concentration, np.array([10.0, 0.5, 0.2]), 8, 8)
        presence = rng.choice(3, size=(8, 1), p=prob)
        if twin.admissible({"assignment": labels, "presence": presence}):
            kept.append((concentration, prob[0], len(np.unique(labels[labels >= 0]))))
    ours = np.stack([shown["concentration"].values[0], shown["presence_prob"].values[0, :, 0, 0],
                     shown["n_clones"].values[0]])  # fmt: skip
    for mine, other in zip(ours, np.array(kept).T, strict=True):
        spread = math.hypot(mine.std() / math.sqrt(len(mine)), other.std() / math.sqrt(len(other)))
        assert abs(mine.mean() - other.mean()) < 4 * spread


# ---- reads


def called_states(depth, min_alt):
    """All alt counts of one mutation that would have been called."""
    return [z for z in itertools.product(*(range(d + 1) for d in depth)) if max(z) >= min_alt]


@pytest.mark.parametrize("draw", [draws.draw_reads, draws.draw_seen], ids=["rejection", "enumeration"])
def test_called_reads_have_their_stated_probabilities(draw):
    p, precision, depth, low = np.array([0.1, 0.3]), np.array([20.0, 50.0]), np.array([5, 4]), 2
    states = called_states(depth, low)
    logp = called.called_logp(
        pt.as_tensor(np.array(states)), pt.as_tensor(p), pt.as_tensor(precision), pt.as_tensor(depth),
        pt.zeros(len(states), dtype=bool), pt.zeros(len(states)), low,
    )  # fmt: skip
    chances = np.exp(logp.eval(mode=MODE))
    assert chances.sum() == pytest.approx(1.0)
    rng = np.random.default_rng(4)
    drawn = [tuple(draw(rng, p, precision, depth, low)) for _ in range(10000)]
    expected = 10000 * chances
    seen = np.array([drawn.count(z) for z in states])
    assert seen.sum() == 10000
    big = expected > 3
    assert stats.chi2.sf(((seen - expected)[big] ** 2 / expected[big]).sum(), big.sum() - 1) > 1e-3


def test_drawn_noise_has_the_kernels_probabilities():
    depth, low = np.array([6, 4]), 2
    states = np.array(called_states(depth, low))
    ds = twin.dataset(n=len(states), samples=2, min_alt=low, plain=True)
    ds["alt_count"].values[:], ds["depth"].values[:] = states, depth
    compiled = clonalbayes.model.build.compile_reads(ds, SPEC)
    chances = np.exp(reads.in_dataset_order(compiled, compiled.data.noise_ll))
    assert chances.sum() == pytest.approx(1.0, abs=1e-9)
    shape, rng = called.noise_shape(SPEC), np.random.default_rng(12)
    grid = np.array(called.beta_grid(shape.recurrent_alpha, shape.recurrent_beta))
    drawn = [tuple(draws.draw_noise(rng, depth, low, tuple(shape[:6]), grid)) for _ in range(10000)]
    expected = 10000 * chances
    seen = np.array([drawn.count(tuple(z)) for z in states])
    big = expected > 3
    assert stats.chi2.sf(((seen - expected)[big] ** 2 / expected[big]).sum(), big.sum() - 1) > 1e-3


def test_a_mutation_that_hardly_shows_is_still_drawn_as_called():
    rng = np.random.default_rng(5)
    alt = draws.draw_reads(rng, np.array([1e-6, 1e-6]), np.array([500.0, 500.0]), np.array([30, 40]), 4)
    assert alt.max() == 4


def test_a_mutation_that_cannot_be_called_just_gets_reads():
    rng = np.random.default_rng(5)
    alt = draws.draw_reads(rng, np.array([0.5, 0.5]), np.array([500.0, 500.0]), np.array([3, 0]), 4)
    assert alt[1] == 0
    assert alt[0] <= 3


def own_variables():
    """The model's own random variables, with what they draw on average (None: not checked)."""
    rng = lambda: {"rng": shared_rng(seed=3), "return_next_rng": True}  # noqa: E731
    noise = called.noise_shape(SPEC)
    flat = np.full((300, 2), 0.3)
    read = called.CalledReadsRV(2, noise)
    plain, depth = np.zeros(300), np.full((300, 2), 50)
    purity = stats.truncnorm.mean(-18, 2, 0.9, 0.05)
    return {
        "assignment": (partition.AssignmentRV()(1.0, np.ones(3), 8, 8, **rng())[1], None),
        "purity": (reads.PurityRV()(np.full(300, 0.9), 0.05, 0.0, 1.0, **rng())[1], purity),
        "genotype": (reads.GenotypeRV()(np.zeros(300, int), 2, **rng())[1], 1.0),
        "reads": (read(flat, np.array([1e5, 1e5]), depth, plain > 0, plain, **rng())[1], 15.0),
    }


@pytest.mark.parametrize("name", ["assignment", "purity", "genotype", "reads"])
def test_own_variables_compile_without_a_warning(name):
    variable, mean = own_variables()[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values = {mode: pytensor.function([], variable, mode=mode)() for mode in ("NUMBA", MODE)}
    assert values["NUMBA"].dtype == values[MODE].dtype
    assert values["NUMBA"].shape == values[MODE].shape
    for drawn in values.values():
        if mean is not None:
            assert drawn.mean() == pytest.approx(mean, abs=4.5 * drawn.std() / math.sqrt(drawn.size))


def test_batches_take_their_shape_from_size_and_parameters():
    rng = np.random.default_rng(0)
    drawn = partition.AssignmentRV().rng_fn(rng, np.ones((2, 1)), np.ones(3), 5, 5, (2, 4))
    assert drawn.shape == (2, 4, 5)
    assert reads.GenotypeRV().rng_fn(rng, 0, np.array([0, 3, 3]), None).shape == (3,)
    assert draws.draw_index(np.array([0.0, 1.0, 0.0]), 3, rng) == 1


def test_few_mutations_get_as_few_slots_and_many_the_specifications(tmp_path):
    custom = tmp_path / "small.toml"
    lines = ('extends = "clones"', 'name = "small"', "[constants.max_clones]", "value = 4")
    custom.write_text("\n".join((*lines, 'unit = "slots"', 'reason = "few"')))
    assert len(clonalbayes.build_model(twin.dataset(n=3, plain=True)).coords["slot"]) == 3
    model = clonalbayes.build_model(twin.dataset(n=9, plain=True), custom)
    assert len(model.coords["slot"]) == 4


def test_a_patient_is_taken_as_its_dataset():
    patient = SimpleNamespace(data=twin.dataset(n=4, plain=True))
    assert clonalbayes.build_model(patient).coords["mutation"] == ("m0", "m1", "m2", "m3")
    assert prevalence.PRESENCE == ("absent", "subclonal", "clonal")
