"""The long table: native columns, aliases, missing rows and cells, PyClone's single samples."""

from __future__ import annotations

import gzip
import itertools
from pathlib import Path

import numpy as np
import pytest
from good_inputs import LONG, PYCLONE, again, cell, drop, lines_of, long_file, rename, write

from clonalbayes.data.patient import read
from clonalbayes.data.readers.columns import ALIASES, match, plain
from clonalbayes.faults import InputError


def test_native_columns(tmp_path: Path) -> None:
    """Every value lands where it belongs."""
    ds = read(long_file(tmp_path)).data
    assert ds["mutation"].values.tolist() == ["m1", "m2", "m3"]
    assert ds["specimen"].values.tolist() == ["A", "B"]
    assert ds["alt_count"].values.tolist() == [[40, 20], [5, 0], [30, 33]]
    assert ds["depth"].values.tolist() == [[100, 100], [100, 50], [100, 99]]
    assert ds["major_cn"].values.tolist() == [[1, 2], [1, 1], [2, 1]]
    assert ds["minor_cn"].values.tolist() == [[1, 1], [1, 0], [2, 1]]
    assert (ds["normal_cn"] == 2).all()
    assert ds["purity"].values.tolist() == [0.9, 0.8]
    assert ds["error_rate"].values == pytest.approx([0.001] * 3)
    assert ds.attrs["format"] == "long"
    assert ds.attrs["min_alt"] == 5


def test_order_of_rows_does_not_matter_to_the_values(tmp_path: Path) -> None:
    """The grid follows first appearance; the counts follow the names."""
    header, *rows = LONG.splitlines()
    want = read(long_file(tmp_path)).data.sortby(["mutation", "specimen"])
    for i, order in enumerate(itertools.islice(itertools.permutations(rows), 1, 720, 97)):
        text = "\n".join([header, *order]) + "\n"
        got = read(long_file(tmp_path, text, f"p{i}.tsv")).data.sortby(["mutation", "specimen"])
        for name in ("alt_count", "depth", "major_cn", "minor_cn", "purity"):
            assert (got[name].values == want[name].values).all()


def test_order_is_that_of_first_appearance(tmp_path: Path) -> None:
    """Not the alphabet's."""
    ds = read(long_file(tmp_path, LONG.replace("m1", "z9").replace("\tA\t", "\tZ\t"))).data
    assert ds["mutation"].values.tolist() == ["z9", "m2", "m3"]
    assert ds["specimen"].values.tolist() == ["Z", "B"]


@pytest.mark.parametrize("alias", ALIASES["alt_count"])
def test_aliases_of_the_alt_reads(tmp_path: Path, alias: str) -> None:
    """Whatever users call them."""
    ds = read(long_file(tmp_path, rename(LONG, "alt_counts", alias))).data
    assert ds["alt_count"].values.tolist() == [[40, 20], [5, 0], [30, 33]]


@pytest.mark.parametrize(
    "alias", ["purity", "Tumor Content", "cellularity", "tumor_purity", "TUMOUR.CONTENT"]
)
def test_aliases_of_purity(tmp_path: Path, alias: str) -> None:
    """Case and punctuation do not matter."""
    ds = read(long_file(tmp_path, rename(LONG, "tumour_content", alias))).data
    assert ds["purity"].values.tolist() == [0.9, 0.8]


def test_no_alias_means_two_things() -> None:
    """A name belongs to one variable; all names are in their plain form."""
    names = [n for v in ALIASES.values() for n in v]
    assert len(names) == len(set(names))
    assert all(plain(n) == n for n in names)


def test_ref_and_alt_are_counts_or_bases_by_content() -> None:
    """Columns called ref and alt hold either."""
    header = ["mutation_id", "ref", "alt"]
    assert set(match(header, [["m", "10", "3"]])) == {"mutation", "ref_count", "alt_count"}
    assert set(match(header, [["m", "A", "T"]])) == {"mutation", "ref", "alt"}


def test_depth_and_alt(tmp_path: Path) -> None:
    """Total reads instead of reference reads."""
    text = lines_of([["mutation", "sample", "depth", "alt"], ["m1", "A", 50, 20], ["m2", "A", 60, 6]])
    ds = read(long_file(tmp_path, text)).data
    assert ds["depth"].values.ravel().tolist() == [50, 60]
    assert ds["alt_count"].values.ravel().tolist() == [20, 6]


def test_depth_and_reference(tmp_path: Path) -> None:
    """Total reads less reference reads."""
    text = lines_of(
        [["mutation", "sample", "total_counts", "ref_counts"], ["m1", "A", 50, 30], ["m2", "A", 60, 54]]
    )
    ds = read(long_file(tmp_path, text)).data
    assert ds["alt_count"].values.ravel().tolist() == [20, 6]


def test_depth_that_is_not_the_sum_is_said(tmp_path: Path) -> None:
    """Reads of other bases are left out of depth, aloud."""
    text = lines_of([["mutation", "sample", "depth", "ref_counts", "alt_counts"], ["m1", "A", 55, 30, 20]])
    patient = read(long_file(tmp_path, text))
    assert int(patient.data["depth"].item()) == 50
    assert any("1 rows have a depth other than ref + alt" in n for n in patient.notes)


def test_names_that_look_like_numbers_stay_text(tmp_path: Path) -> None:
    """001 is not 1, and 1e5 is a name."""
    text = LONG.replace("m1", "001").replace("m2", "1e5").replace("m3", "True").replace("\tA\t", "\t01\t")
    ds = read(long_file(tmp_path, text)).data
    assert ds["mutation"].values.tolist() == ["001", "1e5", "True"]
    assert ds["specimen"].values.tolist() == ["01", "B"]


def test_white_space_around_names_is_no_part_of_them(tmp_path: Path) -> None:
    """Fixed-width habits."""
    ds = read(long_file(tmp_path, LONG.replace("m1\tA", "m1 \t A "))).data
    assert ds["mutation"].values.tolist() == ["m1", "m2", "m3"]
    assert ds["specimen"].values.tolist() == ["A", "B"]
    assert ds["alt_count"].values.tolist() == [[40, 20], [5, 0], [30, 33]]


@pytest.mark.parametrize("separator", [",", ";"])
def test_other_separators(tmp_path: Path, separator: str) -> None:
    """Comma and semicolon."""
    ds = read(long_file(tmp_path, LONG.replace("\t", separator), "patient.csv")).data
    assert ds["depth"].values.tolist() == [[100, 100], [100, 50], [100, 99]]


def test_gzip_byte_order_mark_and_windows_lines(tmp_path: Path) -> None:
    """All three at once."""
    packed = gzip.compress(b"\xef\xbb\xbf" + LONG.replace("\n", "\r\n").encode())
    ds = read(long_file(tmp_path, packed, "whatever")).data
    assert ds.sizes == {"mutation": 3, "specimen": 2}


@pytest.mark.parametrize("word", ["", "NA", "NaN", "nan", ".", "N/A"])
@pytest.mark.parametrize("column", ["alt_counts", "ref_counts"])
def test_missing_counts_are_missing_not_zero(tmp_path: Path, word: str, column: str) -> None:
    """One missing count makes both missing."""
    patient = read(long_file(tmp_path, cell(LONG, 3, column, word)))
    assert int(patient.data["alt_count"][0, 1]) == int(patient.data["depth"][0, 1]) == -1
    assert int(patient.data["depth"][0, 0]) == 100
    assert any("1 counts are missing (not zero), by sample: B 1" in n for n in patient.notes)


def test_an_absent_row_is_a_missing_count(tmp_path: Path) -> None:
    """A mutation need not be in every sample's rows."""
    patient = read(long_file(tmp_path, drop(LONG, 5)))
    assert int(patient.data["depth"][1, 1]) == -1
    assert int(patient.data["alt_count"][1, 1]) == -1
    assert any("missing" in n for n in patient.notes)


def test_depth_zero_is_a_count(tmp_path: Path) -> None:
    """No reads is not the same as no count."""
    patient = read(long_file(tmp_path, cell(LONG, 5, "ref_counts", 0)))
    assert int(patient.data["depth"][1, 1]) == 0
    assert not any("missing" in n for n in patient.notes)


def test_whole_numbers_written_as_floats(tmp_path: Path) -> None:
    """Tables that went through R or pandas."""
    ds = read(long_file(tmp_path, LONG.replace("\t60\t40\t", "\t60.0\t4e1\t"))).data
    assert int(ds["depth"][0, 0]) == 100


def test_major_and_total_give_minor(tmp_path: Path) -> None:
    """Two of the three suffice."""
    text = rename(LONG, "minor_cn", "total_cn")
    text = "\n".join(
        "\t".join([*c[:5], str(int(c[4]) + 1) if c[4].isdigit() else c[5], *c[6:]])
        for c in (line.split("\t") for line in text.splitlines())
    )
    ds = read(long_file(tmp_path, text)).data
    assert (ds["minor_cn"] == 1).all()


def test_error_rates_that_differ_are_averaged_aloud(tmp_path: Path) -> None:
    """The model has one a site."""
    patient = read(long_file(tmp_path, cell(LONG, 3, "error_rate", 0.003)))
    assert patient.data["error_rate"].values == pytest.approx([0.002, 0.001, 0.001])
    assert any("error_rate differs between the samples of 1 mutations" in n for n in patient.notes)


def test_ids_are_made_of_the_site_where_there_are_none(tmp_path: Path) -> None:
    """chrom:pos:ref>alt."""
    text = lines_of(
        [
            ["chr", "start", "ref", "alt", "sample", "ref_counts", "alt_counts"],
            ["1", 5, "A", "T", "S", 9, 8],
            ["1", 5, "A", "G", "S", 9, 7],
        ]
    )
    ds = read(long_file(tmp_path, text)).data
    assert ds["mutation"].values.tolist() == ["1:5:A>T", "1:5:A>G"]


def test_columns_not_used_are_named(tmp_path: Path) -> None:
    """Nothing is dropped in silence."""
    patient = read(long_file(tmp_path, rename(LONG, "error_rate", "my_score")))
    assert any("columns not used: my_score" in n for n in patient.notes)


def test_the_native_name_wins_over_an_alias(tmp_path: Path) -> None:
    """Aloud."""
    patient = read(long_file(tmp_path, rename(LONG, "error_rate", "purity")))
    assert patient.data["purity"].values.tolist() == [0.9, 0.8]
    assert any("tumour_content used, purity left aside" in n for n in patient.notes)


def test_pyclone_file_is_one_sample(tmp_path: Path) -> None:
    """PyClone's first format has no sample column."""
    patient = read(write(tmp_path / "SRR1.tsv", PYCLONE))
    assert patient.data["specimen"].values.tolist() == ["SRR1"]
    assert patient.data["alt_count"].values.tolist() == [[40], [5]]
    assert patient.data["major_cn"].values.tolist() == [[1], [2]]


def test_folder_of_pyclone_files_is_one_patient(tmp_path: Path) -> None:
    """A mutation that a file lacks is missing in its sample."""
    folder = tmp_path / "patient"
    folder.mkdir()
    write(folder / "S1.tsv", PYCLONE)
    write(folder / "S2.tsv.gz", gzip.compress(PYCLONE.replace("m2", "m3").encode()))
    patient = read(folder)
    assert patient.data["specimen"].values.tolist() == ["S1", "S2"]
    assert patient.data["mutation"].values.tolist() == ["m1", "m2", "m3"]
    assert patient.data["depth"].values.tolist() == [[100, 100], [100, -1], [-1, 100]]
    assert set(patient.digests) == {"S1.tsv", "S2.tsv.gz"}


def test_faults_in_a_folder_name_the_file(tmp_path: Path) -> None:
    """The second file's third row."""
    folder = tmp_path / "patient"
    folder.mkdir()
    write(folder / "S1.tsv", PYCLONE)
    write(folder / "S2.tsv", cell(PYCLONE, 3, "var_counts", -1))
    with pytest.raises(InputError) as caught:
        read(folder)
    assert [(f.file, f.row, f.column) for f in caught.value.faults] == [("S2.tsv", 3, "var_counts")]


def test_many_faults_are_counted(tmp_path: Path) -> None:
    """A column of words is one mistake, told shortly."""
    rows = [[f"m{i}", "A", "x", 3] for i in range(5000)]
    text = lines_of([["mutation_id", "sample_id", "ref_counts", "alt_counts"], *rows])
    with pytest.raises(InputError) as caught:
        read(long_file(tmp_path, text))
    assert caught.value.n_faults == 5000
    assert len(str(caught.value).splitlines()) == 21


def test_repeated_rows_name_each_repetition(tmp_path: Path) -> None:
    """The first one is not at fault."""
    with pytest.raises(InputError) as caught:
        read(long_file(tmp_path, again(again(LONG, 2), 2)))
    assert [f.row for f in caught.value.faults] == [8, 9]


def test_a_large_table_is_read_in_bulk(tmp_path: Path) -> None:
    """30,000 rows agree with what was written."""
    rng = np.random.default_rng(1)
    n, samples = 7500, ["a", "b", "c", "d"]
    depth = rng.poisson(100, (n, 4)) + 1
    alt = np.maximum(rng.binomial(depth, 0.3), 1)
    rows = [[f"m{i}", s, depth[i, j] - alt[i, j], alt[i, j]] for i in range(n) for j, s in enumerate(samples)]
    text = lines_of([["mutation_id", "sample_id", "ref_counts", "alt_counts"], *rows])
    ds = read(long_file(tmp_path, text)).data
    assert (ds["alt_count"].values == alt).all()
    assert (ds["depth"].values == depth).all()


@pytest.mark.parametrize("name", ["SRR385938.tsv", "SRR385939.tsv"])
def test_real_pyclone_file(shared: Path, name: str) -> None:
    """The mixing experiment's own files."""
    path = shared / "data" / "formats" / "pyclone" / name
    patient = read(path)
    lines = path.read_text().splitlines()
    assert patient.data.sizes["mutation"] == len(lines) - 1
    first = dict(zip(lines[0].split("\t"), lines[1].split("\t"), strict=True))
    site = patient.data.sel(mutation=first["mutation_id"])
    assert int(site["alt_count"].item()) == int(first["var_counts"])
    assert int(site["depth"].item()) == int(first["var_counts"]) + int(first["ref_counts"])
    assert int(site["major_cn"].item()) == int(first["major_cn"])


def test_real_pyclone_folder(shared: Path, tmp_path: Path) -> None:
    """Two of the files together are one patient."""
    for name in ("SRR385938.tsv", "SRR385939.tsv"):
        write(tmp_path / name, (shared / "data" / "formats" / "pyclone" / name).read_bytes())
    ds = read(tmp_path).data
    assert ds["specimen"].values.tolist() == ["SRR385938", "SRR385939"]
    assert (ds["depth"] == -1).any()


def test_real_pyclone_vi_file(shared: Path) -> None:
    """The tool's own synthetic example, whose truth columns are not read."""
    patient = read(shared / "data" / "formats" / "pyclone" / "pyclone-vi_synthetic.tsv")
    assert patient.data.sizes == {"mutation": 100, "specimen": 4}
    assert int(patient.data["depth"][0, 0]) == 98
    assert int(patient.data["alt_count"][0, 0]) == 29
    assert patient.data["error_rate"].values == pytest.approx(0.001)
    assert any("ccf" in n for n in patient.notes)
    assert "cluster" not in patient.data


def test_public_simulations_read(shared: Path) -> None:
    """Long tables with chromosome, position and context."""
    files = sorted((shared / "bench" / "clusters" / "sims").glob("*.tsv"))
    assert files
    for path in files:
        patient = read(path)
        assert len(patient.excluded) == 0
        assert (patient.data["context"] != "").all()
        assert (patient.data["depth"] > 0).all()
