"""Reads in the FORMAT fields of a VCF: one rule a caller, chosen by the fields that a record has.

| rule | fields | alt reads | all reads |
|---|---|---|---|
| cgpvaf | MTR, DEP | MTR | DEP |
| caveman | FAZ .. RTZ, or AA, CA, GA, TA | those with the alt base, both strands | all four bases |
| pindel | FC, FD, else PU, NU, PR, NR | FC, else PU + NU | FD, else PR + NR |
| strelka | AU, CU, GU, TU | tier 1 of the alt base | tier 1 of all four |
| strelka indel | TAR, TIR | tier 1 of TIR | tier 1 of TAR + TIR |
| varscan | RD, AD of one number | AD | RD + AD |
| ad | AD of one number an allele, DP | that of the allele | DP, at least the sum of AD |
| freebayes | RO, AO | that of the allele | DP, at least RO + AO |
| platypus | NR, NV | that of the allele | that of the allele |
| dp4 | DP4 | last two | all four |
| vardict | VD, DP | VD | DP |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

MISSING = -1
Fields = Mapping[str, str]
Pair = tuple[int, int]
NONE: Pair = (MISSING, MISSING)
BASES = "ACGT"


class NotACountError(ValueError):
    """A field that must hold counts holds something else; says which field and what."""

    def __init__(self, field: str, text: str) -> None:
        self.field, self.text = field, text
        super().__init__(f"{field}={text}")


def whole(fields: Fields, key: str) -> int:
    """Return one count, -1 if it is missing.

    Raises
    ------
    NotACountError
        If the field holds something else.
    """
    text = fields.get(key, "")
    if text.isdigit() and text.isascii() and len(text) < 9:
        return int(text)
    if text.strip() in ("", "."):
        return MISSING
    raise NotACountError(key, text)


def several(fields: Fields, key: str) -> list[int]:
    """Return the counts of a field with commas, -1 where one is missing."""
    return [whole({key: part}, key) for part in fields.get(key, "").split(",")]


def _sum(values: list[int]) -> int:
    return MISSING if MISSING in values else sum(values)


def _cgpvaf(f: Fields, ref: str, alts: list[str], i: int) -> Pair:
    return whole(f, "MTR"), whole(f, "DEP")


def _caveman(f: Fields, ref: str, alts: list[str], i: int) -> Pair:
    if len(ref) != 1 or len(alts[i]) != 1 or alts[i] not in BASES:
        return NONE
    if "FAZ" in f:
        by_base = {b: _sum([whole(f, f"F{b}Z"), whole(f, f"R{b}Z")]) for b in BASES}
    else:
        by_base = {b: whole(f, f"{b}A") for b in BASES}
    return by_base[alts[i]], _sum(list(by_base.values()))


def _pindel(f: Fields, ref: str, alts: list[str], i: int) -> Pair:
    if "FC" in f and "FD" in f:
        alt, depth = whole(f, "FC"), whole(f, "FD")
    else:
        alt, depth = _sum([whole(f, "PU"), whole(f, "NU")]), _sum([whole(f, "PR"), whole(f, "NR")])
    # Reads that only Pindel placed are not among the mapped ones.
    return alt, depth if depth == MISSING else max(alt, depth)


def _strelka(f: Fields, ref: str, alts: list[str], i: int) -> Pair:
    if len(ref) != 1 or alts[i] not in tuple(BASES):
        return NONE
    tier = {b: several(f, f"{b}U")[0] for b in BASES}
    return tier[alts[i]], _sum(list(tier.values()))


def _strelka_indel(f: Fields, ref: str, alts: list[str], i: int) -> Pair:
    if len(alts) > 1:  # one count for all alternative alleles: whose reads they are is not said
        return NONE
    alt, other = several(f, "TIR")[0], several(f, "TAR")[0]
    return alt, _sum([alt, other])


def _varscan(f: Fields, ref: str, alts: list[str], i: int) -> Pair:
    values = several(f, "AD")
    if len(values) != 1 or len(alts) > 1:
        return _ad(f, ref, alts, i)
    return values[0], _sum([values[0], whole(f, "RD")])


def _ad(f: Fields, ref: str, alts: list[str], i: int) -> Pair:
    values = several(f, "AD")
    if len(values) != len(alts) + 1:
        return NONE
    total = _sum(values)
    return values[i + 1], total if total == MISSING else max(total, whole(f, "DP"))


def _freebayes(f: Fields, ref: str, alts: list[str], i: int) -> Pair:
    values = several(f, "AO")
    if len(values) != len(alts):
        return NONE
    total = _sum([whole(f, "RO"), *values])
    return values[i], total if total == MISSING else max(total, whole(f, "DP"))


def _platypus(f: Fields, ref: str, alts: list[str], i: int) -> Pair:
    alt, depth = several(f, "NV"), several(f, "NR")
    return (alt[i], depth[i]) if len(alt) == len(depth) == len(alts) else NONE


def _dp4(f: Fields, ref: str, alts: list[str], i: int) -> Pair:
    values = several(f, "DP4")
    return (_sum(values[2:]), _sum(values)) if len(values) == 4 and len(alts) == 1 else NONE


def _vardict(f: Fields, ref: str, alts: list[str], i: int) -> Pair:
    return (whole(f, "VD"), whole(f, "DP")) if len(alts) == 1 else NONE


Rule = Callable[[Fields, str, list[str], int], Pair]

RULES: tuple[tuple[str, frozenset[str], Rule], ...] = tuple(
    (name, frozenset(keys.split()), rule)
    for name, keys, rule in (
        ("cgpvaf", "MTR DEP", _cgpvaf),
        ("caveman", "FAZ FCZ FGZ FTZ RAZ RCZ RGZ RTZ", _caveman),
        ("caveman", "AA CA GA TA", _caveman),
        ("pindel", "PU NU PR NR", _pindel),
        ("strelka", "AU CU GU TU", _strelka),
        ("strelka", "TAR TIR", _strelka_indel),
        ("varscan", "RD AD", _varscan),
        ("", "AD", _ad),
        ("freebayes", "RO AO", _freebayes),
        ("platypus", "NR NV", _platypus),
        ("", "DP4", _dp4),
        ("vardict", "VD DP", _vardict),
    )
)
"""Caller, the fields that a record must have, and the rule; the first that fits is used."""


def rule_for(keys: list[str]) -> tuple[str, Rule | None]:
    """Return the caller that the fields of a record give away, "" if several write them, and the rule.

    Parameters
    ----------
    keys
        The keys of FORMAT.

    Examples
    --------
    >>> rule_for(["GT", "AU", "CU", "GU", "TU"])[0], rule_for(["GT"])
    ('strelka', ('', None))
    """
    there = frozenset(keys)
    for name, needed, rule in RULES:
        if needed <= there:
            return name, rule
    return "", None


def counts_of(rule: Rule, fields: Fields, ref: str, alts: list[str], i: int) -> Pair:
    """Return alt reads and all reads of one sample and one alternative allele; both -1 if either is unknown.

    Parameters
    ----------
    rule
        From `rule_for`.
    fields
        The sample's fields by key.
    ref, alts, i
        The record's alleles, and which alternative one is asked for.

    Raises
    ------
    NotACountError
        If a field holds no counts, or if there are more alt reads than reads.
    """
    alt, depth = rule(fields, ref, alts, i)
    if MISSING in (alt, depth):
        return NONE
    if alt > depth:
        raise NotACountError("alt reads", f"{alt} of {depth}")
    return alt, depth
