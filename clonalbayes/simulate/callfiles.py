"""Files as callers write them, of simulated calls: CaVEMan and cgpPindel VCF, ASCAT and Battenberg segments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from clonalbayes.simulate.fragments import Variant


class Call(NamedTuple):
    """A variant as a caller found it in one sample.

    Parameters
    ----------
    variant
        Contig, position, alleles.
    alt, depth
        Reads in the tumour.
    asmd, clpm
        Median alignment score and clipped bases of the supporting reads, as CaVEMan's flags state them.
    """

    variant: Variant
    alt: int
    depth: int
    asmd: float
    clpm: float


class Segment(NamedTuple):
    """A stretch of one copy-number call: one state, or two with the share of the first."""

    chrom: str
    start: int
    end: int
    first: tuple[int, int]
    share: float = 1.0
    second: tuple[int, int] | None = None


NORMAL_NAME = "unmatched_normal"
_CAVEMAN_INFO = """\
##INFO=<ID=DP,Number=1,Type=Integer,Description="Total Depth">
##INFO=<ID=MP,Number=1,Type=Float,Description="Sum of CaVEMan somatic genotype probabilities">
##INFO=<ID=GP,Number=1,Type=Float,Description="Sum of CaVEMan germline genotype probabilities">
##INFO=<ID=ASMD,Number=1,Type=Float,Description="A soft flag median alignement score of reads showing the variant allele">
##INFO=<ID=CLPM,Number=1,Type=Float,Description="A soft flag median number of soft clipped bases in variant supporting reads">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
"""  # noqa: E501
_CAVEMAN_READS = "".join(
    f'##FORMAT=<ID={strand}{base}Z,Number=1,Type=Integer,Description="Reads presenting a {base} for this position, '
    f'{"forward" if strand == "F" else "reverse"} strand">\n'
    for strand in "FR"
    for base in "ACGT"
)
_PM = '##FORMAT=<ID=PM,Number=1,Type=Float,Description="Proportion of mut allele">\n'
_PINDEL = (
    '##INFO=<ID=PC,Number=1,Type=String,Description="Pindel call">\n'
    '##INFO=<ID=RS,Number=1,Type=Integer,Description="Range start">\n'
    '##INFO=<ID=RE,Number=1,Type=Integer,Description="Range end">\n'
    '##INFO=<ID=LEN,Number=1,Type=Integer,Description="Length">\n'
    '##INFO=<ID=REP,Number=1,Type=Integer,Description="Change repeat count with range">\n'
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
    + "".join(
        f'##FORMAT=<ID={name},Number=1,Type=Integer,Description="{what} on the {strand} strand">\n'
        for names, what in (("PP NP", "Pindel calls"), ("PB NB", "BWA calls"), ("PD ND", "BWA mapped reads"),
                            ("PR NR", "Total mapped reads"), ("PU NU", "Unique calls"))
        for name, strand in zip(names.split(), ("positive", "negative"), strict=True)
    )
)  # fmt: skip


def _header(source: str, sample: str, lengths: Mapping[str, int], fields: str) -> str:
    contigs = "".join(f"##contig=<ID={name},length={length}>\n" for name, length in lengths.items())
    samples = (
        f"##SAMPLE=<ID=NORMAL,Description=\"Normal\",SampleName={NORMAL_NAME}>\n"
        f"##SAMPLE=<ID=TUMOUR,Description=\"Mutant\",SampleName={sample}>\n"
    )
    columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tNORMAL\tTUMOUR\n"
    return f"##fileformat=VCFv4.1\n##source={source}\n{contigs}{fields}{samples}{columns}"


def write_caveman(path: Path, sample: str, lengths: Mapping[str, int], calls: Iterable[Call]) -> Path:
    """Write substitutions as CaVEMan does after its flags.

    Parameters
    ----------
    path
        The file, packed as bgzip if its name ends in ``.gz``.
    sample
        Name of the tumour sample.
    lengths
        Contig -> bases.
    calls
        In order of place.
    """
    rows = []
    for n, call in enumerate(calls, start=1):
        chrom, pos, ref, alt = call.variant
        info = f"DP={call.depth + 30};MP=9.9e-01;GP=1.0e-05;ASMD={call.asmd:.2f};CLPM={call.clpm:.2f}"
        reads = [_by_strand({ref: n_ref, alt: n_alt}) for n_ref, n_alt in ((30, 0), (call.depth - call.alt, call.alt))]
        keys = "GT:FAZ:FCZ:FGZ:FTZ:RAZ:RCZ:RGZ:RTZ:PM"
        share = call.alt / max(call.depth, 1)
        rows.append(
            f"{chrom}\t{pos}\tc{n}\t{ref}\t{alt}\t.\tPASS\t{info}\t{keys}\t0|0:{reads[0]}:0.0e+00"
            f"\t0|1:{reads[1]}:{share:.1e}\n"
        )
    fields = _CAVEMAN_INFO + _CAVEMAN_READS + _PM
    return _write(path, _header("CaVEMan", sample, lengths, fields) + "".join(rows))


def _by_strand(counts: Mapping[str, int]) -> str:
    """Reads of each base on either strand, half and half."""
    forward = [(counts.get(base, 0) + 1) // 2 for base in "ACGT"]
    reverse = [counts.get(base, 0) // 2 for base in "ACGT"]
    return ":".join(map(str, forward + reverse))


def write_pindel(path: Path, sample: str, lengths: Mapping[str, int], calls: Iterable[Call]) -> Path:
    """Write insertions and deletions as cgpPindel does; parameters as of `write_caveman`."""
    rows = []
    for n, call in enumerate(calls, start=1):
        chrom, pos, ref, alt = call.variant
        size = abs(len(ref) - len(alt))
        info = f"PC={'D' if len(ref) > len(alt) else 'I'};RS={pos};RE={pos + size + 1};LEN={size};REP=0"
        half, depth = call.alt // 2, call.depth // 2
        reads = (half, call.alt - half, half, call.alt - half, depth, depth, depth, depth, half, call.alt - half)
        rows.append(
            f"{chrom}\t{pos}\tp{n}\t{ref}\t{alt}\t200\tPASS\t{info}\tGT:PP:NP:PB:NB:PD:ND:PR:NR:PU:NU"
            f"\t./.:0:0:0:0:15:15:15:15:0:0\t./.:{':'.join(map(str, reads))}\n"
        )
    return _write(path, _header("Pindel", sample, lengths, _PINDEL) + "".join(rows))


def _write(path: Path, text: str) -> Path:
    if path.suffix != ".gz":
        path.write_text(text, encoding="utf-8")
        return path
    import pysam

    with pysam.BGZFile(str(path), "wb", None) as out:
        out.write(text.encode())
    return path


def write_ascat(folder: Path, sample: str, segments: Iterable[Segment], purity: float, ploidy: float) -> list[Path]:
    """Write ASCAT's table of segments for CaVEMan and its statistics; return both paths."""
    rows = [
        f"{n},{s.chrom.removeprefix('chr')},{s.start},{s.end},2,1,{sum(s.first)},{s.first[1]}\n"
        for n, s in enumerate(segments, start=1)
    ]
    table, statistics = folder / f"{sample}.copynumber.caveman.csv", folder / f"{sample}.samplestatistics.txt"
    table.write_text("".join(rows), encoding="utf-8")
    statistics.write_text(
        f"NormalContamination {1 - purity:.4f}\nPloidy {ploidy:.4f}\nrho {purity:.4f}\npsi {ploidy:.4f}\n"
        "goodnessOfFit 97.5\nGenderChr Y\nGenderChrFound N\n",
        encoding="utf-8",
    )
    return [table, statistics]


def write_battenberg(
    folder: Path, sample: str, segments: Iterable[Segment], purity: float, ploidy: float
) -> list[Path]:
    """Write Battenberg's table of subclones, with its row names, and its purity; return both paths."""
    solutions = [
        name.format(letter)
        for letter in "ABCDEF"
        for name in ("nMaj1_{}", "nMin1_{}", "frac1_{}", "nMaj2_{}", "nMin2_{}", "frac2_{}", "SDfrac_{}",
                     "SDfrac_{}_BS", "frac1_{}_0.025", "frac1_{}_0.975")
    ]  # fmt: skip
    header = ["chr", "startpos", "endpos", "BAF", "pval", "LogR", "ntot", *solutions]
    rows = ["\t".join(header)]
    for n, s in enumerate(segments, start=1):
        total = s.share * sum(s.first) + (1.0 - s.share) * sum(s.second or (0, 0))
        second = ("NA", "NA", "NA") if s.second is None else (*s.second, round(1.0 - s.share, 6))
        state = (*s.first, round(s.share, 6), *second)
        found = [s.chrom.removeprefix("chr"), s.start, s.end, 0.5, 1 if s.second is None else 0, 0.0, round(total, 4)]
        unused = ["NA"] * (len(solutions) - len(state))
        rows.append("\t".join(map(str, [n, *found, *state, *unused])))
    table, rho = folder / f"{sample}_subclones.txt", folder / f"{sample}_rho_and_psi.txt"
    table.write_text("\n".join(rows) + "\n", encoding="utf-8")
    rho.write_text(
        "rho\tpsi\tdistance\tis.best\nASCAT\tNA\tNA\tNA\tNA\n"
        f"FRAC_GENOME\t{purity:.4f}\t{ploidy:.4f}\tNA\tTRUE\nREF_SEG\tNA\tNA\t0\tFALSE\n",
        encoding="utf-8",
    )
    return [table, rho]
