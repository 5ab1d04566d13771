"""DPClust's input folder: a sample sheet and one `*_dp_input.txt` a sample.

Sites are joined over samples by chromosome and position. DPClust itself joins them by row, and its own
example has a file whose position is the same in every row; such a file is joined by row here too.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from clonalbayes.faults import FaultList

from . import cells
from .draft import Draft
from .tables import Table, read_table
from .text import TextFile, header_line, header_names, read_text

FORMAT = "dpclust"
MEANING = "DPClust input folder (sample sheet with subsample, datafile, cellularity; *_dp_input.txt files)"
SHEET_COLUMNS = ("sample", "subsample", "datafile", "cellularity")
SITE_COLUMNS = ("chr", "end", "WT.count", "mut.count")
COPY_COLUMNS = ("subclonal.CN", "no.chrs.bearing.mut")
WHOLE = 0.01
"""A mean copy number this near to a whole number is one."""


MEAN_COPIES = cells.Rule(
    "copy number",
    0,
    cells.LARGEST_COPY_NUMBER,
    False,
    "Give the mean copy number of the tumour cells, from 0.",
)


@dataclass
class _Sample:
    """One sample's table, checked, with the numbers as columns of the frame."""

    name: str
    table: Table
    alt: np.ndarray
    wild: np.ndarray
    copies: np.ndarray
    bearing: np.ndarray


def refuse(source: TextFile) -> str | None:
    """Return why the file is not a DPClust sample sheet, or None if it is one.

    Parameters
    ----------
    source
        The file.
    """
    header = header_names(source)
    if is_input(source):
        return "it is one sample's table of DPClust: give the folder that holds its sample sheet"
    if "datafile" not in header:
        return "no column datafile (DPClust's sample sheet)"
    if not {"cellularity", "subsample"} & set(header):
        return "no column cellularity or subsample (DPClust's sample sheet)"
    return None


def is_input(source: TextFile) -> bool:
    """Whether a file is one of the `*_dp_input.txt` tables."""
    return {"WT.count", "mut.count"} <= set(header_names(source))


def read(sources: list[TextFile], faults: FaultList, source_name: str) -> Draft:
    """Read a folder by its sample sheet.

    Parameters
    ----------
    sources
        The sample sheet.
    faults
        Takes everything that is wrong.
    source_name
        Name for the record.

    Returns
    -------
    Draft

    Raises
    ------
    InputError
        When the sheet or one of its files cannot be used.
    """
    sheet = _sheet(sources[0], faults)
    purity = cells.numbers(sheet, "cellularity", cells.PURITY, faults)
    names, paths = _entries(sheet, sources[0].path.parent, faults)
    samples = [_sample(n, p, faults) for n, p in zip(names, paths, strict=True) if p is not None]
    faults.raise_if_any()
    notes: list[str] = []
    keys = _join(samples, faults, notes)
    faults.raise_if_any()
    draft = _draft(samples, keys, source_name, notes, purity)
    draft.digests = {
        sources[0].name: sources[0].digest,
        **{s.table.name: s.table.source.digest for s in samples},
    }
    return draft


def _sheet(source: TextFile, faults: FaultList) -> Table:
    header = header_names(source)
    for column in ("subsample", "datafile", "cellularity"):
        if column not in header:
            faults.add(
                source.name,
                f"the column {column} is missing",
                f"A sample sheet has the columns {', '.join(SHEET_COLUMNS)}.",
                row=header_line(source)[0],
                column=column,
            )
    faults.raise_if_any()
    sheet = read_table(
        source, faults, text_columns=("sample", "subsample", "datafile"), columns=SHEET_COLUMNS
    )
    faults.raise_if_any()
    return sheet


def _entries(sheet: Table, folder: Path, faults: FaultList) -> tuple[list[str], list[Path | None]]:
    """Return the name and the file of each sample of the sheet."""
    patient = cells.labels(sheet.frame["sample"]) if "sample" in sheet.frame else None
    if patient is not None:
        cells.add_cells(
            faults,
            sheet,
            patient.codes > 0,
            "sample",
            "the sheet holds more than one patient",
            "Give one sheet for each patient.",
        )
    part, data = cells.labels(sheet.frame["subsample"]), cells.labels(sheet.frame["datafile"])
    for column, found in (("subsample", part), ("datafile", data)):
        cells.add_cells(faults, sheet, found.codes < 0, column, f"the {column} is empty", "Fill the cell.")
        again = (found.codes >= 0) & (found.first[found.codes] != np.arange(len(sheet)))
        cells.add_cells(
            faults, sheet, again, column, f"the {column} occurs twice", "Name each sample and file once."
        )
    prefix = str(patient.names[0]) if patient is not None and len(patient) else ""
    names, paths = [], []
    for i, (p, d) in enumerate(zip(part.codes, data.codes, strict=True)):
        inner = str(part.names[p]) if p >= 0 else f"row {i}"
        names.append(f"{prefix}_{inner}" if prefix else inner)
        path = folder / str(data.names[d]) if d >= 0 else None
        if path is not None and not os.path.isfile(path):  # Path.is_file raises on impossible names
            faults.add(
                sheet.name,
                "the file that the sheet names does not exist",
                "Put the file beside the sheet, or remove its row.",
                row=int(sheet.rows[i]),
                column="datafile",
                value=str(data.names[d]),
            )
            path = None
        paths.append(path)
    return names, paths


def _sample(name: str, path: Path, faults: FaultList) -> _Sample:
    """Read and check one sample's table."""
    source = read_text(path)
    header = header_names(source)
    problems = FaultList()
    for column in (*SITE_COLUMNS, COPY_COLUMNS[0]):
        if column not in header:
            problems.add(
                source.name,
                f"the column {column} is missing",
                "DPClust's columns are chr end WT.count mut.count subclonal.CN ... no.chrs.bearing.mut.",
                row=header_line(source)[0],
                column=column,
            )
    problems.raise_if_any()
    table = read_table(source, faults, text_columns=("chr",), columns=(*SITE_COLUMNS, *COPY_COLUMNS))
    numbers = {c: cells.numbers(table, c, cells.COUNT, faults) for c in ("WT.count", "mut.count")}
    table.frame["end"] = cells.numbers(table, "end", cells.POSITION, faults)
    copies = cells.numbers(table, "subclonal.CN", MEAN_COPIES, faults)
    bearing = np.full(len(table), np.nan)
    if COPY_COLUMNS[1] in header:
        bearing = cells.numbers(table, COPY_COLUMNS[1], MEAN_COPIES, faults)
    empty = cells.labels(table.frame["chr"]).codes < 0
    cells.add_cells(
        faults, table, empty, "chr", "the chromosome is empty", "Fill the cell or remove the row."
    )
    cells.add_cells(
        faults,
        table,
        np.isnan(table.frame["end"].to_numpy()),
        "end",
        "the position is empty",
        "Fill the cell or remove the row.",
    )
    return _Sample(name, table, numbers["mut.count"], numbers["WT.count"], copies, bearing)


def _join(samples: list[_Sample], faults: FaultList, notes: list[str]) -> list[pd.Index]:
    """Return for each sample the site keys of its rows."""
    places = [_positions(s.table) for s in samples]
    blind = [len(p) > 1 and p.nunique() == 1 for p in places]
    if any(blind) and not all(blind) and len({len(p) for p in places}) == 1:
        lead = places[blind.index(False)]
        places = [lead if b else p for p, b in zip(places, blind, strict=True)]
        for s in [s for s, b in zip(samples, blind, strict=True) if b]:
            notes.append(
                f"{s.table.name} has the same position in every row: its rows are joined by their order"
            )
    for s, p in zip(samples, places, strict=True):
        again = np.asarray(p.duplicated())
        cells.add_cells(
            faults,
            s.table,
            again,
            "end",
            "the position occurs twice in one sample",
            "Sites are joined over samples by chr and end: keep one row a position.",
        )
    return places


def _positions(table: Table) -> pd.Index:
    end = table.frame["end"].to_numpy()
    whole = np.where(np.isnan(end), -1, end).astype(np.int64)
    return pd.Index(
        [f"{c}:{e}" for c, e in zip(table.frame["chr"].astype(str), whole, strict=True)], dtype=object
    )


def _draft(
    samples: list[_Sample], keys: list[pd.Index], name: str, notes: list[str], purity: np.ndarray
) -> Draft:
    """Lay the samples on one grid; a site without a row in a sample is missing there."""
    sites = keys[0]
    for k in keys[1:]:
        sites = sites.append(k[~k.isin(sites)])
    shape = (len(sites), len(samples))
    grid = {n: np.full(shape, np.nan) for n in ("alt", "wild", "copies", "bearing")}
    rows = np.full(len(sites), -1, np.int64)
    for j, (s, k) in enumerate(zip(samples, keys, strict=True)):
        at = sites.get_indexer(k)
        for field, values in grid.items():
            values[at, j] = getattr(s, field)
        new = rows[at] < 0
        rows[at[new]] = s.table.rows[new]
    unknown = np.isnan(grid["alt"]) | np.isnan(grid["wild"])
    parts = [str(s).rsplit(":", 1) for s in sites]
    draft = Draft(
        format=FORMAT,
        source=name,
        mutations=np.array(sites, dtype=object),
        specimens=[s.name for s in samples],
        alt_count=cells.as_counts(np.where(unknown, np.nan, grid["alt"])),
        depth=cells.as_counts(np.where(unknown, np.nan, grid["alt"] + grid["wild"])),
        rows=rows,
        files=samples[0].table.name,
        notes=notes,
        purity=purity,
        chrom=np.array([p[0] for p in parts], dtype=object),
        pos=np.array([int(p[1]) for p in parts], dtype=np.int64),
    )
    _copy_number(draft, grid["copies"], grid["bearing"])
    return draft


def _copy_number(draft: Draft, copies: np.ndarray, bearing: np.ndarray) -> None:
    """Whole mean copy numbers are totals with unknown split; others fix the expected share of alt reads."""
    with np.errstate(invalid="ignore"):
        whole = np.abs(copies - np.round(copies)) <= WHOLE
    mixed = ~whole & ~np.isnan(copies)
    draft.total_cn = cells.as_counts(np.where(whole, np.round(copies), np.nan), np.int16)
    if not mixed.any():
        return
    purity = (
        np.where(np.isnan(draft.purity), 1.0, draft.purity)
        if draft.purity is not None
        else np.ones(copies.shape[1])
    )
    mutated = np.where(np.isnan(bearing) | (bearing < 1), 1.0, bearing)
    per_cell = purity * copies + (1 - purity) * 2
    share = np.minimum(mutated / per_cell, 1.0)
    draft.var_read_prob = np.where(mixed, share, np.nan)
    draft.notes.append(
        f"the mean copy number is not whole at {mixed.sum()} cells (mutation x sample): the expected "
        "share of alt reads there is no.chrs.bearing.mut / (purity x subclonal.CN + 2 (1 - purity))"
    )
