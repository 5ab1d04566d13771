"""Birth and death of clones with a single member, and of small clones from noise, inside the tree.

As in `births` and `condense`, with the new clone's place in the tree, presence and fractions drawn from the
collapsed weights of all places. A clone with more than one child does not die: no birth could bring it back.
"""

import math

import numpy as np

from clonalbayes.kernels.assign import count_kinds, draw_genotype, draw_log, move_label
from clonalbayes.kernels.births import (
    COUNT_BIRTH,
    COUNT_DEATH,
    SCREEN,
    birth_bound,
    birth_prior,
    chance_missed_single,
    count_singletons,
    kinds_without,
    log_pick_birth,
    nth_singleton,
    pick_for_birth,
    place_scores,
    remove_clone,
)  # fmt: skip
from clonalbayes.kernels.condense import (
    COUNT_CONDENSE,
    COUNT_DISSOLVE,
    LARGEST,
    SHARE_PRIOR,
    condense_prior,
    grow,
    reads_against_noise,
    share_ratio,
    small_clones,
)  # fmt: skip
from clonalbayes.kernels.contexts import (
    gate_tags,
    log_mean,
    log_tally,
    take_tag,
    tally,
    weigh_tags,
    weigh_tags_of_one,
)  # fmt: skip
from clonalbayes.kernels.jit import kernel
from clonalbayes.kernels.layout import GERMLINE, NOISE, Priors, ReadData
from clonalbayes.kernels.profile import Terms, profile, single_terms
from clonalbayes.kernels.splitmerge import divide, gather, nth_member
from clonalbayes.kernels.state import SPARE_CLONES, State, Work
from clonalbayes.kernels.tables import build_row, log_called, row_of
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
from clonalbayes.kernels.tree_grove import Grove, build_curve
from clonalbayes.kernels.tree_hang import draw_place, log_sum
from clonalbayes.kernels.tree_moves import back_to
from clonalbayes.kernels.tree_place import Offer, stand_in
from clonalbayes.kernels.tree_weights import weigh_graft, weigh_ungraft


@kernel
def terms_of_one(data: ReadData, terms: Terms, i: int, genotype: int, s: int) -> None:
    """The terms of mutation i alone in sample s."""
    alt = data.alt_val[data.alt_off[s] + data.alt_ix[s, i]]
    ref = data.ref_val[data.ref_off[s] + data.ref_ix[s, i]]
    single_terms(terms, data.geno_cell[data.geno_off[data.cls[i]] + genotype, s], alt, ref)


@kernel
def curves_of_one(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, row: int, i: int, genotype: int
) -> None:  # fmt: skip
    """Curves of mutation i alone to a spare row."""
    for s in range(data.alt_ix.shape[0]):
        terms_of_one(data, terms, i, genotype, s)
        build_curve(terms, work.coef, state, grove, row, s)


@kernel
def height_of_one(data: ReadData, state: State, work: Work, terms: Terms, i: int, offer: Offer) -> float:
    """Exact log likelihood of mutation i alone at the prevalences of `offer`, without the depth term."""
    total = 0.0
    for s in range(len(offer.own)):
        terms_of_one(data, terms, i, state.g[i], s)
        y = offer.children[s] + offer.own[s]
        offer.height[s] = profile(terms, work.coef, y, state.error_rate[s], state.precision[s])
        total += offer.height[s]
    return total


@kernel
def log_missed_one(data: ReadData, state: State, row: int, i: int, offer: Offer, work: Work) -> float:
    """Prevalences of `offer` to the spare row; minus log chance that mutation i alone there was called."""
    for s in range(len(offer.own)):
        state.ccf[row, s] = offer.children[s] + offer.own[s]
    if data.min_alt == 0:
        return 0.0
    return -log_called(chance_missed_single(data, state, work, row, i, state.g[i]))


@kernel
def propose_one(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, priors: Priors, offer: Offer, i: int,
    rng: np.random.Generator,
) -> tuple[int, float]:  # fmt: skip
    """Draw genotype, place, presence and fractions of mutation i as a clone; place and weight (see `tree_weights`)."""
    row, n_geno = state.n_clones[0], data.n_geno[data.cls[i]]
    evidence = np.empty(n_geno)
    for g in range(n_geno):
        curves_of_one(data, state, work, terms, grove, row, i, g)
        weights = weigh_places(state, grove, row, offer, priors.tree[1])
        evidence[g] = log_sum(weights)
    if n_geno > 1:
        state.g[i] = draw_log(evidence, n_geno, rng)
        curves_of_one(data, state, work, terms, grove, row, i, state.g[i])
        weights = weigh_places(state, grove, row, offer, priors.tree[1])
    place = draw_place(weights, rng)
    draw_at(state, grove, row, place, offer, rng)
    weight = log_sum(evidence) - math.log(float(n_geno)) + height_of_one(data, state, work, terms, i, offer)
    for s in range(len(offer.gap)):
        weight += offer.gap[s]
    return place, weight + log_missed_one(data, state, row, i, offer, work)


@kernel
def weigh_one(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, priors: Priors, offer: Offer, i: int,
    place: int, kept: np.ndarray,
) -> float:  # fmt: skip
    """Weight of mutation i as the clone that has been detached from `place`; inf if there is no way back."""
    row, n_geno = state.n_clones[0], data.n_geno[data.cls[i]]
    evidence, possible = np.empty(n_geno), True
    for g in range(n_geno):
        curves_of_one(data, state, work, terms, grove, row, i, g)
        weights = weigh_places(state, grove, row, offer, priors.tree[1])
        evidence[g] = log_sum(weights)
        if g == state.g[i]:
            possible = weights[place] > -np.inf
    if not possible:
        return np.inf
    if n_geno > 1:
        curves_of_one(data, state, work, terms, grove, row, i, state.g[i])
    offer_place(state, place, offer)
    restore_draw(offer, kept)
    at_root = parent_at(state, place) == state.ccf.shape[0]
    weight = log_sum(evidence) - math.log(float(n_geno)) + height_of_one(data, state, work, terms, i, offer)
    for s in range(len(offer.gap)):
        weight += stand_in(state, grove, row, s, offer, at_root)
    return weight + log_missed_one(data, state, row, i, offer, work)


@kernel
def graft_birth(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, priors: Priors, offer: Offer, i: int,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Propose that mutation i, not alone in its place, becomes a clone of its own."""
    clones = state.n_clones[0]
    if clones + SPARE_CLONES >= state.ccf.shape[0]:
        return
    state.counters[COUNT_BIRTH] += 1
    kinds = kinds_without(state, work, i)
    singletons = count_singletons(state, work)
    old_g = state.g[i]
    scores = np.empty(clones + 2)
    ratio = -place_scores(data, state, work, priors.component, kinds, i, scores)
    ratio -= log_pick_birth(state, count_kinds(state, work), singletons, state.z[i] == NOISE)
    tags = weigh_tags_of_one(data, state, work, i, -1)
    bound = birth_bound(data, state, work, terms, priors.component, kinds, i) + log_mean(tags)
    if ratio + bound < SCREEN - len(state.purity):
        return
    ratio += birth_prior(state, priors.component, kinds) + work.depth_sum[i]
    place, weight = propose_one(data, state, work, terms, grove, priors, offer, i, rng)
    left_alone = state.z[i] >= 0 and work.size[state.z[i]] == 2
    gate_tags(state, work, tags, offer.presence)
    ratio += weight + log_mean(tags) - math.log(singletons + (2.0 if left_alone else 1.0))
    if math.log(rng.random()) >= ratio:
        state.g[i] = old_g
        return
    state.counters[COUNT_BIRTH + 1] += 1
    attach(state, grove, clones, place, offer)
    build_row(data, state, work, clones)
    take_tag(state, tags, rng)
    work.size[clones] = 0
    move_label(state, work, i, clones)
    state.n_clones[0] = clones + 1


@kernel
def graft_death(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, priors: Priors, offer: Offer, i: int,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Propose that the clone whose only member is mutation i dies, and i goes elsewhere."""
    state.counters[COUNT_DEATH] += 1
    row = state.z[i]
    if n_children(state, row) > 1:
        return
    clones, capacity = state.n_clones[0], state.ccf.shape[0]
    kinds = kinds_without(state, work, i)
    singletons = count_singletons(state, work)
    scores, kept = np.empty(clones + 2), np.empty((4, len(offer.own)))
    ratio = place_scores(data, state, work, priors.component, kinds, i, scores)
    place = detach(state, grove, row, offer)
    keep_draw(offer, kept)
    ratio -= birth_prior(state, priors.component, kinds) + work.depth_sum[i]
    ratio -= weigh_one(data, state, work, terms, grove, priors, offer, i, place, kept)
    tags = weigh_tags_of_one(data, state, work, i, row)
    gate_tags(state, work, tags, state.presence[row])
    ratio -= log_mean(tags)
    pick = draw_log(scores, clones + 2, rng)
    new = pick if pick < clones else (GERMLINE if pick == clones else NOISE)
    joins_alone = new >= 0 and work.size[new] == 1
    kinds[0 if new >= 0 else (1 if new == NOISE else 2)] += 1.0
    ratio += log_pick_birth(state, kinds, singletons - (2 if joins_alone else 1), new == NOISE)
    ratio += math.log(float(singletons))
    if math.log(rng.random()) >= ratio:
        back_to(state, grove, row, place, offer, kept)
        return
    state.counters[COUNT_DEATH + 1] += 1
    move_label(state, work, i, new)
    state.g[i] = draw_genotype(data, work, row_of(new, capacity), i, rng)
    remove_clone(state, work, row)


@kernel
def graft_births_and_deaths(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, priors: Priors, offer: Offer, tries: int,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """`tries` proposals, birth or death with even odds. Reads tables, sizes and constants, keeps them valid."""
    for _ in range(tries):
        if rng.random() < 0.5:
            i = pick_for_birth(state, work, rng)
            if i >= 0:
                graft_birth(data, state, work, terms, grove, priors, offer, i, rng)
        else:
            singletons = count_singletons(state, work)
            if singletons > 0:
                n = min(int(rng.random() * singletons), singletons - 1)
                i = nth_singleton(state, work, n)
                graft_death(data, state, work, terms, grove, priors, offer, i, rng)


@kernel
def graft_condense(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, priors: Priors, offer: Offer,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Propose that some noise mutations become a clone."""
    clones, kinds = state.n_clones[0], count_kinds(state, work)
    n_noise = int(kinds[1])
    if n_noise == 0 or clones + SPARE_CLONES >= state.ccf.shape[0]:
        return
    state.counters[COUNT_CONDENSE] += 1
    members = gather(state, NOISE, NOISE, n_noise)
    anchor = members[min(int(rng.random() * n_noise), n_noise - 1)]
    odds, side = np.empty(n_noise), np.empty(n_noise, np.int8)
    grow(data, state, work, members, anchor, odds)
    share = min(max(rng.beta(1.0, SHARE_PRIOR), 1e-9), 1.0 - 1e-9)
    ratio = -divide(odds, share, members, anchor, -1, side, True, rng)
    leaving = members[side == 0]
    m = len(leaving)
    if m > LARGEST:
        return
    ratio += condense_prior(state, priors.component, kinds, m) + share_ratio(share, m, n_noise - m)
    ratio += reads_against_noise(data, work, leaving)
    ratio += math.log(float(n_noise)) - math.log((small_clones(state, work) + 1.0) * m)
    place, weight = weigh_graft(data, state, work, terms, grove, priors, offer, clones, leaving, rng)
    counts = tally(data, work, leaving)
    tags = weigh_tags(state, work, counts, -1)
    gate_tags(state, work, tags, offer.presence)
    ratio += log_mean(tags) - log_tally(state, work, counts, NOISE)
    if math.log(rng.random()) < ratio + weight:
        state.counters[COUNT_CONDENSE + 1] += 1
        attach(state, grove, clones, place, offer)
        state.z[leaving] = clones
        take_tag(state, tags, rng)
        work.size[clones] = m
        state.n_clones[0] = clones + 1


@kernel
def graft_dissolve(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, priors: Priors, offer: Offer,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Propose that a small clone dissolves into noise."""
    small = small_clones(state, work)
    if small == 0:
        return
    state.counters[COUNT_DISSOLVE] += 1
    row = nth_small(state, work, min(int(rng.random() * small), small - 1))
    if n_children(state, row) > 1:
        return
    m, kinds = work.size[row], count_kinds(state, work)
    n_noise = int(kinds[1])
    leaving, kept = gather(state, row, row, m), np.empty((4, len(offer.own)))
    kinds[0] -= m
    kinds[1] += m
    ratio = -reads_against_noise(data, work, leaving) - condense_prior(state, priors.component, kinds, m)
    ratio -= math.log(float(n_noise + m)) - math.log(float(small) * m)
    share = min(max(rng.beta(float(m), n_noise + 1.0), 1e-9), 1.0 - 1e-9)
    ratio -= share_ratio(share, m, n_noise)
    counts = tally(data, work, leaving)
    tags = weigh_tags(state, work, counts, row)
    gate_tags(state, work, tags, state.presence[row])
    ratio += log_tally(state, work, counts, NOISE) - log_mean(tags)
    place, weight = weigh_ungraft(
        data, state, work, terms, grove, priors, offer, row, state.n_clones[0], leaving, kept
    )
    ratio -= weight
    log_u = math.log(rng.random())
    if log_u < ratio:  # the division's log probability, still to be added, is never positive
        members = gather(state, NOISE, row, n_noise + m)
        anchor = nth_member(state, row, min(int(rng.random() * m), m - 1))
        odds, side = np.empty(n_noise + m), np.empty(n_noise + m, np.int8)
        grow(data, state, work, members, anchor, odds)
        for x in range(len(members)):
            side[x] = 0 if state.z[members[x]] == row else 1
        ratio += divide(odds, share, members, anchor, -1, side, False, rng)
    if log_u >= ratio:
        back_to(state, grove, row, place, offer, kept)
        return
    state.counters[COUNT_DISSOLVE + 1] += 1
    state.z[leaving] = NOISE
    work.size[row] = 0
    remove_clone(state, work, row)


@kernel
def nth_small(state: State, work: Work, n: int) -> int:
    """The n-th clone (from 0) that could dissolve."""
    for k in range(state.n_clones[0]):
        if work.size[k] <= LARGEST:
            if n == 0:
                return k
            n -= 1
    return -1


@kernel
def graft_condensations(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, priors: Priors, offer: Offer, tries: int,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """`tries` proposals to condense or dissolve, either with even odds."""
    for _ in range(tries):
        if rng.random() < 0.5:
            graft_condense(data, state, work, terms, grove, priors, offer, rng)
        else:
            graft_dissolve(data, state, work, terms, grove, priors, offer, rng)
