"""The flat tables of a result, as data frames."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from clonalbayes.summaries.group import NO_RUNNER_UP
from clonalbayes.summaries.intervals import hdi, mean, presence
from clonalbayes.summaries.multiplicity import UNKNOWN

MISSING = "NA"
"""What stands in a table for a number that is not defined."""

PER_SAMPLE = ("purity", "precision", "error_rate", "cn_clonal_fraction")


def tables(tree: xr.DataTree) -> dict[str, pd.DataFrame]:
    """Return the tables that come from a posterior, by the names of their files.

    Parameters
    ----------
    tree
        From `summarise`.

    Returns
    -------
    dict
        clones, mutations, n_clones and samples; intervals are 95 % highest density.
    """
    return {
        "clones": clone_table(tree),
        "mutations": mutation_table(tree),
        "n_clones": number_table(tree),
        "samples": sample_table(tree),
    }


def clone_table(tree: xr.DataTree) -> pd.DataFrame:
    """One row per clone and sample.

    Parameters
    ----------
    tree
        From `summarise`.

    Returns
    -------
    pandas.DataFrame
        clone, sample, n_mutations (of the consensus), prevalence and ccf with mean, lo and hi over the draws
        that have the clone, p_present, bayes_factor. The CCF is the prevalence over the purity, draw by draw.
        The Bayes factor is for presence, and NaN with one sample, where the model assumes presence; it is a
        bound if all draws agree (see `clonalbayes.summaries.intervals.presence`).
    """
    group: Any = tree["consensus"]
    posterior: Any = tree["posterior"]
    phi = group["cellular_prevalence"].values
    draws, (clones, samples) = phi.shape[0] * phi.shape[1], phi.shape[2:]
    phi = phi.reshape(draws, clones, samples)
    state = group["presence"].values.reshape(phi.shape)
    purity = posterior["purity"].values.reshape(-1, 1, samples)
    # A clonal clone has CCF 1 by definition, and a quotient of rounded numbers might miss it.
    ccf = np.where(state == 2, 1.0, phi / purity)
    p_present, factor = presence(state, float(group.attrs["prior_presence"]))
    size = np.bincount(np.maximum(group["clone"].values, 0), minlength=clones + 1)[1:]
    table: dict[str, Any] = {
        "clone": np.repeat(np.arange(1, clones + 1), samples),
        "sample": np.tile(group["specimen"].values.astype(object), clones),
        "n_mutations": np.repeat(size, samples),
    }
    for name, values in (("prevalence", phi), ("ccf", ccf)):
        low, high = hdi(values)
        table |= {f"{name}_mean": mean(values).ravel(), f"{name}_lo": low.ravel(), f"{name}_hi": high.ravel()}
    return pd.DataFrame(table | {"p_present": p_present.ravel(), "bayes_factor": factor.ravel()})


def mutation_table(tree: xr.DataTree) -> pd.DataFrame:
    """One row per mutation.

    Parameters
    ----------
    tree
        From `summarise`.

    Returns
    -------
    pandas.DataFrame
        mutation, clone (a number, "noise" or "germline"), its probability, p_noise, p_germline, multiplicity
        (comma list, one per sample), runner_up (empty if there is none) and its probability.
    """
    group: Any = tree["consensus"]
    clone, runner_up = group["clone"].values, group["runner_up"].values
    known = np.arange(1, max(int(clone.max(initial=0)), int(runner_up.max(initial=0))) + 1)
    names = np.array(["", "germline", "noise", *map(str, known)], dtype=object)
    return pd.DataFrame(
        {
            "mutation": group["mutation"].values.astype(object),
            "clone": names[clone - NO_RUNNER_UP],
            "probability": group["probability"].values,
            "p_noise": group["p_noise"].values,
            "p_germline": group["p_germline"].values,
            "multiplicity": comma_lists(group["multiplicity"].values),
            "runner_up": names[runner_up - NO_RUNNER_UP],
            "runner_up_probability": group["runner_up_probability"].values,
        }
    )


def comma_lists(copies: np.ndarray) -> np.ndarray:
    """Rows of whole numbers as text, each different row written once.

    Examples
    --------
    >>> comma_lists(np.array([[1, 2], [-1, 0]])).tolist()
    ['1,2', 'NA,0']
    """
    if len(copies) == 0:
        return np.empty(0, dtype=object)
    rows, inverse = np.unique(copies, axis=0, return_inverse=True)
    texts = [",".join(MISSING if m == UNKNOWN else str(m) for m in row) for row in rows]
    return np.array(texts, dtype=object)[inverse.ravel()]


def number_table(tree: xr.DataTree) -> pd.DataFrame:
    """Posterior of the number of clones.

    Parameters
    ----------
    tree
        From `clonalbayes.fit`.

    Returns
    -------
    pandas.DataFrame
        n_clones, probability; by rising number.
    """
    posterior: Any = tree["posterior"]
    values, counts = np.unique(posterior["n_clones"].values, return_counts=True)
    return pd.DataFrame({"n_clones": values.astype(int), "probability": counts / counts.sum()})


def sample_table(tree: xr.DataTree) -> pd.DataFrame:
    """One row per sample: what was learnt about the sample itself.

    Parameters
    ----------
    tree
        From `clonalbayes.fit`.

    Returns
    -------
    pandas.DataFrame
        sample; mean, lo and hi of purity, precision, error_rate and cn_clonal_fraction.
    """
    posterior: Any = tree["posterior"]
    table: dict[str, Any] = {"sample": posterior["specimen"].values.astype(object)}
    for name in PER_SAMPLE:
        draws = posterior[name].values.reshape(-1, posterior.sizes["specimen"])
        low, high = hdi(draws)
        table |= {f"{name}_mean": draws.mean(0), f"{name}_lo": low, f"{name}_hi": high}
    return pd.DataFrame(table)
