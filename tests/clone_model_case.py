"""Models of awkward data, points of their posteriors, and the kernels set to such a point."""

from __future__ import annotations

from types import SimpleNamespace

import clone_model_twin as twin
import numpy as np

import clonalbayes
from clonalbayes.kernels import ascertainment, profile, tables
from clonalbayes.steps.clone_step import CloneStep, new_arrays
from clonalbayes.steps.points import to_point, to_state

MODE = "FAST_COMPILE"
CLOSE = 2e-6  # a chance of having been missed below 1e-9 is dropped by kernels and model at different points


def make_case(min_alt):
    """A model of awkward data with its density, and draws from its posterior as points."""
    ds = twin.dataset(min_alt=min_alt)
    model = clonalbayes.build_model(ds)
    block = model["assignment"].tag.clone_block
    step = new_step(model, seed=1)
    point, points = model.initial_point(), []
    for t in range(60):
        point, _ = step.step(point)
        if t >= 20:
            points.append(point)
    return SimpleNamespace(ds=ds, model=model, block=block, points=points, logp=model.compile_logp(mode=MODE))


def new_step(model, seed, tune=20, **options):
    with model:
        step = CloneStep(model.value_vars, **options)
    step.setup_chain(np.random.default_rng(seed), tune, 100)
    return step


def kernels_at(case, point):
    """Kernels' arrays at a point, with every cache rebuilt: data, state, work, terms and the records."""
    arrays = new_arrays(case.block)
    to_state(case.block, point, arrays.state)
    data, state, work, terms = arrays.refs
    tables.build_tables(data, state, work)
    profile.build_tails(data, state, work)
    ascertainment.mark_weak(data, state, work)
    return SimpleNamespace(d=data, s=state, w=work, t=terms, state=arrays.state, work=arrays.work)


def target(case, k):
    """Log density that kernels sample at their present state, by the model."""
    point = to_point(case.block, k.state, np.random.default_rng(0))
    return twin.collapse(point, float(case.logp(point)))
