"""Molecules of a sequencing library: a made-up reference, variants on it, and the fragments that carry them.

The first half of the simulated BAM: `draw_reference` makes a small genome, `draw_fragments` cuts it into
molecules and decides which variant each one carries. `clonalbayes.simulate.alignments.simulate_bam` sequences
and aligns them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from clonalbayes.faults import fail

BASES = np.frombuffer(b"ACGT", np.uint8)
NORMAL, DUPLICATE, ORPHAN, SECONDARY, SUPPLEMENTARY, CLIPPED, MISALIGNED, QC_FAIL = range(8)
"""What becomes of a fragment's reads: see `Library`."""

CLIP = 20
"""Bases that are soft-clipped from both reads of a clipped fragment."""

type Variant = tuple[str, int, str, str]
"""Contig, position from 1, reference allele, alternative allele; alleles as in a VCF."""


@dataclass(frozen=True)
class Library:
    """How molecules are cut, sequenced and aligned.

    Parameters
    ----------
    read_length
        Bases of each of the two reads.
    insert_mean, insert_sd
        Length of a molecule, in bases; pairs shorter than two reads overlap.
    qualities, mapping_qualities
        Phred values and their shares. A base of quality q is wrong with probability 10^(-q/10).
    duplicates, orphans, secondary, supplementary, clipped, misaligned, qc_fail
        Shares of the fragments whose reads are flagged duplicate; have no mapped mate; are flagged secondary or
        supplementary; are soft-clipped by 20 bases; carry a false 2-base deletion in their alignment, so that
        half of the read is misaligned; fail quality control.
    anchor
        A gap with fewer than so many bases between it and the end of the read is soft-clipped, as an aligner
        would do.
    shuffle_gaps
        Whether a gap lies anywhere among its equivalent places in a repeat, and not always leftmost.
    """

    read_length: int = 150
    insert_mean: float = 420.0
    insert_sd: float = 60.0
    qualities: tuple[tuple[int, float], ...] = ((37, 0.85), (25, 0.10), (11, 0.05))
    mapping_qualities: tuple[tuple[int, float], ...] = ((60, 0.95), (35, 0.03), (10, 0.02))
    duplicates: float = 0.01
    orphans: float = 0.01
    secondary: float = 0.005
    supplementary: float = 0.005
    clipped: float = 0.01
    misaligned: float = 0.0
    qc_fail: float = 0.0
    anchor: int = 6
    shuffle_gaps: bool = False


@dataclass(frozen=True)
class Fragments:
    """Molecules of one sample, sorted by contig and start.

    Parameters
    ----------
    contig
        [n] index into the reference's contigs, in their order.
    start, length
        [n] first base, from 0, and number of bases on the reference.
    kind
        [n] what becomes of the reads: NORMAL, DUPLICATE, ORPHAN, ...
    variants
        The variants that a molecule may carry.
    carrier, carried
        [c] pairs of molecule and variant: molecule `carrier[j]` carries variant `carried[j]`.
    library
        How they are sequenced.
    """

    contig: np.ndarray
    start: np.ndarray
    length: np.ndarray
    kind: np.ndarray
    variants: tuple[Variant, ...]
    carrier: np.ndarray
    carried: np.ndarray
    library: Library = field(default_factory=Library)

    def __len__(self) -> int:
        """Count the molecules."""
        return len(self.start)


def draw_reference(lengths: Mapping[str, int], rng: np.random.Generator, *, repeats: int = 0) -> dict[str, np.ndarray]:
    """Draw a genome of independent bases, with short repeats if asked for.

    Parameters
    ----------
    lengths
        Contig -> number of bases.
    rng
        Source of randomness.
    repeats
        Repeats of 1-3 bases, 6-20 bases long, put into each contig.

    Returns
    -------
    dict
        Contig -> its bases as ASCII, uint8.
    """
    reference = {}
    for name, length in lengths.items():
        bases = BASES[rng.integers(0, 4, length)]
        for start in rng.integers(0, max(length - 30, 1), repeats):
            unit = BASES[rng.integers(0, 4, rng.integers(1, 4))]
            run = int(rng.integers(6, 21))
            bases[start : start + run] = np.resize(unit, run)[: length - start]
        reference[name] = bases
    return reference


def write_reference(path: Path, reference: Mapping[str, np.ndarray]) -> Path:
    """Write a genome as FASTA, lines of 60 bases, with its index beside it.

    Parameters
    ----------
    path
        The file; ``path.fai`` is written too.
    reference
        Contig -> its bases as ASCII, uint8.
    """
    import pysam

    with path.open("wb") as out:
        for name, bases in reference.items():
            out.write(b">" + name.encode() + b"\n")
            for at in range(0, len(bases), 60):
                out.write(bases[at : at + 60].tobytes() + b"\n")
    pysam.faidx(str(path))
    return path


def draw_fragments(
    reference: Mapping[str, np.ndarray],
    variants: Sequence[Variant],
    vaf: Sequence[float] | np.ndarray,
    depth: float,
    rng: np.random.Generator,
    *,
    library: Library | None = None,
    regions: Sequence[tuple[str, int, int, float]] | None = None,
) -> Fragments:
    """Cut molecules at random and decide which variants each one carries.

    Parameters
    ----------
    reference
        Contig -> its bases as ASCII, uint8.
    variants
        Contig, position, reference and alternative allele of each variant; they must not overlap one another.
    vaf
        [v] chance that a molecule over the variant carries it; molecules decide for each variant on their own.
    depth
        Mean number of reads over a base.
    rng
        Source of randomness.
    library
        How molecules are cut and sequenced.
    regions
        Contig, start (from 0), end and depth of stretches in which molecules start; None = every contig, at
        `depth`. Copy-number changes are drawn as regions of their own depth.

    Returns
    -------
    Fragments

    Raises
    ------
    InputError
        If a variant's reference allele is not what the reference holds, or a region is shorter than a molecule.
    """
    library = library or Library()
    names = list(reference)
    _check(reference, variants)
    if regions is None:
        regions = [(name, 0, len(bases), depth) for name, bases in reference.items()]
    parts = [_cut(reference, region, library, rng) for region in regions]
    start = np.concatenate([p[0] for p in parts])
    length = np.concatenate([p[1] for p in parts])
    contig = np.repeat([names.index(r[0]) for r in regions], [len(p[0]) for p in parts])
    order = np.lexsort((start, contig))
    contig, start, length = contig[order], start[order], length[order]
    carrier, carried = _carry(names, variants, np.asarray(vaf, float), contig, start, length, rng)
    shares = [library.duplicates, library.orphans, library.secondary, library.supplementary]
    shares += [library.clipped, library.misaligned, library.qc_fail]
    kind = np.searchsorted(np.cumsum(shares), rng.random(len(start)), side="right")
    kind = np.where(kind == len(shares), NORMAL, kind + 1).astype(np.uint8)
    return Fragments(contig, start, length, kind, tuple(variants), carrier, carried, library)


def _check(reference: Mapping[str, np.ndarray], variants: Sequence[Variant]) -> None:
    for chrom, pos, ref, alt in variants:
        held = reference[chrom][pos - 1 : pos - 1 + len(ref)].tobytes().decode()
        if held != ref:
            raise fail("simulation", f"{chrom}:{pos}:{ref}>{alt}: the reference holds {held}", "Correct it.")


def _cut(
    reference: Mapping[str, np.ndarray],
    region: tuple[str, int, int, float],
    library: Library,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw start and length of the molecules that begin in one stretch."""
    chrom, first, last, depth = region
    end = len(reference[chrom])
    shortest = library.read_length + 10
    if end < shortest + 1:
        raise fail("simulation", f"{chrom} is shorter than a molecule", "Make it longer, or the reads shorter.")
    n = rng.poisson((last - first) * depth / (2 * library.read_length))
    length = np.maximum(rng.normal(library.insert_mean, library.insert_sd, n), shortest).astype(np.int64)
    length = np.minimum(length, end)
    start = np.minimum(rng.integers(first, max(last, first + 1), n), end - length)
    return start, length


def _carry(
    names: list[str],
    variants: Sequence[Variant],
    vaf: np.ndarray,
    contig: np.ndarray,
    start: np.ndarray,
    length: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw, for each variant, which of the molecules that hold its first base and the next carry it."""
    carriers, carried = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    longest = int(length.max(initial=0))
    bounds = np.searchsorted(contig, np.arange(len(names) + 1))
    for v, (chrom, pos, _, _) in enumerate(variants):
        c = names.index(chrom)
        of_contig = start[bounds[c] : bounds[c + 1]]
        low = bounds[c] + np.searchsorted(of_contig, pos - 1 - longest)
        high = bounds[c] + np.searchsorted(of_contig, pos - 1)
        i = np.arange(low, high)
        inside = i[(start[i] + length[i] > pos + 1) & (rng.random(len(i)) < vaf[v])]
        carriers.append(inside)
        carried.append(np.full(len(inside), v))
    return np.concatenate(carriers), np.concatenate(carried)
