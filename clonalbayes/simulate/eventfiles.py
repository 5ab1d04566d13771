"""Files of events of a simulated patient: drivers, rearrangements as callers write them, rearranged receptor genes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clonalbayes.simulate.fragments import Variant
from clonalbayes.simulate.miniature import SCALE, arm_span
from clonalbayes.simulate.patient import Blueprint
from clonalbayes.simulate.record import Truth
from clonalbayes.variants.clonotypes import AIRR_NEEDED

REPERTOIRE = 400
"""Receptor sequences of a sample."""


@dataclass(frozen=True)
class Deletion:
    """A deletion within an arm: clone, arm, first and last base of the genome, genes."""

    clone: str
    arm: str
    start: int
    end: int
    genes: tuple[str, ...]


@dataclass(frozen=True)
class Clonotype:
    """A rearranged receptor gene: clone, genes, junction."""

    clone: str
    v: str
    d: str
    j: str
    junction: str
    peptide: str


DELETIONS = (
    Deletion("trunk", "9p", 36_990_000, 37_221_000, ("PAX5", "ZCCHC7")),
    Deletion("progression", "9p", 36_950_000, 37_146_000, ("PAX5", "ZCCHC7")),
)
"""Those of 231 and 196 kb that the case describes; the places are made up."""

CLONOTYPES = (
    Clonotype("trunk", "IGHV3-23*01", "IGHD3-10*01", "IGHJ4*02", "TGTGCGAAAGATCGGGGTTACTGG", "CAKDRGYW"),
    Clonotype("progression", "IGLV2-14*01", "", "IGLJ2*01", "TGCAGCTCATATACAAGCAGCGTGGTATTC", "CSSYTSSVVF"),
)
NORMAL_J = "TGTGCGAGAGGGTACTTTGACTACTGG"
"""Junction that stands for those of normal B cells."""


def write_events(
    folder: Path,
    blueprint: Blueprint,
    truth: Truth,
    variants: Sequence[Variant],
    depth: float,
    rng: np.random.Generator,
) -> list[Path]:
    """Write `drivers.tsv`, `rearrangements.vcf` and `clonotypes.tsv`.

    Parameters
    ----------
    folder
        Where to.
    blueprint, truth
        The patient, of `switch`.
    variants
        [N] place and alleles of the mutations.
    depth
        Mean depth.
    rng
        Source of randomness.

    Returns
    -------
    list of pathlib.Path
    """
    cells = dict(zip(blueprint.names, truth.ccf * blueprint.purity, strict=True))
    texts = {
        "drivers.tsv": _drivers(truth, variants),
        "rearrangements.vcf": _rearrangements(blueprint.samples, cells, depth, rng),
        "clonotypes.tsv": _clonotypes(blueprint.samples, cells, rng),
    }
    for name, lines in texts.items():
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [folder / name for name in texts]


def _drivers(truth: Truth, variants: Sequence[Variant]) -> list[str]:
    rows = [(*text.split(" "), *map(str, variants[i])) for i, text in truth.drivers.items()]
    return ["\t".join(row) for row in [("gene", "mutation", "chrom", "pos", "ref", "alt"), *rows]]


def _rearrangements(
    samples: Sequence[str], cells: dict[str, np.ndarray], depth: float, rng: np.random.Generator
) -> list[str]:
    lines = [
        "##fileformat=VCFv4.2", "##source=GenerateSVCandidates",
        *(f"##contig=<ID={contig},length={arm_span(arm)[2]}>" for contig, arm in (("chr9", "9q"),)),
        '##INFO=<ID=SVTYPE,Number=1,Type=String,Description="Type of structural variant">',
        '##INFO=<ID=END,Number=1,Type=Integer,Description="End position">',
        '##INFO=<ID=GENES,Number=.,Type=String,Description="Genes">',
        '##FORMAT=<ID=PR,Number=.,Type=Integer,Description="Spanning paired-read support for ref and alt">',
        '##FORMAT=<ID=SR,Number=.,Type=Integer,Description="Split reads for ref and alt">',
        "\t".join(("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *samples)),
    ]  # fmt: skip
    for number, one in enumerate(sorted(DELETIONS, key=lambda d: d.start), start=1):
        contig, start, end = arm_span(one.arm)[0], one.start // SCALE, one.end // SCALE
        total = rng.poisson(depth, len(samples))
        alt = rng.binomial(total, np.clip(cells[one.clone] / 2.0, 0.0, 1.0))
        split = rng.binomial(alt, 0.4)
        reads = [f"{t - a},{a - s}:0,{s}" for t, a, s in zip(total, alt, split, strict=True)]
        info = f"SVTYPE=DEL;END={end};GENES={','.join(one.genes)}"
        row = (contig, start, f"DEL{number}", "N", "<DEL>", ".", "PASS", info, "PR:SR", *reads)
        lines.append("\t".join(map(str, row)))
    return lines


def _clonotypes(samples: Sequence[str], cells: dict[str, np.ndarray], rng: np.random.Generator) -> list[str]:
    columns = (*AIRR_NEEDED, "sample_id", "duplicate_count")
    rows: list[str] = []
    for s, sample in enumerate(samples):
        counts = [int(rng.binomial(REPERTOIRE, 0.5 * cells[one.clone][s])) for one in CLONOTYPES]
        normal = Clonotype("", "IGHV4-34*01", "IGHD2-2*01", "IGHJ5*02", NORMAL_J, "CARGYFDYW")
        found = [*zip(CLONOTYPES, counts, strict=True), (normal, REPERTOIRE - sum(counts))]
        for one, count in found:
            if count:
                cell = dict.fromkeys(columns, "") | {
                    "sequence_id": f"{sample}.{len(rows)}", "rev_comp": "F", "productive": "T", "v_call": one.v,
                    "d_call": one.d, "j_call": one.j, "junction": one.junction, "junction_aa": one.peptide,
                    "sample_id": sample, "duplicate_count": str(count),
                }  # fmt: skip
                rows.append("\t".join(cell.values()))
    return ["\t".join(columns), *rows]
