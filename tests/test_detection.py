"""Detection: the likelihood against a slow twin, the test against simulation, the paper's numbers, what is shared."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from detection_fixtures import panel
from scipy import stats

from clonalbayes.data.counts import CountTable
from clonalbayes.detection import detect, plan
from clonalbayes.detection.detect import verdict
from clonalbayes.detection.inputs import clades_of, gain_of, reads_of
from clonalbayes.detection.joint import SharedPriors, solve
from clonalbayes.detection.likelihood import Likelihood, SampleSites, outlier_logs
from clonalbayes.detection.noise_test import Assumptions, make_test, with_signal
from clonalbayes.detection.single_rate import single_rate_test
from clonalbayes.detection.size import SizeProfile, size_scales, slab_mass
from clonalbayes.detection.tail import closed, make_score, saddlepoint, tail_probability, upper_tails
from clonalbayes.errors import ErrorModel, learn_errors
from clonalbayes.errors.factors import Control, factor_posterior
from clonalbayes.errors.rates import SiteRates
from clonalbayes.faults import InputError


@pytest.fixture(scope="module")
def world() -> tuple[np.ndarray, ErrorModel]:
    rng = np.random.default_rng(9)
    truth, alt, depth = panel(rng, 1000, 32, sd=1.2, mean=1.6e-4)
    return truth, learn_errors(alt, depth)


def sites_of(model: ErrorModel, alt: np.ndarray, depth: np.ndarray, gain: float = 0.5) -> SampleSites:
    return SampleSites(alt, depth, np.full(len(alt), gain), model.site_rates())


def sharp_rates(rates: np.ndarray) -> SiteRates:
    """Rates that are known (to the grid's spacing)."""
    from clonalbayes.errors.grid import prior_weights

    weights = prior_weights("lognormal", rates, 0.01)
    return SiteRates({np.inf: weights}, rates[None, None].astype(np.float32), np.ones(1), np.zeros(len(rates), int))


def test_the_likelihood_is_noise_plus_signal_convolved():
    rates = sharp_rates(np.array([1e-4, 5e-3, 1e-3]))
    alt, depth, gain = np.array([0, 2, 30]), np.array([80, 60, 100]), np.array([0.5, 0.5, 0.25])
    factors = np.array([0.5, 2.0])
    likelihood = Likelihood(SampleSites(alt, depth, gain, rates), factors, 1e-4)
    grid = np.array([0.0, 1e-4, 0.02, 0.7, 1.0])
    found = likelihood(grid)
    for f, v in itertools.product(range(2), range(len(grid))):
        exact = 0.0
        for i in range(3):
            noise = rates.pmf(depth[i : i + 1].repeat(3), factors, int(alt[i]))[i, f]
            noise = (1 - 1e-4) * noise + 1e-4 * np.exp(outlier_logs(np.arange(alt[i] + 1), depth[i]))
            signal = stats.binom(depth[i], min(gain[i] * grid[v], 1 - 1e-9)).pmf(alt[i] - np.arange(alt[i] + 1))
            exact += np.log(noise @ signal)
        assert found[f, v] == pytest.approx(exact, abs=0.05)  # noise beyond the table counts as outliers


def test_sites_that_may_be_lost_are_mixed():
    rates = sharp_rates(np.array([1e-4, 1e-4]))
    parts = np.array([0, 3]), np.array([50, 50]), np.array([0.5, 0.5])
    loss = np.array([1.0, 0.5])
    grid = np.array([0.0, 0.1])
    sure = Likelihood(SampleSites(*parts, rates), np.ones(1), 1e-4)(grid)[0]
    mixed = Likelihood(SampleSites(*parts, rates, loss), np.ones(1), 1e-4)(grid)[0]
    bare = Likelihood(SampleSites(*parts, rates), np.ones(1), 1e-4)
    zero = bare.noise[:, 0, [0, 3]]
    assert mixed[0] == pytest.approx(sure[0])
    first = np.log(zero[0, 0])
    second = np.exp(
        Likelihood(SampleSites(*(p[1:] for p in parts), rates.take(np.array([1]))), np.ones(1), 1e-4)(grid)[0, 1]
    )
    assert mixed[1] == pytest.approx(first + np.log(0.5 * second + 0.5 * zero[1, 1]), abs=1e-6)


def test_the_distribution_of_the_statistic_is_that_of_simulated_noise(world):
    truth, model = world
    rng = np.random.default_rng(11)
    depth = rng.poisson(100, len(truth))
    sites = sites_of(model, np.zeros(len(truth), int), depth)
    test = make_test(sites, Control(1e6, 1e6, 1e12), Assumptions(0.5, 1e-4, 0.0))
    factor = len(test.factor.factors) // 2
    law = closed(test.law[:, factor])
    tails = upper_tails(test.score, law[:, None], np.ones(1))
    edges = np.cumsum(law, 1)[:, :-1]
    draws = np.zeros(4000, int)
    for n in range(len(draws)):
        counts = (rng.random(len(truth))[:, None] > edges).sum(1)
        draws[n] = test.score.of(counts)
    for level in (0.5, 0.1, 0.02):
        at = int(np.flatnonzero(tails < level)[0])
        assert (draws >= at).mean() == pytest.approx(tails[at], abs=4 * np.sqrt(level / len(draws)))


def test_far_tails_agree_with_the_saddlepoint_and_are_never_wrong_above(world):
    truth, model = world
    sites = sites_of(model, np.zeros(len(truth), int), np.full(len(truth), 100))
    test = make_test(sites, Control(1e6, 1e6, 1e12), Assumptions(0.5, 1e-4, 0.0))
    law = closed(test.law[:, 0])
    tails = upper_tails(test.score, law[:, None], np.ones(1))
    for level in (0.3, 1e-2, 1e-5):
        at = int(np.flatnonzero(tails < level)[0])
        assert np.exp(saddlepoint(test.score.steps, law, at)) == pytest.approx(tails[at], rel=0.15)
    far = saddlepoint(test.score.steps, law, 1.5 * len(tails))
    assert far < np.log(tails[-1] + 1e-12)
    assert saddlepoint(test.score.steps, law, 1e9) < -1000
    assert saddlepoint(test.score.steps, law, -5.0) == 0.0


def test_many_hot_sites_use_sums_and_agree_with_few():
    rng = np.random.default_rng(2)
    absent = closed(stats.poisson(0.5).pmf(np.arange(12))[None].repeat(200, 0)[:, None])[:, 0]
    present = closed(stats.poisson(0.7).pmf(np.arange(12))[None].repeat(200, 0)[:, None])[:, 0]
    score = make_score(present, absent)
    at = score.of(np.full(200, 1))
    p = tail_probability(score, absent[:, None], np.ones(1), at)
    draws = score.steps[0][rng.poisson(0.5, (20_000, 200)).clip(max=11)].sum(1)
    assert (draws >= at).mean() == pytest.approx(p, abs=1e-3)
    some = score.of(rng.poisson(0.55, 200))
    assert tail_probability(score, absent[:, None], np.ones(1), some) == pytest.approx(
        (draws >= some).mean(), abs=0.015
    )


def test_false_positives_are_as_many_as_stated():
    # Over panels: what one panel does not know of its sites is the same for all samples.
    p = []
    for seed in range(24):
        rng = np.random.default_rng([9, seed])
        truth, alt, depth = panel(rng, 600, 32, sd=1.2, mean=1.6e-4)
        model = learn_errors(alt, depth)
        for _ in range(6):
            depth = rng.poisson(100, len(truth))
            f = np.exp(rng.normal(0, 0.35))
            sites = sites_of(model, rng.binomial(depth, truth * f), depth)
            control = Control.from_totals(rng.poisson(400 * f), 2_500_000, 4096, 25_600_000)
            p.append(make_test(sites, control, Assumptions(model.factor_sd, 1e-4, 0.1)).p_value())
    p = np.array(p)
    assert (p < 0.01).mean() < 0.04
    assert 0.02 < (p < 0.1).mean() < 0.19
    assert 0.35 < (p < 0.5).mean() < 0.65


def test_intervals_hold_the_truth_zero_included(world):
    truth, model = world
    rng = np.random.default_rng(13)
    held = {0.0: 0, 5e-4: 0, 5e-3: 0}
    for vaf in held:
        for _ in range(60):
            depth = rng.poisson(100, len(truth))
            alt = rng.binomial(depth, vaf + (1 - vaf) * truth)
            sites = sites_of(model, alt, depth)
            test = make_test(
                sites, Control.from_totals(400, 2_500_000, 4096, 25_600_000), Assumptions(model.factor_sd, 1e-4, 0.08)
            )
            likelihood = Likelihood(sites, test.factor.factors, 1e-4, test.law)
            _, low, high = SizeProfile.of(likelihood, test.factor.weights).interval()
            held[vaf] += low <= 2 * vaf <= high
    assert min(held.values()) >= 52


def test_the_interval_is_right_above_and_at_zero():
    # A normal likelihood of the size, standard deviation 1e-3, truth m: where do the intervals hold it?
    grid, sd = np.unique(np.concatenate([[0.0], np.linspace(1e-6, 1.2e-2, 1500), [1.0]])), 1e-3
    ends = {}
    for x in np.linspace(-4e-3, 7e-3, 111):
        profile = SizeProfile(grid, -0.5 * ((grid - x) / sd)[None] ** 2, np.ones(1))
        ends[float(x)] = profile.interval()[1:]
    assert ends[max(ends, key=lambda x: -abs(x - 5e-3))] == pytest.approx((3.04e-3, 6.96e-3), abs=2e-5)
    assert all(low == 0.0 for x, (low, _) in ends.items() if x < 1.9e-3)
    for m, wanted in ((0.0, 0.975), (1e-3, 0.967), (2e-3, 0.95), (3.3e-3, 0.95)):
        density = stats.norm.pdf(list(ends), m, sd)
        held = density @ [low <= m <= high for low, high in ends.values()] / density.sum()
        assert held == pytest.approx(wanted, abs=0.015), m


def test_the_numbers_of_the_paper():
    # 2,318 sites, error 1.6e-4 in 32 normals, VAF 0.0013 at about 100x; 6,000 control sites.
    rng = np.random.default_rng(14)
    n = rng.poisson(100, 8318)
    alt = rng.binomial(n, 1.6e-4)
    alt[:2318] = 0
    alt[rng.choice(2318, 301, replace=False)] = 1
    model = learn_errors(rng.binomial(40, 1.6e-4, (8318, 32)), np.full((8318, 32), 40))
    counts = table_of(alt[:, None], n[:, None], ["R2"])
    sites = table_of(alt[:2318, None], n[:2318, None], ["R2"])
    (row,) = detect(sites, [counts], model, controls=[str(i) for i in range(2318, 8318)], limits=False).rows
    assert row["alt_count"] / row["depth"] == pytest.approx(0.0013, abs=3e-5)
    assert row["p_present"] > 0.999
    assert row["p_value"] < 1e-12
    # The share of reads that are errors is not the clone's: 0.00114 is, of 0.0013.
    assert row["vaf_hi"] - row["vaf_lo"] < 0.0015 - 0.0011
    assert row["vaf_lo"] < 0.0013 - 1.6e-4 < row["vaf_hi"]
    assert row["verdict"] == "present"
    assert row["single_rate_p"] < 1e-12


def table_of(
    alt: np.ndarray, depth: np.ndarray, samples: list[str], clades: list[str] | None = None, **numbers: np.ndarray
) -> CountTable:
    names = np.array([str(i) for i in range(len(alt))], object)
    texts = {"clade": np.array(clades, object)} if clades else {}
    return CountTable("table.tsv", names, samples, alt, depth, dict(numbers), texts, np.full(len(samples), "", object))


def test_the_single_rate_test_is_the_binomial_one():
    found = single_rate_test(60, 231_800, 1.6e-4)
    assert found.p_value == pytest.approx(stats.binomtest(60, 231_800, 1.6e-4, "greater").pvalue)
    exact = stats.binomtest(60, 231_800).proportion_ci(method="exact")
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high))
    assert single_rate_test(0, 0, 1e-4).p_value == 1.0


def test_a_gain_is_the_share_of_reads_of_one_cell():
    numbers = {
        "major_cn": np.array([1.0, 2.0, 1.0, np.nan]), "minor_cn": np.array([1.0, 1.0, 0.0, np.nan]),
        "normal_cn": np.array([2.0, 2.0, 2.0, 1.0]), "multiplicity": np.array([np.nan, 2.0, 0.0, np.nan]),
    }  # fmt: skip
    gain, risk = gain_of(numbers, 4, 0.5)
    assert gain == pytest.approx([0.5, 2 / 2.5, 0.0, 1.0])
    assert risk.tolist() == [False, False, False, False]
    del numbers["multiplicity"]
    assert gain_of(numbers, 4)[1].tolist() == [False, False, True, False]


def test_lost_sites_are_left_out_or_mixed(world):
    _, model = world
    alt, depth = np.zeros((1000, 1), int), np.full((1000, 1), 100)
    alt[:500] = 2  # the clone is there at the sites that are not lost
    minor = np.ones((1000, 1))
    minor[500:] = 0
    table = table_of(alt, depth, ["S"], major_cn=np.ones((1000, 1)), minor_cn=minor)
    rows = {
        lost: detect(table, [table], model, lost=lost, limits=False).rows[0] for lost in ("drop", "mixture", "keep")
    }
    assert rows["drop"]["n_left_out"] == 500
    assert rows["drop"]["prevalence_mean"] == pytest.approx(0.04, rel=0.1)
    assert rows["mixture"]["prevalence_mean"] == pytest.approx(0.04, rel=0.15)
    assert rows["keep"]["prevalence_mean"] < 0.025


def test_clades_and_samples_share_what_they_share_and_a_clade_without_sites_is_said_so(world):
    truth, model = world
    rng = np.random.default_rng(15)
    depth = np.full((1000, 2), 100)
    clades = ["old"] * 500 + ["young"] * 480 + ["lost"] * 20
    depth[980:] = 0
    vaf = np.zeros((1000, 2))
    vaf[:500] = 0.01, 0.0
    alt = rng.binomial(depth, vaf + truth[:, None])
    sites = table_of(alt, depth, ["A", "B"], clades)
    found = detect(sites, [sites], model)
    rows = {(row["clade"], row["sample"]): row for row in found.rows}
    assert rows["old", "A"]["p_present"] > 0.999
    for key in (("old", "B"), ("young", "A"), ("young", "B")):
        assert rows[key]["p_present"] < 0.5
        assert rows[key]["vaf_lo"] == 0.0
    assert rows["lost", "A"]["verdict"] == "no reads"
    assert rows["lost", "A"]["n_uncovered"] == 20
    assert 1e-4 < rows["old", "A"]["lod_vaf"] < 1e-3
    assert list(clades_of(sites)) == ["old", "young", "lost"]


@pytest.mark.parametrize("vaf", [0.0, 1e-4, 2e-4, 4e-4])
def test_posterior_odds_are_the_bayes_factor_times_prior_odds(world, vaf):
    truth, model = world
    rng = np.random.default_rng(31)
    depth = np.full((1000, 1), 100)
    table = table_of(rng.binomial(depth, truth[:, None] + vaf), depth, ["S"])
    (row,) = detect(table, [table], model, limits=False).rows
    odds = row["p_present"] / row["p_absent"]
    assert np.log10(odds) == pytest.approx(row["log10_bayes_factor"], abs=0.02), "one clade in one sample: even odds"


def test_contamination_by_a_sample_of_the_run_is_named(world):
    truth, model = world
    rng = np.random.default_rng(16)
    depth = np.full((1000, 2), 200)
    share = 0.004
    vaf = np.empty((1000, 2))
    vaf[:500] = 0.45, share * 0.45
    vaf[500:] = 0.25, share * 0.25  # both clades of the donor show, in its proportions
    alt = rng.binomial(depth, vaf + (1 - vaf) * truth[:, None])
    table = table_of(alt, depth, ["donor", "victim"], ["a"] * 500 + ["b"] * 500)
    table.run = np.array(["r1", "r1"], object)
    rows = {(r["clade"], r["sample"]): r for r in detect(table, [table], model, limits=False).rows}
    victim = rows["a", "victim"]
    assert victim["contaminated_by"] == "donor"
    assert victim["contaminating_share"] == pytest.approx(share, rel=0.3)
    assert victim["p_contaminated"] > 0.02
    assert victim["p_present"] + victim["p_absent"] + victim["p_contaminated"] == pytest.approx(1.0, abs=1e-6)
    assert rows["a", "donor"]["p_contaminated"] == 0.0
    table.run = np.array(["r1", "r2"], object)
    assert all(r["p_contaminated"] == 0.0 for r in detect(table, [table], model, limits=False).rows)


def test_the_joint_posterior_agrees_with_enumeration():
    rng = np.random.default_rng(17)
    grid = np.concatenate([[0.0], np.geomspace(1e-5, 1.0, 30)])
    weights = np.array([0.3, 0.7])
    profiles = [[SizeProfile(grid, rng.normal(0, 1.5, (2, 31)), weights) for _ in range(2)] for _ in range(2)]
    scales = size_scales(1e-3, 1.0)
    priors = SharedPriors(2.0, 1.0, scales, 0.01, (1e-4, 0.1))
    found = solve(profiles, ["", ""], priors)
    mass = slab_mass(grid, scales)
    assert mass.sum(1) == pytest.approx(1.0)
    edges = np.linspace(0, 1, 26)
    psi, prior = 0.5 * (edges[1:] + edges[:-1]), np.diff(stats.beta.cdf(edges, 2.0, 1.0))
    total, there = 0.0, np.zeros((2, 2))
    for (p, w), b, states in itertools.product(
        zip(psi, prior, strict=True), range(len(scales)), itertools.product((0, 1), repeat=4)
    ):
        state = np.array(states).reshape(2, 2)  # clade, sample
        product = w * p ** state.sum() * (1 - p) ** (4 - state.sum())
        for s in range(2):
            product *= sum(
                weights[f]
                * np.prod([
                    np.exp(profiles[s][k].logs[f]) @ mass[b] if state[k, s] else np.exp(profiles[s][k].logs[f, 0])
                    for k in range(2)
                ])
                for f in range(2)
            )  # fmt: skip
        total += product
        there += product * state
    assert found.present == pytest.approx(there / total, abs=1e-9)
    assert found.contaminated.tolist() == [0.0, 0.0]


def test_the_limit_of_detection_is_found_by_simulation(world):
    truth, model = world
    rng = np.random.default_rng(18)
    depth = np.full(len(truth), 100)
    control = Control.from_totals(400, 2_500_000, 4096, 25_600_000)
    test = make_test(
        sites_of(model, np.zeros(len(truth), int), depth), control, Assumptions(model.factor_sd, 1e-4, 0.08)
    )
    limit = test.limit(0.01, 0.95)
    found = 0
    for _ in range(100):
        test.sites.alt = rng.binomial(depth, 0.5 * limit + truth)
        found += test.p_value() < 0.01
    assert 85 <= found <= 100


def test_a_plan_improves_with_depth_and_sites(world):
    _, model = world
    limits = [plan(d, n, model).lod_vaf for d, n in ((100, 300), (100, 900), (400, 900))]
    assert limits[0] > limits[1] > limits[2]
    deep = plan(10_000, 40, model, control_sites=200)
    assert deep.lod_vaf < 5e-4
    assert deep.lod_prevalence == pytest.approx(2 * deep.lod_vaf)


def test_control_sites_make_up_for_a_noisy_sample(world):
    truth, model = world
    rng = np.random.default_rng(19)
    depth = np.full((1000, 1), 100)
    alt = rng.binomial(depth, 3.0 * truth[:, None])
    table = table_of(alt, depth, ["S"])
    sites = table_of(alt[:400], depth[:400], ["S"])
    controls = [str(i) for i in range(400, 1000)]
    (with_,) = detect(sites, [table], model, controls=controls, limits=False).rows
    (own,) = detect(sites, [table], controls=controls, limits=False).rows
    assert with_["error_factor"] == pytest.approx(3.0, rel=0.35)
    assert with_["p_value"] > 1e-3
    assert own["p_value"] > 1e-3
    assert with_["single_rate_p"] < 1e-3


def test_signal_and_noise_add_up(world):
    _, model = world
    sites = sites_of(model, np.zeros(1000, int), np.full(1000, 50))
    noise = sites.rates.pmf(sites.depth, np.ones(1), 12)[:, 0]
    total = with_signal(sites, noise, 0.05)
    mean = total @ np.arange(13)
    assert mean == pytest.approx(50 * 0.025 + sites.rates.mean * 50, rel=0.02)
    assert factor_posterior(Control(), 0.3, 0.0, 1.0).weights.sum() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ({"depth": 0, "p_present": 0.5, "p_absent": 0.5, "p_contaminated": 0.0}, "no reads"),
        ({"depth": 9, "p_present": 0.01, "p_absent": 0.99, "p_contaminated": 0.0}, "absent or too small"),
        ({"depth": 9, "p_present": 0.5, "p_absent": 0.01, "p_contaminated": 0.49}, "present or contamination"),
        ({"depth": 9, "p_present": 0.01, "p_absent": 0.01, "p_contaminated": 0.98}, "contamination"),
        ({"depth": 9, "p_present": 0.6, "p_absent": 0.4, "p_contaminated": 0.0}, "undecided"),
    ],
)
def test_verdicts(row, word):
    assert verdict(row) == word


def test_faults_of_inputs_are_named(world):
    _, model = world
    table = table_of(np.zeros((3, 1), int), np.full((3, 1), 9), ["S"])
    elsewhere = table_of(np.zeros((3, 1), int), np.full((3, 1), 9), ["T"])
    elsewhere.mutations = np.array(["x", "y", "z"], object)
    with pytest.raises(InputError, match="neither a panel"):
        detect(table, [table])
    with pytest.raises(InputError, match="none of the sites is among the counts"):
        detect(elsewhere, [table], model)
    with pytest.raises(InputError, match=r"the sample is in table\.tsv as well"):
        detect(table, [table, table], model)
    with pytest.raises(InputError, match="control sites are sites of the clades"):
        detect(table, [table], model, controls=["1"])
    with pytest.raises(InputError, match="empty"):
        detect(table, [table], model, controls=[])
    with pytest.raises(InputError, match="there is no such sample"):
        reads_of(table.mutations, [table], {"nobody": 0.5})
