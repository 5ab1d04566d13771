"""Clones without a tree: each clone's prevalence is free in every sample.

    presence_prob[s]      ~ Dirichlet                       over absent, subclonal, clonal
    presence[k, s]        ~ Categorical(presence_prob[s])
    prevalence_slab[k, s] ~ Uniform(0, 1)
    ccf[k, s]             = 0, prevalence_slab[k, s] or 1   where absent, subclonal or clonal
    cellular_prevalence   = ccf * purity                    NaN for slots without members

The whole prior is conditioned on the event `admissible`: every clone is there in some sample, no two clones
agree exactly (the same atoms in every sample), and no clone is left without a slot. It stands in the model
as an observation of what must be true, so that its log density is 0 or -inf and forward draws say in their
group `prior_predictive` which of them count; `clonalbayes.model.sample_prior` keeps those alone.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from clonalbayes.kernels.layout import ABSENT, CLONAL, GERMLINE, SUBCLONAL, Priors

PRESENCE = ("absent", "subclonal", "clonal")
"""Names of the presence states, by their numbers in the kernels."""


def add_prevalence(priors: Priors, sizes: Any) -> tuple[Any, Any]:
    """Add presence and prevalence of every slot to the model of the context.

    Parameters
    ----------
    priors
        With the weights of the three presence states.
    sizes
        Members of each slot, [slot].

    Returns
    -------
    tuple of TensorVariable
        Presence and cancer cell fraction, [slot, specimen].
    """
    weights = np.tile(priors.presence, (len(priors.purity), 1))
    presence_prob = pm.Dirichlet(
        "presence_prob", a=weights, dims=("specimen", "state"), default_transform=None
    )
    presence = pm.Categorical("presence", p=presence_prob[None], dims=("slot", "specimen"))
    slab = pm.Uniform("prevalence_slab", 0.0, 1.0, dims=("slot", "specimen"), default_transform=None)
    ccf = pt.switch(pt.eq(presence, SUBCLONAL), slab, pt.cast(pt.eq(presence, CLONAL), slab.dtype))
    return presence, ccf


def add_cellular_prevalence(ccf: Any, purity: Any, sizes: Any) -> None:
    """Add the prevalence of every clone among all cells, NaN for slots without members."""
    used = pt.neq(sizes, 0)[:, None]
    prevalence = pt.switch(used, ccf * purity, np.nan)
    pm.Deterministic("cellular_prevalence", prevalence, dims=("slot", "specimen"))


def is_admissible(assignment: Any, sizes: Any, presence: Any) -> Any:
    """Whether all clones are there in some sample, differ, and have a slot; a symbolic truth value."""
    used = pt.neq(sizes, 0)
    there = pt.all(pt.any(pt.neq(presence, ABSENT), axis=1) | ~used)
    atoms = used & pt.all(pt.neq(presence, SUBCLONAL), axis=1)
    return there & ~_any_alike(presence, atoms) & pt.all(pt.ge(assignment, GERMLINE))


def _any_alike(presence: Any, atoms: Any) -> Any:
    """Whether two of the rows marked in `atoms` are equal."""
    marked = atoms.astype("int64")
    signs = (2 * pt.eq(presence, CLONAL) - 1) * marked[:, None]  # rows of +-1, unmarked ones 0
    agreement = pt.dot(signs.astype("float64"), signs.T.astype("float64"))
    alike = pt.ge(agreement, presence.shape[1] - 0.5)
    return pt.gt(alike.sum(), marked.sum())


def add_condition(assignment: Any, sizes: Any, presence: Any) -> None:
    """Add the observed event `admissible` to the model of the context."""
    holds = pt.cast(is_admissible(assignment, sizes, presence), "float64")
    pm.Bernoulli("admissible", p=holds, observed=np.int64(1))
