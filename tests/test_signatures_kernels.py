"""Updates of the signature model against closed forms, its definition, and Geweke's joint test."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from signature_case import SETTINGS, case, log_density, profiles

from clonalbayes.signatures import kernels, moves, sampler
from clonalbayes.signatures.state import FLOOR, normalise


def test_allocation_keeps_every_mutation_and_follows_the_shares():
    model, state, rng = case(chains=400)
    state.theta[:] = state.theta[0]
    state.g[:] = state.g[0]
    kernels.allocate(state, model, rng)
    assert (state.by_branch.sum(2) == model.counts[0].sum(1)).all()
    assert (state.by_context.sum(1) == model.counts[0].sum(0)).all()
    part = state.theta[0][:, :, None] * state.g[0]
    expected = (model.counts[0][:, None, :] * part / part.sum(1, keepdims=True)).sum(2)
    spread = np.sqrt(expected + 1) / np.sqrt(400)
    assert (np.abs(state.by_branch.mean(0) - expected) < 5 * spread).all()


def test_a_signature_that_is_off_gets_nothing():
    model, state, rng = case()
    state.theta[:, 2, 1] = 0.0
    kernels.allocate(state, model, rng)
    assert (state.by_branch[:, 2, 1] == 0).all()
    kernels.draw_theta(state, model, rng)
    assert (state.theta[:, 2, 1] == 0).all()


def test_profiles_given_their_allocation_are_gamma():
    model, state, rng = case(chains=20_000)
    state.theta[:], state.size[:] = 0.5, 10.0
    kernels.allocate(state, model, rng)
    x = state.by_context[0].copy()
    state.by_context[:] = x
    fixed = sampler.make_model(model.counts[0], profiles(), ["clock"] * 3, SETTINGS, denovo=0)
    fixed = type(fixed)(**{**fixed.__dict__, "learned": np.zeros(3, bool), "strength": np.full(3, 20.0)})
    kernels.draw_profiles(state, fixed, rng)
    reach = 10.0 * 0.5 * model.counts.shape[1]
    for r, c in ((0, 0), (1, 17), (2, 95)):
        exact = stats.gamma(20.0 + x[r, c], scale=1 / (20.0 / fixed.reference[r, c] + reach))
        assert stats.kstest(state.g[:, r, c], exact.cdf).pvalue > 1e-3


def test_intensities_given_their_allocation_are_gamma():
    model, state, rng = case(chains=20_000)
    kernels.allocate(state, model, rng)
    state.by_branch[:] = state.by_branch[0]
    state.g[:], state.size[:] = state.g[0], 30.0
    kernels.draw_theta(state, model, rng)
    shape, mean = state.shape[0, 1], state.mean[0, 0, 1]
    exact = stats.gamma(shape + state.by_branch[0, 3, 1], scale=1 / (shape / mean + 30.0 * state.g[0, 1].sum()))
    assert stats.kstest(state.theta[:, 3, 1], exact.cdf).pvalue > 1e-3


def test_counts_with_the_intensity_integrated_out_are_negative_binomial():
    x, shape, mean, reach = np.arange(50.0), 2.5, 0.7, 13.0
    ours = kernels.log_counts(x, np.array(shape), np.array(mean), np.array(reach))
    exact = stats.nbinom.logpmf(x, shape, (shape / mean) / (shape / mean + reach))
    left_out = x * np.log(reach) - np.array([stats.poisson.logpmf(k, 1.0) * -1 - 1.0 for k in x])
    assert np.allclose(ours + left_out, exact, atol=1e-9)


@pytest.mark.parametrize("r", [0, 2])
def test_the_collapsed_line_is_the_joint_density(r):
    model, state, _ = case(branches=3, total=40, chains=1)
    theta, g = state.theta[0], state.g[0]
    rest = theta @ g - theta[:, r, None] * g[r]
    shape, mean = np.full((1, 3), state.shape[0, r]), np.full((1, 3), state.mean[0, 0, r])
    line = moves._Line(model.counts.astype(float), model.counts.sum(-1), rest[None], g[r][None, None], shape, mean)
    values = []
    for value in (0.2, 0.9):
        moved = theta.copy()
        moved[1, r] = value
        joint = log_density(model, moved, g, state.strength[0], state.mean[0], state.shape[0], state.use[0])
        values.append(joint + np.log(value) - line(np.full((1, 3), np.log(value)))[0, 1])
    assert values[0] == pytest.approx(values[1], abs=1e-8)


def test_toggling_agrees_with_integration():
    counts = np.zeros((1, 96), np.int64)
    counts[0, :12] = [3, 0, 1, 2, 0, 0, 1, 1, 0, 2, 0, 1]
    model, state, rng = case(counts=counts, roles=("clock", "other"), chains=3000)
    state.g[:] = model.reference
    state.theta[:] = 0.6
    state.use[:, 1] = 0.3
    grid = np.exp(np.linspace(-14, 5, 4000))
    shape, mean = state.shape[0, 1], state.mean[0, 0, 1]
    base, extra = 0.6 * model.reference[0], model.reference[1]

    def likelihood(theta):
        rate = base + np.multiply.outer(theta, extra)
        return np.exp((counts[0] * np.log(rate)).sum(-1) - counts.sum() * np.log(rate.sum(-1)))

    prior = stats.gamma.pdf(grid, shape, scale=mean / shape)
    on = 0.3 * np.trapezoid(likelihood(grid) * prior, grid)
    off = 0.7 * float(likelihood(np.array(0.0)))
    for _ in range(12):
        moves.toggle(state, model, 1, rng)
    share = (state.theta[:, 0, 1] > 0).mean()
    assert share == pytest.approx(on / (on + off), abs=0.035)
    inside = state.theta[:, 0, 1][state.theta[:, 0, 1] > 0]
    weight = likelihood(grid) * prior
    assert inside.mean() == pytest.approx(np.trapezoid(weight * grid, grid) / np.trapezoid(weight, grid), rel=0.08)


def test_a_shear_keeps_the_expected_counts_and_its_prior():
    model, state, rng = case(roles=("clock", "clock"), denovo=2, chains=4)
    before = np.einsum("dkr,drc->dkc", state.theta, state.g)
    kept = state.g.copy()
    moves.shear(state, model, 2, 3, rng)
    assert np.allclose(np.einsum("dkr,drc->dkc", state.theta, state.g), before, rtol=1e-9)
    assert not np.allclose(state.g[:, 2], kept[:, 2])
    assert (state.theta >= 0).all()
    assert (state.g > 0).all()


def test_a_shear_does_not_switch_on_what_is_off():
    model, state, rng = case()
    state.theta[:, 1, 2] = 0.0
    state.theta[:, 1, 0] = 1.0
    before = state.theta.copy()
    moves.shear(state, model, 0, 2, rng)
    assert (state.theta == before).all()


def test_slice_sampling_draws_a_truncated_normal():
    rng = np.random.default_rng(5)
    x, low, high = np.full(4000, 0.5), np.zeros(4000), np.full(4000, 2.0)
    for _ in range(15):
        x = kernels.slice_within(x, low, high, lambda v: -0.5 * (v - 1.2) ** 2 / 0.09, rng)
    exact = stats.truncnorm(-4, 0.8 / 0.3, loc=1.2, scale=0.3)
    assert stats.kstest(x, exact.cdf).pvalue > 1e-3


def test_scales_are_drawn_from_their_priors():
    model, state, rng = case(chains=20_000)
    state.theta[:], state.mean[:], state.shape[:] = state.theta[0], 0.7, 2.5
    state.theta[:, 1, 2] = 0.0
    before = state.exposures()
    kernels.rescale(state, model, rng)
    assert np.allclose(state.exposures(), before)
    median, sigma = model.mean_prior
    assert stats.kstest(np.log(state.mean[:, 0, 0] / median), stats.norm(0, sigma / np.sqrt(3)).cdf).pvalue > 1e-3
    total = (state.theta[:, 1] / state.mean[:, 0]).sum(1) * 2.5
    assert stats.kstest(total, stats.gamma(5.0).cdf).pvalue > 1e-3
    assert np.allclose(state.mean[:, 0, 0], state.mean[:, 0, 2])


def geweke(sweep, seed, chains=400, steps=40):
    """Joint test: alternate a sweep with fresh counts; the parameters must stay at their prior."""
    rng = np.random.default_rng(seed)
    sizes = np.array([6, 15, 30])
    model, state, _ = case(counts=np.zeros((3, 96), np.int64), roles=("clock", "other"), chains=chains)
    state.strength = 40.0 * np.exp(1.5 * rng.standard_normal(chains))
    state.g = rng.gamma(np.repeat(state.strength, 2 * 96).reshape(chains, 2, 96)) * (
        model.reference / state.strength[:, None, None]
    )
    state.shape = 3.0 * np.exp(rng.standard_normal((chains, 2)))
    state.mean = 0.3 * np.exp(1.5 * rng.standard_normal((chains, 1, 2)))
    a, b = model.use_prior
    state.use = np.where(model.always, 1.0, rng.beta(a, b, (chains, 2)))
    on = rng.random((chains, 3, 2)) < state.use[:, None, :]
    draws = rng.gamma(np.broadcast_to(state.shape[:, None, :], on.shape)) / state.shape[:, None, :] * state.mean
    state.theta = np.where(on, np.maximum(draws, 1e-300), 0.0)
    first = summaries(state)
    for _ in range(steps):
        rate = np.einsum("dkr,drc->dkc", state.theta, state.g)
        share = rate / rate.sum(-1, keepdims=True)
        counts = np.stack([rng.multinomial(sizes[k], share[:, k]) for k in range(3)], 1)
        sweep(state, type(model)(**{**model.__dict__, "counts": counts}), rng)
    return {name: stats.ks_2samp(first[name], values).pvalue for name, values in summaries(state).items()}


def summaries(state):
    return {
        "strength": state.strength,
        "shape": state.shape[:, 0],
        "exposure": state.exposures()[:, 1, 1] + 1e-6 * state.strength,
        "on": (state.theta[:, :, 1] > 0).sum(1) + 1e-6 * state.strength,
        "mean": state.mean[:, 0, 0],
        "ratio": np.log(state.mean[:, 0, 0] / state.mean[:, 0, 1]),
        "scale": state.theta[:, 1].sum(1),
        "profile": state.profiles()[:, 0].max(1),
    }


def test_the_sweep_stays_at_the_prior():
    p = geweke(sampler.sweep, 11)
    assert min(p.values()) > 1e-4, p


@pytest.mark.parametrize("broken", ["theta without counts", "use too large", "profiles twice", "means alone rescaled"])
def test_a_broken_sweep_leaves_the_prior(broken):
    def sweep(state, model, rng):
        sampler.sweep(state, model, rng)
        if broken == "theta without counts":
            state.by_branch = state.by_branch * 3
            kernels.draw_theta(state, model, rng)
        elif broken == "use too large":
            state.use = np.where(model.always, 1.0, 0.2 + 0.8 * state.use)
        elif broken == "means alone rescaled":
            kept = state.theta
            kernels.rescale(state, model, rng)
            state.theta = kept
        else:
            state.by_context = state.by_context * 2
            kernels.draw_profiles(state, model, rng)

    p = geweke(sweep, 11)
    assert min(p.values()) < 1e-4, p


def test_references_have_a_floor():
    raised = normalise(np.eye(96)[:2])
    assert np.allclose(raised.sum(1), 1.0)
    assert raised.min() >= FLOOR / 2
