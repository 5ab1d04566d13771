"""From lines to a table that knows where each cell stood; finds ragged rows and doubled column names."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from clonalbayes.faults import FaultList

from .text import TextFile, guess_separator, header_line, split_line

MISSING_NUMBERS = ("", "NA", "na", "N/A", "n/a", "NaN", "nan", "NAN", ".", "null", "NULL", "None", "-")
MISSING_TEXT = ("", "NA", "NaN", "nan", ".")
ROW_NAMES = "(row names)"
"""How the first column of R's tables, which has no name, is called."""


@dataclass
class Table:
    """A delimited text table whose cells can be found again in the file.

    Parameters
    ----------
    source
        The file it came from.
    header
        Column names as written.
    frame
        The columns that were asked for; a column of text is of dtype object, a column of numbers numeric.
    rows
        Line number in the file of each row of the frame.
    separator
        The character between the fields.
    names
        Column of the frame -> column of the file, where they differ.
    """

    source: TextFile
    header: list[str]
    frame: pd.DataFrame
    rows: np.ndarray
    separator: str
    names: dict[str, str] = field(default_factory=dict)
    _lines: list[bytes] | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The file's name as used in messages."""
        return self.source.name

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.rows)

    def rename(self, names: dict[str, str]) -> None:
        """Give columns the package's names; `names` maps the new name to the file's."""
        self.frame = self.frame.rename(columns={old: new for new, old in names.items()})
        self.names = dict(names)

    def written(self, column: str) -> str:
        """How the file calls a column of the frame."""
        return self.names.get(column, column)

    def place(self, row: int) -> tuple[str, int]:
        """File name and line number of a row of the frame."""
        return self.name, int(self.rows[row])

    def text(self, row: int, column: str) -> str:
        """Return what the file says in a cell.

        Parameters
        ----------
        row
            Index of the row in `frame` (0-based).
        column
            Name of the column.
        """
        if self._lines is None:
            self._lines = self.source.data.split(b"\n")
        line = self._lines[int(self.rows[row]) - 1].decode("utf-8", errors="replace")
        fields = split_line(line, self.separator)
        index = self.header.index(self.written(column))
        return fields[index].strip() if index < len(fields) else ""


class Stack:
    """Several tables with the same columns, one below the other, used like one `Table`.

    Parameters
    ----------
    tables
        At least one table; the frame keeps the columns of all of them.
    """

    def __init__(self, tables: Sequence[Table]) -> None:
        self.tables = list(tables)
        self.offsets = np.cumsum([0, *(len(t) for t in tables)])
        self.frame = pd.concat([t.frame for t in tables], ignore_index=True)
        self.rows = np.concatenate([t.rows for t in tables])

    @property
    def name(self) -> str:
        """Name of the first file."""
        return self.tables[0].name

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.rows)

    def _owner(self, row: int) -> tuple[Table, int]:
        i = int(np.searchsorted(self.offsets, row, side="right")) - 1
        return self.tables[i], row - int(self.offsets[i])

    def written(self, column: str) -> str:
        """How the first file calls a column of the frame."""
        return self.tables[0].written(column)

    def place(self, row: int) -> tuple[str, int]:
        """File name and line number of a row of the frame."""
        table, inner = self._owner(row)
        return table.place(inner)

    def text(self, row: int, column: str) -> str:
        """Return what the file says in a cell."""
        table, inner = self._owner(row)
        return table.text(inner, column)


def read_table(
    source: TextFile,
    faults: FaultList,
    *,
    text_columns: Sequence[str] = (),
    columns: Sequence[str] | None = None,
    row_names: bool = False,
) -> Table:
    """Read a delimited table.

    Parameters
    ----------
    source
        The file.
    faults
        Takes ragged rows and doubled column names.
    text_columns
        Columns that are text even where every cell looks like a number.
    columns
        Columns to keep; all when None.
    row_names
        Accept R's tables, whose header is one field short: the first column is then called `ROW_NAMES`,
        is text and is kept.

    Returns
    -------
    Table
        Rows with the wrong number of fields are left out (and are faults).

    Raises
    ------
    InputError
        If the table has a header but no rows, or doubled column names.
    """
    number, line = header_line(source)
    separator = guess_separator(line)
    header = [h.strip() for h in split_line(line, separator)]
    _check_header(source.name, header, number, faults)
    if row_names and _first_width(source, number, separator) == len(header) + 1:
        header.insert(0, ROW_NAMES)
    body, rows = _body(source, number, separator, len(header), faults)
    if not len(rows):
        faults.add(
            source.name, "the table has a header but no rows", "Export it again with its rows.", row=number
        )
        faults.raise_if_any()
    keep = [h for h in header if columns is None or h in columns or h == ROW_NAMES]
    frame = _parse(body, "\t" if separator == " " else separator, header, keep, (*text_columns, ROW_NAMES))
    return Table(source, header, frame, rows, separator)


def _first_width(source: TextFile, number: int, separator: str) -> int:
    """Count the fields of the first row below the header."""
    lines = source.data.split(b"\n", number + 1)
    return len(split_line(lines[number].decode("utf-8"), separator)) if len(lines) > number else 0


def _check_header(name: str, header: list[str], number: int, faults: FaultList) -> None:
    doubled = dict.fromkeys(h for h in header if header.count(h) > 1)
    for column in doubled:
        what = "a column name occurs twice" if column else "a column has no name"
        faults.add(name, what, "Rename or remove one of them.", row=number, column=column or None)
    if doubled:
        faults.raise_if_any()


def _body(
    source: TextFile, number: int, separator: str, width: int, faults: FaultList
) -> tuple[bytes, np.ndarray]:
    """Return the rows below the header as plain bytes (one separator a field) and their line numbers."""
    data = source.data
    start = 0
    for _ in range(number):
        start = data.find(b"\n", start) + 1
        if start == 0:
            return b"", np.zeros(0, np.int64)
    body = data[start:].rstrip(b"\n") + b"\n"
    first = number + 1
    if b'"' in body or separator == " ":
        simple = _stripped(body, separator)
        body = _unquoted(body, separator, source.name, first, faults) if simple is None else simple
        separator = "\t" if separator == " " else separator
    return _even_rows(body, separator, width, source.name, first, faults)


def _stripped(body: bytes, separator: str) -> bytes | None:
    """Take the quotes off in bulk where each pair encloses one whole field without a separator; else None."""
    codes = np.frombuffer(body, np.uint8)
    edge = (codes == ord(separator)) | (codes == ord("\n"))
    quotes = np.flatnonzero(codes == ord('"'))
    if len(quotes) % 2 or (separator == " " and (b"\t" in body or bool((edge[1:] & edge[:-1]).any()))):
        return None
    opening, closing = quotes[::2], quotes[1::2]
    inside = np.zeros(len(codes) + 1, np.int8)
    inside[opening], inside[closing] = 1, -1
    enclosed = np.cumsum(inside[:-1], dtype=np.int8).astype(bool)
    if not (edge[opening[opening > 0] - 1].all() and edge[closing + 1].all()) or (edge & enclosed).any():
        return None
    plain = codes[codes != ord('"')].tobytes() if len(quotes) else body
    return plain.replace(b" ", b"\t") if separator == " " else plain


def _unquoted(body: bytes, separator: str, name: str, first: int, faults: FaultList) -> bytes:
    """Rewrite quoted or space-separated lines, one a line, with the separator (or a tab) and no quotes."""
    out_sep = "\t" if separator == " " else separator
    lines = []
    for i, line in enumerate(body.decode("utf-8").split("\n")[:-1]):
        fields = split_line(line, separator)
        if line.count('"') % 2 or any(out_sep in f or "\n" in f or '"' in f for f in fields):
            faults.add(
                name,
                "a quoted field is not closed on its line or holds a separator",
                "Remove the quotation mark, or write the table without quotes.",
                row=first + i,
            )
            fields = []
        lines.append(out_sep.join(fields))
    return ("\n".join(lines) + "\n").encode()


def _even_rows(
    body: bytes, separator: str, width: int, name: str, first: int, faults: FaultList
) -> tuple[bytes, np.ndarray]:
    """Drop blank rows, make rows of the wrong width faults, and number the others."""
    codes = np.frombuffer(body, np.uint8)
    marks = np.flatnonzero((codes == ord(separator)) | (codes == ord("\n")))
    line_marks = np.flatnonzero(codes[marks] == ord("\n"))
    ends, fields = marks[line_marks], np.diff(line_marks, prepend=-1)  # a line has as many marks as fields
    del marks
    starts = np.concatenate([[0], ends[:-1] + 1])
    blank = _blank(body, codes, starts, ends, separator)
    uneven = (fields != width) & ~blank
    for i in np.flatnonzero(uneven):
        faults.add(
            name,
            f"the row does not have the header's {width} fields",
            "Look for a missing or an additional separator.",
            row=first + int(i),
            value=f"{fields[i]} fields",
        )
    good = ~(blank | uneven)
    if not good.all():
        body = b"".join(body[starts[i] : ends[i] + 1] for i in np.flatnonzero(good))
    return body, first + np.flatnonzero(good)


def _blank(
    body: bytes, codes: np.ndarray, starts: np.ndarray, ends: np.ndarray, separator: str
) -> np.ndarray:
    """Which lines hold nothing but white space and separators (spreadsheets leave such rows)."""
    blank = np.asarray(ends == starts)
    for i in np.flatnonzero(
        ~blank & np.isin(codes[starts], np.frombuffer((separator + " \t").encode(), np.uint8))
    ):
        blank[i] = not body[starts[i] : ends[i]].replace(separator.encode(), b"").strip()
    return blank


def _parse(
    body: bytes, separator: str, header: list[str], keep: list[str], text_columns: Sequence[str]
) -> pd.DataFrame:
    text = [c for c in keep if c in text_columns]
    return pd.read_csv(
        io.BytesIO(body),
        sep=separator,
        header=None,
        names=header,
        usecols=keep,
        index_col=False,
        dtype=dict.fromkeys(text, object),
        quoting=csv.QUOTE_NONE,
        keep_default_na=False,
        na_values={c: list(MISSING_TEXT if c in text else MISSING_NUMBERS) for c in keep},
        low_memory=False,
        skipinitialspace=True,
    )
