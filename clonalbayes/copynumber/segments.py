"""The table of segments: one row a segment, whichever caller wrote it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from clonalbayes.data.readers.text import read_text
from clonalbayes.faults import KEPT_PER_KIND, Fault, FaultList, InputError, fail

from .formats import SEGMENT_FORMATS, recognise
from .purity import PURITY_COLUMNS, PURITY_FORMATS, as_purity_table

MISSING = -1
COLUMNS = (
    "sample", "chrom", "start", "end", "major_cn", "minor_cn", "total_cn", "normal_cn", "fraction",
    "major2", "minor2", "fraction2", "source", "row",
)  # fmt: skip
"""Columns of the table of segments, in their order."""

INTEGERS = ("major_cn", "minor_cn", "total_cn", "normal_cn", "major2", "minor2")
FRACTIONS = ("fraction", "fraction2")
TOUCHING = 1
"""Bases that two neighbouring segments may share: some callers end one where the next begins."""


@dataclass
class CopyNumber:
    """What files of copy number say.

    Parameters
    ----------
    segments
        Columns `COLUMNS`. `start`, `end` are from 1, both included; copies are -1 where unknown; `fraction`
        is the share of the tumour cells in the first state and `fraction2` in the second (NaN, with
        `major2` = `minor2` = -1, where there is one state); `source`, `row` is the file and its line.
    purity
        Columns sample, purity, purity_sd (NaN unknown), ploidy (NaN unknown), source.
    notes
        What was assumed, to be said aloud.
    digests
        SHA-256 by file name.
    """

    segments: pd.DataFrame
    purity: pd.DataFrame
    notes: list[str] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)

    @property
    def samples(self) -> list[str]:
        """Names of the samples that have segments, in order of appearance."""
        return [str(name) for name in pd.unique(self.segments["sample"])]

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the segments as a tab-separated table, which `read_segments` reads back the same."""
        out = self.segments.copy(deep=False)
        for name in INTEGERS:
            out[name] = out[name].astype(object).where(out[name] != MISSING, "NA")
        out.to_csv(path, sep="\t", index=False, na_rep="NA", lineterminator="\n", encoding="utf-8")


def read_copy_number(path: str | os.PathLike[str], sample: str | None = None) -> CopyNumber:
    """Read one file of segments or of purity; what it is, its content says.

    Parameters
    ----------
    path
        The file, packed with gzip or not.
    sample
        Name of the sample; by default the file's own, else the file's name without its endings.

    Returns
    -------
    CopyNumber
        Segments, or purity, the other being empty.

    Raises
    ------
    InputError
        With every fault of the file.
    """
    source = read_text(Path(path))
    name = recognise(source)
    faults = FaultList()
    notes: list[str] = []
    segments, purity = empty_segments(), as_purity_table([])
    if name in PURITY_FORMATS:
        purity = PURITY_FORMATS[name].read(source, sample, faults)
    else:
        try:
            frame = SEGMENT_FORMATS[name].read(source, faults, notes)
        except InputError as error:
            raise error if not len(faults) else faults.error() from None
        segments = tidy(frame, source.name, sample, source.stem, faults, notes)
    faults.raise_if_any()
    return CopyNumber(segments, purity, notes, {source.name: source.digest})


def read_segments(path: str | os.PathLike[str], sample: str | None = None) -> CopyNumber:
    """As `read_copy_number`, but a file of purity is a fault.

    Raises
    ------
    InputError
        With every fault of the file, or if it holds no segments.
    """
    found = read_copy_number(path, sample)
    if not len(found.segments):
        raise fail(Path(path).name, "holds a purity and no segments", "Give the file of segments here.")
    return found


def empty_segments() -> pd.DataFrame:
    """Return a table of segments without a row."""
    return pd.DataFrame({name: [] for name in COLUMNS})


def read_all(wanted: Iterable[tuple[str | os.PathLike[str], str | None]]) -> CopyNumber:
    """Read several files and put them together.

    Parameters
    ----------
    wanted
        Each file with the name of its sample, None for the file's own.

    Raises
    ------
    InputError
        With every fault of every file.
    """
    parts: list[CopyNumber] = []
    faults: list[Fault] = []
    for file, name in wanted:
        try:
            parts.append(read_copy_number(file, name))
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(faults)
    return join_tables(parts)


def join_tables(parts: list[CopyNumber]) -> CopyNumber:
    """Put several files together.

    Parameters
    ----------
    parts
        What each file says.
    """
    frames = [p.segments for p in parts if len(p.segments)]
    segments = _in_order(pd.concat(frames, ignore_index=True)) if frames else empty_segments()
    purities = [p.purity for p in parts if len(p.purity)]
    purity = pd.concat(purities, ignore_index=True) if purities else as_purity_table([])
    digests = {name: digest for p in parts for name, digest in p.digests.items()}
    return CopyNumber(segments, purity[list(PURITY_COLUMNS)], [n for p in parts for n in p.notes], digests)


def tidy(
    frame: pd.DataFrame, file: str, sample: str | None, stem: str, faults: FaultList, notes: list[str]
) -> pd.DataFrame:
    """Complete a reader's columns, check them, and bring them into order.

    Parameters
    ----------
    frame
        Columns chrom, start, end, row, and as many of `COLUMNS` as the file has.
    file
        Its name in messages.
    sample
        Name of the sample: replaces the one name that the file has, or picks it out of several.
    stem
        Name of the sample where neither the caller nor the file has one.
    faults, notes
        Take what is wrong, and what was assumed.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`, sorted by sample, chromosome and start.
    """
    out = pd.DataFrame(index=frame.index)
    for name in COLUMNS:
        out[name] = frame.get(name, MISSING if name in INTEGERS else np.nan)
    _complete_split(out)
    out["source"] = frame.get("source", file)
    out["sample"] = _sample_names(frame, sample, stem, file, faults)
    out = out[out["sample"] != ""]
    turned = out["end"] < out["start"]
    for i in np.flatnonzero(turned)[:KEPT_PER_KIND]:
        row, end = int(out["row"].iloc[i]), str(out["end"].iloc[i])
        faults.add(file, "the segment ends before it starts", "Correct start and end.", row=row, value=end)
    out = _in_order(out[~turned])
    _note(out, file, notes)
    return out.astype(dict.fromkeys(("start", "end", "row", *INTEGERS), np.int64))


def _complete_split(out: pd.DataFrame) -> None:
    """Fill in the total from the split, and the split where the total leaves no choice."""
    certain = (out["major_cn"] == MISSING) & (out["total_cn"] >= 0) & (out["total_cn"] <= 1)
    out.loc[certain, "major_cn"], out.loc[certain, "minor_cn"] = out.loc[certain, "total_cn"], 0
    known = out["major_cn"] != MISSING
    out.loc[known, "total_cn"] = out.loc[known, "major_cn"] + out.loc[known, "minor_cn"]
    out["fraction"] = np.where(np.isnan(out["fraction"].astype(float)), 1.0, out["fraction"])
    out["fraction2"] = np.where(out["major2"] == MISSING, np.nan, out["fraction2"])


def _sample_names(
    frame: pd.DataFrame, sample: str | None, stem: str, file: str, faults: FaultList
) -> np.ndarray:
    """Name of each row's sample; empty where the row is another sample's."""
    if "sample" not in frame:
        return np.full(len(frame), stem if sample is None else sample, dtype=object)
    own = frame["sample"].astype(str).to_numpy(dtype=object)
    names = list(dict.fromkeys(own))
    if sample is None:
        return own
    if sample in names:
        return np.where(own == sample, sample, "").astype(object)
    if len(names) == 1:
        return np.full(len(frame), sample, dtype=object)
    remedy = f"The file has: {', '.join(names[:12])}."
    faults.add(file, "no sample of this name is in the file", remedy, column="sample", value=sample)
    return own


def _in_order(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values(["sample", "chrom", "start"], kind="stable", ignore_index=True)


STATES = ("major_cn", "minor_cn", "total_cn", "major2", "minor2")


def check_overlaps(frame: pd.DataFrame, faults: FaultList) -> None:
    """Add a fault for each segment that overlaps another one of its sample with another copy number.

    Parameters
    ----------
    frame
        A table of segments in order.
    faults
        Takes the faults.
    """
    for _, block in frame.groupby(["sample", "chrom"], sort=False):
        start, end = (block[name].to_numpy(dtype=np.int64) for name in ("start", "end"))
        if len(block) < 2:
            continue
        far = np.maximum.accumulate(end)[:-1]
        for i in np.flatnonzero(start[1:] + TOUCHING <= far) + 1:
            one, other = block.iloc[i], block.iloc[int(np.argmax(end[:i]))]
            if any(one[name] != other[name] for name in STATES):
                _add_overlap(one, other, faults)


def _add_overlap(one: pd.Series, other: pd.Series, faults: FaultList) -> None:
    """Add the fault of two overlapping segments."""
    places = [f"{s['chrom']}:{s['start']}-{s['end']}" for s in (one, other)]
    where = "" if one["source"] == other["source"] else f" of {other['source']}"
    remedy = f"Keep one of them; the other is row {other['row']}{where} ({places[1]})."
    message = "two segments of one sample overlap and differ"
    faults.add(str(one["source"]), message, remedy, row=int(one["row"]), value=places[0])


def _note(frame: pd.DataFrame, file: str, notes: list[str]) -> None:
    """Say how many segments are subclonal, or known by their total only."""
    two = int((frame["major2"] != MISSING).sum())
    if two:
        notes.append(f"{file}: {two} of {len(frame)} segments are subclonal (two states)")
    totals = int(((frame["major_cn"] == MISSING) & (frame["total_cn"] != MISSING)).sum())
    if totals:
        notes.append(f"{file}: of {totals} of {len(frame)} segments only the total copy number is known")
