"""A patient: defaults said aloud, mutations left out with their reason, purity, the ascertainment rule."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from good_inputs import GOOD, LONG, cell, lines_of, long_file, rename, without

import clonalbayes
from clonalbayes.data.patient import Patient, read
from clonalbayes.data.schema import validate
from clonalbayes.faults import InputError


@pytest.mark.parametrize("name", list(GOOD))
def test_every_reader_returns_a_valid_patient(tmp_path: Path, name: str) -> None:
    """Whatever the format: the registry's variables, notes as JSON, digests of the files."""
    path = GOOD[name](tmp_path)
    patient = clonalbayes.read(path)
    assert isinstance(patient, Patient)
    validate(patient.data)
    assert patient.data.attrs["format"] == name
    assert patient.data.attrs["source"] == path.name
    assert json.loads(patient.data.attrs["notes"]) == list(patient.notes)
    assert patient.excluded.columns.tolist() == ["mutation", "reason", "file", "row"]
    files = {p.name: p for p in tmp_path.rglob("*") if p.is_file()}
    assert patient.digests
    for file, digest in patient.digests.items():
        assert digest == hashlib.sha256(files[file].read_bytes()).hexdigest()


@pytest.mark.parametrize("name", list(GOOD))
def test_a_stated_format_changes_nothing(tmp_path: Path, name: str) -> None:
    """The recognised one is the right one."""
    path = GOOD[name](tmp_path)
    assert read(path, format=name).data.identical(read(path).data)


@pytest.mark.parametrize("name", list(GOOD))
def test_the_dataset_survives_netcdf(tmp_path: Path, name: str) -> None:
    """Results carry it."""
    import xarray as xr

    ds = read(GOOD[name](tmp_path)).data
    ds.to_netcdf(tmp_path / "d.nc")
    with xr.open_dataset(tmp_path / "d.nc") as back:
        for variable in ds.variables:
            x, y = ds[variable].values, back[variable].values
            assert ((x == y) | (x != x)).all(), variable


def test_repr_is_one_line(tmp_path: Path) -> None:
    """For notebooks."""
    text = repr(read(long_file(tmp_path)))
    assert text == "<Patient patient.tsv: 3 mutations x 2 samples, 0 left out, 1 notes>"


def test_specimens_are_plain_names(tmp_path: Path) -> None:
    """Strings, not numpy's."""
    names = read(long_file(tmp_path)).specimens
    assert names == ("A", "B")
    assert all(type(n) is str for n in names)


def test_a_path_may_be_text(tmp_path: Path) -> None:
    """str and Path alike."""
    path = long_file(tmp_path)
    assert read(str(path)).data.identical(read(path).data)


def test_no_copy_number_is_diploid_aloud(tmp_path: Path) -> None:
    """And so for every site."""
    text = without(without(without(LONG, "major_cn"), "minor_cn"), "normal_cn")
    patient = read(long_file(tmp_path, text))
    assert (patient.data["major_cn"] == 1).all()
    assert (patient.data["minor_cn"] == 1).all()
    assert (patient.data["normal_cn"] == 2).all()
    assert "copy number absent: all sites taken as diploid" in patient.notes


def test_no_copy_number_on_a_haploid_chromosome(tmp_path: Path) -> None:
    """Without a call the tumour is as the normal cells."""
    text = without(without(LONG, "major_cn"), "minor_cn")
    text = cell(cell(text, 2, "normal_cn", 1), 3, "normal_cn", 1)
    patient = read(long_file(tmp_path, text))
    assert patient.data["major_cn"].values.tolist() == [[1, 1]] * 3
    assert patient.data["minor_cn"].values.tolist() == [[0, 0], [1, 1], [1, 1]]
    assert any("copy number absent" in n and "normal_cn" in n for n in patient.notes)


def test_one_cell_without_a_call(tmp_path: Path) -> None:
    """Is taken as diploid, and counted aloud."""
    text = cell(cell(LONG, 3, "major_cn", ""), 3, "minor_cn", "NA")
    patient = read(long_file(tmp_path, text))
    assert int(patient.data["major_cn"][0, 1]) == int(patient.data["minor_cn"][0, 1]) == 1
    assert any("copy number absent at 1 of 6 cells" in n for n in patient.notes)


def test_total_copy_number_only(tmp_path: Path) -> None:
    """The split stays unknown, the total is kept."""
    text = rename(without(LONG, "minor_cn"), "major_cn", "total_cn")
    patient = read(long_file(tmp_path, text))
    assert (patient.data["major_cn"] == -1).all()
    assert (patient.data["minor_cn"] == -1).all()
    assert patient.data["total_cn"].values.tolist() == [[1, 2], [1, 1], [2, 1]]
    assert any("only the total copy number is known at 6 of 6" in n for n in patient.notes)


def test_lost_sites_are_missing_with_a_note(tmp_path: Path) -> None:
    """Copy number 0 in one sample says nothing about the mutation there."""
    text = cell(cell(LONG, 3, "major_cn", 0), 3, "minor_cn", 0)
    patient = read(long_file(tmp_path, text))
    assert int(patient.data["depth"][0, 1]) == -1
    assert any("copy number 0 at 1 cells" in n and "1 of them with alt reads" in n for n in patient.notes)
    assert len(patient.excluded) == 0


def test_mutations_left_out_have_reason_file_and_row(tmp_path: Path) -> None:
    """No read at all, copy number 0 everywhere."""
    text = LONG + lines_of(
        [
            ["m4", "A", 0, 0, 1, 1, 2, 0.9, 0.001],
            ["m5", "A", 30, 3, 0, 0, 2, 0.9, 0.001],
            ["m5", "B", 30, 3, 0, 0, 2, 0.8, 0.001],
            ["m6", "B", "NA", 3, 1, 1, 2, 0.8, 0.001],
        ]
    )
    patient = read(long_file(tmp_path, text))
    assert patient.data["mutation"].values.tolist() == ["m1", "m2", "m3"]
    assert patient.excluded.columns.tolist() == ["mutation", "reason", "file", "row"]
    assert patient.excluded.values.tolist() == [
        ["m4", "no read in any sample", "patient.tsv", 8],
        ["m5", "copy number 0 in every sample", "patient.tsv", 9],
        ["m6", "no read in any sample", "patient.tsv", 11],
    ]
    assert any("3 of 6 mutations left out" in n for n in patient.notes)


def test_stated_minimum_of_alt_reads(tmp_path: Path) -> None:
    """Mutations below it are left out, and the rule is recorded."""
    patient = read(long_file(tmp_path), min_alt=6)
    assert patient.data.attrs["min_alt"] == 6
    assert patient.excluded["reason"].tolist() == ["fewer than 6 alt reads in every sample"]
    assert any("at least 6 alt reads in one sample (as stated)" in n for n in patient.notes)


def test_rule_read_off_the_data_is_capped(tmp_path: Path) -> None:
    """Many alt reads everywhere say nothing of a high threshold; none says that there was none."""
    assert read(long_file(tmp_path)).data.attrs["min_alt"] == 5
    assert read(long_file(tmp_path, cell(LONG, 4, "alt_counts", 60))).data.attrs["min_alt"] == 5
    assert read(long_file(tmp_path, cell(LONG, 4, "alt_counts", 3))).data.attrs["min_alt"] == 3
    none = read(long_file(tmp_path, cell(LONG, 4, "alt_counts", 0)))
    assert none.data.attrs["min_alt"] == 0
    assert none.data.sizes["mutation"] == 3
    assert any("ascertainment: none" in n for n in none.notes)


def test_purity_of_the_caller_wins(tmp_path: Path) -> None:
    """A number for all, or by sample, with or without its standard error."""
    path = long_file(tmp_path)
    assert read(path, purity=0.5).data["purity"].values.tolist() == [0.5, 0.5]
    ds = read(path, purity={"B": (0.6, 0.05)}).data
    assert ds["purity"].values.tolist() == [0.9, 0.6]
    assert ds["purity_sd"].values[1] == 0.05
    assert np.isnan(ds["purity_sd"].values[0])


def test_purity_not_given_is_one_aloud(tmp_path: Path) -> None:
    """For all samples, or for the one that lacks it."""
    patient = read(long_file(tmp_path, without(LONG, "tumour_content")))
    assert (patient.data["purity"] == 1).all()
    assert any(n.startswith("purity not given: taken as 1") for n in patient.notes)
    text = LONG.replace("\t0.8\t", "\tNA\t")
    assert any(n.startswith("purity of B not given") for n in read(long_file(tmp_path, text)).notes)


def test_sites_dates_and_groups(tmp_path: Path) -> None:
    """Whatever is known of a site and a sample is kept."""
    header = [
        "mutation_id",
        "sample_id",
        "alt_counts",
        "ref_counts",
        "chrom",
        "pos",
        "ref_allele",
        "alt_allele",
        "context",
        "date",
        "group",
        "purity",
        "purity_sd",
        "panel_alt",
        "panel_depth",
    ]
    rows = [
        ["m1", "A", 9, 9, "X", 77, "C", "T", "A[C>T]G", "2020-02-29", "relapse", 0.5, 0.02, 3, 900],
        ["m2", "A", 9, 9, 1, 78, "AT", "A", "", "2020-02-29", "relapse", 0.5, 0.02, "", ""],
    ]
    ds = read(long_file(tmp_path, lines_of([header, *rows]))).data
    assert ds["chrom"].values.tolist() == ["X", "1"]
    assert ds["pos"].values.tolist() == [77, 78]
    assert ds["kind"].values.tolist() == ["snv", "indel"]
    assert ds["context"].values.tolist() == ["A[C>T]G", ""]
    assert ds["date"].values.tolist() == ["2020-02-29"]
    assert ds["group"].values.tolist() == ["relapse"]
    assert ds["purity_sd"].values.tolist() == [0.02]
    assert ds["panel_alt"].values.tolist() == [3, -1]
    assert ds["panel_depth"].values.tolist() == [900, -1]


def test_contexts_of_another_form_are_not_used(tmp_path: Path) -> None:
    """They are no reason to stop."""
    text = rename(LONG, "error_rate", "context").replace("0.001", "ACG")
    patient = read(long_file(tmp_path, text))
    assert (patient.data["context"] == "").all()
    assert any("3 contexts are not of the form" in n for n in patient.notes)


def test_long_alleles_do_not_blow_up_the_rest(tmp_path: Path) -> None:
    """An indel of many bases is kept whole, in an array of objects."""
    text = lines_of(
        [
            ["chrom", "pos", "ref_allele", "alt_allele", "sample", "ref_counts", "alt_counts"],
            ["1", 5, "A" * 5000, "A", "S", 9, 8],
            ["1", 9, "C", "T", "S", 9, 7],
        ]
    )
    ds = read(long_file(tmp_path, text)).data
    assert ds["ref"].dtype == object
    assert ds["ref"].values[0] == "A" * 5000
    assert ds["alt"].dtype.kind == "U"
    assert ds["kind"].values.tolist() == ["indel", "snv"]


def test_a_negative_minimum_is_a_fault(tmp_path: Path) -> None:
    """There are no fewer than no reads."""
    with pytest.raises(InputError, match="the minimum of alt reads is negative"):
        read(long_file(tmp_path), min_alt=-1)


@pytest.mark.parametrize("words", ["SNP", "snv", "Sub"])
def test_kinds_by_other_words(tmp_path: Path, words: str) -> None:
    """As other tools call them."""
    ds = read(long_file(tmp_path, rename(LONG, "error_rate", "variant_type").replace("0.001", words))).data
    assert (ds["kind"] == "snv").all()


def test_all_wrong_purities_are_named(tmp_path: Path) -> None:
    """Of the argument, too, every fault at once."""
    with pytest.raises(InputError) as caught:
        read(long_file(tmp_path), purity={"A": (0.5, 0.9), "B": "high", "C": 0.3})  # type: ignore[dict-item]
    assert [f.column or f.value for f in caught.value.faults] == ["A", "B", "C"]
