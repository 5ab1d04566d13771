"""Small variant files as callers write them, over a small genome; tests change them to make faulty ones."""

from __future__ import annotations

import gzip
import random
import struct
import zlib
from pathlib import Path

END_OF_BGZIP = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")


def _genome() -> dict[str, str]:
    rng = random.Random(7)
    out = {name: "".join(rng.choices("ACGT", k=size)) for name, size in (("1", 2000), ("2", 1500), ("X", 900))}
    # A repeat in which indels can move: CACACACA after a G, and a run of T.
    return {c: s[:200] + "GG" + "CA" * 6 + "T" * 8 + "GACGT" + s[227:799] + "A" + s[800:] for c, s in out.items()}


GENOME = _genome()
REPEAT = 203
"""Position (from 1) of the first C of the repeat CACACACACACA."""
PAIR = str.maketrans("ACGT", "TGCA")


def base(chrom: str, pos: int, size: int = 1) -> str:
    """Bases of the genome from a 1-based position."""
    return GENOME[chrom.removeprefix("chr")][pos - 1 : pos - 1 + size]


def other(letter: str) -> str:
    """A base that is not this one."""
    return letter.translate(PAIR)


def fasta(prefix: str = "", width: int = 60) -> str:
    """The genome as FASTA."""
    lines = []
    for name, sequence in GENOME.items():
        lines.append(f">{prefix}{name} made up")
        lines += [sequence[i : i + width] for i in range(0, len(sequence), width)]
    return "\n".join(lines) + "\n"


def bgzip(data: bytes, block: int = 500) -> tuple[bytes, bytes]:
    """Pack bytes in small blocks; returns the file and its .gzi index."""
    out, marks = b"", []
    for start in range(0, len(data), block):
        if start:
            marks.append((len(out), start))
        part = data[start : start + block]
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        body = packer.compress(part) + packer.flush()
        head = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0" + struct.pack("<H", len(body) + 25)
        out += head + body + struct.pack("<II", zlib.crc32(part), len(part))
    gzi = struct.pack("<Q", len(marks)) + b"".join(struct.pack("<QQ", *m) for m in marks)
    return out + END_OF_BGZIP, gzi


def fai(prefix: str = "", width: int = 60) -> str:
    """The index of `fasta`."""
    offset, lines = 0, []
    for name, sequence in GENOME.items():
        offset += len(f">{prefix}{name} made up\n")
        lines.append(f"{prefix}{name}\t{len(sequence)}\t{offset}\t{width}\t{width + 1}")
        offset += len(sequence) + -(-len(sequence) // width)
    return "\n".join(lines) + "\n"


def reference(folder: Path, kind: str = "plain", prefix: str = "") -> Path:
    """Write the genome: plain, indexed, gzip, bgzip or bgzip indexed."""
    text = fasta(prefix)
    path = folder / ("genome.fa" if kind in ("plain", "indexed") else "genome.fa.gz")
    if kind in ("plain", "indexed"):
        path.write_text(text)
    elif kind == "gzip":
        path.write_bytes(gzip.compress(text.encode(), mtime=0))
    else:
        packed, gzi = bgzip(text.encode())
        path.write_bytes(packed)
        if kind == "bgzip indexed":
            path.with_name(path.name + ".gzi").write_bytes(gzi)
    if kind.endswith("indexed"):
        path.with_name(path.name + ".fai").write_text(fai(prefix))
    return path


def contigs(prefix: str = "") -> str:
    """The contig lines of a VCF header."""
    return "".join(f"##contig=<ID={prefix}{c},length={len(s)}>\n" for c, s in GENOME.items())


def vcf(head: str, columns: str, rows: list[str], prefix: str = "") -> str:
    """A VCF; rows are written with `|` for tabs."""
    fixed = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
    samples = "\tFORMAT\t" + columns.replace(" ", "\t") if columns else ""
    body = "".join(row.replace("|", "\t").replace("/", "|").replace("\\", "/") + "\n" for row in rows)
    return f"##fileformat=VCFv4.2\n{head}{contigs(prefix)}{fixed}{samples}\n{body}"


def _snv(chrom: str, pos: int) -> str:
    ref = base(chrom, pos)
    return f"{chrom}|{pos}|.|{ref}|{other(ref)}"


def _bases(ref: str, n_ref: int, n_alt: int, width: int = 2) -> str:
    """Counts as CaVEMan writes them: four bases on the forward, then four on the reverse strand."""
    forward = dict.fromkeys("ACGT", 0) | {ref: n_ref - n_ref // 2, other(ref): n_alt - n_alt // 2}
    reverse = dict.fromkeys("ACGT", 0) | {ref: n_ref // 2, other(ref): n_alt // 2}
    return ":".join(str(s[b]) for s in (forward, reverse)[:width] for b in "ACGT")


CAVEMAN_HEAD = (
    "##cavemanVersion=1.13\n"
    '##SAMPLE=<ID=NORMAL,Description="Normal",Platform=<HiSeq,GAII>,SampleName=PD1b>\n'
    '##SAMPLE=<ID=TUMOUR,Description="Mutant",SampleName=PD1a>\n'
)
STRANDS = "GT:FAZ:FCZ:FGZ:FTZ:RAZ:RCZ:RGZ:RTZ:PM"


def caveman(tumour: str = "PD1a", shift: int = 0) -> str:
    """CaVEMan after flagging: three SNVs and an MNV."""
    rows = []
    for pos, filter, info, n in (
        (400, "PASS", "ASRD=0.93;CLPM=0.00;ASMD=140.00", 11),
        (500, "UM;MN", "ASRD=0.80;CLPM=2.50;ASMD=99.00", 4),
        (600, "PASS", "ASRD=0.95;CLPM=0.00;ASMD=145.50", 20),
    ):
        ref = base("1", pos + shift)
        cells = f"0/0:{_bases(ref, 40, 0)}:0|0/1:{_bases(ref, 30, n)}:0.3"
        rows.append(f"{_snv('1', pos + shift)}|.|{filter}|DP=99;{info}|{STRANDS}|{cells}")
    first, second = base("1", 700), base("1", 701)
    keys = ":".join(f"{k}_{i}" for i in (1, 2) for k in STRANDS.split(":"))
    normal = f"0/0:{_bases(first, 40, 0)}:0:0/0:{_bases(second, 40, 0)}:0"
    mutant = f"0/1:{_bases(first, 30, 9)}:0.2:0/1:{_bases(second, 32, 7)}:0.2"
    rows.append(
        f"1|700|a;b|{first}{second}|{other(first)}{other(second)}|.|PASS|DP_1=99;DP_2=99|{keys}|{normal}|{mutant}"
    )
    return vcf(CAVEMAN_HEAD.replace("PD1a", tumour), "NORMAL TUMOUR", rows)


def pindel() -> str:
    """A deletion at the right end of the repeat, and an insertion, as cgpPindel writes them."""
    keys = "GT:PP:NP:PB:NB:PD:ND:PR:NR:PU:NU"
    deletion = f"1|{REPEAT + 9}|x|ACA|A|99|PASS|PC=D;LEN=2|{keys}|.:0:0:0:0:9:9:20:20:0:0|.:3:2:1:1:9:9:20:22:3:3"
    at = base("1", 800)
    insertion = f"1|800|y|{at}|{at}GG|99|F004;F012|PC=I;LEN=2|{keys}|.:0:0:0:0:9:9:20:20:0:0|.:1:0:0:0:9:9:20:22:1:0"
    return vcf(
        "##source=pindel\n" + CAVEMAN_HEAD.replace("cavemanVersion", "v"), "NORMAL TUMOUR", [deletion, insertion]
    )


def mutect2() -> str:
    """Mutect2, two tumours and a normal, with a site of two alternative alleles."""
    head = (
        "##source=Mutect2\n##normal_sample=norm\n##tumor_sample=d0\n##tumor_sample=r1\n"
        '##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Depths">\n'
    )
    keys = "GT:AD:AF:DP"
    two = base("1", 400)
    ref = base("2", 300)
    third = next(b for b in "ACGT" if b not in (ref, other(ref)))
    rows = [
        f"{_snv('1', 400)}|.|PASS|TLOD=9|{keys}|0\\1:30,10:0.25:40|0\\0:50,0:0:50|0\\1:60,0:0:61",
        f"2|300|rs1|{ref}|{other(ref)},{third}|.|weak_evidence|TLOD=9,3|{keys}"
        "|0\\1\\2:20,5,2:.:27|0\\0:30,0,0:.:30|0\\1\\2:18,4,0:.:22",
        f"1|{REPEAT - 1}|.|GCA|G|.|PASS|TLOD=4|{keys}|0\\1:33,7:0.1:40|0\\0:50,0:0:.|0\\1:44,2:0.1:46",
    ]
    assert two
    return vcf(head, "d0 norm r1", rows)


def strelka_snv() -> str:
    """Strelka2 SNVs: the samples are only called NORMAL and TUMOR."""
    ref = base("1", 400)
    tier = dict.fromkeys("ACGT", "0,0")
    normal = ":".join({**tier, ref: "40,41"}[b] for b in "ACGT")
    tumour = ":".join({**tier, ref: "31,33", other(ref): "12,14"}[b] for b in "ACGT")
    rows = [f"{_snv('1', 400)}|.|PASS|SOMATIC;QSS=9|DP:FDP:AU:CU:GU:TU|41:0:{normal}|47:0:{tumour}"]
    return vcf("##source=strelka\n", "NORMAL TUMOR", rows)


def strelka_indel() -> str:
    """Strelka2 indels."""
    row = f"1|{REPEAT - 1}|.|GCA|G|.|LowEVS|SOMATIC|DP:TAR:TIR:TOR|50:40,41:0,0:1,1|60:38,39:11,12:2,2"
    return vcf("##source=strelka\n", "NORMAL TUMOR", [row])


def plain_ad() -> str:
    """A VCF without roles of samples, by genotype."""
    rows = [f"{_snv('1', 450)}|30|.|.|GT:AD:DP|0\\1:9,8:17|0\\0:20,0:.|.\\.:.:."]
    return vcf("", "a b c", rows)


def maf() -> str:
    """A MAF: an SNV in two samples, a deletion in the repeat, an insertion."""
    columns = (
        "Hugo_Symbol NCBI_Build Chromosome Start_Position End_Position Variant_Type Reference_Allele "
        "Tumor_Seq_Allele1 Tumor_Seq_Allele2 Tumor_Sample_Barcode Matched_Norm_Sample_Barcode t_depth t_ref_count "
        "t_alt_count n_depth n_ref_count n_alt_count FILTER"
    ).split()
    ref = base("1", 400)
    rows = [
        f"TP53 . 1 400 400 SNP {ref} {ref} {other(ref)} d0 norm 44 30 14 50 50 0 PASS",
        f"TP53 . 1 400 400 SNP {ref} {ref} {other(ref)} r1 norm 60 55 5 50 50 0 PASS",
        f"KRAS . 1 {REPEAT + 10} {REPEAT + 11} DEL CA CA - d0 norm 40 33 7 50 50 0 PASS",
        "NRAS . 1 800 801 INS - - GG d0 norm 40 35 5 . . . common_variant",
    ]
    return "#version 2.4\n" + "".join("\t".join(x) + "\n" for x in (columns, *(r.split() for r in rows)))


def cgpvaf_vcf() -> str:
    """The VCF of cgpVAF: each sample's own filter in OFS."""
    head = (
        "##source=cgpVaf.pl\n##SAMPLE=<ID=NORMAL,SampleName=n1>\n##SAMPLE=<ID=TUMOUR1,SampleName=t1>\n"
        "##SAMPLE=<ID=TUMOUR2,SampleName=t2>\n"
    )
    rows = [f"{_snv('1', 420)}|.|PASS|NS=2|MTR:WTR:DEP:VAF:OFS|0:30:30:0:NA|9:21:30:0.3:PASS|1:39:40:0.02:NA"]
    return vcf(head, "n1 t1 t2", rows)


FILES = {
    "caveman.vcf": caveman,
    "pindel.vcf": pindel,
    "mutect2.vcf": mutect2,
    "strelka_snv.vcf": strelka_snv,
    "strelka_indel.vcf": strelka_indel,
    "plain.vcf": plain_ad,
    "patient.maf": maf,
    "cgpvaf.vcf": cgpvaf_vcf,
}


def write(folder: Path, name: str, text: str | bytes | None = None) -> Path:
    """Write one of `FILES`, or a text, under a name."""
    path = folder / name
    data = FILES[name]() if text is None else text
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path
