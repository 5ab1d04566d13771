"""Contexts are read off any kind of reference, on the strand of the pyrimidine, and checked against it."""

from __future__ import annotations

import gzip
import os

import good_variants as g
import numpy as np
import pandas as pd
import pytest

from clonalbayes.data.patient import read
from clonalbayes.faults import InputError
from clonalbayes.variants import CHANNELS, Reference, add_contexts, catalogue, find_contexts
from clonalbayes.variants.contexts import channel, write_contexts

KINDS = ("plain", "indexed", "gzip", "bgzip", "bgzip indexed")


def sites(n: int = 200, prefix: str = "") -> pd.DataFrame:
    rng = np.random.default_rng(3)
    rows = []
    for chrom in ("2", "1"):
        for pos in rng.integers(1, len(g.GENOME[chrom]) + 1, size=n // 2):
            ref = g.base(chrom, int(pos))
            rows.append((prefix + chrom, int(pos), ref, rng.choice([b for b in "ACGT" if b != ref])))
    return pd.DataFrame(rows, columns=["chrom", "pos", "ref", "alt"])


def slow_label(chrom: str, pos: int, ref: str, alt: str) -> str:
    """The same by another way: write both strands, keep the one with the pyrimidine."""
    sequence = "." + g.GENOME[chrom.removeprefix("chr")] + "."
    before, mid, after = sequence[pos - 1], sequence[pos], sequence[pos + 1]
    assert mid == ref
    if "." in (before, after):
        return ""
    forward = f"{before}[{ref}>{alt}]{after}"
    swap = dict(zip("ACGT", "TGCA", strict=True))
    backward = f"{swap[after]}[{swap[ref]}>{swap[alt]}]{swap[before]}"
    (label,) = {forward, backward} & set(CHANNELS)
    return label


def test_there_are_96_channels_in_the_order_of_cosmic():
    assert len(set(CHANNELS)) == 96
    assert CHANNELS[:5] == ("A[C>A]A", "A[C>A]C", "A[C>A]G", "A[C>A]T", "C[C>A]A")
    assert CHANNELS[-1] == "T[T>G]T"


def test_channels_are_those_of_the_reference_table(shared):
    table = pd.read_csv(shared / "data" / "signatures" / "cosmic_v3.4_sbs96_grch38.tsv", sep="\t", index_col=0)
    assert list(table.index) == list(CHANNELS)


@pytest.mark.parametrize("prefix", ["", "chr"])
@pytest.mark.parametrize("kind", KINDS)
def test_contexts_agree_with_a_slow_twin_on_every_kind_of_reference(tmp_path, kind, prefix):
    path = g.reference(tmp_path, kind, prefix)
    before = sorted(os.listdir(tmp_path))
    table = sites()
    table.loc[0, ["chrom", "pos", "ref", "alt"]] = ["1", 1, g.base("1", 1), g.other(g.base("1", 1))]
    found = find_contexts(table, path)
    assert found.labels.tolist() == [slow_label(*row) for row in table.itertuples(index=False)]
    assert found.labels[0] == ""
    assert not found.mismatched.any()
    assert sorted(os.listdir(tmp_path)) == before  # nothing is written beside the reference


@pytest.mark.parametrize("kind", KINDS)
def test_a_reference_is_read_alike_in_all_forms(tmp_path, kind):
    genome = Reference(g.reference(tmp_path, kind))
    assert genome.lengths == {c: len(s) for c, s in g.GENOME.items()}
    assert genome.build is None
    rng = np.random.default_rng(1)
    for chrom in ("X", "1", "2", "1"):
        for start, size in zip(rng.integers(0, 900, 20), rng.integers(0, 130, 20), strict=True):
            assert genome.fetch(chrom, start, start + size) == g.GENOME[chrom][start : start + size]
    assert genome.fetch("1", -5, 3) == g.GENOME["1"][:3]
    assert genome.fetch("1", 1990, 5000) == g.GENOME["1"][1990:]
    assert (genome.resolve("chrX"), genome.resolve("chr9")) == ("X", None)


def test_lower_case_windows_lines_and_uneven_lines_are_read(tmp_path):
    text = g.fasta().lower().replace("\n", "\r\n").replace("made up\r\n", "made up\r\n" + "\r\n")
    genome = Reference(g.write(tmp_path, "g.fa", text))
    assert genome.fetch("2", 100, 300) == g.GENOME["2"][100:300]


def test_channels_on_both_strands_are_one():
    assert channel("ACG", "T") == channel("CGT", "A") == "A[C>T]G"
    assert channel("ANG", "T") == channel("CG", "A") == channel("ACG", "N") == ""


def test_indels_unknown_bases_and_places_have_no_context(tmp_path):
    text = g.fasta().replace(g.GENOME["1"][:60], "N" * 60, 1)
    rows = [
        ("1", 30, "N", "T"),
        ("1", 400, g.base("1", 400), "ACC"),
        ("2", 9, g.base("2", 9, 2), g.other(g.base("2", 9)) + g.other(g.base("2", 10))),
        ("7", 5, "A", "T"),
        ("2", 50, g.base("2", 50), g.other(g.base("2", 50))),
        ("", -1, "", ""),
        ("2", 51, g.base("2", 51), g.other(g.base("2", 51))),
    ]
    found = find_contexts(pd.DataFrame(rows, columns=["chrom", "pos", "ref", "alt"]), g.write(tmp_path, "g.fa", text))
    assert [bool(label) for label in found.labels] == [False] * 4 + [True, False, True]
    assert any("2 mutations without a place" in n for n in found.notes)
    assert any("2 indels and substitutions of several bases" in n for n in found.notes)
    assert any("1 substitutions have no context" in n for n in found.notes)


def test_few_wrong_alleles_are_told_and_have_no_context(tmp_path):
    table = sites()
    table.loc[7, "ref"] = next(b for b in "ACGT" if b not in (table["ref"][7], table["alt"][7]))
    found = find_contexts(table, g.reference(tmp_path))
    assert np.flatnonzero(found.mismatched).tolist() == [7]
    assert found.labels[7] == ""
    assert "1 of 200 reference alleles are not those of genome.fa" in found.notes[0]


def test_another_genome_is_refused(tmp_path):
    table = sites()
    table["pos"] = table["pos"].clip(upper=800) + 1
    with pytest.raises(InputError, match=r"of 200 reference alleles are not those of genome\.fa") as caught:
        find_contexts(table, g.reference(tmp_path), "mine.tsv")
    assert caught.value.faults[0].file == "mine.tsv"


def test_the_likely_build_is_named(tmp_path, monkeypatch):
    from clonalbayes.variants import builds

    lengths = {c: len(s) for c, s in g.GENOME.items()}
    monkeypatch.setitem(builds.BUILDS, "GRCh38", {**builds.BUILDS["GRCh38"], **lengths})
    table = sites()
    table["pos"] = table["pos"].clip(upper=800) + 1
    with pytest.raises(InputError, match=r"genome\.fa \(GRCh38\).*Likely builds of the calls: GRCh37 or T2T"):
        find_contexts(table, g.reference(tmp_path))


def test_positions_counted_from_zero_and_another_stated_build_are_told(tmp_path):
    table = sites()
    genome = g.reference(tmp_path)
    with pytest.raises(InputError, match="They agree one base further on: positions here are counted from 1"):
        find_contexts(table.assign(pos=table["pos"] - 1), genome)
    with pytest.raises(InputError, match="The calls say that they are on GRCh37"):
        find_contexts(table.assign(pos=table["pos"].clip(upper=800) + 1, build="GRCh37"), genome)


def test_a_dataset_gets_the_coordinate(tmp_path):
    table = sites(40).drop_duplicates(["chrom", "pos"])
    lines = ["mutation_id\tsample_id\tref_counts\talt_counts"]
    lines += [f"{r.chrom}:{r.pos}:{r.ref}>{r.alt}\ts\t30\t10" for r in table.itertuples()]
    ds = read(g.write(tmp_path, "p.tsv", "\n".join(lines) + "\n")).data
    if (ds["chrom"].values == "").all():
        ds = ds.assign_coords({c: ("mutation", table[c].to_numpy()) for c in ("chrom", "pos", "ref", "alt")})
    out, notes = add_contexts(ds, g.reference(tmp_path))
    expected = {f"{r.chrom}:{r.pos}:{r.ref}>{r.alt}": slow_label(*r[1:]) for r in table.itertuples()}
    assert {str(m): str(c) for m, c in zip(out["mutation"].values, out["context"].values, strict=True)} == expected
    assert notes == []
    assert catalogue(out["context"].values).sum() == len(table)


def test_contexts_are_written_for_every_site(tmp_path):
    from clonalbayes.variants import read_sites

    table = read_sites(g.write(tmp_path, "mutect2.vcf"))
    write_contexts(table, find_contexts(table, g.reference(tmp_path)), tmp_path / "c.tsv")
    out = pd.read_csv(tmp_path / "c.tsv", sep="\t", dtype={"chrom": str}, keep_default_na=False)
    assert len(out) == len(table)
    assert out["mutation"][1] == f"1:400:{g.base('1', 400)}>{g.other(g.base('1', 400))}"
    assert out["context"].tolist()[0] == ""


def test_the_real_reference_has_the_real_calls(shared, tmp_path):
    formats = shared / "data" / "formats"
    from clonalbayes.variants import read_sites

    table = read_sites(formats / "caveman" / "samplea.caveman_c.annot.vcf.gz")
    packed = formats / "bam" / "vafcorrect_genome.fa.gz"
    found = find_contexts(table, packed)
    assert set(found.labels) <= {*CHANNELS, ""}
    assert (found.labels != "").sum() >= 2
    plain = g.write(tmp_path, "g.fa", gzip.decompress(packed.read_bytes()))
    assert find_contexts(table, plain).labels.tolist() == found.labels.tolist()
