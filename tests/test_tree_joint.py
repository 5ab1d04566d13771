"""The tree model's sweep keeps the joint distribution of state and reads (Geweke 2004), and the prior without reads.

Short runs; `validation/geweke.py --spec tree` runs them at length, and on every breakage.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from breakages import intact
from joint import p_value, z_scores
from kernel_fixtures import dataset
from scipy import stats
from tree_breakages import broken_tree
from tree_fixtures import SPEC
from tree_joint import (
    DEPTH,
    MAJOR,
    MINOR,
    PRIORS,
    TreeLayout,
    backward,
    draw_counts,
    draw_prior,
    forward,
    mean_alt,
    new_chain,
)

from clonalbayes.genotypes import compile_reads

KERNELS = intact()
ALPHA, FOUND = 1e-3, 1e-5
CASES = {"reads": (0, DEPTH), "called": (1, DEPTH), "no reads": (0, 0 * DEPTH)}


@cache
def truth(case: str) -> tuple[TreeLayout, dict[str, np.ndarray]]:
    """Frame and forward draws of a case."""
    layout = TreeLayout.make(*CASES[case])
    return layout, forward(layout, 4000, np.random.default_rng(11))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_a_sweep_keeps_the_joint_distribution(case):
    layout, independent = truth(case)
    z = z_scores(independent, backward(layout, KERNELS, 12000, np.random.default_rng(12)))
    assert len(z) > 60
    assert p_value(z) > ALPHA, sorted(z.items(), key=lambda item: -abs(item[1]))[:5]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "sparsity without the Dirichlet's constant",
        "presence probability without the absent",
        "grafts without the number of trees",
    ],
)
def test_a_broken_kernel_is_found(name):
    layout, independent = truth("no reads")
    chain = backward(layout, broken_tree(name), 6000, np.random.default_rng(13))
    assert p_value(z_scores(independent, chain)) < FOUND


@pytest.mark.parametrize("min_alt", [0, 1, 3])
def test_counts_are_drawn_from_what_the_state_says(min_alt):
    rng = np.random.default_rng(3)
    layout = TreeLayout.make(min_alt)
    s = new_chain(layout).state
    draw_prior(layout, s, rng)
    s.z[:] = [0, 0, 0, -2, -2, -1, 0]
    s.n_clones[0], s.presence[0], s.ccf[0] = 1, (1, 1), (0.4, 0.7)
    draws = np.array([draw_counts(layout, s, rng) for _ in range(3000)])
    assert (draws.max(axis=1) >= min_alt).all()
    assert (draws <= layout.depth).all()
    if min_alt == 0:
        wanted = mean_alt(layout, s)[:, s.z != -1]
        found = (draws / layout.depth).mean(axis=0)[:, s.z != -1]
        assert found == pytest.approx(wanted, abs=0.02)


def test_prior_draws_have_the_moments_of_what_no_purity_touches():
    rng = np.random.default_rng(4)
    layout = TreeLayout.make(0)
    s, rows = new_chain(layout).state, []
    for _ in range(1200):
        draw_prior(layout, s, rng)
        rows.append((np.log(s.precision[0]), s.cn_clonal[1]))
        assert s.fraction.sum(axis=0) == pytest.approx(np.ones(2))
    table = np.array(rows)
    assert stats.kstest(table[:, 0], stats.norm(*PRIORS.precision).cdf).pvalue > ALPHA
    assert stats.kstest(table[:, 1], stats.beta(*PRIORS.cn_clonal).cdf).pvalue > ALPHA


def test_reads_are_laid_out_again_as_a_dataset_would_be():
    rng = np.random.default_rng(4)
    layout = TreeLayout.make(2)
    alt = rng.binomial(layout.depth, 0.4)
    light = layout.with_counts(alt)
    counts = np.empty(DEPTH.shape, int)
    counts[layout.reads.order] = alt.T
    full = compile_reads(dataset(counts, DEPTH, MAJOR, MINOR, min_alt=2), SPEC)
    for name in full.data._fields:
        assert np.array_equal(getattr(light.data, name), getattr(full.data, name)), name
