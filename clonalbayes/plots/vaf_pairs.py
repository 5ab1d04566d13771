"""Mutations in pairs of samples: one sample against the other, coloured by clone, with densities."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from clonalbayes.plots import style
from clonalbayes.plots.source import (
    GERMLINE,
    NOISE,
    Source,
    ccf_of,
    choose,
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

MASSES = (0.5, 0.9)
"""Shares of a clone's mutations that the contours hold."""

FEWEST = 10
"""Mutations that a clone needs for a density."""

GRID, BINS = 96, 60
FLOOR = 50
CCF_TOP = 1.5


def compute_vaf_pairs(
    source: Source,
    *,
    pairs: Sequence[tuple[str, str]] | None = None,
    ccf: bool = False,
    max_pairs: int = 12,
    max_points: int = 20_000,
    seed: int = 0,
) -> xr.Dataset:
    """Values, densities and places of the clones for each pair of samples.

    Parameters
    ----------
    source
        Tree or result folder.
    pairs
        Names of the samples of each panel; by default all pairs of up to 4 samples, and neighbours of more.
    ccf
        Whether to show cancer cell fractions, corrected for purity and copy number, in place of VAFs.
    max_pairs
        Panels at most when `pairs` is not given, evenly spaced among the pairs there are.
    max_points
        Mutations drawn as points; densities are always those of all.
    seed
        Of the choice of points.

    Returns
    -------
    xarray.Dataset
        value (mutation, specimen), label (mutation), drawn (mutation), pair_x and pair_y (pair), positions of
        specimens; density (pair, clone, y, x) per unit area on the cell centres `grid`; level (pair, clone,
        mass); centre (pair, clone, axis), the mutation nearest to the median; count (specimen, clone, bin) on
        `edge`; n (clone). `clone` holds the labels present.

    Raises
    ------
    InputError
        If a pair names a sample that is not there.
    """
    with opened(source) as tree:
        values = ccf_of(tree) if ccf else vaf_of(tree)
        labels = labels_of(tree)
    specimens = names(values["specimen"])
    notes: list[str] = []
    chosen = _pairs(specimens, pairs, max_pairs, notes)
    top = _top(values.values, ccf)
    present = present_labels(labels)
    drawn = np.zeros(len(labels), bool)
    drawn[subsample(labels, max_points, FLOOR, seed)] = True
    shown = sorted({s for pair in chosen for s in pair}) or list(range(len(specimens)))
    _say(values.values[:, shown], labels, drawn, top, notes)
    density, level, centre = _densities(values.values, labels, present, chosen, top)
    edges = np.linspace(0.0, top, BINS + 1)
    counts = _marginals(np.minimum(values.values, top), labels, present, edges)
    step = top / GRID
    return dataset(
        {
            "value": values, "label": ("mutation", labels), "drawn": ("mutation", drawn),
            "pair_x": ("pair", [x for x, _ in chosen]), "pair_y": ("pair", [y for _, y in chosen]),
            "density": (("pair", "clone", "y", "x"), density), "level": (("pair", "clone", "mass"), level),
            "centre": (("pair", "clone", "axis"), centre), "count": (("specimen", "clone", "bin"), counts),
            "edge": ("edges", edges), "grid": ("x", step * (np.arange(GRID) + 0.5)),
            "n": ("clone", [int((labels == k).sum()) for k in present]),
        },
        {"clone": present, "mass": list(MASSES)},
        notes, quantity="CCF" if ccf else "VAF", top=top,
    )  # fmt: skip


def _pairs(
    specimens: list[str], asked: Sequence[tuple[str, str]] | None, limit: int, notes: list[str]
) -> list[tuple[int, int]]:
    """Positions of the samples of each panel."""
    if asked is not None:
        return [(choose(specimens, x, "pairs"), choose(specimens, y, "pairs")) for x, y in asked]
    n = len(specimens)
    found = list(itertools.combinations(range(n), 2)) if n <= 4 else [(s, s + 1) for s in range(n - 1)]
    if len(found) <= limit:
        return found
    notes.append(f"{limit} of the {len(found)} pairs of neighbouring samples are drawn.")
    return [found[round(i)] for i in np.linspace(0, len(found) - 1, limit)]


def _top(values: np.ndarray, ccf: bool) -> float:
    """Upper end of the axes."""
    if ccf:
        return CCF_TOP
    known = values[np.isfinite(values)]
    high = float(np.quantile(known, 0.998)) if known.size else 1.0
    return float(min(1.0, np.ceil(high * 10 + 0.5) / 10))


def _say(values: np.ndarray, labels: np.ndarray, drawn: np.ndarray, top: float, notes: list[str]) -> None:
    if not drawn.all():
        notes.append(
            f"{int(drawn.sum()):,} of {len(labels):,} mutations are drawn, chosen at random, but {FLOOR} "
            "of every clone; contours come from all."
        )
    above = int((values > top).any(axis=1).sum())
    if above:
        notes.append(f"{_count(above)} with a value above {top:g} drawn at the edge.")
    missing = int(np.isnan(values).any(axis=1).sum())
    if missing:
        notes.append(f"{_count(missing)} without a value in some sample, not drawn there.")


def _count(n: int) -> str:
    return f"{n:,} mutation" + "s" * (n != 1)


def _densities(
    values: np.ndarray, labels: np.ndarray, present: list[int], pairs: list[tuple[int, int]], top: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    shape = (len(pairs), len(present))
    density = np.zeros((*shape, GRID, GRID), np.float32)
    level, centre = np.full((*shape, len(MASSES)), np.nan), np.full((*shape, 2), np.nan)
    for (p, (x, y)), (k, label) in itertools.product(enumerate(pairs), enumerate(present)):
        points = values[labels == label][:, [x, y]]
        points = np.minimum(points[np.isfinite(points).all(axis=1)], top)
        if label in (NOISE, GERMLINE) or not len(points):
            continue
        off = points - np.median(points, axis=0)
        centre[p, k] = points[(off**2).sum(axis=1).argmin()]  # of two, one: between them there is nothing
        if len(points) >= FEWEST:
            density[p, k] = smooth_density(points, top)
            level[p, k] = mass_levels(density[p, k])
    return density, level, centre


def smooth_density(points: np.ndarray, top: float) -> np.ndarray:
    """Density of points in the square from 0 to `top`: a histogram under a Gaussian of Scott's width.

    Mass that would leak over an edge is reflected, so the density sums to 1 over the square.

    Parameters
    ----------
    points
        [n, 2] x and y.
    top
        Side of the square.

    Returns
    -------
    numpy.ndarray
        [GRID, GRID] by y, x.
    """
    span = [[0.0, top], [0.0, top]]
    counts, _, _ = np.histogram2d(points[:, 1], points[:, 0], bins=GRID, range=span)
    scott = len(points) ** (-1.0 / 6.0) * points.std(axis=0) * GRID / top
    width = np.maximum(scott, 0.8)[::-1]  # not below a cell, or the contours follow the grid
    smooth = _smooth(_smooth(counts, width[0]).T, width[1]).T
    return smooth / (smooth.sum() * (top / GRID) ** 2)


def _smooth(counts: np.ndarray, width: float) -> np.ndarray:
    """Smooth rows with a Gaussian, its width in cells; scipy's filter does the same, and is slow to load."""
    reach = min(int(4.0 * width + 0.5), len(counts))
    padded = np.pad(counts, ((reach, reach), (0, 0)), mode="symmetric")
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    out = np.zeros(counts.shape)
    for k, weight in enumerate(weights / weights.sum()):
        out += weight * padded[k : k + len(counts)]
    return out


def mass_levels(density: np.ndarray) -> np.ndarray:
    """Densities above which lie the shares `MASSES` of the mass, in the order of `MASSES`."""
    falling = np.sort(density.ravel())[::-1].astype(float)
    held = np.cumsum(falling) / falling.sum()
    return falling[np.minimum(np.searchsorted(held, MASSES), len(falling) - 1)]


def _marginals(values: np.ndarray, labels: np.ndarray, present: list[int], edges: np.ndarray) -> np.ndarray:
    counts = np.zeros((values.shape[1], len(present), len(edges) - 1), np.int64)
    for (s, column), (k, label) in itertools.product(enumerate(values.T), enumerate(present)):
        counts[s, k] = np.histogram(column[labels == label], edges)[0]
    return counts


def draw_vaf_pairs(data: xr.Dataset, axes: Any = None) -> np.ndarray:
    """Draw what `compute_vaf_pairs` returned.

    Parameters
    ----------
    data
        The Dataset.
    axes
        Axes to draw into, one a pair; by default a new figure.

    Returns
    -------
    numpy.ndarray
        The axes. A patient with one sample has no pairs: the distribution of its values is drawn.
    """
    panels = max(data.sizes["pair"], 1)
    columns = min(panels, 4 if panels > 6 else 3)
    rows = -(-panels // columns)
    with style.style():
        own = axes is None
        grid = (
            style.new_axes(rows, columns, 2.35 * columns + 1.1, 2.3 * rows + 0.3, "compressed")
            if own
            else axes
        )
        flat = style.given_axes(grid, panels)
        if not data.sizes["pair"]:
            _draw_marginal(flat[0], data)
        for p in range(data.sizes["pair"]):
            _draw_pair(flat[p], data, p)
        for spare in flat[panels:] if own else ():
            spare.set_axis_off()
        if own:
            _add_legend(flat[0], data)
        style.add_note(flat[0], data.attrs["note"], own=own)
    return flat[:panels]


def _draw_order(data: xr.Dataset) -> Iterator[tuple[int, int]]:
    """Position and label: what is no clone first, then large clones before small ones, which lie on top."""
    labels, sizes = data["clone"].values, data["n"].values
    for k in sorted(range(len(labels)), key=lambda k: (labels[k] > 0, -sizes[k])):
        yield k, int(labels[k])


def _draw_pair(axis: Axes, data: xr.Dataset, p: int) -> None:
    x, y = int(data["pair_x"][p]), int(data["pair_y"][p])
    top = float(data.attrs["top"])
    values = np.minimum(data["value"].values[:, [x, y]], top)
    drawn, label = data["drawn"].values, data["label"].values
    n = int(drawn.sum())
    size, alpha = (4.0, 0.8) if n < 400 else (2.6, 0.55) if n < 4000 else (1.8, 0.35)
    for _, k in _draw_order(data):
        own = values[drawn & (label == k)]
        extra = k <= 0  # crosses need thicker lines than dots to be seen
        look: dict[str, Any] = {
            "color": style.colour_of(k),
            "ms": size * (1.2 if extra else 1),
            "mew": 0.8 if extra else 0,
        }
        axis.plot(
            *own.T, style.marker_of(k), rasterized=n > 1000, clip_on=False, alpha=alpha, zorder=2, **look
        )
    grid = data["grid"].values
    for k, name in _draw_order(data):
        levels = np.unique(data["level"].values[p, k])
        if np.isfinite(levels).all() and levels[0] > 0:
            axis.add_collection(_contours(grid, data["density"].values[p, k], levels, style.colour_of(name)))
    _name_clones(axis, data, p, top)
    specimens = names(data["specimen"])
    axis.set(xlim=(0, top), ylim=(0, top), aspect="equal")
    axis.set_xlabel(f"{data.attrs['quantity']} in {style.escape(specimens[x])}")
    axis.set_ylabel(f"{data.attrs['quantity']} in {style.escape(specimens[y])}")
    axis.locator_params(nbins=5)


def _contours(grid: np.ndarray, density: np.ndarray, levels: np.ndarray, colour: str) -> Any:
    """Lines of a density at one or two levels; `Axes.contour` spends most of its time on what is not needed here."""
    from contourpy import contour_generator
    from matplotlib.collections import LineCollection

    lines = contour_generator(grid, grid, density)
    widths = (0.7, 1.1)[: len(levels)]
    found = [(np.asarray(line), w) for level, w in zip(levels, widths, strict=True) for line in lines.lines(level)]
    return LineCollection([line for line, _ in found], colors=colour, linewidths=[w for _, w in found], zorder=3)


def _name_clones(axis: Axes, data: xr.Dataset, p: int, top: float) -> None:
    """Write the clones' numbers at their centres; clones that lie together share one list of numbers.

    Clones that are in neither sample are at the origin, and are not named.
    """
    from matplotlib.patheffects import withStroke

    centre = data["centre"].values[p]
    groups: list[list[int]] = []
    for k in np.flatnonzero(np.nan_to_num(centre).max(axis=1) > 0.02 * top):
        near = [g for g in groups if (np.abs(centre[g[0]] - centre[k]) < (0.2 * top, 0.08 * top)).all()]
        near[0].append(int(k)) if near else groups.append([int(k)])
    for group in groups:
        text = ",".join(str(int(data["clone"][k])) for k in group[:5]) + ("…" if len(group) > 5 else "")
        x, y = centre[group[0]]
        side = "left" if x < 0.08 * top else "right" if x > 0.92 * top else "center"
        text_look: dict[str, Any] = {
            "fontsize": 7.5,
            "weight": "bold",
            "ha": side,
            "va": "bottom",
            "zorder": 5,
        }
        halo = [withStroke(linewidth=2.0, foreground="white")]
        offset = (3 if side == "left" else 0, 2)
        name = axis.annotate(text, (x, y), offset, textcoords="offset points", path_effects=halo, **text_look)
        name.set_in_layout(False)  # it is inside


def _draw_marginal(axis: Axes, data: xr.Dataset) -> None:
    """Stacked histogram of the only sample."""
    edges, counts = data["edge"].values, data["count"].values[0]
    below = np.zeros(len(edges) - 1)
    for k, label in enumerate(data["clone"].values):
        axis.stairs(below + counts[k], edges, baseline=below, fill=True, color=style.colour_of(int(label)))
        below = below + counts[k]
    axis.set_xlabel(f"{data.attrs['quantity']} in {style.escape(names(data['specimen'])[0])}")
    axis.set(ylabel="mutations", xlim=(0, edges[-1]))


def _add_legend(axis: Axes, data: xr.Dataset) -> None:
    from matplotlib.lines import Line2D

    handles = []
    for label, n in zip(data["clone"].values.tolist(), data["n"].values, strict=True):
        text, mew = f"{style.name_of(label)} ({int(n):,})", 1 if label <= 0 else 0
        marker, colour = style.marker_of(label), style.colour_of(label)
        handles.append(Line2D([], [], ls="", ms=5, marker=marker, color=colour, mew=mew, label=text))
    if handles:
        look: dict[str, Any] = {"title": "clone\n(mutations)", "title_fontsize": 7.5, "alignment": "left"}
        look |= {"loc": "outside right upper", "handletextpad": 0.1}
        style.figure_of(axis).legend(handles=handles, frameon=False, **look)


def plot_vaf_pairs(source: Source, *, axes: Any = None, **options: Any) -> np.ndarray:
    """Draw VAFs (or CCFs) of each pair of samples by consensus clone; contours hold 50 and 90 % of a clone.

    Parameters
    ----------
    source
        Tree or result folder.
    axes
        As in `draw_vaf_pairs`.
    **options
        As in `compute_vaf_pairs`: pairs, ccf, max_pairs, max_points, seed.

    Returns
    -------
    numpy.ndarray
        The axes.
    """
    return draw_vaf_pairs(compute_vaf_pairs(source, **options), axes)
