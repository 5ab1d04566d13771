"""Purity and ploidy as the callers write them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from clonalbayes.data.readers import cells
from clonalbayes.data.readers.cells import Rule, numbers
from clonalbayes.data.readers.columns import plain, read_plain
from clonalbayes.data.readers.tables import ROW_NAMES, Table
from clonalbayes.data.readers.text import TextFile, header_names, read_text
from clonalbayes.faults import FaultList, fail

PURITY_COLUMNS = ("sample", "purity", "purity_sd", "ploidy", "source")
PLOIDY = Rule("ploidy", 0, 100, False, "Give the average copies of the tumour cells.", open_low=True)
SCORE = Rule("score", -1e12, 1e12, False, "Give a number.")
SAMPLE = ("sample", "sample_id", "sampleid", "name", "tumor_sample_barcode", "barcodetumour", "specimen")
SD_OF_95 = 2.0 * 1.96
"""Width of a 95 % interval in standard errors."""

SD_OF_RANGE = 4.0
"""Width of PURPLE's range of purities (all within a tenth of the best score) in standard errors, roughly."""

KEY_VALUE = re.compile(r"^#?\s*([A-Za-z_.]+)\s*(?:[=:]\s*|\s+)(\S+)\s*$")
KEYS = {"rho": "purity", "purity": "purity", "aberrantcellfraction": "purity", "ploidy": "ploidy"}

Row = tuple[str, float, float, float, str]


@dataclass(frozen=True)
class PurityFormat:
    """One caller's file of purity.

    Parameters
    ----------
    meaning
        What it is, for messages.
    accepts
        Whether a file is of this format: the file and its header's names in the form of `plain` in.
    read
        Reads it: the file, the name of the sample (None: the file's own) and the list of faults in.
    """

    meaning: str
    accepts: Callable[[TextFile, set[str]], bool]
    read: Callable[[TextFile, str | None, FaultList], pd.DataFrame]


def as_purity_table(rows: list[Row]) -> pd.DataFrame:
    """Make the table of purities from rows of sample, purity, standard error, ploidy, source."""
    frame = pd.DataFrame(rows, columns=list(PURITY_COLUMNS))
    return frame.astype(dict.fromkeys(("purity", "purity_sd", "ploidy"), np.float64))


def read_purity(path: str | os.PathLike[str], sample: str | None = None) -> pd.DataFrame:
    """Read a file of purity; what it is, its content says.

    Parameters
    ----------
    path
        The file.
    sample
        Name of the sample; by default the file's own, else the file's name without its endings.

    Returns
    -------
    pandas.DataFrame
        Columns `PURITY_COLUMNS`.

    Raises
    ------
    InputError
        With every fault of the file.
    """
    source = read_text(Path(path))
    header = {plain(name) for name in header_names(source)}
    for known in PURITY_FORMATS.values():
        if known.accepts(source, header):
            faults = FaultList()
            table = known.read(source, sample, faults)
            faults.raise_if_any()
            return table
    meanings = ", ".join(f.meaning for f in PURITY_FORMATS.values())
    raise fail(source.name, "the content is of no known format of purity", f"Known are: {meanings}.")


def _best(
    table: Table, index: int, columns: tuple[str, str], sample: str | None, faults: FaultList, sd: float = np.nan
) -> pd.DataFrame:
    """Take purity and ploidy out of one row; a purity that is not there is a fault."""
    purity, ploidy = (numbers(table, name, rule, faults) if name in table.frame else np.full(len(table), np.nan)
                      for name, rule in zip(columns, (cells.PURITY, PLOIDY), strict=True))  # fmt: skip
    if np.isnan(purity[index]) and not len(faults):
        file, row = table.place(index)
        remedy = "Run the caller again, or state the purity yourself."
        text = table.text(index, columns[0])
        faults.add(file, "the purity is not given", remedy, row=row, column=table.written(columns[0]), value=text)
    name = table.source.stem if sample is None else sample
    return as_purity_table([(name, purity[index], sd, ploidy[index], table.name)])


def _rho_and_psi(source: TextFile, sample: str | None, faults: FaultList) -> pd.DataFrame:
    """Read Battenberg's ``rho_and_psi.txt``: the row FRAC_GENOME."""
    table = read_plain(source, faults, SAMPLE)
    key = ROW_NAMES if ROW_NAMES in table.frame else table.frame.columns[0]
    names = table.frame[key].astype(object).fillna("").astype(str)
    rows = [i for i, name in enumerate(names) if name.strip() == "FRAC_GENOME"]
    if not rows:
        message = "there is no row FRAC_GENOME"
        faults.add(source.name, message, "Give Battenberg's rho_and_psi file as it was written.")
        return as_purity_table([])
    return _best(table, rows[0], ("rho", "psi"), sample, faults)


def _first_row(purity: str, ploidy: str) -> Callable[[TextFile, str | None, FaultList], pd.DataFrame]:
    def read(source: TextFile, sample: str | None, faults: FaultList) -> pd.DataFrame:
        """Read a table whose first row is the caller's choice."""
        return _best(read_plain(source, faults, SAMPLE), 0, (purity, ploidy), sample, faults)

    return read


def _confints(source: TextFile, sample: str | None, faults: FaultList) -> pd.DataFrame:
    """Read Sequenza's ``confints_CP.txt``: lower bound, estimate, upper bound of 95 %."""
    table = read_plain(source, faults, SAMPLE)
    if len(table) != 3:
        faults.add(source.name, f"there are {len(table)} rows, not 3", "Give Sequenza's confints_CP file.")
        return as_purity_table([])
    values = numbers(table, "cellularity", cells.PURITY, faults)
    sd = _usable((values[2] - values[0]) / SD_OF_95)
    return _best(table, 1, ("cellularity", "ploidy_estimate"), sample, faults, sd)


def _usable(sd: float) -> float:
    """Return a standard error that the schema takes: NaN where a grid of solutions has no width."""
    return float(min(sd, 0.5)) if sd > 0 else float("nan")


def _purple(source: TextFile, sample: str | None, faults: FaultList) -> pd.DataFrame:
    """Read PURPLE's ``purple.purity.tsv`` (with the range) or ``purple.purity.range.tsv`` (best score)."""
    table = read_plain(source, faults, SAMPLE)
    sd, index = float("nan"), 0
    if {"minpurity", "maxpurity"} <= set(table.frame.columns):
        low, high = (numbers(table, name, cells.PURITY, faults) for name in ("minpurity", "maxpurity"))
        sd = _usable((high[0] - low[0]) / SD_OF_RANGE)
    else:
        index = int(np.nanargmin(np.nan_to_num(numbers(table, "score", SCORE, faults), nan=np.inf)))
    return _best(table, index, ("purity", "ploidy"), sample, faults, sd)


def _generic(source: TextFile, sample: str | None, faults: FaultList) -> pd.DataFrame:
    """Read one row a sample: purity (or cellularity), purity_sd, ploidy, sample."""
    table = read_plain(source, faults, SAMPLE)
    name = "purity" if "purity" in table.frame else "cellularity"
    values = numbers(table, name, cells.PURITY, faults)
    sds, ploidy = (numbers(table, c, rule, faults) if c in table.frame else np.full(len(table), np.nan)
                   for c, rule in (("purity_sd", cells.PURITY_SD), ("ploidy", PLOIDY)))  # fmt: skip
    column = next((c for c in SAMPLE if c in table.frame), None)
    if column is None:
        return _best(table, 0, (name, "ploidy"), sample, faults, float(sds[0]))
    names = table.frame[column].astype(object).fillna("").astype(str).str.strip()
    known = ~np.isnan(values)
    rows = [(n, p, s, y, source.name) for n, p, s, y, k in zip(names, values, sds, ploidy, known, strict=True) if k]
    return _of_sample(as_purity_table(rows), sample, source.name, faults)


def _of_sample(frame: pd.DataFrame, sample: str | None, file: str, faults: FaultList) -> pd.DataFrame:
    """Pick one sample out of a table of several; a table of one is that sample's, whatever its name."""
    doubled = frame["sample"][frame["sample"].duplicated()]
    for name in dict.fromkeys(doubled):
        faults.add(file, "two rows give the purity of one sample", "Keep one of them.", value=str(name))
    if sample is None or not len(frame):
        return frame
    if sample in set(frame["sample"]):
        return frame[frame["sample"] == sample].reset_index(drop=True)
    if len(frame) == 1:
        return frame.assign(sample=sample)
    shown = ", ".join(map(str, frame["sample"][:12]))
    faults.add(file, "no sample of this name is in the file", f"The file has: {shown}.", value=sample)
    return frame


def _pairs(source: TextFile) -> dict[str, tuple[str, int]]:
    """Return the lines of a key and a value: quantity -> text and row."""
    found: dict[str, tuple[str, int]] = {}
    for number, line in enumerate(source.head(200), start=1):
        match = KEY_VALUE.match(line)
        if match and match[1].lower().replace("_", "") in KEYS:
            found.setdefault(KEYS[match[1].lower().replace("_", "")], (match[2], number))
    return found


def _statistics(source: TextFile, sample: str | None, faults: FaultList) -> pd.DataFrame:
    """Read ASCAT's ``samplestatistics.txt`` or FACETS' ``.out``: lines of a key and a value."""
    values = {"purity": float("nan"), "ploidy": float("nan")}
    for name, (text, row) in _pairs(source).items():
        try:
            values[name] = float(text)
        except ValueError:
            values[name] = float("nan")
        rule = cells.PURITY if name == "purity" else PLOIDY
        if not rule.low < values[name] <= rule.high:
            message = f"the {name} is not a number above {rule.low:g} and at most {rule.high:g}"
            faults.add(source.name, message, rule.remedy, row=row, value=text)
    row_ = (source.stem if sample is None else sample, values["purity"], np.nan, values["ploidy"], source.name)
    return as_purity_table([row_])


def _needs(*names: str) -> Callable[[TextFile, set[str]], bool]:
    return lambda source, header: set(names) <= header


PURITY_FORMATS: dict[str, PurityFormat] = {
    "battenberg-rho-psi": PurityFormat(
        "Battenberg rho_and_psi", _needs("rho", "psi", "is_best"), _rho_and_psi
    ),
    "sequenza-confints": PurityFormat(
        "Sequenza confints_CP", _needs("cellularity", "ploidy_estimate"), _confints
    ),
    "sequenza-solutions": PurityFormat(
        "Sequenza alternative_solutions",
        _needs("cellularity", "ploidy", "slpp"),
        _first_row("cellularity", "ploidy"),
    ),
    "purple-purity": PurityFormat(
        "PURPLE purity", _needs("purity", "normfactor", "score", "diploidproportion", "ploidy"), _purple
    ),
    "ascat-purityploidy": PurityFormat(
        "ASCAT purity and ploidy",
        _needs("aberrantcellfraction", "ploidy"),
        _first_row("aberrantcellfraction", "ploidy"),
    ),
    "battenberg-cellularity": PurityFormat(
        "Battenberg cellularity_ploidy",
        lambda source, header: {"cellularity", "ploidy"} <= header and not header & set(SAMPLE),
        _first_row("cellularity", "ploidy"),
    ),
    "generic-purity": PurityFormat(
        "a table with purity (and sample, purity_sd, ploidy)",
        lambda source, header: len(header) > 1 and bool({"purity", "cellularity"} & header),
        _generic,
    ),
    "statistics": PurityFormat(
        "ASCAT samplestatistics or FACETS .out (lines of a key and a value)",
        lambda source, header: "purity" in _pairs(source),
        _statistics,
    ),
}
"""The formats by name, in the order in which they are tried."""
