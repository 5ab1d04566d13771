"""The fish plot: how the clones of one draw of the posterior grow inside one another, over dates or samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from clonalbayes.faults import fail
from clonalbayes.plots import style
from clonalbayes.plots.fish_bodies import Bodies, bodies
from clonalbayes.plots.source import Source, dataset, group, names, opened, with_trees
from clonalbayes.plots.tree_layout import rows_of
from clonalbayes.summaries.ancestry import MISSING, ROOT
from clonalbayes.summaries.intervals import hdi
from clonalbayes.summaries.tables import ccf_of
from clonalbayes.summaries.trees import Trees, collect, stacked

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ORDERS = ("auto", "dates", "samples")

ENOUGH = 100
"""Draws of the tree from which intervals are taken over them alone."""

PLATEAU = 0.22
"""Share of the way to the next sample over which nothing changes, where samples are not in time."""

MANY_SAMPLES = 12
"""More samples than this are named along the lower axis only where there is room."""

STRIP, FISH, TALLEST = 0.22, 3.4, 17.0
"""Inches of the strip of a clone, of the fish, and of the figure at most."""

COURSE, COURSE_COLOUR = 0.19, "0.55"
"""Inches of the row of a treatment, and the colour of its bars."""


def compute_fish(
    source: Source, *, order: str = "auto", ccf: bool = False, hdi_prob: float = 0.95
) -> xr.Dataset:
    """Choose a draw of the most probable tree, and the intervals of the others.

    Parameters
    ----------
    source
        Tree or result folder of a model with trees.
    order
        "dates" takes the samples with a date, over time; "samples" all of them, in their order; "auto" takes
        dates if there are two different ones.
    ccf
        Whether to divide by the purity, so that the tumour fills the figure.
    hdi_prob
        Probability that the intervals hold.

    Returns
    -------
    xarray.Dataset
        parent (clone); phi, and lo and hi over the draws of that tree, or over all if it has few (clone,
        specimen), NaN for a clone that no draw of the tree has; at (specimen), the day or the number of the
        sample; over dates also begin and end (course) of the treatments. Samples are in the order of time.

    Raises
    ------
    InputError
        If the model has no trees, there is no such order, or dates are asked for and there are not two.
    """
    if order not in ORDERS:
        raise fail("order", f"there is no {order!r}", f"Choose from {', '.join(ORDERS)}.")
    with opened(source) as tree:
        with_trees(tree)
        held, posterior = group(tree, "consensus"), group(tree, "posterior")
        trees, fit = collect(tree), stacked(group(tree, "sample_stats")["log_likelihood"])
        size, purity = stacked(held["cellular_prevalence"]), stacked(posterior["purity"])
        specimens = names(held["specimen"])
        constant = group(tree, "constant_data")
        dates = [str(d)[:10] for d in constant["date"].values] if "date" in constant else [""] * len(specimens)
        courses = _courses(constant)
    chosen, those, note = choose_draw(trees, fit)
    if ccf:
        size = ccf_of(size, purity[:, None, :])
        size = np.where(np.isnan(size) & (stacked(held["cellular_prevalence"]) == 0), 0.0, size)
    shown, at, notes = _when(dates, order)
    of_tree = len(those) >= ENOUGH
    lo, hi = hdi(size[those] if of_tree else size, hdi_prob)
    parents = np.maximum(trees.drawn[chosen], ROOT).astype(int)
    phi = np.where(trees.drawn[chosen][:, None] == MISSING, np.nan, size[chosen])
    over_dates = isinstance(at, np.ndarray) and at.dtype.kind == "M"
    table = ("clone", "specimen")
    return dataset(
        {
            "parent": ("clone", parents),
            "phi": (table, phi[:, shown]), "lo": (table, lo[:, shown]), "hi": (table, hi[:, shown]),
            "at": ("specimen", at),
            **({key: ("course", value) for key, value in zip(("begin", "end"), courses[1:], strict=True)}
               if over_dates else {}),
        },
        {"clone": np.arange(1, trees.clones + 1), "specimen": [specimens[s] for s in shown],
         **({"course": courses[0]} if over_dates else {})},
        [note, *notes],
        quantity="share of the tumour cells" if ccf else "share of all cells",
        over="dates" if over_dates else "samples",
        hdi_prob=hdi_prob, of="the draws of this tree" if of_tree else "all draws",
    )  # fmt: skip


def _courses(constant: xr.Dataset) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Treatments: names, first and last days; one that has no end is given on."""
    if "treatment_start" not in constant:
        return [], np.zeros(0, "datetime64[ns]"), np.zeros(0, "datetime64[ns]")
    days = [[str(d)[:10] or "NaT" for d in constant[f"treatment_{end}"].values] for end in ("start", "end")]
    first, last = (np.array(texts, "datetime64[D]").astype("datetime64[ns]") for texts in days)
    return names(constant["treatment"]), first, last


def choose_draw(trees: Trees, loglik: np.ndarray) -> tuple[int, np.ndarray, str]:
    """Draw of the highest likelihood among those of the most probable tree, those draws, and this in words.

    Not of the highest density: that has poles where a clone's own cells run out.

    Draws that have every clone are preferred; without any, one that lacks the fewest is taken.

    Parameters
    ----------
    trees
        The trees.
    loglik
        [D] log likelihood of each draw.
    """
    lacking = (trees.drawn == MISSING).sum(1)
    whole = np.flatnonzero(lacking == lacking.min())
    tree = int(trees.which[whole].min())  # trees are in the order of their probability
    those = whole[trees.which[whole] == tree]
    chosen = int(those[loglik[those].argmax()])
    number = f"{len(those)} draw{'s' * (len(those) != 1)}"
    note = f"The draw of highest likelihood among {number} with the tree of probability {trees.probability[tree]:.2g}."
    if lacking.min():
        note += " Clones that it lacks are left out."
    return chosen, those, note


def _when(dates: list[str], order: str) -> tuple[list[int], Any, list[str]]:
    """Samples to be shown in the order of time, their times, and what is to be said of it."""
    dated = [s for s, date in enumerate(dates) if date not in ("", "NaT")]
    enough = len({dates[s] for s in dated}) > 1
    if order == "dates" and not enough:
        remedy = 'Give the samples dates, or take order="samples".'
        raise fail("order", "fewer than two different dates are known", remedy)
    if order == "samples" or not enough:
        return list(range(len(dates))), np.arange(len(dates), dtype=float), ["Samples in their order, not in time."]
    days = np.array([dates[s] for s in dated], "datetime64[D]")
    by_day = np.argsort(days, kind="stable")
    left = len(dates) - len(dated)
    notes = [f"{left} sample{'s' * (left != 1)} without a date left out."] if left else []
    return [dated[i] for i in by_day], days[by_day].astype("datetime64[ns]"), notes


def draw_fish(data: xr.Dataset, axes: Any = None) -> np.ndarray:
    """Draw what `compute_fish` returned.

    Parameters
    ----------
    data
        The Dataset.
    axes
        Two axes: for the fish, and for the strips of the clones with the intervals of the other draws; by
        default a new figure.

    Returns
    -------
    numpy.ndarray
        The two axes.
    """
    import matplotlib.pyplot as plt

    order = shown_clones(data)
    places = places_of(data)
    over_dates = data.attrs["over"] == "dates"
    with style.style():
        own = axes is None
        if own:
            strips = STRIP * max(len(order), 2)
            samples = data.sizes["specimen"]
            width = 7.2 if over_dates else float(np.clip(0.15 * samples + 1.6, 5.2, 15.0))
            named = style.room_for_names(names(data["specimen"]))
            strips += COURSE * len(course_rows(data))
            size = (width, min(FISH + strips + 0.7 + named, TALLEST))
            figure = plt.figure(figsize=size, layout="constrained")
            flat = np.array(figure.subplots(2, 1, height_ratios=[FISH, strips], sharex=True), object)
        else:
            flat = style.given_axes(axes, 2)[:2]
        shapes = bodies(
            data["parent"].values, data["phi"].values, places, plateau=0.0 if over_dates else PLATEAU
        )
        _draw_bodies(flat[0], data, shapes)
        _draw_strips(flat[1], data, order, places)
        for axis in flat:
            axis.set_xlim(shapes.at[0], shapes.at[-1] + (0.012 * np.ptp(shapes.at) if len(places) > 1 else 0.0))
            for place in places:
                axis.axvline(place, color="0.1", lw=0.35, alpha=0.55, zorder=4)
        _draw_courses(flat[1], data)
        _name_samples(flat[0], flat[1], data, places)
        style.add_note(flat[1], data.attrs["note"], own=own)
    return flat


def shown_clones(data: xr.Dataset) -> list[int]:
    """Clones (from 0) that are in some sample, in the order of an outline of the tree.

    Parameters
    ----------
    data
        From `compute_fish`.
    """
    seen = (np.nan_to_num(data["phi"].values) > 0).any(1) | (np.nan_to_num(data["hi"].values) > 0).any(1)
    return [int(k) for k in np.argsort(rows_of(data["parent"].values)) if seen[k]]


def places_of(data: xr.Dataset) -> np.ndarray:
    """Places of the samples along the axis: days, or numbers; samples of one day lie side by side.

    Parameters
    ----------
    data
        From `compute_fish`.
    """
    if data.attrs["over"] != "dates":
        return np.asarray(data["at"].values, float)
    days = data["at"].values.astype("datetime64[D]").astype(float)
    step, out = 0.012 * float(np.ptp(days)), days.copy()
    for i in range(1, len(out)):
        out[i] = max(out[i], out[i - 1] + step)
    return out


def _draw_bodies(axis: Axes, data: xr.Dataset, shapes: Bodies) -> None:
    """Fill the outlines, parents first, and number them where they are thickest."""
    order = np.argsort(rows_of(data["parent"].values))
    for k in order:
        there = shapes.size[k] > 0
        if there.any():
            colour = style.colour_of(int(k) + 1)  # its edge keeps the smallest clone visible
            look: dict[str, Any] = {"lw": 0.35, "fc": colour, "ec": colour, "zorder": 2}
            axis.fill_between(shapes.at, shapes.low[k], shapes.high[k], where=there, **look)
    axis.set(ylim=(0, 1), yticks=[], ylabel=data.attrs["quantity"])
    tall = style.inches_of(axis)[1] * 72.0
    for k in order:
        place = thickest(shapes, data["parent"].values, int(k))
        if place is not None and place[2] * tall > 8.0:
            colour = style.colour_of(int(k) + 1)
            text: dict[str, Any] = {"ha": "center", "va": "center_baseline", "fontsize": 7, "weight": "bold"}
            axis.text(place[0], place[1], str(int(k) + 1), color=style.ink_on(colour), zorder=5, **text)


def thickest(shapes: Bodies, parents: np.ndarray, k: int) -> tuple[float, float, float] | None:
    """Where a clone shows most of itself: place, height in the figure, thickness; None if it never does.

    Parameters
    ----------
    shapes
        Outlines.
    parents
        [K] parents.
    k
        The clone, from 0.
    """
    edges = [shapes.low[k], shapes.high[k]]
    for c in np.flatnonzero(parents == k + 1):  # a child that is not there divides nothing
        edges += [np.where(shapes.size[c] > 0, edge, shapes.low[k]) for edge in (shapes.low[c], shapes.high[c])]
    ordered = np.sort(np.stack(edges), axis=0)
    gaps = (ordered[1:] - ordered[:-1])[::2]  # between a child's edges there is the child
    if gaps.size == 0 or gaps.max() <= 0:
        return None
    margin = max(gaps.shape[1] // 60, 1)
    inside = gaps[:, margin:-margin] if gaps.shape[1] > 3 * margin else gaps
    which, t = np.unravel_index(int(inside.argmax()), inside.shape)
    t += margin if gaps.shape[1] > 3 * margin else 0
    return float(shapes.at[t]), float(ordered[2 * which, t] + gaps[which, t] / 2.0), float(gaps[which, t])


def _draw_strips(axis: Axes, data: xr.Dataset, order: list[int], places: np.ndarray) -> None:
    """A strip a clone: the draw as a line, the interval of the others as a band, each to its own scale."""
    phi, lo, hi = (data[name].values for name in ("phi", "lo", "hi"))
    for row, k in enumerate(order):
        top = float(np.nanmax([np.nanmax(hi[k], initial=0.0), np.nanmax(phi[k], initial=0.0)]))
        colour, scale = style.colour_of(k + 1), 0.84 / max(top, 1e-12)
        base = row + 0.45
        low, high = base - np.nan_to_num(lo[k]) * scale, base - np.nan_to_num(hi[k]) * scale
        if data.attrs["over"] == "dates" and len(places) > 1:
            axis.fill_between(places, low, high, color=colour, alpha=0.3, lw=0, zorder=2)
            axis.plot(places, base - phi[k] * scale, color=colour, lw=1.2, zorder=3)
        else:
            axis.vlines(places, high, low, color=colour, alpha=0.35, lw=3.0, zorder=2)
            axis.plot(places, base - phi[k] * scale, color=colour, lw=0.7, zorder=3)
        there = phi[k] > 0
        axis.plot(places[there], (base - phi[k] * scale)[there], ".", ms=3.0, color=colour, zorder=5)
        axis.axhline(base, color="0.8", lw=0.5, zorder=1)
        side: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "va": "center", "annotation_clip": False}
        text: dict[str, Any] = side | {"textcoords": "offset points"}
        axis.annotate(str(k + 1), (0, row), (-4, 0), ha="right", fontsize=7, weight="bold", **text)
        axis.annotate(f"{top:.2g}", (1, row), (4, 0), ha="left", fontsize=6.5, color="0.35", **text)
    axis.set(ylim=(max(len(order), 1) - 0.4, -0.75), yticks=[])
    said = f"prevalence of each clone, with the\n{data.attrs['hdi_prob']:.0%} interval of {data.attrs['of']}"
    few = len(order) < 7
    axis.set_ylabel("prevalence\nof each clone" if few else said, labelpad=18)
    if order:
        head: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "fontsize": 6.5}
        axis.annotate("largest", (1, 1), (4, 1), ha="left", va="bottom", color="0.35", **head)


def course_rows(data: xr.Dataset) -> list[str]:
    """Treatments that get a row of bars, in the order of their first days; none without dates.

    Parameters
    ----------
    data
        From `compute_fish`.
    """
    if "begin" not in data:
        return []
    order = np.argsort(data["begin"].values, kind="stable")
    return list(dict.fromkeys(str(data["course"].values[j]) for j in order))


def _draw_courses(axis: Axes, data: xr.Dataset) -> None:
    """Bars of the treatments above the strips, each named beside its first bar."""
    rows = course_rows(data)
    if not rows:
        return
    low, high = axis.get_xlim()
    tall, start = COURSE / STRIP, axis.get_ylim()[1]
    for row, name in enumerate(rows):
        y = start - tall * (len(rows) - row - 0.5)
        spans = []
        for j in np.flatnonzero(data["course"].values.astype(str) == name):
            day = [data[key].values[j].astype("datetime64[D]").astype(float) for key in ("begin", "end")]
            end = high if np.isnat(data["end"].values[j]) else day[1] + 1.0
            spans.append((np.clip(day[0], low, high), np.clip(end, low, high)))
        least = 0.006 * (high - low)
        for left, right in spans:
            axis.barh(y, max(right - left, least), 0.62 * tall, left=left, color=COURSE_COLOUR, lw=0, zorder=3)
        left, right = min(s for s, _ in spans), max(max(e, s + least) for s, e in spans)
        before = left - low > high - right
        look: dict[str, Any] = {"textcoords": "offset points", "fontsize": 6.5, "annotation_clip": False}
        look |= {"va": "center", "ha": "right" if before else "left"}
        axis.annotate(style.escape(name), (left if before else right, y), (-3 if before else 3, 0), **look)
    axis.set_ylim(axis.get_ylim()[0], start - tall * len(rows))


def _name_samples(fish: Axes, strips: Axes, data: xr.Dataset, places: np.ndarray) -> None:
    """Names of the samples above the fish over dates, with the dates below; else below."""
    shown = names(data["specimen"])
    if data.attrs["over"] != "dates":
        style.name_ticks(strips, "x", shown)
        fish.tick_params(axis="x", length=0, labelbottom=False)
        return
    import matplotlib.dates as _dates

    mdates: Any = _dates  # its functions carry no types
    locator = mdates.AutoDateLocator(minticks=3, maxticks=8)
    strips.xaxis.set_major_locator(locator)
    strips.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))
    fish.tick_params(axis="x", labelbottom=False)
    gap = 0.13 / style.inches_of(fish)[0] * float(np.ptp(fish.get_xlim()))
    for name, at, wanted in zip(shown, style.spread(places.tolist(), gap, *fish.get_xlim()), places, strict=True):
        fish.text(at, 1.035, style.escape(name, 18), rotation=90, ha="center", va="bottom", fontsize=6.5)
        line: dict[str, Any] = {"lw": 0.4, "color": "0.4", "clip_on": False, "scalex": False, "scaley": False}
        fish.plot((wanted, at), (1.0, 1.035), **line)


def plot_fish(source: Source, *, axes: Any = None, **options: Any) -> np.ndarray:
    """Draw how the clones grow inside one another over time, from one draw, with the intervals of the others.

    Parameters
    ----------
    source
        Tree or result folder of a model with trees.
    axes
        As in `draw_fish`.
    **options
        As in `compute_fish`: order, ccf, hdi_prob.

    Returns
    -------
    numpy.ndarray
        The two axes.
    """
    return draw_fish(compute_fish(source, **options), axes)
