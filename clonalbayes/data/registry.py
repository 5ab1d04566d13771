"""The registry of variables: what a patient's Dataset may hold, in one table.

The registry validates every Dataset in and out, stamps `units` and `long_name` on its variables and is the
data dictionary of the documentation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MISSING = -1
"""Stands for an unknown integer: a missing read count, an uncalled copy number, an unknown position."""

DIPLOID = 2
"""Copies of a site in ordinary cells."""

MUTATION = ("mutation",)
SPECIMEN = ("specimen",)
BOTH = ("mutation", "specimen")
TREATMENT = ("treatment",)


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
            "major_cn_2",
            "as major_cn, in the tumour cells of the second state where a segment is subclonal",
            "copies",
            "int16",
            BOTH,
            0,
            100,
            optional=True,
            missing=-1,
        ),
        Variable(
            "minor_cn_2",
            "as minor_cn, in the tumour cells of the second state",
            "copies",
            "int16",
            BOTH,
            0,
            100,
            optional=True,
            missing=-1,
        ),
        Variable(
            "cn_fraction",
            "share of the tumour cells that are in the first state (major_cn, minor_cn) where a segment is "
            "subclonal; the others are in the second",
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
        _coord("treatment", "name of the treatment; one given twice is there twice", TREATMENT, optional=True),
        Variable(
            "treatment_start", "first day of the treatment, YYYY-MM-DD", "1", "str", TREATMENT, optional=True
        ),
        Variable(
            "treatment_end",
            "last day of the treatment, YYYY-MM-DD; empty = it went on beyond the last sample",
            "1",
            "str",
            TREATMENT,
            optional=True,
            missing="",
        ),
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
            "range": range_text(v),
            "unknown": "never" if v.missing is None else repr(v.missing),
            "optional": "yes" if v.optional else "no",
        }
        for v in REGISTRY.values()
    ]


def range_text(v: Variable) -> str:
    """Write the allowed range of a variable as an interval."""
    if v.low is None and v.high is None:
        return ""
    left = "(" if v.open_low else "["
    low = "" if v.low is None else f"{v.low:g}"
    return f"{left}{low}, {v.high:g}]" if v.high is not None else f"{left}{low}, )"
