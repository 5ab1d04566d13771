"""The consensus tree: branches in mutations with their support, prevalences of every clone beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from clonalbayes.plots import style
from clonalbayes.plots.source import Source, dataset, group, labels_of, names, opened, with_trees
from clonalbayes.plots.tree_layout import Branches, children_of, rows_of, to_scale
from clonalbayes.summaries.ancestry import ROOT
from clonalbayes.summaries.intervals import mean

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MANY_SAMPLES = 30

LEAST, WIDEST = 0.34, 7.0
"""Inches of the shortest branch, with room for the mark of a clone and a number; of the whole tree at most."""

RADIUS = 6.2
"""Of the mark of a clone, in points."""

SURE, LIKELY = 0.95, 0.5
"""Support from which a branch is drawn solid, and dashed; dotted below."""

SAID = 0.995
"""Support below which it is written on the branch."""

ABSENT, PRESENT = 0.05, 0.95
"""Probabilities of presence below and from which it is sure."""

FAINT = 0.02
"""Share of the scale below which a clone whose presence is unsure is not shaded."""

ROW, TALLEST = 0.25, 17.0
"""Inches of a row, and of all rows at most."""

_HEAD: dict[str, Any] = {"fontsize": 7, "ha": "right", "va": "bottom", "color": "0.3"}


def compute_tree(source: Source) -> xr.Dataset:
    """Consensus tree with support, and the mean prevalence of each clone in each sample.

    Parameters
    ----------
    source
        Tree or result folder of a model with trees.

    Returns
    -------
    xarray.Dataset
        parent (0 the root), support, n (mutations) by clone; mean and p_present (clone, specimen).

    Raises
    ------
    InputError
        If the model has no trees.
    """
    with opened(source) as tree:
        with_trees(tree)
        held, labels = group(tree, "consensus"), labels_of(tree)
        phi = held["cellular_prevalence"].transpose("chain", "draw", "clone", "specimen").values
        parents = held["consensus_parent"].values.astype(int)
        support = held["parent_probability"].values
        samples = names(held["specimen"])
    phi = phi.reshape(phi.shape[0] * phi.shape[1], *phi.shape[2:])
    return dataset(
        {
            "parent": ("clone", parents),
            "support": ("clone", support),
            "n": ("clone", np.bincount(np.maximum(labels, 0), minlength=len(parents) + 1)[1:]),
            "mean": (("clone", "specimen"), mean(phi)),
            "p_present": (("clone", "specimen"), mean(np.where(np.isnan(phi), np.nan, phi > 0))),
        },
        {"clone": np.arange(1, len(parents) + 1), "specimen": samples},
        [],
    )


def draw_tree(data: xr.Dataset, axes: Any = None) -> np.ndarray:
    """Draw what `compute_tree` returned.

    Parameters
    ----------
    data
        The Dataset.
    axes
        Two axes, for the tree and for the prevalences; by default a new figure.

    Returns
    -------
    numpy.ndarray
        The two axes.
    """
    import matplotlib.pyplot as plt

    clones, samples = data.sizes["clone"], data.sizes["specimen"]
    parents, rows = data["parent"].values, rows_of(data["parent"].values)
    own = axes is None
    with style.style():
        scale = to_scale(parents, data["n"].values.astype(float), 3.2, LEAST, WIDEST)
        wide = float(scale.end.max(initial=1.0)) + 0.75
        if own:
            heat = float(np.clip((0.12 if samples > MANY_SAMPLES else 0.28) * samples, 0.5, 11.0))
            tall = min(ROW * max(clones, 3), TALLEST) + 1.0 + style.room_for_names(names(data["specimen"]))
            size = (wide + heat + 1.3, tall)
            figure = plt.figure(figsize=size, layout="constrained")
            flat = np.array(figure.subplots(1, 2, width_ratios=[wide, heat]), object)
        else:
            flat = style.given_axes(axes, 2)[:2]
            wide = max(wide, style.inches_of(flat[0])[0])
        _draw_branches(flat[0], data, rows, scale, wide)
        _draw_prevalences(flat[1], data, rows)
        if own:
            _add_legend(flat[0], data, scale)
    return flat


def _draw_branches(axis: Axes, data: xr.Dataset, rows: np.ndarray, scale: Branches, wide: float) -> None:
    """The tree, every clone in its row, with its number and its mutations at the right."""
    clones = data.sizes["clone"]
    ends, row = np.append(0.0, scale.end), np.append(rows[data["parent"].values == ROOT].min(initial=0), rows)
    for parent, children in enumerate(children_of(data["parent"].values)):
        if children:
            spine = [row[parent], max(row[k] for k in children)]
            axis.plot([ends[parent]] * 2, spine, color="0.35", lw=1.2, zorder=1, solid_capstyle="round")
        for k in children:
            support = float(data["support"].values[k - 1])
            axis.plot([ends[parent], ends[k]], [row[k]] * 2, color="0.35", zorder=1, **line_of(support))
            if support < SAID:
                middle = (ends[parent] + ends[k]) / 2.0 - 0.04
                text: dict[str, Any] = {"fontsize": 5.6, "ha": "center", "va": "bottom", "color": "0.15"}
                axis.annotate(_share(support), (middle, row[k]), (0, 0.8), textcoords="offset points", **text)
    axis.plot([0], [row[0]], "s", ms=5, color="0.35", zorder=2)
    draw_clones(axis, scale.end, rows)
    for k in range(clones):
        axis.text(wide - 0.05, rows[k], f"{int(data['n'].values[k]):,}", fontsize=7, ha="right", va="center")
    axis.text(wide - 0.05, -0.75, "mutations", **_HEAD)
    axis.set(xlim=(-0.12, wide), ylim=(max(clones, 1) - 0.4, -0.6))
    axis.axis("off")


def line_of(support: float) -> dict[str, Any]:
    """How a branch of some support is drawn."""
    kind = "-" if support >= SURE else ((0, (3.2, 1.4)) if support >= LIKELY else (0, (1.0, 1.2)))
    return {"ls": kind, "lw": 2.0 if support >= SURE else 1.6}


def _share(value: float) -> str:
    return f"{value:.2f}".lstrip("0") if value < SAID else "1"


def draw_clones(axis: Axes, x: np.ndarray, y: np.ndarray, radius: float = RADIUS) -> None:
    """Mark clones by their colours, with their numbers inside."""
    for k, place in enumerate(zip(x, y, strict=True)):
        colour = style.colour_of(k + 1)
        axis.plot(*place, "o", ms=2 * radius, mfc=colour, mec="white", mew=0.8, zorder=3, clip_on=False)
        font = 1.12 * radius if k < 99 else 0.85 * radius
        look: dict[str, Any] = {"ha": "center", "va": "center_baseline", "weight": "bold", "fontsize": font}
        axis.text(*place, str(k + 1), color=style.ink_on(colour), zorder=4, **look)


def _draw_prevalences(axis: Axes, data: xr.Dataset, rows: np.ndarray) -> None:
    """A strip of cells a clone: its mean prevalence, white where it is absent."""
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    samples, clones = data.sizes["specimen"], data.sizes["clone"]
    order = np.argsort(rows)
    size, present = data["mean"].values[order], data["p_present"].values[order]
    top = 1.0 if np.nanmax(size, initial=0.0) > 0.6 else max(0.1, float(np.nanmax(size, initial=0.0)))
    import matplotlib as mpl

    shades = mpl.colormaps["BuPu"](np.linspace(0.12, 1.0, 64))
    place = (-0.5, max(samples, 1) - 0.5, max(clones, 1) - 0.5, -0.5)
    look: dict[str, Any] = {
        "cmap": LinearSegmentedColormap.from_list("prevalence", shades),
        "norm": Normalize(0.0, top),
        "interpolation": "nearest",
        "aspect": "auto",
        "extent": place,
    }
    unsure = (present >= ABSENT) & (present < PRESENT)
    shown = np.ma.masked_where(~(present >= ABSENT) | (unsure & (size < FAINT * top)), size)
    image = axis.imshow(shown if clones else np.ma.masked_all((1, max(samples, 1))), **look)
    row, column = np.nonzero(unsure)
    axis.plot(column, row, ".", ms=2.0, color="0.45", ls="")
    for edge in range(1, clones):
        axis.axhline(edge - 0.5, color="white", lw=1.6)
    axis.set(xlim=place[:2], ylim=(max(clones, 1) - 0.4, -0.6))
    style.name_ticks(axis, "x", names(data["specimen"]))
    style.name_ticks(axis, "y", [str(int(k)) for k in data["clone"].values[order]])
    axis.tick_params(axis="y", length=0)
    axis.annotate("clone", (-0.5, -0.75), (-4, 0), textcoords="offset points", annotation_clip=False, **_HEAD)
    inch = 1.0 / style.inches_of(axis)[0]
    bar: dict[str, Any] = {"fraction": 0.35 * inch, "pad": 0.12 * inch, "aspect": 14, "shrink": 0.6}
    style.figure_of(axis).colorbar(image, ax=axis, label="prevalence", **bar)


def _add_legend(axis: Axes, data: xr.Dataset, scale: Branches) -> None:
    """Say under the figure what the lines mean and how long a mutation is."""
    from matplotlib.lines import Line2D

    kinds = ((f"support ≥ {SURE:g}", 1.0), (f"≥ {LIKELY:g}", LIKELY), (f"< {LIKELY:g}", 0.0))
    handles = [Line2D([], [], color="0.35", label=text, **line_of(value)) for text, value in kinds]
    handles.append(Line2D([], [], marker=".", ls="", color="0.45", ms=4, label="presence unsure"))
    handles.append(Line2D([], [], marker="s", ls="", color="0.35", ms=4, label="normal cells"))
    figure = style.figure_of(axis)
    columns = 5 if figure.get_size_inches()[0] >= 6.5 else 3
    figure.legend(handles=handles, loc="outside lower left", ncols=columns, frameon=False, handlelength=2.2)
    if data.sizes["clone"] == 0 or scale.unit <= 0:
        return
    long = round_length(0.6 / scale.unit)
    below = data.sizes["clone"] - 0.35
    axis.plot([0, long * scale.unit], [below] * 2, color="0.1", lw=1.2, clip_on=False)
    some = scale.lengthened.any()
    text = f"{long:,} mutation{'s' * (long != 1)}" + ("; short branches are drawn longer" if some else "")
    axis.annotate(
        text, (0, below), (0, -2.5), textcoords="offset points", va="top", fontsize=6.5, annotation_clip=False
    )


def round_length(wanted: float) -> int:
    """Round a number of mutations to 1, 2 or 5 times a power of ten.

    Examples
    --------
    >>> round_length(0.3), round_length(34), round_length(740)
    (1, 20, 500)
    """
    if wanted < 1:
        return 1
    power = 10 ** int(np.floor(np.log10(wanted)))
    return int(next(m for m in (5, 2, 1) if m * power <= wanted * (1 + 1e-9)) * power)


def plot_tree(source: Source, *, axes: Any = None) -> np.ndarray:
    """Draw the consensus tree with branch lengths, support and prevalences.

    Parameters
    ----------
    source
        Tree or result folder of a model with trees.
    axes
        As in `draw_tree`.

    Returns
    -------
    numpy.ndarray
        The two axes.
    """
    return draw_tree(compute_tree(source), axes)
