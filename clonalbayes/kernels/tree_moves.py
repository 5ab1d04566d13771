"""Moves of single clones in the tree: taken out and grafted elsewhere, or swapped with the parent."""

import math

import numpy as np

from clonalbayes.kernels.contexts import log_gate
from clonalbayes.kernels.jit import kernel
from clonalbayes.kernels.layout import ABSENT, Priors, ReadData
from clonalbayes.kernels.profile import Terms
from clonalbayes.kernels.state import State, Work
from clonalbayes.kernels.tree_company import rehang_in_company
from clonalbayes.kernels.tree_graft import (
    attach,
    detach,
    draw_at,
    keep_draw,
    n_children,
    offer_place,
    parent_at,
    restore_draw,
    weigh_places,
)  # fmt: skip
from clonalbayes.kernels.tree_grove import Grove, exact_height
from clonalbayes.kernels.tree_hang import (
    draw_place,
    log_called_at,
    log_called_now,
    missed_new,
    missed_now,
    refill_low,
    rehang,
)  # fmt: skip
from clonalbayes.kernels.tree_local import fractions_log_density, sample_offer, sum_log_fractions
from clonalbayes.kernels.tree_pieces import tie
from clonalbayes.kernels.tree_place import Offer, draw_sample, log_draw

COUNT_REGRAFT, COUNT_SWAP = 26, 28
SWAP_SHARE, COMPANY_SHARE = 0.1, 0.3


@kernel
def regraft(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, priors: Priors, offer: Offer, k: int,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Propose a new place for clone k alone; its child, if it has one, stays. Clones with more are left."""
    if n_children(state, k) > 1:
        return
    root = state.ccf.shape[0]
    state.counters[COUNT_REGRAFT] += 1
    kept = np.empty((4, len(offer.own)))
    old = detach(state, grove, k, offer)
    keep_draw(offer, kept)
    weights = weigh_places(state, grove, k, offer, priors.tree[1])
    if weights[old] == -np.inf:
        back_to(state, grove, k, old, offer, kept)
        return
    back_to_offer(state, old, offer, kept)
    ratio = log_called_at(data, state, work, k, offer)
    ratio -= missed_now(state, grove, k, offer, parent_at(state, old) == root)
    place = draw_place(weights, rng)
    draw_at(state, grove, k, place, offer, rng)
    ratio += missed_new(data, state, work, terms, k, offer)
    ratio -= log_called_at(data, state, work, k, offer)
    ratio += log_gate(state, work, k, offer.presence, -1, 0) - log_gate(state, work, k, state.presence[k], -1, 0)
    if math.log(rng.random()) < ratio:
        state.counters[COUNT_REGRAFT + 1] += 1
        attach(state, grove, k, place, offer)
    else:
        back_to(state, grove, k, old, offer, kept)
    if work.weak[k]:
        refill_low(data, state, work, k)


@kernel
def back_to_offer(state: State, place: int, offer: Offer, kept: np.ndarray) -> None:
    """The offer of a place with the draw that was kept."""
    offer_place(state, place, offer)
    restore_draw(offer, kept)


@kernel
def back_to(state: State, grove: Grove, k: int, place: int, offer: Offer, kept: np.ndarray) -> None:
    """Put a detached clone back where it was."""
    back_to_offer(state, place, offer, kept)
    attach(state, grove, k, place, offer)


@kernel
def exchange(state: State, k: int, p: int) -> None:
    """Exchange clone k and its parent p: positions in the tree keep their children and fractions."""
    above = state.parent[p]
    for j in range(state.n_clones[0]):
        if state.parent[j] == k:
            state.parent[j] = p
        elif state.parent[j] == p:
            state.parent[j] = k
    state.parent[k], state.parent[p] = above, k
    for s in range(state.ccf.shape[1]):
        fraction, ccf, presence = state.fraction[k, s], state.ccf[k, s], state.presence[k, s]
        state.fraction[k, s], state.ccf[k, s] = state.fraction[p, s], state.ccf[p, s]
        state.presence[k, s] = state.presence[p, s]
        state.fraction[p, s], state.ccf[p, s], state.presence[p, s] = fraction, ccf, presence


@kernel
def log_presence_prior(state: State, s: int) -> float:
    """Log prior of the presence of all clones in sample s."""
    root, total = state.ccf.shape[0], 0.0
    for k in range(state.n_clones[0]):
        p = state.parent[k]
        if state.presence[k, s] != ABSENT:
            total += math.log(state.psi[s])
        elif p == root or state.presence[p, s] != ABSENT:
            total += math.log1p(-state.psi[s])
    return total


@kernel
def log_fractions(state: State, grove: Grove, s: int) -> float:
    """Log density of the fractions of sample s, with what is known of the normal cells."""
    log_sum, n = sum_log_fractions(state, s)
    v = state.fraction[state.ccf.shape[0], s]
    return fractions_log_density(state.sparsity[s], log_sum, n) + tie(v, grove.tie[s, 0], grove.tie[s, 1])


@kernel
def log_local(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, k: int, p: int, s: int
) -> float:
    """Log density of sample s in all that a change of clones k and p touches; refreshes their heights."""
    total = log_presence_prior(state, s) + log_fractions(state, grove, s)
    grove.now[k, s] = exact_height(data, state, work, terms, k, s, state.ccf[k, s])
    grove.now[p, s] = exact_height(data, state, work, terms, p, s, state.ccf[p, s])
    return total + grove.now[k, s] + grove.now[p, s]


@kernel
def write_draw(state: State, grove: Grove, k: int, s: int, offer: Offer) -> None:
    """Take over what `offer` holds for clone k in sample s, its parent unchanged."""
    grove.populations[s] += offer.presence[s] - state.presence[k, s]
    state.presence[k, s] = offer.presence[s]
    state.fraction[k, s], state.fraction[state.parent[k], s] = offer.own[s], offer.rest[s]
    state.ccf[k, s] = offer.children[s] + offer.own[s]


@kernel
def step_down(
    state: State, grove: Grove, k: int, s: int, offer: Offer, target: np.ndarray, draw: bool, rng: np.random.Generator
) -> float:  # fmt: skip
    """Draw clone k anew in sample s, or set it to `target` (presence, own fraction); log density of that."""
    if not sample_offer(state, k, s, offer):
        return -np.inf
    at_root = state.parent[k] == state.ccf.shape[0]
    others = grove.populations[s] - (1 if state.presence[k, s] != ABSENT else 0)
    if draw:
        draw_sample(state, grove, k, s, offer, others, at_root, rng)
    else:
        offer.presence[s], offer.own[s] = int(target[0]), target[1]
        offer.rest[s] = offer.room[s] - target[1] if target[0] > 0.0 else offer.whole[s]
        if (offer.rest[s] <= 0.0) if target[0] > 0.0 else (offer.children[s] > 0.0):
            return -np.inf
    density = log_draw(state, grove, k, s, offer, others, at_root)
    if density > -np.inf:
        write_draw(state, grove, k, s, offer)
    return density


@kernel
def save_pair(state: State, grove: Grove, k: int, p: int, above: int, saved: np.ndarray) -> None:
    """Presence, fractions, prevalences and heights of two clones, and the fraction above, to `saved` [9, S]."""
    for s in range(saved.shape[1]):
        saved[7, s], saved[8, s] = grove.now[k, s], grove.now[p, s]
        saved[0, s], saved[1, s], saved[2, s] = state.presence[k, s], state.fraction[k, s], state.ccf[k, s]
        saved[3, s], saved[4, s], saved[5, s] = state.presence[p, s], state.fraction[p, s], state.ccf[p, s]
        saved[6, s] = state.fraction[above, s]


@kernel
def load_pair(state: State, grove: Grove, k: int, p: int, above: int, saved: np.ndarray) -> None:
    """The way back from `save_pair`."""
    for s in range(saved.shape[1]):
        for row, at in ((k, 0), (p, 3)):
            grove.populations[s] += int(saved[at, s]) - state.presence[row, s]
            state.presence[row, s] = int(saved[at, s])
            state.fraction[row, s], state.ccf[row, s] = saved[at + 1, s], saved[at + 2, s]
        state.fraction[above, s] = saved[6, s]
        grove.now[k, s], grove.now[p, s] = saved[7, s], saved[8, s]


@kernel
def swap(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, offer: Offer, k: int,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Propose that clone k and its parent change places, the lower and then the upper one drawn anew.

    Weak rows (see `ascertainment`) enter by the chance that their members were called.
    """
    p, root, samples = state.parent[k], state.ccf.shape[0], state.ccf.shape[1]
    if p == root:
        return
    state.counters[COUNT_SWAP] += 1
    above = state.parent[p]
    old, new = np.empty((9, samples)), np.empty((9, samples))
    save_pair(state, grove, k, p, above, old)
    ratio = log_called_now(data, state, work, k) + log_called_now(data, state, work, p)
    for row in (k, p):
        ratio -= log_gate(state, work, row, state.presence[row], -1, 0)
    for s in range(samples):
        ratio -= log_local(data, state, work, terms, grove, k, p, s)
    exchange(state, k, p)
    for s in range(samples):
        down = step_down(state, grove, p, s, offer, old[:2, s], True, rng)
        down += step_down(state, grove, k, s, offer, old[:2, s], True, rng)
        if down == -np.inf:
            ratio = -np.inf
            break
        ratio -= down
        ratio += log_local(data, state, work, terms, grove, k, p, s)
    ratio -= log_called_now(data, state, work, k) + log_called_now(data, state, work, p)
    for row in (k, p):
        ratio += log_gate(state, work, row, state.presence[row], -1, 0)
    save_pair(state, grove, k, p, above, new)
    exchange(state, p, k)
    for s in range(samples):
        if ratio > -np.inf:
            ratio += step_down(state, grove, k, s, offer, old[:2, s], False, rng)
            ratio += step_down(state, grove, p, s, offer, old[3:5, s], False, rng)
    load_pair(state, grove, k, p, above, old)
    if math.log(rng.random()) < ratio:
        state.counters[COUNT_SWAP + 1] += 1
        exchange(state, k, p)
        load_pair(state, grove, k, p, above, new)
    for row in (k, p):
        if work.weak[row]:
            refill_low(data, state, work, row)


@kernel
def move_tree(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, priors: Priors, offer: Offer, strict: bool,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Re-hang or re-graft every clone once, in random order, and swap some. Reads curves and tails."""
    clones = state.n_clones[0]
    for k in rng.permutation(clones):
        if rng.random() < 0.5:
            rehang(data, state, work, terms, grove, priors, offer, k, strict, rng)
        else:
            regraft(data, state, work, terms, grove, priors, offer, k, rng)
        if rng.random() < SWAP_SHARE:  # of any clone: the way back of a swap is that of its parent
            swap(data, state, work, terms, grove, offer, min(int(rng.random() * clones), clones - 1), rng)
        if rng.random() < COMPANY_SHARE:
            rehang_in_company(data, state, work, terms, grove, priors, k, rng)
