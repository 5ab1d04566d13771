"""Files packed with gzip or bgzip: found to be whole, and read block by block."""

from __future__ import annotations

import struct
import zlib
from bisect import bisect_right
from pathlib import Path
from typing import BinaryIO

from clonalbayes.data.readers.text import GZIP_MAGIC, TextFile, read_text
from clonalbayes.faults import fail

END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
"""The empty block that ends every whole bgzip file (SAM specification, section 4.1.2)."""

BCF_MAGIC, BAM_MAGIC, CRAM_MAGIC = b"BCF\x02", b"BAM\x01", b"CRAM"
AGAIN = "Copy the file again from where it was made; it ends too early."


def is_bgzip(head: bytes) -> bool:
    """Say whether a file begins like one of bgzip: gzip with the extra field `BC`.

    Parameters
    ----------
    head
        The first 18 bytes or more.
    """
    return head.startswith(GZIP_MAGIC) and len(head) >= 18 and bool(head[3] & 4) and head[12:14] == b"BC"


def check_whole(path: Path) -> None:
    """Raise if a bgzip file lacks its end; a cut between two blocks looks like a whole gzip file.

    Parameters
    ----------
    path
        Any file.

    Raises
    ------
    InputError
        If the end is missing or the file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(18)
            if not is_bgzip(head):
                return
            size = stream.seek(0, 2)
            stream.seek(max(0, size - len(END)))
            tail = stream.read()
    except OSError as error:
        raise fail(path.name, f"cannot be read ({error.strerror or error})", "Check path and permissions.") from None
    if tail != END:
        raise fail(path.name, "the bgzip file is truncated: its last block is not there", AGAIN)


def read_whole(path: Path) -> TextFile:
    """Read a text file, packed or not, that must be whole and must be text.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    InputError
        If the file cannot be read, is truncated, holds alignments, or is no UTF-8 text.
    """
    if path.is_dir():
        raise fail(path.name, "this is a folder", "Give the files in it.")
    check_whole(path)
    head = first_bytes(path, 4)
    if head.startswith((BAM_MAGIC, CRAM_MAGIC)):
        raise fail(
            path.name,
            "the file holds aligned reads (BAM or CRAM)",
            "Give variant calls here; `count` reads alignments.",
        )
    return read_text(path)


def first_bytes(path: Path, size: int) -> bytes:
    """Return the first unpacked bytes of a file; nothing if it cannot be read or unpacked.

    Parameters
    ----------
    path
        The file.
    size
        How many.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(1 << 16)
    except OSError:
        return b""
    if data.startswith(GZIP_MAGIC):
        try:
            return zlib.decompressobj(wbits=31).decompress(data, size)
        except zlib.error:
            return b""
    return data[:size]


class Blocks:
    """Random access to the unpacked bytes of a bgzip file by its `.gzi` index.

    Parameters
    ----------
    path
        The bgzip file.
    index
        The `.gzi` file beside it.

    Raises
    ------
    InputError
        If the index is no `.gzi` file.
    """

    def __init__(self, path: Path, index: Path) -> None:
        self.name = path.name
        self.packed, self.plain = _read_gzi(index)
        self.path = path
        self.cache: tuple[int, bytes] = (-1, b"")

    def read(self, start: int, size: int) -> bytes:
        """Return bytes of the unpacked file.

        Parameters
        ----------
        start, size
            Offset in the unpacked file, and how many; fewer come back at the end of the file.

        Raises
        ------
        InputError
            If a block is damaged or is not where the index says.
        """
        at = bisect_right(self.plain, start) - 1
        skip = start - self.plain[at]
        parts, have = [], 0
        offset = self.packed[at]
        with self.path.open("rb") as stream:
            while have < skip + size:
                block, offset = self._block(stream, offset)
                if not block:
                    break
                parts.append(block)
                have += len(block)
        return b"".join(parts)[skip : skip + size]

    def _block(self, stream: BinaryIO, offset: int) -> tuple[bytes, int]:
        """Return the unpacked bytes of the block at an offset, and where the next one begins."""
        stream.seek(offset)
        head = stream.read(18)
        if not head:
            return b"", offset
        if not is_bgzip(head):
            raise self._misfit()
        length = struct.unpack("<H", head[16:18])[0] + 1
        if self.cache[0] != offset:
            try:
                self.cache = (offset, zlib.decompress(head + stream.read(length - 18), wbits=31))
            except zlib.error:
                raise self._misfit() from None
        return self.cache[1], offset + length

    def _misfit(self) -> Exception:
        return fail(
            self.name,
            "a block is damaged, or the index .gzi is of another file",
            "Make the index again with `samtools faidx`; if that fails, copy the file again.",
        )


def _read_gzi(index: Path) -> tuple[list[int], list[int]]:
    """Return the offsets of the blocks in the packed and in the unpacked file."""
    data = index.read_bytes()
    count = struct.unpack("<Q", data[:8])[0] if len(data) >= 8 else -1
    if len(data) != 8 + 16 * count:
        raise fail(index.name, "the index is damaged", "Make it again with `samtools faidx`.")
    numbers = struct.unpack(f"<{2 * count}Q", data[8:])
    packed, plain = [0, *numbers[::2]], [0, *numbers[1::2]]
    if packed != sorted(packed) or plain != sorted(plain):
        raise fail(index.name, "the index is damaged", "Make it again with `samtools faidx`.")
    return packed, plain
