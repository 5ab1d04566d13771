"""Log prior density of a state, for the trace: with the log likelihood it ranks draws."""

import math

from clonalbayes.kernels.assign import count_kinds
from clonalbayes.kernels.hyper import CN_CLONAL, ERROR, PRECISION, PURITY
from clonalbayes.kernels.hyper import log_prior as parameter_log_prior
from clonalbayes.kernels.jit import kernel
from clonalbayes.kernels.layout import Priors, ReadData
from clonalbayes.kernels.special import log_gamma
from clonalbayes.kernels.state import State, Work
from clonalbayes.kernels.tree_graft import log_tree_prior
from clonalbayes.kernels.tree_local import fractions_log_density, log_beta_psi, sum_log_fractions
from clonalbayes.kernels.tree_moves import log_presence_prior
from clonalbayes.kernels.tree_pieces import tie


@kernel
def log_prior(data: ReadData, state: State, work: Work, priors: Priors) -> float:
    """Log prior of partition, genotypes, presence and parameters, up to a constant. Reads the row sizes.

    The ccf of subclonal clones are uniform and add nothing; parameters of samples are on the scale of
    their random walks.
    """
    kinds = count_kinds(state, work)
    concentration = state.concentration[0]
    total = log_gamma(concentration) - log_gamma(concentration + kinds[0])
    total += (priors.concentration[0] - 1.0) * math.log(concentration) - priors.concentration[
        1
    ] * concentration
    for k in range(state.n_clones[0]):
        total += math.log(concentration) + log_gamma(float(work.size[k]))
    for j in range(3):
        total += log_gamma(priors.component[j] + kinds[j])
    for i in range(len(state.z)):
        total -= math.log(float(data.n_geno[data.cls[i]]))
    for s in range(state.ccf.shape[1]):
        for which in (PRECISION, ERROR, PURITY, CN_CLONAL):
            if which == PURITY and priors.tree[0] > 0.0 and priors.linked[s] == 0:
                continue  # the reads do not depend on it, and what is known of the share is counted with the tree
            total += parameter_log_prior(state, priors, s, which)
    return total + (tree_log_prior(state, priors) if priors.tree[0] > 0.0 else free_log_prior(state, priors))


@kernel
def free_log_prior(state: State, priors: Priors) -> float:
    """Log prior of presence without a tree."""
    total = 0.0
    for s in range(state.ccf.shape[1]):
        for p in range(3):
            total += (priors.presence[p] - 1.0) * math.log(state.presence_prob[s, p])
        for k in range(state.n_clones[0]):
            total += math.log(state.presence_prob[s, state.presence[k, s]])
    return total


@kernel
def tree_log_prior(state: State, priors: Priors) -> float:
    """Log prior of tree, presence, fractions and their parameters, and of what is known of the tumour cells' share."""
    total = log_tree_prior(state, priors.tree[1]) + log_beta_psi(state, state.psi_mean[0], priors.tree[6])
    gap = (state.sparsity_scale[0] - priors.tree[4]) / priors.tree[5]
    total -= 0.5 * gap * gap
    for s in range(state.ccf.shape[1]):
        gap = (math.log(state.sparsity[s]) - state.sparsity_scale[0]) / priors.tree[3]
        log_sum, n = sum_log_fractions(state, s)
        total += fractions_log_density(state.sparsity[s], log_sum, n) + log_presence_prior(state, s) - 0.5 * gap * gap
        if priors.linked[s] == 0:
            share = 1.0 - state.fraction[state.ccf.shape[0], s]
            total += tie(share, priors.share[s, 0], priors.share[s, 1])
    return total
