"""One sweep of the sampler over the state of the tree model."""

from collections.abc import Callable

import numpy as np

from clonalbayes.kernels.ascertainment import fill_low_row, mark_weak
from clonalbayes.kernels.assign import assign_all
from clonalbayes.kernels.hyper import update_concentration, update_parameters
from clonalbayes.kernels.jit import kernel
from clonalbayes.kernels.layout import Priors, ReadData
from clonalbayes.kernels.profile import Terms, build_tails, sort_members
from clonalbayes.kernels.state import State, Work
from clonalbayes.kernels.sweep import CONDENSATIONS, constant_loglik, update_genotypes
from clonalbayes.kernels.tables import build_tables, refresh_cells
from clonalbayes.kernels.tree_births import graft_births_and_deaths, graft_condensations
from clonalbayes.kernels.tree_faint import step_errors
from clonalbayes.kernels.tree_grove import Grove, build_curves, refresh_constants, refresh_heights, refresh_prevalences
from clonalbayes.kernels.tree_local import settle_all, update_psi, update_sparsity
from clonalbayes.kernels.tree_moves import move_tree
from clonalbayes.kernels.tree_place import Offer
from clonalbayes.kernels.tree_splits import graft_split_or_merge

type Keep = Callable[[Callable[[], None], bool], bool]
"""Runs a block of moves, which may give clones other rows (second argument) or not; whether it was kept."""

TRANSFERS, SHIFTS = 0.7, 1  # between populations: per clone and sample; of stacks of clones
CLADE_SHARE, ERROR_SHARE = 1.0, 0.5  # of the samples: a clade, or all faint clones, change with the error rate
PASSES = 1  # over the tree in a sweep, where clusters are given


def keep_all(block: Callable[[], None], _: bool) -> bool:
    """Run a block of moves that is kept whatever it leads to."""
    block()
    return True


@kernel
def build_all_curves(data: ReadData, state: State, work: Work, terms: Terms, grove: Grove) -> None:
    """The curves of all clones, from the tails."""
    for k in range(state.n_clones[0]):
        build_curves(data, state, work, terms, grove, k, k)


def tree_blocks(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, priors: Priors, offer: Offer, passes: int,
    given: bool, strict: bool, rng: np.random.Generator, keep: Keep = keep_all,
) -> None:  # fmt: skip
    """Tree (unless `given`), fractions and their prior's parameters, given the assignments. Reads curves and tails."""
    for _ in range(passes):
        refresh_places(state, priors, grove)
        refresh_heights(data, state, work, terms, grove)
        if not given and not keep(
            lambda: move_tree(data, state, work, terms, grove, priors, offer, strict, rng), False
        ):
            refresh_places(state, priors, grove)
            refresh_heights(data, state, work, terms, grove)
            mark_weak(data, state, work)
        settle_all(data, state, work, terms, grove, offer, TRANSFERS, SHIFTS, rng)
        step_errors(data, state, work, terms, grove, priors, offer, CLADE_SHARE, ERROR_SHARE, rng)
        update_sparsity(state, priors, rng)
        update_psi(state, priors, rng)


@kernel
def chances_missed(data: ReadData, state: State, work: Work) -> None:
    """What ascertainment needs of the tables, where assignments and genotypes are given."""
    refresh_cells(data, state, work)
    if data.min_alt > 0:
        for k in range(state.n_clones[0]):
            fill_low_row(data, state, work, k, state.ccf[k])
        mark_weak(data, state, work)


def refresh_places(state: State, priors: Priors, grove: Grove) -> None:
    """Prevalences and constants, before clones are grafted and taken out."""
    refresh_prevalences(state)
    refresh_constants(state, priors, grove)


def sweep_joint(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, priors: Priors, offer: Offer, births: int,
    splits: int, round_: int, rng: np.random.Generator, keep: Keep = keep_all,
) -> float:  # fmt: skip
    """Every block once, where clusters and tree are inferred: partition, tree and fractions, parameters, concentration.

    `round_` counts the sweeps from 1 while tuning, and is 0 afterwards. `keep` runs a block and says whether it was
    kept (see `inference.conditions`). Returns the log likelihood at the end.
    """
    records = (data, state, work, terms, grove, priors, offer)
    prepare(data, state, work, priors, grove)
    assign_all(data, state, work, priors.component, rng)
    for block in (
        lambda: graft_births_and_deaths(*records, births, rng),
        lambda: graft_condensations(*records, CONDENSATIONS, rng),
        lambda: graft_split_or_merge(*records, splits, rng),
    ):
        if not keep(block, True):
            prepare(data, state, work, priors, grove)
    build_tails(data, state, work)
    mark_weak(data, state, work)
    build_all_curves(data, state, work, terms, grove)
    tree_blocks(*records, 1, False, round_ == 0, rng, keep)
    loglik = update_parameters(data, state, work, terms, priors, round_, rng)
    update_concentration(state, work, priors.concentration, rng)
    return loglik + constant_loglik(data, state, work)


def prepare(data: ReadData, state: State, work: Work, priors: Priors, grove: Grove) -> None:
    """Tables, sizes and constants, as the moves of the partition read them."""
    build_tables(data, state, work)
    sort_members(state, work)
    refresh_places(state, priors, grove)


def read_curves(data: ReadData, state: State, work: Work, terms: Terms, grove: Grove) -> None:
    """Everything that the tree's moves read, from assignments, genotypes and parameters."""
    build_tables(data, state, work)
    build_tails(data, state, work)
    mark_weak(data, state, work)
    build_all_curves(data, state, work, terms, grove)


def sweep_tree(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, priors: Priors, offer: Offer, passes: int,
    given: bool, settled: bool, curves: bool, round_: int, rng: np.random.Generator, keep: Keep = keep_all,
) -> float:  # fmt: skip
    """Every block once, where clusters are given: genotypes, tree and fractions (`passes` times), parameters.

    `given` keeps the tree, `settled` says that mutations have but one genotype, `curves` builds the stand-ins of the
    likelihood anew; `round_` counts the sweeps from 1 while tuning, and is 0 afterwards. Returns the log likelihood
    at the end of the sweep.
    """
    if settled:
        build_tails(data, state, work)
        chances_missed(data, state, work)
    else:
        build_tables(data, state, work)
        update_genotypes(data, state, work, rng)
        build_tails(data, state, work)
        mark_weak(data, state, work)
    if curves:
        build_all_curves(data, state, work, terms, grove)
    tree_blocks(data, state, work, terms, grove, priors, offer, passes, given, round_ == 0, rng, keep)
    return update_parameters(data, state, work, terms, priors, round_, rng) + constant_loglik(data, state, work)
