"""The clone model's log density in numpy and scipy, one term after another: slow and obvious."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import xarray as xr
from scipy import stats
from scipy.special import gammaln

from clonalbayes.genotypes import beta_grid, genotype_vectors
from clonalbayes.specs import Spec

SAMPLES = ("diagnosis", "relapse", "third")


def dataset(
    n: int = 10, samples: int = 3, min_alt: int = 3, seed: int = 0, plain: bool = False
) -> xr.Dataset:
    """A patient with two clones; unless `plain`, with all that copy number and missing counts can bring."""
    rng = np.random.default_rng(seed)
    depth = rng.integers(15, 60, (n, samples))
    share = np.array([[0.45, 0.05, 0.2], [0.15, 0.4, 0.3]])[np.arange(n) % 2, :samples]
    alt = np.maximum(
        rng.binomial(depth, share), np.where(np.arange(samples) == np.arange(n)[:, None] % 2, 4, 0)
    )
    major, minor, total = (np.full((n, samples), value) for value in (1, 1, 2))
    given = np.full((n, samples), np.nan)
    if not plain:
        major[1::5, 0], major[2::5, 1], minor[2::5, 1] = 2, 2, 0
        major[3::5, 0], minor[3::5, 0], total[3::5, 0] = -1, -1, 3
        given[4, 1] = 0.4
        alt[0, samples - 1] = depth[0, samples - 1] = -1
    both = ("mutation", "specimen")
    columns = {"alt_count": alt, "depth": depth, "major_cn": major, "minor_cn": minor, "total_cn": total,
               "normal_cn": np.full((n, samples), 2), "var_read_prob": given}  # fmt: skip
    return xr.Dataset(
        {name: (both, values) for name, values in columns.items()},
        {
            "mutation": [f"m{i}" for i in range(n)],
            "specimen": list(SAMPLES[:samples]),
            "purity": ("specimen", np.array([0.9, 0.7, 1.0])[:samples]),
            "purity_sd": ("specimen", np.array([np.nan, 0.05, np.nan])[:samples]),
        },
        {"min_alt": min_alt},
    )


def genotypes(ds: xr.Dataset, i: int) -> np.ndarray:
    """Vectors of mutated copies of one mutation, [G, S]."""
    row = ds.isel(mutation=i)
    split = row["major_cn"].values >= 0
    total = np.where(split, row["major_cn"].values + row["minor_cn"].values, row["total_cn"].values)
    vectors = genotype_vectors(np.stack([row["major_cn"].values, row["minor_cn"].values, total], axis=1))
    given = ~np.isnan(row["var_read_prob"].values)
    return np.unique(np.where(given, 1, vectors), axis=0)[::-1] if given.any() else vectors


def fraction(ds: xr.Dataset, i: int, s: int, copies: int, point: dict[str, Any], label: int) -> float:
    """Expected share of alt reads of mutation i in sample s, before errors."""
    row = ds.isel(mutation=i, specimen=s)
    purity, share = point["purity"][s], point["cn_clonal_fraction"][s]
    ccf = 0.0
    if label >= 0:
        ccf = (0.0, point["prevalence_slab"][label, s], 1.0)[point["presence"][label, s]]
    if not np.isnan(row["var_read_prob"]):
        given = float(row["var_read_prob"])
        return given if label == -2 else ccf * purity * given
    major, minor, normal = (int(row[name]) for name in ("major_cn", "minor_cn", "normal_cn"))
    total = major + minor if major >= 0 else int(row["total_cn"])
    usual = total == normal and major in (-1, 1) and copies == 1
    w = 1.0 if usual else share
    mutated = w * copies + (1.0 - w)
    all_copies = purity * (w * total + (1.0 - w) * normal) + (1.0 - purity) * normal
    return (
        (purity * mutated + 1.0 - purity) / all_copies if label == -2 else ccf * purity * mutated / all_copies
    )


def reads_logp(ds: xr.Dataset, i: int, point: dict[str, Any]) -> float:
    """Log likelihood of a mutation of a clone or of germline."""
    total, missed = 0.0, 1.0
    copies = genotypes(ds, i)[point["genotype"][i]]
    for s in range(ds.sizes["specimen"]):
        p = min(fraction(ds, i, s, copies[s], point, point["assignment"][i]), 1.0)
        error, precision = point["error_rate"][s], point["precision"][s]
        p = p * (1.0 - error) + (1.0 - p) * error
        alt, depth = int(ds["alt_count"][i, s]), int(ds["depth"][i, s])
        if depth < 0:
            continue
        law = stats.betabinom(depth, p * precision, (1.0 - p) * precision)
        total += law.logpmf(alt)
        missed *= sum(law.pmf(j) for j in range(min(ds.attrs["min_alt"], depth + 1)))
    if ds.attrs["min_alt"] == 0 or missed < 1e-9:
        return total
    return total - math.log1p(-min(missed, 1.0 - 1e-9))


def noise_logp(ds: xr.Dataset, i: int, spec: Spec) -> float:
    """Log likelihood of an artefact."""
    depth = np.maximum(ds["depth"].values[i], 0)
    alt = np.where(depth > 0, ds["alt_count"].values[i], 0)
    low = ds.attrs["min_alt"]
    shown, error = spec.value("noise_presence", "p"), spec.constant("noise_error_rate")
    a, b = (spec.value("noise_slab", name) for name in ("alpha", "beta"))
    grid = beta_grid(*(spec.value("noise_recurrent_fraction", name) for name in ("alpha", "beta")))
    q, recurrent = spec.constant("noise_recurrent_precision"), spec.value("noise_recurrent", "p")

    def scattered(k: Any, d: int) -> Any:
        return shown * stats.betabinom.pmf(k, d, a, b) + (1.0 - shown) * stats.binom.pmf(k, d, error)

    def product(choice: Any) -> float:
        one = np.prod([scattered(k, d).sum() for k, d in zip(choice, depth, strict=True)])
        other = sum(
            weight * np.prod([stats.betabinom.pmf(k, d, f * q, (1.0 - f) * q).sum()
                              for k, d in zip(choice, depth, strict=True)])
            for f, weight in zip(*grid, strict=True)
        )  # fmt: skip
        return float((1.0 - recurrent) * one + recurrent * other)

    seen = product([np.array([k]) for k in alt])
    missed = product([np.arange(low)] * len(depth)) if low else 0.0
    return math.log(seen) - math.log1p(-min(missed, 1.0 - 1e-12))


def partition_logp(assignment: np.ndarray, concentration: float, weights: Any, slots: int) -> float:
    """Log prior of an assignment, mutation by mutation: an urn, a restaurant, free slots."""
    total, counts, tables = 0.0, list(weights), dict[int, int]()
    for label in assignment:
        kind = 0 if label >= 0 else -int(label)
        total += math.log(counts[kind] / sum(counts))
        counts[kind] += 1
        if kind == 0:
            seated = sum(tables.values())
            total += math.log(tables.get(label, concentration) / (concentration + seated))
            total -= 0.0 if label in tables else math.log(slots - len(tables))
            tables[label] = tables.get(label, 0) + 1
    return total


def admissible(point: dict[str, Any]) -> bool:
    """Every clone is there somewhere, and none is equal to another in atoms alone."""
    rows = [tuple(point["presence"][k]) for k in np.unique(point["assignment"][point["assignment"] >= 0])]
    if any(not any(row) for row in rows):
        return False
    return not any(a == b and 1 not in a for a, b in itertools.combinations(rows, 2))


def samples_logp(ds: xr.Dataset, spec: Spec, point: dict[str, Any]) -> float:
    """Log prior of the samples' parameters."""
    total = 0.0
    for s in range(ds.sizes["specimen"]):
        total += stats.dirichlet.logpdf(point["presence_prob"][s], spec.vector("presence_prob"))
        total += np.log(point["presence_prob"][s][point["presence"][:, s]]).sum()
        law = stats.lognorm(spec.value("precision", "sigma"), scale=spec.value("precision", "median"))
        total += law.logpdf(point["precision"][s])
        law = stats.lognorm(spec.value("error_rate", "sigma"), scale=spec.value("error_rate", "median"))
        total += law.logpdf(point["error_rate"][s]) - law.logcdf(0.05)
        centre, sd = float(ds["purity"][s]), float(ds["purity_sd"][s])
        if np.isnan(sd):  # a purity of 1 without an error is taken as known
            sd = 1e-4 if centre == 1.0 else spec.value("purity", "sd")
        law = stats.truncnorm(-centre / sd, (1.0 - centre) / sd, centre, sd)
        total += law.logpdf(point["purity"][s])
        a, b = (spec.value("cn_clonal_fraction", name) for name in ("alpha", "beta"))
        total += stats.beta.logpdf(point["cn_clonal_fraction"][s], a, b)
    return total


def logp(ds: xr.Dataset, spec: Spec, point: dict[str, Any]) -> float:
    """Log of the whole joint density at a point."""
    if not admissible(point):
        return -math.inf
    shape, rate = (spec.value("concentration", name) for name in ("shape", "rate"))
    total = stats.gamma.logpdf(point["concentration"], shape, scale=1.0 / rate)
    total += partition_logp(
        point["assignment"], point["concentration"], spec.vector("component_weight"), len(point["presence"])
    )
    total += samples_logp(ds, spec, point)
    for i, label in enumerate(point["assignment"]):
        total -= math.log(len(genotypes(ds, i)))
        total += noise_logp(ds, i, spec) if label == -1 else reads_logp(ds, i, point)
    return float(total)


def collapse(point: dict[str, Any], logp: float) -> float:
    """The density of what kernels sample: empty slots integrated out, labels of slots forgotten."""
    slots = len(point["presence"])
    used = np.unique(point["assignment"][point["assignment"] >= 0])
    empty = np.setdiff1d(np.arange(slots), used)
    prior = np.log(point["presence_prob"][np.arange(point["presence"].shape[1]), point["presence"][empty]])
    return float(logp - prior.sum() + gammaln(slots + 1.0) - gammaln(slots - len(used) + 1.0))
