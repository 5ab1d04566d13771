"""The site-error model: how often a read shows an allele that is not there, learned from a panel of normals.

For site i of class c in normal j, with n reads,

    e_i ~ Beta or LogNormal, mean mu_c and spread of the class      (`grid`)
    log mu_c ~ Normal(log mu of its substitution, sd)               (`hierarchy`)
    f_j: the normal's factor, mean 1                                (`panel`)
    x_ij ~ BetaBinomial(n_ij, mean e_i f_j, precision s)

Everything is integrated numerically, on grids: the same panel always gives the same model. A new sample has a
factor of its own, learned from bases of the same sample that cannot be mutated (`factors`).
"""

from clonalbayes.errors.model import ErrorModel, learn_errors, learn_from_table

__all__ = ["ErrorModel", "learn_errors", "learn_from_table"]
