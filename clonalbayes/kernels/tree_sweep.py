"""One sweep of the sampler over the state of the tree model."""

import numpy as np

from clonalbayes.kernels.ascertainment import mark_weak
from clonalbayes.kernels.assign import assign_all
from clonalbayes.kernels.hyper import update_concentration, update_parameters
from clonalbayes.kernels.jit import kernel
from clonalbayes.kernels.layout import Priors, ReadData
from clonalbayes.kernels.profile import Terms, build_tails, sort_members
from clonalbayes.kernels.state import State, Work
from clonalbayes.kernels.sweep import constant_loglik, update_genotypes
from clonalbayes.kernels.tables import build_tables
from clonalbayes.kernels.tree_grove import Grove, build_curves, refresh_constants, refresh_prevalences
from clonalbayes.kernels.tree_local import settle_all, update_psi, update_sparsity
from clonalbayes.kernels.tree_moves import move_tree
from clonalbayes.kernels.tree_place import Offer

TRANSFERS = 1.0  # between populations, per clone and sample


@kernel
def build_all_curves(data: ReadData, state: State, work: Work, terms: Terms, grove: Grove) -> None:
    """The curves of all clones, from the tails."""
    for k in range(state.n_clones[0]):
        build_curves(data, state, work, terms, grove, k, k)


@kernel
def tree_blocks(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, priors: Priors, offer: Offer, passes: int,
    strict: bool, rng: np.random.Generator,
) -> None:  # fmt: skip
    """Tree, fractions and their prior's parameters, given the assignments. Reads curves and tails."""
    refresh_prevalences(state)
    for _ in range(passes):
        refresh_constants(state, priors, grove)
        move_tree(data, state, work, terms, grove, priors, offer, strict, rng)
        settle_all(data, state, work, terms, grove, offer, TRANSFERS, rng)
        update_sparsity(state, priors, rng)
        update_psi(state, priors, rng)


def sweep_tree(
    data: ReadData, state: State, work: Work, terms: Terms, grove: Grove, priors: Priors, offer: Offer, fixed: bool,
    passes: int, curves: bool, round_: int, rng: np.random.Generator,
) -> float:  # fmt: skip
    """Every block once: partition, tree and fractions (`passes` times), per-sample parameters, concentration.

    `round_` counts the sweeps from 1 while tuning, and is 0 afterwards; `curves` says whether to build the
    stand-ins of the likelihood anew. Returns the log likelihood at the end of the sweep.
    """
    build_tables(data, state, work)
    sort_members(state, work)
    if fixed:
        update_genotypes(data, state, work, rng)
    else:
        assign_all(data, state, work, priors.component, rng)
    build_tails(data, state, work)
    mark_weak(data, state, work)
    if curves:
        build_all_curves(data, state, work, terms, grove)
    tree_blocks(data, state, work, terms, grove, priors, offer, passes, round_ == 0, rng)
    loglik = update_parameters(data, state, work, terms, priors, round_, rng)
    update_concentration(state, work, priors.concentration, rng)
    return loglik + constant_loglik(data, state, work)
