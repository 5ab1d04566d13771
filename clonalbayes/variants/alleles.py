"""Alleles of one site: trimmed, moved to the left, split, and told apart by kind.

Positions are 1-based and alleles are those of the forward strand, as in VCF. An indel keeps one base before
it. Left-alignment is that of Tan, Abecasis and Kang (2015), Bioinformatics 31:2202.
"""

from __future__ import annotations

import re
from collections.abc import Callable

BASES = re.compile(r"[ACGTN]+")
REFERENCE_BASES = re.compile(r"[ACGTNRYSWKMBDHV]+")
"""A reference may hold IUPAC codes: GRCh37 has an M and two R."""

STEP = 128
"""Bases that are asked of the reference at a time while an indel moves to the left."""

Site = tuple[int, str, str]
"""Position, reference allele, alternative allele."""


def kind_of(ref: str, alt: str) -> str:
    """Return `snv`, `mnv` or `indel`.

    Parameters
    ----------
    ref, alt
        Trimmed alleles.

    Examples
    --------
    >>> kind_of("A", "T"), kind_of("CC", "TT"), kind_of("A", "AT"), kind_of("ACC", "TT")
    ('snv', 'mnv', 'indel', 'indel')
    """
    if len(ref) != len(alt):
        return "indel"
    return "snv" if len(ref) == 1 else "mnv"


def trim(pos: int, ref: str, alt: str) -> Site:
    """Take off the bases that both alleles share at the end, then at the start; each keeps at least one.

    Parameters
    ----------
    pos, ref, alt
        The site as a caller wrote it.

    Returns
    -------
    tuple
        Position, reference and alternative allele.

    Examples
    --------
    >>> trim(10, "TTC", "TC"), trim(10, "ACG", "ATG"), trim(5, "CAAA", "CA")
    ((10, 'TT', 'T'), (11, 'C', 'T'), (5, 'CAA', 'C'))
    """
    shortest = min(len(ref), len(alt))
    end = 0
    while end < shortest - 1 and ref[-1 - end] == alt[-1 - end]:
        end += 1
    ref, alt = ref[: len(ref) - end], alt[: len(alt) - end]
    start = 0
    while start < min(len(ref), len(alt)) - 1 and ref[start] == alt[start]:
        start += 1
    return pos + start, ref[start:], alt[start:]


def left_align(pos: int, ref: str, alt: str, before: Callable[[int, int], str]) -> Site:
    """Move an indel as far to the left as the reference lets it, and trim it.

    Parameters
    ----------
    pos, ref, alt
        The site.
    before
        Function of a 0-based start and end on the chromosome that returns the reference there, upper case.

    Returns
    -------
    tuple
        Position, reference and alternative allele.

    Examples
    --------
    >>> genome = "GGCACACAT"
    >>> left_align(6, "ACA", "A", lambda start, end: genome[start:end])
    (2, 'GCA', 'G')
    """
    pos, ref, alt = trim(pos, ref, alt)
    if len(ref) == len(alt) or not (ref.startswith(alt[0]) and 1 in (len(ref), len(alt))):
        return pos, ref, alt
    chunk, start = "", pos - 1
    while pos > 1 and ref[-1] == alt[-1]:
        if not chunk:
            end, start = start, max(0, start - STEP)
            chunk = before(start, end)
            if len(chunk) != end - start:
                break
        base, chunk = chunk[-1], chunk[:-1]
        ref, alt, pos = base + ref[:-1], base + alt[:-1], pos - 1
        if base == "N":
            break
    return trim(pos, ref, alt)


def split_mnv(pos: int, ref: str, alt: str) -> list[tuple[int, int, str, str]]:
    """Split alleles of one length into single substitutions.

    Parameters
    ----------
    pos, ref, alt
        The site.

    Returns
    -------
    list of tuple
        Place within the alleles, position, reference base, alternative base; equal bases are left out.

    Examples
    --------
    >>> split_mnv(10, "CAG", "TAA")
    [(0, 10, 'C', 'T'), (2, 12, 'G', 'A')]
    """
    return [(i, pos + i, r, a) for i, (r, a) in enumerate(zip(ref, alt, strict=True)) if r != a]
