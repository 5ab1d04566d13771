"""Updates of the parameters of samples, and of the concentration.

A sample has a precision, an error rate, a purity and a share of cells with the reported copy number.

All of them see the reads through the tail counts of clones and germline; none touches a mutation.
"""

import math

import numpy as np

from clonalbayes.kernels.ascertainment import accept_low, propose_low
from clonalbayes.kernels.jit import kernel
from clonalbayes.kernels.layout import ABSENT, CLONAL, EXACT_PURITY, MAX_ERROR, NOISE, SUBCLONAL, Priors, ReadData
from clonalbayes.kernels.profile import Terms, clear_terms, gather_pooled, gather_row, sample_sum
from clonalbayes.kernels.special import rise
from clonalbayes.kernels.state import State, Work
from clonalbayes.kernels.tables import refresh_sample

PRECISION, ERROR, PURITY, CN_CLONAL, PURITY_FIXED_PHI, PURITY_WITH_CELLS = 0, 1, 2, 3, 4, 5
COUNT_HYPER = 12
TARGET_ACCEPTANCE = 0.44
WALK_SHARE = 0.35  # of the steps after tuning that are random-walk steps
WALK_SPREAD = 1.0  # of the log of a step's scale: what tuning found may fit but the place where the chain was then
DEGREES = 5.0
SMALLEST_SHARE = 1e-12  # of the cells: a step that leaves less is refused
FORGET = 3.0  # the moments remember about the last third of the sweeps so far


@kernel
def gather_sample(data: ReadData, state: State, work: Work, terms: Terms, s: int) -> None:
    """Terms of all clones and of germline in sample s, and the number of mutations at each depth.

    Clones that are absent share one ccf, and so do the clonal ones: they are pooled, in the two rows
    behind germline.
    """
    capacity = state.ccf.shape[0]
    presence = state.presence[: state.n_clones[0], s]
    clear_terms(terms)
    for k in np.flatnonzero(presence == SUBCLONAL):
        gather_row(data, work, terms, int(k), s)
    gather_row(data, work, terms, capacity, s)
    gather_pooled(data, work, terms, np.flatnonzero(presence == ABSENT), s, capacity + 1, True)
    gather_pooled(data, work, terms, np.flatnonzero(presence == CLONAL), s, capacity + 2, False)
    low = data.depth_off[s]
    work.depth_count[low : data.depth_off[s + 1]] = 0
    for i in range(len(state.z)):
        if state.z[i] != NOISE:
            work.depth_count[low + data.depth_ix[s, i]] += 1


@kernel
def sample_loglik(data: ReadData, state: State, work: Work, terms: Terms, s: int) -> float:
    """Log likelihood of all clones and of germline in sample s, whose terms are gathered."""
    capacity = state.ccf.shape[0]
    ccf = np.zeros(capacity + 3)
    ccf[:capacity] = state.ccf[:, s]
    ccf[capacity + 2] = 1.0
    total = sample_sum(terms, work.coef, work.germ, ccf, capacity, state.error_rate[s], state.precision[s])
    low, high = data.depth_off[s], data.depth_off[s + 1]
    return total - depth_terms(data.depth_val[low:high], work.depth_count[low:high], state.precision[s])


@kernel
def depth_terms(depth: np.ndarray, count: np.ndarray, precision: float) -> float:
    """Sum of log Gamma(precision + depth) - log Gamma(precision) over `count` mutations at each depth."""
    total, cumulative = 0.0, 0.0
    for m in range(1, len(depth)):
        if depth[m] - depth[m - 1] == 1.0:
            cumulative += math.log(precision + depth[m - 1])
        else:
            cumulative += rise(precision, depth[m - 1], depth[m])
        total += cumulative * count[m]
    return total


@kernel
def log_prior(state: State, priors: Priors, s: int, which: int) -> float:
    """Log prior density of one parameter of sample s on the scale of its random walk."""
    if which == PRECISION:
        gap = (math.log(state.precision[s]) - priors.precision[0]) / priors.precision[1]
        return -0.5 * gap * gap
    if which == ERROR:
        gap = (math.log(state.error_rate[s]) - priors.error_rate[s, 0]) / priors.error_rate[s, 1]
        return -0.5 * gap * gap
    if which == CN_CLONAL:
        w = state.cn_clonal[s]
        return (priors.cn_clonal[0] - 1.0) * math.log(w) + (priors.cn_clonal[1] - 1.0) * math.log1p(-w)
    total = 0.0
    if priors.purity[s, 1] > 0.0:
        total -= 0.5 * ((state.purity[s] - priors.purity[s, 0]) / priors.purity[s, 1]) ** 2
    if priors.tree[0] > 0.0:
        share = 1.0 - state.fraction[state.ccf.shape[0], s]
        total -= 0.5 * ((state.purity[s] - share) / priors.tree[2]) ** 2
    return total


@kernel
def shift_parameter(state: State, s: int, which: int, step: float) -> float:
    """Move one parameter by a random-walk step; log Jacobian, or -inf if it would leave its range."""
    if which == PRECISION:
        value = state.precision[s] * math.exp(step)
        if value > 1e7 or value < 0.5:
            return -np.inf
        state.precision[s] = value
        return 0.0
    if which == ERROR:
        value = state.error_rate[s] * math.exp(step)
        if value >= MAX_ERROR or value < 1e-9:
            return -np.inf
        state.error_rate[s] = value
        return 0.0
    if which == CN_CLONAL:
        value = state.cn_clonal[s] + step
        if value <= 0.0 or value >= 1.0:
            return -np.inf
        state.cn_clonal[s] = value
        return 0.0
    value = state.purity[s] + step
    if value <= 0.0 or value > 1.0:
        return -np.inf
    jacobian = 0.0
    if which == PURITY_FIXED_PHI:
        jacobian = rescale_ccf(state, s, state.purity[s] / value)
    elif which == PURITY_WITH_CELLS:
        jacobian = rescale_cells(state, s, step)
    if jacobian > -np.inf:
        state.purity[s] = value
    return jacobian


@kernel
def rescale_ccf(state: State, s: int, factor: float) -> float:
    """Multiply the subclonal ccf of sample s by `factor`; log Jacobian, -inf (unchanged) if one would pass 1."""
    moved = 0
    for k in range(state.n_clones[0]):
        if state.presence[k, s] == SUBCLONAL:
            if state.ccf[k, s] * factor >= 1.0:
                return -np.inf
            moved += 1
    for k in range(state.n_clones[0]):
        if state.presence[k, s] == SUBCLONAL:
            state.ccf[k, s] *= factor
    return moved * math.log(factor)


@kernel
def rescale_cells(state: State, s: int, step: float) -> float:
    """Take `step` from the normal cells of sample s and share it among its clones in proportion.

    Returns the log ratio of the Dirichlet densities with the log Jacobian; -inf (unchanged) if a population would die.
    """
    root, cells, n = state.ccf.shape[0], 0.0, 0
    for k in range(state.n_clones[0]):
        if state.presence[k, s] != ABSENT:
            cells += state.fraction[k, s]
            n += 1
    normal = state.fraction[root, s]
    if n == 0 or normal - step < SMALLEST_SHARE or cells + step < SMALLEST_SHARE:
        return -np.inf
    factor = (cells + step) / cells
    for k in range(state.n_clones[0]):
        state.fraction[k, s] *= factor
        state.ccf[k, s] = min(state.ccf[k, s] * factor, 1.0)
    state.fraction[root, s] = normal - step
    a = state.sparsity[s]
    return (a * n - 1.0) * math.log(factor) + (a - 1.0) * (math.log(normal - step) - math.log(normal))


@kernel
def ascertainment_change(data: ReadData, state: State, work: Work, s: int) -> float:
    """Change of the log likelihood through conditioning on calls, at the state's present parameters."""
    total = 0.0
    for k in range(state.n_clones[0] + 1):
        row = k if k < state.n_clones[0] else state.ccf.shape[0]
        ccf = state.ccf[k, s] if k < state.n_clones[0] else 0.0
        total += propose_low(data, state, work, row, s, ccf, state.error_rate[s], state.precision[s])
    return total


@kernel
def value_of(state: State, s: int, which: int) -> float:
    """One parameter of sample s on the scale of its random walk."""
    if which == PRECISION:
        return math.log(state.precision[s])
    if which == ERROR:
        return math.log(state.error_rate[s])
    return state.cn_clonal[s] if which == CN_CLONAL else state.purity[s]


@kernel
def log_student(x: float, centre: float, scale: float) -> float:
    """Log density of Student's t with DEGREES degrees of freedom, up to a constant."""
    gap = (x - centre) / scale
    return -0.5 * (DEGREES + 1.0) * math.log1p(gap * gap / DEGREES)


@kernel
def scale_of(which: int) -> int:
    """Row of the random-walk scales; the last two steps share one, because no model has both."""
    return min(which, PURITY_FIXED_PHI)


@kernel
def propose_step(
    state: State, s: int, which: int, tuning: bool, rng: np.random.Generator
) -> tuple[float, float]:
    """A step for one parameter and the log ratio of its proposal densities.

    Once tuned, most steps go to a draw from a t distribution with the moments learned while tuning, which
    crosses a wide posterior at once; the others are a random walk.
    """
    if tuning or rng.random() < WALK_SHARE:
        stretch = math.exp(WALK_SPREAD * rng.standard_normal())
        return state.step_size[scale_of(which), s] * stretch * rng.standard_normal(), 0.0
    moments = state.moments[PURITY if which > CN_CLONAL else which, s]
    scale = 1.2 * math.sqrt(moments[1]) + 1e-9
    old = value_of(state, s, which)
    new = moments[0] + scale * rng.standard_normal() / math.sqrt(rng.chisquare(DEGREES) / DEGREES)
    return new - old, log_student(old, moments[0], scale) - log_student(new, moments[0], scale)


@kernel
def learn(state: State, s: int, which: int, accepted: bool, round_: int) -> None:
    """Tune the random walk (Robbins-Monro) and the moments, which forget the beginning of the run."""
    state.step_size[scale_of(which), s] *= math.exp(round_**-0.6 * ((1.0 if accepted else 0.0) - TARGET_ACCEPTANCE))
    if which <= CN_CLONAL:
        rate = FORGET / (round_ + FORGET)
        gap = value_of(state, s, which) - state.moments[which, s, 0]
        state.moments[which, s, 0] += rate * gap
        state.moments[which, s, 1] = (1.0 - rate) * (state.moments[which, s, 1] + rate * gap * gap)


@kernel
def update_parameter(
    data: ReadData, state: State, work: Work, terms: Terms, priors: Priors, s: int, which: int, before: float,
    round_: int, rng: np.random.Generator,
) -> float:  # fmt: skip
    """One Metropolis-Hastings step from log likelihood `before`; returns the log likelihood after it.

    `round_` counts the sweeps while tuning, and is 0 afterwards.
    """
    old_prior = log_prior(state, priors, s, which)
    old = (state.precision[s], state.error_rate[s], state.purity[s], state.cn_clonal[s])
    old_ccf, old_cells = state.ccf[: state.n_clones[0], s].copy(), state.fraction[:, s].copy()
    step, ratio = propose_step(state, s, which, round_ > 0, rng)
    jacobian = shift_parameter(state, s, which, step)
    accepted, after = False, before
    if jacobian > -np.inf:
        if which >= PURITY:
            refresh_sample(data, s, state.purity[s], state.cn_clonal[s], work.coef, work.germ)
        after = sample_loglik(data, state, work, terms, s)
        ratio += log_prior(state, priors, s, which) - old_prior + jacobian
        ratio += state.heat[0] * (after - before + ascertainment_change(data, state, work, s))
        accepted = math.log(rng.random()) < ratio
    state.counters[COUNT_HYPER] += 1
    if accepted:
        state.counters[COUNT_HYPER + 1] += 1
        for row in range(len(work.weak)):
            accept_low(work, row, s)
    else:
        after = before
        state.precision[s], state.error_rate[s], state.purity[s], state.cn_clonal[s] = old
        state.ccf[: state.n_clones[0], s] = old_ccf
        state.fraction[:, s] = old_cells
        if which >= PURITY:
            refresh_sample(data, s, state.purity[s], state.cn_clonal[s], work.coef, work.germ)
    if round_ > 0:
        learn(state, s, which, accepted, round_)
    return after


@kernel
def has_aberrant(data: ReadData, s: int) -> bool:
    """Whether any state of sample s differs from normal, so that its clonal share matters."""
    return bool(data.cell_aberrant[data.cell_off[s] : data.cell_off[s + 1]].any())


@kernel
def update_parameters(
    data: ReadData,
    state: State,
    work: Work,
    terms: Terms,
    priors: Priors,
    round_: int,
    rng: np.random.Generator,
) -> float:
    """One step for every parameter of every sample; reads tails and `low`, keeps `coef` and `low` valid.

    Returns the log likelihood of clones and germline, without binomial coefficients and ascertainment.
    """
    total = 0.0
    for s in range(data.alt_ix.shape[0]):
        gather_sample(data, state, work, terms, s)
        loglik = sample_loglik(data, state, work, terms, s)
        aberrant = has_aberrant(data, s)
        for which in range(6):
            known = which == PURITY_WITH_CELLS or (
                which in (PURITY, PURITY_FIXED_PHI) and priors.purity[s, 1] <= EXACT_PURITY
            )
            if priors.tree[0] > 0.0:  # prevalences are shares of all cells: purity matters to aberrant states only
                known = which == PURITY_FIXED_PHI or (which in (PURITY, PURITY_WITH_CELLS) and priors.linked[s] == 0)
            if not known and (which != CN_CLONAL or aberrant):
                loglik = update_parameter(data, state, work, terms, priors, s, which, loglik, round_, rng)
        if not aberrant:
            state.cn_clonal[s] = rng.beta(priors.cn_clonal[0], priors.cn_clonal[1])
        total += loglik
    return total


@kernel
def update_concentration(state: State, work: Work, prior: np.ndarray, rng: np.random.Generator) -> None:
    """Draw the Dirichlet process concentration given the number of clones (Escobar and West 1995, section 6)."""
    n = 0.0
    for k in range(state.n_clones[0]):
        n += work.size[k]
    if n == 0.0:
        state.concentration[0] = max(rng.standard_gamma(prior[0]) / prior[1], 1e-12)
        return
    eta = rng.beta(state.concentration[0] + 1.0, n)
    rate = prior[1] - math.log(eta)
    shape = prior[0] + state.n_clones[0]
    odds = (shape - 1.0) / (n * rate)
    if rng.random() * (1.0 + odds) >= odds:
        shape -= 1.0
    state.concentration[0] = max(rng.standard_gamma(shape) / rate, 1e-12)
