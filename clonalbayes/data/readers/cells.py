"""Columns of a table turned into checked numbers and texts.

Each function is vectorised over a whole column; only cells that are at fault are looked up in the file.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from clonalbayes.faults import KEPT_PER_KIND, Fault, FaultList

from .tables import Stack, Table

LARGEST_COUNT = 10_000_000
LARGEST_COPY_NUMBER = 100


@dataclass(frozen=True)
class Rule:
    """What the numbers of a column may be.

    Parameters
    ----------
    what
        Name of the quantity in messages.
    low, high
        Allowed range, both ends included unless `open_low`.
    integer
        Whether only whole numbers are allowed.
    open_low
        Whether `low` itself is not allowed.
    remedy
        What to do about a number outside the range.
    """

    what: str
    low: float
    high: float
    integer: bool
    remedy: str
    open_low: bool = False


COUNT = Rule(
    "read count",
    0,
    LARGEST_COUNT,
    True,
    "Read counts are whole numbers from 0; leave the cell empty if unknown.",
)
COPIES = Rule(
    "copy number",
    0,
    LARGEST_COPY_NUMBER,
    True,
    "Copy numbers are whole numbers from 0; leave the cell empty if there is no call.",
)
PURITY = Rule(
    "purity",
    0,
    1,
    False,
    "Purity is the share of tumour cells, above 0 and at most 1 (0.8, not 80).",
    open_low=True,
)
PURITY_SD = Rule(
    "purity_sd", 0, 0.5, False, "Give the standard error of the purity, above 0 and at most 0.5.", True
)
ERROR_RATE = Rule(
    "error rate", 0, 0.5, False, "Give the chance of a wrong read, from 0 to 0.5; PyClone-VI uses 0.001."
)
READ_PROB = Rule(
    "var_read_prob", 0, 1, False, "Give the expected share of alt reads, above 0 and at most 1.", True
)
CN_FRACTION = Rule(
    "share of the first state",
    0,
    1,
    False,
    "Give the share of the tumour cells in major_cn, minor_cn, above 0 and at most 1.",
    True,
)
POSITION = Rule("position", 0, 2**40, True, "Give the 1-based position on the chromosome.")


def add_cells(
    faults: FaultList, table: Table | Stack, bad: np.ndarray, column: str, message: str, remedy: str
) -> None:
    """Add a fault for each row that `bad` marks.

    Parameters
    ----------
    faults
        Takes the faults.
    table
        The table at fault.
    bad
        Boolean, one a row of the table.
    column
        Column whose cell is shown.
    message, remedy
        As in `Fault`.
    """
    where = np.flatnonzero(bad)
    for i in where[:KEPT_PER_KIND]:
        file, row = table.place(int(i))
        value = table.text(int(i), column)
        faults.add(file, message, remedy, row=row, column=table.written(column), value=value)
    if len(where) > KEPT_PER_KIND:
        like = Fault(table.name, message, remedy, column=table.written(column))
        faults.count_more(like, len(where) - KEPT_PER_KIND)


def numbers(table: Table | Stack, column: str, rule: Rule, faults: FaultList) -> np.ndarray:
    """Return a column as floats, NaN where the file says that the value is missing.

    Parameters
    ----------
    table, column
        Where to look.
    rule
        What is allowed; anything else is a fault and comes back as NaN.
    faults
        Takes the faults.

    Returns
    -------
    numpy.ndarray
        float64, one a row of the table.
    """
    return checked(_floats(table, column, rule, faults), table, column, rule, faults)


def checked(
    values: np.ndarray, table: Table | Stack, column: str, rule: Rule, faults: FaultList
) -> np.ndarray:
    """Return numbers of a column with those outside the rule made NaN, and faults added for them.

    Parameters
    ----------
    values
        float64, one a row of the table, NaN where missing.
    table, column, rule, faults
        As in `numbers`.
    """
    with np.errstate(invalid="ignore"):
        infinite = np.isinf(values)
        negative = (values < rule.low) & ~infinite
        large = (values > rule.high) & ~infinite
        zero = (values == rule.low) & rule.open_low
        broken = (values != np.floor(values)) & np.isfinite(values) & rule.integer
    for bad, message in (
        (infinite, f"the {rule.what} is infinite"),
        (
            negative,
            f"the {rule.what} is negative" if rule.low == 0 else f"the {rule.what} is below {rule.low:g}",
        ),
        (zero, f"the {rule.what} is zero"),
        (large, f"the {rule.what} is larger than {rule.high:g}"),
        (broken & ~negative & ~large, f"the {rule.what} is not a whole number"),
    ):
        if bad.any():
            add_cells(faults, table, bad, column, message, rule.remedy)
            values = np.where(bad, np.nan, values)
    return values


def _floats(table: Table | Stack, column: str, rule: Rule, faults: FaultList) -> np.ndarray:
    series = table.frame[column]
    if pd.api.types.is_numeric_dtype(series.dtype) and not pd.api.types.is_bool_dtype(series.dtype):
        return series.to_numpy(np.float64, copy=True)
    text = series.astype(str).str.strip().where(series.notna())
    values = pd.to_numeric(text, errors="coerce").to_numpy(np.float64, copy=True)
    bad = np.isnan(values) & series.notna().to_numpy()
    add_cells(faults, table, bad, column, f"the {rule.what} is not a number", rule.remedy)
    return values


def as_counts(values: np.ndarray, dtype: type = np.int32) -> np.ndarray:
    """Turn floats into integers, NaN into -1."""
    return np.where(np.isnan(values), -1, values).astype(dtype)


@dataclass(frozen=True)
class Labels:
    """A column of text as integer codes.

    Parameters
    ----------
    codes
        One a row: index into `names`, -1 where the cell is empty.
    names
        The distinct texts in order of first appearance.
    first
        Row in which each name appears first.
    """

    codes: np.ndarray
    names: np.ndarray
    first: np.ndarray

    def __len__(self) -> int:
        """How many distinct texts there are."""
        return len(self.names)


def texts(table: Table | Stack, column: str) -> list[str]:
    """Return a column as text without white space around it; "" where a cell is empty."""
    return ["" if pd.isna(cell) else str(cell).strip() for cell in table.frame[column]]


def labels(series: pd.Series) -> Labels:
    """Code a column of text in the order of first appearance.

    Parameters
    ----------
    series
        Any column; numbers are taken by their text.

    Returns
    -------
    Labels
    """
    raw, found = pd.factorize(series.to_numpy(dtype=object))
    merged, names = pd.factorize(np.array([str(f).strip() for f in found], dtype=object))
    codes = np.append(merged, -1)[raw]  # texts that differ only by white space at the end are one
    first = np.full(len(names), -1, np.int64)
    there = np.flatnonzero(codes >= 0)[::-1]
    first[codes[there]] = there
    return Labels(codes.astype(np.int64), names, first)
