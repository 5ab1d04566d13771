"""Wide tables of counts: R's and ordinary ones, aligned by name, told apart by content."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from good_inputs import NR, NV, cell, counts_pair, lines_of, write

from clonalbayes.data.patient import read
from clonalbayes.data.readers.wide import partner

ALT = [[10, 0], [5, 8], [0, 20]]
ALL = [[50, 40], [55, 48], [30, 20]]


def r_style(text: str) -> str:
    """Write a table as R's write.table does: quoted, blanks, no header over the row names."""
    header, *rows = [line.split("\t") for line in text.splitlines()]
    out = [" ".join(f'"{h}"' for h in header[1:])]
    out += [" ".join([f'"{r[0]}"', *r[1:]]) for r in rows]
    return "\n".join(out) + "\n"


def test_either_table_gives_the_pair(tmp_path: Path) -> None:
    """The partner is found by its name."""
    counts_pair(tmp_path)
    for name in ("p_NV.tsv", "p_NR.tsv"):
        patient = read(tmp_path / name)
        assert patient.data["alt_count"].values.tolist() == ALT
        assert patient.data["depth"].values.tolist() == ALL
        assert patient.data.attrs["format"] == "counts"
        assert set(patient.digests) == {"p_NV.tsv", "p_NR.tsv"}


def test_a_folder_with_the_two(tmp_path: Path) -> None:
    """Names do not matter then: alt reads are never more than all reads."""
    folder = tmp_path / "in"
    folder.mkdir()
    write(folder / "first.txt", NR)
    write(folder / "second.txt", NV)
    patient = read(folder)
    assert patient.data["alt_count"].values.tolist() == ALT
    assert any("alt reads from second.txt, all reads from first.txt" in n for n in patient.notes)


def test_sites_from_the_names(tmp_path: Path) -> None:
    """chrom_pos_ref_alt."""
    ds = read(counts_pair(tmp_path)).data
    assert ds["chrom"].values.tolist() == ["1", "1", "X"]
    assert ds["pos"].values.tolist() == [100, 200, 300]
    assert ds["ref"].values.tolist() == ["A", "C", "G"]
    assert ds["alt"].values.tolist() == ["T", "CTT", "A"]
    assert ds["kind"].values.tolist() == ["snv", "indel", "snv"]


def test_names_that_say_no_site(tmp_path: Path) -> None:
    """Are kept as names, aloud."""
    patient = read(counts_pair(tmp_path, NV.replace("X_300_G_A", "KRAS"), NR.replace("X_300_G_A", "KRAS")))
    assert patient.data["mutation"].values[2] == "KRAS"
    assert int(patient.data["pos"][2]) == -1
    assert any("1 mutations are not named chrom_pos_ref_alt" in n for n in patient.notes)


@pytest.mark.parametrize("form", ["r", "csv", "write.csv", "gzip"])
def test_other_forms(tmp_path: Path, form: str) -> None:
    """R's write.table, commas, R's write.csv with an empty first header cell, gzip."""
    change = {
        "r": r_style,
        "csv": lambda t: t.replace("\t", ","),
        "write.csv": lambda t: (
            t.replace("\t", ",").replace("mutation", '""').replace("1_100_A_T", '"1_100_A_T"')
        ),
        "gzip": lambda t: gzip.compress(t.encode()),
    }[form]
    ds = read(counts_pair(tmp_path, change(NV), change(NR))).data
    assert ds["alt_count"].values.tolist() == ALT
    assert ds["depth"].values.tolist() == ALL
    assert ds["specimen"].values.tolist() == ["A", "B"]


def test_tables_are_aligned_by_name(tmp_path: Path) -> None:
    """Columns and rows in another order."""
    shuffled = lines_of(
        [["mutation", "B", "A"], ["X_300_G_A", 20, 30], ["1_100_A_T", 40, 50], ["1_200_C_CTT", 48, 55]]
    )
    ds = read(counts_pair(tmp_path, nr=shuffled)).data
    assert ds["specimen"].values.tolist() == ["A", "B"]
    assert ds["depth"].values.tolist() == ALL


def test_missing_counts(tmp_path: Path) -> None:
    """NA in either table."""
    ds = read(counts_pair(tmp_path, cell(NV, 2, "B", "NA"), cell(NR, 3, "A", ""))).data
    assert ds["depth"].values.tolist() == [[50, -1], [-1, 48], [30, 20]]
    assert ds["alt_count"].values.tolist() == [[10, -1], [-1, 8], [0, 20]]


def test_numeric_row_names_with_a_partner(tmp_path: Path) -> None:
    """Any first column will do when the partner is there."""
    ds = read(
        counts_pair(
            tmp_path,
            *(
                t.replace("1_100_A_T", "7").replace("1_200_C_CTT", "8").replace("X_300_G_A", "9")
                for t in (NV, NR)
            ),
        )
    ).data
    assert ds["mutation"].values.tolist() == ["7", "8", "9"]


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("x_NV.tsv", "x_NR.tsv"),
        ("NR.csv", "NV.csv"),
        ("a.nv.gz", "a.nr.gz"),
        ("PD_NR_head_all.tsv", "PD_NV_head_all.tsv"),
    ],
)
def test_partners_by_name(tmp_path: Path, name: str, other: str) -> None:
    """NV and NR as words of their own."""
    write(tmp_path / other, NR)
    assert partner(tmp_path / name) == tmp_path / other
    assert partner(tmp_path / "INVOICE.tsv") is None


def test_real_tables(shared: Path) -> None:
    """The first 2,000 rows of a real patient, as R wrote them."""
    folder = shared / "data" / "formats" / "counts"
    patient = read(folder / "PD45567_NR_head2000.tsv")
    ds = patient.data
    assert ds.sizes["specimen"] == 26
    for name, variable in (("NV", "alt_count"), ("NR", "depth")):
        lines = (folder / f"PD45567_{name}_head2000.tsv").read_text().splitlines()
        assert ds["specimen"].values.tolist() == [s.strip('"') for s in lines[0].split()]
        rows = [line.split() for line in lines[1:]]
        assert ds["mutation"].values.tolist() == [r[0].strip('"') for r in rows]
        assert ds[variable].values.tolist() == [[int(x) for x in r[1:]] for r in rows]
    assert (ds["pos"] > 0).all()
    assert set(ds["kind"].values) <= {"snv", "indel", "mnv"}
