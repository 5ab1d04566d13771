"""Tables of counts, of reference profiles and of opportunities: matched by name, in any order, faults all at once."""

from __future__ import annotations

import csv
import gzip
import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clonalbayes import specs
from clonalbayes.faults import FaultList, fail
from clonalbayes.signatures.contexts import CONTEXTS, INDEX, TRINUCLEOTIDES, adjust, normal_label, site_of

if TYPE_CHECKING:
    import xarray as xr

OWN_REFERENCE = "sbs_profiles.tsv"
"""File in the folder of models with the profiles that the package carries."""


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of 96 contexts.

    Attributes
    ----------
    names
        Branches or signatures.
    values
        [rows, 96] in COSMIC's order.
    """

    names: tuple[str, ...]
    values: np.ndarray


def read_counts(path: Path) -> Table:
    """Read mutations by branch and context.

    Parameters
    ----------
    path
        Tab- or comma-separated text, packed with gzip or not: one row a branch and one column a context, or the
        other way round. Contexts are labelled as COSMIC labels them (``A[C>A]A``), in any order and on either
        strand; a context that is not in the table was not seen.

    Returns
    -------
    Table
        Whole numbers.

    Raises
    ------
    InputError
        With every fault: unknown or repeated contexts, repeated branches, entries that are no whole numbers.
    """
    return _read(path, whole=True)


def read_reference(path: Path | None = None) -> Table:
    """Read reference profiles, by default those that the package carries.

    Parameters
    ----------
    path
        As in `read_counts`, with shares instead of counts; every context must be there.

    Returns
    -------
    Table
        Profiles of sum one.

    Raises
    ------
    InputError
        With every fault of the file.
    """
    path = specs.folder() / OWN_REFERENCE if path is None else path
    table = _read(path, whole=False)
    sums = table.values.sum(1)
    empty = [name for name, total in zip(table.names, sums, strict=True) if total <= 0]
    if empty:
        raise fail(str(path), "a profile has no weight in any context", "Leave it out.", value=empty[0])
    return Table(table.names, table.values / sums[:, None])


def read_opportunities(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read how many sites of each trinucleotide there are in the sequenced region and in the reference's.

    Parameters
    ----------
    path
        Columns trinucleotide, sites, reference_sites; all 32 trinucleotides with a pyrimidine in the middle.

    Returns
    -------
    tuple of numpy.ndarray
        Sites and reference sites of each of the 96 contexts.

    Raises
    ------
    InputError
        With every fault of the file.
    """
    rows = _rows(path)
    faults, found = FaultList(), {}
    wanted = ("trinucleotide", "sites", "reference_sites")
    if tuple(cell.strip().lower() for cell in rows[0]) != wanted:
        raise fail(str(path), "the columns are not the right ones", f"Use {', '.join(wanted)}.", row=1)
    for number, row in enumerate(rows[1:], 2):
        name = row[0].strip().upper()
        values = [_number(cell) for cell in row[1:]]
        if name not in TRINUCLEOTIDES:
            faults.add(str(path), "no such trinucleotide", "The middle base is C or T.", row=number, value=name)
        elif name in found:
            faults.add(str(path), "the trinucleotide is there twice", "Remove one.", row=number, value=name)
        elif len(values) != 2 or any(not (v > 0) for v in values):
            faults.add(str(path), "two numbers above 0 are needed", "Count the sites.", row=number, value=name)
        else:
            found[name] = values
    for name in TRINUCLEOTIDES:
        if name not in found and not faults:
            faults.add(str(path), "a trinucleotide is missing", "Add it.", value=name)
    faults.raise_if_any()
    table = np.array([found[site_of(label)] for label in CONTEXTS])
    return table[:, 0], table[:, 1]


def set_opportunities(ds: xr.Dataset, sites: tuple[np.ndarray, np.ndarray]) -> xr.Dataset:
    """Put into a Dataset how many sites of each context were sequenced, relative to the reference's.

    Parameters
    ----------
    ds
        The data.
    sites
        From `read_opportunities`.

    Returns
    -------
    xarray.Dataset
        With the attribute `opportunity`: 96 ratios of shares, 1 = as often as in the reference.
    """
    own, base = sites
    return ds.assign_attrs(opportunity=[float(x) for x in own / own.sum() * base.sum() / base])


def opportunities_of(ds: xr.Dataset) -> tuple[np.ndarray, np.ndarray] | None:
    """Sites [96] of a Dataset's region and of the reference, each up to a factor; None where the two are alike."""
    ratio = ds.attrs.get("opportunity")
    return None if ratio is None else (np.asarray(ratio, float), np.ones(len(CONTEXTS)))


def as_seen(table: Table, ds: xr.Dataset) -> Table:
    """Profiles as they show in the region that a Dataset is of."""
    sites = opportunities_of(ds)
    return table if sites is None else Table(table.names, adjust(table.values, *sites))


def _read(path: Path, *, whole: bool) -> Table:
    rows = _rows(path)
    header = [cell.strip() for cell in rows[0]]
    if sum(bool(normal_label(cell)) for cell in header[1:]) < sum(bool(normal_label(row[0])) for row in rows[1:]):
        width = max(map(len, rows))
        padded = [[*row, *[""] * (width - len(row))] for row in rows]
        return _fill(path, [list(column) for column in zip(*padded, strict=True)], whole=whole, turned=True)
    return _fill(path, rows, whole=whole, turned=False)


def _fill(path: Path, rows: list[list[str]], *, whole: bool, turned: bool) -> Table:
    """Read a table whose columns are contexts; `turned` says that the file has them as rows."""
    faults = FaultList()
    places = _places(str(path), rows[0][1:], faults, whole=whole)
    names, values = [], np.zeros((len(rows) - 1, len(CONTEXTS)))
    seen: set[str] = set()
    for i, row in enumerate(rows[1:]):
        at = {"column": row[0].strip()} if turned else {"row": i + 2}
        name = row[0].strip()
        if not name or name in seen:
            faults.add(str(path), "the name is empty or there twice", "Give each its own.", value=name, **at)
        seen.add(name)
        names.append(name)
        if len(row) != len(rows[0]):
            faults.add(str(path), f"{len(row)} cells instead of {len(rows[0])}", "Complete it.", value=name, **at)
            continue
        for place, cell in zip(places, row[1:], strict=True):
            value = _number(cell)
            if not (value >= 0) or (whole and value != math.floor(value)):
                kind = "a whole number" if whole else "a number"
                faults.add(str(path), f"is not {kind} of at least 0", "Correct it.", value=cell, **at)
            elif place >= 0:
                values[i, place] = value
    if not names:
        faults.add(str(path), "the table has no rows", "Export it again.")
    faults.raise_if_any()
    return Table(tuple(names), values)


def _places(path: str, header: list[str], faults: FaultList, *, whole: bool) -> list[int]:
    """Index of the context of every column; a profile needs all of them, counts may lack some."""
    places: list[int] = []
    for cell in header:
        label = normal_label(cell)
        if not label:
            faults.add(path, "is no trinucleotide context", "Write them as A[C>A]A.", value=cell.strip())
        elif INDEX[label] in places:
            faults.add(path, "the context is there twice", "Remove one, or add them up.", value=cell.strip())
        places.append(INDEX.get(label, -1))
    missing = [label for label, i in INDEX.items() if i not in places]
    if missing and not whole:
        message = f"{len(missing)} of 96 contexts are missing"
        faults.add(path, message, "Give every context, 0 where there is nothing.", value=missing[0])
    return places


def _rows(path: Path) -> list[list[str]]:
    """Cells of a text table; blank lines and lines that begin with # are left out."""
    try:
        raw = Path(path).read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig")
    except FileNotFoundError:
        raise fail(str(path), "there is no such file", "Check the name.") from None
    except IsADirectoryError:
        raise fail(str(path), "is a folder", "Name the file.") from None
    except (UnicodeDecodeError, OSError, EOFError) as error:
        raise fail(str(path), f"cannot be read as text ({error})", "Save it as UTF-8 text.") from error
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        raise fail(str(path), "the file is empty", "Export it again.")
    mark = "\t" if "\t" in lines[0] else ","
    rows = list(csv.reader(io.StringIO("\n".join(lines)), delimiter=mark))
    if len(rows[0]) < 2:
        raise fail(str(path), "has one column only", "Separate columns by tabs or commas.", row=1)
    return rows


def _number(cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan
