"""Data drawn from the state, the state updated, and again: it stays at the prior; broken updates leave it.

A joint-distribution test (Geweke 2004, JASA 99:799) in many chains at once: all start at the prior, so that after
any number of rounds each is a draw from it, if every update is right.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from signature_case import profiles
from test_timing_kernels import SETTINGS, joined, many

from clonalbayes.signatures import kernels as allocation
from clonalbayes.timing import kernels, sampler
from clonalbayes.timing.state import combine, shapes

CHAINS, ROUNDS = 300, 25


def prior_state(seed=0):
    """Chains of parameters and profiles from the prior."""
    drawn, trees = many(CHAINS, seed, detected=0.7)
    rng, clock = np.random.default_rng(seed + 1), joined(drawn)
    model = sampler.make_model(np.zeros((CHAINS, 4, 96), np.int64), profiles(), np.ones(3, bool), SETTINGS)
    _, state = sampler.start(trees, model, rng)
    median, sigma = model.strength_prior
    state.strength = median * np.exp(sigma * rng.standard_normal(CHAINS))
    a = state.strength[:, None, None]
    state.g = np.maximum(rng.gamma(np.broadcast_to(a, state.g.shape)) * model.reference / a, 1e-300)
    combine(clock, trees, state)
    state.shape = shapes(clock, trees)
    shape = np.broadcast_to(state.shape[:, None], state.mean.shape)
    state.theta = np.maximum(rng.gamma(shape) / shape * state.mean, 1e-300)
    return clock, state, trees, model


def values(clock, state):
    """What is compared, [chain] each."""
    return {
        "founder": clock.time[:, 0], "tip": clock.time[:, 3], "clock's rate": clock.rate[:, 0] * state.g[:, 0].sum(1),
        "treatment's rate": clock.rate[:, 2], "clock's shape": clock.shape[:, 0], "other shape": clock.shape[:, 1],
        "factor": clock.factor, "strength": state.strength, "channel": state.profiles()[:, 1].max(1),
        "intensity": state.theta[:, 1, 0], "strict": clock.strict.astype(float),
        "accelerated": clock.accelerated.astype(float),
    }  # fmt: skip


def smallest_p(rounds=ROUNDS):
    """Smallest p of Kolmogorov-Smirnov tests between chains that ran and fresh draws of the prior, and its name."""
    clock, state, trees, model = prior_state()
    rng = np.random.default_rng(7)
    for _ in range(rounds):
        rate = np.einsum("dkr,drc->dkc", state.theta, state.g)
        model = replace(model, counts=rng.poisson(np.minimum(rate, 1e8)))
        sampler.sweep(clock, state, trees, model, rng)
    ran, fresh = values(clock, state), values(*prior_state(seed=50_000)[:2])
    p = {name: stats.ks_2samp(ran[name], fresh[name]).pvalue for name in ran}
    return min(zip(p.values(), p, strict=True))


def test_the_sampler_of_times_and_signatures_keeps_the_joint_distribution():
    p, name = smallest_p()
    assert p > 1e-3, name


ORIGINAL = {
    "log_means": kernels.log_means, "draw_theta": allocation.draw_theta, "slice": kernels.slice_within,
    "propose": kernels.Point.propose,
}  # fmt: skip


def fourfold(clock, trees, x, reach):
    return 4.0 * ORIGINAL["log_means"](clock, trees, x, reach)


def with_wrong_sign(point, new, jacobian, rng):
    """Proposals with their Jacobian the wrong way round; those that are impossible stay so."""
    ORIGINAL["propose"](point, new, np.where(np.isfinite(jacobian), -jacobian, jacobian), rng)


def eager(x, low, high, target, rng, limit=60):
    """A slice that takes its first proposal half of the time, whatever its density."""
    good = ORIGINAL["slice"](x, low, high, target, rng, limit)
    blind = low + (high - low) * rng.random(x.shape)
    return np.where(rng.random(x.shape) < 0.5, blind, good)


def forgetful(state, model, rng):
    """Intensities without the mutations that were allocated to them."""
    kept = state.by_branch
    state.by_branch = 0.5 * kept
    ORIGINAL["draw_theta"](state, model, rng)
    state.by_branch = kept


@pytest.mark.parametrize(
    ("place", "name", "broken"),
    [
        (kernels, "log_means", fourfold),
        (kernels.Point, "propose", with_wrong_sign),
        (kernels, "slice_within", eager),
        (allocation, "draw_theta", forgetful),
    ],
)
def test_broken_updates_are_seen(monkeypatch, place, name, broken):
    monkeypatch.setattr(place, name, broken)
    p, _ = smallest_p()
    assert p < 1e-4
