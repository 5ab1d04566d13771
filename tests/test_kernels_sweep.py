"""The whole sweep: caches stay what their states say, labels stay compact, the seed decides everything."""

from __future__ import annotations

import numpy as np
import pytest
from breakages import intact
from exact import admissible
from kernel_fixtures import BLOCKS, Chain, dataset, make_chain, mixed_dataset, randomise

from clonalbayes.kernels import refs, state

K = intact()
CACHES = ("alt_table", "ref_table", "low_table", "rank", "coef", "germ", "depth_sum", "size")


def rows_in_use(chain: Chain) -> list[int]:
    return [*range(chain.clones), len(chain.state.ccf)]


def check_caches(chain: Chain) -> None:
    """Compare what later blocks read with what a fresh build says."""
    fresh = state.new_work(chain.reads.data, len(chain.state.ccf))
    ref = refs.refer_work(fresh)
    K.build_tables(chain.d, chain.s, ref)
    K.sort_members(chain.s, ref)
    for name in CACHES:
        found, wanted = getattr(chain.work, name), getattr(fresh, name)
        if name not in ("coef", "germ", "depth_sum"):
            found, wanted = found[rows_in_use(chain)], wanted[rows_in_use(chain)]
        assert np.allclose(found, wanted, rtol=1e-12, atol=1e-12), name


def check_state(chain: Chain) -> None:
    """Labels compact, presence and ccf consistent, parameters in range, clones admissible."""
    s, clones = chain.state, chain.clones
    assert sorted(set(s.z[s.z >= 0])) == list(range(clones))
    assert ((s.z >= -2) & (s.z < clones)).all()
    assert (s.g < chain.reads.data.n_geno[chain.reads.data.cls]).all()
    presence, ccf = s.presence[:clones], s.ccf[:clones]
    assert admissible(presence)
    assert (ccf[presence == 0] == 0.0).all()
    assert (ccf[presence == 2] == 1.0).all()
    assert ((ccf[presence == 1] > 0.0) & (ccf[presence == 1] < 1.0)).all()
    assert s.presence_prob.sum(axis=1) == pytest.approx(1.0)
    assert ((s.error_rate > 0.0) & (s.error_rate < 0.05)).all()
    assert ((s.purity > 0.0) & (s.purity <= 1.0)).all()
    assert ((s.cn_clonal > 0.0) & (s.cn_clonal < 1.0)).all()


@pytest.mark.parametrize("min_alt", [0, 2])
@pytest.mark.parametrize("seed", range(3))
def test_every_partition_block_leaves_caches_and_state_valid(seed, min_alt):
    rng = np.random.default_rng(seed)
    chain = make_chain(mixed_dataset(seed, min_alt), capacity=16)
    randomise(chain, 5, rng)
    K.build_tables(chain.d, chain.s, chain.w)
    K.sort_members(chain.s, chain.w)
    for _ in range(12):
        for name, block in BLOCKS.items():
            block(chain, K, rng)
            check_state(chain)
            check_caches(chain), name


@pytest.mark.parametrize("min_alt", [0, 2])
def test_sweeps_keep_the_state_valid(min_alt):
    rng = np.random.default_rng(3)
    chain = make_chain(mixed_dataset(3, min_alt), capacity=8)
    for round_ in (*range(1, 20), *[0] * 30):
        loglik = chain.sweep(K, 8, 4, round_, rng)
        assert np.isfinite(loglik)
        check_state(chain)
    assert chain.state.counters[:14].min() > 0


def test_capacity_is_never_passed():
    rng = np.random.default_rng(5)
    counts = np.array([[20, 0], [0, 20], [10, 20], [20, 10], [1, 9], [14, 4]])
    chain = make_chain(dataset(counts, np.full(counts.shape, 40)), capacity=4)
    for _ in range(60):
        chain.sweep(K, 10, 6, 0, rng)
        check_state(chain)
        assert chain.clones <= 4 - state.SPARE_CLONES


def test_the_seed_decides_everything():
    ends = []
    for seed in (8, 8, 9):
        rng = np.random.default_rng(seed)
        chain = make_chain(mixed_dataset(1, 1))
        for round_ in range(1, 15):
            chain.sweep(K, 8, 4, round_, rng)
        ends.append(np.concatenate([field.ravel() for field in chain.state]))
    assert (ends[0] == ends[1]).all()
    assert (ends[0] != ends[2]).any()


def test_given_clusters_are_kept_and_their_genotypes_and_prevalences_are_drawn():
    rng = np.random.default_rng(6)
    chain = make_chain(mixed_dataset(6))
    randomise(chain, 4, rng)
    before = chain.state.z.copy()
    genotypes, prevalences = set(), set()
    for _ in range(30):
        K.sweep(chain.d, chain.s, chain.w, chain.t, chain.priors, 8, 4, 0.3, True, 0, rng)
        check_state(chain)
        assert (chain.state.z == before).all()
        genotypes.add(tuple(chain.state.g))
        prevalences.add(tuple(chain.state.ccf[:4].ravel()))
    assert len(genotypes) > 5
    assert len(prevalences) > 5


def few_clones(seed: int) -> Chain:
    """A chain on mutations that are absent, clonal or in half the cells, so that clones easily look alike."""
    rng = np.random.default_rng(seed)
    samples, n, clones = rng.integers(1, 4), rng.integers(4, 30), rng.integers(1, 5)
    ccf = rng.choice([0.0, 0.0, 0.5, 1.0, 1.0], size=(clones, samples))
    depth = rng.integers(20, 100, (n, samples))
    alt = rng.binomial(depth, 0.4 * ccf[rng.integers(clones, size=n)])
    return make_chain(dataset(alt, depth), capacity=40)


@pytest.mark.parametrize("seed", range(12))
def test_a_start_is_a_valid_state_with_finite_likelihood(seed):
    rng = np.random.default_rng(seed)
    chain = few_clones(seed) if seed > 2 else make_chain(mixed_dataset(seed, 1), capacity=20)
    K.start_clones(chain.d, chain.s, chain.w, chain.t, rng)
    assert chain.clones > 0
    check_state(chain)
    assert np.isfinite(chain.sweep(K, 8, 4, 1, rng))
    check_state(chain)
    K.start_given(chain.d, chain.s, chain.w, chain.t, rng)
    check_state(chain)
