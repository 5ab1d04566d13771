"""Molecules with insertions and deletions, and how their reads align."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clonalbayes.simulate.fragments import Library, Variant

MATCH, INSERT, DELETE, CLIP = 0, 1, 2, 4
INSERTED = -1


@dataclass(frozen=True)
class Aligned:
    """One aligned read.

    Attributes
    ----------
    pos
        First aligned base of the contig, from 0.
    cigar
        Pairs of length and operation, as in BAM.
    bases
        The read's bases as ASCII, without errors.
    place
        Place on the contig of each base; -1 where it is inserted or clipped.
    """

    pos: int
    cigar: tuple[tuple[int, int], ...]
    bases: np.ndarray
    place: np.ndarray


def is_gapped(variant: Variant) -> bool:
    """Whether a variant changes the length."""
    return len(variant[2]) != len(variant[3])


def align(
    contig: np.ndarray,
    start: int,
    length: int,
    variants: Sequence[Variant],
    library: Library,
    rng: np.random.Generator,
) -> tuple[Aligned, Aligned]:
    """Align the two reads of a molecule that carries variants.

    Parameters
    ----------
    contig
        Its bases as ASCII.
    start, length
        The molecule on the reference; it is prolonged by what it has lost.
    variants
        What it carries; they do not overlap.
    library
        Read length, anchor and whether gaps are shuffled.
    rng
        Source of randomness.
    """
    lost = sum(max(len(ref) - len(alt), 0) for _, _, ref, alt in variants)
    end = min(start + length + lost, len(contig))
    bases, places, at = [], [], start
    for variant in sorted(variants, key=lambda v: v[1]):
        first, removed, added = _edit(contig, variant, library, rng)
        if first < at:
            continue
        both = min(removed, len(added))
        bases += [contig[at:first], added]
        places += [np.arange(at, first), np.arange(first, first + both), np.full(len(added) - both, INSERTED)]
        at = first + removed
    bases.append(contig[at:end])
    places.append(np.arange(at, end))
    molecule, place = np.concatenate(bases), np.concatenate(places)
    width = library.read_length
    last = min(length, len(molecule))
    before = max(last - width, 0)
    return (
        _read(molecule[:width], place[:width], library.anchor),
        _read(molecule[before:last], place[before:last], library.anchor),
    )


def _edit(
    contig: np.ndarray, variant: Variant, library: Library, rng: np.random.Generator
) -> tuple[int, int, np.ndarray]:
    """Return place, number of removed bases and added bases of a variant, trimmed and placed."""
    _, pos, ref, alt = variant
    first = pos - 1
    while ref and alt and ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
    while ref and alt and ref[0] == alt[0]:
        ref, alt, first = ref[1:], alt[1:], first + 1
    added = np.frombuffer(alt.encode(), np.uint8)
    if library.shuffle_gaps and not (ref and alt):
        first, added = _shifted(contig, first, len(ref), added, rng)
    return first, len(ref), added


def _shifted(
    contig: np.ndarray, first: int, removed: int, added: np.ndarray, rng: np.random.Generator
) -> tuple[int, np.ndarray]:
    """Move a gap to a random one of its equivalent places to the right."""
    choices = [(first, added)]
    while first + removed < len(contig) - 1:
        leaving = contig[first] if removed else added[0]
        if contig[first + removed] != leaving:
            break
        first, added = first + 1, np.roll(added, -1)
        choices.append((first, added))
    return choices[int(rng.integers(len(choices)))]


def _read(bases: np.ndarray, place: np.ndarray, anchor: int) -> Aligned:
    """Align one read; gaps too near to its ends are clipped off."""
    place = place.copy()
    breaks = np.flatnonzero((np.diff(place) != 1) | (place[1:] == INSERTED)) + 1
    if len(breaks):
        if breaks[0] < anchor or place[0] == INSERTED:
            place[: breaks[0]] = INSERTED
        if len(place) - breaks[-1] < anchor or place[-1] == INSERTED:
            place[breaks[-1] :] = INSERTED
    aligned = np.flatnonzero(place != INSERTED)
    cigar: list[tuple[int, int]] = [(int(aligned[0]), CLIP)] if aligned[0] else []
    run_start = before = int(aligned[0])
    for i in aligned[1:].tolist():
        inserted, deleted = i - before - 1, int(place[i] - place[before]) - 1
        if inserted or deleted:
            cigar.append((before - run_start + 1, MATCH))
            cigar += [(n, op) for n, op in ((inserted, INSERT), (deleted, DELETE)) if n]
            run_start = i
        before = i
    cigar.append((before - run_start + 1, MATCH))
    if before < len(place) - 1:
        cigar.append((len(place) - 1 - before, CLIP))
    return Aligned(int(place[aligned[0]]), tuple(cigar), bases, place)
