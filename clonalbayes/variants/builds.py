"""Genome builds and the names of chromosomes: which build a file is on, and `chr1` against `1`.

A build is recognised by the lengths of its chromosomes, which no two builds share. GRCh37 and hg19 differ in
the mitochondrion only (16,569 and 16,571 bases) and go by one name here.

Sources: NCBI assemblies GCF_000001405.25 (GRCh37), GCF_000001405.40 (GRCh38), GCF_009914755.1 (T2T-CHM13v2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

CHROMOSOMES = (*(str(i) for i in range(1, 23)), "X", "Y")

_LENGTHS = {
    "GRCh37": """249250621 243199373 198022430 191154276 180915260 171115067 159138663 146364022 141213431 135534747
        135006516 133851895 115169878 107349540 102531392 90354753 81195210 78077248 59128983 63025520 48129895
        51304566 155270560 59373566""",
    "GRCh38": """248956422 242193529 198295559 190214555 181538259 170805979 159345973 145138636 138394717 133797422
        135086622 133275309 114364328 107043718 101991189 90338345 83257441 80373285 58617616 64444167 46709983
        50818468 156040895 57227415""",
    "T2T": """248387328 242696752 201105948 193574945 182045439 172126628 160567428 146259331 150617247 134758134
        135127769 133324548 113566686 101161492 99753195 96330374 84276897 80542538 61707364 66210255 45090682
        51324926 154259566 62460029""",
}

BUILDS: dict[str, dict[str, int]] = {
    build: dict(zip(CHROMOSOMES, map(int, text.split()), strict=True)) for build, text in _LENGTHS.items()
}
"""Build -> length of each chromosome in bases, by its name without `chr`."""

MITOCHONDRIA = {16569: "rCRS", 16571: "the older sequence of hg19"}

_WORDS = (
    ("GRCh37", r"grch37|grc37|hg19|hs37|(?<![a-z])b37|g1k_v37|ncbi37|^37(\.|$)|assembly19"),
    ("GRCh38", r"grch38|grc38|hg38|hs38|(?<![a-z])b38|ncbi38|^38(\.|$)|assembly38"),
    ("T2T", r"chm13|t2t|^hs1$"),
)


def bare(chrom: str) -> str:
    """Return a chromosome's name without `chr`; the mitochondrion is `MT`.

    Parameters
    ----------
    chrom
        Name as a file has it.

    Examples
    --------
    >>> bare("chr1"), bare("X"), bare("chrM"), bare("CHR7"), bare("chrUn_KI270302v1")
    ('1', 'X', 'MT', '7', 'Un_KI270302v1')
    """
    name = chrom[3:] if chrom[:3].lower() == "chr" and len(chrom) > 3 else chrom
    if name in ("M", "m", "MT", "Mt", "mt"):
        return "MT"
    return name.upper() if name in ("x", "y") else name


def has_prefix(chroms: Iterable[str]) -> bool | None:
    """Say whether names of chromosomes begin with `chr`; None if they are mixed or no chromosome is named.

    Parameters
    ----------
    chroms
        Names as a file has them.
    """
    known = {*CHROMOSOMES, "MT"}
    seen = {c[:3].lower() == "chr" for c in chroms if bare(c) in known}
    return seen.pop() if len(seen) == 1 else None


def build_of(lengths: Mapping[str, int]) -> str | None:
    """Return the build whose chromosomes have these lengths, or None if there is no such build.

    Parameters
    ----------
    lengths
        Length in bases by name, with or without `chr`; contigs that are no chromosomes are left aside.
    """
    named = {bare(c): n for c, n in lengths.items()}
    shared = [c for c in CHROMOSOMES if c in named]
    votes = {b: sum(named[c] == known[c] for c in shared) for b, known in BUILDS.items()}
    best = max(votes, key=lambda b: votes[b])
    return best if votes[best] > len(shared) / 2 else None


def build_named(text: str) -> str | None:
    """Return the build that a text names, such as `hg19`, `NCBI_Build 38` or a file name; None if none.

    Parameters
    ----------
    text
        Any text of a header.

    Examples
    --------
    >>> build_named("GRCh38"), build_named("hg19"), build_named("37"), build_named("genome.fa")
    ('GRCh38', 'GRCh37', 'GRCh37', None)
    """
    found = {b for b, words in _WORDS if re.search(words, text.strip(), flags=re.IGNORECASE)}
    return found.pop() if len(found) == 1 else None


def beyond(furthest: Mapping[str, int], lengths: Mapping[str, int]) -> list[str]:
    """Return the chromosomes on which a position lies beyond the end.

    Parameters
    ----------
    furthest
        Largest position by chromosome.
    lengths
        Length by chromosome; a chromosome that is not in it is not judged.
    """
    known = {bare(c): n for c, n in lengths.items()}
    return [c for c, pos in furthest.items() if pos > known.get(bare(c), pos)]


def builds_that_hold(furthest: Mapping[str, int]) -> list[str]:
    """Return the builds on which no position lies beyond the end of its chromosome.

    Parameters
    ----------
    furthest
        Largest position by chromosome.
    """
    return [b for b, lengths in BUILDS.items() if not beyond(furthest, lengths)]


def chrom_order(chrom: str) -> tuple[int, str]:
    """Sort key of chromosomes: 1 to 22, X, Y, MT, then the others by name.

    Parameters
    ----------
    chrom
        Name with or without `chr`.
    """
    name = bare(chrom)
    order = (*CHROMOSOMES, "MT")
    return (order.index(name), "") if name in order else (len(order), name)
