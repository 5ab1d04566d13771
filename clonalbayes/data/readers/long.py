"""The long table: one row for each mutation in each sample.

PyClone-VI's columns are the native ones (``mutation_id sample_id ref_counts alt_counts major_cn minor_cn
normal_cn [tumour_content] [error_rate]``); `columns.ALIASES` lists what else is understood. A table without a
sample column is one sample (PyClone's first format); a folder of such tables is one patient.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from clonalbayes.faults import FaultList

from . import cells
from .cells import Labels, labels, numbers
from .columns import TEXTS, choose, match, nearest
from .draft import Draft
from .grid import check_grid, constant, per_group, to_grid
from .tables import Stack, Table, read_table
from .text import TextFile, guess_separator, header_line, split_line

FORMAT = "long"
TELLING = {
    "mutation",
    "specimen",
    "alt_count",
    "ref_count",
    "depth",
    "major_cn",
    "minor_cn",
    "total_cn",
    "normal_cn",
}
"""Variables whose columns tell a long table from other tables; three of them are enough."""

MEANING = "long table (PyClone-VI, PyClone or similar: one row a mutation and sample)"


def refuse(source: TextFile) -> str | None:
    """Return why the file is not a long table, or None if it is one.

    Parameters
    ----------
    source
        The file.
    """
    found = set(match(*_peek(source)))
    counts = found & {"alt_count", "ref_count", "depth"}
    if (counts and len(found & TELLING) >= 3) or (
        "mutation" in found and (counts or len(found & TELLING) >= 4)
    ):
        return None
    if not counts:
        return "no column holds read counts (ref_counts, alt_counts)"
    return "no column names the mutation (mutation_id)"


def read(sources: list[TextFile], faults: FaultList, source_name: str) -> Draft:
    """Read one long table, or several that are one sample each.

    Parameters
    ----------
    sources
        The files; of several, each is one sample unless it has a sample column.
    faults
        Takes everything that is wrong.
    source_name
        Name of the file or folder for the record.

    Returns
    -------
    Draft

    Raises
    ------
    InputError
        When columns are missing or no row can be read.
    """
    notes: list[str] = []
    tables = [_table(s, faults, notes) for s in sources]
    faults.raise_if_any()
    table = tables[0] if len(tables) == 1 else Stack(tables)
    mutation, specimen = _keys(table, faults)
    faults.raise_if_any()
    draft = _counts(table, mutation, specimen, faults, source_name, notes)
    _copy_number(draft, table, mutation, specimen, faults)
    _sites(draft, table, mutation, faults)
    _specimens(draft, table, specimen, faults)
    draft.digests = {s.name: s.digest for s in sources}
    return draft


def _peek(source: TextFile) -> tuple[list[str], list[list[str]]]:
    number, line = header_line(source)
    separator = guess_separator(line)
    sample = [split_line(row, separator) for row in source.head(number + 100)[number:]]
    return [h.strip() for h in split_line(line, separator)], sample


def _table(source: TextFile, faults: FaultList, notes: list[str]) -> Table:
    """Read the columns that mean something, renamed to the package's variables."""
    header, sample = _peek(source)
    row = header_line(source)[0]
    chosen = choose(match(header, sample), source.name, row, faults, notes)
    _check_columns(source.name, chosen, header, row, faults)
    texts = [chosen[v] for v in TEXTS if v in chosen]
    table = read_table(source, faults, text_columns=texts, columns=list(chosen.values()))
    faults.raise_if_any()
    table.rename(chosen)
    unused = [h for h in header if h not in chosen.values()]
    if unused:
        notes.append(f"{source.name}: columns not used: {', '.join(unused)}")
    if "specimen" not in chosen:
        table.frame["specimen"] = np.full(len(table), source.stem, dtype=object)
        notes.append(f"{source.name}: no sample column, taken as one sample called {source.stem}")
    return table


def _check_columns(file: str, chosen: dict[str, str], header: list[str], row: int, faults: FaultList) -> None:
    missing = [] if {"mutation"} <= set(chosen) or {"chrom", "pos"} <= set(chosen) else ["mutation"]
    if "alt_count" not in chosen and not {"ref_count", "depth"} <= set(chosen):
        missing.append("alt_count")
    if "ref_count" not in chosen and "depth" not in chosen:
        missing.append("ref_count")
    missing += [
        a
        for a, b in (("major_cn", "minor_cn"), ("minor_cn", "major_cn"))
        if b in chosen and a not in chosen and "total_cn" not in chosen
    ]
    missing += [
        a
        for a, b in (("panel_alt", "panel_depth"), ("panel_depth", "panel_alt"))
        if b in chosen and a not in chosen
    ]
    for variable in missing:
        faults.add(
            file, f"the column for {variable} is missing", nearest(variable, header), row=row, column=variable
        )


def _keys(table: Table | Stack, faults: FaultList) -> tuple[Labels, Labels]:
    """Code mutations and samples, and find empty and repeated ones."""
    frame = table.frame
    if "mutation" not in frame:
        frame["mutation"] = _site_names(frame)
        if isinstance(table, Table):
            table.names["mutation"] = table.written("pos")
    mutation, specimen = labels(frame["mutation"]), labels(frame["specimen"])
    for column, found in (("mutation", mutation), ("specimen", specimen)):
        written = "mutation" if column == "mutation" else "sample"
        empty = found.codes < 0
        if empty.any():
            cells.add_cells(
                faults, table, empty, column, f"the {written} has no name", "Fill the cell or remove the row."
            )
    check_grid(table, mutation, specimen, faults)
    return mutation, specimen


def _site_names(frame: pd.DataFrame) -> pd.Series:
    """Make ids of the form ``chrom:pos:ref>alt`` where the table has none."""
    name = frame["chrom"].astype(str) + ":" + frame["pos"].astype(str)
    if "ref" in frame and "alt" in frame:
        name = name + ":" + frame["ref"].astype(str) + ">" + frame["alt"].astype(str)
    return name.where(frame["chrom"].notna() & frame["pos"].notna())


def _counts(
    table: Table | Stack, mutation: Labels, specimen: Labels, faults: FaultList, name: str, notes: list[str]
) -> Draft:
    """Read the two read counts of each row and lay them on the grid."""
    alt, depth = _alt_and_depth(table, faults, notes)
    half = int(np.sum(np.isnan(alt) != np.isnan(depth)))
    if half:
        notes.append(f"{half} rows give only one of the two read counts; they are taken as missing")
    unknown = np.isnan(alt) | np.isnan(depth)
    alt, depth = np.where(unknown, np.nan, alt), np.where(unknown, np.nan, depth)
    shape = (len(mutation), len(specimen))
    return Draft(
        format=FORMAT,
        source=name,
        mutations=mutation.names,
        specimens=list(specimen.names),
        alt_count=to_grid(cells.as_counts(alt), mutation, specimen, shape),
        depth=to_grid(cells.as_counts(depth), mutation, specimen, shape),
        rows=table.rows[mutation.first],
        files=table.name,
        notes=notes,
    )


def _alt_and_depth(
    table: Table | Stack, faults: FaultList, notes: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return alt reads and all reads of each row, from any two of alt, ref and depth."""
    have = {
        v: numbers(table, v, cells.COUNT, faults)
        for v in ("alt_count", "ref_count", "depth", "other_count")
        if v in table.frame
    }
    if {"alt_count", "other_count", "depth"} <= set(have):  # a table that counts third alleles means them in its depth
        have.pop("ref_count", None)
    if "alt_count" not in have:
        alt, depth, told = have["depth"] - have["ref_count"], have["depth"], "ref_count"
    else:
        alt, told = have["alt_count"], "alt_count"
        depth = alt + have["ref_count"] if "ref_count" in have else have["depth"]
    differ = int(np.sum(np.abs(have.get("depth", depth) - depth) > 0))
    if differ:
        notes.append(f"{differ} rows have a depth other than ref + alt; ref + alt is used")
    with np.errstate(invalid="ignore"):
        above = (alt > depth) | (alt < 0)
    remedy = "Check that depth counts all reads, the alt reads included."
    cells.add_cells(faults, table, above, told, "more alt reads than reads at the site", remedy)
    return np.where(above, np.nan, alt), depth


def _copy_number(
    draft: Draft, table: Table | Stack, mutation: Labels, specimen: Labels, faults: FaultList
) -> None:
    """Read whatever the table says of copy number and lay it on the grid."""
    have = {
        v: numbers(table, v, cells.COPIES, faults)
        for v in ("major_cn", "minor_cn", "total_cn", "normal_cn")
        if v in table.frame
    }
    _check_split(have, table, faults)
    if "normal_cn" in have:
        message = "normal_cn differs between the samples of one mutation"
        remedy = "A patient's normal cells have one copy number at a site: make the rows agree."
        constant(table, have["normal_cn"], mutation, "normal_cn", faults, message, remedy)
    for name, values in have.items():
        grid = to_grid(cells.as_counts(values, np.int16), mutation, specimen, draft.shape)
        setattr(draft, name, grid)
    for name, rule in (("major_cn_2", cells.COPIES), ("minor_cn_2", cells.COPIES), ("cn_fraction", cells.CN_FRACTION)):
        if name in table.frame:
            values = numbers(table, name, rule, faults)
            values = values if rule is cells.CN_FRACTION else cells.as_counts(values, np.int16)
            missing = np.nan if rule is cells.CN_FRACTION else -1
            setattr(draft, name, to_grid(values, mutation, specimen, draft.shape, missing))
    if "var_read_prob" in table.frame:
        prob = numbers(table, "var_read_prob", cells.READ_PROB, faults)
        draft.var_read_prob = to_grid(prob, mutation, specimen, draft.shape, np.nan)


def _check_split(have: dict[str, np.ndarray], table: Table | Stack, faults: FaultList) -> None:
    """Complete the split from the total where one of its halves is given, and check that it is one."""
    told = "minor_cn" if "minor_cn" in have else "major_cn"
    for one, other in (("major_cn", "minor_cn"), ("minor_cn", "major_cn")):
        if one in have and other not in have and "total_cn" in have:
            have[other] = have["total_cn"] - have[one]
    if "major_cn" not in have or "minor_cn" not in have:
        return
    major, minor = have["major_cn"], have["minor_cn"]
    with np.errstate(invalid="ignore"):
        crossed = (minor > major) | (minor < 0) | (major < 0)
        sums = np.abs(major + minor - have.get("total_cn", major + minor)) > 0
    message, remedy = "the minor copy number is above the major one", "Exchange the two, or correct the call."
    cells.add_cells(faults, table, crossed, told, message, remedy)
    message = "the total copy number is not major + minor"
    remedy = "Correct the call, or leave major and minor empty."
    cells.add_cells(faults, table, sums, "total_cn", message, remedy)


def _sites(draft: Draft, table: Table | Stack, mutation: Labels, faults: FaultList) -> None:
    """Read what is said of a mutation in each of its rows, and must agree."""
    frame = table.frame
    for name in ("chrom", "ref", "alt", "context", "kind"):
        if name in frame:
            found = labels(frame[name])
            codes = np.where(found.codes < 0, np.nan, found.codes)
            value = _agreed(table, codes, mutation, name, faults)
            texts = np.append(found.names, "")
            setattr(draft, name, texts[np.where(np.isnan(value), len(found), value).astype(int)])
    for name, rule in (("pos", cells.POSITION), ("panel_alt", cells.COUNT), ("panel_depth", cells.COUNT)):
        if name in frame:
            value = _agreed(table, numbers(table, name, rule, faults), mutation, name, faults)
            setattr(draft, name, cells.as_counts(value, np.int64 if name == "pos" else np.int32))
    if "error_rate" in frame:
        rate = numbers(table, "error_rate", cells.ERROR_RATE, faults)
        draft.error_rate, differ = per_group(rate, mutation)
        if differ:
            draft.notes.append(
                f"error_rate differs between the samples of {differ} mutations; their mean is used"
            )


def _agreed(
    table: Table | Stack, values: np.ndarray, mutation: Labels, name: str, faults: FaultList
) -> np.ndarray:
    return constant(
        table,
        values,
        mutation,
        name,
        faults,
        f"{name} differs between the rows of one mutation",
        "Make the rows agree, or give the two sites different mutation ids.",
    )


def _specimens(draft: Draft, table: Table | Stack, specimen: Labels, faults: FaultList) -> None:
    """Read what is said of a sample in each of its rows, and must agree."""
    frame = table.frame
    for name, rule in (("purity", cells.PURITY), ("purity_sd", cells.PURITY_SD)):
        if name in frame:
            values = numbers(table, name, rule, faults)
            setattr(
                draft,
                name,
                constant(
                    table,
                    values,
                    specimen,
                    name,
                    faults,
                    f"{name} differs between the rows of one sample",
                    f"A sample has one {name}: make its rows agree.",
                ),
            )
    for name in ("date", "group"):
        if name in frame:
            found = labels(frame[name])
            codes = np.where(found.codes < 0, np.nan, found.codes)
            value = constant(
                table,
                codes,
                specimen,
                name,
                faults,
                f"{name} differs between the rows of one sample",
                f"A sample has one {name}: make its rows agree.",
            )
            if name == "date":
                _check_dates(table, found, faults)
            texts = np.append(found.names, "")
            setattr(draft, name, texts[np.where(np.isnan(value), len(found), value).astype(int)])


def _check_dates(table: Table | Stack, dates: Labels, faults: FaultList) -> None:
    parsed = pd.to_datetime(pd.Series(dates.names, dtype=str), format="%Y-%m-%d", errors="coerce")
    bad = np.zeros(len(table), bool)
    bad[dates.first[parsed.isna().to_numpy()]] = True
    cells.add_cells(faults, table, bad, "date", "the date cannot be read", "Write dates as YYYY-MM-DD.")


def is_single_sample(source: TextFile) -> bool:
    """Whether a file is a long table without a sample column."""
    return refuse(source) is None and "specimen" not in match(*_peek(source))
