"""cgpVAF tables: the normal left out, sample names that look like fields, depth without reads."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from good_inputs import CGPVAF, INDEL_FIELDS, SNV_FIELDS, cell, cgpvaf, cgpvaf_file

from clonalbayes.data.patient import read
from clonalbayes.data.readers.cgpvaf import sample_blocks

COUNTS = [[(0, 30), (10, 20), (0, 0)], [(1, 40), (0, 25), (12, 30)]]


def test_counts_and_sites(tmp_path: Path) -> None:
    """MTR and WTR of each tumour; ids from the site."""
    patient = read(cgpvaf_file(tmp_path))
    ds = patient.data
    assert ds["specimen"].values.tolist() == ["tumA", "tumB"]
    assert ds["mutation"].values.tolist() == ["1:1000:A>T", "1:1001:A>T"]
    assert ds["alt_count"].values.tolist() == [[10, 0], [0, 12]]
    assert ds["depth"].values.tolist() == [[30, 0], [25, 42]]
    assert ds["kind"].values.tolist() == ["snv", "snv"]
    assert ds["pos"].values.tolist() == [1000, 1001]
    assert ds.attrs["format"] == "cgpvaf"


def test_the_normal_is_left_out_aloud(tmp_path: Path) -> None:
    """It is the first block."""
    patient = read(cgpvaf_file(tmp_path))
    assert any("norm is the matched normal" in n and "left out" in n for n in patient.notes)


def test_a_single_sample_is_used(tmp_path: Path) -> None:
    """A table of one sample has nothing else."""
    patient = read(cgpvaf_file(tmp_path, cgpvaf(["only"], SNV_FIELDS, [[(3, 20)], [(5, 9)]])))
    assert patient.data["specimen"].values.tolist() == ["only"]
    assert any("the only sample" in n for n in patient.notes)


def test_no_reads_is_depth_zero(tmp_path: Path) -> None:
    """VAF 0.0 of 0/0 is a count of no reads, not a missing one."""
    patient = read(cgpvaf_file(tmp_path))
    assert int(patient.data["depth"][0, 1]) == 0
    assert not any("missing" in n for n in patient.notes)


@pytest.mark.parametrize(
    "name", ["MTR", "DEP", "VAF", "my_MTR", "x_DEP_VAF", "WTR_1", "MTR_MTR", "PD1_lo0001"]
)
@pytest.mark.parametrize("fields", [SNV_FIELDS, INDEL_FIELDS])
def test_samples_may_be_called_like_fields(tmp_path: Path, name: str, fields: list[str]) -> None:
    """The trap of matching VAF|DEP|MTR anywhere in the name."""
    ds = read(cgpvaf_file(tmp_path, cgpvaf(["n_DEP", name, "other"], fields, COUNTS))).data
    assert ds["specimen"].values.tolist() == [name, "other"]
    assert ds["alt_count"].values.tolist() == [[10, 0], [0, 12]]


def test_indel_tables(tmp_path: Path) -> None:
    """No base counts, other fields; depth is MTR + WTR, not DEP with ambiguous reads."""
    text = cell(cgpvaf(["n", "t", "u"], INDEL_FIELDS, COUNTS), 4, "t_DEP", 99)
    ds = read(cgpvaf_file(tmp_path, text)).data
    assert ds["depth"].values.tolist() == [[30, 0], [25, 42]]
    assert ds["kind"].values.tolist() == ["indel", "indel"]
    assert ds["mutation"].values[0] == "1:1000:AT>A"


def test_sample_blocks_keep_the_order() -> None:
    """The normal stays first."""
    header = [f"{s}_{f}" for s in ("z", "a", "m") for f in SNV_FIELDS]
    assert sample_blocks(header) == ["z", "a", "m"]


def test_missing_counts(tmp_path: Path) -> None:
    """An empty MTR is missing in that sample."""
    patient = read(cgpvaf_file(tmp_path, cell(CGPVAF, 4, "tumA_MTR", "")))
    assert patient.data.sizes["mutation"] == 1
    assert patient.excluded["reason"].tolist() == ["no read in any sample"]
    assert patient.excluded["row"].tolist() == [4]


def test_packed_table_under_another_name(tmp_path: Path) -> None:
    """Content decides."""
    path = tmp_path / "table"
    path.write_bytes(gzip.compress(CGPVAF.encode()))
    assert read(path).data.sizes == {"mutation": 2, "specimen": 2}


@pytest.mark.parametrize("name", ["PDtest.snp.allQ.vaf.tsv", "PDtest.snp.q30b25.vaf.tsv"])
def test_real_tables(shared: Path, name: str) -> None:
    """Tables that cgpVaf.pl wrote."""
    path = shared / "data" / "formats" / "cgpvaf" / name
    patient = read(path)
    lines = [line.split("\t") for line in path.read_text().splitlines() if not line.startswith("##")]
    header = lines[0]
    assert patient.data["specimen"].values.tolist() == ["samplea", "samplec"]
    assert patient.data.sizes["mutation"] + len(patient.excluded) == len(lines) - 1
    for row in lines[1:]:
        values = dict(zip(header, row, strict=True))
        site = "{Chrom}:{Pos}:{Ref}>{Alt}".format(**values)
        if site not in patient.data["mutation"].values:
            assert site in patient.excluded["mutation"].tolist()
            continue
        for sample in ("samplea", "samplec"):
            one = patient.data.sel(mutation=site, specimen=sample)
            assert int(one["alt_count"]) == int(values[f"{sample}_MTR"])
            assert int(one["depth"]) == int(values[f"{sample}_MTR"]) + int(values[f"{sample}_WTR"])
