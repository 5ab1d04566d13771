"""Tables of segments as the callers write them, each brought to the columns of `segments.COLUMNS`.

ASCAT, Battenberg and Sequenza give whole copies. FACETS gives the share of all cells that have a segment's
state; PURPLE gives copies as fractions. Both are turned into two states that have the same average.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from clonalbayes.data.readers import cells
from clonalbayes.data.readers.cells import Rule, numbers
from clonalbayes.data.readers.columns import read_plain
from clonalbayes.data.readers.tables import Table
from clonalbayes.data.readers.text import TextFile, guess_separator, header_line
from clonalbayes.faults import FaultList

from .regions import plain_chroms
from .states import from_fractions, from_shares

CHROM = ("chrom", "chr", "chromosome", "seqnames", "contig")
START = ("start", "startpos", "start_pos", "loc_start", "start_position", "begin", "start_bp", "start_position_bp")
END = ("end", "endpos", "end_pos", "loc_end", "end_position", "stop", "end_bp", "end_position_bp")
SAMPLE = (
    "sample", "sample_id", "sampleid", "sample_name", "id", "specimen", "tumor_sample_barcode", "gdc_aliquot",
)  # fmt: skip
MAJOR = ("major_cn", "major", "nmajor", "major_copy_number", "cn_major", "majorcn", "majorcopynumber", "nmaj", "cn1")
MINOR = ("minor_cn", "minor", "nminor", "minor_copy_number", "cn_minor", "minorcn", "minorcopynumber", "nmin", "cn2")
TOTAL = ("total_cn", "total", "cn", "copy_number", "total_copy_number", "cn_total", "totalcn", "tcn", "ntot")
NORMAL = ("normal_cn", "normal_copy_number")
SHARE = ("fraction", "frac1", "frac1_a", "ccf")
OF_ALL_CELLS = ("clonal_frequency",)

POSITION = Rule("position", 0, 2**40, True, "Give the position on the chromosome as a whole number.")
FRACTION = Rule("share of cells", 0, 1.0001, False, "Give the share of the tumour cells, from 0 to 1.")
ANY_SHARE = Rule("share of cells", -1e6, 1e6, False, "Give the share of the tumour cells, from 0 to 1.")
CELLS = Rule("share of cells", 0, 1.0001, False, "Give the share of all cells, from 0 to 1.")
FLOATING = Rule(
    "copy number", -10, 10_000, False, "Give the copies of the tumour cells, leave the cell empty if unknown."
)
AMPLIFIED = Rule(
    "copy number", 0, 10_000, True, "Copy numbers are whole numbers from 0; leave the cell empty if unknown."
)
MOST_COPIES = cells.LARGEST_COPY_NUMBER
"""Higher amplifications are taken as this many copies."""

FACETS_CLONAL = 0.8
"""A FACETS segment whose state more than this share of the tumour cells has is clonal: its errors are large."""

TEXT = {*CHROM, *SAMPLE, "source"}


def _first(table: Table, options: tuple[str, ...]) -> str | None:
    return next((name for name in options if name in table.frame), None)


def _places(table: Table, faults: FaultList) -> tuple[pd.DataFrame, np.ndarray]:
    """Chromosome, start, end and row of the segments; and which rows have all of them."""
    chrom, start, end = (_first(table, names) for names in (CHROM, START, END))
    if chrom is None or start is None or end is None:
        absent = ", ".join(n for n, c in (("chrom", chrom), ("start", start), ("end", end)) if c is None)
        remedy = "Name the columns chrom, start and end."
        faults.add(table.name, f"the column {absent} is missing", remedy, row=header_line(table.source)[0])
        raise faults.error()
    where = [numbers(table, name, POSITION, faults) for name in (start, end)]
    empty = table.frame[chrom].isna().to_numpy()
    cells.add_cells(faults, table, empty, chrom, "the segment has no chromosome", "Fill the cell.")
    for name, values in zip((start, end), where, strict=True):
        blank = np.isnan(values) & table.frame[name].isna().to_numpy()
        cells.add_cells(faults, table, blank, name, "the segment has no position", "Fill the cell.")
    good = ~(empty | np.isnan(where[0]) | np.isnan(where[1]))
    frame = pd.DataFrame(
        {
            "chrom": plain_chroms(table.frame[chrom].astype(object).fillna("")),
            "start": np.nan_to_num(where[0]).astype(np.int64),
            "end": np.nan_to_num(where[1]).astype(np.int64),
            "row": table.rows,
        }
    )
    sample = _first(table, SAMPLE)
    if sample is not None:
        frame["sample"] = table.frame[sample].astype(object).fillna("").astype(str).str.strip().to_numpy(dtype=object)
        nameless = (frame["sample"] == "").to_numpy()
        cells.add_cells(faults, table, nameless, sample, "the sample has no name", "Fill the cell.")
    return frame, good


def _copies(table: Table, name: str | None, faults: FaultList) -> np.ndarray:
    """Return whole copies, -1 where the file has none, extreme amplifications capped."""
    if name is None:
        return np.full(len(table), -1)
    values = numbers(table, name, AMPLIFIED, faults)
    return cells.as_counts(np.minimum(values, MOST_COPIES), np.int64)


def _split(
    table: Table, frame: pd.DataFrame, names: tuple[str | None, str | None, str | None], faults: FaultList
) -> None:
    """Put major, minor and total into the frame, and check that they agree."""
    major, minor, total = (_copies(table, name, faults) for name in names)
    half = (major >= 0) != (minor >= 0)
    other = np.where(half & (total >= 0), total - np.maximum(major, minor), -1)
    major, minor = np.where(half & (major < 0), other, major), np.where(half & (minor < 0), other, minor)
    told = names[1] or names[0] or names[2] or ""
    crossed = (minor > major) & (major >= 0)
    message = "the minor copy number is above the major one"
    cells.add_cells(faults, table, crossed, told, message, "Exchange the two, or correct the call.")
    split = (major >= 0) & (minor >= 0)
    if names[2] is not None:
        wrong = split & (total >= 0) & (major + minor != np.where(total >= MOST_COPIES, major + minor, total))
        message = "the total copy number is not major + minor"
        cells.add_cells(faults, table, wrong, names[2], message, "Correct the call.")
    frame["major_cn"], frame["minor_cn"] = np.where(split, major, -1), np.where(split, minor, -1)
    frame["total_cn"] = np.where(split, major + minor, total)


def _called(frame: pd.DataFrame, good: np.ndarray, name: str, notes: list[str]) -> pd.DataFrame:
    """Keep the rows that have a place and a call; the others without a call are said aloud."""
    none = good & (frame["total_cn"] < 0).to_numpy()
    if none.any():
        notes.append(f"{name}: {none.sum()} of {len(frame)} segments have no call and count as not covered")
    return frame[good & ~none].reset_index(drop=True)


def ascat(source: TextFile, faults: FaultList, notes: list[str]) -> pd.DataFrame:
    """Read ASCAT's ``segments.txt``: sample, chr, startpos, endpos, nMajor, nMinor."""
    table = read_plain(source, faults, TEXT)
    frame, good = _places(table, faults)
    _split(table, frame, ("nmajor", "nminor", None), faults)
    return _called(frame, good, table.name, notes)


def caveman(source: TextFile, faults: FaultList, notes: list[str]) -> pd.DataFrame:
    """Read ASCAT's ``copynumber.caveman.csv``: no header; normal total and minor, tumour total and minor."""
    separator = guess_separator(source.head(1)[0])
    names = ("number", "chrom", "start", "end", "normal_cn", "normal_minor", "total_cn", "minor_cn")
    headed = separator.join(names).encode() + b"\n" + source.data
    table = read_plain(TextFile(source.path, headed, source.digest), faults, TEXT)
    table.source, table.rows = source, table.rows - 1
    frame, good = _places(table, faults)
    _split(table, frame, (None, "minor_cn", "total_cn"), faults)
    frame["normal_cn"] = _copies(table, "normal_cn", faults)
    return _called(frame, good, table.name, notes)


def battenberg(source: TextFile, faults: FaultList, notes: list[str]) -> pd.DataFrame:
    """Read Battenberg's ``subclones.txt``: solution A, with one or two states."""
    table = read_plain(source, faults, TEXT)
    frame, good = _places(table, faults)
    _split(table, frame, ("nmaj1_a", "nmin1_a", None), faults)
    major, minor = (_copies(table, _first(table, (name,)), faults) for name in ("nmaj2_a", "nmin2_a"))
    crossed = (minor > major) & (major >= 0)
    message = "the minor copy number of the second state is above the major one"
    cells.add_cells(faults, table, crossed, "nmin2_a", message, "Exchange the two, or correct the call.")
    share = numbers(table, "frac1_a", ANY_SHARE, faults)
    outside = int(((share < 0) | (share > 1)).sum())
    if outside:
        notes.append(
            f"{table.name}: the share of the first state is outside 0 to 1 in {outside} segments; taken as 0 or 1"
        )
    share = np.clip(share, 0.0, 1.0)
    other = numbers(table, "frac2_a", ANY_SHARE, faults) if "frac2_a" in table.frame else 1.0 - share
    _second(frame, major, minor, share, np.clip(other, 0.0, 1.0))
    return _called(frame, good, table.name, notes)


def _second(
    frame: pd.DataFrame, major: np.ndarray, minor: np.ndarray, share: np.ndarray, other: np.ndarray
) -> None:
    """Put a second state into the frame; a state that no cell has is none."""
    share, other = np.where(np.isnan(share), 1.0, share), np.where(np.isnan(other), 1.0 - share, other)
    there = (major >= 0) & (minor >= 0) & (other > 0) & (frame["total_cn"] >= 0).to_numpy()
    swap = there & (share <= 0)
    for name, values in (("major_cn", major), ("minor_cn", minor), ("total_cn", major + minor)):
        frame[name] = np.where(swap, values, frame[name])
    there &= ~swap
    frame["fraction"] = np.where(there, share, 1.0)
    frame["major2"], frame["minor2"] = np.where(there, major, -1), np.where(there, minor, -1)
    frame["fraction2"] = np.where(there, other, np.nan)


def sequenza(source: TextFile, faults: FaultList, notes: list[str]) -> pd.DataFrame:
    """Read Sequenza's ``segments.txt``: CNt copies in all, A and B of each allele where they are known."""
    table = read_plain(source, faults, TEXT)
    frame, good = _places(table, faults)
    _split(table, frame, ("a", "b", "cnt"), faults)
    return _called(frame, good, table.name, notes)


def purple(source: TextFile, faults: FaultList, notes: list[str]) -> pd.DataFrame:
    """Read PURPLE's ``purple.cnv.somatic.tsv``: copies of each allele as fractions."""
    table = read_plain(source, faults, TEXT)
    frame, good = _places(table, faults)
    total = np.clip(numbers(table, "copynumber", FLOATING, faults), 0.0, MOST_COPIES)
    minor_name = _first(table, ("minorallelecopynumber", "minoralleleploidy"))
    if minor_name is not None:
        minor = np.clip(numbers(table, minor_name, FLOATING, faults), 0.0, total / 2.0)
    else:
        baf = numbers(table, _first(table, ("baf", "actualbaf", "observedbaf")) or "", CELLS, faults)
        minor = total * (1.0 - np.clip(baf, 0.5, 1.0))
    from_fractions(frame, total - minor, minor)
    return _called(frame, good, table.name, notes)


def facets(source: TextFile, faults: FaultList, notes: list[str]) -> pd.DataFrame:
    """Read FACETS' segments: tcn copies in all, lcn of the minor allele, cf of all cells have the state."""
    table = read_plain(source, faults, TEXT)
    frame, good = _places(table, faults)
    suffix = "_em" if "tcn_em" in table.frame and "lcn_em" in table.frame else ""
    if "sample" in frame and "id" in table.frame and frame["sample"].nunique() == len(frame):
        frame = frame.drop(columns="sample")  # an ID of each segment
    minor, total = (_first(table, (f"{name}{suffix}", f"{name}_em", name)) for name in ("lcn", "tcn"))
    _split(table, frame, (None, minor, total), faults)
    share = _first(table, (f"cf{suffix}", "cf_em", "cf"))
    if share is not None:
        sexual = np.isin(frame["chrom"], ("X", "Y"))
        told = from_shares(frame, numbers(table, share, CELLS, faults), FACETS_CLONAL, ~sexual)
        notes += [f"{table.name}: {text}" for text in told]
    return _called(frame, good, table.name, notes)


VCF_FIELDS = {"END": "end", "TCN_EM": "tcn_em", "LCN_EM": "lcn_em", "CF_EM": "cf_em"}
"""What of the INFO of cnv_facets' VCF becomes a column."""


def facets_vcf(source: TextFile, faults: FaultList, notes: list[str]) -> pd.DataFrame:
    """Read the VCF of cnv_facets: the same numbers in INFO."""
    above = header_line(source)[0]  # so many lines stay, for rows to keep their numbers
    rows = [b"##"] * (above - 1) + [b"\t".join([b"chrom", b"start", *(name.encode() for name in VCF_FIELDS.values())])]
    for line in source.data.split(b"\n")[above:]:
        fields = line.split(b"\t")
        info = dict(part.partition(b"=")[::2] for part in fields[7].split(b";")) if len(fields) > 7 else {}
        cells_ = [info.get(name.encode(), b".") for name in VCF_FIELDS]
        rows.append(b"\t".join([*fields[:2], *cells_]) if line.strip() else b"")
    return facets(TextFile(source.path, b"\n".join(rows) + b"\n", source.digest), faults, notes)


def generic(source: TextFile, faults: FaultList, notes: list[str]) -> pd.DataFrame:
    """Read chrom, start, end, major_cn, minor_cn or total_cn; sample, normal_cn, fraction and a second state."""
    table = read_plain(source, faults, TEXT)
    frame, good = _places(table, faults)
    major, minor, total = (_first(table, names) for names in (MAJOR, MINOR, TOTAL))
    if total is None and (major is None or minor is None):
        absent = "minor_cn" if minor is None else "major_cn"
        remedy = "Give both alleles, or the total copy number (total_cn)."
        faults.add(table.name, f"the column {absent} is missing", remedy, row=header_line(source)[0])
        raise faults.error()
    _split(table, frame, (major, minor, total), faults)
    normal, share, of_all = (_first(table, names) for names in (NORMAL, SHARE, OF_ALL_CELLS))
    if normal is not None:
        frame["normal_cn"] = _copies(table, normal, faults)
    if share is not None and {"major2", "minor2"} <= set(table.frame.columns):
        first = numbers(table, share, FRACTION, faults)
        second = numbers(table, "fraction2", FRACTION, faults) if "fraction2" in table.frame else 1.0 - first
        _second(frame, _copies(table, "major2", faults), _copies(table, "minor2", faults), first, second)
    elif of_all is not None:
        told = from_shares(frame, numbers(table, of_all, CELLS, faults), 0.95, np.ones(len(frame), bool))
        notes += [f"{table.name}: {text}" for text in told]
    if {"source", "row"} <= set(table.frame.columns):
        frame["source"] = table.frame["source"].astype(object).fillna("").astype(str)
        frame["row"] = cells.as_counts(numbers(table, "row", POSITION, faults), np.int64)
    return _called(frame, good, table.name, notes)
