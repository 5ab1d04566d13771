"""The sites to count: read from a VCF or a table, checked against the reference, and laid out for compiled code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clonalbayes.data.readers.columns import ALIASES
from clonalbayes.data.readers.text import TextFile, guess_separator, read_text
from clonalbayes.faults import FaultList, fail
from clonalbayes.variants.fasta import Reference

from .layout import AFTER, ALT_AT, ALT_SIZE, BEFORE, GAP, KIND, LEFT, MNV, REF_AT, RIGHT, SITE_WIDTH, SNV

FLANK = 64
"""Bases on each side of an indel that are compared near the ends of reads."""
FURTHEST = 1000
"""Bases that an indel is moved at most among its equivalent places."""
WINDOW = 1 << 10

BASES = re.compile(r"[ACGTN]+", re.IGNORECASE)
NAMED = re.compile(r"(?P<chrom>.+):(?P<pos>\d+):(?P<ref>[ACGTN]+)>(?P<alt>[ACGTN]+)", re.IGNORECASE)
WANTED = "Give a VCF, or a table with the columns chrom, pos, ref and alt (alleles as in a VCF)."
KINDS = {SNV: "snv", MNV: "mnv", GAP: "indel"}
CODE = np.full(256, 15, np.uint8)
CODE[np.frombuffer(b"ACGT", np.uint8)] = (1, 2, 4, 8)


@dataclass(frozen=True)
class Site:
    """One site as the input names it: contig, position from 1, alleles as in a VCF, and its row in the file."""

    chrom: str
    pos: int
    ref: str
    alt: str
    row: int

    @property
    def name(self) -> str:
        """Identifier of the mutation."""
        return f"{self.chrom}:{self.pos}:{self.ref}>{self.alt}"


@dataclass(frozen=True)
class Sites:
    """Sites sorted by the reference.

    Parameters
    ----------
    sites
        The sites.
    contig
        [n] contig of each one, by its name in the reference.
    table
        int64 [n, SITE_WIDTH], see `layout`.
    codes
        uint8, the alleles as 4-bit codes.
    lengths
        Bases of each contig of the reference.
    notes
        What a user should know.
    """

    sites: list[Site]
    contig: list[str]
    table: np.ndarray
    codes: np.ndarray
    lengths: dict[str, int]
    notes: list[str]

    def __len__(self) -> int:
        """Count the sites."""
        return len(self.sites)


def read_sites(path: Path) -> list[Site]:
    """Read sites from a VCF or a table.

    Parameters
    ----------
    path
        The file, packed with gzip or not. A table has the columns chrom, pos, ref and alt (or names like them), or
        a mutation written ``chrom:pos:ref>alt``; without a header these are its first four columns.

    Returns
    -------
    list of Site
        In the order of the file; a site that is listed several times comes once.

    Raises
    ------
    InputError
        With every row that is no site.
    """
    source = read_text(path)
    faults = FaultList()
    rows = _vcf_rows(source) if source.data.startswith((b"##fileformat=VCF", b"#CHROM\t")) else _table_rows(source)
    found: dict[tuple[str, int, str, str], Site] = {}
    for row, chrom, pos, ref, alts in rows:
        for alt in alts.split(","):
            site = _site(source.name, row, (chrom, pos, ref, alt), faults)
            if site:
                found.setdefault((site.chrom, site.pos, site.ref, site.alt), site)
    faults.raise_if_any()
    if not found:
        raise fail(source.name, "the file lists no site", WANTED)
    return list(found.values())


type Row = tuple[int, str, str, str, str]


def _lines(source: TextFile) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(source.data.decode("utf-8").split("\n"), start=1):
        if line.strip():
            yield number, line


def _vcf_rows(source: TextFile) -> Iterator[Row]:
    for number, line in _lines(source):
        if line.startswith("#"):
            continue
        cells = line.split("\t", 5)
        if len(cells) < 5:
            raise fail(source.name, "the line is not one of a VCF", "Copy the file again.", row=number)
        yield number, cells[0], cells[1], cells[3], cells[4]


def _table_rows(source: TextFile) -> Iterator[Row]:
    lines: Iterator[tuple[int, str]] = ((n, x) for n, x in _lines(source) if not x.startswith("##"))
    number, header = next(lines, (1, ""))
    separator = guess_separator(header)
    names = [cell.strip().strip('"') for cell in header.lstrip("#").split(separator)]
    places = _columns(names)
    if places is None:
        if len(names) < 4 or not (names[1].isdigit() and BASES.fullmatch(names[2])):
            raise fail(source.name, "the columns chrom, pos, ref and alt are not there", WANTED, row=number)
        places = [0, 1, 2, 3]
        lines = _lines(source)
    for number, line in lines:
        cells = [cell.strip().strip('"') for cell in line.split(separator)]
        if len(cells) <= max(places):
            raise fail(source.name, "the row has too few cells", "Correct the row.", row=number)
        if len(places) == 4:
            chrom, pos, ref, alt = (cells[p] for p in places)
        else:
            parts = NAMED.fullmatch(cells[places[0]])
            chrom, pos, ref, alt = (
                parts.group("chrom", "pos", "ref", "alt") if parts else (cells[places[0]], "", "", "")
            )
        yield number, chrom, pos, ref, alt


def _columns(names: list[str]) -> list[int] | None:
    """Find the columns of the site, or of the mutation's name."""
    lowered = [name.lower() for name in names]
    found = []
    for variable in ("chrom", "pos", "ref", "alt"):
        known = [lowered.index(alias) for alias in ALIASES[variable] if alias in lowered]
        found += known[:1]
    if len(found) == 4:
        return found
    return [lowered.index(a) for a in ALIASES["mutation"] if a in lowered][:1] or None


def _site(file: str, row: int, cells: tuple[str, str, str, str], faults: FaultList) -> Site | None:
    chrom, pos, ref, alt = cells
    if not (chrom and re.fullmatch(r"\d{1,10}", pos) and int(pos) > 0):
        faults.add(file, "this is no position", WANTED, row=row, value=":".join(c for c in cells[:2] if c))
        return None
    for allele, letters in ((ref, "ACGTN"), (alt, "ACGT")):
        if not re.fullmatch(f"[{letters}]+", allele, re.IGNORECASE):
            remedy = "Alleles are bases; an indel has the base before it, as in a VCF. Nothing else is counted."
            faults.add(file, "the allele is not made of bases", remedy, row=row, value=allele)
            return None
    if ref.upper() == alt.upper():
        faults.add(file, "the two alleles are the same", "Correct the row.", row=row, value=f"{ref}>{alt}")
        return None
    return Site(chrom, int(pos), ref.upper(), alt.upper(), row)


class _Genome:
    """Stretches of the reference, fetched with what lies around them."""

    def __init__(self, reference: Reference) -> None:
        self.reference = reference
        self.contig, self.start, self.text = "", 0, ""

    def get(self, contig: str, start: int, end: int) -> str:
        start = max(start, 0)
        inside = self.start <= start and end <= self.start + len(self.text)
        if contig != self.contig or not inside:
            first = max(start - FURTHEST - 2 * FLANK, 0)
            self.text = self.reference.fetch(contig, first, max(end, first + WINDOW))
            self.contig, self.start = contig, first
        return self.text[start - self.start : end - self.start]


def prepare(sites: list[Site], reference: Reference, file: str) -> Sites:
    """Check sites against the reference and lay them out.

    Parameters
    ----------
    sites
        The sites.
    reference
        The genome.
    file
        Where they are from, for messages.

    Returns
    -------
    Sites
        Sorted by the order of the reference.

    Raises
    ------
    InputError
        With every site whose contig or reference allele is not that of the reference.
    """
    faults = FaultList()
    placed = []
    for site in sites:
        contig = reference.resolve(site.chrom)
        if contig is None:
            faults.add(
                file, f"the contig is not in {reference.name}", "Give the reference that the sites were called on.",
                row=site.row, value=site.chrom,
            )  # fmt: skip
        else:
            placed.append((reference.order(contig), site.pos, site.ref, site.alt, contig, site))
    placed.sort(key=lambda p: p[:4])
    genome = _Genome(reference)
    rows, alleles, at = [], [], 0
    for *_, contig, site in placed:
        held = genome.get(contig, site.pos - 1, site.pos - 1 + len(site.ref))
        if any(h != r and h in "ACGT" for h, r in zip(held, site.ref, strict=False)) or len(held) < len(site.ref):
            faults.add(
                file, f"the reference allele is not what {reference.name} has there ({held or 'nothing'})",
                "Give the reference that the sites were called on, or correct the row.", row=site.row, value=site.name,
            )  # fmt: skip
            continue
        row, codes = _laid_out(site, contig, genome, at)
        rows.append((row, contig, site))
        alleles.append(codes)
        at += len(codes)
    faults.raise_if_any()
    rows_at = sorted(range(len(rows)), key=lambda i: (reference.order(rows[i][1]), rows[i][0][LEFT]))
    rows = [rows[i] for i in rows_at]
    return Sites(
        [r[2] for r in rows], [r[1] for r in rows], np.array([r[0] for r in rows], np.int64).reshape(-1, SITE_WIDTH),
        CODE[np.frombuffer("".join(alleles).encode(), np.uint8)], dict(reference.lengths), [],
    )  # fmt: skip


def _laid_out(site: Site, contig: str, genome: _Genome, at: int) -> tuple[list[int], str]:
    """Return the row of a site and its alleles: flank, reference, flank, alternative."""
    first, removed, added = _trimmed(site)
    kind = GAP if len(removed) != len(added) else SNV if len(removed) == 1 else MNV
    row = [0] * SITE_WIDTH
    if kind != GAP:
        row[LEFT], row[RIGHT], row[KIND] = first, first + len(removed), kind
        row[REF_AT], row[ALT_AT], row[ALT_SIZE] = at, at + len(removed), len(added)
        return row, removed + added
    left, right = _equivalent(first, removed, added, contig, genome)
    end = right + len(removed)
    window = genome.get(contig, left, end)
    other = window[: first - left] + added + window[first - left + len(removed) :]
    before, after = genome.get(contig, left - FLANK, left), genome.get(contig, end, end + FLANK)
    row[LEFT], row[RIGHT], row[KIND], row[REF_AT] = left, end, kind, at + len(before)
    row[ALT_AT], row[ALT_SIZE] = at + len(before) + len(window) + len(after), len(other)
    row[BEFORE], row[AFTER] = len(before), len(after)
    return row, before + window + after + other


def _trimmed(site: Site) -> tuple[int, str, str]:
    """Take off the bases that both alleles share; return place from 0, removed and added bases."""
    first, ref, alt = site.pos - 1, site.ref, site.alt
    while ref and alt and ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
    while ref and alt and ref[0] == alt[0]:
        ref, alt, first = ref[1:], alt[1:], first + 1
    return first, ref, alt


def _equivalent(first: int, removed: str, added: str, contig: str, genome: _Genome) -> tuple[int, int]:
    """Return the leftmost and rightmost place of a gap that make the same sequence."""
    if removed and added:
        return first, first
    unit, size = removed or added, len(removed)
    left = right = first
    turned = unit
    while left > max(first - FURTHEST, 0) and genome.get(contig, left - 1, left) == turned[-1]:
        turned = turned[-1] + turned[:-1]
        left -= 1
    turned = unit
    while right < first + FURTHEST and genome.get(contig, right + size, right + size + 1) == turned[0]:
        turned = turned[1:] + turned[0]
        right += 1
    return left, right
