"""What a clone weighs in the tree: log of prior x likelihood over proposal density, given its members.

For a clone that is grafted (its place, presence and fractions are proposed) and for one that keeps its place (its
presence and fractions are proposed). Births, splits and condensations are made of these, with the sum over
all places in the way there and back.
"""

import numpy as np

from clonalbayes.kernels.ascertainment import members_log_called
from clonalbayes.kernels.jit import kernel
from clonalbayes.kernels.layout import Priors, ReadData
from clonalbayes.kernels.profile import Terms, fill_tails
from clonalbayes.kernels.state import State, Work
from clonalbayes.kernels.tables import build_row
from clonalbayes.kernels.tree_graft import (
    detach,
    draw_at,
    keep_draw,
    offer_place,
    parent_at,
    restore_draw,
    weigh_places,
)  # fmt: skip
from clonalbayes.kernels.tree_grove import Grove, build_curves, children_of, exact_height
from clonalbayes.kernels.tree_hang import as_it_stands, draw_place, log_sum, missed_new, others_present, take_offer
from clonalbayes.kernels.tree_place import Offer, draw_sample, has_room, mass, stand_in


@kernel
def take_members(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, row: int, members: np.ndarray
) -> None:
    """Tails and curves of `members` to a spare row."""
    fill_tails(data, state, work, row, members)
    build_curves(data, state, work, terms, grove, row, row)


@kernel
def take_prevalences(data: ReadData, state: State, work: Work, row: int, members: np.ndarray, offer: Offer) -> float:
    """Prevalences in `offer` and their tables to a spare row; log chance that its members were called."""
    for s in range(len(offer.own)):
        state.ccf[row, s] = offer.children[s] + offer.own[s]
    build_row(data, state, work, row)
    return members_log_called(data, state, work, row, members) if data.min_alt > 0 else 0.0


@kernel
def weigh_graft(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, priors: Priors, offer: Offer, row: int,
    members: np.ndarray, rng: np.random.Generator,
) -> tuple[int, float]:  # fmt: skip
    """Draw place, presence and fractions (to `offer`) of a clone of `members`; its place and weight.

    Tails, curves, prevalences and tables go to the spare row.
    """
    take_members(data, state, work, terms, grove, row, members)
    weights = weigh_places(state, grove, row, offer, priors.tree[1])
    place = draw_place(weights, rng)
    draw_at(state, grove, row, place, offer, rng)
    weight = log_sum(weights) + missed_new(data, state, work, terms, row, offer)
    return place, weight - take_prevalences(data, state, work, row, members, offer)


@kernel
def weigh_ungraft(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, priors: Priors, offer: Offer, k: int,
    spare: int, members: np.ndarray, kept: np.ndarray,
) -> tuple[int, float]:  # fmt: skip
    """Take clone k (at most one child) out of the tree; its place, and its weight there.

    What it had goes to `kept`, for `tree_moves.back_to`; a weight of inf says that there is no way back.
    """
    take_members(data, state, work, terms, grove, spare, members)
    place = detach(state, grove, k, offer)
    keep_draw(offer, kept)
    weights = weigh_places(state, grove, spare, offer, priors.tree[1])
    if weights[place] == -np.inf:
        return place, np.inf
    offer_place(state, place, offer)
    restore_draw(offer, kept)
    at_root = parent_at(state, place) == state.ccf.shape[0]
    weight = log_sum(weights) + gap_now(data, state, work, terms, grove, spare, offer, at_root)
    if data.min_alt > 0:
        weight -= members_log_called(data, state, work, k, members)
    return place, weight


@kernel
def gap_now(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, row: int, offer: Offer, at_root: bool
) -> float:  # fmt: skip
    """Log of exact over stand-in density of what is in `offer` for the members of a spare row."""
    total = 0.0
    for s in range(len(offer.own)):
        total += exact_height(data, state, work, terms, row, s, offer.children[s] + offer.own[s])
        total += stand_in(state, grove, row, s, offer, at_root)
    return total


@kernel
def take_seat(state: State, k: int, offer: Offer) -> bool:
    """The offer of clone k's own place; False if a room that its children need is missing."""
    children_of(state, k, offer.children, offer.absent)
    take_offer(state, k, state.parent[k], offer)
    seated = True
    for s in range(len(offer.own)):
        seated = seated and (offer.children[s] == 0.0 or has_room(offer, s))
    return seated


@kernel
def weigh_seat(state: State, grove: Grove, k: int, row: int, offer: Offer) -> float:
    """Log weight, over presence and fractions, of the members of a spare row at the place of clone k, in `offer`."""
    others, at_root, total = others_present(state, grove, k), state.parent[k] == state.ccf.shape[0], 0.0
    for s in range(len(others)):
        total += mass(state, grove, row, s, offer, others[s], at_root)
    return total


@kernel
def weigh_seated(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, offer: Offer, k: int, spare: int,
    members: np.ndarray,
) -> float:  # fmt: skip
    """Weight of clone k, whose place is in `offer`, with what it has now."""
    take_members(data, state, work, terms, grove, spare, members)
    total = weigh_seat(state, grove, k, spare, offer)
    as_it_stands(state, k, offer)
    total += gap_now(data, state, work, terms, grove, spare, offer, state.parent[k] == state.ccf.shape[0])
    if data.min_alt > 0:
        total -= members_log_called(data, state, work, k, members)
    return total


@kernel
def weigh_reseat(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, offer: Offer, k: int, row: int,
    members: np.ndarray, rng: np.random.Generator,
) -> float:  # fmt: skip
    """Draw presence and fractions (to `offer`) of clone k with other members, at its place; its weight then."""
    take_members(data, state, work, terms, grove, row, members)
    total = weigh_seat(state, grove, k, row, offer)
    others, at_root = others_present(state, grove, k), state.parent[k] == state.ccf.shape[0]
    for s in range(len(others)):
        draw_sample(state, grove, row, s, offer, others[s], at_root, rng)
    total += missed_new(data, state, work, terms, row, offer)
    return total - take_prevalences(data, state, work, row, members, offer)


@kernel
def keep_seat(state: State, k: int, kept: np.ndarray) -> None:
    """Presence, fraction and prevalence of clone k and the fraction of its parent, to `kept` [4, S]."""
    for s in range(kept.shape[1]):
        kept[0, s], kept[1, s], kept[2, s] = state.presence[k, s], state.fraction[k, s], state.ccf[k, s]
        kept[3, s] = state.fraction[state.parent[k], s]


@kernel
def restore_seat(state: State, grove: Grove, k: int, kept: np.ndarray) -> None:
    """The way back from `keep_seat`."""
    for s in range(kept.shape[1]):
        grove.populations[s] += int(kept[0, s]) - state.presence[k, s]
        state.presence[k, s] = int(kept[0, s])
        state.fraction[k, s], state.ccf[k, s] = kept[1, s], kept[2, s]
        state.fraction[state.parent[k], s] = kept[3, s]


@kernel
def reseat(state: State, grove: Grove, k: int, offer: Offer) -> None:
    """Give clone k what was drawn in `offer`, at its place."""
    for s in range(len(offer.own)):
        grove.populations[s] += offer.presence[s] - state.presence[k, s]
        state.presence[k, s] = offer.presence[s]
        state.fraction[k, s] = offer.own[s]
        state.ccf[k, s] = offer.children[s] + offer.own[s]
        state.fraction[state.parent[k], s] = offer.rest[s]
