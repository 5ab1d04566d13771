"""Exact updates of node times, rates and the form of the clock, with the intensities integrated out.

Given the mutations of each branch and signature, counts are negative binomial around rate times active time.
State in, state out, randomness passed in; all trees at once.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import gammaln

from clonalbayes.signatures.kernels import Generator, slice_within, walk
from clonalbayes.signatures.state import State
from clonalbayes.timing.state import (
    CLOCK,
    ROLES,
    Clock,
    Trees,
    log_prior_times,
    means,
    shapes,
)

STEPS = ((1.5, 0.5, 1.5, 0.5, 1.5), (1.5, 0.5), (1.5, 0.5))
"""Steps of the log shapes by role. The clocks' has two modes, strict and relaxed, and needs more of them."""

PROPOSALS = 12
"""Proposals of a slice at most: all nodes wait for the last one."""


def log_counts(clock: Clock, trees: Trees, x: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Log probability [D, K, R] of allocated counts, intensities integrated out (negative binomial).

    Parameters
    ----------
    clock, trees
        State and model.
    x
        [D, K, R] mutations.
    reach
        [D, K, R] mutations expected per unit of intensity: what is detected times the profile's sum.
    """
    shape = shapes(clock, trees)[:, None, :]
    return log_means(clock, trees, x, reach) + trees.power * np.where(
        trees.used[:, :, None], gammaln(shape + x) - gammaln(shape), 0.0
    )


def log_means(clock: Clock, trees: Trees, x: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Return the terms of `log_counts` that depend on times and rates."""
    shape = shapes(clock, trees)[:, None, :]
    ratio = reach * means(clock, trees) / shape
    terms = x * np.log(ratio) - (shape + x) * np.log1p(ratio)
    return trees.power * np.where(trees.used[:, :, None], terms, 0.0)


def draw_times(clock: Clock, trees: Trees, x: np.ndarray, reach: np.ndarray, rng: Generator) -> None:
    """Slice-sample every node's time between its parent's node and its bound or its first child.

    Nodes of even depth depend on each other only through those of odd depth: each half moves at once.
    """
    D, K = clock.time.shape
    for half in rng.permutation(2):
        mine = trees.used & (trees.deep % 2 == half)
        begin = trees.begin(clock.time)
        first = np.full(D * (K + 1), np.inf)
        np.minimum.at(first, trees.above.ravel(), np.where(trees.below, clock.time, np.inf).ravel())
        high = np.minimum(trees.bound, first.reshape(D, K + 1)[:, 1:])
        kept = clock.time

        def target(proposal: np.ndarray, mine: np.ndarray = mine, kept: np.ndarray = kept) -> np.ndarray:
            moved = replace(clock, time=np.where(mine, proposal, kept))
            own = log_means(moved, trees, x, reach).sum(-1) + log_prior_times(moved.time, trees)
            return trees.add_children(own)

        low, high = np.where(mine, begin, clock.time), np.where(mine, high, clock.time)
        moved = slice_within(clock.time, low, high, target, rng, PROPOSALS)
        clock.time = np.where(mine, moved, clock.time)


def shift_subtrees(clock: Clock, trees: Trees, x: np.ndarray, reach: np.ndarray, rng: Generator) -> None:
    """Slice-sample a shift of each node of one depth together with everything below it.

    Branches within the subtree keep their lengths: only the branch above it becomes longer or shorter, which
    moves what single nodes cannot.
    """
    within = trees.over | np.eye(trees.deep.shape[1], dtype=bool)
    mine = trees.used & (trees.deep == rng.integers(1, trees.deep.max(initial=1) + 1))
    begin = trees.begin(clock.time)
    room = np.where(trees.used, trees.bound - clock.time, np.inf)
    high = np.where(within, room[:, None, :], np.inf).min(2)
    member = within & mine[:, :, None]
    kept = clock.time

    def target(shift: np.ndarray) -> np.ndarray:
        time = kept + np.einsum("djk,dj->dk", member, shift)
        moved = replace(clock, time=time)
        own = log_means(moved, trees, x, reach).sum(-1) + log_prior_times(time, trees)
        out: np.ndarray = np.where(within, own[:, None, :], 0.0).sum(2)
        return out

    low = np.where(mine, begin - kept, 0.0)
    high = np.where(mine, np.maximum(high, 0.0), 0.0)
    shift = slice_within(np.zeros(kept.shape), low, high, target, rng, PROPOSALS)
    clock.time = kept + np.einsum("djk,dj->dk", member, np.where(mine, shift, 0.0))


def _log_normal(log: np.ndarray, prior: np.ndarray | tuple[float, float]) -> np.ndarray:
    """Log density of a normal around the log of the prior's median, up to a constant."""
    out: np.ndarray = -0.5 * ((log - np.log(prior[0])) / prior[1]) ** 2
    return out


class Point:
    """A state with its log density, for Metropolis steps one after the other.

    Parameters
    ----------
    clock, trees, x, reach
        As for `log_counts`; the clock is changed in place.
    """

    def __init__(self, clock: Clock, trees: Trees, x: np.ndarray, reach: np.ndarray) -> None:
        self.clock, self.trees, self.x, self.reach = clock, trees, x, reach
        self.value = self.log_joint(clock)

    def log_joint(self, clock: Clock) -> np.ndarray:
        """Log density [D] of times, log rates and log factor, up to what does not depend on them."""
        trees = self.trees
        return (
            log_means(clock, trees, self.x, self.reach).sum((1, 2))
            + log_prior_times(clock.time, trees).sum(1)
            + _log_normal(np.log(clock.rate), trees.rate_prior[trees.role].T).sum(1)
            + _log_normal(np.log(clock.factor), trees.acceleration_prior)
        )

    def propose(self, new: Clock, jacobian: np.ndarray, rng: Generator) -> None:
        """Go to another state, or stay, by its density and the log Jacobian [D] of the proposal."""
        clock, value = self.clock, self.log_joint(new)
        take = np.log(rng.random(len(value))) < jacobian + value - self.value
        clock.time = np.where(take[:, None], new.time, clock.time)
        clock.rate = np.where(take[:, None], new.rate, clock.rate)
        clock.factor = np.where(take, new.factor, clock.factor)
        clock.accelerated = np.where(take, new.accelerated, clock.accelerated)
        self.value = np.where(take, value, self.value)


def stretch(at: Point, rng: Generator) -> None:
    """Stretch many node times by one factor at once (Metropolis, with the factor's Jacobian).

    All of them about the origin, with slower clocks; those below the founders about their founder, with less
    acceleration; those below a random node about it.
    """
    clock, trees = at.clock, at.trees
    D, K = clock.time.shape
    for step in (0.3, 0.05):
        log = step * rng.standard_normal(D)
        scale = np.exp(log)[:, None]
        time = np.where(trees.used, clock.time * scale, clock.time)
        rate = np.where(trees.role == CLOCK, clock.rate / scale, clock.rate)
        at.propose(replace(clock, time=time, rate=rate), log * trees.used.sum(1), rng)
    node: np.ndarray = np.asarray(rng.integers(K, size=(D, 1)))
    some = trees.over[np.arange(D), node[:, 0]]
    for about, moved, slower in ((trees.founder, trees.below, clock.accelerated), (node, some, False)):
        centre = np.take_along_axis(clock.time, about, 1)
        log = rng.choice((0.3, 0.05), D) * rng.standard_normal(D)
        scale = np.exp(log)
        time = np.where(moved, centre + (clock.time - centre) * scale[:, None], clock.time)
        new = replace(clock, time=time, factor=np.where(slower, clock.factor / scale, clock.factor))
        at.propose(new, log * moved.sum(1), rng)


def change_form(at: Point, rng: Generator) -> None:
    """Propose acceleration on or off with the times below the founders stretched so that the clocks agree.

    Off to on: the times above stay, the rates stay, the factor f is new and the times below the founders shrink
    towards them by f; on to off the other way round.
    """
    clock, trees = at.clock, at.trees
    if not 0.0 < trees.p_acceleration < 1.0:
        return
    centre = np.take_along_axis(clock.time, trees.founder, 1)
    sign = np.where(clock.accelerated, 1.0, -1.0)
    log = sign * np.log(clock.factor)
    time = np.where(trees.below, centre + (clock.time - centre) * np.exp(log)[:, None], clock.time)
    odds = np.log(trees.p_acceleration) - np.log1p(-trees.p_acceleration)
    new = replace(clock, time=time, accelerated=~clock.accelerated)
    at.propose(new, log * trees.below.sum(1) - sign * odds, rng)


def trade_acceleration(at: Point, rng: Generator) -> None:
    """Slower clocks and more acceleration, or the other way round; on and off in the same way (Metropolis).

    The rates below the founders stay as they are: only the founders' own branches tell the two apart.
    """
    clock, trees = at.clock, at.trees
    log = rng.choice((0.5, 0.1), len(clock.factor)) * rng.standard_normal(len(clock.factor))
    clocks = trees.role == CLOCK
    scale = np.where(clocks, np.exp(-log)[:, None], 1.0)
    new = replace(clock, rate=clock.rate * scale, factor=clock.factor * np.exp(log))
    at.propose(new, np.where(clock.accelerated, 0.0, -np.inf), rng)
    if 0.0 < trees.p_acceleration < 1.0:
        sign = np.where(clock.accelerated, 1.0, -1.0)
        rate = np.where(clocks, clock.rate * clock.factor[:, None] ** sign[:, None], clock.rate)
        odds = np.log(trees.p_acceleration) - np.log1p(-trees.p_acceleration)
        at.propose(replace(clock, rate=rate, accelerated=~clock.accelerated), -sign * odds, rng)


def draw_rates(clock: Clock, trees: Trees, x: np.ndarray, reach: np.ndarray, rng: Generator) -> None:
    """Random walks on the log rates."""

    def target(log: np.ndarray) -> np.ndarray:
        moved = replace(clock, rate=np.exp(log))
        return log_means(moved, trees, x, reach).sum(1) + _log_normal(log, trees.rate_prior[trees.role].T)

    log = np.log(clock.rate)
    for step in (0.5, 0.15, 0.04):
        log = walk(log, target, rng, 1, step)
    clock.rate = np.exp(log)


def draw_shapes(clock: Clock, trees: Trees, x: np.ndarray, reach: np.ndarray, rng: Generator) -> None:
    """Random walks on the log shapes by role; then whether the clocks' shape is that of a strict clock."""
    for role in range(len(ROLES)):
        if not (trees.role == role).any():
            median, sigma = trees.shape_prior[role]
            clock.shape[:, role] = median * np.exp(sigma * rng.standard_normal(len(clock.shape)))
            continue

        def target(log: np.ndarray, role: int = role) -> np.ndarray:
            shape = clock.shape.copy()
            shape[:, role] = np.exp(log)
            seen = log_counts(replace(clock, shape=shape), trees, x, reach)
            return (seen * (trees.role == role)).sum((1, 2)) + _shape_prior(log, trees, role)

        log = np.log(clock.shape[:, role])
        for step in STEPS[role]:
            log = walk(log, target, rng, 1, step)
        clock.shape[:, role] = np.exp(log)
    strict, relaxed = _clock_parts(np.log(clock.shape[:, CLOCK]), trees)
    with np.errstate(over="ignore"):
        clock.strict = rng.random(len(strict)) < 1.0 / (1.0 + np.exp(relaxed - strict))


def _clock_parts(log: np.ndarray, trees: Trees) -> tuple[np.ndarray, np.ndarray]:
    """Log prior densities of a clock's log shape, as strict and as relaxed."""
    with np.errstate(divide="ignore"):
        weights = np.log([trees.p_strict, 1.0 - trees.p_strict])
    strict = weights[0] - np.log(trees.strict_prior[1]) + _log_normal(log, trees.strict_prior)
    relaxed = weights[1] - np.log(trees.shape_prior[CLOCK, 1]) + _log_normal(log, trees.shape_prior[CLOCK])
    return strict, relaxed


def _shape_prior(log: np.ndarray, trees: Trees, role: int) -> np.ndarray:
    if role == CLOCK:
        return np.logaddexp(*_clock_parts(log, trees))
    return _log_normal(log, trees.shape_prior[role])


def draw_acceleration(clock: Clock, trees: Trees, x: np.ndarray, reach: np.ndarray, rng: Generator) -> None:
    """Draw whether rates accelerate below the founders, and by how much.

    Where they do not, the factor is a draw from its prior, which a proposal to accelerate takes up.
    """
    D, (median, sigma) = len(clock.factor), trees.acceleration_prior
    fresh = median * np.exp(sigma * rng.standard_normal(D))
    clock.factor = np.where(clock.accelerated, clock.factor, fresh)
    if 0.0 < trees.p_acceleration < 1.0:
        slow, fast = (
            log_means(replace(clock, accelerated=np.full(D, value)), trees, x, reach).sum((1, 2))
            for value in (False, True)
        )
        odds = np.log(trees.p_acceleration) - np.log1p(-trees.p_acceleration) + fast - slow
        clock.accelerated = rng.random(D) < 1 / (1 + np.exp(-np.clip(odds, -700, 700)))
    else:
        clock.accelerated = np.full(D, trees.p_acceleration > 0)

    def target(log: np.ndarray) -> np.ndarray:
        seen = log_means(replace(clock, factor=np.exp(log)), trees, x, reach).sum((1, 2))
        return seen + _log_normal(log, trees.acceleration_prior)

    log = np.log(clock.factor)
    for step in (0.5, 0.1):
        log = walk(log, target, rng, 1, step)
    clock.factor = np.exp(log)


def rescale_profiles(
    clock: Clock, trees: Trees, state: State, strength: np.ndarray, reference: np.ndarray, rng: Generator
) -> None:
    """Scale a profile's weights and its rate the other way: the expected counts stay, the priors decide.

    Parameters
    ----------
    clock, trees, state
        State and model.
    strength
        [D, R] shapes of the profiles' channels.
    reference
        [R, C] their means.
    rng
        Source of randomness.
    """
    channels = reference.shape[1]
    load = (strength[:, :, None] / reference * state.g).sum(-1)
    prior = trees.rate_prior[trees.role].T

    def target(log: np.ndarray) -> np.ndarray:
        return strength * channels * log - load * np.exp(log) + _log_normal(np.log(clock.rate) - log, prior)

    log = np.zeros(clock.rate.shape)
    for step in (0.3, 0.05):
        log = walk(log, target, rng, 1, step)
    scale = np.exp(log)
    state.g = state.g * scale[:, :, None]
    state.theta = state.theta / scale[:, None, :]
    clock.rate = clock.rate / scale


def sweep(clock: Clock, trees: Trees, state: State, rng: Generator) -> None:
    """Update times, rates and forms, given the allocation and the profiles."""
    reach = trees.detected[:, :, None] * state.g.sum(-1)[:, None, :]
    x = state.by_branch
    draw_acceleration(clock, trees, x, reach, rng)
    for update in (draw_times, shift_subtrees, draw_rates, shift_subtrees):
        update(clock, trees, x, reach, rng)
    at = Point(clock, trees, x, reach)
    for move in (stretch, change_form, trade_acceleration):
        move(at, rng)
    draw_shapes(clock, trees, x, reach, rng)
