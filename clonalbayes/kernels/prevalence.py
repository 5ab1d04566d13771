"""Updates of presence and ccf of the clones, given the assignments."""

import math

import numpy as np

from clonalbayes.kernels.ascertainment import accept_low, propose_low
from clonalbayes.kernels.envelope import (
    Envelope,
    admissible,
    build_envelope,
    draw_from_chords,
    draw_presence,
    new_envelope,
    set_prevalence,
    shift_at,
)  # fmt: skip
from clonalbayes.kernels.jit import kernel
from clonalbayes.kernels.layout import ABSENT, CLONAL, SUBCLONAL, ReadData
from clonalbayes.kernels.profile import Terms, clear_terms, gather_row, profile, profile_slopes
from clonalbayes.kernels.state import State, Work

COUNT_NEWTON, COUNT_ENVELOPE = 0, 2


@kernel
def newton_centre(x: float, first: float, second: float) -> tuple[float, float]:
    """Centre and width of a normal proposal: one Newton step from x, at most three widths long."""
    width = 1.0 / math.sqrt(max(-second, 4.0))
    return x + min(max(first * width * width, -3.0 * width), 3.0 * width), width


@kernel
def propose_newton(
    terms: Terms, coef: np.ndarray, x: float, error: float, precision: float, rng: np.random.Generator
) -> tuple[float, float]:
    """A ccf from the profile's own curvature at x, and its log acceptance ratio (-inf outside (0, 1)).

    With many reads the proposal hardly depends on x, so that draws are nearly independent.
    """
    first, second = profile_slopes(terms, coef, x, error, precision)
    centre, width = newton_centre(x, first, second)
    y = centre + width * rng.standard_normal()
    if y <= 0.0 or y >= 1.0:
        return x, -np.inf
    first, second = profile_slopes(terms, coef, y, error, precision)
    centre_y, width_y = newton_centre(y, first, second)
    ratio = profile(terms, coef, y, error, precision) - profile(terms, coef, x, error, precision)
    ratio += 0.5 * ((y - centre) / width) ** 2 - 0.5 * ((x - centre_y) / width_y) ** 2
    return y, ratio + math.log(width / width_y)


@kernel
def propose_envelope(
    terms: Terms,
    coef: np.ndarray,
    state: State,
    row: int,
    s: int,
    envelope: Envelope,
    rng: np.random.Generator,
) -> tuple[int, float, float]:
    """Presence and ccf jointly from the envelope, independent of the present ones, and the log ratio."""
    error, precision = state.error_rate[s], state.precision[s]
    build_envelope(terms, coef, error, precision, state.presence_prob[s], envelope)
    presence = draw_presence(envelope.log_mass, rng)
    ratio, y = 0.0, 1.0 if presence == CLONAL else 0.0
    if state.presence[row, s] == SUBCLONAL:
        ratio -= shift_at(terms, coef, error, precision, envelope, state.ccf[row, s])
    if presence == SUBCLONAL:
        y = draw_from_chords(envelope, rng)
        ratio += shift_at(terms, coef, error, precision, envelope, y)
    return presence, y, ratio


@kernel
def stays_admissible(state: State, row: int, s: int, presence: int) -> bool:
    """Whether the row would be admissible with another presence in sample s."""
    old = state.presence[row, s]
    state.presence[row, s] = presence
    ok = admissible(state, row, state.n_clones[0], -1)
    state.presence[row, s] = old
    return ok


@kernel
def update_prevalences(
    data: ReadData, state: State, work: Work, terms: Terms, envelope_share: float, rng: np.random.Generator
) -> None:
    """One pass over clones and samples; reads tails, `coef` and `low`, leaves the tables stale.

    A share of the (clone, sample) pairs gets the joint step for presence and ccf, the other subclonal
    ones the cheaper local step for the ccf alone.
    """
    envelope = new_envelope()
    for row in range(state.n_clones[0]):
        for s in range(data.alt_ix.shape[0]):
            joint = rng.random() < envelope_share
            if not joint and state.presence[row, s] != SUBCLONAL:
                continue
            clear_terms(terms)
            gather_row(data, work, terms, row, s)
            presence = SUBCLONAL
            if joint:
                presence, y, ratio = propose_envelope(terms, work.coef, state, row, s, envelope, rng)
            else:
                y, ratio = propose_newton(
                    terms, work.coef, state.ccf[row, s], state.error_rate[s], state.precision[s], rng
                )
            which = COUNT_ENVELOPE if joint else COUNT_NEWTON
            state.counters[which] += 1
            if ratio == -np.inf or (presence == ABSENT and state.presence[row, s] == ABSENT):
                continue
            if presence != SUBCLONAL and not stays_admissible(state, row, s, presence):
                continue
            ratio += propose_low(data, state, work, row, s, y, state.error_rate[s], state.precision[s])
            if math.log(rng.random()) < ratio:
                set_prevalence(state.presence[row], state.ccf[row], s, presence, y)
                state.counters[which + 1] += 1
                accept_low(work, row, s)


@kernel
def update_presence_prob(state: State, prior: np.ndarray, rng: np.random.Generator) -> None:
    """Conjugate draw of each sample's probabilities of absent, subclonal and clonal."""
    for s in range(state.ccf.shape[1]):
        total = 0.0
        for p in range(3):
            count = 0.0
            for k in range(state.n_clones[0]):
                if state.presence[k, s] == p:
                    count += 1.0
            state.presence_prob[s, p] = max(rng.standard_gamma(prior[p] + count), 1e-12)
            total += state.presence_prob[s, p]
        for p in range(3):
            state.presence_prob[s, p] /= total
