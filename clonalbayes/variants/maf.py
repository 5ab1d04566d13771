"""MAF, the mutation annotation format of GDC and vcf2maf: one row a mutation and sample.

MAF writes an indel without the base before it. Read without the reference, that base is `N`; `read_variants`
puts the right one in its place when it is given a reference.
"""

from __future__ import annotations

import numpy as np

from clonalbayes.data.readers import cells
from clonalbayes.data.readers.tables import Table, read_table
from clonalbayes.data.readers.text import TextFile, header_names
from clonalbayes.faults import FaultList, fail

from .alleles import BASES, REFERENCE_BASES
from .builds import build_named
from .calls import Calls, Collector, Pair
from .vcf import NORMAL, TUMOUR

FORMAT = "maf"
MEANING = "MAF (Chromosome, Start_Position, Reference_Allele, Tumor_Seq_Allele2, Tumor_Sample_Barcode, ...)"
NEEDED = ("chromosome", "start_position", "reference_allele", "tumor_seq_allele2")
TEXTS = (
    "chromosome",
    "reference_allele",
    "tumor_seq_allele1",
    "tumor_seq_allele2",
    "tumor_sample_barcode",
    "matched_norm_sample_barcode",
    "ncbi_build",
    "filter",
    "dbsnp_rs",
)
COUNTS = ("t_alt_count", "t_ref_count", "t_depth", "n_alt_count", "n_ref_count", "n_depth")
POSITION = cells.Rule("position", 1, 2**40, True, "Give the 1-based position on the chromosome.")
LARGEST = 50_000_000
"""Mutations times samples that are read: a MAF of a cohort is cut into patients first."""


def refuse(source: TextFile) -> str | None:
    """Return why a text is no MAF, or None if it may be one.

    Parameters
    ----------
    source
        The file.
    """
    lower = {h.lower() for h in header_names(source)}
    missing = [n for n in NEEDED if n not in lower]
    return f"there is no column {missing[0].capitalize()}" if missing else None


def read_calls(source: TextFile, faults: FaultList, split_mnv: bool = False) -> Calls:
    """Read the calls of a MAF.

    Parameters
    ----------
    source
        The file.
    faults
        Takes what is wrong.
    split_mnv
        Whether substitutions of several bases become one call a base.

    Returns
    -------
    Calls
    """
    table = _table(source, faults)
    columns = _columns(table, faults)
    _check_alleles(table, columns, faults)
    faults.raise_if_any()
    samples, roles, tumour, normal = _samples(table, columns)
    if len(table) * len(samples) > LARGEST:
        raise fail(
            source.name,
            f"the file holds {len(samples)} samples and {len(table)} mutations",
            "Give the mutations of one patient at a time.",
        )
    collector = Collector(source.name, samples, roles, split_mnv)
    reads = [_reads(columns, "t"), _reads(columns, "n")]
    for i in range(len(table)):
        _add_row(collector, table, columns, i, tumour[i], normal[i], reads)
    calls = collector.finish()
    calls.build = _build(columns)
    calls.digests = {source.name: source.digest}
    unanchored = calls.frame["ref"].str.startswith("N") & (calls.frame["kind"] == "indel")
    if unanchored.any():
        calls.notes.append(
            f"{source.name}: {unanchored.sum()} indels without the base before them, as in every MAF: "
            "it stands as N unless a reference is given"
        )
    return calls


def _table(source: TextFile, faults: FaultList) -> Table:
    wanted = {h: h.lower() for h in header_names(source) if h.lower() in (*TEXTS, *NEEDED, *COUNTS)}
    table = read_table(
        source, faults, text_columns=[h for h, low in wanted.items() if low in TEXTS], columns=list(wanted)
    )
    table.rename({low: h for h, low in wanted.items()})
    return table


def _columns(table: Table, faults: FaultList) -> dict[str, np.ndarray]:
    """Return the columns that are there, as clean text or as numbers."""
    out: dict[str, np.ndarray] = {}
    for name in table.frame.columns:
        if name in COUNTS:
            out[name] = cells.as_counts(cells.numbers(table, name, cells.COUNT, faults))
        elif name == "start_position":
            pos = cells.numbers(table, name, POSITION, faults)
            cells.add_cells(faults, table, np.isnan(pos), name, "the position is missing or wrong", POSITION.remedy)
            out[name] = np.nan_to_num(pos).astype(np.int64)
        else:
            out[name] = np.array(cells.texts(table, name), dtype=object)
    return out


def _check_alleles(table: Table, columns: dict[str, np.ndarray], faults: FaultList) -> None:
    cells.add_cells(
        faults, table, columns["chromosome"] == "", "chromosome", "the row names no chromosome", "Fill the cell."
    )
    remedy = "Alleles are bases, or '-' for none."
    for name, form in (("reference_allele", REFERENCE_BASES), ("tumor_seq_allele2", BASES)):
        bad = np.array([a != "-" and not form.fullmatch(a.upper()) for a in columns[name]], dtype=bool)
        cells.add_cells(faults, table, bad, name, "the allele is not a sequence of bases", remedy)
    ref, alt = columns["reference_allele"], columns["tumor_seq_allele2"]
    other = columns.get("tumor_seq_allele1", alt)
    same = np.array(
        [r.upper() == a.upper() and r.upper() == o.upper() for r, a, o in zip(ref, alt, other, strict=True)]
    )
    cells.add_cells(
        faults, table, same.astype(bool), "tumor_seq_allele2", "the alternative allele is the reference", remedy
    )


def _samples(table: Table, columns: dict[str, np.ndarray]) -> tuple[list[str], list[str], np.ndarray, np.ndarray]:
    """Return names and roles of the samples, and of each row the index of its tumour and of its normal (or -1)."""
    n = len(table)
    tumours = columns.get("tumor_sample_barcode", np.full(n, "", dtype=object))
    tumours = np.where(tumours == "", table.source.stem, tumours)
    names = list(dict.fromkeys(tumours))
    roles = [TUMOUR] * len(names)
    normals = columns.get("matched_norm_sample_barcode", np.full(n, "", dtype=object))
    counted = any(c in columns and (columns[c] >= 0).any() for c in COUNTS[3:])
    for name in dict.fromkeys(normals) if counted else ():
        if name and name not in names:
            names.append(name)
            roles.append(NORMAL)
    places = {name: i for i, name in enumerate(names)}
    tumour = np.array([places[t] for t in tumours], dtype=int)
    normal = np.array([places.get(m, -1) if counted else -1 for m in normals], dtype=int)
    return names, roles, tumour, np.where(normal == tumour, -1, normal)


def _reads(columns: dict[str, np.ndarray], who: str) -> np.ndarray:
    """Return alt reads and depth of the tumours (`t`) or normals (`n`), -1 where unknown."""
    n = len(columns["start_position"])
    none = np.full(n, -1)
    alt, ref, depth = (columns.get(f"{who}_{c}", none) for c in ("alt_count", "ref_count", "depth"))
    both = (alt >= 0) & (ref >= 0)
    depth = np.where(both, np.maximum(depth, alt + ref), depth)
    known = (alt >= 0) & (depth >= alt)
    return np.stack([np.where(known, alt, -1), np.where(known, depth, -1)], axis=1)


def _add_row(
    collector: Collector,
    table: Table,
    columns: dict[str, np.ndarray],
    i: int,
    tumour: int,
    normal: int,
    reads: list[np.ndarray],
) -> None:
    ref, second = columns["reference_allele"][i].upper(), columns["tumor_seq_allele2"][i].upper()
    first = columns["tumor_seq_allele1"][i].upper() if "tumor_seq_allele1" in columns else ref
    alts = [a for a in dict.fromkeys((second, first)) if a != ref and (a == "-" or BASES.fullmatch(a))]
    for k, alt in enumerate(alts):
        row: list[Pair] = [(-1, -1)] * len(collector.samples)
        if k == 0:  # the counts are those of the second allele, or of the only one
            row[tumour] = (int(reads[0][i, 0]), int(reads[0][i, 1]))
            if normal >= 0:
                row[normal] = (int(reads[1][i, 0]), int(reads[1][i, 1]))
        collector.add(
            (columns["chromosome"][i], *_anchored(int(columns["start_position"][i]), ref, alt)),
            reads=row,
            called=[j == tumour for j in range(len(row))],
            row=int(table.rows[i]),
            caller=FORMAT,
            filter=columns["filter"][i] if "filter" in columns else "",
            id=columns["dbsnp_rs"][i] if "dbsnp_rs" in columns else "",
        )


def _anchored(pos: int, ref: str, alt: str) -> tuple[int, str, str]:
    """Give an indel a base before it, unknown as yet."""
    if alt == "-":
        return pos - 1, "N" + ref, "N"
    if ref == "-":
        return pos, "N", "N" + alt
    return pos, ref, alt


def _build(columns: dict[str, np.ndarray]) -> str | None:
    named = {build_named(t) for t in dict.fromkeys(columns.get("ncbi_build", ()))}
    return named.pop() if len(named) == 1 else None
