"""Where a split begins: anchors, and a few rounds of expectation-maximisation from them.

Nothing here enters the posterior: binomial scores tempered by overdispersion are enough to propose a division,
and everything depends on the set of members and the anchors alone, never on the present division.
"""

import math

import numpy as np

from clonalbayes.kernels.jit import kernel
from clonalbayes.kernels.layout import ReadData
from clonalbayes.kernels.state import State, Work
from clonalbayes.kernels.tables import alt_fraction

LAUNCH_ROUNDS = 4
LAUNCH_ROUNDS_SMALL = 10  # few members and many samples need more rounds to forget the anchors
LAUNCH_SMALL = 100
LAUNCH_MEMBERS = 200  # of the members that the launch looks at; the division looks at all


@kernel
def site_logs(
    data: ReadData,
    state: State,
    work: Work,
    ccf: np.ndarray,
    log_p: np.ndarray,
    log_q: np.ndarray,
    temper: np.ndarray,
) -> None:
    """Binomial log probabilities per cell at the given ccf, tempered by the samples' overdispersion."""
    for cell in range(len(data.cell_sample)):
        s = data.cell_sample[cell]
        p = alt_fraction(ccf[s] * work.coef[cell], state.error_rate[s])
        log_p[cell] = temper[s] * math.log(p)
        log_q[cell] = temper[s] * math.log1p(-p)


@kernel
def tempering(data: ReadData, state: State) -> np.ndarray:
    """Per sample the share of the binomial information that overdispersion leaves at the sample's mid depth."""
    samples = data.alt_ix.shape[0]
    temper = np.empty(samples)
    for s in range(samples):
        depth = data.depth_val[(data.depth_off[s] + data.depth_off[s + 1]) // 2]
        temper[s] = (state.precision[s] + 1.0) / (state.precision[s] + max(depth, 1.0))
    return temper


@kernel
def anchor_ccf(data: ReadData, work: Work, i: int, genotype: int, ccf: np.ndarray) -> None:
    """Shrunken moment estimate of the ccf from one mutation."""
    for s in range(data.alt_ix.shape[0]):
        cell = data.geno_cell[data.geno_off[data.cls[i]] + genotype, s]
        alt = data.alt_val[data.alt_off[s] + data.alt_ix[s, i]]
        depth = data.depth_val[data.depth_off[s] + data.depth_ix[s, i]]
        scale = max(work.coef[cell], 1e-6)
        ccf[s] = min(max((alt + 0.02) / (depth * scale + 0.04), 1e-4), 1.0)


@kernel
def log_odds(
    data: ReadData, state: State, members: np.ndarray, logs: np.ndarray, prior: float, odds: np.ndarray
) -> None:
    """Log odds of the first against the second half for each member; logs[half, alt or ref, cell]."""
    samples = data.alt_ix.shape[0]
    for x in range(len(members)):
        i = members[x]
        total = prior
        for s in range(samples):
            cell = data.geno_cell[data.geno_off[data.cls[i]] + state.g[i], s]
            alt = data.alt_val[data.alt_off[s] + data.alt_ix[s, i]]
            ref = data.ref_val[data.ref_off[s] + data.ref_ix[s, i]]
            total += alt * (logs[0, 0, cell] - logs[1, 0, cell]) + ref * (logs[0, 1, cell] - logs[1, 1, cell])
        odds[x] = total


@kernel
def launch(
    data: ReadData, state: State, work: Work, members: np.ndarray, first: int, second: int, odds: np.ndarray,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Log likelihood ratio of the first half for every member after a few rounds of EM from the two anchors.

    The rounds look at a random part of the members; like the anchors, it is drawn whatever the division.
    """
    samples, n = data.alt_ix.shape[0], len(members)
    ccf = np.empty((2, samples))
    anchor_ccf(data, work, first, state.g[first], ccf[0])
    anchor_ccf(data, work, second, state.g[second], ccf[1])
    logs = np.empty((2, 2, len(data.cell_sample)))
    temper = tempering(data, state)
    seen = members
    if n > LAUNCH_MEMBERS:
        seen = np.empty(LAUNCH_MEMBERS, np.int64)
        for x in range(LAUNCH_MEMBERS):
            seen[x] = members[min(int(rng.random() * n), n - 1)]
    share, part = 0.3, np.empty(len(seen))
    for _ in range(LAUNCH_ROUNDS_SMALL if n <= LAUNCH_SMALL else LAUNCH_ROUNDS):
        for half in range(2):
            site_logs(data, state, work, ccf[half], logs[half, 0], logs[half, 1], temper)
        log_odds(data, state, seen, logs, math.log(share / (1.0 - share)), part)
        share = refit(data, state, work, seen, part, ccf)
    for half in range(2):
        site_logs(data, state, work, ccf[half], logs[half, 0], logs[half, 1], temper)
    log_odds(data, state, members, logs, 0.0, odds)


@kernel
def anchor_weights(
    data: ReadData, state: State, work: Work, members: np.ndarray, weights: np.ndarray
) -> float:
    """Weights with which members are picked as first anchor of a split, and their sum.

    They grow with the member's distance from the members' common ccf, because it is among those that
    another clone hides. They depend on the set of members alone.
    """
    samples, cells = data.alt_ix.shape[0], len(data.cell_sample)
    ccf, flat = np.empty((2, samples)), np.full(samples, 1.0)
    weights[:] = 50.0
    refit(data, state, work, members, weights, ccf)
    log_p, log_q = np.empty(cells), np.empty(cells)
    site_logs(data, state, work, ccf[0], log_p, log_q, flat)
    total = 0.0
    for x in range(len(members)):
        i = members[x]
        gap = data.saturated[i]
        for s in range(samples):
            cell = data.geno_cell[data.geno_off[data.cls[i]] + state.g[i], s]
            gap -= data.alt_val[data.alt_off[s] + data.alt_ix[s, i]] * log_p[cell]
            gap -= data.ref_val[data.ref_off[s] + data.ref_ix[s, i]] * log_q[cell]
        weights[x] = (0.5 + min(max(gap, 0.0), 20.0)) ** 2
        total += weights[x]
    return total


@kernel
def draw_weighted(weights: np.ndarray, total: float, rng: np.random.Generator) -> int:
    """An index with probability proportional to its weight."""
    target = rng.random() * total
    for x in range(len(weights) - 1):
        target -= weights[x]
        if target < 0.0:
            return x
    return len(weights) - 1


@kernel
def refit(
    data: ReadData, state: State, work: Work, members: np.ndarray, odds: np.ndarray, ccf: np.ndarray
) -> float:
    """Moment estimates of both halves from soft assignments; the first half's share of the members."""
    samples = data.alt_ix.shape[0]
    alt_sum, depth_sum = np.full((2, samples), 0.02), np.full((2, samples), 0.04)
    weight = 0.0
    for x in range(len(members)):
        i = members[x]
        first = 1.0 / (1.0 + math.exp(-min(max(odds[x], -50.0), 50.0)))
        weight += first
        for s in range(samples):
            cell = data.geno_cell[data.geno_off[data.cls[i]] + state.g[i], s]
            alt = data.alt_val[data.alt_off[s] + data.alt_ix[s, i]]
            scaled = data.depth_val[data.depth_off[s] + data.depth_ix[s, i]] * work.coef[cell]
            alt_sum[0, s] += first * alt
            alt_sum[1, s] += (1.0 - first) * alt
            depth_sum[0, s] += first * scaled
            depth_sum[1, s] += (1.0 - first) * scaled
    for half in range(2):
        for s in range(samples):
            ccf[half, s] = min(max(alt_sum[half, s] / depth_sum[half, s], 1e-5), 1.0)
    return min(max(weight / len(members), 0.02), 0.98)
