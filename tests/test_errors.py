"""The error model: grids against quadrature, learning against truth, files, and the same density as the pm.Model."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
from detection_fixtures import panel
from scipy import integrate, special, stats

from clonalbayes import specs
from clonalbayes.errors import ErrorModel, learn_errors
from clonalbayes.errors.classes import class_of, classes_of, codes_of, parent_of
from clonalbayes.errors.factors import Control, factor_posterior
from clonalbayes.errors.grid import concentration, noise_pmf, prior_weights, rates
from clonalbayes.errors.hierarchy import ClassPriors, points, quantile_points, solve
from clonalbayes.errors.model import hyper_priors
from clonalbayes.errors.panel import Panel, condense, evidence, learn_factors
from clonalbayes.errors.rates import depth_bins
from clonalbayes.faults import InputError


@pytest.fixture(scope="module")
def learned() -> tuple[np.ndarray, ErrorModel]:
    rng = np.random.default_rng(5)
    truth, alt, depth = panel(rng, 1500, 16)
    return truth, learn_errors(alt, depth, other=rng.binomial(depth, 4e-4))


@pytest.mark.parametrize("family", ["beta", "lognormal"])
@pytest.mark.parametrize("spread", [0.05, 0.8, 2.0])
def test_a_prior_on_the_grid_keeps_its_mean_and_its_predictions(family, spread):
    mean = 2e-4
    (weights,) = prior_weights(family, np.array([mean]), spread)
    assert weights.sum() == pytest.approx(1.0)
    assert weights @ rates() == pytest.approx(mean, rel=4e-3)
    exposure = 1200  # P(no read) is what most sites tell
    if family == "beta":
        k = float(concentration(np.array(mean), spread))
        exact = special.hyp1f1(mean * k, k, -exposure)
    else:
        z, w = np.polynomial.hermite_e.hermegauss(60)
        exact = w @ np.exp(-exposure * mean * np.exp(spread * z - spread**2 / 2)) / w.sum()
    assert weights @ np.exp(-exposure * rates()) == pytest.approx(exact, abs=4e-3)


def test_an_unknown_family_is_named():
    with pytest.raises(ValueError, match="beta, lognormal"):
        prior_weights("cauchy", np.array([1e-4]), 1.0)


@pytest.mark.parametrize("precision", [50.0, 1000.0, np.inf])
def test_noise_reads_are_beta_binomial(precision):
    pmf = noise_pmf(np.array([1e-4, 2e-3, 0.02]), np.array([100]), 6, precision)
    for row, rate in zip(pmf, (1e-4, 2e-3, 0.02), strict=True):
        n = 100
        law = (
            stats.binom(n, rate)
            if np.isinf(precision)
            else stats.betabinom(n, rate * precision, (1 - rate) * precision)
        )
        assert row == pytest.approx(law.pmf(np.arange(7)), rel=2e-3, abs=1e-12)


@pytest.mark.parametrize("precision", [300.0, np.inf])
def test_the_evidence_of_a_site_is_its_likelihood(precision):
    rng = np.random.default_rng(2)
    depth = rng.poisson(40, (6, 5))
    alt = rng.binomial(depth, 0.02)
    made = Panel(alt, depth)
    logs = evidence(made, precision).loglik()
    grid = rates()[rates() < 0.03]
    for i in range(6):
        exact = np.zeros(len(grid))
        for j in range(5):
            p, n = np.minimum(grid * made.factors[j], 0.99), depth[i, j]
            law = stats.binom(n, p) if np.isinf(precision) else stats.betabinom(n, p * precision, (1 - p) * precision)
            exact += law.logpmf(alt[i, j])
        difference = logs[i, : len(grid)] - exact
        assert np.ptp(difference) < 0.06
        assert np.ptp(difference[grid < 5e-3]) < 0.02


def test_condensing_leaves_the_likelihood_of_hyperparameters():
    rng = np.random.default_rng(3)
    _, alt, depth = panel(rng, 600, 8, sd=1.5)
    data = evidence(Panel(alt, depth), 1000.0)
    codes = rng.integers(2, size=600)
    merged, merged_codes, number = condense(data, codes)
    assert number.sum() == 600
    assert len(number) < 300
    for mean in (1e-4, 4e-4):
        (prior,) = prior_weights("lognormal", np.array([mean]), 1.0)
        full = np.log(np.exp(data.loglik()) @ prior)
        short = np.log(np.exp(merged.loglik()) @ prior) * number
        base = data.constant.sum()
        for c in (0, 1):
            expected = full[codes == c].sum() - data.constant[codes == c].sum()
            found = short[merged_codes == c].sum() - (base if merged_codes[0] == c else 0.0)
            assert found == pytest.approx(expected, abs=0.02)


def test_normals_that_carry_a_variant_are_set_aside():
    alt, depth = np.zeros((50, 6), int), np.full((50, 6), 40)
    alt[7, 2] = 19
    model = learn_errors(alt, depth)
    assert model.about["carried"] == 1
    assert model.pooled_rate() == 0.0


def test_factors_of_the_normals_are_found_and_average_to_one():
    rng = np.random.default_rng(4)
    truth = np.exp(rng.normal(0, 0.5, 20))
    depth = np.full((20_000, 20), 40)
    alt = rng.binomial(depth, 2e-4 * truth)
    factors, sd = learn_factors(alt, depth)
    assert factors.mean() == pytest.approx(1.0, abs=0.02)
    assert np.corrcoef(factors, truth)[0, 1] > 0.98
    assert 0.35 < sd < 0.7


def test_classes_follow_the_pyrimidine_strand():
    assert class_of("A", "G") == "T>C"
    assert class_of("c", "t", "a[c>t]g") == "A[C>T]G"
    assert class_of("AC", "GT") == "mnv"
    assert class_of("-", "T") == "insertion"
    assert class_of("AT", "A") == "deletion"
    assert parent_of("A[C>T]G") == "C>T"
    found = classes_of(
        np.array(["C", "G", ""], object), np.array(["T", "A", ""], object), np.array(["", "", ""], object)
    )
    classes, codes, parents, of = codes_of(found)
    assert classes == ["C>T", "unknown"]
    assert codes.tolist() == [0, 0, 1]
    assert [parents[i] for i in of] == ["C>T", "unknown"]


def test_class_means_by_message_passing_agree_with_brute_force():
    priors = ClassPriors(3e-4, 1.0, 0.5)
    x = points()
    profiles = np.stack([-0.5 * ((x - np.log(m)) / s) ** 2 for m, s in ((1e-4, 0.3), (4e-4, 0.6))])
    found = solve(profiles, np.array([0, 1]), priors)
    # Two substitutions with one class each: the context's sd is at its smallest, the other is integrated.
    from clonalbayes.errors.hierarchy import SDS

    width = np.gradient(np.array(SDS))
    logs, firsts = [], []
    for sd, w in zip(SDS, width, strict=True):
        spread = np.hypot(sd, SDS[0])
        mean, cov = np.full(2, np.log(3e-4)), np.full((2, 2), 1.0) + np.eye(2) * spread**2
        noise = np.diag([0.09, 0.36])
        at = np.log([1e-4, 4e-4])
        logs.append(stats.multivariate_normal(mean, cov + noise).logpdf(at) - 0.5 * (sd / 0.5) ** 2 + np.log(w))
        firsts.append(mean + cov @ np.linalg.solve(cov + noise, at - mean))
    weight = np.exp(np.array(logs) - max(logs))
    exact = weight @ np.array(firsts) / weight.sum()
    assert found.log_means[:2].mean(1) == pytest.approx(exact, abs=0.03)
    assert found.log_means.shape[0] == 3


def test_points_of_a_distribution_have_its_mean_and_variance():
    x = points()
    weights = np.exp(-0.5 * ((x - np.log(2e-4)) / 0.4) ** 2)[None]
    (found,) = quantile_points(weights)
    assert found.mean() == pytest.approx(np.log(2e-4), abs=1e-3)
    assert found.std() == pytest.approx(0.4, rel=0.02)


def test_rates_are_learned_and_shrunk(learned):
    truth, model = learned
    found = model.site_rates()
    assert found.mean.mean() == pytest.approx(truth.mean(), rel=0.15)
    assert np.corrcoef(np.log(found.mean), np.log(truth))[0, 1] > 0.25
    assert np.mean((found.mean - truth) ** 2) < np.var(truth)
    assert 0.01 < found.common_cv(np.ones(len(truth))) < 0.2
    total = sum(w.sum(1) for w in found.weights.values())
    assert total == pytest.approx(1.0)


def test_predicted_noise_is_what_held_out_normals_show(learned):
    truth, model = learned
    rng = np.random.default_rng(8)
    depth = rng.poisson(80, len(truth))
    pmf = model.site_rates().pmf(depth, np.array([1.0]), 3)[:, 0]
    seen = np.bincount(
        np.minimum(rng.binomial(depth[:, None], truth[:, None], (len(truth), 200)).ravel(), 3), minlength=4
    )
    expected = pmf.sum(0)
    assert seen[1] / 200 == pytest.approx(expected[1], rel=0.15)
    assert seen[2] / 200 == pytest.approx(expected[2], rel=0.6)


def test_sites_that_the_panel_lacks_get_the_rate_of_their_class(learned):
    truth, model = learned
    found = model.site_rates(np.array(["0", "elsewhere"], object))
    assert len(found) == 2
    assert found.mean[1] == pytest.approx(truth.mean(), rel=0.2)
    assert model.place(np.array(["1", "x"], object)).tolist() == [1, -1]
    assert len(model.typical_rates(7)) == 7


def test_a_sample_s_factor_comes_from_its_control_bases():
    wide = factor_posterior(Control(), 0.6, 0.0, 10.0)
    assert wide.mean == pytest.approx(np.exp(0.18), rel=0.05)
    control = Control.from_totals(480, 2_000_000, 4096, 25_600_000)
    narrow = factor_posterior(control, 0.6, 0.0, 37.0)
    assert narrow.mean == pytest.approx(1.5, rel=0.03)
    assert narrow.quantile(0.025) < 1.4 < 1.6 < narrow.quantile(0.975)
    wider = factor_posterior(control, 0.6, 0.2, 37.0)
    assert wider.quantile(0.975) > narrow.quantile(0.975) * 1.2


def test_third_alleles_are_controls(learned):
    _, model = learned
    n = np.full(400, 100)
    control = model.other_control(np.arange(400).astype(str), np.full(400, 0), n)
    assert control.expected == pytest.approx(400 * 100 * 4e-4, rel=0.4)
    assert model.other_control(np.array(["x"], object), np.array([1]), np.array([50])).expected == 0.0


def test_depths_are_binned_with_their_mean():
    depth = np.arange(1, 400)
    bins, level = depth_bins(depth)
    assert np.abs(bins[level] / depth - 1.0).max() < 0.05
    assert (bins[level][:39] == depth[:39]).all()


def test_calibrated_on_draws_from_its_own_prior():
    # Ranks of the overall rate among its posterior: uniform if learning is right (in full: validation/errors.py).
    spec = specs.load("errors", "errors")
    ranks = []
    for seed in range(24):
        rng = np.random.default_rng([31, seed])
        priors = hyper_priors(spec)
        mean = priors.means.median * np.exp(rng.normal(0, 0.7))
        sd = abs(rng.normal(0, 1.0)) + 0.05
        _, alt, depth = panel(rng, 400, 8, sd=sd, mean=mean)
        model = learn_errors(alt, depth)
        below = sum(node.weight * np.mean(node.log_means[0] < np.log(mean)) for node in model.nodes)
        ranks.append(below)
    assert 0.3 < np.mean(ranks) < 0.7
    assert np.std(ranks) > 0.15


def test_a_model_comes_back_from_its_file(learned, tmp_path):
    _, model = learned
    for name in ("model.json", "model.json.gz"):
        model.save(tmp_path / name)
        again = ErrorModel.load(tmp_path / name)
        assert again.site_rates().mean == pytest.approx(model.site_rates().mean, rel=1e-6)
        assert repr(again) == repr(model)
    assert not list(tmp_path.glob(".*"))
    assert (tmp_path / "model.json.gz").stat().st_size < (tmp_path / "model.json").stat().st_size


def damage(content: dict, key: str) -> dict:
    damaged = json.loads(json.dumps(content))
    match key:
        case "format":
            damaged["format"] = "something else"
        case "version":
            damaged["version"] = 99
        case "nodes":
            damaged["nodes"] = []
        case "family":
            damaged["nodes"][0]["family"] = "cauchy"
        case "classes":
            damaged["classes"] = []
        case "sites":
            damaged["sites"] = damaged["sites"][:-1]
        case "missing":
            del damaged["data"]
        case "text":
            damaged["alt"] = "many"
    return damaged


@pytest.mark.parametrize("key", ["format", "version", "nodes", "family", "classes", "sites", "missing", "text"])
def test_a_damaged_model_is_refused_in_words(learned, tmp_path, key):
    _, model = learned
    path = tmp_path / "model.json"
    model.save(path)
    path.write_text(json.dumps(damage(json.loads(path.read_text()), key)))
    with pytest.raises(InputError, match=r"model\.json") as caught:
        ErrorModel.load(path)
    assert "clonalbayes errors" in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1, 2]", b"\x80\x04K\x01.", b"\x1f\x8b\x08\x00abc", gzip.compress(b"{}")[:-4]]
)
def test_what_is_no_model_is_refused_and_never_unpickled(tmp_path, content):
    path = tmp_path / "model.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"model\.json"):
        ErrorModel.load(path)


def test_a_panel_without_reads_is_refused():
    with pytest.raises(ValueError, match="no reads"):
        learn_errors(np.full((3, 2), -1), np.full((3, 2), -1))


@pytest.mark.parametrize("family", [0, 1])
def test_the_pm_model_has_the_same_density(family):
    pytest.importorskip("pymc")
    from clonalbayes.model.errors import build_error_model

    alt, depth = np.array([[0, 1, 0, 2]]), np.array([[40, 52, 35, 47]])
    model = build_error_model(alt, depth, np.array(["unknown"], object))
    made = Panel(alt, depth)
    names = [v.name for v in model.free_RVs]
    assert set(names) == {
        "log_mean", "sd_substitution", "sd_context", "log_mean_substitution", "log_mean_class", "spread", "lognormal",
        "site_rate", "precision",
    }  # fmt: skip
    score = model.compile_logp(vars=[model["site_rate"], model["alt_count"]], sum=True)
    start = model.initial_point()

    def integrated(mean: float, spread: float, precision: float) -> float:
        point = dict(start)
        point |= {"log_mean_class": np.array([np.log(mean)]), "lognormal": np.array(family)}
        point |= {"spread_log__": np.log(spread), "precision_log__": np.log(precision)}
        grid = np.linspace(np.log(1e-9), np.log(0.3), 1200)
        logs = np.array([float(score(point | {"site_rate": np.exp(np.array([u]))})) + u for u in grid])
        return float(np.log(integrate.trapezoid(np.exp(logs), grid)))

    def fast(mean: float, spread: float, precision: float) -> float:
        (prior,) = prior_weights(("beta", "lognormal")[family], np.array([mean]), spread)
        data = evidence(made, precision)
        return float(np.log(np.exp(data.loglik()[0]) @ prior))

    settings = [(1e-4, 1.0, 1000.0), (1e-3, 1.0, 1000.0), (1e-3, 0.5, 300.0), (5e-3, 0.8, 100.0)]
    gap = [integrated(*s) - fast(*s) for s in settings]
    assert np.ptp(gap) < 0.04  # a few hundredths are the grid of rates
