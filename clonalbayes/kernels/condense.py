"""Moves between noise and small clones: artefacts that look alike condense into a clone, and dissolve again.

As in `splitmerge`, with noise in the place of the second half: one anchor is picked in the noise, its clone is
grown by a few rounds that see only the set of members and the anchor, and the reverse move dissolves a
clone of at most LARGEST members. Genotypes stay.
"""

import math

import numpy as np

from clonalbayes.kernels.assign import count_kinds
from clonalbayes.kernels.births import remove_clone
from clonalbayes.kernels.contexts import log_mean, log_tally, take_tag, tally, weigh_tags
from clonalbayes.kernels.envelope import admissible
from clonalbayes.kernels.jit import kernel
from clonalbayes.kernels.launch import anchor_ccf, site_logs, tempering
from clonalbayes.kernels.layout import NOISE, ReadData
from clonalbayes.kernels.profile import Terms
from clonalbayes.kernels.special import log_gamma
from clonalbayes.kernels.splitmerge import divide, gather, log_beta_density, nth_member, row_weight
from clonalbayes.kernels.state import SPARE_CLONES, State, Work

COUNT_CONDENSE, COUNT_DISSOLVE = 14, 16
LARGEST = 20
ROUNDS = 3
SHARE_PRIOR = 9.0  # the share of the set that condenses is Beta(1, SHARE_PRIOR)


@kernel
def small_clones(state: State, work: Work) -> int:
    """Number of clones that could dissolve."""
    found = 0
    for k in range(state.n_clones[0]):
        if work.size[k] <= LARGEST:
            found += 1
    return found


@kernel
def condense_prior(state: State, component: np.ndarray, kinds: np.ndarray, m: int) -> float:
    """Log prior ratio of m noise mutations becoming a clone; `kinds` are the counts before."""
    concentration = state.concentration[0]
    ratio = log_gamma(component[0] + kinds[0] + m) - log_gamma(component[0] + kinds[0])
    ratio += log_gamma(component[1] + kinds[1] - m) - log_gamma(component[1] + kinds[1])
    ratio += log_gamma(concentration + kinds[0]) - log_gamma(concentration + kinds[0] + m)
    return ratio + math.log(concentration) + log_gamma(float(m))


@kernel
def grow(
    data: ReadData, state: State, work: Work, members: np.ndarray, anchor: int, odds: np.ndarray
) -> None:
    """Log odds of clone against noise for every member, from a clone grown around the anchor."""
    samples, cells = data.alt_ix.shape[0], len(data.cell_sample)
    ccf, temper = np.empty(samples), tempering(data, state)
    log_p, log_q = np.empty(cells), np.empty(cells)
    anchor_ccf(data, work, anchor, state.g[anchor], ccf)
    for round_ in range(ROUNDS):
        site_logs(data, state, work, ccf, log_p, log_q, temper)
        alt_sum, depth_sum = np.full(samples, 0.02), np.full(samples, 0.04)
        for x in range(len(members)):
            i = members[x]
            total = data.log_choose[i] - data.noise_ll[i]
            for s in range(samples):
                cell = data.geno_cell[data.geno_off[data.cls[i]] + state.g[i], s]
                total += data.alt_val[data.alt_off[s] + data.alt_ix[s, i]] * log_p[cell]
                total += data.ref_val[data.ref_off[s] + data.ref_ix[s, i]] * log_q[cell]
            odds[x] = total
            weight = 1.0 if i == anchor else 1.0 / (1.0 + math.exp(-min(max(total - 2.0, -50.0), 50.0)))
            for s in range(samples):
                cell = data.geno_cell[data.geno_off[data.cls[i]] + state.g[i], s]
                alt_sum[s] += weight * data.alt_val[data.alt_off[s] + data.alt_ix[s, i]]
                depth_sum[s] += (
                    weight * data.depth_val[data.depth_off[s] + data.depth_ix[s, i]] * work.coef[cell]
                )
        if round_ < ROUNDS - 1:
            for s in range(samples):
                ccf[s] = min(max(alt_sum[s] / depth_sum[s], 1e-5), 1.0)


@kernel
def reads_against_noise(data: ReadData, work: Work, members: np.ndarray) -> float:
    """What the likelihood gains beside the clone's profiles when members leave noise."""
    total = 0.0
    for i in members:
        total += work.depth_sum[i] - data.noise_ll[i]
    return total


@kernel
def share_ratio(share: float, m: int, rest: int) -> float:
    """Log density of the share when m of m + rest dissolve, over that when they condense."""
    return log_beta_density(share, float(m), rest + 1.0) - log_beta_density(share, 1.0, SHARE_PRIOR)


@kernel
def try_condense(
    data: ReadData, state: State, work: Work, terms: Terms, component: np.ndarray, rng: np.random.Generator
) -> None:
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
    ratio += condense_prior(state, component, kinds, m) + share_ratio(share, m, n_noise - m)
    ratio += row_weight(data, state, work, terms, clones, leaving, True, rng) + reads_against_noise(
        data, work, leaving
    )
    ratio += math.log(float(n_noise)) - math.log((small_clones(state, work) + 1.0) * m)
    counts = tally(data, work, leaving)
    tags = weigh_tags(state, work, counts, -1)
    ratio += log_mean(tags) - log_tally(state, work, counts, NOISE)
    if math.log(rng.random()) < ratio and admissible(state, clones, clones, -1):
        state.counters[COUNT_CONDENSE + 1] += 1
        for i in leaving:
            state.z[i] = clones
        take_tag(state, tags, rng)
        work.size[clones] = m
        state.n_clones[0] = clones + 1


@kernel
def try_dissolve(
    data: ReadData, state: State, work: Work, terms: Terms, component: np.ndarray, rng: np.random.Generator
) -> None:
    """Propose that a small clone dissolves into noise."""
    small = small_clones(state, work)
    if small == 0:
        return
    state.counters[COUNT_DISSOLVE] += 1
    pick = min(int(rng.random() * small), small - 1)
    row = 0
    for k in range(state.n_clones[0]):
        if work.size[k] <= LARGEST:
            if pick == 0:
                row = k
                break
            pick -= 1
    m, kinds = work.size[row], count_kinds(state, work)
    n_noise = int(kinds[1])
    leaving = gather(state, row, row, m)
    ratio = -row_weight(data, state, work, terms, row, leaving, False, rng) - reads_against_noise(
        data, work, leaving
    )
    kinds[0] -= m
    kinds[1] += m
    ratio -= condense_prior(state, component, kinds, m)
    ratio -= math.log(float(n_noise + m)) - math.log(float(small) * m)
    counts = tally(data, work, leaving)
    ratio += log_tally(state, work, counts, NOISE) - log_mean(weigh_tags(state, work, counts, row))
    share = min(max(rng.beta(float(m), n_noise + 1.0), 1e-9), 1.0 - 1e-9)
    ratio -= share_ratio(share, m, n_noise)
    log_u = math.log(rng.random())
    if log_u >= ratio:  # the division's log probability, still to be added, is never positive
        return
    members = gather(state, NOISE, row, n_noise + m)
    anchor = nth_member(state, row, min(int(rng.random() * m), m - 1))
    odds, side = np.empty(n_noise + m), np.empty(n_noise + m, np.int8)
    grow(data, state, work, members, anchor, odds)
    for x in range(len(members)):
        side[x] = 0 if state.z[members[x]] == row else 1
    ratio += divide(odds, share, members, anchor, -1, side, False, rng)
    if log_u < ratio:
        state.counters[COUNT_DISSOLVE + 1] += 1
        for i in leaving:
            state.z[i] = NOISE
        work.size[row] = 0
        remove_clone(state, work, row)


@kernel
def condense_or_dissolve(
    data: ReadData,
    state: State,
    work: Work,
    terms: Terms,
    component: np.ndarray,
    tries: int,
    rng: np.random.Generator,
) -> None:
    """`tries` proposals, either with even odds. Reads tables and sizes, keeps them valid."""
    for _ in range(tries):
        if rng.random() < 0.5:
            try_condense(data, state, work, terms, component, rng)
        else:
            try_dissolve(data, state, work, terms, component, rng)
