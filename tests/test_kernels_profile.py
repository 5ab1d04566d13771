"""Profiles, their slopes and envelopes against direct sums, finite differences and quadrature."""

from __future__ import annotations

import math

import numpy as np
import pytest
from breakages import intact
from exact import log_pmf, mean_alt
from kernel_fixtures import Chain, make_chain, mixed_dataset, randomise
from scipy import integrate, stats
from scipy.special import gammaln

from clonalbayes.kernels.layout import ABSENT, CLONAL, SUBCLONAL

K = intact()
CASES = [(seed, row, s) for seed in range(3) for row in (0, 2) for s in range(3)]


def prepared(seed: int, clones: int = 4) -> tuple[Chain, object]:
    """A chain in a random state with tails, and its Dataset."""
    ds = mixed_dataset(seed, n=30)
    chain = make_chain(ds)
    randomise(chain, clones, np.random.default_rng(seed))
    K.build_tables(chain.d, chain.s, chain.w)
    K.build_tails(chain.d, chain.s, chain.w)
    return chain, ds


def gather(chain: Chain, row: int, s: int) -> tuple[object, np.ndarray, float, float]:
    """Gather a row's terms; what the profile takes."""
    K.clear_terms(chain.t)
    K.gather_row(chain.d, chain.w, chain.t, row, s)
    return chain.t, chain.work.coef, float(chain.state.error_rate[s]), float(chain.state.precision[s])


def direct(chain: Chain, ds: object, row: int, s: int, ccf: float, germline: bool = False) -> float:
    """Sum of the members' beta-binomial log probabilities, without coefficients and depth terms."""
    total, p = 0.0, chain.parameters
    label = -2 if germline else row
    for i in np.flatnonzero(np.array(chain.labels) == label):
        alt, depth = int(ds["alt_count"].values[i, s]), int(ds["depth"].values[i, s])
        if depth > 0:
            mean = mean_alt(ds, p, int(i), s, chain.copies[i, s], ccf, germline)
            total += float(log_pmf(alt, depth, mean, p.precision[s]))
            total += gammaln(p.precision[s] + depth) - gammaln(p.precision[s])
            total -= gammaln(depth + 1) - gammaln(alt + 1) - gammaln(depth - alt + 1)
    return total


@pytest.mark.parametrize(("seed", "row", "s"), CASES)
def test_a_profile_is_the_sum_over_members(seed, row, s):
    chain, ds = prepared(seed)
    terms = gather(chain, row, s)
    for ccf in (0.0, 0.013, 0.5, 0.97, 1.0):
        assert K.profile(terms[0], terms[1], ccf, *terms[2:]) == pytest.approx(
            direct(chain, ds, row, s, ccf), abs=1e-8
        )


@pytest.mark.parametrize(("seed", "row", "s"), CASES)
def test_slopes_are_those_of_finite_differences_and_the_profile_is_concave(seed, row, s):
    chain, _ = prepared(seed)
    terms, coef, error, precision = gather(chain, row, s)
    for x in (0.05, 0.3, 0.8):
        h = 1e-4
        low, mid, high = (K.profile(terms, coef, x + d, error, precision) for d in (-h, 0.0, h))
        first, second = K.profile_slopes(terms, coef, x, error, precision)
        assert first == pytest.approx((high - low) / (2 * h), rel=1e-4, abs=1e-3)
        assert second == pytest.approx((high - 2 * mid + low) / h**2, rel=1e-3, abs=0.05)
        assert second <= 0.0


@pytest.mark.parametrize("seed", range(4))
def test_pooled_clones_leave_a_samples_log_likelihood_as_it_is(seed):
    chain, ds = prepared(seed, clones=6)
    noise = np.array(chain.labels) == -1
    depth = np.maximum(ds["depth"].values, 0)
    for s in range(3):
        K.gather_sample(chain.d, chain.s, chain.w, chain.t, s)
        wanted = sum(direct(chain, ds, k, s, chain.state.ccf[k, s]) for k in range(6))
        wanted += direct(chain, ds, -2, s, 1.0, germline=True)
        precision = chain.state.precision[s]
        wanted -= (gammaln(precision + depth[~noise, s]) - gammaln(precision)).sum()
        assert K.sample_loglik(chain.d, chain.s, chain.w, chain.t, s) == pytest.approx(wanted, abs=1e-7)


@pytest.mark.parametrize(("seed", "row", "s"), CASES)
def test_the_mode_is_where_the_profile_is_highest(seed, row, s):
    chain, _ = prepared(seed)
    terms, coef, error, precision = gather(chain, row, s)
    mode, width = K.find_mode(terms, coef, error, precision)
    grid = np.linspace(0.0, 1.0, 2001)
    heights = np.array([K.profile(terms, coef, x, error, precision) for x in grid])
    assert heights.max() - K.profile(terms, coef, mode, error, precision) < 0.01
    assert width > 0.0


@pytest.mark.parametrize(("seed", "row", "s"), CASES)
def test_an_envelope_integrates_to_the_evidence_but_for_what_chords_miss(seed, row, s):
    chain, _ = prepared(seed)
    terms, coef, error, precision = gather(chain, row, s)
    prior = np.array([0.2, 0.5, 0.3])
    envelope = K.new_envelope()
    K.build_envelope(terms, coef, error, precision, prior, envelope)
    ends = [K.profile(terms, coef, x, error, precision) for x in (0.0, 1.0)]
    mode, width = K.find_mode(terms, coef, error, precision)
    top = K.profile(terms, coef, mode, error, precision)
    area = integrate.quad(
        lambda x: math.exp(K.profile(terms, coef, x, error, precision) - top),
        0.0,
        1.0,
        points=[min(max(mode + j * width, 0.0), 1.0) for j in (-4, -1, 0, 1, 4)],
        limit=200,
    )[0]
    wanted = np.log(prior) + np.array([ends[0], top + math.log(area), ends[1]])
    assert envelope.log_mass[[ABSENT, CLONAL]] == pytest.approx(wanted[[ABSENT, CLONAL]])
    gap = wanted[SUBCLONAL] - envelope.log_mass[SUBCLONAL]
    assert -1e-9 <= gap < 0.06  # chords of a concave function lie below it


def test_without_reads_the_envelope_is_the_prior():
    chain, _ = prepared(0)
    K.clear_terms(chain.t)
    prior, envelope = np.array([0.2, 0.5, 0.3]), K.new_envelope()
    K.build_envelope(chain.t, chain.work.coef, 0.01, 50.0, prior, envelope)
    assert np.exp(envelope.log_mass) == pytest.approx(prior)
    rng = np.random.default_rng(1)
    draws = [K.draw_from_chords(envelope, rng) for _ in range(2000)]
    assert stats.kstest(draws, "uniform").pvalue > 1e-3


@pytest.mark.parametrize(("seed", "row", "s"), CASES[::3])
def test_draws_follow_the_chords(seed, row, s):
    chain, _ = prepared(seed)
    terms, coef, error, precision = gather(chain, row, s)
    envelope = K.new_envelope()
    K.build_envelope(terms, coef, error, precision, np.ones(3) / 3.0, envelope)
    grid = np.unique(np.concatenate([np.linspace(0.0, 1.0, 4001), envelope.nodes[: envelope.size[0]]]))
    heights = np.array([K.chord(envelope, x) for x in grid])
    density = np.exp(heights - heights.max())
    cdf = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]) * np.diff(grid))])
    rng = np.random.default_rng(seed)
    draws = [K.draw_from_chords(envelope, rng) for _ in range(3000)]
    assert stats.kstest(draws, lambda x: np.interp(x, grid, cdf / cdf[-1])).pvalue > 1e-3
    states = np.array([K.draw_presence(envelope.log_mass, rng) for _ in range(3000)])
    wanted = np.exp(envelope.log_mass - K.log_total(envelope.log_mass))
    assert np.bincount(states, minlength=3) / 3000 == pytest.approx(wanted, abs=0.04)


@pytest.mark.parametrize(("seed", "row", "s"), CASES)
def test_a_row_scored_as_it_stands_gets_the_score_it_was_drawn_with(seed, row, s):
    chain, _ = prepared(seed)
    terms, coef, error, precision = gather(chain, row, s)
    rng, envelope = np.random.default_rng(seed), K.new_envelope()
    prior = chain.state.presence_prob[s]
    for _ in range(20):
        drawn = K.visit_row(terms, coef, chain.s, row, s, envelope, True, rng)
        assert K.visit_row(terms, coef, chain.s, row, s, envelope, False, rng) == drawn
        presence, ccf = chain.state.presence[row, s], chain.state.ccf[row, s]
        density = (
            K.chord(envelope, ccf) + math.log(prior[SUBCLONAL])
            if presence == SUBCLONAL
            else (envelope.log_mass[presence])
        )
        exact = math.log(prior[presence]) + K.profile(terms, coef, ccf, error, precision)
        # evidence + shift = log(prior x likelihood / proposal density), with the density normalised
        assert sum(drawn) == pytest.approx(exact - (density - drawn[0]), abs=1e-9)


def test_newton_ratios_of_a_step_and_its_reverse_cancel():
    chain, _ = prepared(1)
    terms, coef, error, precision = gather(chain, 0, 0)

    def log_q(x, y):
        centre, width = K.newton_centre(x, *K.profile_slopes(terms, coef, x, error, precision))
        return stats.norm.logpdf(y, centre, width)

    rng = np.random.default_rng(2)
    inside = 0
    for x in np.linspace(0.02, 0.98, 40):
        y, ratio = K.propose_newton(terms, coef, x, error, precision, rng)
        if ratio > -math.inf:
            heights = [K.profile(terms, coef, v, error, precision) for v in (x, y)]
            assert ratio == pytest.approx(heights[1] - heights[0] + log_q(y, x) - log_q(x, y), abs=1e-9)
            inside += 1
    assert inside > 10
