"""The 96 trinucleotide contexts of single-base substitutions, in COSMIC's order, and their opportunities."""

from __future__ import annotations

import re

import numpy as np

SUBSTITUTIONS = ("C>A", "C>G", "C>T", "T>A", "T>C", "T>G")
"""The six kinds of substitution, of the pyrimidine of the base pair."""

BASES = "ACGT"
CONTEXTS = tuple(f"{left}[{change}]{right}" for change in SUBSTITUTIONS for left in BASES for right in BASES)
"""COSMIC's labels in COSMIC's order: A[C>A]A, A[C>A]C, ..."""

INDEX = {label: i for i, label in enumerate(CONTEXTS)}
TRINUCLEOTIDES = tuple(left + middle + right for middle in "CT" for left in BASES for right in BASES)
"""The 32 sites that substitutions can hit."""

_COMPLEMENT = str.maketrans("ACGT", "TGCA")


def normal_label(label: str) -> str:
    """Write a context as COSMIC does, from either strand; an empty text if it is none.

    Examples
    --------
    >>> normal_label("T[G>A]A"), normal_label("a[c>t]g"), normal_label("ACA>T"), normal_label("A[C>C]A")
    ('T[C>T]A', 'A[C>T]G', '', '')
    """
    found = re.fullmatch(r"([ACGT])\[([ACGT])>([ACGT])\]([ACGT])", label.strip().upper())
    if not found:
        return ""
    left, ref, alt, right = found.groups()
    if ref in "AG":
        left, ref, alt, right = (base.translate(_COMPLEMENT) for base in (right, ref, alt, left))
    text = f"{left}[{ref}>{alt}]{right}"
    return text if text in INDEX else ""


def site_of(label: str) -> str:
    """Trinucleotide of a context.

    >>> site_of("A[C>T]G")
    'ACG'
    """
    return label[0] + label[2] + label[6]


def count_contexts(labels: np.ndarray, branch: np.ndarray, branches: int) -> np.ndarray:
    """Count mutations by branch and context.

    Parameters
    ----------
    labels
        [N] index of each mutation's context, -1 where there is none (indels, doublets, unknown).
    branch
        [N] branch from 0; below 0 = on no branch.
    branches
        Number of branches.

    Returns
    -------
    numpy.ndarray
        [branches, 96] whole numbers.
    """
    kept = (labels >= 0) & (branch >= 0)
    flat = np.bincount(branch[kept] * len(CONTEXTS) + labels[kept], minlength=branches * len(CONTEXTS))
    return flat.reshape(branches, len(CONTEXTS)).astype(np.int64)


def index_of(labels: np.ndarray) -> np.ndarray:
    """Index of each context [N], -1 for what is no context."""
    names, back = np.unique(np.asarray(labels, str), return_inverse=True)
    found = np.array([INDEX.get(normal_label(str(name)), -1) for name in names], np.int64)
    return found[back] if len(names) else np.empty(0, np.int64)


def adjust(profiles: np.ndarray, sites: np.ndarray, reference_sites: np.ndarray) -> np.ndarray:
    """Profiles as they show where the sites are not those of the reference.

    Parameters
    ----------
    profiles
        [..., 96] profiles at the reference's opportunities.
    sites, reference_sites
        [96] number of sites of each context's trinucleotide in the sequenced region, and in the reference's.

    Returns
    -------
    numpy.ndarray
        [..., 96] profiles of the mutations that can be seen, each of sum one.
    """
    seen = profiles * (sites / sites.sum()) / (reference_sites / reference_sites.sum())
    out: np.ndarray = seen / seen.sum(-1, keepdims=True)
    return out


def genome_share(
    exposures: np.ndarray, profiles: np.ndarray, sites: np.ndarray, reference_sites: np.ndarray
) -> np.ndarray:
    """Exposures of the reference's region, given those among the mutations that were seen.

    A signature whose contexts are rare in the region is seen less than it acted.

    Parameters
    ----------
    exposures
        [..., K, R] shares of the mutations seen.
    profiles
        [..., R, 96] profiles as seen.
    sites, reference_sites
        As in `adjust`.

    Returns
    -------
    numpy.ndarray
        [..., K, R] shares of the mutations in the reference's region.
    """
    back = (reference_sites / reference_sites.sum()) / (sites / sites.sum())
    weight = exposures * (profiles * back).sum(-1)[..., None, :]
    total = weight.sum(-1, keepdims=True)
    return np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)
