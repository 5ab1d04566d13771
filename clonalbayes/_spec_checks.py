"""Checks of a resolved specification: every fault is collected, none is raised here.

The registries that say what is valid are in `clonalbayes._spec_registry`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from clonalbayes._spec_registry import BOUNDS, DISTRIBUTIONS, FAMILIES, FIXED, OVER, ROLES, used
from clonalbayes.constraints import problem_of
from clonalbayes.faults import Fault
from clonalbayes.specs import Schedule

_TOP = ("name", "version", "family", "meaning", "citation", "extends")
_TABLES = ("blocks", "priors", "constants", "schedule", "calibration", "limits")
_PRIOR_KEYS = ("distribution", "parameters", "unit", "reason", "bounds", "over")
_CONSTANT_KEYS = ("value", "unit", "reason")


def check(table: Mapping[str, Any], path: Path) -> list[Fault]:
    """Check a resolved specification against the registries.

    Parameters
    ----------
    table : Mapping
        The file's content, laid over what it extends.
    path : Path
        The file that the user named; faults point into it where it has the key.

    Returns
    -------
    list of Fault
        Every fault found; empty if the specification is valid.
    """
    checks = _Checks(path, str(table.get("family", "clones")))
    extra = {"profiles": "signatures", "mixture": "constraints"}
    tables_of_blocks = (name for block, name in extra.items() if block in checks.family.blocks)
    checks.known(table, (*_TOP, *_TABLES, *tables_of_blocks), "")
    for key in ("name", "version", "meaning"):
        checks.text(table, key, "")
    if "citation" in table:
        checks.text(table, "citation", "")
    tables = {name: checks.table(table, name) or {} for name in _TABLES}
    checks.blocks(tables["blocks"])
    checks.priors(tables["priors"], used(checks.family.priors, tables["blocks"]))
    checks.constants(tables["constants"], used(checks.family.constants, tables["blocks"]))
    checks.schedule(tables["schedule"])
    checks.list_of_texts(tables["calibration"], "calibration", "quantities", checks.family.quantities)
    checks.list_of_texts(tables["limits"], "limits", "texts", None)
    checks.constraints(table.get("constraints", []), tables["blocks"].get("prevalence"))
    checks.roles(table)
    return checks.faults


class _Checks:
    """The faults of one file, collected while its tables are walked."""

    def __init__(self, path: Path, family: str) -> None:
        self.path = path
        self.lines = path.read_text(encoding="utf-8-sig").splitlines()
        self.faults: list[Fault] = []
        if family not in FAMILIES:
            self.add("family", "unknown family of models", f"Valid: {', '.join(FAMILIES)}.", family)
        self.family = FAMILIES.get(family, FAMILIES["clones"])

    def add(self, where: str, message: str, remedy: str, value: object = None) -> None:
        """Record a fault at a dotted key; its row is found in the file's text."""
        shown = None if value is None else str(value)
        self.faults.append(
            Fault(str(self.path), f"{where}: {message}", remedy, row=self.row(where), value=shown)
        )

    def row(self, where: str) -> int | None:
        """Return the row of a dotted key in the user's file, or None if the key is inherited or missing."""
        parts = where.split(".")
        for depth in range(len(parts), 0, -1):
            header, rest = f"[{'.'.join(parts[:depth])}]", parts[depth:]
            rows = [n for n, line in enumerate(self.lines) if line.split("#")[0].strip() == header]
            if rows:
                return self._key_row(rest[0], rows[0] + 1) or rows[0] + 1 if rest else rows[0] + 1
        return self._key_row(parts[0], 0)

    def _key_row(self, key: str, start: int) -> int | None:
        """Return the row of ``key =`` in the table that begins at a line."""
        for n in range(start, len(self.lines)):
            line = self.lines[n].strip()
            if line.startswith("[") and start:
                return None
            if line.split("=")[0].strip().strip("\"'") == key:
                return n + 1
        return None

    def roles(self, table: Mapping[str, Any]) -> None:
        """Each signature has a role, and the names of its treatments if it is a treatment's."""
        signatures = self.table(table, "signatures") or {}
        for name in signatures:
            where, entry = f"signatures.{name}", self.table(signatures, name, "signatures") or {}
            self.known(entry, ("role", "treatments"), where)
            role, given = entry.get("role"), entry.get("treatments", [])
            if role not in ROLES:
                self.add(where, "has no known role", f"Valid: {', '.join(ROLES)}.", role)
            if not (isinstance(given, list) and all(isinstance(text, str) and text for text in given)):
                self.add(where, "treatments are not a list of texts", 'Write treatments = ["...", "..."].', given)
            elif bool(given) != (role == "treatment"):
                self.add(where, "treatments and the role treatment go together", "Give both or neither.")

    def known(self, table: Mapping[str, Any], valid: Iterable[str], where: str) -> None:
        """Every key of a table must be a valid one."""
        valid = tuple(valid)
        for key in table:
            if key not in valid:
                dotted = f"{where}.{key}" if where else key
                self.add(dotted, "unknown key", f"Valid here: {', '.join(valid) or 'none'}.")

    def text(self, table: Mapping[str, Any], key: str, where: str) -> None:
        """A key must hold a text that is not empty."""
        dotted = f"{where}.{key}" if where else key
        value = table.get(key)
        if not (isinstance(value, str) and value.strip()):
            self.add(dotted, "missing or not a text", f'Write {key} = "...".', value)

    def table(self, table: Mapping[str, Any], name: str, where: str = "") -> Mapping[str, Any] | None:
        """Return a table of the file; something else under its name is a fault."""
        value = table.get(name, {})
        if isinstance(value, Mapping):
            return value
        dotted = f"{where}.{name}" if where else name
        self.add(dotted, "not a table", f"Write [{dotted}] and its keys below it.", value)
        return None

    def missing(self, table: Mapping[str, Any], valid: Iterable[str], where: str) -> None:
        """Every registered name must be there."""
        for key in valid:
            if key not in table:
                self.add(where, f"{key} is missing", 'Give it, or start the file with extends = "clones".')

    def blocks(self, table: Mapping[str, Any]) -> None:
        """Each block has one of its registered forms."""
        self.known(table, self.family.blocks, "blocks")
        self.missing(table, self.family.blocks, "blocks")
        for name, forms in self.family.blocks.items():
            if name in table and table[name] not in forms:
                self.add(f"blocks.{name}", "unknown form", f"Valid: {', '.join(forms)}.", table[name])

    def priors(self, table: Mapping[str, Any], names: tuple[str, ...]) -> None:
        """Each prior of the blocks has the distribution that is implemented for it, with its parameters."""
        self.known(table, names, "priors")
        self.missing(table, names, "priors")
        for name in names:
            entry = self.table(table, name, "priors") if name in table else None
            if entry is not None:
                self.prior(name, entry)

    def prior(self, name: str, entry: Mapping[str, Any]) -> None:
        """Check one prior."""
        where = f"priors.{name}"
        self.known(entry, _PRIOR_KEYS, where)
        self.text(entry, "unit", where)
        self.text(entry, "reason", where)
        distribution = entry.get("distribution")
        wanted = self.family.priors[name]
        if distribution != wanted:
            known = (
                "is not implemented for it"
                if distribution in DISTRIBUTIONS
                else "is not a known distribution"
            )
            remedy = f"This prior is {wanted}({', '.join(DISTRIBUTIONS[wanted])})."
            self.add(f"{where}.distribution", known, remedy, distribution)
            return
        if self.parameters(name, entry):
            self.built_in(name, entry)

    def parameters(self, name: str, entry: Mapping[str, Any]) -> bool:
        """Check the parameters of a prior against those of its distribution; tell if they are a table."""
        where, wanted = f"priors.{name}", DISTRIBUTIONS[self.family.priors[name]]
        given = entry.get("parameters")
        if not isinstance(given, Mapping):
            self.add(f"{where}.parameters", "missing or not a table", f"Give {', '.join(wanted)}.", given)
            return False
        self.known(given, wanted, f"{where}.parameters")
        for key, meaning in wanted.items():
            if not is_valid(given.get(key), meaning):
                self.add(
                    f"{where}.parameters",
                    f"{key} must be {meaning}",
                    "Correct it.",
                    given.get(key, "missing"),
                )
        labels = OVER.get(name, ())
        if tuple(entry.get("over", labels)) != labels:
            self.add(
                f"{where}.over", "wrong entries", f"They are {', '.join(labels) or 'none'}.", entry["over"]
            )
        if labels and isinstance(given.get("alpha"), list) and len(given["alpha"]) != len(labels):
            self.add(f"{where}.parameters", f"alpha needs {len(labels)} numbers", f"For {', '.join(labels)}.")
        return True

    def built_in(self, name: str, entry: Mapping[str, Any]) -> None:
        """Check that a file states the bounds and parameters that are built into the kernels."""
        where, bounds = f"priors.{name}", BOUNDS.get(name)
        given = entry.get("bounds")
        if (None if given is None else tuple(_listed(given))) != bounds:
            remedy = f"Write bounds = {list(bounds)}." if bounds else "Leave bounds out."
            self.add(f"{where}.bounds", "the bounds of this prior are built in", remedy, given)
        for key, value in FIXED.get(name, {}).items():
            if entry["parameters"].get(key) != value:
                remedy = f"Write {key} = {value:g}."
                self.add(f"{where}.parameters", f"{key} is built in", remedy, entry["parameters"].get(key))

    def constants(self, table: Mapping[str, Any], names: tuple[str, ...]) -> None:
        """Each constant of the blocks has a value in its range, a unit and a reason."""
        self.known(table, names, "constants")
        self.missing(table, names, "constants")
        for name in names:
            meaning = self.family.constants[name]
            entry = self.table(table, name, "constants") if name in table else None
            if not entry:
                continue
            where = f"constants.{name}"
            self.known(entry, _CONSTANT_KEYS, where)
            self.text(entry, "unit", where)
            self.text(entry, "reason", where)
            if not is_valid(entry.get("value"), meaning):
                self.add(f"{where}.value", f"must be {meaning}", "Correct it.", entry.get("value", "missing"))

    def constraints(self, given: Any, prevalence: Any) -> None:
        """Constraints are a list of tables with one known key each, of a model that has a tree."""
        if not isinstance(given, list):
            self.add("constraints", "not a list of tables", "Write [[constraints]] above each.", given)
            return
        if given and prevalence != "tree":
            remedy = 'Start the file with extends = "tree".'
            self.add("constraints", "only a model with a tree can take constraints", remedy)
        for table in given:
            problem = problem_of(table)
            if problem is not None:
                self.add("constraints", *problem, table)

    def schedule(self, table: Mapping[str, Any]) -> None:
        """The schedule holds whole numbers; only tune may be 0."""
        valid = tuple(field.name for field in fields(Schedule))
        self.known(table, valid, "schedule")
        for key in valid:
            value = table.get(key, 1)
            if not _is_whole(value) or value < (0 if key == "tune" else 1):
                self.add(f"schedule.{key}", "must be a whole number above 0", "Correct it.", value)

    def list_of_texts(
        self, table: Mapping[str, Any], where: str, key: str, valid: tuple[str, ...] | None
    ) -> None:
        """One key that holds a list of texts, each a valid one where there is a registry."""
        self.known(table, (key,), where)
        given = table.get(key, [])
        if not (isinstance(given, list) and all(isinstance(text, str) for text in given)):
            self.add(f"{where}.{key}", "must be a list of texts", f'Write {key} = ["...", "..."].', given)
            return
        for text in given if valid is not None else ():
            if valid is not None and text not in valid:
                self.add(f"{where}.{key}", "unknown quantity", f"Valid: {', '.join(valid)}.", text)


def is_valid(value: Any, meaning: str) -> bool:
    """Tell whether a value is what the registry's words ask for.

    >>> is_valid(0.5, "a number between 0 and 1"), is_valid(-1, "a number above 0")
    (True, False)
    """
    if meaning.startswith("a list"):
        return isinstance(value, list) and bool(value) and all(is_valid(v, "a number above 0") for v in value)
    if meaning.startswith("a whole"):
        return _is_whole(value) and value > 0
    if not _is_number(value):
        return False
    return bool(0 <= value <= 1) if meaning.endswith("between 0 and 1") else bool(value > 0)


def _is_number(value: Any) -> bool:
    """Tell whether a value is a finite number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")


def _is_whole(value: Any) -> bool:
    """Tell whether a value is a whole number; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def _listed(value: Any) -> list[Any]:
    """Turn a value into a list, to be compared whatever it is."""
    return value if isinstance(value, list) else [value]
