"""The flat tables of a result, as data frames."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from clonalbayes.summaries.evidence import Evidence
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
        that have the clone, p_present, log10_bayes_factor; of a model with trees also parent (in the consensus
        tree; 0 is the normal root) and parent_probability. The CCF is the prevalence over the purity, draw by draw,
        where there is a tumour cell. The Bayes factor is that of the reads of the clone's own sites, for presence
        (`clonalbayes.summaries.evidence`): p_present also knows the tree and what is usual in this patient.
    """
    group: Any = tree["consensus"]
    posterior: Any = tree["posterior"]
    phi = group["cellular_prevalence"].values
    draws, (clones, samples) = phi.shape[0] * phi.shape[1], phi.shape[2:]
    phi = phi.reshape(draws, clones, samples)
    state = group["presence"].values.reshape(phi.shape)
    purity = posterior["purity"].values.reshape(-1, 1, samples)
    with_tree = "consensus_parent" in group
    size = np.bincount(np.maximum(group["clone"].values, 0), minlength=clones + 1)[1:]
    table: dict[str, Any] = {
        "clone": np.repeat(np.arange(1, clones + 1), samples),
        "sample": np.tile(group["specimen"].values.astype(object), clones),
        "n_mutations": np.repeat(size, samples),
    }
    table |= _sizes("prevalence", phi, None, state) | _sizes("ccf", phi, purity[:, 0], state)
    table["p_present"] = presence(state).ravel()
    table["log10_bayes_factor"] = Evidence.of(tree).log10_bayes_factor.ravel()
    if with_tree:
        table["parent"] = np.repeat(group["consensus_parent"].values.astype(int), samples)
        table["parent_probability"] = np.repeat(group["parent_probability"].values, samples)
    return pd.DataFrame(table)


def _sizes(name: str, phi: np.ndarray, purity: np.ndarray | None, state: np.ndarray) -> dict[str, np.ndarray]:
    """Columns with mean and interval of prevalences [D, K, S], as a share of the purity [D, S] if it is given."""
    out = np.empty((3, *phi.shape[1:]))
    for k in range(phi.shape[1]):  # clone by clone: all CCFs at once would be as large as the posterior
        share = phi[:, k]
        if purity is not None:
            share = ccf_of(share, purity)
            share[state[:, k] == 2] = 1.0  # by definition, and a quotient of rounded numbers might miss it
        out[:, k] = mean(share), *hdi(share)
    return {f"{name}_{column}": out[c].ravel() for c, column in enumerate(("mean", "lo", "hi"))}


def ccf_of(phi: np.ndarray, purity: np.ndarray) -> np.ndarray:
    """Share of the tumour cells from the share of all cells; NaN where there are no tumour cells.

    Examples
    --------
    >>> ccf_of(np.array([0.2, 0.0]), np.array([0.8, 0.0])).tolist()
    [0.25, nan]
    """
    out = np.full(np.broadcast_shapes(phi.shape, purity.shape), np.nan)
    return np.divide(phi, purity, out=out, where=purity > 0)


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
