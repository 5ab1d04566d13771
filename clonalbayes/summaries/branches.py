"""The table of branches: mutations by kind and by signature, as they are in the table and as they are in the genome."""

from __future__ import annotations

from typing import Any

import numpy as np

from clonalbayes.intervals import hdi, mean
from clonalbayes.summaries.timing import Dated
from clonalbayes.timing.posterior import BranchDraws

COLUMNS = (("snvs", 0), ("indels", 1), ("doublets", 2), ("other", 3))
"""Name of the columns -> index of the kind in `clonalbayes.timing.posterior.KINDS`."""

OPTIONAL = "other"
"""Kinds that are left out where there is none: mutations whose alleles are not known."""

SHOWN = 0.005
"""Share of all substitutions from which a signature that carries no time has columns."""


def branch_rows(
    branches: BranchDraws, clones: tuple[str, ...], dated: Dated | None = None, seed: int = 0
) -> list[dict[str, Any]]:
    """Rows of branches.tsv, one a consensus clone.

    Parameters
    ----------
    branches
        Mutations by kind in draws of the tree.
    clones
        [K] names.
    dated
        Draws of the timing model, for the numbers of the signatures that carry time; those of others are expected
        ones, by the exposures of a joint fit.
    seed
        Of what the table cannot hold.

    Returns
    -------
    list of dict
        branch, parent (empty: the root), detected (share of the branch's mutations that can be in the table), then
        of every kind and signature NAME_mean, NAME_lo, NAME_hi of the mutations in the table, and
        NAME_corrected_mean and so on of those in the whole genome: with the mutations that no sample shows in enough
        reads, and those where nothing can be called.
    """
    there = branches.parent >= 0
    seen = np.where(there[:, :, None], branches.kinds, np.nan)
    whole = with_hidden(seen, branches.detected[:, :, None], np.random.default_rng(seed))
    names = ["", *clones]
    rows: list[dict[str, Any]] = [
        {"branch": name, "parent": names[above], "detected": float(share)}
        for name, above, share in zip(
            clones, branches.consensus, mean(np.where(there, branches.detected, np.nan)), strict=True
        )
    ]
    for name, j in COLUMNS:
        if name != OPTIONAL or branches.kinds[:, :, j].any():
            _add(rows, name, seen[:, :, j], whole[:, :, j])
    snvs = seen[:, :, 0]
    for q, name in enumerate(branches.signatures):
        made = branches.exposures[:, :, q] * snvs
        if (dated is None or name not in dated.signatures) and np.nansum(made) >= SHOWN * np.nansum(snvs):
            _add(rows, name, made, with_hidden(made, branches.detected, np.random.default_rng(seed + 1 + q)))
    if dated is not None:
        known = np.isfinite(dated.draws.time)[..., None]
        made, corrected = (
            np.where(known, values, np.nan).reshape(-1, *values.shape[2:])
            for values in (dated.draws.made, dated.draws.corrected)
        )
        for r, name in enumerate(dated.signatures):
            _add(rows, name, made[:, :, r], corrected[:, :, r])
    return rows


def with_hidden(seen: np.ndarray, detected: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw how many mutations there are in all, given those that are seen.

    Counts are Poisson around a rate with the prior Gamma(1/2, 0): those that are hidden are negative binomial.

    Parameters
    ----------
    seen
        Numbers, NaN where there is no such branch.
    detected
        Share that can be seen, above 0.
    rng
        Source of randomness.
    """
    share = np.broadcast_to(detected, seen.shape)
    hidden = rng.negative_binomial(np.nan_to_num(seen) + 0.5, np.minimum(share, 1.0 - 1e-12))
    return np.where(share < 1.0, seen + hidden, seen)


def _add(rows: list[dict[str, Any]], name: str, seen: np.ndarray, whole: np.ndarray) -> None:
    """Add means and intervals of draws [D, K] to the rows."""
    for label, values in ((name, seen), (f"{name}_corrected", whole)):
        low, high = hdi(values)
        for row, centre, a, b in zip(rows, mean(values), low, high, strict=True):
            row |= {f"{label}_mean": float(centre), f"{label}_lo": float(a), f"{label}_hi": float(b)}
