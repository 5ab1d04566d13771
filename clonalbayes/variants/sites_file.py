"""The table of sites as a file: what `clonalbayes sites` writes and `clonalbayes count` reads.

Tab-separated, a header, one row a site. Needed: `chrom`, `pos` (from 1), `ref`, `alt`; the other columns may be
absent. `alt_count:SAMPLE` and `depth:SAMPLE` hold the reads that the callers state, empty where they state none.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from clonalbayes.data.readers import cells
from clonalbayes.data.readers.tables import Table, read_table
from clonalbayes.data.readers.text import TextFile, header_line, header_names
from clonalbayes.faults import FaultList

from .alleles import BASES, REFERENCE_BASES, kind_of
from .calls import Calls, Collector
from .output import parted, unquoted

FORMAT = "sites"
MEANING = "table of sites (chrom, pos, ref, alt, ...)"
KEY = ("chrom", "pos", "ref", "alt")
EVIDENCE = ("asmd", "asrd", "clpm")
COLUMNS = (*KEY, "kind", "called_in", "callers", "filter", *EVIDENCE, "n_calls", "sources", "build")
"""Columns of the table, before those of the samples."""

NOT_SITES = {"sample_id", "sample", "specimen", "mutation_id", "gene", "hugo_symbol", "event"}
POSITION = cells.Rule("position", 1, 2**40, True, "Give the 1-based position on the chromosome.")
SCORE = cells.Rule("score", -1e6, 1e6, False, "Give a number, or leave the cell empty if unknown.")


def refuse(source: TextFile) -> str | None:
    """Return why a text is no table of sites, or None if it is one.

    Parameters
    ----------
    source
        The file.
    """
    header = header_names(source)
    missing = [c for c in KEY if c not in header]
    if missing:
        return f"there is no column {missing[0]}"
    other = [h for h in header if h.lower() in NOT_SITES]
    return f"it has a column {other[0]}" if other else None


def parse(source: TextFile, faults: FaultList) -> tuple[pd.DataFrame, np.ndarray]:
    """Read a table of sites.

    Parameters
    ----------
    source
        The file.
    faults
        Takes what is wrong.

    Returns
    -------
    tuple
        The table with all of `COLUMNS` and those of the samples (int32, -1 where unknown), and the line of each
        row.
    """
    header = header_names(source)
    reads = [h for h in header if h.startswith(("alt_count:", "depth:"))]
    texts = [c for c in COLUMNS if c not in ("pos", *EVIDENCE, "n_calls")]
    table = read_table(source, faults, text_columns=texts, columns=[*COLUMNS, *reads])
    out = {c: _text(table, c) for c in texts}
    pos = cells.numbers(table, "pos", POSITION, faults)
    cells.add_cells(faults, table, np.isnan(pos), "pos", "the position is missing or wrong", POSITION.remedy)
    for c in EVIDENCE:
        there = c in table.frame
        out[c] = cells.numbers(table, c, SCORE, faults) if there else np.full(len(table), np.nan)
    out["n_calls"] = (
        _counts(table, "n_calls", faults) if "n_calls" in table.frame else np.full(len(table), -1, np.int32)
    )
    _check_alleles(table, out, faults)
    _check_reads(table, reads, faults)
    sample_columns = {unquoted(c): _counts(table, c, faults) for c in reads}
    faults.raise_if_any()
    out["pos"] = pos.astype(np.int64)
    out["kind"] = np.array([kind_of(r, a) for r, a in zip(out["ref"], out["alt"], strict=True)], dtype=object)
    frame = pd.DataFrame({c: out[c] for c in COLUMNS} | sample_columns)
    return frame, np.asarray(table.rows)


def _text(table: Table, column: str) -> np.ndarray:
    if column not in table.frame:
        return np.full(len(table), "", dtype=object)
    plain = ("called_in", "callers", "sources")  # lists: their parts are quoted, not the whole
    values = cells.texts(table, column)
    return np.array(values if column in plain else [unquoted(v) for v in values], dtype=object)


def _counts(table: Table, column: str, faults: FaultList) -> np.ndarray:
    return cells.as_counts(cells.numbers(table, column, cells.COUNT, faults))


def _check_alleles(table: Table, out: dict[str, np.ndarray], faults: FaultList) -> None:
    remedy = "Alleles are upper-case bases, as in VCF: an indel has the base before it."
    cells.add_cells(faults, table, out["chrom"] == "", "chrom", "the row names no chromosome", "Fill the cell.")
    for column, form in (("ref", REFERENCE_BASES), ("alt", BASES)):
        out[column] = np.array([a.upper() for a in out[column]], dtype=object)
        bad = np.array([not form.fullmatch(a) for a in out[column]], dtype=bool)
        cells.add_cells(faults, table, bad, column, "the allele is not a sequence of bases", remedy)
    cells.add_cells(
        faults, table, out["ref"] == out["alt"], "alt", "the alternative allele is the reference allele", remedy
    )


def _check_reads(table: Table, reads: list[str], faults: FaultList) -> None:
    """Make sure that each sample has both columns."""
    row = header_line(table.source)[0]
    for column in reads:
        what, _, sample = column.partition(":")
        other = f"{'depth' if what == 'alt_count' else 'alt_count'}:{sample}"
        if other not in reads:
            faults.add(
                table.name, f"the column {other} is not there", "Give a sample both columns.", row=row, column=column
            )


def samples_of(frame: pd.DataFrame) -> list[str]:
    """Return the names of the samples whose reads a table of sites holds.

    Parameters
    ----------
    frame
        The table.
    """
    return [str(c).removeprefix("depth:") for c in frame.columns if str(c).startswith("depth:")]


def read_calls(source: TextFile, faults: FaultList, split_mnv: bool = False) -> Calls:
    """Read a table of sites as calls, to be joined with those of other files.

    Parameters
    ----------
    source, faults, split_mnv
        As for the readers of other formats.

    Returns
    -------
    Calls
    """
    frame, rows = parse(source, faults)
    counted = samples_of(frame)
    called_in = [parted(c) for c in frame["called_in"]]
    samples = list(dict.fromkeys([*counted, *(s for names in called_in for s in names)]))
    collector = Collector(source.name, samples, [""] * len(samples), split_mnv)
    alt = np.full((len(frame), len(samples)), -1)
    depth = alt.copy()
    for s in counted:
        alt[:, samples.index(s)], depth[:, samples.index(s)] = frame[f"alt_count:{s}"], frame[f"depth:{s}"]
    for i, site in enumerate(zip(*(frame[c] for c in KEY), strict=True)):
        collector.add(
            site,
            reads=list(zip(alt[i].tolist(), depth[i].tolist(), strict=True)),
            called=[s in called_in[i] for s in samples],
            row=int(rows[i]),
            caller=frame["callers"][i],
            filter=frame["filter"][i],
            evidence=(frame["asmd"][i], frame["asrd"][i], frame["clpm"][i]),
        )
    calls = collector.finish()
    calls.generic = [False] * len(samples)
    builds = set(frame["build"]) - {""}
    calls.build = builds.pop() if len(builds) == 1 else None
    calls.digests = {source.name: source.digest}
    return calls
