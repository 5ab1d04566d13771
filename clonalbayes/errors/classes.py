"""Classes of substitutions that share a mean error rate: the 96 channels, else the 6 substitutions, else less."""

from __future__ import annotations

import re

import numpy as np

UNKNOWN = "unknown"
_PAIR = str.maketrans("ACGT", "TGCA")
_CONTEXT = re.compile(r"[ACGT]\[([CT]>[ACGT])\][ACGT]")


def class_of(ref: str, alt: str, context: str = "") -> str:
    """Return the class of a mutation.

    Parameters
    ----------
    ref, alt : str
        Alleles; empty if unknown.
    context : str
        Label of the 96 channels such as ``A[C>T]G``; empty if unknown.

    Examples
    --------
    >>> class_of("G", "A"), class_of("G", "A", "A[C>T]G"), class_of("G", "GA"), class_of("", "")
    ('C>T', 'A[C>T]G', 'insertion', 'unknown')
    """
    context = context.strip().upper()
    if _CONTEXT.fullmatch(context):
        return context
    ref, alt = ref.strip().upper(), alt.strip().upper()
    if not ref or not alt:
        return UNKNOWN
    if len(ref) == len(alt) == 1 and {ref, alt} <= set("ACGT"):
        return f"{ref}>{alt}" if ref in "CT" else f"{ref}>{alt}".translate(_PAIR)
    gap = {"-", "."} & {ref, alt}
    if len(ref) == len(alt) and not gap:
        return "mnv"
    return "insertion" if len(alt) > len(ref) or ref in gap else "deletion"


def parent_of(name: str) -> str:
    """Return the substitution that a class belongs to: ``A[C>T]G`` is a ``C>T``; others are their own."""
    found = _CONTEXT.fullmatch(name)
    return found.group(1) if found else name


def classes_of(ref: np.ndarray, alt: np.ndarray, context: np.ndarray) -> np.ndarray:
    """Classes of many mutations, [I] each."""
    known: dict[tuple[str, str, str], str] = {}
    out = np.empty(len(ref), object)
    for i, key in enumerate(zip(ref.tolist(), alt.tolist(), context.tolist(), strict=True)):
        if key not in known:
            known[key] = class_of(*key)
        out[i] = known[key]
    return out


def codes_of(classes: np.ndarray) -> tuple[list[str], np.ndarray, list[str], np.ndarray]:
    """Number classes and their substitutions.

    Returns
    -------
    tuple
        Names of the C classes, the class of each site [I], names of the P substitutions, and the substitution of
        each class [C].
    """
    names = sorted(set(classes.tolist()))
    parents = sorted({parent_of(name) for name in names})
    place = {name: n for n, name in enumerate(names)}
    codes = np.array([place[name] for name in classes.tolist()], np.int64)
    return names, codes, parents, np.array([parents.index(parent_of(name)) for name in names], np.int64)
