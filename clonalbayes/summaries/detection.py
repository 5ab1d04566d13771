"""Small clones in the joint posterior: presence, size and limit of detection of every clone in every sample.

Presence and size are those of the posterior. Where the reads do not show a clone, how large it may be is the prior's
word more than theirs, and the interval is widened to the sizes that the reads allow. Beside them stands what the
sample could have shown: the limit of detection of the clone's sites, from their depths and the error rate and scatter
that the fit has learned of the sample, and the test of pooled reads against one rate.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from clonalbayes import specs
from clonalbayes.detection.single_rate import single_rate_tests
from clonalbayes.specs import Spec
from clonalbayes.summaries.detection_words import sentences
from clonalbayes.summaries.evidence import Evidence
from clonalbayes.summaries.part import Part
from clonalbayes.summaries.tables import clone_table

SURE, SHOWN = 0.95, 1.0
"""Probability from which a verdict speaks of presence or absence; log10 of the Bayes factor from which the reads,
and not only what is usual in this patient, say so."""


def detection_part(tree: xr.DataTree) -> Part:
    """Make `detection.tsv` and the sentences about small clones.

    Parameters
    ----------
    tree
        A posterior with its consensus clones.

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
        Of the family `detection`: level and power.
    """
    table = clone_table(tree)
    found = Evidence.of(tree)
    sites = found.sites
    single = float(found.error.mean()) if found.error.size else float("nan")
    with np.errstate(invalid="ignore", divide="ignore"):
        gain = (sites.exposure / sites.depth).ravel()
    limit = found.limit(spec.constant("level"), spec.constant("power")).ravel()
    names = ("clone", "sample", "p_present", "log10_bayes_factor")
    columns: dict[str, np.ndarray] = {name: table[name].to_numpy() for name in names}
    shown = (_of_clade(columns["log10_bayes_factor"].reshape(sites.alt.shape), tree) >= SHOWN).ravel()
    size = {end: table[f"prevalence_{end}"].to_numpy() for end in ("mean", "lo", "hi")}
    for end, bound, wider in zip(("lo", "hi"), found.interval, (np.fmin, np.fmax), strict=True):
        size[end] = np.where(shown, size[end], wider(size[end], bound.ravel()))
    columns |= {f"prevalence_{end}": value for end, value in size.items()}
    columns |= {f"vaf_{end}": value * gain for end, value in size.items()}
    columns |= {"n_sites": sites.used, "n_left_out": sites.left_out, "n_uncovered": sites.uncovered}
    columns |= {"alt_count": sites.alt, "depth": sites.depth, "noise_expected": found.noise}
    columns |= {"lod_prevalence": limit, "lod_vaf": limit * gain, "single_rate": np.full(limit.shape, single)}
    tests = single_rate_tests(sites.alt, sites.depth, single)
    columns |= dict(zip(("single_rate_p", "single_rate_lo", "single_rate_hi"), tests, strict=True))
    cells = zip(*(column.ravel().tolist() for column in columns.values()), strict=True)
    rows = [dict(zip(columns, values, strict=True)) for values in cells]
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
