"""Dates and windows, the timing kernels against their definition, and calibration in small."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from signature_case import profiles

from clonalbayes.data.treatments import Treatment
from clonalbayes.signatures.settings import load
from clonalbayes.simulate.branches import scale_clock, simulate_branches
from clonalbayes.timing import calendar, kernels, sampler
from clonalbayes.timing.state import Clock, ancestors, depths, log_prior_times, means, start_times

SETTINGS = load("timing", "timing")
SIGNATURES = ("SBS1", "SBS5", "SBS87")
ORIGIN = "2000-01-01"
COURSES = (Treatment("thiopurine", "2002-01-01", "2003-12-31"), Treatment("mercaptopurine", "2006-01-01", ""))
PARENT, BOUND = [0, 1, 1, 3], [1000.0, 1500.0, 3000.0, 3500.0]


def with_constants(**changed):
    return replace(SETTINGS, constants={**SETTINGS.constants, **changed})


def many(n, seed=0, settings=SETTINGS, detected=1.0, parent=PARENT, bound=BOUND):
    drawn = [
        simulate_branches(
            parent, bound, SIGNATURES, profiles(), settings, COURSES, ORIGIN, seed=seed + i, detected=detected
        )
        for i in range(n)
    ]
    trees = sampler.make_trees(
        np.repeat([parent], n, 0), np.repeat([bound], n, 0), np.full((n, len(parent)), detected), SIGNATURES, settings,
        calendar.courses_of(COURSES, ORIGIN),
    )  # fmt: skip
    return drawn, trees


def joined(drawn):
    names = ("time", "rate", "shape", "factor", "strict", "accelerated")
    return Clock(*(np.concatenate([getattr(one.clock, name) for one in drawn]) for name in names))


def test_days_and_dates_go_both_ways():
    assert calendar.to_days("2000-12-31", ORIGIN) == 365.0
    assert calendar.to_date(365.0, ORIGIN) == "2000-12-31"
    assert calendar.to_date(np.nan, ORIGIN) == ""


def test_windows_are_joined_where_courses_overlap():
    courses = [calendar.Course("a", 0, 10), calendar.Course("B", 5, 20), calendar.Course("a", 30, np.inf)]
    assert calendar.windows_of(courses, ("A", "b")).tolist() == [[0, 20], [30, np.inf]]
    assert calendar.windows_of(courses, ("c",)).shape == (0, 2)


def test_active_times_count_days_in_windows_and_the_leak():
    windows = (calendar.ALWAYS, np.array([[10.0, 20.0], [40.0, np.inf]]))
    active = calendar.active_times(np.array([0.0, 15.0]), np.array([12.0, 50.0]), windows, np.array([0.0, 0.1]))
    assert active[:, 0].tolist() == [12.0, 35.0]
    assert active[:, 1] == pytest.approx([2 + 1.0, 15 + 2.0])


def test_trees_know_depths_ancestors_and_starts():
    parent = np.array([[0, 1, 1, 3], [2, 0, -1, 1]])
    assert depths(parent).tolist() == [[1, 2, 2, 3], [2, 1, 0, 3]]
    over = ancestors(parent)
    assert [np.flatnonzero(over[0, :, k]).tolist() for k in range(4)] == [[], [0], [0], [0, 2]]
    time = np.array([[5.0, 6.0, 7.0, 8.0], [6.0, 5.0, 0.0, 7.0]])
    assert start_times(time, parent).tolist() == [[0, 5, 5, 7], [5, 0, 0, 6]]


def test_bounds_are_raised_to_those_of_the_parent():
    trees = sampler.make_trees(np.array([[0, 1]]), np.array([[100.0, 50.0]]), np.ones((1, 2)), SIGNATURES, SETTINGS, [])
    assert trees.bound.tolist() == [[100.0, 100.0]]


def test_the_prior_of_times_is_uniform_between_parent_and_bound():
    _, trees = many(1)
    time = np.array([[400.0, 900.0, 1000.0, 2000.0]])
    expected = -np.log([1000.0, 1100.0, 2600.0, 2500.0])
    assert log_prior_times(time, trees)[0] == pytest.approx(expected)
    assert log_prior_times(time[:, ::-1], trees)[0, 0] == -np.inf


def test_acceleration_touches_clocks_below_the_founder_only():
    drawn, trees = many(1)
    clock = replace(joined(drawn), accelerated=np.array([True]), factor=np.array([4.0]))
    ratio = means(clock, trees) / means(replace(clock, accelerated=np.array([False])), trees)
    assert ratio[0].tolist() == [[1, 1, 1], [4, 4, 1], [4, 4, 1], [4, 4, 1]]
    assert scale_clock(drawn[0], 1, 3.0)[1:] == pytest.approx(3 * scale_clock(drawn[0], 1, 1.0)[1:])


def test_counts_are_negative_binomial_around_rate_times_active_time():
    drawn, trees = many(3)
    clock, x = joined(drawn), np.stack([one.made for one in drawn]).astype(float)
    reach = np.full(x.shape, 0.8)
    ours = kernels.log_counts(clock, trees, x, reach)
    shape, mean = clock.shape[:, trees.role][:, None, :], means(clock, trees)
    exact = stats.nbinom.logpmf(x, shape, (shape / mean) / (shape / mean + reach))
    left_out = stats.gamma.logpdf(1.0, x + 1) + 1.0  # minus log x!
    assert np.allclose(ours + left_out, exact, atol=1e-6)


def test_prior_and_sampler_agree_without_data():
    _, trees = many(400)
    empty = np.zeros((400, 4, 3))
    drawn = joined(many(400)[0])
    clock = replace(drawn, time=drawn.time.copy(), shape=drawn.shape.copy())
    rng = np.random.default_rng(3)
    nothing = replace(trees, power=0.0)
    for _ in range(40):
        for update in (
            kernels.draw_times, kernels.shift_subtrees, kernels.draw_rates, kernels.draw_shapes,
            kernels.draw_acceleration,
        ):  # fmt: skip
            update(clock, nothing, empty, empty + 1.0, rng)
        at = kernels.Point(clock, nothing, empty, empty + 1.0)
        for move in (kernels.stretch, kernels.change_form, kernels.trade_acceleration):
            move(at, rng)
        assert np.allclose(at.value, at.log_joint(clock))
    fresh = joined(many(400, seed=10_000)[0])
    for name, at in (
        ("time", (slice(None), 0)),
        ("time", (slice(None), 3)),
        ("rate", (slice(None), 1)),
        ("factor", slice(None)),
    ):
        assert stats.ks_2samp(getattr(clock, name)[at], getattr(fresh, name)[at]).pvalue > 1e-4, name
    assert stats.ks_2samp(clock.shape[:, 0], fresh.shape[:, 0]).pvalue > 1e-4
    assert clock.strict.mean() == pytest.approx(0.5, abs=0.11)
    assert clock.accelerated.mean() == pytest.approx(0.5, abs=0.11)


def ranks(settings, n=100, seed=0, trees_as=lambda trees: trees, tune=250, draws=99, thin=2):
    drawn, trees = many(n, seed, settings, detected=0.7)
    out = sampler.sample(
        np.stack([one.counts for one in drawn]), trees_as(trees), profiles(), np.ones(3, bool), settings,
        tune=tune, draws=draws, thin=thin, seed=5,
    )  # fmt: skip
    truth = joined(drawn)
    found = {f"time {k}": (out.time[:, :, k] < truth.time[:, None, k]).sum(1) for k in range(4)}
    rate = np.stack([one.rate for one in drawn])
    found |= {f"rate {r}": (out.rate[:, :, r] < rate[:, None, r]).sum(1) for r in range(3)}
    jitter = np.random.default_rng(1).random(n)
    return {name: stats.kstest((rank + jitter) / (draws + 1), "uniform").pvalue for name, rank in found.items()}


@pytest.mark.slow
def test_ranks_of_times_and_rates_are_uniform():
    p = ranks(SETTINGS)
    assert min(p.values()) > 1e-3, p


@pytest.mark.slow
@pytest.mark.parametrize("broken", ["all is detected", "the window is long", "a bound is lost"])
def test_wrong_models_are_seen(broken):
    def spoil(trees):
        if broken == "all is detected":
            return replace(trees, detected=np.full_like(trees.detected, 0.2))
        if broken == "the window is long":
            return replace(trees, windows=(*trees.windows[:2], np.array([[0.0, 1500.0]])))
        return replace(trees, bound=trees.bound * 1.5)

    p = ranks(SETTINGS, trees_as=spoil)
    assert min(p.values()) < 1e-3, p


def test_hidden_mutations_are_added_back():
    settings = with_constants(p_strict=0.5, p_acceleration=0.0)
    drawn, trees = many(6, settings=settings, detected=0.5)
    out = sampler.sample(
        np.stack([one.counts for one in drawn]),
        trees,
        profiles(),
        np.ones(3, bool),
        settings,
        tune=60,
        draws=40,
        seed=2,
    )
    made, corrected = out.made.sum((2, 3)).mean(), out.corrected.sum((2, 3)).mean()
    assert corrected / made == pytest.approx(2.0, rel=0.1)
    assert (out.corrected >= out.made).all()


def test_trees_of_different_draws_run_together():
    parent = np.array([[0, 1, 1, 3], [0, 1, 2, -1]])
    bound = np.array([BOUND, [*BOUND[:3], 0.0]])
    counts = np.random.default_rng(1).poisson(1.0, (2, 4, 96))
    counts[1, 3] = 0
    trees = sampler.make_trees(
        parent, bound, np.ones((2, 4)), SIGNATURES, SETTINGS, calendar.courses_of(COURSES, ORIGIN)
    )
    out = sampler.sample(counts, trees, profiles(), np.ones(3, bool), SETTINGS, tune=30, draws=20, seed=1)
    assert np.isnan(out.time[1, :, 3]).all()
    assert np.isfinite(out.time[0]).all()
    begin = np.stack([start_times(out.time[:, i], parent) for i in range(20)], 1)
    assert (out.time[0] >= begin[0]).all()
    assert (out.time[0] <= bound[0] + 1e-9).all()
    assert (out.made.sum(3) == counts.sum(2)[:, None]).all()
