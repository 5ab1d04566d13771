"""DPClust input folders: the sheet, the join over samples, mean copy numbers."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from good_inputs import DP_A, DP_B, DP_HEADER, SHEET, cell, dpclust_folder, lines_of, without, write

from clonalbayes.data.patient import read
from clonalbayes.faults import InputError


def test_sites_are_joined_by_position(tmp_path: Path) -> None:
    """Rows in another order match; a site of one sample is missing in the other."""
    patient = read(dpclust_folder(tmp_path))
    ds = patient.data
    assert ds["specimen"].values.tolist() == ["P_a", "P_b"]
    assert ds["mutation"].values.tolist() == ["1:100", "1:200", "X:300", "2:400"]
    assert ds["alt_count"].values.tolist() == [[60, 20], [30, -1], [45, 10], [-1, 6]]
    assert ds["depth"].values.tolist() == [[100, 100], [100, -1], [100, 100], [-1, 66]]
    assert ds["purity"].values.tolist() == [0.9, 0.8]
    assert ds["chrom"].values.tolist() == ["1", "1", "X", "2"]
    assert ds["pos"].values.tolist() == [100, 200, 300, 400]
    assert ds.attrs["format"] == "dpclust"


def test_whole_mean_copy_numbers_are_totals(tmp_path: Path) -> None:
    """With an unknown split."""
    ds = read(dpclust_folder(tmp_path)).data
    assert ds["total_cn"].values[:3, 0].tolist() == [2, 3, 1]
    assert (ds["major_cn"].values[:3, 0] == -1).all()


def test_other_mean_copy_numbers_fix_the_share_of_alt_reads(tmp_path: Path) -> None:
    """no.chrs.bearing.mut / (purity x CN + 2 (1 - purity)), said aloud."""
    patient = read(dpclust_folder(tmp_path))
    prob = patient.data["var_read_prob"].values
    assert prob[0, 1] == pytest.approx(1 / (0.8 * 2.4 + 0.2 * 2))
    assert np.isnan(np.delete(prob.ravel(), 1)).all()
    assert any("not whole at 1 cells" in n for n in patient.notes)


def test_more_mutated_copies_raise_the_share(tmp_path: Path) -> None:
    """Two of 2.4 copies."""
    prob = (
        read(dpclust_folder(tmp_path, b=cell(DP_B, 3, "no.chrs.bearing.mut", 2))).data["var_read_prob"].values
    )
    assert prob[0, 1] == pytest.approx(2 / (0.8 * 2.4 + 0.2 * 2))


def test_without_the_column_of_mutated_copies(tmp_path: Path) -> None:
    """One is taken."""
    prob = read(dpclust_folder(tmp_path, b=without(DP_B, "no.chrs.bearing.mut"))).data["var_read_prob"].values
    assert prob[0, 1] == pytest.approx(1 / (0.8 * 2.4 + 0.2 * 2))


def test_nearly_whole_is_whole(tmp_path: Path) -> None:
    """2.004 is 2."""
    ds = read(dpclust_folder(tmp_path, b=cell(DP_B, 3, "subclonal.CN", 2.004))).data
    assert int(ds["total_cn"][0, 1]) == 2
    assert "var_read_prob" not in ds


def test_the_sheet_itself_may_be_given(tmp_path: Path) -> None:
    """Folder or sheet: the same patient."""
    folder = dpclust_folder(tmp_path)
    assert (
        read(folder / "sheet.txt").data["depth"].values.tolist() == read(folder).data["depth"].values.tolist()
    )


def test_sheet_without_patient_column(tmp_path: Path) -> None:
    """Samples are then called by their part."""
    ds = read(dpclust_folder(tmp_path, sheet=without(SHEET, "sample"))).data
    assert ds["specimen"].values.tolist() == ["a", "b"]


def test_packed_sample_tables(tmp_path: Path) -> None:
    """Gzip inside the folder."""
    ds = read(dpclust_folder(tmp_path, a=gzip.compress(DP_A.encode()))).data
    assert ds.sizes == {"mutation": 4, "specimen": 2}


def test_digests_of_all_files(tmp_path: Path) -> None:
    """Sheet and tables."""
    assert set(read(dpclust_folder(tmp_path)).digests) == {
        "sheet.txt",
        "P_a_dp_input.txt",
        "P_b_dp_input.txt",
    }


def test_a_file_with_one_position_throughout_is_joined_by_row(tmp_path: Path) -> None:
    """As in DPClust's own example, with a note."""
    blind = lines_of([DP_HEADER, *([1, 1, 50 + i, 10 + i, 2, 1, 1, 1, "unphased"] for i in range(3))])
    patient = read(dpclust_folder(tmp_path, b=blind))
    assert patient.data["mutation"].values.tolist() == ["1:100", "1:200", "X:300"]
    assert patient.data["alt_count"].values[:, 1].tolist() == [10, 11, 12]
    assert any("joined by their order" in n for n in patient.notes)


def test_one_position_throughout_and_another_length_is_a_fault(tmp_path: Path) -> None:
    """Then rows cannot be matched."""
    blind = lines_of([DP_HEADER, *([1, 1, 50 + i, 10 + i, 2, 1, 1, 1, "unphased"] for i in range(4))])
    with pytest.raises(InputError, match="the position occurs twice in one sample"):
        read(dpclust_folder(tmp_path, b=blind))


def test_faults_of_all_files_come_together(tmp_path: Path) -> None:
    """Sheet and both tables in one message."""
    folder = dpclust_folder(
        tmp_path,
        sheet=cell(SHEET, 2, "cellularity", 3),
        a=cell(DP_A, 2, "mut.count", "x"),
        b=cell(DP_B, 4, "WT.count", -1),
    )
    with pytest.raises(InputError) as caught:
        read(folder)
    assert {(f.file, f.row) for f in caught.value.faults} == {
        ("sheet.txt", 2),
        ("P_a_dp_input.txt", 2),
        ("P_b_dp_input.txt", 4),
    }


def test_real_files(shared: Path, tmp_path: Path) -> None:
    """DPClust's example with a sheet of the two files that exist."""
    source = shared / "data" / "formats" / "dpclust"
    for path in source.glob("*_dp_input.txt"):
        write(tmp_path / path.name, path.read_bytes())
    sheet = (source / "simulated.samplesheet.txt").read_text().splitlines()[:3]
    write(tmp_path / "sheet.txt", "\n".join(sheet) + "\n")
    patient = read(tmp_path)
    ds = patient.data
    assert ds["specimen"].values.tolist() == ["simulated_001_01", "simulated_001_02"]
    assert ds.sizes["mutation"] == 150
    for j, name in enumerate(("simulated_001_01_dp_input.txt", "simulated_001_02_dp_input.txt")):
        rows = [line.split("\t") for line in (source / name).read_text().splitlines()[1:]]
        assert ds["alt_count"].values[:, j].tolist() == [int(r[3]) for r in rows]
        assert ds["depth"].values[:, j].tolist() == [int(r[2]) + int(r[3]) for r in rows]
    assert (ds["total_cn"] == 2).all()
    assert any("the same position in every row" in n for n in patient.notes)


def test_real_sheet_names_a_file_that_is_not_there(shared: Path) -> None:
    """With row and remedy."""
    with pytest.raises(InputError, match=r"row 4, column datafile, value 'simulated_001_03_dp_input.txt'"):
        read(shared / "data" / "formats" / "dpclust")


def test_a_name_that_no_file_can_have_is_a_fault(tmp_path: Path) -> None:
    """The operating system refuses such a name; the user hears of the row."""
    sheet = SHEET.replace("P_a_dp_input.txt", "x" * 5000)
    with pytest.raises(InputError, match="the file that the sheet names does not exist"):
        read(dpclust_folder(tmp_path, sheet=sheet))
