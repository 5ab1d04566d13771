"""The timing model of one tree as a `pm.Model`.

Node times are uniform between the parent's node and the clade's first sample, `t = t_parent + u (bound -
t_parent)`; intensities are Gamma around rate times active time; counts are Poisson. The variables are those of
`clonalbayes.timing.state`:

===============  ===================  ==============================================================
variable         dims                 prior
===============  ===================  ==============================================================
position         clone                Uniform(0, 1)
rate             signature            LogNormal by role
strict           ()                   Bernoulli
clock_shape      ()                   LogNormal, of a strict clock or of a relaxed one
treatment_shape  ()                   LogNormal
other_shape      ()                   LogNormal
factor           ()                   LogNormal
accelerated      ()                   Bernoulli
intensity        clone, signature     Gamma
counts           clone, context       (observed) Poisson
node_time        clone                deterministic, days from the origin
===============  ===================  ==============================================================

and the profiles of `clonalbayes.model.signatures`.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from clonalbayes.model.signatures import add_profiles, log_normal
from clonalbayes.signatures.contexts import CONTEXTS
from clonalbayes.signatures.settings import Settings, load
from clonalbayes.signatures.state import normalise
from clonalbayes.timing.calendar import ALWAYS
from clonalbayes.timing.state import CLOCK, LEAST, ROLES, Trees, depths


def build_timing_model(
    counts: np.ndarray,
    trees: Trees,
    clones: tuple[str, ...],
    reference: np.ndarray,
    names: tuple[str, ...],
    settings: Settings | str = "timing",
) -> pm.Model:
    """State the joint density of the counts of one dated tree.

    Parameters
    ----------
    counts
        [K, 96] mutations by clone and context.
    trees
        From `clonalbayes.timing.sampler.make_trees`, with one tree.
    clones, names
        [K] clones and [R] signatures.
    reference
        [R, 96] reference profiles.
    settings
        Priors.

    Returns
    -------
    pymc.Model
        With coords clone, signature and context.

    Raises
    ------
    ValueError
        If there is more than one tree.
    """
    if len(trees.parent) != 1:
        raise ValueError("the model is of one tree")
    settings = load(settings, "timing")
    coords = {"clone": list(clones), "signature": list(names), "context": list(CONTEXTS)}
    with pm.Model(coords=coords) as model:
        weight = add_profiles(normalise(reference), settings)
        begin, end = _add_times(trees)
        priors = trees.rate_prior[trees.role].T
        rate = log_normal("rate", (priors[0], priors[1]), dims="signature")
        shape = _add_shapes(trees)
        factor = log_normal("factor", trees.acceleration_prior)
        accelerated = pm.Bernoulli("accelerated", p=trees.p_acceleration)
        fast = pt.switch((trees.parent[0] > 0) * accelerated, factor, 1.0)
        clocked = pt.switch(trees.role == CLOCK, fast[:, None], 1.0)
        mean = rate * pt.maximum(_active(begin, end, trees), LEAST) * clocked
        intensity = pm.Gamma("intensity", alpha=shape, beta=shape / mean, dims=("clone", "signature"))
        expected = trees.detected[0][:, None] * pt.dot(intensity, weight)
        pm.Poisson("counts", mu=expected, observed=counts, dims=("clone", "context"))
    return model


def _add_times(trees: Trees) -> tuple[Any, Any]:
    """Add positions and node times; returns where the branches begin and end."""
    K = trees.parent.shape[1]
    position = pm.Uniform("position", 0.0, 1.0, dims="clone")
    begin: list[Any] = [None] * K
    end: list[Any] = [None] * K
    for k in np.argsort(depths(trees.parent)[0], kind="stable"):
        above = int(trees.parent[0, k])
        begin[k] = end[above - 1] if above else pt.as_tensor_variable(0.0)
        end[k] = begin[k] + position[int(k)] * (float(trees.bound[0, k]) - begin[k])
    pm.Deterministic("node_time", pt.stack(end), dims="clone")
    return pt.stack(begin), pt.stack(end)


def _add_shapes(trees: Trees) -> Any:
    """Add the shapes by role and whether the clock is strict; returns the shape of every signature."""
    strict = pm.Bernoulli("strict", p=trees.p_strict)
    relaxed_median, relaxed_sigma = trees.shape_prior[CLOCK]
    median = pt.switch(strict, trees.strict_prior[0], relaxed_median)
    sigma = pt.switch(strict, trees.strict_prior[1], relaxed_sigma)
    shapes = [pm.LogNormal("clock_shape", mu=pt.log(median), sigma=sigma)]
    for role in (1, 2):
        pair = trees.shape_prior[role]
        shapes.append(log_normal(f"{ROLES[role]}_shape", (float(pair[0]), float(pair[1]))))
    return pt.stack(shapes)[trees.role]


def _active(begin: Any, end: Any, trees: Trees) -> Any:
    """Days for which every process was on along every branch, symbolically."""
    columns = []
    for spans, leak in zip(trees.windows, trees.leak, strict=True):
        inside = end - begin
        if spans is not ALWAYS:
            parts = [pt.maximum(pt.minimum(end, last) - pt.maximum(begin, first), 0.0) for first, last in spans]
            inside = sum(parts, start=pt.zeros_like(end))
        columns.append(inside + leak * (end - begin - inside))
    return pt.stack(columns, axis=1)
