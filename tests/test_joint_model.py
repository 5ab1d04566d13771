"""The joint model as `pm.Model`: what contexts add to the tree model's density is what the chains say they add."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from joint_case import chain_of, patient
from scipy import stats

from clonalbayes.signatures import joint
from clonalbayes.specs import load

pm = pytest.importorskip("pymc")

from clonalbayes.model import build_model  # noqa: E402
from clonalbayes.steps.tree_step import TreeBlock, tree_to_point  # noqa: E402

MODE = "FAST_COMPILE"


@pytest.fixture(scope="module")
def case():
    """Both models of one patient, and what differs between them along a chain: by PyMC and by the chain."""
    ds, _ = patient(members=6)
    with_contexts, plain = build_model(ds, "joint"), build_model(ds, "tree")
    chain = chain_of(ds, tune=50)
    slots = len(with_contexts.coords["slot"])
    names = tuple(variable.name for variable in plain.free_RVs)
    block = TreeBlock(chain.plan.reads, chain.plan.priors, slots, names)
    logp = [model.compile_logp(mode=MODE, jacobian=False) for model in (with_contexts, plain)]
    rng, gaps, shut = np.random.default_rng(4), [], 0
    for step in range(60):
        chain.step()
        if step < 20 or step % 4:
            continue
        part, state = chain.plan.signatures, chain.state
        point = tree_to_point(block, state)
        more, unused = contexts_point(part, state, slots, rng)
        theirs = float(logp[0](transformed(with_contexts, point | more))) - float(logp[1](transformed(plain, point)))
        ours = chain.rungs[0].log_contexts() + joint.log_prior_exposures(part, state)
        ours += joint.log_prior_profiles(part, state) + unused
        gaps.append(theirs - ours)
        shut += int(part.closed(state.presence[: state.n_clones[0]]).any())
    return SimpleNamespace(model=with_contexts, gaps=np.array(gaps), shut=shut)


def contexts_point(part, state, slots, rng):
    """Values of the contexts' variables, with prior draws where the chain has none; the log density of those."""
    clones, R = int(state.n_clones[0]), len(part.names)
    shape, mean = state.intensity_shape, state.intensity_mean
    intensity = rng.gamma(shape, mean / shape, (slots, R))
    on = (rng.random((slots, R)) < state.use) | part.model.always
    held = state.intensity[state.tag[:clones]]
    on[:clones] = held > 0
    intensity[:clones] = np.where(held > 0, held, intensity[:clones])
    free = np.ones((slots, R), bool)
    free[:clones] = held <= 0
    unused = stats.gamma.logpdf(intensity, shape, scale=mean / shape)[free].sum()
    chance = np.where(part.model.always, 1.0, np.where(on, state.use, 1.0 - state.use))
    unused += np.log(chance[clones:]).sum()
    use = np.where(part.model.always, 0.5, state.use)
    values = {
        "profile_strength": state.strength[0], "weight": state.weight, "intensity_shape": shape,
        "mean_intensity": mean, "use": use, "on": on.astype(int), "intensity": intensity, "spectrum": state.spectrum,
    }  # fmt: skip
    return {name: np.array(value) for name, value in values.items()}, unused


def transformed(model, values):
    """A point of the model's value variables."""
    out = {}
    for variable in model.free_RVs:
        value, transform = model.rvs_to_values[variable], model.rvs_to_transforms[variable]
        given = values[variable.name]
        if transform is not None:
            given = transform.forward(np.asarray(given, float), *variable.owner.inputs).eval()
        out[value.name] = np.asarray(given, value.dtype)
    return out


def test_contexts_add_the_same_density_in_the_model_as_in_the_chains(case):
    assert np.isfinite(case.gaps).all()
    assert np.ptp(case.gaps) < 1e-5  # constants may differ
    assert len(case.gaps) == 10


def test_some_states_have_closed_gates(case):
    assert case.shut > 0


def test_dims_are_named(case):
    dims = case.model.named_vars_to_dims
    assert dims["exposure"] == ("slot", "signature")
    assert dims["profile"] == ("signature", "context")
    assert dims["observed_context"] == ("mutation_in_context",)
    assert list(case.model.coords["component"]) == ["germline", "noise"]


def test_without_contexts_the_joint_model_is_the_tree_model():
    ds, _ = patient(members=3, contexts=False)
    names = {variable.name for variable in build_model(ds, "joint").free_RVs}
    assert names == {variable.name for variable in build_model(ds, "tree").free_RVs}
    assert load("joint").family == "joint"
