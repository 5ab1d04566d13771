"""Gibbs updates of the assignments: clone (or noise, or germline) and genotype of every mutation.

Given instantiated component weights the mutations are independent, except that a clone's only member may
not leave it here: clones are born and die in `births`, whose reverse moves need that.
"""

import math

import numpy as np

from clonalbayes.kernels.contexts import add_contexts, context_row, in_use
from clonalbayes.kernels.jit import kernel
from clonalbayes.kernels.layout import GERMLINE, NOISE, ReadData
from clonalbayes.kernels.state import NEGLIGIBLE, State, Work
from clonalbayes.kernels.tables import chance_missed, log_called, read_tables, row_of

CHUNK = 256
HOPELESS = 40.0  # a place this many nats below the best is never drawn
LOG_NEGLIGIBLE = math.log(NEGLIGIBLE)


@kernel
def count_kinds(state: State, work: Work) -> np.ndarray:
    """Number of mutations in clones, noise and germline, from the row sizes."""
    kinds = np.zeros(3)
    for k in range(state.n_clones[0]):
        kinds[0] += work.size[k]
    kinds[2] = work.size[state.ccf.shape[0]]
    kinds[1] = len(state.z) - kinds[0] - kinds[2]
    return kinds


@kernel
def move_label(state: State, work: Work, i: int, new: int) -> None:
    """Relabel mutation i and keep the row sizes."""
    capacity = state.ccf.shape[0]
    old_row, new_row = row_of(state.z[i], capacity), row_of(new, capacity)
    if old_row >= 0:
        work.size[old_row] -= 1
    if new_row >= 0:
        work.size[new_row] += 1
    state.z[i] = new


@kernel
def draw_log_weights(state: State, work: Work, component: np.ndarray, rng: np.random.Generator) -> float:
    """Draw component and clone weights given the assignments; log weights of rows; returns that of noise.

    Clone weights are the Dirichlet process posterior's: Gamma(n_k) for each clone and Gamma(concentration)
    for the part that no clone holds yet.
    """
    kinds = count_kinds(state, work)
    draws = np.empty(3)
    for j in range(3):
        draws[j] = max(rng.standard_gamma(component[j] + kinds[j]), 1e-300)
    total = draws.sum()
    rest = max(rng.standard_gamma(state.concentration[0]), 1e-300)
    for k in range(state.n_clones[0]):
        share = max(rng.standard_gamma(float(work.size[k])), 1e-300)
        work.log_weight[k] = math.log(share)
        rest += share
    for k in range(state.n_clones[0]):
        work.log_weight[k] += math.log(draws[0] / total / rest)
    work.log_weight[state.ccf.shape[0]] = math.log(draws[2] / total)
    return math.log(draws[1] / total)


@kernel
def add_tables(
    acc: np.ndarray, alt: np.ndarray, ref: np.ndarray, alt_ix: np.ndarray, ref_ix: np.ndarray, low: int
) -> None:
    """Add the log likelihood of mutations low .. low + len(acc) - 1 in one sample from its two tables."""
    for x in range(len(acc)):
        acc[x] += alt[alt_ix[low + x]] + ref[ref_ix[low + x]]


@kernel
def subtract_called(
    acc: np.ndarray, best: np.ndarray, low_row: np.ndarray, rank: np.ndarray, depth_pos: np.ndarray,
    cells: np.ndarray, depth_ix: np.ndarray, low: int,
) -> None:  # fmt: skip
    """Condition the log likelihoods in `acc` on the mutations having been called.

    Left out where another row is so much better (`best`) that the correction, at most -log(NEGLIGIBLE),
    could not bring this one within HOPELESS.
    """
    for x in range(len(acc)):
        if acc[x] > best[x] - HOPELESS + LOG_NEGLIGIBLE:
            missed = chance_missed(low_row, rank, depth_pos, cells, depth_ix, low + x)
            if missed > 0.0:
                acc[x] -= log_called(missed)


@kernel
def add_logs(scores: np.ndarray, acc: np.ndarray, best: np.ndarray) -> None:
    """Add exp(acc) to exp(scores), in logarithms; only roughly where both are hopeless."""
    for x in range(len(acc)):
        top = max(scores[x], acc[x])
        gap = min(scores[x], acc[x]) - top
        if gap > -HOPELESS and top > best[x] - HOPELESS:
            top += math.log1p(math.exp(gap))
        scores[x] = top


@kernel
def raise_best(scores: np.ndarray, best: np.ndarray, width: int) -> None:
    """Raise `best` to `scores` in the first `width` elements."""
    for x in range(width):
        if scores[x] > best[x]:
            best[x] = scores[x]


@kernel
def row_scores(
    data: ReadData, work: Work, row: int, at: int, low: int, high: int, scores: np.ndarray, best: np.ndarray
) -> None:
    """Log weight times likelihood of mutations low..high-1 (one class) in `row`, summed over genotypes.

    `at` is the row of the table of contexts.
    """
    c = data.cls[low]
    width = high - low
    for g in range(data.n_geno[c]):
        cells = data.geno_cell[data.geno_off[c] + g]
        acc = work.depth_sum[low:high] + (work.log_weight[row] - math.log(float(data.n_geno[c])))
        if in_use(work):
            add_contexts(acc, work.context_log[at], data.context, low)
        for s in range(len(cells)):
            cell = cells[s]
            add_tables(
                acc, work.alt_table[row, data.alt_pos[cell] : data.alt_pos[cell + 1]],
                work.ref_table[row, data.ref_pos[cell] : data.ref_pos[cell + 1]], data.alt_ix[s], data.ref_ix[s], low,
            )  # fmt: skip
        if data.min_alt > 0:
            subtract_called(
                acc, best, work.low_table[row], work.rank[row], data.depth_pos, cells, data.depth_ix, low
            )
        if g == 0:
            scores[:width] = acc
        else:
            add_logs(scores, acc, best)
    raise_best(scores, best, width)


@kernel
def genotype_logs(data: ReadData, work: Work, row: int, i: int, logs: np.ndarray) -> None:
    """Log likelihood of mutation i in `row` under each of its genotypes, depth term and calls included."""
    alt, ref, low, rank = work.alt_table[row], work.ref_table[row], work.low_table[row], work.rank[row]
    for g in range(len(logs)):
        cells = data.geno_cell[data.geno_off[data.cls[i]] + g]
        logs[g] = work.depth_sum[i]
        logs[g] += read_tables(alt, ref, data.alt_pos, data.ref_pos, cells, data.alt_ix, data.ref_ix, i)
        if data.min_alt > 0:
            logs[g] -= log_called(chance_missed(low, rank, data.depth_pos, cells, data.depth_ix, i))


@kernel
def draw_genotype(
    data: ReadData, work: Work, row: int, i: int, rng: np.random.Generator, heat: float = 1.0
) -> int:
    """Genotype of mutation i in `row` (-1: noise) from its conditional; the prior over genotypes is uniform."""
    n_geno = data.n_geno[data.cls[i]]
    if n_geno == 1:
        return 0
    logs = np.zeros(n_geno)
    if row >= 0:
        genotype_logs(data, work, row, i, logs)
        logs *= heat
    return draw_log(logs, n_geno, rng)


@kernel
def draw_log(logs: np.ndarray, n: int, rng: np.random.Generator) -> int:
    """An index below n with probability proportional to exp(logs)."""
    top = logs[0]
    for j in range(1, n):
        if logs[j] > top:
            top = logs[j]
    total = 0.0
    for j in range(n):
        if logs[j] > top - HOPELESS:
            total += math.exp(logs[j] - top)
    target = rng.random() * total
    last = 0
    for j in range(n):
        if logs[j] > top - HOPELESS:
            last = j
            target -= math.exp(logs[j] - top)
            if target < 0.0:
                break
    return last


@kernel
def settle(
    data: ReadData,
    state: State,
    work: Work,
    scores: np.ndarray,
    low: int,
    high: int,
    rng: np.random.Generator,
) -> None:
    """Draw label and genotype of mutations low..high-1; scores[k, x]: clones, germline, noise."""
    clones, capacity = state.n_clones[0], state.ccf.shape[0]
    column = np.empty(clones + 2)
    z, size, g, pinned = state.z, work.size, state.g, work.pinned
    for x in range(high - low):
        i = low + x
        old = z[i]
        if not ((old >= 0 and size[old] == 1) or pinned[i]):
            for k in range(clones + 2):
                column[k] = scores[k, x]
            pick = draw_log(column, clones + 2, rng)
            new = pick if pick < clones else (GERMLINE if pick == clones else NOISE)
            if new != old:
                old_row, new_row = row_of(old, capacity), row_of(new, capacity)
                if old_row >= 0:
                    size[old_row] -= 1
                if new_row >= 0:
                    size[new_row] += 1
                z[i] = new
    if data.n_geno[data.cls[low]] > 1:
        for i in range(low, high):
            g[i] = draw_genotype(data, work, row_of(z[i], capacity), i, rng)


@kernel
def assign_all(
    data: ReadData, state: State, work: Work, component: np.ndarray, rng: np.random.Generator
) -> None:
    """One Gibbs sweep over all mutations. Reads tables and sizes; rebuilds the weights; leaves tails stale."""
    clones, capacity = state.n_clones[0], state.ccf.shape[0]
    log_noise = draw_log_weights(state, work, component, rng)
    scores, best = np.empty((clones + 2, CHUNK)), np.empty(CHUNK)
    for c in range(len(data.n_geno)):
        for low in range(data.cls_start[c], data.cls_start[c + 1], CHUNK):
            high = min(low + CHUNK, data.cls_start[c + 1])
            scores[clones + 1, : high - low] = log_noise + data.noise_ll[low:high]
            if in_use(work):
                noise = work.context_log[context_row(state, NOISE)]
                add_contexts(scores[clones + 1, : high - low], noise, data.context, low)
            best[: high - low] = scores[clones + 1, : high - low]
            for k in range(clones + 1):
                at = context_row(state, k if k < clones else GERMLINE)
                row_scores(data, work, k if k < clones else capacity, at, low, high, scores[k], best)
            settle(data, state, work, scores, low, high, rng)
