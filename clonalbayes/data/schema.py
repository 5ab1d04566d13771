"""Check a patient's Dataset against the registry of variables."""

from __future__ import annotations

import numpy as np
import xarray as xr

from clonalbayes.faults import KEPT_PER_KIND, Fault, FaultList

from .registry import (
    BOTH,
    DIPLOID,
    KINDS,
    MISSING,
    MUTATION,
    REGISTRY,
    SPECIMEN,
    Variable,
    data_dictionary,
    range_text,
)
from .treatments import check_treatments

__all__ = [
    "BOTH",
    "DIPLOID",
    "KINDS",
    "MISSING",
    "MUTATION",
    "REGISTRY",
    "SPECIMEN",
    "Variable",
    "data_dictionary",
    "validate",
]


def validate(ds: xr.Dataset) -> xr.Dataset:
    """Check a patient's Dataset against the registry and stamp `units` and `long_name` on it.

    Parameters
    ----------
    ds
        Dims `mutation`, `specimen`.

    Returns
    -------
    xarray.Dataset
        The same data with the registry's dtypes and attributes.

    Raises
    ------
    InputError
        With every variable that is absent, misshapen or out of range; the message names mutation and sample.
    """
    faults = FaultList()
    source = str(ds.attrs.get("source", "dataset"))
    for v in REGISTRY.values():
        _check_presence(ds, v, source, faults)
    faults.raise_if_any()
    for v in REGISTRY.values():
        if v.name in ds.variables:
            _check_values(ds, v, source, faults)
    faults.raise_if_any()
    _check_together(ds, source, faults)
    faults.raise_if_any()
    return _stamped(ds)


def _check_presence(ds: xr.Dataset, v: Variable, source: str, faults: FaultList) -> None:
    if v.name not in ds.variables:
        if not v.optional:
            faults.add(
                source, f"the variable {v.name} is absent", f"Add it with dims {v.dims}.", column=v.name
            )
    elif ds[v.name].dims != v.dims:
        faults.add(
            source,
            f"the variable {v.name} has dims {ds[v.name].dims}",
            f"Give it the dims {v.dims}.",
            column=v.name,
        )
    elif v.dtype != "str" and ds[v.name].dtype.kind not in "iuf":
        faults.add(
            source, f"the variable {v.name} is not numeric", f"Give it the dtype {v.dtype}.", column=v.name
        )
    elif v.dtype.startswith("int") and ds[v.name].dtype.kind == "f":
        faults.add(
            source,
            f"the variable {v.name} is not of an integer type",
            f"Give it the dtype {v.dtype}, {v.missing} where unknown.",
            column=v.name,
        )


def _check_values(ds: xr.Dataset, v: Variable, source: str, faults: FaultList) -> None:
    values = ds[v.name].values
    if v.dtype == "str":
        if v.name in ("mutation", "specimen"):
            _check_names(v.name, values, source, faults)
        elif v.name == "kind":
            _add(
                ds,
                v.name,
                ~np.isin(values.astype(str), KINDS),
                source,
                faults,
                "the kind is unknown",
                "Use snv, indel, mnv or leave it empty.",
            )
        return
    known = np.ones(values.shape, bool)
    if v.missing is not None:
        known = ~np.isnan(values) if v.dtype.startswith("float") else values != v.missing
    bad = known & ~np.isfinite(values)
    if v.low is not None:
        bad |= known & ((values <= v.low) if v.open_low else (values < v.low))
    if v.high is not None:
        bad |= known & (values > v.high)
    _add(
        ds,
        v.name,
        bad,
        source,
        faults,
        f"{v.name} is outside its range {range_text(v)}",
        f"It is: {v.meaning}.",
    )


def _check_names(name: str, values: np.ndarray, source: str, faults: FaultList) -> None:
    texts = values.astype(object)
    if not len(texts):
        faults.add(source, f"there is no {name}", f"At least one {name} is needed.", column=name)
    names, counts = np.unique(texts, return_counts=True)
    for text in names[counts > 1][:KEPT_PER_KIND]:
        faults.add(
            source,
            f"two entries of {name} bear one name",
            "Give them different names.",
            column=name,
            value=str(text),
        )
    if (texts == "").any():
        faults.add(source, f"a {name} has no name", "Give it one.", column=name)


def _check_together(ds: xr.Dataset, source: str, faults: FaultList) -> None:
    """Check what one variable says about another."""
    alt, depth = ds["alt_count"].values, ds["depth"].values
    half = (alt == MISSING) != (depth == MISSING)
    told = "only one of alt_count and depth is missing"
    _add(ds, "alt_count", half, source, faults, told, "Both are -1 where counts are missing.")
    _add(ds, "alt_count", alt > depth, source, faults, "more alt reads than reads", "depth counts all reads.")
    major, minor = ds["major_cn"].values, ds["minor_cn"].values
    told = "the minor copy number is above the major one"
    _add(ds, "minor_cn", minor > major, source, faults, told, "Exchange the two.")
    half = (minor == MISSING) != (major == MISSING)
    told = "only one of major_cn and minor_cn is known"
    _add(ds, "minor_cn", half, source, faults, told, "Both are -1 where the split is unknown.")
    _check_second_state(ds, source, faults)
    check_treatments(ds, source, faults)
    _check_panel(ds, source, faults)


def _check_panel(ds: xr.Dataset, source: str, faults: FaultList) -> None:
    """Check that the panel's counts are both there, and no more alt reads than reads."""
    if ("panel_alt" in ds) != ("panel_depth" in ds):
        told = "only one of panel_alt and panel_depth is given"
        faults.add(source, told, "Give both or neither.", column="panel_alt")
    elif "panel_alt" in ds:
        more = ds["panel_alt"].values > ds["panel_depth"].values
        told = "more alt reads than reads in the panel"
        _add(ds, "panel_alt", more, source, faults, told, "panel_depth counts all reads.")


SECOND_STATE = ("major_cn_2", "minor_cn_2", "cn_fraction")
"""What says that a segment is subclonal: all three or none."""


def _check_second_state(ds: xr.Dataset, source: str, faults: FaultList) -> None:
    """Check that the second copy-number state is complete wherever there is one, and stands beside a first."""
    there = [name for name in SECOND_STATE if name in ds]
    if there and len(there) < len(SECOND_STATE):
        absent = ", ".join(name for name in SECOND_STATE if name not in ds)
        faults.add(source, f"{absent} is absent beside {there[0]}", "Give all three or none.", column=there[0])
    if len(there) < len(SECOND_STATE):
        return
    major, minor, share = (ds[name].values for name in SECOND_STATE)
    known = major != MISSING
    whole = (known == (minor != MISSING)) & (known == ~np.isnan(share))
    message, remedy = "the second copy-number state is incomplete", "Give both copies and the first one's share."
    _add(ds, "major_cn_2", ~whole, source, faults, message, remedy)
    _add(
        ds,
        "major_cn_2",
        known & (ds["major_cn"].values == MISSING),
        source,
        faults,
        "there is a second copy-number state without a first",
        "Give major_cn and minor_cn too.",
    )
    crossed = "the minor copy number of the second state is above the major one"
    _add(ds, "minor_cn_2", minor > major, source, faults, crossed, "Exchange the two.")


def _add(
    ds: xr.Dataset, name: str, bad: np.ndarray, source: str, faults: FaultList, message: str, remedy: str
) -> None:
    """Add a fault for each bad entry, named by mutation and sample."""
    where = np.argwhere(bad)
    values = ds[name].values
    for index in where[:KEPT_PER_KIND]:
        labels = [str(ds[d].values[i]) for d, i in zip(ds[name].dims, index, strict=True)]
        faults.add(
            source, message, remedy, column=name, value=f"{values[tuple(index)]} at {' in '.join(labels)}"
        )
    if len(where) > KEPT_PER_KIND:
        faults.count_more(Fault(source, message, remedy, column=name), len(where) - KEPT_PER_KIND)


def _stamped(ds: xr.Dataset) -> xr.Dataset:
    out = ds.copy(deep=False)
    for v in REGISTRY.values():
        if v.name not in out.variables:
            continue
        if v.dtype != "str" and out[v.name].dtype != np.dtype(v.dtype):
            out[v.name] = out[v.name].astype(v.dtype)
        out[v.name].attrs.update(units=v.unit, long_name=v.meaning)
    return out
