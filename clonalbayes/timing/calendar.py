"""Days and windows: how long a process was on between two points of time."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clonalbayes.data.treatments import Treatment

ALWAYS = np.array([[-np.inf, np.inf]])
"""Windows of a process that is always on."""


@dataclass(frozen=True)
class Course:
    """One course of a treatment in days from the origin; `end` is exclusive, infinite where it went on."""

    name: str
    start: float
    end: float


def to_days(text: str, origin: str) -> float:
    """Days from one date to another, both YYYY-MM-DD.

    >>> to_days("2012-03-05", "2012-03-01")
    4.0
    """
    return float((datetime.date.fromisoformat(text) - datetime.date.fromisoformat(origin)).days)


def to_date(days: float, origin: str) -> str:
    """Date that lies some days after the origin; an empty text if it is not finite.

    >>> to_date(4.4, "2012-03-01")
    '2012-03-05'
    """
    if not np.isfinite(days):
        return ""
    return (datetime.date.fromisoformat(origin) + datetime.timedelta(days=round(float(days)))).isoformat()


def courses_of(treatments: Sequence[Treatment], origin: str) -> list[Course]:
    """Courses in days from the origin; the last day counts."""
    return [
        Course(t.name, to_days(t.start, origin), to_days(t.end, origin) + 1.0 if t.end else np.inf) for t in treatments
    ]


def windows_of(courses: Sequence[Course], names: Sequence[str]) -> np.ndarray:
    """Windows [W, 2] in which any of the named treatments was given; courses that overlap are joined."""
    wanted = {name.lower() for name in names}
    rows = sorted((c.start, c.end) for c in courses if c.name.lower() in wanted)
    joined: list[list[float]] = []
    for first, last in rows:
        if joined and first <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], last)
        else:
            joined.append([first, last])
    return np.array(joined, float).reshape(-1, 2)


def overlap(start: np.ndarray, end: np.ndarray, windows: np.ndarray) -> np.ndarray:
    """Days between `start` and `end` [...] that lie in any of the windows [W, 2], which do not overlap."""
    total = np.zeros(np.broadcast_shapes(start.shape, end.shape))
    for first, last in windows:
        total += np.maximum(np.minimum(end, last) - np.maximum(start, first), 0.0)
    return total


def active_times(start: np.ndarray, end: np.ndarray, windows: Sequence[np.ndarray], leak: np.ndarray) -> np.ndarray:
    """Days for which each process was on between two points of time.

    Parameters
    ----------
    start, end
        [...] days from the origin.
    windows
        [R] windows of each process, each [W, 2]; `ALWAYS` for one that is always on.
    leak
        [R] share of its rate that a process keeps outside its windows.

    Returns
    -------
    numpy.ndarray
        [..., R] days within the windows plus `leak` times those outside.
    """
    length = end - start
    out = np.empty((*length.shape, len(windows)))
    for r, spans in enumerate(windows):
        inside = length if spans is ALWAYS else overlap(start, end, spans)
        out[..., r] = inside + leak[r] * (length - inside)
    return out
