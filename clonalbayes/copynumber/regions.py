"""Names of chromosomes in tables of segments, and copies in normal cells.

Pseudo-autosomal regions are those of the Genome Reference Consortium (GRCh37, GRCh38) and of the
Telomere-to-Telomere consortium (CHM13 v2.0, with the Y of HG002).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from clonalbayes.variants.builds import bare

PSEUDO_AUTOSOMAL: dict[str, dict[str, tuple[tuple[int, int], ...]]] = {
    "GRCh37": {
        "X": ((60_001, 2_699_520), (154_931_044, 155_260_560)),
        "Y": ((10_001, 2_649_520), (59_034_050, 59_363_566)),
    },
    "GRCh38": {
        "X": ((10_001, 2_781_479), (155_701_383, 156_030_895)),
        "Y": ((10_001, 2_781_479), (56_887_903, 57_217_415)),
    },
    "T2T": {
        "X": ((1, 2_394_410), (153_925_835, 154_259_566)),
        "Y": ((1, 2_458_320), (62_122_810, 62_460_029)),
    },
}
"""Build -> chromosome -> first and last base (from 1, both included) of its pseudo-autosomal regions."""

NUMBERED = {"23": "X", "24": "Y", "25": "MT"}
"""What some callers number."""

DIPLOID, HAPLOID, NONE = 2, 1, 0


def plain_chrom(name: str) -> str:
    """Return a chromosome's name without prefix, X and Y by their letters.

    Examples
    --------
    >>> [plain_chrom(name) for name in ("chr7", "23", "chrM", "GL000192.1")]
    ['7', 'X', 'MT', 'GL000192.1']
    """
    text = bare(name.strip())
    return NUMBERED.get(text, text)


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
