"""`trees.json`: the trees with their probabilities, and where each draw has the mutations if that is not sure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from clonalbayes.summaries.alignment import FIRST, crosstabs, match
from clonalbayes.summaries.group import clusters_given
from clonalbayes.summaries.trees import GROUP, Trees, prevalence_of_trees, stacked

MOST_TREES, MOST_VALUES = 4000, 2_000_000
"""Trees, and prevalences of trees, that are listed at most: some 20 MB."""

MOST_DRAWS, MOST_NAMES = 400, 500_000
"""Draws whose own clones are listed where mutations move, and names of mutations in them, at most."""


def trees_json(tree: xr.DataTree, trees: Trees) -> str:
    """Write the trees with their probabilities and mean prevalences as JSON, most probable first.

    Parameters
    ----------
    tree
        From `summarise`.
    trees
        Of that posterior.

    Returns
    -------
    str
        Keys samples; clusters (mutations of each consensus clone); n_trees, listed (the share of the posterior
        that is listed), complete (the share of the draws that have every clone); and trees, each with tree (its
        place among the trees, from 0), prob, prob_se (Monte-Carlo error of the tree's probability), parents (of
        clone 1, 2, ...; 0 the root) and phi (the root and then the clones, by sample; means over its draws).
        Where mutations move between clones a tree has several entries, whose prob adds up to the tree's, each
        with the clusters of some draws. Clones of a draw that are no consensus clones follow the others, and a
        consensus clone that it lacks is empty.
    """
    group: Any = tree[GROUP]
    samples = [str(name) for name in group["specimen"].values]
    k, s = trees.clones, len(samples)
    most = min(len(trees.parents), MOST_TREES, max(MOST_VALUES // max((k + 1) * s, 1), 1))
    errors = trees.errors()
    usual = [
        _body(trees.parents[t], phi, errors[t])
        for t, phi in enumerate(prevalence_of_trees(trees, stacked(group["cellular_prevalence"]), most))
    ]
    entries = [(t, float(trees.probability[t]), body) for t, body in enumerate(usual)]
    labels = stacked(tree["posterior"]["assignment"])
    if k and not (clusters_given(tree) or (labels == labels[0]).all()):
        entries = _with_clones(tree, trees, usual, errors)
    rows = [f'{{"tree":{t},"prob":{p:.8g},{body}}}' for t, p, body in entries]
    head = {
        "samples": samples,
        "clusters": _clusters(group["clone"].values, group["mutation"].values, k),
        "n_trees": len(trees.parents),
        "listed": round(sum(p for _, p, _ in entries), 8),
        "complete": round(trees.complete, 8),
    }
    return json.dumps(head, ensure_ascii=False)[:-1] + ', "trees": [\n' + ",\n".join(rows) + "\n]}\n"


def _body(parents: np.ndarray, phi: np.ndarray, error: float) -> str:
    """What is written of a tree but its probability; formatted row by row, for there may be many."""
    form = "[" + ",".join(["%.5g"] * phi.shape[1]) + "]"
    root = "[" + ",".join(["1"] * phi.shape[1]) + "]"
    values = ",".join([root, *(form % tuple(row) for row in phi.tolist())])
    shown = json.dumps(parents.tolist(), separators=(",", ":"))
    return f'"prob_se":{"null" if np.isnan(error) else f"{error:.4g}"},"parents":{shown},"phi":[{values}]'


@dataclass(frozen=True)
class Own:
    """A draw with its own clones: the consensus clones first, then those that only the draw has.

    Attributes
    ----------
    parents
        [K + extra] parents in this numbering.
    label
        [N] clone of each mutation, 0 noise, -1 germline.
    slot
        [K + extra] slot of each clone, -1 for a consensus clone that the draw lacks.
    """

    parents: np.ndarray
    label: np.ndarray
    slot: np.ndarray


def clones_of_draws(tree: xr.DataTree, guide: np.ndarray, rows: np.ndarray) -> list[Own]:
    """Number the clones of single draws as the consensus clones are, as far as they are these.

    Parameters
    ----------
    tree
        From `summarise`.
    guide
        [K] parents in the consensus tree; a clone that a draw lacks goes below its nearest ancestor there.
    rows
        Draws, counted over all chains.
    """
    group: Any = tree[GROUP]
    usual = group["clone"].values.astype(np.intp)
    parents = stacked(tree["posterior"]["parent"])[rows].astype(np.intp)
    labels = stacked(tree["posterior"]["assignment"])[rows].astype(np.intp)
    width = parents.shape[1] + FIRST
    partner = match(crosstabs(labels, width, usual + 1, len(guide) + FIRST)).partner
    return [_own(*draw, guide) for draw in zip(parents, labels, partner, strict=True)]


def _own(parents: np.ndarray, labels: np.ndarray, partner: np.ndarray, guide: np.ndarray) -> Own:
    used, first = np.unique(labels[labels >= 0], return_index=True)
    extra = [slot for slot in used[np.argsort(first)] if slot not in partner]
    slot = np.append(partner, np.array(extra, np.intp))
    number = np.zeros(len(parents) + 1, np.intp)
    number[slot[slot >= 0] + 1] = np.flatnonzero(slot >= 0) + 1
    own = np.where(slot >= 0, number[parents[np.maximum(slot, 0)]], 0)
    for k in np.flatnonzero(slot < 0):
        up = int(guide[k])
        while up and slot[up - 1] < 0:
            up = int(guide[up - 1])
        own[k] = up
    return Own(own, np.where(labels >= 0, number[np.maximum(labels, 0) + 1], labels + 1).astype(np.int32), slot)


def _with_clones(
    tree: xr.DataTree, trees: Trees, usual: list[str], errors: np.ndarray
) -> list[tuple[int, float, str]]:
    """Entries where mutations move: tree, share of the posterior, and the rest as JSON."""
    group: Any = tree[GROUP]
    names, total, most = group["mutation"].values, len(trees.which), len(usual)
    count = int(np.clip(MOST_NAMES // max(len(names), 1), 20, MOST_DRAWS))
    rows = np.unique(np.linspace(0, total - 1, min(count, total)).round().astype(int))
    rows = rows[trees.which[rows] < most]
    drawn = np.bincount(trees.which[rows], minlength=most)
    phi = stacked(tree["posterior"]["cellular_prevalence"])
    bodies: dict[tuple[int, bytes, bytes], str] = {}
    times: dict[tuple[int, bytes, bytes], int] = {}
    for d, own in zip(rows, clones_of_draws(tree, trees.consensus, rows), strict=True):
        t = int(trees.which[d])
        key = t, own.parents.tobytes(), own.label.tobytes()
        times[key] = times.get(key, 0) + 1
        if key not in bodies:
            bodies[key] = usual[t]
            if len(own.slot) > trees.clones or (own.slot < 0).any():
                sizes = np.where((own.slot >= 0)[:, None], phi[d, np.maximum(own.slot, 0)], 0.0)
                bodies[key] = _body(own.parents, sizes, errors[t])
            if not np.array_equal(np.maximum(own.label, 0), np.maximum(group["clone"].values, 0)):
                clusters = _clusters(own.label, names, len(own.slot))
                bodies[key] += ',"clusters":' + json.dumps(clusters, ensure_ascii=False, separators=(",", ":"))
    share = trees.probability / np.maximum(np.append(drawn, np.ones(len(trees.parents) - most)), 1)
    entries = [(key[0], float(share[key[0]]) * times[key], body) for key, body in bodies.items()]
    if most <= count:  # few trees: those that the draws passed by are listed too
        entries += [(t, float(trees.probability[t]), usual[t]) for t in range(most) if drawn[t] == 0]
    return sorted(entries, key=lambda entry: (-entry[1], entry[0]))


def _clusters(label: np.ndarray, names: np.ndarray, clones: int) -> list[list[str]]:
    """Mutations of each consensus clone."""
    order = np.argsort(label, kind="stable")
    ends = np.searchsorted(label[order], np.arange(1, clones + 2))
    return [[str(m) for m in names[order[ends[k] : ends[k + 1]]]] for k in range(clones)]
