"""How unlike errors of two kinds are in one sample, and what is kept of the error model's hyperparameters."""

from __future__ import annotations

import numpy as np
import pytest
from detection_fixtures import panel

from clonalbayes.detection.likelihood import SampleSites
from clonalbayes.detection.noise_test import Assumptions, make_test
from clonalbayes.errors import ErrorModel, learn_errors
from clonalbayes.errors.factors import Control
from clonalbayes.errors.learn import DROP_BELOW, MERGED, _kept
from clonalbayes.errors.unlike import learn_class_spread, learn_other_spread


def drawn(spread: float, seed: int = 4, sites: int = 600, normals: int = 24) -> tuple[np.ndarray, ...]:
    """Counts of three classes whose factors differ by normal and class, and of third alleles."""
    rng = np.random.default_rng(seed)
    codes = np.arange(sites) % 3
    depth = rng.poisson(60, (sites, normals))
    own = np.exp(rng.normal(0, 0.4, normals))
    factor = np.exp(rng.normal(0, spread, (3, normals)))
    alt = rng.poisson(depth * 6e-3 * own * factor[codes])
    other = rng.poisson(depth * 1.2e-2 * own * np.exp(rng.normal(0, spread, normals)))
    return alt, depth, codes, other


@pytest.mark.parametrize(("spread", "low", "high"), [(0.0, 0.0, 0.1), (0.4, 0.28, 0.55)])
def test_the_spread_between_classes_and_of_third_alleles_is_learned(spread, low, high):
    alt, depth, codes, other = drawn(spread)
    assert low < learn_class_spread(alt, depth, codes, 0.3) < high
    assert low < learn_other_spread(alt, depth, other, 0.3) < high


def test_without_data_the_prior_is_left():
    alt, depth, codes, _ = drawn(0.4)
    assert learn_class_spread(alt, depth, np.zeros_like(codes), 0.15) == pytest.approx(0.15, rel=0.05)
    assert learn_class_spread(0 * alt, depth, codes, 0.15) == pytest.approx(0.15, rel=0.05)


def test_controls_of_the_same_classes_tell_the_factor_and_others_less():
    alike = Control(spread=0.3, by_class={0: 0.2, 1: 0.8})
    assert alike.unlike({0: 0.2, 1: 0.8}) == 0.0
    assert alike.unlike({2: 1.0}) == pytest.approx(0.3 * np.sqrt(0.04 + 0.64 + 1.0))
    assert Control(spread=0.3).unlike({0: 1.0}) == 0.3, "another kind of base"
    rng = np.random.default_rng(2)
    _, alt, depth = panel(rng, 300, 16, mean=1e-3)
    model = learn_errors(alt, depth)
    sites = SampleSites(np.zeros(300, int), np.full(300, 100), np.full(300, 0.5), model.site_rates())
    widths = []
    for shares in ({0: 1.0}, {1: 1.0}):
        control = Control(1e6, 1e6, 1e12, spread=0.3, by_class=shares)
        factor = make_test(sites, control, Assumptions(0.5, 1e-4, 0.01)).factor
        widths.append(factor.quantile(0.975) / factor.quantile(0.025))
    assert widths[1] > 2.0 * widths[0]


def test_a_model_makes_controls_that_know_their_classes(tmp_path):
    alt, depth, codes, other = drawn(0.4)
    names = np.array(["C>A", "C>T", "T>C"], object)[codes]
    model = learn_errors(alt, depth, names, other=other)
    assert model.class_spread > 0.2
    rates = model.site_rates()
    control = model.control(rates, alt[:, 0], depth[:, 0])
    assert control.spread == model.class_spread
    assert control.unlike(rates.by_class(depth[:, 0])) < 0.1 * model.class_spread
    first = codes == 0
    assert control.unlike(rates.take(first).by_class(depth[first, 0])) > 0.5 * model.class_spread
    third = model.other_control(model.sites, other[:, 0], depth[:, 0])
    assert third.unlike({0: 1.0}) == model.other_spread
    model.save(tmp_path / "m.json")
    again = ErrorModel.load(tmp_path / "m.json")
    assert (again.class_spread, again.other_spread) == (model.class_spread, model.other_spread)


def test_thinning_keeps_the_probability_of_every_precision():
    rng = np.random.default_rng(1)
    spreads = np.linspace(0.1, 2.8, 27)
    means = np.zeros((2, 5))
    scored = [
        (float(np.log(weight) - 2.0 * abs(spread - 1.0)), precision, family, float(spread), means)
        for precision, weight in ((100.0, 1.0), (1000.0, 0.05), (np.inf, 0.02), (3.0, 1e-5))
        for family in ("beta", "lognormal")
        for spread in rng.permutation(spreads)
    ]
    weights = np.exp([entry[0] for entry in scored])
    weights /= weights.sum()
    nodes = _kept(scored)
    assert len(nodes) < len(scored) / 2
    assert sum(node.weight for node in nodes) == pytest.approx(1.0)
    assert [node.weight for node in nodes] == sorted((node.weight for node in nodes), reverse=True)
    for precision in (100.0, 1000.0, np.inf):
        whole = weights[[entry[1] == precision for entry in scored]].sum()
        assert sum(n.weight for n in nodes if n.precision == precision) == pytest.approx(whole, rel=1e-4)
    assert not any(node.precision == 3.0 for node in nodes), f"less than {DROP_BELOW} in all"
    mean = sum(node.weight * node.spread for node in nodes)
    assert mean == pytest.approx(weights @ [entry[3] for entry in scored], abs=2 * MERGED)
