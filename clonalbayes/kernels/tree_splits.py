"""Split and merge moves inside the tree: as in `splitmerge`, with places and fractions from the collapsed weights.

In a split the first half keeps the clone's place and children, with fractions drawn anew in the room there; the
other half is grafted anywhere. In a merge the second clone, which must have at most one child, is taken out.
"""

import math

import numpy as np

from clonalbayes.kernels.births import copy_tables, remove_clone
from clonalbayes.kernels.contexts import gate_tags, log_gate, log_mean, log_tally, take_tag, tally, weigh_tags
from clonalbayes.kernels.jit import kernel
from clonalbayes.kernels.launch import anchor_weights, draw_weighted, launch
from clonalbayes.kernels.layout import Priors, ReadData
from clonalbayes.kernels.profile import Terms
from clonalbayes.kernels.splitmerge import (
    COUNT_MERGE,
    COUNT_SPLIT,
    OCCAM,
    SCREEN,
    SPLIT_SHARE,
    best_loglik,
    divide,
    gather,
    log_beta_density,
    nth_member,
    partner_log_prob,
    pick_partner,
    split_prior,
)  # fmt: skip
from clonalbayes.kernels.state import SPARE_CLONES, State, Work
from clonalbayes.kernels.tree_graft import attach, n_children
from clonalbayes.kernels.tree_grove import Grove
from clonalbayes.kernels.tree_moves import back_to
from clonalbayes.kernels.tree_place import Offer
from clonalbayes.kernels.tree_weights import (
    keep_seat,
    reseat,
    restore_seat,
    take_seat,
    weigh_graft,
    weigh_reseat,
    weigh_seated,
    weigh_ungraft,
)  # fmt: skip


@kernel
def graft_split(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, priors: Priors, offer: Offer, a: int,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Propose to divide clone a; the half that stays is built in the second spare row, the other in the first."""
    state.counters[COUNT_SPLIT] += 1
    clones, n = state.n_clones[0], work.size[a]
    members = gather(state, a, a, n)
    odds, side = np.empty(n), np.empty(n, np.int8)
    total = anchor_weights(data, state, work, members, odds)
    x = draw_weighted(odds, total, rng)
    y = min(int(rng.random() * (n - 1)), n - 2)
    first, second = members[x], members[y if y < x else y + 1]
    log_first = math.log(odds[x] / total)
    launch(data, state, work, members, first, second, odds, rng)
    share = min(max(rng.random(), 1e-9), 1.0 - 1e-9)
    ratio = -divide(odds, share, members, first, second, side, True, rng) - log_first
    stays, leaves = members[side == 0], members[side == 1]
    ratio += log_beta_density(share, float(len(stays)), float(len(leaves)))
    ratio += split_prior(state, clones, len(stays), len(leaves))
    counts = tally(data, work, leaves)
    tags = weigh_tags(state, work, counts, -1)
    ratio -= log_tally(state, work, counts, a) + log_gate(state, work, a, state.presence[a], -1, 0)
    gain = -best_loglik(data, state, work, terms, clones, members)
    gain += best_loglik(data, state, work, terms, clones, leaves)
    gain += best_loglik(data, state, work, terms, clones, stays)
    if ratio + log_mean(tags) + gain < SCREEN - OCCAM * len(state.purity) or not take_seat(state, a, offer):
        return
    kept = np.empty((4, len(offer.own)))
    keep_seat(state, a, kept)
    ratio -= weigh_seated(data, state, work, terms, grove, offer, a, clones, members)
    ratio += weigh_reseat(data, state, work, terms, grove, offer, a, clones + 1, stays, rng)
    reseat(state, grove, a, offer)
    place, weight = weigh_graft(data, state, work, terms, grove, priors, offer, clones, leaves, rng)
    ratio += weight + partner_log_prob(state, a, clones, -1, clones)
    gate_tags(state, work, tags, offer.presence)
    ratio += log_mean(tags) + log_gate(state, work, a, state.presence[a], -1, 0)
    if math.log(rng.random()) < ratio:
        state.counters[COUNT_SPLIT + 1] += 1
        attach(state, grove, clones, place, offer)
        copy_tables(work, clones + 1, a)
        state.z[leaves] = clones
        take_tag(state, tags, rng)
        state.n_clones[0] = clones + 1
        work.size[a], work.size[clones] = len(stays), len(leaves)
    else:
        restore_seat(state, grove, a, kept)


@kernel
def graft_merge(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, priors: Priors, offer: Offer, a: int, b: int,
    members: np.ndarray, first: int, second: int, rng: np.random.Generator,
) -> None:  # fmt: skip
    """Propose that clone a takes over the members of clone b, which leaves the tree; built in the second spare row."""
    state.counters[COUNT_MERGE] += 1
    if n_children(state, b) > 1:
        return
    clones, n = state.n_clones[0], len(members)
    n_a, n_b = work.size[a], work.size[b]
    side = np.empty(n, np.int8)
    for x in range(n):
        side[x] = 0 if state.z[members[x]] == a else 1
    of_a, of_b = members[side == 0], members[side == 1]
    share = min(max(rng.beta(float(n_a), float(n_b)), 1e-9), 1.0 - 1e-9)
    ratio = -log_beta_density(share, float(n_a), float(n_b)) - split_prior(state, clones - 1, n_a, n_b)
    counts = tally(data, work, of_b)
    tags = weigh_tags(state, work, counts, b)
    gate_tags(state, work, tags, state.presence[b])
    ratio += log_tally(state, work, counts, a) - log_mean(tags) - log_gate(state, work, a, state.presence[a], -1, 0)
    gain = best_loglik(data, state, work, terms, clones, members)
    gain -= best_loglik(data, state, work, terms, clones, of_a)
    gain -= best_loglik(data, state, work, terms, clones, of_b)
    if ratio + gain < SCREEN - OCCAM * (len(state.purity) + 1):  # one more for the partner's probability
        return
    ratio -= partner_log_prob(state, a, b, -1, -1)
    kept = np.empty((4, len(offer.own)))
    place, weight = weigh_ungraft(data, state, work, terms, grove, priors, offer, b, clones, of_b, kept)
    ratio -= weight
    if ratio > -np.inf and take_seat(state, a, offer):
        ratio -= weigh_seated(data, state, work, terms, grove, offer, a, clones, of_a)
        ratio += weigh_reseat(data, state, work, terms, grove, offer, a, clones + 1, members, rng)
        ratio += log_gate(state, work, a, offer.presence, -1, 0)
    else:
        ratio = -np.inf
    log_u = math.log(rng.random())
    if log_u < ratio:  # the anchor's and the division's log probabilities are never positive
        odds = np.empty(n)
        total = anchor_weights(data, state, work, members, odds)
        ratio += math.log(odds[members == first][0] / total)
        launch(data, state, work, members, first, second, odds, rng)
        ratio += divide(odds, share, members, first, second, side, False, rng)
    if log_u >= ratio:
        back_to(state, grove, b, place, offer, kept)
        return
    state.counters[COUNT_MERGE + 1] += 1
    reseat(state, grove, a, offer)
    copy_tables(work, clones + 1, a)
    state.z[members] = a
    work.size[a] = n
    remove_clone(state, work, b)


@kernel
def graft_split_or_merge(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, priors: Priors, offer: Offer, tries: int,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """`tries` proposals: a clone picked uniformly is split, or merged with a partner. Keeps tables and sizes valid."""
    for _ in range(tries):
        clones = state.n_clones[0]
        if clones == 0:
            return
        a = min(int(rng.random() * clones), clones - 1)
        n_a = work.size[a]
        if n_a > 1 and (clones == 1 or rng.random() < SPLIT_SHARE):
            if clones + SPARE_CLONES < state.ccf.shape[0]:
                graft_split(data, state, work, terms, grove, priors, offer, a, rng)
        elif clones > 1:
            b = pick_partner(state, a, rng)
            n_b = work.size[b]
            first = nth_member(state, a, min(int(rng.random() * n_a), n_a - 1))
            second = nth_member(state, b, min(int(rng.random() * n_b), n_b - 1))
            members = gather(state, a, b, n_a + n_b)
            graft_merge(data, state, work, terms, grove, priors, offer, a, b, members, first, second, rng)
