"""Trinucleotide contexts of mutations, drawn from the signatures of the branches they arose on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from clonalbayes.signatures.contexts import CONTEXTS
from clonalbayes.signatures.tables import read_reference

INDEL_SHARE = 0.06


class Channels(NamedTuple):
    """Context of each mutation, such as ``A[C>T]G``, and the signature that made it; "" for indels."""

    contexts: list[str]
    signatures: list[str]


def draw_channels(
    signatures: Sequence[str],
    exposures: np.ndarray,
    clone: np.ndarray,
    rng: np.random.Generator,
    substitutions: Sequence[int] = (),
) -> Channels:
    """Draw the context of each mutation, and the signature that made it, from the exposures of its branch.

    Parameters
    ----------
    signatures
        [R] names of signatures of the reference.
    exposures
        [K, R] shares of a branch's mutations.
    clone
        [N] clone of each mutation; negative: outside the clones, made as those of the first branch.
    rng
        Source of randomness.
    substitutions
        Mutations that are no indels.
    """
    reference = read_reference()
    profiles = [reference.values[reference.names.index(name)] for name in signatures]
    kept = set(map(int, substitutions))
    contexts, made_by = [], []
    for i, k in enumerate(clone):
        r = rng.choice(len(signatures), p=exposures[max(int(k), 0)])
        context = CONTEXTS[rng.choice(len(CONTEXTS), p=profiles[r])]
        indel = rng.random() < INDEL_SHARE and i not in kept
        contexts.append("" if indel else context)
        made_by.append("" if indel else signatures[r])
    return Channels(contexts, made_by)
