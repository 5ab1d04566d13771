"""Chains of the signature model: from counts and references to draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from clonalbayes.signatures import kernels, moves
from clonalbayes.signatures.contexts import CONTEXTS
from clonalbayes.signatures.settings import Settings
from clonalbayes.signatures.state import Model, State, normalise

TOGGLES = 4
"""Signatures whose presence is redrawn in a sweep."""

DE_NOVO = "new"
"""Name of de novo signatures: new1, new2, ..."""


@dataclass(frozen=True, eq=False)
class Draws:
    """What the chains recorded.

    Attributes
    ----------
    branches, signatures
        Names; de novo signatures come last.
    reference
        [R, 96] means of the profiles' priors.
    known
        [R] whether the signature has a reference.
    counts
        [K, 96] what was given.
    exposures
        [chain, draw, K, R] shares of each branch's mutations; NaN where a draw lacks the branch.
    profiles
        [chain, draw, R, 96].
    allocated
        [chain, draw, K, R] mutations of each branch made by each signature.
    strength
        [chain, draw] learned strength of the profiles.
    prior_on
        [K, R] prior probability that a signature is on in a branch.
    """

    branches: tuple[str, ...]
    signatures: tuple[str, ...]
    reference: np.ndarray
    known: np.ndarray
    counts: np.ndarray
    exposures: np.ndarray
    profiles: np.ndarray
    allocated: np.ndarray
    strength: np.ndarray
    prior_on: np.ndarray


def make_model(
    counts: np.ndarray,
    reference: np.ndarray,
    roles: list[str],
    settings: Settings,
    *,
    denovo: int,
    closed: np.ndarray | None = None,
    by_branch: bool = True,
) -> Model:
    """State the model for counts [D, K, 96] (or [K, 96]) and references [R, 96] with their roles [R]."""
    known, R = len(roles), len(roles) + denovo
    profiles = np.vstack([reference.reshape(known, len(CONTEXTS)), np.full((denovo, len(CONTEXTS)), 1 / len(CONTEXTS))])
    treatment, other = settings.prior("use_treatment"), settings.prior("use_other")
    if not known:  # nothing else could explain the mutations
        other = (1.0, 1.0)
    given = closed is not None  # a treatment's signature is a candidate like any other until it is said to be given
    use = [treatment if role == "treatment" and given else other for role in [*roles, *["other"] * denovo]]
    gate = np.zeros((counts.shape[-2], R), bool)
    if closed is not None:
        gate[:, :known] = closed
    return Model(
        counts=np.atleast_3d(counts) if counts.ndim == 3 else counts[None],
        reference=normalise(profiles),
        learned=np.arange(R) < known,
        strength=np.full(R, settings.constant("denovo_strength")),
        always=np.array([role == "clock" for role in roles] + [False] * denovo, bool),
        closed=gate,
        use_prior=np.array(use).T,
        leak=max(settings.constant("gate_leak"), 1e-9),
        strength_prior=settings.prior("profile_strength"),
        mean_prior=settings.prior("mean_intensity"),
        shape_prior=settings.prior("intensity_shape"),
        by_branch=by_branch,
    )


def start(model: Model, chains: int, rng: np.random.Generator) -> State:
    """Draw a start that is spread out: profiles near their references, all signatures on in random shares."""
    K, R = model.counts.shape[1], len(model.reference)
    spread = np.where(model.learned, 30.0, np.maximum(model.strength, 0.5))[:, None]
    g = rng.gamma(spread, model.reference / spread, (chains, *model.reference.shape))
    return State(
        theta=rng.gamma(1.0, 1.0, (chains, K, R)),
        g=np.maximum(g, 1e-12),
        strength=model.strength_prior[0] * np.exp(rng.normal(0, 0.5, chains)),
        mean=np.full((chains, 1, R), model.mean_prior[0]),
        shape=np.full((chains, R), model.shape_prior[0]),
        use=np.where(model.always, 1.0, 0.5) * np.ones((chains, R)),
        size=np.ones((chains, K)),
    )


def sweep(state: State, model: Model, rng: np.random.Generator) -> None:
    """Update everything once; each part leaves the posterior as it is."""
    kernels.allocate(state, model, rng)
    kernels.draw_size(state, model, rng)
    kernels.draw_profiles(state, model, rng)
    kernels.draw_hyper(state, model, rng)
    kernels.draw_theta(state, model, rng)
    R = state.theta.shape[2]
    for r in rng.permutation(R)[:TOGGLES]:
        moves.toggle(state, model, int(r), rng)
    kernels.draw_use(state, model, rng)
    kernels.rescale(state, model, rng)
    shear_pairs(state, model, rng)


def shear_pairs(state: State, model: Model, rng: np.random.Generator) -> None:
    """Shear a pair of signatures that are on somewhere; without references all pairs of a permutation."""
    on = np.flatnonzero((state.theta > 0).any((0, 1)))
    order = rng.permutation(on)
    count = 1 if model.learned.any() else len(order)
    for i in range(min(count, len(order) * (len(order) > 1))):
        moves.shear(state, model, int(order[i]), int(order[(i + 1) % len(order)]), rng)


def sample(
    counts: np.ndarray,
    names: tuple[str, ...],
    reference: np.ndarray,
    signatures: tuple[str, ...],
    settings: Settings,
    *,
    denovo: int | None = None,
    closed: np.ndarray | None = None,
    seed: int | np.random.SeedSequence = 0,
    schedule: dict[str, int] | None = None,
) -> Draws:
    """Run the chains.

    Parameters
    ----------
    counts
        [K, 96] mutations by branch and context.
    names
        [K] branches.
    reference, signatures
        [R, 96] and [R] profiles and their names; none for a decomposition without any prior.
    settings
        Priors and roles.
    denovo
        De novo signatures offered; by default the settings' number, or five if there is no reference.
    closed
        [K, R] gates that are closed.
    seed
        Of the random numbers.
    schedule
        chains, tune, draws in place of the settings'.

    Returns
    -------
    Draws
    """
    fresh = (int(settings.constant("denovo")) if len(signatures) else 5) if denovo is None else denovo
    roles = [settings.role(name) for name in signatures]
    model = make_model(counts, reference, roles, settings, denovo=fresh, closed=closed)
    plan = dict(settings.schedule) | (schedule or {})
    rng = np.random.default_rng(seed)
    state = start(model, plan["chains"], rng)
    kept: dict[str, list[Any]] = {name: [] for name in ("exposures", "profiles", "allocated", "strength")}
    for i in range(plan["tune"] + plan["draws"]):
        sweep(state, model, rng)
        if i >= plan["tune"]:
            kept["exposures"].append(state.exposures())
            kept["profiles"].append(state.profiles())
            kept["allocated"].append(state.by_branch)
            kept["strength"].append(state.strength)
    arrays = {name: np.stack(values, 1) for name, values in kept.items()}
    a, b = model.use_prior
    prior_on = np.where(model.always, 1.0, np.where(model.closed, model.leak, a / (a + b)))
    return Draws(
        branches=names,
        signatures=(*signatures, *(f"{DE_NOVO}{i + 1}" for i in range(fresh))),
        reference=model.reference,
        known=model.learned,
        counts=counts,
        prior_on=prior_on,
        **arrays,
    )
