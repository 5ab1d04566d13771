"""The timing model, for many trees at once, as plain arrays.

Clone k's branch runs from its parent's node to its own, the root's node being the origin (birth):

    t[k] | t[parent] ~ Uniform(t[parent], bound[k])       bound: first date on which the clade was sampled
    theta[k, r]      ~ Gamma(shape_r, mean rate_r f[k] active[k, r])    f: acceleration, clocks only
    shape_clock      ~ p_strict LogNormal(strict) + (1 - p_strict) LogNormal(relaxed)
    x[k, r, c]       ~ Poisson(detected[k] theta[k, r] g[r, c])

`active` is the time for which process r was on between the two nodes (`clonalbayes.timing.calendar`), `shape` the
relaxation of the clock, `detected` the share of the branch's mutations that can be in the table. Profiles g and
the division of the mutations among the signatures are those of `clonalbayes.signatures`.

The leading axis of all arrays runs over draws of the tree, each with the state of a chain of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from clonalbayes.signatures.state import State
from clonalbayes.timing.calendar import active_times

CLOCK, TREATMENT, OTHER = 0, 1, 2
ROLES = ("clock", "treatment", "other")
LEAST = 0.05
"""Least active time, in days: a branch without any time could not have mutations at all."""


@dataclass(frozen=True, eq=False)
class Trees:
    """Trees, bounds and what is assumed about rates.

    Attributes
    ----------
    parent
        [D, K] parent of each clone from 1, 0 = the root; -1 = the draw has no such clone.
    bound
        [D, K] latest day of each node.
    detected
        [D, K] share of the branch's mutations that are seen.
    windows
        [R] windows of each process.
    leak
        [R] rate outside the windows, relative.
    role
        [R] `CLOCK`, `TREATMENT` or `OTHER`.
    rate_prior, shape_prior
        [3, 2] median and sigma by role.
    strict_prior
        Median and sigma of the shape of a strict clock.
    acceleration_prior
        Median and sigma of the factor.
    p_strict, p_acceleration
        Prior probabilities of the clock's forms.
    power
        Weight of the data: below 1 only while a chain looks for its place.
    """

    parent: np.ndarray
    bound: np.ndarray
    detected: np.ndarray
    windows: tuple[np.ndarray, ...]
    leak: np.ndarray
    role: np.ndarray
    rate_prior: np.ndarray
    shape_prior: np.ndarray
    strict_prior: tuple[float, float]
    acceleration_prior: tuple[float, float]
    p_strict: float
    p_acceleration: float
    power: float = 1.0

    @cached_property
    def used(self) -> np.ndarray:
        """Clones that there are, [D, K]."""
        out: np.ndarray = self.parent >= 0
        return out

    @cached_property
    def below(self) -> np.ndarray:
        """Clones below another clone, [D, K]."""
        out: np.ndarray = self.parent > 0
        return out

    @cached_property
    def deep(self) -> np.ndarray:
        """Depth of each clone, [D, K]; see `depths`."""
        return depths(self.parent)

    @cached_property
    def over(self) -> np.ndarray:
        """Whether clone j lies above clone k, [D, j, k]; see `ancestors`."""
        return ancestors(self.parent)

    @cached_property
    def founder(self) -> np.ndarray:
        """Founder [D, K] above each clone, from 0; 0 for founders."""
        out: np.ndarray = (self.over & (self.parent == 0)[:, :, None]).argmax(1)
        return out

    @cached_property
    def above(self) -> np.ndarray:
        """Where each clone's parent stands in an array [D, 1 + K] laid flat, the root first."""
        D, K = self.parent.shape
        out: np.ndarray = np.arange(D)[:, None] * (K + 1) + np.maximum(self.parent, 0)
        return out

    def begin(self, time: np.ndarray) -> np.ndarray:
        """Days [D, K] at which the branches begin: their parents' nodes, 0 at the root."""
        padded = np.zeros((time.shape[0], time.shape[1] + 1))
        padded[:, 1:] = time
        out: np.ndarray = padded.ravel()[self.above]
        return out

    def add_children(self, own: np.ndarray) -> np.ndarray:
        """Each clone's own value and those of its children, added up, [D, K]."""
        D, K = own.shape
        values = np.where(self.below, own, 0.0).ravel()
        total: np.ndarray = np.bincount(self.above.ravel(), values, D * (K + 1)).reshape(D, K + 1)[:, 1:]
        return own + total


@dataclass(eq=False)
class Clock:
    """What is drawn of times and rates.

    Attributes
    ----------
    time
        [D, K] days of the nodes from the origin.
    rate
        [D, R] mutations per day.
    shape
        [D, 3] shape by role.
    factor
        [D] acceleration where there is one.
    strict, accelerated
        [D] which form of the clock holds.
    """

    time: np.ndarray
    rate: np.ndarray
    shape: np.ndarray
    factor: np.ndarray
    strict: np.ndarray
    accelerated: np.ndarray


def start_times(time: np.ndarray, parent: np.ndarray) -> np.ndarray:
    """Days [D, K] at which the branches begin: their parents' nodes, 0 at the root."""
    above = np.take_along_axis(time, np.maximum(parent - 1, 0), 1)
    return np.where(parent > 0, above, 0.0)


def depths(parent: np.ndarray) -> np.ndarray:
    """Depth [D, K] of each node, 1 below the root, 0 for clones that a draw lacks."""
    out = (parent >= 0).astype(np.int64)
    at = parent.copy()
    while (at > 0).any():
        out += at > 0
        at = np.where(at > 0, np.take_along_axis(parent, np.maximum(at - 1, 0), 1), at)
    return out


def means(clock: Clock, trees: Trees, time: np.ndarray | None = None) -> np.ndarray:
    """Expected intensity [D, K, R] of every process on every branch, all of the genome."""
    time = clock.time if time is None else time
    begin = trees.begin(time)
    active = np.maximum(active_times(begin, np.maximum(time, begin), trees.windows, trees.leak), LEAST)
    fast = trees.below & clock.accelerated[:, None]
    factor = np.where(fast, clock.factor[:, None], 1.0)[:, :, None]
    out: np.ndarray = clock.rate[:, None, :] * active * np.where(trees.role == CLOCK, factor, 1.0)
    return out


def shapes(clock: Clock, trees: Trees) -> np.ndarray:
    """Shape [D, R] of every process."""
    return clock.shape[:, trees.role]


def ancestors(parent: np.ndarray) -> np.ndarray:
    """Whether clone j lies above clone k, [D, j, k]."""
    D, K = parent.shape
    out = np.zeros((D, K, K), bool)
    at, rows = parent.copy(), np.arange(D)[:, None]
    while (at > 0).any():
        out[rows, np.maximum(at - 1, 0), np.arange(K)[None]] |= at > 0
        at = np.where(at > 0, np.take_along_axis(parent, np.maximum(at - 1, 0), 1), at)
    return out


def log_prior_times(time: np.ndarray, trees: Trees) -> np.ndarray:
    """Log prior density [D, K] of each node given its parent's; -inf out of order."""
    begin = trees.begin(time)
    inside = (time >= begin) & (time <= trees.bound) & (begin < trees.bound)
    room = np.where(inside, trees.bound - begin, 1.0)
    return np.where(trees.used, np.where(inside, -np.log(room), -np.inf), 0.0)


def combine(clock: Clock, trees: Trees, state: State) -> None:
    """Put the clock's expectations into the signature state, scaled by what is detected."""
    state.mean = means(clock, trees) * trees.detected[:, :, None]
