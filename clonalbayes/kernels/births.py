"""Birth and death of clones with a single member (Metropolis-Hastings; cf. Neal 2000, algorithm 7).

Death of a singleton draws its new place from the Gibbs conditional; birth draws the new clone from the
envelopes of the mutation's own profile. All but the marginal likelihood of the mutation cancels, and the
chances of being picked: singletons are picked uniformly for death, while births are tried at noise as
often as anywhere else, because that is where clones not yet seen hide.
"""

import math

import numpy as np

from clonalbayes.kernels.assign import count_kinds, draw_genotype, draw_log, genotype_logs, move_label
from clonalbayes.kernels.contexts import exchange_tags, log_context, log_mean, take_tag, weigh_tags_of_one
from clonalbayes.kernels.envelope import Envelope, admissible, new_envelope, visit_row
from clonalbayes.kernels.jit import kernel
from clonalbayes.kernels.layout import GERMLINE, NOISE, ReadData
from clonalbayes.kernels.profile import Terms, moment_ccf, profile, single_terms
from clonalbayes.kernels.state import NEGLIGIBLE, SPARE_CLONES, State, Work
from clonalbayes.kernels.tables import alt_fraction, build_row, fill_low, log_called, row_of

COUNT_BIRTH, COUNT_DEATH = 4, 6
SCREEN = -20.0  # births that a bound puts below this log ratio are not worked out


@kernel
def copy_clone(state: State, work: Work, source: int, target: int) -> None:
    """Copy prevalences, place in the tree, tables and size of a clone row (the members' labels are the caller's)."""
    state.ccf[target] = state.ccf[source]
    state.presence[target] = state.presence[source]
    state.parent[target] = state.parent[source]
    state.fraction[target] = state.fraction[source]
    work.size[target] = work.size[source]
    copy_tables(work, source, target)


@kernel
def copy_tables(work: Work, source: int, target: int) -> None:
    """Copy the likelihood tables of a row."""
    work.alt_table[target] = work.alt_table[source]
    work.ref_table[target] = work.ref_table[source]
    work.low_table[target] = work.low_table[source]
    work.rank[target] = work.rank[source]


@kernel
def remove_clone(state: State, work: Work, row: int) -> None:
    """Drop an empty clone; the last clone takes its row, and the tag that is free now comes behind the clones."""
    last = state.n_clones[0] - 1
    if row != last:
        exchange_tags(state, row, last)
        copy_clone(state, work, last, row)
        for i in range(len(state.z)):
            if state.z[i] == last:
                state.z[i] = row
        for k in range(last):
            if state.parent[k] == last:
                state.parent[k] = row
    state.n_clones[0] = last


@kernel
def place_scores(
    data: ReadData,
    state: State,
    work: Work,
    component: np.ndarray,
    kinds: np.ndarray,
    i: int,
    scores: np.ndarray,
) -> float:
    """Log weights of mutation i in every existing place but its own singleton; their log sum.

    `kinds` counts clone, noise and germline mutations without i. The common factor of the component
    weights' normalising constant is left out.
    """
    clones, capacity = state.n_clones[0], state.ccf.shape[0]
    logs = np.empty(data.n_geno[data.cls[i]])
    base = math.log(component[0] + kinds[0]) - math.log(state.concentration[0] + kinds[0])
    for k in range(clones + 1):
        size = float(work.size[k]) - (1.0 if k == state.z[i] else 0.0) if k < clones else 1.0
        scores[k] = -np.inf
        if size > 0.0:
            genotype_logs(data, work, k if k < clones else capacity, i, logs)
            weight = base + math.log(size) if k < clones else math.log(component[2] + kinds[2])
            scores[k] = weight + log_sum(logs) - math.log(float(len(logs)))
            scores[k] += log_context(data, state, work, i, k if k < clones else GERMLINE)
    scores[clones + 1] = math.log(component[1] + kinds[1]) + data.noise_ll[i]
    scores[clones + 1] += log_context(data, state, work, i, NOISE)
    return log_sum(scores)


@kernel
def log_sum(logs: np.ndarray) -> float:
    """Logarithm of the sum of exponentials."""
    top = logs.max()
    return top + math.log(np.exp(logs - top).sum())


@kernel
def visit_single(
    data: ReadData, state: State, work: Work, terms: Terms, envelope: Envelope, row: int, i: int, genotype: int,
    draw: bool, rng: np.random.Generator,
) -> tuple[float, float]:  # fmt: skip
    """Evidence and shift (see `envelope.visit_row`) of `row` with mutation i as its only member."""
    evidence, shift = 0.0, 0.0
    for s in range(data.alt_ix.shape[0]):
        alt = data.alt_val[data.alt_off[s] + data.alt_ix[s, i]]
        ref = data.ref_val[data.ref_off[s] + data.ref_ix[s, i]]
        single_terms(terms, data.geno_cell[data.geno_off[data.cls[i]] + genotype, s], alt, ref)
        mass, part = visit_row(terms, work.coef, state, row, s, envelope, draw, rng)
        evidence += mass
        shift += part
    return evidence, shift


@kernel
def chance_missed_single(data: ReadData, state: State, work: Work, row: int, i: int, genotype: int) -> float:
    """As `tables.chance_missed`, without tables: for a row that may never come to be."""
    missed, low = 1.0, np.empty(1)
    cells = data.geno_cell[data.geno_off[data.cls[i]] + genotype]
    for s in range(len(cells)):
        p = alt_fraction(state.ccf[row, s] * work.coef[cells[s]], state.error_rate[s])
        at = data.depth_off[s] + data.depth_ix[s, i]
        fill_low(low, 0, data.depth_val, at, at + 1, p, state.precision[s], data.min_alt)
        missed *= low[0]
    return missed if missed >= NEGLIGIBLE else 0.0


@kernel
def birth_score(
    data: ReadData, state: State, work: Work, terms: Terms, envelope: Envelope, component: np.ndarray,
    kinds: np.ndarray, i: int, draw: bool, rng: np.random.Generator,
) -> float:  # fmt: skip
    """Log weight of mutation i as a clone of its own, on the scale of `place_scores`, over its proposal density.

    The spare row n_clones holds the new clone: drawn, with a genotype, if `draw`; else as the caller left it.
    """
    row = state.n_clones[0]
    n_geno = data.n_geno[data.cls[i]]
    current, total, shift = state.g[i], -np.inf, 0.0
    ccf, presence = state.ccf[row].copy(), state.presence[row].copy()
    for g in range(n_geno):
        evidence, part = visit_single(data, state, work, terms, envelope, row, i, g, draw, rng)
        top = max(total, evidence)
        total = top + math.log(math.exp(total - top) + math.exp(evidence - top))
        if draw and math.log(rng.random()) < evidence - total:
            current, shift = g, part
            ccf[:], presence[:] = state.ccf[row], state.presence[row]
        elif not draw and g == current:
            shift = part
    state.g[i] = current
    state.ccf[row], state.presence[row] = ccf, presence
    if data.min_alt > 0:
        shift -= log_called(chance_missed_single(data, state, work, row, i, current))
    prior = birth_prior(state, component, kinds) - math.log(float(n_geno))
    return prior + total + shift + work.depth_sum[i]


@kernel
def birth_prior(state: State, component: np.ndarray, kinds: np.ndarray) -> float:
    """Log prior weight of a new clone on the scale of `place_scores`."""
    return math.log(component[0] + kinds[0]) + math.log(
        state.concentration[0] / (state.concentration[0] + kinds[0])
    )


@kernel
def birth_bound(
    data: ReadData, state: State, work: Work, terms: Terms, component: np.ndarray, kinds: np.ndarray, i: int
) -> float:
    """What `birth_score` is about to be at most: the likelihood at moment estimates, best genotype."""
    best = -np.inf
    for g in range(data.n_geno[data.cls[i]]):
        total = 0.0
        for s in range(data.alt_ix.shape[0]):
            alt = data.alt_val[data.alt_off[s] + data.alt_ix[s, i]]
            ref = data.ref_val[data.ref_off[s] + data.ref_ix[s, i]]
            single_terms(terms, data.geno_cell[data.geno_off[data.cls[i]] + g, s], alt, ref)
            at = moment_ccf(terms, work.coef)
            total += profile(terms, work.coef, at, state.error_rate[s], state.precision[s])
        best = max(best, total)
    return birth_prior(state, component, kinds) + best + work.depth_sum[i]


@kernel
def kinds_without(state: State, work: Work, i: int) -> np.ndarray:
    """Numbers of clone, noise and germline mutations, mutation i left out."""
    kinds = count_kinds(state, work)
    label = state.z[i]
    kinds[1 if label == NOISE else (2 if label == GERMLINE else 0)] -= 1.0
    return kinds


@kernel
def log_pick_birth(state: State, kinds: np.ndarray, singletons: int, noise: bool) -> float:
    """Log probability that a given mutation outside the singletons is picked for a birth.

    `kinds` are the full counts of clone, noise and germline mutations.
    """
    anywhere = 1.0 / (len(state.z) - singletons)
    if kinds[1] == 0.0:
        return math.log(anywhere)
    return math.log(0.5 * anywhere + (0.5 / kinds[1] if noise else 0.0))


@kernel
def count_singletons(state: State, work: Work) -> int:
    """Number of clones with one member."""
    found = 0
    for k in range(state.n_clones[0]):
        if work.size[k] == 1:
            found += 1
    return found


@kernel
def try_birth(
    data: ReadData, state: State, work: Work, terms: Terms, envelope: Envelope, component: np.ndarray, i: int,
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
    ratio = -place_scores(data, state, work, component, kinds, i, scores)
    ratio -= log_pick_birth(state, count_kinds(state, work), singletons, state.z[i] == NOISE)
    tags = weigh_tags_of_one(data, state, work, i, -1)
    ratio += log_mean(tags)
    if ratio + birth_bound(data, state, work, terms, component, kinds, i) < SCREEN:
        return
    ratio += birth_score(data, state, work, terms, envelope, component, kinds, i, True, rng)
    if not admissible(state, clones, clones, -1):
        ratio = -np.inf
    left_alone = state.z[i] >= 0 and work.size[state.z[i]] == 2
    ratio -= math.log(singletons + (2.0 if left_alone else 1.0))
    if math.log(rng.random()) >= ratio:
        state.g[i] = old_g
        return
    state.counters[COUNT_BIRTH + 1] += 1
    build_row(data, state, work, clones)
    take_tag(state, tags, rng)
    work.size[clones] = 0
    move_label(state, work, i, clones)
    state.n_clones[0] = clones + 1


@kernel
def try_death(
    data: ReadData, state: State, work: Work, terms: Terms, envelope: Envelope, component: np.ndarray, i: int,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Propose that the clone whose only member is mutation i dies, and i goes elsewhere."""
    state.counters[COUNT_DEATH] += 1
    row = state.z[i]
    clones, capacity = state.n_clones[0], state.ccf.shape[0]
    kinds = kinds_without(state, work, i)
    singletons = count_singletons(state, work)
    scores = np.empty(clones + 2)
    ratio = place_scores(data, state, work, component, kinds, i, scores)
    state.ccf[clones], state.presence[clones] = state.ccf[row], state.presence[row]
    ratio -= birth_score(data, state, work, terms, envelope, component, kinds, i, False, rng)
    ratio -= log_mean(weigh_tags_of_one(data, state, work, i, row))
    pick = draw_log(scores, clones + 2, rng)
    new = pick if pick < clones else (GERMLINE if pick == clones else NOISE)
    joins_alone = new >= 0 and work.size[new] == 1
    kinds[0 if new >= 0 else (1 if new == NOISE else 2)] += 1.0
    ratio += log_pick_birth(state, kinds, singletons - (2 if joins_alone else 1), new == NOISE)
    ratio += math.log(float(singletons))
    if math.log(rng.random()) >= ratio:
        return
    state.counters[COUNT_DEATH + 1] += 1
    move_label(state, work, i, new)
    state.g[i] = draw_genotype(data, work, row_of(new, capacity), i, rng)
    remove_clone(state, work, row)


@kernel
def nth_singleton(state: State, work: Work, n: int) -> int:
    """The only member of the n-th clone (from 0) that has one."""
    clone = -1
    for k in range(state.n_clones[0]):
        if work.size[k] == 1:
            if n == 0:
                clone = k
                break
            n -= 1
    for i in range(len(state.z)):
        if state.z[i] == clone:
            return i
    return -1


@kernel
def pick_for_birth(state: State, work: Work, rng: np.random.Generator) -> int:
    """A mutation outside the singletons: any, or with even odds one of the noise; -1 if there is none."""
    kinds = count_kinds(state, work)
    n = len(state.z)
    if count_singletons(state, work) == n:
        return -1
    in_noise = kinds[1] > 0.0 and rng.random() < 0.5
    while True:
        i = min(int(rng.random() * n), n - 1)
        label = state.z[i]
        if (label == NOISE) if in_noise else not (label >= 0 and work.size[label] == 1):
            return i


@kernel
def births_and_deaths(
    data: ReadData,
    state: State,
    work: Work,
    terms: Terms,
    component: np.ndarray,
    tries: int,
    rng: np.random.Generator,
) -> None:
    """`tries` proposals, birth or death with even odds. Reads tables and sizes, keeps them valid."""
    envelope = new_envelope()
    for _ in range(tries):
        if rng.random() < 0.5:
            i = pick_for_birth(state, work, rng)
            if i >= 0:
                try_birth(data, state, work, terms, envelope, component, i, rng)
        else:
            singletons = count_singletons(state, work)
            if singletons > 0:
                n = min(int(rng.random() * singletons), singletons - 1)
                try_death(data, state, work, terms, envelope, component, nth_singleton(state, work, n), rng)
