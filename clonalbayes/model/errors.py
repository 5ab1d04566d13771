"""The error model as a `pm.Model`: what `clonalbayes.errors` integrates on grids, stated variable by variable.

For site i (class c, substitution t) and normal j with n reads and factor f_j:

    log_mean                  ~ Normal(log median, sigma)
    sd_substitution, sd_context ~ HalfNormal
    log_mean_substitution[t]  ~ Normal(log_mean, sd_substitution)
    log_mean_class[c]         ~ Normal(log_mean_substitution[t(c)], sd_context)
    spread                    ~ HalfNormal
    lognormal                 ~ Bernoulli
    site_rate[i]              ~ LogNormal or Beta with mean exp(log_mean_class[c(i)]) and spread
    precision                 ~ LogNormal
    alt_count[i, j]           ~ BetaBinomial(n_ij, mean site_rate[i] f_j, precision)

`clonalbayes.errors` agrees with it up to the grid of rates; there the means of the classes are within 1e-6 and
0.03, and precisions above 10,000 are one point, the binomial.
"""

# mypy: allow-untyped-calls, disable-error-code="no-untyped-call"

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from clonalbayes import specs
from clonalbayes.errors.classes import codes_of
from clonalbayes.errors.panel import Panel
from clonalbayes.specs import Spec

LARGEST_RATE = 0.5
"""Rates times factors are cut off here."""

SMALLEST_TOTAL = 1e-3
"""Smallest alpha + beta of the Beta prior of a site's rate, where mean and spread would ask for less."""


def build_error_model(
    alt: np.ndarray, depth: np.ndarray, classes: np.ndarray, spec: str | Path | Spec = "errors"
) -> pm.Model:
    """State the error model of a panel.

    Parameters
    ----------
    alt, depth : numpy.ndarray
        [I, J] reads of J normals at I sites; depth 0 where missing.
    classes : numpy.ndarray
        [I] class of each site (`clonalbayes.errors.classes`).
    spec : str, Path or Spec
        Specification of the family `errors`.

    Returns
    -------
    pymc.Model
        With coords `site`, `normal`, `class`, `substitution`; the normals' factors are those of
        `clonalbayes.errors.panel`.
    """
    spec = specs.load(spec, "errors")
    panel = Panel(
        np.asarray(alt), np.asarray(depth), (spec.constant("carried_vaf"), int(spec.constant("carried_reads")))
    )
    names, codes, substitutions, parents = codes_of(classes)
    rows, cols = panel.alt.shape
    coords = {"site": range(rows), "normal": range(cols), "class": names, "substitution": substitutions}
    sd = spec.value("class_sd", "scale")
    with pm.Model(coords=coords) as model:
        mean = pm.Normal("log_mean", np.log(spec.value("mean_rate", "median")), spec.value("mean_rate", "sigma"))
        outer, inner = pm.HalfNormal("sd_substitution", sd), pm.HalfNormal("sd_context", sd)
        middle = pm.Normal("log_mean_substitution", mean, outer, dims="substitution")
        log_mean = pm.Normal("log_mean_class", middle[parents], inner, dims="class")
        spread = pm.HalfNormal("spread", spec.value("site_spread", "scale"))
        family = pm.Bernoulli("lognormal", spec.value("lognormal_sites", "p"))
        rate = pm.CustomDist(
            "site_rate", log_mean[codes], spread, family, logp=site_rate_logp, random=draw_site_rates,
            dims="site", default_transform=None, initval=np.exp(np.full(rows, np.log(3e-4))),
        )  # fmt: skip
        median, sigma = spec.value("precision", "median"), spec.value("precision", "sigma")
        precision = pm.LogNormal("precision", np.log(median), sigma)
        p = pt.minimum(rate[:, None] * panel.factors, LARGEST_RATE)
        pm.BetaBinomial(
            "alt_count", n=panel.depth, alpha=p * precision, beta=(1.0 - p) * precision, observed=panel.alt,
            dims=("site", "normal"),
        )  # fmt: skip
    return model


def site_rate_logp(value: Any, log_mean: Any, spread: Any, lognormal: Any) -> Any:
    """Log density of site rates: log-normal or Beta, with mean exp(log_mean) and spread sqrt(log(1 + cv^2))."""
    z = (pt.log(value) - log_mean + 0.5 * spread**2) / spread
    log_normal = -0.5 * z**2 - pt.log(value) - pt.log(spread) - 0.5 * np.log(2.0 * np.pi)
    mean = pt.exp(log_mean)
    total = pt.maximum((1.0 - mean) / (mean * pt.expm1(spread**2)) - 1.0, SMALLEST_TOTAL)
    a, b = mean * total, (1.0 - mean) * total
    norm = pt.gammaln(a + b) - pt.gammaln(a) - pt.gammaln(b)
    beta = (a - 1.0) * pt.log(value) + (b - 1.0) * pt.log1p(-value) + norm
    inside = (value > 0.0) & (value < 1.0)
    return pt.switch(inside, pt.switch(pt.eq(lognormal, 1), log_normal, beta), -np.inf)


def draw_site_rates(
    log_mean: Any, spread: Any, lognormal: Any, rng: np.random.Generator | None = None, size: Any = None
) -> np.ndarray:
    """Draw site rates, as `site_rate_logp` has them."""
    rng = rng or np.random.default_rng()
    shape = np.shape(log_mean) if size is None else size
    mean = np.exp(np.broadcast_to(log_mean, shape))
    wide = np.exp(np.log(mean) - 0.5 * spread**2 + spread * rng.standard_normal(shape))
    total = np.maximum((1.0 - mean) / (mean * np.expm1(spread**2)) - 1.0, SMALLEST_TOTAL)
    narrow = rng.beta(mean * total, (1.0 - mean) * total)
    return np.where(np.asarray(lognormal) == 1, np.minimum(wide, LARGEST_RATE), np.maximum(narrow, 1e-300))
