"""The prior over assignments: which mutations are noise, germline, or form a clone together.

Components. The numbers of mutations in clones, noise and germline, n_C + n_N + n_G = N, enter through a
Dirichlet-multinomial of weights w that are integrated out:

    P(components) = Gamma(w.) / Gamma(w. + N) * prod_j Gamma(w_j + n_j) / Gamma(w_j)

Partition. The n_C clonal mutations are divided as the Dirichlet process with concentration a divides them
(the exchangeable partition probability function; Pitman 2006, Combinatorial Stochastic Processes, 3.2):

    P(partition) = a^K Gamma(a) / Gamma(a + n_C) * prod_k Gamma(n_k)

Slots. The K clones sit in distinct slots of M, every choice alike: P(slots) = (M - K)! / M!. A partition
into more than M clones has no slots: it has density zero, and the condition `admissible` of the model tells
draws that met it (see `clonalbayes.model.prevalence`).
"""

# mypy: allow-untyped-calls, allow-subclassing-any

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor.random.op import RandomVariable

from clonalbayes.kernels.layout import GERMLINE, NOISE, Priors
from clonalbayes.model.compiled import CompiledDraw
from clonalbayes.model.draws import UNPLACED, draw_assignment


class AssignmentRV(CompiledDraw, RandomVariable):
    """Random variable of `Assignment`: concentration, component weights, N, slots -> labels [N]."""

    name = "assignment"
    signature = "(),(c),(),()->(n)"
    dtype = "int64"
    _print_name = ("Assignment", "\\operatorname{Assignment}")
    core = staticmethod(draw_assignment)

    def _supp_shape_from_params(self, dist_params: Any, param_shapes: Any = None) -> tuple[Any, ...]:
        return (dist_params[2],)


class Assignment(pm.distributions.distribution.Discrete):
    """Distribution of the assignments; see the module's docstring.

    Parameters
    ----------
    concentration : scalar
        Of the Dirichlet process.
    weights : array [3]
        Dirichlet weights of clone, noise and germline.
    n, slots : int
        Number of mutations, and of slots for clones.
    """

    rv_op = AssignmentRV()

    @classmethod
    def dist(cls, concentration: Any, weights: Any, n: int, slots: int, **kwargs: Any) -> Any:
        """Make the variable outside a model."""
        counts = [pt.as_tensor_variable(np.int64(value)) for value in (n, slots)]
        parameters = [pt.as_tensor_variable(concentration), pt.as_tensor_variable(weights), *counts]
        return super().dist(parameters, **kwargs)

    def support_point(rv: Any, size: Any, concentration: Any, weights: Any, n: Any, slots: Any) -> Any:  # noqa: N805
        """All mutations noise: a state of positive density, from which the step makes its own start."""
        return pt.full_like(rv, NOISE)

    def logp(value: Any, concentration: Any, weights: Any, n: Any, slots: Any) -> Any:  # noqa: N805
        """Log probability of labels [N]."""
        sizes = slot_sizes(value, slots)
        clones, kinds = pt.neq(sizes, 0).sum(), count_kinds(value)
        total = pt.gammaln(weights.sum()) - pt.gammaln(weights.sum() + n)
        total += (pt.gammaln(weights + kinds) - pt.gammaln(weights)).sum()
        total += clones * pt.log(concentration) + pt.gammaln(concentration)
        total -= pt.gammaln(concentration + kinds[0])
        total += pt.switch(pt.neq(sizes, 0), pt.gammaln(pt.maximum(sizes, 1)), 0.0).sum()
        total += pt.gammaln(slots - clones + 1.0) - pt.gammaln(slots + 1.0)
        inside = pt.all(pt.ge(value, GERMLINE) & pt.lt(value, slots))
        return pt.switch(inside, total, -np.inf)


def slot_sizes(assignment: Any, slots: Any) -> Any:
    """Number of members of each slot, [slots], symbolically."""
    first = -UNPLACED
    index = pt.clip(assignment - UNPLACED, 0, slots + first - 1)
    return pt.inc_subtensor(pt.zeros((slots + first,), dtype="int64")[index], 1)[first:]


def count_kinds(assignment: Any) -> Any:
    """Numbers of clonal, noise and germline mutations, symbolically."""
    return pt.stack(
        [pt.ge(assignment, 0).sum(), pt.eq(assignment, NOISE).sum(), pt.eq(assignment, GERMLINE).sum()]
    )


def add_partition(priors: Priors, n: int, slots: int) -> tuple[Any, Any]:
    """Add `concentration`, `assignment` and `n_clones` to the model of the context.

    Returns
    -------
    tuple of TensorVariable
        Assignment [mutation] and the sizes of the slots [slot].
    """
    shape, rate = priors.concentration
    concentration = pm.Gamma("concentration", alpha=shape, beta=rate, default_transform=None)
    assignment = Assignment("assignment", concentration, priors.component, n, slots, dims="mutation")
    sizes = slot_sizes(assignment, slots)
    pm.Deterministic("n_clones", pt.neq(sizes, 0).sum())
    return assignment, sizes
