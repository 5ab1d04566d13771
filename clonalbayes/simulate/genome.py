"""Places of mutations in the genome, and copy-number events on the branches of a tree of clones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

LENGTHS = (
    249,
    243,
    198,
    191,
    181,
    171,
    159,
    146,
    141,
    135,
    135,
    134,
    115,
    107,
    102,
    90,
    81,
    78,
    59,
    63,
    48,
    51,
)
CENTROMERES = (125, 93, 91, 50, 48, 61, 60, 45, 49, 40, 54, 36, 18, 17, 19, 37, 24, 17, 26, 27, 13, 15)
"""Of the autosomes 1 to 22, in megabases."""

ACROCENTRIC = (13, 14, 15, 21, 22)
"""Chromosomes whose short arm carries no mutations here."""

MEGABASE = 1_000_000
ARMS: dict[str, tuple[int, int, int]] = {
    f"{c}{arm}": (c, low * MEGABASE, high * MEGABASE)
    for c, (length, centre) in enumerate(zip(LENGTHS, CENTROMERES, strict=True), start=1)
    for arm, low, high in (("p", 0, centre), ("q", centre, length))
    if not (arm == "p" and c in ACROCENTRIC)
}
"""Chromosome, first and last base of every arm."""

INDEL_SHARE = 0.05
Kind = Literal["loss", "gain", "loh"]
FACTORS: dict[str, tuple[int, int]] = {"loss": (0, 1), "gain": (2, 1), "loh": (0, 2)}
"""Copies of the haplotype that an event hits, and of the other one, after it."""


@dataclass(frozen=True)
class Event:
    """A copy-number event on the branch that leads to a clone; all cells of its clade have it.

    Attributes
    ----------
    clone
        Clone from 0.
    arm
        Chromosome arm, such as 17p.
    kind
        loss and gain of one copy of a haplotype; loh: loss of one and doubling of the other.
    haplotype
        0 or 1, the one that is lost or gained.
    """

    clone: int
    arm: str
    kind: Kind
    haplotype: int


@dataclass(frozen=True)
class Copies:
    """Copies in the cells of each clone.

    Attributes
    ----------
    haplotypes
        [arms, K, 2] copies of each haplotype, in the order of `ARMS`.
    mutated
        [N, K] copies of each mutation.
    """

    haplotypes: np.ndarray
    mutated: np.ndarray


def draw_sites(n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw distinct sites, sorted by place.

    Returns
    -------
    dict of numpy.ndarray
        arm (index into `ARMS`), chrom, pos, ref, alt, context, kind and mutation (the id), [n] each.
    """
    low, high = (np.array([arm[j] for arm in ARMS.values()]) for j in (1, 2))
    chromosome = np.array([arm[0] for arm in ARMS.values()])
    arm, pos = np.empty(0, np.int64), np.empty(0, np.int64)
    while len(arm) < n:
        more = rng.choice(len(ARMS), size=n - len(arm), p=(high - low) / (high - low).sum())
        arm, pos = np.append(arm, more), np.append(pos, rng.integers(low[more] + 1, high[more]))
        _, first = np.unique(chromosome[arm] * 10**9 + pos, return_index=True)
        arm, pos = arm[first], pos[first]
    sites = {"arm": arm, "pos": pos, "chrom": chromosome[arm].astype(str).astype(object)}
    return _named(sites | _alleles(n, rng))


def _named(sites: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Add the identifiers."""
    columns = (sites[name] for name in ("chrom", "pos", "ref", "alt"))
    return sites | {"mutation": np.array([f"{c}:{p}:{r}>{a}" for c, p, r, a in zip(*columns, strict=True)], object)}


def with_contexts(sites: dict[str, np.ndarray], contexts: Sequence[str]) -> dict[str, np.ndarray]:
    """Give sites the alleles of trinucleotide contexts, such as ``A[C>T]G``; an empty one is an insertion."""
    ref = np.array([c[2] if c else "C" for c in contexts], object)
    alt = np.array([c[4] if c else "CA" for c in contexts], object)
    kind = np.array(["snv" if c else "indel" for c in contexts])
    return _named(sites | {"ref": ref, "alt": alt, "context": np.array(contexts, object), "kind": kind})


def _alleles(n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Substitutions in trinucleotide context (C>T at CpG most often), and a few insertions."""
    bases = np.array(list("ACGT"), object)
    ref = bases[rng.choice([1, 3], size=n, p=[0.7, 0.3])]
    left, right = bases[rng.integers(4, size=n)], bases[rng.integers(4, size=n)]
    cpg = (ref == "C") & (rng.random(n) < 0.2)
    right[cpg] = "G"
    others = {base: [b for b in "ACGT" if b != base] for base in "CT"}
    alt = np.array([others[r][k] for r, k in zip(ref, rng.integers(3, size=n), strict=True)], object)
    alt[cpg] = "T"
    indel = rng.random(n) < INDEL_SHARE
    context = left + "[" + ref + ">" + alt + "]" + right
    return {
        "ref": ref, "alt": np.where(indel, ref + alt, alt), "context": np.where(indel, "", context),
        "kind": np.where(indel, "indel", "snv"),
    }  # fmt: skip


def descends(parent: np.ndarray) -> np.ndarray:
    """Return [K, K]: whether clone j is clone k or descends from it, at [k, j].

    Parameters
    ----------
    parent
        [K] parent from 1, 0 = the normal root.
    """
    result = np.zeros((len(parent), len(parent)), bool)
    for j in range(len(parent)):
        k = j + 1
        while k > 0:
            result[k - 1, j] = True
            k = int(parent[k - 1])
    return result


def count_copies(
    clone: np.ndarray,
    arm: np.ndarray,
    parent: np.ndarray,
    events: tuple[Event, ...],
    rng: np.random.Generator,
    late: Sequence[int] = (),
) -> Copies:
    """Copies of haplotypes and of mutations in every clone's cells.

    A mutation that is older than an event on its haplotype is lost or doubled with it; one on the same
    branch is older with even odds; a younger one arose on a copy that was left, and has one copy.

    Parameters
    ----------
    clone
        [N] clone on whose branch each mutation arose; negative: in all cells, tumour and normal.
    arm
        [N] index into `ARMS`.
    parent
        [K] parent from 1, 0 = the normal root.
    events
        No two on one arm may be on one line of descent.
    rng
        Source of randomness: the mutations' haplotypes and the order of things on one branch.
    late
        Mutations that are younger than the events of their own branch.
    """
    below = descends(parent)
    haplotypes = np.ones((len(ARMS), len(parent), 2), np.int64)
    carried = np.where(clone[:, None] >= 0, below[clone], True)
    mutated, haplotype = carried.astype(np.int64), rng.integers(2, size=len(clone))
    for event in events:
        clade = below[event.clone]
        here = arm == list(ARMS).index(event.arm)
        hit, other = FACTORS[event.kind]
        haplotypes[list(ARMS).index(event.arm)][np.ix_(clade, [event.haplotype, 1 - event.haplotype])] = (
            hit,
            other,
        )
        within = (clone >= 0) & clade[clone]
        later = rng.random(len(clone)) < 0.5
        later[list(late)] = True
        younger = here & within & ((clone != event.clone) | later)
        if hit == 0:
            haplotype[younger] = 1 - event.haplotype
        older = here & ~younger
        factor = np.where(haplotype == event.haplotype, hit, other)
        mutated[np.ix_(older, clade)] *= factor[older][:, None]
    return Copies(haplotypes, mutated)


def draw_events(
    ccf: np.ndarray, parent: np.ndarray, number: int, rng: np.random.Generator
) -> tuple[Event, ...]:
    """Draw copy-number events: 17p lost in the largest late clone, the others anywhere, one an arm.

    Parameters
    ----------
    ccf
        [K, S], samples in order of time.
    parent
        [K] parent from 1, 0 = the normal root.
    number
        Events.
    rng
        Source of randomness.
    """
    late = np.where(parent > 0, ccf[:, -1], -1.0)
    arms = rng.permutation([name for name in ARMS if name != "17p"])[: max(number - 1, 0)]
    kinds: tuple[Kind, ...] = ("loss", "gain", "loh")
    events = [Event(int(late.argmax()), "17p", "loss", int(rng.integers(2)))]
    for name in arms:
        kind = kinds[rng.choice(3, p=[0.4, 0.4, 0.2])]
        events.append(Event(int(rng.integers(len(parent))), str(name), kind, int(rng.integers(2))))
    return tuple(events[:number])


def called_states(haplotypes: np.ndarray, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Major and minor copies [arms, S] as a caller reports them: the state of most tumour cells.

    Parameters
    ----------
    haplotypes
        [arms, K, 2].
    share
        [K, S] share of the tumour cells that are exactly this clone.
    """
    high, low = haplotypes.max(axis=2), haplotypes.min(axis=2)
    code = high * 1000 + low
    best = np.zeros((len(code), share.shape[1]), np.int64)
    for a, row in enumerate(code):
        states = np.unique(row)
        mass = np.array([share[row == state].sum(axis=0) for state in states])
        best[a] = states[mass.argmax(axis=0)]
    return best // 1000, best % 1000
