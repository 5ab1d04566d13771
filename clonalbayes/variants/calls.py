"""The calls of one file: a row for each alternative allele of each record, and its reads in every sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from .alleles import kind_of, split_mnv, trim
from .vcf import GENERIC, NORMAL

RECORD_COLUMNS = (
    "chrom",
    "pos",
    "ref",
    "alt",
    "kind",
    "caller",
    "filter",
    "asmd",
    "asrd",
    "clpm",
    "id",
    "qual",
    "row",
    "file_pos",
    "file_ref",
    "file_alt",
)
"""Columns of `Calls.frame`; `file_...` is what the file says before alleles are trimmed and moved."""

Pair = tuple[int, int]
Evidence = tuple[float, float, float]
"""ASMD (median alignment score), ASRD (the same by read length), CLPM (median of clipped bases) of alt reads."""

NO_EVIDENCE: Evidence = (np.nan, np.nan, np.nan)


@dataclass
class Calls:
    """The calls of one file.

    Parameters
    ----------
    file
        Name of the file.
    samples
        Names of the samples.
    roles
        `normal`, `tumour` or "" of each.
    generic
        Whether the name of each sample only says what it is (TUMOUR) and not which.
    frame
        The records, see `RECORD_COLUMNS`.
    alt_count, depth
        int32, one row a record, one column a sample, -1 where unknown.
    called
        bool, the same shape: the record is a call in that sample.
    contigs
        Length in bases by contig, as the file states them.
    build
        Genome build, None if unknown.
    notes
        Things to be said aloud.
    digests
        SHA-256 by file name.
    """

    file: str
    samples: list[str]
    roles: list[str]
    generic: list[bool]
    frame: pd.DataFrame
    alt_count: np.ndarray
    depth: np.ndarray
    called: np.ndarray
    contigs: dict[str, int] = field(default_factory=dict)
    build: str | None = None
    notes: list[str] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)

    def keep(self, which: np.ndarray) -> None:
        """Keep some of the records; `which` is boolean, one a record."""
        self.frame = self.frame[which].reset_index(drop=True)
        self.alt_count, self.depth, self.called = self.alt_count[which], self.depth[which], self.called[which]


class Collector:
    """Takes calls one by one while a file is read.

    Parameters
    ----------
    file
        Name of the file.
    samples, roles
        As in `Calls`.
    split_mnv
        Whether substitutions of several bases become one call a base.
    """

    def __init__(self, file: str, samples: Sequence[str], roles: Sequence[str], split_mnv: bool) -> None:
        self.file, self.samples, self.roles = file, list(samples), list(roles)
        self.split_mnv = split_mnv
        self.rows: list[tuple] = []
        self.reads: list[list[Pair]] = []
        self.called: list[list[bool]] = []
        self.left_out: Counter[str] = Counter()
        self.notes: list[str] = []

    def add(
        self,
        site: tuple[str, int, str, str],
        *,
        reads: list[Pair],
        called: list[bool],
        row: int,
        caller: str,
        filter: str = "",
        evidence: Evidence = NO_EVIDENCE,
        id: str = "",
        qual: str = "",
        by_base: list[list[Pair]] | None = None,
    ) -> None:
        """Add one alternative allele.

        Parameters
        ----------
        site
            Chromosome, position, reference and alternative allele as the file has them, upper case.
        reads
            Alt reads and all reads by sample.
        called
            By sample.
        row, caller, filter, evidence, id, qual
            As in `RECORD_COLUMNS`.
        by_base
            Reads of each base of an MNV, by sample, where the caller counts bases.
        """
        chrom, file_pos, file_ref, file_alt = site
        pos, ref, alt = trim(file_pos, file_ref, file_alt)
        parts = [(0, pos, ref, alt)]
        if self.split_mnv and kind_of(ref, alt) == "mnv":
            parts = split_mnv(pos, ref, alt)
        for i, p, r, a in parts:
            counted = reads
            if by_base is not None and len(parts) > 1:
                counted = by_base[i + pos - file_pos]
            self.rows.append(
                (chrom, p, r, a, kind_of(r, a), caller, filter, *evidence, id, qual, row, file_pos, file_ref, file_alt)
            )
            self.reads.append(counted)
            self.called.append(called)

    def finish(self) -> Calls:
        """Return what was collected."""
        frame = pd.DataFrame(self.rows, columns=list(RECORD_COLUMNS))
        for column in ("pos", "row", "file_pos"):
            frame[column] = frame[column].astype(np.int64)
        for column in ("asmd", "asrd", "clpm"):
            frame[column] = frame[column].astype(np.float64)
        shape = (len(self.rows), len(self.samples))
        reads = np.array(self.reads, dtype=np.int32).reshape(*shape, 2)
        called = np.array(self.called, dtype=bool).reshape(shape)
        notes = [*self.notes, *(f"{self.file}: {n} {what}" for what, n in self.left_out.items())]
        generic = [bool(GENERIC.fullmatch(s)) for s in self.samples]
        return Calls(
            self.file, self.samples, self.roles, generic, frame, reads[..., 0], reads[..., 1], called, notes=notes
        )


def is_called(role: str, alone: bool, alt: int, genotype: str, allele: int) -> bool:
    """Say whether a record is a call in one sample.

    A caller of somatic mutations states its calls by writing the record: it is a call in the tumour, and, where
    there are several tumours, in those with an alt read (joint callers give all of them the same genotype and
    filter). Without a matched normal the genotype decides.

    Parameters
    ----------
    role
        `normal`, `tumour` or "".
    alone
        Whether the file has one sample that is no normal.
    alt
        Alt reads, -1 if unknown.
    genotype
        The field GT, "" if there is none.
    allele
        Number of the alternative allele, from 1.
    """
    if role == NORMAL:
        return False
    if alone and role:
        return True
    if not role and genotype:
        return str(allele) in genotype.replace("|", "/").split("/")
    return alone or alt != 0
