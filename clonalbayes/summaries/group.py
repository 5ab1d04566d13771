"""`summarise`: the posterior with its consensus clones, as one more group of the DataTree."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from clonalbayes.summaries.alignment import FIRST, Draws
from clonalbayes.summaries.ancestry import restrict
from clonalbayes.summaries.consensus import Consensus, find_consensus, given_consensus
from clonalbayes.summaries.intervals import mean
from clonalbayes.summaries.multiplicity import multiplicity
from clonalbayes.summaries.trees import find_trees, has_trees, stacked

NO_RUNNER_UP = -2
"""`runner_up` of a mutation that no draw has anywhere but where it is."""

GROUP = "consensus"

_TEXTS = {
    "cellular_prevalence": ("share of all cells", "cells with its mutations; NaN where a draw lacks it"),
    "presence": ("1", "0 absent, 1 subclonal, 2 clonal; -1 where a draw lacks the clone"),
    "clone_size": ("mutations", "mutations of the clone's counterpart in the draw; 0 where it has none"),
    "counterpart": ("1", "slot of the clone in the draw; -1 where the draw lacks it"),
    "exposure": ("share of the clone's substitutions", "made by the signature; NaN where a draw lacks the clone"),
    "support": ("1", "share of the draws in which the clone has a counterpart"),
    "clone": ("1", "consensus clone, by falling mean prevalence or as given; 0 noise, -1 germline"),
    "probability": ("1", "share of the draws in which the mutation is there"),
    "runner_up": ("1", "second most probable place, as in clone; -2 if there is none"),
    "runner_up_probability": ("1", "share of the draws in which the mutation is in the runner-up"),
    "p_noise": ("1", "share of the draws in which the mutation is noise"),
    "p_germline": ("1", "share of the draws in which the mutation is germline"),
    "multiplicity": ("copies", "mutated copies per carrying cell, most frequent genotype; -1 not defined"),
    "parent": ("1", "nearest consensus clone above; 0 the normal root, -1 where a draw lacks the clone"),
    "consensus_parent": ("1", "parent in the consensus tree; 0 the normal root"),
    "parent_probability": ("1", "share of the draws with the clone in which that is its parent"),
}  # fmt: skip


def summarise(tree: xr.DataTree) -> xr.DataTree:
    """Add the consensus clones to a posterior whose labels are exchangeable.

    Parameters
    ----------
    tree
        From `clonalbayes.fit`: groups posterior, sample_stats, observed_data and constant_data.

    Returns
    -------
    xarray.DataTree
        The same groups and `consensus`: `cellular_prevalence` and `presence` (chain, draw, clone, specimen),
        `clone_size` and `counterpart` (chain, draw, clone), `support` (clone), `clone`, `probability`, `runner_up`,
        `runner_up_probability`, `p_noise`, `p_germline` (mutation), `multiplicity` (mutation, specimen). Of a
        model with trees also `parent` (chain, draw, clone), `consensus_parent` and `parent_probability` (clone), and
        of a joint one `exposure` (chain, draw, clone, signature). Clusters that were given keep their numbers.

    Raises
    ------
    ValueError
        If the posterior has no draw or no mutation.
    """
    posterior: Any = tree["posterior"]
    labels = posterior["assignment"].values
    chains, count, n = labels.shape
    if labels.size == 0:
        raise ValueError("a posterior without draws or without mutations cannot be summarised")
    draws = Draws(labels.reshape(-1, n), posterior.sizes["slot"])
    given = clusters_given(tree)
    found = given_consensus(draws) if given else find_consensus(draws)
    order, per_draw = _clones(posterior, found, given)
    partner = found.match.partner[:, order]
    per_draw.append(("counterpart", ["clone"], partner.astype(np.int16)))
    if "exposure" in posterior:
        from clonalbayes.summaries.exposures import counterparts  # loads the compiled kernels

        raw = posterior["exposure"].values
        per_draw.append(("exposure", ["clone", "signature"], counterparts(partner, raw.reshape(-1, *raw.shape[2:]))))
    copies = multiplicity(_dataset(tree), posterior["genotype"].values.reshape(-1, n), draws, found)
    values: dict[str, Any] = {
        **{k: (("chain", "draw", *dims), v.reshape(chains, count, *v.shape[1:])) for k, dims, v in per_draw},
        "support": ("clone", (found.match.partner >= 0).mean(0)[order]),
        **{k: ("mutation", v) for k, v in _mutations(found, order, len(draws.labels)).items()},
        "multiplicity": (("mutation", "specimen"), copies),
    }
    if has_trees(tree):
        values |= _trees(posterior, partner)
    named = ("chain", "draw", "mutation", "specimen", *(("signature",) if "exposure" in posterior else ()))
    coords = {name: posterior[name].values for name in named}
    out = xr.Dataset(values, {**coords, "clone_id": ("clone", np.arange(1, found.clones + 1))})
    for name, (unit, text) in _TEXTS.items():
        if name in out:
            out[name].attrs.update(units=unit, long_name=text)
    groups = {f"/{name}": node.to_dataset() for name, node in tree.children.items()}
    return xr.DataTree.from_dict({**groups, f"/{GROUP}": out})


def clusters_given(tree: xr.DataTree) -> bool:
    """Whether the slots of every draw are the clusters that came with the data, in their order.

    Numbers are kept if they have no gaps; a cluster that lost all its mutations on reading leaves one.
    """
    posterior: Any = tree["posterior"]
    held: Any = tree["constant_data"]
    if not posterior.attrs.get("fixed_clusters") or "cluster" not in held:
        return False
    labels = posterior["assignment"].values.reshape(-1, posterior.sizes["mutation"])
    _, dense = np.unique(np.append(held["cluster"].values, 0), return_inverse=True)
    clone = dense[:-1] - 1
    known = clone >= 0
    return bool(
        clone.max(initial=-1) + 1 == posterior.sizes["slot"]
        and (labels == labels[0]).all()
        and np.array_equal(labels[0][known], clone[known])
        and (labels[0][~known] < 0).all()
    )


def _clones(
    posterior: Any, found: Consensus, given: bool
) -> tuple[np.ndarray, list[tuple[str, list[str], np.ndarray]]]:
    """Consensus clones as given or by falling mean prevalence, and what the draws say of them: name, dims, [D, ...]."""
    partner = found.match.partner
    slots = posterior.sizes["slot"]
    samples = posterior.sizes["specimen"]
    missing = partner < 0
    if given:  # nothing to find or to rename
        phi = posterior["cellular_prevalence"].values.reshape(-1, slots, samples)
        state = posterior["presence"].values.reshape(-1, slots, samples)
        return np.arange(slots), _per_draw(phi, state, found.match.size)
    rows, at = np.arange(len(partner))[:, None], np.where(missing, 0, partner)
    if slots == 0:
        shape = (len(partner), 0, samples)
        phi, state = np.zeros(shape), np.zeros(shape, np.int8)
    else:
        phi = posterior["cellular_prevalence"].values.reshape(-1, slots, samples)[rows, at]
        state = posterior["presence"].values.reshape(-1, slots, samples)[rows, at]
    phi[missing], state[missing] = np.nan, -1
    order = np.argsort(-mean(phi).mean(1), kind="stable")
    return order, _per_draw(phi[:, order], state[:, order], found.match.size[:, order])


def _per_draw(phi: np.ndarray, state: np.ndarray, size: np.ndarray) -> list[tuple[str, list[str], np.ndarray]]:
    return [
        ("cellular_prevalence", ["clone", "specimen"], phi),
        ("presence", ["clone", "specimen"], state.astype(np.int8)),
        ("clone_size", ["clone"], size.astype(np.int32)),
    ]


def _trees(posterior: Any, partner: np.ndarray) -> dict[str, Any]:
    """Trees over the consensus clones.

    `partner` [D, K] is the slot of each consensus clone, -1 where a draw lacks it.
    """
    raw = stacked(posterior["parent"])
    drawn = restrict(raw, partner)
    trees = find_trees(drawn, posterior.sizes["chain"])
    return {
        "parent": (("chain", "draw", "clone"), trees.per_chain(drawn)),
        "consensus_parent": ("clone", trees.consensus),
        "parent_probability": ("clone", trees.support),
    }


def _mutations(found: Consensus, order: np.ndarray, draws: int) -> dict[str, np.ndarray]:
    """Where each mutation is, and how sure that is; clones numbered 1.. in the given order."""
    label = np.empty(found.clones + FIRST, np.int32)
    label[:FIRST] = -1, 0
    label[order + FIRST] = np.arange(1, found.clones + 1)
    share = found.counts / draws
    rows = np.arange(len(share))
    probability = share[rows, found.partition]
    places = share[:, :-1].copy()
    places[rows, found.partition] = -1.0
    second = places.argmax(1)
    other = np.maximum(places[rows, second], 0.0)
    return {
        "clone": label[found.partition],
        "probability": probability,
        "runner_up": np.where(other > 0, label[second], NO_RUNNER_UP),
        "runner_up_probability": other,
        "p_noise": share[:, 1],
        "p_germline": share[:, 0],
    }


def _dataset(tree: xr.DataTree) -> xr.Dataset:
    """The data that the posterior was conditioned on, as the Dataset it was."""
    return tree["observed_data"].to_dataset().merge(tree["constant_data"].to_dataset())
