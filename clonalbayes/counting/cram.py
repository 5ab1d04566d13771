"""A CRAM file: htslib unpacks the reads at the sites into a temporary BAM file, which is read like any other."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clonalbayes.faults import fail

from .bam import COPY, REINDEX, AlignmentFile, Header, check_order, find_index, read_header
from .blocks import Blocks
from .feed import Feed

MAGIC = b"CRAM"
END_MARK = b"EOF"
NEAR = 2_000
"""Sites less than so many bases apart are asked for together."""

WRONG_REFERENCE = "Give --reference the FASTA that the CRAM file was written with."


@dataclass
class CramFile(AlignmentFile):
    """A CRAM file with the FASTA to decode it with."""

    reference: Path

    def feed(self, contig: int, places: list[tuple[int, int]]) -> Feed:
        """Unpack the reads of one contig that lie over the places.

        Parameters
        ----------
        contig
            Index of the contig.
        places
            First and last place of each site, sorted.

        Raises
        ------
        InputError
            If the file cannot be decoded.
        """
        name, length = list(self.header.lengths.items())[contig]
        handle, made = tempfile.mkstemp(suffix=".bam")
        os.close(handle)
        try:
            with opened(self.path, self.reference) as cram, _writer(made, cram) as out:
                before = 0
                for start, end in stretches(places, length):
                    for read in cram.fetch(name, start, end):
                        if read.reference_start >= before:  # the others came with the stretch before
                            out.write(read)
                    before = end
            blocks = Blocks(Path(made))
            return Feed(blocks, None, contig, read_header(blocks).rest)
        except (OSError, ValueError) as error:
            raise self._undecodable(error) from None
        finally:
            os.unlink(made)  # stays readable for whoever has it open

    def _undecodable(self, error: Exception) -> Exception:
        return fail(
            self.name, f"the CRAM file cannot be decoded with {self.reference.name}", WRONG_REFERENCE,
            value=str(error),
        )  # fmt: skip


def stretches(places: list[tuple[int, int]], length: int) -> Iterator[tuple[int, int]]:
    """Join places that lie near each other.

    Parameters
    ----------
    places
        First and last place of each site, sorted.
    length
        Of the contig.

    Examples
    --------
    >>> list(stretches([(5, 6), (900, 902), (9000, 9001)], 10_000))
    [(4, 903), (8999, 9002)]
    """
    start, end = -1, -1
    for first, last in places:
        if start >= 0 and first - 1 > end + NEAR:
            yield start, end
            start = -1
        if start < 0:
            start = max(first - 1, 0)
        end = min(max(end, last + 1), length)
    if start >= 0:
        yield start, end


@contextmanager
def opened(path: Path, reference: Path) -> Iterator[Any]:
    """Open a CRAM file quietly, and without looking for a reference anywhere but on this machine."""
    import pysam

    os.environ.setdefault("REF_PATH", ":")
    said = pysam.set_verbosity(0)
    try:
        with pysam.AlignmentFile(str(path), "rc", reference_filename=str(reference)) as cram:
            yield cram
    finally:
        pysam.set_verbosity(said)


@contextmanager
def _writer(path: str, template: Any) -> Iterator[Any]:
    import pysam

    with pysam.AlignmentFile(path, "wbu", template=template) as out:
        yield out


def open_cram(path: Path, reference: Path) -> CramFile:
    """Look at a CRAM file: whether it is whole, sorted and indexed.

    Parameters
    ----------
    path
        The file.
    reference
        The FASTA to decode it with.

    Returns
    -------
    CramFile

    Raises
    ------
    InputError
        If it cannot be counted.
    """
    try:
        import pysam  # noqa: F401
    except ImportError:
        remedy = "Install it: `pip install clonalbayes[sequencing]`; or convert the file with `samtools view -b`."
        raise fail(path.name, "reading CRAM needs the package pysam", remedy) from None
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(size - 38, 0))
        whole = END_MARK in stream.read()
    if not whole:
        raise fail(path.name, "the CRAM file is truncated: the container that ends it is not there", COPY)
    if not reference.with_name(reference.name + ".fai").is_file():  # htslib would write one
        raise fail(reference.name, "reading CRAM needs the index of the reference", "Make it with `samtools faidx`.")
    where = find_index(path, (".crai",))
    try:
        with opened(path, reference) as cram:
            header = Header(dict(zip(cram.references, cram.lengths, strict=True)), str(cram.header))
            usable = cram.has_index()
    except (OSError, ValueError) as error:
        raise fail(path.name, "the CRAM file is damaged", COPY, value=str(error)) from None
    if not usable:
        raise fail(where.name, "the index cannot be read", REINDEX)
    check_order(path, header, "CRAM")
    found = CramFile(path, header, reference, leap=False)
    if where.stat().st_mtime < path.stat().st_mtime:
        found.notes.append(f"{where.name} is older than {path.name}")
    return found
