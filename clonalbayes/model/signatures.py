"""The signature model as a `pm.Model`.

For K branches, R signatures and the 96 contexts:

================  ===================  ===========================================================
variable          dims                 prior
================  ===================  ===========================================================
profile_strength                       LogNormal: how close profiles are to their references
weight            signature, context   Gamma(strength, mean reference): the profile, not normalised
intensity_shape   signature            LogNormal
mean_intensity    signature            LogNormal
use               signature            Beta: probability that the signature is on in a branch
on                branch, signature    Bernoulli(use), or the leak behind a closed gate; clocks are on
intensity         branch, signature    Gamma(intensity_shape, mean mean_intensity)
counts            branch, context      (observed) Multinomial, share of on * intensity @ weight
exposure          branch, signature    deterministic: share of the branch's mutations
profile           signature, context   deterministic: weight, normalised
================  ===================  ===========================================================

Where a signature is off its intensity is a draw from the prior, so that the marginal posterior of everything
else is that of `clonalbayes.signatures`, whose exact updates are the way to sample it. `pm.sample` works too
(NUTS for the smooth part, Gibbs for `on`) and is slow.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from clonalbayes.signatures.contexts import CONTEXTS
from clonalbayes.signatures.sampler import make_model
from clonalbayes.signatures.settings import Settings, load

CERTAIN = 1.0 - 1e-12
"""Probability of a clock signature to be on: one, but for the logarithm of its complement."""


def build_signature_model(
    counts: np.ndarray,
    branches: tuple[str, ...],
    reference: np.ndarray,
    names: tuple[str, ...],
    settings: Settings | str = "signatures",
    *,
    closed: np.ndarray | None = None,
) -> pm.Model:
    """State the joint density of counts by branch and context.

    Parameters
    ----------
    counts
        [K, 96] mutations.
    branches, names
        [K] branches and [R] signatures.
    reference
        [R, 96] reference profiles.
    settings
        Priors and roles.
    closed
        [K, R] gates that are closed.

    Returns
    -------
    pymc.Model
        With coords branch, signature and context.
    """
    settings = load(settings)
    plain = make_model(counts, reference, [settings.role(n) for n in names], settings, denovo=0, closed=closed)
    coords = {"branch": list(branches), "signature": list(names), "context": list(CONTEXTS)}
    with pm.Model(coords=coords) as model:
        weight = add_profiles(plain.reference, settings)
        shape = log_normal("intensity_shape", settings.prior("intensity_shape"), dims="signature")
        mean = log_normal("mean_intensity", settings.prior("mean_intensity"), dims="signature")
        use = pm.Beta("use", alpha=plain.use_prior[0], beta=plain.use_prior[1], dims="signature")
        chance = pt.switch(plain.always, CERTAIN, pt.switch(plain.closed, plain.leak, use))
        on = pm.Bernoulli("on", p=chance, dims=("branch", "signature"))
        intensity = pm.Gamma("intensity", alpha=shape, beta=shape / mean, dims=("branch", "signature"))
        theta = on * intensity
        rate = pt.dot(theta, weight)
        made = theta * weight.sum(1)
        pm.Deterministic("exposure", made / made.sum(1, keepdims=True), dims=("branch", "signature"))
        pm.Multinomial(
            "counts", n=counts.sum(1), p=rate / rate.sum(1, keepdims=True), observed=counts, dims=("branch", "context")
        )
    return model


def add_profiles(
    reference: np.ndarray, settings: Settings, strengths: tuple[np.ndarray, np.ndarray] | None = None
) -> Any:
    """Add `profile_strength`, `weight` and `profile` to the model of the context; returns the weights.

    `strengths` says of each signature whether its strength is the learned one, and what it is if not.
    """
    strength = log_normal("profile_strength", settings.prior("profile_strength"))
    if strengths is not None:
        strength = pt.switch(strengths[0], strength, strengths[1])[:, None]
    weight = pm.Gamma("weight", alpha=strength, beta=strength / reference, dims=("signature", "context"))
    pm.Deterministic("profile", weight / weight.sum(1, keepdims=True), dims=("signature", "context"))
    return weight


def log_normal(name: str, prior: tuple[float, float], **more: Any) -> Any:
    """Add a log-normal variable, given its median and sigma (scalars or arrays)."""
    return pm.LogNormal(name, mu=np.log(prior[0]), sigma=prior[1], **more)
