"""Count simulated reads and compare: CPU with bcftools mpileup, counts with samtools mpileup, indels with the truth.

    python validation/benchmark_counts.py [--out FILE.tsv] [--rounds N] [--sites N] [--folder DIR]

- dense: 2,000 sites in 1.2 Mb at 100x; sparse: N sites 40 kb apart, reads only around them, as a genome-sized BAM is
  to a counter; scattered: 40 sites of the dense file, so that each one lies in the midst of reads that are not needed.
- CPU seconds of both programs on one core, in turns, the least of N rounds. `bcftools` is the program if there is
  one, else the copy inside pysam, which runs in this process and takes about 2.5 times the CPU. Ours is `count` in this
  process, kernels compiled before, the table written.
- agreement: sites whose A, C, G and T counts are not those of `samtools mpileup -B -d 1e6 -q 30 -Q 25` without
  supplementary reads, with the reason of each difference.
- indels: share of the supporting reads that are found, and false ones at clean sites, where gaps near the ends of
  reads were clipped off or not.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pysam
import pysam.bcftools
import pysam.samtools

from clonalbayes.counting import count
from clonalbayes.simulate.alignments import simulate_bam
from clonalbayes.simulate.fragments import NORMAL, Library, draw_fragments, draw_reference, write_reference

DEPTH = 100.0
MEGABASE = 1_000_000
LEFT_OUT = "UNMAP,SECONDARY,QCFAIL,DUP,SUPPLEMENTARY"
LIBRARY = Library(misaligned=0.01)


class Data:
    """Files of one simulated sample with SNVs."""

    def __init__(self, folder: Path, lengths: dict[str, int], sites: dict[str, np.ndarray], *, around: bool) -> None:
        rng = np.random.default_rng(7)
        folder.mkdir(parents=True, exist_ok=True)
        genome = draw_reference(lengths, rng)
        self.fasta = write_reference(folder / "ref.fa", genome)
        self.variants = []
        for chrom, places in sites.items():
            for pos in places.tolist():
                ref = chr(genome[chrom][pos - 1])
                self.variants.append((chrom, pos, ref, "ACGT"[("ACGT".index(ref) + 1) % 4]))
        vaf = np.tile([0.3, 0.3, 0.0013, 0.0], len(self.variants) // 4 + 1)[: len(self.variants)]
        regions = [(c, p - 700, p + 300, DEPTH) for c, p, _, _ in self.variants] if around else None
        fragments = draw_fragments(genome, self.variants, vaf, DEPTH, rng, library=LIBRARY, regions=regions)
        self.bam = simulate_bam(folder / "a.bam", genome, fragments, rng)
        self.sites = self.write(folder / "sites.tsv", self.variants)

    def write(self, path: Path, variants: list) -> Path:
        path.write_text("".join(f"{c}\t{p}\t{r}\t{a}\n" for c, p, r, a in variants))
        path.with_suffix(".places").write_text("".join(f"{c}\t{p}\n" for c, p, _, _ in variants))
        return path


def of_children() -> float:
    used = os.times()
    return used.children_user + used.children_system


def cpu_of_bcftools(data: Data, sites: Path) -> float:
    arguments = ["-B", "-d", "1000000", "-q", "30", "-Q", "25", "-a", "AD", "-Ou", "-o", str(data.bam) + ".bcf"]
    arguments += ["-f", str(data.fasta), "-R", str(sites.with_suffix(".places")), str(data.bam)]
    if program := shutil.which("bcftools"):
        start = of_children()
        subprocess.run([program, "mpileup", *arguments], check=True, stderr=subprocess.DEVNULL)
        return of_children() - start
    start = time.process_time()
    pysam.bcftools.mpileup(*arguments, catch_stdout=False)
    return time.process_time() - start


def cpu_of_ours(data: Data, sites: Path) -> float:
    start = time.process_time()
    count(sites, data.bam, reference=data.fasta, cores=1, out=Path(str(data.bam) + ".tsv"))
    return time.process_time() - start


def speed(name: str, data: Data, sites: Path, rounds: int) -> list[str]:
    cpu_of_ours(data, sites)
    pairs = [(cpu_of_ours(data, sites), cpu_of_bcftools(data, sites)) for _ in range(rounds)]
    ours, theirs = (min(values) for values in zip(*pairs, strict=True))
    n = len(sites.read_text().splitlines())
    each = f"{1e3 * ours / n:.2f} and {1e3 * theirs / n:.2f} ms a site"
    return [name, f"{n} sites", f"{ours:.2f} s, bcftools {theirs:.2f} s, ratio {ours / theirs:.2f}; {each}"]


def pileup(data: Data) -> dict[tuple[str, int], list[str]]:
    lines = pysam.samtools.mpileup(
        "-B", "-d", "1000000", "-q", "30", "-Q", "25", "--ff", LEFT_OUT, "-f", str(data.fasta),
        "-l", str(data.sites.with_suffix(".places")), str(data.bam), split_lines=True,
    )  # fmt: skip
    return {(f[0], int(f[1])): f for f in (line.split("\t") for line in lines)}


def bases_of(fields: list[str] | None) -> dict[str, int]:
    text = re.sub(r"\^.|\$", "", fields[4]) if fields else ""
    while gap := re.search(r"[+-](\d+)", text):
        text = text[: gap.start()] + text[gap.end() + int(gap[1]) :]
    text = re.sub("[.,]", fields[2] if fields else "", text).upper()
    return {b: text.count(b) for b in "ACGT"}


def agreement(data: Data) -> list[str]:
    counts = count(data.sites, data.bam, reference=data.fasta, cores=1, mates="better")
    pile = pileup(data)
    reasons: Counter[str] = Counter()
    columns = {b: counts.column(f"{b.lower()}_count")[:, 0] for b in "ACGT"}
    for i, site in enumerate(counts.sites.sites):
        theirs = bases_of(pile.get((site.chrom, site.pos)))
        lost = sum(max(theirs[b] - columns[b][i], 0) for b in "ACGT")
        more = sum(max(columns[b][i] - theirs[b], 0) for b in "ACGT")
        disagree = counts.column("disagreeing")[i, 0]
        if lost and lost <= disagree:
            reasons["mates disagree with equal quality: we count neither"] += 1
        elif lost:
            reasons["mates agree, both below 25: samtools adds their qualities"] += 1
        if more:
            reasons["mates disagree, samtools lowers the better quality below 25"] += 1
    told = "; ".join(f"{n} x {reason}" for reason, n in reasons.items()) or "none"
    return ["agreement", f"{len(counts.sites)} sites", f"{sum(reasons.values())} sites differ from samtools: {told}"]


def indels(folder: Path, clip: int, *, repeats: bool) -> list[str]:
    """Supporting molecules found; in truth they carry the indel, and a read of theirs holds its whole window."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(3)
    genome = draw_reference({"chr1": 400_000}, rng, repeats=8000 if repeats else 0)
    fasta = write_reference(folder / "ref.fa", genome)
    text = genome["chr1"].tobytes().decode()
    variants = []
    for k, pos in enumerate(range(1000, 398_000, 500)):
        n = int(rng.integers(1, 12))
        unit = "".join(rng.choice(list("ACGT"), n))
        variants.append(("chr1", pos, text[pos - 1 : pos + n], text[pos - 1]) if k % 2 else
                        ("chr1", pos, text[pos - 1], text[pos - 1] + unit))  # fmt: skip
    vaf = np.where(np.arange(len(variants)) % 4 < 2, 0.4, 0.0)
    drawn = {}
    for anchor in (1, clip):
        rng = np.random.default_rng(11)
        library = Library(duplicates=0, orphans=0, secondary=0, supplementary=0, anchor=anchor, shuffle_gaps=True,
                          mapping_qualities=((60, 1.0),))  # fmt: skip
        fragments = draw_fragments(genome, variants, vaf, 60, rng, library=library)
        drawn[anchor] = simulate_bam(folder / f"{anchor}.bam", genome, fragments, rng)
    sites = folder / "sites.tsv"
    sites.write_text("".join(f"{c}\t{p}\t{r}\t{a}\n" for c, p, r, a in variants))
    counts = count(sites, drawn[clip], reference=fasta, cores=1, min_base_quality=0, mates="better")
    alt = dict(zip([s.name for s in counts.sites.sites], counts.column("alt_count_all")[:, 0].tolist(), strict=True))
    rows = {s.name: counts.sites.table[i] for i, s in enumerate(counts.sites.sites)}
    depth = dict(zip(alt, counts.column("depth_all")[:, 0].tolist(), strict=True))
    carried = missed = false = clean = 0
    with pysam.AlignmentFile(str(drawn[1])) as file:
        for v, (c, p, r, a) in enumerate(variants):
            name = f"{c}:{p}:{r}>{a}"
            if not vaf[v]:
                clean, false = clean + 1, false + alt[name]
                continue
            carriers = {f"m{i:09d}" for i in fragments.carrier[fragments.carried == v] if fragments.kind[i] == NORMAL}
            truth = supporting(file, carriers, int(rows[name][0]), int(rows[name][1]))
            carried += truth
            missed += max(truth - alt[name], 0)
    kind = "in repeats" if repeats else "anywhere"
    names = [s.name for s in counts.sites.sites if alt[s.name] > 5]
    share = sum(alt[name] for name in names) / sum(depth[name] for name in names)
    found = f"{1 - missed / carried:.4f} of {carried} supporting molecules found; {false} false at {clean} clean sites"
    found += f"; mean share of alt {share:.3f} of 0.4"
    return ["indels", f"{kind}, gaps within {clip} bases of an end clipped", found]


def supporting(file: pysam.AlignmentFile, carriers: set[str], left: int, right: int) -> int:
    """Molecules that carry an indel and have a read whose alignment holds its whole window and a base on each side."""
    return len({
        read.query_name for read in file.fetch("chr1", left - 1, right + 1)
        if read.query_name in carriers and read.reference_start < left and read.reference_end > right
    })  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sites", type=int, default=2000)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp())
    rng = np.random.default_rng(1)
    dense = Data(
        folder / "dense", {"chr1": 12 * MEGABASE // 10},
        {"chr1": np.sort(rng.choice(np.arange(2000, 1_198_000), 2000, replace=False))}, around=False,
    )  # fmt: skip
    rows = [speed("dense", dense, dense.sites, options.rounds)]
    few = dense.write(folder / "dense" / "few.tsv", dense.variants[25::50])
    rows += [speed("scattered", dense, few, options.rounds), agreement(dense)]
    half = options.sites // 2
    places = 20_000 + 40_000 * np.arange(half)
    lengths = {c: int(places[-1]) + 20_000 for c in ("chr1", "chr2")}
    sparse = Data(folder / "sparse", lengths, dict.fromkeys(lengths, places), around=True)
    rows.append(speed("sparse", sparse, sparse.sites, options.rounds))
    rows += [
        indels(folder / f"indels{clip}{r}", clip, repeats=r)
        for clip, r in ((1, False), (1, True), (8, False), (8, True))
    ]
    text = "".join("\t".join(row) + "\n" for row in rows)
    print(text, end="")
    if options.out:
        options.out.write_text(text)


if __name__ == "__main__":
    main()
