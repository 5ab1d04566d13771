"""The registry of variables: what a patient's Dataset may hold, in one table.

The registry validates every Dataset in and out, stamps `units` and `long_name` on its variables and is the
data dictionary of the documentation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from clonalbayes.faults import KEPT_PER_KIND, Fault, FaultList

MISSING = -1
"""Stands for an unknown integer: a missing read count, an uncalled copy number, an unknown position."""

DIPLOID = 2
"""Copies of a site in ordinary cells."""

MUTATION = ("mutation",)
SPECIMEN = ("specimen",)
BOTH = ("mutation", "specimen")


@dataclass(frozen=True)
class Variable:
    """One entry of the registry.

    Parameters
    ----------
    name
        Name in the Dataset.
    meaning
        What it is, for people.
    unit
        Unit, "1" for a pure number.
    dtype
        numpy dtype; "str" for text.
    dims
        Its dimensions.
    low, high
        Allowed range of known values, both ends included; None = no limit.
    open_low
        Whether `low` itself is not allowed.
    optional
        Whether a Dataset may lack it.
    coord
        Whether it is a coordinate.
    missing
        What stands for unknown: -1, NaN, "" or None (never unknown).
    """

    name: str
    meaning: str
    unit: str
    dtype: str
    dims: tuple[str, ...]
    low: float | None = None
    high: float | None = None
    open_low: bool = False
    optional: bool = False
    coord: bool = False
    missing: float | str | None = None


def _coord(name: str, meaning: str, dims: tuple[str, ...], **more: object) -> Variable:
    return Variable(name, meaning, "1", "str", dims, coord=True, missing="", **more)  # type: ignore[arg-type]


REGISTRY: dict[str, Variable] = {
    v.name: v
    for v in (
        Variable(
            "alt_count",
            "reads that support the variant; missing together with depth",
            "reads",
            "int32",
            BOTH,
            0,
            missing=-1,
        ),
        Variable("depth", "all reads at the site", "reads", "int32", BOTH, 0, missing=-1),
        Variable(
            "major_cn",
            "copies of the more frequent parental allele in the tumour cells; unknown: only the total "
            "is known",
            "copies",
            "int16",
            BOTH,
            0,
            100,
            missing=-1,
        ),
        Variable(
            "minor_cn",
            "copies of the less frequent parental allele in the tumour cells",
            "copies",
            "int16",
            BOTH,
            0,
            100,
            missing=-1,
        ),
        Variable(
            "total_cn",
            "copies of both parental alleles in the tumour cells, used where the split is unknown",
            "copies",
            "int16",
            BOTH,
            0,
            100,
            optional=True,
            missing=-1,
        ),
        Variable("normal_cn", "copies in the normal cells", "copies", "int16", BOTH, 0, 100),
        Variable(
            "var_read_prob",
            "expected share of alt reads if every cell carried the mutation; overrides the copy number",
            "1",
            "float64",
            BOTH,
            0,
            1,
            open_low=True,
            optional=True,
            missing=np.nan,
        ),
        Variable(
            "error_rate",
            "chance that a read of a molecule without the mutation shows it",
            "1",
            "float64",
            MUTATION,
            0,
            0.5,
            optional=True,
            missing=np.nan,
        ),
        Variable(
            "panel_alt",
            "alt reads at the site in a panel of unmatched normals",
            "reads",
            "int32",
            MUTATION,
            0,
            optional=True,
            missing=-1,
        ),
        Variable(
            "panel_depth",
            "reads at the site in a panel of unmatched normals",
            "reads",
            "int32",
            MUTATION,
            0,
            optional=True,
            missing=-1,
        ),
        Variable(
            "cluster",
            "cluster given with the input; 0 = set aside (garbage)",
            "1",
            "int32",
            MUTATION,
            0,
            optional=True,
        ),
        _coord("mutation", "identifier of the mutation", MUTATION),
        _coord("chrom", "chromosome", MUTATION),
        Variable(
            "pos", "position on the chromosome, from 1", "bases", "int64", MUTATION, 0, coord=True, missing=-1
        ),
        _coord("ref", "reference allele", MUTATION),
        _coord("alt", "alternative allele", MUTATION),
        _coord("context", "trinucleotide context, as in A[C>T]G", MUTATION),
        _coord("kind", "snv, indel or mnv", MUTATION),
        _coord("specimen", "name of the sequenced sample", SPECIMEN),
        Variable(
            "purity", "tumour cells / all cells", "1", "float64", SPECIMEN, 0, 1, open_low=True, coord=True
        ),
        Variable(
            "purity_sd",
            "standard error of the purity",
            "1",
            "float64",
            SPECIMEN,
            0,
            0.5,
            open_low=True,
            coord=True,
            missing=np.nan,
        ),
        _coord("date", "sampling date, YYYY-MM-DD", SPECIMEN),
        _coord("group", "group of samples", SPECIMEN),
    )
}
"""Every variable and coordinate of a patient's Dataset, by name."""

KINDS = ("snv", "indel", "mnv", "")
"""Allowed values of the coordinate `kind`."""


def data_dictionary() -> list[dict[str, str]]:
    """Return the registry as rows of text, for the documentation.

    Returns
    -------
    list of dict
        Keys: name, meaning, unit, dtype, dims, range, unknown, optional.
    """
    return [
        {
            "name": v.name,
            "meaning": v.meaning,
            "unit": v.unit,
            "dtype": v.dtype,
            "dims": ", ".join(v.dims),
            "range": _range_text(v),
            "unknown": "never" if v.missing is None else repr(v.missing),
            "optional": "yes" if v.optional else "no",
        }
        for v in REGISTRY.values()
    ]


def _range_text(v: Variable) -> str:
    if v.low is None and v.high is None:
        return ""
    left = "(" if v.open_low else "["
    low = "" if v.low is None else f"{v.low:g}"
    return f"{left}{low}, {v.high:g}]" if v.high is not None else f"{left}{low}, )"


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
        f"{v.name} is outside its range {_range_text(v)}",
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
    _add(
        ds,
        "alt_count",
        (alt == MISSING) != (depth == MISSING),
        source,
        faults,
        "only one of alt_count and depth is missing",
        "Both are -1 where counts are missing.",
    )
    _add(ds, "alt_count", alt > depth, source, faults, "more alt reads than reads", "depth counts all reads.")
    major, minor = ds["major_cn"].values, ds["minor_cn"].values
    _add(
        ds,
        "minor_cn",
        minor > major,
        source,
        faults,
        "the minor copy number is above the major one",
        "Exchange the two.",
    )
    _add(
        ds,
        "minor_cn",
        (minor == MISSING) != (major == MISSING),
        source,
        faults,
        "only one of major_cn and minor_cn is known",
        "Both are -1 where the split is unknown.",
    )
    if ("panel_alt" in ds) != ("panel_depth" in ds):
        faults.add(
            source,
            "only one of panel_alt and panel_depth is given",
            "Give both or neither.",
            column="panel_alt",
        )
    elif "panel_alt" in ds:
        _add(
            ds,
            "panel_alt",
            ds["panel_alt"].values > ds["panel_depth"].values,
            source,
            faults,
            "more alt reads than reads in the panel",
            "panel_depth counts all reads.",
        )


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
