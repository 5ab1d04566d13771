"""What was understood, sample by sample."""

from __future__ import annotations

import json
import math
from pathlib import Path

from good_inputs import LONG, cell, cgpvaf_file, drop, lines_of, long_file, rename, ssm_file, without

from clonalbayes.data.describe import describe
from clonalbayes.data.patient import read


def test_numbers_of_each_sample(tmp_path: Path) -> None:
    """Mutations, median depth, share with alt reads, purity."""
    record = describe(read(long_file(tmp_path)))
    assert record.mutations == 3
    assert record.format == "long"
    assert record.source == "patient.tsv"
    a, b = record.samples
    assert (a.sample, a.mutations, a.missing, a.median_depth, a.with_alt, a.purity) == (
        "A",
        3,
        0,
        100,
        1,
        0.9,
    )
    assert (b.sample, b.mutations, b.missing, b.median_depth) == ("B", 3, 0, 99)
    assert math.isclose(b.with_alt, 2 / 3)
    assert math.isnan(a.purity_sd)


def test_copy_number_states_by_frequency(tmp_path: Path) -> None:
    """The commonest first."""
    a, b = describe(read(long_file(tmp_path))).samples
    assert list(a.copy_number.items()) == [("1+1", 2 / 3), ("2+2", 1 / 3)]
    assert set(b.copy_number) == {"2+1", "1+0", "1+1"}


def test_totals_and_given_shares_are_named(tmp_path: Path) -> None:
    """Where the split or the copy number itself is not known."""
    totals = describe(read(long_file(tmp_path, rename(without(LONG, "minor_cn"), "major_cn", "total_cn"))))
    assert set(totals.samples[1].copy_number) == {"total 2", "total 1"}
    shares = describe(read(ssm_file(tmp_path)))
    assert set(shares.samples[0].copy_number) == {"1+1", "1+0", "given share"}
    assert shares.clusters == 2


def test_missing_counts_are_counted(tmp_path: Path) -> None:
    """And leave the medians alone."""
    _, b = describe(read(long_file(tmp_path, drop(LONG, 5)))).samples
    assert (b.mutations, b.missing, b.median_depth, b.with_alt) == (2, 1, 99.5, 1)


def test_a_sample_without_counts(tmp_path: Path) -> None:
    """Has no median, and no warning."""
    text = LONG + lines_of([["m1", "C", "NA", "NA", 1, 1, 2, 1, 0.001]])
    c = describe(read(long_file(tmp_path, text))).samples[2]
    assert (c.mutations, c.missing) == (0, 3)
    assert math.isnan(c.median_depth)
    assert "-" in str(describe(read(long_file(tmp_path, text))))


def test_text_has_a_line_for_each_sample_and_note(tmp_path: Path) -> None:
    """Aligned columns, then what was left out and assumed."""
    text = cell(LONG, 5, "ref_counts", "NA") + lines_of([["m9", "A", 0, 0, 1, 1, 2, 0.9, 0.001]])
    patient = read(long_file(tmp_path, text))
    lines = str(describe(patient)).splitlines()
    assert lines[0] == "patient.tsv: long, 3 mutations x 2 samples"
    header = next(line for line in lines if line.startswith("sample"))
    rows = [line for line in lines if line.startswith(("A ", "B "))]
    assert len(rows) == 2
    assert all(row.index("1+1") >= header.index("copy number") for row in rows)
    assert "left out: 1 mutations, no read in any sample" in lines
    assert sum(line.startswith("note: ") for line in lines) == len(patient.notes)


def test_dates_are_shown_where_there_are_any(tmp_path: Path) -> None:
    """No empty column otherwise."""
    assert "date" not in str(describe(read(long_file(tmp_path)))).splitlines()[1]
    dated = describe(
        read(long_file(tmp_path, rename(LONG, "error_rate", "date").replace("0.001", "2021-05-06")))
    )
    assert "2021-05-06" in str(dated)
    assert dated.samples[0].date == "2021-05-06"


def test_standard_errors_of_purity_are_shown(tmp_path: Path) -> None:
    """With the purity."""
    record = describe(read(long_file(tmp_path), purity={"A": (0.7, 0.04)}))
    assert "0.7 ± 0.04" in str(record)


def test_kinds_are_counted(tmp_path: Path) -> None:
    """When the alleles are known."""
    record = describe(read(cgpvaf_file(tmp_path)))
    assert record.kinds == {"snv": 2}
    assert "kinds: 2 snv" in str(record)


def test_a_dataset_is_described_like_its_patient(tmp_path: Path) -> None:
    """Its notes are in its attributes; what was left out is not."""
    patient = read(long_file(tmp_path))
    assert describe(patient.data) == describe(patient) or str(describe(patient.data)) == str(
        describe(patient)
    )


def test_plain_values_for_json(tmp_path: Path) -> None:
    """Everything can be written as JSON."""
    record = describe(read(ssm_file(tmp_path)))
    back = json.loads(json.dumps(record.as_dict()))
    assert back["samples"][0]["sample"] == "D"
    assert back["clusters"] == 2


def test_real_patient(shared: Path) -> None:
    """A table with a row for each of ninety samples."""
    record = describe(read(shared / "data" / "patients" / "SJBALL022609.ssm"))
    assert len(record.table()) == 91
    assert record.clusters == 17
    assert all(s.mutations == 41 for s in record.samples)
