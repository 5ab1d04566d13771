"""A BAM file: its header, its index, and its records as bytes, from any place on.

The file is read by this package itself: records go to compiled code as they lie in the file, without a Python object
for each read.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path

from clonalbayes.faults import fail

from .blocks import END_OF_FILE, Blocks, DamagedError
from .feed import Feed
from .index import Index, read_index

LONGEST_HEADER = 1 << 28
CHECKED = 30
"""Contigs whose first read is looked up when index and file are compared."""
COPY = "Copy the file again from where it was made; `samtools quickcheck` tells whether a file is whole."
REINDEX = "Make the index again with `samtools index`."
SORT = "Sort it with `samtools sort` and index it with `samtools index`."


@dataclass
class Header:
    """What a file says of itself.

    Parameters
    ----------
    lengths
        Contig -> number of bases, in the order of the file.
    text
        The header's text.
    rest
        Unpacked bytes behind it that were read with it.
    """

    lengths: dict[str, int]
    text: str
    rest: bytes = b""

    @property
    def order(self) -> str:
        """How the file says that it is sorted; empty if it does not say."""
        return next((v for line in self._lines("@HD") for k, v in line if k == "SO"), "")

    @property
    def samples(self) -> list[str]:
        """The samples of the read groups, each once."""
        return list(dict.fromkeys(v for line in self._lines("@RG") for k, v in line if k == "SM" and v))

    def _lines(self, kind: str) -> list[list[tuple[str, str]]]:
        found = [line.split("\t")[1:] for line in self.text.split("\n") if line.startswith(kind + "\t")]
        return [[(f[:2], f[3:].strip()) for f in fields if f[2:3] == ":"] for fields in found]


@dataclass
class AlignmentFile:
    """A sorted and indexed file of alignments that has been looked at.

    Parameters
    ----------
    path
        The file.
    header
        Its header.
    notes
        What a user should know.
    leap
        Whether no read has been seen that spans more than `feed.SPAN` bases.
    """

    path: Path
    header: Header
    notes: list[str] = field(default_factory=list, kw_only=True)
    leap: bool = field(default=True, kw_only=True)

    @property
    def name(self) -> str:
        """Name in messages."""
        return self.path.name


@dataclass
class BamFile(AlignmentFile):
    """A BAM file with its index."""

    index: Index

    def feed(self, contig: int, places: list[tuple[int, int]]) -> Feed:
        """Open the records of one contig.

        Parameters
        ----------
        contig
            Index of the contig.
        places
            First and last place that are asked for, of each site; not needed here.
        """
        return Feed(Blocks(self.path), self.index, contig, leap=self.leap)


def open_bam(path: Path) -> BamFile:
    """Look at a BAM file: whether it is whole and sorted, and the index its own.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    BamFile

    Raises
    ------
    InputError
        If it cannot be counted.
    """
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(max(size - len(END_OF_FILE), 0))
            whole = stream.read() == END_OF_FILE
        with Blocks(path) as blocks:
            header = read_header(blocks)
    except OSError as error:
        raise fail(path.name, f"cannot be read ({error.strerror or error})", "Check path and permissions.") from None
    except DamagedError as error:
        raise fail(path.name, f"the BAM file is truncated or damaged: {error}", COPY) from None
    if not whole:
        raise fail(path.name, "the BAM file is truncated: the block that ends it is not there", COPY)
    check_order(path, header, "BAM")
    where = find_index(path, (".bai", ".csi"))
    index = _own_index(path, where, header, size)
    bam = BamFile(path, header, index)
    if where.stat().st_mtime < path.stat().st_mtime:
        bam.notes.append(f"{where.name} is older than {path.name}; it was compared with the file and fits it")
    return bam


def check_order(path: Path, header: Header, kind: str) -> None:
    """Raise if a file, BAM or CRAM by its `kind`, says that it is sorted by name."""
    if header.order == "queryname":
        raise fail(path.name, f"the {kind} file is sorted by read name", SORT, value="SO:queryname")


def find_index(path: Path, suffixes: tuple[str, ...]) -> Path:
    """Find the index beside a file.

    Parameters
    ----------
    path
        The file.
    suffixes
        What is appended to its name, or takes the place of its suffix.

    Raises
    ------
    InputError
        If there is none.
    """
    for suffix in suffixes:
        for candidate in (path.with_name(path.name + suffix), path.with_suffix(suffix)):
            if candidate.is_file():
                return candidate
    raise fail(
        path.name, "there is no index beside the file", "Index it with `samtools index`.", value=path.name + suffixes[0]
    )


def read_header(blocks: Blocks) -> Header:
    """Read the header of a BAM file.

    Parameters
    ----------
    blocks
        The file, at its beginning.

    Raises
    ------
    DamagedError
        If it is no header.
    """
    data = b""

    def take(end: int) -> None:
        nonlocal data
        while len(data) < end:
            more = blocks.read(1)
            if not more:
                raise DamagedError("it ends within its header")
            data += more[0]

    take(12)
    if data[:4] != b"BAM\1":
        raise DamagedError("it does not begin like a BAM file")
    (size,) = struct.unpack_from("<i", data, 4)
    if not 0 <= size <= LONGEST_HEADER:
        raise DamagedError("its header has an impossible length")
    take(12 + size)
    text = data[8 : 8 + size].rstrip(b"\0").decode("utf-8", errors="replace")
    (n,) = struct.unpack_from("<i", data, 8 + size)
    at = 12 + size
    lengths: dict[str, int] = {}
    for _ in range(n):
        take(at + 4)
        (name_size,) = struct.unpack_from("<i", data, at)
        if not 0 < name_size < 1 << 16:
            raise DamagedError("the name of a contig has an impossible length")
        take(at + 8 + name_size)
        name = data[at + 4 : at + 3 + name_size].decode("utf-8", errors="replace")
        (lengths[name],) = struct.unpack_from("<i", data, at + 4 + name_size)
        at += 8 + name_size
    if len(lengths) != n:
        raise DamagedError("two contigs of its header have one name")
    return Header(lengths, text, data[at:])


def _own_index(path: Path, where: Path, header: Header, size: int) -> Index:
    """Read the index and compare it with the file."""
    try:
        index = read_index(where)
    except DamagedError as error:
        raise fail(where.name, str(error), REINDEX) from None
    except OSError as error:
        raise fail(where.name, f"cannot be read ({error.strerror or error})", "Check its permissions.") from None
    stale = f"the index is not one of {path.name} as it is now"
    if len(index) != len(header.lengths):
        what = f"{stale}: it has {len(index)} contigs, the file {len(header.lengths)}"
        raise fail(where.name, what, REINDEX)
    if max(index.last, *index.first, 0) >> 16 > size:
        raise fail(where.name, f"{stale}: it points behind the end of the file", REINDEX)
    try:
        begun = [(contig, start) for contig, start in enumerate(index.first) if start]
        fits = all(_begins(path, start, contig) for contig, start in [*begun[:CHECKED], *begun[-1:]])
        fits = fits and (not index.last or _begins(path, index.last, -1))
    except DamagedError:
        fits = False
    if not fits:
        raise fail(where.name, f"{stale}: the reads do not lie where it says", REINDEX)
    return index


def _begins(path: Path, start: int, contig: int) -> bool:
    """Whether a record of a contig begins at a place in the file; contig -1: none, or one without a place."""
    with Blocks(path) as blocks:
        blocks.seek(start >> 16)
        parts: list[bytes] = []
        while sum(map(len, parts)) < (start & 0xFFFF) + 36 and (more := blocks.read(1)):
            parts += more
    data = b"".join(parts)[start & 0xFFFF :]
    if not data:
        return contig == -1
    return len(data) >= 12 and struct.unpack_from("<i", data, 4)[0] == contig
