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
from clonalbayes.timing.calendar import to_date

if TYPE_CHECKING:
    from matplotlib.axes import Axes

type Folder = str | os.PathLike[str]

PLACES = ("before", "during", "after")
PLACE_COLOURS = ("#56B4E9", "#D55E00", "#009E73")
COURSE_COLOUR = "#E69F00"


def compute_calendar(folder: Folder) -> xr.Dataset:
    """Dates of the nodes and the order in which the consensus tree is drawn.

    Parameters
    ----------
    folder
        Written by ``clonalbayes timing``.

    Returns
    -------
    xarray.Dataset
        day, lo, hi, bound, parent, row (clone); start, end (course) in days from the attribute origin.

    Raises
    ------
    InputError
        If the folder has no timing.
    """
    path = Path(folder) / "timing.nc"
    if not path.is_file():
        raise fail(str(folder), "holds no timing", "Name a folder that `clonalbayes timing` has written.")
    with xr.open_dataset(path, engine="netcdf4") as stored:
        data = stored.load()
    time = data["node_time"].values.reshape(-1, data.sizes["clone"])
    low, high = hdi(time)
    parent = data["consensus_parent"].values.astype(int)
    return dataset(
        {
            "day": ("clone", mean(time)), "lo": ("clone", low), "hi": ("clone", high),
            "bound": ("clone", data["bound"].values), "parent": ("clone", parent), "row": ("clone", rows_of(parent)),
            "start": ("course", data["course_start"].values), "end": ("course", data["course_end"].values),
        },
        {
            "clone": [str(name) for name in data["clone_name"].values],
            "course": [str(name) for name in data["course_name"].values],
        },
        [], origin=str(data.attrs["origin"]),
    )  # fmt: skip


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


def draw_calendar(data: xr.Dataset, axes: Axes | None = None) -> Axes:
    """Draw what `compute_calendar` returned: branches, intervals of the nodes, sampling dates, treatments."""
    import matplotlib.dates as mdates

    origin = data.attrs["origin"]
    number: list[float] = []

    def day(value: float) -> float:
        return float(mdates.date2num(datetime.date.fromisoformat(to_date(value, origin))))  # type: ignore[no-untyped-call]

    names = [str(name) for name in data["clone"].values]
    row, parent = data["row"].values, data["parent"].values
    with style.style():
        height = max(0.32 * (row.max() + 1) + 1.4, 2.6)
        axis = style.new_axes(1, 1, 8.2, height)[0, 0] if axes is None else axes
        last = float(np.nanmax(data["bound"].values))
        for j, name in enumerate(data["course"].values):
            end = min(float(data["end"].values[j]), last)
            axis.axvspan(day(float(data["start"].values[j])), day(end), color=COURSE_COLOUR, alpha=0.22, lw=0)
            middle = (day(float(data["start"].values[j])) + day(end)) / 2
            axis.text(middle, -1.0, style.escape(str(name)), ha="center", va="bottom", fontsize=7)
        for k, name in enumerate(names):
            begin = day(0.0) if parent[k] == 0 else day(float(data["day"].values[parent[k] - 1]))
            above = row[k] if parent[k] == 0 else row[parent[k] - 1]
            here = day(float(data["day"].values[k]))
            number += [begin, here]
            colour = style.colour_of(k + 1)
            axis.vlines(begin, min(above, row[k]), max(above, row[k]), color="0.5", lw=0.8)
            axis.hlines(row[k], begin, here, color=colour, lw=2.2)
            axis.hlines(
                row[k],
                day(float(data["lo"].values[k])),
                day(float(data["hi"].values[k])),
                color="black",
                lw=5,
                alpha=0.3,
            )
            axis.plot(here, row[k], "o", color=colour, ms=4.5, mec="black", mew=0.5)
            bound = day(float(data["bound"].values[k]))
            axis.plot(bound, row[k], "|", color="black", ms=7)
            axis.text(here, row[k] - 0.16, style.escape(name, 18), ha="right", va="bottom", fontsize=6.5)
        axis.set_ylim(row.max() + 0.7, -1.1)
        axis.set_xlim(min(number) - 30, day(last) + 40)
        axis.xaxis_date()
        axis.set_yticks([])
        axis.spines["left"].set_visible(False)
        text = "Dot: last common ancestor of the clone; grey bar: 95 % interval; tick: first sample that has it."
        style.add_note(axis, text, own=axes is None)
    return axis


def plot_calendar(folder: Folder, *, axes: Axes | None = None) -> Axes:
    """Draw the tree on a calendar.

    Parameters
    ----------
    folder
        Written by ``clonalbayes timing``.
    axes
        Axes to draw into; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    return draw_calendar(compute_calendar(folder), axes)


def compute_around(folder: Folder) -> xr.Dataset:
    """Probability that each split lies before, during and after each course.

    Parameters
    ----------
    folder
        Written by ``clonalbayes timing``.

    Returns
    -------
    xarray.Dataset
        probability (event, course, place).

    Raises
    ------
    InputError
        If no split or no treatment is there.
    """
    rows = [row for row in read_rows(Path(folder) / "timing.tsv") if row["kind"] == "split"]
    courses = [key.removeprefix("p_before ") for key in (rows[0] if rows else {}) if key.startswith("p_before ")]
    if not rows or not courses:
        raise fail(str(folder), "holds no split and treatment", "Give treatments, and a tree that splits.")
    values = [[[float(row[f"p_{place} {course}"]) for place in PLACES] for course in courses] for row in rows]
    return dataset(
        {"probability": (("event", "course", "place"), np.array(values))},
        {"event": [row["event"] for row in rows], "course": courses, "place": list(PLACES)}, [],
    )  # fmt: skip


def has_splits(folder: Folder) -> bool:
    """Whether a folder with dates has a split and a treatment, so that `compute_around` has something to return."""
    rows = read_rows(Path(folder) / "timing.tsv")
    return any(row["kind"] == "split" for row in rows) and any(key.startswith("p_before ") for key in rows[0])


def draw_around(data: xr.Dataset, axes: Axes | None = None) -> Axes:
    """Draw what `compute_around` returned: for every split one bar a course."""
    events, courses = ([str(x) for x in data[key].values] for key in ("event", "course"))
    with style.style():
        height = 0.24 * len(events) * (len(courses) + 0.6) + 1.2
        axis = style.new_axes(1, 1, 7.0, max(height, 2.2))[0, 0] if axes is None else axes
        names = []
        for e, event in enumerate(events):
            for j, course in enumerate(courses):
                at = e * (len(courses) + 0.6) + j
                names.append((at, f"{style.escape(event, 34)}, {style.escape(course, 20)}"))
                left = 0.0
                for p, place in enumerate(PLACES):
                    value = float(data["probability"].values[e, j, p])
                    label = place if e == j == 0 else None
                    axis.barh(at, value, 0.85, left=left, color=PLACE_COLOURS[p], label=label)
                    if value > 0.08:
                        look: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 6.5}
                        axis.text(left + value / 2, at, f"{value:.2f}", **look)
                    left += value
        axis.set_yticks([at for at, _ in names], [name for _, name in names], fontsize=6.8)
        axis.set_ylim(names[-1][0] + 0.7, -0.7)
        axis.set_xlim(0, 1)
        axis.set_xlabel("probability that the split lies before, during or after the treatment")
        axis.legend(frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(0, 1.0))
    return axis


def plot_around(folder: Folder, *, axes: Axes | None = None) -> Axes:
    """Draw where every split lies around the treatments.

    Parameters
    ----------
    folder
        Written by ``clonalbayes timing``.
    axes
        Axes to draw into; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    return draw_around(compute_around(folder), axes)
