"""Special functions and count tables against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special as reference
from scipy import stats

from clonalbayes.kernels import special, tables

POINTS = np.concatenate([np.geomspace(1e-8, 1e7, 400), np.arange(1, 40) / 4.0])


@pytest.mark.parametrize(
    ("function", "twin", "error"),
    [
        (special.log_gamma, reference.gammaln, 1e-11),
        (special.digamma, reference.digamma, 1e-9),  # the derivatives serve proposals only
        (special.trigamma, lambda x: reference.polygamma(1, x), 1e-9),
    ],
)
def test_gamma_functions_agree_with_scipy(function, twin, error):
    found = np.array([function(x) for x in POINTS])
    assert np.allclose(found, twin(POINTS), rtol=error, atol=error)


@pytest.mark.parametrize("low", [0.0, 1.0, 7.0])
@pytest.mark.parametrize("gap", [0.0, 1.0, 5.0, 6.0, 7.0, 300.0])
def test_rise_is_a_sum_of_logarithms(low, gap):
    for x in (1e-4, 0.3, 12.0, 4e5):
        wanted = np.log(x + np.arange(low, low + gap)).sum()
        assert special.rise(x, low, low + gap) == pytest.approx(wanted, rel=1e-9, abs=1e-9)


def test_an_axis_table_holds_rising_factorials():
    axis = np.array([0.0, 1.0, 2.0, 5.0, 40.0, 41.0])
    table = np.full(8, np.nan)
    for x in (1e-5, 0.7, 90.0):
        tables.fill_axis(table, 1, axis, 0, 6, x)
        assert table[1:7] == pytest.approx(
            reference.gammaln(x + axis) - reference.gammaln(x), rel=1e-9, abs=1e-9
        )
    assert np.isnan(table[[0, 7]]).all()


@pytest.mark.parametrize("min_alt", [1, 2, 5])
@pytest.mark.parametrize("precision", [3.0, 80.0, 1e6])
@pytest.mark.parametrize("p", [1e-7, 1e-3, 0.2, 0.9])
def test_the_chance_of_few_reads_is_the_beta_binomials(min_alt, precision, p):
    axis = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 7.0, 30.0, 31.0, 200.0, 3000.0])
    table = np.empty(len(axis))
    tables.fill_low(table, 0, axis, 0, len(axis), p, precision, min_alt)
    wanted = stats.betabinom.cdf(min_alt - 1, axis, p * precision, (1.0 - p) * precision)
    assert table == pytest.approx(wanted, rel=1e-6, abs=1e-13)


@pytest.mark.parametrize("error", [0.0, 1e-3, 0.05])
def test_errors_act_in_both_directions(error):
    assert tables.alt_fraction(0.0, error) == pytest.approx(error)
    assert tables.alt_fraction(1.0, error) == pytest.approx(1.0 - error)
    assert tables.alt_fraction(1.3, error) == pytest.approx(1.0 - error)
    assert tables.alt_fraction(0.4, error) == pytest.approx(0.4 * (1.0 - error) + 0.6 * error)
