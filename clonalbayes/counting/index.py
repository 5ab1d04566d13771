"""The index of a BAM file, BAI or CSI: where in the file the reads at a place begin.

Only the lower bounds are used (the linear index of BAI, `loff` of CSI): in a sorted file all reads that overlap a place
lie between the bound and the first read that begins behind it. Formats: SAM specification, section 5.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .blocks import DamagedError

BAI_SHIFT, BAI_DEPTH = 14, 5


@dataclass
class Index:
    """Lower bounds of one file.

    Parameters
    ----------
    shift, depth
        Bases of the smallest bin are 2^shift; there are depth + 1 levels of bins.
    linear
        Of BAI: for each contig, where in the file the reads over each window begin; empty = there are none.
    bins
        Of CSI: for each contig, bin -> bound.
    first
        Where the reads of each contig begin; 0 = there are none.
    last
        Where the last placed read ends; 0 = unknown.
    """

    shift: int = BAI_SHIFT
    depth: int = BAI_DEPTH
    linear: list[np.ndarray] = field(default_factory=list)
    bins: list[dict[int, int]] = field(default_factory=list)
    first: list[int] = field(default_factory=list)
    last: int = 0

    def __len__(self) -> int:
        """Count the contigs."""
        return len(self.first)

    def start(self, contig: int, pos: int) -> int | None:
        """Return where to start to read so as to see every read over a place; None = there are no such reads.

        Parameters
        ----------
        contig
            Index of the contig.
        pos
            Place on it, from 0.

        Returns
        -------
        int or None
            Virtual offset: offset of a block in the file << 16 | offset in the unpacked block.
        """
        if not self.first[contig]:
            return None
        if self.bins:
            return self._from_bins(self.bins[contig], pos) or self.first[contig]
        windows = self.linear[contig]
        window = max(pos, 0) >> BAI_SHIFT
        return int(windows[window]) if window < len(windows) else None

    def _from_bins(self, bins: dict[int, int], pos: int) -> int:
        """Go from the smallest bin at a place to its left neighbours and parents until one is known."""
        found = ((1 << 3 * self.depth) - 1) // 7 + (max(pos, 0) >> self.shift)
        while found and found not in bins:
            parent = (found - 1) >> 3
            found = found - 1 if found > (parent << 3) + 1 else parent
        return bins.get(found, 0)


def read_index(path: Path) -> Index:
    """Read an index.

    Parameters
    ----------
    path
        The file, ``.bai`` or ``.csi``.

    Raises
    ------
    DamagedError
        If it is no index or ends too early.
    OSError
        If it cannot be read.
    """
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (EOFError, OSError, zlib.error):
            raise DamagedError("the index is truncated or damaged") from None
    try:
        if data[:4] == b"BAI\1":
            return _read_bai(data)
        if data[:4] == b"CSI\1":
            return _read_csi(data)
    except (struct.error, ValueError):
        raise DamagedError("the index is truncated or damaged") from None
    raise DamagedError("this is no index of a BAM file")


def _read_bai(data: bytes) -> Index:
    index = Index()
    (n,) = struct.unpack_from("<i", data, 4)
    at = 8
    for _ in range(_small(n)):
        at, _bins, _ = _read_bins(data, at, index, loff=False)
        (n_windows,) = struct.unpack_from("<i", data, at)
        windows = np.frombuffer(data, "<u8", _small(n_windows), at + 4).astype(np.int64)
        index.linear.append(_filled(windows))
        at += 4 + 8 * n_windows
    return index


def _read_csi(data: bytes) -> Index:
    shift, depth, extra = struct.unpack_from("<iii", data, 4)
    if not (0 < shift < 32 and 0 <= depth < 10 and extra >= 0):
        raise ValueError
    index = Index(shift, depth)
    (n,) = struct.unpack_from("<i", data, 16 + extra)
    at = 20 + extra
    for _ in range(_small(n)):
        at, bins, _ = _read_bins(data, at, index, loff=True)
        index.bins.append(bins)
    return index


def _read_bins(data: bytes, at: int, index: Index, *, loff: bool) -> tuple[int, dict[int, int], int]:
    """Step over the bins of one contig; keep their bounds, and where its reads begin and end."""
    (n_bins,) = struct.unpack_from("<i", data, at)
    at += 4
    bounds: dict[int, int] = {}
    about = ((1 << 3 * (index.depth + 1)) - 1) // 7 + 1  # a bin that is none: it says where the contig lies
    begin, form, size = 0, ("<IQi" if loff else "<Ii"), (16 if loff else 8)
    for _ in range(_small(n_bins)):
        number, *bound, n_chunks = struct.unpack_from(form, data, at)
        at += size
        if n_chunks:
            if number == about:
                _, end = struct.unpack_from("<QQ", data, at)
                index.last = max(index.last, end)
            else:
                (chunk,) = struct.unpack_from("<Q", data, at)
                begin = min(begin or chunk, chunk)
                if bound:
                    bounds[number] = bound[0]
        at += 16 * _small(n_chunks)
    index.first.append(begin)
    return at, bounds, begin


def _small(n: int) -> int:
    """Refuse a number of things that cannot be."""
    if not 0 <= n < 1 << 28:
        raise ValueError
    return n


def _filled(windows: np.ndarray) -> np.ndarray:
    """Give windows without reads the bound of the window before; those in front, of the first that has one."""
    known = np.flatnonzero(windows)
    if not len(known):
        return windows[:0]
    before = np.maximum(np.searchsorted(known, np.arange(len(windows)), side="right") - 1, 0)
    return windows[known[before]]
