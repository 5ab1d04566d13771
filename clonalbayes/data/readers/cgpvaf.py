"""The tables of cgpVAF (vafCorrect): `##` lines, then one row a site with a block of columns for each sample.

The first block is the matched normal and is left out. Blocks are found by the order of the header's columns
and by the full suffix of the field (`_MTR`, `_WTR`, `_DEP`), never by searching for letters, so that samples
may be called VAF, DEP or MTR. Depth is MTR + WTR; a site without reads has depth 0, which is no missing
value.
"""

from __future__ import annotations

import numpy as np

from clonalbayes.faults import FaultList

from . import cells
from .draft import Draft
from .grid import repeated_names
from .tables import Table, read_table
from .text import TextFile, guess_separator, header_line, header_names, split_line

FORMAT = "cgpvaf"
MEANING = "cgpVAF table (#Normal, VariantID, Chrom, Pos, ..., then SAMPLE_MTR, SAMPLE_WTR, SAMPLE_DEP, ...)"
SITE = ("Chrom", "Pos", "Ref", "Alt")
LAST_SITE_COLUMN = "Effect"
FIELDS = {
    "snv": (
        "FAZ",
        "FCZ",
        "FGZ",
        "FTZ",
        "RAZ",
        "RCZ",
        "RGZ",
        "RTZ",
        "MTR",
        "WTR",
        "DEP",
        "MDR",
        "WDR",
        "VAF",
        "OFS",
    ),
    "indel": ("MTR", "WTR", "DEP", "AMB", "UNK", "MDR", "WDR", "VAF", "OFS"),
}
"""Fields of a sample's block, in order."""

REMEDY = "Use the table as cgpVaf.pl wrote it, with all columns of every sample."


def refuse(source: TextFile) -> str | None:
    """Return why the file is not a cgpVAF table, or None if it is one.

    Parameters
    ----------
    source
        The file.
    """
    header = header_names(source)
    if len(set(header) & {*SITE, "VariantID", "Normal"}) < 4:
        return "the columns Normal, VariantID, Chrom, Pos, Ref and Alt are not there"
    if not any(h.endswith(("_MTR", "_WTR", "_DEP", "_VAF")) for h in header):
        return "no column ends in _MTR, _WTR or _DEP"
    return None


def sample_blocks(header: list[str]) -> list[str]:
    """Find the samples of a header, in order.

    A sample is a name whose `_MTR` and `_WTR` columns follow each other, as the fields of its block do.

    Parameters
    ----------
    header
        Column names.

    Returns
    -------
    list of str
        Sample names, the normal first.

    Examples
    --------
    >>> sample_blocks(["Effect", "N_MTR", "N_WTR", "N_DEP", "N_VAF", "a_MTR_MTR", "a_MTR_WTR", "a_MTR_DEP"])
    ['N', 'a_MTR']
    """
    found: dict[str, None] = {}
    for column in header:
        name, _, field = column.rpartition("_")
        if name and field in FIELDS["snv"] + FIELDS["indel"]:
            found[name] = None
    return list(found)


def read(sources: list[TextFile], faults: FaultList, source_name: str) -> Draft:
    """Read one cgpVAF table.

    Parameters
    ----------
    sources
        The one file.
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
        When columns are missing.
    """
    source = sources[0]
    number, line = header_line(source)
    header = [h.strip() for h in split_line(line, guess_separator(line))]
    samples = sample_blocks(
        header[header.index(LAST_SITE_COLUMN) + 1 :] if LAST_SITE_COLUMN in header else header
    )
    needed = [*SITE, *(f"{s}_{f}" for s in samples for f in ("MTR", "WTR"))]
    for column in needed:
        if column not in header:
            faults.add(source.name, f"the column {column} is missing", REMEDY, row=number, column=column)
    faults.raise_if_any()
    notes, used = _choose(samples, source.name)
    optional = [c for c in ("Normal", "Type") if c in header]
    table = read_table(
        source, faults, text_columns=("Chrom", "Ref", "Alt", *optional), columns=[*needed, *optional]
    )
    faults.raise_if_any()
    draft = _draft(table, source, source_name, used, notes, faults)
    _check_normal(table, samples, faults)
    return draft


def _choose(samples: list[str], file: str) -> tuple[list[str], list[str]]:
    if len(samples) == 1:
        return [f"{file}: {samples[0]} is the only sample of the table and is used"], samples
    return [
        f"{file}: {samples[0]} is the matched normal (first sample of the table) and is left out"
    ], samples[1:]


def _check_normal(table: Table, samples: list[str], faults: FaultList) -> None:
    """The first column names the normal: it must be the first block."""
    if "Normal" not in table.frame or len(samples) < 2:
        return
    names = cells.labels(table.frame["Normal"])
    known = np.append(names.names == samples[0], True)
    cells.add_cells(
        faults,
        table,
        ~known[names.codes],
        "Normal",
        f"the normal of the row is not the table's first sample {samples[0]}",
        "Give tables of one normal at a time, its columns first.",
    )


def _draft(
    table: Table, source: TextFile, name: str, samples: list[str], notes: list[str], faults: FaultList
) -> Draft:
    frame = table.frame
    alt = np.stack([cells.numbers(table, f"{s}_MTR", cells.COUNT, faults) for s in samples], axis=1)
    wild = np.stack([cells.numbers(table, f"{s}_WTR", cells.COUNT, faults) for s in samples], axis=1)
    pos = cells.numbers(table, "Pos", cells.POSITION, faults)
    texts = {}
    for column in ("Chrom", "Ref", "Alt"):
        found = cells.labels(frame[column])
        cells.add_cells(faults, table, found.codes < 0, column, f"the {column} is empty", "Fill the cell.")
        texts[column] = np.append(found.names, "")[found.codes]
    cells.add_cells(faults, table, np.isnan(pos), "Pos", "the position is empty", "Fill the cell.")
    faults.raise_if_any()
    unknown = np.isnan(alt) | np.isnan(wild)
    where = pos.astype(np.int64)
    ids = np.array(
        [
            f"{c}:{p}:{r}>{a}"
            for c, p, r, a in zip(texts["Chrom"], where, texts["Ref"], texts["Alt"], strict=True)
        ],
        dtype=object,
    )
    frame["(site)"] = ids
    repeated_names(table, cells.labels(frame["(site)"]), "Pos", "the site occurs twice", faults)
    return Draft(
        format=FORMAT,
        source=name,
        mutations=ids,
        specimens=samples,
        alt_count=cells.as_counts(np.where(unknown, np.nan, alt)),
        depth=cells.as_counts(np.where(unknown, np.nan, alt + wild)),
        rows=table.rows,
        files=source.name,
        chrom=texts["Chrom"],
        pos=where,
        ref=texts["Ref"],
        alt=texts["Alt"],
        notes=notes,
        digests={source.name: source.digest},
    )
