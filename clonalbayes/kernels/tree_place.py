"""The weight of a place in the tree for a clone, sample by sample, and draws of the clone's fraction there.

A place is a parent p and the children that the clone has or takes over. In one sample it offers a room: what
p's own population would give up. The clone is absent (if its children are), or present with a share of the
room. Weights are relative to the tree without the clone, with p's own fraction `whole` there.
"""

import math
from typing import NamedTuple

import numpy as np

from clonalbayes.kernels.jit import kernel
from clonalbayes.kernels.layout import ABSENT, SUBCLONAL
from clonalbayes.kernels.state import State
from clonalbayes.kernels.tree_grove import Grove
from clonalbayes.kernels.tree_pieces import draw_piece, fill_pieces, height, log_bound, log_piece, tie

NO_ROOM = 1e-12  # a room below this, where children need some, is none


class Offer(NamedTuple):
    """What places offer in each sample (arrays over samples), and what was drawn there."""

    children: np.ndarray  # prevalence of the children together
    absent: np.ndarray  # number of absent children
    room: np.ndarray
    whole: np.ndarray  # the parent's own fraction without the clone
    open: np.ndarray  # 1 where the parent is present
    presence: np.ndarray
    own: np.ndarray  # the clone's own fraction, drawn
    rest: np.ndarray  # what is left to the parent
    gap: np.ndarray  # log density beside the likelihood minus that of the stand-in, at what was drawn
    height: np.ndarray  # heat x exact log likelihood at what was drawn


def new_offer(samples: int) -> Offer:
    """Room for the offers of one place."""
    return Offer(
        np.zeros(samples), np.zeros(samples, np.int64), np.zeros(samples), np.zeros(samples),
        np.zeros(samples, np.int64), np.zeros(samples, np.int64), np.zeros(samples), np.zeros(samples),
        np.zeros(samples), np.zeros(samples),
    )  # fmt: skip


@kernel
def log_absent(state: State, grove: Grove, row: int, s: int, offer: Offer) -> float:
    """Log weight of absence: -inf where a child is present."""
    if offer.children[s] > 0.0:
        return -np.inf
    weight = grove.heights[row, s, 0]
    return weight + math.log1p(-state.psi[s]) if offer.open[s] else weight


@kernel
def log_present_factor(state: State, grove: Grove, row: int, s: int, offer: Offer, others: int) -> float:
    """Log of what presence weighs beside the integral over the clone's share of the room; -inf where it is barred."""
    if grove.barred[row, s]:
        return -np.inf
    a, psi = state.sparsity[s], state.psi[s]
    factor = math.log(psi) + offer.absent[s] * math.log1p(-psi) + grove.log_share[s, others]
    return factor - (a - 1.0) * math.log(offer.whole[s])


@kernel
def has_room(offer: Offer, s: int) -> bool:
    """Whether the clone can be present in sample s."""
    return offer.open[s] == 1 and offer.room[s] > (NO_ROOM if offer.children[s] > 0.0 else 1e-290)


@kernel
def log_add(a: float, b: float) -> float:
    """log(exp(a) + exp(b))."""
    top = max(a, b)
    if top == -np.inf:
        return top
    return top + math.log1p(math.exp(min(a, b) - top))


@kernel
def bound_mass(state: State, grove: Grove, row: int, s: int, offer: Offer, others: int) -> float:
    """At least (nearly) the log weight of the place in sample s."""
    absent = log_absent(state, grove, row, s, offer)
    if not has_room(offer, s):
        return absent
    present = log_bound(
        grove.nodes[row, s], grove.heights[row, s], grove.n_nodes[row, s], grove.best[row, s], offer.children[s],
        offer.room[s], state.sparsity[s], grove.log_beta[s],
    )  # fmt: skip
    return max(absent, present + log_present_factor(state, grove, row, s, offer, others)) + 0.7


@kernel
def fill_place(state: State, grove: Grove, row: int, s: int, offer: Offer, at_root: bool) -> tuple[int, float]:
    """`tree_pieces.fill_pieces` for the place; at the root with what is known of the normal cells."""
    sd = grove.tie[s, 1] if at_root else 0.0
    return fill_pieces(
        grove.nodes[row, s], grove.heights[row, s], grove.n_nodes[row, s], offer.children[s], offer.room[s],
        state.sparsity[s], grove.tie[s, 0], sd, grove.pieces,
    )  # fmt: skip


@kernel
def tie_of_whole(grove: Grove, s: int, offer: Offer, at_root: bool) -> float:
    """Log density of what is known of the normal cells, were the clone not there."""
    return tie(offer.whole[s], grove.tie[s, 0], grove.tie[s, 1]) if at_root else 0.0


@kernel
def deficit(grove: Grove, row: int, s: int, offer: Offer) -> float:
    """Nats that the clone's likelihood loses at least in sample s by the bounds of the place; inf if it has no room."""
    low = offer.children[s]
    if low > 0.0 and not has_room(offer, s):
        return np.inf
    high = min(low + offer.room[s], 1.0) if offer.open[s] else low
    nodes, heights, n, best = grove.nodes[row, s], grove.heights[row, s], grove.n_nodes[row, s], grove.best[row, s]
    x = min(max(nodes[best], low), high)
    return 0.0 if x == nodes[best] else heights[best] - height(nodes, heights, n, x)


@kernel
def mass(state: State, grove: Grove, row: int, s: int, offer: Offer, others: int, at_root: bool) -> float:
    """Log weight of the place in sample s."""
    absent = log_absent(state, grove, row, s, offer)
    if not has_room(offer, s):
        return absent
    log_integral = fill_place(state, grove, row, s, offer, at_root)[1] - tie_of_whole(grove, s, offer, at_root)
    return log_add(absent, log_integral + log_present_factor(state, grove, row, s, offer, others))


@kernel
def draw_filled(
    state: State, grove: Grove, row: int, s: int, offer: Offer, absent: float, present: float, n: int, at_root: bool,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Draw presence and fractions in sample s to `offer` from weights and from the pieces as they are filled."""
    if math.log(rng.random()) < present - log_add(absent, present):
        own, rest = draw_piece(grove.pieces, n, offer.room[s], state.sparsity[s], state.sparsity[s], rng)
        offer.presence[s], offer.own[s], offer.rest[s] = SUBCLONAL, own, rest
        offer.gap[s] = gap_filled(state, grove, s, offer, n, at_root)
    else:
        leave_absent(grove, row, s, offer)


@kernel
def leave_absent(grove: Grove, row: int, s: int, offer: Offer) -> None:
    """Make the clone absent from sample s in `offer`."""
    offer.presence[s], offer.own[s], offer.rest[s] = ABSENT, 0.0, offer.whole[s]
    offer.gap[s] = -grove.heights[row, s, 0]


@kernel
def gap_filled(state: State, grove: Grove, s: int, offer: Offer, n: int, at_root: bool) -> float:
    """Exact log density of the fractions in `offer` beside the likelihood, minus that of the filled pieces."""
    a = state.sparsity[s]
    value = (a - 1.0) * (math.log(offer.own[s]) + math.log(offer.rest[s]))
    if at_root:
        value += tie(offer.rest[s], grove.tie[s, 0], grove.tie[s, 1])
    return value - log_piece(grove.pieces, n, offer.own[s], offer.rest[s], a, a)


@kernel
def draw_sample(
    state: State, grove: Grove, row: int, s: int, offer: Offer, others: int, at_root: bool, rng: np.random.Generator
) -> None:
    """Draw presence and fractions of the place in sample s to `offer`, with the gap there."""
    if not has_room(offer, s):
        leave_absent(grove, row, s, offer)
        return
    absent = log_absent(state, grove, row, s, offer)
    n, log_integral = fill_place(state, grove, row, s, offer, at_root)
    log_integral -= tie_of_whole(grove, s, offer, at_root)
    present = log_integral + log_present_factor(state, grove, row, s, offer, others)
    draw_filled(state, grove, row, s, offer, absent, present, n, at_root, rng)


@kernel
def stand_in(state: State, grove: Grove, row: int, s: int, offer: Offer, at_root: bool) -> float:
    """The gap (see `Offer`) of presence and fractions in `offer` that were not drawn there."""
    if offer.presence[s] == ABSENT:
        return -grove.heights[row, s, 0]
    n = fill_place(state, grove, row, s, offer, at_root)[0]
    return gap_filled(state, grove, s, offer, n, at_root)


@kernel
def log_draw(state: State, grove: Grove, row: int, s: int, offer: Offer, others: int, at_root: bool) -> float:
    """Log density with which `draw_sample` draws what is in `offer`; -inf if it never does."""
    absent = log_absent(state, grove, row, s, offer)
    if not has_room(offer, s):
        return 0.0 if offer.presence[s] == ABSENT else -np.inf
    n, log_integral = fill_place(state, grove, row, s, offer, at_root)
    factor = log_present_factor(state, grove, row, s, offer, others) - tie_of_whole(grove, s, offer, at_root)
    total = log_add(absent, log_integral + factor)
    if total == -np.inf:
        return -np.inf
    if offer.presence[s] == ABSENT:
        return absent - total
    a = state.sparsity[s]
    return log_piece(grove.pieces, n, offer.own[s], offer.rest[s], a, a) + factor - total
