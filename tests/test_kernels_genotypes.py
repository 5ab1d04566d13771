"""Genotype states of a copy-number class, and the layout of the reads."""

from __future__ import annotations

import numpy as np
import pytest
from exact import mean_alt, multiplicities
from kernel_fixtures import dataset, make_chain, mixed_dataset, randomise

from clonalbayes import specs
from clonalbayes.genotypes import MAX_GENOTYPES, beta_grid, compile_priors, compile_reads, genotype_vectors
from clonalbayes.kernels import refs, tables


@pytest.mark.parametrize(
    ("states", "vectors"),
    [
        pytest.param([(1, 1, 2)], [(1,)], id="diploid"),
        pytest.param([(2, 0, 2)], [(1,), (2,)], id="copy-neutral loss: a lost mutation is no genotype alone"),
        pytest.param([(3, 1, 4)], [(1,), (3,)], id="three and one"),
        pytest.param([(2, 1, 3)], [(1,), (2,)], id="two and one"),
        pytest.param([(2, 2, 4)], [(1,), (2,)], id="two and two"),
        pytest.param([(1, 0, 1)], [(1,)], id="haploid"),
        pytest.param([(1, 1, 2), (1, 0, 1)], [(1, 1), (1, 0)], id="lost in one sample"),
        pytest.param([(1, 1, 2), (0, 0, 0)], [(1, 0)], id="homozygous deletion in one sample"),
        pytest.param([(0, 0, 0)], [], id="homozygous deletion everywhere"),
        pytest.param([(2, 1, 3), (2, 0, 2)], [(1, 1), (2, 2), (1, 0)], id="minor lost, major gained"),
        pytest.param([(-1, -1, 3)], [(1,), (3,), (2,)], id="total three: splits 3+0 and 2+1"),
        pytest.param([(-1, -1, 2), (-1, -1, 2)], [(1, 1), (2, 2)], id="one split in samples of equal total"),
        pytest.param([(-1, -1, 2), (1, 1, 2)], [(1, 1), (2, 1), (0, 1)], id="total in one sample only"),
        pytest.param([(-1, -1, 1)], [(1,)], id="total one"),
    ],
)
def test_genotype_vectors_are_the_admissible_ones(states, vectors):
    found = genotype_vectors(np.array(states))
    assert found.shape == (len(vectors), len(states))
    assert {tuple(row) for row in found.tolist()} == set(vectors)


def test_the_one_copy_vector_comes_first_and_none_is_without_a_copy():
    for states in ([(2, 1, 3), (3, 0, 3)], [(-1, -1, 4), (1, 1, 2)]):
        found = genotype_vectors(np.array(states))
        assert (found[0] == 1).all()
        assert (found.max(axis=1) > 0).all()
        assert len(np.unique(found, axis=0)) == len(found)


def test_many_open_totals_are_cut_to_a_bounded_number_of_vectors():
    found = genotype_vectors(np.array([(-1, -1, t) for t in range(2, 9)]))
    assert 1 < len(found) <= 3 * MAX_GENOTYPES


def test_vectors_agree_with_the_twin_where_the_split_is_known():
    rng = np.random.default_rng(4)
    for _ in range(60):
        minor = rng.integers(0, 3, size=3)
        major = minor + rng.integers(0, 3, size=3)
        if (major + minor).max() == 0:
            continue
        ds = dataset(np.zeros((1, 3)), np.ones((1, 3)), major, minor)
        found = genotype_vectors(np.stack([major, minor, major + minor], axis=1))
        assert sorted(map(tuple, found.tolist())) == multiplicities(ds, 0)


def test_a_male_x_chromosome_is_normal_and_not_aberrant():
    data = compile_reads(dataset([[3]], [[9]], 1, 0, normal=1), specs.load("clones")).data
    assert data.cell_aberrant.tolist() == [0]
    assert (data.cell_mult[0], data.cell_total[0], data.cell_normal[0]) == (1.0, 1.0, 1.0)


def test_an_uncalled_segment_is_taken_as_normal():
    spec = specs.load("clones")
    open_, normal = (compile_reads(dataset([[3]], [[9]], m, m), spec).data for m in (-1, 1))
    assert open_.cell_total.tolist() == normal.cell_total.tolist() == [2.0]
    assert open_.cell_aberrant.tolist() == [0]


@pytest.mark.parametrize("seed", range(4))
def test_counts_are_found_again_through_the_axes(seed):
    ds = mixed_dataset(seed)
    reads = compile_reads(ds, specs.load("clones"))
    d, depth = reads.data, np.maximum(ds["depth"].values, 0)
    alt = np.where(depth > 0, ds["alt_count"].values, 0)
    for s in range(3):
        assert (d.alt_val[d.alt_off[s] + d.alt_ix[s]] == alt[reads.order, s]).all()
        assert (d.ref_val[d.ref_off[s] + d.ref_ix[s]] == (depth - alt)[reads.order, s]).all()
        assert (d.depth_val[d.depth_off[s] + d.depth_ix[s]] == depth[reads.order, s]).all()
    assert sorted(reads.order) == list(range(ds.sizes["mutation"]))
    assert (np.diff(d.cls) >= 0).all()


@pytest.mark.parametrize("seed", range(4))
def test_expected_alt_fractions_agree_with_the_twin(seed):
    rng = np.random.default_rng(seed)
    ds = mixed_dataset(seed)
    chain = make_chain(ds)
    randomise(chain, 3, rng)
    from clonalbayes.kernels.tables import alt_fraction, refresh_cells

    refresh_cells(chain.d, chain.s, chain.w)
    d, p = chain.reads.data, chain.parameters
    for j, i in enumerate(chain.reads.order):
        for g in range(d.geno_off[d.cls[j]], d.geno_off[d.cls[j]] + d.n_geno[d.cls[j]]):
            for s in range(3):
                cell, copies = d.geno_cell[g, s], chain.reads.multiplicity[g, s]
                error = chain.state.error_rate[s]
                found = (
                    alt_fraction(0.37 * chain.work.coef[cell], error),
                    alt_fraction(chain.work.germ[cell], error),
                )
                wanted = mean_alt(ds, p, i, s, copies, 0.37), mean_alt(ds, p, i, s, copies, 1.0, True)
                assert found == pytest.approx(wanted, rel=1e-12)


def test_the_grid_of_a_beta_has_its_mean():
    fractions, weights = beta_grid(1.0, 9.0)
    assert weights.sum() == pytest.approx(1.0)
    assert fractions @ weights == pytest.approx(0.1, abs=0.005)


def test_priors_take_purity_and_error_from_the_dataset():
    ds = dataset([[3, 1]], [[9, 9]], purity=0.6)
    ds["error_rate"] = ("mutation", [0.002])
    ds.coords["purity_sd"] = ("specimen", [0.04, np.nan])
    priors = compile_priors(ds, specs.load("clones"))
    assert priors.purity == pytest.approx(np.array([[0.6, 0.04], [0.6, 0.02]]))
    assert np.exp(priors.error_rate[:, 0]) == pytest.approx([0.002, 0.002])


def test_two_states_give_the_genotypes_of_either_and_of_their_mixture():
    """A slow twin: for each sample the three readings of a segment, one reading for all samples."""
    rng = np.random.default_rng(5)
    for _ in range(200):
        first, other = (np.sort(rng.integers(0, 4, (3, 2)), axis=1)[:, ::-1] for _ in range(2))
        share = rng.choice([0.25, 0.5, 0.8], 3)
        there = rng.random(3) < 0.6
        second = np.column_stack([np.where(there[:, None], other, -1), np.where(there, share, 1.0)])
        states = np.column_stack([first, first.sum(axis=1)])
        expected = set()
        readings = [(first[s], other[s] if there[s] else first[s], share[s] if there[s] else 1.0) for s in range(3)]
        for allele in range(2):
            expected.add(tuple(float(a[allele]) for a, _, _ in readings))
            expected.add(tuple(float(b[allele]) for _, b, _ in readings))
            expected.add(tuple(round(f * a[allele] + (1 - f) * b[allele], 6) for a, b, f in readings))
        expected.add(tuple(float(a.sum() + b.sum() > 0) for a, b, _ in readings))
        expected.discard((0.0, 0.0, 0.0))
        found = genotype_vectors(states, second)
        assert len(found) == len(expected)
        assert {tuple(v) for v in found.tolist()} == expected


def test_a_subclonal_segment_has_the_average_total_in_the_kernels():
    ds = dataset([[30]], [[100]], 2, 1)
    both = ("mutation", "specimen")
    ds = ds.assign(major_cn_2=(both, [[1]]), minor_cn_2=(both, [[1]]), cn_fraction=(both, [[0.6]]))
    data = compile_reads(ds, specs.load("clones")).data
    assert np.allclose(data.cell_total, 0.6 * 3 + 0.4 * 2)
    assert sorted(data.cell_mult) == [1.0, 1.6, 2.0]


@pytest.mark.parametrize(
    ("states", "second", "depends"),
    [
        ({}, None, False),
        ({"major": 2}, None, True),
        ({"major": 2, "minor": 0}, None, True),
        ({"major": 1, "minor": 0, "normal": 1}, None, False),  # one chromosome X in all cells
        ({"major": 1, "minor": 1, "normal": 1}, None, True),
        ({"major": -1, "minor": -1, "total": 2}, None, True),  # germline alleles may be two in tumour cells
        ({"major": -1, "minor": -1, "total": 1, "normal": 1}, None, False),
        ({"major": 1, "fixed": 0.5}, None, False),
        ({}, (2, 1, 0.6), True),
        ({}, (2, 0, 0.6), True),
    ],
)
def test_purity_is_linked_where_reads_depend_on_it(states, second, depends):
    # Whether they do is asked of the kernels' expected fractions, of clones (of all cells) and of germline variants.
    ds = dataset([[5]], [[20]], **states)
    if second is not None:
        for name, value in zip(("major_cn_2", "minor_cn_2", "cn_fraction"), second, strict=True):
            ds[name] = (ds["alt_count"].dims, np.array([[value]]))
    spec = specs.load("tree")
    reads, priors = compile_reads(ds, spec), compile_priors(ds, spec)
    data, expected = refs.refer_data(reads.data), []
    for purity in (0.3, 0.8):
        coef, germ = np.zeros((2, len(reads.data.cell_sample)))
        tables.refresh_sample(data, 0, purity, 0.9, coef, germ)
        expected.append(np.concatenate([coef, germ]))
    assert bool(priors.linked[0]) == depends
    assert bool(np.abs(expected[0] - expected[1]).max() > 1e-12) == depends
