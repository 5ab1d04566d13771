"""How large each clone is in each sample, with intervals and the probability that it is there at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from clonalbayes.faults import fail
from clonalbayes.plots import style
from clonalbayes.plots.source import Source, dataset, group, labels_of, names, opened
from clonalbayes.summaries.intervals import hdi, mean
from clonalbayes.summaries.tables import ccf_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LAYOUTS = ("auto", "samples", "clones", "dates")

MANY_SAMPLES = 10
"""More samples than this are drawn as one strip a clone rather than one panel a sample."""

SURE, UNSURE = 0.95, 0.05


def compute_prevalence(source: Source, *, ccf: bool = False, hdi_prob: float = 0.95) -> xr.Dataset:
    """Mean, interval and probability of presence of each clone in each sample.

    Draws in which a consensus clone has no partner do not count.

    Parameters
    ----------
    source
        Tree or result folder.
    ccf
        Whether to divide by the purity, draw by draw.
    hdi_prob
        Probability that the highest-density intervals hold.

    Returns
    -------
    xarray.Dataset
        mean, lo, hi, p_present (clone, specimen), NaN where no draw has the clone; n (clone), the mutations
        of the consensus clone; date (specimen), text, empty where unknown.
    """
    with opened(source) as tree:
        posterior, held, labels = group(tree, "posterior"), group(tree, "constant_data"), labels_of(tree)
        drawn = group(tree, "consensus")["cellular_prevalence"]
        size = drawn.transpose("chain", "draw", "clone", "specimen").values
        purity = posterior["purity"].transpose("chain", "draw", "specimen").values
        specimens = names(posterior["specimen"])
        dates = [str(d) for d in held["date"].values] if "date" in held else [""] * len(specimens)
    clones = size.shape[2]
    if ccf:
        size = ccf_of(size, purity[:, :, None, :])
    size = size.reshape(size.shape[0] * size.shape[1], *size.shape[2:]).astype(float)
    present = mean(np.where(np.isnan(size), np.nan, size > 0))  # absence is a prevalence of exactly 0
    lo, hi = hdi(size, hdi_prob)
    table = ("clone", "specimen")
    return dataset(
        {
            "mean": (table, mean(size)), "lo": (table, lo), "hi": (table, hi), "p_present": (table, present),
            "n": ("clone", [int((labels == k + 1).sum()) for k in range(clones)]),
            "date": ("specimen", dates),
        },
        {"clone": np.arange(1, clones + 1), "specimen": specimens},
        [], quantity="CCF" if ccf else "prevalence", hdi_prob=hdi_prob,
    )  # fmt: skip


def draw_prevalence(data: xr.Dataset, axes: Any = None, *, layout: str = "auto") -> np.ndarray:
    """Draw what `compute_prevalence` returned.

    Parameters
    ----------
    data
        The Dataset.
    axes
        Axes to draw into; by default a new figure. One a sample, one a clone, or one for dates.
    layout
        "samples" is a panel a sample, "clones" a strip a clone with the samples along it, "dates" lines over
        the sampling dates; "auto" takes samples for up to ten of them and clones for more.

    Returns
    -------
    numpy.ndarray
        The axes.

    Raises
    ------
    InputError
        If there is no such layout, or a sample has no date that lines could be drawn over.
    """
    if layout not in LAYOUTS:
        raise fail("layout", f"there is no {layout!r}", f"Choose from {', '.join(LAYOUTS)}.")
    if layout == "auto":
        layout = "samples" if data.sizes["specimen"] <= MANY_SAMPLES else "clones"
    with style.style():
        if layout == "dates":
            flat = _draw_dates(data, axes)
        elif layout == "samples":
            flat = _draw_samples(data, axes)
        else:
            flat = _draw_clones(data, axes)
        if axes is None:
            _add_legend(flat[0], data)
    return flat


def _draw_samples(data: xr.Dataset, axes: Any) -> np.ndarray:
    """One panel a sample: clones from the top, their sizes to the right."""
    samples, clones = data.sizes["specimen"], data.sizes["clone"]
    columns = min(samples, 4 if samples != 5 else 5)
    rows = -(-samples // columns)
    own = axes is None
    height = float(np.clip(0.17 * clones, 1.0, 5.5)) + 0.55
    grid = style.new_axes(rows, columns, 1.75 * columns + 0.7, height * rows + 0.4) if own else axes
    flat = style.given_axes(grid, samples)
    shown = [str(int(k)) for k in data["clone"].values]
    for s, name in enumerate(names(data["specimen"])):
        axis = flat[s]
        _draw_intervals(axis, data, [(k, s) for k in range(clones)], range(clones), upright=False)
        for k in range(clones):
            _say_presence(axis, data, k, s)
        axis.set(xlim=(0, _top(data)), ylim=(max(clones, 1) - 0.4, -0.6))
        axis.set_title(style.escape(name, 22))
        axis.locator_params(axis="x", nbins=3)
        axis.xaxis.set_major_formatter("{x:g}")
        axis.grid(axis="x", color="0.9", lw=0.6)
        axis.set_axisbelow(True)
        first = s % columns == 0 or not own
        style.name_ticks(axis, "y", shown if first else [""] * clones)
        if first:
            axis.set_ylabel("clone")
        if s + columns >= samples or not own:
            axis.set_xlabel(data.attrs["quantity"])
    for spare in flat[samples:] if own else ():
        spare.set_axis_off()
    return flat[:samples]


def _top(data: xr.Dataset) -> float:
    """Upper end of the axis of sizes."""
    high = float(np.nanmax(data["hi"].values, initial=0.0))
    return 1.04 if high > 0.6 or high == 0 else float(np.ceil(high * 10.5) / 10)


def _draw_intervals(
    axis: Axes, data: xr.Dataset, cells: Sequence[tuple[int, int]], places: Sequence[Any], *, upright: bool
) -> None:
    """Sizes of clones in samples: a bar for the interval, a marker for the mean that says how sure presence is.

    `cells` are (clone, sample). All bars are one artist, and so are all markers of one shape.
    """
    from matplotlib.collections import LineCollection

    turn = 1 if upright else -1
    bars, shades = [], []
    marks: dict[str, list[tuple[tuple[float, ...], str, str]]] = {}
    for (k, s), place in zip(cells, places, strict=True):
        mean, lo, hi, p = (float(data[name].values[k, s]) for name in ("mean", "lo", "hi", "p_present"))
        if np.isnan(mean):
            continue
        label = int(data["clone"][k])
        colour = style.colour_of(label) if p >= UNSURE else "0.55"
        bars.append([(place, lo)[::turn], (place, hi)[::turn]])
        shades.append(colour)
        marker = style.marker_of(label) if p >= UNSURE else "x"
        marks.setdefault(marker, []).append(((place, mean)[::turn], colour, colour if p >= SURE else "white"))
    ends = LineCollection(bars, colors=shades, linewidths=1.8, capstyle="butt", clip_on=False, zorder=2)
    axis.add_collection(ends, autolim=False)
    for marker, found in marks.items():
        points, edges, fills = zip(*found, strict=True)
        look: dict[str, Any] = {"c": edges, "s": 3.0**2}
        if marker != "x":
            look = {"c": fills, "edgecolors": edges, "s": 3.6**2}
        axis.scatter(*np.transpose(points), marker=marker, linewidths=0.9, clip_on=False, zorder=3, **look)


def _say_presence(axis: Axes, data: xr.Dataset, k: int, s: int) -> None:
    """Write the probability of presence where it is neither near 0 nor near 1."""
    p, hi = float(data["p_present"].values[k, s]), float(data["hi"].values[k, s])
    if UNSURE <= p < SURE:
        text = {"fontsize": 6, "va": "center", "color": "0.25"}
        axis.annotate(f"{p:.2f}", (hi, k), (3, 0), textcoords="offset points", **text)  # type: ignore[arg-type]


def _draw_clones(data: xr.Dataset, axes: Any) -> np.ndarray:
    """One strip a clone, the samples along it."""
    samples, clones = data.sizes["specimen"], data.sizes["clone"]
    strips, own = max(clones, 1), axes is None
    width = float(np.clip(0.135 * samples, 3.5, 16.0)) + 1.6
    grid = style.new_axes(strips, 1, width, 0.48 * strips + 1.4) if own else axes
    flat = style.given_axes(grid, strips)
    top = _top(data)
    for k in range(clones):
        axis = flat[k]
        _draw_intervals(axis, data, [(k, s) for s in range(samples)], range(samples), upright=True)
        axis.set(xlim=(-0.6, samples - 0.4), ylim=(0, top))
        axis.set_yticks([0.0, 1.0 if top > 1 else top])
        label = int(data["clone"][k])
        axis.set_ylabel(str(label), rotation=0, ha="right", va="center", weight="bold")
        axis.set_xticks([])
        axis.set_facecolor("none")
        ends = style.strokes((range(samples), 0.0), (range(samples), top))
        axis.plot(*ends, color="0.93", lw=0.5, zorder=0)
    style.name_ticks(flat[strips - 1], "x", names(data["specimen"]))
    if own:
        style.figure_of(flat[0]).supylabel(f"{data.attrs['quantity']} of clone", fontsize=8.5)
    return flat[:strips]


def _draw_dates(data: xr.Dataset, axes: Any) -> np.ndarray:
    """Lines over the dates, one a clone, named at their ends."""
    import matplotlib.dates as _dates

    mdates: Any = _dates  # its functions carry no types

    texts = [str(d) for d in data["date"].values]
    undated = [name for name, text in zip(names(data["specimen"]), texts, strict=True) if not text]
    if undated:
        remedy = 'Give every sample a date, or take layout="samples" or "clones".'
        raise fail("layout", f"no date is known for {', '.join(undated[:5])}", remedy)
    flat = style.given_axes(style.new_axes(1, 1, 7.0, 3.6) if axes is None else axes, 1)[:1]
    days = _side_by_side(mdates.date2num(np.array(texts, "datetime64[D]")))
    order = np.argsort(days, kind="stable")
    axis, top = flat[0], _top(data)
    for k, label in enumerate(data["clone"].values.tolist()):
        axis.plot(days[order], data["mean"].values[k, order], color=style.colour_of(label), lw=1.0, zorder=1)
        _draw_intervals(axis, data, [(k, s) for s in order.tolist()], days[order].tolist(), upright=True)
    if len(order):
        _name_lines(axis, data, days, int(order[-1]), top)
    locator = mdates.AutoDateLocator(minticks=3, maxticks=8)
    axis.xaxis.set_major_locator(locator)
    axis.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))
    axis.set(ylim=(0, top), ylabel=f"{data.attrs['quantity']} of clone")
    return flat


def _side_by_side(days: np.ndarray) -> np.ndarray:
    """Move samples of one date apart, so that each can be seen."""
    step = 0.02 * max(float(np.ptp(days)), 1.0) if len(days) else 0.0
    moved = days.astype(float)
    for day in np.unique(days):
        same = np.flatnonzero(days == day)
        moved[same] += step * (np.arange(len(same)) - (len(same) - 1) / 2.0)
    return moved


def _name_lines(axis: Axes, data: xr.Dataset, days: np.ndarray, last: int, top: float) -> None:
    """Number the clones: those that are there at the end at the right, the others at their largest."""
    from matplotlib.patheffects import withStroke

    look: dict[str, Any] = {
        "fontsize": 7,
        "weight": "bold",
        "annotation_clip": False,
        "path_effects": [withStroke(linewidth=2.0, foreground="white")],
        "zorder": 5,
    }
    size = np.nan_to_num(data["mean"].values)
    there = size[:, last] > 0.02 * top
    ends = [int(k) for k in np.argsort(size[:, last], kind="stable") if there[k]]
    gap = 0.1 * top / style.inches_of(axis)[1]
    for k, at in zip(ends, style.spread([size[k, last] for k in ends], gap, 0.0, top), strict=True):
        text, place = str(int(data["clone"][k])), (days[last], at)
        axis.annotate(text, place, (7, 0), textcoords="offset points", va="center", **look)
    for k in np.flatnonzero(~there & (size.max(axis=1, initial=0.0) > 0)).tolist():
        peak = int(size[k].argmax())
        place = (days[peak], size[k, peak])
        axis.annotate(
            str(int(data["clone"][k])), place, (0, 3), textcoords="offset points", ha="center", **look
        )


def _add_legend(axis: Axes, data: xr.Dataset) -> None:
    """Say what the marks mean, under the figure."""
    from matplotlib.lines import Line2D

    grey: dict[str, Any] = {"color": "0.3", "ms": 4, "ls": ""}
    handles = [
        Line2D([], [], color="0.3", lw=1.8, label=f"{data.attrs['hdi_prob']:.0%} interval"),
        Line2D([], [], marker="o", label=f"present: P ≥ {SURE:g}", **grey),
        Line2D([], [], marker="o", mfc="white", label=f"unsure: {UNSURE:g} ≤ P < {SURE:g}", **grey),
        Line2D([], [], marker="x", label=f"absent: P < {UNSURE:g}", **(grey | {"color": "0.55"})),
    ]
    figure = style.figure_of(axis)
    wide = figure.get_size_inches()[0] >= 6.0
    columns = 4 if wide else 2
    figure.legend(
        handles=handles, loc="outside lower center", ncols=columns, frameon=False, handletextpad=0.3
    )


def plot_prevalence(source: Source, *, axes: Any = None, layout: str = "auto", **options: Any) -> np.ndarray:
    """Draw the prevalence (or CCF) of each clone in each sample with intervals and probabilities of presence.

    Parameters
    ----------
    source
        Tree or result folder.
    axes, layout
        As in `draw_prevalence`.
    **options
        As in `compute_prevalence`: ccf, hdi_prob.

    Returns
    -------
    numpy.ndarray
        The axes.
    """
    return draw_prevalence(compute_prevalence(source, **options), axes, layout=layout)
