"""From clones to reads: expected alt fractions through genotype, copy number, purity and errors.

    genotype[i]   ~ DiscreteUniform over the admissible vectors of mutated copies of mutation i
    precision[s]  ~ LogNormal,  error_rate[s] ~ LogNormal below 0.05
    purity[s]     ~ Normal around the file's value, within (0, 1]
    cn_clonal_fraction[s] ~ Beta

A cell of sample s is a state (m mutated of t copies; c copies in normal cells). Where it is not the normal
state, only a share w = cn_clonal_fraction[s] of the tumour cells has it; the others have one mutated copy
of c. With purity r, a mutation of clone k has the expected fraction of alt reads before errors

    p = ccf[k, s] * r * (w m + 1 - w) / (r (w t + (1 - w) c) + (1 - r) c)

with ccf[k, s] * r the clone's cellular prevalence (which a tree gives at once, whatever the purity),
and a germline variant (r (w m + 1 - w) + 1 - r) over the same denominator. Where the Dataset states the
fraction outright, f, it is ccf * r * f, and f for germline. After errors in both directions the expected
fraction is p' = min(p, 1) (1 - 2 e) + e.
"""

# mypy: allow-untyped-calls, allow-subclassing-any

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pymc.distributions.continuous import TruncatedNormalRV
from pymc.distributions.discrete import DiscreteUniformRV

from clonalbayes.genotypes import CompiledReads
from clonalbayes.kernels.layout import GERMLINE, MAX_ERROR, Priors, ReadData
from clonalbayes.model.compiled import CompiledDraw
from clonalbayes.model.draws import draw_truncated_normal, draw_uniform_integer


class PurityRV(CompiledDraw, TruncatedNormalRV):
    """Random variable of `Purity`."""

    name = "purity"
    core = staticmethod(draw_truncated_normal)


class Purity(pm.TruncatedNormal):
    """The truncated normal, with a random method that compiles."""

    rv_op = PurityRV()


class GenotypeRV(CompiledDraw, DiscreteUniformRV):
    """Random variable of `Genotype`."""

    name = "genotype"
    core = staticmethod(draw_uniform_integer)


class Genotype(pm.DiscreteUniform):
    """The uniform distribution of integers, with a random method that compiles."""

    rv_op = GenotypeRV()


class SampleParameters(NamedTuple):
    """Symbolic parameters of the samples, each [specimen]."""

    precision: Any
    error_rate: Any
    purity: Any
    cn_clonal_fraction: Any


def add_sample_parameters(priors: Priors, purity: Any = None) -> SampleParameters:
    """Add precision, error rate and the share with the reported copy number to the model, and the purity.

    A purity [specimen] that the model has already is taken as it is.
    """
    precision = pm.LogNormal(
        "precision", mu=priors.precision[0], sigma=priors.precision[1], dims="specimen",
        initval=np.full(len(priors.purity), np.exp(priors.precision[0])), default_transform=None,
    )  # fmt: skip
    error = pm.LogNormal.dist(mu=priors.error_rate[:, 0], sigma=priors.error_rate[:, 1])
    error_rate = pm.Truncated(
        "error_rate", error, upper=MAX_ERROR, dims="specimen",
        initval=np.minimum(np.exp(priors.error_rate[:, 0]), 0.5 * MAX_ERROR), default_transform=None,
    )  # fmt: skip
    if purity is None:
        purity = Purity(
            "purity", mu=priors.purity[:, 0], sigma=priors.purity[:, 1], lower=0.0, upper=1.0, dims="specimen",
            initval=priors.purity[:, 0], default_transform=None,
        )  # fmt: skip
    alpha, beta = priors.cn_clonal
    fraction = pm.Beta("cn_clonal_fraction", alpha, beta, dims="specimen", default_transform=None)
    return SampleParameters(precision, error_rate, purity, fraction)


def add_genotype(reads: CompiledReads) -> Any:
    """Add the genotype of every mutation, uniform over those of its copy-number class."""
    last = in_dataset_order(reads, reads.data.n_geno[reads.data.cls]) - 1
    return Genotype("genotype", 0, last, dims="mutation", initval=np.zeros_like(last))


def in_dataset_order(reads: CompiledReads, values: np.ndarray) -> np.ndarray:
    """Values of the kernels' mutations, [N, ...], in the order of the Dataset."""
    ordered = np.empty_like(values)
    ordered[reads.order] = values
    return ordered


def counts(reads: CompiledReads) -> tuple[np.ndarray, np.ndarray]:
    """Alt count and depth [mutation, specimen] as the likelihood sees them: missing ones are 0 of 0."""
    data = reads.data
    alt = data.alt_val[data.alt_ix + data.alt_off[:-1, None]]
    depth = data.depth_val[data.depth_ix + data.depth_off[:-1, None]]
    return tuple(in_dataset_order(reads, c.T.astype(np.int64)) for c in (alt, depth))  # type: ignore[return-value]


def cell_fractions(data: ReadData, parameters: SampleParameters) -> tuple[Any, Any]:
    """Expected alt fraction of every cell per unit of ccf, and of a germline variant, each [cell].

    Where the data are laid out for shares of all cells, the first is per unit of cellular prevalence.
    """
    purity = parameters.purity[data.cell_sample]
    carriers = 1.0 if data.of_all_cells else purity
    share = pt.switch(data.cell_aberrant == 1, parameters.cn_clonal_fraction[data.cell_sample], 1.0)
    mutated = share * data.cell_mult + (1.0 - share)
    tumour = share * data.cell_total + (1.0 - share) * data.cell_normal
    copies = purity * tumour + (1.0 - purity) * data.cell_normal
    given = data.cell_fixed >= 0.0
    fraction = pt.switch(given, carriers * data.cell_fixed, carriers * mutated / copies)
    germline = pt.switch(given, data.cell_fixed, (purity * mutated + 1.0 - purity) / copies)
    return fraction, germline


def alt_fractions(
    reads: CompiledReads, assignment: Any, genotype: Any, ccf: Any, parameters: SampleParameters
) -> Any:
    """Expected share of alt reads, [mutation, specimen]; for noise the number means nothing.

    `ccf` [slot, specimen] are shares of the tumour cells, or of all cells (see `cell_fractions`).
    """
    data = reads.data
    first = in_dataset_order(reads, data.geno_off[data.cls])
    cell = pt.as_tensor_variable(data.geno_cell)[pt.as_tensor_variable(first) + genotype]
    fraction, germline = cell_fractions(data, parameters)
    of_clone = ccf[pt.clip(assignment, 0, ccf.shape[0] - 1)] * fraction[cell]
    expected = pt.switch(pt.eq(assignment, GERMLINE)[:, None], germline[cell], of_clone)
    error = parameters.error_rate
    return pt.minimum(expected, 1.0) * (1.0 - 2.0 * error) + error
