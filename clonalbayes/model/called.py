"""Reads of mutations that are in the table because they were called.

Mutation i of clone k, or germline, has independent beta-binomial alt counts given their expected fractions
p'[i, s] and the samples' precisions, conditioned on the rule by which it was called, at least min_alt alt
reads in one sample:

    P(alt[i, :]) = prod_s BetaBinomial(alt[i, s]; depth[i, s], p'[i, s], precision[s])
                   / (1 - prod_s P(alt[i, s] < min_alt))

A chance of having been missed below 1e-9 is taken as none, and one above 1 - 1e-9 as that.

Noise (see `clonalbayes.kernels.noise`) has no parameters: an artefact is recurrent, with one alt fraction in
all samples, or scattered, showing in each sample or not; conditioned on the same rule. Its log likelihood at
the observed reads is computed once and enters as a number.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pymc.logprob.abstract import _logprob
from pytensor.tensor.random.op import RandomVariable
from pytensor.tensor.random.variable import shared_rng

from clonalbayes.genotypes import CompiledReads, beta_grid
from clonalbayes.kernels.layout import NOISE
from clonalbayes.kernels.state import NEGLIGIBLE
from clonalbayes.model.compiled import compile_with, draw_batch
from clonalbayes.model.draws import draw_noise, draw_reads
from clonalbayes.model.reads import counts, in_dataset_order
from clonalbayes.specs import Spec


class NoiseShape(NamedTuple):
    """How artefacts look, in the words of the specification."""

    recurrent: float
    recurrent_precision: float
    shown: float
    alpha: float
    beta: float
    error: float
    recurrent_alpha: float
    recurrent_beta: float


def noise_shape(spec: Spec) -> NoiseShape:
    """Take the noise component from a specification."""
    return NoiseShape(
        recurrent=spec.value("noise_recurrent", "p"),
        recurrent_precision=spec.constant("noise_recurrent_precision"),
        shown=spec.value("noise_presence", "p"),
        alpha=spec.value("noise_slab", "alpha"),
        beta=spec.value("noise_slab", "beta"),
        error=spec.constant("noise_error_rate"),
        recurrent_alpha=spec.value("noise_recurrent_fraction", "alpha"),
        recurrent_beta=spec.value("noise_recurrent_fraction", "beta"),
    )


def log_beta_binomial(value: Any, depth: Any, p: Any, precision: Any) -> Any:
    """Log probability of `value` alt reads of `depth`, symbolically and element by element."""
    a, b, ref = p * precision, (1.0 - p) * precision, depth - value
    choose = pt.gammaln(depth + 1.0) - pt.gammaln(value + 1.0) - pt.gammaln(ref + 1.0)
    seen = pt.gammaln(a + value) - pt.gammaln(a) + pt.gammaln(b + ref) - pt.gammaln(b)
    return choose + seen - pt.gammaln(precision + depth) + pt.gammaln(precision)


def log_called(depth: Any, p: Any, precision: Any, min_alt: int) -> Any:
    """Log chance that a mutation shows `min_alt` alt reads in some sample; the last axis is the samples."""
    low: Any = pt.zeros_like(p)
    for j in range(min_alt):
        possible = pt.exp(log_beta_binomial(pt.minimum(j, depth), depth, p, precision))
        low += pt.switch(pt.le(j, depth), possible, 0.0)
    missed = pt.prod(pt.minimum(low, 1.0), axis=-1)
    missed = pt.switch(pt.lt(missed, NEGLIGIBLE), 0.0, pt.minimum(missed, 1.0 - NEGLIGIBLE))
    return pt.log1p(-missed)


def called_logp(
    value: Any, p: Any, precision: Any, depth: Any, is_noise: Any, noise_logp: Any, min_alt: int
) -> Any:
    """Log probability of each mutation's alt counts, [mutation]."""
    inside = pt.all(pt.ge(value, 0) & pt.le(value, depth), axis=-1)
    kept = pt.clip(value, 0, depth)
    total = log_beta_binomial(kept, depth, p, precision).sum(axis=-1)
    if min_alt > 0:
        total -= log_called(depth, p, precision, min_alt)
    return pt.switch(inside, pt.switch(is_noise, noise_logp, total), -np.inf)


class CalledReadsRV(RandomVariable):
    """Random variable of the alt counts of one mutation in all samples.

    Parameters: expected fractions [S], precisions [S], depths [S], whether noise, log likelihood as noise.
    """

    name = "called_reads"
    signature = "(s),(s),(s),(),()->(s)"
    dtype = "int64"
    __props__ = (*RandomVariable.__props__, "min_alt", "noise")  # type: ignore[assignment]
    _print_name = ("CalledReads", "\\operatorname{CalledReads}")

    def __init__(self, min_alt: int, noise: NoiseShape, **kwargs: Any) -> None:
        self.min_alt, self.noise = int(min_alt), noise
        super().__init__(**kwargs)

    def core(self) -> Any:
        """Compiled function that draws the alt counts of one mutation."""
        min_alt, noise, grid = self.min_alt, tuple(self.noise[:6]), np.array(beta_grid(*self.noise[6:]))

        @numba.njit
        def draw(
            rng: Any,
            p: np.ndarray,
            precision: np.ndarray,
            depth: np.ndarray,
            is_noise: bool,
            noise_logp: float,
        ) -> np.ndarray:
            if is_noise:
                return draw_noise(rng, depth, min_alt, noise, grid)
            return draw_reads(rng, p, precision, depth, min_alt)

        return draw

    def rng_fn(self, rng: np.random.Generator, *arguments: Any) -> np.ndarray:
        """Draw alt counts, [*size, S]; the last argument is the size."""
        return draw_batch(self.core().py_func, (1, 1, 1, 0, 0), rng, arguments[:-1], arguments[-1])


compile_with(CalledReadsRV, lambda op: op.core())


@_logprob.register(CalledReadsRV)
def called_logprob(op: CalledReadsRV, values: Any, *inputs: Any, **kwargs: Any) -> Any:
    """Log probability of each mutation's alt counts, [mutation]."""
    _, _, p, precision, depth, is_noise, noise_logp = inputs
    return called_logp(values[0], p, precision, depth, is_noise, noise_logp, op.min_alt)


def add_reads(reads: CompiledReads, spec: Spec, assignment: Any, fractions: Any, precision: Any) -> Any:
    """Add the observed `alt_count` [mutation, specimen] to the model of the context.

    Parameters
    ----------
    reads
        The compiled data.
    spec
        For the noise component.
    assignment
        Labels, [mutation].
    fractions
        Expected share of alt reads, [mutation, specimen].
    precision
        [specimen]
    """
    alt, depth = counts(reads)
    called_reads = CalledReadsRV(reads.data.min_alt, noise_shape(spec))
    noise_logp = in_dataset_order(reads, reads.data.noise_ll)
    parameters = (fractions, precision, depth, pt.eq(assignment, NOISE), noise_logp)
    _, drawn = called_reads(*parameters, rng=shared_rng(seed=None), return_next_rng=True)
    return pm.modelcontext(None).register_rv(drawn, "alt_count", observed=alt, dims=("mutation", "specimen"))
