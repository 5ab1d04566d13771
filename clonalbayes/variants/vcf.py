"""VCF as text: header and records of any age, checked line by line.

The parser asks no more of a header than it needs. Old callers write headers that the common libraries refuse
(undeclared fields, unbalanced brackets); their records are sound. BCF is turned into text by pysam.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from clonalbayes.data.readers.text import TextFile
from clonalbayes.faults import FaultList, fail

from .builds import build_named, build_of
from .packed import BCF_MAGIC, check_whole, first_bytes, read_whole

FIXED = ("CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO")
NORMAL, TUMOUR = "normal", "tumour"
GENERIC = re.compile(r"(normal|tumou?r|primary|mutant|wild_?type|case|control)\d*", re.IGNORECASE)
"""Names of columns that say what a sample is and not which."""
NORMAL_WORDS = re.compile(r"(normal|control|wild_?type)\d*", re.IGNORECASE)
LARGEST_POSITION = 2**40
CONTIG = re.compile(r"##contig=<(?:.*?,)?ID=([^,>]+)")
SAMPLE_ID = re.compile(r"[<,]ID=([^,>]+)")
SAMPLE_NAME = re.compile(r"[<,]SampleName=\"?([^,>\"]+)")
AS_WRITTEN = "Use the file as the caller wrote it; a line may have been cut or edited."


@dataclass
class Header:
    """What the header of a VCF says.

    Parameters
    ----------
    name
        Name of the file.
    contigs
        Length in bases by contig, where stated.
    columns
        Names of the sample columns.
    names
        Name of the sample of each column: that of the header's `SAMPLE` lines where they give one.
    roles
        `normal`, `tumour` or "" of each column.
    meta
        Values of the `##key=value` lines by key.
    row
        Line of `#CHROM`.
    """

    name: str
    contigs: dict[str, int] = field(default_factory=dict)
    columns: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    meta: dict[str, list[str]] = field(default_factory=dict)
    row: int = 0

    @property
    def build(self) -> str | None:
        """The genome build by the contigs' lengths, else by name; None if unknown."""
        found = build_of(self.contigs) if self.contigs else None
        if found is not None:
            return found
        named = {build_named(text) for text in (*self.meta.get("assembly", []), *self.meta.get("reference", []))}
        named.discard(None)
        return named.pop() if len(named) == 1 else None

    def first(self, key: str) -> str:
        """Return the first value of a `##key=value` line, "" if there is none."""
        return self.meta.get(key, [""])[0]


@dataclass(slots=True)
class Record:
    """One line of a VCF, split into fields; `row` is its line number, `pos` is 1-based."""

    row: int
    chrom: str
    pos: int
    id: str
    ref: str
    alts: list[str]
    qual: str
    filter: str
    info: str
    format: str
    samples: list[str]

    def info_value(self, key: str) -> str | None:
        """Return the text of an INFO field; None if it is not there, "" for a flag."""
        if key not in self.info:
            return None
        for part in self.info.split(";"):
            name, _, value = part.partition("=")
            if name == key:
                return value
        return None


def read_vcf_text(path: Path) -> TextFile:
    """Read a VCF, packed or not, or a BCF as the text of a VCF.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    InputError
        If it cannot be read or is truncated.
    """
    if first_bytes(path, 4) == BCF_MAGIC:
        check_whole(path)
        return _bcf_text(path)
    return read_whole(path)


def _bcf_text(path: Path) -> TextFile:
    try:
        import pysam
    except ImportError:
        raise fail(
            path.name,
            "BCF needs the package pysam",
            "Install clonalbayes[sequencing], or convert to VCF (bcftools view).",
        ) from None
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    level = pysam.set_verbosity(0)
    try:
        with pysam.VariantFile(str(path)) as stream:
            text = str(stream.header) + "".join(str(record) for record in stream)
    except (OSError, ValueError, UnicodeDecodeError, NotImplementedError):
        raise fail(path.name, "the BCF file is damaged", "Copy it again, or make it again with bcftools.") from None
    finally:
        pysam.set_verbosity(level)
    return TextFile(path, text.encode(), digest)


def refuse(source: TextFile) -> str | None:
    """Return why a text is no VCF, or None if it may be one.

    Parameters
    ----------
    source
        The file.
    """
    head = source.head(1)[0] if source.data else ""
    if head.startswith("##fileformat=VCF") or b"\n#CHROM\tPOS\t" in source.data or source.data.startswith(b"#CHROM"):
        return None
    return "there is no line ##fileformat=VCF and no header #CHROM"


def read_header(source: TextFile) -> Header:
    """Read the header of a VCF.

    Parameters
    ----------
    source
        The file.

    Raises
    ------
    InputError
        If there is no line `#CHROM`, or if it is not right.
    """
    header = Header(source.name)
    for row, raw in enumerate(io.BytesIO(source.data), start=1):
        line = raw.decode("utf-8").rstrip("\n")
        if line.startswith("##"):
            _meta_line(header, line)
        elif line.startswith("#"):
            header.row = row
            _columns(header, line)
            return header
        elif line.strip():
            break
    raise fail(source.name, "the header line #CHROM is not there", AS_WRITTEN)


def _meta_line(header: Header, line: str) -> None:
    key, _, value = line[2:].partition("=")
    contig = CONTIG.match(line)
    if contig:
        length = re.search(r"[,<]length=(\d{1,12})(?=[,>]|$)", line)
        header.contigs[contig[1]] = int(length[1]) if length else -1
        assembly = re.search(r"[,<]assembly=\"?([^,>\"]+)", line)
        if assembly and assembly[1] not in header.meta.setdefault("assembly", []):
            header.meta["assembly"].append(assembly[1])
    else:
        header.meta.setdefault(key, []).append(value)


def _columns(header: Header, line: str) -> None:
    """Take the names of the samples from the line `#CHROM`."""
    header.contigs = {c: n for c, n in header.contigs.items() if n > 0}
    fields = line.lstrip("#").split("\t")
    if tuple(fields[:8]) != FIXED:
        raise fail(
            header.name,
            "the header line is not #CHROM, POS, ID, REF, ALT, QUAL, FILTER, INFO, separated by tabs",
            AS_WRITTEN,
            row=header.row,
            value=line,
        )
    header.columns = fields[9:]
    given: dict[str, str] = {}
    for text in header.meta.get("SAMPLE", []):
        identifier, name = SAMPLE_ID.search(text), SAMPLE_NAME.search(text)
        if identifier and name and name[1].strip() not in ("", "."):
            given[identifier[1]] = name[1].strip()
    header.names = [given.get(c, c) for c in header.columns]
    _check_names(header)
    header.roles = _roles(header, given)


def _check_names(header: Header) -> None:
    faults = FaultList()
    for name in dict.fromkeys(n for n in header.names if header.names.count(n) > 1):
        faults.add(
            header.name,
            "two sample columns bear one name",
            "Give each sample a name of its own.",
            row=header.row,
            value=name,
        )
    if any(not n.strip() for n in header.names):
        faults.add(header.name, "a sample column has no name", "Name it in the header line.", row=header.row)
    faults.raise_if_any()


def _roles(header: Header, given: dict[str, str]) -> list[str]:
    normals = {*header.meta.get("normal_sample", []), *(n for c, n in given.items() if NORMAL_WORDS.fullmatch(c))}
    roles = [
        NORMAL if n in normals or c in normals or NORMAL_WORDS.fullmatch(c) else ""
        for c, n in zip(header.columns, header.names, strict=True)
    ]
    tumours = set(header.meta.get("tumor_sample", []))
    some = NORMAL in roles
    return [
        role or (TUMOUR if some or n in tumours or GENERIC.fullmatch(c) else "")
        for role, c, n in zip(roles, header.columns, header.names, strict=True)
    ]


def records(source: TextFile, header: Header, faults: FaultList) -> Iterator[Record]:
    """Go through the records of a VCF; lines that cannot be read become faults.

    Parameters
    ----------
    source, header
        The file and its header.
    faults
        Takes what is wrong.
    """
    width = 8 if not header.columns else 9 + len(header.columns)
    for row, raw in enumerate(io.BytesIO(source.data), start=1):
        if row <= header.row or raw == b"\n":
            continue
        fields = raw.decode("utf-8").rstrip("\n").split("\t")
        if len(fields) != width and not (width == 8 and len(fields) == 9):
            if not raw.strip():
                continue
            if raw.startswith(b"#"):
                faults.add(source.name, "a header line stands between the records", AS_WRITTEN, row=row)
                continue
            faults.add(
                source.name,
                f"the record does not have the header's {width} fields",
                AS_WRITTEN,
                row=row,
                value=f"{len(fields)} fields",
            )
            continue
        if not _sound(source.name, row, fields, faults):
            continue
        chrom, pos, id, ref, alt, qual, filter, info = fields[:8]
        yield Record(
            row,
            chrom.strip(),
            int(pos),
            id,
            ref.strip().upper(),
            alt.strip().split(","),
            qual,
            filter.strip(),
            info,
            fields[8] if width > 8 else "",
            fields[9:],
        )


def _sound(name: str, row: int, fields: list[str], faults: FaultList) -> bool:
    """Check what every record must have: a chromosome, a position and alleles."""
    before = len(faults)
    if not fields[0].strip():
        faults.add(name, "the record names no chromosome", AS_WRITTEN, row=row, column="CHROM")
    pos = fields[1].strip()
    if not (pos.isascii() and pos.isdigit() and len(pos) < 14 and int(pos) < LARGEST_POSITION):
        faults.add(name, "the position is not a whole number", AS_WRITTEN, row=row, column="POS", value=pos)
    for column, text in (("REF", fields[3]), ("ALT", fields[4])):
        if not text.strip():
            faults.add(name, "the allele is empty", AS_WRITTEN, row=row, column=column)
    return len(faults) == before
