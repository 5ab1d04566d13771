"""The posterior of trees as files: `trees.json`, `edges.tsv`, `tree.nwk`, and what `run.json` says of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from clonalbayes.summaries.ancestry import ROOT
from clonalbayes.summaries.tree_json import trees_json
from clonalbayes.summaries.trees import (
    GROUP,
    Trees,
    collect,
    founder_counts,
    has_trees,
    present_somewhere,
    related_samples,
    stacked,
)
from clonalbayes.summaries.unidentified import unidentified

SURELY, SHOWN_PAIRS = 0.95, 20
"""Pairs of samples that are less surely related than this are named, as many as `SHOWN_PAIRS`."""


def edge_table(trees: Trees) -> pd.DataFrame:
    """One row per relation of two clones that some draw has.

    Parameters
    ----------
    trees
        The trees.

    Returns
    -------
    pandas.DataFrame
        parent (0 is the normal root), child, probability, relation: "parent", or "ancestor" for a parent or
        any clone above it. By child, the most probable first. The root is above all, and not listed as such.
    """
    parts = []
    for name, table in (("parent", trees.parent_probability), ("ancestor", trees.ancestor_probability[1:])):
        up, child = np.nonzero(table)
        first = ROOT if name == "parent" else ROOT + 1
        order = np.lexsort((up, -table[up, child], child))
        parts.append(
            pd.DataFrame(
                {
                    "parent": (up + first)[order],
                    "child": (child + 1)[order],
                    "probability": table[up, child][order],
                    "relation": name,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def newick(parents: np.ndarray, support: np.ndarray, lengths: np.ndarray, names: Sequence[str]) -> str:
    """Write a tree in Newick, each node with its support as a comment and the length of the branch to it.

    Parameters
    ----------
    parents
        [K] parents, 0 the root.
    support
        [K] probability of each clone's parent.
    lengths
        [K] length of the branch to each clone, in mutations.
    names
        Name of the root and of each clone, quoted where the format needs it.

    Examples
    --------
    >>> newick(np.array([0, 1, 1]), np.array([1, 0.9, 0.5]), np.array([7, 2, 3]), ["normal", "a", "b c", "d"])
    "(('b c'[&support=0.9]:2,d[&support=0.5]:3)a[&support=1]:7)normal;"
    """
    k = len(parents)
    below = [[int(c) + 1 for c in np.flatnonzero(parents == p)] for p in range(k + 1)]
    done = [""] * (k + 1)
    order, stack = [], [ROOT]
    while stack:
        order.append(stack.pop())
        stack.extend(below[order[-1]])
    for node in reversed(order):
        inner = f"({','.join(done[child] for child in below[node])})" if below[node] else ""
        tail = "" if node == ROOT else f"[&support={support[node - 1]:.4g}]:{lengths[node - 1]:.10g}"
        done[node] = f"{inner}{quoted(names[node])}{tail}"
    return f"{done[ROOT]};"


def quoted(name: str) -> str:
    """Quote a name for Newick where it holds anything but letters, digits, dots and hyphens.

    Examples
    --------
    >>> quoted("clone7"), quoted("it's (odd)")
    ('clone7', "'it''s (odd)'")
    """
    plain = "".join(c if c.isprintable() else " " for c in name)
    return plain if re.fullmatch(r"[\w.\-]+", plain.replace("_", " ")) else "'" + plain.replace("'", "''") + "'"


def consensus_newick(tree: xr.DataTree, trees: Trees) -> str:
    """Write the consensus tree in Newick, branch lengths in mutations.

    Parameters
    ----------
    tree
        From `summarise`.
    trees
        Of that posterior.
    """
    names = ["normal", *(f"clone{k}" for k in range(1, trees.clones + 1))]
    return newick(trees.consensus, trees.support, sizes_of(tree), names) + "\n"


def sizes_of(tree: xr.DataTree) -> np.ndarray:
    """Mutations of each consensus clone [K]."""
    group: Any = tree[GROUP]
    clones = group.sizes["clone"]
    return np.bincount(np.maximum(group["clone"].values, 0), minlength=clones + 1)[1:]


def tree_findings(tree: xr.DataTree, trees: Trees, not_identified: list[str]) -> dict[str, Any]:
    """Say what `run.json` records of the trees.

    Parameters
    ----------
    tree
        From `summarise`.
    trees
        Of that posterior.
    not_identified
        Sentences of `clonalbayes.summaries.unidentified`.

    Returns
    -------
    dict
        n_trees, n_trees_effective, best_probability and its error, consensus_probability, complete, founders
        (number -> probability), p_single_founder (None without a clone), unrelated_samples and not_identified
        (sentences).
    """
    group: Any = tree[GROUP]
    founders = founder_counts(trees, present_somewhere(group))
    number, count = np.unique(founders, return_counts=True)
    share = {str(n): float(c / len(founders)) for n, c in zip(number.tolist(), count.tolist(), strict=True)}
    error = float(trees.errors()[0])
    some = founders > 0
    return {
        "n_trees": len(trees.parents),
        "n_trees_effective": trees.effective,
        "best_probability": float(trees.probability[0]),
        "best_probability_se": None if np.isnan(error) else error,
        "consensus_probability": trees.consensus_probability,
        "complete": trees.complete,
        "founders": share,
        "p_single_founder": float((founders[some] == 1).mean()) if some.any() else None,
        "unrelated_samples": sample_sentences(tree),
        "not_identified": list(dict.fromkeys(not_identified)),
    }


def sample_sentences(tree: xr.DataTree) -> list[str]:
    """Name the pairs of samples that may not be clonally related, the least related first.

    Parameters
    ----------
    tree
        From `summarise`.
    """
    posterior: Any = tree["posterior"]
    related = related_samples(stacked(posterior["parent"]), stacked(posterior["presence"]))
    names = [str(name) for name in posterior["specimen"].values]
    first, second = np.triu_indices(len(names), 1)
    p = related[first, second]
    order = [int(i) for i in np.argsort(p, kind="stable") if p[i] < SURELY]
    return [
        f"{names[first[i]]} and {names[second[i]]} are clonally related with probability {p[i]:.2f}"
        for i in order[:SHOWN_PAIRS]
    ]


def tree_parts(
    tree: xr.DataTree,
) -> tuple[dict[str, pd.DataFrame], dict[str, str], dict[str, Any]]:
    """Tables, texts and findings of a result that only a model with trees has.

    Parameters
    ----------
    tree
        From `summarise`.

    Returns
    -------
    tuple of dict
        Tables edges and identifiability; the contents of trees.json and tree.nwk; what `tree_findings` says.
        All empty for a model without trees.
    """
    if not has_trees(tree):
        return {}, {}, {}
    trees = collect(tree)
    open_ = unidentified(tree, trees)
    columns = ["clone", "kind", "parents", "statement", "sample_that_tells", "closest_sample", "room"]
    frames = {"edges": edge_table(trees), "identifiability": pd.DataFrame(open_, columns=columns)}
    texts = {"trees.json": trees_json(tree, trees), "tree.nwk": consensus_newick(tree, trees)}
    return frames, texts, tree_findings(tree, trees, [row["statement"] for row in open_])
