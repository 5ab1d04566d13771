"""From a VCF to the calls in it."""

from __future__ import annotations

import re

import numpy as np

from clonalbayes.data.readers.text import TextFile
from clonalbayes.faults import FaultList

from .alleles import BASES, REFERENCE_BASES
from .calls import NO_EVIDENCE, Calls, Collector, Evidence, Pair, is_called
from .counts import MISSING, NONE, NotACountError, Rule, counts_of, rule_for
from .vcf import NORMAL, Header, Record, read_header, records

FORMAT = "vcf"
MEANING = "VCF or BCF of any caller"

_CALLERS = (
    ("caveman", r"caveman"),
    ("pindel", r"pindel"),
    ("mutect2", r"mutect ?2|\bm2\b|mutect"),
    ("strelka", r"strelka"),
    ("varscan", r"varscan"),
    ("freebayes", r"freebayes"),
    ("platypus", r"platypus"),
    ("vardict", r"vardict"),
    ("haplotypecaller", r"haplotypecaller"),
    ("bcftools", r"bcftools_call"),
)
COUNT_REMEDY = "Read counts are whole numbers from 0, and alt reads are among all reads; '.' means unknown."
MNV_KEY = re.compile(r"(.+)_(\d+)")
SKIPPED = {
    "*": "alleles '*' (a deletion that other records describe) left out",
    ".": "records without an alternative allele left out",
    "<NON_REF>": "alleles <NON_REF> (reference blocks) left out",
    "<*>": "alleles <*> (reference blocks) left out",
}
STRUCTURAL = "symbolic alleles and breakends left out: read them with `clonalbayes events`"


def read_calls(source: TextFile, faults: FaultList, split_mnv: bool = False) -> Calls:
    """Read the calls of a VCF.

    Parameters
    ----------
    source
        The file, from `read_vcf_text`.
    faults
        Takes what is wrong.
    split_mnv
        Whether substitutions of several bases become one call a base.

    Returns
    -------
    Calls
    """
    header = read_header(source)
    reader = _Reader(header, faults, split_mnv)
    for record in records(source, header, faults):
        reader.add(record)
    calls = reader.collector.finish()
    calls.contigs, calls.build = header.contigs, header.build
    calls.digests = {source.name: source.digest}
    if not source.data.startswith(b"##fileformat=VCF"):
        calls.notes.append(f"{source.name}: the line ##fileformat is not there; read as VCF")
    return calls


class _Reader:
    """Turns the records of one file into calls."""

    def __init__(self, header: Header, faults: FaultList, split_mnv: bool) -> None:
        self.header, self.faults = header, faults
        self.collector = Collector(header.name, header.names, header.roles, split_mnv)
        self.alone = sum(role != NORMAL for role in header.roles) == 1
        self.caller = _caller(header)
        self.formats: dict[str, tuple[list[str], str, Rule | None]] = {}

    def add(self, record: Record) -> None:
        """Add the alternative alleles of one record."""
        if not REFERENCE_BASES.fullmatch(record.ref):
            self._fault(record, "the reference allele is not a sequence of bases", "REF", record.ref)
            return
        if record.pos < 1 and all(BASES.fullmatch(a.upper()) for a in record.alts):
            self._fault(record, "the position is 0: positions begin at 1", "POS", "0")
            return
        before = len(self.faults)
        evidence = self._evidence(record)
        keys, caller, rule = self._format(record.format)
        fields = [dict(zip(keys, text.split(":"), strict=False)) for text in record.samples]
        alts = [a.strip().upper() for a in record.alts]
        for i, alt in enumerate(alts):
            if len(self.faults) == before and self._usable(record, alt):
                self._add_allele(record, alts, i, fields, caller, rule, evidence)

    def _usable(self, record: Record, alt: str) -> bool:
        if alt in SKIPPED or not alt or alt[0] == "<" or "[" in alt or "]" in alt or alt[0] == "." or alt[-1] == ".":
            self.collector.left_out[SKIPPED.get(alt, STRUCTURAL)] += 1
            return False
        if not BASES.fullmatch(alt):
            self._fault(record, "the alternative allele is not a sequence of bases", "ALT", alt)
            return False
        if alt == record.ref:
            self._fault(record, "the reference and the alternative allele are the same", "ALT", alt)
            return False
        return True

    def _format(self, text: str) -> tuple[list[str], str, Rule | None]:
        """Return the keys of a FORMAT, who writes it, and how its reads are counted."""
        if text not in self.formats:
            keys = text.split(":")
            name, rule = rule_for(keys)
            if rule is None and any(MNV_KEY.fullmatch(k) for k in keys):
                name, rule = rule_for([k.removesuffix("_1") for k in keys])
            self.formats[text] = (keys, name or self.caller, rule)
        return self.formats[text]

    def _add_allele(
        self,
        record: Record,
        alts: list[str],
        i: int,
        fields: list[dict[str, str]],
        caller: str,
        rule: Rule | None,
        evidence: Evidence,
    ) -> None:
        try:
            by_base = _by_base(rule, fields, record.ref, alts[i])
            reads = _least(by_base) if by_base else _reads(rule, fields, record.ref, alts, i)
        except NotACountError as error:
            self._fault(record, "the field does not hold a read count", error.field, error.text)
            return
        if rule is not None and reads and all(r == NONE for r in reads) and len(alts) > 1:
            self.collector.left_out["alleles of several at one record have no counts of their own: counts missing"] += 1
        roles = self.header.roles
        called = [
            is_called(roles[j], self.alone, reads[j][0], f.get("GT", f.get("GT_1", "")), i + 1)
            if "OFS" not in f
            else f["OFS"] not in ("NA", ".", "") and roles[j] != NORMAL
            for j, f in enumerate(fields)
        ]
        self.collector.add(
            (record.chrom, record.pos, record.ref, alts[i]),
            reads=reads,
            called=called,
            row=record.row,
            caller=caller,
            filter="" if record.filter == "." else record.filter,
            evidence=evidence,
            id="" if record.id == "." else record.id,
            qual="" if record.qual == "." else record.qual,
            by_base=by_base,
        )

    def _evidence(self, record: Record) -> Evidence:
        """Return ASMD, ASRD and CLPM; the worst base of an MNV counts."""
        if "AS" not in record.info and "CLPM" not in record.info:
            return NO_EVIDENCE
        low = [self._least_info(record, key) for key in ("ASMD", "ASRD")]
        return low[0], low[1], -self._least_info(record, "CLPM", -1.0)

    def _least_info(self, record: Record, key: str, sign: float = 1.0) -> float:
        if key not in record.info:
            return np.nan
        values = []
        by_base = range(1, min(len(record.ref), 20) + 1) if len(record.ref) > 1 else ()
        for name in (key, *(f"{key}_{i}" for i in by_base)):
            text = record.info_value(name)
            if text is None or text in ("", ".", "NA", "nan", "NaN"):
                continue
            try:
                value = float(text)
            except ValueError:
                value = np.nan
            if not np.isfinite(value):
                self._fault(record, "the value is not a number", name, text)
                continue
            values.append(sign * value)
        return min(values, default=np.nan)

    def _fault(self, record: Record, message: str, column: str, value: str) -> None:
        remedy = COUNT_REMEDY if "count" in message else "Use the file as the caller wrote it, or correct the record."
        self.faults.add(self.header.name, message, remedy, row=record.row, column=column, value=value)


def _reads(rule: Rule | None, fields: list[dict[str, str]], ref: str, alts: list[str], i: int) -> list[Pair]:
    if rule is None:
        return [NONE] * len(fields)
    return [counts_of(rule, f, ref, alts, i) for f in fields]


def _by_base(rule: Rule | None, fields: list[dict[str, str]], ref: str, alt: str) -> list[list[Pair]] | None:
    """Return the reads of each base of CaVEMan's MNVs by sample; None for other records."""
    if (
        rule is None
        or not fields
        or len(ref) != len(alt)
        or len(ref) < 2
        or not any(k.endswith("_1") for k in fields[0])
    ):
        return None
    out = []
    for j in range(1, len(ref) + 1):
        one = [{k.removesuffix(f"_{j}"): v for k, v in f.items() if k.endswith(f"_{j}")} for f in fields]
        out.append(_reads(rule, one, ref[j - 1], [alt[j - 1]], 0))
    return out


def _least(by_base: list[list[Pair]]) -> list[Pair]:
    """Return the reads of a whole MNV: at most those of its least supported base."""
    out = []
    for sample in zip(*by_base, strict=True):
        known = [pair for pair in sample if pair != NONE]
        whole = len(known) == len(sample)
        out.append(min(known, key=lambda pair: (pair[0], pair[1])) if whole else (MISSING, MISSING))
    return out


def _caller(header: Header) -> str:
    """Name the caller by the header's lines, `vcf` if they do not say."""
    keys = ("source", "source_version", "content", "InputVCFSource", "program")
    said = [v for k in keys for v in header.meta.get(k, [])]
    said += [k for k in header.meta if k not in ("INFO", "FORMAT", "FILTER", "SAMPLE", "contig", "ALT")]
    said += [v for k, values in header.meta.items() if k.startswith(("vcfProcessLog", "source")) for v in values]
    text = " ".join(said)
    return next((name for name, words in _CALLERS if re.search(words, text, flags=re.IGNORECASE)), "vcf")
