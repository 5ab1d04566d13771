"""Pairtree's `.ssm` table with its `.params.json`.

One row a mutation; the columns `var_reads`, `total_reads` and `var_read_prob` hold comma-separated lists, one
number a sample. `var_read_prob` is the expected share of alt reads if every cell carried the mutation: near
1/2 it says a diploid site, near 1 a haploid one, anything else is kept as it is.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from clonalbayes.faults import FaultList

from . import cells
from .columns import ALIASES, plain
from .draft import Draft
from .grid import repeated_names
from .params import Params, read_params
from .tables import MISSING_NUMBERS, Table, read_table
from .text import TextFile, guess_separator, header_line, header_names, split_line

FORMAT = "pairtree"
MEANING = "Pairtree .ssm table (id, name, var_reads, total_reads, var_read_prob)"
NEEDED = ("id", "var_reads", "total_reads")
COLUMNS = (*NEEDED, "name", "var_read_prob")
SITE_NAME = re.compile(r"(?:chr)?([0-9]{1,2}|X|Y|MT?)[_:](\d+)(?:[_:].*)?")
"""Names that say chromosome and position."""

NEAR = 0.02 + 1e-9
"""A var_read_prob this near to 1/2 (or 1) is taken as a diploid (or haploid) site."""

LIST_REMEDY = "Give one number a sample, separated by commas, in every list of the file."


def refuse(source: TextFile) -> str | None:
    """Return why the file is not an `.ssm` table, or None if it is one.

    Parameters
    ----------
    source
        The file.
    """
    header = set(header_names(source))
    if len(header & {"id", "var_reads", "total_reads", "var_read_prob"}) < 3:
        return "the columns id, var_reads, total_reads and var_read_prob are not there"
    if {plain(h) for h in header} & set(ALIASES["specimen"]):
        return "it has a sample column, one row a mutation and sample"
    return None


def read(sources: list[TextFile], faults: FaultList, source_name: str, params: Path | None = None) -> Draft:
    """Read an `.ssm` table and its params file.

    Parameters
    ----------
    sources
        The one file.
    faults
        Takes everything that is wrong.
    source_name
        Name for the record.
    params
        The params file; by default `STEM.params.json` beside the table, if it is there.

    Returns
    -------
    Draft

    Raises
    ------
    InputError
        When columns are missing or the two files do not belong together.
    """
    source = sources[0]
    table = _table(source, faults)
    ids = cells.labels(table.frame["id"])
    empty = ids.codes < 0
    cells.add_cells(faults, table, empty, "id", "the mutation has no id", "Fill the cell or remove the row.")
    repeated_names(table, ids, "id", "the mutation id occurs twice", faults)
    alt = _lists(table, "var_reads", cells.COUNT, faults)
    total = _lists(table, "total_reads", cells.COUNT, faults)
    prob = _lists(table, "var_read_prob", cells.READ_PROB, faults) if "var_read_prob" in table.frame else None
    faults.raise_if_any()
    n = alt.shape[1]
    for name, other in (("total_reads", total), ("var_read_prob", prob)):
        if other is not None and other.shape[1] != n:
            faults.add(
                source.name,
                f"var_reads has {n} numbers a row and {name} has {other.shape[1]}",
                LIST_REMEDY,
                row=int(table.rows[0]),
                column=name,
            )
    faults.raise_if_any()
    given = read_params(_params_path(source.path, params), faults, set(ids.names), n)
    faults.raise_if_any()
    return _draft(table, source, source_name, alt, total, prob, given, faults)


def _params_path(path: Path, params: Path | None) -> Path | None:
    if params is not None:
        return params
    stem = re.sub(r"(\.ssm)?(\.gz)?$", "", path.name)
    for name in (f"{stem}.params.json", f"{stem}.params.json.gz"):
        beside = path.with_name(name)
        if beside.is_file():
            return beside
    return None


def _table(source: TextFile, faults: FaultList) -> Table:
    number, line = header_line(source)
    header = [h.strip() for h in split_line(line, guess_separator(line))]
    for column in NEEDED:
        if column not in header:
            faults.add(
                source.name,
                f"the column {column} is missing",
                f"Pairtree's columns are {', '.join(COLUMNS)}.",
                row=number,
                column=column,
            )
    faults.raise_if_any()
    table = read_table(source, faults, text_columns=COLUMNS, columns=COLUMNS)
    faults.raise_if_any()
    return table


def _lists(table: Table, column: str, rule: cells.Rule, faults: FaultList) -> np.ndarray:
    """Split a column of comma-separated lists into a matrix, NaN where a number is missing."""
    lists = [str(text).strip().strip(",").split(",") for text in table.frame[column].astype(object)]
    lengths = np.array([len(x) for x in lists])
    width = int(np.bincount(lengths).argmax())
    cells.add_cells(
        faults,
        table,
        lengths != width,
        column,
        f"the list of {column} has another length than in the other rows",
        LIST_REMEDY,
    )
    out = np.full((len(lists), width), np.nan)
    text = np.array([x if len(x) == width else ["NA"] * width for x in lists], dtype=object)
    for j in range(width):
        out[:, j] = _numbers(table, column, [t.strip() for t in text[:, j]], rule, faults)
    return out


def _numbers(table: Table, column: str, texts: list[str], rule: cells.Rule, faults: FaultList) -> np.ndarray:
    """Turn one sample's numbers into checked floats."""
    out = np.full(len(texts), np.nan)
    bad = np.zeros(len(texts), bool)
    for i, text in enumerate(texts):
        if text in MISSING_NUMBERS:
            continue
        try:
            out[i] = float(text)
        except ValueError:
            bad[i] = True
    cells.add_cells(faults, table, bad, column, f"a {rule.what} in the list is not a number", rule.remedy)
    return cells.checked(out, table, column, rule, faults)


def _draft(
    table: Table,
    source: TextFile,
    name: str,
    alt: np.ndarray,
    total: np.ndarray,
    prob: np.ndarray | None,
    given: Params,
    faults: FaultList,
) -> Draft:
    above = alt > total
    cells.add_cells(
        faults,
        table,
        above.any(axis=1),
        "var_reads",
        "more alt reads than reads at the site",
        "total_reads counts all reads, the alt reads included.",
    )
    faults.raise_if_any()
    unknown = np.isnan(alt) | np.isnan(total)
    ids = np.array([str(x).strip() for x in table.frame["id"]], dtype=object)
    draft = Draft(
        format=FORMAT,
        source=name,
        mutations=ids,
        specimens=given.samples or [f"s{j + 1}" for j in range(alt.shape[1])],
        alt_count=cells.as_counts(np.where(unknown, np.nan, alt)),
        depth=cells.as_counts(np.where(unknown, np.nan, total)),
        rows=table.rows,
        files=source.name,
        notes=list(given.notes),
        digests={source.name: source.digest, **given.digests},
    )
    _sites(draft, table)
    if prob is not None:
        _copy_number(draft, prob)
    if given.clusters is not None:
        draft.cluster = np.array([given.clusters.get(m, 0) for m in ids], dtype=np.int32)
    return draft


def _sites(draft: Draft, table: Table) -> None:
    """Read chromosome and position off names like ``1_216888555``."""
    if "name" not in table.frame:
        return
    names = table.frame["name"].astype(object)
    parts = [SITE_NAME.fullmatch(str(n).strip()) for n in names]
    draft.chrom = np.array([m[1] if m else "" for m in parts], dtype=object)
    draft.pos = np.array([int(m[2]) if m and len(m[2]) < 12 else -1 for m in parts], dtype=np.int64)


def _copy_number(draft: Draft, prob: np.ndarray) -> None:
    """Turn expected shares of alt reads into copy numbers where they say so."""
    with np.errstate(invalid="ignore"):
        diploid, haploid = np.abs(prob - 0.5) <= NEAR, np.abs(prob - 1) <= NEAR
    other = ~diploid & ~haploid & ~np.isnan(prob)
    draft.major_cn = np.where(diploid | haploid, 1, -1).astype(np.int16)
    draft.minor_cn = np.where(diploid, 1, np.where(haploid, 0, -1)).astype(np.int16)
    site_haploid = haploid.any(axis=1, keepdims=True) & ~diploid.any(axis=1, keepdims=True)
    draft.normal_cn = np.broadcast_to(np.where(site_haploid, 1, 2), prob.shape).astype(np.int16)
    if other.any():
        draft.var_read_prob = np.where(other, prob, np.nan)
    draft.notes.append(
        f"copy number from var_read_prob: {diploid.sum()} cells (mutation x sample) diploid, "
        f"{haploid.sum()} haploid, {other.sum()} kept as an expected share of alt reads"
    )
