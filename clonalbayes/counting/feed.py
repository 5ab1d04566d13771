"""The records of one contig, from wherever they are needed on.

The index says where the reads over a window of 16,384 bases begin; at 100x that is some 25 blocks before a site, and
unpacking them would be nearly all the work. Blocks are sorted by the place of their first record, so the one to start
from is found by bisection, for which only the first bytes of a few blocks are unpacked.
"""

from __future__ import annotations

import os
import struct
import zlib

from .blocks import Blocks, block_size
from .index import Index

SPAN = 1_000
"""Bases of the reference that a read is taken to span at most, where blocks are left out."""
NEAR = 4_000
"""A site so many bases further on is reached by reading on."""
WINDOW = 1 << 14
WORTH = 120_000
"""Packed bytes below which reading on is cheaper than looking for the block to start from."""
HEAD = 18
GLANCE = 4096
"""Packed bytes that are enough to unpack the first bytes of a block."""


class Feed:
    """The records of one contig, from wherever they are needed on.

    Parameters
    ----------
    blocks
        The file.
    index
        Where to start; None = read on from where `blocks` is.
    contig
        Index of the contig.
    rest
        Records that have been read already.
    leap
        Whether blocks may be left out in which no read of up to SPAN bases reaches a site.
    """

    def __init__(
        self, blocks: Blocks, index: Index | None, contig: int, rest: bytes = b"", *, leap: bool = True
    ) -> None:
        self.blocks, self.index, self.contig, self.rest, self.leap = blocks, index, contig, rest, leap
        self.begun = False

    def skip(self, pos: int, last_pos: int) -> int | None:
        """Move on to the reads over a place, if they lie further on in the file.

        Parameters
        ----------
        pos
            Place on the contig, from 0.
        last_pos
            Where the record that was read last begins.

        Returns
        -------
        int or None
            Bytes to leave out of what `blocks` reads next, if it moved; -1 if it did not; None if no read lies
            over this place or a later one.
        """
        if self.index is None or (self.begun and pos - last_pos < SPAN + NEAR):
            return -1
        start = self.index.start(self.contig, pos)
        if start is None:
            return None
        lower = start >> 16
        moved = not self.begun or lower > self.blocks.next
        lower = lower if moved else self.blocks.next
        found = self._bisect(lower, pos - SPAN) if self.leap else lower
        self.begun = True
        if found > lower:
            self.blocks.seek(found)
            return 0
        if moved:
            self.blocks.seek(lower)
            return start & 0xFFFF
        return -1

    def _bisect(self, lower: int, pos: int) -> int:
        """Return the last block that begins with a record before a place; `lower` if that cannot be told."""
        end = self.index.start(self.contig, pos + SPAN + WINDOW) if self.index else None
        if end is None or (end >> 16) - lower < WORTH:
            return lower
        offsets = self._chain(lower, end >> 16)
        low, high = 0, len(offsets)
        while high - low > 1:
            middle = (low + high) // 2
            first = self._first(offsets[middle])
            if first is None:
                return lower
            if first < pos:
                low = middle
            else:
                high = middle
        return offsets[low] if offsets else lower

    def _chain(self, start: int, end: int) -> list[int]:
        """Return where the blocks of a stretch of the file begin."""
        offsets = []
        handle = self.blocks.stream.fileno()
        while start <= end:
            size = block_size(os.pread(handle, HEAD, start))
            if size is None:
                break
            offsets.append(start)
            start += size
        return offsets

    def _first(self, offset: int) -> int | None:
        """Return where the first record of a block lies on the contig; None if the block begins with no such record."""
        packed = os.pread(self.blocks.stream.fileno(), GLANCE, offset)[HEAD:]
        try:
            head = zlib.decompressobj(-15).decompress(packed, 36)
        except zlib.error:
            return None
        if len(head) < 36:
            return None
        size, contig, pos, n_name, _, _, n_ops, _, n_bases = struct.unpack_from("<iiiBBHHHi", head)
        smallest = 32 + n_name + 4 * n_ops + (n_bases + 1) // 2 + n_bases
        sound = n_name > 0 and n_bases >= 0 and pos >= 0 and smallest <= size < smallest + (1 << 16)
        return pos if sound and contig == self.contig else None
