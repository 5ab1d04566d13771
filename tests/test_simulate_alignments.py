"""Simulated BAM and CRAM: the records say what was drawn, and htslib reads them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from clonalbayes.faults import InputError
from clonalbayes.simulate.fragments import (
    Library,
    draw_fragments,
    draw_reference,
    write_reference,
)

pysam = pytest.importorskip("pysam")
from clonalbayes.simulate.alignments import simulate_bam  # noqa: E402

CLEAN = Library(qualities=((40, 1.0),), duplicates=0, orphans=0, secondary=0, supplementary=0, clipped=0, anchor=1)


def make(tmp_path, library=CLEAN, vaf=0.5, depth=60, name="a.bam", seed=3):
    rng = np.random.default_rng(seed)
    genome = draw_reference({"one": 6000, "two": 3000}, rng, repeats=20)
    fasta = write_reference(tmp_path / "ref.fa", genome)
    text = genome["one"].tobytes().decode()
    other = {"A": "C", "C": "G", "G": "T", "T": "A"}
    variants = [
        ("one", 1500, text[1499], other[text[1499]]),
        ("one", 3000, text[2999:3004], text[2999]),
        ("one", 4500, text[4499], text[4499] + "ACG"),
    ]
    fragments = draw_fragments(genome, variants, [vaf] * 3, depth, rng, library=library)
    path = simulate_bam(tmp_path / name, genome, fragments, rng, sample="T1", fasta=fasta)
    return genome, variants, fragments, path, fasta


def reads(path, fasta):
    with pysam.AlignmentFile(str(path), reference_filename=str(fasta)) as file:
        return list(file)


def test_records_are_whole_sorted_and_carry_what_was_drawn(tmp_path):
    _genome, variants, fragments, path, fasta = make(tmp_path, depth=200)
    found = reads(path, fasta)
    assert len(found) == 2 * len(fragments)
    assert [(r.reference_id, r.reference_start) for r in found] == sorted(
        (r.reference_id, r.reference_start) for r in found
    )
    assert all(r.infer_query_length() == r.query_length == 150 for r in found)
    carriers = {v: set(fragments.carrier[fragments.carried == v].tolist()) for v in range(3)}
    gaps = {1: (2, 4), 2: (1, 3)}
    for v, gap in gaps.items():
        with_gap = {int(r.query_name[1:]) for r in found if gap in (r.cigartuples or ())}
        pos = variants[v][1]
        spanned = {int(r.query_name[1:]) for r in found if r.reference_start < pos - 60 and r.reference_end > pos + 60
                   and r.reference_id == 0}  # fmt: skip
        assert with_gap <= carriers[v]
        assert carriers[v] & spanned <= with_gap
        assert len(carriers[v] & spanned) > 10


def test_mates_point_at_each_other_and_scores_are_those_of_the_alignment(tmp_path):
    genome, _variants, _fragments, path, fasta = make(tmp_path)
    pairs = {}
    for r in reads(path, fasta):
        pairs.setdefault(r.query_name, {})[r.is_read2] = r
        assert r.get_tag("RG") == "1"
        if r.cigartuples == [(0, 150)]:
            bases = genome[r.reference_name][r.reference_start : r.reference_end]
            wrong = int((bases != np.frombuffer(r.query_sequence.encode(), np.uint8)).sum())
            assert (r.get_tag("NM"), r.get_tag("AS")) == (wrong, max(150 - 5 * wrong, 0))
    for pair in pairs.values():
        assert pair[False].next_reference_start == pair[True].reference_start
        assert pair[True].next_reference_start == pair[False].reference_start


def test_the_index_finds_the_same_reads_as_a_scan(tmp_path):
    _genome, _variants, _fragments, path, fasta = make(tmp_path)
    with pysam.AlignmentFile(str(path)) as file:
        fetched = sum(1 for _ in file.fetch("one", 2000, 2001))
        assert file.header.to_dict()["RG"] == [{"ID": "1", "SM": "T1"}]
    scanned = [r for r in reads(path, fasta) if r.reference_id == 0 and r.reference_start <= 2000 < r.reference_end]
    assert fetched == len(scanned) > 20


def test_cram_holds_the_same_reads_as_bam(tmp_path):
    _genome, _variants, _fragments, bam, fasta = make(tmp_path)
    cram = make(tmp_path, name="a.cram")[3]
    told = [[(r.to_string().split("\t")[:11], r.get_tag("AS")) for r in reads(f, fasta)] for f in (bam, cram)]
    assert told[0] == told[1]
    assert cram.with_suffix(".cram.crai").is_file()


def test_every_kind_of_read_has_its_flag_and_share(tmp_path):
    library = Library(duplicates=0.1, orphans=0.1, secondary=0.1, supplementary=0.1, clipped=0.1, misaligned=0.1,
                      qc_fail=0.1)  # fmt: skip
    *_, path, fasta = make(tmp_path, library, depth=200)
    found = reads(path, fasta)
    shares = Counter()
    for r in found:
        shares["duplicate"] += r.is_duplicate
        shares["orphan"] += r.mate_is_unmapped
        shares["secondary"] += r.is_secondary
        shares["supplementary"] += r.is_supplementary
        shares["failed"] += r.is_qcfail
        shares["clipped"] += r.cigartuples[0] == (4, 20) and len(r.cigartuples) == 2
        shares["misaligned"] += (2, 2) in r.cigartuples
    assert all(0.03 < n / len(found) < 0.15 for n in shares.values()), shares


def test_a_gap_near_the_end_of_a_read_is_clipped(tmp_path):
    library = Library(**{**CLEAN.__dict__, "anchor": 12})
    *_, path, fasta = make(tmp_path, library)
    for r in reads(path, fasta):
        ops = r.cigartuples
        if any(op in (1, 2) for op, _ in ops):
            assert min(n for op, n in ops if op == 0) >= 12
    assert any(op == 4 for r in reads(path, fasta) for op, _ in r.cigartuples)


def test_a_variant_that_does_not_fit_the_reference_is_refused(tmp_path):
    rng = np.random.default_rng(1)
    genome = {"one": np.frombuffer(b"A" * 2000, np.uint8)}
    with pytest.raises(InputError, match="the reference holds A"):
        draw_fragments(genome, [("one", 5, "C", "T")], [0.5], 10, rng)
    with pytest.raises(InputError, match="shorter than a molecule"):
        draw_fragments({"one": genome["one"][:100]}, [], [], 10, rng)


def test_regions_have_their_own_depth():
    rng = np.random.default_rng(1)
    genome = draw_reference({"one": 20000}, rng)
    fragments = draw_fragments(genome, [], [], 0, rng, regions=[("one", 0, 8000, 30), ("one", 10000, 18000, 90)])
    left, right = np.sum(fragments.start < 8000), np.sum(fragments.start >= 10000)
    assert 2.5 < right / left < 3.5
