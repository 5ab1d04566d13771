"""Tables of a tree and of treatments, for the timing of counts without a fit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from clonalbayes.data.treatments import DATE_REMEDY, Treatment, parse_date
from clonalbayes.faults import FaultList, fail
from clonalbayes.signatures.output import read_rows
from clonalbayes.timing.calendar import to_days


def read_treatments(path: Path) -> list[Treatment]:
    """Read courses of treatment: columns treatment, start, end (the end may be empty: it went on).

    Raises
    ------
    InputError
        With every fault: missing columns, dates that are none or in the wrong order.
    """
    rows = _rows(path, ("treatment", "start", "end"))
    faults, out = FaultList(), []
    for number, row in enumerate(rows, 2):
        course = Treatment(*((row[name] or "").strip() for name in ("treatment", "start", "end")))
        if not course.name:
            faults.add(str(path), "a treatment has no name", "Name it.", row=number, column="treatment")
        for column, text in (("start", course.start), ("end", course.end)):
            if parse_date(text) is None and (text or column == "start"):
                faults.add(str(path), "the date cannot be read", DATE_REMEDY, row=number, column=column, value=text)
        first, last = parse_date(course.start), parse_date(course.end)
        if first and last and last < first:
            faults.add(str(path), "the course ends before it starts", "Correct one.", row=number, value=course.end)
        out.append(course)
    faults.raise_if_any()
    return sorted(out, key=lambda course: (course.start, course.end))


def read_tree(path: Path, branches: Sequence[str], origin: str) -> tuple[np.ndarray, np.ndarray]:
    """Read a tree: columns branch, parent (empty = the root) and sampled (first date on which it was seen).

    Parameters
    ----------
    path
        Tab-separated table.
    branches
        [K] names that the counts have.
    origin
        Date of the root.

    Returns
    -------
    tuple of numpy.ndarray
        Parents [K] from 1, and bounds [K] in days: the first date of the branch or of any below it.

    Raises
    ------
    InputError
        With every fault: names that do not agree, circles, dates before the origin, branches without a date.
    """
    rows = _rows(path, ("branch", "parent", "sampled"))
    faults, file, index = FaultList(), str(path), {name: k for k, name in enumerate(branches)}
    parent, day = np.full(len(branches), -1), np.full(len(branches), np.inf)
    for number, row in enumerate(rows, 2):
        name, above, text = ((row[column] or "").strip() for column in ("branch", "parent", "sampled"))
        if name not in index:
            faults.add(file, "the counts have no such branch", "Use their names.", row=number, value=name)
            continue
        if parent[index[name]] >= 0:
            faults.add(file, "the branch is there twice", "Remove one.", row=number, value=name)
        if above and above not in index:
            faults.add(file, "there is no such parent", "Leave it empty for the root.", row=number, value=above)
        parent[index[name]] = index[above] + 1 if above in index else 0
        if text and parse_date(text) is None:
            faults.add(file, "the date cannot be read", DATE_REMEDY, row=number, column="sampled", value=text)
        elif text:
            day[index[name]] = to_days(text, origin)
            if day[index[name]] <= 0:
                faults.add(file, "the sample is older than the origin", "Correct one.", row=number, value=text)
    for name, k in index.items():
        if parent[k] < 0:
            faults.add(file, "a branch of the counts is missing", "Add it.", value=name)
    faults.raise_if_any()
    return parent, _bounds(file, parent, day, branches)


def _bounds(file: str, parent: np.ndarray, day: np.ndarray, branches: Sequence[str]) -> np.ndarray:
    """Earliest date of each branch and those below it; faults where there is none, or the tree has a circle."""
    bound, faults = day.copy(), FaultList()
    for k in range(len(parent)):
        at, steps = k, 0
        while at >= 0 and steps <= len(parent):
            bound[at] = min(bound[at], day[k])
            at, steps = int(parent[at]) - 1, steps + 1
        if steps > len(parent):
            faults.add(file, "the branch is above itself", "Break the circle.", value=branches[k])
    faults.raise_if_any()
    for name, value in zip(branches, bound, strict=True):
        if not np.isfinite(value):
            faults.add(file, "neither the branch nor one below it has a date", "Give one.", value=name)
    faults.raise_if_any()
    return bound


def check_origin(text: str | None) -> str:
    """Return the date of origin, or say that it is needed.

    Raises
    ------
    InputError
        If it is missing or no date.
    """
    if not text:
        raise fail("--origin", "the patient's origin is not known", "Give the date of birth, YYYY-MM-DD.")
    if parse_date(text) is None:
        raise fail("--origin", "the date cannot be read", DATE_REMEDY, value=text)
    return text


def check_share(share: float) -> None:
    """Refuse a share of the genome that is none.

    Raises
    ------
    InputError
        If it is not above 0 and at most 1.
    """
    if not 0.0 < share <= 1.0:
        raise fail("--callable", "is no share", "Give a number above 0, at most 1.", value=str(share))


def _rows(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """Rows of a table that must have some columns."""
    if not path.is_file():
        raise fail(str(path), "there is no such file", "Check the name.")
    rows = read_rows(path)
    if not rows or any(name not in rows[0] for name in columns):
        raise fail(str(path), "the columns are not the right ones", f"Use {', '.join(columns)}, separated by tabs.")
    return rows
