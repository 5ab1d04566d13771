"""Pairtree's tables with and without their params file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from good_inputs import PARAMS, SSM, cell, lines_of, long_file, ssm_file, without, write

from clonalbayes.data.patient import read


def test_counts_names_and_clusters(tmp_path: Path) -> None:
    """Lists become the columns of the matrix; samples and clusters come from the params file."""
    patient = read(ssm_file(tmp_path))
    ds = patient.data
    assert ds["mutation"].values.tolist() == ["s0", "s1", "s2"]
    assert ds["specimen"].values.tolist() == ["D", "R1", "R2"]
    assert ds["alt_count"].values.tolist() == [[10, 20, 0], [30, 0, 7], [5, 5, 5]]
    assert ds["depth"].values.tolist() == [[100, 90, 80], [60, 70, 80], [50, 50, 50]]
    assert ds["cluster"].values.tolist() == [1, 2, 0]
    assert set(patient.digests) == {"patient.ssm", "patient.params.json"}
    assert ds.attrs["format"] == "pairtree"


def test_read_probability_says_the_copy_number(tmp_path: Path) -> None:
    """1/2 is diploid, 1 is haploid, anything else is kept."""
    ds = read(ssm_file(tmp_path)).data
    assert ds["major_cn"].values.tolist() == [[1, 1, 1]] * 3
    assert ds["minor_cn"].values[:2].tolist() == [[1, 1, 1], [0, 0, 0]]
    assert ds["normal_cn"].values.tolist() == [[2, 2, 2], [1, 1, 1], [2, 2, 2]]
    prob = ds["var_read_prob"].values
    assert np.isnan(prob[:2]).all()
    assert np.isnan(prob[2]).tolist() == [False, True, False]
    assert prob[2, [0, 2]].tolist() == [0.33, 0.25]


@pytest.mark.parametrize(
    ("prob", "kept"),
    [(0.48, False), (0.52, False), (0.479, True), (0.521, True), (0.98, False), (0.979, True), (1.0, False)],
)
def test_how_near_is_near(tmp_path: Path, prob: float, kept: bool) -> None:
    """Within 0.02, the ends included."""
    ds = read(ssm_file(tmp_path, cell(SSM, 4, "var_read_prob", f"{prob},{prob},{prob}"))).data
    got = "var_read_prob" in ds and bool((~np.isnan(ds["var_read_prob"].values[2])).all())
    assert got is kept


def test_a_site_haploid_in_some_samples_only(tmp_path: Path) -> None:
    """A loss in the tumour: the normal cells stay diploid."""
    ds = read(ssm_file(tmp_path, cell(SSM, 4, "var_read_prob", "0.5,0.5,1"))).data
    assert ds["minor_cn"].values[2].tolist() == [1, 1, 0]
    assert ds["normal_cn"].values[2].tolist() == [2, 2, 2]


def test_positions_from_names(tmp_path: Path) -> None:
    """Names such as 1_1000; other names say nothing."""
    ds = read(ssm_file(tmp_path)).data
    assert ds["chrom"].values.tolist() == ["1", "X", "2"]
    assert ds["pos"].values.tolist() == [1000, 2000, 300]
    ds = read(ssm_file(tmp_path, cell(SSM, 2, "name", "KRAS_12"))).data
    assert ds["chrom"].values.tolist() == ["", "X", "2"]
    assert ds["pos"].values.tolist() == [-1, 2000, 300]


def test_without_params(tmp_path: Path) -> None:
    """Samples are numbered, there are no clusters, and it is said."""
    patient = read(ssm_file(tmp_path, params=None))
    assert patient.data["specimen"].values.tolist() == ["s1", "s2", "s3"]
    assert "cluster" not in patient.data
    assert "no params file: samples are called s1, s2, ..." in patient.notes


def test_params_given_by_path_win(tmp_path: Path) -> None:
    """Over the file beside the table."""
    path = ssm_file(tmp_path)
    other = write(tmp_path / "other.json", json.dumps({"samples": ["a", "b", "c"]}))
    ds = read(path, params=other).data
    assert ds["specimen"].values.tolist() == ["a", "b", "c"]
    assert "cluster" not in ds


def test_params_without_samples(tmp_path: Path) -> None:
    """Samples are numbered then."""
    patient = read(ssm_file(tmp_path, params={"clusters": [["s0"]]}))
    assert patient.data["specimen"].values.tolist() == ["s1", "s2", "s3"]
    assert patient.data["cluster"].values.tolist() == [1, 0, 0]
    assert any("2 mutations are in no cluster" in n for n in patient.notes)


def test_garbage_is_kept_as_data(tmp_path: Path) -> None:
    """Set aside by the experts, not by us."""
    patient = read(ssm_file(tmp_path))
    assert "s2" in patient.data["mutation"].values
    assert len(patient.excluded) == 0
    assert any("1 mutations set aside as garbage" in n for n in patient.notes)


def test_without_read_probability_sites_are_diploid_aloud(tmp_path: Path) -> None:
    """The column may be absent."""
    patient = read(ssm_file(tmp_path, without(SSM, "var_read_prob")))
    assert (patient.data["minor_cn"] == 1).all()
    assert "copy number absent: all sites taken as diploid" in patient.notes


def test_missing_number_in_a_list(tmp_path: Path) -> None:
    """Is missing in that sample, not zero."""
    ds = read(ssm_file(tmp_path, cell(SSM, 2, "total_reads", "100,NA,80"))).data
    assert ds["depth"].values[0].tolist() == [100, -1, 80]
    assert ds["alt_count"].values[0].tolist() == [10, -1, 0]


def test_spaces_in_lists(tmp_path: Path) -> None:
    """Some tools write `1, 2, 3`."""
    ds = read(ssm_file(tmp_path, SSM.replace("10,20,0", "10, 20, 0"))).data
    assert ds["alt_count"].values[0].tolist() == [10, 20, 0]


def test_one_sample(tmp_path: Path) -> None:
    """Lists of one number."""
    text = lines_of([["id", "name", "var_reads", "total_reads", "var_read_prob"], ["s0", "x", 5, 50, 0.5]])
    ds = read(ssm_file(tmp_path, text, params={"samples": ["D"]})).data
    assert ds["alt_count"].values.tolist() == [[5]]


def test_params_for_a_long_table_give_clusters(tmp_path: Path) -> None:
    """Clusters can be given for any format."""
    params = write(tmp_path / "c.json", json.dumps({"clusters": [["m3"], ["m1"]], "garbage": ["m2"]}))
    ds = read(long_file(tmp_path), params=params).data
    assert ds["cluster"].values.tolist() == [2, 0, 1]


def test_a_folder_with_one_patient(tmp_path: Path) -> None:
    """The params file beside the table is found."""
    folder = tmp_path / "p"
    folder.mkdir()
    ssm_file(folder)
    assert read(folder).data["specimen"].values.tolist() == PARAMS["samples"]


def test_real_patients(shared: Path) -> None:
    """Every real patient agrees with its files, clusters and garbage included."""
    files = sorted((shared / "data" / "patients").glob("*.ssm"))
    assert files
    for path in files:
        patient = read(path)
        params = json.loads(path.with_name(path.stem + ".params.json").read_text())
        rows = [line.split("\t") for line in path.read_text().splitlines()[1:]]
        ds = patient.data
        assert ds["specimen"].values.tolist() == params["samples"]
        assert ds["mutation"].values.tolist() == [r[0] for r in rows]
        assert ds["alt_count"].values.tolist() == [[int(x) for x in r[2].split(",")] for r in rows]
        assert ds["depth"].values.tolist() == [[int(x) for x in r[3].split(",")] for r in rows]
        for k, members in enumerate(params["clusters"], 1):
            assert (ds["cluster"].sel(mutation=members) == k).all()
        assert (ds["cluster"].sel(mutation=params["garbage"]) == 0).all()
        assert "var_read_prob" not in ds
        assert len(patient.excluded) == 0


def test_real_expert_params(shared: Path) -> None:
    """The experts' clusters can be given instead."""
    folder = shared / "data" / "patients"
    ds = read(folder / "SJBALL031.ssm", params=folder / "SJBALL031.expert.params.json").data
    assert int(ds["cluster"].max()) == 5
    assert int(ds["cluster"].sel(mutation="s39")) == 0
