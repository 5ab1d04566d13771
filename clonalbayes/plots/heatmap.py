"""The heat map of VAFs: mutations, grouped by clone, against samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from clonalbayes.plots import style
from clonalbayes.plots.source import (
    Source,
    dataset,
    labels_of,
    names,
    opened,
    present_labels,
    subsample,
    vaf_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MANY_SAMPLES = 16

_LEADER: Any = {"lw": 0.5, "color": "0.4", "clip_on": False, "scalex": False, "scaley": False}


def compute_heatmap(source: Source, *, max_rows: int = 1500, seed: int = 0) -> xr.Dataset:
    """Order the VAFs by clone, and within a clone by falling mean.

    Parameters
    ----------
    source
        Tree or result folder.
    max_rows
        Mutations at most; of more, as many are drawn at random, and at least 3 of every clone.
    seed
        Of that choice.

    Returns
    -------
    xarray.Dataset
        value (mutation, specimen) in the order of the rows, NaN where there are no reads; label (mutation);
        n (clone) the mutations of each label in the data and rows (clone) those drawn.
    """
    with opened(source) as tree:
        labels, vaf = labels_of(tree), vaf_of(tree)
    present = present_labels(labels)
    rows = subsample(labels, max_rows, 3, seed)
    notes = []
    if len(rows) < len(labels):
        notes.append(
            f"{len(rows):,} of {len(labels):,} mutations, chosen at random, but at least 3 of every clone."
        )
    with np.errstate(invalid="ignore"):
        known = np.isfinite(vaf.values).sum(axis=1)
        mean = np.nansum(vaf.values, axis=1) / np.maximum(known, 1)
    rank = {label: r for r, label in enumerate(present)}
    order = rows[np.lexsort((-mean[rows], [rank[int(k)] for k in labels[rows]]))]
    if np.isnan(vaf.values).any():
        notes.append("Hatched: no reads.")
    return dataset(
        {
            "value": vaf[order], "label": ("mutation", labels[order]),
            "n": ("clone", [int((labels == k).sum()) for k in present]),
            "rows": ("clone", [int((labels[order] == k).sum()) for k in present]),
        },
        {"clone": present},
        notes,
    )  # fmt: skip


def draw_heatmap(data: xr.Dataset, axes: Axes | None = None) -> Axes:
    """Draw what `compute_heatmap` returned.

    Parameters
    ----------
    data
        The Dataset.
    axes
        Axes to draw into; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes of the map; the strip of clones is an inset of it.
    """
    from matplotlib.colors import Normalize

    samples, rows = data.sizes["specimen"], data.sizes["mutation"]
    with style.style():
        own = axes is None
        narrow = max(0.14 * samples, 5.5)
        width = float(np.clip(narrow if samples > MANY_SAMPLES else 0.42 * samples, 1.6, 16.0)) + 2.2
        height = float(np.clip(rows * 0.13, 3.0, 7.0))
        axis = style.new_axes(1, 1, width, height)[0, 0] if axes is None else axes
        axis.patch.set(facecolor="white", edgecolor="0.55", hatch="//////")
        values = data["value"].values
        known = values[np.isfinite(values)]
        top = 1.0 if known.size and np.quantile(known, 0.995) > 0.6 else 0.6
        place = (-0.5, max(samples, 1) - 0.5, max(rows, 1) - 0.5, -0.5)
        look: dict[str, Any] = {"cmap": "BuPu", "norm": Normalize(0, top), "interpolation": "nearest"}
        image = axis.imshow(np.ma.masked_invalid(values), aspect="auto", extent=place, **look)
        style.name_ticks(axis, "x", names(data["specimen"]))
        axis.set_yticks([])
        axis.set_ylabel("")
        for edge in np.cumsum(data["rows"].values)[:-1]:
            axis.axhline(edge - 0.5, color="white", lw=1.2)
            axis.axhline(edge - 0.5, color="0.2", lw=0.4)
        label_rows(axis, data["clone"].values, data["rows"].values, data["n"].values)
        over = bool(known.size and known.max() > top)
        extend = "max" if over else "neither"
        inch = 1.0 / style.inches_of(axis)[0]  # the bar is as wide for 90 samples as for 8
        figure = style.figure_of(axis)
        figure.colorbar(
            image,
            ax=axis,
            label="VAF",
            shrink=0.5,
            fraction=0.6 * inch,
            pad=0.2 * inch,
            aspect=14,
            extend=extend,
        )
        style.add_note(axis, data.attrs["note"], own=own)
    return axis


def label_rows(axis: Axes, labels: np.ndarray, rows: np.ndarray, sizes: np.ndarray) -> None:
    """Put the colours and names of clones left of a map whose rows are grouped by clone.

    Parameters
    ----------
    axis
        The map; its rows are 0, 1, ... from the top.
    labels, rows, sizes
        Consensus label, rows drawn and mutations of each group, from the top.
    """
    total = max(int(rows.sum()), 1)
    wide, tall = style.inches_of(axis)
    unit = 1.0 / wide  # an inch as a share of the map's width
    strip = axis.inset_axes((-0.16 * unit, 0.0, 0.12 * unit, 1.0))
    strip.set(xlim=(0, 1), ylim=(total - 0.5, -0.5))
    strip.axis("off")
    starts = np.cumsum(rows) - rows - 0.5
    for label, start, count in zip(labels, starts, rows, strict=True):
        hatch = "////" if label < 0 else None
        strip.axhspan(start, start + count, fc=style.colour_of(int(label)), ec="white", lw=0, hatch=hatch)
    places = style.spread(starts + rows / 2.0, total * 0.1 / tall, 0.0, total - 1.0)
    for label, at, middle, size in zip(labels, places, starts + rows / 2.0, sizes, strict=True):
        text = f"{style.name_of(int(label))} ({int(size):,})"
        strip.text(-1.2, at, text, fontsize=7, va="center", ha="right")
        strip.plot((-1.1, 0.0), (at, middle), **_LEADER)
    if len(labels):
        strip.set_title("clone\n(mutations)", fontsize=7, loc="right", pad=4)


def plot_heatmap(source: Source, *, axes: Axes | None = None, **options: Any) -> Axes:
    """Draw the VAFs of mutations, grouped by clone, in every sample.

    Parameters
    ----------
    source
        Tree or result folder.
    axes
        As in `draw_heatmap`.
    **options
        As in `compute_heatmap`: max_rows, seed.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    return draw_heatmap(compute_heatmap(source, **options), axes)
