"""Counting: against a slow twin, against htslib's pileup, and against what was simulated."""

from __future__ import annotations

import re

import numpy as np
import pytest

pysam = pytest.importorskip("pysam")
import counting_twin  # noqa: E402

import clonalbayes  # noqa: E402
from clonalbayes.counting import count, feed  # noqa: E402
from clonalbayes.counting.blocks import END_OF_FILE, Blocks  # noqa: E402
from clonalbayes.simulate.alignments import _packed, simulate_bam  # noqa: E402
from clonalbayes.simulate.fragments import (  # noqa: E402
    NORMAL,
    Library,
    draw_fragments,
    draw_reference,
    write_reference,
)

LIBRARY = Library(
    insert_mean=230, insert_sd=40, duplicates=0.03, orphans=0.03, secondary=0.02, supplementary=0.02, clipped=0.04,
    misaligned=0.02, qc_fail=0.02, shuffle_gaps=True, anchor=1,
)  # fmt: skip


class Case:
    """A simulated sample with SNVs, MNVs and indels, some of them in repeats, and clean sites."""

    def __init__(self, folder, library=LIBRARY, depth=100, seed=5, vaf=0.4):
        rng = np.random.default_rng(seed)
        self.genome = draw_reference({"chr1": 40_000, "chr2": 12_000}, rng, repeats=500)
        self.fasta = write_reference(folder / "ref.fa", self.genome)
        self.variants, self.clean = [], []
        for i, pos in enumerate(range(600, 39_000, 180)):
            (self.clean if i % 3 == 2 else self.variants).append(self.draw(pos, i % 4, rng))
        self.fragments = draw_fragments(
            self.genome, self.variants, [vaf] * len(self.variants), depth, rng, library=library
        )
        self.bam = simulate_bam(folder / "a.bam", self.genome, self.fragments, rng, sample="A", fasta=self.fasta)
        self.sites = folder / "sites.tsv"
        rows = sorted([*self.variants, *self.clean], key=lambda v: v[1])
        self.sites.write_text("".join("\t".join(map(str, v)) + "\n" for v in rows))

    def draw(self, pos, kind, rng):
        text = self.genome["chr1"].tobytes().decode()
        bases = "ACGT"
        n = int(rng.integers(1, 8))
        if kind == 0:
            return "chr1", pos, text[pos - 1], bases[(bases.index(text[pos - 1]) + 1) % 4]
        if kind == 1:
            ref = text[pos - 1 : pos + 1]
            return "chr1", pos, ref, "".join(bases[(bases.index(b) + 2) % 4] for b in ref)
        if kind == 2:
            return "chr1", pos, text[pos - 1 : pos + n], text[pos - 1]
        return "chr1", pos, text[pos - 1], text[pos - 1] + "".join(rng.choice(list(bases), n))

    def count(self, **settings):
        settings.setdefault("cores", 1)
        return count(self.sites, self.bam, reference=self.fasta, **settings)


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return Case(tmp_path_factory.mktemp("counting"))


def table(counts):
    names = ("alt_count", "ref_count", "other_count", "deleted_count", "disagreeing", "alt_count_all", "depth_all",
             "alt_forward", "alt_reverse")  # fmt: skip
    columns = [counts.column(name)[:, 0].tolist() for name in names]
    return {
        s.name: dict(zip(names, row, strict=True))
        for s, row in zip(counts.sites.sites, zip(*columns, strict=True), strict=True)
    }


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"mates": "better"},
        {"mates": "both"},
        {"orphans": True},
        {"min_base_quality": 30, "min_mapping_quality": 40},
    ],
    ids=str,
)
def test_substitutions_are_counted_as_the_slow_twin_counts(case, settings):
    counts = case.count(**settings)
    found = table(counts)
    rules = {"base": settings.get("min_base_quality", 25), "mapping": settings.get("min_mapping_quality", 30)}
    rules |= {k: v for k, v in settings.items() if k in ("mates", "orphans")}
    disagreeing = 0
    with pysam.AlignmentFile(str(case.bam)) as file:
        for i, site in enumerate(counts.sites.sites):
            if len(site.ref) != len(site.alt):
                continue
            twin, supporting = counting_twin.count(
                file, (site.chrom, site.pos, site.ref, site.alt), case.genome, **rules
            )
            ours = found[site.name]
            wanted = {"alt_count": "alt", "ref_count": "ref", "other_count": "other", "deleted_count": "delet"}
            wanted |= {"disagreeing": "disagreeing", "alt_count_all": "alt_all", "depth_all": "depth_all"}
            wanted |= {n: n for n in ("alt_forward", "alt_reverse")}
            assert ours == {name: twin[key] for name, key in wanted.items()}, site.name
            disagreeing += ours["disagreeing"]
            if supporting and not settings:
                for name, value in counting_twin.medians(supporting).items():
                    assert counts.column(name)[i, 0] == pytest.approx(value), (site.name, name)
    assert disagreeing > 0 or settings.get("mates") == "both"


def test_indels_are_counted_as_after_left_alignment(case):
    counts = case.count(min_base_quality=0)
    found = table(counts)
    compared = differing = 0
    with pysam.AlignmentFile(str(case.bam)) as file:
        for site in counts.sites.sites:
            if len(site.ref) == len(site.alt):
                continue
            twin, _ = counting_twin.count(file, (site.chrom, site.pos, site.ref, site.alt), case.genome, base=0)
            compared += twin["alt"] + twin["ref"]
            differing += abs(twin["alt"] - found[site.name]["alt_count"]) + abs(
                twin["ref"] - found[site.name]["ref_count"]
            )
    assert compared > 5000
    assert differing < 0.01 * compared  # reads whose end fits the alternative better, errors within the repeat


def test_nearly_all_reads_of_an_indel_are_found_and_none_at_a_clean_site(case):
    counts = case.count()
    found = table(counts)
    carried = missed = 0
    kinds, fragments = case.fragments.kind, case.fragments
    with pysam.AlignmentFile(str(case.bam)) as file:
        for v, site in enumerate(case.variants):
            if len(site[2]) == len(site[3]):
                continue
            carriers = {f"m{i:09d}" for i in fragments.carrier[fragments.carried == v] if kinds[i] == NORMAL}
            _, supporting = counting_twin.count(file, site, case.genome, base=0)
            truth = sum(s.read.query_name in carriers for s in supporting)
            ours = found[f"{site[0]}:{site[1]}:{site[2]}>{site[3]}"]["alt_count"]
            carried += truth
            missed += max(truth - ours, 0)
    assert carried > 1000
    assert missed < 0.01 * carried
    false = [found[f"{c}:{p}:{r}>{a}"]["alt_count"] for c, p, r, a in case.clean if len(r) != len(a)]
    assert len(false) > 20
    assert sum(false) == 0


@pytest.mark.parametrize("anchor", [1, 8])
@pytest.mark.parametrize("size", [-300, -40, 8, 40])
def test_the_length_of_an_indel_hardly_biases_its_share(tmp_path, size, anchor):
    """Reference reads need not span a long deletion, nor alternative reads a long insertion."""
    rng = np.random.default_rng(size + 1000)
    genome = draw_reference({"chr1": 30_000}, rng)
    fasta = write_reference(tmp_path / "ref.fa", genome)
    text = genome["chr1"].tobytes().decode()
    variants = []
    for pos in range(1000, 28_000, 1500):
        extra = "".join(rng.choice(list("ACGT"), max(size, 0)))
        variants.append(("chr1", pos, text[pos - 1 : pos + max(-size, 0)], text[pos - 1] + extra))
    library = Library(anchor=anchor, insert_mean=700)
    fragments = draw_fragments(genome, variants, [0.5] * len(variants), 70, rng, library=library)
    bam = simulate_bam(tmp_path / "a.bam", genome, fragments, rng)
    sites = tmp_path / "sites.tsv"
    sites.write_text("".join("\t".join(map(str, v)) + "\n" for v in variants))
    counts = count(sites, bam, reference=fasta, cores=1)
    alt, depth = counts.column("alt_count").sum(), counts.column("depth").sum()
    assert depth > 700
    assert abs(alt / depth - 0.5) < 0.05


def test_substitutions_equal_the_pileup_of_samtools(case):
    counts = case.count(mates="better")
    lines = pysam.samtools.mpileup(
        "-B", "-d", "1000000", "-q", "30", "-Q", "25", "--ff", "UNMAP,SECONDARY,QCFAIL,DUP,SUPPLEMENTARY",
        "-f", str(case.fasta), str(case.bam), split_lines=True,
    )  # fmt: skip
    pile = {(f[0], int(f[1])): f for f in (line.split("\t") for line in lines)}
    differing = []
    for i, site in enumerate(counts.sites.sites):
        if len(site.ref) > 1 or len(site.alt) > 1:
            continue
        ours = {b: int(counts.column(f"{b.lower()}_count")[i, 0]) for b in "ACGT"}
        theirs = bases_of(pile[site.chrom, site.pos])
        if ours != theirs:
            differing.append((site.name, sum(abs(ours[b] - theirs[b]) for b in "ACGT")))
    # Mates that disagree with equal qualities (we count neither), and mates of low quality that samtools adds up.
    assert sum(n for _, n in differing) <= 0.002 * counts.column("depth").sum()


def bases_of(fields):
    text = re.sub(r"\^.|\$", "", fields[4])
    while gap := re.search(r"[+-](\d+)", text):
        text = text[: gap.start()] + text[gap.end() + int(gap[1]) :]
    text = re.sub("[.,]", fields[2], text).upper()
    return {b: text.count(b) for b in "ACGT"}


def test_cram_and_csi_give_the_same_as_bam(case, tmp_path):
    wanted = case.count()
    cram = tmp_path / "a.cram"
    csi = tmp_path / "b.bam"
    with (
        pysam.AlignmentFile(str(case.bam)) as source,
        pysam.AlignmentFile(str(cram), "wc", template=source, reference_filename=str(case.fasta)) as out,
    ):
        for read in source:
            out.write(read)
    pysam.index(str(cram))
    csi.write_bytes(case.bam.read_bytes())
    pysam.index("-c", "-m", "12", str(csi))
    for path in (cram, csi):
        found = count(case.sites, path, reference=case.fasta, cores=2)
        assert np.array_equal(found.counts, wanted.counts)
        assert np.array_equal(found.facts, wanted.facts, equal_nan=True)


@pytest.fixture
def leaping(monkeypatch):
    """Leave blocks out wherever that can be done, even where it is not worth it."""
    for name, value in (("WORTH", 0), ("NEAR", 0), ("SPAN", 300)):
        monkeypatch.setattr(feed, name, value)
    seeks = []
    seek = Blocks.seek
    monkeypatch.setattr(Blocks, "seek", lambda self, offset: seeks.append(offset) or seek(self, offset))
    return seeks


def test_leaving_blocks_out_changes_nothing(case, leaping, tmp_path):
    few = tmp_path / "few.tsv"
    few.write_text("".join(case.sites.read_text().splitlines(keepends=True)[::20]))
    leapt = count(few, case.bam, reference=case.fasta, cores=1)
    assert len(set(leaping)) > 5
    feed.WORTH = 1 << 40
    assert np.array_equal(count(few, case.bam, reference=case.fasta, cores=1).counts, leapt.counts)


@pytest.mark.usefixtures("leaping")
def test_records_may_lie_across_blocks(case, tmp_path):
    """Other writers than htslib begin blocks in the middle of a record: no block may be left out by its beginning."""
    with Blocks(case.bam) as blocks:
        data = b"".join(blocks.read(100_000))
    path = tmp_path / "a.bam"
    pieces = [data[at : at + 5_003] for at in range(0, len(data), 5_003)]
    path.write_bytes(b"".join(_packed(piece) for piece in pieces) + END_OF_FILE)
    pysam.index(str(path))
    few = tmp_path / "few.tsv"
    few.write_text("".join(case.sites.read_text().splitlines(keepends=True)[::40]))
    whole = count(few, case.bam, reference=case.fasta, cores=1)
    found = count(few, path, reference=case.fasta, cores=1)
    assert np.array_equal(found.counts, whole.counts)
    assert np.array_equal(found.facts, whole.facts, equal_nan=True)
    assert found.column("depth").min() > 20


@pytest.mark.usefixtures("leaping")
def test_reads_with_long_gaps_are_not_lost_where_blocks_are_left_out(tmp_path):
    """Spliced reads begin far before a site; once one is seen, no block is left out."""
    rng = np.random.default_rng(3)
    genome = draw_reference({"chr1": 70_000}, rng)
    fasta = write_reference(tmp_path / "ref.fa", genome)
    fragments = draw_fragments(genome, [], [], 40, rng)
    plain = simulate_bam(tmp_path / "plain.bam", genome, fragments, rng)
    bam = tmp_path / "spliced.bam"
    with pysam.AlignmentFile(str(plain)) as source:
        rows = list(source)
        for read in rows[::4]:
            if read.cigartuples == [(0, 150)] and read.reference_start < 60_000:
                read.cigartuples = [(0, 75), (3, 6_000), (0, 75)]
        with pysam.AlignmentFile(str(bam), "wb", template=source) as out:
            for read in rows:
                out.write(read)
    pysam.index(str(bam))
    sites = tmp_path / "sites.tsv"
    places = (20_000, 40_000, 60_000)
    bases = [chr(genome["chr1"][p - 1]) for p in places]
    sites.write_text(
        "".join(f"chr1\t{p}\t{b}\t{'A' if b != 'A' else 'C'}\n" for p, b in zip(places, bases, strict=True))
    )
    for path in (plain, bam):
        counts = count(sites, path, reference=fasta, cores=1)
        with pysam.AlignmentFile(str(path)) as file:
            for i, site in enumerate(counts.sites.sites):
                twin, _ = counting_twin.count(file, (site.chrom, site.pos, site.ref, site.alt), genome)
                assert counts.column("depth")[i, 0] == twin["ref"] + twin["alt"] + twin["other"] > 10


def test_any_number_of_threads_and_files_gives_the_same(case):
    alone = case.count()
    both = count(case.sites, [case.bam, f"second={case.bam}"], reference=case.fasta, cores=3)
    assert both.samples == ["A", "second"]
    for s in (0, 1):
        assert np.array_equal(both.counts[s], alone.counts[0])


def test_a_depth_cap_is_explicit_and_marks_the_sites(case):
    capped = case.count(max_depth=20)
    assert (capped.column("depth_all") <= 20).all()
    status = capped.frame()["status"]
    assert set(status) == {"capped"}
    assert set(case.count().frame()["status"]) == {"counted"}


def test_a_missing_contig_is_missing_and_not_zero(case, tmp_path):
    bam = tmp_path / "one.bam"
    header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "chr1", "LN": 40_000}]}
    with pysam.AlignmentFile(str(bam), "wb", header=header):
        pass
    pysam.index(str(bam))
    sites = tmp_path / "sites.tsv"
    bases = chr(case.genome["chr1"][599]), chr(case.genome["chr2"][99])
    rows = zip(("chr1", "chr2"), (600, 100), bases, strict=True)
    sites.write_text("".join(f"{c}\t{p}\t{b}\t{'T' if b != 'T' else 'G'}\n" for c, p, b in rows))
    counts = count(sites, bam, reference=case.fasta)
    frame = counts.frame()
    assert frame["depth"].tolist()[0] == 0
    assert frame["depth"].isna().tolist() == [False, True]
    assert frame["status"].tolist() == ["counted", "no contig"]
    assert counts.samples == ["one"]
    assert any("chr2" in note for note in counts.notes)


def test_the_table_can_be_read_as_a_patient(case, tmp_path):
    out = tmp_path / "counts.tsv"
    counts = case.count(out=out)
    patient = clonalbayes.read(out)
    ds = patient.data
    wanted = dict(zip([s.name for s in counts.sites.sites], counts.column("alt_count")[:, 0].tolist(), strict=True))
    depth = dict(zip([s.name for s in counts.sites.sites], counts.column("depth")[:, 0].tolist(), strict=True))
    names = ds["mutation"].values.tolist()
    assert ds["alt_count"].values[:, 0].tolist() == [wanted[n] for n in names]
    assert ds["depth"].values[:, 0].tolist() == [depth[n] for n in names]
    assert set(ds["kind"].values) == {"snv", "mnv", "indel"}
    assert counts.column("other_count").sum() > 0


def test_prefixes_of_chromosomes_and_names_of_samples_do_not_matter(case, tmp_path):
    sites = tmp_path / "bare.vcf"
    rows = [line.split("\t") for line in case.sites.read_text().splitlines()]
    body = "".join(f"{c.removeprefix('chr')}\t{p}\t.\t{r}\t{a}\t.\t.\t.\n" for c, p, r, a in rows)
    sites.write_text("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n" + body)
    found = count(sites, f"tumour={case.bam}", reference=case.fasta)
    assert found.samples == ["tumour"]
    assert np.array_equal(found.counts, case.count().counts)
    assert found.sites.sites[0].name.startswith("1:600:")


def test_the_mutation_column_and_several_alternatives_name_sites(case, tmp_path):
    base = chr(case.genome["chr1"][599])
    others = [b for b in "ACGT" if b != base]
    sites = tmp_path / "sites.csv"
    sites.write_text("mutation_id,sample\n" + "".join(f"chr1:600:{base}>{b},x\n" for b in [*others, others[0]]))
    found = count(sites, case.bam, reference=case.fasta)
    assert [s.alt for s in found.sites.sites] == sorted(others)
    assert len(set(found.column("depth")[:, 0])) == 1
    assert found.column("alt_count").sum() + found.column("ref_count")[0, 0] == found.column("depth")[0, 0]


def test_real_files_give_the_counts_of_samtools(shared, tmp_path):
    folder = shared / "data" / "formats" / "bam"
    fasta = folder / "vafcorrect_genome.fa.gz"
    with pysam.AlignmentFile(str(folder / "samplea.bam")) as file, pysam.FastaFile(str(fasta)) as reference:
        places = {p for read in file if not read.is_unmapped for p in read.get_reference_positions()}
        rows = [(p, reference.fetch("1", p, p + 1)) for p in sorted(places)]
    rows = [(p, b) for p, b in rows if b in "ACGT"]
    sites = tmp_path / "sites.tsv"
    sites.write_text("".join(f"1\t{p + 1}\t{b}\t{'C' if b != 'C' else 'T'}\n" for p, b in rows))
    counts = count(
        sites, [folder / "samplea.bam", f"C={folder / 'samplec.bam'}", f"D={folder / 'samplec.cram'}"], reference=fasta
    )
    assert np.array_equal(counts.counts[1], counts.counts[2])
    lines = pysam.samtools.mpileup(
        "-B", "-d", "1000000", "-q", "30", "-Q", "25", "--ff", "UNMAP,SECONDARY,QCFAIL,DUP,SUPPLEMENTARY",
        "-f", str(fasta), str(folder / "samplea.bam"), split_lines=True,
    )  # fmt: skip
    pile = {int(f[1]): bases_of(f) for f in (line.split("\t") for line in lines)}
    for i, site in enumerate(counts.sites.sites):
        ours = {b: int(counts.column(f"{b.lower()}_count")[i, 0]) for b in "ACGT"}
        assert ours == pile.get(site.pos, dict.fromkeys("ACGT", 0)), site.name


@pytest.mark.parametrize(("table", "base", "mapping"), [("q30b25", 25, 30), ("allQ", 0, 0)])
def test_counts_are_nearly_those_of_cgpvaf(shared, tmp_path, table, base, mapping):
    formats = shared / "data" / "formats"
    lines = (formats / "cgpvaf" / f"PDtest.snp.{table}.vaf.tsv").read_text().splitlines()
    header, *rows = [line.split("\t") for line in lines if not line.startswith("##")]
    rows = [dict(zip(header, row, strict=True)) for row in rows]
    sites = tmp_path / "sites.tsv"
    sites.write_text("".join("\t".join(r[c] for c in ("Chrom", "Pos", "Ref", "Alt")) + "\n" for r in rows))
    bams = [f"sample{s}={formats / 'bam' / f'sample{s}.bam'}" for s in "ac"]
    counts = count(
        sites, bams, reference=formats / "bam" / "vafcorrect_genome.fa.gz", min_base_quality=base,
        min_mapping_quality=mapping, orphans=True, mates="better",
    )  # fmt: skip
    for i, site in enumerate(counts.sites.sites):
        (row,) = [r for r in rows if (r["Chrom"], int(r["Pos"]), r["Alt"]) == (site.chrom, site.pos, site.alt)]
        for s, name in enumerate(counts.samples):
            # cgpVAF leaves third alleles out of its depth and has a rule of its own for mates that disagree.
            assert abs(counts.column("alt_count")[i, s] - int(row[f"{name}_MTR"])) <= 1
            assert abs(counts.column("depth")[i, s] - int(row[f"{name}_DEP"])) <= 4
