"""The moves that change an error rate with faint clones, against enumeration at every error rate."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from breakages import intact
from enumeration import BURN
from kernel_fixtures import dataset
from scipy.special import roots_legendre
from tree_breakages import broken_tree
from tree_check import FOCUSES, Recorder, z_score
from tree_fixtures import make_chain, plant, run_blocks
from tree_problems import KNOWN, TreeProblem

from clonalbayes.kernels.layout import MAX_ERROR
from clonalbayes.kernels.tree_faint import FAINT

PRIOR = (np.log(0.02), 0.8)  # of the log error rate
NODES = 24
LARGEST_Z, FOUND = 5.0, 8.0
CHAIN = (0, 1, 2)
KERNELS = intact()


def faint(alt: list[int], depth: list[int], **kwargs) -> TreeProblem:
    """Clones one below the other, in one sample."""
    special = {name: kwargs.pop(name) for name in ("min_alt", "n_germline") if name in kwargs}
    ds = dataset(np.array(alt)[:, None], np.array(depth)[:, None], **special)
    labels = tuple(range(len(alt)))
    return TreeProblem(ds, (0.6,), (0.5,), labels=labels, rule={"first": 24, "others": 12}, **kwargs)


PROBLEMS = {
    "two faint below one": faint([30, 2, 1], [70, 60, 50]),
    "all faint": faint([2, 1, 2], [70, 60, 80], precision=200.0),
    "all faint, purity": faint([2, 1, 1], [70, 60, 80], observed=(KNOWN[0],)),
    "called": faint([9, 2, 2], [30, 70, 60], min_alt=2),
}


@cache
def truth_of(name: str) -> dict[str, float]:
    """Means under the posterior of the error rate and the fractions, the tree being the chain."""
    problem = PROBLEMS[name]
    top = np.log(MAX_ERROR)
    x, w = roots_legendre(NODES)
    low, high = PRIOR[0] - 7.0 * PRIOR[1], min(PRIOR[0] + 7.0 * PRIOR[1], top)
    logs = 0.5 * (high + low) + 0.5 * (high - low) * x
    prior = w * np.exp(-0.5 * ((logs - PRIOR[0]) / PRIOR[1]) ** 2)
    masses, means = [], []
    key = (problem.labels, CHAIN)
    for log_error, weight in zip(logs, prior, strict=True):
        found = replace(problem, error_rate=float(np.exp(log_error))).enumeration
        masses.append(weight * found.mass(*key))
        means.append([found.expect([key], focus, 0) for focus in FOCUSES])
    share = np.array(masses) / sum(masses)
    values = dict(zip(FOCUSES, share @ np.array(means), strict=True))
    return values | {"log error": float(share @ logs), "log error squared": float(share @ logs**2)}


def scores(kernels, name: str, blocks: tuple[str, ...], sweeps: int, seed: int) -> dict[str, float]:
    """z-scores of a run of some blocks against the exact means."""
    problem = PROBLEMS[name]
    chain = make_chain(problem)
    chain.priors = chain.priors._replace(error_rate=np.array([PRIOR]))
    plant(chain, problem.labels, CHAIN)
    rng = np.random.default_rng(seed)
    run_blocks(chain, kernels, blocks, BURN, rng, lambda _: None)
    recorder, logs = Recorder(), []

    def record(chain) -> None:
        recorder(chain)
        logs.append(np.log(chain.state.error_rate[0]))

    run_blocks(chain, kernels, blocks, sweeps, rng, record)
    error = np.array(logs)
    drawn = [*np.array(recorder.values).T, error, error**2]
    return {focus: z_score(draws, value) for (focus, value), draws in zip(truth_of(name).items(), drawn, strict=True)}


@pytest.mark.parametrize(
    ("name", "blocks"),
    [
        ("two faint below one", ("errors", "settle")),
        ("all faint", ("errors",)),
        ("all faint", ("clades", "settle", "errors")),
        ("all faint, purity", ("clades", "errors", "shift")),
        ("called", ("clades", "errors", "settle")),
    ],
    ids=str,
)
def test_error_rates_and_faint_clones_are_drawn_from_their_joint_posterior(name, blocks):
    found = scores(KERNELS, name, blocks, 16000, seed=6)
    assert max(abs(z) for z in found.values()) < LARGEST_Z, found


def test_clades_come_and_go():
    chain = make_chain(PROBLEMS["all faint"])
    chain.priors = chain.priors._replace(error_rate=np.array([PRIOR]))
    plant(chain, CHAIN, CHAIN)
    seen = set()
    run_blocks(chain, KERNELS, ("clades",), 2000, np.random.default_rng(2), lambda c: seen.add(c.presence.sum()))
    assert {0, 3} <= seen


@pytest.mark.slow
@pytest.mark.parametrize(
    ("breakage", "name", "blocks"),
    [
        ("error rates without the way back", "two faint below one", ("errors", "settle")),
        ("error rates without their prior", "two faint below one", ("errors", "settle")),
        ("error rates without the reads of other clones", "two faint below one", ("errors", "settle")),
        ("error rates without the calls", "called", ("errors", "settle")),
        ("clades that come without their density", "all faint", ("clades", "settle", "errors")),
        ("clades that go without the presence prior", "all faint", ("clades", "settle", "errors")),
    ],
)
def test_a_broken_move_is_found(breakage, name, blocks):
    found = scores(broken_tree(breakage), name, blocks, 20000, seed=7)
    assert max(abs(z) for z in found.values()) > FOUND, found


def test_faint_is_what_counts_alone_say():
    # A clone whose reads show it clearly keeps its cells when the error rate steps.
    problem = PROBLEMS["two faint below one"]
    alt, depth = (problem.ds[name].values[:, 0] for name in ("alt_count", "depth"))
    assert (2.0 * alt[1:] / depth[1:] < FAINT).all()
    assert 2.0 * alt[0] / depth[0] > FAINT
