"""Rearrangements, clonotypes and drivers of every tool become one table, and one event has one name."""

from __future__ import annotations

import good_events as e
import good_variants as g
import numpy as np
import pandas as pd
import pytest

from clonalbayes.faults import InputError
from clonalbayes.variants import evidence, read_events, write_events
from clonalbayes.variants.event_table import COLUMNS, KINDS, from_attributes


def table(tmp_path, name, text=None, **options):
    return read_events([e.event_file(tmp_path, name, text)], **options).table


def ends(row) -> tuple:
    return tuple(row[c] for c in ("kind", "chrom1", "pos1", "strand1", "chrom2", "pos2", "strand2"))


DELETION = ("deletion", "1", 100, "+", "1", 900, "-")


def test_brass_groups_have_strands_of_reads(tmp_path):
    found = table(tmp_path, "groups.bedpe")
    assert ends(found.iloc[0]) == DELETION
    assert found[["lo1", "hi1", "lo2", "hi2"]].iloc[0].tolist() == [100, 120, 900, 930]
    assert ends(found.iloc[1]) == ("translocation", "1", 300, "+", "2", 500, "+")
    assert found[["sample", "evidence", "name"]].values.tolist() == [["PD1a", 15.0, "1"], ["PD1a", 7.0, "2"]]
    assert from_attributes(found["attributes"][1])["repeats"] == "LINE"


def test_annotated_brass_turns_the_second_strand(tmp_path):
    found = table(tmp_path, "annot.bedpe")
    assert ends(found.iloc[0]) == ("deletion", "1", 105, "+", "1", 910, "-")
    assert ends(found.iloc[1]) == ("translocation", "1", 305, "+", "2", 510, "+")
    assert found["genes"].tolist() == ["TP53,KRAS"] * 2
    assert found["evidence"].tolist() == [14.0, 9.0]
    assert "n1" not in found["attributes"][0]  # names of reads are not kept


def test_plain_bedpe_is_read_with_and_without_a_header(tmp_path):
    found = table(tmp_path, "plain.bedpe")
    assert ends(found.iloc[0]) == DELETION
    assert found["kind"].tolist() == ["deletion", "translocation", "duplication"]
    assert found["sample"].tolist() == ["plain"] * 3
    rows = "\n".join(e.plain_bedpe().splitlines()[1:])
    bare = table(tmp_path, "bare.bedpe", rows)
    assert bare["kind"].tolist() == found["kind"].tolist()
    assert bare[["pos1", "pos2"]].equals(found[["pos1", "pos2"]])


def test_breakends_are_joined_with_their_mates(tmp_path):
    found = table(tmp_path, "brass.vcf")
    assert len(found) == 4
    assert ends(found.iloc[0]) == DELETION
    assert found[["lo1", "hi1", "lo2", "hi2"]].iloc[0].tolist() == [100, 120, 900, 930]
    assert ends(found.iloc[2]) == ("translocation", "1", 300, "+", "2", 500, "+")
    assert found["genes"].tolist()[:2] == ["TP53,KRAS"] * 2
    assert found[["sample", "evidence"]].values.tolist()[:2] == [["PD1b", 0.0], ["PD1a", 15.0]]
    assert from_attributes(found["attributes"][2])["inserted"] == "TT"
    assert "r1" not in found["attributes"][0]


def test_mates_without_a_link_are_one_event(tmp_path):
    text = e.brass_vcf().replace("MATEID=1_2;", "").replace("MATEID=1_1;", "")
    found = table(tmp_path, "brass.vcf", text)
    assert len(found) == 4
    assert found["genes"][0] == "TP53,KRAS"


def test_a_mate_that_is_elsewhere_is_no_mate(tmp_path):
    text = e.brass_vcf().replace("\t]1:100]C", "\t]X:100]C")
    assert sorted(table(tmp_path, "brass.vcf", text)["kind"].unique()) == ["deletion", "translocation"]


def test_symbolic_alleles_have_ends_strands_and_reads(tmp_path):
    found = table(tmp_path, "manta.vcf")
    rows = {r["name"]: r for _, r in found[found["sample"] == "TUM"].iterrows()}
    assert ends(rows["d"]) == ("deletion", "1", 99, "+", "1", 900, "-")
    assert (rows["d"]["evidence"], rows["d"]["total"]) == (14.0, 57.0)
    assert ends(rows["i"]) == ("inversion", "1", 150, "+", "1", 400, "+")
    assert ends(rows["u"]) == ("duplication", "2", 61, "-", "2", 160, "+")
    assert rows["u"]["filter"] == "MinSomaticScore"
    assert ends(rows["n"])[:3] == ("insertion", "1", 500)
    assert ends(rows["s"])[:4] == ("breakend", "1", 600, "+")
    assert ends(rows["q"]) == ("deletion", "1", 610, "+", "1", 618, "-")


def test_delly_says_how_the_ends_are_connected(tmp_path):
    found = table(tmp_path, "delly.vcf")
    assert ends(found.iloc[0]) == DELETION
    assert (found["evidence"][0], found["total"][0]) == (10.0, 40.0)
    assert ends(found.iloc[1]) == ("translocation", "1", 300, "+", "2", 505, "+")


@pytest.mark.parametrize(
    ("keys", "cell", "expected"),
    [
        ("GT:VF:REF:REFPAIR", ".:9:20:11", (9, 40)),
        ("GT:AO:RO", "0/1:5:30", (5, 35)),
        ("GT:SU:PE:SR", "./.:7:3:4", (7, np.nan)),
        ("GT:AD:DP", "0/1:6:50", (6, 50)),
        ("GT:AD", "0/1:20,6", (6, 26)),
        ("GT:PR:SR", "0/1:.:.", (np.nan, np.nan)),
        ("GT", "0/1", (np.nan, np.nan)),
    ],
)
def test_reads_of_other_callers(tmp_path, keys, cell, expected):
    text = e._sv("t", f"1|99|d|A|<DEL>|.|PASS|END=899|{keys}|{cell}")
    found = table(tmp_path, "x.vcf", text)
    np.testing.assert_equal((found["evidence"][0], found["total"][0]), expected)


def test_one_rearrangement_has_one_name_in_every_file(tmp_path):
    names = ("brass.vcf", "groups.bedpe", "annot.bedpe", "plain.bedpe", "delly.vcf")
    found = read_events([e.event_file(tmp_path, n) for n in names])
    same = found.table[found.table["kind"] == "deletion"]
    assert same["event"].nunique() == 1
    assert any("2 rearrangements were found in more than one file" in n for n in found.notes)
    reads, _ = evidence(found)
    assert reads.loc[same["event"].iloc[0], ["PD1b", "PD1a", "t"]].tolist() == [0.0, 15.0, 10.0]


def test_precise_breakpoints_are_joined_within_the_slop(tmp_path):
    near = e.plain_bedpe().replace("\t99\t100\t", "\t104\t105\t")
    files = [e.event_file(tmp_path, "plain.bedpe"), e.event_file(tmp_path, "near.bedpe", near)]
    assert read_events(files).table["event"].nunique() == 4
    assert read_events(files, slop=5).table["event"].nunique() == 3
    twice = e.plain_bedpe() + e.plain_bedpe().splitlines()[1].replace("\ta\t", "\tz\t") + "\n"
    assert table(tmp_path, "twice.bedpe", twice)["event"].nunique() == 3  # one place, one name, two rows
    assert len(table(tmp_path, "twice.bedpe", twice)) == 4


def test_clones_of_mixcr_of_two_versions(tmp_path):
    found = table(tmp_path, "mixcr.tsv")
    assert found["event"].tolist() == ["clonotype:IGHV4-34:IGHJ4:TGTGCGTGG", "clonotype:IGHV3-30:IGHJ6:TGTACGTGG"]
    assert found[["evidence", "total"]].values.tolist() == [[294, 588], [147, 588]]  # a quarter was not exported
    assert from_attributes(found["attributes"][0])["locus"] == "IGH"
    newer = table(tmp_path, "mixcr4.tsv")
    assert newer["evidence"].tolist() == [80]
    assert from_attributes(newer["attributes"][0])["molecules"] == "11"


def test_sequences_of_a_clonotype_are_joined_by_sample(tmp_path):
    found = read_events([e.event_file(tmp_path, "airr.tsv")])
    assert found.table["event"].tolist() == ["clonotype:IGHV4-34:IGHJ4:TGTGCGTGG"] * 2
    assert found.table[["sample", "evidence", "total"]].values.tolist() == [["d0", 42.0, 50.0], ["r1", 5.0, 5.0]]
    assert any("1 sequences without a junction" in n for n in found.notes)


def test_both_formats_name_a_clonotype_alike(tmp_path):
    both = [e.event_file(tmp_path, n) for n in ("airr.tsv", "mixcr.tsv")]
    reads, total = evidence(read_events(both, names={str(both[1]): "r2"}))
    assert reads.loc["clonotype:IGHV4-34:IGHJ4:TGTGCGTGG", ["d0", "r1", "r2"]].tolist() == [42, 5, 294]
    assert total.loc["clonotype:IGHV4-34:IGHJ4:TGTGCGTGG", "r2"] == 588


def test_drivers_are_named_by_place_or_by_mutation(tmp_path):
    found = table(tmp_path, "drivers.tsv")
    assert found["event"].tolist() == ["17:7577120:C>T", "17:7577120:C>T", "driver:KRAS:p.G12D"]
    assert found["evidence"].tolist()[:2] == [20.0, 2.0]
    assert np.isnan(found["evidence"][2])
    assert from_attributes(found["attributes"][0]) == {
        "ref": "C",
        "alt": "T",
        "consequence": "missense",
        "note": "hot=spot; yes",
    }
    by_id = "gene,mutation\nTP53,17:7577120:C>T\n"
    assert table(tmp_path, "ids.csv", by_id)["pos1"].tolist() == [7577120]
    assert table(tmp_path, "ids.csv", by_id)["sample"].tolist() == [""]


def test_a_table_that_r_wrote_is_read(tmp_path):
    text = '"","Gene","Chromosome","Position","Ref","Alt","VAF"\n"1","TP53","chr17",7577120,"C","T",0.4\n'
    found = read_events(e.event_file(tmp_path, "r.csv", text)).table
    assert found["event"].tolist() == ["chr17:7577120:C>T"]
    assert from_attributes(found["attributes"][0]) == {"ref": "C", "alt": "T", "VAF": "0.4"}


def test_the_table_is_read_again_as_it_was(tmp_path):
    files = [e.event_file(tmp_path, n) for n in e.FILES]
    found = read_events(files)
    assert set(found.table.columns) == set(COLUMNS)
    assert set(found.table["kind"]) <= set(KINDS)
    out = tmp_path / "events.tsv"
    write_events(found, out)
    pd.testing.assert_frame_equal(read_events([out]).table, found.table)
    again = read_events([out, out])
    pd.testing.assert_frame_equal(again.table, found.table)
    assert any("say again" in n for n in again.notes)


def test_chromosomes_and_builds_are_brought_into_line(tmp_path):
    chr_names = e.drivers().replace("\t17\t", "\tchr17\t")
    files = [e.event_file(tmp_path, "drivers.tsv"), e.event_file(tmp_path, "chr.tsv", chr_names)]
    found = read_events(files)
    assert set(found.table["event"]) == {"17:7577120:C>T", "driver:KRAS:p.G12D"}
    assert any("chromosomes are named as in drivers.tsv" in n for n in found.notes)
    one, other = (f"##contig=<ID=1,length={n}>\n" for n in (249250621, 248956422))
    texts = [e.delly().replace(g.contigs(), c) for c in (one, other)]
    with pytest.raises(InputError, match="is on GRCh38"):
        read_events([e.event_file(tmp_path, f"{i}.vcf", t) for i, t in enumerate(texts)])


def test_samples_without_names_are_called_after_the_file_or_as_stated(tmp_path):
    text = e.delly().replace("\tt\n", "\tTUMOR\n")
    files = [e.event_file(tmp_path, n, text) for n in ("d0.sv.vcf", "r1.sv.vcf")]
    assert list(dict.fromkeys(read_events(files).table["sample"])) == ["d0.sv", "r1.sv"]
    named = read_events(files, names={str(files[0]): "D0", str(files[1]): "R1"})
    assert list(dict.fromkeys(named.table["sample"])) == ["D0", "R1"]


def test_real_files_are_read(shared, tmp_path):
    formats = shared / "data" / "formats"
    expected = {
        "brass/brass_ann.vcf": 20,
        "brass/brass_ann.bedpe": 10,
        "brass/BrassMarkedGroups.bedpe": 20,
        "mixcr/mixcr_v1_trb_clones.tsv": 119,
        "mixcr/mixcr_v3_igh_clones.tsv": 96,
        "airr/good_rearrangement.tsv": 6,
        "airr/rearrangement_ig.tsv": 4,
    }
    for name, n in expected.items():
        found = read_events([formats / name])
        assert len(found.table) == n, name
        write_events(found, tmp_path / "e.tsv")
        pd.testing.assert_frame_equal(read_events([tmp_path / "e.tsv"]).table, found.table)
    brass = read_events([formats / n for n in expected if n.startswith("brass")]).table
    assert (brass.groupby("event")["source"].nunique() > 1).sum() == 10  # three formats, one set of events
    with pytest.raises(InputError, match="the column sequence, which AIRR requires, is not there"):
        read_events([formats / "airr" / "BAD_rearrangement.tsv"])
