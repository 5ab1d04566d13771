"""Calls of each caller are read rightly, and joined to sites without loss."""

from __future__ import annotations

import gzip

import good_variants as g
import numpy as np
import pandas as pd
import pytest

from clonalbayes.faults import InputError
from clonalbayes.variants import Sites, read_sites, read_variants, write_calls, write_sites
from clonalbayes.variants.builds import BUILDS, build_of, builds_that_hold, has_prefix


def row(sites: Sites, pos: int) -> pd.Series:
    (found,) = [r for _, r in sites.table.iterrows() if r["pos"] == pos]
    return found


def reads(sites: Sites, pos: int, sample: str) -> tuple[int, int]:
    found = row(sites, pos)
    return found[f"alt_count:{sample}"], found[f"depth:{sample}"]


def one(tmp_path, name, text=None, **options):
    return read_variants([g.write(tmp_path, name, text)], **options)


def test_caveman_counts_bases_and_takes_names_from_the_header(tmp_path):
    sites = one(tmp_path, "caveman.vcf")
    assert sites.samples == ["PD1b", "PD1a"]
    assert reads(sites, 400, "PD1a") == (11, 41)
    assert reads(sites, 400, "PD1b") == (0, 40)
    found = row(sites, 500)
    assert (found["filter"], found["asmd"], found["asrd"], found["clpm"]) == ("UM;MN", 99.0, 0.8, 2.5)
    assert set(sites.table["callers"]) == {"caveman"}
    assert set(sites.table["called_in"]) == {"PD1a"}


def test_old_caveman_has_no_strands(tmp_path):
    ref = g.base("1", 400)
    counts = dict.fromkeys("ACGT", 0) | {ref: 24, g.other(ref): 4}
    cells = "0/1:" + ":".join(str(counts[b]) for b in "ACGT")
    text = g.vcf("", "NORMAL TUMOUR", [f"1|400|.|{ref}|{g.other(ref)}|.|.|DP=3|GT:AA:CA:GA:TA|{cells}|{cells}"])
    sites = one(tmp_path, "old.vcf", text)
    assert reads(sites, 400, "TUMOUR") == (4, 28)
    assert row(sites, 400)["callers"] == "caveman"
    assert np.isnan(row(sites, 400)["asmd"])


def test_an_mnv_is_kept_with_its_least_supported_base_or_split(tmp_path):
    kept = one(tmp_path, "caveman.vcf")
    assert row(kept, 700)["kind"] == "mnv"
    assert reads(kept, 700, "PD1a") == (7, 39)
    split = one(tmp_path, "caveman.vcf", split_mnv=True)
    assert (reads(split, 700, "PD1a"), reads(split, 701, "PD1a")) == ((9, 39), (7, 39))
    assert set(split.table["kind"]) == {"snv"}
    assert len(split) == len(kept) + 1


def test_pindel_counts_unique_calls(tmp_path):
    sites = one(tmp_path, "pindel.vcf")
    assert reads(sites, g.REPEAT + 9, "PD1a") == (6, 42)
    assert reads(sites, 800, "PD1b") == (0, 40)
    assert set(sites.table["kind"]) == {"indel"}


def test_pindel_prefers_fragments_where_they_are_counted(tmp_path):
    text = (
        g.pindel()
        .replace(":PU:NU\t", ":PU:NU:FD:FC\t")
        .replace(":0:0\t", ":0:0:37:0\t")
        .replace(":3:3\n", ":3:3:39:5\n")
    )
    text = text.replace(":1:0\n", ":1:0:30:1\n")
    assert reads(one(tmp_path, "pindel.vcf", text), g.REPEAT + 9, "PD1a") == (5, 39)


def test_mutect2_names_normals_and_gives_each_allele_its_reads(tmp_path):
    sites = one(tmp_path, "mutect2.vcf")
    assert sites.samples == ["d0", "norm", "r1"]
    assert row(sites, 400)["called_in"] == "d0"  # r1 has no alt read, whatever the joint genotype says
    assert reads(sites, 400, "r1") == (0, 61)
    at = sites.table[sites.table["pos"] == 300]
    assert sorted(at["alt_count:d0"]) == [2, 5]
    assert set(at["depth:d0"]) == {27}
    assert sorted(at["called_in"]) == ["d0", "d0,r1"]
    assert reads(sites, g.REPEAT - 1, "norm") == (0, 50)  # no DP: the sum of AD


def test_strelka_reads_the_first_tier(tmp_path):
    assert reads(one(tmp_path, "strelka_snv.vcf"), 400, "TUMOR") == (12, 43)
    assert reads(one(tmp_path, "strelka_indel.vcf"), g.REPEAT - 1, "TUMOR") == (11, 49)


def test_without_roles_the_genotype_says_who_is_called(tmp_path):
    sites = one(tmp_path, "plain.vcf")
    assert row(sites, 450)["called_in"] == "a"
    assert reads(sites, 450, "b") == (0, 20)
    assert reads(sites, 450, "c") == (-1, -1)  # missing is not zero


def test_cgpvaf_has_a_filter_of_its_own_for_each_sample(tmp_path):
    sites = one(tmp_path, "cgpvaf.vcf")
    assert row(sites, 420)["called_in"] == "t1"
    assert reads(sites, 420, "t2") == (1, 40)


@pytest.mark.parametrize(
    ("keys", "cell", "expected"),
    [
        ("GT:RD:AD", "0\\1:20:7", (7, 27)),
        ("GT:DP:RO:AO", "0\\1:31:20:10", (10, 31)),
        ("GT:NR:NV", "0\\1:30:6", (6, 30)),
        ("GT:DP4", "0\\1:10,9,3,4", (7, 26)),
        ("GT:DP:VD", "0\\1:50:8", (8, 50)),
        ("GT:AD", "0\\1:20", (-1, -1)),
        ("GT:DP", "0\\1:20", (-1, -1)),
        ("GT:AD:DP", "0\\1", (-1, -1)),
    ],
)
def test_counts_of_other_callers(tmp_path, keys, cell, expected):
    sites = one(tmp_path, "x.vcf", g.vcf("", "s", [f"{g._snv('1', 400)}|.|PASS|.|{keys}|{cell}"]))
    assert reads(sites, 400, "s") == expected


def test_maf_gives_samples_their_rows_and_indels_their_anchor(tmp_path):
    bare = one(tmp_path, "patient.maf")
    assert bare.samples == ["d0", "r1", "norm"]
    assert row(bare, 400)["called_in"] == "d0,r1"
    assert [reads(bare, 400, s) for s in bare.samples] == [(14, 44), (5, 60), (0, 50)]
    assert row(bare, g.REPEAT + 9)["ref"] == "NCA"
    placed = one(tmp_path, "patient.maf", reference=g.reference(tmp_path))
    assert row(placed, g.REPEAT - 1)[["ref", "alt"]].tolist() == ["GCA", "G"]
    assert row(placed, 800)[["ref", "alt"]].tolist() == [g.base("1", 800), g.base("1", 800) + "GG"]


def test_the_union_joins_callers_at_one_site_and_says_which(tmp_path):
    files = [g.write(tmp_path, n) for n in ("caveman.vcf", "mutect2.vcf", "strelka_snv.vcf", "pindel.vcf")]
    sites = read_variants(files, reference=g.reference(tmp_path))
    at = row(sites, 400)
    assert at["callers"] == "caveman,mutect2,strelka"
    assert at["n_calls"] == 3
    assert at["called_in"] == "PD1a,d0,TUMOR"
    assert at["asmd"] == 140.0
    assert [s.split(":")[0] for s in at["sources"].split(",")] == ["caveman.vcf", "mutect2.vcf", "strelka_snv.vcf"]
    # Pindel's deletion at the end of the repeat and Mutect2's at its start are one.
    assert row(sites, g.REPEAT - 1)["callers"] == "mutect2,pindel"
    assert any("1 indels moved to the left" in n for n in sites.notes)
    assert list(sites.table["pos"]) == [*sorted(sites.table["pos"][:-2]), 300, 300]


def test_the_best_call_speaks_for_the_site(tmp_path):
    worse = g.caveman("PD1c").replace("PASS\tDP=99;ASRD=0.93", "UM\tDP=99;ASRD=0.99").replace("ASMD=140", "ASMD=199")
    files = [g.write(tmp_path, "worse.vcf", worse), g.write(tmp_path, "caveman.vcf")]
    found = row(read_variants(files), 400)
    assert (found["filter"], found["asmd"], found["called_in"]) == ("PASS", 140.0, "PD1c,PD1a")


def test_doubled_calls_are_joined_and_counted(tmp_path):
    text = g.caveman()
    again = text + text.splitlines()[-4] + "\n"
    sites = one(tmp_path, "caveman.vcf", again)
    assert len(sites) == 4
    assert any("1 calls name a site again" in n for n in sites.notes)
    assert row(sites, 400)["n_calls"] == 2


def test_pass_only_leaves_out_what_failed(tmp_path):
    sites = one(tmp_path, "caveman.vcf", pass_only=True)
    assert set(sites.table["filter"]) == {"PASS"}
    assert any("1 of 4 calls did not pass" in n for n in sites.notes)


def test_names_can_be_given_and_follow_the_file_where_there_are_none(tmp_path):
    files = [g.write(tmp_path, n) for n in ("strelka_snv.vcf", "strelka_indel.vcf")]
    assert read_variants(files).samples == ["NORMAL", "strelka_snv", "strelka_indel"]
    both = read_variants(files, names={str(f): "D0" for f in files})
    assert both.samples == ["NORMAL", "D0"]
    assert reads(both, 400, "D0") == (12, 43)
    assert reads(both, g.REPEAT - 1, "D0") == (11, 49)


def test_chr_prefixes_are_brought_into_line(tmp_path):
    plain = g.write(tmp_path, "caveman.vcf")
    with_chr = g.mutect2().replace("\n1\t", "\nchr1\t").replace("\n2\t", "\nchr2\t").replace("ID=1,", "ID=chr1,")
    other = g.write(tmp_path, "m.vcf", with_chr.replace("ID=2,", "ID=chr2,"))
    sites = read_variants([plain, other])
    assert set(sites.table["chrom"]) == {"1", "2"}
    assert row(sites, 400)["callers"] == "caveman,mutect2"
    assert any("chromosomes are named as in caveman.vcf" in n for n in sites.notes)
    named = read_variants([plain], reference=g.reference(tmp_path, prefix="chr"))
    assert set(named.table["chrom"]) == {"chr1"}


def test_a_table_of_sites_is_read_again_as_it_was(tmp_path):
    files = [g.write(tmp_path, n) for n in g.FILES]
    sites = read_variants(files, reference=g.reference(tmp_path))
    out = tmp_path / "sites.tsv"
    write_sites(sites, out)
    pd.testing.assert_frame_equal(read_sites(out), sites.table)
    joined = read_variants([out])
    columns = [c for c in sites.table.columns if c not in ("sources", "n_calls")]
    pd.testing.assert_frame_equal(joined.table[columns], sites.table[columns])
    assert not list(tmp_path.glob(".*"))


def test_awkward_names_and_texts_come_back(tmp_path):
    text = g.mutect2().replace("\td0\t", '\ta,b %="NA\t').replace("weak_evidence", "NA")
    path = g.write(tmp_path, "odd, name.vcf", text)
    sites = read_variants([path])
    out = tmp_path / "sites.tsv"
    write_sites(sites, out)
    again = read_sites(out)
    pd.testing.assert_frame_equal(again, sites.table)
    assert "NA" in set(again["filter"])
    assert read_variants([out]).samples == ['a,b %="NA', "norm", "r1"]


def test_every_call_can_be_written_with_what_its_file_says(tmp_path):
    files = [g.write(tmp_path, n) for n in ("mutect2.vcf", "pindel.vcf")]
    sites = read_variants(files, reference=g.reference(tmp_path))
    write_calls(sites, tmp_path / "calls.tsv")
    calls = pd.read_csv(tmp_path / "calls.tsv", sep="\t")
    assert len(calls) == 6
    moved = calls[(calls["file"] == "pindel.vcf") & (calls["id"] == "x")].iloc[0]
    assert (moved["pos"], moved["file_pos"], moved["file_ref"], moved["file_alt"]) == (202, g.REPEAT + 9, "ACA", "A")
    assert moved["alt_count:PD1a"] == 6


def test_sites_are_read_straight_from_calls(tmp_path):
    table = read_sites(g.write(tmp_path, "mutect2.vcf"))
    assert table[["chrom", "pos"]].values.tolist() == [["1", 202], ["1", 400], ["2", 300], ["2", 300]]


def test_a_user_may_write_a_table_of_sites_by_hand(tmp_path):
    table = read_sites(g.write(tmp_path, "s.csv", "chrom,pos,ref,alt\nchr1,5,a,t\nchr1,9,AC,A\n"))
    assert table["kind"].tolist() == ["snv", "indel"]
    assert table["ref"].tolist() == ["A", "AC"]
    assert table["asmd"].isna().all()


def test_what_is_no_small_variant_is_left_out_and_counted(tmp_path):
    rows = [f"{g._snv('1', 400)}|.|.|.|GT|0\\1"]
    for alt in ("*", "<DEL>", "A[1:99[", ".", "<NON_REF>", "T."):
        rows.append(f"1|410|.|{g.base('1', 410)}|{alt}|.|.|.|GT|0\\1")
    sites = one(tmp_path, "x.vcf", g.vcf("", "s", rows))
    assert len(sites) == 1
    assert any("3 symbolic alleles and breakends left out" in n for n in sites.notes)
    assert len(sites.notes) == 4


def test_packed_files_and_windows_line_ends_are_read(tmp_path):
    text = g.caveman()
    plain = one(tmp_path, "caveman.vcf", text).table
    for name, data in (
        ("g.vcf.gz", gzip.compress(text.encode())),
        ("b.vcf.gz", g.bgzip(text.encode())[0]),
        ("w.vcf", text.replace("\n", "\r\n")),
        ("u.vcf", "\ufeff" + text),
        ("h.vcf", text.replace("##fileformat=VCFv4.2\n", "")),
    ):
        table = one(tmp_path, name, data).table
        assert table.drop(columns="sources").equals(plain.drop(columns="sources")), name


def test_bcf_is_read_like_the_vcf_it_came_from(tmp_path):
    pysam = pytest.importorskip("pysam")
    head = (
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="x">\n##FORMAT=<ID=AF,Number=A,Type=Float,Description="x">\n'
        '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="x">\n##INFO=<ID=TLOD,Number=A,Type=Float,Description="x">\n'
        '##FILTER=<ID=weak_evidence,Description="x">\n'
    )
    text = g.mutect2().replace("##source", head + "##source", 1)
    path = g.write(tmp_path, "m.vcf", text)
    level = pysam.set_verbosity(0)
    with (
        pysam.VariantFile(str(path)) as stream,
        pysam.VariantFile(str(tmp_path / "m.bcf"), "wb", header=stream.header) as out,
    ):
        for record in stream:
            out.write(record)
    pysam.set_verbosity(level)
    bcf, vcf = read_variants([tmp_path / "m.bcf"]).table, read_variants([path]).table
    skip = ["sources"]
    pd.testing.assert_frame_equal(bcf.drop(columns=skip), vcf.drop(columns=skip))


def test_builds_are_known_by_their_lengths():
    for name, lengths in BUILDS.items():
        assert build_of({f"chr{c}": n for c, n in lengths.items()}) == name
        assert build_of({"7": lengths["7"]}) == name
    assert build_of({"1": 5, "2": 6}) is None
    assert build_of({}) is None
    assert builds_that_hold({"chr1": 249_000_000}) == ["GRCh37"]
    assert has_prefix(["chr1", "chrUn_1"]) is True
    assert has_prefix(["1", "chr2"]) is None


def test_few_wrong_reference_alleles_are_named_and_many_refused(tmp_path):
    text = g.caveman()
    genome = g.reference(tmp_path)
    odd = text.replace(f"\t400\t.\t{g.base('1', 400)}", f"\t400\t.\t{g.base('1', 401)}")
    if g.base("1", 400) != g.base("1", 401):
        notes = one(tmp_path, "few.vcf", odd, reference=genome).notes
        assert any("1 of 4 reference alleles are not those of genome.fa: 1:400" in n for n in notes)
    with pytest.raises(InputError, match="of 4 reference alleles are not those of"):
        one(
            tmp_path,
            "many.vcf",
            text.replace("\t400\t", "\t402\t")
            .replace("\t500\t", "\t503\t")
            .replace("\t600\t", "\t606\t")
            .replace("\t700\t", "\t709\t"),
            reference=genome,
        )


def test_builds_are_known_by_name_where_lengths_are_absent(tmp_path):
    for said, build in (
        ("file:///seq/Homo_sapiens_assembly19.fasta", "GRCh37"),
        ("/data/hg38/genome.fa", "GRCh38"),
        ("/home/lab38/genome.fa", None),
        ("hg19_to_hg38.fa", None),
    ):
        assert one(tmp_path, "x.vcf", g.vcf(f"##reference={said}\n", "s", [])).build == build
    assert one(tmp_path, "y.vcf", g.vcf("", "s", [])).build is None


def test_one_path_is_as_good_as_a_list(tmp_path):
    path = g.write(tmp_path, "caveman.vcf")
    assert read_variants(path).table.equals(read_variants([str(path)]).table)


def test_real_files_are_read(shared):
    formats = shared / "data" / "formats"
    expected = {
        "caveman/flagged_old_counts.vcf": (10, ["PDtestb", "PDtesta"], "GRCh37"),
        "caveman/flagged_grch38_mnv.vcf": (9, ["test_norm", "test_tum"], "GRCh38"),
        "caveman/unflagged_no_asmd_clpm.vcf": (10, ["PDtestb", "PDtesta"], "GRCh37"),
        "caveman/samplea.caveman_c.annot.vcf.gz": (3, ["sampleb", "samplea"], "GRCh37"),
        "pindel/samplea.pindel.annot.vcf.gz": (3, ["sampleb", "samplea"], "GRCh37"),
        "mutect2/cfdna_two_sample_unfiltered.vcf": (116, ["TUMOR", "NORMAL"], "GRCh37"),
        "mutect2/m2_old_two_sample.vcf": (6, ["SM-74P4M", "SM-74NEG"], "GRCh37"),
        "mutect2/three_sample_strelka_indels.vcf": (8, ["NORMAL", "TUMOR", "MET"], "GRCh37"),
        "cgpvaf/PDtest.snp.q30b25.vaf.vcf.gz": (6, ["sampleb", "samplea", "samplec"], "GRCh37"),
    }
    for name, (n, samples, build) in expected.items():
        sites = read_variants([formats / name])
        assert (len(sites), sites.samples, sites.build) == (n, samples, build), name
    assert reads(read_variants([formats / "mutect2/m2_old_two_sample.vcf"]), 44515611, "SM-74P4M") == (6, 22)
    with pytest.raises(InputError, match="is on GRCh38"):
        read_variants([formats / "mutect2/m2_old_two_sample.vcf", formats / "caveman/flagged_grch38_mnv.vcf"])


def test_no_allele_of_a_real_file_is_lost(shared, tmp_path):
    """Each line's alleles, filter and name are found again among the calls, read back from the written table."""
    formats = shared / "data" / "formats"
    n = 0
    for path in sorted(p for p in formats.rglob("*.vcf*") if p.suffix in (".vcf", ".gz") and "brass" not in p.name):
        data = path.read_bytes()
        lines = (gzip.decompress(data) if path.suffix == ".gz" else data).decode().splitlines()
        fields = [(i, line.split("\t")) for i, line in enumerate(lines, start=1) if line and not line.startswith("#")]
        expected = {
            (i, f[0], int(f[1]), f[3], a, "" if f[6] == "." else f[6], "" if f[2] == "." else f[2])
            for i, f in fields
            for a in f[4].split(",")
        }
        sites = read_variants(path)
        write_calls(sites, tmp_path / "calls.tsv")
        calls = pd.read_csv(tmp_path / "calls.tsv", sep="\t", dtype=str, keep_default_na=False)
        found = {
            (int(r["row"]), r["chrom"], int(r["file_pos"]), r["file_ref"], r["file_alt"], r["filter"], r["id"])
            for _, r in calls.iterrows()
        }
        assert found == expected, path.name
        n += len(found)
        columns = [c for c in calls.columns if c.startswith(("alt_count:", "depth:"))]
        assert len(columns) == 2 * len(sites.samples)
        known = sites.calls[columns].to_numpy()
        assert ((known == -1) == (calls[columns] == "").to_numpy()).all()
    assert n == 171
