"""From bytes on a disk to lines, and from lines to a table that knows where each cell stood.

Everything that can be wrong with a text file before its columns mean anything is found here: encoding,
byte-order marks, truncated gzip, ragged rows, doubled column names.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from clonalbayes.faults import FaultList, InputError, fail

GZIP_MAGIC = b"\x1f\x8b"
UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
SEPARATORS = ("\t", ",", ";")
MISSING_NUMBERS = ("", "NA", "na", "N/A", "n/a", "NaN", "nan", "NAN", ".", "null", "NULL", "None", "-")
MISSING_TEXT = ("", "NA", "NaN", "nan", ".")
ROW_NAMES = "(row names)"
SAVE_AS_UTF8 = "Save the file as UTF-8 text and try again."


@dataclass
class TextFile:
    """The content of one text file.

    Parameters
    ----------
    path
        Where it was read from.
    data
        UTF-8 bytes, unpacked, without a byte-order mark, lines ended by a single newline.
    digest
        SHA-256 of the file as it is on disk, hexadecimal.
    """

    path: Path
    data: bytes
    digest: str

    @property
    def name(self) -> str:
        """The file's name as used in messages."""
        return self.path.name

    @property
    def stem(self) -> str:
        """The file's name without `.gz` and without its last suffix."""
        name = self.path.name.removesuffix(".gz")
        return name.rsplit(".", 1)[0] or name

    def head(self, n_lines: int = 200) -> list[str]:
        """Return the first lines, without their line ends."""
        cut = self.data[: 1 << 20].split(b"\n", n_lines)[:n_lines]
        return [line.decode("utf-8", errors="replace") for line in cut]


def read_text(path: Path) -> TextFile:
    """Read one text file, packed with gzip or not.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    TextFile

    Raises
    ------
    InputError
        If the file cannot be opened, is empty, is a broken gzip file or is not UTF-8 text.
    """
    try:
        stored = path.read_bytes()
    except OSError as error:
        raise fail(path.name, f"cannot be read ({error.strerror or error})", "Check path and permissions.") from None
    digest = hashlib.sha256(stored).hexdigest()
    data = _unpacked(stored, path.name)
    if not data.strip():
        raise fail(path.name, "the file is empty", "Export it again; a header and at least one row are needed.")
    return TextFile(path, _as_utf8(data, path.name), digest)


def read_head(path: Path, size: int = 1 << 16) -> TextFile | str:
    """Read the beginning of a file, to see what it is.

    Parameters
    ----------
    path
        The file.
    size
        Unpacked bytes to read.

    Returns
    -------
    TextFile or str
        Whole lines of the beginning; or why it is not text.
    """
    try:
        with path.open("rb") as plain:
            packed = plain.read(2) == GZIP_MAGIC
        with gzip.open(path) if packed else path.open("rb") as stream:
            data = stream.read(size)
    except (EOFError, OSError, zlib.error):
        return "it cannot be read or unpacked"
    if not data.strip():
        return "it is empty"
    if len(data) == size:
        data = data[: data.rfind(b"\n") + 1] or data
    try:
        return TextFile(path, _as_utf8(data, path.name), "")
    except InputError as error:
        return error.faults[0].message


def _unpacked(stored: bytes, name: str) -> bytes:
    if not stored.startswith(GZIP_MAGIC):
        return stored
    try:
        return gzip.decompress(stored)
    except (EOFError, OSError, zlib.error):
        raise fail(
            name, "the gzip file is truncated or damaged", "Copy it again, or unpack it with gunzip to see where it ends."
        ) from None


def _as_utf8(data: bytes, name: str) -> bytes:
    if data.startswith(UTF16_MARKS):
        raise fail(name, "the file is UTF-16 text (byte-order mark)", SAVE_AS_UTF8)
    data = data.removeprefix(codecs.BOM_UTF8)
    if b"\x00" in data:
        row = data.count(b"\n", 0, data.index(b"\x00")) + 1
        raise fail(name, "the file holds zero bytes: it is binary or UTF-16, not text", SAVE_AS_UTF8, row=row)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        value = f"byte 0x{data[error.start]:02x}"
        raise fail(name, "the text is not UTF-8", SAVE_AS_UTF8, row=row, value=value) from None
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return data


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
        The columns that were asked for; a column of text is categorical, a column of numbers numeric.
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


def split_line(line: str, separator: str) -> list[str]:
    """Split one line into its fields; quotes are taken off, `separator` `" "` means any white space."""
    if '"' in line:
        return next(csv.reader([line], delimiter=separator, skipinitialspace=separator == " "), [])
    return line.split() if separator == " " else line.split(separator)


def guess_separator(line: str) -> str:
    """Return tab, comma or semicolon, whichever splits the line most; a space when none occurs."""
    counts = {s: line.count(s) for s in SEPARATORS}
    best = max(SEPARATORS, key=lambda s: counts[s])
    if counts["\t"]:
        return "\t"
    return best if counts[best] else " "


def header_line(source: TextFile) -> tuple[int, str]:
    """Find the header: the first line that is neither blank nor a comment.

    A line is a comment if it starts with ``##``, or with ``#`` and holds no separator.

    Returns
    -------
    tuple
        Line number (1-based) and the text of the line without a leading ``#``; (0, "") if there is none.
    """
    start = number = 0
    data = source.data
    while start < len(data):
        stop = data.find(b"\n", start)
        stop = len(data) if stop < 0 else stop
        number += 1
        line = data[start:stop].decode("utf-8")
        start = stop + 1
        comment = line.startswith("##") or (line.startswith("#") and not any(s in line for s in SEPARATORS))
        if line.strip() and not comment:
            return number, line.removeprefix("#")
    return 0, ""


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
        Accept R's tables, whose header is one field short: the first column is then called `ROW_NAMES`, is text
        and is kept.

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
        faults.add(source.name, "the table has a header but no rows", "Export it again with its rows.", row=number)
        faults.raise_if_any()
    keep = [h for h in header if columns is None or h in columns or h == ROW_NAMES]
    frame = _parse(body, "\t" if separator == " " else separator, header, keep, (*text_columns, ROW_NAMES))
    return Table(source, header, frame, rows, separator)


def _first_width(source: TextFile, number: int, separator: str) -> int:
    """Count the fields of the first row below the header."""
    lines = source.data.split(b"\n", number + 1)
    return len(split_line(lines[number].decode("utf-8"), separator)) if len(lines) > number else 0


def _check_header(name: str, header: list[str], number: int, faults: FaultList) -> None:
    for column in dict.fromkeys(h for h in header if header.count(h) > 1):
        what = "a column name occurs twice" if column else "a column has no name"
        faults.add(name, what, "Rename or remove one of them.", row=number, column=column or None)
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
        body = _unquoted(body, separator, source.name, first, faults)
        separator = "\t" if separator == " " else separator
    return _even_rows(body, separator, width, source.name, first, faults)


def _unquoted(body: bytes, separator: str, name: str, first: int, faults: FaultList) -> bytes:
    """Rewrite quoted or space-separated lines, one a line, with the separator (or a tab) and no quotes."""
    out_sep = "\t" if separator == " " else separator
    lines = []
    for i, line in enumerate(body.decode("utf-8").split("\n")[:-1]):
        fields = split_line(line, separator)
        if line.count('"') % 2 or any(out_sep in f or "\n" in f or '"' in f for f in fields):
            faults.add(name, "a quoted field is not closed on its line or holds a separator",
                       "Remove the quotation mark, or write the table without quotes.", row=first + i)
            fields = []
        lines.append(out_sep.join(fields))
    return ("\n".join(lines) + "\n").encode()


def _even_rows(
    body: bytes, separator: str, width: int, name: str, first: int, faults: FaultList
) -> tuple[bytes, np.ndarray]:
    """Drop blank rows, make rows of the wrong width faults, and number the others."""
    codes = np.frombuffer(body, np.uint8)
    ends = np.flatnonzero(codes == ord("\n"))
    fields = np.diff(np.searchsorted(np.flatnonzero(codes == ord(separator)), ends), prepend=0) + 1
    starts = np.concatenate([[0], ends[:-1] + 1])
    blank = _blank(body, codes, starts, ends, separator)
    uneven = (fields != width) & ~blank
    for i in np.flatnonzero(uneven):
        faults.add(name, f"the row does not have the header's {width} fields",
                   "Look for a missing or an additional separator.", row=first + int(i), value=f"{fields[i]} fields")
    good = ~(blank | uneven)
    if not good.all():
        body = b"".join(body[starts[i] : ends[i] + 1] for i in np.flatnonzero(good))
    return body, first + np.flatnonzero(good)


def _blank(body: bytes, codes: np.ndarray, starts: np.ndarray, ends: np.ndarray, separator: str) -> np.ndarray:
    """Which lines hold nothing but white space and separators (spreadsheets leave such rows)."""
    blank = np.asarray(ends == starts)
    for i in np.flatnonzero(~blank & np.isin(codes[starts], np.frombuffer((separator + " \t").encode(), np.uint8))):
        blank[i] = not body[starts[i] : ends[i]].replace(separator.encode(), b"").strip()
    return blank


def _parse(
    body: bytes, separator: str, header: list[str], keep: list[str], text_columns: Sequence[str]
) -> pd.DataFrame:
    text = [c for c in keep if c in text_columns]
    return pd.read_csv(
        io.BytesIO(body), sep=separator, header=None, names=header, usecols=keep, index_col=False,
        dtype=dict.fromkeys(text, "category"), quoting=csv.QUOTE_NONE, keep_default_na=False,
        na_values={c: list(MISSING_TEXT if c in text else MISSING_NUMBERS) for c in keep},
        low_memory=False, float_precision="round_trip", skipinitialspace=True,
    )  # fmt: skip
