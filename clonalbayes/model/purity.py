"""Purity where the clones have a tree: what the normal cells leave.

    purity[s] = 1 - clone_fraction[normal, s]

A purity in the file, with its standard error sd, is an observation of it. Copy number measures it on other
cells of the sample than the clones' reads, so the two may differ by `purity_slack`. Where some copy number of
the sample is not the normal one, the reads depend on the purity too:

    read_purity[s] ~ Normal(purity[s], slack)  within (0, 1]
    file's purity  ~ Normal(read_purity[s], sd)

elsewhere `read_purity` is integrated out: file's purity ~ Normal(purity[s], sqrt(sd^2 + slack^2)).

That read purities are within (0, 1] is a condition on the whole prior (see `conditions`).
"""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from clonalbayes.kernels.layout import Priors
from clonalbayes.specs import Spec


class TreePurity(NamedTuple):
    """Purities that the reads see [specimen], and whether all of them are possible."""

    of_reads: Any
    within: Any


def add_tree_purity(priors: Priors, spec: Spec, normal: Any) -> TreePurity:
    """Add `purity`, `read_purity` and `observed_purity` to the model of the context.

    Parameters
    ----------
    priors
        With the file's purities (standard error 0: none), and which samples' reads depend on them.
    spec
        For the slack.
    normal
        Fraction of the normal cells, [specimen].

    Returns
    -------
    TreePurity
    """
    model, slack = pm.modelcontext(None), spec.constant("purity_slack")
    names = np.array(model.coords["specimen"])
    linked = np.flatnonzero(priors.linked)
    purity = pm.Deterministic("purity", 1.0 - normal, dims="specimen")
    of_reads, within = purity, pt.constant(np.array(True))
    if len(linked):
        model.add_coord("aberrant_specimen", names[linked])
        drawn = pm.Normal(
            "read_purity", mu=purity[linked], sigma=slack, dims="aberrant_specimen",
            initval=np.full(len(linked), slack),
        )  # fmt: skip
        of_reads = pt.set_subtensor(purity[linked], drawn)
        within = pt.all(pt.gt(drawn, 0.0) & pt.le(drawn, 1.0))
    given = np.flatnonzero(priors.purity[:, 1] > 0.0)
    if len(given):
        model.add_coord("stated_specimen", names[given])
        sd = np.hypot(priors.purity[given, 1], np.where(priors.linked[given], 0.0, slack))
        pm.Normal(
            "observed_purity", mu=of_reads[given], sigma=sd, observed=priors.purity[given, 0], dims="stated_specimen"
        )
    return TreePurity(of_reads, within)
