"""The whole sweep keeps the joint distribution of state and reads (Geweke 2004), and the prior without reads.

Short runs, of both models; `validation/geweke.py` runs them at length, and on every breakage.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from breakages import broken, intact
from joint import CLONES, Layout, p_value, z_scores
from scipy import stats
from tree_breakages import broken_tree
from tree_joint import TREE

from clonalbayes.genotypes import compile_reads

KERNELS = intact()
ALPHA, FOUND = 1e-3, 1e-5
MODELS = {"clones": (CLONES, broken), "tree": (TREE, broken_tree)}
FORWARD = {"clones": 6000, "tree": 4000}
CASES = ("reads", "called", "no reads")
LABELS = {"clones": (0, 0, 0, -2, -2, -1, 0, -2), "tree": (0, 0, 0, -2, -2, -1, 0)}


@cache
def truth(model: str, case: str) -> tuple[Layout, dict[str, np.ndarray]]:
    """Frame and forward draws of a case."""
    simulator = MODELS[model][0]
    layout = simulator.layout(int(case == "called"), 0 * simulator.depth if case == "no reads" else None)
    return layout, simulator.forward(layout, FORWARD[model], np.random.default_rng(11))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("model", "draws"), [("clones", 6000), ("tree", 12000)])
def test_a_sweep_keeps_the_joint_distribution(model, draws, case):
    layout, independent = truth(model, case)
    chain = MODELS[model][0].backward(layout, KERNELS, draws, np.random.default_rng(12))
    z = z_scores(independent, chain)
    assert len(z) > 50
    assert p_value(z) > ALPHA, sorted(z.items(), key=lambda item: -abs(item[1]))[:5]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "name", "case", "draws"),
    [
        ("clones", "purity without the Jacobian", "no reads", 20000),
        ("clones", "concentration without the clones", "no reads", 10000),
        ("clones", "parameters without the depth", "reads", 4000),
        ("tree", "sparsity without the Dirichlet's constant", "no reads", 6000),
        ("tree", "presence probability without the absent", "no reads", 6000),
        ("tree", "grafts without the number of trees", "no reads", 6000),
    ],
)
def test_a_broken_kernel_is_found(model, name, case, draws):
    layout, independent = truth(model, case)
    simulator, breaks = MODELS[model]
    chain = simulator.backward(layout, breaks(name), draws, np.random.default_rng(13))
    assert p_value(z_scores(independent, chain)) < FOUND


def test_without_reads_whole_distributions_are_the_priors():
    layout, independent = truth("clones", "no reads")
    chain = CLONES.backward(layout, KERNELS, 6000, np.random.default_rng(14))
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
    _, independent = truth("clones", "no reads")
    purity = stats.truncnorm((0.0 - 0.7) / 0.12, (1.0 - 0.7) / 0.12, 0.7, 0.12)
    assert stats.kstest(independent["purity in 0"], purity.cdf).pvalue > ALPHA
    assert stats.kstest(independent["share in 1"], stats.beta(*CLONES.priors.cn_clonal).cdf).pvalue > ALPHA
    assert stats.kstest(independent["log precision in 0"], stats.norm(*CLONES.priors.precision).cdf).pvalue > ALPHA


def test_prior_draws_of_trees_have_the_moments_of_what_no_purity_touches():
    rng = np.random.default_rng(4)
    layout = TREE.layout(0)
    s, rows = TREE.new_chain(layout).state, []
    for _ in range(1200):
        TREE.draw_prior(layout, s, rng)
        rows.append((np.log(s.precision[0]), s.cn_clonal[1]))
        assert s.fraction.sum(axis=0) == pytest.approx(np.ones(2))
    table = np.array(rows)
    assert stats.kstest(table[:, 0], stats.norm(*TREE.priors.precision).cdf).pvalue > ALPHA
    assert stats.kstest(table[:, 1], stats.beta(*TREE.priors.cn_clonal).cdf).pvalue > ALPHA


@pytest.mark.parametrize("min_alt", [0, 1, 3])
@pytest.mark.parametrize("model", MODELS)
def test_counts_are_drawn_from_what_the_state_says(model, min_alt):
    rng, simulator = np.random.default_rng(3), MODELS[model][0]
    layout = simulator.layout(min_alt)
    s = simulator.new_chain(layout).state
    simulator.draw_prior(layout, s, rng)
    s.z[:] = LABELS[model]
    s.n_clones[0], s.presence[0], s.ccf[0] = 1, (1, 1), (0.4, 0.7)
    draws = np.array([simulator.draw_counts(layout, s, rng) for _ in range(3000)])
    assert (draws.max(axis=1) >= min_alt).all()
    assert (draws <= layout.depth).all()
    if min_alt == 0:
        wanted = simulator.mean_alt(layout, s)[:, s.z != -1]
        found = (draws / layout.depth).mean(axis=0)[:, s.z != -1]
        assert found == pytest.approx(wanted, abs=0.02)


@pytest.mark.parametrize("min_alt", [0, 2])
@pytest.mark.parametrize("model", MODELS)
def test_reads_are_laid_out_again_as_a_dataset_would_be(model, min_alt):
    rng, simulator = np.random.default_rng(4), MODELS[model][0]
    layout = simulator.layout(min_alt)
    alt = rng.binomial(layout.depth, 0.4)
    light = layout.with_counts(alt)
    counts = np.empty(simulator.depth.shape, int)
    counts[layout.reads.order] = alt.T
    full = compile_reads(simulator.dataset(counts, simulator.depth, min_alt), simulator.spec)
    for name in full.data._fields:
        assert np.array_equal(getattr(light.data, name), getattr(full.data, name)), name
