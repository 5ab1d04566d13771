"""Counting from faulty inputs: one clear message, exit code 2, nothing written; and never a crash on damaged bytes."""

from __future__ import annotations

import os
import re
import struct
import sys
import zlib

import numpy as np
import pytest

pysam = pytest.importorskip("pysam")

from clonalbayes.cli import main  # noqa: E402
from clonalbayes.counting import count  # noqa: E402
from clonalbayes.counting.blocks import END_OF_FILE, Blocks  # noqa: E402
from clonalbayes.faults import InputError  # noqa: E402
from clonalbayes.simulate.alignments import simulate_bam  # noqa: E402
from clonalbayes.simulate.fragments import draw_fragments, draw_reference, write_reference  # noqa: E402


class Files:
    """A good set of files, in a folder of its own, to be spoilt."""

    def __init__(self, folder):
        rng = np.random.default_rng(2)
        self.folder = folder
        self.genome = draw_reference({"chr1": 6000, "chr2": 2000}, rng)
        self.fasta = write_reference(folder / "ref.fa", self.genome)
        ref = [chr(b) for b in self.genome["chr1"]]
        self.rows = [("chr1", p, ref[p - 1], "A" if ref[p - 1] != "A" else "C") for p in (500, 2500, 5500)]
        fragments = draw_fragments(self.genome, self.rows, [0.5] * 3, 40, rng)
        self.bam = simulate_bam(folder / "a.bam", self.genome, fragments, rng, sample="A")
        self.cram = simulate_bam(folder / "a.cram", self.genome, fragments, rng, sample="A", fasta=self.fasta)
        self.sites = self.write_sites(self.rows)

    def write_sites(self, rows, name="sites.tsv"):
        path = self.folder / name
        path.write_text("chrom\tpos\tref\talt\n" + "".join("\t".join(map(str, r)) + "\n" for r in rows))
        return path

    @property
    def index(self):
        return self.bam.with_suffix(".bam.bai")


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


def rewrite(path, change):
    data = bytearray(path.read_bytes())
    path.write_bytes(change(data) or data)
    os.utime(path.with_suffix(path.suffix + (".bai" if path.suffix == ".bam" else ".crai")))


def repacked(files, change):
    """Change the unpacked bytes of a BAM file; blocks are stored, so that the index fits whatever the bytes are."""
    with Blocks(files.bam) as blocks:
        parts = blocks.read(10_000)
    parts = change(parts)
    out = b""
    for part in parts:
        packer = zlib.compressobj(0, zlib.DEFLATED, -15)
        data = packer.compress(bytes(part)) + packer.flush()
        out += bytes.fromhex("1f8b08040000000000ff0600424302") + b"\0" + struct.pack("<H", len(data) + 25)
        out += data + struct.pack("<II", zlib.crc32(bytes(part)), len(part))
    files.bam.write_bytes(out + END_OF_FILE)


def stored(files):
    """Rewrite the file with blocks that are not packed."""
    repacked(files, lambda parts: parts)
    pysam.index(str(files.bam))


def replaced_by_another(files):
    rng = np.random.default_rng(8)
    index = files.index.read_bytes()
    simulate_bam(files.bam, files.genome, draw_fragments(files.genome, [], [], 55, rng), rng)
    files.index.write_bytes(index)


def of_other_contigs(files):
    rng = np.random.default_rng(8)
    genome = draw_reference({"x": 3000}, rng)
    simulate_bam(files.folder / "x.bam", genome, draw_fragments(genome, [], [], 5, rng), rng)
    files.index.write_bytes((files.folder / "x.bam.bai").read_bytes())


def without_contigs(files, name="z"):
    rng = np.random.default_rng(8)
    genome = draw_reference({name: 3000}, rng)
    simulate_bam(files.bam, genome, draw_fragments(genome, [], [], 5, rng), rng)


def by_name(files):
    header = {"HD": {"VN": "1.6", "SO": "queryname"}, "SQ": [{"SN": "chr1", "LN": 6000}]}
    with pysam.AlignmentFile(str(files.bam), "wb", header=header):
        pass


def two_samples(files):
    header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "chr1", "LN": 6000}],
              "RG": [{"ID": "1", "SM": "A"}, {"ID": "2", "SM": "B"}]}  # fmt: skip
    with pysam.AlignmentFile(str(files.bam), "wb", header=header):
        pass
    pysam.index(str(files.bam))


def backwards(files):
    """Swap two records of equal length in a block, so that the file is not sorted."""

    def change(parts):
        block = bytearray(parts[1])
        size = struct.unpack_from("<i", block)[0] + 4
        other = size * 40
        block[:size], block[other : other + size] = block[other : other + size], block[:size]
        return [parts[0], block, *parts[2:]]

    stored(files)
    repacked(files, change)


def bad_record(files):
    def change(parts):
        block = bytearray(parts[1])
        size = struct.unpack_from("<i", block)[0] + 4
        struct.pack_into("<H", block, 16 + size * 30, 60_000)
        return [parts[0], block, *parts[2:]]

    stored(files)
    repacked(files, change)


def flipped(data):
    data[len(data) // 2] ^= 0x55


CASES = {
    "no such file": (lambda f: f.bam.unlink(), "No such file"),
    "empty": (lambda f: f.bam.write_bytes(b""), "the file is empty"),
    "text": (lambda f: f.bam.write_text("hello world\n" * 9), "truncated or damaged: there is no block at byte 0"),
    "SAM": (lambda f: f.bam.write_text("@HD\tVN:1.6\n"), "this is a SAM file.*samtools sort"),
    "cut within a block": (lambda f: rewrite(f.bam, lambda d: d[: len(d) // 2 + 7]), "truncated"),
    "end block missing": (lambda f: rewrite(f.bam, lambda d: d[:-28]), "truncated: the block that ends it"),
    "cut within the header": (lambda f: rewrite(f.bam, lambda d: d[:60]), "truncated"),
    "a bit is wrong": (lambda f: rewrite(f.bam, flipped), "cannot be unpacked|does not fit its checksum|no block"),
    "a record is damaged": (bad_record, "a record is damaged"),
    "records out of order": (backwards, "not sorted by coordinate"),
    "sorted by name": (by_name, "sorted by read name.*samtools sort"),
    "no index": (lambda f: f.index.unlink(), "there is no index beside the file.*samtools index"),
    "index cut": (lambda f: f.index.write_bytes(f.index.read_bytes()[:60]), "the index is truncated or damaged"),
    "index is no index": (lambda f: f.index.write_text("x" * 99), "this is no index of a BAM file"),
    "index of another genome": (of_other_contigs, "it has 1 contigs, the file 2.*samtools index"),
    "index of an earlier file": (replaced_by_another, "the index is not one of a.bam as it is now"),
    "contigs of another genome": (without_contigs, "none of the contigs of the sites is in the file"),
    "contigs of other lengths": (lambda f: without_contigs(f, "chr1"), "chr1 has 3000 bases here and 6000 in ref.fa"),
    "two samples in one file": (two_samples, "holds 2 samples: A, B.*NAME=FILE"),
    "wrong reference allele": (
        lambda f: f.write_sites([("chr1", 500, "ACGT"["ACGT".index(f.rows[0][2]) - 1], f.rows[0][2])]),
        "row 2.*the reference allele is not what ref.fa has there",
    ),
    "contig not in the reference": (lambda f: f.write_sites([("chr9", 5, "A", "C")]), "row 2.*contig is not in ref.fa"),
    "beyond the end": (lambda f: f.write_sites([("chr2", 2001, "A", "C")]), r"has there \(nothing\)"),
    "symbolic allele": (lambda f: f.write_sites([("chr1", 500, f.rows[0][2], "<DEL>")]), "not made of bases"),
    "same alleles": (lambda f: f.write_sites([("chr1", 500, "A", "A")]), "the two alleles are the same"),
    "no position": (lambda f: f.write_sites([("chr1", "x", "A", "C")]), "this is no position"),
    "no sites": (lambda f: f.write_sites([]), "the file lists no site"),
    "sites without columns": (lambda f: f.sites.write_text("a\tb\n1\t2\n"), "columns chrom, pos, ref and alt are not"),
    "sites too short": (lambda f: f.sites.write_text("chrom\tpos\tref\talt\nchr1\t5\n"), "too few cells"),
    "sites empty": (lambda f: f.sites.write_text(""), "the file is empty"),
    "no reference": (lambda f: f.fasta.unlink(), "ref.fa: cannot be read"),
    "reference is no FASTA": (lambda f: (f.fasta.write_text("x\n"), (f.folder / "ref.fa.fai").unlink()), "no FASTA"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_faulty_input_is_refused_in_words(files, name, capsys):
    spoil, message = CASES[name]
    spoil(files)
    check(files, [files.bam], message, capsys)


def check(files, alignments, message, capsys):
    out = files.folder / "out.tsv"
    before = sorted(p.name for p in files.folder.iterdir())
    arguments = [
        "count",
        "--sites",
        files.sites,
        "--reference",
        files.fasta,
        "--out",
        out,
        "--cores",
        "1",
        *alignments,
    ]
    assert main([str(a) for a in arguments]) == 2
    said = capsys.readouterr().err
    assert re.search(message, said, re.DOTALL), said
    assert "Traceback" not in said
    assert sorted(p.name for p in files.folder.iterdir()) == before


CRAM_CASES = {
    "unindexed": (lambda f: f.cram.with_suffix(".cram.crai").unlink(), "there is no index beside the file"),
    "truncated": (lambda f: rewrite(f.cram, lambda d: d[: len(d) // 2]), "the CRAM file is truncated"),
    "another reference": (
        lambda f: f.fasta.write_bytes(f.fasta.read_bytes().translate(bytes.maketrans(b"ACGT", b"CGTA"))),
        "cannot be decoded with ref.fa|reference allele",
    ),
    "damaged": (lambda f: rewrite(f.cram, flipped), "cannot be decoded|damaged"),
    "reference unindexed": (lambda f: (f.folder / "ref.fa.fai").unlink(), "needs the index of the reference.*faidx"),
}


@pytest.mark.parametrize("name", CRAM_CASES)
def test_a_faulty_cram_is_refused_in_words(files, name, capsys):
    spoil, message = CRAM_CASES[name]
    spoil(files)
    check(files, [files.cram], message, capsys)


def test_a_cram_of_another_reference_is_not_decoded(files, capsys):
    bases = {name: np.roll(b, 1) for name, b in files.genome.items()}
    files.fasta = write_reference(files.folder / "other.fa", bases)
    at = chr(bases["chr1"][499])
    files.write_sites([("chr1", 500, at, "A" if at != "A" else "C")])
    check(files, [files.cram], "cannot be decoded with other.fa.*Give --reference", capsys)


def test_bam_needs_no_pysam_and_cram_says_that_it_does(files, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pysam", None)
    assert count(files.sites, files.bam, reference=files.fasta, cores=1).column("depth").min() > 10
    check(files, [files.cram], r"needs the package pysam.*pip install clonalbayes\[sequencing\]", capsys)


def test_a_sample_comes_once_and_a_folder_is_no_file(files, capsys):
    check(files, [files.bam, files.bam], "the sample is that of a.bam", capsys)
    check(files, [files.folder], "this is a folder", capsys)


def test_all_faults_come_at_once(files, capsys):
    files.write_sites([("chr9", 5, "A", "C"), ("chr1", "x", "A", "C")])
    files.index.unlink()
    said = r"this is no position.*there is no index|there is no index.*this is no position"
    check(files, [files.bam, files.folder / "absent.bam"], said, capsys)


def test_an_output_that_cannot_be_is_refused(files, capsys):
    for out, message in (
        (files.bam, "one of the inputs"),
        (files.folder, "folder"),
        (files.folder / "x" / "y", "folder"),
    ):
        arguments = ["count", "--sites", files.sites, "--reference", files.fasta, "--out", out, files.bam]
        assert main([str(a) for a in arguments]) == 2
        assert re.search(message, capsys.readouterr().err)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"min_base_quality": 300}, "out of range"),
        ({"min_mapping_quality": -1}, "out of range"),
        ({"mates": "best"}, "neither, better, both"),
        ({"max_depth": 0}, "at least 1"),
    ],
)
def test_settings_out_of_range_are_refused(files, settings, message):
    with pytest.raises(InputError, match=message):
        count(files.sites, files.bam, reference=files.fasta, **settings)
    with pytest.raises(InputError, match="no file is given"):
        count(files.sites, [], reference=files.fasta)


def test_an_index_that_is_older_but_fits_is_used_and_said(files):
    os.utime(files.index, (1, 1))
    counts = count(files.sites, files.bam, reference=files.fasta)
    assert any("older than a.bam" in note for note in counts.notes)


def test_damaged_bytes_never_crash(files):
    """Any damage ends in counts or in an InputError: to the file, to records inside sound blocks, to the index."""
    rng = np.random.default_rng(4)
    stored(files)
    whole, index = files.bam.read_bytes(), files.index.read_bytes()
    refused = 0
    for trial in range(240):
        files.bam.write_bytes(whole)
        files.index.write_bytes(index)
        if trial % 3 == 0:
            files.bam.write_bytes(spoilt(whole, rng))
        elif trial % 3 == 1:
            files.index.write_bytes(spoilt(index, rng))
        else:
            repacked(files, lambda parts: [parts[0], *(spoilt(p, rng) for p in parts[1:])])
        try:
            counts = count(files.sites, files.bam, reference=files.fasta, cores=1)
        except InputError as error:
            refused += 1
            assert error.faults[0].remedy
        else:
            assert (counts.column("depth") >= 0).all()
    assert 80 < refused < 240


def spoilt(data, rng):
    data = bytearray(data)
    for at in rng.integers(0, len(data), rng.integers(1, 6)):
        data[at] = rng.integers(0, 256)
    if rng.random() < 0.2:
        data = data[: rng.integers(0, len(data))]
    return bytes(data)


def test_real_files_spoilt_never_crash(shared, tmp_path):
    folder = shared / "data" / "formats" / "bam"
    rng = np.random.default_rng(5)
    fasta = folder / "vafcorrect_genome.fa.gz"
    with pysam.AlignmentFile(str(folder / "samplea.bam")) as file, pysam.FastaFile(str(fasta)) as reference:
        places = sorted({p for read in file if not read.is_unmapped for p in read.get_reference_positions()})[::20]
        bases = [reference.fetch("1", p, p + 1) for p in places]
    sites = tmp_path / "sites.tsv"
    rows = [(p, b) for p, b in zip(places, bases, strict=True) if b in "ACGT"]
    sites.write_text("".join(f"1\t{p + 1}\t{b}\t{'C' if b != 'C' else 'T'}\n" for p, b in rows))
    outcomes = set()
    for trial in range(40):
        name, suffix = ("samplea.bam", ".bai") if trial % 2 else ("samplec.cram", ".crai")
        whole, index = (folder / name).read_bytes(), (folder / (name + suffix)).read_bytes()
        spoil_index = trial % 4 > 1
        (tmp_path / name).write_bytes(whole if spoil_index else spoilt(whole, rng))
        (tmp_path / (name + suffix)).write_bytes(spoilt(index, rng) if spoil_index else index)
        try:
            count(sites, tmp_path / name, reference=fasta, cores=1)
            outcomes.add("counted")
        except InputError:
            outcomes.add("refused")
    assert "refused" in outcomes
