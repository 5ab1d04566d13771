"""How the reads of one patient lie in memory for the kernels.

Every count is replaced by its index on a per-sample *axis* of the distinct values that occur, so that a
sweep reads log-likelihood tables by integers and never calls a logarithm per mutation. A *cell* is one
copy-number state (total copies, mutated copies) of one sample; a *class* is a group of mutations with the
same copy number in every sample, and its *genotypes* are the admissible vectors of cells.
"""

from typing import NamedTuple

import numpy as np


class ReadData(NamedTuple):
    """Counts and genotype states, mutations ordered by class. S samples, N mutations, C classes, T cells.

    Missing counts enter as depth 0, which leaves the likelihood unchanged.
    """

    alt_ix: np.ndarray  # [S, N] index of the alt count on the sample's alt axis
    ref_ix: np.ndarray  # [S, N] index of the ref count on the sample's ref axis
    depth_ix: np.ndarray  # [S, N] index of the depth on the sample's depth axis
    alt_off: np.ndarray  # [S + 1] start of each sample's alt axis in alt_val
    alt_val: np.ndarray  # distinct alt counts of each sample, ascending, first 0
    ref_off: np.ndarray
    ref_val: np.ndarray
    depth_off: np.ndarray
    depth_val: np.ndarray
    cls: np.ndarray  # [N] class of each mutation, ascending
    cls_start: np.ndarray  # [C + 1]
    n_geno: np.ndarray  # [C] genotypes of each class
    geno_off: np.ndarray  # [C] first row of the class in geno_cell
    geno_cell: np.ndarray  # [G, S] cell of each genotype in each sample
    cell_sample: np.ndarray  # [T]
    cell_off: np.ndarray  # [S + 1] first cell of each sample
    cell_mult: np.ndarray  # [T] mutated copies per carrying cell
    cell_total: np.ndarray  # [T] copies in tumour cells with the reported state
    cell_normal: np.ndarray  # [T] copies in normal cells
    cell_aberrant: np.ndarray  # [T] 1 where the reported state is not the normal one
    cell_fixed: np.ndarray  # [T] expected alt fraction given outright (negative: use copy numbers)
    alt_pos: np.ndarray  # [T + 1] start of each cell's block in a row of an alt table
    ref_pos: np.ndarray  # [T + 1] likewise in a row of a ref table
    depth_pos: np.ndarray  # [T + 1] likewise in a row of a depth table
    log_choose: np.ndarray  # [N] binomial coefficients, summed over samples
    saturated: (
        np.ndarray
    )  # [N] binomial log likelihood at each mutation's own alt fractions, without coefficients
    noise_ll: np.ndarray  # [N] log likelihood under the noise component, conditioned on ascertainment
    of_all_cells: int  # 1: prevalences are shares of all cells (with the tree); 0: of the tumour cells
    context: np.ndarray  # [N] index of each mutation's trinucleotide context, NO_CONTEXT where there is none
    min_alt: int  # ascertainment: a mutation is in the table with >= min_alt alt reads in a sample; 0 none


class Priors(NamedTuple):
    """Hyperparameters of the clone model as plain numbers (see `models/clones.toml` for their reasons)."""

    concentration: np.ndarray  # [2] Gamma shape, rate
    presence: np.ndarray  # [3] Dirichlet over absent, subclonal, clonal
    precision: np.ndarray  # [2] LogNormal: log median, sigma
    error_rate: np.ndarray  # [S, 2] LogNormal: log median, sigma, truncated below MAX_ERROR
    purity: np.ndarray  # [S, 2] Normal mean, sd, truncated to (0, 1]
    cn_clonal: np.ndarray  # [2] Beta
    component: np.ndarray  # [3] Dirichlet over clone, noise, germline
    tree: np.ndarray  # [7] 1 if there is a tree; founder weight; sd of purity about the tumour cells' share;
    # sd of log sparsity over samples; its scale's log median and sd; strength of psi's prior
    share: np.ndarray  # [S, 2] mean and sd (0: unknown) of the tumour cells' share, where `linked` is 0
    linked: np.ndarray  # [S] 1 where the reads depend on the purity (aberrant copy number)


MAX_ERROR = 0.05
EXACT_PURITY = 1e-4  # a purity with a standard error no larger than this is taken as known
NOISE, GERMLINE = -1, -2
NO_CONTEXT = 96  # behind the contexts of `signatures.contexts`
ABSENT, SUBCLONAL, CLONAL = 0, 1, 2
