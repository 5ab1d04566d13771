"""Posteriors of trees that are known, for the tests of summaries, results and figures."""

from __future__ import annotations

import numpy as np
from posteriors import NOISE, dataset, posterior

CHAIN, FORK, TWO = (0, 1, 2), (0, 1, 1), (0, 0, 1)
"""Trees of three clones: a line, two siblings below a founder, two founders."""


def subtree_sums(eta, parents):
    """Prevalence [K, S] from the fractions [K, S] of a tree's clones, children before parents."""
    phi = np.array(eta, float)
    depth = [0] * len(parents)
    for k in range(len(parents)):
        up = parents[k]
        while up > 0:
            depth[k] += 1
            up = parents[up - 1]
    for k in sorted(range(len(parents)), key=lambda k: -depth[k]):
        if parents[k] > 0:
            phi[parents[k] - 1] += phi[k]
    return phi


def with_trees(
    trees,
    *,
    sizes=(30, 20, 10),
    noise=4,
    specimens=("A", "B"),
    dates=None,
    eta=None,
    absent=(),
    lacking=None,
    fixed=False,
    spread=20.0,
    attrs=None,
    seed=1,
):
    """A posterior of trees.

    `trees` [chain, draw, clone] holds the parents of clones 1..K in each draw (0 the root); `eta` [K, S] the
    mean fractions of the clones, `absent` pairs (clone from 0, sample from 0) that are absent with all below
    them, `lacking` maps (chain, draw) to clones (from 0) whose mutations are noise in that draw. Slots are
    permuted in each draw unless the clusters are `fixed`.
    """
    rng = np.random.default_rng(seed)
    trees = np.asarray(trees, int).reshape(*np.shape(trees)[:2], len(sizes))
    chains, draws, k = trees.shape
    samples = len(specimens)
    truth = np.concatenate([np.repeat(np.arange(k), sizes), [NOISE] * noise]).astype(int)
    if eta is None:
        eta = np.full((k, samples), 0.8 / max(k, 1))
    shape = (chains, draws, k, samples)
    labels = np.empty((chains, draws, len(truth)), np.int8)
    parent = np.full((chains, draws, k), -1, np.int16)
    phi, fraction = np.full(shape, np.nan), np.full(shape, np.nan)
    state, purity = np.full(shape, -1, np.int8), np.zeros((chains, draws, samples))
    for c, d in np.ndindex(chains, draws):
        tree = trees[c, d]
        gone = set() if lacking is None else set(lacking.get((c, d), ()))
        held = [j for j in range(k) if j not in gone]
        slot = np.full(k, -1)
        slot[held] = np.arange(len(held)) if fixed else rng.permutation(len(held))
        own = drawn_fractions(eta, tree, absent, spread, rng)
        sums = subtree_sums(own, tree)
        for j in held:
            up = tree[j]
            while up > 0 and up - 1 in gone:
                up = tree[up - 1]
            parent[c, d, slot[j]] = 0 if up == 0 else slot[up - 1] + 1
            phi[c, d, slot[j]] = sums[j]
            state[c, d, slot[j]] = sums[j] > 0
            fraction[c, d, slot[j]] = own[j]
        labels[c, d] = [slot[t] if t >= 0 else t for t in truth]
        purity[c, d] = sums[[j for j in range(k) if tree[j] == 0]].sum(0)
    ds = dataset(len(truth), specimens)
    if dates is not None:
        ds = ds.assign_coords(date=("specimen", np.array(dates, dtype="datetime64[D]").astype(str)))
    if fixed:
        ds["cluster"] = ("mutation", np.maximum(truth + 1, 0).astype(np.int32))
    out = posterior(labels, lambda *_: np.full(samples, 0.5), ds, rng=rng)
    raw = out["posterior"].to_dataset()
    if raw.sizes["slot"] < k:
        raw = raw.drop_dims("slot").assign_coords(slot=np.arange(k))
    every, per_sample = ("chain", "draw", "slot", "specimen"), ("chain", "draw", "specimen")
    out["posterior"] = raw.assign(
        parent=(every[:3], parent),
        cellular_prevalence=(every, phi),
        presence=(every, state),
        clone_fraction=(every, fraction),
        purity=(per_sample, purity),
        fraction_concentration=(per_sample, np.full(purity.shape, 0.3)),
        present_prob=(per_sample, np.full(purity.shape, 0.5)),
    )
    out["posterior"].attrs.update({"model": "tree", "fixed_clusters": int(fixed)} | (attrs or {}))
    return out


def drawn_fractions(eta, tree, absent, spread, rng):
    """Fractions [K, S] around their means, zero where a clone or one above it is absent."""
    eta = np.array(eta, float)
    k, samples = eta.shape
    zero = np.zeros(eta.shape, bool)
    for clone, sample in absent:
        zero[clone, sample] = True
        for j in range(k):
            up = tree[j]
            while up > 0 and up - 1 != clone:
                up = tree[up - 1]
            zero[j, sample] |= up - 1 == clone
    out = np.zeros(eta.shape)
    for s in range(samples):
        mean = np.append(np.where(zero[:, s], 0.0, eta[:, s]), max(1.0 - eta[:, s].sum(), 0.05))
        some = mean > 0
        drawn = np.zeros(k + 1)
        drawn[some] = rng.dirichlet(mean[some] * spread * 10)
        out[:, s] = drawn[:-1]
    return out


def mixture(shares, chains, draws, seed=0):
    """Trees [chain, draw, K] drawn at random: `shares` maps a tree to its probability."""
    rng = np.random.default_rng(seed)
    options = np.array(list(shares))
    return options[rng.choice(len(options), (chains, draws), p=list(shares.values()))]
