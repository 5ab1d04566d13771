"""Simulated patients: the same seed, the stated moments, valid data, edge cases."""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import pytest
import xarray as xr
from scipy import stats

import clonalbayes as cb
from clonalbayes import specs
from clonalbayes.faults import InputError
from clonalbayes.genotypes import compile_priors, compile_reads, genotype_vectors
from clonalbayes.inference.chain import Chain, Plan
from clonalbayes.simulate import CopyState, Design, lineage_switch, simulate, simulate_prior
from clonalbayes.simulate.genome import (
    ARMS,
    Event,
    called_states,
    count_copies,
    descends,
    draw_events,
    draw_sites,
)
from clonalbayes.simulate.noise import draw_noise, log_likelihood_noise, noise_model
from clonalbayes.simulate.prior import admissible, expected_fractions
from clonalbayes.simulate.reads import draw_alt, draw_called, log_chance_called, log_pmf
from clonalbayes.simulate.tree import draw_populations

C, SPEC = CopyState, specs.load("clones")
MIXED = Design(
    n_mutations=12, n_samples=2, depth=30, min_alt=2, missing=0.2, purity=(0.8, 0.5),
    classes=((C(), C()), (C(2, 1), C(1, 0)), (C(-1, -1, 2, 3), C()), (C(1, 0, 1), C(1, 0, 1)),
             (C(1, 1, 2, -1, 0.3), C(2, 2))),
)  # fmt: skip


@pytest.fixture(scope="module")
def prior_draws():
    return [simulate_prior(Design(n_mutations=15, n_samples=2, min_alt=1), SPEC, seed=s) for s in range(500)]


def rng(seed=1):
    return np.random.default_rng(seed)


# --- reads -----------------------------------------------------------------------------------------------


def test_read_counts_have_the_mean_and_variance_of_the_beta_binomial():
    depth = np.full((40_000, 2), 60)
    alt = draw_alt(depth, np.array([[0.2, 0.0]]), np.array([30.0, 30.0]), rng())
    expected = stats.betabinom(60, 6, 24)
    assert alt[:, 0].mean() == pytest.approx(expected.mean(), abs=4 * expected.std() / 200)
    assert alt[:, 0].var() == pytest.approx(expected.var(), rel=0.05)
    assert (alt[:, 1] == 0).all()
    binomial = draw_alt(depth, np.full(depth.shape, 0.2), np.inf, rng())
    assert binomial.var() == pytest.approx(60 * 0.16, rel=0.05)


def test_log_probabilities_are_those_of_scipy():
    alt, depth = np.arange(12), np.full(12, 10)
    assert np.allclose(
        log_pmf(alt, depth, np.full(12, 0.3), np.full(12, 7.0)), stats.betabinom(10, 2.1, 4.9).logpmf(alt)
    )
    assert np.allclose(
        log_pmf(alt, depth, np.full(12, 0.3), np.full(12, np.inf)), stats.binom(10, 0.3).logpmf(alt)
    )


def test_called_counts_are_the_plain_ones_that_reach_the_limit():
    depth = np.tile([4, 6], (60_000, 1))
    expected = np.full(depth.shape, 0.1)
    called = draw_called(depth, expected, 20.0, 2, rng(3))
    assert (called.max(axis=1) >= 2).all()
    plain = draw_alt(depth, expected, 20.0, rng(4))
    plain = plain[(plain >= 2).any(axis=1)]
    one, two = (np.bincount(a[:, 0] * 7 + a[:, 1], minlength=35) for a in (called, plain))
    seen = one + two > 20
    assert stats.chi2_contingency(np.stack([one[seen], two[seen]])).pvalue > 0.001
    chance = np.exp(log_chance_called(depth[:1], expected[:1], 20.0, 2)[0])
    assert len(plain) / len(depth) == pytest.approx(chance, abs=0.006)


def test_what_is_hardly_ever_called_is_drawn_all_the_same():
    depth, expected = np.array([[40, 40]]), np.full((1, 2), 1e-5)
    assert log_chance_called(depth, expected, np.inf, 4)[0] < -30
    assert draw_called(depth, expected, np.inf, 4, rng()).max() == 4
    with pytest.raises(ValueError, match="fewer than min_alt reads"):
        draw_called(np.array([[2, 3]]), expected, 500.0, 4, rng())


def test_artefacts_are_called_and_have_the_density_that_is_stated(monkeypatch):
    model = noise_model(SPEC)
    depth = np.tile([6, 4], (20_000, 1))
    alt, recurrent = draw_noise(depth, model, 2, rng(5))
    assert (alt.max(axis=1) >= 2).all()
    assert 0.05 < recurrent.mean() < 0.3
    pairs = np.array([(a, b) for a in range(7) for b in range(5) if max(a, b) >= 2])
    chance = np.exp(log_likelihood_noise(pairs, np.tile([6, 4], (len(pairs), 1)), model, 2))
    assert chance.sum() == pytest.approx(1.0)
    counts = np.array([(alt == pair).all(axis=1).sum() for pair in pairs])
    assert stats.chisquare(counts, chance * len(alt)).pvalue > 0.001
    assert np.exp(log_likelihood_noise(np.array([[0, 0]]), depth[:1], model, 0))[0] < 1.0
    monkeypatch.setattr(sys.modules["clonalbayes.simulate.noise"], "MAX_ROUNDS", 50)
    with pytest.raises(ValueError, match="hardly ever called"):
        draw_noise(np.array([[1, 1]]), model, 2, rng())


# --- draws from the model --------------------------------------------------------------------------------


def test_the_same_seed_draws_the_same_patient():
    for draw in (lambda s: simulate_prior(MIXED, seed=s), lambda s: simulate(40, 3, 4, seed=s)):
        one, two, other = draw(7), draw(7), draw(8)
        xr.testing.assert_identical(one.dataset, two.dataset)
        assert one.truth_table() == two.truth_table()
        assert not one.dataset.equals(other.dataset)


def test_draws_of_the_prior_are_valid_and_consistent():
    for seed in range(20):
        simulation = simulate_prior(MIXED, seed=seed)
        ds, truth = simulation.dataset, simulation.truth
        assert cb.validate(ds).sizes == {"mutation": 12, "specimen": 2}
        assert (ds["alt_count"].max("specimen") >= 2).all()
        assert ((ds["depth"] == -1) == (ds["alt_count"] == -1)).all()
        assert set(np.unique(truth.assignment[truth.assignment >= 0])) == set(range(len(truth.ccf)))
        assert admissible(truth.presence)
        assert ((truth.ccf == 0) == (truth.presence == 0)).all()
        assert ((truth.ccf == 1) == (truth.presence == 2)).all()
        assert np.isfinite(truth.parameters["log_likelihood"])
    assert (ds["depth"] == -1).any()


def test_parameters_of_the_prior_have_the_stated_moments(prior_draws):
    names = prior_draws[0].truth.parameters
    values = {name: np.array([d.truth.parameters[name] for d in prior_draws]) for name in names}
    for name in ("precision", "error_rate"):
        logs = np.log(values[name])
        assert logs.mean() == pytest.approx(np.log(SPEC.value(name, "median")), abs=0.15)
        assert logs.std() == pytest.approx(SPEC.value(name, "sigma"), rel=0.1)
    assert values["purity"].mean() == pytest.approx(0.8, abs=0.01)
    assert values["purity"].std() == pytest.approx(0.05, rel=0.1)
    assert values["cn_clonal_fraction"].mean() == pytest.approx(10 / 11, abs=0.01)
    assert np.allclose(values["presence_prob"].sum(axis=2), 1.0)


def test_partitions_of_the_prior_have_the_stated_moments(prior_draws):
    labels = np.array([d.truth.assignment for d in prior_draws])
    component = np.array(SPEC.vector("component_weight"))
    share = component / component.sum()
    assert (labels == -1).mean() == pytest.approx(share[1], abs=0.02)
    assert (labels == -2).mean() == pytest.approx(share[2], abs=0.015)
    inside = np.concatenate([d.truth.ccf[d.truth.presence == 1] for d in prior_draws])
    assert stats.kstest(inside, "uniform").pvalue > 0.001


def test_pairs_share_a_clone_as_often_as_the_restaurant_process_says():
    # With many samples nearly all draws have admissible clones, so the formula without that condition holds.
    draws = [simulate_prior(Design(n_mutations=2, n_samples=12, depth=5), SPEC, seed=s) for s in range(400)]
    together = np.mean([d.truth.assignment[0] == d.truth.assignment[1] >= 0 for d in draws])
    grid = stats.gamma(1).ppf((np.arange(2000) + 0.5) / 2000)
    component = np.array(SPEC.vector("component_weight"))
    both = component[0] * (component[0] + 1) / (component.sum() * (component.sum() + 1))
    assert together == pytest.approx(both * np.mean(1 / (1 + grid)), abs=0.07)


def test_no_germline_variant_is_drawn_where_all_samples_are_pure():
    drawn = [simulate_prior(Design(50, 2, purity=1.0), SPEC, seed=s).truth.assignment for s in range(20)]
    assert (np.array(drawn) != -2).all()


def test_genotypes_are_uniform_over_the_vectors_of_the_class():
    design = Design(n_mutations=3, n_samples=2, depth=5, classes=((C(2, 1), C(2, 0)),))
    copies = np.concatenate([simulate_prior(design, SPEC, seed=s).truth.genotype for s in range(300)])
    vectors = genotype_vectors(np.array([[2, 1, 3], [2, 0, 2]]))
    assert stats.chisquare(np.bincount(copies, minlength=len(vectors))).pvalue > 0.001


def test_admissible_clones_are_present_and_differ():
    assert admissible(np.array([[1, 0], [1, 0], [2, 0], [2, 2]]))
    assert not admissible(np.array([[0, 0], [1, 0]]))
    assert not admissible(np.array([[2, 0], [2, 0]]))
    assert admissible(np.zeros((0, 2), int))


def test_expected_fractions_of_simple_states():
    p = {"purity": np.array([0.8]), "cn_clonal_fraction": np.array([0.5])}
    states = [(C(),), (C(1, 0),), (C(2, 0),), (C(1, 1, 2, -1, 0.4),)]
    clone, germline = expected_fractions(states, np.array([[1.0], [0.0], [2.0], [1.0]]), p)
    assert clone[:, 0] == pytest.approx([0.4, 0.8 * 0.5 / (0.8 * 1.5 + 0.4), 0.8 * 1.5 / 2, 0.32])
    assert germline[:, 0] == pytest.approx([0.5, 0.6 / 1.6, (1.2 + 0.2) / 2, 0.4])


def test_log_likelihood_of_the_truth_is_the_kernels():
    simulation = simulate_prior(MIXED, SPEC, seed=3)
    reads = compile_reads(simulation.dataset, SPEC)
    plan = Plan(reads, compile_priors(simulation.dataset, SPEC), tune=5, draws=20, thin=1, capacity=14)
    chain = Chain(plan, np.random.SeedSequence(1))
    states = [MIXED.class_of(i) for i in range(12)]
    for _ in range(25):
        chain.step()
    place, records = np.argsort(reads.order), chain.records
    for d in range(20):
        assert records.scalars[d, 3] == pytest.approx(
            plain_log_likelihood(simulation, states, records, d, place)
        )


def plain_log_likelihood(simulation, states, records, d, place):
    """Log likelihood of one recorded draw, by the simulator's formulas."""
    names = ("precision", "error_rate", "purity", "cn_clonal_fraction")
    p = dict(zip(names, records.per_sample[d], strict=True))
    z, genotype = records.assignment[d][place].astype(int), records.genotype[d][place]
    copies = []
    for row, g in zip(states, genotype, strict=True):
        vectors = genotype_vectors(np.array([(c.major, c.minor, c.copies) for c in row]))
        given = ~np.isnan([c.var_read_prob for c in row])
        vectors = np.unique(np.where(given, 1, vectors), axis=0)[::-1] if given.any() else vectors
        copies.append(vectors[g])
    clone, germline = expected_fractions(states, np.array(copies, float), p)
    ccf = np.vstack([records.ccf[d], np.zeros((2, 2))])[z]
    fraction = np.minimum(np.where((z == -2)[:, None], germline, ccf * clone), 1.0)
    fraction = fraction + p["error_rate"] - 2 * fraction * p["error_rate"]
    alt, depth = (np.maximum(simulation.dataset[v].values, 0).astype(int) for v in ("alt_count", "depth"))
    precision = np.broadcast_to(p["precision"], alt.shape)
    each = log_pmf(alt, depth, fraction, precision).sum(axis=1) - log_chance_called(
        depth, fraction, precision, 2
    )
    noise = z == -1
    each[noise] = log_likelihood_noise(alt[noise], depth[noise], noise_model(SPEC), 2)
    return each.sum()


def test_a_prior_that_is_never_admissible_is_refused(monkeypatch):
    module = sys.modules["clonalbayes.simulate.prior"]
    monkeypatch.setattr(module, "MAX_ROUNDS", 3)
    monkeypatch.setattr(module, "admissible", lambda presence: False)
    with pytest.raises(ValueError, match="no admissible"):
        simulate_prior(Design(), seed=1)


# --- trees and genomes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("clones", "samples"), [(1, 1), (2, 1), (6, 3), (14, 8)])
def test_prevalences_keep_the_pigeonhole_principle(clones, samples):
    drawn = draw_populations(clones, samples, rng())
    assert np.allclose(drawn.share.sum(axis=0), 1.0)
    ccf = drawn.ccf
    for k in range(clones):
        children = ccf[drawn.parent == k + 1].sum(axis=0)
        assert (children <= ccf[k] + 1e-9).all()
    assert (ccf[0] == 1.0).all()
    assert (ccf.max(axis=1) > 0).all()
    assert len(np.unique(ccf, axis=0)) == clones


def test_descent_in_a_small_tree():
    below = descends(np.array([0, 1, 2, 1]))
    assert below.astype(int).tolist() == [[1, 1, 1, 1], [0, 1, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1]]


def test_copies_of_mutations_older_and_younger_than_an_event():
    parent = np.array([0, 1, 2, 1])  # 1 -> 2 -> 3, 1 -> 4
    arm = list(ARMS).index("17p")
    clone = np.repeat([0, 1, 2, 3, -2], 400)
    for kind, older, hit, other in (("loss", {0, 1}, 0, 1), ("gain", {1, 2}, 2, 1), ("loh", {0, 2}, 0, 2)):
        copies = count_copies(clone, np.full(2000, arm), parent, (Event(1, "17p", kind, 1),), rng())
        assert copies.haplotypes[arm, 1:3].tolist() == [[other, hit]] * 2
        assert copies.haplotypes[arm, [0, 3]].tolist() == [[1, 1]] * 2
        assert (np.delete(copies.haplotypes, arm, axis=0) == 1).all()
        mutated = copies.mutated.reshape(5, 400, 4)
        assert set(np.unique(mutated[0][:, 1:3])) == older
        assert (mutated[0][:, [0, 3]] == 1).all()
        assert set(np.unique(mutated[1][:, 1])) == older | {1}
        assert set(np.unique(mutated[2][:, 2])) == {1}
        assert (mutated[2][:, [0, 1, 3]] == 0).all()
        assert (mutated[3] == [0, 0, 0, 1]).all()
        assert set(np.unique(mutated[4][:, 1])) == older
    elsewhere = count_copies(clone, np.full(2000, 0), parent, (Event(1, "17p", "loss", 1),), rng())
    assert set(np.unique(elsewhere.mutated)) == {0, 1}


def test_the_called_state_is_that_of_most_tumour_cells():
    haplotypes = np.ones((1, 2, 2), int)
    haplotypes[0, 1] = (0, 2)
    major, minor = called_states(haplotypes, np.array([[0.6, 0.4], [0.4, 0.6]]))
    assert (major.tolist(), minor.tolist()) == ([[1, 2]], [[1, 0]])


def test_events_are_one_an_arm_and_a_late_clone_loses_17p():
    ccf = np.array([[1.0, 1.0], [0.5, 0.1], [0.1, 0.7]])
    events = draw_events(ccf, np.array([0, 1, 1]), 6, rng())
    assert len({e.arm for e in events}) == 6
    assert (events[0].arm, events[0].clone, events[0].kind) == ("17p", 2, "loss")


def test_sites_are_distinct_and_their_contexts_fit():
    sites = draw_sites(3000, rng())
    assert len(set(sites["mutation"])) == 3000
    snv = sites["kind"] == "snv"
    assert 0.9 < snv.mean() < 1.0
    for context, ref, alt in zip(sites["context"][snv], sites["ref"][snv], sites["alt"][snv], strict=True):
        assert context[1:6] == f"[{ref}>{alt}]"
        assert ref in "CT"
        assert ref != alt
    assert (sites["context"][~snv] == "").all()
    place = sites["chrom"].astype(int) * 10**9 + sites["pos"]
    assert (np.diff(place) > 0).all()


# --- patients --------------------------------------------------------------------------------------------


def test_a_patient_has_what_was_asked_for():
    simulation = simulate(500, 4, 6, noise=0.1, germline=0.02, depth=80, min_alt=4, seed=2)
    ds, truth = simulation.dataset, simulation.truth
    assert dict(ds.sizes) == {"mutation": 500, "specimen": 4}
    assert np.bincount(truth.assignment + 2)[:2].tolist() == [10, 50]
    assert (np.bincount(truth.assignment[truth.assignment >= 0]) > 0).sum() == 6
    assert (ds["alt_count"].max("specimen") >= 4).all()
    assert ds["depth"].mean() == pytest.approx(80, rel=0.1)
    assert ds["date"].values.tolist() == sorted(ds["date"].values)
    assert ds["specimen"].values.tolist() == ["D1", "R1", "R2", "R3"]
    assert (ds["major_cn"] != 1).any()
    assert repr(simulation) == "<Simulation: 500 mutations x 4 samples, 6 clones, 60 mutations outside them>"


def test_fractions_of_a_clean_patient_are_those_of_its_clones():
    simulation = simulate(
        3000, 3, 4, copy_number=False, noise=0, germline=0.1, error_rate=0, precision=np.inf,
        purity=[1, 0.5, 0.8], min_alt=0, dates=["2020-01-01", "2021-01-01", "2022-01-01"], seed=4,
    )  # fmt: skip
    ds, truth = simulation.dataset, simulation.truth
    assert (ds["major_cn"] == 1).all()
    assert (truth.multiplicity == 1).all()
    for k in range(-2, 4):
        mine = truth.assignment == k
        if k == -1:
            assert not mine.any()
            continue
        expected = np.full(3, 0.5) if k == -2 else truth.ccf[k] * [1, 0.5, 0.8] / 2
        vaf = ds["alt_count"].values[mine].sum(axis=0) / ds["depth"].values[mine].sum(axis=0)
        assert vaf == pytest.approx(expected, abs=0.02)
    assert ds["date"].values.tolist() == ["2020-01-01", "2021-01-01", "2022-01-01"]


def test_a_patient_is_written_and_read_back(tmp_path):
    simulation = simulate(120, 3, 4, seed=9)
    folder = simulation.write(tmp_path / "new" / "patient")
    ds, back = simulation.dataset, cb.read(folder / "reads.tsv").data
    back = back.sel(mutation=ds["mutation"].values, specimen=ds["specimen"].values)
    names = "alt_count depth major_cn minor_cn normal_cn chrom pos ref alt context kind purity purity_sd date"
    for name in names.split():
        assert (back[name].values == ds[name].values).all(), name
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    assert truth == json.loads(json.dumps(simulation.truth_table()))
    assert list(truth["assignment"]) == ds["mutation"].values.tolist()
    assert set(truth["assignment"].values()) <= {*truth["ccf"], "noise", "noise_germline"}
    assert truth["ccf"]["c1"] == {"D1": 1.0, "R1": 1.0, "R2": 1.0}
    assert truth["parent"]["c1"] == "normal"
    assert truth["settings"]["seed"] == 9


@pytest.mark.parametrize(
    "sizes",
    [
        {"n_mutations": 1, "n_samples": 1, "n_clones": 1},
        {"n_mutations": 5, "n_samples": 1, "n_clones": 5, "noise": 0, "germline": 0},
        {"n_mutations": 50, "n_samples": 2, "n_clones": 1},
        {"n_mutations": 20, "n_samples": 2, "n_clones": 2, "min_alt": 0, "copy_number": False},
        {"n_mutations": 40, "n_samples": 2, "n_clones": 3, "purity": 1.0, "error_rate": 0.0},
        {"n_mutations": 40, "n_samples": 2, "n_clones": 3, "depth": 3},
    ],
)
def test_edge_cases(sizes, tmp_path):
    simulation = simulate(**sizes, seed=1)
    assert simulation.dataset.sizes["mutation"] == sizes["n_mutations"]
    assert cb.read(simulation.write(tmp_path) / "reads.tsv").data.sizes == simulation.dataset.sizes


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_mutations": 3, "n_clones": 5}, "fewer than 5 clones"),
        ({"n_clones": 0}, "no clone"),
        ({"depth": 1.0}, "depth"),
        ({"error_rate": 0.7}, "range"),
        ({"precision": 0.0}, "range"),
        ({"purity": 0.0}, "purity"),
        ({"purity": [0.5, 0.5, 0.5]}, "purity"),
        ({"dates": ["2020-01-01"]}, "1 dates for 8 samples"),
        ({"noise": 1.2}, "share"),
        ({"noise": -0.2}, "share"),
    ],
)
def test_wrong_arguments_are_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        simulate(**wrong)


def test_the_lineage_switch_is_the_case_described():
    simulation = lineage_switch(20_000, seed=3)
    ds, truth = simulation.dataset, simulation.truth
    assert ds["specimen"].values.tolist() == ["D1", "D2", "R1a", "R1b", "R2", "MDS", "AML1", "AML2"]
    assert len(truth.ccf) == 14
    shares = truth.parameters["clone_fraction"]
    assert np.allclose(shares.sum(axis=0), truth.parameters["purity"])
    k = truth.names.index("myeloid")
    mine = (truth.assignment == k) & (truth.multiplicity[:, 4] == 1)
    vaf = ds["alt_count"].values[mine, 4].sum() / ds["depth"].values[mine, 4].sum()
    error = 3e-4
    assert truth.ccf[k, 4] * truth.parameters["purity"][4] / 2 == pytest.approx(0.0013, abs=1e-4)
    assert vaf == pytest.approx(0.0013 + error, abs=2e-4)
    on_17p = (ds["chrom"].values == "17") & (ds["pos"].values < ARMS["17p"][2])
    assert (ds["minor_cn"].values[on_17p][:, 5:] == 0).all()
    assert (ds["minor_cn"].values[on_17p][:, :5] == 1).all()
    changed = (ds["major_cn"].values != 1) | (ds["minor_cn"].values != 1)
    assert changed[:, 7].mean() > 0.2 > changed[:, 6].mean()
    lost = (truth.multiplicity[:, 7] == 0) & (truth.multiplicity[:, 4] == 1) & (truth.assignment == 0)
    assert lost.sum() > 20


def test_the_lineage_switch_has_the_sites_dates_and_drivers_of_the_publication():
    simulation = lineage_switch(seed=1)
    ds, truth = simulation.dataset, simulation.truth
    diploid = ((ds["major_cn"] == 1) & (ds["minor_cn"] == 1)).values[:, 4:7].all(axis=1)
    root = truth.assignment == truth.names.index("myeloid")
    assert (root & diploid).sum() == pytest.approx(2318, rel=0.05)
    assert ds.attrs["origin_date"] < min(ds["date"].values)
    assert ds["treatment"].values.tolist().count("thiopurine") == 2
    by = {text.split()[0]: i for i, text in truth.drivers.items()}
    assert set(by) == {"NRAS", "KMT2D", "CDKN2A", "TP53", "EP300"}
    assert truth.names[truth.assignment[by["TP53"]]] == "myeloid"
    assert (ds["chrom"].values[by["TP53"]], ds["minor_cn"].values[by["TP53"], 6]) == ("17", 0)
    assert truth.multiplicity[by["TP53"], 6] == 1
    made = np.array(truth.signatures)
    treated = [name for k, name in enumerate(truth.names) if (made[truth.assignment == k] == "SBS87").any()]
    assert set(treated).isdisjoint({"trunk", "del17p", "major", "major_sub", "relapse1_x", "relapse1_y", "aneuploid"})
    assert simulation.truth_table()["drivers"][str(ds["mutation"].values[by["NRAS"]])] == "NRAS p.G12D"


def test_a_large_patient_takes_seconds():
    started = time.process_time()
    assert simulate(100_000, 8, 14, seed=1).dataset.sizes["mutation"] == 100_000
    assert time.process_time() - started < 15
