"""Re-hanging a clone with its subtree: collapsed pigeonhole Gibbs.

The clone is taken off the tree; for every possible parent the weight is the product over samples of the
integral of the clone's likelihood over the room there. The parent is drawn from the weights and the clone's
fractions from the integrands. Weights come from stand-ins (`tree_pieces`), and what those miss decides on
acceptance: the move is exact.
"""

import math

import numpy as np

from clonalbayes.kernels.ascertainment import fill_low_row, members_log_called
from clonalbayes.kernels.contexts import log_gate
from clonalbayes.kernels.jit import kernel
from clonalbayes.kernels.layout import ABSENT, Priors, ReadData
from clonalbayes.kernels.profile import Terms
from clonalbayes.kernels.state import State, Work
from clonalbayes.kernels.tree_grove import NOWHERE, Grove, children_of, exact_height, mark_subtree
from clonalbayes.kernels.tree_place import Offer, bound_mass, deficit, draw_sample, has_room, mass, stand_in

COUNT_HANG = 20
HOPELESS = 25.0  # places this many nats below the best are not worked out
FAR = 60.0  # nor those whose bounds cost the likelihood this much, and a nat a sample, more than the best


@kernel
def take_offer(state: State, k: int, p: int, offer: Offer) -> None:
    """What parent p offers to clone k, whose children are in `offer`."""
    for s in range(state.ccf.shape[1]):
        sample_of_parent(state, k, p, s, offer)


@kernel
def sample_of_parent(state: State, k: int, p: int, s: int, offer: Offer) -> None:
    """`take_offer` in one sample."""
    own = state.fraction[p, s]
    offer.open[s] = 1 if p == state.ccf.shape[0] or state.presence[p, s] != ABSENT else 0
    if state.parent[k] == p:
        offer.whole[s] = own + state.ccf[k, s]
        offer.room[s] = own + state.fraction[k, s]
    else:
        offer.whole[s] = own
        offer.room[s] = own - offer.children[s]


@kernel
def as_it_stands(state: State, k: int, offer: Offer) -> None:
    """Write clone k's present presence and fractions to `offer`."""
    p = state.parent[k]
    for s in range(state.ccf.shape[1]):
        offer.presence[s] = state.presence[k, s]
        offer.own[s], offer.rest[s] = state.fraction[k, s], state.fraction[p, s]


@kernel
def missed_now(state: State, grove: Grove, row: int, offer: Offer, at_root: bool) -> float:
    """Log of exact over stand-in density of what the clone of `row` has now, which is in `offer`."""
    total = 0.0
    for s in range(len(offer.own)):
        total += grove.now[row, s] + stand_in(state, grove, row, s, offer, at_root)
    return total


@kernel
def missed_new(
    data: ReadData, state: State, work: Work, terms: Terms, row: int, offer: Offer
) -> float:  # fmt: skip
    """Log of exact over stand-in density of what was drawn in `offer`, over all samples; fills the heights."""
    total = 0.0
    for s in range(len(offer.own)):
        prevalence = offer.children[s] + offer.own[s]
        offer.height[s] = exact_height(data, state, work, terms, row, s, prevalence)
        total += offer.height[s] + offer.gap[s]
    return total


@kernel
def log_called_at(data: ReadData, state: State, work: Work, row: int, offer: Offer) -> float:
    """Log chance that the members of a weak row were called, were its prevalences those of `offer`."""
    if work.weak[row] == 0:
        return 0.0
    fill_low_row(data, state, work, row, offer.children + offer.own)
    members = work.order[work.start[row] : work.start[row + 1]]
    return state.heat[0] * members_log_called(data, state, work, row, members)


@kernel
def others_present(state: State, grove: Grove, k: int) -> np.ndarray:
    """Populations present in each sample, clone k left out."""
    others = grove.populations.copy()
    for s in range(len(others)):
        if state.presence[k, s] != ABSENT:
            others[s] -= 1
    return others


@kernel
def parent_deficit(state: State, grove: Grove, k: int, p: int, offer: Offer, limit: float) -> float:
    """Sum of `tree_place.deficit` over samples, broken off beyond `limit`; fills the offer so far."""
    total = 0.0
    for s in range(state.ccf.shape[1]):
        sample_of_parent(state, k, p, s, offer)
        total += deficit(grove, k, s, offer)
        if total > limit:
            break
    return total


@kernel
def weigh_parents(
    state: State, grove: Grove, k: int, offer: Offer, others: np.ndarray, inside: np.ndarray, founder_weight: float
) -> np.ndarray:  # fmt: skip
    """Log weight of every row as the parent of clone k, the normal root last; -inf where impossible or hopeless.

    The weights depend on the tree without k alone, so that leaving out hopeless places leaves the move exact.
    """
    clones, root, samples = state.n_clones[0], state.ccf.shape[0], state.ccf.shape[1]
    margin = FAR + samples
    lost = np.full(clones + 1, np.inf)
    least = parent_deficit(state, grove, k, state.parent[k], offer, np.inf)
    for j in range(clones + 1):
        p = root if j == clones else j
        if p == root or not (inside[p] or state.parent[p] == NOWHERE):
            lost[j] = parent_deficit(state, grove, k, p, offer, least + margin)
            least = min(least, lost[j])
    weight = np.full(clones + 1, -np.inf)
    bounds = np.empty((clones + 1, samples))
    for j in range(clones + 1):
        if lost[j] <= least + margin:
            p = root if j == clones else j
            take_offer(state, k, p, offer)
            weight[j] = math.log(founder_weight) if p == root else 0.0
            for s in range(samples):
                bounds[j, s] = bound_mass(state, grove, k, s, offer, others[s])
                weight[j] += bounds[j, s]
    best = -np.inf
    exact = np.full(clones + 1, -np.inf)
    for j in np.argsort(-weight):
        if weight[j] == -np.inf or weight[j] < best - HOPELESS:
            break
        p = root if j == clones else j
        take_offer(state, k, p, offer)
        exact[j] = sharpen(state, grove, k, offer, others, p == root, weight[j], bounds[j], best - HOPELESS)
        best = max(best, exact[j])
    return drop_hopeless(exact, best)


@kernel
def sharpen(
    state: State, grove: Grove, row: int, offer: Offer, others: np.ndarray, at_root: bool, weight: float,
    bounds: np.ndarray, least: float,
) -> float:  # fmt: skip
    """The log weight of the place in `offer` from its bound; -inf as soon as it is below `least`."""
    for s in range(len(bounds)):
        weight += mass(state, grove, row, s, offer, others[s], at_root) - bounds[s]
        if weight < least:
            return -np.inf
    return weight


@kernel
def drop_hopeless(weights: np.ndarray, best: float) -> np.ndarray:
    """The log weights with -inf for those far below the best, whatever their order."""
    for j in range(len(weights)):
        if weights[j] < best - HOPELESS:
            weights[j] = -np.inf
    return weights


@kernel
def move_clone(state: State, grove: Grove, k: int, p: int, offer: Offer) -> None:
    """Hang clone k at p with the presence and fractions in `offer`."""
    q = state.parent[k]
    for s in range(state.ccf.shape[1]):
        if p != q:
            state.fraction[q, s] += state.ccf[k, s]
        if state.presence[k, s] != ABSENT:
            grove.populations[s] -= 1
        if offer.presence[s] != ABSENT:
            grove.populations[s] += 1
        state.fraction[p, s] = offer.rest[s]
        state.presence[k, s] = offer.presence[s]
        state.fraction[k, s] = offer.own[s]
        state.ccf[k, s] = offer.children[s] + offer.own[s]
        grove.now[k, s] = offer.height[s]
    state.parent[k] = p


@kernel
def log_sum(logs: np.ndarray) -> float:
    """Logarithm of the sum of exponentials."""
    top = logs.max()
    if top == -np.inf:
        return top
    return top + math.log(np.exp(logs - top).sum())


@kernel
def draw_place(weights: np.ndarray, rng: np.random.Generator) -> int:
    """An index with probability proportional to exp(weights)."""
    top = weights.max()
    total = np.exp(weights - top).sum()
    target = rng.random() * total
    last = -1
    for j in range(len(weights)):
        if weights[j] > -np.inf:
            last = j
            target -= math.exp(weights[j] - top)
            if target < 0.0:
                break
    return last


@kernel
def rehang(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, priors: Priors, offer: Offer, k: int,
    strict: bool, rng: np.random.Generator,
) -> None:  # fmt: skip
    """Propose a new parent and new fractions for clone k. Reads curves and tails, keeps the constants valid.

    If not `strict`, a clone may also leave a place that is hopeless (as while tuning).
    """
    clones, root = state.n_clones[0], state.ccf.shape[0]
    state.counters[COUNT_HANG] += 1
    inside = np.empty(root, np.int64)
    mark_subtree(state, k, inside)
    children_of(state, k, offer.children, offer.absent)
    others = others_present(state, grove, k)
    q = state.parent[k]
    take_offer(state, k, q, offer)
    for s in range(len(others)):
        if offer.children[s] > 0.0 and not has_room(offer, s):
            return
    weights = weigh_parents(state, grove, k, offer, others, inside, priors.tree[1])
    j = draw_place(weights, rng)
    if j < 0:
        return
    here = clones if q == root else q
    hopeless = weights[here] == -np.inf
    if strict and hopeless:
        return
    take_offer(state, k, q, offer)
    as_it_stands(state, k, offer)
    ratio = log_called_at(data, state, work, k, offer)
    ratio -= missed_now(state, grove, k, offer, q == root)
    p = root if j == clones else j
    take_offer(state, k, p, offer)
    for s in range(len(others)):
        draw_sample(state, grove, k, s, offer, others[s], p == root, rng)
    ratio += missed_new(data, state, work, terms, k, offer)
    ratio -= log_called_at(data, state, work, k, offer)
    ratio += log_gate(state, work, k, offer.presence, -1, 0) - log_gate(state, work, k, state.presence[k], -1, 0)
    if hopeless or math.log(rng.random()) < ratio:
        state.counters[COUNT_HANG + 1] += 1
        move_clone(state, grove, k, p, offer)
    if work.weak[k]:
        refill_low(data, state, work, k)


@kernel
def refill_low(data: ReadData, state: State, work: Work, row: int) -> None:
    """The chances of having been missed of a weak row's members, at its present prevalences, to `low`."""
    fill_low_row(data, state, work, row, state.ccf[row])
    low = work.low_table[row]
    for i in work.order[work.start[row] : work.start[row + 1]]:
        cells = data.geno_cell[data.geno_off[data.cls[i]] + state.g[i]]
        for s in range(len(cells)):
            work.low[s, i] = low[data.depth_pos[cells[s]] + data.depth_ix[s, i]]


@kernel
def log_called_now(data: ReadData, state: State, work: Work, row: int) -> float:
    """Log chance that the members of a weak row were called, at its present prevalences."""
    if work.weak[row] == 0:
        return 0.0
    refill_low(data, state, work, row)
    members = work.order[work.start[row] : work.start[row + 1]]
    return state.heat[0] * members_log_called(data, state, work, row, members)
