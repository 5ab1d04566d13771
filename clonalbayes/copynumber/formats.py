"""Which caller wrote a file, told by its content."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from clonalbayes.data.readers.columns import plain
from clonalbayes.data.readers.text import TextFile, guess_separator, header_names, split_line
from clonalbayes.faults import FaultList, fail

from . import callers
from .purity import PURITY_FORMATS

CAVEMAN_FIELDS = 8


@dataclass(frozen=True)
class SegmentFormat:
    """One caller's table of segments.

    Parameters
    ----------
    meaning
        What it is, for messages.
    needs
        Columns by which it is known, in the form of `plain`; of a tuple any one will do.
    read
        Reads it: the file, the list of faults and the list of notes in, a table of segments out.
    """

    meaning: str
    needs: tuple[str | tuple[str, ...], ...]
    read: Callable[[TextFile, FaultList, list[str]], pd.DataFrame]


_CHROM = callers.CHROM
_START = callers.START

SEGMENT_FORMATS: dict[str, SegmentFormat] = {
    "battenberg": SegmentFormat(
        "Battenberg subclones", (_CHROM, _START, "nmaj1_a", "nmin1_a", "frac1_a"), callers.battenberg
    ),
    "facets": SegmentFormat(
        "FACETS segments", (_CHROM, _START, ("tcn_em", "tcn"), ("lcn_em", "lcn")), callers.facets
    ),
    "facets-vcf": SegmentFormat("FACETS segments as VCF (cnv_facets)", (), callers.facets_vcf),
    "purple": SegmentFormat(
        "PURPLE purple.cnv.somatic.tsv",
        (
            _CHROM, _START, "copynumber",
            ("minorallelecopynumber", "minoralleleploidy", "baf", "observedbaf", "actualbaf", "bafcount"),
        ),
        callers.purple,
    ),
    "sequenza": SegmentFormat(
        "Sequenza segments", (_CHROM, "start_pos", "end_pos", "cnt", "a", "b"), callers.sequenza
    ),
    "ascat": SegmentFormat("ASCAT segments", (_CHROM, _START, "nmajor", "nminor"), callers.ascat),
    "ascat-caveman": SegmentFormat("ASCAT copynumber.caveman.csv", (), callers.caveman),
    "generic": SegmentFormat(
        "segments (chrom, start, end, major_cn, minor_cn)",
        (_CHROM, _START, callers.MAJOR + callers.TOTAL),
        callers.generic,
    ),
}  # fmt: skip
"""The formats by name, in the order in which they are tried."""


def header_of(source: TextFile) -> set[str]:
    """Names of the columns in the form of `plain`."""
    return {plain(name) for name in header_names(source)}


def recognise(source: TextFile) -> str:
    """Return the name of the format, one of `SEGMENT_FORMATS` or `purity.PURITY_FORMATS`.

    Raises
    ------
    InputError
        If it is none of them.
    """
    header = header_of(source)
    for name, known in SEGMENT_FORMATS.items():
        own = TELLERS.get(name)
        if own(source) if own is not None else _has(header, known.needs):
            return name
    for name, purity in PURITY_FORMATS.items():
        if purity.accepts(source, header):
            return name
    meanings = [f.meaning for f in SEGMENT_FORMATS.values()] + [f.meaning for f in PURITY_FORMATS.values()]
    known_ones = ", ".join(meanings)
    raise fail(
        source.name, "the content is of no known format of copy number or purity",
        f"Known are: {known_ones}. The header has: {', '.join(sorted(header)[:15])}.",
    )  # fmt: skip


def _has(header: set[str], needs: tuple[str | tuple[str, ...], ...]) -> bool:
    return all(bool({need} & header) if isinstance(need, str) else bool(set(need) & header) for need in needs)


def is_caveman(source: TextFile) -> bool:
    """Whether a file is ASCAT's table without a header: eight fields, numbers but for the chromosome."""
    lines = [line for line in source.head(20) if line.strip()]
    rows = [split_line(line, guess_separator(line)) for line in lines]
    return bool(rows) and sum(_is_caveman_row(row) for row in rows) >= max(1, 0.8 * len(rows))


def is_facets_vcf(source: TextFile) -> bool:
    """Whether a file is the VCF of cnv_facets."""
    head = source.head(400)
    return head[0].startswith("##fileformat=VCF") and any("TCN_EM" in line for line in head)


TELLERS: dict[str, Callable[[TextFile], bool]] = {"ascat-caveman": is_caveman, "facets-vcf": is_facets_vcf}
"""Formats that are not known by the names of their columns."""


def _is_caveman_row(row: list[str]) -> bool:
    numbers = [field.strip() for i, field in enumerate(row) if i != 1]
    return len(row) == CAVEMAN_FIELDS and all(n.lstrip("-").isdigit() for n in numbers)
