"""Tables of drivers: a gene with a mutation or a place, and any further columns."""

from __future__ import annotations

import re

import numpy as np

from clonalbayes.data.readers import cells
from clonalbayes.data.readers.tables import ROW_NAMES, Table, read_table
from clonalbayes.data.readers.text import TextFile, header_names
from clonalbayes.faults import FaultList

from .builds import build_named
from .event_table import NOWHERE, End, Event, Found

FORMAT = "drivers"
MEANING = "table of drivers (gene, and mutation or chrom, pos, ref, alt)"
ALIASES: dict[str, tuple[str, ...]] = {
    "gene": ("gene", "genes", "hugosymbol", "genesymbol", "genename", "symbol"),
    "mutation": (
        "mutation",
        "mutationid",
        "variant",
        "proteinchange",
        "hgvspshort",
        "hgvsp",
        "aachange",
        "protein",
        "hgvsc",
        "cdnachange",
        "cds",
    ),
    "chrom": ("chrom", "chromosome", "chr", "chrom1"),
    "pos": ("pos", "position", "start", "startposition", "pos1"),
    "ref": ("ref", "refallele", "referenceallele", "reference"),
    "alt": ("alt", "altallele", "tumorseqallele2", "alternative"),
    "sample": ("sample", "sampleid", "tumorsamplebarcode", "specimen", "samplename"),
    "evidence": ("altcount", "altcounts", "taltcount", "mtr", "altreads", "evidence"),
    "total": ("depth", "tdepth", "dep", "total", "totalreads"),
}
"""What we read -> column names, in lower case without signs; the first that is there is taken."""

ALLELE = re.compile(r"[ACGTNRYSWKMBDHVacgtnryswkmbdhv]*|-")
SITE = re.compile(
    r"(?P<chrom>[^:\s]+):(?:g\.)?(?P<pos>\d{1,12})[:_]?(?P<ref>[ACGTNacgtn]+|-)[>/:_](?P<alt>[ACGTNacgtn]+|-)"
)


def _chosen(header: list[str]) -> dict[str, str]:
    """Return which column holds what."""
    plain: dict[str, str] = {}
    for h in header:
        plain.setdefault(re.sub(r"[^a-z0-9]", "", h.lower()), h)
    return {
        what: next(plain[n] for n in names if n in plain)
        for what, names in ALIASES.items()
        if plain.keys() & set(names)
    }


def refuse(source: TextFile) -> str | None:
    """Return why a text is no table of drivers, or None if it may be one.

    Parameters
    ----------
    source
        The file.
    """
    chosen = _chosen(header_names(source))
    if "gene" not in chosen:
        return "there is no column gene"
    if "mutation" not in chosen and not {"chrom", "pos"} <= chosen.keys():
        return "there is neither a column mutation nor the columns chrom and pos"
    return None


def read_events(source: TextFile, faults: FaultList, sample: str) -> Found:
    """Read a table of drivers.

    Parameters
    ----------
    source
        The file.
    faults
        Takes what is wrong.
    sample
        Name of the sample where the table has no such column; "" if it is of no sample.

    Returns
    -------
    Found
    """
    chosen = _chosen(header_names(source))
    numeric = [chosen[k] for k in ("pos", "evidence", "total") if k in chosen]
    texts = [h for h in header_names(source) if h not in numeric]
    table = read_table(source, faults, text_columns=texts, row_names=True)
    numbers = _numbers(table, chosen, faults)
    cell = {h: cells.texts(table, h) for h in table.frame.columns if h not in numeric}
    _check(table, chosen, cell, numbers, faults)
    faults.raise_if_any()
    found = Found(source.name, [], digests={source.name: source.digest})
    extra = [h for h in cell if h not in (*chosen.values(), "", ROW_NAMES)]
    for i in range(len(table)):
        one = {what: cell[column][i] for what, column in chosen.items() if column in cell}
        event = _event(one, int(table.rows[i]), numbers["pos"][i])
        event.attributes |= {h: cell[h][i] for h in extra if cell[h][i]}
        evidence, total = float(numbers["evidence"][i]), float(numbers["total"][i])
        who = one.get("sample") or sample
        event.samples = [(who, evidence, total)]
        found.events.append(event)
    named = {build_named(t) for h in extra if "build" in h.lower() for t in cell[h]}
    found.build = named.pop() if len(named) == 1 else None
    return found


def _numbers(table: Table, chosen: dict[str, str], faults: FaultList) -> dict[str, np.ndarray]:
    position = cells.Rule("position", 0, 2**40, True, "Give the 1-based position on the chromosome.")
    out = {}
    for what, rule in (("pos", position), ("evidence", cells.COUNT), ("total", cells.COUNT)):
        column = chosen.get(what)
        out[what] = cells.numbers(table, column, rule, faults) if column else np.full(len(table), np.nan)
    return out


def _check(
    table: Table, chosen: dict[str, str], cell: dict[str, list[str]], numbers: dict[str, np.ndarray], faults: FaultList
) -> None:
    n = len(table)
    gene = np.array([not g for g in cell[chosen["gene"]]], dtype=bool)
    cells.add_cells(faults, table, gene, chosen["gene"], "the driver has no gene", "Fill the cell.")
    mutation = np.array([bool(m) for m in cell.get(chosen.get("mutation", ""), [""] * n)], dtype=bool)
    chrom = np.array([bool(c) for c in cell.get(chosen.get("chrom", ""), [""] * n)], dtype=bool)
    nowhere = ~mutation & ~(chrom & ~np.isnan(numbers["pos"]))
    cells.add_cells(
        faults,
        table,
        nowhere & ~gene,
        chosen["gene"],
        "the driver has neither a mutation nor a place",
        "Give the mutation, or chromosome and position.",
    )
    for what in ("ref", "alt"):
        column = chosen.get(what, "")
        bad = np.array([not ALLELE.fullmatch(a) for a in cell.get(column, [""] * n)], dtype=bool)
        if bad.any():
            cells.add_cells(faults, table, bad, column, "the allele is not a sequence of bases", "Give bases, or '-'.")
    with np.errstate(invalid="ignore"):
        more = numbers["evidence"] > numbers["total"]
    if more.any():
        remedy = "The depth counts all reads."
        cells.add_cells(faults, table, more, chosen["evidence"], "more alt reads than reads at the site", remedy)


def _event(one: dict[str, str], row: int, pos: float) -> Event:
    """Return one driver; a mutation written `chrom:pos:ref>alt` gives its place."""
    gene, mutation = one["gene"], one.get("mutation", "")
    chrom, ref, alt = one.get("chrom", ""), one.get("ref", "").upper(), one.get("alt", "").upper()
    place = -1 if np.isnan(pos) else int(pos)
    site = SITE.fullmatch(mutation)
    if site and not (chrom and place >= 0):
        chrom, place, ref, alt = site["chrom"], int(site["pos"]), site["ref"].upper(), site["alt"].upper()
    end = End(chrom, place, "", place, place) if chrom and place >= 0 else NOWHERE
    event = Event("driver", row, (end, NOWHERE), genes=[g for g in re.split(r"[,;|]\s*", gene) if g], name=mutation)
    if end.chrom and ref and alt:
        event.id = f"{chrom}:{place}:{ref}>{alt}"
        event.attributes = {"ref": ref, "alt": alt}
    elif mutation:
        event.id = f"driver:{gene}:{mutation}"
    else:
        event.id = f"driver:{gene}:{chrom}:{place}"
    return event
