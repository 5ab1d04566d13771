"""Contexts of mutations in the joint model: exposures of every slot, spectra of noise and germline.

For R signatures and the 96 contexts:

================  ====================  =========================================================
variable          dims                  prior
================  ====================  =========================================================
profile_strength                        LogNormal
weight            signature, context    Gamma(strength, mean reference): the profile, not normalised
intensity_shape   signature             LogNormal
mean_intensity    signature             LogNormal
use               signature             Beta
on                slot, signature       Bernoulli(use), or the leak where the gate is closed; clocks are on
intensity         slot, signature       Gamma(intensity_shape, mean mean_intensity)
spectrum          component, context    Dirichlet: of germline and of noise
observed_context  mutation_in_context   (observed) Categorical
exposure          slot, signature       share of the slot's mutations
profile           signature, context    weight, normalised
================  ====================  =========================================================

The gate of a treatment's signature is closed where the clone is present in a sample that was taken before the
treatment began. Slots without members, and intensities that are off, have draws from the prior.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from clonalbayes.kernels.layout import GERMLINE, NO_CONTEXT
from clonalbayes.model.signatures import CERTAIN, add_profiles, log_normal
from clonalbayes.signatures.contexts import CONTEXTS
from clonalbayes.signatures.joint import Signatures
from clonalbayes.signatures.kernels import TINY
from clonalbayes.signatures.settings import Settings

COMPONENTS = ("germline", "noise")


def add_contexts(
    signatures: Signatures, settings: Settings, assignment: Any, presence: Any, mutations: np.ndarray
) -> None:
    """Add exposures and the observed contexts to the model of the context.

    Parameters
    ----------
    signatures
        The signature part; its contexts are in the order of `mutations`.
    settings
        Priors.
    assignment
        [mutation] slot, or -1 for noise, or -2 for germline.
    presence
        [slot, specimen] 0 where the clone is absent.
    mutations
        Names of the mutations.
    """
    model, plain = pm.modelcontext(None), signatures.model
    known = signatures.context != NO_CONTEXT
    model.add_coords({
        "signature": list(signatures.names), "context": list(CONTEXTS), "component": list(COMPONENTS),
        "mutation_in_context": mutations[known],
    })  # fmt: skip
    weight = add_profiles(plain.reference, settings, strengths=(plain.learned, plain.strength))
    shape = log_normal("intensity_shape", settings.prior("intensity_shape"), dims="signature")
    mean = log_normal("mean_intensity", settings.prior("mean_intensity"), dims="signature")
    use = pm.Beta("use", alpha=plain.use_prior[0], beta=plain.use_prior[1], dims="signature")
    early = (signatures.dates[:, None] <= signatures.begins).astype(float)  # a date that is not known is not early
    closed = pt.dot(presence, early) > 0
    chance = pt.switch(plain.always, CERTAIN, pt.switch(closed, plain.leak, use))
    on = pm.Bernoulli("on", p=chance, dims=("slot", "signature"))
    intensity = pm.Gamma("intensity", alpha=shape, beta=shape / mean, dims=("slot", "signature"))
    theta = on * intensity
    made = theta * weight.sum(1)
    pm.Deterministic("exposure", made / pt.maximum(made.sum(1, keepdims=True), TINY), dims=("slot", "signature"))
    prior = np.full((len(COMPONENTS), len(CONTEXTS)), signatures.noise_weight)
    spectrum = pm.Dirichlet("spectrum", a=prior, dims=("component", "context"))
    rate = pt.maximum(pt.dot(theta, weight), TINY)
    table = pt.concatenate([rate / rate.sum(1, keepdims=True), spectrum])
    slots = len(model.coords["slot"])
    row = pt.switch(assignment >= 0, assignment, pt.switch(pt.eq(assignment, GERMLINE), slots, slots + 1))
    pm.Categorical(
        "observed_context", p=table[row[np.flatnonzero(known)]], observed=signatures.context[known],
        dims="mutation_in_context",
    )  # fmt: skip
