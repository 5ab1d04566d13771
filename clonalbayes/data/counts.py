"""The long table of counts, one row a site and sample, as ``clonalbayes count`` writes it, laid on a grid.

Tables of other tools do too, if they name mutation (or chromosome and position), sample, alt reads and depth.
The patient's Dataset (`clonalbayes.data.patient`) holds what a fit needs; here are also the columns that
filters and the error model read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from clonalbayes.data.readers import cells
from clonalbayes.data.readers.cells import Rule, labels, numbers
from clonalbayes.data.readers.columns import ALIASES, choose, match, nearest, plain
from clonalbayes.data.readers.grid import check_grid, to_grid
from clonalbayes.data.readers.tables import Table, read_table
from clonalbayes.data.readers.text import TextFile, guess_separator, header_line, read_text, split_line
from clonalbayes.faults import FaultList

MISSING = -1

EXTRA: dict[str, tuple[Rule, tuple[str, ...]]] = {
    "other_count": (cells.COUNT, ("other_count", "other_counts")),
    "alt_count_all": (cells.COUNT, ("alt_count_all", "alt_counts_all", "all_alt")),
    "depth_all": (cells.COUNT, ("depth_all", "all_depth")),
    "asmd": (Rule("ASMD", 0, 1e6, False, "Median alignment score of the supporting reads."), ("asmd",)),
    "asrd": (Rule("ASRD", 0, 10, False, "Median alignment score per base of read length."), ("asrd",)),
    "clpm": (Rule("CLPM", 0, 1e6, False, "Median clipped bases of the supporting reads."), ("clpm",)),
    "multiplicity": (cells.COPIES, ("multiplicity", "mutated_copies")),
    "major_cn": (cells.COPIES, ALIASES["major_cn"]),
    "minor_cn": (cells.COPIES, ALIASES["minor_cn"]),
    "total_cn": (cells.COPIES, ALIASES["total_cn"]),
    "normal_cn": (cells.COPIES, ALIASES["normal_cn"]),
    "purity": (cells.PURITY, ALIASES["purity"]),
}
"""Column -> what its numbers may be, and the names that mean it."""

TEXT_COLUMNS = ("chrom", "ref", "alt", "kind", "context")
EXTRA_TEXTS = {"clade": ("clade", "clone", "lineage", "branch"), "run": ("run", "sequencing_run", "flowcell")}


@dataclass
class CountTable:
    """Counts of I sites in J samples.

    Parameters
    ----------
    name
        Name of the file.
    mutations
        [I] identifiers.
    samples
        J names.
    alt, depth
        [I, J] int64 reads; -1 where there is no row or no count.
    numbers
        Column of `EXTRA` -> [I, J] float64, NaN unknown; only the columns that the file has.
    texts
        chrom, ref, alt, kind, context, clade -> [I] text, "" unknown; those that the file has.
    run
        [J] sequencing run, "" unknown.
    pos
        [I] position, -1 unknown.
    rows
        [I] line of the file that names each mutation first.
    """

    name: str
    mutations: np.ndarray
    samples: list[str]
    alt: np.ndarray
    depth: np.ndarray
    numbers: dict[str, np.ndarray] = field(default_factory=dict)
    texts: dict[str, np.ndarray] = field(default_factory=dict)
    run: np.ndarray = field(default_factory=lambda: np.zeros(0, object))
    pos: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    rows: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    def __repr__(self) -> str:
        """Say how much there is."""
        return f"<CountTable {self.name}: {len(self.mutations)} sites in {len(self.samples)} samples>"

    def text(self, column: str) -> np.ndarray:
        """One column of text, [I]; empty where the file has none."""
        return self.texts.get(column, np.full(len(self.mutations), "", object))


def read_counts(path: str | Path, *, extra: Sequence[str] = (), per_sample: bool = True) -> CountTable:
    """Read a long table of counts.

    Parameters
    ----------
    path : str or Path
        The file, packed or not.
    extra : sequence of str
        Columns of `EXTRA` to read besides the counts, where the file has them.
    per_sample : bool
        Whether the file must have a sample column; without one it is one sample, named after the file.

    Returns
    -------
    CountTable

    Raises
    ------
    InputError
        With every fault of the file at once.
    """
    faults = FaultList()
    table = _table(read_text(Path(path)), tuple(extra), faults, counts=True, per_sample=per_sample)
    mutation, specimen = labels(table.frame["mutation"]), labels(table.frame["specimen"])
    for column, found in (("mutation", mutation), ("specimen", specimen)):
        empty = found.codes < 0
        cells.add_cells(faults, table, empty, column, f"the {column} has no name", "Fill the cell or remove the row.")
    check_grid(table, mutation, specimen, faults)
    faults.raise_if_any()
    alt, depth = _counts(table, faults)
    shape = len(mutation), len(specimen)
    alt_grid, depth_grid = (to_grid(cells.as_counts(v, np.int64), mutation, specimen, shape) for v in (alt, depth))
    out = CountTable(table.name, mutation.names, [str(n) for n in specimen.names], alt_grid, depth_grid)
    for column in extra:
        if column in table.frame:
            values = numbers(table, column, EXTRA[column][0], faults)
            out.numbers[column] = to_grid(values, mutation, specimen, shape, np.nan)
    faults.raise_if_any()
    _add_site_columns(out, table, mutation.first, faults)
    out.run = _texts(table, "run")[specimen.first] if "run" in table.frame else np.full(len(specimen), "", object)
    faults.raise_if_any()
    return out


def read_sites(path: str | Path) -> CountTable:
    """Read a list of sites without counts: mutation or chrom, pos, ref, alt, and perhaps clade.

    A mutation may be named once only.

    Raises
    ------
    InputError
        With every fault of the file at once.
    """
    faults = FaultList()
    table = _table(read_text(Path(path)), (), faults, counts=False, per_sample=False)
    mutation = labels(table.frame["mutation"])
    empty = mutation.codes < 0
    cells.add_cells(faults, table, empty, "mutation", "the mutation has no name", "Fill the cell or remove the row.")
    again = np.ones(len(table), bool)
    again[mutation.first] = False
    cells.add_cells(
        faults, table, again & ~empty, "mutation", "the mutation is listed twice", "Remove one of the rows."
    )
    faults.raise_if_any()
    none = np.zeros((len(mutation), 0), np.int64)
    out = CountTable(table.name, mutation.names, [], none, none)
    _add_site_columns(out, table, mutation.first, faults)
    faults.raise_if_any()
    return out


def named_sites(source: str, mutations: np.ndarray) -> CountTable:
    """Make a list of sites without counts from their identifiers.

    Parameters
    ----------
    source
        What the list is called in messages.
    mutations
        [I] identifiers; alleles are read off names ``chrom:pos:ref>alt``.
    """
    none = np.zeros((len(mutations), 0), np.int64)
    place = np.full(len(mutations), MISSING, np.int64)
    out = CountTable(source, mutations, [], none, none, pos=place, rows=place.copy())
    _fill_from_names(out)
    return out


def read_site_facts(path: str | Path) -> CountTable:
    """Read a list of sites with ``asmd``, ``asrd`` and ``clpm`` of each, as ``clonalbayes sites`` writes it.

    Raises
    ------
    InputError
        With every fault of the file at once.
    """
    faults = FaultList()
    facts = ("asmd", "asrd", "clpm")
    table = _table(read_text(Path(path)), facts, faults, counts=False, per_sample=False)
    mutation = labels(table.frame["mutation"])
    if (mutation.codes < 0).any():
        bad = mutation.codes < 0
        cells.add_cells(faults, table, bad, "mutation", "the mutation has no name", "Fill the cell or remove the row.")
        faults.raise_if_any()
    none = np.zeros((len(mutation), 0), np.int64)
    out = CountTable(table.name, mutation.names, [], none, none)
    for column in facts:
        if column in table.frame:
            out.numbers[column] = numbers(table, column, EXTRA[column][0], faults)[mutation.first][:, None]
    _add_site_columns(out, table, mutation.first, faults)
    faults.raise_if_any()
    return out


def _table(source: TextFile, extra: tuple[str, ...], faults: FaultList, *, counts: bool, per_sample: bool) -> Table:
    """Read the columns that are wanted, under the package's names."""
    row, line = header_line(source)
    separator = guess_separator(line)
    header = [h.strip() for h in split_line(line, separator)]
    sample = [split_line(text, separator) for text in source.head(row + 100)[row:]]
    notes: list[str] = []
    wanted = ("mutation", "specimen", "alt_count", "ref_count", "depth", "pos", *TEXT_COLUMNS)
    found = {v: c for v, c in match(header, sample).items() if v in wanted}
    chosen = choose(found, source.name, row, faults, notes)
    written = {plain(h): h for h in reversed(header)}
    names = {c: EXTRA[c][1] for c in extra} | EXTRA_TEXTS
    for column, aliases in names.items():
        match_ = next((written[a] for a in aliases if a in written), None)
        if match_ is not None and match_ not in chosen.values():
            chosen[column] = match_
    _check(source.name, chosen, header, row, faults, counts=counts, per_sample=per_sample)
    texts = [chosen[c] for c in ("mutation", "specimen", *TEXT_COLUMNS, *EXTRA_TEXTS) if c in chosen]
    table = read_table(source, faults, text_columns=texts, columns=list(chosen.values()))
    faults.raise_if_any()
    table.rename(chosen)
    if "mutation" not in table.frame:
        frame = table.frame
        name = frame["chrom"].astype(str) + ":" + frame["pos"].astype(str)
        if "ref" in frame and "alt" in frame:
            name = name + ":" + frame["ref"].astype(str) + ">" + frame["alt"].astype(str)
        frame["mutation"] = name.where(frame["chrom"].notna() & frame["pos"].notna())
        table.names["mutation"] = table.written("pos")
    if "specimen" not in table.frame:
        table.frame["specimen"] = np.full(len(table), source.stem, dtype=object)
    return table


def _check(
    file: str,
    chosen: dict[str, str],
    header: list[str],
    row: int,
    faults: FaultList,
    *,
    counts: bool,
    per_sample: bool,
) -> None:
    missing = [] if "mutation" in chosen or {"chrom", "pos"} <= set(chosen) else ["mutation"]
    if counts and "alt_count" not in chosen:
        missing.append("alt_count")
    if counts and "depth" not in chosen and "ref_count" not in chosen:
        missing.append("depth")
    if per_sample and "specimen" not in chosen:
        missing.append("specimen")
    for variable in missing:
        remedy = nearest(variable, header)
        faults.add(file, f"the column for {variable} is missing", remedy, row=row, column=variable)
    faults.raise_if_any()


def _counts(table: Table, faults: FaultList) -> tuple[np.ndarray, np.ndarray]:
    """Alt reads and depth of each row, NaN where either is missing."""
    alt = numbers(table, "alt_count", cells.COUNT, faults)
    if "depth" in table.frame:
        depth = numbers(table, "depth", cells.COUNT, faults)
    else:
        depth = alt + numbers(table, "ref_count", cells.COUNT, faults)
    unknown = np.isnan(alt) | np.isnan(depth)
    with np.errstate(invalid="ignore"):
        over = (alt > depth) & ~unknown
    cells.add_cells(faults, table, over, "alt_count", "more alt reads than reads", "depth counts all reads.")
    return np.where(unknown, np.nan, alt), np.where(unknown, np.nan, depth)


def _texts(table: Table, column: str) -> np.ndarray:
    """Return one column of text, "" where it is empty."""
    series = table.frame[column]
    return np.asarray(series.astype(object).where(series.notna(), "").map(lambda v: str(v).strip()), object)


def _add_site_columns(out: CountTable, table: Table, first: np.ndarray, faults: FaultList) -> None:
    """Take position and texts of each site from the row that names it first."""
    for column in (*TEXT_COLUMNS, "clade"):
        if column in table.frame:
            out.texts[column] = _texts(table, column)[first]
    out.pos = np.full(len(first), MISSING, np.int64)
    if "pos" in table.frame:
        out.pos = cells.as_counts(numbers(table, "pos", cells.POSITION, faults)[first], np.int64)
    out.rows = table.rows[first]
    _fill_from_names(out)


def _fill_from_names(out: CountTable) -> None:
    """Read chromosome, position and alleles off names ``chrom:pos:ref>alt`` where there are no columns."""
    if "ref" in out.texts and "alt" in out.texts and "chrom" in out.texts:
        return
    parts = [str(name).replace(">", ":").split(":") for name in out.mutations]
    if not all(len(p) == 4 and p[1].isdigit() for p in parts):
        return
    for column, at in (("chrom", 0), ("ref", 2), ("alt", 3)):
        out.texts.setdefault(column, np.array([p[at] for p in parts], object))
    if (out.pos == MISSING).all():
        out.pos = np.array([int(p[1]) for p in parts], np.int64)
