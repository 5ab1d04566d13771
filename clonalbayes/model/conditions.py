"""Conditions on the prior of the tree model: room for all clones, possible purities, what a user knows.

They stand in the model as one observed event, `admissible`, so that its log density is 0 or -inf and forward
draws say which of them count; `clonalbayes.model.sample_prior` keeps those alone. For the constraints of a
specification see `clonalbayes.constraints`.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from clonalbayes.constraints import Constraint
from clonalbayes.kernels.layout import GERMLINE
from clonalbayes.model.tree import Tree


def add_tree_condition(constraints: Sequence[Constraint], assignment: Any, tree: Tree, within: Any) -> None:
    """Add the observed event `admissible` to the model of the context.

    Parameters
    ----------
    constraints
        Those of the specification.
    assignment
        Labels, [mutation].
    tree
        The tree's symbolic parts.
    within
        Whether the samples' purities are possible.
    """
    model = pm.modelcontext(None)
    holds = within & pt.all(pt.ge(assignment, GERMLINE))
    mutations, samples = (list(model.coords[name]) for name in ("mutation", "specimen"))
    for constraint in constraints:
        rows = np.array([mutations.index(name) for name in constraint.mutations])
        columns = np.array([samples.index(name) for name in constraint.samples], np.int64)
        holds &= is_met(constraint.kind, assignment[rows], columns, tree)
    pm.Bernoulli("admissible", p=pt.cast(holds, "float64"), observed=np.int64(1))


def is_met(kind: str, labels: Any, columns: np.ndarray, tree: Tree) -> Any:
    """Whether one constraint holds, given the labels of its mutations; a symbolic truth value."""
    inside = pt.all(pt.ge(labels, 0))
    slot = pt.clip(labels, 0, tree.presence.shape[0] - 1)
    if kind == "same_clone":
        return inside & pt.all(pt.eq(labels, labels[0]))
    if kind == "must_precede":
        return inside & pt.gt(tree.below[slot[0], slot[1]], 0.5)
    return inside & pt.all(pt.eq(tree.presence[slot[0]][columns], 0))
