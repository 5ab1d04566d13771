"""The first tree: clones grafted one by one into particles (sequential Monte Carlo).

Clones come in order of falling prevalence, small ones last, each grafted by the collapsed weights; particles are
resampled by the summed weights and rejuvenated by re-hanging. One particle, drawn by weight, is where a chain starts.
"""

import numpy as np

from clonalbayes.kernels.jit import kernel
from clonalbayes.kernels.layout import ABSENT, SUBCLONAL, Priors, ReadData
from clonalbayes.kernels.profile import Terms
from clonalbayes.kernels.state import State, Work
from clonalbayes.kernels.tree_graft import attach, draw_at, weigh_places
from clonalbayes.kernels.tree_grove import NOWHERE, Grove, refresh_constants, refresh_prevalences
from clonalbayes.kernels.tree_hang import draw_place, log_sum, missed_new, rehang
from clonalbayes.kernels.tree_place import Offer

PARTICLES = 24
REHANGS = 2  # of random clones, after each graft
FEW = 20.0  # times fewer mutations than the largest clone has: planted after the others


@kernel
def uproot(state: State) -> None:
    """Take every clone out of the tree."""
    clones, root = state.n_clones[0], state.ccf.shape[0]
    for k in range(clones):
        state.parent[k] = NOWHERE
        state.presence[k] = ABSENT
    state.fraction[:clones] = 0.0
    state.ccf[:clones] = 0.0
    state.fraction[root] = 1.0


@kernel
def planting_order(state: State, grove: Grove, few: float) -> np.ndarray:
    """Clones by falling mean prevalence, as their curves have it; those of few mutations after the others.

    Few are `few` times fewer than the largest clone has; infinity where clusters are given, and all are clones.
    A handful of artefacts, or of mutations whose allele one sample has lost, can look like a clone above all
    others: planted first, it would leave those no room.
    """
    clones, samples = state.n_clones[0], state.ccf.shape[1]
    size = np.zeros(clones)
    for z in state.z:
        if z >= 0:
            size[z] += 1.0
    rank = np.zeros(clones)
    for k in range(clones):
        for s in range(samples):
            rank[k] += grove.nodes[k, s, grove.best[k, s]] / samples
        if few * size[k] < size.max():
            rank[k] -= 2.0  # mean prevalences differ by at most 1
    return np.argsort(-rank)


@kernel
def resample(log_weight: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Systematic resampling: particles by weight."""
    share = np.exp(log_weight - log_weight.max())
    share /= share.sum()
    n = len(share)
    picked = np.empty(n, np.int64)
    u, total, j = rng.random() / n, share[0], 0
    for x in range(n):
        while u > total and j < n - 1:
            j += 1
            total += share[j]
        picked[x] = j
        u += 1.0 / n
    return picked


@kernel
def plant(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, priors: Priors, offer: Offer, particles: int,
    few: float, rng: np.random.Generator,
) -> None:  # fmt: skip
    """Give the clones of a state, whose curves and tails are built, a tree and fractions."""
    clones, samples = state.n_clones[0], state.ccf.shape[1]
    uproot(state)
    refresh_constants(state, priors, grove)
    order = planting_order(state, grove, few)
    rows = state.fraction.shape[0]
    parent = np.empty((particles, len(state.parent)), np.int64)
    fraction, ccf = np.empty((particles, rows, samples)), np.empty((particles, rows - 1, samples))
    presence = np.empty((particles, rows - 1, samples), state.presence.dtype)
    populations = np.ones((particles, samples), np.int64)
    for x in range(particles):
        parent[x], fraction[x], ccf[x], presence[x] = state.parent, state.fraction, state.ccf, state.presence
    log_weight = np.zeros(particles)
    for step in range(clones):
        k = order[step]
        for x in range(particles):
            state.parent[:], state.fraction[:], state.ccf[:] = parent[x], fraction[x], ccf[x]
            state.presence[:], grove.populations[:] = presence[x], populations[x]
            weights = weigh_places(state, grove, k, offer, priors.tree[1])
            place = draw_place(weights, rng)
            draw_at(state, grove, k, place, offer, rng)
            missed_new(data, state, work, terms, k, offer)
            attach(state, grove, k, place, offer)
            log_weight[x] += log_sum(weights)
            for _ in range(min(REHANGS, step)):
                j = order[min(int(rng.random() * (step + 1)), step)]
                rehang(data, state, work, terms, grove, priors, offer, j, False, rng)
            parent[x], fraction[x], ccf[x], presence[x] = state.parent, state.fraction, state.ccf, state.presence
            populations[x] = grove.populations
        share = np.exp(log_weight - log_weight.max())
        if share.sum() ** 2 < 0.5 * particles * (share**2).sum():
            picked = resample(log_weight, rng)
            parent, fraction, ccf = parent[picked], fraction[picked], ccf[picked]
            presence, populations = presence[picked], populations[picked]
            log_weight[:] = 0.0
    x = draw_place(log_weight, rng)
    if x >= 0:
        state.parent[:], state.fraction[:], state.ccf[:] = parent[x], fraction[x], ccf[x]
        state.presence[:], grove.populations[:] = presence[x], populations[x]


@kernel
def plant_given(state: State, parent: np.ndarray) -> None:
    """Give the clones a tree that is given, all of them present with equal fractions."""
    clones, root = state.n_clones[0], state.ccf.shape[0]
    state.parent[:clones] = parent
    state.presence[:clones] = SUBCLONAL
    state.fraction[:clones] = 1.0 / (clones + 1.0)
    state.fraction[root] = 1.0 / (clones + 1.0)
    refresh_prevalences(state)
