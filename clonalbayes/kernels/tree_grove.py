"""Scratch space of the tree's moves: every clone's likelihood as chords, and constants per sample.

A curve is the log likelihood of one row's members in one sample as a function of the prevalence, by chords
between a few nodes about its mode, times the heat. The moves propose from the curves; the exact profile
decides on acceptance, so a coarse curve costs acceptance and never correctness.
"""

import math
from typing import NamedTuple

import numpy as np

from clonalbayes.kernels.envelope import MAX_NODES, NODES_FROM_MODE, find_mode
from clonalbayes.kernels.jit import kernel
from clonalbayes.kernels.layout import ABSENT, Priors, ReadData
from clonalbayes.kernels.profile import Terms, clear_terms, gather_row, profile
from clonalbayes.kernels.special import log_gamma
from clonalbayes.kernels.state import State, Work
from clonalbayes.kernels.tree_pieces import MAX_PIECES

NOWHERE = -1  # the parent of a row that is not in the tree


class Grove(NamedTuple):
    """Curves of R rows in S samples and what the moves need beside them."""

    nodes: np.ndarray  # [R, S, MAX_NODES] prevalences, from 0 to 1
    heights: np.ndarray  # [R, S, MAX_NODES] heat x log likelihood
    n_nodes: np.ndarray  # [R, S]
    best: np.ndarray  # [R, S] the highest node
    pieces: np.ndarray  # [4, MAX_PIECES] see `tree_pieces.fill_pieces`
    now: np.ndarray  # [R, S] heat x exact log likelihood at the present prevalences
    populations: np.ndarray  # [S] populations present, the normal cells among them
    log_beta: np.ndarray  # [S] log Beta(a, a)
    log_share: np.ndarray  # [S, R + 2] log of the Dirichlet's constant for n + 1 populations over that for n
    barred: np.ndarray  # [R, S] 1 where a clone must be absent
    tie: np.ndarray  # [S, 2] mean and sd (0: none) of what is known of the normal cells' fraction


def new_grove(samples: int, rows: int) -> Grove:
    """Scratch space for `rows` rows."""
    return Grove(
        nodes=np.zeros((rows, samples, MAX_NODES)),
        heights=np.zeros((rows, samples, MAX_NODES)),
        n_nodes=np.zeros((rows, samples), np.int64),
        best=np.zeros((rows, samples), np.int64),
        pieces=np.zeros((4, MAX_PIECES + 1)),
        now=np.zeros((rows, samples)),
        populations=np.zeros(samples, np.int64),
        log_beta=np.zeros(samples),
        log_share=np.zeros((samples, rows + 2)),
        barred=np.zeros((rows, samples), np.uint8),
        tie=np.zeros((samples, 2)),
    )


@kernel
def build_curve(terms: Terms, coef: np.ndarray, state: State, grove: Grove, row: int, s: int) -> None:
    """The curve of the members in `terms` to row `row`, sample s."""
    nodes, heights = grove.nodes[row, s], grove.heights[row, s]
    error, precision = state.error_rate[s], state.precision[s]
    mode, width = find_mode(terms, coef, error, precision)
    width /= math.sqrt(state.heat[0])
    nodes[0] = 0.0
    n = 1
    for offset in NODES_FROM_MODE:
        x = mode + offset * width
        if x > nodes[n - 1] + 1e-9 and x < 1.0 - 1e-9:
            nodes[n] = x
            n += 1
    nodes[n] = 1.0
    n += 1
    best = 0
    for m in range(n):
        heights[m] = state.heat[0] * profile(terms, coef, nodes[m], error, precision)
        if heights[m] > heights[best]:
            best = m
    grove.n_nodes[row, s], grove.best[row, s] = n, best


@kernel
def build_curves(data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, row: int, source: int) -> None:
    """Curves to row `row` of the members whose tail counts are in row `source` of `work`."""
    for s in range(data.alt_ix.shape[0]):
        clear_terms(terms)
        gather_row(data, work, terms, source, s)
        build_curve(terms, work.coef, state, grove, row, s)


@kernel
def exact_height(
    data: ReadData, state: State, work: Work, terms: Terms, row: int, s: int, prevalence: float
) -> float:
    """Heat x exact log likelihood of the row's members in sample s, without the depth term. Reads the tails."""
    clear_terms(terms)
    gather_row(data, work, terms, row, s)
    return state.heat[0] * profile(terms, work.coef, prevalence, state.error_rate[s], state.precision[s])


@kernel
def refresh_heights(data: ReadData, state: State, work: Work, terms: Terms, grove: Grove) -> None:
    """`now` of every clone, from the tails."""
    for k in range(state.n_clones[0]):
        for s in range(data.alt_ix.shape[0]):
            grove.now[k, s] = exact_height(data, state, work, terms, k, s, state.ccf[k, s])


@kernel
def refresh_constants(state: State, priors: Priors, grove: Grove) -> None:
    """Numbers of populations, the Dirichlet's constants and what is known of the normal cells, of every sample."""
    clones = state.n_clones[0]
    for s in range(state.ccf.shape[1]):
        a = state.sparsity[s]
        one = log_gamma(a)
        grove.log_beta[s] = 2.0 * one - log_gamma(2.0 * a)
        grove.populations[s] = 1
        for k in range(clones):
            if state.presence[k, s] != ABSENT:
                grove.populations[s] += 1
        last = one
        for n in range(1, grove.log_share.shape[1]):  # clones are born and split before the next refresh
            following = log_gamma((n + 1.0) * a)
            grove.log_share[s, n] = following - last - one
            last = following
        if priors.linked[s]:
            grove.tie[s, 0], grove.tie[s, 1] = 1.0 - state.purity[s], priors.tree[2]
        else:
            grove.tie[s, 0], grove.tie[s, 1] = 1.0 - priors.share[s, 0], priors.share[s, 1]


@kernel
def refresh_prevalences(state: State) -> None:
    """Prevalences from fractions, children before parents, so that rounding does not pile up."""
    clones, samples = state.n_clones[0], state.ccf.shape[1]
    root = state.ccf.shape[0]
    left = np.zeros(root + 1, np.int64)
    for k in range(clones):
        left[state.parent[k]] += 1
    state.ccf[:clones] = state.fraction[:clones]
    ready = np.empty(clones, np.int64)
    n = 0
    for k in range(clones):
        if left[k] == 0:
            ready[n] = k
            n += 1
    x = 0
    while x < n:
        k = ready[x]
        p = state.parent[k]
        if p != root:
            for s in range(samples):
                state.ccf[p, s] += state.ccf[k, s]
            left[p] -= 1
            if left[p] == 0:
                ready[n] = p
                n += 1
        x += 1


@kernel
def children_of(state: State, k: int, together: np.ndarray, absent: np.ndarray) -> int:
    """Prevalence of k's children together and number of absent ones, per sample; the number of children."""
    together[:] = 0.0
    absent[:] = 0
    found = 0
    for j in range(state.n_clones[0]):
        if state.parent[j] == k:
            found += 1
            for s in range(len(together)):
                together[s] += state.ccf[j, s]
                if state.presence[j, s] == ABSENT:
                    absent[s] += 1
    return found


@kernel
def mark_subtree(state: State, k: int, inside: np.ndarray) -> None:
    """Flag k and its descendants in `inside` [rows]."""
    root = state.ccf.shape[0]
    inside[:] = 0
    inside[k] = 1
    for j in range(state.n_clones[0]):
        x = j
        while x != root and x != k and x != NOWHERE:
            x = state.parent[x]
        if x == k:
            inside[j] = 1


@kernel
def founders(state: State) -> int:
    """Number of clones whose parent is the normal root."""
    found = 0
    for k in range(state.n_clones[0]):
        if state.parent[k] == state.ccf.shape[0]:
            found += 1
    return found
