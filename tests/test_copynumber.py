"""Readers of copy number and purity: every caller's table, and the round trip through ours."""

from __future__ import annotations

import gzip
import random

import numpy as np
import pandas as pd
import pytest
from copynumber_files import GENERIC, PURITY, SEGMENTS

from clonalbayes.copynumber import read_copy_number, read_purity, read_segments
from clonalbayes.copynumber.segments import COLUMNS
from clonalbayes.faults import InputError

# caller: rows as (chrom, start, end, major, minor, total, fraction, major2, minor2)
ONE = (1.0, -1, -1)
EXPECTED = {
    "caveman": [("1", 1000, 5000, 1, 1, 2, *ONE), ("1", 5001, 9000, 2, 1, 3, *ONE), ("X", 1, 9000, 1, 0, 1, *ONE)],
    "battenberg": [
        ("1", 1000, 5000, 1, 1, 2, *ONE),
        ("1", 5001, 9000, 2, 1, 3, 0.6, 1, 1),
        ("X", 1, 9000, 1, 0, 1, *ONE),
    ],
    "facets": [
        ("1", 1000, 5000, 1, 1, 2, *ONE),
        ("1", 5001, 9000, 2, 1, 3, *ONE),
        ("1", 9001, 12000, 2, 1, 3, 0.5, 1, 1),
        ("2", 1, 9000, -1, -1, 3, *ONE),
        ("X", 1, 9000, 1, 0, 1, *ONE),
    ],
    "purple": [
        ("1", 1, 5000, 1, 1, 2, *ONE),
        ("1", 5001, 9000, 2, 1, 3, 0.58, 1, 1),
        ("1", 9001, 9500, 2, 0, 2, *ONE),
        ("X", 1, 9000, 1, 0, 1, *ONE),
    ],
    "sequenza": [
        ("1", 1000, 5000, 1, 1, 2, *ONE),
        ("1", 5000, 9000, 2, 1, 3, *ONE),
        ("2", 1, 9000, -1, -1, 3, *ONE),
        ("X", 1, 9000, 1, 0, 1, *ONE),
    ],
    "totals": [("1", 1, 100, -1, -1, 3, *ONE), ("1", 101, 200, 1, 0, 1, *ONE)],
    "shares": [("1", 1, 100, 2, 1, 3, *ONE), ("1", 101, 200, 1, 0, 1, 0.5, 1, 1)],
}
EXPECTED["facets-vcf"] = EXPECTED["facets"]
EXPECTED["old-purple"] = [("1", 1, 5000, 1, 1, 2, *ONE), ("1", 5001, 9000, 2, 1, 3, *ONE)]
EXPECTED["gdc"] = [("1", 62920, 5000000, 2, 1, 3, *ONE)]
EXPECTED["cnvkit"] = [("1", 1000, 5000, 2, 1, 3, *ONE), ("1", 5000, 9000, -1, -1, 2, *ONE)]
EXPECTED["battenberg-rows"] = EXPECTED["battenberg-x"] = EXPECTED["battenberg"]
SHOWN = ["chrom", "start", "end", "major_cn", "minor_cn", "total_cn", "fraction", "major2", "minor2"]


def written(folder, text, name="calls.txt"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("caller", EXPECTED)
def test_each_caller_is_recognised_and_read(tmp_path, caller):
    frame = read_segments(written(tmp_path, SEGMENTS[caller]), "P1").segments
    assert list(frame.columns) == list(COLUMNS)
    rows = [tuple(row) for row in frame[SHOWN].itertuples(index=False)]
    assert [row[:6] + row[7:] for row in rows] == [row[:6] + row[7:] for row in EXPECTED[caller]]
    assert np.allclose([row[6] for row in rows], [row[6] for row in EXPECTED[caller]], atol=1e-9)
    assert set(frame["sample"]) == {"P1"}
    assert frame["row"].is_unique


@pytest.mark.parametrize("caller", SEGMENTS)
def test_the_round_trip_through_our_table_loses_nothing(tmp_path, caller):
    first = read_segments(written(tmp_path, SEGMENTS[caller]))
    first.write(tmp_path / "ours.tsv")
    again = read_segments(tmp_path / "ours.tsv")
    pd.testing.assert_frame_equal(first.segments, again.segments)


@pytest.mark.parametrize("caller", SEGMENTS)
def test_windows_line_ends_and_gzip_change_nothing(tmp_path, caller):
    plain = read_segments(written(tmp_path, SEGMENTS[caller])).segments
    packed = tmp_path / "calls.txt.gz"
    packed.write_bytes(gzip.compress(SEGMENTS[caller].replace("\n", "\r\n").encode()))
    other = read_segments(packed).segments
    pd.testing.assert_frame_equal(plain.drop(columns="source"), other.drop(columns="source"))


def test_two_states_have_shares_that_add_up(tmp_path):
    row = read_segments(written(tmp_path, SEGMENTS["battenberg"])).segments.iloc[1]
    assert (row["fraction"], row["fraction2"]) == (0.6, 0.4)
    assert np.isclose(row["fraction"] * row["total_cn"] + row["fraction2"] * 2, 2.6)


def test_purple_keeps_the_average_of_the_fractional_allele(tmp_path):
    row = read_segments(written(tmp_path, SEGMENTS["purple"])).segments.iloc[1]
    assert np.isclose(row["fraction"] * row["major_cn"] + row["fraction2"] * row["major2"], 1.58)


def test_shares_outside_zero_to_one_are_said_aloud(tmp_path):
    text = SEGMENTS["battenberg"].replace("0.6\t1\t1\t0.4", "-7.9\t1\t1\tNA")
    found = read_segments(written(tmp_path, text))
    assert found.segments.iloc[1][["major_cn", "minor_cn", "major2"]].tolist() == [1, 1, -1]
    assert "outside 0 to 1 in 1 segments" in found.notes[0]


def test_segments_without_a_call_are_said_aloud(tmp_path):
    found = read_segments(written(tmp_path, SEGMENTS["totals"]))
    assert any("1 of 3 segments have no call" in note for note in found.notes)
    assert any("only the total" in note for note in found.notes)


def test_the_normal_copies_of_ascat_are_kept(tmp_path):
    assert read_segments(written(tmp_path, SEGMENTS["caveman"])).segments["normal_cn"].tolist() == [2, 2, 1]


def test_a_sample_is_picked_out_of_several(tmp_path):
    path = written(tmp_path, SEGMENTS["ascat"])
    assert read_segments(path, "S2").segments["row"].tolist() == [5]
    assert read_segments(path).samples == ["S1", "S2"]
    with pytest.raises(InputError, match=r"value 'S3': no sample of this name is in the file\. The file has: S1, S2"):
        read_segments(path, "S3")


@pytest.mark.parametrize(
    ("caller", "purity", "sd", "ploidy"),
    [
        ("statistics", 0.7, np.nan, 2.1),
        ("purityploidy", 0.72, np.nan, 2.4),
        ("rho-psi", 0.78, np.nan, 2.05),
        ("cellularity", 0.78, np.nan, 2.05),
        ("facets-out", 0.7, np.nan, 2.3),
        ("purple-purity", 0.66, 0.02, 2.1),
        ("purple-range", 0.66, np.nan, 2.1),
        ("confints", 0.74, 0.08 / 3.92, 2.1),
        ("solutions", 0.74, np.nan, 2.1),
    ],
)
def test_each_purity_is_recognised_and_read(tmp_path, caller, purity, sd, ploidy):
    table = read_purity(written(tmp_path, PURITY[caller]), "P1")
    assert table["sample"].tolist() == ["P1"]
    assert np.allclose(table[["purity", "purity_sd", "ploidy"]].to_numpy(), [[purity, sd, ploidy]], equal_nan=True)
    both = read_copy_number(written(tmp_path, PURITY[caller]), "P1")
    pd.testing.assert_frame_equal(table, both.purity)
    assert not len(both.segments)


def test_a_table_of_purities_gives_each_sample_its_own(tmp_path):
    text = "sample\tpurity\tpurity_sd\tploidy\nA\t0.5\t0.03\t2\nB\t0.7\tNA\t3.1\n"
    path = written(tmp_path, text)
    assert read_purity(path)["purity"].tolist() == [0.5, 0.7]
    assert read_purity(path, "B")["ploidy"].tolist() == [3.1]
    with pytest.raises(InputError, match="no sample of this name"):
        read_purity(path, "C")


def test_a_file_of_purity_is_no_file_of_segments(tmp_path):
    with pytest.raises(InputError, match="holds a purity and no segments"):
        read_segments(written(tmp_path, PURITY["statistics"]))


def test_real_files_are_read(shared):
    folder = shared / "data" / "formats"
    rows = {}
    for path in sorted([*(folder / "ascat").iterdir(), *(folder / "battenberg").iterdir()]):
        if "template" in path.name:
            with pytest.raises(InputError, match="row 3, column rho, value 'NA': the purity is not given"):
                read_copy_number(path)
            continue
        found = read_copy_number(path)
        rows[path.name] = (len(found.segments), len(found.purity))
    assert rows == {
        "A17.fast.segments.txt": (399, 0), "ascatv3_summary_purity_ploidy_head60.tsv": (0, 59),
        "sample.copynumber.caveman.csv": (275, 0), "MutationTimeR.cn.txt": (80, 0), "flat_subclones.txt": (22, 0),
        "mol_time_battenberg_subset.txt": (300, 0),
    }  # fmt: skip


def test_real_files_survive_the_round_trip(shared, tmp_path):
    folder = shared / "data" / "formats"
    for path in sorted([*(folder / "ascat").iterdir(), *(folder / "battenberg").iterdir()]):
        if "template" in path.name or "summary" in path.name:
            continue
        first = read_segments(path)
        first.write(tmp_path / "ours.tsv")
        pd.testing.assert_frame_equal(first.segments, read_segments(tmp_path / "ours.tsv").segments)


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Change a file a little: bytes, lines, fields, length."""
    lines = data.split(b"\n")
    for _ in range(rng.randint(1, 4)):
        i = rng.randrange(len(lines))
        fields = lines[i].split(b"\t")
        j = rng.randrange(len(fields))
        how = rng.randrange(7)
        if how == 0:
            fields[j] = rng.choice([b"", b"NA", b"-1", b"1e400", b"nan", b"1;2", b"\xff", b'"', b"0.5", b"chrX"])
        elif how == 1:
            del fields[j]
        elif how == 2:
            fields.insert(j, b"7")
        elif how == 3:
            lines.insert(i, lines[rng.randrange(len(lines))])
        elif how == 4:
            fields[j] = fields[j][: len(fields[j]) // 2]
        elif how == 5:
            fields = [bytes([b ^ (1 << rng.randrange(8)) if rng.random() < 0.02 else b for b in f]) for f in fields]
        else:
            lines[i:] = lines[i : i + 1]
        lines[min(i, len(lines) - 1)] = b"\t".join(fields)
    return b"\n".join(lines)


@pytest.mark.parametrize("caller", [*SEGMENTS, *PURITY])
def test_damaged_files_are_read_or_refused_in_words(tmp_path, caller):
    rng = random.Random(caller)
    data = (SEGMENTS | PURITY)[caller].encode()
    path = tmp_path / "calls.txt"
    for _ in range(30):
        path.write_bytes(mutated(data, rng))
        try:
            found = read_copy_number(path)
        except InputError as error:
            assert "calls.txt" in str(error)
        else:
            assert len(found.segments) + len(found.purity) > 0 or found.notes


def test_damaged_real_files_are_read_or_refused_in_words(shared, tmp_path):
    rng = random.Random(4)
    folder = shared / "data" / "formats"
    path, outcomes = tmp_path / "calls.txt", {"read": 0, "refused": 0}
    for real in sorted([*(folder / "ascat").iterdir(), *(folder / "battenberg").iterdir()]):
        data = real.read_bytes()
        for _ in range(9):
            path.write_bytes(mutated(data, rng))
            try:
                read_copy_number(path)
                outcomes["read"] += 1
            except InputError:
                outcomes["refused"] += 1
    assert min(outcomes.values()) > 5


def test_the_generic_table_takes_other_separators(tmp_path):
    frame = read_segments(written(tmp_path, GENERIC)).segments
    assert frame["sample"].tolist() == ["S1", "S1", "S2"]
    spaced = read_segments(written(tmp_path, GENERIC.replace(",", " "))).segments
    pd.testing.assert_frame_equal(frame, spaced)


def test_rows_of_a_vcf_are_those_of_the_file(tmp_path):
    text = SEGMENTS["facets-vcf"]
    assert read_segments(written(tmp_path, text)).segments["row"].tolist() == [5, 6, 7, 8, 9]
    with pytest.raises(InputError, match=r"row 6, column tcn_em, value 'x': the copy number is not a number"):
        read_segments(written(tmp_path, text.replace("CF_EM=0.7;TCN_EM=3;LCN_EM=1", "CF_EM=0.7;TCN_EM=x;LCN_EM=1")))


def test_facets_with_one_of_two_minor_columns(tmp_path):
    frame = read_segments(written(tmp_path, SEGMENTS["facets"].replace("lcn.em", "lcn"))).segments
    assert frame["minor_cn"].tolist() == [1, 1, 1, -1, 0]
