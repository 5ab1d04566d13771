"""Immune receptor rearrangements: clones of MiXCR (v1 to v4) and AIRR rearrangement tables.

A clonotype is its V gene, its J gene and the nucleotides of its junction (CDR3 with the conserved residues, which
MiXCR calls CDR3): so both formats give one clonotype one name.
"""

from __future__ import annotations

import re

import numpy as np

from clonalbayes.data.readers import cells
from clonalbayes.data.readers.tables import Table, read_table
from clonalbayes.data.readers.text import TextFile, header_line, header_names
from clonalbayes.faults import FaultList

from .event_table import Event, Found

MIXCR, AIRR = "mixcr", "airr"
MIXCR_MEANING = "clones of MiXCR (cloneCount, allVHitsWithScore, nSeqCDR3, ...)"
AIRR_MEANING = "AIRR rearrangements (sequence_id, v_call, j_call, junction, ...)"

MIXCR_COLUMNS = {
    "count": ("clonecount", "readcount", "uniquemoleculecount", "uniqueumicount"),
    "fraction": ("clonefraction", "readfraction", "uniquemoleculefraction", "uniqueumifraction"),
    "v": ("allvhitswithscore", "allvhits", "bestvhit", "vhit", "allvgenes", "bestvgene", "vgene"),
    "d": ("alldhitswithscore", "alldhits", "bestdhit", "dhit", "alldgenes", "bestdgene", "dgene"),
    "j": ("alljhitswithscore", "alljhits", "bestjhit", "jhit", "alljgenes", "bestjgene", "jgene"),
    "c": ("allchitswithscore", "allchits", "bestchit", "chit", "allcgenes", "bestcgene", "cgene"),
    "junction": ("nseqcdr3", "nseqimputedcdr3", "clonalsequences", "clonalsequence", "targetsequences"),
    "aa": ("aaseqcdr3", "aaseqimputedcdr3"),
    "id": ("cloneid",),
    "molecules": ("uniquemoleculecount", "uniqueumicount"),
}
"""What we read -> how MiXCR's versions call it, without spaces and points, in lower case."""

AIRR_NEEDED = (
    "sequence_id",
    "sequence",
    "rev_comp",
    "productive",
    "v_call",
    "d_call",
    "j_call",
    "sequence_alignment",
    "germline_alignment",
    "junction",
    "junction_aa",
    "v_cigar",
    "d_cigar",
    "j_cigar",
)
"""Columns that the AIRR standard requires of every table of rearrangements."""

AIRR_COUNTS = ("duplicate_count", "umi_count", "consensus_count")
AIRR_SAMPLES = ("sample_id", "repertoire_id", "sample_processing_id")
TRUE, FALSE = ("T", "TRUE", "true", "True", "1"), ("F", "FALSE", "false", "False", "0")
READS = cells.Rule("count", 0, 1e12, False, "Give a number of reads from 0.")
SHARE = cells.Rule("fraction", 0, 1, False, "Give the share of all reads, from 0 to 1.")
NUCLEOTIDES = re.compile(r"[ACGTNRYSWKMBDHVacgtnryswkmbdhv]+")


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def refuse_mixcr(source: TextFile) -> str | None:
    """Return why a text is no table of MiXCR's clones, or None if it may be one.

    Parameters
    ----------
    source
        The file.
    """
    there = {_plain(h) for h in header_names(source)}
    for what, names in (("V hits", MIXCR_COLUMNS["v"]), ("the clone's count", MIXCR_COLUMNS["count"])):
        if not there & set(names):
            return f"there is no column of {what}"
    return None


def refuse_airr(source: TextFile) -> str | None:
    """Return why a text is no AIRR table, or None if it may be one.

    Parameters
    ----------
    source
        The file.
    """
    missing = [c for c in ("v_call", "j_call", "junction") if c not in header_names(source)]
    return f"there is no column {missing[0]}" if missing else None


def gene_of(hit: str) -> str:
    """Return the gene of the best hit: `IGHV4-34` of `IGHV4-34*00(385.1),IGHV4-30*00(380)`.

    Parameters
    ----------
    hit
        One or more calls, the best first.

    Examples
    --------
    >>> gene_of("IGHV4-34*00(385.1),IGHV4-30*00(380)"), gene_of("IGHD1-7*01,IGHD6-19*01"), gene_of("")
    ('IGHV4-34', 'IGHD1-7', '')
    """
    return re.split(r"[*(,;|\s]", hit.strip(), maxsplit=1)[0]


def read_mixcr(source: TextFile, faults: FaultList, sample: str) -> Found:
    """Read the clones of MiXCR.

    Parameters
    ----------
    source
        The file.
    faults
        Takes what is wrong.
    sample
        Name of the sample.

    Returns
    -------
    Found
    """
    written: dict[str, str] = {}
    for h in header_names(source):
        written.setdefault(_plain(h), h)
    chosen = {what: written[n] for what, names in MIXCR_COLUMNS.items() for n in reversed(names) if n in written}
    texts = [c for what, c in chosen.items() if what not in ("count", "fraction", "molecules")]
    table = read_table(source, faults, text_columns=texts, columns=list(dict.fromkeys(chosen.values())))
    counts = cells.numbers(table, chosen["count"], READS, faults)
    cells.add_cells(faults, table, np.isnan(counts), chosen["count"], "the count is missing", READS.remedy)
    share = (
        cells.numbers(table, chosen["fraction"], SHARE, faults) if "fraction" in chosen else np.full(len(table), np.nan)
    )
    faults.raise_if_any()
    text = {what: cells.texts(table, column) for what, column in chosen.items() if column in texts}
    total = _total(counts, share)
    found = Found(source.name, [], digests={source.name: source.digest})
    if chosen.get("junction") and _plain(chosen["junction"]) not in MIXCR_COLUMNS["junction"][:2]:
        found.notes.append(f"{source.name}: no column of CDR3; clonotypes are told apart by {chosen['junction']}")
    molecules = _molecules(table, chosen, faults)
    for i in range(len(table)):
        one = {what: values[i] for what, values in text.items()}
        extra = {"clone_fraction": f"{share[i]:.12g}"} if share[i] == share[i] else {}
        extra |= {"molecules": molecules[i]} if molecules is not None else {}
        event = clonotype(one, int(table.rows[i]), extra)
        event.samples = [(sample, float(counts[i]), total)]
        found.events.append(event)
    return found


def _molecules(table: Table, chosen: dict[str, str], faults: FaultList) -> list[str] | None:
    column = chosen.get("molecules")
    if column is None or column == chosen["count"]:
        return None
    return [f"{v:.12g}" if v == v else "" for v in cells.numbers(table, column, READS, faults)]


def _total(counts: np.ndarray, share: np.ndarray) -> float:
    """Return the reads of the whole repertoire: an export may hold some of its clones only."""
    whole, part = float(np.nansum(counts)), float(np.nansum(share))
    return round(whole / part) if 0 < part <= 1.0 + 1e-6 and not np.isnan(share).any() else whole


def clonotype(one: dict[str, str], row: int, extra: dict[str, str]) -> Event:
    """Return a clonotype as an event.

    Parameters
    ----------
    one
        Texts by what they are: v, d, j, c (calls), junction, aa, id.
    row
        Line of the file.
    extra
        Further attributes.
    """
    genes = {k: gene_of(one.get(k, "")) for k in "vdjc"}
    junction = one.get("junction", "").upper()
    locus = next((m[0] for g in genes.values() if (m := re.match(r"(IG|TR)[A-Z]", g))), "")
    attributes = {"locus": locus, "junction": junction, "junction_aa": one.get("aa", "")}
    attributes |= {f"{k}_call": one.get(k, "") for k in "vdjc"} | extra
    event = Event("clonotype", row, genes=list(dict.fromkeys(g for g in (genes["v"], genes["j"]) if g)))
    event.attributes = {k: v for k, v in attributes.items() if v}
    event.name = one.get("id", "")
    event.id = f"clonotype:{genes['v'] or '?'}:{genes['j'] or '?'}:{junction or '?'}"
    return event


def read_airr(source: TextFile, faults: FaultList, sample: str) -> Found:
    """Read AIRR rearrangements; sequences of one clonotype in one sample are joined.

    Parameters
    ----------
    source
        The file.
    faults
        Takes what is wrong.
    sample
        Name of the sample where the file gives none.

    Returns
    -------
    Found
    """
    header = header_names(source)
    number, _ = header_line(source)
    for column in AIRR_NEEDED:
        if column not in header:
            what = f"the column {column}, which AIRR requires, is not there"
            faults.add(source.name, what, "Export the table again as AIRR rearrangements.", row=number, column=column)
    count = next((c for c in AIRR_COUNTS if c in header), None)
    kept = ["v_call", "d_call", "j_call", "c_call", "junction", "junction_aa", "productive", "clone_id", "sequence_id"]
    table = read_table(
        source,
        faults,
        text_columns=[*kept, *AIRR_SAMPLES, "rev_comp"],
        columns=[*kept, *AIRR_SAMPLES, "rev_comp", *([count] if count else [])],
    )
    for column in ("productive", "rev_comp"):
        _check_booleans(table, column, faults)
    counts = cells.numbers(table, count, READS, faults) if count else np.full(len(table), np.nan)
    text = {c: cells.texts(table, c) for c in table.frame.columns if c != count}
    bad = np.array([bool(j) and not NUCLEOTIDES.fullmatch(j) for j in text.get("junction", [])], dtype=bool)
    if bad.any():
        cells.add_cells(faults, table, bad, "junction", "the junction is not a sequence of bases", "Give nucleotides.")
    faults.raise_if_any()
    found = Found(source.name, [], digests={source.name: source.digest})
    if count is None or np.isnan(counts).any():
        which = "each row" if count is None else f"{int(np.isnan(counts).sum())} rows without a {count}"
        found.notes.append(f"{source.name}: {which} counted as one read")
    _join_sequences(found, table, text, np.where(np.isnan(counts), 1.0, counts), sample)
    return found


def _check_booleans(table: Table, column: str, faults: FaultList) -> None:
    if column in table.frame:
        bad = np.array([t not in (*TRUE, *FALSE, "") for t in cells.texts(table, column)], dtype=bool)
        cells.add_cells(faults, table, bad, column, "the value is neither T nor F", "Write T, F, or nothing.")


def _join_sequences(found: Found, table: Table, text: dict[str, list[str]], counts: np.ndarray, sample: str) -> None:
    """Make one event of the sequences of a clonotype in a sample."""
    named = next((text[c] for c in AIRR_SAMPLES if any(text.get(c, []))), [sample] * len(table))
    totals: dict[str, float] = {}
    events: dict[tuple[str, str], Event] = {}
    sizes: dict[tuple[str, str], list[float]] = {}
    empty = 0
    for i in range(len(table)):
        who = named[i] or sample
        totals[who] = totals.get(who, 0.0) + float(counts[i])
        if not text["junction"][i]:
            empty += 1
            continue
        calls = {k: text[f"{k}_call"][i] for k in "vdjc" if f"{k}_call" in text}
        one = {
            **calls,
            "junction": text["junction"][i],
            "aa": text["junction_aa"][i],
            "id": text.get("clone_id", [""] * len(table))[i],
        }
        productive = {"productive": "T" if text["productive"][i] in TRUE else "F"} if text["productive"][i] else {}
        event = clonotype(one, int(table.rows[i]), productive)
        key = (who, event.id)
        events.setdefault(key, event)
        sizes.setdefault(key, []).append(float(counts[i]))
    for key, event in events.items():
        event.samples = [(key[0], sum(sizes[key]), totals[key[0]])]
        event.attributes["sequences"] = str(len(sizes[key]))
        found.events.append(event)
    if empty:
        found.notes.append(f"{found.file}: {empty} sequences without a junction left out")
