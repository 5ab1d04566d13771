"""Two wide tables of counts, `NV` (alt reads) and `NR` (all reads): one row a mutation, one column a sample.

R's `write.table` (quoted, header one field short) and ordinary tables with an id column are read. Which of
the two is which follows from the counts: alt reads never exceed all reads. The columns are aligned by sample
name, the rows by mutation.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from clonalbayes.faults import FaultList, fail

from . import cells
from .draft import Draft
from .grid import repeated_names
from .tables import Table, read_table
from .text import TextFile, guess_separator, header_line, header_names, split_line

FORMAT = "counts"
MEANING = "pair of wide tables NV (alt reads) and NR (all reads), one row a mutation, one column a sample"
SITE = re.compile(r"(?:chr)?([^_:]+)[_:](\d{1,11})[_:]([ACGTNacgtn*-]+)[_:>/]([ACGTNacgtn*-]+)")
ID = "(mutation)"
PARTNER_REMEDY = (
    "Name the two tables alike, one with NV and one with NR in its name, "
    "or give a folder that holds only the two."
)


def refuse(source: TextFile) -> str | None:
    """Return why the file is not a wide table of counts, or None if it may be one.

    Parameters
    ----------
    source
        The file.
    """
    number, line = header_line(source)
    separator = guess_separator(line)
    header = split_line(line, separator)
    rows = [split_line(row, separator) for row in source.head(number + 20)[number:] if row.strip()]
    if not rows:
        return "there are no rows"
    if not any(len(row) in (len(header), len(header) + 1) for row in rows):
        return "the rows do not fit the header"
    width = max(len(row) for row in rows)
    if width < 2:
        return "there is only one column"
    if not any(SITE.fullmatch(row[0].strip()) for row in rows) and partner(source.path) is None:
        return "the first column does not name mutations as chrom_pos_ref_alt"
    body = [c.strip() for row in rows for c in row[1:]]
    counts = sum(bool(re.fullmatch(r"[-+]?\d+(\.\d+)?|NA|", c)) for c in body)
    if counts < len(body) / 2:
        return "the columns after the first do not hold counts"
    return None


def partner(path: Path) -> Path | None:
    """Return the other table of a pair: the same name with NV and NR exchanged.

    Parameters
    ----------
    path
        One of the two.
    """
    for one, other in (("NV", "NR"), ("NR", "NV"), ("nv", "nr"), ("nr", "nv")):
        pattern = rf"(?<![A-Za-z]){one}(?![A-Za-z])"
        swapped = re.sub(pattern, other, path.name)
        if swapped != path.name and path.with_name(swapped).is_file():
            return path.with_name(swapped)
    return None


def read(sources: list[TextFile], faults: FaultList, source_name: str) -> Draft:
    """Read the two tables of a pair, in either order.

    Parameters
    ----------
    sources
        The two files.
    faults
        Takes everything that is wrong.
    source_name
        Name for the record.

    Returns
    -------
    Draft

    Raises
    ------
    InputError
        When there are not two files, or when samples or mutations are in one of them only.
    """
    if len(sources) != 2:
        raise fail(sources[0].name, "the other table of the pair NV and NR is not there", PARTNER_REMEDY)
    tables = [_table(s, faults) for s in sources]
    faults.raise_if_any()
    samples = _samples(tables, faults)
    faults.raise_if_any()
    values = [_values(t, samples, faults) for t in tables]
    second = _aligned(tables, faults)
    faults.raise_if_any()
    values[1] = values[1][second]
    return _draft(tables, values, second, samples, source_name, faults)


def _table(source: TextFile, faults: FaultList) -> Table:
    header = header_names(source)
    table = read_table(source, faults, row_names=True, text_columns=header[:1])
    first = table.header[0]
    frame = table.frame.rename(columns={first: ID})
    table.frame, table.names = frame, {ID: first}
    names = cells.labels(frame[ID])
    cells.add_cells(
        faults, table, names.codes < 0, ID, "the mutation has no name", "Fill the cell or remove the row."
    )
    repeated_names(table, names, ID, "the mutation occurs twice", faults)
    return table


def _samples(tables: list[Table], faults: FaultList) -> list[str]:
    """Return the samples of both tables in the order of the first, and make the others faults."""
    names = [[c for c in t.frame.columns if c != ID] for t in tables]
    for i, table in enumerate(tables):
        for extra in [n for n in names[i] if n not in names[1 - i]]:
            faults.add(
                table.name,
                f"the sample is not in {tables[1 - i].name}",
                "Give both tables the same columns.",
                row=header_line(table.source)[0],
                column=extra,
            )
    return names[0]


def _values(table: Table, samples: list[str], faults: FaultList) -> np.ndarray:
    return np.stack([cells.numbers(table, s, cells.COUNT, faults) for s in samples], axis=1)


def _aligned(tables: list[Table], faults: FaultList) -> np.ndarray:
    """Return for each mutation of the first table its row in the second."""
    first, second = (pd.Index(t.frame[ID].astype(object)) for t in tables)
    if not (first.is_unique and second.is_unique):
        return np.arange(len(first))
    there = second.get_indexer(first)
    back = first.get_indexer(second)
    for table, other, found in ((tables[0], tables[1], there), (tables[1], tables[0], back)):
        cells.add_cells(
            faults,
            table,
            found < 0,
            ID,
            f"the mutation is not in {other.name}",
            "Give both tables the same rows.",
        )
    return there


def _draft(
    tables: list[Table],
    values: list[np.ndarray],
    second: np.ndarray,
    samples: list[str],
    name: str,
    faults: FaultList,
) -> Draft:
    """Decide which table holds the alt reads, and put the two together."""
    with np.errstate(invalid="ignore"):
        above = [values[0] > values[1], values[1] > values[0]]
    alt_first = _alt_is_first(tables, [int(a.sum()) for a in above])
    alt, depth = (values[0], values[1]) if alt_first else (values[1], values[0])
    bad = above[0] if alt_first else above[1]
    rows = np.arange(len(second)) if alt_first else second
    table = tables[0] if alt_first else tables[1]
    for j in np.flatnonzero(bad.any(axis=0)):
        mask = np.zeros(len(table), bool)
        mask[rows[bad[:, j]]] = True
        cells.add_cells(
            faults,
            table,
            mask,
            samples[j],
            "more alt reads than reads at the site",
            "NR counts all reads, the alt reads of NV included.",
        )
    unknown = np.isnan(alt) | np.isnan(depth)
    ids = np.array([str(x).strip() for x in tables[0].frame[ID]], dtype=object)
    draft = Draft(
        format=FORMAT,
        source=name,
        mutations=ids,
        specimens=samples,
        alt_count=cells.as_counts(np.where(unknown, np.nan, alt)),
        depth=cells.as_counts(np.where(unknown, np.nan, depth)),
        rows=tables[0].rows,
        files=tables[0].name,
        notes=[f"alt reads from {table.name}, all reads from {tables[1 if alt_first else 0].name}"],
        digests={t.name: t.source.digest for t in tables},
    )
    _sites(draft)
    return draft


def _alt_is_first(tables: list[Table], above: list[int]) -> bool:
    """Say whether the first table's counts exceed the other's less often; on a draw the name decides."""
    if above[0] != above[1]:
        return above[0] < above[1]
    return not re.search(r"(?<![A-Za-z])nr(?![A-Za-z])", tables[0].name, flags=re.IGNORECASE)


def _sites(draft: Draft) -> None:
    found = [SITE.fullmatch(m) for m in draft.mutations]
    unnamed = sum(m is None for m in found)
    draft.chrom = np.array([m[1] if m else "" for m in found], dtype=object)
    draft.pos = np.array([int(m[2]) if m else -1 for m in found], dtype=np.int64)
    draft.ref = np.array([m[3].upper() if m else "" for m in found], dtype=object)
    draft.alt = np.array([m[4].upper() if m else "" for m in found], dtype=object)
    if unnamed:
        draft.notes.append(f"{unnamed} mutations are not named chrom_pos_ref_alt: their position is unknown")
