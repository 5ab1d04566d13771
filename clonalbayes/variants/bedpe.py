"""Rearrangements in BEDPE: BRASS groups, annotated BRASS, and the plain format (PCAWG, svtools).

BEDPE counts from 0, half open. BRASS writes the strand of the second end after annotation as that of the joined
sequence (a deletion is `+ +`), before annotation as that of the reads, like everybody else (`+ -`).
"""

from __future__ import annotations

import re

from clonalbayes.data.readers.text import TextFile
from clonalbayes.faults import FaultList, fail

from .event_table import NOWHERE, End, Event, Found, kind_of_ends, ordered

FORMAT = "bedpe"
MEANING = "BEDPE of rearrangements (chrom1, start1, end1, chrom2, start2, end2, name, score, strand1, strand2, ...)"
FIXED = 10
BRASS_TAIL = (
    "sample svclass bkdist assembly_score readpair_names readpair_count bal_trans inv occL occH copynumber_flag "
    "range_blat brass_notation non-template micro-homology assembled_readnames assembled_read_count gene1 gene_id1 "
    "transcript_id1 gene_strand1 end_phase1 region1 region_number1 total_region_count1 first/last1 gene2 gene_id2 "
    "transcript_id2 gene_strand2 phase2 region2 region_number2 total_region_count2 first/last2 fusion_flag"
).split()
BRASS_ASSEMBLED_TAIL = (
    "sample brass_notation non-template micro-homology gene1 gene_id1 transcript_id1 gene_strand1 end_phase1 region1 "
    "region_number1 total_region_count1 first/last1 gene2 gene_id2 transcript_id2 gene_strand2 phase2 region2 "
    "region_number2 total_region_count2 first/last2 fusion_flag upstream_base downstream_base"
).split()
READ_NAMES = ("names", "readpair names", "readpair_names", "assembled readnames", "assembled_readnames")
COUNTS = ("readpair count", "readpair_count", "tumour_count", "count", "pe_support", "read_support")
CLASSES = {
    "deletion": "deletion",
    "del": "deletion",
    "tandem-duplication": "duplication",
    "duplication": "duplication",
    "dup": "duplication",
    "inversion": "inversion",
    "inv": "inversion",
    "h2hinv": "inversion",
    "t2tinv": "inversion",
    "translocation": "translocation",
    "tra": "translocation",
    "bnd": "rearrangement",
    "insertion": "insertion",
    "ins": "insertion",
}
NONE = ("", ".", "_", "NA", "-1")
AS_WRITTEN = "Use the file as the caller wrote it."


def refuse(source: TextFile) -> str | None:
    """Return why a text is no BEDPE, or None if it may be one.

    Parameters
    ----------
    source
        The file.
    """
    header = False
    for line in source.head(500):
        fields = line.lstrip("# ").split("\t")
        if _is_header(fields):
            header = True
        elif line.strip() and not line.startswith("#"):
            sound = len(fields) >= 6 and all(re.fullmatch(r"-1|\.|\d+", fields[i].strip()) for i in (1, 2, 4, 5))
            return (
                None
                if sound or header
                else "the first row does not begin with two chromosomes, each with start and end"
            )
    return "there are no rows"


def _is_header(fields: list[str]) -> bool:
    return len(fields) >= 6 and [f.lower() for f in fields[1:3]] == ["start1", "end1"]


def read_events(source: TextFile, faults: FaultList, sample: str) -> Found:
    """Read the rearrangements of a BEDPE.

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
    found = Found(source.name, [], digests={source.name: source.digest})
    tail: list[str] | None = None
    brass = annotated = False
    for row, line in enumerate(source.data.decode("utf-8").split("\n"), start=1):
        fields = [f.strip() for f in line.split("\t")]
        first = [line.lstrip("# ").split("\t")[0].strip(), *fields[1:]]
        if _is_header(first):
            tail, brass = first[FIXED:], brass or "brass_score" in first
            annotated = brass and any(t in ("svclass", "gene", "gene1") for t in tail)
        elif line.startswith("#"):
            brass = brass or "brass" in line.lower()
        elif line.strip():
            if tail is None and len(fields) == FIXED + len(BRASS_TAIL) and fields[FIXED + 1].lower() in CLASSES:
                tail, annotated = BRASS_TAIL, True
            event = _event(source.name, row, fields, tail, annotated, faults)
            if event is not None:
                event.samples = event.samples or [(sample, float("nan"), float("nan"))]
                found.events.append(event)
    if not found.events and not len(faults):
        raise fail(source.name, "the file holds no rearrangement", "Export it again with its rows.")
    return found


def _event(
    name: str, row: int, fields: list[str], tail: list[str] | None, annotated: bool, faults: FaultList
) -> Event | None:
    before = len(faults)
    if len(fields) < 6:
        faults.add(
            name, "the row has fewer than the six fields of BEDPE", AS_WRITTEN, row=row, value=f"{len(fields)} fields"
        )
        return None
    strands = [_strand(name, row, f"strand{i + 1}", fields, 8 + i, faults) for i in (0, 1)]
    if annotated:
        strands[1] = {"+": "-", "-": "+"}.get(strands[1], "")
    ends = [_end(name, row, fields[3 * i : 3 * i + 3], strands[i], i, faults) for i in (0, 1)]
    extra = _extra(name, row, fields[FIXED:], tail, annotated, faults)
    if len(faults) > before:
        return None
    if not ends[0].chrom and not ends[1].chrom:
        faults.add(name, "neither end has a place", AS_WRITTEN, row=row)
        return None
    first, second = ordered(*ends)
    stated = next((extra[k].lower() for k in ("svclass", "svtype", "type", "sv_type") if k in extra), "")
    kind = CLASSES.get(stated, kind_of_ends(first, second))
    if kind == "rearrangement":
        kind = kind_of_ends(first, second)
    genes = [extra[k] for k in ("gene1", "gene2") if extra.get(k, "_") not in NONE]
    event = Event(kind, row, (first, second), [], list(dict.fromkeys(genes)), _known(fields, 6))
    _add_evidence(name, event, extra, faults)
    event.attributes |= {"score": fields[7]} if _known(fields, 7) else {}
    event.attributes |= {k: v for k, v in extra.items() if v not in NONE[:4] and k not in READ_NAMES}
    return event


def _known(fields: list[str], i: int) -> str:
    return fields[i] if i < len(fields) and fields[i] not in ("", ".") else ""


def _strand(name: str, row: int, column: str, fields: list[str], i: int, faults: FaultList) -> str:
    text = fields[i] if i < len(fields) else ""
    if text in ("+", "-"):
        return text
    if text in ("1", "-1"):
        return "+" if text == "1" else "-"
    if text not in ("", ".", "*", "0", "?"):
        faults.add(name, "the strand is neither + nor -", AS_WRITTEN, row=row, column=column, value=text)
    return ""


def _end(name: str, row: int, fields: list[str], strand: str, i: int, faults: FaultList) -> End:
    """Read chromosome, start and end, counted from 0."""
    chrom, start, end = fields
    if chrom in ("", ".", "-1"):
        return NOWHERE
    numbers = []
    for column, text in ((f"start{i + 1}", start), (f"end{i + 1}", end)):
        if not (text.isascii() and text.isdigit() and len(text) < 13):
            faults.add(name, "the position is not a whole number", AS_WRITTEN, row=row, column=column, value=text)
            return NOWHERE
        numbers.append(int(text))
    lo, hi = numbers
    if hi < lo:
        faults.add(name, "the end lies before the start", AS_WRITTEN, row=row, column=f"end{i + 1}", value=end)
    lo = min(lo + 1, hi) if hi > 0 else lo + 1
    return End(chrom, lo, strand, lo, max(lo, hi))


def _extra(
    name: str, row: int, rest: list[str], tail: list[str] | None, annotated: bool, faults: FaultList
) -> dict[str, str]:
    """Return the fields after the tenth by name."""
    rest = list(rest)
    if tail is None:
        return {f"column{FIXED + 1 + i}": text for i, text in enumerate(rest) if text}
    if len(rest) != len(tail) and len(rest) > 1 and rest[1].startswith("Chr."):
        tail = BRASS_ASSEMBLED_TAIL
    while len(rest) > len(tail) and not rest[-1]:
        rest.pop()
    if len(rest) > len(tail) or (len(rest) < len(tail) and not annotated):
        faults.add(
            name,
            f"the row does not have the header's {FIXED + len(tail)} fields",
            AS_WRITTEN,
            row=row,
            value=f"{FIXED + len(rest)} fields",
        )
    out: dict[str, str] = {}
    for key, text in zip(tail, rest, strict=False):
        key = key.strip() or "column"
        if key == "gene" and "gene1" not in out:
            key = "gene1"
        elif key in out or (key == "gene" and "gene1" in out):
            key = "gene2" if key == "gene" else f"{key}.2"
        out[key] = text
    return out


def _add_evidence(name: str, event: Event, extra: dict[str, str], faults: FaultList) -> None:
    """Take the sample and its reads."""
    nan = float("nan")
    evidence = nan
    for key in COUNTS:
        text = extra.get(key, "")
        if text in NONE:
            continue
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            faults.add(name, "the read count is not a whole number", AS_WRITTEN, row=event.row, column=key, value=text)
        else:
            evidence = float(text)
        break
    samples = [s for s in re.split(r"[,;]", extra.get("sample", "")) if s not in NONE]
    alone = len(samples) == 1  # the reads of several samples are not told apart
    if samples:
        event.samples = [(s, evidence if alone else nan, nan) for s in dict.fromkeys(samples)]
        extra.pop("sample")
    elif evidence == evidence:
        event.attributes["reads"] = f"{evidence:g}"
