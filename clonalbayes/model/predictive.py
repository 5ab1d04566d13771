"""Forward draws from a model whose prior is conditioned on an event."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pymc as pm

from clonalbayes.model.build import build_model

if TYPE_CHECKING:
    import xarray as xr

    from clonalbayes.data.patient import Patient
    from clonalbayes.specs import Spec

CONDITION = "admissible"
TRIES = 1000  # draws of the unconditioned prior for each draw asked for, before giving up


def sample_prior(
    model: pm.Model | Patient | xr.Dataset,
    draws: int = 500,
    seed: int | np.random.Generator | None = None,
    spec: str | Path | Spec = "clones",
) -> xr.DataTree:
    """Draw parameters and reads from the prior, conditioned as the model states it.

    `pm.sample_prior_predictive` draws from the prior before conditioning, and tells in
    ``prior_predictive["admissible"]`` which draws meet the condition. Here the others are thrown away and
    replaced.

    Parameters
    ----------
    model : pymc.Model, Patient or Dataset
        A model of `build_model`, or the data to build one for.
    draws : int
        Draws to return.
    seed : int or numpy.random.Generator, optional
        Source of randomness.
    spec : str, Path or Spec
        Specification, where `model` is data.

    Returns
    -------
    xarray.DataTree
        Groups `prior`, `prior_predictive`, `observed_data`, as of `pm.sample_prior_predictive`.

    Raises
    ------
    RuntimeError
        If the condition holds in fewer than one of a thousand draws.
    """
    built = model if isinstance(model, pm.Model) else build_model(model, spec)
    variables = [*built.basic_RVs, *built.deterministics]
    rng = np.random.default_rng(seed)
    with built:
        forward = pm.compile([], variables, random_seed=int(rng.integers(2**31)), mode="FAST_COMPILE")
    names = [variable.name for variable in variables]
    values = _accepted(forward, names.index(CONDITION), draws)
    prior = {name: np.stack(column) for name, column in zip(names, zip(*values, strict=True), strict=True)}
    return pm.to_inference_data(prior=prior, model=built)


def _accepted(forward: Any, condition: int, draws: int) -> list[list[np.ndarray]]:
    """Outputs of `forward` for which the output numbered `condition` is true."""
    kept: list[list[np.ndarray]] = []
    for _ in range(TRIES * draws):
        values = forward()
        if values[condition]:
            kept.append(values)
        if len(kept) == draws:
            return kept
    raise RuntimeError(
        f"only {len(kept)} of {TRIES * draws} draws of the prior met its condition `{CONDITION}`: "
        "with these priors most clones are absent from all samples; give `presence_prob` other weights"
    )
