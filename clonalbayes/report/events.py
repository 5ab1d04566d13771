"""Events on the branches of the tree: drivers by their mutation, others by the samples that show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from clonalbayes.faults import fail

if TYPE_CHECKING:
    import pandas as pd

NEEDED = ("event", "kind", "chrom1", "pos1", "genes", "sample", "evidence", "name")


@dataclass(frozen=True)
class Placed:
    """One event.

    Attributes
    ----------
    label
        What it is called: gene and change.
    kind
        driver, deletion, ...
    clone
        The clone on whose branch it is; 0 if that is not known.
    probability
        That its mutation is in that clone; 1 where it was placed by its samples.
    how
        In words, why it is there, or why it is nowhere.
    """

    label: str
    kind: str
    clone: int
    probability: float
    how: str


def read_table_of_events(path: Path) -> pd.DataFrame:
    """Read any file of events (drivers, rearrangements, clonotypes, or the joined table).

    Raises
    ------
    InputError
        If it cannot be read.
    """
    from clonalbayes.variants.events import read_events

    if not path.is_file():
        raise fail(str(path), "there is no such file", "Check the name.")
    return read_events(path).table


def place_events(
    table: pd.DataFrame, labels: Mapping[str, tuple[str, float]], present: Mapping[int, set[str]]
) -> list[Placed]:
    """Find the branch of each event.

    Parameters
    ----------
    table
        Of events, as `clonalbayes.variants.event_table` has it.
    labels
        Clone and its probability by mutation.
    present
        Samples that surely have the clone, by clone.

    Returns
    -------
    list of Placed
        In the order of the table. An event whose place is that of a mutation of the fit is where that mutation is. Any
        other one is on the only branch whose clone is in exactly the samples that show the event, if there is one.
    """
    places: dict[tuple[str, str], list[str]] = {}
    for name in labels:
        parts = name.split(":")
        if len(parts) >= 2:
            places.setdefault((_bare(parts[0]), parts[1]), []).append(name)
    out = []
    for event, rows in table.groupby(table["event"].astype(str), sort=False):
        first = rows.iloc[0]
        change = str(first["name"])
        genes = str(first["genes"]).replace(",", ", ")
        kind = str(first["kind"])
        what = (genes, change if kind == "driver" else kind)  # the name of a rearrangement is its caller's number
        label = " ".join(dict.fromkeys(text for text in what if text and text != str(event))) if genes else str(event)
        mutation = _mutation_of(str(event), change, first, places, labels)
        shown = {str(r["sample"]) for _, r in rows.iterrows() if r["sample"] and r["evidence"] != 0}
        out.append(
            _by_mutation(label, kind, mutation, labels) if mutation else _by_samples(label, kind, shown, present)
        )
    return out


def _bare(chrom: str) -> str:
    return chrom.removeprefix("chr")


def _mutation_of(
    event: str,
    change: str,
    row: pd.Series,
    places: Mapping[tuple[str, str], list[str]],
    labels: Mapping[str, tuple[str, float]],
) -> str | None:
    """The mutation of the fit that an event is: by its name, else the only one at its place."""
    for name in (event, change):
        if name in labels:
            return name
    if row["kind"] != "driver" or not row["chrom1"]:
        return None
    there = places.get((_bare(str(row["chrom1"])), str(int(row["pos1"]))), [])
    alleles = event.rpartition(":")[2]
    exact = [m for m in there if ">" in alleles and m.endswith(alleles)]
    return exact[0] if exact else there[0] if len(there) == 1 and ">" not in alleles else None


def _by_mutation(label: str, kind: str, mutation: str, labels: Mapping[str, tuple[str, float]]) -> Placed:
    clone, probability = labels[mutation]
    if not clone.isdigit():
        return Placed(label, kind, 0, probability, f"its mutation {mutation} counts as {clone}")
    return Placed(label, kind, int(clone), probability, f"mutation {mutation}")


def _by_samples(label: str, kind: str, shown: set[str], present: Mapping[int, set[str]]) -> Placed:
    if not shown:
        return Placed(label, kind, 0, float("nan"), "no mutation of the fit, and no sample is named")
    same = [clone for clone, samples in present.items() if samples == shown]
    if len(same) == 1:
        return Placed(label, kind, same[0], 1.0, "by the samples that show it, the same as the clone's")
    named = ", ".join(map(str, same))
    why = f"clones {named} are all in these samples" if same else "no clone is in exactly these samples"
    return Placed(label, kind, 0, float("nan"), f"shown by {', '.join(sorted(shown))}: {why}")
