"""One sweep of the sampler over the whole state of the clone model, and runs of many."""

import numpy as np

from clonalbayes.kernels.ascertainment import mark_weak
from clonalbayes.kernels.assign import assign_all, draw_genotype
from clonalbayes.kernels.births import births_and_deaths
from clonalbayes.kernels.condense import condense_or_dissolve
from clonalbayes.kernels.hyper import update_concentration, update_parameters
from clonalbayes.kernels.jit import kernel
from clonalbayes.kernels.layout import NOISE, Priors, ReadData
from clonalbayes.kernels.prevalence import update_presence_prob, update_prevalences
from clonalbayes.kernels.profile import Terms, build_tails, sort_members
from clonalbayes.kernels.splitmerge import split_or_merge
from clonalbayes.kernels.state import State, Work
from clonalbayes.kernels.tables import build_tables, log_called, row_of

BIRTHS_PER_SWEEP = 24
SPLITS_PER_SWEEP = 6
CONDENSATIONS = 4  # proposals a sweep, as the two above
ENVELOPE_SHARE = 0.125  # of the (clone, sample) pairs whose presence and ccf are drawn jointly in a sweep


@kernel
def update_genotypes(data: ReadData, state: State, work: Work, rng: np.random.Generator) -> None:
    """Gibbs step for the genotypes alone, where the clusters are given. Reads the tables."""
    capacity = state.ccf.shape[0]
    for i in range(len(state.z)):
        state.g[i] = draw_genotype(data, work, row_of(state.z[i], capacity), i, rng, state.heat[0])


@kernel
def propose_splits(
    data: ReadData, state: State, work: Work, terms: Terms, tries: int, rng: np.random.Generator
) -> None:
    """`tries` split or merge proposals."""
    for _ in range(tries):
        split_or_merge(data, state, work, terms, rng)


@kernel
def constant_loglik(data: ReadData, state: State, work: Work) -> float:
    """What `update_parameters` leaves out of the log likelihood: coefficients, noise, ascertainment."""
    total = 0.0
    for i in range(len(state.z)):
        total += data.noise_ll[i] if state.z[i] == NOISE else data.log_choose[i]
    if data.min_alt > 0:
        for k in range(state.n_clones[0] + 1):
            row = k if k < state.n_clones[0] else state.ccf.shape[0]
            if work.weak[row]:
                for i in work.order[work.start[row] : work.start[row + 1]]:
                    total -= log_called(work.low[:, i].prod())
    return total


def sweep(
    data: ReadData, state: State, work: Work, terms: Terms, priors: Priors, births: int, splits: int,
    envelope_share: float, fixed: bool, round_: int, rng: np.random.Generator,
) -> float:  # fmt: skip
    """Every block once, in the order partition, prevalences, per-sample parameters, concentration.

    A plain function over compiled blocks: compiling it as one kernel would take minutes and save nothing.
    `round_` counts the sweeps from 1 while tuning, and is 0 afterwards. Returns the log likelihood at the
    end of the sweep.
    """
    build_tables(data, state, work)
    sort_members(state, work)
    if fixed:
        update_genotypes(data, state, work, rng)
    else:
        assign_all(data, state, work, priors.component, rng)
        births_and_deaths(data, state, work, terms, priors.component, births, rng)
        condense_or_dissolve(data, state, work, terms, priors.component, CONDENSATIONS, rng)
        propose_splits(data, state, work, terms, splits, rng)
    build_tails(data, state, work)
    mark_weak(data, state, work)
    update_prevalences(data, state, work, terms, envelope_share, rng)
    update_presence_prob(state, priors.presence, rng)
    loglik = update_parameters(data, state, work, terms, priors, round_, rng)
    update_concentration(state, work, priors.concentration, rng)
    return loglik + constant_loglik(data, state, work)
