"""What a specification may say: the distributions, priors, constants, blocks and quantities that there are.

`clonalbayes.specs` passes these on under the same names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# What a parameter may be: the words go into the messages.
_POSITIVE, _UNIT, _WEIGHTS = "a number above 0", "a number between 0 and 1", "a list of numbers above 0"

DISTRIBUTIONS: dict[str, dict[str, str]] = {
    "Bernoulli": {"p": _UNIT},
    "Beta": {"alpha": _POSITIVE, "beta": _POSITIVE},
    "BetaAround": {"concentration": _POSITIVE},
    "Dirichlet": {"alpha": _WEIGHTS},
    "DiscreteUniform": {},
    "Gamma": {"shape": _POSITIVE, "rate": _POSITIVE},
    "HalfNormal": {"scale": _POSITIVE},
    "LogNormal": {"median": _POSITIVE, "sigma": _POSITIVE},
    "LogNormalAround": {"sigma": _POSITIVE},
    "LogUniform": {"lower": _POSITIVE, "upper": _POSITIVE},
    "Normal": {"sd": _POSITIVE},
}
"""Distribution -> its parameters and what each may be.

`BetaAround` and `LogNormalAround` take their mean or median from another prior, which their unit names:
Beta(concentration * mean, concentration * (1 - mean)), and LogNormal(median, sigma).
"""

PRIORS: dict[str, str] = {
    "concentration": "Gamma",
    "component_weight": "Dirichlet",
    "presence_prob": "Dirichlet",
    "prevalence_slab": "Beta",
    "fraction_concentration": "LogNormalAround",
    "fraction_concentration_median": "LogNormal",
    "present_prob": "BetaAround",
    "present_prob_mean": "Beta",
    "precision": "LogNormal",
    "error_rate": "LogNormal",
    "purity": "Normal",
    "cn_clonal_fraction": "Beta",
    "genotype": "DiscreteUniform",
    "noise_presence": "Bernoulli",
    "noise_slab": "Beta",
    "noise_recurrent": "Bernoulli",
    "noise_recurrent_fraction": "Beta",
}
"""Prior -> the distribution that the kernels implement for it."""

OVER: dict[str, tuple[str, ...]] = {
    "component_weight": ("clone", "noise", "germline"),
    "presence_prob": ("absent", "subclonal", "clonal"),
}
"""Dirichlet prior -> the names of its entries, in order."""

BOUNDS: dict[str, tuple[float, float]] = {"error_rate": (0.0, 0.05), "purity": (0.0, 1.0)}
"""Truncated prior -> the bounds that are built into the kernels."""

FIXED: dict[str, dict[str, float]] = {
    "prevalence_slab": {"alpha": 1.0, "beta": 1.0},
    "present_prob_mean": {"alpha": 1.0, "beta": 1.0},
}
"""Prior -> parameters that are built into the kernels: a file states them, and cannot change them."""

CONSTANTS: dict[str, str] = {
    "noise_error_rate": _UNIT,
    "noise_recurrent_precision": _POSITIVE,
    "max_clones": "a whole number above 0",
    "founder_weight": _POSITIVE,
    "purity_slack": _POSITIVE,
}
"""Constant -> what it may be."""

BLOCKS: dict[str, tuple[str, ...]] = {
    "mixture": ("dirichlet_process",),
    "prevalence": ("free", "tree"),
    "reads": ("beta_binomial",),
    "ascertainment": ("min_alt",),
}
"""Block -> its registered forms."""

FORMS: dict[tuple[str, str], tuple[str, ...]] = {
    ("prevalence", "free"): ("presence_prob", "prevalence_slab"),
    ("prevalence", "tree"): (
        "fraction_concentration",
        "fraction_concentration_median",
        "present_prob",
        "present_prob_mean",
        "founder_weight",
        "purity_slack",
    ),
}
"""Block and form -> the priors and constants that only this form has; all others are in every model."""

QUANTITIES = (
    "n_clones",
    "co_clustering",
    "prevalence_of_mutation",
    "concentration",
    "precision",
    "error_rate",
    "purity",
    "cn_clonal_fraction",
    "presence",
    "tree_depth",
    "ancestry",
    "n_founders",
    "fraction_concentration",
    "present_prob",
    "log_likelihood",
)
"""Label-free quantities that calibration can rank."""


@dataclass(frozen=True)
class Family:
    """What the specifications of one kind of model may say.

    Parameters
    ----------
    priors
        Prior -> its distribution.
    constants
        Constant -> what it may be.
    blocks
        Block -> its registered forms.
    quantities
        What calibration can rank.
    """

    priors: Mapping[str, str]
    constants: Mapping[str, str]
    blocks: Mapping[str, tuple[str, ...]]
    quantities: tuple[str, ...]


_SIGNATURES = Family(
    priors={
        "profile_strength": "LogNormal",
        "mean_intensity": "LogNormal",
        "intensity_shape": "LogNormal",
        "use_treatment": "Beta",
        "use_other": "Beta",
    },
    constants={"denovo_strength": _POSITIVE, "gate_leak": _UNIT, "denovo": "a whole number above 0"},
    blocks={"profiles": ("learned",), "exposures": ("normalised_gamma",)},
    quantities=("exposure", "presence", "profile", "profile_strength"),
)

ROLES = ("clock", "treatment", "other")
"""What a signature may be in a specification of signatures or of timing."""

FAMILIES: dict[str, Family] = {
    "clones": Family(PRIORS, CONSTANTS, BLOCKS, QUANTITIES),
    "errors": Family(
        priors={
            "mean_rate": "LogNormal",
            "class_sd": "HalfNormal",
            "site_spread": "HalfNormal",
            "lognormal_sites": "Bernoulli",
            "precision": "LogNormal",
            "batch_factor": "LogNormal",
            "class_factor": "HalfNormal",
        },
        constants={"carried_vaf": _UNIT, "carried_reads": "a whole number above 0"},
        blocks={"noise": ("beta_binomial",), "site_rate": ("beta_or_lognormal",), "classes": ("substitution_context",)},
        quantities=("mean_rate", "site_rate", "precision", "noise_reads"),
    ),
    "detection": Family(
        priors={
            "clade_present": "Beta",
            "size_scale": "LogUniform",
            "size": "BetaAround",
            "contaminated": "Bernoulli",
            "contamination": "LogUniform",
        },
        constants={"outlier": _UNIT, "mismatch": _UNIT, "loss": _UNIT, "level": _UNIT, "power": _UNIT},
        blocks={"size": ("spike_slab",), "noise": ("errors",), "contamination": ("same_run",)},
        quantities=("prevalence", "presence", "error_factor"),
    ),
    "joint": Family(
        priors=PRIORS | dict(_SIGNATURES.priors),
        constants=CONSTANTS | dict(_SIGNATURES.constants) | {"noise_context": _POSITIVE},
        blocks=BLOCKS | dict(_SIGNATURES.blocks) | {"contexts": ("categorical",)},
        quantities=QUANTITIES + _SIGNATURES.quantities,
    ),
    "signatures": _SIGNATURES,
    "timing": Family(
        priors=dict(_SIGNATURES.priors)
        | dict.fromkeys(
            (
                "clock_rate", "treatment_rate", "other_rate", "clock_shape", "strict_shape", "treatment_shape",
                "other_shape", "acceleration",
            ),
            "LogNormal",
        ),
        constants=dict(_SIGNATURES.constants) | {"p_strict": _UNIT, "p_acceleration": _UNIT, "rate_leak": _UNIT},
        blocks=dict(_SIGNATURES.blocks)
        | {"clock": ("strict_or_relaxed", "strict", "relaxed"), "acceleration": ("drawn", "never", "always")},
        quantities=("node_time", "split", "rate", "clock", "acceleration"),
    ),
}
"""Family of models -> what its specifications may say. A file without the key `family` is of the first."""

SERVES: dict[str, tuple[str, ...]] = {"timing": ("signatures",), "joint": ("clones", "signatures")}
"""Family -> further ones in whose place its specifications can be used, for they have all that those have."""


def used(names: Iterable[str], blocks: Mapping[str, Any]) -> tuple[str, ...]:
    """Keep the names of priors or constants that a model with these blocks has.

    >>> used(("precision", "presence_prob", "present_prob"), {"prevalence": "tree"})
    ('precision', 'present_prob')
    """
    others = {name for (block, form), only in FORMS.items() if blocks.get(block) != form for name in only}
    return tuple(name for name in names if name not in others)
