"""The command `copynumber`: one table of segments, or an input of `fit` with copy number."""

from __future__ import annotations

import pytest
from copynumber_files import ASCAT, BATTENBERG, RHO_AND_PSI

import clonalbayes as cb
from clonalbayes.cli import main

COUNTS = (
    "mutation_id\tsample_id\tchrom\tpos\tref_counts\talt_counts\n"
    "m1\tA\t1\t2000\t60\t40\nm1\tB\t1\t2000\t70\t30\nm2\tA\tX\t500\t90\t10\nm2\tB\tX\t500\t50\t50\n"
    "m3\tA\t9\t500\t90\t10\nm3\tB\t9\t500\t50\t50\n"
)


@pytest.fixture
def folder(tmp_path):
    for name, text in (("a.txt", BATTENBERG), ("a.rho.txt", RHO_AND_PSI), ("s.tsv", ASCAT), ("counts.tsv", COUNTS)):
        (tmp_path / name).write_text(text)
    return tmp_path


def test_files_of_any_caller_become_one_table(folder, capsys):
    out = folder / "segments.tsv"
    arguments = [f"A={folder / 'a.txt'}", f"A={folder / 'a.rho.txt'}", str(folder / "s.tsv"), "--out", str(out)]
    assert main(["copynumber", *arguments]) == 0
    told = capsys.readouterr().out
    assert "7 segments of A, S1, S2" in told
    assert "A: purity 0.78 (a.rho.txt)" in told
    assert cb.read_copy_number(out).samples == ["A", "S1", "S2"]


def test_copy_number_is_joined_onto_counts(folder, capsys):
    out = folder / "reads.tsv"
    files = [f"A={folder / 'a.txt'}", f"A={folder / 'a.rho.txt'}", f"B={folder / 'a.txt'}"]
    options = ["--counts", str(folder / "counts.tsv"), "--sex", "male", "--no-call", "exclude", "--out", str(out)]
    assert main(["copynumber", *files, *options]) == 0
    told = capsys.readouterr().out
    assert "left out: m3, no copy-number call in some sample" in told
    assert "copy number absent" not in told
    assert "note: purity of B not given: taken as 1" in told
    ds = cb.read(out).data
    assert ds["mutation"].values.tolist() == ["m1", "m2"]
    assert ds["normal_cn"].values.tolist() == [[2, 2], [1, 1]]
    assert ds["purity"].values.tolist() == [0.78, 1.0]


def test_faults_of_all_files_are_said_at_once(folder, capsys):
    (folder / "a.txt").write_text("dear\nyou\n")
    (folder / "a.rho.txt").write_text("rho 9\n")
    files = [f"A={folder / 'a.txt'}", f"A={folder / 'a.rho.txt'}"]
    assert main(["copynumber", *files, "--out", str(folder / "out.tsv")]) == 2
    told = capsys.readouterr().err
    assert "a.txt" in told
    assert "a.rho.txt, row 1" in told
    assert not (folder / "out.tsv").exists()


def test_a_purity_alone_is_no_table_of_segments(folder, capsys):
    assert main(["copynumber", f"A={folder / 'a.rho.txt'}", "--out", str(folder / "out.tsv")]) == 2
    assert "holds a purity and no segments" in capsys.readouterr().err
