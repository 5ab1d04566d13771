"""From bytes on a disk to text, its lines and its header.

Everything that can be wrong with a file before it is a table is found here: encoding, byte-order marks,
truncated gzip, empty files.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path

from clonalbayes.faults import InputError, fail

GZIP_MAGIC = b"\x1f\x8b"
UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
SEPARATORS = ("\t", ",", ";")
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
        raise fail(
            path.name, f"cannot be read ({error.strerror or error})", "Check path and permissions."
        ) from None
    digest = hashlib.sha256(stored).hexdigest()
    data = _unpacked(stored, path.name)
    if not data.strip():
        raise fail(
            path.name, "the file is empty", "Export it again; a header and at least one row are needed."
        )
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
            name,
            "the gzip file is truncated or damaged",
            "Copy it again, or unpack it with gunzip to see where it ends.",
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


def split_line(line: str, separator: str) -> list[str]:
    """Split one line into its fields; quotes are taken off, `separator` `" "` means any white space."""
    if '"' in line:
        return next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
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


def header_names(source: TextFile) -> list[str]:
    """Return the names of the columns as the header has them, without white space around them."""
    _, line = header_line(source)
    return [name.strip() for name in split_line(line, guess_separator(line))]
