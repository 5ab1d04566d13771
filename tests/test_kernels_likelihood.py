"""What the kernels say about a state against its definition: tables, scores, noise, whole log likelihood."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from breakages import intact
from exact import (
    GERMLINE,
    NOISE,
    carrier_loglik,
    log_joint,
    log_likelihood,
    noise_loglik,
)
from kernel_fixtures import Chain, dataset, make_chain, mixed_dataset, randomise

from clonalbayes import specs
from clonalbayes.genotypes import beta_grid, compile_reads
from clonalbayes.kernels.density import log_prior

KERNELS = intact()
GRID = beta_grid(1.0, 9.0)
SEEDS = [0, 1, 2]
MIN_ALT = [0, 1, 3]


def prepared(seed: int, min_alt: int, clones: int = 4) -> tuple[Chain, object, np.random.Generator]:
    """A chain in a random state with its tables, and its Dataset."""
    rng = np.random.default_rng(seed)
    ds = mixed_dataset(seed, min_alt)
    chain = make_chain(ds)
    randomise(chain, clones, rng)
    KERNELS.build_tables(chain.d, chain.s, chain.w)
    KERNELS.sort_members(chain.s, chain.w)
    return chain, ds, rng


def carrier_logs(chain: Chain, ds: object, j: int, row: int) -> np.ndarray:
    """Slow log likelihoods of the kernels' mutation j in a row under each genotype."""
    d, i = chain.reads.data, int(chain.reads.order[j])
    germline = row == len(chain.state.ccf)
    ccf = np.ones(3) if germline else chain.state.ccf[row]
    first = d.geno_off[d.cls[j]]
    genotypes = chain.reads.multiplicity[first : first + d.n_geno[d.cls[j]]]
    return np.array(
        [float(carrier_loglik(ds, chain.parameters, i, copies, ccf, germline)) for copies in genotypes]
    )


def log_sum(logs: np.ndarray) -> float:
    return float(np.logaddexp.reduce(logs))


@pytest.mark.parametrize("min_alt", MIN_ALT)
@pytest.mark.parametrize("seed", SEEDS)
def test_genotype_logs_are_log_likelihoods(seed, min_alt):
    chain, ds, _ = prepared(seed, min_alt)
    for j, row in itertools.product(range(24), (0, 1, 2, 3, len(chain.state.ccf))):
        wanted = carrier_logs(chain, ds, j, row)
        found = np.empty(len(wanted))
        KERNELS.genotype_logs(chain.d, chain.w, row, j, found)
        assert found == pytest.approx(wanted, rel=1e-8, abs=1e-7)


@pytest.mark.parametrize("min_alt", MIN_ALT)
def test_row_scores_are_weights_times_mean_likelihoods_over_genotypes(min_alt):
    chain, ds, rng = prepared(3, min_alt)
    d = chain.reads.data
    chain.work.log_weight[:] = rng.normal(size=len(chain.work.log_weight))
    for c, row in itertools.product(range(len(d.n_geno)), (0, 2, len(chain.state.ccf))):
        low, high = d.cls_start[c], d.cls_start[c + 1]
        found, best = np.empty(high - low), np.full(high - low, -np.inf)
        KERNELS.row_scores(chain.d, chain.w, row, row, low, high, found, best)
        wanted = [log_sum(carrier_logs(chain, ds, j, row)) - math.log(d.n_geno[c]) for j in range(low, high)]
        assert found == pytest.approx(np.array(wanted) + chain.work.log_weight[row], rel=1e-8, abs=1e-7)


@pytest.mark.parametrize("min_alt", MIN_ALT)
@pytest.mark.parametrize("seed", SEEDS)
def test_noise_agrees_with_the_twin(seed, min_alt):
    ds = mixed_dataset(seed, min_alt)
    reads = compile_reads(ds, specs.load("clones"))
    wanted = [noise_loglik(ds, i, GRID) for i in reads.order]
    assert reads.data.noise_ll == pytest.approx(np.array(wanted), rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("min_alt", MIN_ALT)
@pytest.mark.parametrize("place", ["noise", "clone", "germline"])
def test_probabilities_of_all_counts_that_can_be_called_sum_to_one(place, min_alt):
    depth = (4, 0, 3)
    tables = [c for c in itertools.product(*(range(d + 1) for d in depth)) if max(c) >= min_alt]
    ds = dataset(np.array(tables), np.tile(depth, (len(tables), 1)), [2, 1, 1], [1, 1, 0], min_alt=min_alt)
    chain = make_chain(ds, precision=6.0)
    chain.state.ccf[0], chain.state.presence[0] = (0.3, 0.0, 1.0), (1, 0, 2)
    chain.state.n_clones[0] = 1
    KERNELS.build_tables(chain.d, chain.s, chain.w)
    if place == "noise":
        logs = chain.reads.data.noise_ll[:, None]
    else:
        row = 0 if place == "clone" else len(chain.state.ccf)
        logs = np.zeros((len(tables), chain.reads.data.n_geno[0]))
        for j in range(len(tables)):
            KERNELS.genotype_logs(chain.d, chain.w, row, j, logs[j])
    assert np.exp(logs).sum(axis=0) == pytest.approx(1.0, rel=1e-9)


def joint(chain: Chain, ds: object) -> float:
    """Slow log density of the chain's state given its hyperparameters."""
    d, clones = chain.reads.data, chain.clones
    return log_joint(
        ds,
        chain.parameters,
        chain.labels,
        chain.copies,
        chain.in_dataset_order(d.n_geno[d.cls]),
        chain.state.presence[:clones],
        chain.state.ccf[:clones],
        GRID,
    )


@pytest.mark.parametrize("min_alt", [0, 1])
@pytest.mark.parametrize("seed", SEEDS)
def test_place_scores_are_differences_of_the_joint_density(seed, min_alt):
    chain, ds, _ = prepared(seed, min_alt)
    for j in (0, 15):
        if (chain.state.z == chain.state.z[j]).sum() == 1:
            continue
        found = np.empty(chain.clones + 2)
        kinds = KERNELS.kinds_without(chain.s, chain.w, j)
        KERNELS.place_scores(chain.d, chain.s, chain.w, chain.priors.component, kinds, j, found)
        old = chain.state.z[j], chain.state.g[j]
        wanted = []
        for label in (*range(chain.clones), GERMLINE, NOISE):
            logs = []
            for g in range(chain.reads.data.n_geno[chain.reads.data.cls[j]]):
                chain.state.z[j], chain.state.g[j] = label, g
                logs.append(joint(chain, ds))
            wanted.append(log_sum(np.array(logs)))
        chain.state.z[j], chain.state.g[j] = old
        assert found - found[-1] == pytest.approx(np.array(wanted) - wanted[-1], abs=1e-6)


@pytest.mark.parametrize("min_alt", [0, 1])
def test_a_birth_scores_the_mean_over_its_proposals_as_the_marginal_likelihood(min_alt):
    # exp(score) is an importance weight: its mean is the joint mass of all clones with this one member.
    chain, ds, rng = prepared(5, min_alt, clones=2)
    chain.state.z[3], chain.state.z[4:6] = NOISE, (0, 1)
    KERNELS.sort_members(chain.s, chain.w)
    kinds = KERNELS.kinds_without(chain.s, chain.w, 3)
    places = np.empty(chain.clones + 2)
    KERNELS.place_scores(chain.d, chain.s, chain.w, chain.priors.component, kinds, 3, places)
    envelope = KERNELS.new_envelope()
    args = (chain.d, chain.s, chain.w, chain.t, envelope, chain.priors.component, kinds, 3)
    scores = np.array([KERNELS.birth_score(*args, True, rng) for _ in range(4000)])
    again = KERNELS.birth_score(*args, False, rng)
    assert again == scores[-1]

    concentration, weights = chain.parameters.concentration, chain.priors.component
    prior = math.log(weights[0] + kinds[0]) + math.log(concentration / (concentration + kinds[0]))
    wanted = prior + log_sum(_single_clone_logs(chain, ds, 3)) - places[-1]
    wanted += math.log(weights[1] + kinds[1]) + noise_loglik(ds, int(chain.reads.order[3]), GRID)
    ratios = np.exp(scores - wanted)
    assert abs(ratios.mean() - 1.0) < 4.0 * ratios.std() / 4000**0.5 + 1e-6
    assert ratios.std() < 0.6


def _single_clone_logs(chain: Chain, ds: object, j: int) -> np.ndarray:
    """Log mass of mutation j as a clone of its own under each genotype, by quadrature over three samples."""
    p, d, i = chain.parameters, chain.reads.data, int(chain.reads.order[j])
    x, w = np.polynomial.legendre.leggauss(20)
    nodes = np.concatenate([[0.0], (x + 1.0) / 2.0, [1.0]])
    axes = np.meshgrid(nodes, nodes, nodes, indexing="ij")
    weights = [np.concatenate([[q[0]], q[1] * w / 2.0, [q[2]]]) for q in p.presence_prob]
    mass = np.einsum("i,j,k->ijk", *weights)
    first, n = d.geno_off[d.cls[j]], d.n_geno[d.cls[j]]
    copies = chain.reads.multiplicity[first : first + n]
    return np.log([float((mass * np.exp(carrier_loglik(ds, p, i, c, axes))).sum()) / n for c in copies])


@pytest.mark.parametrize("min_alt", MIN_ALT)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_sweep_returns_the_log_likelihood_of_its_state(seed, min_alt):
    chain, ds, rng = prepared(seed, min_alt)
    for _ in range(5):
        found = chain.sweep(KERNELS, 6, 3, 0, rng)
        wanted = log_likelihood(ds, chain.parameters, chain.labels, chain.copies, chain.state.ccf, GRID)
        assert found == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_traced_log_prior_differs_between_states_as_the_joint_density_does(seed):
    chain, ds, rng = prepared(seed, 0)
    gaps = []
    for clones in (2, 3, 5, 4):
        randomise(chain, clones, rng)
        chain.state.concentration[:] = 0.7
        for name, value in (("presence_prob", [0.2, 0.5, 0.3]), ("precision", 50.0), ("error_rate", 0.01)):
            getattr(chain.state, name)[:] = value
        chain.state.purity[:], chain.state.cn_clonal[:] = 0.8, 0.9
        KERNELS.sort_members(chain.s, chain.w)
        loglik = log_likelihood(ds, chain.parameters, chain.labels, chain.copies, chain.state.ccf, GRID)
        gaps.append(log_prior(chain.d, chain.s, chain.w, chain.priors) - (joint(chain, ds) - loglik))
    assert gaps == pytest.approx([gaps[0]] * 4, abs=1e-8)
