"""Moves with the allocation integrated out: signatures switched on and off, and directions without data.

The conjugate updates of `clonalbayes.signatures.kernels` alone would be slow here: an allocation remembers the
intensities that it was drawn from.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from clonalbayes.signatures.kernels import TINY, Generator, slice_within
from clonalbayes.signatures.state import Model, State, strengths

DEGREES = 5.0
"""Degrees of freedom of the proposals: tails as heavy as the target's."""


def log_odds_of_use(state: State, model: Model, r: int) -> np.ndarray:
    """Prior log odds [D, K] that signature r is on."""
    p = np.where(model.closed[:, r], model.leak, state.use[:, r, None])
    out: np.ndarray = np.log(p) - np.log1p(-p)
    return out


@np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore")
def toggle(state: State, model: Model, r: int, rng: Generator) -> np.ndarray:
    """Draw whether signature r is on in each branch, and how much, with the allocation integrated out.

    An independence proposal: its probability of "on" and its Student t for the log intensity come from a
    Laplace approximation at the mode; a Metropolis step corrects both.

    Returns
    -------
    numpy.ndarray
        [D, K] whether the proposal was taken.
    """
    n = model.counts.astype(float)
    total = n.sum(-1)
    g = state.g[:, r]
    rest = np.einsum("dkr,drc->dkc", state.theta, state.g) - state.theta[:, :, r, None] * g[:, None, :]
    others = np.delete(state.theta, r, axis=2)
    rest = np.where((others > 0).any(2)[:, :, None], np.maximum(rest, TINY), 0.0)
    possible = rest.sum(-1) > 0
    rest = np.where(possible[:, :, None], rest, 1.0)
    shape = np.broadcast_to(state.shape[:, None, r], possible.shape)
    mean = np.broadcast_to(state.mean[..., r], possible.shape)
    target = _Line(n, total, rest, g[:, None, :], shape, mean)
    mode, scale = target.laplace()
    off = (n * np.log(rest)).sum(-1) - total * np.log(rest.sum(-1))
    at_mode = target(mode)
    odds = np.full(possible.shape, np.inf) if model.always[r] else log_odds_of_use(state, model, r)
    guess = odds + at_mode + np.log(scale * np.sqrt(2 * np.pi)) - off
    p_on = np.ones_like(guess) if model.always[r] else np.clip(1 / (1 + np.exp(-np.clip(guess, -50, 50))), 0.02, 0.98)
    was_on = state.theta[:, :, r] > 0
    new_on = rng.random(p_on.shape) < p_on
    draw = mode + scale * rng.standard_t(DEGREES, mode.shape)
    old = np.log(np.maximum(state.theta[:, :, r], TINY))
    finite_odds = np.where(np.isfinite(odds), odds, 0.0)

    def weight(on: np.ndarray, log: np.ndarray) -> np.ndarray:
        z = (log - mode) / scale
        log_q = -0.5 * (DEGREES + 1) * np.log1p(z * z / DEGREES) - np.log(scale) + _NORM
        inside = finite_odds + target(log) - np.log(p_on) - log_q
        return np.where(on, inside, off - np.log1p(-np.minimum(p_on, 1 - 1e-12)))

    ratio = weight(new_on, draw) - weight(was_on, np.where(was_on, old, mode))
    take = (np.log(rng.random(ratio.shape)) < ratio) & possible
    state.theta[:, :, r] = np.where(take, np.where(new_on, np.exp(draw), 0.0), state.theta[:, :, r])
    return take


_NORM = float(gammaln((DEGREES + 1) / 2) - gammaln(DEGREES / 2) - 0.5 * np.log(DEGREES * np.pi))


class _Line:
    """Log density of one log intensity per branch, all others fixed, sizes and allocation integrated out."""

    def __init__(
        self, n: np.ndarray, total: np.ndarray, rest: np.ndarray, g: np.ndarray, shape: np.ndarray, mean: np.ndarray
    ) -> None:
        self.n, self.total, self.rest, self.g = n, total, rest, g
        self.sum_rest, self.sum_g = rest.sum(-1), g.sum(-1)
        self.shape, self.mean = shape, mean
        self.constant = shape * np.log(shape / mean) - gammaln(shape)

    def __call__(self, log: np.ndarray) -> np.ndarray:
        theta = np.exp(np.clip(log, -600, 600))
        prior = self.shape * log - self.shape / self.mean * theta + self.constant
        seen = (self.n * np.log(self.rest + theta[:, :, None] * self.g)).sum(-1)
        out: np.ndarray = prior + seen - self.total * np.log(self.sum_rest + theta * self.sum_g)
        return out

    def laplace(self, iterations: int = 5) -> tuple[np.ndarray, np.ndarray]:
        """Mode and scale of a normal approximation, by damped Newton steps from a start of its own."""
        log = np.log(0.25 * self.sum_rest / self.sum_g)
        for _ in range(iterations):
            theta = np.exp(log)
            part = theta[:, :, None] * self.g
            p = part / (self.rest + part)
            P = theta * self.sum_g / (self.sum_rest + theta * self.sum_g)
            np_ = self.n * p
            pull = self.shape / self.mean * theta
            slope = self.shape - pull + np_.sum(-1) - self.total * P
            bend = pull + self.total * P * (1 - P) - (np_ * (1 - p)).sum(-1)
            bend = np.maximum(bend, 0.2 * (self.shape + pull))
            log = log + np.clip(slope / bend, -2.0, 2.0)
        return log, 1.0 / np.sqrt(bend)


def shear(state: State, model: Model, a: int, b: int, rng: Generator) -> None:
    """Move along a direction that the counts cannot see: g[a] += e g[b], theta[., b] -= e theta[., a].

    Expected counts stay as they are, so the density along the line is the prior's alone. It is sampled by a
    slice sampler that shrinks from the whole feasible interval. Where the prior is weak this is what makes
    the intervals of a decomposition as wide as it is undetermined.
    """
    ga, gb = state.g[:, a], state.g[:, b]
    ta, tb = state.theta[:, :, a], state.theta[:, :, b]
    on = ta > 0
    feasible = ~(on & (tb <= 0)).any(1) & on.any(1)
    with np.errstate(over="ignore"):
        low = -(ga / gb).min(1)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        high = np.where(on, tb / np.where(on, ta, 1.0), np.inf).min(1)
    feasible &= np.isfinite(high) & np.isfinite(low)
    low, high = np.where(feasible, low, 0.0), np.where(feasible, high, 0.0)
    power = strengths(model, state.strength)[:, a]
    shape, mean = state.shape[:, b], state.mean[..., b]

    def target(e: np.ndarray) -> np.ndarray:
        moved = np.maximum(ga + e[:, None] * gb, TINY)
        profile = (power[:, None] - 1) * np.log(moved) - power[:, None] / model.reference[a] * moved
        kept = np.maximum(np.where(on, tb - e[:, None] * ta, 1.0), TINY)
        intensity = (shape[:, None] - 1) * np.log(kept) - shape[:, None] / mean * kept
        return profile.sum(-1) + np.where(on, intensity, 0.0).sum(-1)

    e = slice_within(np.zeros(len(ga)), low, high, target, rng)
    e = np.where(feasible, e, 0.0)
    state.g[:, a] = np.maximum(ga + e[:, None] * gb, TINY)
    state.theta[:, :, b] = np.where(on & feasible[:, None], np.maximum(tb - e[:, None] * ta, TINY), tb)
