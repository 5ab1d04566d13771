"""Exact updates of the signature model: state in, state out, randomness passed in.

Each function leaves the posterior of `clonalbayes.signatures.state.Model` as it is. Cost does not depend on
the number of mutations: the mutations of a branch and a context are divided among signatures all at once.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import gammaln

from clonalbayes.signatures.state import Model, State, strengths

type Generator = np.random.Generator
type Target = Callable[[np.ndarray], np.ndarray]

TINY = 1e-300
STEP = 0.6
"""Standard deviation of random-walk proposals on the log scale."""

WIDTH = 4.0
"""Width of the interval that a slice is searched in, in standard deviations of the prior: wide, as it shrinks fast. A
random walk with steps that suit many mutations needs ten times the draws where mutations are few."""


def allocate(state: State, model: Model, rng: Generator) -> None:
    """Divide the mutations of every branch and context among the signatures (conditionally multinomial)."""
    D, K, C = np.broadcast_shapes(model.counts.shape, (len(state.theta), 1, 1))
    R = state.theta.shape[2]
    left = np.broadcast_to(model.counts, (D, K, C)).copy()
    by_branch, by_context = np.zeros((D, K, R)), np.zeros((D, R, C))
    used = [r for r in range(R) if state.theta[:, :, r].any()]
    tail = np.einsum("dkr,drc->dkc", state.theta, state.g)
    for r in used:
        if r == used[-1]:
            taken = left
        else:
            part = state.theta[:, :, r, None] * state.g[:, r, None, :]
            taken = rng.binomial(left, np.clip(part / np.maximum(tail, TINY), 0.0, 1.0))
            tail = np.maximum(tail - part, 0.0)
            left = left - taken
        by_branch[:, :, r], by_context[:, r] = taken.sum(2), taken.sum(1)
    state.by_branch, state.by_context = by_branch, by_context


def draw_size(state: State, model: Model, rng: Generator) -> None:
    """Draw the auxiliary sizes: given them, allocated counts are independent Poisson counts."""
    if not model.by_branch:
        return
    total = np.maximum((state.theta * state.g.sum(-1)[:, None, :]).sum(-1), TINY)
    n = np.broadcast_to(model.counts.sum(-1), total.shape)
    state.size = rng.gamma(np.maximum(n, 1e-3)) / total


def _log_profile(state: State, model: Model, strength: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Log probability [D] of the allocation to contexts, profiles integrated out, as a function of strength."""
    a, x = strength[:, None, None], state.by_context
    rate = a / model.reference
    terms = gammaln(a + x) - gammaln(a) + a * np.log(rate) - (a + x) * np.log(rate + reach[:, :, None])
    return (terms.sum(-1) * model.learned).sum(-1)


def draw_profiles(state: State, model: Model, rng: Generator, *, by_slice: bool = True) -> None:
    """Draw the learned strength with the profiles integrated out, then the profiles (conjugate).

    Without `by_slice` the strength takes one step of a random walk: a slice is searched until the last of the chains
    has found its own, which does not pay where there are hundreds.
    """
    reach = (state.size[:, :, None] * state.theta).sum(1)
    if model.learned.any():
        median, sigma = model.strength_prior
        old = np.log(state.strength)

        def target(log: np.ndarray) -> np.ndarray:
            prior = -0.5 * ((log - np.log(median)) / sigma) ** 2
            return prior + _log_profile(state, model, np.exp(log), reach)

        new = slice_about(old, WIDTH * sigma, target, rng) if by_slice else walk(old, target, rng, 1)
        state.strength = np.exp(new)
    a = strengths(model, state.strength)[:, :, None]
    rate = a / model.reference + reach[:, :, None]
    state.g = np.maximum(rng.gamma(a + state.by_context) / rate, TINY)


def walk(x: np.ndarray, target: Target, rng: Generator, repeats: int, step: float = STEP) -> np.ndarray:
    """Random-walk Metropolis on each entry of `x`, whose log densities `target(x)` are independent."""
    current = target(x)
    for _ in range(repeats):
        proposal = x + step * rng.standard_normal(x.shape)
        value = target(proposal)
        take = np.log(rng.random(x.shape)) < value - current
        x, current = np.where(take, proposal, x), np.where(take, value, current)
    return x


def log_counts(x: np.ndarray, shape: np.ndarray, mean: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Log probability of counts x ~ Poisson(reach * theta), theta ~ Gamma(shape, mean) integrated out.

    A negative binomial, without the term that depends on x and reach alone.
    """
    rate = shape / mean
    out: np.ndarray = gammaln(shape + x) - gammaln(shape) + shape * np.log(rate) - (shape + x) * np.log(rate + reach)
    return out


def draw_hyper(state: State, model: Model, rng: Generator) -> None:
    """Draw shape and mean of each signature's intensities with the intensities integrated out, each from a slice."""
    on = state.theta > 0
    reach = state.size[:, :, None] * state.g.sum(-1)[:, None, :]
    (s_median, s_sigma), (m_median, m_sigma) = model.shape_prior, model.mean_prior

    def likelihood(log_shape: np.ndarray, log_mean: np.ndarray) -> np.ndarray:
        shape, mean = np.exp(log_shape)[:, None, :], np.exp(log_mean)[:, None, :]
        seen: np.ndarray = np.where(on, log_counts(state.by_branch, shape, mean, reach), 0.0).sum(1)
        seen -= 0.5 * ((log_shape - np.log(s_median)) / s_sigma) ** 2
        seen -= 0.5 * ((log_mean - np.log(m_median)) / m_sigma) ** 2
        return seen

    shape, mean = np.log(state.shape), np.log(state.mean[:, 0, :])
    shape = slice_about(shape, WIDTH * s_sigma, lambda x: likelihood(x, mean), rng)
    mean = slice_about(mean, WIDTH * m_sigma, lambda x: likelihood(shape, x), rng)
    state.shape, state.mean = np.exp(shape), np.exp(mean)[:, None, :]


def draw_theta(state: State, model: Model, rng: Generator) -> None:
    """Draw the intensities of the signatures that are on (conjugate), then the probability of being on."""
    on = state.theta > 0
    reach = state.size[:, :, None] * state.g.sum(-1)[:, None, :]
    shape = state.shape[:, None, :]
    draws = rng.gamma(np.broadcast_to(shape + state.by_branch, on.shape)) / (shape / state.mean + reach)
    state.theta = np.where(on, np.maximum(draws, TINY), 0.0)


@np.errstate(divide="ignore", invalid="ignore")
def rescale(state: State, model: Model, rng: Generator) -> None:
    """Draw the scale of each branch's intensities, and the common one of all and of their means: shares see neither.

    Both are known by their priors alone (a Gamma, and a normal of logarithms), but an intensity drawn given its
    mutations hardly changes where they are many, and with it what it says of the other branches'.
    """
    if not model.by_branch:
        return
    on = state.theta > 0
    shape = np.where(on, state.shape[:, None, :], 0.0).sum(2)
    rate = np.where(on, state.shape[:, None, :] * state.theta / state.mean, 0.0).sum(2)
    scale = np.where(shape > 0, rng.standard_gamma(shape) / rate, 1.0)
    median, sigma = model.mean_prior
    away = (np.log(state.mean[:, 0]) - np.log(median)).mean(1)
    common = np.exp(sigma / np.sqrt(on.shape[2]) * rng.standard_normal(len(away)) - away)
    state.theta = np.where(on, np.maximum(state.theta * (scale * common[:, None])[:, :, None], TINY), 0.0)
    state.mean = state.mean * common[:, None, None]


def draw_use(state: State, model: Model, rng: Generator) -> None:
    """Draw the probability that a signature is on in a branch (conjugate Beta)."""
    on, open_ = state.theta > 0, ~model.closed
    yes, no = (on & open_).sum(1), (~on & open_).sum(1)
    drawn = rng.beta(model.use_prior[0] + yes, model.use_prior[1] + no)
    state.use = np.where(model.always, 1.0, np.clip(drawn, 1e-12, 1 - 1e-12))


def slice_within(
    x: np.ndarray, low: np.ndarray, high: np.ndarray, target: Target, rng: Generator, limit: int = 60
) -> np.ndarray:
    """One slice-sampling update of each entry of `x` within its bounds, shrinking from the whole interval.

    Parameters
    ----------
    x, low, high
        Values and their bounds, which must be as probable from wherever they hold: they do not depend on the values,
        or lie about them as in `slice_about`.
    target
        Log density of each entry.
    rng
        Source of randomness.
    limit
        Proposals at most; an entry whose proposals all failed stays. Reversible, as a path of failures is as
        likely from where it would have ended (Neal 2003, Annals of Statistics 31:705, section 4.1).
    """
    level = target(x) + np.log(rng.random(x.shape))
    low, high, out = low.copy(), high.copy(), x.copy()
    waiting = np.ones(x.shape, bool)
    for _ in range(limit):
        proposal = low + (high - low) * rng.random(x.shape)
        inside = waiting & (target(np.where(waiting, proposal, x)) >= level)
        out = np.where(inside, proposal, out)
        waiting &= ~inside
        if not waiting.any():
            break
        low = np.where(waiting & (proposal < x), proposal, low)
        high = np.where(waiting & (proposal >= x), proposal, high)
    return out


def slice_about(x: np.ndarray, width: float, target: Target, rng: Generator) -> np.ndarray:
    """`slice_within` an interval of a given width that lies anywhere about each entry of `x` (Neal 2003, figure 3)."""
    low = x - width * rng.random(x.shape)
    return slice_within(x, low, low + width, target, rng)
