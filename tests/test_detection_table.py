"""`detection.tsv`: what a fit says of small clones, and what each sample could have shown."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from posteriors import known, patient
from scipy import stats

from clonalbayes import results, specs
from clonalbayes.detection.pooled import log_bayes_factor, pooled_limit, size_interval, upper_tail
from clonalbayes.detection.single_rate import single_rate_test
from clonalbayes.summaries import detection, summarise, tables
from clonalbayes.summaries.detection_words import percent, sentences

LEVEL, POWER = 0.01, 0.95
SPEC = specs.load("detection", "detection")


@pytest.fixture(scope="module")
def summary():
    """Three clones; the second is absent from sample B, the third from sample A."""
    return summarise(known()[0])


def changed(tree, copies=None, **reads):
    """The same result with other multiplicities, depths or alt reads."""
    groups = {f"/{name}": node.to_dataset() for name, node in tree.children.items()}
    both = ("mutation", "specimen")
    if copies is not None:
        groups["/consensus"] = groups["/consensus"].assign(multiplicity=(both, copies))
    groups["/observed_data"] = groups["/observed_data"].assign({name: (both, n) for name, n in reads.items()})
    return xr.DataTree.from_dict(groups)


def beta_binomial(rng, depth, rate, precision, size):
    p = rng.beta(rate * precision, (1.0 - rate) * precision, size)
    return rng.binomial(depth, p)


@pytest.mark.parametrize(("sites", "rate", "spread", "precision"), [(400, 3e-4, 0.3, 500.0), (60, 1e-3, 0.1, 100.0)])
def test_the_limit_is_what_simulated_reads_show(sites, rate, spread, precision):
    rng, depth, number = np.random.default_rng(5), 100, 4000
    noise, exposure = sites * depth * rate, sites * depth * 0.5
    dispersion = 1.0 + (depth - 1.0) / (precision + 1.0)
    limit = float(pooled_limit(noise, spread, dispersion, exposure, LEVEL, POWER))
    size = 1.0 / spread**2
    rates = rate * rng.gamma(size, 1.0 / size, number)
    null = np.array([beta_binomial(rng, depth, r, precision, sites).sum() for r in rates])
    threshold = int(np.flatnonzero([(null >= t).mean() <= LEVEL for t in range(400)])[0])
    there = np.array([beta_binomial(rng, depth, r + limit / 2, precision, sites).sum() for r in rates])
    assert (there >= threshold).mean() == pytest.approx(POWER, abs=0.025)
    weaker = np.array([beta_binomial(rng, depth, r + limit / 4, precision, sites).sum() for r in rates])
    assert (weaker >= threshold).mean() < POWER - 0.1


def test_tails_are_those_of_the_negative_binomial_and_of_the_poisson():
    at, mean = np.array([0.0, 1.0, 7.0]), 3.0
    size = mean**2 / 2.0
    expected = stats.nbinom.sf(at - 1.0, size, size / (size + mean))
    assert upper_tail(at, np.full(3, mean), np.full(3, mean + 2.0)) == pytest.approx(expected)
    assert upper_tail(at, np.full(3, mean), np.full(3, mean)) == pytest.approx(stats.poisson.sf(at - 1.0, mean))


def test_limits_fall_with_reads_and_rise_with_what_is_not_known():
    base = pooled_limit(np.array([10.0, 40.0]), 0.1, 1.2, np.array([1e4, 4e4]), LEVEL, POWER)
    assert base[1] < base[0] / 1.5
    assert (pooled_limit(np.array([10.0, 40.0]), 0.5, 1.2, np.array([1e4, 4e4]), LEVEL, POWER) > base * 1.1).all()
    assert (pooled_limit(np.array([10.0, 40.0]), 0.1, 3.0, np.array([1e4, 4e4]), LEVEL, POWER) > base * 1.1).all()
    assert np.isnan(pooled_limit(np.array([0.0, 50.0]), 0.1, 1.0, np.array([0.0, 3.0]), LEVEL, POWER)).all()


def test_one_row_a_clone_and_sample_with_pooled_reads(summary):
    rows = detection.detection_rows(summary, SPEC)
    clone = summary["consensus"]["clone"].values
    assert [(row["clone"], row["sample"]) for row in rows] == [(k, s) for k in (1, 2, 3) for s in "AB"]
    for row in rows:
        own = int((clone == row["clone"]).sum())
        assert (row["n_sites"], row["n_left_out"], row["n_uncovered"]) == (own, 0, 0)
        assert (row["alt_count"], row["depth"]) == (20 * own, 100 * own)
        assert row["noise_expected"] == pytest.approx(100 * own * 3e-4, rel=0.1)
        assert row["single_rate"] == pytest.approx(3e-4, rel=0.05)
        assert row["single_rate_p"] == single_rate_test(20 * own, 100 * own, row["single_rate"]).p_value
        assert row["lod_vaf"] == pytest.approx(row["lod_prevalence"] / 2)
    present = {(row["clone"], row["sample"]) for row in rows if row["verdict"] == "present"}
    held = summary["consensus"]["presence"].values.reshape(-1, 3, 2)
    assert present == {(k + 1, "AB"[s]) for k, s in np.argwhere((held > 0).all(0))}
    assert 0 < len(present) < len(rows)


def test_sites_that_copy_number_removed_or_that_have_no_reads_are_left_out(summary):
    clone = summary["consensus"]["clone"].values
    first = np.flatnonzero(clone == 1)
    copies = summary["consensus"]["multiplicity"].values.copy()
    depth = summary["observed_data"]["depth"].values.copy()
    copies[first[:4], 0] = 0
    depth[first[4:6], 0] = 0
    tree = changed(summary, copies, depth=depth)
    before, after = (detection.detection_rows(t, SPEC)[0] for t in (summary, tree))
    assert (after["n_left_out"], after["n_uncovered"]) == (4, 2)
    assert after["n_sites"] == before["n_sites"] - 6
    assert after["lod_prevalence"] > before["lod_prevalence"]
    copies[first, 0] = 0
    tree = changed(summary, copies, depth=depth)
    gone = detection.detection_rows(tree, SPEC)[0]
    assert gone["verdict"] == "no reads"
    assert np.isnan(gone["lod_prevalence"])
    assert gone["single_rate_p"] == 1.0
    assert any("nothing can be said in A" in text for text in detection.detection_part(tree).entry["findings"])


def test_where_reads_do_not_show_a_clone_its_interval_holds_what_they_allow(summary):
    alt = np.zeros_like(summary["observed_data"]["alt_count"].values)
    before, after = (detection.detection_rows(tree, SPEC) for tree in (summary, changed(summary, alt_count=alt)))
    size = tables(summary)["clones"]
    for row, bare, lo, hi in zip(before, after, size["prevalence_lo"], size["prevalence_hi"], strict=True):
        assert row["log10_bayes_factor"] > 1.0 > 0.0 > bare["log10_bayes_factor"]
        assert (row["prevalence_lo"], row["prevalence_hi"]) == (lo, hi), "shown: the posterior's"
        assert bare["prevalence_lo"] == 0.0
        most = 2.0 * 1.92 / (100 * bare["n_sites"])  # exp(-mean) = exp(-1.92), half of the molecules mutated
        assert bare["prevalence_hi"] == pytest.approx(max(hi, most), rel=0.15), "and scatter"
    assert any(hi == 0.0 for hi in size["prevalence_hi"]), "else nothing was widened"


@pytest.mark.parametrize("size", [0.0, 1e-4, 3e-4, 1e-3, 1e-2])
def test_the_interval_of_the_reads_holds_the_truth_whatever_it_is(size):
    rng, noise, exposure, spread, number = np.random.default_rng(8), 20.0, 5e4, 0.3, 4000
    shape = 1.0 / spread**2
    alt = rng.poisson(noise * rng.gamma(shape, 1.0 / shape, number) + size * exposure)
    low, high = size_interval(alt.astype(float), noise, spread, 1.0, exposure)
    assert 0.94 < ((low <= size) & (size <= high)).mean() < 0.985
    assert (low == 0.0).mean() == pytest.approx(0.975, abs=0.015) or size > 0.0
    narrow = size_interval(alt.astype(float), noise, spread / 10, 1.0, exposure)
    assert size >= 1e-3 or ((narrow[0] <= size) & (size <= narrow[1])).mean() < 0.94, "an error rate taken as known"


def test_an_interval_without_reads_is_everything_and_one_with_all_of_them_ends_at_one():
    low, high = size_interval(np.array([0.0, 100.0]), 0.0, 0.1, 1.0, np.array([0.0, 100.0]))
    assert (low[0], high[0]) == (0.0, 1.0)
    assert 0.6 < low[1] < 1.0 == high[1]


def test_the_table_goes_into_the_result_folder(summary, tmp_path):
    part = detection.detection_part(summary)
    results.write(summary, patient(summary["observed_data"].to_dataset()), tmp_path / "r", {}, [part])
    lines = (tmp_path / "r" / "detection.tsv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 7
    assert lines[0].startswith("clone\tsample\tp_present\tlog10_bayes_factor\tprevalence_mean")
    assert results.open_result(tmp_path / "r").run["detection"]["findings"] == part.entry["findings"]


def row(clone, sample, mean, verdict="present", p=1.0, limit=0.001):
    ends = {"log10_bayes_factor": 0.3, "prevalence_lo": 0.8 * mean, "prevalence_hi": 1.2 * mean}
    return {"clone": clone, "sample": sample, "prevalence_mean": mean, "p_present": p, "lod_prevalence": limit} | {
        "verdict": verdict, **ends
    }  # fmt: skip


def test_sentences_say_what_was_there_what_is_open_and_what_would_have_been_found():
    absent = "absent or too small"
    rows = [
        row(9, "D1", 0.0, absent, 0.0, 0.0014), row(9, "R2", 0.0026), row(9, "AML", 0.48),
        row(4, "D1", 0.9), row(4, "R2", 0.01), row(4, "AML", 0.001, "undecided", 0.4),
        row(5, "D1", 0.0, absent, 0.0, 0.002), row(5, "R2", 0.0, absent, 0.0, 0.003), row(5, "AML", 0.3),
    ]  # fmt: skip
    dates = {"D1": "2012-01-01", "R2": "2016-01-01", "AML": "2017-01-01"}
    said = sentences(rows, dates)
    assert said[0] == (
        "Clone 9 was already there at R2, at 0.26 % of the cells [0.21, 0.31 %], probability > 0.999; "
        "it makes up 48 % of AML."
    )
    assert said[1].startswith("Clone 4 was still there at R2, at 1 % of the cells")
    assert said[2].startswith("Clone 4 in AML is undecided: probability of presence 0.4, Bayes factor of its reads 2,")
    assert said[3] == "Clone 9 was not found in D1: a clone above 0.14 % of the cells would have been found."
    assert said[4].endswith("a clone above 0.2 % of the cells would have been found; nor in R2 (0.3 %).")
    unseen = sentences([row(7, "A", 0.001, "undecided", 0.97) | {"log10_bayes_factor": -0.4}], {})
    assert unseen == ["Clone 7 was not found in A: a clone above 0.1 % of the cells would have been found."]
    assert sentences(rows, {})[0].startswith("Clone 9 is there at R2"), "without dates nothing is said of order"


@pytest.mark.parametrize(
    ("p", "shown", "word"),
    [
        (0.99, True, "present"), (0.99, False, "undecided"),
        (0.5, True, "undecided"), (0.01, False, "absent or too small"),
    ],
)  # fmt: skip
def test_presence_wants_reads_that_show_it(p, shown, word):
    assert detection._verdict({"depth": 100, "p_present": p}, shown) == word
    assert detection._verdict({"depth": 0, "p_present": p}, shown) == "no reads"


def test_the_evidence_is_the_integral_over_the_size():
    scales = np.array([1e-3, 0.1])
    for alt, noise, exposure in ((0, 5.0, 2e4), (14, 5.0, 2e4), (900, 5.0, 2e4), (3, 0.1, 300.0)):
        found = log_bayes_factor(np.array(alt), noise, 0.2, 1.0, exposure, scales)

        def likelihood(v, alt=alt, noise=noise, exposure=exposure):
            mean = noise + v * exposure
            size = mean**2 / (0.2 * noise) ** 2
            return stats.nbinom.logpmf(alt, size, size / (size + mean))

        v = np.geomspace(1e-9, 1.0, 200_001)
        prior = np.mean([stats.beta.pdf(v, 1.0, 1.0 / b) for b in scales], 0)
        top = likelihood(v).max()
        integral = top + np.log(np.trapezoid(np.exp(likelihood(v) - top) * prior, v))
        assert found == pytest.approx(integral - likelihood(0.0), abs=0.05)
    assert log_bayes_factor(np.array(0), 0.0, 0.2, 1.0, 0.0, scales) == 0.0


def test_evidence_of_a_clone_below_counts_for_the_clade(summary):
    evidence = np.array([[0.0, 0.5], [3.0, -1.0], [-1.0, 7.0]])
    groups = {f"/{name}": node.to_dataset() for name, node in summary.children.items()}
    groups["/consensus"] = groups["/consensus"].assign(consensus_parent=("clone", [0, 1, 2]))
    found = detection._of_clade(evidence, xr.DataTree.from_dict(groups))
    assert found.tolist() == [[3.0, 7.0], [3.0, 7.0], [-1.0, 7.0]]


def test_many_sentences_are_cut_and_counted():
    rows = [row(k, "A", 0.01) for k in range(30)]
    said = sentences(rows, {})
    assert len(said) == 21
    assert said[-1] == "10 more small clones are in detection.tsv."
    assert percent(1.0) == "100 %"
