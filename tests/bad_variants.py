"""Faulty files of variants, events and references as data: what is wrong, how it is made, what the message must say."""

from __future__ import annotations

import codecs
import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import good_events as e
import good_variants as g

CAVEMAN, MUTECT, MAF = g.caveman(), g.mutect2(), g.maf()


@dataclass(frozen=True)
class BadVariants:
    """One faulty input.

    Parameters
    ----------
    name
        What is wrong with it; the first word is the command that reads it.
    make
        Writes it into a folder and returns the arguments of the command, without the output.
    file
        File that the message must name.
    row
        Row that the message must name, if a row is at fault.
    says
        Fragments that the message must have.
    """

    name: str
    make: Callable[[Path], list[str]]
    file: str
    row: int | None = None
    says: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """The command that reads it."""
        return self.name.split(":")[0]


def _sites(name: str, text: str | bytes, row: int | None, *says: str, file: str = "calls.vcf") -> BadVariants:
    return BadVariants(f"sites: {name}", lambda d: [str(g.write(d, file, text))], file, row, says)


def _events(name: str, file: str, text: str | bytes, row: int | None, *says: str) -> BadVariants:
    return BadVariants(f"events: {name}", lambda d: [str(e.event_file(d, file, text))], file, row, says)


def _cell(text: str, row: int, column: int, value: str) -> str:
    """Change one cell; rows are counted from 1, columns from 0."""
    lines = text.split("\n")
    fields = lines[row - 1].split("\t")
    fields[column] = value
    lines[row - 1] = "\t".join(fields)
    return "\n".join(lines)


def _header_row(text: str) -> int:
    return 1 + next(i for i, line in enumerate(text.split("\n")) if line.startswith("#CHROM"))


FIRST = _header_row(CAVEMAN) + 1
M_FIRST = _header_row(MUTECT) + 1
BGZIP = g.bgzip(CAVEMAN.encode())[0]


def _two(first: str, second: str, *more: str) -> Callable[[Path], list[str]]:
    return lambda d: [str(g.write(d, "one.vcf", first)), str(g.write(d, "two.vcf", second)), *more]


def _build(length: int, prefix: str = "") -> str:
    return CAVEMAN.replace(g.contigs(), f"##contig=<ID={prefix}1,length={length}>\n")


def _reference(kind: str = "plain", **files: str | bytes) -> Callable[[Path], list[str]]:
    """Calls with a reference; `fa`, `fai` and `gzi` replace its files."""

    def make(folder: Path) -> list[str]:
        path = g.reference(folder, kind)
        for suffix, content in files.items():
            target = path if suffix == "fa" else path.with_name(f"{path.name}.{suffix}")
            target.write_bytes(content if isinstance(content, bytes) else content.encode())
        return [str(g.write(folder, "calls.vcf", CAVEMAN)), "--reference", str(path)]

    return make


def _against(text: str, name: str = "calls.vcf") -> Callable[[Path], list[str]]:
    return lambda d: [str(g.write(d, name, text)), "--reference", str(g.reference(d))]


def _named(*names: str, text: str = "") -> Callable[[Path], list[str]]:
    return lambda d: [f"{n}={g.write(d, 'calls.vcf', text or CAVEMAN)}" for n in names]


SHIFTED = CAVEMAN
for _old, _new in (("400", "402"), ("500", "503"), ("600", "606"), ("700", "709")):
    SHIFTED = SHIFTED.replace(f"\n1\t{_old}\t", f"\n1\t{_new}\t")
PACKED_FASTA, GZI = g.bgzip(g.fasta().encode())
SITES = "chrom\tpos\tref\talt\n1\t400\tA\tT\n1\t500\tAC\tA\n"

VCF = (
    _sites("empty file", "", None, "empty"),
    _sites("truncated gzip", gzip.compress(CAVEMAN.encode(), mtime=0)[:-30], None, "truncated"),
    _sites("bgzip cut between blocks", BGZIP[: -len(g.END_OF_BGZIP)], None, "bgzip file is truncated"),
    _sites("bgzip cut within a block", BGZIP[:-90], None, "bgzip file is truncated"),
    _sites("bgzip with a damaged block", BGZIP[:60] + b"\xff\xff" + BGZIP[62:], None, "damaged"),
    _sites("UTF-16", codecs.BOM_UTF16_LE + CAVEMAN.encode("utf-16-le"), None, "UTF-16"),
    _sites("Latin-1", CAVEMAN.replace("Mutant", "M\xfctant").encode("latin-1"), 4, "not UTF-8"),
    _sites("a BAM", gzip.compress(b"BAM\x01" + bytes(60), mtime=0), None, "aligned reads"),
    _sites("a CRAM", b"CRAM\x03\x00" + bytes(60), None, "aligned reads"),
    _sites("a damaged BCF", gzip.compress(b"BCF\x02\x02" + bytes(99), mtime=0), None, "BCF file is damaged"),
    _sites(
        "no header line", "\n".join(x for x in CAVEMAN.split("\n") if "#CHROM" not in x), None, "#CHROM is not there"
    ),
    _sites("header with spaces", CAVEMAN.replace("#CHROM\tPOS", "#CHROM POS"), FIRST - 1, "separated by tabs"),
    _sites("sample twice", MUTECT.replace("\tr1\n", "\td0\n"), M_FIRST - 1, "two sample columns", "'d0'"),
    _sites("sample without a name", MUTECT.replace("\tr1\n", "\t\n"), M_FIRST - 1, "no name"),
    _sites("a field too few", CAVEMAN.replace("PASS\tDP", "PASS DP", 1), FIRST, "11 fields"),
    _sites("a record cut", CAVEMAN[:-60], FIRST + 3, "fields"),
    _sites("no chromosome", _cell(CAVEMAN, FIRST, 0, ""), FIRST, "no chromosome"),
    _sites("position of letters", _cell(CAVEMAN, FIRST + 1, 1, "5e2"), FIRST + 1, "POS", "'5e2'", "not a whole number"),
    _sites("position negative", _cell(CAVEMAN, FIRST, 1, "-4"), FIRST, "not a whole number"),
    _sites("position 0", _cell(CAVEMAN, FIRST, 1, "0"), FIRST, "positions begin at 1"),
    _sites("position huge", _cell(CAVEMAN, FIRST, 1, "9" * 30), FIRST, "not a whole number"),
    _sites("reference allele empty", _cell(CAVEMAN, FIRST, 3, ""), FIRST, "REF", "empty"),
    _sites("reference allele of other letters", _cell(CAVEMAN, FIRST, 3, "J"), FIRST, "REF", "'J'"),
    _sites("alternative allele of other letters", _cell(CAVEMAN, FIRST, 4, "A?"), FIRST, "ALT", "'A?'"),
    _sites("alleles the same", _cell(CAVEMAN, FIRST, 4, g.base("1", 400)), FIRST, "are the same"),
    _sites("count of letters", _cell(MUTECT, M_FIRST, 9, "0/1:30,x:0.2:40"), M_FIRST, "AD", "'x'", "read count"),
    _sites("count negative", _cell(MUTECT, M_FIRST, 9, "0/1:30,-4:0.2:40"), M_FIRST, "AD", "'-4'"),
    _sites("count broken", _cell(MUTECT, M_FIRST, 9, "0/1:30,4.5:0.2:40"), M_FIRST, "'4.5'"),
    _sites(
        "more alt reads than reads",
        g.cgpvaf_vcf().replace("9:21:30", "39:21:30"),
        _header_row(g.cgpvaf_vcf()) + 1,
        "alt reads",
        "'39 of 30'",
    ),
    _sites("ASMD of letters", CAVEMAN.replace("ASMD=140.00", "ASMD=high"), FIRST, "ASMD", "'high'", "not a number"),
    _sites("CLPM infinite", CAVEMAN.replace("CLPM=2.50", "CLPM=inf"), FIRST + 1, "CLPM", "'inf'"),
    _sites("rearrangements only", e.brass_vcf(), None, "no site is left", "clonalbayes events"),
    _sites("no records", "\n".join(CAVEMAN.split("\n")[: FIRST - 1]) + "\n", None, "no site is left"),
    _sites("a letter", "Dear sir,\nno variants.\n", None, "no known format of variants", "VCF", "MAF"),
    _sites("header line between records", CAVEMAN + "#CHROM\tPOS\n", FIRST + 4, "between the records"),
)

TABLES = (
    _sites("MAF without rows", MAF.split("\n")[1] + "\n", 1, "no rows", file="p.maf"),
    _sites("MAF position", _cell(MAF, 3, 3, "x"), 3, "Start_Position", "'x'", file="p.maf"),
    _sites("MAF position missing", _cell(MAF, 3, 3, ""), 3, "Start_Position", "missing", file="p.maf"),
    _sites("MAF allele", _cell(MAF, 4, 8, "0"), 4, "Tumor_Seq_Allele2", "'0'", file="p.maf"),
    _sites("MAF reference allele", _cell(MAF, 4, 6, "?"), 4, "Reference_Allele", file="p.maf"),
    _sites("MAF alleles the same", _cell(MAF, 3, 8, g.base("1", 400)), 3, "is the reference", file="p.maf"),
    _sites("MAF count", _cell(MAF, 3, 13, "-1.5"), 3, "t_alt_count", "negative", file="p.maf"),
    _sites("MAF row too long", MAF.replace("PASS\n", "PASS\tx\n", 1), 3, "fields", file="p.maf"),
    _sites("MAF without a chromosome", _cell(MAF, 3, 2, ""), 3, "no chromosome", file="p.maf"),
    _sites("table: position", SITES.replace("400", "1e99"), 2, "pos", file="s.tsv"),
    _sites("table: position 0", SITES.replace("400", "0"), 2, "pos", "below 1", file="s.tsv"),
    _sites("table: allele", SITES.replace("\tA\tT", "\tA\t<DEL>"), 2, "alt", "'<DEL>'", file="s.tsv"),
    _sites("table: alleles the same", SITES.replace("\tA\tT", "\tA\tA"), 2, "reference allele", file="s.tsv"),
    _sites("table: ragged", SITES.replace("\tA\tT", "\tA"), 2, "3 fields", file="s.tsv"),
    _sites(
        "table: reads of one kind",
        "chrom\tpos\tref\talt\tdepth:d0\n1\t4\tA\tT\t9\n",
        1,
        "alt_count:d0 is not there",
        file="s.tsv",
    ),
    BadVariants(
        "contexts: table: site twice",
        lambda d: [str(g.write(d, "s.tsv", SITES + "chr1\t400\tA\tT\n")), "--reference", str(g.reference(d))],
        "s.tsv",
        4,
        ("occurs twice", "'chr1:400'"),
    ),
    _sites(
        "counts without places",
        "mutation_id\tsample_id\tref_counts\talt_counts\nm1\ts\t30\t4\n",
        None,
        "where its mutations are",
        file="p.tsv",
    ),
)

GENOMES = (
    BadVariants("sites: no such file", lambda d: [str(d / "nowhere.vcf")], "nowhere.vcf", None, ("cannot be read",)),
    BadVariants("sites: a folder", lambda d: [str(d)], "", None, ("this is a folder",)),
    BadVariants(
        "sites: two builds", _two(_build(249250621), _build(248956422)), "two.vcf", None, ("on GRCh38", "on GRCh37")
    ),
    BadVariants(
        "sites: unknown builds that differ",
        _two(CAVEMAN, CAVEMAN.replace("length=2000", "length=2001")),
        "two.vcf",
        None,
        ("1 of 3 chromosomes have another length than in one.vcf",),
    ),
    BadVariants(
        "sites: beyond the end of a build",
        lambda d: [str(g.write(d, "calls.vcf", _cell(_build(248956422), FIRST - 2, 1, "249000000")))],
        "calls.vcf",
        FIRST - 2,
        ("beyond their ends in GRCh38", "they fit GRCh37"),
    ),
    BadVariants(
        "sites: many wrong reference alleles", _against(SHIFTED), "calls.vcf", None, ("of 4 reference alleles",)
    ),
    BadVariants(
        "sites: reference without the contigs",
        _against(CAVEMAN.replace("\n1\t", "\n9\t").replace("ID=1,", "ID=9,")),
        "calls.vcf",
        None,
        ("4 of 4 calls lie on contigs that genome.fa does not have",),
    ),
    BadVariants(
        "sites: reference too short",
        _against(_cell(CAVEMAN, FIRST, 1, "2400").replace(g.contigs(), "")),
        "calls.vcf",
        FIRST - 3,
        ("beyond their ends in genome.fa",),
    ),
    BadVariants(
        "sites: reference absent",
        lambda d: [str(g.write(d, "calls.vcf", CAVEMAN)), "--reference", str(d / "g.fa")],
        "g.fa",
        None,
        ("cannot be read",),
    ),
    BadVariants(
        "sites: reference is no FASTA", _reference(fa="ACGT\nACGT\n"), "genome.fa", None, ("does not begin with '>'",)
    ),
    BadVariants("sites: reference empty", _reference(fa=""), "genome.fa", None, ("empty",)),
    BadVariants("sites: reference of headers only", _reference(fa="\n\n"), "genome.fa", None, ("no sequence",)),
    BadVariants(
        "sites: reference names a contig twice",
        _reference(fa=g.fasta() + ">1\nACGT\n"),
        "genome.fa",
        None,
        ("named twice", "'1'"),
    ),
    BadVariants(
        "sites: reference truncated bgzip",
        _reference("bgzip", fa=PACKED_FASTA[:-40]),
        "genome.fa.gz",
        None,
        ("truncated",),
    ),
    BadVariants(
        "sites: reference truncated gzip",
        _reference("gzip", fa=gzip.compress(g.fasta().encode(), mtime=0)[:-50]),
        "genome.fa.gz",
        None,
        ("truncated",),
    ),
    BadVariants(
        "sites: index of another FASTA",
        _reference("indexed", fai=g.fai(width=50)),
        "genome.fa",
        None,
        ("does not fit",),
    ),
    BadVariants(
        "sites: index of a longer FASTA",
        _reference("indexed", fai=g.fai().replace("X\t900", "X\t9000")),
        "genome.fa",
        None,
        ("does not fit",),
    ),
    BadVariants("sites: index damaged", _reference("indexed", fai="1\tx\ty\n"), "genome.fa.fai", 1, (".fai index",)),
    BadVariants("sites: index empty", _reference("indexed", fai="\n"), "genome.fa.fai", None, ("the index is empty",)),
    BadVariants(
        "sites: block index damaged", _reference("bgzip indexed", gzi=GZI[:-5]), "genome.fa.gz.gzi", None, ("damaged",)
    ),
    BadVariants(
        "sites: block index of another file",
        _reference("bgzip indexed", gzi=GZI[:8] + bytes([GZI[8] ^ 9]) + GZI[9:]),
        "genome.fa.gz",
        None,
        ("index .gzi is of another file",),
    ),
    BadVariants(
        "sites: pass-only of unfiltered calls",
        lambda d: [str(g.write(d, "plain.vcf")), "--pass-only"],
        "plain.vcf",
        None,
        ("no record has been filtered",),
    ),
    BadVariants(
        "sites: name for several samples", _named("D0", text=MUTECT), "calls.vcf", None, ("2 tumour samples", "'D0'")
    ),
    BadVariants("sites: name of the normal", _named("PD1b"), "calls.vcf", None, ("another sample",)),
    BadVariants(
        "contexts: another genome",
        lambda d: [str(g.write(d, "calls.vcf", SHIFTED)), "--reference", str(g.reference(d))],
        "calls.vcf",
        None,
        ("reference alleles are not those of genome.fa",),
    ),
    BadVariants(
        "contexts: no chromosome in common",
        lambda d: [str(g.write(d, "s.tsv", SITES.replace("\n1\t", "\n8\t"))), "--reference", str(g.reference(d))],
        "s.tsv",
        None,
        ("2 of 2 mutations lie on chromosomes that genome.fa does not have",),
    ),
)

BEDPE, BRASS, AIRR, MIXCR, DRIVERS = e.plain_bedpe(), e.brass_vcf(), e.airr(), e.mixcr(), e.drivers()
B_FIRST = _header_row(BRASS) + 1
MANTA = e.manta()
T_FIRST = _header_row(MANTA) + 1
TABLE = "event\tkind\tchrom1\tpos1\tsample\tevidence\nx\tdeletion\t1\t5\td0\t3\n"

EVENTS = (
    _events("a letter", "x.tsv", "Dear sir,\nno events.\n", None, "no known format of events", "BEDPE"),
    _events("small variants", "x.vcf", CAVEMAN, None, "small variants only", "clonalbayes sites"),
    _events("BEDPE position", "x.bedpe", _cell(BEDPE, 2, 1, "1,000"), 2, "start1", "'1,000'"),
    _events("BEDPE end before start", "x.bedpe", _cell(BEDPE, 2, 2, "9"), 2, "before the start"),
    _events("BEDPE strand", "x.bedpe", _cell(BEDPE, 3, 8, "left"), 3, "strand1", "'left'"),
    _events("BEDPE too few fields", "x.bedpe", BEDPE + "1\t2\t3\n", 5, "six fields"),
    _events("BEDPE row longer than the header", "x.bedpe", BEDPE.replace("\tx\n", "\tx\ty\tz\n", 1), 2, "12 fields"),
    _events("BEDPE without places", "x.bedpe", BEDPE + ".\t-1\t-1\t.\t-1\t-1\td\t.\t.\t.\tDEL\tx\n", 5, "neither end"),
    _events(
        "BEDPE count",
        "x.bedpe",
        _cell(BEDPE, 2, 7, "0").replace("svmethod", "read_support").replace("DEL\tx", "DEL\tmany"),
        2,
        "read_support",
        "'many'",
    ),
    _events("BEDPE header only", "x.bedpe", BEDPE.split("\n")[0] + "\n", None, "no rows"),
    _events("VCF interval", "x.vcf", BRASS.replace("CIPOS=0,20", "CIPOS=0", 1), B_FIRST, "CIPOS", "two whole numbers"),
    _events("VCF reads", "x.vcf", BRASS.replace("\t0\t15\n", "\t0\tmany\n", 1), B_FIRST, "RC", "'many'"),
    _events(
        "VCF without the other end",
        "x.vcf",
        MANTA.replace("END=899;SVTYPE=DEL;SVLEN=-800", "SVTYPE=DEL"),
        T_FIRST,
        "no position",
    ),
    _events("VCF end of letters", "x.vcf", MANTA.replace("END=899", "END=far"), T_FIRST, "'far'"),
    _events("VCF position", "x.vcf", _cell(MANTA, T_FIRST, 1, "ten"), T_FIRST, "POS"),
    _events("AIRR column missing", "x.tsv", AIRR.replace("rev_comp", "reverse"), 1, "rev_comp", "AIRR requires"),
    _events("AIRR boolean", "x.tsv", AIRR.replace("\ttrue\t", "\tyes\t"), 3, "productive", "'yes'"),
    _events("AIRR junction", "x.tsv", AIRR.replace("tgtgcgtgg", "CAW!"), 3, "junction", "'CAW!'"),
    _events("AIRR count", "x.tsv", AIRR.replace("\t40\t", "\t-40\t"), 2, "duplicate_count", "negative"),
    _events("AIRR ragged", "x.tsv", AIRR.replace("\td0\n", "\n", 1), 2, "fields"),
    _events("MiXCR count", "x.tsv", MIXCR.replace("294.0", "lots"), 2, "cloneCount", "'lots'"),
    _events("MiXCR count missing", "x.tsv", MIXCR.replace("294.0", ""), 2, "cloneCount", "missing"),
    _events("MiXCR fraction", "x.tsv", MIXCR.replace("\t0.5\t", "\t50\t"), 2, "cloneFraction", "larger than 1"),
    _events("MiXCR header only", "x.tsv", MIXCR.split("\n")[0] + "\n", 1, "no rows"),
    _events("drivers: no gene", "x.tsv", _cell(DRIVERS, 2, 0, ""), 2, "no gene"),
    _events("drivers: no place", "x.tsv", _cell(DRIVERS, 4, 5, ""), 4, "neither a mutation nor a place"),
    _events("drivers: position", "x.tsv", _cell(DRIVERS, 2, 2, "q13"), 2, "pos", "'q13'"),
    _events("drivers: allele", "x.tsv", _cell(DRIVERS, 2, 3, "Leu"), 2, "ref", "'Leu'"),
    _events("drivers: more alt reads than reads", "x.tsv", _cell(DRIVERS, 2, 7, "99"), 2, "more alt reads"),
    _events("drivers: column twice", "x.tsv", DRIVERS.replace("note", "gene"), 1, "twice"),
    _events("table: kind", "x.tsv", TABLE.replace("deletion", "loss"), 2, "kind", "'loss'", "translocation"),
    _events("table: evidence", "x.tsv", TABLE.replace("\t3\n", "\t-3\n"), 2, "evidence", "negative"),
    _events("table: no name", "x.tsv", TABLE.replace("\nx\t", "\n\t"), 2, "event", "no name"),
    BadVariants(
        "events: two builds",
        lambda d: [
            str(e.event_file(d, f"{n}.vcf", e.delly().replace(g.contigs(), f"##contig=<ID=1,length={n}>\n")))
            for n in (249250621, 248956422)
        ],
        "248956422.vcf",
        None,
        ("on GRCh38",),
    ),
    BadVariants(
        "events: a negative tolerance",
        lambda d: [str(e.event_file(d, "plain.bedpe")), "--slop", "-3"],
        "slop",
        None,
        ("negative", "'-3'"),
    ),
    BadVariants(
        "events: name for several samples",
        lambda d: [f"D0={e.event_file(d, 'airr.tsv')}"],
        "airr.tsv",
        None,
        ("2 tumour samples",),
    ),
)

CASES = (*VCF, *TABLES, *GENOMES, *EVENTS)
