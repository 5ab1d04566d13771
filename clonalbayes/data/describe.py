"""What was understood of an input, sample by sample, for people to check before they fit."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields

import numpy as np
import xarray as xr

from .patient import Patient
from .schema import MISSING

SECOND = 10**8
"""Multiplies the code of a second copy-number state, so that both fit into one number."""

STATES_SHOWN = 4
"""Copy-number states that are named for each sample; the others are counted."""


@dataclass(frozen=True)
class SampleDescription:
    """One sample.

    Parameters
    ----------
    sample
        Its name.
    mutations
        Mutations with a read count in it.
    missing
        Mutations whose count is missing in it.
    median_depth
        Median number of reads where there is a count (NaN without one).
    with_alt
        Share of the counted mutations that have an alt read (NaN without one).
    purity, purity_sd
        Tumour cells / all cells, and its standard error (NaN = not given).
    copy_number
        States "major+minor" (or "total T" where only that is known, "given share" where the expected share
        of alt reads is given; "2+1 and 1+1" where the tumour cells are in two states) with the share of
        mutations, the commonest first.
    date, group
        "" if not given.
    """

    sample: str
    mutations: int
    missing: int
    median_depth: float
    with_alt: float
    purity: float
    purity_sd: float
    copy_number: dict[str, float]
    date: str
    group: str


@dataclass(frozen=True)
class Description:
    """A patient as it was understood.

    Parameters
    ----------
    source, format
        Name of the input and its format.
    mutations
        Mutations that will be used.
    min_alt
        Ascertainment rule: alt reads that each mutation has in at least one sample.
    samples
        One record a sample.
    kinds
        Mutations by kind ("" = not known).
    clusters
        Number of clusters given with the input, None if there are none.
    excluded
        Mutations left out, by reason.
    notes
        What was assumed.
    """

    source: str
    format: str
    mutations: int
    min_alt: int
    samples: tuple[SampleDescription, ...]
    kinds: dict[str, int]
    clusters: int | None
    excluded: dict[str, int]
    notes: tuple[str, ...]

    def table(self) -> list[list[str]]:
        """Return the samples as rows of text, the header first."""
        header = ["sample", "mutations", "missing", "median depth", "with alt", "purity", "copy number"]
        rows = [header]
        dated = any(s.date for s in self.samples)
        if dated:
            header.append("date")
        for s in self.samples:
            purity = f"{s.purity:.3g}" + ("" if np.isnan(s.purity_sd) else f" ± {s.purity_sd:.2g}")
            row = [
                s.sample,
                str(s.mutations),
                str(s.missing),
                _number(s.median_depth, "g"),
                _number(s.with_alt, ".0%"),
                purity,
                _states(s.copy_number),
            ]
            rows.append([*row, s.date] if dated else row)
        return rows

    def __str__(self) -> str:
        """Lay everything out as plain text."""
        rows = self.table()
        widths = [max(len(r[j]) for r in rows) for j in range(len(rows[0]))]
        sizes = ((self.mutations, "mutation"), (len(self.samples), "sample"))
        counted = " x ".join(f"{n} {noun}{'s' * (n != 1)}" for n, noun in sizes)
        lines = [f"{self.source}: {self.format}, {counted}"]
        if set(self.kinds) - {""}:
            lines.append("kinds: " + ", ".join(f"{n} {k or 'unknown'}" for k, n in self.kinds.items()))
        if self.clusters is not None:
            lines.append(f"clusters given: {self.clusters}")
        lines += ["  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows]
        lines += [f"left out: {n} mutations, {reason}" for reason, n in self.excluded.items()]
        lines += [f"note: {n}" for n in self.notes]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, object]:
        """Return the record as plain values, for JSON."""
        out = {f.name: getattr(self, f.name) for f in fields(self)}
        out["samples"] = [{f.name: getattr(s, f.name) for f in fields(s)} for s in self.samples]
        return out


def describe(patient: Patient | xr.Dataset) -> Description:
    """Summarise what was understood of an input.

    Parameters
    ----------
    patient
        A patient or its Dataset.

    Returns
    -------
    Description
        A record whose text is readable.
    """
    ds = patient.data if isinstance(patient, Patient) else patient
    excluded = patient.excluded["reason"].value_counts().to_dict() if isinstance(patient, Patient) else {}
    notes = patient.notes if isinstance(patient, Patient) else tuple(json.loads(ds.attrs.get("notes", "[]")))
    kinds, counts = np.unique(ds["kind"].values.astype(str), return_counts=True)
    clusters = None
    if "cluster" in ds:
        clusters = len(set(ds["cluster"].values.tolist()) - {0})
    return Description(
        source=str(ds.attrs.get("source", "dataset")),
        format=str(ds.attrs.get("format", "")),
        mutations=ds.sizes["mutation"],
        min_alt=int(ds.attrs.get("min_alt", 0)),
        samples=tuple(_sample(ds.isel(specimen=j)) for j in range(ds.sizes["specimen"])),
        kinds={str(k): int(n) for k, n in zip(kinds, counts, strict=True)},
        clusters=clusters,
        excluded={str(k): int(n) for k, n in excluded.items()},
        notes=notes,
    )


def _sample(one: xr.Dataset) -> SampleDescription:
    depth, alt = one["depth"].values, one["alt_count"].values
    known = depth != MISSING
    n = int(known.sum())
    return SampleDescription(
        sample=str(one["specimen"].values),
        mutations=n,
        missing=int((~known).sum()),
        median_depth=float(np.median(depth[known])) if n else float("nan"),
        with_alt=float(np.mean(alt[known] > 0)) if n else float("nan"),
        purity=float(one["purity"].values),
        purity_sd=float(one["purity_sd"].values),
        copy_number=_copy_number(one),
        date=str(one["date"].values),
        group=str(one["group"].values),
    )


def _copy_number(one: xr.Dataset) -> dict[str, float]:
    """Share of mutations by copy-number state, the commonest first."""
    major, minor = one["major_cn"].values.astype(int), one["minor_cn"].values.astype(int)
    total = one["total_cn"].values.astype(int) if "total_cn" in one else np.full(len(major), MISSING)
    code = np.where(major != MISSING, major * 1000 + minor, -(total + 2))
    if "var_read_prob" in one:
        code = np.where(np.isnan(one["var_read_prob"].values), code, 10**7)
    if "major_cn_2" in one:
        second = one["major_cn_2"].values.astype(int) * 1000 + one["minor_cn_2"].values.astype(int) + 1
        code = np.where(one["major_cn_2"].values == MISSING, code, code + second * SECOND)
    states, counts = np.unique(code, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return {_state_name(int(states[i])): float(counts[i] / len(code)) for i in order}


def _state_name(code: int) -> str:
    if code == 10**7:
        return "given share"
    if code >= SECOND:
        return f"{_state_name(code % SECOND)} and {_state_name(code // SECOND - 1)}"
    if code >= 0:
        return f"{code // 1000}+{code % 1000}"
    total = -code - 2
    return "unknown" if total == MISSING else f"total {total}"


def _states(states: dict[str, float]) -> str:
    shown = [f"{s} {_percent(p)}" for s, p in list(states.items())[:STATES_SHOWN]]
    more = len(states) - STATES_SHOWN
    return ", ".join(shown) + (f", {more} more" if more > 0 else "")


def _percent(share: float) -> str:
    return "<1%" if share < 0.005 else f"{share:.0%}"


def _number(value: float, form: str) -> str:
    return "-" if np.isnan(value) else format(value, form)
