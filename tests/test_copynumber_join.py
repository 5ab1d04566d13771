"""The join of segments onto mutations, sex chromosomes, subclonal segments and places without a call."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from copynumber_files import BATTENBERG, CAVEMAN, GENERIC, PURPLE_PURITY
from test_schema import dataset

import clonalbayes as cb
from clonalbayes.copynumber.join import look_up
from clonalbayes.copynumber.regions import PSEUDO_AUTOSOMAL, normal_copies, plain_chroms
from clonalbayes.copynumber.segments import COLUMNS, CopyNumber, empty_segments
from clonalbayes.data.patient import Patient
from clonalbayes.faults import InputError
from clonalbayes.variants.builds import BUILDS


def data(sites: list[tuple[str, int]], samples=("S1", "S2"), **attrs) -> xr.Dataset:
    ds = dataset(len(sites), len(samples)).assign_coords(
        specimen=list(samples),
        chrom=("mutation", [c for c, _ in sites]),
        pos=("mutation", [p for _, p in sites]),
    )
    return ds.assign_attrs(attrs)


def segments(*rows: tuple) -> CopyNumber:
    """Make a table from rows of sample, chrom, start, end, major, minor."""
    frame = pd.DataFrame(rows, columns=["sample", "chrom", "start", "end", "major_cn", "minor_cn"])
    frame = frame.assign(
        total_cn=frame["major_cn"] + frame["minor_cn"], normal_cn=-1, fraction=1.0, major2=-1, minor2=-1,
        fraction2=np.nan, source="here.tsv", row=np.arange(len(frame)) + 2,
    )  # fmt: skip
    return CopyNumber(frame[list(COLUMNS)], pd.DataFrame(columns=["sample", "purity", "purity_sd", "ploidy", "source"]))


def notes(ds: xr.Dataset) -> str:
    return " | ".join(json.loads(ds.attrs["notes"]))


def slow_look_up(frame: pd.DataFrame, samples: list[str], chrom: list[str], pos: list[int]) -> np.ndarray:
    found = np.full((len(chrom), len(samples)), -1)
    for i, (c, p) in enumerate(zip(chrom, pos, strict=True)):
        for s, name in enumerate(samples):
            for row in frame.itertuples():
                if row.sample == name and row.chrom == c and row.start <= p <= row.end:
                    found[i, s] = row.major_cn
    return found


def test_the_join_agrees_with_a_slow_one():
    rng = np.random.default_rng(3)
    rows = []
    for name in ("A", "B", "C"):
        for chrom in ("1", "2", "X"):
            ends = np.sort(rng.choice(np.arange(1, 400), 14, replace=False))
            rows += [
                (name, chrom, int(a), int(b) - 1, int(rng.integers(0, 9)), 0)
                for a, b in itertools.pairwise(ends)
                if rng.random() < 0.8
            ]
    frame = segments(*rows).segments.sample(frac=1.0, random_state=1)
    chrom, pos = rng.choice(["1", "2", "X", "3"], 300).astype(object), rng.integers(1, 420, 300)
    calls = look_up(frame, ["A", "B", "C"], chrom, pos)
    assert (calls.major == slow_look_up(frame, ["A", "B", "C"], chrom, pos)).all()
    assert (calls.major >= 0).any()
    assert (calls.major < 0).any()


def test_a_segment_within_an_equal_one_hides_nothing():
    table = segments(("S1", "1", 1, 900, 2, 1), ("S1", "1", 100, 200, 2, 1), ("S1", "2", 1, 50, 1, 0))
    calls = look_up(table.segments, ["S1"], np.array(["1", "1", "1", "2"], object), np.array([150, 500, 950, 60]))
    assert calls.major[:, 0].tolist() == [2, 2, -1, -1]


def test_prefixes_and_edges():
    ds = cb.add_copy_number(
        data([("chr1", 1), ("chr1", 100), ("1", 101), ("1", 250)]),
        segments(("S1", "1", 1, 100, 2, 1), ("S1", "1", 101, 200, 1, 0), ("S2", "1", 1, 300, 2, 2)),
    )
    assert ds["major_cn"].values.tolist() == [[2, 2], [2, 2], [1, 2], [1, 2]]
    assert ds["minor_cn"].values.tolist() == [[1, 2], [1, 2], [0, 2], [1, 2]]
    assert "no copy-number call at 1 cells" in notes(ds)
    assert "by sample: S1 1" in notes(ds)


def test_no_call_can_be_normal_missing_or_a_reason_to_leave_out():
    table = segments(("S1", "1", 1, 100, 2, 1), ("S2", "1", 1, 300, 2, 2))
    ds = data([("1", 50), ("1", 250)])
    normal = cb.add_copy_number(ds, table)
    assert normal["major_cn"].values[1].tolist() == [1, 2]
    missing = cb.add_copy_number(ds, table, no_call="missing")
    assert missing["depth"].values.tolist() == [[50, 50], [-1, 50]]
    assert missing["alt_count"].values[1].tolist() == [-1, 5]
    excluded = cb.add_copy_number(ds, table, no_call="exclude")
    assert excluded.sizes["mutation"] == 1
    assert "left out: no copy-number call" in notes(excluded)
    with pytest.raises(InputError, match=r"none of the choices\. Choose one of: normal, missing, exclude"):
        cb.add_copy_number(ds, table, no_call="drop")


def test_a_sample_without_any_segments_is_normal_whatever_is_asked():
    ds = cb.add_copy_number(data([("1", 50)]), segments(("S1", "1", 1, 100, 3, 1)), no_call="exclude")
    assert ds["major_cn"].values.tolist() == [[3, 1]]
    assert "no copy number for S2: taken as normal" in notes(ds)


def test_a_lost_site_has_no_counts():
    table = segments(("S1", "1", 1, 100, 0, 0), ("S2", "1", 1, 100, 1, 1))
    ds = cb.add_copy_number(data([("1", 50), ("1", 60)]), table)
    assert ds["depth"].values.tolist() == [[-1, 50], [-1, 50]]
    everywhere = segments(("S1", "1", 1, 55, 0, 0), ("S2", "1", 1, 55, 0, 0))
    left = cb.add_copy_number(data([("1", 50), ("1", 60)]), everywhere)
    assert left["mutation"].values.tolist() == ["m1"]


@pytest.mark.parametrize("build", PSEUDO_AUTOSOMAL)
def test_normal_copies_of_sex_chromosomes(build):
    regions = PSEUDO_AUTOSOMAL[build]
    chrom, pos, inside = [], [], []
    for name, spans in regions.items():
        for first, last in spans:
            for place, within in ((first - 1, False), (first, True), (last, True), (last + 1, False)):
                chrom.append(name)
                pos.append(place)
                inside.append(within)
    chroms, inside = np.array(chrom, object), np.array(inside)
    male = normal_copies(chroms, np.array(pos), "male", build)
    assert male.tolist() == np.where(inside, 2, 1).tolist()
    female = normal_copies(chroms, np.array(pos), "female", build)
    assert female.tolist() == np.where(inside | (chroms == "X"), 2, 0).tolist()
    assert (normal_copies(chroms, np.array(pos), "male", None) == 1).all()


def test_pseudo_autosomal_regions_lie_on_their_chromosomes_and_agree_in_length():
    for build, regions in PSEUDO_AUTOSOMAL.items():
        for x, y in zip(regions["X"], regions["Y"], strict=True):
            lengths = [last - first + 1 for first, last in (x, y)]
            assert abs(lengths[0] - lengths[1]) < (70_000 if build == "T2T" else 1)
        assert all(last <= BUILDS[build][name] for name in "XY" for _, last in regions[name])


def test_chromosomes_have_many_names():
    assert set(BUILDS) == set(PSEUDO_AUTOSOMAL)
    assert plain_chroms(["chr1", "CHRX", "23", "24", "chrM", "chr", "GL1"]).tolist() == [
        "1", "X", "X", "Y", "MT", "chr", "GL1",
    ]  # fmt: skip


def test_x_in_men_and_y_in_women():
    sites = [("X", 50_000_000), ("X", 100_000), ("Y", 10_000_000), ("MT", 5), ("1", 7)]
    table = segments(("S1", "X", 1, 150_000_000, 1, 0), ("S1", "1", 1, 100, 1, 1))
    male = cb.add_copy_number(data(sites, ("S1",)), table, sex="male", build="hg38")
    assert male["normal_cn"].values[:, 0].tolist() == [1, 2, 1, 2]
    assert male["mutation"].values.tolist() == ["m0", "m1", "m2", "m4"]
    assert male["major_cn"].values[2, 0] == 1
    assert male["minor_cn"].values[2, 0] == 0
    female = cb.add_copy_number(data(sites, ("S1",), sex="female"), table)
    assert female["mutation"].values.tolist() == ["m0", "m1", "m4"]
    assert "on the Y chromosome of a female patient" in notes(female)
    unknown = cb.add_copy_number(data(sites, ("S1",)), table)
    assert "sex not given" in notes(unknown)
    assert "genome build not given" in notes(unknown)


def test_a_caller_that_saw_another_sex_is_named(tmp_path):
    path = tmp_path / "ascat.csv"
    path.write_text(CAVEMAN)
    ds = data([("1", 2000), ("X", 500)], ("S1",))
    assert "ascat.csv: normal cells have 1 copies of X there, and the sex is female" in notes(
        cb.add_copy_number(ds, path, sex="female")
    )
    assert "copies of X there" not in notes(cb.add_copy_number(ds, path, sex="male"))


def test_a_subclonal_segment_enters_with_two_states(tmp_path):
    path = tmp_path / "S1_subclones.txt"
    path.write_text(BATTENBERG)
    ds = cb.add_copy_number(data([("1", 2000), ("1", 6000)], ("S1",)), path)
    assert ds["major_cn_2"].values[:, 0].tolist() == [-1, 1]
    assert ds["minor_cn_2"].values[:, 0].tolist() == [-1, 1]
    assert np.isnan(ds["cn_fraction"].values[0, 0])
    assert ds["cn_fraction"].values[1, 0] == 0.6
    assert "1 cells (50.0%) lie in subclonal segments" in notes(ds)
    assert "major_cn_2" not in cb.add_copy_number(data([("1", 2000)], ("S1",)), path)


def test_only_the_total_is_known():
    table = segments(("S1", "1", 1, 100, -1, -1))
    table.segments["total_cn"] = 3
    ds = cb.add_copy_number(data([("1", 50)], ("S1",)), table)
    assert ds["total_cn"].values.tolist() == [[3]]
    assert ds["major_cn"].values.tolist() == [[-1]]
    assert "total_cn" not in cb.add_copy_number(data([("1", 50)], ("S1",)), segments(("S1", "1", 1, 100, 2, 1)))


def test_files_by_sample_with_their_purity(tmp_path):
    (tmp_path / "cn.csv").write_text(GENERIC)
    (tmp_path / "purity.tsv").write_text(PURPLE_PURITY)
    ds = data([("1", 50), ("1", 150)], ("S1", "relapse"))
    out = cb.add_copy_number(ds, {"S1": [tmp_path / "cn.csv", tmp_path / "purity.tsv"]})
    assert out["major_cn"].values.tolist() == [[2, 1], [1, 1]]
    assert out["purity"].values.tolist() == [0.66, 0.9]
    assert np.isclose(out["purity_sd"].values[0], 0.02)
    assert "purity from purity.tsv" in notes(out)
    with pytest.raises(InputError, match="no sample has this name"):
        cb.add_copy_number(ds, {"S9": tmp_path / "cn.csv"})


def test_a_patient_stays_a_patient_and_keeps_the_reasons(tmp_path):
    (tmp_path / "cn.csv").write_text(GENERIC)
    sites = data([("1", 50), ("MT", 150)], ("S1", "S2"))
    patient = Patient(cb.validate(sites), pd.DataFrame(columns=["mutation", "reason", "file", "row"]), ("before",))
    out = cb.add_copy_number(patient, [tmp_path / "cn.csv"])
    assert isinstance(out, Patient)
    assert out.notes[0] == "before"
    assert out.excluded["mutation"].tolist() == ["m1"]
    assert "mitochondrial" in out.excluded["reason"][0]
    assert list(out.digests) == ["cn.csv"]


@pytest.mark.parametrize(
    ("table", "sites", "attrs", "says"),
    [
        (segments(("S1", "1", 1, 100, 2, 1), ("S1", "1", 50, 200, 1, 1)), [("1", 5)], {},
         "here.tsv, row 3, value '1:50-200': two segments of one sample overlap and differ. Keep one of them; "
         "the other is row 2 (1:1-100)."),
        (segments(("Q7", "1", 1, 100, 2, 1)), [("1", 5)], {}, "value 'Q7': names no sample of the patient"),
        (segments(("S1", "scaffold1", 1, 100, 2, 1)), [("1", 5)], {}, "no chromosome in common"),
        (segments(("S1", "1", 1, 249_240_000, 2, 1)), [("1", 5)], {"genome_build": "GRCh38"},
         "The file fits GRCh37: use files of one genome build."),
        (segments(("S1", "1", 1, 100, 2, 1)), [("", 5)], {}, "places of the mutations are not known"),
        (segments(("S1", "1", 1, 100, 0, 0), ("S2", "1", 1, 100, 0, 0)), [("1", 5)], {}, "no mutation can be used"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(table, sites, attrs, says):
    with pytest.raises(InputError) as caught:
        cb.add_copy_number(data(sites, **attrs), table)
    assert says in str(caught.value)


def test_nothing_is_lost_without_segments():
    empty = CopyNumber(empty_segments(), pd.DataFrame(columns=["sample", "purity", "purity_sd", "ploidy", "source"]))
    ds = cb.add_copy_number(data([("1", 5), ("X", 9)]), empty, sex="male")
    assert ds["major_cn"].values.tolist() == [[1, 1], [1, 1]]
    assert ds["minor_cn"].values.tolist() == [[1, 1], [0, 0]]


def test_the_second_state_reaches_the_model():
    from clonalbayes.genotypes import compile_reads

    ds = cb.add_copy_number(data([("1", 6000)], ("S1",)), two_states())
    reads = compile_reads(cb.validate(ds), cb.load_spec("clones"))
    assert np.allclose(reads.data.cell_total, 2.6)


def two_states() -> CopyNumber:
    table = segments(("S1", "1", 5001, 9000, 2, 1))
    table.segments[["fraction", "major2", "minor2", "fraction2"]] = [[0.6, 1, 1, 0.4]]
    return table


def test_tables_of_files_are_named_in_messages(tmp_path: Path):
    for name in ("a.tsv", "b.tsv"):
        end, major = {"a.tsv": (197, 2), "b.tsv": (198, 3)}[name]
        (tmp_path / name).write_text(f"chrom\tstart\tend\tmajor_cn\tminor_cn\n1\t1\t{end}\t{major}\t1\n")
    with pytest.raises(InputError, match=r"b.tsv, row 2, value '1:1-198': two segments .* row 2 of a.tsv"):
        cb.add_copy_number(data([("1", 5)], ("S1",)), [tmp_path / "a.tsv", tmp_path / "b.tsv"])
