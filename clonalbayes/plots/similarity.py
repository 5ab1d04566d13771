"""Which mutations belong together: the posterior probability that two of them are in one clone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from clonalbayes.plots import style
from clonalbayes.plots.heatmap import label_rows
from clonalbayes.plots.source import (
    Source,
    dataset,
    group,
    labels_of,
    names,
    opened,
    present_labels,
    subsample,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLOCK = 64
"""Draws that are counted at once."""


def compute_similarity(
    source: Source, *, max_mutations: int = 600, max_draws: int = 1000, seed: int = 0
) -> xr.Dataset:
    """Share of the draws in which two mutations are in the same clone.

    Parameters
    ----------
    source
        Tree or result folder.
    max_mutations
        Mutations at most; of more, as many are drawn at random, and at least 3 of every clone.
    max_draws
        Draws that are used, evenly spaced over every chain.
    seed
        Of the choice of mutations.

    Returns
    -------
    xarray.Dataset
        similarity (mutation, other), 1 on the diagonal, 0 for a pair that is noise or germline in every draw;
        label (mutation), by which the mutations are ordered, and within a clone by falling probability of it;
        n and rows (clone) the mutations of each label in the data and those drawn.
    """
    with opened(source) as tree:
        labels, posterior = labels_of(tree), group(tree, "posterior")
        rows = subsample(labels, max_mutations, 3, seed)
        sure = np.nan_to_num(np.asarray(group(tree, "consensus")["probability"].values, float))
        rank = {label: r for r, label in enumerate(present_labels(labels))}
        order = rows[np.lexsort((-sure[rows], [rank[int(k)] for k in labels[rows]]))]
        mutations = names(posterior["mutation"][order])
        step = max(-(-posterior.sizes["chain"] * posterior.sizes["draw"] // max_draws), 1)
        chains = range(posterior.sizes["chain"])
        draws = np.concatenate([posterior["assignment"][c, ::step].values[:, order] for c in chains])
    present = list(rank)
    similarity = together(draws)
    np.fill_diagonal(similarity, 1.0)
    notes = []
    if len(order) < len(labels):
        notes.append(
            f"{len(order):,} of {len(labels):,} mutations, chosen at random, but at least 3 of every clone."
        )
    return dataset(
        {
            "similarity": (("mutation", "other"), similarity), "label": ("mutation", labels[order]),
            "n": ("clone", [int((labels == k).sum()) for k in present]),
            "rows": ("clone", [int((labels[order] == k).sum()) for k in present]),
        },
        {"clone": present, "mutation": mutations},
        notes, draws=len(draws),
    )  # fmt: skip


def together(assignment: np.ndarray) -> np.ndarray:
    """Share of the draws in which two mutations are in the same clone.

    Parameters
    ----------
    assignment
        [draw, mutation] clone from 0; negative outside the clones.

    Returns
    -------
    numpy.ndarray
        [mutation, mutation].

    Examples
    --------
    >>> together(np.array([[0, 0, 1], [0, 1, -1]])).tolist()
    [[1.0, 0.5, 0.0], [0.5, 1.0, 0.0], [0.0, 0.0, 0.5]]
    """
    count, n = assignment.shape
    clones = np.arange(int(assignment.max(initial=-1)) + 1)
    total = np.zeros((n, n), np.float32)  # counts below 2**24 are exact
    for start in range(0, count, BLOCK):
        member = assignment[start : start + BLOCK, :, None] == clones
        flat = member.transpose(1, 0, 2).reshape(n, -1).astype(np.float32)
        total += flat @ flat.T
    return total.astype(float) / max(count, 1)


def draw_similarity(data: xr.Dataset, axes: Axes | None = None) -> Axes:
    """Draw what `compute_similarity` returned.

    Parameters
    ----------
    data
        The Dataset.
    axes
        Axes to draw into; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes of the matrix; the strip of clones is an inset of it.
    """
    n = max(data.sizes["mutation"], 1)
    with style.style():
        own = axes is None
        axis = style.new_axes(1, 1, 6.0, 4.6)[0, 0] if axes is None else axes
        image = axis.imshow(data["similarity"].values, cmap="Greys", vmin=0, vmax=1, interpolation="nearest",
                            extent=(-0.5, n - 0.5, n - 0.5, -0.5))  # fmt: skip
        axis.set(xticks=[], yticks=[])
        axis.spines[["top", "right"]].set_visible(True)
        starts = np.cumsum(data["rows"].values) - data["rows"].values - 0.5
        for label, low, count in zip(data["clone"].values, starts, data["rows"].values, strict=True):
            high = low + count
            box = ([low, high, high, low, low], [low, low, high, high, low])
            axis.plot(*box, color=style.colour_of(int(label)), lw=1.0)
        label_rows(axis, data["clone"].values, data["rows"].values, data["n"].values)
        text = "posterior probability of the same clone"
        style.figure_of(axis).colorbar(image, ax=axis, label=text, shrink=0.7, aspect=20)
        style.add_note(axis, data.attrs["note"], own=own)
    return axis


def plot_similarity(source: Source, *, axes: Axes | None = None, **options: Any) -> Axes:
    """Draw the posterior probability that two mutations are in the same clone, ordered by consensus clone.

    Parameters
    ----------
    source
        Tree or result folder.
    axes
        As in `draw_similarity`.
    **options
        As in `compute_similarity`: max_mutations, max_draws, seed.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    return draw_similarity(compute_similarity(source, **options), axes)
