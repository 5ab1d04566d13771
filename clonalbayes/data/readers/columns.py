"""The names that users give to the columns of a long table, and which variable each one means."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection

from clonalbayes.faults import FaultList

from .tables import ROW_NAMES, Table, read_table
from .text import TextFile, header_names

ALIASES: dict[str, tuple[str, ...]] = {
    "mutation": (
        "mutation_id",
        "mutation",
        "mut_id",
        "variant_id",
        "variant",
        "snv_id",
        "ssm_id",
        "mutationid",
    ),
    "specimen": (
        "sample_id",
        "sample",
        "sample_name",
        "specimen",
        "specimen_id",
        "sampleid",
        "tumor_sample_barcode",
        "tumour_sample_barcode",
        "tumor_sample",
        "tumour_sample",
    ),
    "alt_count": (
        "alt_counts",
        "alt_count",
        "var_counts",
        "var_count",
        "alt_reads",
        "var_reads",
        "n_alt",
        "alt_depth",
        "t_alt_count",
        "mut_count",
        "mut_counts",
        "variant_reads",
        "alt_read_count",
    ),
    "ref_count": (
        "ref_counts",
        "ref_count",
        "ref_reads",
        "n_ref",
        "ref_depth",
        "t_ref_count",
        "wt_count",
        "wt_counts",
        "reference_reads",
        "ref_read_count",
    ),
    "other_count": ("other_count", "other_counts"),
    "depth": (
        "depth",
        "total_counts",
        "total_count",
        "total_reads",
        "coverage",
        "dp",
        "t_depth",
        "total_depth",
        "read_depth",
    ),
    "major_cn": (
        "major_cn",
        "major",
        "major_copy_number",
        "cn_major",
        "nmajor",
        "tumour_major_cn",
        "tumor_major_cn",
    ),
    "minor_cn": (
        "minor_cn",
        "minor",
        "minor_copy_number",
        "cn_minor",
        "nminor",
        "tumour_minor_cn",
        "tumor_minor_cn",
    ),
    "total_cn": (
        "total_cn",
        "cn",
        "copy_number",
        "total_copy_number",
        "cn_total",
        "tumour_cn",
        "tumor_cn",
        "ntot",
    ),
    "normal_cn": ("normal_cn", "normal_copy_number", "germline_cn", "cn_normal"),
    "major_cn_2": ("major_cn_2", "major2", "major_cn2"),
    "minor_cn_2": ("minor_cn_2", "minor2", "minor_cn2"),
    "cn_fraction": ("cn_fraction",),
    "purity": ("tumour_content", "tumor_content", "purity", "cellularity", "tumour_purity", "tumor_purity"),
    "purity_sd": ("purity_sd", "purity_se", "tumour_content_sd", "tumor_content_sd", "cellularity_sd"),
    "error_rate": ("error_rate", "sequencing_error", "seq_error"),
    "var_read_prob": ("var_read_prob",),
    "panel_alt": ("panel_alt", "pon_alt"),
    "panel_depth": ("panel_depth", "pon_depth"),
    "chrom": ("chrom", "chr", "chromosome", "contig"),
    "pos": ("pos", "position", "start", "start_position"),
    "ref": ("ref_allele", "reference_allele", "ref", "reference"),
    "alt": ("alt_allele", "tumor_seq_allele2", "alternate_allele", "alt"),
    "context": ("context", "trinucleotide_context"),
    "kind": ("kind", "variant_type", "mutation_type"),
    "date": ("date", "sample_date", "sampling_date"),
    "group": ("group",),
}
"""Variable -> names that mean it, the native or commonest name first."""

TEXTS = ("mutation", "specimen", "chrom", "ref", "alt", "context", "kind", "date", "group")
"""Variables that are text."""


def plain(name: str) -> str:
    """Bring a column name to the form used in `ALIASES`.

    Examples
    --------
    >>> plain("# Tumour content")
    'tumour_content'
    """
    return re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_")


def read_plain(source: TextFile, faults: FaultList, texts: Collection[str]) -> Table:
    """Read a table whose columns are renamed to the form of `plain`; the first of two of one name counts.

    Parameters
    ----------
    source, faults
        The file, and what takes its faults.
    texts
        Columns that are text, in the form of `plain`.
    """
    written = [h for h in header_names(source) if plain(h) in texts]
    table = read_table(source, faults, text_columns=written, row_names=True)
    names: dict[str, str] = {}
    for column in map(str, table.frame.columns):
        names.setdefault(column if column == ROW_NAMES else plain(column), column)
    table.frame = table.frame[list(names.values())]
    table.rename(names)
    return table


def match(header: list[str], sample: list[list[str]]) -> dict[str, list[str]]:
    """Find which variable each column means.

    Parameters
    ----------
    header
        Column names as written.
    sample
        Some rows, split into fields; columns called `ref` and `alt` are counts if they hold numbers only.

    Returns
    -------
    dict
        Variable -> the columns that say it, the best name first.
    """
    found: dict[str, list[str]] = {}
    written: dict[str, str] = {}
    for column in header:
        written.setdefault(plain(column), column)
    for variable, names in ALIASES.items():
        columns = [written[n] for n in names if n in written]
        if columns:
            found[variable] = columns
    if "mutation" not in found and "id" in written:
        found["mutation"] = [written["id"]]
    for bases, counts in (("ref", "ref_count"), ("alt", "alt_count")):
        if bases in found and counts not in found and _numeric(header.index(found[bases][0]), sample):
            found[counts] = found.pop(bases)
    return found


def _numeric(index: int, sample: list[list[str]]) -> bool:
    cells = [row[index].strip() for row in sample if index < len(row) and row[index].strip()]
    return bool(cells) and all(re.fullmatch(r"[-+]?\d+(\.\d*)?", c) for c in cells)


def choose(
    found: dict[str, list[str]], file: str, row: int, faults: FaultList, notes: list[str]
) -> dict[str, str]:
    """Settle on one column a variable.

    Two columns that mean the same are a fault, unless one of them bears the native (first) name.

    Returns
    -------
    dict
        Variable -> column as written.
    """
    chosen = {}
    for variable, columns in found.items():
        chosen[variable] = columns[0]
        if len(columns) == 1:
            continue
        if plain(columns[0]) == ALIASES[variable][0]:
            notes.append(
                f"{file}: column {columns[0]} used, {', '.join(columns[1:])} left aside (the same quantity)"
            )
        else:
            faults.add(
                file,
                f"the columns {' and '.join(columns)} mean the same",
                "Keep one of them.",
                row=row,
                column=columns[0],
            )
    return chosen


def nearest(variable: str, header: list[str]) -> str:
    """Word the remedy for a missing column: the names it may have and the nearest one in the file."""
    names = ALIASES[variable]
    options = [plain(h) for h in header]
    near = [m for n in names for m in difflib.get_close_matches(n, options, n=1, cutoff=0.8)]
    hint = f" The file has {header[options.index(near[0])]!r}: rename it if that is meant." if near else ""
    return f"Name the column {names[0]} (also accepted: {', '.join(names[1:6])}).{hint}"
