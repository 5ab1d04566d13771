"""From rows to the mutation x sample grid, and checks that rows of one mutation or sample agree."""

from __future__ import annotations

from typing import Any

import numpy as np

from clonalbayes.faults import FaultList

from .cells import Labels, add_cells
from .tables import Stack, Table

SPARSEST_GRID = 200
"""Cells of the grid per row of the table above which the sample column must be wrong."""


def check_grid(table: Table | Stack, mutation: Labels, specimen: Labels, faults: FaultList) -> None:
    """Find rows that name the same mutation and sample, and grids that cannot be meant.

    Parameters
    ----------
    table
        The table.
    mutation, specimen
        Codes of its rows.
    faults
        Takes the faults.
    """
    n_cells = len(mutation) * len(specimen)
    if n_cells > max(SPARSEST_GRID * len(table), 1_000_000):
        faults.add(
            table.name,
            f"{len(table)} rows name {len(mutation)} mutations and {len(specimen)} samples",
            "Check the sample column: nearly every cell of the mutation x sample table would be empty.",
            column=table.written("specimen"),
        )
        return
    known = (mutation.codes >= 0) & (specimen.codes >= 0)
    flat = np.where(known, mutation.codes * len(specimen) + specimen.codes, n_cells)
    seen = np.bincount(flat, minlength=n_cells + 1)
    if (seen[:n_cells] <= 1).all():
        return
    first = np.full(n_cells + 1, -1, np.int64)
    first[flat[::-1]] = np.arange(len(flat))[::-1]
    repeated = known & (first[flat] != np.arange(len(flat)))
    add_cells(
        faults,
        table,
        repeated,
        "mutation",
        "the mutation occurs twice in one sample",
        "Remove one of the rows, or name the samples in a column sample_id.",
    )


def repeated_names(table: Table, names: Labels, column: str, message: str, faults: FaultList) -> None:
    """Make every row that repeats the name of an earlier row a fault.

    Parameters
    ----------
    table, column
        Where the names stand.
    names
        Their codes.
    message
        What is wrong with a repetition.
    faults
        Takes the faults.
    """
    known = np.flatnonzero(names.codes >= 0)
    again = np.zeros(len(names.codes), bool)
    again[known] = names.first[names.codes[known]] != known
    add_cells(faults, table, again, column, message, "Remove one of the rows, or give them different names.")


def to_grid(
    values: np.ndarray, mutation: Labels, specimen: Labels, shape: tuple[int, int], empty: float = -1
) -> np.ndarray:
    """Lay one value a row on the mutation x sample grid.

    Parameters
    ----------
    values
        One a row of the table.
    mutation, specimen
        Codes of the rows.
    shape
        Number of mutations and samples.
    empty
        What stands where the table has no row.

    Returns
    -------
    numpy.ndarray
        Array of `shape` with the dtype of `values`.
    """
    grid = np.full(shape, empty, dtype=values.dtype)
    grid[mutation.codes, specimen.codes] = values
    return grid


def constant(
    table: Table | Stack,
    values: np.ndarray,
    group: Labels,
    column: str,
    faults: FaultList,
    message: str,
    remedy: str,
) -> np.ndarray:
    """Return the one value of each group of rows; rows that say something else are faults.

    Parameters
    ----------
    table
        The table.
    values
        One a row, NaN where nothing is said.
    group
        Codes of the rows.
    column, message, remedy
        For the fault.
    faults
        Takes the faults.

    Returns
    -------
    numpy.ndarray
        float64, one a group, NaN where no row says anything.
    """
    said = np.flatnonzero(~np.isnan(values))
    first: np.ndarray[Any, np.dtype[np.float64]] = np.full(len(group), np.nan)
    first[group.codes[said[::-1]]] = values[said[::-1]]
    with np.errstate(invalid="ignore"):
        other = np.abs(values - first[group.codes]) > 1e-9
    add_cells(faults, table, other, column, message, remedy)
    return first


def per_group(values: np.ndarray, group: Labels) -> tuple[np.ndarray, int]:
    """Return the mean value of each group and the number of groups whose rows differ.

    Parameters
    ----------
    values
        One a row, NaN where nothing is said.
    group
        Codes of the rows.
    """
    said = ~np.isnan(values)
    codes, known = group.codes[said], values[said]
    count = np.bincount(codes, minlength=len(group))
    with np.errstate(invalid="ignore"):
        mean = np.bincount(codes, weights=known, minlength=len(group)) / count
    low, high = np.full(len(group), np.inf), np.full(len(group), -np.inf)
    np.minimum.at(low, codes, known)
    np.maximum.at(high, codes, known)
    same = low == high
    return np.where(same, low, mean), int(np.sum((count > 0) & ~same))
