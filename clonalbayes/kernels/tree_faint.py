"""The error rate of a sample together with clones that a few reads show or do not show.

A higher error rate and a clade of hardly any cells explain the same reads. One by one neither the rate nor the clones
can change: the rate fits the clones, each clone fits the rate and those around it. Two moves change them together:

- the rate falls and a clade that is absent comes, all of it, or the rate rises and a clade that is present goes;
- the rate steps and the faint clones are drawn anew, one after the other, from stand-ins at the new rate. The way back
  takes them in the opposite order, so that every clone meets the same surroundings both ways.
"""

import math

import numpy as np

from clonalbayes.kernels.ascertainment import accept_low, propose_low
from clonalbayes.kernels.contexts import log_gate
from clonalbayes.kernels.hyper import ERROR, log_prior, shift_parameter
from clonalbayes.kernels.jit import kernel
from clonalbayes.kernels.layout import ABSENT, SUBCLONAL, Priors, ReadData
from clonalbayes.kernels.profile import Terms, clear_terms, gather_row, moment_ccf, sample_sum
from clonalbayes.kernels.state import State, Work
from clonalbayes.kernels.tree_grove import Grove, build_curve, exact_height
from clonalbayes.kernels.tree_hang import refill_low
from clonalbayes.kernels.tree_local import is_above, sample_offer
from clonalbayes.kernels.tree_moves import log_fractions, log_presence_prior, write_draw
from clonalbayes.kernels.tree_pieces import draw_piece, fill_pieces, log_piece
from clonalbayes.kernels.tree_place import NO_ROOM, Offer, draw_sample, log_draw

FAINT = 0.1  # a clone of whose reads a larger share shows it is not mistaken for errors
STEPS = (0.05, 3.0)  # least and largest scale of a step of the log error rate
COUNT_CLADE, COUNT_ERROR = 34, 36


@kernel
def find_clade(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, r: int, s: int, found: np.ndarray
) -> int:  # fmt: skip
    """The clones of r's clade, children before parents; their number, 0 if it can not come or go as a whole.

    It can if its parent is present, its clones are all present or all absent, and their counts are faint.
    """
    root, n, clones = state.ccf.shape[0], 0, state.n_clones[0]
    p, there = state.parent[r], state.presence[r, s]
    if p != root and state.presence[p, s] == ABSENT:
        return 0
    depth = np.zeros(clones, np.int64)
    for k in range(clones):
        if not is_above(state, r, k):
            continue
        clear_terms(terms)
        gather_row(data, work, terms, k, s)
        if state.presence[k, s] != there or grove.barred[k, s] or moment_ccf(terms, work.coef) > FAINT:
            return 0
        x = k
        while x != r:
            x = state.parent[x]
            depth[k] += 1
        at = n
        while at > 0 and depth[found[at - 1]] < depth[k]:
            found[at] = found[at - 1]
            at -= 1
        found[at] = k
        n += 1
    return n


@kernel
def children_prevalence(state: State, k: int, s: int) -> float:
    """Prevalence of clone k's children together in sample s."""
    total = 0.0
    for j in range(state.n_clones[0]):
        if state.parent[j] == k:
            total += state.ccf[j, s]
    return total


@kernel
def come(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, found: np.ndarray, s: int, draw: bool,
    rng: np.random.Generator,
) -> float:  # fmt: skip
    """Give the clones of a clade that is absent their cells, from those of its parent; log density of that.

    Children come before parents, each from a stand-in at the present error rate. If not `draw`, the fractions are
    there already, their parent's included, and only the density is worked out. -inf where there is no room.
    """
    root, a, scratch = state.ccf.shape[0], state.sparsity[s], state.n_clones[0]
    p = state.parent[found[-1]]
    left = state.fraction[p, s]
    if not draw:
        for k in found:
            left += state.fraction[k, s]
    density = 0.0
    for k in found:
        low = children_prevalence(state, k, s)
        if left <= NO_ROOM:
            return -np.inf
        clear_terms(terms)
        gather_row(data, work, terms, k, s)
        build_curve(terms, work.coef, state, grove, scratch, s)
        sd = grove.tie[s, 1] if p == root and k == found[-1] else 0.0
        n, log_integral = fill_pieces(
            grove.nodes[scratch, s], grove.heights[scratch, s], grove.n_nodes[scratch, s], low, left, a,
            grove.tie[s, 0], sd, grove.pieces,
        )  # fmt: skip
        if draw:
            own, rest = draw_piece(grove.pieces, n, left, a, a, rng)
            state.presence[k, s], state.fraction[k, s], state.ccf[k, s] = SUBCLONAL, own, low + own
        else:
            own = state.fraction[k, s]
            rest = left - own
        if own <= 0.0 or rest <= 0.0:
            return -np.inf
        density += log_piece(grove.pieces, n, own, rest, a, a) - log_integral
        left = rest
    state.fraction[p, s] = left
    return density


@kernel
def go(state: State, found: np.ndarray, s: int) -> None:
    """Take a clade out of sample s; its parent gets the cells."""
    p = state.parent[found[-1]]
    for k in found:
        state.fraction[p, s] += state.fraction[k, s]
        state.presence[k, s], state.fraction[k, s], state.ccf[k, s] = ABSENT, 0.0, 0.0


@kernel
def log_others(data: ReadData, state: State, work: Work, terms: Terms, priors: Priors, grove: Grove, s: int) -> float:
    """Log density of what is in sample s beside the reads of clones: germline's reads, fractions, presence, gates."""
    germline = state.ccf.shape[0]
    clear_terms(terms)
    gather_row(data, work, terms, germline, s)
    ccf = np.zeros(germline + 1)
    total = state.heat[0] * sample_sum(
        terms, work.coef, work.germ, ccf, germline, state.error_rate[s], state.precision[s]
    )
    total += log_prior(state, priors, s, ERROR) + log_fractions(state, grove, s) + log_presence_prior(state, s)
    for k in range(state.n_clones[0]):
        total += log_gate(state, work, k, state.presence[k], -1, 0)
    return total


@kernel
def log_reads(data: ReadData, state: State, work: Work, terms: Terms, s: int, height: np.ndarray) -> float:
    """Heat x log likelihood of all clones in sample s, with what conditioning on calls changes; each to `height`."""
    total = 0.0
    for k in range(state.n_clones[0] + 1):
        row = k if k < state.n_clones[0] else state.ccf.shape[0]
        y = state.ccf[k, s] if k < state.n_clones[0] else 0.0
        if k < state.n_clones[0]:
            height[k] = exact_height(data, state, work, terms, k, s, y)
            total += height[k]
        total += state.heat[0] * propose_low(data, state, work, row, s, y, state.error_rate[s], state.precision[s])
    return total


@kernel
def save_sample(state: State, grove: Grove, s: int, saved: np.ndarray) -> None:
    """Fractions, prevalences and presence of sample s, its error rate and its populations, to `saved` [4, K + 1]."""
    clones = state.n_clones[0]
    saved[0], saved[1, :clones] = state.fraction[:, s], state.ccf[:clones, s]
    saved[2, :clones], saved[3, 0], saved[3, 1] = state.presence[:clones, s], state.error_rate[s], grove.populations[s]


@kernel
def load_sample(state: State, grove: Grove, s: int, saved: np.ndarray) -> None:
    """The way back from `save_sample`."""
    clones = state.n_clones[0]
    state.fraction[:, s], state.ccf[:clones, s] = saved[0], saved[1, :clones]
    for k in range(clones):
        state.presence[k, s] = int(saved[2, k])
    state.error_rate[s], grove.populations[s] = saved[3, 0], int(saved[3, 1])


@kernel
def draw_step(rng: np.random.Generator) -> float:
    """A step of the log error rate, of a scale that is drawn too."""
    return STEPS[0] * (STEPS[1] / STEPS[0]) ** rng.random() * rng.standard_normal()


@kernel
def decide(
    data: ReadData, state: State, work: Work, terms: Terms, priors: Priors, grove: Grove, s: int, ratio: float,
    saved: np.ndarray, rng: np.random.Generator,
) -> bool:  # fmt: skip
    """Keep the present values of sample s, or go back to those saved; `ratio` lacks their log density."""
    clones, height = state.n_clones[0], np.empty(state.n_clones[0])
    if ratio > -np.inf:
        ratio += log_others(data, state, work, terms, priors, grove, s)
        ratio += log_reads(data, state, work, terms, s, height)
    if math.log(rng.random()) < ratio:
        grove.now[:clones, s] = height
        for row in range(len(work.weak)):
            accept_low(work, row, s)
        return True
    load_sample(state, grove, s, saved)
    return False


@kernel
def move_clade(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, priors: Priors, s: int, saved: np.ndarray,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Propose that a clade of sample s comes and its error rate falls, or that it goes and the rate rises."""
    clones = state.n_clones[0]
    found = np.empty(clones, np.int64)
    r = min(int(rng.random() * clones), clones - 1)
    found = found[: find_clade(data, state, work, terms, grove, r, s, found)]
    if len(found) == 0:
        return
    state.counters[COUNT_CLADE] += 1
    step, goes = abs(draw_step(rng)), state.presence[r, s] != ABSENT
    save_sample(state, grove, s, saved)
    ratio = -log_others(data, state, work, terms, priors, grove, s) - grove.now[:clones, s].sum()
    if goes:
        ratio += come(data, state, work, terms, grove, found, s, False, rng)
        state.fraction[:, s] = saved[0]
        go(state, found, s)
    if ratio > -np.inf:
        ratio += shift_parameter(state, s, ERROR, step if goes else -step)
    if not goes and ratio > -np.inf:
        density = come(data, state, work, terms, grove, found, s, True, rng)
        ratio = ratio - density if density > -np.inf else -np.inf
    grove.populations[s] += -len(found) if goes else len(found)
    if decide(data, state, work, terms, priors, grove, s, ratio, saved, rng):
        state.counters[COUNT_CLADE + 1] += 1


@kernel
def find_faint(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, s: int, rising: bool, found: np.ndarray
) -> int:  # fmt: skip
    """Clones with faint counts in sample s; their number. Parents come first, or last where the rate is `rising`."""
    root, n = state.ccf.shape[0], 0
    depth = np.zeros(state.n_clones[0], np.int64)
    for k in range(state.n_clones[0]):
        clear_terms(terms)
        gather_row(data, work, terms, k, s)
        if grove.barred[k, s] or moment_ccf(terms, work.coef) > FAINT:
            continue
        x = k
        while state.parent[x] != root:
            x = state.parent[x]
            depth[k] += 1
        at = n
        while at > 0 and depth[found[at - 1]] > depth[k]:
            found[at] = found[at - 1]
            at -= 1
        found[at] = k
        n += 1
    if rising:
        found[:n] = found[:n][::-1].copy()
    return n


@kernel
def redraw(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, offer: Offer, k: int, s: int, old: float,
    rng: np.random.Generator,
) -> float:  # fmt: skip
    """Draw clone k anew in sample s; log density of the way back at the error rate `old` over that of this.

    -inf where there is no way.
    """
    if not sample_offer(state, k, s, offer):
        return -np.inf
    scratch, p, new = state.n_clones[0], state.parent[k], state.error_rate[s]
    at_root = p == state.ccf.shape[0]
    others = grove.populations[s] - (1 if state.presence[k, s] != ABSENT else 0)
    offer.presence[s], offer.own[s], offer.rest[s] = state.presence[k, s], state.fraction[k, s], state.fraction[p, s]
    clear_terms(terms)
    gather_row(data, work, terms, k, s)
    state.error_rate[s] = old
    build_curve(terms, work.coef, state, grove, scratch, s)
    ratio = log_draw(state, grove, scratch, s, offer, others, at_root)
    state.error_rate[s] = new
    if ratio == -np.inf:
        return ratio
    build_curve(terms, work.coef, state, grove, scratch, s)
    draw_sample(state, grove, scratch, s, offer, others, at_root, rng)
    ratio -= log_draw(state, grove, scratch, s, offer, others, at_root)
    write_draw(state, grove, k, s, offer)
    return ratio


@kernel
def step_error(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, priors: Priors, offer: Offer, s: int,
    saved: np.ndarray, rng: np.random.Generator,
) -> None:  # fmt: skip
    """Propose another error rate of sample s, and its faint clones drawn anew."""
    clones = state.n_clones[0]
    state.counters[COUNT_ERROR] += 1
    step = draw_step(rng)
    save_sample(state, grove, s, saved)
    ratio = -log_others(data, state, work, terms, priors, grove, s) - grove.now[:clones, s].sum()
    ratio += shift_parameter(state, s, ERROR, step)
    found = np.empty(clones, np.int64)
    n = find_faint(data, state, work, terms, grove, s, step > 0.0, found)
    for x in range(n):
        if ratio > -np.inf:
            ratio += redraw(data, state, work, terms, grove, offer, found[x], s, saved[3, 0], rng)
    if decide(data, state, work, terms, priors, grove, s, ratio, saved, rng):
        state.counters[COUNT_ERROR + 1] += 1


@kernel
def step_errors(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, priors: Priors, offer: Offer, clades: float,
    steps: float, rng: np.random.Generator,
) -> None:  # fmt: skip
    """`move_clade` and `step_error` in these shares of the samples. Reads tails and heights; curves are stale then."""
    if state.n_clones[0] == 0:
        return
    saved = np.zeros((4, state.ccf.shape[0] + 1))
    for s in range(state.ccf.shape[1]):
        if rng.random() < clades:
            move_clade(data, state, work, terms, grove, priors, s, saved, rng)
        if rng.random() < steps:
            step_error(data, state, work, terms, grove, priors, offer, s, saved, rng)
    for k in range(state.n_clones[0]):
        if work.weak[k]:
            refill_low(data, state, work, k)
