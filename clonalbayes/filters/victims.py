"""How many victims of the hard filters the model would have kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from clonalbayes.filters.filters import Filtered

KEEP_FROM = 0.5
"""Probability of being in a clone from which the model keeps a mutation."""


@dataclass(frozen=True)
class Victims:
    """Victims of the filters as a model sees them.

    Parameters
    ----------
    by_filter
        Columns filter, failed, in_fit (how many of them the fit has), model_keeps, expected (sum of the
        probabilities of being in a clone).
    mutations
        The victims that the model keeps: mutation, failed, p_clone.
    """

    by_filter: pd.DataFrame
    mutations: pd.DataFrame


def victims(filtered: Filtered, fitted: pd.DataFrame) -> Victims:
    """Look up the victims in a fit of the unfiltered mutations.

    Parameters
    ----------
    filtered : Filtered
        What the filters did.
    fitted : pandas.DataFrame
        Columns mutation, p_noise and p_germline (``mutations.tsv`` of a result; p_germline may be missing).

    Returns
    -------
    Victims

    Raises
    ------
    ValueError
        If a column is missing.
    """
    missing = {"mutation", "p_noise"} - set(fitted.columns)
    if missing:
        raise ValueError(f"the fit's table of mutations lacks {', '.join(sorted(missing))}")
    other = fitted["p_germline"].to_numpy(float) if "p_germline" in fitted else np.zeros(len(fitted))
    kept = 1.0 - fitted["p_noise"].to_numpy(float) - other
    known = dict(zip(fitted["mutation"].astype(str), kept, strict=True))
    p = np.array([known.get(str(name), np.nan) for name in filtered.mutations])
    rows = []
    for name, fallen in [("any", ~filtered.kept), *((o.name, o.failed) for o in filtered.outcomes)]:
        seen = p[fallen & ~np.isnan(p)]
        keeps = int((seen >= KEEP_FROM).sum())
        rows.append(
            {
                "filter": name,
                "failed": int(fallen.sum()),
                "in_fit": len(seen),
                "model_keeps": keeps,
                "expected": float(seen.sum()),
            }
        )
    frame = filtered.frame()[["mutation", "failed"]].assign(p_clone=p)
    chosen = frame[~filtered.kept & (p >= KEEP_FROM)].sort_values("p_clone", ascending=False, kind="stable")
    return Victims(pd.DataFrame(rows), chosen.reset_index(drop=True))
