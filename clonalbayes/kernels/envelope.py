"""A piecewise log-linear stand-in for a clone's likelihood profile, that can be integrated and drawn from.

The profile is concave (see `profile`), so chords between a few nodes around its mode follow it closely.
Presence (absent, subclonal, clonal) and ccf are proposed jointly from it; because the exact profile is
evaluated at the draw, what the chords miss is corrected by the acceptance ratio.
"""

import math
from typing import NamedTuple

import numpy as np

from clonalbayes.kernels.jit import kernel
from clonalbayes.kernels.layout import ABSENT, CLONAL, SUBCLONAL
from clonalbayes.kernels.profile import Terms, moment_ccf, profile, profile_slopes
from clonalbayes.kernels.state import State

NODES_FROM_MODE = np.array([-6.0, -4.0, -2.7, -1.8, -1.1, -0.5, 0.0, 0.5, 1.1, 1.8, 2.7, 4.0, 6.0])
MAX_NODES = len(NODES_FROM_MODE) + 2


class Envelope(NamedTuple):
    """Nodes and heights of the chords over [0, 1], and the log mass of the three presence states."""

    nodes: np.ndarray
    heights: np.ndarray
    log_mass: np.ndarray
    size: np.ndarray  # [1] number of nodes


@kernel
def new_envelope() -> Envelope:
    """An envelope with nothing in it yet."""
    return Envelope(np.empty(MAX_NODES), np.empty(MAX_NODES), np.empty(3), np.zeros(1, np.int64))


@kernel
def find_mode(terms: Terms, coef: np.ndarray, error: float, precision: float) -> tuple[float, float]:
    """Mode of the profile on [0, 1] and its width (inverse root curvature, or inverse slope at an end).

    The start is the moment estimate, so the answer depends on the members alone, not on the row's ccf.
    """
    for end in (0.0, 1.0):
        first, second = profile_slopes(terms, coef, end, error, precision)
        if (first <= 0.0) == (end == 0.0):
            return end, end_width(first, second)
    low, high = 0.0, 1.0
    x = moment_ccf(terms, coef)
    width = 1.0
    for _ in range(40):
        first, second = profile_slopes(terms, coef, x, error, precision)
        if first > 0.0:
            low = x
        else:
            high = x
        width = 1.0 / math.sqrt(max(-second, 1e-12))
        step = first * width * width
        if abs(step) < 0.05 * width:
            break
        x = x + step if low < x + step < high else 0.5 * (low + high)
    return x, width


@kernel
def end_width(first: float, second: float) -> float:
    """Width of a profile whose mode is at an end of [0, 1]: it falls like an exponential or a normal."""
    return 1.0 / (0.5 * abs(first) + math.sqrt(0.25 * first * first + max(-second, 1e-12)))


@kernel
def build_envelope(
    terms: Terms, coef: np.ndarray, error: float, precision: float, prior: np.ndarray, envelope: Envelope
) -> None:
    """Chords of the profile, and log(prior of a presence state x integrated profile) for each state.

    `prior` holds the probabilities of absent, subclonal and clonal. Without reads the prior comes back.
    """
    nodes, heights, log_mass = envelope.nodes, envelope.heights, envelope.log_mass
    mode, width = find_mode(terms, coef, error, precision)
    nodes[0] = 0.0
    n = 1
    for offset in NODES_FROM_MODE:
        x = mode + offset * width
        if x > nodes[n - 1] + 1e-9 and x < 1.0 - 1e-9:
            nodes[n] = x
            n += 1
    nodes[n] = 1.0
    n += 1
    for m in range(n):
        heights[m] = profile(terms, coef, nodes[m], error, precision)
    envelope.size[0] = n
    top = heights[:n].max()
    total = 0.0
    for m in range(n - 1):
        total += segment_mass(nodes, heights, m, top)
    log_mass[ABSENT] = math.log(prior[ABSENT]) + heights[0]
    log_mass[SUBCLONAL] = math.log(prior[SUBCLONAL]) + top + math.log(total)
    log_mass[CLONAL] = math.log(prior[CLONAL]) + heights[n - 1]


@kernel
def segment_mass(nodes: np.ndarray, heights: np.ndarray, m: int, top: float) -> float:
    """Integral of exp(chord - top) between nodes m and m + 1."""
    rise = heights[m + 1] - heights[m]
    length = nodes[m + 1] - nodes[m]
    if abs(rise) < 1e-7:
        return length * math.exp(0.5 * (heights[m] + heights[m + 1]) - top)
    high = max(heights[m], heights[m + 1])
    return length * math.exp(high - top) * -math.expm1(-abs(rise)) / abs(rise)


@kernel
def chord(envelope: Envelope, x: float) -> float:
    """Height of the chords at x."""
    nodes, heights = envelope.nodes, envelope.heights
    m = 0
    while m < envelope.size[0] - 2 and nodes[m + 1] < x:
        m += 1
    share = (x - nodes[m]) / (nodes[m + 1] - nodes[m])
    return heights[m] + share * (heights[m + 1] - heights[m])


@kernel
def draw_from_chords(envelope: Envelope, rng: np.random.Generator) -> float:
    """A draw from the density proportional to exp(chord) on (0, 1)."""
    nodes, heights, n = envelope.nodes, envelope.heights, envelope.size[0]
    top = heights[:n].max()
    total = 0.0
    for m in range(n - 1):
        total += segment_mass(nodes, heights, m, top)
    target = rng.random() * total
    m = 0
    while m < n - 2:
        mass = segment_mass(nodes, heights, m, top)
        if target < mass:
            break
        target -= mass
        m += 1
    rise = heights[m + 1] - heights[m]
    u = rng.random()
    if abs(rise) < 1e-7:
        share = u
    elif rise > 0.0:
        share = 1.0 + math.log(u + (1.0 - u) * math.exp(-rise)) / rise
    else:
        share = math.log1p(u * math.expm1(rise)) / rise
    x = nodes[m] + min(max(share, 0.0), 1.0) * (nodes[m + 1] - nodes[m])
    return min(max(x, 1e-12), 1.0 - 1e-12)


@kernel
def draw_presence(log_mass: np.ndarray, rng: np.random.Generator) -> int:
    """A presence state with probability proportional to exp(log_mass)."""
    top = max(log_mass[0], log_mass[1], log_mass[2])
    total = 0.0
    for p in range(3):
        total += math.exp(log_mass[p] - top)
    target = rng.random() * total
    for p in range(2):
        target -= math.exp(log_mass[p] - top)
        if target < 0.0:
            return p
    return 2


@kernel
def log_total(log_mass: np.ndarray) -> float:
    """Log of the summed mass of the three presence states."""
    top = max(log_mass[0], log_mass[1], log_mass[2])
    return top + math.log(
        math.exp(log_mass[0] - top) + math.exp(log_mass[1] - top) + math.exp(log_mass[2] - top)
    )


@kernel
def set_prevalence(presence_row: np.ndarray, ccf_row: np.ndarray, s: int, presence: int, ccf: float) -> None:
    """Write presence and ccf of one row and sample, keeping 0 for absent and 1 for clonal."""
    presence_row[s] = presence
    ccf_row[s] = 0.0 if presence == ABSENT else (1.0 if presence == CLONAL else ccf)


@kernel
def admissible(state: State, row: int, clones: int, skip: int) -> bool:
    """Whether a row is present in some sample and unlike the rows below `clones` but itself and `skip`.

    Presence has atoms (absent, clonal), so without this two clones could agree exactly, and be one.
    """
    samples = state.presence.shape[1]
    present = False
    for s in range(samples):
        if state.presence[row, s] == SUBCLONAL:
            return True
        present = present or state.presence[row, s] == CLONAL
    if not present:
        return False
    for k in range(clones):
        if k != row and k != skip:
            alike = True
            for s in range(samples):
                if state.presence[k, s] != state.presence[row, s]:
                    alike = False
                    break
            if alike:
                return False
    return True


@kernel
def shift_at(
    terms: Terms, coef: np.ndarray, error: float, precision: float, envelope: Envelope, ccf: float
) -> float:
    """Exact profile minus chords at a subclonal ccf."""
    return profile(terms, coef, ccf, error, precision) - chord(envelope, ccf)


@kernel
def visit_row(
    terms: Terms,
    coef: np.ndarray,
    state: State,
    row: int,
    s: int,
    envelope: Envelope,
    draw: bool,
    rng: np.random.Generator,
) -> tuple[float, float]:
    """Evidence and shift of a row in one sample whose members are in `terms`.

    The evidence is the log mass of the envelope; the shift, exact profile minus chords at the row's ccf.
    Their sum is log(prior x likelihood / proposal density), what a Metropolis ratio needs of the row,
    whether its presence and ccf are drawn here (`draw`) or taken as they stand.
    """
    error, precision = state.error_rate[s], state.precision[s]
    build_envelope(terms, coef, error, precision, state.presence_prob[s], envelope)
    if draw:
        presence = draw_presence(envelope.log_mass, rng)
        ccf = draw_from_chords(envelope, rng) if presence == SUBCLONAL else 0.0
        set_prevalence(state.presence[row], state.ccf[row], s, presence, ccf)
    shift = 0.0
    if state.presence[row, s] == SUBCLONAL:
        shift = shift_at(terms, coef, error, precision, envelope, state.ccf[row, s])
    return log_total(envelope.log_mass), shift
