"""Names of chromosomes, builds of the human genome, and copies in normal cells.

Pseudo-autosomal regions and lengths are those of the Genome Reference Consortium (GRCh37, GRCh38) and of the
Telomere-to-Telomere consortium (CHM13 v2.0, with the Y of HG002).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

BUILDS = {
    "grch37": "GRCh37", "hg19": "GRCh37", "b37": "GRCh37", "hs37d5": "GRCh37",
    "grch38": "GRCh38", "hg38": "GRCh38", "b38": "GRCh38",
    "chm13": "CHM13", "t2t": "CHM13", "hs1": "CHM13", "chm13v2.0": "CHM13",
}  # fmt: skip
"""What users call a build -> its name here."""

PSEUDO_AUTOSOMAL: dict[str, dict[str, tuple[tuple[int, int], ...]]] = {
    "GRCh37": {
        "X": ((60_001, 2_699_520), (154_931_044, 155_260_560)),
        "Y": ((10_001, 2_649_520), (59_034_050, 59_363_566)),
    },
    "GRCh38": {
        "X": ((10_001, 2_781_479), (155_701_383, 156_030_895)),
        "Y": ((10_001, 2_781_479), (56_887_903, 57_217_415)),
    },
    "CHM13": {
        "X": ((1, 2_394_410), (153_925_835, 154_259_566)),
        "Y": ((1, 2_458_320), (62_122_810, 62_460_029)),
    },
}
"""Build -> chromosome -> first and last base (from 1, both included) of its pseudo-autosomal regions."""

_NAMES = (*map(str, range(1, 23)), "X", "Y")
LENGTHS: dict[str, dict[str, int]] = {
    "GRCh37": dict(zip(_NAMES, (
        249250621, 243199373, 198022430, 191154276, 180915260, 171115067, 159138663, 146364022, 141213431,
        135534747, 135006516, 133851895, 115169878, 107349540, 102531392, 90354753, 81195210, 78077248,
        59128983, 63025520, 48129895, 51304566, 155270560, 59373566), strict=True)),
    "GRCh38": dict(zip(_NAMES, (
        248956422, 242193529, 198295559, 190214555, 181538259, 170805979, 159345973, 145138636, 138394717,
        133797422, 135086622, 133275309, 114364328, 107043718, 101991189, 90338345, 83257441, 80373285,
        58617616, 64444167, 46709983, 50818468, 156040895, 57227415), strict=True)),
}  # fmt: skip
"""Build -> length of its chromosomes."""

DIPLOID, HAPLOID, NONE = 2, 1, 0


def build_name(text: str) -> str | None:
    """Return our name of a genome build, None if it is not known.

    Examples
    --------
    >>> build_name("hg19")
    'GRCh37'
    """
    return BUILDS.get(re.sub(r"[\s_-]", "", text.strip().lower()))


def plain_chrom(name: str) -> str:
    """Return a chromosome's name without prefix, X and Y by their letters.

    Examples
    --------
    >>> [plain_chrom(name) for name in ("chr7", "23", "chrM", "GL000192.1")]
    ['7', 'X', 'MT', 'GL000192.1']
    """
    text = name.strip()
    text = text[3:] if text[:3].lower() == "chr" and len(text) > 3 else text
    return {"23": "X", "24": "Y", "25": "MT", "M": "MT", "x": "X", "y": "Y", "m": "MT"}.get(text, text)


def plain_chroms(names: Iterable[object]) -> np.ndarray:
    """Return the plain names of many chromosomes, each distinct one looked at once."""
    found, code = np.unique(np.array([str(name) for name in names], dtype=str), return_inverse=True)
    return np.array([plain_chrom(name) for name in found], dtype=object)[code] if len(found) else found


def normal_copies(chrom: np.ndarray, pos: np.ndarray, sex: str, build: str | None) -> np.ndarray:
    """Copies of each site in normal cells.

    Parameters
    ----------
    chrom
        [N] plain names.
    pos
        [N] positions, from 1.
    sex
        female, male or "" (then as female on X, one copy on Y).
    build
        A key of `PSEUDO_AUTOSOMAL`, or None: then no region is pseudo-autosomal.

    Returns
    -------
    numpy.ndarray
        [N] int16. Sites of the Y's pseudo-autosomal regions count as those of X: two copies in both sexes.
        A mitochondrial site has none: its copies are not counted in chromosomes.
    """
    copies = np.full(len(chrom), DIPLOID, np.int16)
    if sex == "male":
        copies[chrom == "X"] = HAPLOID
    copies[chrom == "Y"] = NONE if sex == "female" else HAPLOID
    for name, regions in PSEUDO_AUTOSOMAL.get(build or "", {}).items():
        for first, last in regions:
            copies[(chrom == name) & (pos >= first) & (pos <= last)] = DIPLOID
    copies[chrom == "MT"] = NONE
    return copies


def likely_builds(ends: dict[str, int]) -> list[str]:
    """Return the builds on which every segment or site fits.

    Parameters
    ----------
    ends
        Plain chromosome -> the last base that occurs on it.
    """
    return [
        build
        for build, lengths in LENGTHS.items()
        if all(end <= lengths[chrom] for chrom, end in ends.items() if chrom in lengths)
    ]
