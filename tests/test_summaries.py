"""Consensus clones, intervals and tables, on posteriors whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from posteriors import GERMLINE, NOISE, dataset, known, posterior, shuffled

from clonalbayes import genotypes, specs
from clonalbayes.summaries import alignment, consensus, hdi, summarise, tables
from clonalbayes.summaries.intervals import mean, presence
from clonalbayes.summaries.multiplicity import genotype_classes


def find(labels):
    labels = np.asarray(labels, np.int8).reshape(-1, np.shape(labels)[-1])
    return consensus.find_consensus(alignment.Draws(labels, int(labels.max(initial=-1)) + 1))


def same_partition(first, second):
    """Whether two labelings of mutations group them alike."""
    pairs = set(zip(first.tolist(), second.tolist(), strict=True))
    return len(pairs) == len(set(first.tolist())) == len(set(second.tolist()))


# --- alignment -------------------------------------------------------------------------------------------


def test_crosstabs_agree_with_counting_one_by_one():
    rng = np.random.default_rng(3)
    labels = rng.integers(-2, 4, (5, 50)).astype(np.int8)
    partition = rng.integers(0, 6, 50)
    tables = alignment.crosstabs(labels, 6, partition, 6)
    slow = np.zeros((5, 6, 6), int)
    for d, row in enumerate(labels):
        for label, code in zip(row, partition, strict=True):
            slow[d, label + 2, code] += 1
    assert np.array_equal(tables, slow)


def test_crosstabs_of_many_clones_do_not_overflow():
    labels = np.arange(400, dtype=np.int16)[None]
    tables = alignment.crosstabs(labels, 402, np.arange(400) + 2, 402)
    assert np.array_equal(tables[0, 2:, 2:], np.eye(400, dtype=int))
    assert tables.sum() == 400


def test_variation_of_information_is_a_distance():
    rng = np.random.default_rng(5)
    a, b, c = rng.integers(0, 4, (3, 200))

    def apart(x, y):
        tables = alignment.crosstabs(x[None].astype(np.int8), 6, y + 2, 6)
        return alignment.variation_of_information(tables)[0]

    assert apart(a, a) == pytest.approx(0.0, abs=1e-12)
    assert apart(a, b) == pytest.approx(apart(b, a))
    assert apart(a, c) <= apart(a, b) + apart(b, c)


def test_conflicts_are_settled_by_the_best_sum():
    shared = np.array([[[5, 4], [4, 0]]])  # slot 0 is the best of both clones
    assert alignment._best_partners(shared).tolist() == [[1, 0]]


def test_a_slot_that_shares_too_little_is_no_partner():
    labels = np.array([[0] * 9 + [1] * 11], np.int8)
    partition = np.array([2] * 10 + [3] * 10)
    found = alignment.match(alignment.crosstabs(labels, 4, partition, 4))
    assert found.partner.tolist() == [[0, 1]]
    lonely = alignment.match(alignment.crosstabs(np.array([[0] * 19 + [1]], np.int8), 4, partition, 4))
    assert lonely.partner.tolist() == [[0, -1]], "one of ten shared mutations does not make a clone"


def test_pieces_of_a_split_clone_go_to_the_clone():
    labels = np.array([[0] * 6 + [1] * 4 + [2] * 10], np.int8)
    partition = np.array([2] * 10 + [3] * 10)
    found = alignment.match(alignment.crosstabs(labels, 5, partition, 4))
    assert found.partner.tolist() == [[0, 2]]
    assert found.target.tolist() == [[0, 1, 2, 2, 3]]


def test_chunks_cover_all_rows_once():
    rows = [i for c in alignment.chunks(11, alignment.CHUNK // 3) for i in range(c.start, c.stop)]
    assert rows == list(range(11))
    assert [c.stop for c in alignment.chunks(2, 0)] == [2]


# --- the consensus partition -----------------------------------------------------------------------------


@pytest.mark.parametrize("errors", [0.0, 0.2])
def test_permuted_labels_are_found_again(errors):
    tree, truth, _ = known(errors=errors)
    group = summarise(tree)["consensus"]
    clone = group["clone"].values
    assert same_partition(np.where(truth >= 0, truth, truth), np.where(clone > 0, clone, clone - 10))
    assert (clone[truth == NOISE] == 0).all()
    assert (clone[truth == GERMLINE] == -1).all()


def test_clones_are_numbered_by_falling_mean_prevalence():
    tree, truth, profile = known()
    group = summarise(tree)["consensus"]
    order = np.argsort(-profile.mean(1), kind="stable")
    phi = group["cellular_prevalence"].values.mean((0, 1)).mean(1)
    assert (np.diff(phi) <= 0).all()
    for number, k in enumerate(order, start=1):
        assert (group["clone"].values[truth == k] == number).all()


def test_prevalences_follow_the_clone_through_the_slots():
    tree, truth, profile = known()
    group = summarise(tree)["consensus"]
    phi = group["cellular_prevalence"].values
    for k in range(3):
        number = group["clone"].values[truth == k][0]
        assert np.abs(phi[:, :, number - 1] - 0.8 * profile[k]).max() < 0.05
        assert (group["clone_size"].values[:, :, number - 1] == (truth == k).sum()).all()


def test_probabilities_are_shares_of_draws():
    truth = np.repeat([0, 1], 10)
    labels = np.tile(truth, (1, 10, 1)).astype(np.int8)
    labels[0, :3, 0] = 1
    labels[0, :1, 0] = NOISE
    labels[0, 3:7, 5] = NOISE
    ccf = {0: [1.0, 0.5], 1: [0.3, 0.2]}
    group = summarise(posterior(labels, lambda c, d, s: ccf[s], dataset(20)))["consensus"]
    assert group["probability"].values[[0, 5]] == pytest.approx([0.7, 0.6])
    assert group["runner_up"].values[[0, 5, 1]].tolist() == [2, 0, -2]
    assert group["runner_up_probability"].values[[0, 5, 1]] == pytest.approx([0.2, 0.4, 0.0])
    assert group["p_noise"].values[[0, 5]] == pytest.approx([0.1, 0.4])


def test_probabilities_are_calibrated():
    rng = np.random.default_rng(0)
    n, draws = 2000, 200
    belief = rng.dirichlet([0.5, 0.5, 0.5], n)
    truth = np.array([rng.choice(3, p=row) for row in belief])
    anchors = np.repeat(np.arange(3), 300)
    moving = (rng.random((draws, n, 1)) > belief.cumsum(1)[None, :, :-1]).sum(2)
    labels = np.concatenate([np.tile(anchors, (draws, 1)), moving], axis=1)
    labels = np.stack([rng.permutation(3)[row] for row in labels])
    found = find(labels)
    name = {found.partition[300 * k]: k for k in range(3)}
    right = np.array([name[code] for code in found.partition[900:]]) == truth
    stated = found.counts[900:].max(1) / draws
    bins = np.minimum((stated * 10).astype(int), 9)
    gaps = [abs(stated[bins == b].mean() - right[bins == b].mean()) * (bins == b).sum() for b in set(bins)]
    assert sum(gaps) / n < 0.03


def test_a_clone_of_few_draws_is_not_one_of_the_consensus():
    labels = np.zeros((10, 20), np.int8)
    labels[:, 10:] = 1
    labels[:3, 7:10] = 2
    found = find(labels)
    assert found.clones == 2
    assert (found.partition[7:10] == found.partition[0]).all()


def test_a_clone_of_most_draws_is_kept_even_if_the_start_lacks_it(monkeypatch):
    labels = np.zeros((10, 20), np.int8)
    labels[:, 10:] = 1
    labels[:8, 4:10] = 2
    monkeypatch.setattr(consensus, "reference", lambda draws: draws.labels[-1].astype(int) + 2)
    found = find(labels)
    assert found.clones == 3
    assert len({found.partition[0], found.partition[5], found.partition[15]}) == 3
    assert found.counts[0, found.partition[0]] == 8


def test_a_merged_clone_has_no_prevalence_in_the_draws_that_lack_it():
    truth = np.repeat([0, 1, 2], [20, 10, 10])
    labels = np.tile(truth, (2, 10, 1)).astype(np.int8)
    labels[0, :3][labels[0, :3] == 2] = 0
    ccf = {0: [1.0, 1.0], 1: [0.5, 0.5], 2: [0.2, 0.2]}
    group = summarise(posterior(labels, lambda c, d, s: ccf[s], dataset(40)))["consensus"]
    phi = group["cellular_prevalence"].values
    assert np.isnan(phi[0, :3, 2]).all()
    assert np.isfinite(phi[0, 3:]).all()
    assert group["support"].values == pytest.approx([1.0, 1.0, 0.85])
    assert group["presence"].values[0, 0, 2].tolist() == [-1, -1]
    assert group["clone_size"].values[0, 0].tolist() == [30, 10, 0]


def test_a_split_clone_keeps_its_mutations():
    labels = np.tile(np.repeat([0, 1], [20, 10]), (10, 1)).astype(np.int8)
    labels[:4, :8] = 2
    found = find(labels)
    assert found.clones == 2
    assert (found.counts[:8, found.partition[0]] == 10).all(), "the smaller piece is still this clone"


def test_chains_with_different_numbers_of_clones():
    first = np.tile(np.repeat([0, 1, 2], 10), (12, 1))
    second = np.tile(np.repeat([1, 0, 0], 10), (8, 1))
    found = find(np.concatenate([first, second]))
    assert found.clones == 3
    assert same_partition(found.partition, np.repeat([0, 1, 2], 10))


def test_a_supported_clone_of_one_mutation_is_a_clone():
    labels = np.array([[0] * 10 + [1]] * 9 + [[0] * 11], np.int8)
    found = find(labels)
    assert found.clones == 2
    assert found.counts[10, found.partition[10]] == 9


@pytest.mark.parametrize("label", [NOISE, GERMLINE])
def test_no_clone_at_all(label):
    tree = posterior(np.full((2, 5, 4), label), None, dataset(4))
    out = summarise(tree)
    group = out["consensus"]
    assert group.sizes["clone"] == 0
    assert (group["clone"].values == {NOISE: 0, GERMLINE: -1}[label]).all()
    assert (group["probability"].values == 1).all()
    assert len(tables(out)["clones"]) == 0
    assert tables(out)["n_clones"].to_numpy().tolist() == [[0, 1.0]]


def test_one_mutation_and_one_draw():
    out = summarise(posterior(np.zeros((1, 1, 1)), lambda c, d, s: [0.5, 0.0], dataset(1)))
    frames = tables(out)
    assert frames["mutations"][["clone", "probability"]].to_numpy().tolist() == [["1", 1.0]]
    row = frames["clones"].iloc[0]
    assert row["ccf_lo"] == row["ccf_mean"] == row["ccf_hi"]


@pytest.mark.parametrize("shape", [(2, 0, 3), (2, 3, 0)])
def test_a_posterior_of_nothing_is_refused(shape):
    with pytest.raises(ValueError, match="without draws or without mutations"):
        summarise(posterior(np.zeros(shape), lambda c, d, s: [1.0, 1.0], dataset(shape[2])))


def test_a_clone_that_is_split_at_random_is_not_divided():
    rng = np.random.default_rng(4)
    labels = np.tile(np.repeat([0, 1], [40, 20]), (60, 1)).astype(np.int8)
    labels[:, :40] += 2 * (rng.random((60, 40)) < 0.5).astype(np.int8)
    found = find(labels)
    assert same_partition(found.partition, np.repeat([0, 1], [40, 20]))


def test_the_summary_does_not_depend_on_the_labels():
    rng = np.random.default_rng(8)
    truth = np.repeat([0, 1, 2, -1], [12, 8, 5, 3])
    labels, _ = shuffled(truth, 1, 30, rng, errors=0.15)
    other = labels.copy()
    for row in other[0]:
        row[row >= 0] = rng.permutation(6)[row[row >= 0]]
    one, two = find(labels[0]), find(other[0])
    assert same_partition(one.partition, two.partition)
    rows = np.arange(len(truth))
    assert np.array_equal(one.counts[rows, one.partition], two.counts[rows, two.partition])


def test_memory_is_linear_in_mutations():
    import tracemalloc

    n = 30_000
    labels = np.tile(np.repeat(np.arange(10), n // 10), (20, 1)).astype(np.int8)
    tracemalloc.start()
    found = find(labels)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.clones == 10
    assert peak < 100e6, "an n x n matrix would need 900 MB in bytes alone"


# --- intervals -------------------------------------------------------------------------------------------


def test_hdi_is_the_shortest_interval():
    draws = np.sort(np.random.default_rng(0).gamma(1.5, 1.0, 400))
    low, high = hdi(draws, 0.9)
    held = int(np.ceil(0.9 * 400))
    assert high - low == min(draws[i + held - 1] - draws[i] for i in range(400 - held + 1))
    assert ((draws >= low) & (draws <= high)).mean() >= 0.9


def test_hdi_with_an_atom_at_zero():
    draws = np.zeros((100, 2))
    draws[:4, 0] = 0.3
    draws[:10, 1] = np.linspace(0.1, 0.2, 10)
    low, high = hdi(draws)
    assert low.tolist() == [0.0, 0.0]
    assert high[0] == 0.0, "96 % of the draws are exactly 0"
    assert high[1] == pytest.approx(0.1 + 4 * 0.1 / 9), "it grows from the atom until 95 % are in it"


def test_hdi_with_an_atom_at_one():
    low, high = hdi(np.array([1.0] * 19 + [0.7]))
    assert (low, high) == (1.0, 1.0)


def test_hdi_leaves_missing_draws_out():
    draws = np.array([[0.1, np.nan, np.nan], [0.2, 0.5, np.nan]])
    low, high = hdi(draws, 1.0)
    assert low[:2].tolist() == [0.1, 0.5]
    assert high[:2].tolist() == [0.2, 0.5]
    assert np.isnan(low[2])
    assert np.isnan(high[2])
    assert mean(draws)[:2] == pytest.approx([0.15, 0.5])
    assert np.isnan(mean(draws)[2])


@pytest.mark.parametrize("mass", [0.0, 1.5, -1.0])
def test_hdi_refuses_an_impossible_mass(mass):
    with pytest.raises(ValueError, match="mass"):
        hdi(np.zeros(3), mass)


def test_presence_is_a_share_of_the_draws_that_have_the_clone():
    state = np.array([[0, 1, -1], [0, 2, -1], [1, 1, -1], [-1, 1, -1]])
    p = presence(state)
    assert p[:2] == pytest.approx([1 / 3, 1.0])
    assert np.isnan(p[2])


# --- multiplicity ----------------------------------------------------------------------------------------


def test_genotypes_are_those_of_the_sampler():
    ds = dataset(6, major=2, minor=1)
    ds["major_cn"][3:, 1] = 3
    ds["minor_cn"][4:, 0] = 0
    first, number, copies = genotype_classes(ds)
    reads = genotypes.compile_reads(ds, specs.load("clones"))
    start = reads.data.geno_off[reads.data.cls]
    for j, i in enumerate(reads.order):
        assert number[i] == reads.data.n_geno[reads.data.cls[j]]
        mine = copies[first[i] : first[i] + number[i]]
        assert np.array_equal(mine, reads.multiplicity[start[j] : start[j] + number[i]])


def test_multiplicity_is_that_of_the_most_frequent_genotype():
    ds = dataset(8, major=2, minor=1)
    labels = np.tile([0, 0, 0, 0, 0, 0, 0, NOISE], (1, 10, 1)).astype(np.int8)
    genotype = np.zeros((1, 10, 8), np.int8)
    genotype[0, :6, 1] = 1
    labels[0, :4, 2] = NOISE
    genotype[0, :4, 2] = 1
    genotype[0, :2, 2] = 1
    out = summarise(posterior(labels, lambda c, d, s: [1.0, 1.0], ds, genotype=genotype))
    copies = out["consensus"]["multiplicity"].values
    assert copies[0].tolist() == [1, 1]
    assert copies[1].tolist() == [2, 2]
    assert copies[2].tolist() == [1, 1], "the genotypes of the draws in which it is noise do not count"
    assert copies[7].tolist() == [-1, -1], "noise has no genotype"


def test_multiplicity_is_unknown_where_the_alt_fraction_was_given():
    ds = dataset(3)
    ds["var_read_prob"] = (("mutation", "specimen"), np.array([[0.5, np.nan]] * 3))
    out = summarise(posterior(np.zeros((1, 2, 3)), lambda c, d, s: [1.0, 1.0], ds))
    assert tables(out)["mutations"]["multiplicity"].tolist() == ["NA,1"] * 3


# --- tables ----------------------------------------------------------------------------------------------


def test_columns_of_the_tables():
    frames = tables(summarise(known()[0]))
    assert list(frames["clones"]) == (
        "clone sample n_mutations prevalence_mean prevalence_lo prevalence_hi ccf_mean ccf_lo ccf_hi "
        "p_present log10_bayes_factor".split()
    )
    assert list(frames["mutations"]) == (
        "mutation clone probability p_noise p_germline multiplicity runner_up runner_up_probability".split()
    )
    assert list(frames["n_clones"]) == ["n_clones", "probability"]
    stems = ("purity", "precision", "error_rate", "cn_clonal_fraction")
    assert list(frames["samples"]) == ["sample", *(f"{s}_{e}" for s in stems for e in ("mean", "lo", "hi"))]


def test_values_of_the_clone_table():
    tree, truth, profile = known()
    table = tables(summarise(tree))["clones"]
    assert len(table) == 6
    assert table["n_mutations"].sum() == 2 * (truth >= 0).sum()
    for row in table.itertuples():
        exact = profile[np.argsort(-profile.mean(1), kind="stable")[row.clone - 1], "AB".index(row.sample)]
        assert row.ccf_lo - 0.02 <= exact <= row.ccf_hi + 0.02
        if exact in (0.0, 1.0):
            assert row.ccf_lo == row.ccf_mean == row.ccf_hi == exact
        assert row.prevalence_mean == pytest.approx(row.ccf_mean * 0.8)
        assert row.p_present == (exact > 0)
        assert row.log10_bayes_factor > 10, "a fifth of the reads are alt in these data, whatever the draws say"


def test_in_one_sample_presence_is_assumed_and_the_reads_are_still_weighed():
    tree, *_ = known(specimens=("A",), sizes=(10,))
    table = tables(summarise(tree))["clones"]
    assert (table["log10_bayes_factor"] > 10).all()
    assert (table["p_present"] == 1).all()


def test_words_of_the_mutation_table():
    tree, truth, _ = known()
    table = tables(summarise(tree))["mutations"]
    assert set(table["clone"][truth == NOISE]) == {"noise"}
    assert set(table["clone"][truth == GERMLINE]) == {"germline"}
    assert set(table["clone"][truth >= 0]) == {"1", "2", "3"}
    assert (table["runner_up"] == "").all()
    assert (table["multiplicity"][truth >= 0] == "1,1").all()


def test_the_number_of_clones_is_a_distribution():
    table = tables(summarise(known()[0]))["n_clones"]
    assert table["probability"].sum() == pytest.approx(1.0)
    assert table["n_clones"].tolist() == [3]
