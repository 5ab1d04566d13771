"""The table of events: rearrangements, clonotypes and drivers, one row an event and sample.

| column | meaning |
|---|---|
| `event` | identifier, the same in every file and sample that shows the event |
| `kind` | deletion, duplication, inversion, translocation, insertion, breakend, rearrangement, clonotype or driver |
| `chrom1`, `pos1`, `strand1` and `chrom2`, ... | the two ends, position from 1 (-1 unknown) |
| `lo1`, `hi1`, `lo2`, `hi2` | within which the position lies |
| `genes` | joined by commas |
| `sample` | sample that the evidence is of, "" if the file names none |
| `evidence`, `total` | reads that show the event, and reads that could have (NaN unknown) |
| `filter`, `name` | as in the file |
| `attributes` | what else the file says: `key=value` joined by semicolons |
| `source` | file and row |

An end's strand is `+` where the sequence to its left is kept, `-` where that to its right is: a deletion is `+`, `-`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from clonalbayes.data.readers import cells
from clonalbayes.data.readers.tables import read_table
from clonalbayes.data.readers.text import TextFile, header_names
from clonalbayes.faults import FaultList

from .builds import chrom_order
from .output import joined, quoted, unquoted

KINDS = (
    "deletion",
    "duplication",
    "inversion",
    "translocation",
    "insertion",
    "breakend",
    "rearrangement",
    "clonotype",
    "driver",
)
COLUMNS = (
    "event",
    "kind",
    "chrom1",
    "pos1",
    "strand1",
    "chrom2",
    "pos2",
    "strand2",
    "genes",
    "sample",
    "evidence",
    "total",
    "filter",
    "name",
    "attributes",
    "source",
    "lo1",
    "hi1",
    "lo2",
    "hi2",
)
INTEGERS = ("pos1", "pos2", "lo1", "hi1", "lo2", "hi2")
NUMBERS = ("evidence", "total")
LISTS = ("genes", "attributes")
"""Columns whose parts are quoted one by one."""

FORMAT = "events"
MEANING = "table of events (event, kind, chrom1, pos1, ...)"
POSITION = cells.Rule("position", 0, 2**40, True, "Give the 1-based position, or leave the cell empty.")
EVIDENCE = cells.Rule("evidence", 0, 1e12, False, "Give a number of reads from 0, or leave the cell empty if unknown.")


@dataclass(frozen=True)
class End:
    """One end of a rearrangement: chromosome, position with its range (from 1), strand."""

    chrom: str = ""
    pos: int = -1
    strand: str = ""
    lo: int = -1
    hi: int = -1

    def key(self) -> tuple:
        """Return what ends are ordered by."""
        return (not self.chrom, *chrom_order(self.chrom), self.pos)


NOWHERE = End()


@dataclass
class Event:
    """One event of a file.

    Parameters
    ----------
    kind
        One of `KINDS`.
    row
        Line of the file.
    ends
        The two ends; `NOWHERE` where there is none.
    samples
        Sample, evidence and total (NaN unknown).
    genes, name, filter, attributes
        As in the table.
    id
        Identifier; made of the ends when empty.
    """

    kind: str
    row: int
    ends: tuple[End, End] = (NOWHERE, NOWHERE)
    samples: list[tuple[str, float, float]] = field(default_factory=list)
    genes: list[str] = field(default_factory=list)
    name: str = ""
    filter: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    id: str = ""


@dataclass
class Found:
    """The events of one file, with what is to be said aloud."""

    file: str
    events: list[Event]
    notes: list[str] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)
    generic: set[str] = field(default_factory=set)
    normals: set[str] = field(default_factory=set)
    contigs: dict[str, int] = field(default_factory=dict)
    build: str | None = None


def as_attributes(pairs: Mapping[str, str]) -> str:
    """Return pairs as one text, `key=value` joined by semicolons.

    Parameters
    ----------
    pairs
        Any texts; `=`, `;` and `%` in them are written as `%XX`.

    Examples
    --------
    >>> as_attributes({"homology": "AC", "a;b": "x=y"})
    'homology=AC;a%3Bb=x%3Dy'
    """
    return ";".join(f"{quoted(k, '=;')}={quoted(v, '=;')}" for k, v in pairs.items())


def from_attributes(text: str) -> dict[str, str]:
    """Undo `as_attributes`.

    Parameters
    ----------
    text
        A cell of the column `attributes`.
    """
    pairs = (part.partition("=") for part in text.split(";") if part)
    return {unquoted(k): unquoted(v) for k, _, v in pairs}


def kind_of_ends(first: End, second: End) -> str:
    """Tell what a rearrangement is from the places and strands of its ends, the first lying before the second.

    Parameters
    ----------
    first, second
        The ends.

    Examples
    --------
    >>> kind_of_ends(End("1", 5, "+"), End("1", 900, "-")), kind_of_ends(End("1", 5, "+"), End("2", 9, "-"))
    ('deletion', 'translocation')
    """
    if not second.chrom:
        return "breakend"
    if first.chrom != second.chrom:
        return "translocation"
    strands = first.strand + second.strand
    return {"+-": "deletion", "-+": "duplication", "++": "inversion", "--": "inversion"}.get(strands, "rearrangement")


def ordered(first: End, second: End) -> tuple[End, End]:
    """Return two ends in the order of the genome.

    Parameters
    ----------
    first, second
        The ends.
    """
    return (first, second) if first.key() <= second.key() else (second, first)


def identifier(event: Event) -> str:
    """Return the identifier of an event by its ends.

    Parameters
    ----------
    event
        A rearrangement.
    """
    places = [f"{e.chrom}:{e.pos}:{e.strand or '?'}" for e in event.ends if e.chrom]
    return f"{event.kind}:{'_'.join(places)}"


def as_frame(found: Iterable[Found]) -> pd.DataFrame:
    """Return events as the table; an event of which no sample is known has one row.

    Parameters
    ----------
    found
        The events of each file, identified.
    """
    rows = []
    for file in found:
        for e in file.events:
            first, second = e.ends
            for sample, evidence, total in e.samples or [("", np.nan, np.nan)]:
                rows.append(
                    (
                        e.id,
                        e.kind,
                        *(first.chrom, first.pos, first.strand, second.chrom, second.pos, second.strand),
                        joined(e.genes),
                        sample,
                        evidence,
                        total,
                        e.filter,
                        e.name,
                        as_attributes(e.attributes),
                        f"{file.file}:{e.row}",
                        *(first.lo, first.hi, second.lo, second.hi),
                    )
                )
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    for column in INTEGERS:
        frame[column] = frame[column].astype(np.int64)
    for column in NUMBERS:
        frame[column] = frame[column].astype(np.float64)
    return frame


def refuse(source: TextFile) -> str | None:
    """Return why a text is no table of events, or None if it is one.

    Parameters
    ----------
    source
        The file.
    """
    header = header_names(source)
    missing = [c for c in ("event", "kind", "chrom1", "pos1", "sample", "evidence") if c not in header]
    return f"there is no column {missing[0]}" if missing else None


def parse(source: TextFile, faults: FaultList) -> pd.DataFrame:
    """Read a table of events that was written before.

    Parameters
    ----------
    source
        The file.
    faults
        Takes what is wrong.

    Returns
    -------
    pandas.DataFrame
        With all of `COLUMNS`.
    """
    texts = [c for c in COLUMNS if c not in (*INTEGERS, *NUMBERS)]
    table = read_table(source, faults, text_columns=texts, columns=list(COLUMNS))
    out: dict[str, np.ndarray] = {}
    for c in COLUMNS:
        if c not in table.frame:
            empty = -1 if c in INTEGERS else np.nan if c in NUMBERS else ""
            out[c] = np.full(len(table), empty, dtype=object if empty == "" else None)
        elif c in INTEGERS:
            values = cells.numbers(table, c, POSITION, faults)
            out[c] = np.where(np.isnan(values), -1, values).astype(np.int64)
        elif c in NUMBERS:
            out[c] = cells.numbers(table, c, EVIDENCE, faults)
        else:
            text = cells.texts(table, c)
            out[c] = np.array(text if c in LISTS else [unquoted(t) for t in text], dtype=object)
    bad = ~np.isin(out["kind"].astype(str), KINDS)
    cells.add_cells(faults, table, bad, "kind", "the kind of event is unknown", f"Use one of: {', '.join(KINDS)}.")
    cells.add_cells(faults, table, out["event"] == "", "event", "the event has no name", "Fill the cell.")
    for c in ("strand1", "strand2"):
        if c in table.frame:
            wrong = ~np.isin(out[c].astype(str), ("", "+", "-"))
            cells.add_cells(faults, table, wrong, c, "the strand is neither + nor -", "Use +, - or an empty cell.")
    return pd.DataFrame({c: v.tolist() if v.dtype == object else v for c, v in out.items()})
