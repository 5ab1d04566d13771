"""Small clones in the joint posterior: presence, size and limit of detection of every clone in every sample.

Presence and size are those of the posterior. Beside them stands what the sample could have shown: the limit of
detection of the clone's sites, from their depths and the error rate and scatter that the fit has learned of the
sample, and the test of pooled reads against one rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from clonalbayes import genotypes, specs
from clonalbayes.detection.pooled import log_bayes_factor, pooled_limit
from clonalbayes.detection.single_rate import single_rate_tests
from clonalbayes.detection.size import size_scales
from clonalbayes.specs import Spec
from clonalbayes.summaries.detection_words import sentences
from clonalbayes.summaries.part import Part
from clonalbayes.summaries.tables import clone_table

SURE, SHOWN = 0.95, 1.0
"""Probability from which a verdict speaks of presence or absence; log10 of the Bayes factor from which the reads,
and not only what is usual in this patient, say so."""

LOST, UNKNOWN = 0, -1
"""Copies per carrying cell: removed by copy number; not defined, such as where the alt fraction was given."""


@dataclass(frozen=True)
class PooledSites:
    """The reads of each clone's sites in each sample, pooled: all arrays are [K, S].

    Attributes
    ----------
    used, left_out, uncovered
        Sites used; left out because copy number has removed the mutation; without reads.
    alt, depth
        Reads at the sites used.
    squares
        Sum over the sites used of depth * (depth - 1).
    exposure
        Alt reads expected there if every cell had the clone.
    """

    used: np.ndarray
    left_out: np.ndarray
    uncovered: np.ndarray
    alt: np.ndarray
    depth: np.ndarray
    squares: np.ndarray
    exposure: np.ndarray


def detection_part(tree: xr.DataTree) -> Part:
    """Make `detection.tsv` and the sentences about small clones.

    Parameters
    ----------
    tree
        From `summarise`.

    Returns
    -------
    Part
        One row a clone and sample, and findings in words.
    """
    spec = specs.load("detection", "detection")
    rows = detection_rows(tree, spec)
    dates: Any = tree["constant_data"]
    when = dates["date"].values.astype(str) if "date" in dates else np.full(dates.sizes["specimen"], "")
    entry = {
        "level": spec.constant("level"),
        "power": spec.constant("power"),
        "findings": sentences(rows, dict(zip(_samples(tree), map(str, when), strict=True))),
    }
    return Part("detection", entry, {"detection": rows})


def detection_rows(tree: xr.DataTree, spec: Spec) -> list[dict[str, Any]]:
    """One row per clone and sample; the columns are described in `docs/outputs.md`.

    Parameters
    ----------
    tree
        From `summarise`.
    spec
        Of the family `detection`: level, power, and scales of the size.
    """
    posterior: Any = tree["posterior"]
    table = clone_table(tree)
    sites = pooled_sites(tree)
    error, spread, precision = _noise_of(posterior)
    single = float(error.mean()) if error.size else float("nan")
    noise = sites.depth * error
    with np.errstate(invalid="ignore", divide="ignore"):
        dispersion = 1.0 + np.nan_to_num(sites.squares / sites.depth) / (precision + 1.0)
        gain = sites.exposure / sites.depth
    known = (noise, spread, dispersion, sites.exposure)
    limit = pooled_limit(*known, spec.constant("level"), spec.constant("power"))
    scales = size_scales(spec.value("size_scale", "lower"), spec.value("size_scale", "upper"))
    evidence = log_bayes_factor(sites.alt, *known, scales) / np.log(10.0)
    p_single, low, high = single_rate_tests(sites.alt, sites.depth, single)
    columns: dict[str, np.ndarray] = {name: table[name].to_numpy() for name in ("clone", "sample", "p_present")}
    columns |= {"log10_bayes_factor": evidence}
    size = {end: table[f"prevalence_{end}"].to_numpy() for end in ("mean", "lo", "hi")}
    columns |= {f"prevalence_{end}": value for end, value in size.items()}
    columns |= {f"vaf_{end}": value * gain.ravel() for end, value in size.items()}
    columns |= {"n_sites": sites.used, "n_left_out": sites.left_out, "n_uncovered": sites.uncovered}
    columns |= {"alt_count": sites.alt, "depth": sites.depth, "noise_expected": noise}
    columns |= {"lod_prevalence": limit, "lod_vaf": limit * gain}
    columns |= {"single_rate": np.full(limit.shape, single), "single_rate_p": p_single}
    columns |= {"single_rate_lo": low, "single_rate_hi": high}
    cells = zip(*(column.ravel().tolist() for column in columns.values()), strict=True)
    rows = [dict(zip(columns, values, strict=True)) for values in cells]
    shown = (_of_clade(evidence, tree) >= SHOWN).ravel()
    return [row | {"verdict": _verdict(row, bool(here))} for row, here in zip(rows, shown, strict=True)]


def _of_clade(evidence: np.ndarray, tree: xr.DataTree) -> np.ndarray:
    """Largest evidence of a clone or any below it in the consensus tree, [K, S]: their cells are of the clade."""
    group: Any = tree["consensus"]
    largest = evidence.copy()
    if "consensus_parent" in group:
        parent = group["consensus_parent"].values.astype(int)
        for k in range(len(parent)):
            above = parent[k]
            while above > 0:
                largest[above - 1] = np.maximum(largest[above - 1], evidence[k])
                above = parent[above - 1]
    return largest


def pooled_sites(tree: xr.DataTree) -> PooledSites:
    """Pool the reads of each consensus clone's own mutations, sample by sample.

    Mutations of its descendants tell of the clone as well, but only of that part of it.
    """
    group: Any = tree["consensus"]
    read: Any = tree["observed_data"]
    clone, copies = group["clone"].values.astype(np.intp), group["multiplicity"].values
    clones = group.sizes["clone"]
    alt, depth = (np.maximum(read[name].values, 0) for name in ("alt_count", "depth"))
    covered, lost = depth > 0, copies == LOST
    used = covered & ~lost
    own = np.maximum(clone, 0)

    def total(values: np.ndarray) -> np.ndarray:
        sums = [np.bincount(own, values[:, s], clones + 1)[1:] for s in range(values.shape[1])]
        return np.array(sums).reshape(-1, clones).T

    gain = np.where(used, depth * _gain(tree, copies), 0.0)
    reads, shown = np.where(used, depth, 0).astype(float), np.where(used, alt, 0)
    n_used, n_lost, n_bare = (total(flag).astype(int) for flag in (used, covered & lost, ~covered))
    squares, exposure = total(reads * (reads - 1.0)), total(gain)
    return PooledSites(n_used, n_lost, n_bare, total(shown).astype(int), total(reads).astype(int), squares, exposure)


def _gain(tree: xr.DataTree, copies: np.ndarray) -> np.ndarray:
    """Expected share of alt reads per unit of prevalence, [N, S]."""
    posterior: Any = tree["posterior"]
    ds = tree["observed_data"].to_dataset().merge(tree["constant_data"].to_dataset())
    total, normal, fixed = genotypes._filled_states(ds)[2:5]
    purity = posterior["purity"].values.reshape(-1, total.shape[1]).mean(0)
    cells = np.maximum(purity * total + (1.0 - purity) * normal, 1e-9)
    return np.where(fixed >= 0.0, fixed, np.minimum(np.where(copies == UNKNOWN, 1, copies) / cells, 1.0))


def _noise_of(posterior: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and coefficient of variation of each sample's error rate, and the median of its precision, [S]."""
    names, samples = ("error_rate", "precision"), posterior.sizes["specimen"]
    error, precision = (posterior[name].values.reshape(-1, samples) for name in names)
    mean = error.mean(0)
    return mean, error.std(0) / mean, np.median(precision, axis=0)


def _samples(tree: xr.DataTree) -> list[str]:
    posterior: Any = tree["posterior"]
    return [str(name) for name in posterior["specimen"].values]


def _verdict(row: dict[str, Any], shown: bool) -> str:
    """Say in words what a row means, as ``clonalbayes detect`` does; `shown`: whether reads speak for presence."""
    if not row["depth"]:
        return "no reads"
    if row["p_present"] >= SURE and shown:
        return "present"
    return "absent or too small" if row["p_present"] <= 1.0 - SURE else "undecided"
