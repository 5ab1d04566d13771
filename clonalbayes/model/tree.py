"""The tree of clones and the cells of exactly each clone.

Tree. The K clones with members are the nodes of a rooted labelled tree whose root is the normal cells:

    P(parent) = w^(f - 1) / (K + w)^(K - 1)

with f founders (children of the root) and w = `founder_weight`; with w = 1 all trees are alike (Cayley's
formula; the weights are those of the edges at the root in the weighted matrix-tree theorem).

Presence. In each sample the root is present, and a clone is absent if its parent is; else

    presence[k, s] ~ Bernoulli(present_prob[s])
    present_prob[s] ~ Beta(c m, c (1 - m)),  m = present_prob_mean ~ Uniform(0, 1)

Cells. The normal cells and the n present clones of a sample share all its cells:

    clone_fraction[., s] ~ Dirichlet(a_s, ..., a_s)                  over the n + 1; exactly 0 for all others
    a_s = fraction_concentration[s] ~ LogNormal(log b, sigma),  b = fraction_concentration_median ~ LogNormal

    cellular_prevalence[k, s] = clone_fraction of k and of all its descendants

so that children never sum to more than their parent: there is no other condition on prevalences.

Slots without members have parent -1, presence 0 and fraction 0.
"""

# mypy: allow-untyped-calls, allow-subclassing-any

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor.random.op import RandomVariable

from clonalbayes.kernels.layout import Priors
from clonalbayes.model.compiled import CompiledDraw, OnTensors
from clonalbayes.model.draws import draw_fractions, draw_parents, draw_tree_presence
from clonalbayes.specs import Spec

UNUSED = -1
"""Parent of a slot without members."""


class Tree(NamedTuple):
    """Symbolic parts of the tree, for the reads and for conditions on it."""

    parent: Any  # [slot]
    presence: Any  # [slot, specimen]
    fraction: Any  # [1 + slot, specimen], the normal cells first
    below: Any  # [slot, slot] 1 where the second is the first or its descendant
    prevalence: Any  # [slot, specimen]


class ParentRV(CompiledDraw, RandomVariable):
    """Random variable of `Parent`: sizes of the slots, weight -> parents [slot]."""

    name = "parent"
    signature = "(m),()->(m)"
    dtype = "int64"
    _print_name = ("Parent", "\\operatorname{Parent}")
    core = staticmethod(draw_parents)


class Parent(OnTensors, pm.distributions.distribution.Discrete):
    """Distribution of the parents of slots with members; see the module's docstring."""

    rv_op = ParentRV()

    def support_point(rv: Any, size: Any, sizes: Any, weight: Any) -> Any:  # noqa: N805
        """All clones are founders."""
        return pt.switch(pt.neq(sizes, 0), 0, UNUSED)

    def logp(value: Any, sizes: Any, weight: Any) -> Any:  # noqa: N805
        """Log probability of parents [slot]."""
        used = pt.neq(sizes, 0)
        clones, founders = used.sum(), (used & pt.eq(value, 0)).sum()
        total = (founders - 1.0) * pt.log(weight) - (clones - 1.0) * pt.log(clones + weight)
        total = pt.switch(pt.eq(clones, 0), 0.0, total)
        return pt.switch(is_tree(value, used), total, -np.inf)


def is_tree(parent: Any, used: Any) -> Any:
    """Whether every slot with members leads to the root, and the others say `UNUSED`; a symbolic truth value."""
    slots = used.shape[0]
    kept = pt.clip(parent, 0, slots)
    inside = pt.eq(kept, parent) & pt.concatenate([[True], used])[kept]
    pointer = pt.concatenate([[0], pt.switch(used, kept, 0)])
    for _ in range(rounds_for(used)):
        pointer = pointer[pointer]
    return pt.all(pt.switch(used, inside, pt.eq(parent, UNUSED))) & pt.all(pt.eq(pointer, 0))


def rounds_for(used: Any) -> int:
    """Doublings of a path after which it is as long as the tree is deep at most."""
    slots = used.type.shape[0]
    return math.ceil(math.log2((128 if slots is None else slots) + 1)) + 1


def descendants(parent: Any, used: Any) -> Any:
    """1 where the second slot is the first or its descendant, [slot, slot]; for trees alone."""
    slots = used.shape[0]
    above = pt.eq(pt.arange(slots)[:, None] + 1, pt.switch(used, parent, UNUSED)[None])
    below = pt.cast(above | pt.eye(slots, dtype="bool"), "float64")
    for _ in range(rounds_for(used)):
        below = pt.minimum(pt.dot(below, below), 1.0)
    return below


class TreePresenceRV(CompiledDraw, RandomVariable):
    """Random variable of `TreePresence`: parents, chance by sample -> presence [slot, specimen]."""

    name = "tree_presence"
    signature = "(m),(s)->(m,s)"
    dtype = "int64"
    _print_name = ("TreePresence", "\\operatorname{TreePresence}")
    core = staticmethod(draw_tree_presence)


class TreePresence(OnTensors, pm.distributions.distribution.Discrete):
    """Distribution of presence down a tree; see the module's docstring."""

    rv_op = TreePresenceRV()

    def support_point(rv: Any, size: Any, parent: Any, chance: Any) -> Any:  # noqa: N805
        """All clones are present."""
        return pt.zeros_like(rv) + pt.neq(parent, UNUSED)[:, None]

    def logp(value: Any, parent: Any, chance: Any) -> Any:  # noqa: N805
        """Log probability of presence [slot, specimen]."""
        root = pt.ones((1, value.shape[1]), dtype="int64")
        above = pt.concatenate([root, value])[pt.clip(parent, 0, value.shape[0])]
        free = pt.neq(parent, UNUSED)[:, None] & pt.eq(above, 1)
        coin = pt.switch(pt.eq(value, 1), pt.log(chance), pt.log1p(-chance))
        inside = pt.all((pt.eq(value, 0) | pt.eq(value, 1)) & (free | pt.eq(value, 0)))
        return pt.switch(inside, pt.switch(free, coin, 0.0).sum(), -np.inf)


class CloneFractionRV(CompiledDraw, RandomVariable):
    """Random variable of `CloneFraction`: presence, concentrations -> fractions [1 + slot, specimen]."""

    name = "clone_fraction"
    signature = "(m,s),(s)->(p,s)"
    dtype = "floatX"
    _print_name = ("CloneFraction", "\\operatorname{CloneFraction}")
    core = staticmethod(draw_fractions)

    def _supp_shape_from_params(self, dist_params: Any, param_shapes: Any = None) -> tuple[Any, ...]:
        shape = dist_params[0].shape if param_shapes is None else param_shapes[0]
        return (shape[-2] + 1, shape[-1])


class CloneFraction(OnTensors, pm.distributions.distribution.Continuous):
    """Distribution of the cells over normal cells and present clones; see the module's docstring.

    Its density in a sample is over the fractions of the present clones, whose sum is at most 1.
    """

    rv_op = CloneFractionRV()

    def support_point(rv: Any, size: Any, presence: Any, concentration: Any) -> Any:  # noqa: N805
        """Equal parts."""
        there = with_normal(presence)
        return there / there.sum(axis=0)

    def logp(value: Any, presence: Any, concentration: Any) -> Any:  # noqa: N805
        """Log density of fractions [1 + slot, specimen]."""
        there = pt.eq(with_normal(presence), 1.0)
        n = there.sum(axis=0)
        total = pt.gammaln(n * concentration) - n * pt.gammaln(concentration)
        logs = pt.switch(there, pt.log(pt.switch(there & pt.gt(value, 0.0), value, 1.0)), 0.0)
        total += (concentration - 1.0) * logs.sum(axis=0)
        inside = pt.all(pt.switch(there, pt.gt(value, 0.0), pt.eq(value, 0.0)))
        inside &= pt.all(pt.lt(pt.abs(value.sum(axis=0) - 1.0), 1e-6))
        return pt.switch(inside, pt.switch(pt.eq(n, 1), 0.0, total).sum(), -np.inf)


def with_normal(presence: Any) -> Any:
    """Presence of the normal cells and of the clones, [1 + slot, specimen], as numbers."""
    return pt.concatenate([pt.ones((1, presence.shape[1])), pt.cast(presence, "float64")])


def add_tree(priors: Priors, spec: Spec, sizes: Any) -> Tree:
    """Add the tree, presence and fractions with their priors' parameters to the model of the context.

    Parameters
    ----------
    priors
        For the number of samples.
    spec
        A specification with a tree.
    sizes
        Members of each slot, [slot].

    Returns
    -------
    Tree
    """
    median, spread = (spec.value("fraction_concentration_median", name) for name in ("median", "sigma"))
    samples = len(priors.purity)
    mean = pm.Uniform("present_prob_mean", 0.0, 1.0, default_transform=None)
    centre = pm.LogNormal(
        "fraction_concentration_median", mu=np.log(median), sigma=spread, initval=median, default_transform=None
    )
    strength = spec.value("present_prob", "concentration")
    chance = pm.Beta(
        "present_prob", strength * mean, strength * (1.0 - mean), dims="specimen",
        initval=np.full(samples, 0.5), default_transform=None,
    )  # fmt: skip
    concentration = pm.LogNormal(
        "fraction_concentration", mu=pt.log(centre), sigma=spec.value("fraction_concentration", "sigma"),
        dims="specimen", initval=np.full(samples, median), default_transform=None,
    )  # fmt: skip
    parent = Parent("parent", sizes, spec.constant("founder_weight"), dims="slot")
    presence = TreePresence("presence", parent, chance, dims=("slot", "specimen"))
    fraction = CloneFraction("clone_fraction", presence, concentration, dims=("population", "specimen"))
    used = pt.neq(sizes, 0)
    below = descendants(parent, used)
    prevalence = pt.minimum(pt.dot(below, fraction[1:]), 1.0)
    shown = pt.switch(used[:, None], prevalence, np.nan)
    pm.Deterministic("cellular_prevalence", shown, dims=("slot", "specimen"))
    return Tree(parent, presence, fraction, below, prevalence)
