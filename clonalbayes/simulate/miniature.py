"""A miniature of the genome: every chromosome to scale, so that whole patients fit into small files.

One base here stands for many there; arms, and with them copy-number events, keep their places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from clonalbayes.simulate.fragments import BASES, Variant
from clonalbayes.simulate.genome import ARMS

SCALE = 16_000
"""Bases of the genome that one base stands for."""

MARGIN = 160
"""Bases at either end of an arm that hold no site: reads are thinner there."""

APART = 15
"""Least distance of two sites."""

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


class Places(NamedTuple):
    """Index into `genome.ARMS` and base (from 0) of each site, in order of the genome."""

    arm: np.ndarray
    base: list[int]


def draw_miniature(channels: Sequence[str], places: Places, rng: np.random.Generator) -> Miniature:
    """Draw the genome with sites at their places.

    Parameters
    ----------
    channels
        Trinucleotide context of each site, such as ``A[C>T]G``; an empty one is an indel.
    places
        Of as many sites, from `draw_places`.
    rng
        Source of randomness.
    """
    lengths: dict[str, int] = {}
    for chromosome, _, high in ARMS.values():
        name = f"chr{chromosome}"
        lengths[name] = max(lengths.get(name, 0), high // SCALE)
    reference = {name: BASES[rng.integers(0, 4, length)] for name, length in lengths.items()}
    variants, kinds = [], []
    for index, place, channel in zip(places.arm, places.base, channels, strict=True):
        arm = list(ARMS)[index]
        bases = reference[arm_span(arm)[0]]
        ref, alt = _substitution(bases, place, channel, rng) if channel else _indel(bases, place, rng)
        variants.append((arm_span(arm)[0], place + 1, ref, alt))
        kinds.append("snv" if len(ref) == len(alt) else "indel")
    return Miniature(reference, places.arm, tuple(variants), tuple(kinds))


def draw_places(n: int, rng: np.random.Generator) -> Places:
    """Draw places of sites that keep their distance."""
    open_: list[tuple[int, int]] = []
    for arm, name in enumerate(ARMS):
        _, low, high = arm_span(name)
        slots = np.arange(low + MARGIN, high - MARGIN, 2 * APART)
        open_ += [(arm, int(slot)) for slot in slots]
    chosen = np.sort(rng.choice(len(open_), n, replace=False))
    shift = rng.integers(0, APART, n)
    arms = np.array([open_[i][0] for i in chosen])
    return Places(arms, [open_[i][1] + int(s) for i, s in zip(chosen, shift, strict=True)])


PAIR = str.maketrans("ACGT", "TGCA")


def _substitution(bases: np.ndarray, place: int, channel: str, rng: np.random.Generator) -> tuple[str, str]:
    """Put the context of a substitution into the genome, on either strand; return its alleles."""
    context, alt = channel[0] + channel[2] + channel[6], channel[4]
    if rng.random() < 0.5:
        context, alt = context.translate(PAIR)[::-1], alt.translate(PAIR)
    bases[place - 1 : place + 2] = np.frombuffer(context.encode(), np.uint8)
    return context[1], alt


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
