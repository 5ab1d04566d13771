"""Limits of detection of an assay that has not been run yet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clonalbayes import specs
from clonalbayes.data.schema import DIPLOID
from clonalbayes.detection.likelihood import SampleSites
from clonalbayes.detection.noise_test import Assumptions, make_test
from clonalbayes.errors.factors import Control
from clonalbayes.errors.model import ErrorModel
from clonalbayes.specs import Spec

THIRD_ALLELES = 2
"""Bases at a site that are neither its reference nor its alt allele: controls that cost nothing."""


@dataclass(frozen=True)
class Plan:
    """The limit of detection of a planned assay.

    Parameters
    ----------
    depth, n_sites
        Mean depth; number of sites.
    noise
        Noise reads expected in all.
    factor_sd
        Standard deviation of the log error factor after the controls.
    lod_vaf, lod_prevalence
        Smallest clone that is found, as share of reads and of cells.
    """

    depth: float
    n_sites: int
    noise: float
    factor_sd: float
    lod_vaf: float
    lod_prevalence: float


def plan(
    depth: float,
    n_sites: int,
    model: ErrorModel,
    *,
    control_sites: int | None = None,
    spec: str | Path | Spec = "detection",
) -> Plan:
    """Compute the smallest clone that an assay would find.

    Parameters
    ----------
    depth : float
        Mean depth.
    n_sites : int
        Sites that define the clone.
    model : ErrorModel
        Of the panel. If it has that many sites, a sample of them stands for the assay's; else sites are drawn
        from its classes.
    control_sites : int, optional
        Sites that the sample cannot carry, of the same depth; by default the third alleles at the sites
        themselves, two a site.
    spec : str, Path or Spec
        Specification of the family `detection`; states level and power.

    Returns
    -------
    Plan
    """
    spec = specs.load(spec, "detection")
    if len(model.sites) >= n_sites:
        rows = np.linspace(0, len(model.sites) - 1, n_sites).round().astype(int)
        rates = model.site_rates(model.sites[rows])
    else:
        rates = model.typical_rates(n_sites)
    reads = np.full(n_sites, max(round(depth), 1), np.int64)
    sites = SampleSites(np.zeros(n_sites, np.int64), reads, np.full(n_sites, 1.0 / DIPLOID), rates)
    controls = THIRD_ALLELES * n_sites if control_sites is None else control_sites
    expected = controls * depth * float(rates.mean.mean())
    unlike = model.other_spread if control_sites is None else 0.0
    control = Control(expected, expected, 1e6, rates.dispersion(reads), unlike) if controls else Control()
    test = make_test(sites, control, Assumptions.of(spec, model.factor_sd))
    limit = test.limit(spec.constant("level"), spec.constant("power"))
    weights, logs = test.factor.weights, np.log(test.factor.factors)
    spread = float(np.sqrt(weights @ logs**2 - (weights @ logs) ** 2))
    return Plan(depth, n_sites, sites.expected_noise, spread, limit / DIPLOID, limit)
