"""Figures of dates: the tree on a calendar, and where every split lies around the treatments."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from clonalbayes.faults import fail
from clonalbayes.plots import style
from clonalbayes.plots.source import dataset
from clonalbayes.signatures.output import read_rows
from clonalbayes.summaries.intervals import hdi, mean

if TYPE_CHECKING:
    from matplotlib.axes import Axes

type Folder = str | os.PathLike[str]

PLACES = ("before", "during", "after")
PLACE_COLOURS = ("#9CD1F2", "#E69F00", "#8FCFB4")
COURSE_COLOURS = ("#E69F00", "#7FA7D9", "#B58CC2", "#8FBC8F", "#C9A27E", "#9E9E9E")
NAMES = 0.3
"""Room for the names of the tips, as a share of the time that is drawn."""

MOST_TICKS = 10

SHORTEST = 0.006
"""Width of a course in the figure, at least, as a share of the time: one day must be seen."""


def compute_calendar(folder: Folder) -> xr.Dataset:
    """Dates of the nodes and the order in which the consensus tree is drawn.

    Parameters
    ----------
    folder
        Written by ``clonalbayes fit`` or ``timing``.

    Returns
    -------
    xarray.Dataset
        day, lo, hi, bound, parent, row, lineage (clone); start, end, treatment (course); sampling (its day) in days
        from the attribute origin.

    Raises
    ------
    InputError
        If the folder has no dates.
    """
    path = Path(folder) / "timing.nc"
    if not path.is_file():
        raise fail(str(folder), "holds no dates", "Its run.json says why, under timing; or run `clonalbayes timing`.")
    with xr.open_dataset(path, engine="netcdf4") as stored:
        data = stored.load()
    time = data["node_time"].values.reshape(-1, data.sizes["clone"])
    low, high = hdi(time)
    parent = data["consensus_parent"].values.astype(int)
    courses, days = ([str(name) for name in data[key].values] for key in ("course_name", "sampling_name"))
    return dataset(
        {
            "day": ("clone", mean(time)), "lo": ("clone", low), "hi": ("clone", high),
            "bound": ("clone", data["bound"].values), "parent": ("clone", parent), "row": ("clone", rows_of(parent)),
            "lineage": ("clone", [str(name) for name in data["lineage"].values]),
            "start": ("course", data["course_start"].values), "end": ("course", data["course_end"].values),
            "treatment": ("course", [_without_number(name, courses) for name in courses]),
            "sampling_day": ("sampling", data["sampling_day"].values),
        },
        {"clone": [str(name) for name in data["clone_name"].values], "course": courses, "sampling": days},
        [], origin=str(data.attrs["origin"]),
    )  # fmt: skip


def _without_number(name: str, names: list[str]) -> str:
    """A treatment of a course: ``thiopurine`` of ``thiopurine 2``, if there is a ``thiopurine 1`` too."""
    stem = name.rpartition(" ")[0]
    return stem if stem and f"{stem} 1" in names and name.removeprefix(f"{stem} ").isdigit() else name


def rows_of(parent: np.ndarray) -> np.ndarray:
    """Height of every clone: tips one below the other, others in the middle of their children, or above an only one.

    >>> rows_of(np.array([0, 1, 1])).tolist()
    [0.5, 0.0, 1.0]
    >>> rows_of(np.array([0, 1])).tolist()
    [0.0, 0.5]
    """
    out = np.full(len(parent), np.nan)
    count = 0.0

    def place(k: int) -> float:
        nonlocal count
        children = np.flatnonzero(parent == k + 1)
        if len(children) == 1:
            count += 0.5
            out[k] = place(int(children[0])) - 0.5
        elif len(children):
            heights = [place(int(c)) for c in children]
            out[k] = (heights[0] + heights[-1]) / 2
            if out[k] in heights:
                out[k] += 0.25
        else:
            out[k], count = count, count + 1
        return float(out[k])

    for founder in np.flatnonzero(parent == 0):
        place(int(founder))
    return np.nan_to_num(out)


class _Calendar:
    """Days of a patient as places on a date axis."""

    def __init__(self, data: xr.Dataset) -> None:
        self.zero = float((datetime.date.fromisoformat(data.attrs["origin"]) - datetime.date(1970, 1, 1)).days)

    def __call__(self, days: float) -> float:
        """Matplotlib's number of a day from the origin: days since 1970."""
        return self.zero + float(days)


def draw_calendar(data: xr.Dataset, axes: Axes | None = None) -> Axes:
    """Draw what `compute_calendar` returned: treatments above the tree, intervals of its nodes, sampling dates."""
    treatments = list(dict.fromkeys(str(name) for name in data["treatment"].values))
    with style.style():
        height = 0.3 * (float(data["row"].max()) + 1) + 0.24 * len(treatments) + 1.5
        axis = style.new_axes(1, 1, 8.4, max(height, 2.8))[0, 0] if axes is None else axes
        at = _Calendar(data)
        last = float(np.nanmax([*data["bound"].values, *data["sampling_day"].values]))
        first = _first_day(data, last)
        axis.set_xlim(at(first), at(last + NAMES * (last - first)))
        _draw_courses(axis, data, at, treatments, (first, last))
        _draw_samples(axis, data, at)
        _draw_tree(axis, data, at)
        axis.set_ylim(float(data["row"].max()) + 0.8, -0.9 - 0.8 * len(treatments))
        axis.set_yticks([])
        axis.spines["left"].set_visible(False)
        axis.spines["bottom"].set_bounds(at(first), at(last))
        axis.set_xticks(*_ticks(at, first, last))
        text = "Dot: last common ancestor of the clone's cells; grey bar: 95 % interval of its date; |: first sample."
        style.add_note(axis, text, own=axes is None)
    return axis


def _ticks(at: _Calendar, first: float, last: float) -> tuple[list[float], list[str]]:
    """Places and names of about ten first days of months, or of years where the time is long."""
    begin, end = at(first), at(last)
    step = next((m for m in (1, 3, 6, 12, 24, 60) if (end - begin) / (30.44 * m) <= MOST_TICKS), 120)
    months = range(1800 * 12, 2400 * 12, step)
    days = [datetime.date(m // 12, m % 12 + 1, 1) for m in months]
    shown = [(float((day - datetime.date(1970, 1, 1)).days), day) for day in days]
    kept = [(place, f"{day:%Y}" if step >= 12 else f"{day:%Y-%m}") for place, day in shown if begin <= place <= end]
    return [place for place, _ in kept], [name for _, name in kept]


def _first_day(data: xr.Dataset, last: float) -> float:
    """Where the time axis begins: the origin, or shortly before the first interval if nothing is known before it."""
    start = float(np.nanmin(data["lo"].values))
    return 0.0 if start < 0.5 * last else start - 0.12 * (last - start)


def _draw_courses(
    axis: Axes, data: xr.Dataset, at: _Calendar, treatments: list[str], span: tuple[float, float]
) -> None:
    """One lane a treatment above the tree, a bar a course, and its shade over the tree."""
    first, last = span
    bottom = float(data["row"].max()) + 0.6
    for j, name in enumerate(treatments):
        lane = -0.75 - 0.8 * (len(treatments) - 1 - j) - 0.35
        colour = COURSE_COLOURS[j % len(COURSE_COLOURS)]
        begins = []
        for c in np.flatnonzero(data["treatment"].values == name):
            begin = float(data["start"].values[c])
            wide = max(min(float(data["end"].values[c]), last) - begin, SHORTEST * (last - first))
            axis.barh(lane, wide, 0.5, left=at(begin), color=colour, zorder=3)
            axis.fill_between([at(begin), at(begin + wide)], lane, bottom, color=colour, alpha=0.13, lw=0)
            begins.append(begin)
        left = at(min(begins) - 0.01 * (last - first))
        axis.text(left, lane, style.escape(name), ha="right", va="center", fontsize=7)


def _draw_samples(axis: Axes, data: xr.Dataset, at: _Calendar) -> None:
    """A dotted line a sampling date, with the groups of samples below it."""
    days = data["sampling_day"].values
    names = np.array([str(name) for name in data["sampling"].values])
    bottom = float(data["row"].max()) + 0.75
    left, right = axis.get_xlim()
    shown: dict[str, list[float]] = {}
    for day, name in zip(days, names, strict=True):
        shown.setdefault(str(name), []).append(float(day))
        axis.plot([at(day)] * 2, [-0.6, bottom], color="0.55", lw=0.6, ls=":", zorder=0)
    order = sorted(shown, key=lambda name: float(np.mean(shown[name])))
    wanted = [at(float(np.mean(shown[name]))) for name in order]
    gap = 0.0075 * (right - left) * max((min(len(name), 16) for name in order), default=1)
    for name, place in zip(order, style.spread(wanted, gap, left, right), strict=True):
        axis.text(place, bottom - 0.02, style.escape(name, 16), ha="center", va="bottom", fontsize=6.5, color="0.3")


def _draw_tree(axis: Axes, data: xr.Dataset, at: _Calendar) -> None:
    """Branches in the colours of their clones, the nodes with their intervals, names where there is room."""
    row, parent, day = (data[key].values for key in ("row", "parent", "day"))
    right = float(np.nanmax(data["bound"].values))
    for k in range(data.sizes["clone"]):
        up = parent[k] - 1
        begin, above = (0.0, row[k]) if up < 0 else (day[up], row[up])
        colour = style.colour_of(k + 1)
        axis.vlines(at(begin), min(above, row[k]), max(above, row[k]), color="0.5", lw=0.8, zorder=2)
        axis.hlines(row[k], at(begin), at(day[k]), color=colour, lw=2.4, zorder=2)
        axis.hlines(row[k], at(data["lo"].values[k]), at(data["hi"].values[k]), color="0.25", lw=4.5, alpha=0.3)
        axis.plot(at(data["bound"].values[k]), row[k], "|", color="black", ms=7)
        axis.plot(at(day[k]), row[k], "o", color=colour, ms=4.5, mec="black", mew=0.5, zorder=4)
        inner = bool((parent == k + 1).any())
        text = style.escape(str(data["clone" if inner else "lineage"].values[k]), 38)
        place, shift = ((at(day[k]), row[k]), (-3, 2)) if inner else ((at(right), row[k]), (7, 0))
        where: dict[str, Any] = {"ha": "right", "va": "bottom"} if inner else {"ha": "left", "va": "center"}
        axis.annotate(text, place, shift, textcoords="offset points", fontsize=7, **where)


def plot_calendar(folder: Folder, *, axes: Axes | None = None) -> Axes:
    """Draw the tree on a calendar, into a new figure or into `axes`; see `compute_calendar`."""
    return draw_calendar(compute_calendar(folder), axes)


def compute_around(folder: Folder) -> xr.Dataset:
    """Probability that each split lies before, during and after each course.

    Parameters
    ----------
    folder
        As in `compute_calendar`.

    Returns
    -------
    xarray.Dataset
        probability (event, course, place); the events are named by their lineages.

    Raises
    ------
    InputError
        If no split or no treatment is there.
    """
    rows, courses = _splits(folder)
    if not rows or not courses:
        raise fail(str(folder), "holds no split and treatment", "Give treatments, and a tree that splits.")
    values = [[[float(row[f"p_{place} {course}"]) for place in PLACES] for course in courses] for row in rows]
    return dataset(
        {"probability": (("event", "course", "place"), np.array(values))},
        {"event": [row["lineages"] for row in rows], "course": courses, "place": list(PLACES)}, [],
    )  # fmt: skip


def _splits(folder: Folder) -> tuple[list[dict[str, str]], list[str]]:
    """Rows of timing.tsv that are splits after the origin, and the courses that it has."""
    table = read_rows(Path(folder) / "timing.tsv")
    courses = [key.removeprefix("p_before ") for key in (table[0] if table else {}) if key.startswith("p_before ")]
    rows = [row for row in table if row["kind"] == "split" and row["date_hi"] > row["date_lo"]]
    return rows, courses


def has_splits(folder: Folder) -> bool:
    """Whether a folder with dates has a split and a treatment, so that `compute_around` has something to return."""
    return all(_splits(folder))


def draw_around(data: xr.Dataset, axes: Axes | None = None) -> Axes:
    """Draw what `compute_around` returned: a row a split, a column a course, in it a bar of the three shares."""
    events, courses = ([str(x) for x in data[key].values] for key in ("event", "course"))
    chance = data["probability"].values
    with style.style():
        wide = 2.6 + 1.15 * len(courses)
        axis = style.new_axes(1, 1, max(wide, 4.6), 0.3 * len(events) + 1.4)[0, 0] if axes is None else axes
        rows = np.arange(len(events))
        for j in range(len(courses)):
            style.stacked(axis, rows, 0.94 * chance[:, j], PLACE_COLOURS, PLACES if j == 0 else None, left=j + 0.03)
            for e, p in enumerate(chance[:, j].argmax(1)):
                text = f"{chance[e, j, p]:.2f}"
                middle = j + 0.03 + 0.94 * (chance[e, j, :p].sum() + chance[e, j, p] / 2)
                axis.text(middle, e, text, ha="center", va="center", fontsize=6.5)
        style.name_ticks(axis, "y", events, width=44)
        axis.set_xticks(np.arange(len(courses)) + 0.5, [style.escape(name, 18) for name in courses])
        axis.tick_params(length=0)
        axis.set(xlim=(0, len(courses)), ylim=(len(events) - 0.45, -0.55))
        axis.set_xlabel("probability that the split lies before, during or after each treatment")
        axis.legend(frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(0, 1.0))
    return axis


def plot_around(folder: Folder, *, axes: Axes | None = None) -> Axes:
    """Draw where every split lies around the treatments, into a new figure or into `axes`; see `compute_around`."""
    return draw_around(compute_around(folder), axes)
