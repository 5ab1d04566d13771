"""Geweke's joint-distribution test of the tree's sweep with contexts: exposures, profiles and spectra with the rest.

Forward: clones and tree as in `tree_joint`, the signature part from its prior given presence, contexts given all.
Backward: one sweep of the tree model and one draw of the signature part, then new reads and contexts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from exact import GERMLINE, NOISE
from joint import Layout
from tree_fixtures import TreeChain
from tree_joint import TREE

from clonalbayes.kernels import refs, state
from clonalbayes.kernels.layout import NO_CONTEXT
from clonalbayes.signatures import joint
from clonalbayes.signatures.joint import Signatures
from clonalbayes.signatures.sampler import make_model
from clonalbayes.signatures.settings import load

NAMES, ROLES = ("clock", "drug", "other"), ["clock", "treatment", "other"]
FIRST_HALF = np.arange(NO_CONTEXT) < NO_CONTEXT // 2
REFERENCE = np.array([np.where(FIRST_HALF, 3.0, 1.0), np.where(FIRST_HALF, 0.2, 3.0), np.ones(NO_CONTEXT)])
MISSING = 3
"""A mutation without a context."""

type Update = Callable[[Signatures, Any, Any, np.random.Generator], None]


def signatures_of(n: int) -> Signatures:
    """The signature part of n mutations: a gate on the drug in the first sample, which is the earlier one."""
    reference = REFERENCE / REFERENCE.sum(1, keepdims=True)
    empty, closed = np.zeros((0, NO_CONTEXT), np.int64), np.zeros((0, len(NAMES)), bool)
    model = make_model(empty, reference, ROLES, load("signatures"), denovo=0, closed=closed)
    context = np.full(n, NO_CONTEXT)
    begins = np.array([-np.inf, 1.0, -np.inf])
    return Signatures(NAMES, model, context, np.array([0.0, 5.0]), begins, 1.0)


def draw_signatures(part: Signatures, s: state.State, rng: np.random.Generator) -> None:
    """The signature part from its prior, given the clones' presence."""
    model, R = part.model, len(part.names)
    s.strength[0] = np.exp(rng.normal(np.log(model.strength_prior[0]), model.strength_prior[1]))
    s.intensity_mean[:] = np.exp(rng.normal(np.log(model.mean_prior[0]), model.mean_prior[1], R))
    s.intensity_shape[:] = np.exp(rng.normal(np.log(model.shape_prior[0]), model.shape_prior[1], R))
    s.use[:] = np.where(model.always, 1.0, rng.beta(*model.use_prior))
    s.weight[:] = np.maximum(rng.gamma(s.strength[0], model.reference / s.strength[0]), 1e-300)
    clones = int(s.n_clones[0])
    chance = np.where(part.closed(s.presence[:clones]), model.leak, s.use)
    on = (rng.random((clones, R)) < chance) | model.always
    theta = rng.gamma(s.intensity_shape, s.intensity_mean / s.intensity_shape, (clones, R))
    joint.draw_free(part, s, rng)
    s.intensity[s.tag[:clones]] = np.where(on, np.maximum(theta, 1e-300), 0.0)
    s.spectrum[:] = rng.dirichlet(np.ones(NO_CONTEXT), 2)


def draw_contexts(part: Signatures, s: state.State, rng: np.random.Generator) -> None:
    """Contexts of all mutations given the state, into `part`."""
    rate = s.intensity[s.tag[: int(s.n_clones[0])]] @ s.weight
    for i, label in enumerate(s.z):
        p = rate[label] if label >= 0 else s.spectrum[{GERMLINE: 0, NOISE: 1}[int(label)]]
        part.context[i] = rng.choice(NO_CONTEXT, p=p / p.sum())
    part.context[MISSING] = NO_CONTEXT


def signature_values(part: Signatures, s: state.State) -> dict[str, float]:
    """Functions of the signature part of a state that do not depend on the clones' labels."""
    clones = int(s.n_clones[0])
    share, on = joint.exposures(s), s.intensity[s.tag[:clones]] > 0
    inside = s.z >= 0
    of = share[s.z[inside]] if clones else np.zeros((0, len(NAMES)))
    early = s.presence[:clones, 0] != 0
    row = int(s.z[0])
    values = {
        "log strength": float(np.log(s.strength[0])), "drug's use": float(s.use[1]), "other's use": float(s.use[2]),
        "drug's share of mutations": float(of[:, 1].sum()), "other's share of mutations": float(of[:, 2].sum()),
        "clones with drug": float(on[:, 1].sum()), "clones with other": float(on[:, 2].sum()),
        "clones with drug in the first sample": float((on[:, 1] & early).sum()),
        "clones without drug in the first sample": float((~on[:, 1] & early).sum()),
        "spectrum of noise": float(s.spectrum[1, ~FIRST_HALF].sum()),
        "profile of drug": float(s.weight[1, FIRST_HALF].sum() / s.weight[1].sum()),
        "first one's drug": float(share[row, 1]) if row >= 0 else 0.0,
    }  # fmt: skip
    for r, name in enumerate(NAMES):
        values[f"log mean of {name}"] = float(np.log(s.intensity_mean[r]))
        values[f"log shape of {name}"] = float(np.log(s.intensity_shape[r]))
    return values


def functionals(part: Signatures, s: state.State, alt: np.ndarray) -> dict[str, float]:
    """Of the tree, and label-free ones of the signature part and of contexts."""
    share, inside = joint.exposures(s), s.z >= 0
    of = share[s.z[inside]] if len(share) else np.zeros((0, len(NAMES)))
    late = (part.context >= NO_CONTEXT // 2) & (part.context < NO_CONTEXT)
    values = signature_values(part, s) | {
        "late contexts": float(late.sum()), "late contexts in clones": float((late & inside).sum()),
        "late contexts by drug": float((late[inside] * of[:, 1]).sum()),
        "late contexts of noise": float((late & (s.z == NOISE)).sum()),
        "spectrum of germline by contexts": float(s.spectrum[0, ~FIRST_HALF].sum() * (late & (s.z == GERMLINE)).sum()),
    }  # fmt: skip
    values |= {f"{name} squared": value * value for name, value in values.items()}
    return TREE.functionals(s, alt) | values


def new_chain(layout: Layout, capacity: int = 12) -> tuple[TreeChain, Signatures]:
    """A chain with room for exposures, and its signature part."""
    chain = TREE.new_chain(layout, capacity)
    s = chain.state
    bigger = state.new_state(layout.reads.data, capacity, len(NAMES))
    more = {name: getattr(bigger, name) for name in ("tag", "intensity", "weight", "strength", "intensity_mean",
                                                     "intensity_shape", "use", "spectrum")}  # fmt: skip
    return TreeChain(layout.reads, chain.priors, s._replace(**more)), signatures_of(len(s.z))


def attach(chain: TreeChain, part: Signatures, reads: Any) -> Any:
    """Give a chain new reads and the contexts of `part`; its scratch space."""
    reads.data.context[:] = part.context
    chain.attach(reads)
    work = state.new_work(reads.data, len(chain.state.tag), True, part.dated)
    chain.w = refs.refer_work(work)
    joint.refresh(part, chain.state, work)
    return work


def forward(layout: Layout, draws: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Functionals of independent draws from the joint distribution."""
    chain, part = new_chain(layout)
    rows = []
    for _ in range(draws):
        TREE.draw_prior(layout, chain.state, rng)
        draw_signatures(part, chain.state, rng)
        draw_contexts(part, chain.state, rng)
        rows.append(functionals(part, chain.state, TREE.draw_counts(layout, chain.state, rng)))
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def backward(
    layout: Layout, kernels: Any, draws: int, rng: np.random.Generator, update: Update = joint.update
) -> dict[str, np.ndarray]:
    """Functionals along the chain of sweeps, draws of the signature part, and new reads and contexts."""
    chain, part = new_chain(layout)
    TREE.draw_prior(layout, chain.state, rng)
    draw_signatures(part, chain.state, rng)
    rows = []
    for _ in range(draws):
        alt = TREE.draw_counts(layout, chain.state, rng)
        draw_contexts(part, chain.state, rng)
        work = attach(chain, part, layout.with_counts(alt))
        update(part, chain.state, work, rng)
        kernels.sweep_joint(
            chain.d, chain.s, chain.w, chain.t, chain.grove, TREE.priors, chain.offer, 6, 4, 0, rng
        )
        rows.append(functionals(part, chain.state, alt))
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}
