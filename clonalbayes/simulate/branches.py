"""Branches of a known tree with their signatures and dates, drawn from the timing model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from clonalbayes.data.treatments import Treatment
from clonalbayes.signatures.settings import Settings
from clonalbayes.signatures.state import normalise
from clonalbayes.timing.calendar import courses_of
from clonalbayes.timing.sampler import make_trees
from clonalbayes.timing.state import CLOCK, Clock, Trees, depths, means, shapes, start_times


@dataclass(frozen=True, eq=False)
class Branches:
    """A simulated tree with dates.

    Attributes
    ----------
    counts
        [K, 96] mutations in the table.
    made
        [K, R] of them by signature.
    profiles
        [R, 96] true profiles.
    trees
        The model with one tree.
    clock
        The true times, rates and form of the clock (leading axis of one).
    strength
        True strength of the profiles.
    rate
        [R] true mutations per day of each process, as fits report them.
    """

    counts: np.ndarray
    made: np.ndarray
    profiles: np.ndarray
    trees: Trees
    clock: Clock
    strength: float
    rate: np.ndarray


def simulate_branches(
    parent: Sequence[int],
    bound: Sequence[float],
    signatures: tuple[str, ...],
    reference: np.ndarray,
    settings: Settings,
    treatments: Sequence[Treatment],
    origin: str,
    *,
    detected: float = 1.0,
    seed: int | np.random.SeedSequence = 0,
    time: np.ndarray | None = None,
    **given: float | np.ndarray,
) -> Branches:
    """Draw times, rates, intensities, profiles and counts from the model.

    Parameters
    ----------
    parent, bound
        [K] parent of each clone (from 1, 0 = the root) and the day on which its clade was first sampled.
    signatures, reference
        [R] names and [R, 96] reference profiles.
    settings, treatments, origin
        As for a fit.
    detected
        Share of every branch's mutations that are in the table.
    seed
        Of the random numbers.
    time
        [K] node times, if they are not to be drawn.
    **given
        Values of `Clock` (rate, shape, factor, strict, accelerated) or `strength` in place of drawn ones.

    Returns
    -------
    Branches
    """
    rng = np.random.default_rng(seed)
    K = len(parent)
    trees = make_trees(
        np.array([parent]), np.array([bound], float), np.full((1, K), detected), signatures, settings,
        courses_of(treatments, origin),
    )  # fmt: skip
    median, sigma = settings.prior("profile_strength")
    strength = float(given.pop("strength", median * np.exp(sigma * rng.standard_normal())))
    clock = draw_clock(trees, rng)
    clock = replace(
        clock, **{name: np.broadcast_to(value, getattr(clock, name).shape).copy() for name, value in given.items()}
    )
    if time is not None:
        clock.time = np.array([time], float)
    mean, shape = means(clock, trees), shapes(clock, trees)[:, None, :]
    theta = (rng.gamma(np.broadcast_to(shape, mean.shape)) / shape * mean)[0]
    base = normalise(reference)
    g = rng.gamma(strength, base / strength)
    table = rng.poisson(detected * theta[:, :, None] * g)
    return Branches(
        table.sum(1), table.sum(2), g / g.sum(1, keepdims=True), trees, clock, strength, clock.rate[0] * g.sum(1)
    )


def draw_clock(trees: Trees, rng: np.random.Generator) -> Clock:
    """Draw node times, rates and the form of the clock from the prior, for one tree."""
    deep = depths(trees.parent)
    time = np.zeros(trees.parent.shape)
    for level in range(1, int(deep.max()) + 1):
        begin = start_times(time, trees.parent)
        time = np.where(deep == level, rng.uniform(begin, np.maximum(trees.bound, begin)), time)
    rates, spread = trees.rate_prior[trees.role].T, trees.shape_prior.T
    median, sigma = trees.acceleration_prior
    strict = rng.random() < trees.p_strict
    shape = spread[0] * np.exp(spread[1] * rng.standard_normal(3))
    if strict:
        shape[CLOCK] = trees.strict_prior[0] * np.exp(trees.strict_prior[1] * rng.standard_normal())
    return Clock(
        time=time,
        rate=(rates[0] * np.exp(rates[1] * rng.standard_normal(len(trees.role))))[None],
        shape=shape[None],
        factor=np.array([median * np.exp(sigma * rng.standard_normal())]),
        strict=np.array([strict]),
        accelerated=np.array([rng.random() < trees.p_acceleration]),
    )


def scale_clock(branches: Branches, below: int, factor: float) -> np.ndarray:
    """Return the clock's expected mutations [K] with rates multiplied in the subtree below a clone (from 1)."""
    trees, clock = branches.trees, branches.clock
    inside = np.zeros(trees.parent.shape[1] + 1, bool)
    inside[below] = True
    for _ in range(trees.parent.shape[1]):
        inside[1:] |= inside[np.maximum(trees.parent[0], 0)] & (trees.parent[0] > 0)
    expected = means(clock, trees)[0][:, trees.role == CLOCK].sum(1)
    out: np.ndarray = expected * np.where(inside[1:], factor, 1.0)
    return out
