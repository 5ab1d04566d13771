"""What calibration ranks: functions of state and tree that do not depend on the clones' labels, true and drawn."""

from __future__ import annotations

import numpy as np

from clonalbayes.inference import chain as chains
from clonalbayes.simulate import Simulation
from clonalbayes.simulate.genome import descends
from clonalbayes.simulate.prior_tree import depth_of

FIRST, SECOND = 0, 1
"""Mutations whose prevalence, co-clustering and order are ranked."""


def truth_of(simulation: Simulation) -> dict[str, float]:
    """Return the true value of every ranked quantity."""
    truth, p = simulation.truth, simulation.truth.parameters
    z = truth.assignment
    if "clone_fraction" in p:
        return _tree_truth_of(simulation)
    return {
        "n_clones": len(truth.ccf),
        "co_clustering": float(z[FIRST] == z[SECOND] >= 0),
        "prevalence_of_mutation": float(truth.ccf[z[FIRST], 0] * p["purity"][0]) if z[FIRST] >= 0 else 0.0,
        "genotype_of_mutation": truth.genotype[SECOND],
        "concentration": float(p["concentration"]),
        "precision": p["precision"][0],
        "error_rate": p["error_rate"][0],
        "purity": p["purity"][0],
        "cn_clonal_fraction": p["cn_clonal_fraction"][0],
        "p_absent": p["presence_prob"][0, 0],
        "n_noise": int((z == -1).sum()),
        "n_germline": int((z == -2).sum()),
        "log_likelihood": float(p["log_likelihood"]),
    }


def draws_of(chain: chains.Chain, rows: slice) -> dict[str, np.ndarray]:
    """Return the draws of every ranked quantity."""
    if chain.plan.tree:
        return _tree_draws_of(chain, rows)
    place = np.argsort(chain.plan.reads.order)
    first, second = place[FIRST], place[SECOND]
    records = chain.records
    z = records.assignment[rows]
    ccf = [c[k, 0] if k >= 0 else 0.0 for c, k in zip(records.ccf[rows], z[:, first], strict=True)]
    scalar = dict(zip(chains.SCALARS, records.scalars[rows].T, strict=True))
    sample = dict(zip(chains.PER_SAMPLE, records.per_sample[rows, :, 0].T, strict=True))
    return {
        "n_clones": scalar["n_clones"],
        "co_clustering": ((z[:, first] == z[:, second]) & (z[:, first] >= 0)).astype(float),
        "prevalence_of_mutation": np.array(ccf) * sample["purity"],
        "genotype_of_mutation": records.genotype[rows, second],
        "concentration": scalar["concentration"],
        "precision": sample["precision"],
        "error_rate": sample["error_rate"],
        "purity": sample["purity"],
        "cn_clonal_fraction": sample["cn_clonal"],
        "p_absent": records.presence_prob[rows, 0, 0],
        "n_noise": scalar["n_noise"],
        "n_germline": scalar["n_germline"],
        "log_likelihood": scalar["log_likelihood"],
    }


def tree_values(z: np.ndarray, parent: np.ndarray, prevalence: np.ndarray, presence: np.ndarray) -> dict[str, float]:
    """Functions of labels (the Dataset's order), tree, prevalence and presence [K, S] without labels of clones."""
    first, second = int(z[FIRST]), int(z[SECOND])
    lines = descends(parent)
    return {
        "n_clones": len(parent),
        "co_clustering": float(first == second >= 0),
        "prevalence_of_mutation": float(prevalence[first, 0]) if first >= 0 else 0.0,
        "presence": float(first >= 0 and presence[first, 0] != 0),
        "present_clones": float((presence[:, -1] != 0).sum()),
        "purity": float(prevalence[parent == 0, 0].sum()),
        "tree_depth": depth_of(parent),
        "ancestry": float(min(first, second) >= 0 and first != second and bool(lines[first, second])),
        "n_founders": int((parent == 0).sum()),
        "n_noise": int((z == -1).sum()),
        "n_germline": int((z == -2).sum()),
    }


def _tree_truth_of(simulation: Simulation) -> dict[str, float]:
    """Return the true value of every quantity that is ranked with a tree."""
    truth, p = simulation.truth, simulation.truth.parameters
    prevalence = truth.ccf * p["purity"]
    return tree_values(truth.assignment, truth.parent, prevalence, truth.presence) | {
        "concentration": float(p["concentration"]),
        "fraction_concentration": p["fraction_concentration"][0],
        "present_prob": p["present_prob"][0],
        "precision": p["precision"][0],
        "error_rate": p["error_rate"][0],
        "cn_clonal_fraction": p["cn_clonal_fraction"][0],
        "log_likelihood": float(p["log_likelihood"]),
    }


def _tree_draws_of(chain: chains.Chain, rows: slice) -> dict[str, np.ndarray]:
    """Return the draws of every quantity that is ranked with a tree."""
    records, place = chain.records, np.argsort(chain.plan.reads.order)
    values = [
        tree_values(z[place], parent, ccf, presence)
        for z, parent, ccf, presence in zip(
            records.assignment[rows], records.parent[rows], records.ccf[rows], records.presence[rows], strict=True
        )
    ]
    scalar = dict(zip(chains.SCALARS, records.scalars[rows].T, strict=True))
    sample = dict(zip(chains.PER_SAMPLE, records.per_sample[rows, :, 0].T, strict=True))
    of_tree = dict(zip(chains.TREE_PER_SAMPLE, records.tree_scalars[rows, :, 0].T, strict=True))
    return {name: np.array([value[name] for value in values], float) for name in values[0]} | {
        "concentration": scalar["concentration"],
        "fraction_concentration": of_tree["sparsity"],
        "present_prob": of_tree["psi"],
        "precision": sample["precision"],
        "error_rate": sample["error_rate"],
        "cn_clonal_fraction": sample["cn_clonal"],
        "log_likelihood": scalar["log_likelihood"],
    }
