"""Settings of the signature and timing models, from their specifications.

>>> settings = load("signatures")
>>> settings.role("SBS87"), settings.role("SBS1"), settings.role("SBS3")
('treatment', 'clock', 'other')
>>> settings.prior("use_treatment")
(1.0, 2.0)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clonalbayes import specs
from clonalbayes.faults import fail

PARAMETERS = {"LogNormal": ("median", "sigma"), "Beta": ("alpha", "beta")}


@dataclass(frozen=True)
class Settings:
    """What the samplers need of a specification.

    Attributes
    ----------
    spec
        The specification.
    priors
        Prior -> its two parameters, in the order of `PARAMETERS`.
    constants
        Constant -> value.
    roles
        Signature -> role.
    treatments
        Signature -> treatments (in lower case) that cause it.
    schedule
        chains, tune, draws.
    """

    spec: specs.Spec
    priors: Mapping[str, tuple[float, float]]
    constants: Mapping[str, float]
    roles: Mapping[str, str]
    treatments: Mapping[str, tuple[str, ...]]
    schedule: Mapping[str, int]

    def prior(self, name: str) -> tuple[float, float]:
        """Return the two parameters of a prior."""
        return self.priors[name]

    def constant(self, name: str) -> float:
        """Return a constant."""
        return self.constants[name]

    def role(self, signature: str) -> str:
        """Return the role of a signature; "other" if the specification does not name it."""
        return self.roles.get(signature, "other")

    def block(self, name: str) -> str:
        """Return the form of a block."""
        return str(self.spec.blocks[name])

    def to_dict(self) -> dict[str, Any]:
        """Return the specification as plain containers, for ``run.json``."""
        return self.spec.to_dict()

    @property
    def digest(self) -> str:
        """SHA-256 of everything that changes a number."""
        return self.spec.digest


def load(name_or_path: str | Path | specs.Spec | Settings, part: str = "signatures") -> Settings:
    """Read a specification of the signature or the timing model.

    Parameters
    ----------
    name_or_path
        "signatures", "timing", a TOML file or a specification.
    part
        What it is to be used for: a specification of timing serves for signatures too.

    Returns
    -------
    Settings

    Raises
    ------
    InputError
        With every fault of the file, or if it is of another kind.
    """
    if isinstance(name_or_path, Settings):
        return name_or_path
    spec = specs.load(name_or_path, None)
    if part not in (spec.family, *specs.SERVES.get(spec.family, ())):
        message = f"this is a specification of {spec.family}, not of {part}"
        where = spec.name if isinstance(name_or_path, specs.Spec) else str(name_or_path)
        raise fail(where, message, f'Start one of your own with extends = "{part}".')
    priors = {}
    of_part = specs.FAMILIES[part if spec.family == "joint" else spec.family].priors
    for name, prior in spec.priors.items():
        if name not in of_part:
            continue
        first, second = PARAMETERS[prior.distribution]
        priors[name] = (spec.value(name, first), spec.value(name, second))
    schedule = spec.schedule
    return Settings(
        spec=spec,
        priors=priors,
        constants={name: spec.constant(name) for name in spec.constants},
        roles={name: str(entry["role"]) for name, entry in spec.signatures.items()},
        treatments={
            name: tuple(text.lower() for text in entry["treatments"])
            for name, entry in spec.signatures.items()
            if entry.get("treatments")
        },
        schedule={"chains": schedule.chains, "tune": schedule.tune, "draws": schedule.draws},
    )
