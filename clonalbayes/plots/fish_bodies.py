"""Outlines of clones that grow inside one another: the geometry of the fish plot.

Prevalences of a draw obey the sum rule: children lie side by side within their parent. Between two samples
all prevalences go from the one to the other by the same course, so the rule holds there too. A clone begins
after the last sample before which it and its descendants are in none, a child after its parent; where it
begins in that gap is not known and is drawn evenly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clonalbayes.plots.tree_layout import children_of
from clonalbayes.summaries.ancestry import ROOT, depths

BEFORE = 0.06
"""Share of the time axis before the first sample, where the clones that it holds begin."""

STEPS = 24
"""Points of a curve from one sample to the next."""


@dataclass(frozen=True)
class Bodies:
    """Outlines of the clones.

    Attributes
    ----------
    at
        [T] places along the axis of time.
    size
        [K, T] prevalence in between the samples too.
    low, high
        [K, T] lower and upper edge of each clone, descendants included, in [0, 1].
    born
        [K] place where each clone begins; NaN for one that is in no sample.
    """

    at: np.ndarray
    size: np.ndarray
    low: np.ndarray
    high: np.ndarray
    born: np.ndarray


def bodies(parents: np.ndarray, phi: np.ndarray, at: np.ndarray, *, plateau: float = 0.0) -> Bodies:
    """Outline the clones of one draw.

    Parameters
    ----------
    parents
        [K] parents.
    phi
        [K, S] prevalences that obey the sum rule; NaN for a clone that is left out.
    at
        [S] rising places of the samples.
    plateau
        Share of the way to the next sample over which nothing changes, on either side of a sample.

    Returns
    -------
    Bodies
        Every clone within its parent, children side by side, nothing before it begins.
    """
    phi = np.nan_to_num(phi)
    held = _with_descendants(parents, phi)
    first = np.where((held > 0).any(1), (held > 0).argmax(1), -1)
    span = float(at[-1] - at[0])
    knots = np.concatenate([[at[0] - (BEFORE * span if len(at) > 1 else 0.5)], at])
    if len(at) == 1:  # one sample has no width of its own
        knots = np.append(knots, at[0] + 0.5)
    course = np.concatenate([np.zeros((len(phi), 1)), phi, *([phi] if len(at) == 1 else [])], axis=1)
    born = birth_places(parents, first, knots)
    grid, size = [], []
    for i in range(len(knots) - 1):
        gap = knots[i + 1] - knots[i]
        share = np.linspace(0.0, 1.0, STEPS, endpoint=i == len(knots) - 2)
        here = knots[i] + gap * share
        start = np.where((first == i) & ~np.isnan(born), born, knots[i])[:, None]
        own = np.clip((here - start) / (knots[i + 1] - start), 0.0, 1.0)
        weight = _course(own, plateau if i else 0.0)
        grid.append(here)
        size.append((1.0 - weight) * course[:, [i]] + weight * course[:, [i + 1]])
    widths = np.concatenate(size, axis=1) if size else np.zeros((len(phi), 0))
    low = _stack(parents, widths)
    return Bodies(np.concatenate(grid), widths, low, low + widths, born)


def _course(share: np.ndarray, plateau: float) -> np.ndarray:
    """Smooth monotone way from 0 to 1."""
    u = np.clip((share - plateau) / (1.0 - 2.0 * plateau), 0.0, 1.0)
    return np.asarray(u * u * (3.0 - 2.0 * u))


def _with_descendants(parents: np.ndarray, phi: np.ndarray) -> np.ndarray:
    """Largest prevalence of each clone and its descendants in each sample [K, S]."""
    out = phi.copy()
    for k in np.argsort(-depths(parents[None])[0], kind="stable"):
        if parents[k] != ROOT:
            out[parents[k] - 1] = np.maximum(out[parents[k] - 1], out[k])
    return out


def birth_places(parents: np.ndarray, first: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Where clones begin [K]: spread over the gap before the first sample that has them, after their parents.

    Parameters
    ----------
    parents
        [K] parents.
    first
        [K] first sample that has the clone or a descendant, -1 for none.
    knots
        [S + 1 or more] the start of the axis, and the places of the samples.
    """
    rank = np.zeros(len(parents), int)
    for k in np.argsort(depths(parents[None])[0], kind="stable"):
        up = parents[k] - 1
        rank[k] = rank[up] + 1 if parents[k] != ROOT and first[up] == first[k] else 1
    born = np.full(len(parents), np.nan)
    for gap in np.unique(first[first >= 0]):
        here = first == gap
        share = (rank[here] - 1) / rank[here].max()
        born[here] = knots[gap] + (knots[gap + 1] - knots[gap]) * 0.8 * share
    return born


def _stack(parents: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Lower edges [K, T]: children within their parent, what is the parent's own in equal parts around them."""
    children = children_of(parents)
    low, whole = np.zeros((len(parents) + 1, size.shape[1])), np.vstack([np.ones(size.shape[1]), size])
    for k in [ROOT, *(np.argsort(depths(parents[None])[0], kind="stable") + 1)]:
        free = np.maximum(whole[k] - sum(whole[c] for c in children[k]), 0.0) / (len(children[k]) + 1)
        edge = low[k] + free
        for c in children[k]:
            low[c] = edge
            edge = edge + whole[c] + free
    return low[1:]
