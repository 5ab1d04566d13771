"""CloneStep: from points to the kernels and back, one chain after another, and inside `pm.sample`."""

from __future__ import annotations

import clone_model_twin as twin
import cloudpickle
import numpy as np
import pytest

import clonalbayes
from clonalbayes import steps
from clonalbayes.kernels import sweep
from clonalbayes.steps.points import draw_presence, to_point, to_state

pm = pytest.importorskip("pymc")

from clone_model_case import CLOSE, MODE, make_case, new_step  # noqa: E402

from clonalbayes.steps.clone_step import TAG, CloneStep, new_arrays  # noqa: E402


@pytest.fixture(scope="module", params=[3, 0], ids=["called", "uncalled"])
def case(request):
    return make_case(request.param)


def test_points_survive_the_way_to_the_kernels_and_back(case):
    rng = np.random.default_rng(12)
    for point in points_with_scattered_slots(case, rng):
        arrays = new_arrays(case.block)
        to_state(case.block, point, arrays.state)
        back = to_point(case.block, arrays.state, rng)
        first = twin.collapse(point, float(case.logp(point)))
        assert twin.collapse(back, float(case.logp(back))) == pytest.approx(first, abs=1e-8)
        assert set(back) == set(steps.VARIABLES)
        together = point["assignment"][:, None] == point["assignment"]
        assert ((back["assignment"][:, None] == back["assignment"]) == together).all()


def points_with_scattered_slots(case, rng):
    """Posterior points with the clones moved to random slots."""
    for point in case.points[:10]:
        order = rng.permutation(case.block.slots)
        moved = dict(point)
        for name in ("presence", "prevalence_slab"):
            moved[name] = np.empty_like(point[name])
            moved[name][order] = point[name]
        labels = point["assignment"]
        moved["assignment"] = np.where(labels >= 0, order[labels], labels)
        yield moved


def test_empty_slots_come_from_their_prior():
    prob = np.array([[0.2, 0.5, 0.3], [0.9, 0.05, 0.05]])
    drawn = draw_presence(prob, 20000, np.random.default_rng(0))
    shares = np.stack([np.bincount(drawn[:, s], minlength=3) / 20000 for s in range(2)])
    assert np.abs(shares - prob).max() < 0.015


def run(step, point, count):
    draws = []
    for _ in range(count):
        point, stat = step.step(point)
        draws.append((point, stat[0]))
    return draws


def same(one, other):
    return all(
        np.array_equal(a[0][name], b[0][name]) for a, b in zip(one, other, strict=True) for name in a[0]
    )


def test_a_step_depends_on_its_generator_alone(case):
    start = case.model.initial_point()
    step = new_step(case.model, seed=5)
    first = run(step, start, 8)
    assert not same(first, run(new_step(case.model, seed=6), start, 8))
    step.setup_chain(np.random.default_rng(5), 20, 100)  # the object is used again for the next chain
    assert same(first, run(step, start, 8))
    assert all(np.isfinite(case.logp(point)) for point, _ in first)


def test_a_step_goes_on_in_another_process(case):
    start = case.model.initial_point()
    step = new_step(case.model, seed=7)
    moved = cloudpickle.loads(cloudpickle.dumps(step))  # what PyMC sends to its workers
    assert same(run(step, start, 5), run(moved, start, 5))


def test_scales_adapt_only_while_tuning(case):
    step = new_step(case.model, seed=8)
    draws = run(step, case.model.initial_point(), 3)
    tuned = step.step_size.copy()
    point = run(step, draws[-1][0], 1)[0][0]
    assert not np.array_equal(tuned, step.step_size)
    tuned = step.step_size.copy()
    step.stop_tuning()
    stat = run(step, point, 3)[-1][1]
    assert np.array_equal(tuned, step.step_size)
    assert not stat["tune"]
    assert all(np.asarray(value).dtype != object for value in stat.values())


def test_statistics_describe_the_point(case):
    for point, stat in run(new_step(case.model, seed=9), case.model.initial_point(), 4):
        labels = point["assignment"]
        assert stat["n_clones"] == len(np.unique(labels[labels >= 0]))
        assert (stat["n_noise"], stat["n_germline"]) == ((labels == -1).sum(), (labels == -2).sum())
        assert stat["log_likelihood"] == pytest.approx(reads_logp(case, point), abs=CLOSE)


def reads_logp(case, point):
    """Log likelihood of the reads at a point, by the model."""
    if not hasattr(case, "reads_logp"):
        logp = case.model.logp(vars=case.model["alt_count"])
        case.reads_logp = case.model.compile_fn(
            logp, inputs=case.model.value_vars, mode=MODE, on_unused_input="ignore"
        )
    return float(case.reads_logp(point))


def test_a_start_with_clones_is_kept(case):
    step = new_step(case.model, seed=10, births=0, splits=0)
    point = case.points[0]
    before = point["precision"].copy()
    assert run(step, point, 1)[0][1]["n_clones"] >= 1
    assert np.array_equal(before, point["precision"])  # the point given is left alone


def test_the_state_can_be_read_and_set(case):
    step = new_step(case.model, seed=11)
    point = run(step, case.model.initial_point(), 3)[-1][0]
    kept = step.sampling_state
    later = run(step, point, 4)
    other = new_step(case.model, seed=12)
    other.sampling_state = kept
    assert same(later, run(other, point, 4))


def test_registering_twice_leaves_one_entry_in_front_of_all():
    from pymc.step_methods import STEP_METHODS

    steps.register()
    steps.register()
    assert STEP_METHODS.count(CloneStep) == 1
    assert STEP_METHODS[0] is CloneStep


def test_competence_is_for_tagged_variables_alone(case):
    with pm.Model() as other:
        x = pm.Normal("x")
        y = pm.Categorical("y", p=[0.2, 0.3, 0.5])
    assert all(CloneStep.competence(var) == 0 for var in (x, y))
    assert all(CloneStep.competence(case.model[name]) == 3 for name in steps.VARIABLES)
    _, chosen = pm.sampling.mcmc.assign_step_methods(other)
    assert CloneStep not in chosen
    _, chosen = pm.sampling.mcmc.assign_step_methods(case.model)
    assert list(chosen) == [CloneStep]


def test_part_of_the_variables_is_refused(case):
    assert hasattr(case.model["purity"].tag, TAG)
    with case.model, pytest.raises(ValueError, match="together"):
        CloneStep(case.model.value_vars[:3])
    with pm.Model() as other:
        pm.Normal("x")
    with other, pytest.raises(ValueError, match="It was given x"):
        CloneStep(other.value_vars)


def test_step_and_plain_sweeps_have_one_posterior():
    ds = twin.dataset(n=12, samples=2, plain=True)
    model = clonalbayes.build_model(ds)
    ours = [
        stat["n_clones"] for _, stat in run(new_step(model, seed=13, tune=0), model.initial_point(), 2500)
    ][100:]
    block = model["assignment"].tag.clone_block
    arrays, rng, plain = new_arrays(block), np.random.default_rng(14), []
    to_state(block, model.initial_point(), arrays.state)
    for _ in range(2500):
        sweep.sweep(*arrays.refs, block.priors, 16, 4, 0.125, False, 0, rng)
        plain.append(int(arrays.state.n_clones[0]))
    spread = sum(batch_error(x) ** 2 for x in (ours, plain[100:])) ** 0.5
    assert abs(np.mean(ours) - np.mean(plain[100:])) < 4 * spread


def batch_error(values):
    """Standard error of the mean of a correlated series, from twenty batches."""
    batches = np.array_split(np.asarray(values, float), 20)
    return float(np.std([b.mean() for b in batches], ddof=1) / np.sqrt(20))


@pytest.mark.slow
def test_pm_sample_picks_the_step_and_repeats_on_any_number_of_cores():
    model = clonalbayes.build_model(twin.dataset(n=12, samples=2, plain=True))
    options = {"draws": 20, "tune": 20, "chains": 2, "progressbar": False, "random_seed": 3,
               "compute_convergence_checks": False, "mp_ctx": "forkserver"}  # fmt: skip
    with model:
        one, again, two = (pm.sample(cores=cores, **options) for cores in (1, 1, 2))
        drawn = pm.sample_posterior_predictive(
            one, random_seed=1, progressbar=False, compile_kwargs={"mode": MODE}
        )
    assert one.posterior.dataset.equals(again.posterior.dataset)
    assert one.posterior.dataset.equals(two.posterior.dataset)
    assert set(one.sample_stats.data_vars) >= {"lp", "log_likelihood", "n_clones", "n_noise", "n_germline"}
    assert one.posterior["cellular_prevalence"].dims == ("chain", "draw", "slot", "specimen")
    logp = model.compile_logp(mode=MODE)
    names = steps.VARIABLES
    last = {name: one.posterior[name].isel(chain=1, draw=-1).values for name in names}
    assert np.isfinite(logp(last))
    assert not one.posterior["assignment"][0].equals(one.posterior["assignment"][1])
    assert (drawn.posterior_predictive["admissible"] == 1).all()
    assert drawn.posterior_predictive["alt_count"].shape == (2, 20, 12, 2)
