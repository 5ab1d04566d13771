"""Chains of the timing model: signatures, rates and node times together, for many trees at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from clonalbayes.signatures import kernels as allocation
from clonalbayes.signatures import moves
from clonalbayes.signatures.settings import Settings
from clonalbayes.signatures.state import Model, State, normalise, strengths
from clonalbayes.timing import kernels
from clonalbayes.timing.calendar import ALWAYS, Course, windows_of
from clonalbayes.timing.state import ROLES, Clock, Trees, combine, depths, shapes, start_times

FORMS = {"strict": 1.0, "relaxed": 0.0, "always": 1.0, "never": 0.0}
"""Form of the clock that is not drawn -> its probability."""

EVERY = 2
"""Sweeps of the times for each division of the mutations among the signatures, which costs as much."""


@dataclass(frozen=True, eq=False)
class TimedDraws:
    """What the chains recorded, for D trees (or chains of one tree) and `draws` draws each.

    Attributes
    ----------
    time
        [D, draw, K] days of the nodes from the origin; NaN where a tree has no such clone.
    rate
        [D, draw, R] mutations per day in the whole genome.
    strict, accelerated, factor
        [D, draw] form of the clock.
    made
        [D, draw, K, R] mutations of each branch made by each signature, of those in the table.
    corrected
        [D, draw, K, R] mutations in the whole genome, with those that the table cannot hold.
    profiles
        [D, draw, R, 96].
    """

    time: np.ndarray
    rate: np.ndarray
    strict: np.ndarray
    accelerated: np.ndarray
    factor: np.ndarray
    made: np.ndarray
    corrected: np.ndarray
    profiles: np.ndarray


def make_trees(
    parent: np.ndarray,
    bound: np.ndarray,
    detected: np.ndarray,
    signatures: tuple[str, ...],
    settings: Settings,
    courses: list[Course],
) -> Trees:
    """State the timing model for trees [D, K], their bounds in days and what is detected of each branch.

    The bound of a clade is no earlier than that of its parent: it is raised where it is.
    """
    role = np.array([ROLES.index(settings.role(name)) for name in signatures], np.int64)
    windows = tuple(
        windows_of(courses, settings.treatments[name]) if settings.role(name) == "treatment" else ALWAYS
        for name in signatures
    )
    limit = np.where(parent >= 0, bound, 1.0).astype(float)
    for _ in range(int(depths(parent).max(initial=0))):
        limit = np.maximum(limit, np.where(parent > 0, start_times(limit, parent), limit))
    return Trees(
        parent=parent,
        bound=limit,
        detected=detected,
        windows=windows,
        leak=np.where(role == ROLES.index("treatment"), settings.constant("rate_leak"), 0.0),
        role=role,
        rate_prior=np.array([settings.prior(f"{name}_rate") for name in ROLES]),
        shape_prior=np.array([settings.prior(f"{name}_shape") for name in ROLES]),
        strict_prior=settings.prior("strict_shape"),
        acceleration_prior=settings.prior("acceleration"),
        p_strict=FORMS.get(settings.block("clock"), settings.constant("p_strict")),
        p_acceleration=FORMS.get(settings.block("acceleration"), settings.constant("p_acceleration")),
    )


def make_model(counts: np.ndarray, reference: np.ndarray, known: np.ndarray, settings: Settings) -> Model:
    """State the signature part for counts [D, K, 96] and references [R, 96], of which some are `known` [R]."""
    R = len(reference)
    return Model(
        counts=counts,
        reference=normalise(reference),
        learned=known,
        strength=np.full(R, settings.constant("denovo_strength")),
        always=np.ones(R, bool),
        closed=np.zeros((counts.shape[1], R), bool),
        use_prior=np.ones((2, R)),
        strength_prior=settings.prior("profile_strength"),
        by_branch=False,
    )


type Given = tuple[np.ndarray, np.ndarray]
"""Numbers of mutations [D, K, R] and profiles [D, R, 96] to start from."""


def start(
    trees: Trees, model: Model, rng: np.random.Generator, given: Given | None = None
) -> tuple[Clock, State]:
    """Draw a start: node times between parent and bound, rates from the number of mutations.

    Signatures start as `given`, or from their references in random shares.
    """
    D, K = trees.parent.shape
    R = len(model.reference)
    time, deep = np.zeros((D, K)), depths(trees.parent)
    share = rng.uniform(0.2, 0.8, (D, K))
    for level in range(1, int(deep.max(initial=0)) + 1):
        begin = start_times(time, trees.parent)
        time = np.where(deep == level, begin + share * (trees.bound - begin), time)
    counts = np.broadcast_to(model.counts, (D, K, model.counts.shape[2])).sum((1, 2))
    length = np.where(trees.used, time - start_times(time, trees.parent), 0.0).sum(1)
    rate = np.maximum(counts / np.maximum(length, 1.0), 1e-3)[:, None] / R * np.exp(rng.normal(0, 0.5, (D, R)))
    clock = Clock(
        time=time,
        rate=rate,
        shape=np.broadcast_to(trees.shape_prior[:, 0], (D, 3)).copy(),
        factor=np.full(D, trees.acceleration_prior[0]),
        strict=np.zeros(D, bool),
        accelerated=np.asarray(rng.random(D) < trees.p_acceleration),
    )
    spread = np.where(model.learned, 30.0, np.maximum(model.strength, 0.5))[:, None]
    g = np.maximum(rng.gamma(spread, model.reference / spread, (D, *model.reference.shape)), 1e-12)
    theta = rng.gamma(5.0, 1.0, (D, K, R))
    if given is not None:
        theta, g = given[0] + 0.5, np.maximum(given[1], 1e-12)
    theta = np.where(trees.used[:, :, None], theta, 0.0)
    state = State(
        theta=theta, g=g, strength=np.full(D, model.strength_prior[0]), mean=np.ones((D, K, R)),
        shape=np.ones((D, R)), use=np.ones((D, R)), size=np.ones((D, K)),
    )  # fmt: skip
    return clock, state


def sweep(
    clock: Clock, state: State, trees: Trees, model: Model, rng: np.random.Generator, *, divide: bool = True
) -> None:
    """Update times, rates and intensities once; with `divide` also the allocation and the profiles."""
    if divide:
        allocation.allocate(state, model, rng)
        allocation.draw_profiles(state, model, rng, by_slice=False)
        kernels.rescale_profiles(clock, trees, state, strengths(model, state.strength), model.reference, rng)
    kernels.sweep(clock, trees, state, rng)
    combine(clock, trees, state)
    state.shape = shapes(clock, trees)
    allocation.draw_theta(state, model, rng)
    if divide and len(trees.role) > 1:
        a, b = rng.permutation(len(trees.role))[:2]
        moves.shear(state, model, int(a), int(b), rng)


def sample(
    counts: np.ndarray,
    trees: Trees,
    reference: np.ndarray,
    known: np.ndarray,
    settings: Settings,
    *,
    tune: int,
    draws: int,
    thin: int = 1,
    seed: int | np.random.SeedSequence = 0,
    given: Given | None = None,
) -> TimedDraws:
    """Run one chain per tree.

    Parameters
    ----------
    counts
        [D, K, 96] mutations by tree, branch and context.
    trees
        From `make_trees`.
    reference, known
        [R, 96] and [R]: means of the profiles' priors, and which of them are references.
    settings
        Priors.
    tune, draws, thin
        Sweeps before the first draw, draws kept, sweeps per draw.
    seed
        Of the random numbers.
    given
        Where the signatures start, if it is known.

    Returns
    -------
    TimedDraws
    """
    rng = np.random.default_rng(seed)
    model = make_model(counts, reference, known, settings)
    clock, state = start(trees, model, rng, given)
    kept: dict[str, list[Any]] = {
        name: [] for name in ("time", "rate", "strict", "accelerated", "factor", "made", "corrected", "profiles")
    }
    for i in range(tune + draws * thin):
        power = min(1.0, 0.02 * 50.0 ** (i / (0.4 * tune))) if i < 0.4 * tune else 1.0
        warm = replace(trees, power=power) if power < 1.0 else trees
        sweep(clock, state, warm, model, rng, divide=i % EVERY == 0)
        if i >= tune and (i - tune) % thin == 0:
            _record(kept, clock, state, trees, rng)
    return TimedDraws(**{name: np.stack(values, 1) for name, values in kept.items()})


def _record(kept: dict[str, list[Any]], clock: Clock, state: State, trees: Trees, rng: np.random.Generator) -> None:
    """Keep one draw. What the table cannot hold is drawn given the intensities."""
    weight = state.theta * state.g.sum(-1)[:, None, :]
    seen = np.maximum(trees.detected, 1e-6)[:, :, None]
    hidden = rng.poisson(np.minimum(weight * (1.0 - seen) / seen, 1e9))
    kept["time"].append(np.where(trees.used, clock.time, np.nan))
    kept["rate"].append(clock.rate * state.g.sum(-1))
    kept["strict"].append(clock.strict.copy())
    kept["accelerated"].append(clock.accelerated.copy())
    kept["factor"].append(np.where(clock.accelerated, clock.factor, 1.0))
    kept["made"].append(state.by_branch.astype(np.int32))
    kept["corrected"].append((state.by_branch + hidden).astype(np.int32))
    kept["profiles"].append(state.profiles())
