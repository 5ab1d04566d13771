"""The whole sweep keeps the joint distribution of state and reads (Geweke 2004), and the prior without reads.

Short runs; `validation/geweke.py` runs them at length, and on every breakage.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from breakages import broken, intact
from joint import (
    DEPTH,
    MAJOR,
    MINOR,
    PRIORS,
    SPEC,
    Layout,
    backward,
    draw_counts,
    draw_prior,
    forward,
    mean_alt,
    new_chain,
    p_value,
    z_scores,
)
from kernel_fixtures import dataset
from scipy import stats

from clonalbayes.genotypes import compile_reads

KERNELS = intact()
ALPHA, FOUND = 1e-3, 1e-5
CASES = {"reads": (0, DEPTH), "called": (1, DEPTH), "no reads": (0, 0 * DEPTH)}


@cache
def truth(case: str) -> tuple[Layout, dict[str, np.ndarray]]:
    """Frame and forward draws of a case."""
    min_alt, depth = CASES[case]
    layout = Layout.make(min_alt, depth)
    return layout, forward(layout, 6000, np.random.default_rng(11))


@pytest.mark.slow
@pytest.mark.parametrize(("case", "draws"), [("reads", 6000), ("called", 6000), ("no reads", 6000)])
def test_a_sweep_keeps_the_joint_distribution(case, draws):
    layout, independent = truth(case)
    chain = backward(layout, KERNELS, draws, np.random.default_rng(12))
    z = z_scores(independent, chain)
    assert len(z) > 50
    assert p_value(z) > ALPHA, sorted(z.items(), key=lambda item: -abs(item[1]))[:5]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "case"),
    [
        ("purity without the Jacobian", "no reads"),
        ("concentration without the clones", "no reads"),
        ("parameters without the depth", "reads"),
    ],
)
def test_a_broken_kernel_is_found(name, case):
    layout, independent = truth(case)
    chain = backward(layout, broken(name), 4000 if case == "reads" else 10000, np.random.default_rng(13))
    assert p_value(z_scores(independent, chain)) < FOUND


def test_without_reads_whole_distributions_are_the_priors():
    layout, independent = truth("no reads")
    chain = backward(layout, KERNELS, 6000, np.random.default_rng(14))
    for name in (
        "log concentration",
        "log precision in 0",
        "log error in 1",
        "purity in 0",
        "share in 1",
        "share in 0",
    ):
        assert stats.ks_2samp(independent[name], chain[name][::20]).pvalue > ALPHA, name
    for name in ("clones", "noise", "germline", "absent in 0", "clonal in 1", "singletons"):
        top = int(max(independent[name].max(), chain[name].max())) + 1
        counts = [
            np.bincount(draws.astype(int), minlength=top) for draws in (independent[name], chain[name][::20])
        ]
        common = (counts[0] + counts[1]) > 20
        table = np.array([np.append(c[common], c[~common].sum() + 0.5) for c in counts])
        assert stats.chi2_contingency(table).pvalue > ALPHA, name


def test_prior_draws_have_the_priors_moments():
    # Purity, precision and the shares do not meet the condition on clones, so their priors are plain.
    _, independent = truth("no reads")
    purity = stats.truncnorm((0.0 - 0.7) / 0.12, (1.0 - 0.7) / 0.12, 0.7, 0.12)
    assert stats.kstest(independent["purity in 0"], purity.cdf).pvalue > ALPHA
    assert stats.kstest(independent["share in 1"], stats.beta(*PRIORS.cn_clonal).cdf).pvalue > ALPHA
    assert stats.kstest(independent["log precision in 0"], stats.norm(*PRIORS.precision).cdf).pvalue > ALPHA


@pytest.mark.parametrize("min_alt", [0, 1, 3])
def test_counts_are_drawn_from_what_the_state_says(min_alt):
    rng = np.random.default_rng(3)
    layout = Layout.make(min_alt)
    s = new_chain(layout).state
    draw_prior(layout, s, rng)
    s.z[:] = [0, 0, 0, -2, -2, -1, 0, -2]
    s.n_clones[0], s.presence[0], s.ccf[0] = 1, (1, 2), (0.6, 1.0)
    draws = np.array([draw_counts(layout, s, rng) for _ in range(3000)])
    assert (draws.max(axis=1) >= min_alt).all()
    assert (draws <= layout.depth).all()
    if min_alt == 0:
        wanted = mean_alt(layout, s)[:, s.z != -1]
        found = (draws / layout.depth).mean(axis=0)[:, s.z != -1]
        assert found == pytest.approx(wanted, abs=0.02)


@pytest.mark.parametrize("min_alt", [0, 2])
def test_reads_are_laid_out_again_as_a_dataset_would_be(min_alt):
    rng = np.random.default_rng(4)
    layout = Layout.make(min_alt)
    alt = rng.binomial(layout.depth, 0.4)
    light = layout.with_counts(alt)
    counts = np.empty(DEPTH.shape, int)
    counts[layout.reads.order] = alt.T
    full = compile_reads(dataset(counts, DEPTH, MAJOR, MINOR, min_alt=min_alt), SPEC)
    for name in full.data._fields:
        assert np.array_equal(getattr(light.data, name), getattr(full.data, name)), name
