"""The reference genome: FASTA, plain or packed, with an index or without one.

With the index of `samtools faidx` bases are read where they lie. Without one the file is read through, one
chromosome at a time, and never written beside. Chromosomes are found with and without `chr`.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from clonalbayes.data.readers.text import GZIP_MAGIC
from clonalbayes.faults import fail

from .builds import bare, build_of
from .packed import Blocks, check_whole, is_bgzip

FAIDX = "Make the index again with `samtools faidx`, or remove it: it is not needed."
CHECKED = 30
"""Chromosomes whose place in the file is compared with the index."""
CHUNK = 1 << 24
LETTERS = re.compile(r"[A-Z*-]*")


@dataclass(frozen=True)
class Entry:
    """One line of a `.fai` index: where a chromosome lies in the unpacked file, in bytes."""

    length: int
    offset: int
    bases: int
    width: int


class Reference:
    """A reference genome.

    Parameters
    ----------
    path
        FASTA file; `.fai` (and, if packed by bgzip, `.gzi`) beside it are used when they are there.

    Raises
    ------
    InputError
        If the file cannot be read, is no FASTA, is truncated, or does not fit its index.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.name = self.path.name
        check_whole(self.path)
        try:
            with self.path.open("rb") as stream:
                head = stream.read(18)
        except OSError as error:
            raise fail(
                self.name, f"cannot be read ({error.strerror or error})", "Check path and permissions."
            ) from None
        self._packed = head.startswith(GZIP_MAGIC)
        self._index: dict[str, Entry] = {}
        self._blocks: Blocks | None = None
        self._walk: Iterator[tuple[str, str]] | None = None
        self._held: tuple[str, str] = ("", "")
        if not head:
            raise fail(self.name, "the file is empty", "Give the reference genome as FASTA.")
        if not self._open_index(is_bgzip(head)):
            self.lengths = self._scan()

    @cached_property
    def build(self) -> str | None:
        """The build by the lengths of the chromosomes, None if unknown."""
        return build_of(self.lengths)

    @cached_property
    def _by_bare_name(self) -> dict[str, str]:
        return {bare(name): name for name in reversed(self.lengths)}

    def resolve(self, chrom: str) -> str | None:
        """Return the name that a chromosome has in this file, None if it is not there.

        Parameters
        ----------
        chrom
            Name with or without `chr`.
        """
        return chrom if chrom in self.lengths else self._by_bare_name.get(bare(chrom))

    def order(self, chrom: str) -> int:
        """Return the place of a chromosome in this file, counted from 0.

        Parameters
        ----------
        chrom
            A name as this file has it.
        """
        return self._places[chrom]

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.lengths)}

    def fetch(self, chrom: str, start: int, end: int) -> str:
        """Return bases in upper case.

        Without an index, chromosomes are best asked for in the order in which they lie in the file.

        Parameters
        ----------
        chrom
            A name as this file has it.
        start, end
            0-based and half-open; cut at the ends of the chromosome.

        Raises
        ------
        InputError
            If the file ends too early or does not fit its index.
        """
        start, end = max(0, start), min(end, self.lengths[chrom])
        if end <= start:
            return ""
        if not self._index:
            return self._whole(chrom)[start:end]
        entry = self._index[chrom]
        first = entry.offset + start // entry.bases * entry.width + start % entry.bases
        last = entry.offset + (end - 1) // entry.bases * entry.width + (end - 1) % entry.bases + 1
        text = self._bytes(first, last - first).decode("latin-1").translate({10: None, 13: None}).upper()
        if len(text) != end - start or not LETTERS.fullmatch(text):
            raise fail(self.name, "the index .fai does not fit the file", FAIDX, value=f"{chrom}:{start + 1}-{end}")
        return text

    def _bytes(self, start: int, size: int) -> bytes:
        if self._blocks is not None:
            return self._blocks.read(start, size)
        with self.path.open("rb") as stream:
            stream.seek(start)
            return stream.read(size)

    # With an index

    def _open_index(self, blocked: bool) -> bool:
        """Use the index beside the file, if there is one that serves."""
        index = self.path.with_name(self.name + ".fai")
        if not index.is_file() or (self._packed and not blocked):
            return False
        if blocked:
            blocks = self.path.with_name(self.name + ".gzi")
            if not blocks.is_file():
                return False
            self._blocks = Blocks(self.path, blocks)
        self._index = _read_fai(index)
        self.lengths = {name: entry.length for name, entry in self._index.items()}
        self._compare()
        return True

    def _compare(self) -> None:
        """Make sure that chromosomes begin where the index says."""
        names = list(self._index)
        for name in [*names[:CHECKED], names[-1]]:
            entry = self._index[name]
            size = len(name.encode()) + 512
            before = self._bytes(max(0, entry.offset - size), min(size, entry.offset))
            header = before.removesuffix(b"\n").rsplit(b"\n", 1)[-1]
            stated = header[1:].split(None, 1)[0] if header[1:].split() else b""
            if not before.endswith(b"\n") or (header.startswith(b">") and stated != name.encode()):
                raise fail(self.name, "the index .fai does not fit the file", FAIDX, value=name)
            if entry.length:
                self.fetch(name, entry.length - 1, entry.length)

    # Without an index

    def _lines(self) -> Iterator[bytes]:
        """Yield whole lines in large pieces; a line that begins a chromosome comes alone."""
        rest = b""
        with gzip.open(self.path) if self._packed else self.path.open("rb") as stream:
            while piece := stream.read(CHUNK):
                lines, _, rest = (rest + piece).rpartition(b"\n")
                if lines:
                    yield from _pieces(lines)
            if rest:
                yield from _pieces(rest)

    def _contigs(self) -> Iterator[tuple[str, list[bytes]]]:
        name: str | None = None
        parts: list[bytes] = []
        for lines in self._lines():
            if lines.startswith(b">"):
                if name is not None:
                    yield name, parts
                name, parts = _name(lines), []
            elif name is not None:
                parts.append(lines.translate(None, b"\r\n \t"))
            elif lines.strip():
                raise fail(
                    self.name, "this is no FASTA file: it does not begin with '>'", "Give the reference as FASTA."
                )
        if name is not None:
            yield name, parts

    def _guarded(self) -> Iterator[tuple[str, list[bytes]]]:
        try:
            yield from self._contigs()
        except (EOFError, OSError, zlib.error):
            raise fail(self.name, "the gzip file is truncated or damaged", "Copy the file again.") from None

    def _scan(self) -> dict[str, int]:
        lengths: dict[str, int] = {}
        for name, parts in self._guarded():
            if name in lengths or not name:
                what = "a chromosome is named twice" if name else "a chromosome has no name"
                raise fail(self.name, what, "Give each sequence of the FASTA a name of its own.", value=name)
            lengths[name] = sum(map(len, parts))
        if not lengths:
            raise fail(self.name, "the file holds no sequence", "Give the reference genome as FASTA.")
        return lengths

    def _whole(self, chrom: str) -> str:
        """Return a whole chromosome; the last one is kept."""
        if self._held[0] == chrom:
            return self._held[1]
        self._held = ("", "")
        for _ in range(2):
            if self._walk is None:
                self._walk = ((n, b"".join(p).decode("latin-1").upper()) for n, p in self._guarded())
            for name, text in self._walk:
                if name == chrom:
                    self._held = (chrom, text)
                    return text
            self._walk = None
        raise fail(self.name, "the file has changed while it was read", "Run again.", value=chrom)


def _pieces(lines: bytes) -> Iterator[bytes]:
    """Cut lines into headers and what lies between them."""
    start = 0
    while start < len(lines):
        if lines.startswith(b">", start):
            stop = lines.find(b"\n", start)
            stop = len(lines) if stop < 0 else stop
        else:
            stop = lines.find(b"\n>", start)
            stop = len(lines) if stop < 0 else stop
        yield lines[start:stop]
        start = stop + 1


def _name(header: bytes) -> str:
    words = header[1:].split(None, 1)
    return words[0].decode("utf-8", errors="replace") if words else ""


def _read_fai(index: Path) -> dict[str, Entry]:
    """Read a `.fai` index."""
    entries: dict[str, Entry] = {}
    lines = index.read_bytes().decode("utf-8", errors="replace").split("\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        fields = line.split("\t")
        values: list[int] = []
        with suppress(ValueError):
            values = [int(f) for f in fields[1:5]]
        if len(values) != 4 or min(values) < 0 or max(values) > 2**48 or values[3] < values[2]:
            raise fail(index.name, "the line is not one of a .fai index", FAIDX, row=number)
        if fields[0] in entries:
            raise fail(index.name, "a chromosome is named twice", FAIDX, row=number, value=fields[0])
        if values[0] and not values[2]:
            raise fail(index.name, "the line is not one of a .fai index", FAIDX, row=number)
        entries[fields[0]] = Entry(*values)
    if not entries:
        raise fail(index.name, "the index is empty", FAIDX)
    return entries
