"""Rearrangements in VCF: breakends joined with their mates, and symbolic alleles (BRASS, Manta, Delly, GRIDSS, ...)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from clonalbayes.data.readers.text import TextFile
from clonalbayes.faults import FaultList, fail

from .counts import MISSING, NotACountError, several, whole
from .event_table import NOWHERE, End, Event, Found, kind_of_ends, ordered
from .vcf import GENERIC, NORMAL, Header, Record, read_header, records

FORMAT = "sv vcf"
MEANING = "VCF or BCF of rearrangements (BND, DEL, DUP, INV, TRA, INS)"
BREAKEND = re.compile(
    r"(?P<before>[A-Za-z.]*)(?P<way>[\[\]])(?P<chrom>.+):(?P<pos>\d{1,12})(?P=way)(?P<after>[A-Za-z.]*)"
)
SINGLE = re.compile(r"\.[A-Za-z]+|[A-Za-z]+\.")
CLASSES = {
    "DEL": "deletion",
    "DUP": "duplication",
    "TDUP": "duplication",
    "INV": "inversion",
    "TRA": "translocation",
    "CTX": "translocation",
    "INS": "insertion",
    "BND": "rearrangement",
}
STRANDS = {"deletion": ("+", "-"), "duplication": ("-", "+")}
CONNECTION = {"3to5": ("+", "-"), "5to3": ("-", "+"), "3to3": ("+", "+"), "5to5": ("-", "-")}
READ_NAMES = ("TSRDS", "NSRDS", "TRDS", "NRDS")
CONSUMED = (*READ_NAMES, "GENE", "GENES", "GENE1", "GENE2")
AS_WRITTEN = "Use the file as the caller wrote it, or correct the record."
NAN = float("nan")
Reads = tuple[float, float]


def read_events(source: TextFile, faults: FaultList, sample: str) -> Found:
    """Read the rearrangements of a VCF.

    Parameters
    ----------
    source
        The file, from `read_vcf_text`.
    faults
        Takes what is wrong.
    sample
        Name of the sample if the file has no sample columns.

    Returns
    -------
    Found
    """
    header = read_header(source)
    found = Found(source.name, [], digests={source.name: source.digest}, contigs=header.contigs, build=header.build)
    found.generic = {n for n in header.names if GENERIC.fullmatch(n)}
    found.normals = {n for n, role in zip(header.names, header.roles, strict=True) if role == NORMAL}
    small = n = 0
    mates: dict[str, Event] = {}
    seen: dict[tuple, Event] = {}
    for record in records(source, header, faults):
        n += 1
        for alt in record.alts:
            event = _event(header, record, alt.strip(), sample, faults)
            if event is None:
                small += _is_small(record, alt)
                continue
            mate = mates.get(record.info_value("MATEID") or record.info_value("PARID") or "")
            if mate is not None and _are_mates(mate, event):
                _join(mate, event)
            elif (twin := seen.get(_place(event))) is not None and "rearrangement" in (twin.kind, event.kind):
                twin.genes = list(dict.fromkeys([*twin.genes, *event.genes]))
            else:
                found.events.append(event)
                seen[_place(event)] = event
                if record.id not in ("", "."):
                    mates[record.id] = event
    for event in found.events:
        event.ends = ordered(*event.ends)
        if event.kind == "rearrangement":
            event.kind = kind_of_ends(*event.ends)
    if small:
        found.notes.append(f"{source.name}: {small} small variants left out: read them with `clonalbayes sites`")
    if not found.events and not len(faults):
        what = "small variants only" if small else "no record" if not n else "no rearrangement"
        raise fail(
            source.name, f"the file holds {what}", "Give a VCF of rearrangements; `clonalbayes sites` reads the others."
        )
    return found


def _is_small(record: Record, alt: str) -> bool:
    return alt not in ("", ".") and alt[0] != "<"


def _place(event: Event) -> tuple:
    return tuple((e.chrom, e.pos, e.strand) for e in ordered(*event.ends))


def _are_mates(mate: Event, event: Event) -> bool:
    """Make sure that two records that name each other join the same chromosomes."""
    return (mate.ends[0].chrom, mate.ends[1].chrom) == (event.ends[1].chrom, event.ends[0].chrom)


def _join(mate: Event, event: Event) -> None:
    """Take from the second record of a pair what it knows better: its own place, its genes."""
    mate.ends = (mate.ends[0], event.ends[0])
    mate.genes = list(dict.fromkeys([*mate.genes, *event.genes]))
    mate.attributes |= {f"{k}.2": v for k, v in event.attributes.items() if mate.attributes.get(k) != v}


def _event(header: Header, record: Record, alt: str, sample: str, faults: FaultList) -> Event | None:
    """Return the rearrangement of one allele, None if it is none or cannot be read."""
    breakend, stated = BREAKEND.fullmatch(alt), (record.info_value("SVTYPE") or "").upper()
    symbol = alt[1:].split(">")[0].split(":")[0].upper() if alt.startswith("<") else ""
    before = len(faults)
    attributes = _info(record)
    if breakend:
        kind, ends = "rearrangement", _breakend(header, record, breakend, faults)
        inserted = breakend["before"][1:] + breakend["after"][:-1]
        attributes |= {"inserted": inserted} if inserted.strip(".") else {}
    elif SINGLE.fullmatch(alt) and alt != ".":
        strand = "-" if alt.startswith(".") else "+"
        kind, ends = "breakend", (_own_end(header, record, strand, faults), NOWHERE)
    elif symbol in CLASSES or (stated in CLASSES and not symbol):
        kind = CLASSES.get(stated) or CLASSES[symbol]
        kind, ends = _symbolic(header, record, kind, faults)
        if not symbol:
            attributes |= {"ref": record.ref, "alt": alt}
    else:
        return None
    samples = _samples(header, record, sample, faults)
    if len(faults) > before:
        return None
    filter = "" if record.filter == "." else record.filter
    name = "" if record.id == "." else record.id
    if record.qual not in ("", "."):
        attributes = {"qual": record.qual, **attributes}
    return Event(kind, record.row, ends, samples, _genes(record), name, filter, attributes)


def _info(record: Record) -> dict[str, str]:
    out = {}
    for part in record.info.split(";"):
        key, _, value = part.partition("=")
        if key not in ("", ".", *CONSUMED):
            out[key] = value
    return out


def _genes(record: Record) -> list[str]:
    named = [record.info_value(k) for k in ("GENE", "GENE1", "GENE2", "GENES")]
    words = (w for text in named if text for w in re.split(r"[,|&]", text))
    return list(dict.fromkeys(w for w in words if w not in ("", ".", "_", "Unknown")))


def _own_end(header: Header, record: Record, strand: str, faults: FaultList, after: int = 0) -> End:
    low, high = _interval(header, record, "CIPOS", faults)
    pos = record.pos + after
    return End(record.chrom, pos, strand, max(0, pos + low), pos + high)


def _interval(header: Header, record: Record, key: str, faults: FaultList) -> tuple[int, int]:
    """Return the interval around a position."""
    text = record.info_value(key)
    if not text or text == ".":
        return 0, 0
    parts = text.split(",")
    if len(parts) != 2 or not all(re.fullmatch(r"[-+]?\d{1,9}", p) for p in parts):
        faults.add(
            header.name, "the interval is not two whole numbers", AS_WRITTEN, row=record.row, column=key, value=text
        )
        return 0, 0
    return min(0, int(parts[0])), max(0, int(parts[1]))


def _breakend(header: Header, record: Record, match: re.Match[str], faults: FaultList) -> tuple[End, End]:
    strand = "+" if match["before"].strip(".") else "-"
    low, high = _interval(header, record, "CIEND", faults)
    pos = int(match["pos"])
    chrom = match["chrom"].strip("<>")
    other = End(chrom, pos, "-" if match["way"] == "[" else "+", max(0, pos + low), pos + high)
    return _own_end(header, record, strand, faults), other


def _symbolic(header: Header, record: Record, kind: str, faults: FaultList) -> tuple[str, tuple[End, End]]:
    """Return the kind and the ends of a symbolic allele, or of a long sequence with SVTYPE."""
    strands = _strands(record, kind)
    chrom = record.info_value("CHR2") or record.chrom
    # POS and END are the base before and the last base of what is deleted, doubled or turned round.
    after = [int(s == "-" and chrom == record.chrom) for s in strands]
    first = _own_end(header, record, strands[0], faults, after[0])
    if kind == "insertion":
        return kind, (first, NOWHERE)
    text = record.info_value("POS2") or record.info_value("END") or ""
    if text in ("", "."):
        length = (record.info_value("SVLEN") or "").split(",")[0].lstrip("-+")
        if length.isdigit() and chrom == record.chrom:
            text = str(record.pos + int(length))
        elif record.alts[0][:1] != "<":
            text = str(record.pos + len(record.ref) - 1)
    if not (text.isascii() and text.isdigit() and len(text) < 13):
        faults.add(
            header.name,
            "the other end has no position (INFO END or SVLEN)",
            AS_WRITTEN,
            row=record.row,
            value=text or None,
        )
        return kind, (first, NOWHERE)
    low, high = _interval(header, record, "CIEND", faults)
    pos = int(text) + after[1]
    return kind, (first, End(chrom, pos, strands[1], max(0, pos + low), pos + high))


def _strands(record: Record, kind: str) -> tuple[str, str]:
    connection = CONNECTION.get(record.info_value("CT") or "")
    if connection:
        return connection
    stated = re.match(r"([+-])([+-])", record.info_value("STRANDS") or "")
    if stated:
        return stated[1], stated[2]
    if record.info_value("INV3") is not None:
        return "+", "+"
    if record.info_value("INV5") is not None:
        return "-", "-"
    return STRANDS.get(kind, ("", ""))


def _samples(header: Header, record: Record, sample: str, faults: FaultList) -> list[tuple[str, float, float]]:
    if not header.columns:
        return [(sample, *_in_info(record))]
    keys = record.format.split(":")
    out = []
    for name, text in zip(header.names, record.samples, strict=True):
        try:
            out.append((name, *reads_of(dict(zip(keys, text.split(":"), strict=False)))))
        except NotACountError as error:
            faults.add(
                header.name,
                "the field does not hold a read count",
                AS_WRITTEN,
                row=record.row,
                column=error.field,
                value=error.text,
            )
    return out


def _in_info(record: Record) -> Reads:
    for keys in (("PE", "SR"), ("SU",), ("RE",)):
        texts = [record.info_value(k) or "" for k in keys]
        if any(t.isdigit() for t in texts):
            return float(sum(int(t) for t in texts if t.isdigit())), NAN
    return NAN, NAN


def reads_of(fields: Mapping[str, str]) -> Reads:
    """Return the reads that show a rearrangement in one sample, and all that could (NaN unknown).

    Manta: PR + SR. Delly: DV + RV of DR + DV + RR + RV. GRIDSS: VF of VF + REF + REFPAIR (BVF for a single breakend).
    svtyper: AO of AO + RO. Lumpy: SU. Sniffles: DV of DR + DV. SvABA and others: AD, of DP. BRASS: RC.

    Parameters
    ----------
    fields
        A sample's fields by key.

    Raises
    ------
    NotACountError
        If a field holds something else.
    """
    if "PR" in fields or ("SR" in fields and "," in fields["SR"]):
        pairs = [several(fields, k) for k in ("PR", "SR") if fields.get(k, ".") not in ("", ".")]
        if pairs and all(len(p) == 2 and MISSING not in p for p in pairs):
            return float(sum(p[1] for p in pairs)), float(sum(map(sum, pairs)))
        return NAN, NAN
    for alts, refs in ((("DV", "RV"), ("DR", "RR")), (("VF",), ("REF", "REFPAIR")), (("BVF",), ("REF", "REFPAIR"))):
        if any(k in fields for k in alts) and "PU" not in fields:
            return _added(fields, alts, refs)
    if "AO" in fields:
        return _added(fields, ("AO",), ("RO",) if "RO" in fields else ())
    if "AD" in fields:
        return _allele_depths(fields)
    for key in ("SU", "RC"):
        if key in fields:
            value = whole(fields, key)
            return (NAN if value == MISSING else float(value)), NAN
    return NAN, NAN


def _added(fields: Mapping[str, str], alts: tuple[str, ...], refs: tuple[str, ...]) -> Reads:
    alt = [v for k in alts if k in fields and (v := whole(fields, k)) != MISSING]
    ref = [v for k in refs if k in fields and (v := whole(fields, k)) != MISSING]
    if not alt:
        return NAN, NAN
    return float(sum(alt)), float(sum(alt) + sum(ref)) if ref else NAN


def _allele_depths(fields: Mapping[str, str]) -> Reads:
    values, depth = several(fields, "AD"), whole(fields, "DP")
    if MISSING in values:
        return NAN, NAN
    if len(values) == 2:
        return float(values[1]), float(max(sum(values), depth))
    return (
        (float(values[0]), float(max(values[0], depth)) if depth != MISSING else NAN)
        if len(values) == 1
        else (NAN, NAN)
    )
