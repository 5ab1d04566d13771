"""Treatments and dates of a patient: how they enter the Dataset, and what is impossible about them."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import xarray as xr

from clonalbayes.faults import FaultList, fail

from .registry import REGISTRY

DATE_REMEDY = "Write dates as YYYY-MM-DD."
SEXES = ("female", "male", "")
"""Allowed values of the attribute `sex`; empty = not known."""


class Treatment(NamedTuple):
    """One course of one treatment.

    Parameters
    ----------
    name
        What was given; a second course bears the same name.
    start, end
        First and last day, YYYY-MM-DD; an empty end = it went on beyond the last sample.
    """

    name: str
    start: str
    end: str = ""


def parse_date(text: str) -> datetime.date | None:
    """Return the date that a text of the form YYYY-MM-DD means, None if it means none.

    Examples
    --------
    >>> parse_date("2016-02-29")
    datetime.date(2016, 2, 29)
    >>> parse_date("2015-02-29") is None
    True
    """
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return None
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None


def add_treatments(ds: xr.Dataset, treatments: Iterable[Treatment]) -> xr.Dataset:
    """Put treatments into a Dataset, replacing those that it has.

    Parameters
    ----------
    ds
        Dims `mutation`, `specimen`.
    treatments
        The courses; sorted by their first day here.

    Returns
    -------
    xarray.Dataset
        With the coordinate `treatment` and the variables `treatment_start`, `treatment_end`.

    Raises
    ------
    InputError
        If a course has no date of start, or ends before it starts.
    """
    courses = sorted(treatments, key=lambda course: (course.start, course.end))
    out = ds.drop_dims("treatment", errors="ignore")
    if courses:
        columns = dict(zip(("treatment", "treatment_start", "treatment_end"), zip(*courses, strict=True), strict=True))
        arrays = {name: ("treatment", np.array(texts, dtype=str)) for name, texts in columns.items()}
        out = out.assign_coords(treatment=arrays.pop("treatment")).assign(arrays)
        for name in columns:
            out[name].attrs.update(units=REGISTRY[name].unit, long_name=REGISTRY[name].meaning)
    faults = FaultList()
    check_treatments(out, str(ds.attrs.get("source", "dataset")), faults)
    faults.raise_if_any()
    return out


def set_origin(ds: xr.Dataset, origin: str) -> xr.Dataset:
    """Put the patient's origin (birth) into a Dataset.

    Raises
    ------
    InputError
        If it is no date.
    """
    if parse_date(origin) is None:
        raise fail("--origin", "the date cannot be read", DATE_REMEDY, value=origin)
    return ds.assign_attrs(origin_date=origin)


def check_dates(ds: xr.Dataset) -> None:
    """Check that no sample is older than the patient.

    Raises
    ------
    InputError
        With every sample that is.
    """
    origin = parse_date(str(ds.attrs.get("origin_date", "")))
    faults = FaultList()
    if origin is not None and "date" in ds:
        for name, text in zip(ds["specimen"].values, ds["date"].values, strict=True):
            date = parse_date(str(text))
            if date is not None and date <= origin:
                message = f"a sample was taken before the patient's origin ({origin})"
                faults.add(str(ds.attrs.get("source", "dataset")), message, "Correct one.", value=f"{name} {text}")
    faults.raise_if_any()


def treatments_of(ds: xr.Dataset) -> list[Treatment]:
    """Return the courses of treatment that a Dataset holds, in order of their first day."""
    if "treatment" not in ds.coords:
        return []
    names = ("treatment", "treatment_start", "treatment_end")
    return [Treatment(*map(str, row)) for row in zip(*(ds[name].values for name in names), strict=True)]


def check_treatments(ds: xr.Dataset, source: str, faults: FaultList) -> None:
    """Add a fault for everything that is impossible about dates, treatments and sex.

    Parameters
    ----------
    ds
        The Dataset.
    source
        Its name in messages.
    faults
        Takes the faults.
    """
    names = ("treatment", "treatment_start", "treatment_end")
    there = [name for name in names if name in ds.variables]
    if there and len(there) < len(names):
        faults.add(source, f"only {', '.join(there)} of the treatments is there", f"Give {', '.join(names)}.")
    else:
        for course in treatments_of(ds):
            _check_course(course, source, faults)
    sex = str(ds.attrs.get("sex", ""))
    if sex not in SEXES:
        faults.add(source, "the sex is unknown", "Use female or male, or leave it out.", column="sex", value=sex)
    origin = str(ds.attrs.get("origin_date", ""))
    if origin and parse_date(origin) is None:
        faults.add(source, "the date cannot be read", DATE_REMEDY, column="origin_date", value=origin)


def _check_course(course: Treatment, source: str, faults: FaultList) -> None:
    """Check one course: a name, a first day, and an end that is not before it."""
    if not course.name:
        faults.add(source, "a treatment has no name", "Name it.", column="treatment")
    first, last = parse_date(course.start), parse_date(course.end)
    for column, text, date in (("treatment_start", course.start, first), ("treatment_end", course.end, last)):
        if date is None and (text or column == "treatment_start"):
            faults.add(source, "the date cannot be read", DATE_REMEDY, column=column, value=text)
    if first and last and last < first:
        message = f"{course.name} ends before it starts ({course.start})"
        faults.add(source, message, "Correct one of the dates.", column="treatment_end", value=course.end)
