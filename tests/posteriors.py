"""Posteriors whose clones are known, for the tests of summaries and results."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import xarray as xr

from clonalbayes.data.patient import Patient

NOISE, GERMLINE = -1, -2


def dataset(n, specimens=("A", "B"), *, names=None, major=1, minor=1):
    """A Dataset of n mutations with one copy number everywhere."""
    shape = (n, len(specimens))
    both, one = ("mutation", "specimen"), ("mutation",)
    text = np.full(n, "", dtype="U1")
    return xr.Dataset(
        {
            "alt_count": (both, np.full(shape, 20, np.int32)),
            "depth": (both, np.full(shape, 100, np.int32)),
            "major_cn": (both, np.full(shape, major, np.int16)),
            "minor_cn": (both, np.full(shape, minor, np.int16)),
            "normal_cn": (both, np.full(shape, 2, np.int16)),
        },
        {
            "mutation": names if names is not None else np.array([f"m{i}" for i in range(n)]),
            "specimen": list(specimens),
            **dict.fromkeys(("chrom", "ref", "alt", "context", "kind"), (one, text)),
            "pos": (one, np.full(n, -1, np.int64)),
            "purity": ("specimen", np.full(len(specimens), 0.8)),
            "purity_sd": ("specimen", np.full(len(specimens), np.nan)),
        },
        {"source": "made", "format": "long", "min_alt": 1, "notes": json.dumps([])},
    )


def posterior(labels, ccf, ds, *, rng=None, genotype=None, purity=0.8, spread=0.01):
    """A posterior in which slot s of a draw has the CCF ccf[chain][draw][s] of each sample.

    `labels` is [chain, draw, mutation]; `ccf` maps (chain, draw, slot) to a vector over samples.
    """
    rng = rng or np.random.default_rng(0)
    labels = np.asarray(labels, np.int8)
    chains, draws = labels.shape[:2]
    samples = ds.sizes["specimen"]
    slots = int(labels.max(initial=-1)) + 1
    phi = np.full((chains, draws, slots, samples), np.nan)
    state = np.full(phi.shape, -1, np.int8)
    for c in range(chains):
        for d in range(draws):
            for s in np.unique(labels[c, d][labels[c, d] >= 0]):
                exact = np.asarray(ccf(c, d, int(s)), float)
                state[c, d, s] = np.where(exact == 0, 0, np.where(exact == 1, 2, 1))
                moved = np.clip(exact + rng.normal(0, spread, samples), 0.001, 0.999)
                phi[c, d, s] = np.where(state[c, d, s] == 1, moved, exact) * purity
    used = [[len(np.unique(row[row >= 0])) for row in chain] for chain in labels]
    per_sample = {
        name: (("chain", "draw", "specimen"), mean * np.exp(rng.normal(0, 0.1, (chains, draws, samples))))
        for name, mean in (("precision", 500.0), ("error_rate", 3e-4), ("cn_clonal_fraction", 0.5))
    }
    dims = ("chain", "draw")
    coords = {"chain": np.arange(chains), "draw": np.arange(draws), "specimen": ds["specimen"].values}
    values = {
        "n_clones": (dims, np.array(used, np.int16).reshape(chains, draws)),
        "concentration": (dims, rng.gamma(1.0, 1.0, (chains, draws))),
        "assignment": ((*dims, "mutation"), labels),
        "genotype": ((*dims, "mutation"), np.zeros_like(labels) if genotype is None else genotype),
        "cellular_prevalence": ((*dims, "slot", "specimen"), phi),
        "presence": ((*dims, "slot", "specimen"), state),
        "purity": ((*dims, "specimen"), np.full((chains, draws, samples), purity)),
        **per_sample,
    }
    stats = {name: (dims, rng.normal(0, 1, (chains, draws))) for name in ("lp", "log_likelihood")}
    stats["n_noise"] = (dims, (labels == NOISE).sum(2))
    stats["n_germline"] = (dims, (labels == GERMLINE).sum(2))
    observed = ["alt_count", "depth"]
    return xr.DataTree.from_dict(
        {
            "/posterior": xr.Dataset(
                values,
                {**coords, "mutation": ds["mutation"].values, "slot": np.arange(slots)},
                {"model": "clones"},
            ),
            "/sample_stats": xr.Dataset(stats, {"chain": coords["chain"], "draw": coords["draw"]}),
            "/observed_data": ds[observed].reset_coords(drop=True),
            "/constant_data": ds.drop_vars(observed).reset_coords(),
        }
    )  # fmt: skip


def shuffled(truth, chains, draws, rng, *, slots=None, errors=0.0):
    """Labels of draws that permute the slots of a true partition; a share of the mutations moves at random.

    Returns the labels [chain, draw, mutation] and the permutations [chain, draw, slot].
    """
    truth = np.asarray(truth)
    k = int(truth.max(initial=-1)) + 1
    slots = slots or k
    labels = np.empty((chains, draws, len(truth)), np.int8)
    places = np.empty((chains, draws, k), int)
    for c in range(chains):
        for d in range(draws):
            places[c, d] = rng.permutation(slots)[:k]
            here = truth.copy()
            moved = rng.random(len(truth)) < errors
            here[moved] = rng.integers(0, max(k, 1), moved.sum())
            labels[c, d] = np.where(here >= 0, places[c, d][np.maximum(here, 0)] if k else -1, here)
    return labels, places


def patient(ds, excluded=()):
    """A patient of that Dataset."""
    table = pd.DataFrame(list(excluded), columns=["mutation", "reason", "file", "row"])
    return Patient(ds, table, ("copy number absent",), {"made.tsv": "0" * 64})


def known(chains=2, draws=40, *, errors=0.0, seed=1, specimens=("A", "B"), names=None, sizes=(30, 20, 10)):
    """Clones of falling prevalence, 4 noise and 2 germline mutations, slots permuted: tree and truth."""
    rng = np.random.default_rng(seed)
    truth = np.concatenate([np.repeat(np.arange(len(sizes)), sizes), [NOISE] * 4, [GERMLINE] * 2])
    labels, places = shuffled(truth, chains, draws, rng, slots=len(sizes) + 2, errors=errors)
    level = np.linspace(1.0, 0.0, len(sizes)) if len(sizes) > 1 else np.array([1.0])
    profile = np.stack([level, np.roll(level, 1)], axis=1)[:, : len(specimens)]

    def ccf(c, d, slot):
        found = np.flatnonzero(places[c, d] == slot)
        return profile[found[0]]

    ds = dataset(len(truth), specimens, names=names)
    return posterior(labels, ccf, ds, rng=rng), truth, profile
