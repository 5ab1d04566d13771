"""Export and back: nothing is lost that the format can hold, and what it cannot hold is said."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from good_inputs import (
    GOOD,
    LONG,
    LONG_HEADER,
    SSM,
    cell,
    dpclust_folder,
    lines_of,
    long_file,
    rename,
    ssm_file,
    without,
    write,
)

from clonalbayes.data.describe import describe
from clonalbayes.data.export import EXPORTS, export
from clonalbayes.data.patient import Patient, read
from clonalbayes.data.schema import validate
from clonalbayes.faults import InputError


def differing(a: xr.Dataset, b: xr.Dataset) -> set[str]:
    """Names of the variables whose values differ (NaN equals NaN) or that only one has."""
    names = {str(n) for n in a.variables} ^ {str(n) for n in b.variables}
    for name in {str(n) for n in a.variables} & {str(n) for n in b.variables}:
        x, y = a[name].values, b[name].values
        if x.shape != y.shape or not ((x == y) | (x != x) & (y != y)).all():
            names.add(name)
    return names


def round_trip(patient: Patient, format: str, folder: Path) -> tuple[Patient, list[str]]:
    """Export and read again."""
    target = folder / "out.ssm"
    losses = export(patient, format, target)
    return read(target), losses


FULL = lines_of(
    [
        "mutation_id sample_id ref_counts alt_counts major_cn minor_cn total_cn normal_cn purity purity_sd"
        " error_rate chrom"
        " pos ref_allele alt_allele context date group panel_alt panel_depth var_read_prob".split(),
        [
            "a",
            "S1",
            60,
            40,
            2,
            1,
            3,
            2,
            0.87,
            0.03,
            0.002,
            "1",
            5,
            "C",
            "T",
            "A[C>T]G",
            "2020-01-02",
            "dx",
            1,
            900,
            "NA",
        ],
        [
            "a",
            "S2",
            61,
            0,
            "NA",
            "NA",
            4,
            2,
            0.5,
            "NA",
            0.002,
            "1",
            5,
            "C",
            "T",
            "A[C>T]G",
            "",
            "",
            1,
            900,
            0.31,
        ],
        [
            "b",
            "S1",
            "NA",
            "NA",
            1,
            0,
            1,
            1,
            0.87,
            0.03,
            "NA",
            "X",
            9,
            "AT",
            "A",
            "",
            "2020-01-02",
            "dx",
            "",
            "",
            "NA",
        ],
        ["b", "S2", 7, 7, 1, 0, 1, 1, 0.5, "NA", "NA", "X", 9, "AT", "A", "", "", "", "", "", 1 / 3],
    ]
)


def test_the_long_table_holds_everything_but_clusters(tmp_path: Path) -> None:
    """Every variable and coordinate comes back."""
    patient = read(long_file(tmp_path, FULL))
    back, losses = round_trip(patient, "pyclone-vi", tmp_path)
    assert differing(patient.data, back.data) == set()
    assert not any("no place" in text for text in losses)
    assert any("major_cn is NA" in text for text in losses)
    assert any("missing count" in text for text in losses)


def test_pyclone_vi_gets_its_own_columns_first(tmp_path: Path) -> None:
    """Under its own names."""
    export(read(long_file(tmp_path)), "pyclone-vi", tmp_path / "out.tsv")
    header = (tmp_path / "out.tsv").read_text().splitlines()[0].split("\t")
    assert header == LONG_HEADER.split()


def test_pyclone_vi_of_clusters_says_the_loss(tmp_path: Path) -> None:
    """Clusters have no column there."""
    patient = read(ssm_file(tmp_path))
    back, losses = round_trip(patient, "pyclone-vi", tmp_path / "out")
    assert "pyclone-vi has no place for cluster" in losses
    assert differing(patient.data, back.data) == {"cluster"}


def test_pairtree_round_trip(tmp_path: Path) -> None:
    """Its own format holds all of it: ids, names, lists, samples, clusters, garbage."""
    patient = read(ssm_file(tmp_path))
    back, losses = round_trip(patient, "pairtree", tmp_path / "out")
    assert differing(patient.data, back.data) == set()
    assert losses == []
    params = json.loads((tmp_path / "out" / "out.params.json").read_text())
    assert params == {"samples": ["D", "R1", "R2"], "clusters": [["s0"], ["s1"]], "garbage": ["s2"]}


def test_pairtree_of_copy_numbers(tmp_path: Path) -> None:
    """The expected share of alt reads of one mutated copy at the sample's purity."""
    patient = read(long_file(tmp_path))
    losses = export(patient, "pairtree", tmp_path / "out.ssm")
    rows = [line.split("\t") for line in (tmp_path / "out.ssm").read_text().splitlines()[1:]]
    prob = [[float(x) for x in r[4].split(",")] for r in rows]
    assert prob[0] == pytest.approx([0.5, 1 / (0.8 * 3 + 0.2 * 2)])
    assert prob[1] == pytest.approx([0.5, 1 / (0.8 * 1 + 0.2 * 2)])
    assert prob[2] == pytest.approx([1 / (0.9 * 4 + 0.1 * 2), 0.5])
    assert [r[0] for r in rows] == ["s0", "s1", "s2"]
    assert [r[1] for r in rows] == ["m1", "m2", "m3"]
    assert any("one mutated copy" in text for text in losses)
    assert any("no purity" in text for text in losses)
    assert any("error_rate" in text for text in losses)


def test_pairtree_writes_missing_counts_as_no_reads(tmp_path: Path) -> None:
    """And says so."""
    patient = read(long_file(tmp_path, cell(LONG, 5, "alt_counts", "NA")))
    back, losses = round_trip(patient, "pairtree", tmp_path / "out")
    assert back.data["depth"].values[1].tolist() == [100, 0]
    assert any("0 of 0 reads" in text for text in losses)


def test_dpclust_round_trip(tmp_path: Path) -> None:
    """Counts, missing ones too, totals, purity, positions and names."""
    patient = read(dpclust_folder(tmp_path))
    whole = patient.data.copy()
    whole = whole.drop_vars("var_read_prob")
    whole["total_cn"][0, 1] = 2
    whole["total_cn"][1, 1] = whole["total_cn"][3, 0] = 2
    whole["major_cn"][:] = whole["minor_cn"][:] = -1
    losses = export(whole, "dpclust", tmp_path / "out")
    back = read(tmp_path / "out")
    got, want = back.data.sortby("mutation"), whole.sortby("mutation")
    known = want["depth"].values >= 0
    assert (got["alt_count"].values == want["alt_count"].values).all()
    assert (got["depth"].values == want["depth"].values).all()
    assert (got["total_cn"].values == want["total_cn"].values)[known].all()
    assert got["purity"].values.tolist() == want["purity"].values.tolist()
    assert got["specimen"].values.tolist() == want["specimen"].values.tolist()
    assert got["pos"].values.tolist() == want["pos"].values.tolist()
    assert any("split into major and minor is lost" in text for text in losses)


def test_dpclust_of_unknown_positions_numbers_them(tmp_path: Path) -> None:
    """DPClust knows sites by position only."""
    patient = read(long_file(tmp_path))
    losses = export(patient, "dpclust", tmp_path / "out")
    back = read(tmp_path / "out")
    assert back.data["pos"].values.tolist() == [1, 2, 3]
    assert (back.data["depth"].values == patient.data["depth"].values).all()
    assert (
        back.data["total_cn"].values == patient.data["major_cn"].values + patient.data["minor_cn"].values
    ).all()
    assert any("numbered 1, 2" in text for text in losses)


def test_counts_round_trip(tmp_path: Path) -> None:
    """Wide tables hold sites and counts, missing ones too."""
    patient = read(GOOD["counts"](tmp_path))
    back, losses = round_trip(patient, "counts", tmp_path / "out")
    assert differing(patient.data, back.data) == set()
    assert losses == ["counts hold no copy number"]
    full = read(long_file(tmp_path, FULL))
    back, losses = round_trip(full, "counts", tmp_path / "out2")
    lost = {
        "mutation",
        "major_cn",
        "minor_cn",
        "total_cn",
        "normal_cn",
        "purity",
        "purity_sd",
        "error_rate",
        "context",
        "date",
        "group",
        "panel_alt",
        "panel_depth",
        "var_read_prob",
    }
    assert differing(full.data, back.data) == lost
    for name in ("context", "date", "group", "error_rate", "panel_alt", "purity_sd", "var_read_prob"):
        assert any(name in text for text in losses)


@pytest.mark.parametrize("source", list(GOOD))
@pytest.mark.parametrize("format", list(EXPORTS))
def test_counts_survive_every_export(tmp_path: Path, source: str, format: str) -> None:
    """Whatever was read can be written in every format and read again with the same counts."""
    patient = read(GOOD[source](tmp_path))
    back, losses = round_trip(patient, format, tmp_path / "out")
    alt, depth = patient.data["alt_count"].values, patient.data["depth"].values
    if format == "pairtree":
        alt, depth = np.maximum(alt, 0), np.maximum(depth, 0)
    order = (
        np.argsort(back.data["pos"].values) if format == "dpclust" else np.arange(back.data.sizes["mutation"])
    )
    mine = np.argsort(patient.data["pos"].values, kind="stable") if format == "dpclust" else order
    assert (back.data["alt_count"].values[order] == alt[mine]).all()
    assert (back.data["depth"].values[order] == depth[mine]).all()
    assert len(losses) == len(set(losses))


@pytest.mark.parametrize("format", list(EXPORTS))
def test_a_dataset_will_do(tmp_path: Path, format: str) -> None:
    """No Patient is needed; a second export gives the same bytes."""
    ds = read(long_file(tmp_path, FULL)).data
    export(ds, format, tmp_path / "one" / "x")
    export(ds, format, tmp_path / "two" / "x")
    one = {
        p.relative_to(tmp_path / "one"): p.read_bytes() for p in (tmp_path / "one").rglob("*") if p.is_file()
    }
    two = {
        p.relative_to(tmp_path / "two"): p.read_bytes() for p in (tmp_path / "two").rglob("*") if p.is_file()
    }
    assert one == two
    assert one


def test_unknown_format_lists_the_known(tmp_path: Path) -> None:
    """With what there is."""
    with pytest.raises(InputError, match="pyclone-vi, pairtree, dpclust, counts"):
        export(read(long_file(tmp_path)), "excel", tmp_path / "x")


@pytest.mark.parametrize("format", list(EXPORTS))
def test_folders_with_content_are_left_alone(tmp_path: Path, format: str) -> None:
    """Nothing is overwritten in a folder."""
    patient = read(long_file(tmp_path))
    (tmp_path / "out").mkdir()
    write(tmp_path / "out" / "mine.txt", "mine")
    with pytest.raises(InputError, match="not empty"):
        export(patient, format, tmp_path / "out")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_a_file_is_not_replaced_by_a_folder(tmp_path: Path) -> None:
    """It could be anything."""
    patient = read(long_file(tmp_path))
    write(tmp_path / "out", "mine")
    with pytest.raises(InputError, match="a file is in its place"):
        export(patient, "counts", tmp_path / "out")


def test_an_existing_file_is_replaced_whole(tmp_path: Path) -> None:
    """And no temporary file stays."""
    patient = read(long_file(tmp_path))
    write(tmp_path / "out.tsv", "old")
    export(patient, "pyclone-vi", tmp_path / "out.tsv")
    assert (tmp_path / "out.tsv").read_text().startswith("mutation_id")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.tsv", "patient.tsv"]


def test_a_failure_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old file stays if writing breaks off."""
    patient = read(long_file(tmp_path))
    write(tmp_path / "out.tsv", "old")

    def broken(ds: xr.Dataset, folder: Path, name: str, losses: list[str]) -> None:
        write(folder / name, "half")
        raise OSError("disk full")

    monkeypatch.setitem(EXPORTS, "pyclone-vi", broken)
    with pytest.raises(OSError, match="disk full"):
        export(patient, "pyclone-vi", tmp_path / "out.tsv")
    assert (tmp_path / "out.tsv").read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.tsv", "patient.tsv"]


def test_real_patients_round_trip(shared: Path, tmp_path: Path) -> None:
    """Pairtree's own patients lose nothing in Pairtree's format, and only clusters in the long table."""
    for path in sorted((shared / "data" / "patients").glob("*.ssm")):
        patient = read(path)
        back, losses = round_trip(patient, "pairtree", tmp_path / path.stem)
        assert losses == []
        assert differing(patient.data, back.data) == set()
        back, losses = round_trip(patient, "pyclone-vi", tmp_path / f"{path.stem}.long")
        assert differing(patient.data, back.data) == {"cluster"}


def test_total_copy_number_round_trip(tmp_path: Path) -> None:
    """Totals with unknown split survive in the long table."""
    patient = read(long_file(tmp_path, rename(without(LONG, "minor_cn"), "major_cn", "total_cn")))
    back, _ = round_trip(patient, "pyclone-vi", tmp_path)
    assert differing(patient.data, back.data) == set()


def test_ssm_of_one_probability(tmp_path: Path) -> None:
    """Shares of alt reads that say no copy number survive."""
    patient = read(ssm_file(tmp_path, SSM.replace("0.33", "0.123456789")))
    back, _ = round_trip(patient, "pairtree", tmp_path / "out")
    assert back.data["var_read_prob"].values[2, 0] == 0.123456789


def test_a_second_copy_number_state_survives_the_long_table(tmp_path):
    """Our own columns; the other formats say that they lose it."""
    both, shape = ("mutation", "specimen"), (3, 2)
    ds = read(long_file(tmp_path)).data
    major, share = np.full(shape, -1), np.full(shape, np.nan)
    major[1, 0], share[1, 0] = 2, 0.6
    ds = validate(ds.assign(
        major_cn_2=(both, major), minor_cn_2=(both, np.where(major > 0, 0, -1)), cn_fraction=(both, share)
    ))  # fmt: skip
    losses = export(ds, "pyclone-vi", tmp_path / "out.tsv")
    assert any("second ones are in columns of ours" in loss for loss in losses)
    back = read(tmp_path / "out.tsv").data
    for name in ("major_cn_2", "minor_cn_2", "cn_fraction"):
        np.testing.assert_array_equal(back[name].values, ds[name].values)
    assert any("cn_fraction" in loss for loss in export(ds, "pairtree", tmp_path / "out.ssm"))
    assert describe(ds).samples[0].copy_number["1+1 and 2+0"] > 0.3
