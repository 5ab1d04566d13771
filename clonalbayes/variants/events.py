"""Events of any file, joined: the same rearrangement, clonotype or driver in several samples is one event."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from clonalbayes.data.readers.text import TextFile
from clonalbayes.faults import FaultList, InputError, fail

from . import bedpe, clonotypes, drivers, event_table, sv_vcf
from .builds import bare, has_prefix
from .event_table import COLUMNS, LISTS, NUMBERS, End, Event, Found, as_frame, identifier
from .output import quoted, write_table
from .vcf import read_vcf_text, refuse

PLACED = {k for k in event_table.KINDS if k not in ("clonotype", "driver")}


@dataclass
class Events:
    """The events of a patient.

    Parameters
    ----------
    table
        One row an event and sample, see `event_table.COLUMNS`.
    notes
        Things to be said aloud.
    digests
        SHA-256 by file name.
    """

    table: pd.DataFrame
    notes: list[str] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)


Reader = Callable[[TextFile, FaultList, str], Found]
FORMATS: tuple[tuple[str, Callable[[TextFile], str | None], Reader], ...] = (
    (sv_vcf.MEANING, refuse, sv_vcf.read_events),
    (clonotypes.AIRR_MEANING, clonotypes.refuse_airr, clonotypes.read_airr),
    (clonotypes.MIXCR_MEANING, clonotypes.refuse_mixcr, clonotypes.read_mixcr),
    (drivers.MEANING, drivers.refuse, drivers.read_events),
    (bedpe.MEANING, bedpe.refuse, bedpe.read_events),
)
"""What is read, besides a table of events: its meaning, why a file is not of it, and the reader."""


def read_events(
    paths: str | Path | Sequence[str | Path], *, names: Mapping[str, str] | None = None, slop: int = 0
) -> Events:
    """Read events from any number of files and join them.

    Parameters
    ----------
    paths
        BEDPE or VCF of rearrangements, MiXCR clones, AIRR rearrangements, tables of drivers, tables of events.
    names
        Name of the sample by path, for files that name none; otherwise the file's name is taken.
    slop
        Bases by which the breakpoints of one rearrangement may differ between files, beyond the ranges stated.

    Returns
    -------
    Events

    Raises
    ------
    InputError
        With every fault of every file.
    """
    files_given = [Path(p) for p in ([paths] if isinstance(paths, str | Path) else paths)]
    if not files_given:
        raise fail("events", "no file is given", "Give at least one file of events.")
    if slop < 0:
        raise fail("slop", "the tolerance of breakpoints is negative", "Give 0 or more bases.", value=str(slop))
    found, tables, errors = [], [], []
    digests: dict[str, str] = {}
    for path in files_given:
        try:
            one = _read(path, names or {})
        except InputError as error:
            errors.append(error)
            continue
        if isinstance(one, Found):
            found.append((path, one))
            digests |= one.digests
        else:
            tables.append(one)
    if errors:
        raise InputError([f for e in errors for f in e.faults], {k: n for e in errors for k, n in e.omitted.items()})
    notes = _name_samples(found, names or {})
    files = [f for _, f in found]
    _check_builds(files)
    notes += _settle_chromosomes(files)
    notes += [n for f in files for n in f.notes]
    notes += _identify(files, slop)
    parts = [as_frame(files), *tables] if files else tables
    table = parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)
    table, again = _without_doubles(table)
    return Events(table, notes + again, digests)


def _read(path: Path, names: Mapping[str, str]) -> Found | pd.DataFrame:
    source = read_vcf_text(path)
    sample = names.get(str(path), source.stem)
    faults = FaultList()
    reasons = {}
    if (why := event_table.refuse(source)) is None:
        frame = event_table.parse(source, faults)
        faults.raise_if_any()
        return frame
    reasons[event_table.MEANING] = why
    for meaning, refused, reader in FORMATS:
        reason = refused(source)
        if reason is None:
            who = names.get(str(path), "") if reader is drivers.read_events else sample
            found = reader(source, faults, who)
            faults.raise_if_any()
            return found
        reasons[meaning] = reason
    tried = "; ".join(f"{what}: {reason}" for what, reason in reasons.items())
    raise fail(source.name, "the content is of no known format of events", f"What was tried: {tried}.")


def _name_samples(found: list[tuple[Path, Found]], names: Mapping[str, str]) -> list[str]:
    """Give samples that are only called TUMOUR the stated name, or, where several files do so, that of the file."""
    faults, notes = FaultList(), []
    unnamed = [p for p, f in found if f.generic - f.normals and str(p) not in names]
    for path, f in found:
        tumours = {s for e in f.events for s, _, _ in e.samples} - f.normals
        given = names.get(str(path))
        if given is not None and len(tumours) > 1:
            faults.add(
                f.file,
                f"the name cannot be given: the file has {len(tumours)} tumour samples",
                "Name a file with one tumour sample only.",
                value=given,
            )
            continue
        if given is None and (path not in unnamed or len(unnamed) < 2):
            continue
        renamed = tumours if given is not None else f.generic - f.normals
        new = given or path.name.removesuffix(".gz").rsplit(".", 1)[0]
        for e in f.events:
            e.samples = [(new if s in renamed else s, n, total) for s, n, total in e.samples]
        if given is None:
            notes.append(f"{f.file}: its sample has no name; called {new} after the file (to name it, give NAME=FILE)")
    faults.raise_if_any()
    return notes


def _check_builds(files: list[Found]) -> None:
    faults = FaultList()
    known = [(f.file, f.build) for f in files if f.build is not None]
    for file, build in known[1:]:
        if build != known[0][1]:
            what = f"the file is on {build}, {known[0][0]} is on {known[0][1]}"
            faults.add(file, what, "Give files of one genome build; lift the others over.")
    faults.raise_if_any()


def _settle_chromosomes(files: list[Found]) -> list[str]:
    """Name the chromosomes of all files as the first file does that has any."""
    notes = []
    first: str | None = None
    prefix: bool | None = None
    for f in files:
        own = has_prefix({end.chrom for e in f.events for end in e.ends if end.chrom})
        if own is None:
            continue
        if prefix is None:
            prefix, first = own, f.file
        elif own != prefix:
            notes.append(f"{f.file}: chromosomes are named as in {first}")
            for e in f.events:
                e.ends = (_renamed(e.ends[0], prefix), _renamed(e.ends[1], prefix))
                if e.kind == "driver" and e.attributes.get("ref") and e.id.endswith(f">{e.attributes.get('alt')}"):
                    e.id = f"{e.ends[0].chrom}:{e.id.split(':', 1)[1]}"
    return notes


def _renamed(end: End, prefix: bool) -> End:
    if has_prefix([end.chrom]) is None:
        return end
    name = bare(end.chrom)
    new = name if not prefix else "chrM" if name == "MT" else f"chr{name}"
    return End(new, end.pos, end.strand, end.lo, end.hi)


def _identify(files: list[Found], slop: int) -> list[str]:
    """Give rearrangements their identifiers: one for those of different files whose breakpoints agree."""
    groups: dict[tuple, list[tuple[int, Event]]] = {}
    for i, f in enumerate(files):
        for e in f.events:
            if e.kind in PLACED:
                key = (e.kind, *((end.chrom, end.strand) for end in e.ends))
                groups.setdefault(key, []).append((i, e))
    joined = 0
    for members in groups.values():
        joined += _join_group(members, slop)
    if not joined:
        return []
    return [
        f"{joined} rearrangements were found in more than one file and joined (breakpoints agree within their ranges)"
    ]


def _join_group(members: list[tuple[int, Event]], slop: int) -> int:
    """Join rearrangements of one kind, chromosomes and strands; returns how many events have several members."""
    members.sort(key=lambda m: (m[1].ends[0].lo, m[1].ends[1].lo, m[0], m[1].row))
    open_: list[tuple[Event, set[int]]] = []
    several = 0
    for file, e in members:
        open_ = [(lead, seen) for lead, seen in open_ if lead.ends[0].hi + slop >= e.ends[0].lo]
        for lead, seen in open_:
            if file not in seen and all(_overlap(a, b, slop) for a, b in zip(lead.ends, e.ends, strict=True)):
                several += len(seen) == 1
                seen.add(file)
                e.id = lead.id
                break
        else:
            e.id = identifier(e)
            open_.append((e, {file}))
    return several


def _overlap(a: End, b: End, slop: int) -> bool:
    return a.lo <= b.hi + slop and b.lo <= a.hi + slop


def _without_doubles(table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Leave out rows that say again what another row says of an event and a sample."""
    again = table.duplicated([c for c in COLUMNS if c != "source"])
    if not again.any():
        return table, []
    return table[~again].reset_index(drop=True), [
        f"{again.sum()} rows say again what another row says and are left out"
    ]


def write_events(events: Events | pd.DataFrame, path: str | Path) -> None:
    """Write the table of events.

    Parameters
    ----------
    events
        The events, or their table.
    path
        File to write; it appears when it is complete.
    """
    table = (events.table if isinstance(events, Events) else events).copy()
    for column in COLUMNS:
        if column not in (*LISTS, *NUMBERS) and table[column].dtype.kind not in "iuf":
            table[column] = [quoted(str(v)) for v in table[column]]
    write_table(table, Path(path))


def evidence(events: Events | pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the reads that show each event in each sample, and those that could have.

    Parameters
    ----------
    events
        The events, or their table.

    Returns
    -------
    tuple
        Two tables, event x sample, NaN where a sample says nothing of an event. Where several rows speak of one
        event and sample, the one with most evidence counts.
    """
    table = events.table if isinstance(events, Events) else events
    named = table[table["sample"] != ""].sort_values("evidence", kind="stable", na_position="first")
    last = named.drop_duplicates(["event", "sample"], keep="last")
    shape = {
        "index": list(dict.fromkeys(table["event"])),
        "columns": list(dict.fromkeys(table["sample"][table["sample"] != ""])),
    }
    out = [last.pivot(index="event", columns="sample", values=c).reindex(**shape).astype(np.float64) for c in NUMBERS]
    return out[0], out[1]
