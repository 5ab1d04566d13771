"""The start of a chain: over-split on purpose, then merged by evidence, so that luck matters little.

Seeds are spread by distance-weighted sampling, refined by a few rounds of hard assignment with moment
estimates, and neighbouring clusters are merged while the (collapsed) posterior gains. What is left to do,
split-merge and birth moves do better from too many clusters than from too few.
"""

import math

import numpy as np

from clonalbayes.kernels.contexts import exchange_tags
from clonalbayes.kernels.envelope import admissible, set_prevalence
from clonalbayes.kernels.jit import kernel
from clonalbayes.kernels.launch import anchor_ccf, site_logs, tempering
from clonalbayes.kernels.layout import NOISE, SUBCLONAL, ReadData
from clonalbayes.kernels.profile import Terms
from clonalbayes.kernels.special import log_gamma
from clonalbayes.kernels.splitmerge import nearness, row_evidence
from clonalbayes.kernels.state import SPARE_CLONES, State, Work
from clonalbayes.kernels.tables import build_tables, refresh_cells

ROUNDS = 6
FAR = 50.0  # deviance in excess of chance beyond which a mutation attracts seeds no more strongly: artefacts
# are far from everything
NEIGHBOURS = 6
FEW_SEEDS = 50
MANY_MUTATIONS = 1000  # with more, seeds that attract fewer than three are left to the moves that find small clones
NOISE_SHARE = 0.02  # share of artefacts assumed while none is known


@kernel
def best_genotype(data: ReadData, i: int, log_p: np.ndarray, log_q: np.ndarray) -> tuple[int, float]:
    """Genotype of mutation i with the highest tempered log probability, and that probability."""
    best, value = 0, -np.inf
    for g in range(data.n_geno[data.cls[i]]):
        total = 0.0
        for s in range(data.alt_ix.shape[0]):
            cell = data.geno_cell[data.geno_off[data.cls[i]] + g, s]
            total += data.alt_val[data.alt_off[s] + data.alt_ix[s, i]] * log_p[cell]
            total += data.ref_val[data.ref_off[s] + data.ref_ix[s, i]] * log_q[cell]
        if total > value:
            best, value = g, total
    return best, value


@kernel
def spread_seeds(
    data: ReadData, state: State, work: Work, temper: np.ndarray, wanted: int, rng: np.random.Generator
) -> int:
    """Fill ccf rows with seed mutations picked in proportion to their distance from the seeds so far."""
    n = len(state.z)
    scale = temper.mean()
    nearest = np.full(n, FAR)
    chance = 0.5 * data.alt_ix.shape[0]
    cells = len(data.cell_sample)
    log_p, log_q = np.empty(cells), np.empty(cells)
    for k in range(wanted):
        target = rng.random() * nearest.sum()
        i = 0
        while i < n - 1 and target >= nearest[i]:
            target -= nearest[i]
            i += 1
        genotype = min(int(rng.random() * data.n_geno[data.cls[i]]), data.n_geno[data.cls[i]] - 1)
        anchor_ccf(data, work, i, genotype, state.ccf[k])
        site_logs(data, state, work, state.ccf[k], log_p, log_q, temper)
        for j in range(n):
            gap = scale * data.saturated[j] - best_genotype(data, j, log_p, log_q)[1] - chance
            nearest[j] = min(nearest[j], max(gap, 0.05))
    return wanted


@kernel
def refine(data: ReadData, state: State, work: Work, temper: np.ndarray, rows: int) -> None:
    """Rounds of hard assignment to the nearest row and moment estimates of the rows' ccf."""
    n, samples = len(state.z), data.alt_ix.shape[0]
    cells = len(data.cell_sample)
    log_p, log_q = np.empty(cells), np.empty(cells)
    size = np.full(rows, n / rows)
    for _ in range(ROUNDS):
        best = np.full(n, -np.inf)
        for k in range(rows):
            if size[k] == 0.0:
                continue
            site_logs(data, state, work, state.ccf[k], log_p, log_q, temper)
            weight = math.log(size[k] / n)
            for i in range(n):
                genotype, value = best_genotype(data, i, log_p, log_q)
                if value + weight > best[i]:
                    best[i] = value + weight
                    state.z[i], state.g[i] = k, genotype
        alt_sum, depth_sum = np.full((rows, samples), 0.02), np.full((rows, samples), 0.04)
        size[:] = 0.0
        for i in range(n):
            k = state.z[i]
            size[k] += 1.0
            for s in range(samples):
                cell = data.geno_cell[data.geno_off[data.cls[i]] + state.g[i], s]
                alt_sum[k, s] += data.alt_val[data.alt_off[s] + data.alt_ix[s, i]]
                depth_sum[k, s] += data.depth_val[data.depth_off[s] + data.depth_ix[s, i]] * work.coef[cell]
        for k in range(rows):
            for s in range(samples):
                state.ccf[k, s] = min(max(alt_sum[k, s] / depth_sum[k, s], 1e-4), 1.0)


@kernel
def compact(state: State, rows: int, smallest: int) -> int:
    """Renumber the rows with at least `smallest` members 0, 1, ...; the other mutations become noise."""
    size = np.zeros(rows, np.int64)
    for label in state.z:
        if label >= 0:
            size[label] += 1
    place = np.full(rows, NOISE)
    kept = 0
    for k in range(rows):
        if size[k] >= smallest and size[k] > 0:
            place[k] = kept
            state.ccf[kept] = state.ccf[k]
            exchange_tags(state, kept, k)
            kept += 1
    for i in range(len(state.z)):
        if state.z[i] >= 0:
            state.z[i] = place[state.z[i]]
    state.n_clones[0] = kept
    return kept


@kernel
def members_of(state: State, a: int, b: int) -> np.ndarray:
    """Mutations with label a or b."""
    return np.flatnonzero((state.z == a) | (state.z == b))


@kernel
def union_evidence(
    data: ReadData, state: State, work: Work, terms: Terms, row: int, a: int, b: int, rng: np.random.Generator
) -> float:
    """Evidence of the union of clones a and b with its partition factor; draws prevalences into `row`."""
    members = members_of(state, a, b)
    return row_evidence(data, state, work, terms, row, members, True, rng)[0] + log_gamma(float(len(members)))


@kernel
def merge_neighbours(
    data: ReadData, state: State, work: Work, terms: Terms, rng: np.random.Generator
) -> None:
    """Merge near clones while the collapsed posterior gains; prevalences end as draws given the members."""
    build_tables(data, state, work)
    clones = state.n_clones[0]
    evidence = np.empty(clones)
    alive = np.ones(clones, np.uint8)
    for k in range(clones):
        evidence[k] = union_evidence(data, state, work, terms, k, k, k, rng)
    changed = True
    while changed:
        changed = False
        for a in range(clones):
            if alive[a] == 0:
                continue
            near = np.zeros(clones)
            for b in range(clones):
                if alive[b] and b != a:
                    near[b] = nearness(state, a, b)
            for b in np.argsort(-near)[:NEIGHBOURS]:
                if near[b] == 0.0 or alive[b] == 0:
                    continue
                union = union_evidence(data, state, work, terms, clones, a, b, rng)
                if union - evidence[a] - evidence[b] - math.log(state.concentration[0]) > 0.0:
                    state.z[members_of(state, b, b)] = a
                    state.ccf[a], state.presence[a] = state.ccf[clones], state.presence[clones]
                    evidence[a] = union
                    alive[b] = 0
                    changed = True
    dissolve_artefacts(data, state, work, evidence)
    compact(state, clones, 1)
    for k in range(state.n_clones[0]):
        union_evidence(data, state, work, terms, k, k, k, rng)
        make_admissible(state, k)


@kernel
def make_admissible(state: State, row: int) -> None:
    """Make a clone that is nowhere, or like one in a row before it, subclonal where its ccf is highest."""
    if not admissible(state, row, row, -1):
        s = int(np.argmax(state.ccf[row]))
        ccf = min(max(state.ccf[row, s], 0.01), 0.99)
        set_prevalence(state.presence[row], state.ccf[row], s, SUBCLONAL, ccf)


@kernel
def dissolve_artefacts(data: ReadData, state: State, work: Work, evidence: np.ndarray) -> None:
    """Make noise of the clones whose members the noise component explains better, one by one."""
    for k in range(state.n_clones[0]):
        members = members_of(state, k, k)
        if len(members) > 0:
            as_noise = len(members) * math.log(NOISE_SHARE * len(state.z))
            as_clone = evidence[k] + math.log(state.concentration[0])
            for i in members:
                as_noise += data.noise_ll[i]
                as_clone += work.depth_sum[i]
            if as_noise > as_clone:
                state.z[members] = NOISE


@kernel
def start_clones(data: ReadData, state: State, work: Work, terms: Terms, rng: np.random.Generator) -> None:
    """Give a state with hyperparameters its first clones, assignments, genotypes and prevalences."""
    n = len(state.z)
    build_tables(data, state, work)
    temper = tempering(data, state)
    wanted = min(max(FEW_SEEDS, min(n // 4, 100)), n, state.ccf.shape[0] - SPARE_CLONES)
    rows = spread_seeds(data, state, work, temper, wanted, rng)
    refine(data, state, work, temper, rows)
    compact(state, rows, 3 if n > MANY_MUTATIONS else 1)
    merge_neighbours(data, state, work, terms, rng)


@kernel
def start_given(data: ReadData, state: State, work: Work, terms: Terms, rng: np.random.Generator) -> None:
    """Genotypes and prevalences for labels that are given (`z` and `n_clones` are set)."""
    temper = tempering(data, state)
    cells = len(data.cell_sample)
    log_p, log_q = np.empty(cells), np.empty(cells)
    refresh_cells(data, state, work)
    state.g[:] = 0
    for _ in range(2):
        for k in range(state.n_clones[0]):
            union_evidence(data, state, work, terms, k, k, k, rng)
            make_admissible(state, k)
            site_logs(data, state, work, state.ccf[k], log_p, log_q, temper)
            for i in members_of(state, k, k):
                state.g[i] = best_genotype(data, i, log_p, log_q)[0]
