"""A miniature of the genome: every chromosome to scale, so that whole patients fit into small files.

One base here stands for many there; arms, and with them copy-number events, keep their places.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clonalbayes.simulate.fragments import BASES, Variant
from clonalbayes.simulate.genome import ARMS

SCALE = 16_000
"""Bases of the genome that one base stands for."""

MARGIN = 160
"""Bases at either end of an arm that hold no site: reads are thinner there."""

APART = 15
"""Least distance of two sites."""

CPG_SHARE = 0.2
INDEL_SHARE = 0.06
LONGEST_INDEL = 5


@dataclass(frozen=True)
class Miniature:
    """A small genome with sites on it.

    Attributes
    ----------
    reference
        Contig -> its bases as ASCII.
    arm
        [n] index into `genome.ARMS` of each site.
    variants
        [n] the variants, in order of place.
    kind
        [n] snv or indel.
    """

    reference: dict[str, np.ndarray]
    arm: np.ndarray
    variants: tuple[Variant, ...]
    kind: tuple[str, ...]

    @property
    def ids(self) -> list[str]:
        """Identifiers of the variants, ``chrom:pos:ref>alt``."""
        return [f"{c}:{p}:{r}>{a}" for c, p, r, a in self.variants]


def arm_span(name: str) -> tuple[str, int, int]:
    """Return contig, first base (from 0) and end of an arm in the miniature."""
    chromosome, low, high = ARMS[name]
    return f"chr{chromosome}", low // SCALE, high // SCALE


def draw_miniature(n: int, rng: np.random.Generator) -> Miniature:
    """Draw the genome and its sites.

    Parameters
    ----------
    n
        Sites: substitutions, as often at C as in cancer genomes and C>T at CpG most often, and some indels.
    rng
        Source of randomness.
    """
    lengths: dict[str, int] = {}
    for chromosome, _, high in ARMS.values():
        name = f"chr{chromosome}"
        lengths[name] = max(lengths.get(name, 0), high // SCALE)
    reference = {name: BASES[rng.integers(0, 4, length)] for name, length in lengths.items()}
    arms, places = _places(n, rng)
    variants, kinds = [], []
    for arm, place in zip(arms, places, strict=True):
        bases = reference[arm_span(arm)[0]]
        ref, alt = _indel(bases, place, rng) if rng.random() < INDEL_SHARE else _substitution(bases, place, rng)
        variants.append((arm_span(arm)[0], place + 1, ref, alt))
        kinds.append("snv" if len(ref) == len(alt) else "indel")
    index = {name: i for i, name in enumerate(ARMS)}
    return Miniature(reference, np.array([index[arm] for arm in arms]), tuple(variants), tuple(kinds))


def _places(n: int, rng: np.random.Generator) -> tuple[list[str], list[int]]:
    """Draw arms and places (from 0) that keep their distance, in order of the genome."""
    open_: list[tuple[str, int]] = []
    for name in ARMS:
        _, low, high = arm_span(name)
        slots = np.arange(low + MARGIN, high - MARGIN, 2 * APART)
        open_ += [(name, int(slot)) for slot in slots]
    chosen = np.sort(rng.choice(len(open_), n, replace=False))
    shift = rng.integers(0, APART, n)
    arms = [open_[i][0] for i in chosen]
    return arms, [open_[i][1] + int(s) for i, s in zip(chosen, shift, strict=True)]


def _substitution(bases: np.ndarray, place: int, rng: np.random.Generator) -> tuple[str, str]:
    """Put a substitution and its context into the genome; half of them lie on the other strand."""
    ref = "CT"[int(rng.random() < 0.3)]
    right = "G" if ref == "C" and rng.random() < CPG_SHARE else chr(BASES[rng.integers(4)])
    cpg = ref == "C" and right == "G"
    alt = "T" if cpg else str(rng.choice([b for b in "ACGT" if b != ref]))
    pair = {"A": "T", "C": "G", "G": "C", "T": "A"}
    if rng.random() < 0.5:
        bases[place], bases[place - 1] = ord(pair[ref]), ord(pair[right])
        return pair[ref], pair[alt]
    bases[place], bases[place + 1] = ord(ref), ord(right)
    return ref, alt


def _indel(bases: np.ndarray, place: int, rng: np.random.Generator) -> tuple[str, str]:
    """Return an insertion or deletion, leftmost and with the base before it."""
    size = int(rng.integers(1, LONGEST_INDEL + 1))
    bases[place + size] = rng.choice([b for b in b"ACGT" if b != bases[place]])
    if rng.random() < 0.5:
        return chr(bases[place]), chr(bases[place]) + _inserted(bases, place, size, rng)
    return bases[place : place + 1 + size].tobytes().decode(), chr(bases[place])


def _inserted(bases: np.ndarray, place: int, size: int, rng: np.random.Generator) -> str:
    """Draw bases to insert that end in another base than the one before: they are leftmost."""
    drawn = BASES[rng.integers(0, 4, size)].copy()
    drawn[-1] = next(b for b in rng.permutation(BASES) if b != bases[place])
    return drawn.tobytes().decode()
