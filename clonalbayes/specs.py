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
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from clonalbayes import constraints as conditions
from clonalbayes._spec_registry import BLOCKS as BLOCKS
from clonalbayes._spec_registry import BOUNDS as BOUNDS
from clonalbayes._spec_registry import CONSTANTS as CONSTANTS
from clonalbayes._spec_registry import DISTRIBUTIONS as DISTRIBUTIONS
from clonalbayes._spec_registry import FAMILIES as FAMILIES
from clonalbayes._spec_registry import FIXED as FIXED
from clonalbayes._spec_registry import FORMS as FORMS
from clonalbayes._spec_registry import OVER as OVER
from clonalbayes._spec_registry import PRIORS as PRIORS
from clonalbayes._spec_registry import QUANTITIES as QUANTITIES
from clonalbayes._spec_registry import SERVES as SERVES
from clonalbayes._spec_registry import used as used
from clonalbayes.constraints import Constraint
from clonalbayes.faults import Fault, InputError

type Number = float | tuple[float, ...]

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
    """How long the sampler runs by default: draws kept, draws thrown away first, sweeps per draw, tempered states."""

    chains: int = 4
    tune: int = 200
    draws: int = 250
    thin: int = 1
    rungs: int = 1


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
        One entry for each name of `PRIORS` that the blocks have (`used`).
    constants : Mapping[str, Constant]
        One entry for each name of `CONSTANTS` that the blocks have.
    schedule : Schedule
        Defaults of the sampler; options of `clonalbayes.fit` win over them.
    calibration : tuple of str
        Label-free quantities that simulation-based calibration ranks (`QUANTITIES`).
    limits : tuple of str
        What the model cannot do, in words.
    constraints : tuple of Constraint
        What the user knows of the answer (`clonalbayes.constraints`).
    family : str
        Kind of model (`FAMILIES`): of clones, of clones with signatures, of errors, of detection, of signatures, of
        timing.
    signatures : Mapping
        Signature -> its role and, of a treatment's, the treatments (models of signatures and of timing).
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
    constraints: tuple[Constraint, ...] = ()
    family: str = "clones"
    signatures: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

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
            **({} if self.family == "clones" else {"family": self.family}),
            "meaning": self.meaning,
            "citation": self.citation,
            **({"signatures": _listify(self.signatures)} if self.signatures else {}),
            "blocks": dict(self.blocks),
            "priors": {name: _plain(prior) for name, prior in self.priors.items()},
            "constants": {name: _plain(constant) for name, constant in self.constants.items()},
            "schedule": _plain(self.schedule),
            "calibration": {"quantities": list(self.calibration)},
            "limits": {"texts": list(self.limits)},
        } | ({"constraints": [c.to_table() for c in self.constraints]} if self.constraints else {})

    @property
    def digest(self) -> str:
        """SHA-256 of all that changes a number: blocks, priors, constants, constraints. Texts do not count."""
        resolved = self.to_dict()
        core = {
            **({"signatures": resolved["signatures"]} if self.signatures else {}),
            "blocks": resolved["blocks"],
            "priors": {
                name: {key: entry.get(key) for key in ("distribution", "parameters", "bounds")}
                for name, entry in resolved["priors"].items()
            },
            "constants": {name: entry["value"] for name, entry in resolved["constants"].items()},
        } | {key: resolved[key] for key in ("constraints",) if key in resolved}
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


def load(name_or_path: str | Path | Spec, family: str | None = "clones") -> Spec:
    """Read a specification, resolve what it extends and check every entry.

    Parameters
    ----------
    name_or_path : str, Path or Spec
        A name of `names`, or a TOML file (anything that ends in ``.toml``). A `Spec` is returned as it is.
    family : str or None
        The kind of model that is wanted (`FAMILIES`); None takes any.

    Returns
    -------
    Spec
        The resolved specification.

    Raises
    ------
    InputError
        With every fault of the file at once, or if it is of another family.
    """
    if isinstance(name_or_path, Spec):
        return name_or_path
    path = locate(str(name_or_path))
    resolved = _resolve(path, seen=())
    from clonalbayes._spec_checks import check

    given = resolved.get("family", "clones")
    if family is not None and given in FAMILIES and family not in (given, *SERVES.get(given, ())):
        message = f"this is a specification of {given}, not of {family}"
        raise InputError([Fault(str(path), message, "`clonalbayes models list` says what each one is.")])

    faults = check(resolved, path)
    if faults:
        raise InputError(faults)
    return _build(resolved)


def describe(spec: Spec) -> str:
    """Write a specification as text for a terminal: what it means, its priors, its limits."""
    lines = [f"{spec.name} (version {spec.version}, digest {spec.digest[:12]})", spec.meaning.strip(), ""]
    lines += [f"  {block:<14} {form}" for block, form in spec.blocks.items()]
    width = max(map(len, (*spec.priors, *spec.constants)))
    for title, entries in (("Priors", spec.priors), ("Constants", spec.constants)):
        lines += ["", title]
        for name, entry in entries.items():
            formula = str(entry) if isinstance(entry, Prior) else _show(entry.value)
            texts = {name: formula, "": entry.unit, " ": entry.reason}
            lines += [f"  {left:<{width}} {text}" for left, text in texts.items()]
    schedule = ", ".join(f"{field.name} {getattr(spec.schedule, field.name)}" for field in fields(Schedule))
    lines += ["", f"Schedule: {schedule}", f"Calibration ranks: {', '.join(spec.calibration)}", "", "Limits"]
    lines += [f"  - {text}" for text in spec.limits]
    known = [f"  - {constraint}" for constraint in spec.constraints]
    return "\n".join([*lines, *(["", "Constraints", *known] if known else [])])


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
    parents = parent if isinstance(parent, list) and parent else [parent]
    base: dict[str, Any] = {}
    for name in parents:
        if not isinstance(name, str):
            remedy = f"Use one of {_listed(names())}, or a list of them; the last one has the last word."
            raise InputError([Fault(str(path), "extends is not a text", remedy)])
        base = _overlay(base, _resolve(locate(name, relative_to=path.parent), seen=(*seen, path.resolve())))
    return _overlay(_without_other_forms(base, table.get("blocks")), table)


def _without_other_forms(base: dict[str, Any], blocks: Any) -> dict[str, Any]:
    """Drop the priors and constants of a form that a block of the extending file replaces."""
    if not isinstance(blocks, Mapping):
        return base
    tables = {name: base[name] for name in ("priors", "constants") if isinstance(base.get(name), dict)}
    joined = {**base.get("blocks", {}), **blocks}
    kept = {name: {key: table[key] for key in used(table, joined)} for name, table in tables.items()}
    return {**base, **kept}


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
    family = FAMILIES[table.get("family", "clones")]
    return Spec(
        name=table["name"],
        version=table["version"],
        meaning=table["meaning"].strip(),
        citation=table.get("citation", ""),
        blocks=dict(table["blocks"]),
        priors={name: _build_prior(name, table["priors"][name]) for name in used(family.priors, table["blocks"])},
        constants={
            name: Constant(name=name, **table["constants"][name])
            for name in used(family.constants, table["blocks"])
        },
        schedule=Schedule(**table.get("schedule", {})),
        calibration=tuple(table.get("calibration", {}).get("quantities", ())),
        limits=tuple(table.get("limits", {}).get("texts", ())),
        constraints=tuple(map(conditions.build, table.get("constraints", ()))),
        family=table.get("family", "clones"),
        signatures=dict(table.get("signatures", {})),
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
