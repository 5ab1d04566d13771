"""The `pm.Model` of signatures and of timing say what the kernels do."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytest
from scipy.special import logit
from signature_case import SETTINGS, case, log_density, profiles
from test_timing_kernels import SETTINGS as TIMING
from test_timing_kernels import SIGNATURES, joined, many

from clonalbayes.model.signatures import build_signature_model
from clonalbayes.model.timing import build_timing_model
from clonalbayes.timing import kernels
from clonalbayes.timing.state import log_prior_times, means, start_times

NAMES = ("SBS1", "SBS5", "SBS87")


def test_the_signature_model_has_the_kernels_density():
    model, state, rng = case(branches=3, total=30, chains=2)
    stated = build_signature_model(model.counts[0], ("a", "b", "c"), profiles(), NAMES, SETTINGS)
    density = stated.compile_logp(jacobian=False)
    state.use[:, :2] = 0.5  # of clocks: not used

    def both(d):
        on = state.theta[d] > 0
        point = {
            "profile_strength_log__": np.log(state.strength[d]), "weight_log__": np.log(state.g[d]),
            "intensity_shape_log__": np.log(state.shape[d]), "mean_intensity_log__": np.log(state.mean[d, 0]),
            "use_logodds__": logit(state.use[d]), "on": on.astype(np.int64),
            "intensity_log__": np.log(np.where(on, state.theta[d], 1.0)),
        }  # fmt: skip
        ours = log_density(
            model, state.theta[d], state.g[d], state.strength[d], state.mean[d], state.shape[d], state.use[d], d
        )
        for value, (median, sigma) in (
            (state.strength[d], model.strength_prior),
            (state.shape[d], model.shape_prior),
            (state.mean[d], model.mean_prior),
        ):  # fmt: skip
            ours += float(np.sum(-0.5 * ((np.log(value) - np.log(median)) / sigma) ** 2 - np.log(value)))
        a, b = model.use_prior
        ours += float(np.sum((a - 1) * np.log(state.use[d]) + (b - 1) * np.log1p(-state.use[d])))
        return float(density(point)), ours

    state.use[:, 2] = 0.4, 0.6
    state.strength[:] = 30.0, 90.0
    state.shape[:] = rng.uniform(1, 5, (2, 3))
    (there, ours), (again, other) = both(0), both(1)
    assert there - again == pytest.approx(ours - other, rel=1e-6)


def test_the_timing_model_has_the_kernels_density():
    drawn, trees = many(1)
    clock, g = joined(drawn), profiles() * 1.1
    stated = build_timing_model(drawn[0].counts, trees, tuple("abcd"), profiles(), SIGNATURES, TIMING)
    density = stated.compile_logp(jacobian=False)
    with np.errstate(divide="ignore"):
        begin = start_times(clock.time, trees.parent)

    def both(time, rate, accelerated):
        state = type(clock)(time, rate, clock.shape, clock.factor, clock.strict, np.array([accelerated]))
        mean = means(state, trees)[0]
        theta = mean * 1.2
        start = start_times(time, trees.parent)
        position = ((time - start) / (trees.bound - start))[0]
        point = {
            "profile_strength_log__": np.log(30.0), "weight_log__": np.log(g), "position_interval__": logit(position),
            "rate_log__": np.log(rate[0]), "clock_shape_log__": np.log(clock.shape[0, 0]),
            "treatment_shape_log__": np.log(clock.shape[0, 1]), "other_shape_log__": np.log(clock.shape[0, 2]),
            "strict": np.int64(clock.strict[0]), "factor_log__": np.log(clock.factor[0]),
            "accelerated": np.int64(accelerated), "intensity_log__": np.log(theta),
        }  # fmt: skip
        shape = clock.shape[0, trees.role]
        ours = (shape * np.log(shape / mean) + (shape - 1) * np.log(theta) - shape * theta / mean).sum()
        expected = theta @ g
        ours += (drawn[0].counts * np.log(expected) - expected).sum()
        ours += kernels._log_normal(np.log(rate), trees.rate_prior[trees.role].T).sum() - np.log(rate).sum()
        # The model's positions are uniform: their density is that of the times, times the room of each.
        ours += log_prior_times(time, trees).sum() + np.log(trees.bound - start).sum()
        return float(density(point)), float(ours)

    moved = begin + 0.5 * (clock.time - begin)
    moved = np.maximum(moved, start_times(moved, trees.parent) + 1.0)
    there, ours = both(clock.time, clock.rate, True)
    again, other = both(moved, clock.rate * 1.3, False)
    assert there - again == pytest.approx(ours - other, rel=1e-6)


def test_the_models_can_be_drawn_from():
    model, _, _ = case(branches=3, total=30)
    stated = build_signature_model(model.counts[0], ("a", "b", "c"), profiles(), NAMES, SETTINGS)
    with stated:
        prior = pm.sample_prior_predictive(5, random_seed=1)
    exposure = prior["prior"]["exposure"].values
    assert np.allclose(exposure.sum(-1), 1.0)
    with pytest.raises(ValueError, match="one tree"):
        build_timing_model(model.counts[0], many(2)[1], tuple("abcd"), profiles(), SIGNATURES, TIMING)
