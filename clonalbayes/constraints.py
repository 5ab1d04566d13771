"""What a user knows of the answer: conditions on the prior, written in a specification as [[constraints]].

Each table holds one condition:

    [[constraints]]
    must_precede = ["7:140453136:A>T", "12:25398284:C>T"]

    [[constraints]]
    same_clone = ["7:140453136:A>T", "17:7577538:C>T"]

    [[constraints]]
    absent_in = { mutation = "12:25398284:C>T", samples = ["diagnosis"] }

All of them put the mutations that they name into clones: none of these is an artefact or germline.
`must_precede`: the first mutation's clone is the second's, or an ancestor of it (the order of mutations
within one clone is not resolved). `same_clone`: all are in one clone. `absent_in`: no cell of these samples
carries the mutation. The prior is conditioned on all conditions of the file together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clonalbayes.faults import Fault, InputError

if TYPE_CHECKING:
    import xarray as xr

KINDS = ("must_precede", "same_clone", "absent_in")
"""What a table of [[constraints]] may say."""

_REMEDIES = {
    "must_precede": 'Write must_precede = ["ID OF THE EARLIER", "ID OF THE LATER"].',
    "same_clone": 'Write same_clone = ["ID", "ANOTHER ID"].',
    "absent_in": 'Write absent_in = { mutation = "ID", samples = ["SAMPLE"] }.',
}


@dataclass(frozen=True)
class Constraint:
    """One condition on the answer.

    Attributes
    ----------
    kind
        One of `KINDS`.
    mutations
        Ids of the mutations: the earlier and the later, those of one clone, or the one that is absent.
    samples
        Names of the samples, for `absent_in`.
    """

    kind: str
    mutations: tuple[str, ...]
    samples: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Write the constraint as a sentence."""
        names = ", ".join(self.mutations)
        if self.kind == "must_precede":
            return f"{self.mutations[0]} precedes {self.mutations[1]}"
        if self.kind == "same_clone":
            return f"one clone has {names}"
        return f"{names} is absent from {', '.join(self.samples)}"

    def to_table(self) -> dict[str, Any]:
        """Return the constraint as the file has it."""
        if self.kind == "absent_in":
            return {self.kind: {"mutation": self.mutations[0], "samples": list(self.samples)}}
        return {self.kind: list(self.mutations)}


def build(table: Mapping[str, Any]) -> Constraint:
    """Turn one checked table of a specification into its record."""
    ((kind, value),) = table.items()
    if kind == "absent_in":
        return Constraint(kind, (value["mutation"],), tuple(value["samples"]))
    return Constraint(kind, tuple(value))


def problem_of(table: Any) -> tuple[str, str] | None:
    """Say what is wrong with one table of a specification.

    Returns
    -------
    tuple of str, or None
        The problem and its remedy; None where the table is as it should be.
    """
    if not isinstance(table, Mapping) or len(table) != 1 or next(iter(table)) not in KINDS:
        return "a constraint is one table with one key", f"Valid: {', '.join(KINDS)}."
    ((kind, value),) = table.items()
    return None if _is_shaped(kind, value) else (f"{kind} is not written as it must be", _REMEDIES[kind])


def _is_shaped(kind: str, value: Any) -> bool:
    """Whether the value of a constraint has the form that its kind asks for."""
    if kind == "must_precede":
        return _are_names(value, 2) and len(value) == 2
    if kind == "same_clone":
        return _are_names(value, 2)
    keys = {"mutation", "samples"}
    return (
        isinstance(value, Mapping)
        and set(value) == keys
        and _are_names([value["mutation"]], 1)
        and _are_names(value["samples"], 1)
    )


def _are_names(value: Any, least: int) -> bool:
    """Whether a value is a list of at least so many different texts."""
    if not (isinstance(value, list) and all(isinstance(text, str) and text.strip() for text in value)):
        return False
    return len(value) >= least and len(set(value)) == len(value)


def require_known(constraints: Sequence[Constraint], ds: xr.Dataset, file: str = "--model") -> None:
    """Check that constraints speak of mutations and samples that the data have.

    Parameters
    ----------
    constraints
        Those of a specification.
    ds
        The patient, with coordinates `mutation` and `specimen`.
    file
        Where the specification came from, for the message.

    Raises
    ------
    InputError
        With every unknown mutation and sample.
    """
    if not constraints:
        return
    mutations = {str(name) for name in ds["mutation"].values}
    samples = {str(name) for name in ds["specimen"].values}
    faults: list[Fault] = []
    for constraint in constraints:
        place = f"constraints.{constraint.kind}"
        faults += _unknown(constraint.mutations, mutations, "mutation", file, place)
        faults += _unknown(constraint.samples, samples, "sample", file, place)
    if faults:
        raise InputError(faults)


def _unknown(names: Iterable[str], known: set[str], what: str, file: str, place: str) -> list[Fault]:
    """Faults for names that are not known."""
    listed = f"The data have {', '.join(sorted(known)[:5])}{', ...' if len(known) > 5 else ''}."
    return [
        Fault(file, f"the data have no such {what}", f"{listed}", column=place, value=name)
        for name in names
        if name not in known
    ]
