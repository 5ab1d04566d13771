"""Copy number of every mutation: the join of segments onto a Dataset."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, overload

import numpy as np
import pandas as pd
import xarray as xr

from clonalbayes.data.patient import Patient
from clonalbayes.data.schema import BOTH, MISSING, validate
from clonalbayes.faults import FaultList, fail
from clonalbayes.variants.builds import BUILDS, build_named, builds_that_hold

from .regions import normal_copies, plain_chroms
from .segments import CopyNumber, check_overlaps, join_tables, read_copy_number

NO_CALL = ("normal", "missing", "exclude")
"""What becomes of a mutation where there is no call: normal copies, no count there, or no mutation."""

PER_CHROM = 1 << 40
"""No position is larger."""

Files = str | os.PathLike[str]
Source = CopyNumber | Files | Iterable[Files] | Mapping[str, Files | Iterable[Files]]


class Calls(NamedTuple):
    """Copy number of every mutation in every sample, [N, S]; -1 (NaN) where there is no call."""

    major: np.ndarray
    minor: np.ndarray
    total: np.ndarray
    major2: np.ndarray
    minor2: np.ndarray
    fraction: np.ndarray


@overload
def add_copy_number(
    data: Patient, segments: Source, *, sex: str | None = ..., build: str | None = ..., no_call: str = ...
) -> Patient: ...


@overload
def add_copy_number(
    data: xr.Dataset, segments: Source, *, sex: str | None = ..., build: str | None = ..., no_call: str = ...
) -> xr.Dataset: ...


def add_copy_number(
    data: Patient | xr.Dataset,
    segments: Source,
    *,
    sex: str | None = None,
    build: str | None = None,
    no_call: str = "normal",
) -> Patient | xr.Dataset:
    """Put the copy number of files of segments into a patient's data.

    Parameters
    ----------
    data
        A Patient, or its Dataset with dims `mutation`, `specimen`; `chrom` and `pos` must be known.
    segments
        What `read_copy_number` returned; or files, by sample or all in a list (then the names of samples in
        the files count). A file of purity sets the purity of its sample.
    sex
        female or male: decides the copies of X and Y in normal cells. By default the Dataset's attribute.
    build
        Genome build, such as GRCh38 or hg19: where the pseudo-autosomal regions are. By default the
        Dataset's attribute `genome_build`.
    no_call
        What to do with a mutation that no segment of a sample covers: "normal" takes it as having the copies
        of normal cells, "missing" does not use its count in that sample, "exclude" leaves the mutation out.

    Returns
    -------
    Patient or xarray.Dataset
        As `data`: with major_cn, minor_cn, normal_cn, total_cn where only that is known, major_cn_2,
        minor_cn_2, cn_fraction where a segment is subclonal, and purity. What was assumed is in the notes.

    Raises
    ------
    InputError
        With every fault of the files; if segments overlap, are of another genome build, or cover nothing.
    """
    ds: xr.Dataset = data.data if isinstance(data, Patient) else data
    if no_call not in NO_CALL:
        raise fail("no_call", "is none of the choices", f"Choose one of: {', '.join(NO_CALL)}.", value=no_call)
    table = _as_table(segments, [str(s) for s in ds["specimen"].values])
    sex = str(ds.attrs.get("sex", "")) if sex is None else sex
    build = build_named(build or str(ds.attrs.get("genome_build", "")))
    made = _join(ds, table, sex, build, no_call)
    return _into(data, table, made) if isinstance(data, Patient) else made.ds


class Joined(NamedTuple):
    """A Dataset with copy number, the mutations left out with their reasons, and what was assumed."""

    ds: xr.Dataset
    excluded: list[tuple[str, str]]
    notes: list[str]


def _into(patient: Patient, table: CopyNumber, made: Joined) -> Patient:
    """Put what was joined into a patient."""
    gone = pd.DataFrame(made.excluded, columns=["mutation", "reason"]).assign(file="copy number", row=0)
    everything = pd.concat([patient.excluded, gone], ignore_index=True) if len(gone) else patient.excluded
    notes = (*_corrected(patient, table), *made.notes)
    digests = {**patient.digests, **table.digests}
    return replace(patient, data=made.ds, excluded=everything, notes=notes, digests=digests)


def _corrected(patient: Patient, table: CopyNumber) -> list[str]:
    """Take back what was said of copy number and purity before they were known."""
    known = set(map(str, table.purity["sample"])) & set(patient.specimens)
    notes = []
    for note in patient.notes:
        unknown = [name for name in patient.specimens if name not in known]
        if note.startswith("copy number absent: all") and table.samples:
            continue
        if note.startswith("purity not given") and known:
            note = f"purity of {', '.join(unknown)} not given: taken as 1" if unknown else ""
        notes += [note] if note else []
    return notes


def _as_table(segments: Source, specimens: list[str]) -> CopyNumber:
    """Read whatever the caller gave."""
    if isinstance(segments, CopyNumber):
        return segments
    if isinstance(segments, str | os.PathLike):
        segments = [segments]
    named = segments.items() if isinstance(segments, Mapping) else [(None, segments)]
    parts = []
    for sample, files in named:
        if sample is not None and sample not in specimens:
            remedy = f"The samples are: {', '.join(specimens)}."
            raise fail("copy number", "no sample has this name", remedy, value=str(sample))
        each = [files] if isinstance(files, str | os.PathLike) else list(files)
        only = specimens[0] if sample is None and len(specimens) == 1 else sample
        parts += [read_copy_number(Path(file), only) for file in each]
    return join_tables(parts)


def _join(
    ds: xr.Dataset, table: CopyNumber, sex: str, build: str | None, no_call: str
) -> Joined:
    """Make the Dataset with copy number."""
    specimens = [str(s) for s in ds["specimen"].values]
    chrom, pos = plain_chroms(ds["chrom"].values), ds["pos"].values.astype(np.int64)
    _check(table, specimens, chrom, pos, build)
    notes: list[str] = list(table.notes)
    calls = look_up(table.segments, specimens, chrom, pos)
    normal = normal_copies(chrom, pos, sex, build)
    notes += [*_notes_on_sex(chrom, sex, build), *_notes_on_normal(table.segments, sex)]
    covered = np.isin(specimens, table.samples)
    none = (calls.major == MISSING) & (calls.total == MISSING)
    notes += _notes_on_calls(calls, none, covered, specimens, no_call)
    out = ds.assign(_variables(calls, none, np.broadcast_to(normal[:, None], none.shape)))
    if (out["total_cn"] == MISSING).all():
        out = out.drop_vars("total_cn")
    lost = ~none & (np.where(calls.major == MISSING, calls.total, calls.major + calls.minor) == 0)
    lost &= (calls.major2 == MISSING) | (calls.major2 + calls.minor2 == 0)
    unused = lost | (none & covered if no_call == "missing" else np.zeros_like(none)) | (normal[:, None] == 0)
    out = _without_counts(out, unused, notes, int(lost.sum()))
    out = _with_purity(out, table.purity, notes)
    reason = np.full(len(chrom), "", dtype=object)
    reason[(out["depth"].values <= 0).all(axis=1)] = "no read in any sample"
    reason[unused.all(axis=1)] = "copy number 0, or none called, in every sample"
    reason[(none & covered).any(axis=1) & (no_call == "exclude")] = "no copy-number call in some sample"
    reason[(chrom == "Y") & (normal == 0)] = "on the Y chromosome of a female patient"
    reason[chrom == "MT"] = "mitochondrial: not in copies of chromosomes"
    return _kept(out, reason, notes)


def _kept(out: xr.Dataset, reason: np.ndarray, notes: list[str]) -> Joined:
    """Leave mutations out; a Dataset keeps the notes in its attributes."""
    gone = np.flatnonzero(reason != "")
    names = out["mutation"].values
    excluded = [(str(names[i]), str(reason[i])) for i in gone]
    if len(gone) == len(reason):
        counts = pd.Series(reason).value_counts()
        why = "; ".join(f"{n} {text}" for text, n in counts.items())
        raise fail("copy number", f"no mutation can be used ({why})", "Check the segments and the genome build.")
    if len(gone):
        counts = pd.Series(reason[gone]).value_counts()
        notes += [f"{n} mutations left out: {text}" for text, n in counts.items()]
    kept = out.isel(mutation=np.flatnonzero(reason == "")) if len(gone) else out
    kept.attrs["notes"] = json.dumps([*json.loads(str(out.attrs.get("notes", "[]"))), *notes])
    return Joined(validate(kept), excluded, notes)


def _check(table: CopyNumber, specimens: list[str], chrom: np.ndarray, pos: np.ndarray, build: str | None) -> None:
    """Find what makes the segments unusable for these mutations."""
    faults = FaultList()
    files = ", ".join(dict.fromkeys(table.segments["source"])) or "copy number"
    strange = [name for name in table.samples if name not in specimens]
    if strange and not set(table.samples) & set(specimens):
        remedy = f"The samples are: {', '.join(specimens)}; say which file belongs to which."
        faults.add(files, "names no sample of the patient", remedy, value=", ".join(strange[:8]))
    if (chrom == "").all() or (pos < 0).all():
        remedy = "Give the columns chrom and pos, or mutation ids of the form chrom:pos:ref>alt."
        faults.add("mutations", "the places of the mutations are not known", remedy)
    mine = table.segments[np.isin(table.segments["sample"], specimens)]
    check_overlaps(mine, faults)
    _check_build(mine, chrom, pos, build, files, faults)
    faults.raise_if_any()


def _check_build(
    segments: pd.DataFrame, chrom: np.ndarray, pos: np.ndarray, build: str | None, files: str, faults: FaultList
) -> None:
    """Find segments that run beyond the chromosomes of the stated build, or share none with the mutations."""
    ends = segments.groupby("chrom")["end"].max().to_dict() if len(segments) else {}
    ends = {str(name): int(end) for name, end in ends.items()}
    for name, end in ends.items():
        longest = BUILDS.get(build or "", {}).get(name)
        if longest is not None and end > longest:
            others = [b for b in builds_that_hold(ends) if b != build]
            likely = f"The file fits {others[0]}" if others else "The file fits no build known here"
            message = f"a segment ends beyond chromosome {name} of {build} ({longest})"
            faults.add(files, message, f"{likely}: use files of one genome build.", value=f"{name}:{end}")
            break
    if len(segments) and not set(ends) & set(chrom):
        message = "the segments and the mutations have no chromosome in common"
        shown = f"segments: {', '.join(list(ends)[:5])}; mutations: {', '.join(sorted(set(map(str, chrom)))[:5])}"
        faults.add(files, message, f"Use files of one reference ({shown}).")


def look_up(segments: pd.DataFrame, specimens: list[str], chrom: np.ndarray, pos: np.ndarray) -> Calls:
    """Find the segment of each mutation in each sample.

    Parameters
    ----------
    segments
        Table of segments, none overlapping another of its sample but in its last base.
    specimens
        [S] names of the samples.
    chrom, pos
        [N] plain chromosome names and positions, from 1.

    Returns
    -------
    Calls
    """
    shape = (len(chrom), len(specimens))
    whole = [np.full(shape, MISSING, np.int64) for _ in range(5)]
    fraction = np.full(shape, np.nan)
    _, code = np.unique(np.concatenate([segments["chrom"], chrom]).astype(str), return_inverse=True)
    place = code[len(segments) :] * PER_CHROM + pos
    first = code[: len(segments)] * PER_CHROM + segments["start"].to_numpy(dtype=np.int64)
    last = code[: len(segments)] * PER_CHROM + segments["end"].to_numpy(dtype=np.int64)
    columns = [segments[c].to_numpy(dtype=np.int64) for c in ("major_cn", "minor_cn", "total_cn", "major2", "minor2")]
    share, other = (segments[c].to_numpy(dtype=float) for c in ("fraction", "fraction2"))
    owner = segments["sample"].to_numpy(dtype=object)
    for s, name in enumerate(specimens):
        mine = np.flatnonzero(owner == name)
        if not len(mine):
            continue
        row, hit = _segment_of(place, first, last, mine)
        for values, column in zip(whole, columns, strict=True):
            values[hit, s] = column[row]
        two = columns[3][row] >= 0
        fraction[hit, s] = np.where(two, share[row] / (share[row] + np.where(two, other[row], 0.0)), np.nan)
    major, minor, total, major2, minor2 = whole
    return Calls(major, minor, total, major2, minor2, fraction)


def _segment_of(
    place: np.ndarray, first: np.ndarray, last: np.ndarray, mine: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Row of the segment of each place that has one, and which places do.

    The last segment that begins before the place; if that one has ended, the one before it that reaches
    farthest (segments may overlap where they agree).
    """
    mine = mine[np.argsort(first[mine], kind="stable")]
    farthest = np.maximum.accumulate(last[mine])
    newest = np.append(True, farthest[1:] > farthest[:-1])
    holder = np.maximum.accumulate(np.where(newest, np.arange(len(mine)), 0))
    at = np.searchsorted(first[mine], place, side="right") - 1
    began = np.maximum(at, 0)
    began = np.where(place <= last[mine[began]], began, holder[began])
    hit = (at >= 0) & (place <= last[mine[began]])
    return mine[began[hit]], hit


def _variables(calls: Calls, none: np.ndarray, normal: np.ndarray) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """Lay the calls out as the registry says; where there is none, the copies of normal cells."""
    split = calls.major != MISSING
    values = {
        "major_cn": np.where(none, (normal + 1) // 2, calls.major).astype(np.int16),
        "minor_cn": np.where(none, normal // 2, calls.minor).astype(np.int16),
        "normal_cn": normal.astype(np.int16),
        "total_cn": np.where(split, MISSING, calls.total).astype(np.int16),
    }
    if (calls.major2 != MISSING).any():
        values["major_cn_2"] = calls.major2.astype(np.int16)
        values["minor_cn_2"] = calls.minor2.astype(np.int16)
        values["cn_fraction"] = calls.fraction
    return {name: (BOTH, array) for name, array in values.items()}


def _without_counts(out: xr.Dataset, unused: np.ndarray, notes: list[str], lost: int) -> xr.Dataset:
    """Make counts missing where the tumour has no copy, or where there is no call and none is wanted."""
    if lost:
        notes.append(f"copy number 0 at {lost} cells (mutation x sample): taken as missing there")
    if not unused.any():
        return out
    names = ("alt_count", "depth")
    return out.assign({n: (BOTH, np.where(unused, MISSING, out[n].values).astype(np.int32)) for n in names})


def _with_purity(out: xr.Dataset, purity: pd.DataFrame, notes: list[str]) -> xr.Dataset:
    """Put the purities of the files into the Dataset."""
    specimens = [str(s) for s in out["specimen"].values]
    known = {str(row.sample): row for row in purity.itertuples() if str(row.sample) in specimens}
    if not known:
        return out
    value, error = (out[name].values.astype(float).copy() for name in ("purity", "purity_sd"))
    for i, name in enumerate(specimens):
        if name in known:
            value[i], error[i] = known[name].purity, known[name].purity_sd
    notes.append("purity from " + ", ".join(dict.fromkeys(str(row.source) for row in known.values())))
    return out.assign_coords(purity=("specimen", value), purity_sd=("specimen", error))


def _notes_on_sex(chrom: np.ndarray, sex: str, build: str | None) -> list[str]:
    on = int(np.isin(chrom, ("X", "Y")).sum())
    if not on:
        return []
    notes = []
    if not sex:
        notes.append(f"sex not given: {on} mutations on X and Y are taken as on two copies of X, or one of Y")
    if build is None:
        notes.append("genome build not given: no pseudo-autosomal region is set apart on X and Y")
    return notes


def _notes_on_normal(segments: pd.DataFrame, sex: str) -> list[str]:
    """Say where a caller has another number of copies of X in normal cells than the sex makes."""
    expected = {"female": 2, "male": 1}.get(sex)
    told = segments[(segments["chrom"] == "X") & (segments["normal_cn"] > 0)]
    if expected is None or not len(told):
        return []
    length = (told["end"] - told["start"] + 1).astype(float)
    other = told["normal_cn"] != expected
    if length[other].sum() <= length[~other].sum():
        return []
    files = ", ".join(dict.fromkeys(told["source"][other]))
    return [f"{files}: normal cells have {told['normal_cn'][other].iloc[0]} copies of X there, and the sex is {sex}"]


def _notes_on_calls(
    calls: Calls, none: np.ndarray, covered: np.ndarray, specimens: list[str], no_call: str
) -> list[str]:
    """Say where there is no call, what is done about it, and how much is subclonal."""
    notes = []
    if not covered.all():
        names = ", ".join(name for name, there in zip(specimens, covered, strict=True) if not there)
        notes.append(f"no copy number for {names}: taken as normal")
    gaps = none[:, covered].sum(axis=0)
    if gaps.any():
        done = {
            "normal": "taken as normal copies",
            "missing": "the counts there are not used",
            "exclude": "these mutations are left out",
        }[no_call]
        per = ", ".join(f"{n} {g}" for n, g in zip(np.array(specimens)[covered], gaps, strict=True) if g)
        notes.append(f"no copy-number call at {gaps.sum()} cells (mutation x sample), {done}; by sample: {per}")
    two = int((calls.major2 != MISSING).sum())
    if two:
        share = two / none.size
        notes.append(f"{two} cells ({share:.1%}) lie in subclonal segments: two states, average total copy number")
    return notes
