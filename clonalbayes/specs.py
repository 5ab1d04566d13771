"""Specifications of models: what a model assumes, as a TOML file that a biologist can read and change.

A specification names its priors (distribution, parameters, unit, reason), the blocks that it joins, the
sampler's schedule, the quantities that calibration ranks and the known limits. The Python that builds a
model from it is `clonalbayes.model`. Every name in a file is checked against the registries below, so a
misspelt key is an error that lists the valid ones, and never a prior that is silently ignored.

The files live in ``models/`` of the checkout and travel inside the wheel as ``clonalbayes/models``.

>>> spec = load("clones")
>>> spec.priors["concentration"].distribution
'Gamma'
>>> spec.value("precision", "median")
500.0
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from clonalbayes.faults import Fault, InputError

type Number = float | tuple[float, ...]

# What a parameter may be: the words go into the messages.
_POSITIVE, _UNIT, _WEIGHTS = "a number above 0", "a number between 0 and 1", "a list of numbers above 0"

DISTRIBUTIONS: dict[str, dict[str, str]] = {
    "Bernoulli": {"p": _UNIT},
    "Beta": {"alpha": _POSITIVE, "beta": _POSITIVE},
    "Dirichlet": {"alpha": _WEIGHTS},
    "DiscreteUniform": {},
    "Gamma": {"shape": _POSITIVE, "rate": _POSITIVE},
    "LogNormal": {"median": _POSITIVE, "sigma": _POSITIVE},
    "Normal": {"sd": _POSITIVE},
}
"""Distribution -> its parameters and what each may be."""

PRIORS: dict[str, str] = {
    "concentration": "Gamma",
    "component_weight": "Dirichlet",
    "presence_prob": "Dirichlet",
    "prevalence_slab": "Beta",
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

FIXED: dict[str, dict[str, float]] = {"prevalence_slab": {"alpha": 1.0, "beta": 1.0}}
"""Prior -> parameters that are built into the kernels: a file states them, and cannot change them."""

CONSTANTS: dict[str, str] = {
    "noise_error_rate": _UNIT,
    "noise_recurrent_precision": _POSITIVE,
    "max_clones": "a whole number above 0",
}
"""Constant -> what it may be."""

BLOCKS: dict[str, tuple[str, ...]] = {
    "mixture": ("dirichlet_process",),
    "prevalence": ("free",),
    "reads": ("beta_binomial",),
    "ascertainment": ("min_alt",),
}
"""Block -> its registered forms."""

QUANTITIES = (
    "n_clones",
    "co_clustering",
    "prevalence_of_mutation",
    "concentration",
    "precision",
    "error_rate",
    "purity",
    "cn_clonal_fraction",
    "log_likelihood",
)
"""Label-free quantities that calibration can rank."""


@dataclass(frozen=True)
class Prior:
    """One prior: a registered distribution with its parameters, unit and the reason for them."""

    name: str
    distribution: str
    parameters: Mapping[str, Number]
    unit: str
    reason: str
    bounds: tuple[float, float] | None = None
    over: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Write the prior as a formula, such as ``Gamma(shape=1, rate=1)``."""
        inside = ", ".join(f"{key}={_show(value)}" for key, value in self.parameters.items())
        limits = f" within ({_show(self.bounds[0])}, {_show(self.bounds[1])})" if self.bounds else ""
        return f"{self.distribution}({inside}){limits}"


@dataclass(frozen=True)
class Constant:
    """One fixed number of the model, with its unit and the reason for it."""

    name: str
    value: float
    unit: str
    reason: str


@dataclass(frozen=True)
class Schedule:
    """How long the sampler runs by default: draws kept, draws thrown away first, sweeps per draw."""

    chains: int = 4
    tune: int = 200
    draws: int = 250
    thin: int = 1


@dataclass(frozen=True)
class Spec:
    """A resolved and checked specification.

    Attributes
    ----------
    name, version, meaning, citation : str
        What the model is called, and what it says in a few sentences.
    blocks : Mapping[str, str]
        Block -> registered form (`BLOCKS`).
    priors : Mapping[str, Prior]
        One entry for each name of `PRIORS`.
    constants : Mapping[str, Constant]
        One entry for each name of `CONSTANTS`.
    schedule : Schedule
        Defaults of the sampler; options of `clonalbayes.fit` win over them.
    calibration : tuple of str
        Label-free quantities that simulation-based calibration ranks (`QUANTITIES`).
    limits : tuple of str
        What the model cannot do, in words.
    """

    name: str
    version: str
    meaning: str
    citation: str
    blocks: Mapping[str, str]
    priors: Mapping[str, Prior]
    constants: Mapping[str, Constant]
    schedule: Schedule
    calibration: tuple[str, ...]
    limits: tuple[str, ...]

    def value(self, prior: str, parameter: str) -> float:
        """Return one scalar parameter of a prior, such as ``value("precision", "median")``."""
        number = self.priors[prior].parameters[parameter]
        if isinstance(number, tuple):
            raise TypeError(f"parameter {parameter!r} of prior {prior!r} is a vector: use vector()")
        return number

    def vector(self, prior: str, parameter: str = "alpha") -> tuple[float, ...]:
        """Return one vector parameter of a prior, such as ``vector("presence_prob")``."""
        number = self.priors[prior].parameters[parameter]
        if not isinstance(number, tuple):
            raise TypeError(f"parameter {parameter!r} of prior {prior!r} is a scalar: use value()")
        return number

    def constant(self, name: str) -> float:
        """Return the value of a constant, such as ``constant("max_clones")``."""
        return self.constants[name].value

    def to_dict(self) -> dict[str, Any]:
        """Return the resolved specification as plain dicts, lists, strings and numbers (for `run.json`)."""
        return {
            "name": self.name,
            "version": self.version,
            "meaning": self.meaning,
            "citation": self.citation,
            "blocks": dict(self.blocks),
            "priors": {name: _plain(prior) for name, prior in self.priors.items()},
            "constants": {name: _plain(constant) for name, constant in self.constants.items()},
            "schedule": _plain(self.schedule),
            "calibration": {"quantities": list(self.calibration)},
            "limits": {"texts": list(self.limits)},
        }

    @property
    def digest(self) -> str:
        """SHA-256 of everything that changes a number: blocks, priors, constants. Texts do not count."""
        resolved = self.to_dict()
        core = {
            "blocks": resolved["blocks"],
            "priors": {
                name: {key: entry.get(key) for key in ("distribution", "parameters", "bounds")}
                for name, entry in resolved["priors"].items()
            },
            "constants": {name: entry["value"] for name, entry in resolved["constants"].items()},
        }
        return hashlib.sha256(json.dumps(core, sort_keys=True).encode()).hexdigest()


def folder() -> Path:
    """Return the folder of the specifications: inside the installed package, else in the checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "models"
    return installed if installed.is_dir() else package.parent / "models"


def names() -> tuple[str, ...]:
    """Return the names of the specifications that come with the package.

    >>> "clones" in names()
    True
    """
    return tuple(sorted(path.stem for path in folder().glob("*.toml")))


def load(name_or_path: str | Path | Spec) -> Spec:
    """Read a specification, resolve what it extends and check every entry.

    Parameters
    ----------
    name_or_path : str, Path or Spec
        A name of `names`, or a TOML file (anything that ends in ``.toml``). A `Spec` is returned as it is.

    Returns
    -------
    Spec
        The resolved specification.

    Raises
    ------
    InputError
        With every fault of the file at once.
    """
    if isinstance(name_or_path, Spec):
        return name_or_path
    path = locate(str(name_or_path))
    resolved = _resolve(path, seen=())
    from clonalbayes._spec_checks import check

    faults = check(resolved, path)
    if faults:
        raise InputError(faults)
    return _build(resolved)


def describe(spec: Spec) -> str:
    """Write a specification as text for a terminal: what it means, its priors, its limits."""
    lines = [f"{spec.name} (version {spec.version}, digest {spec.digest[:12]})", spec.meaning.strip(), ""]
    lines += [f"  {block:<14} {form}" for block, form in spec.blocks.items()]
    for title, entries in (("Priors", spec.priors), ("Constants", spec.constants)):
        lines += ["", title]
        for name, entry in entries.items():
            formula = str(entry) if isinstance(entry, Prior) else _show(entry.value)
            lines += [f"  {name:<19} {formula}", f"  {'':<19} {entry.unit}", f"  {'':<19} {entry.reason}"]
    schedule = ", ".join(f"{field.name} {getattr(spec.schedule, field.name)}" for field in fields(Schedule))
    lines += ["", f"Schedule: {schedule}", f"Calibration ranks: {', '.join(spec.calibration)}", "", "Limits"]
    return "\n".join([*lines, *(f"  - {text}" for text in spec.limits)])


def locate(name: str, *, relative_to: Path = Path()) -> Path:
    """Return the file of a specification, given its name or a path.

    Raises
    ------
    InputError
        If there is none; the message lists the names.
    """
    if name.endswith(".toml"):
        path = relative_to / Path(name).expanduser()
        if path.is_file():
            return path
        raise InputError(
            [Fault(str(path), "there is no such specification file", f"Names: {_listed(names())}.")]
        )
    if name in names():
        return folder() / f"{name}.toml"
    message = f"there is no specification called {name!r}"
    raise InputError(
        [Fault("--model", message, f"Use one of {_listed(names())}, or a file that ends in .toml.")]
    )


def _resolve(path: Path, *, seen: tuple[Path, ...]) -> dict[str, Any]:
    """Read a file and lay it over what it extends."""
    if path.resolve() in seen:
        chain = " -> ".join(p.name for p in (*seen, path))
        raise InputError([Fault(str(path), f"extends itself: {chain}", "Break the circle.")])
    table = _read(path)
    parent = table.pop("extends", None)
    if parent is None:
        return table
    if not isinstance(parent, str):
        raise InputError([Fault(str(path), "extends is not a text", f"Use one of {_listed(names())}.")])
    base = _resolve(locate(parent, relative_to=path.parent), seen=(*seen, path.resolve()))
    return _overlay(base, table)


def _read(path: Path) -> dict[str, Any]:
    """Parse a TOML file; syntax and encoding faults keep the parser's line number."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise InputError([Fault(str(path), f"not valid TOML: {error}", "Correct the line named.")]) from None
    except UnicodeDecodeError:
        raise InputError([Fault(str(path), "not UTF-8 text", "Save the file as UTF-8.")]) from None


def _overlay(base: Any, top: Any) -> Any:
    """Lay one table over another; a new distribution drops the parameters of the old one."""
    if not (isinstance(base, dict) and isinstance(top, dict)):
        return top
    if top.get("distribution", base.get("distribution")) != base.get("distribution"):
        base = {key: value for key, value in base.items() if key not in ("parameters", "bounds")}
    merged = dict(base)
    for key, value in top.items():
        merged[key] = _overlay(base[key], value) if key in base else value
    return merged


def _build(table: dict[str, Any]) -> Spec:
    """Turn a checked table into the frozen record."""
    return Spec(
        name=table["name"],
        version=table["version"],
        meaning=table["meaning"].strip(),
        citation=table.get("citation", ""),
        blocks=dict(table["blocks"]),
        priors={name: _build_prior(name, table["priors"][name]) for name in PRIORS},
        constants={name: Constant(name=name, **table["constants"][name]) for name in CONSTANTS},
        schedule=Schedule(**table.get("schedule", {})),
        calibration=tuple(table.get("calibration", {}).get("quantities", ())),
        limits=tuple(table.get("limits", {}).get("texts", ())),
    )


def _build_prior(name: str, entry: dict[str, Any]) -> Prior:
    """Turn one checked table of a prior into its record; numbers become floats, lists become tuples."""
    parameters = {
        key: tuple(map(float, value)) if isinstance(value, list) else float(value)
        for key, value in entry["parameters"].items()
    }
    bounds = tuple(map(float, entry["bounds"])) if "bounds" in entry else None
    return Prior(
        name=name,
        distribution=entry["distribution"],
        parameters=parameters,
        unit=entry["unit"],
        reason=entry["reason"],
        bounds=(bounds[0], bounds[1]) if bounds else None,
        over=tuple(entry.get("over", ())),
    )


def _plain(record: Prior | Constant | Schedule) -> dict[str, Any]:
    """Turn a record into plain containers; the name is the key outside, and what is not set is left out."""
    entries = {field.name: getattr(record, field.name) for field in fields(record) if field.name != "name"}
    return {key: _listify(value) for key, value in entries.items() if value not in (None, ())}


def _listify(value: Any) -> Any:
    """Turn tuples into lists and mappings into dicts, as JSON has them."""
    if isinstance(value, Mapping):
        return {key: _listify(entry) for key, entry in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _show(value: Number) -> str:
    """Write a number or a vector shortly."""
    return f"[{', '.join(f'{v:g}' for v in value)}]" if isinstance(value, tuple) else f"{value:g}"


def _listed(items: tuple[str, ...]) -> str:
    """Write names as a list for a message."""
    return ", ".join(items)
