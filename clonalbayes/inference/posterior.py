"""From recorded draws to the posterior as an ArviZ DataTree with named dims."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from clonalbayes.inference.chain import PER_SAMPLE, SCALARS, Chain
from clonalbayes.inference.exposures import UNITS, exposure_variables

PRESENCE_STATES = ("absent", "subclonal", "clonal")

_UNITS = {
    "cellular_prevalence": ("share of all cells", "cells that carry the clone's mutations / all cells"),
    "concentration": ("1", "concentration of the Dirichlet process"),
    "precision": ("reads", "precision of the beta-binomial"),
    "error_rate": ("1", "chance that a read of a non-mutated molecule shows the alt allele"),
    "purity": ("share of all cells", "tumour cells / all cells"),
    "cn_clonal_fraction": ("share of the tumour cells", "tumour cells with the reported copy number"),
}


def _stack(chains: Sequence[Chain], name: str) -> np.ndarray:
    return np.stack([getattr(chain.records, name) for chain in chains])


def _padded(chains: Sequence[Chain], name: str, fill: float) -> np.ndarray:
    """[chain, draw, slot, specimen] with `fill` where a draw has fewer clones than the largest one."""
    ragged = [getattr(chain.records, name) for chain in chains]
    width = max((len(rows) for draws in ragged for rows in draws), default=0)
    samples = chains[0].state.ccf.shape[1]
    dtype = ragged[0][0].dtype if ragged[0] else float
    out = np.full((len(ragged), len(ragged[0]), width, samples), fill, dtype)
    for c, draws in enumerate(ragged):
        for d, rows in enumerate(draws):
            out[c, d, : len(rows)] = rows
    return out


def _tree_values(chains: Sequence[Chain]) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """The tree's part of the posterior: parents, fractions, the prior's parameters, purity as what is not normal."""
    draws = ("chain", "draw")
    fraction = _padded(chains, "fraction", np.nan)
    parent = np.full(fraction.shape[:3], -1, np.int16)
    for c, chain in enumerate(chains):
        for d, row in enumerate(chain.records.parent):
            parent[c, d, : len(row)] = row
    scalars = _stack(chains, "tree_scalars")
    return {
        "parent": ((*draws, "slot"), parent),
        "clone_fraction": ((*draws, "slot", "specimen"), fraction.astype(np.float32)),
        "purity": ((*draws, "specimen"), np.nansum(fraction, axis=2)),
        "fraction_concentration": ((*draws, "specimen"), scalars[:, :, 0]),
        "present_prob": ((*draws, "specimen"), scalars[:, :, 1]),
    }


def to_tree(chains: Sequence[Chain], ds: xr.Dataset) -> xr.DataTree:
    """Collect the chains of a fit.

    Parameters
    ----------
    chains
        Finished chains.
    ds
        The data they were run on.

    Returns
    -------
    xarray.DataTree
        Groups posterior, sample_stats, observed_data and constant_data.
    """
    back = np.argsort(chains[0].plan.reads.order)
    scalars, per_sample = _stack(chains, "scalars"), _stack(chains, "per_sample")
    draws = ("chain", "draw")
    values: dict[str, tuple[tuple[str, ...], np.ndarray]] = {
        "n_clones": (draws, scalars[..., SCALARS.index("n_clones")].astype(np.int16)),
        "concentration": (draws, scalars[..., SCALARS.index("concentration")]),
        "assignment": ((*draws, "mutation"), np.take(_stack(chains, "assignment"), back, axis=-1)),
        "genotype": ((*draws, "mutation"), np.take(_stack(chains, "genotype"), back, axis=-1)),
        "presence": ((*draws, "slot", "specimen"), _padded(chains, "presence", -1)),
        "presence_prob": ((*draws, "specimen", "presence_state"), _stack(chains, "presence_prob")),
    }
    for j, name in enumerate(PER_SAMPLE):
        label = "cn_clonal_fraction" if name == "cn_clonal" else name
        values[label] = ((*draws, "specimen"), per_sample[:, :, j])
    prevalence = _padded(chains, "ccf", np.nan)
    if chains[0].plan.tree:
        values |= _tree_values(chains)
    else:
        prevalence = prevalence * values["purity"][1][:, :, None, :]
    if chains[0].plan.tree:
        del values["presence_prob"]
    values["cellular_prevalence"] = ((*draws, "slot", "specimen"), prevalence)
    more, named = exposure_variables(chains, prevalence.shape[2])
    coords = named | {
        "chain": np.arange(len(chains)), "draw": np.arange(scalars.shape[1]), "mutation": ds["mutation"].values,
        "specimen": ds["specimen"].values, "slot": np.arange(prevalence.shape[2]),
        "presence_state": list(PRESENCE_STATES),
    }  # fmt: skip
    stats = {name: (draws, scalars[..., SCALARS.index(name)]) for name in ("lp", "log_likelihood")}
    for name in ("n_noise", "n_germline"):
        stats[name] = (draws, scalars[..., SCALARS.index(name)].astype(np.int64))
    if chains[0].plan.rungs > 1:
        stats["heat"] = (("chain", "rung"), np.stack([[r.state.heat[0] for r in c.rungs] for c in chains]))
        stats["exchanged"] = (("chain", "gap"), np.stack([c.ladder.accepted() for c in chains]))
    posterior = xr.Dataset(values | more, coords)
    for name, (unit, long_name) in (_UNITS | (UNITS if more else {})).items():
        posterior[name].attrs.update(units=unit, long_name=long_name)
    observed = ("alt_count", "depth")
    return xr.DataTree.from_dict(
        {
            "/posterior": posterior,
            "/sample_stats": xr.Dataset(stats, {"chain": coords["chain"], "draw": coords["draw"]}),
            "/observed_data": ds[[*observed]].reset_coords(drop=True),
            "/constant_data": ds.drop_vars(observed).reset_coords(),
        }
    )
