"""Putting a clone into the tree and taking it out: what births, splits and the start are made of.

A clone is grafted as a leaf below any clone or the root, or on the branch above one clone, which becomes its
child. Taken out, its children (at most one, for the way back) and its cells go to its parent.
"""

import math

import numpy as np

from clonalbayes.kernels.jit import kernel
from clonalbayes.kernels.layout import ABSENT
from clonalbayes.kernels.state import State
from clonalbayes.kernels.tree_grove import NOWHERE, Grove, founders
from clonalbayes.kernels.tree_hang import FAR, HOPELESS, drop_hopeless, sharpen
from clonalbayes.kernels.tree_place import Offer, bound_mass, deficit, draw_sample


@kernel
def sample_of_place(state: State, place: int, s: int, offer: Offer) -> None:
    """What a place offers in sample s.

    With K rows, places 0 .. K - 1 are leaves below that clone, K is below the root, K + 1 + c on the branch above c.
    """
    clones, root = state.n_clones[0], state.ccf.shape[0]
    p = parent_at(state, place)
    offer.children[s], offer.absent[s] = 0.0, 0
    if place > clones:
        child = place - clones - 1
        offer.children[s] = state.ccf[child, s]
        offer.absent[s] = 1 if state.presence[child, s] == ABSENT else 0
    offer.open[s] = 1 if p == root or state.presence[p, s] != ABSENT else 0
    offer.whole[s] = offer.room[s] = state.fraction[p, s]


@kernel
def offer_place(state: State, place: int, offer: Offer) -> None:
    """What a place (see `sample_of_place`) offers."""
    for s in range(len(offer.room)):
        sample_of_place(state, place, s, offer)


@kernel
def parent_at(state: State, place: int) -> int:
    """The parent that a clone has at a place."""
    clones = state.n_clones[0]
    if place < clones:
        return place
    return state.ccf.shape[0] if place == clones else state.parent[place - clones - 1]


@kernel
def log_place_prior(clones: int, new_founder: bool, founder_weight: float) -> float:
    """Log prior ratio of a tree of `clones` clones and one more to the tree without it."""
    ratio = -clones * math.log(clones + 1.0 + founder_weight)
    if clones > 0:
        ratio += (clones - 1.0) * math.log(clones + founder_weight)
        if new_founder:  # the first founder carries no weight
            ratio += math.log(founder_weight)
    return ratio


@kernel
def offered(state: State, s: int, offer: Offer) -> float:
    """Log prior of the presence of the children that the place takes over, which `mass` counts again."""
    return offer.absent[s] * math.log1p(-state.psi[s]) if offer.open[s] else 0.0


@kernel
def place_deficit(state: State, grove: Grove, row: int, place: int, offer: Offer, limit: float) -> float:
    """Sum of `tree_place.deficit` over samples, broken off beyond `limit`."""
    total = 0.0
    for s in range(len(offer.room)):
        sample_of_place(state, place, s, offer)
        total += deficit(grove, row, s, offer)
        if total > limit:
            break
    return total


@kernel
def weigh_places(
    state: State, grove: Grove, row: int, offer: Offer, founder_weight: float
) -> np.ndarray:
    """Log weight of every place (see `sample_of_place`) for the clone with the curves in `row`.

    The clone is not in the tree. Places that are impossible or hopeless have weight -inf.
    """
    clones, samples = state.n_clones[0], state.ccf.shape[1]
    places, held, margin = 2 * clones + 1, 0, FAR + samples
    for k in range(clones):
        held += 1 if state.parent[k] != NOWHERE else 0
    lost, least = np.full(places, np.inf), np.inf
    for place in range(places):
        beside = place if place < clones else place - clones - 1
        if beside < 0 or state.parent[beside] != NOWHERE:
            lost[place] = place_deficit(state, grove, row, place, offer, least + margin)
            least = min(least, lost[place])
    weight = np.full(places, -np.inf)
    bounds = np.empty((places, samples))
    for place in range(places):
        if lost[place] <= least + margin:
            offer_place(state, place, offer)
            weight[place] = log_place_prior(held, place == clones, founder_weight)
            for s in range(samples):
                bounds[place, s] = bound_mass(state, grove, row, s, offer, grove.populations[s])
                weight[place] += bounds[place, s] - offered(state, s, offer)
    best = -np.inf
    exact = np.full(places, -np.inf)
    for place in np.argsort(-weight):
        if weight[place] == -np.inf or weight[place] < best - HOPELESS:
            break
        offer_place(state, place, offer)
        at_root = parent_at(state, place) == state.ccf.shape[0]
        exact[place] = sharpen(
            state, grove, row, offer, grove.populations, at_root, weight[place], bounds[place], best - HOPELESS
        )
        best = max(best, exact[place])
    return drop_hopeless(exact, best)


@kernel
def draw_at(state: State, grove: Grove, row: int, place: int, offer: Offer, rng: np.random.Generator) -> None:
    """Draw the clone's presence and fractions at a place to `offer`."""
    offer_place(state, place, offer)
    at_root = parent_at(state, place) == state.ccf.shape[0]
    for s in range(state.ccf.shape[1]):
        draw_sample(state, grove, row, s, offer, grove.populations[s], at_root, rng)


@kernel
def attach(state: State, grove: Grove, k: int, place: int, offer: Offer) -> None:
    """Hang row k, which is not in the tree, at the place with the fractions in `offer`."""
    clones, p = state.n_clones[0], parent_at(state, place)
    if place > clones:
        state.parent[place - clones - 1] = k
    state.parent[k] = p
    for s in range(state.ccf.shape[1]):
        state.presence[k, s] = offer.presence[s]
        state.fraction[k, s] = offer.own[s]
        state.fraction[p, s] = offer.rest[s]
        state.ccf[k, s] = offer.children[s] + offer.own[s]
        grove.now[k, s] = offer.height[s]
        if offer.presence[s] != ABSENT:
            grove.populations[s] += 1


@kernel
def detach(state: State, grove: Grove, k: int, offer: Offer) -> int:
    """Take clone k, which has at most one child, out of the tree; the place where it was.

    `offer` is what the place offers now, with the clone's presence and fractions, so that `attach` puts it back.
    """
    clones, p, root = state.n_clones[0], state.parent[k], state.ccf.shape[0]
    place = clones if p == root else p
    for j in range(clones):
        if state.parent[j] == k:
            place = clones + 1 + j
    for s in range(state.ccf.shape[1]):
        offer.presence[s] = state.presence[k, s]
        offer.own[s], offer.rest[s] = state.fraction[k, s], state.fraction[p, s]
        offer.height[s] = grove.now[k, s]
        state.fraction[p, s] += state.fraction[k, s]
        if state.presence[k, s] != ABSENT:
            grove.populations[s] -= 1
    state.parent[k] = NOWHERE
    if place > clones:
        state.parent[place - clones - 1] = p
    offer_place(state, place, offer)
    return place


@kernel
def keep_draw(offer: Offer, kept: np.ndarray) -> None:
    """Copy what was drawn in `offer` to `kept` [4, S]."""
    for s in range(len(offer.own)):
        kept[0, s], kept[1, s], kept[2, s] = offer.presence[s], offer.own[s], offer.rest[s]
        kept[3, s] = offer.height[s]


@kernel
def restore_draw(offer: Offer, kept: np.ndarray) -> None:
    """The way back from `keep_draw`."""
    for s in range(len(offer.own)):
        offer.presence[s], offer.own[s], offer.rest[s] = int(kept[0, s]), kept[1, s], kept[2, s]
        offer.height[s] = kept[3, s]


@kernel
def n_children(state: State, k: int) -> int:
    """Number of children of clone k."""
    found = 0
    for j in range(state.n_clones[0]):
        if state.parent[j] == k:
            found += 1
    return found


@kernel
def log_tree_prior(state: State, founder_weight: float) -> float:
    """Log prior of the rooted labelled tree: uniform but for a weight for every founder beyond the first."""
    clones = state.n_clones[0]
    if clones == 0:
        return 0.0
    return (founders(state) - 1.0) * math.log(founder_weight) - (clones - 1.0) * math.log(clones + founder_weight)
