"""Faulty inputs as data: a name, a function that writes the input, and what the message must say.

Used for the readers and, by the same table, for the command line (one message, exit code 2, nothing written).
"""

from __future__ import annotations

import codecs
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import good_inputs as g


@dataclass(frozen=True)
class BadInput:
    """One faulty input.

    Parameters
    ----------
    name
        What is wrong with it.
    make
        Writes it into a folder and returns the path to read.
    file
        File that the message must name.
    row
        Row that the message must name, if a row is at fault.
    says
        Fragments that the message must have.
    options
        Further arguments of `read`; a string ending in `.json` is a file in the folder.
    """

    name: str
    make: Callable[[Path], Path]
    file: str
    row: int | None = None
    says: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)


def _long(name: str, text: str | bytes, row: int | None = None, *says: str) -> BadInput:
    return BadInput(f"long: {name}", lambda d: g.long_file(d, text), "patient.tsv", row, says)


def _ssm(name: str, text: str | bytes, row: int | None = None, *says: str) -> BadInput:
    return BadInput(f"ssm: {name}", lambda d: g.ssm_file(d, text), "patient.ssm", row, says)


def _params(name: str, params: object, *says: str, row: int | None = None) -> BadInput:
    return BadInput(
        f"params: {name}", lambda d: g.ssm_file(d, params=params), "patient.params.json", row, says
    )


def _changed(**change: object) -> dict[str, object]:
    return {**g.PARAMS, **change}


def _cgp(name: str, text: str | bytes, row: int | None = None, *says: str) -> BadInput:
    return BadInput(f"cgpvaf: {name}", lambda d: g.cgpvaf_file(d, text), "patient.vaf.tsv", row, says)


def _dp(name: str, file: str, row: int | None, *says: str, **texts: str | bytes | None) -> BadInput:
    return BadInput(f"dpclust: {name}", lambda d: g.dpclust_folder(d, **texts), file, row, says)


def _counts(name: str, file: str, row: int | None, *says: str, **texts: str | bytes | None) -> BadInput:
    return BadInput(f"counts: {name}", lambda d: g.counts_pair(d, **texts), file, row, says)


def _folder(files: dict[str, str]) -> Callable[[Path], Path]:
    def make(base: Path) -> Path:
        out = base / "input"
        out.mkdir()
        for name, text in files.items():
            g.write(out / name, text)
        return out

    return make


GZIPPED = gzip.compress(g.LONG.encode() * 20, mtime=0)
ENCODINGS = (
    _long("empty file", "", None, "empty"),
    _long("white space only", "\n \n\n", None, "empty"),
    _long("header only", g.LONG.splitlines()[0] + "\n", 1, "no rows"),
    _long("truncated gzip", GZIPPED[:-20], None, "truncated"),
    _long("gzip with a broken middle", GZIPPED[:30] + b"\xff\xff\xff" + GZIPPED[33:], None, "damaged"),
    _long("gzip of nothing", gzip.compress(b"", mtime=0), None, "empty"),
    _long("Latin-1", g.LONG.replace("m2", "m\xfc").encode("latin-1"), 4, "not UTF-8", "0xfc"),
    _long("UTF-16 with a byte-order mark", codecs.BOM_UTF16_LE + g.LONG.encode("utf-16-le"), None, "UTF-16"),
    _long("UTF-16 without a byte-order mark", g.LONG.encode("utf-16-le"), 1, "zero bytes"),
    _long("a binary file", b"\x89PNG\r\n\x00\x00\x01\x02" * 9, 2, "zero bytes"),
    BadInput("no such file", lambda d: d / "nowhere.tsv", "nowhere.tsv", None, ("cannot be read",)),
    _long(
        "something else",
        "a letter\nto nobody\n",
        None,
        "no known format",
        "Pairtree",
        "cgpVAF",
        "DPClust",
        "long",
    ),
    _long(
        "a VCF", "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\n1\t2\t.\tA\tT\n", None, "no known format"
    ),
    BadInput("empty folder", _folder({}), "input", None, ("no file of a known format", "nothing")),
    BadInput("folder of letters", _folder({"a.txt": "dear\nyou\n"}), "input", None, ("a.txt",)),
    BadInput(
        "folder of two patients", _folder({"a.tsv": g.LONG, "b.tsv": g.LONG}), "input", None, ("2 inputs",)
    ),
    BadInput(
        "folder of two formats",
        _folder({"a.tsv": g.LONG, "b.ssm": g.SSM}),
        "input",
        None,
        ("several formats",),
    ),
    BadInput(
        "folder with one sample twice",
        _folder({"a.tsv": g.PYCLONE, "a.txt": g.PYCLONE}),
        "input",
        None,
        ("samples of one name",),
    ),
    BadInput(
        "unknown format",
        g.long_file,
        "patient.tsv",
        None,
        ("no format 'excel'", "pairtree"),
        {"format": "excel"},
    ),
    BadInput("format that it is not", g.long_file, "patient.tsv", 1, ("Chrom",), {"format": "cgpvaf"}),
)

PLAIN_COUNTS = g.without(g.without(g.LONG, "major_cn"), "minor_cn")
LONG_TABLES = (
    _long("no mutation column", g.without(g.LONG, "mutation_id"), 1, "mutation", "mutation_id"),
    _long(
        "misspelt count column", g.rename(g.LONG, "alt_counts", "alt_cuonts"), 1, "alt_counts", "'alt_cuonts'"
    ),
    _long("no reference counts", g.without(g.LONG, "ref_counts"), 1, "ref_counts", "ref_count"),
    _long("no minor copy number", g.without(g.LONG, "minor_cn"), 1, "minor_cn"),
    _long("no sample column", g.without(g.LONG, "sample_id"), 3, "twice", "sample_id"),
    _long("two columns of one name", g.rename(g.LONG, "alt_counts", "ref_counts"), 1, "ref_counts", "twice"),
    _long(
        "two names for the counts",
        g.rename(g.rename(g.LONG, "alt_counts", "var_counts"), "error_rate", "alt_count"),
        1,
        "mean the same",
    ),
    _long(
        "text in a count", g.cell(g.LONG, 3, "alt_counts", "many"), 3, "alt_counts", "'many'", "not a number"
    ),
    _long("thousands separator", g.cell(g.LONG, 3, "ref_counts", "1,080"), 3, "ref_counts", "'1,080'"),
    _long("truth value as a count", g.cell(g.LONG, 5, "alt_counts", "True"), 5, "'True'"),
    _long("negative count", g.cell(g.LONG, 4, "ref_counts", -3), 4, "ref_counts", "negative", "'-3'"),
    _long("fractional count", g.cell(g.LONG, 4, "alt_counts", 2.5), 4, "whole number", "'2.5'"),
    _long("infinite count", g.cell(g.LONG, 4, "alt_counts", "inf"), 4, "infinite", "'inf'"),
    _long("absurd count", g.cell(g.LONG, 4, "alt_counts", 10**12), 4, "larger than"),
    _long("count beyond any integer", g.cell(g.LONG, 4, "alt_counts", 10**30), 4, "larger than"),
    _long(
        "alt above depth", g.cell(g.rename(g.LONG, "ref_counts", "depth"), 3, "depth", 7), 3, "more alt reads"
    ),
    _long(
        "reference above depth",
        g.cell(g.rename(g.LONG, "alt_counts", "depth"), 3, "depth", 7),
        3,
        "more alt reads",
    ),
    _long("duplicate row", g.again(g.LONG, 4), 8, "twice", "'m2'"),
    _long("mutation without a name", g.cell(g.LONG, 6, "mutation_id", ""), 6, "no name"),
    _long("sample without a name", g.cell(g.LONG, 6, "sample_id", ""), 6, "no name"),
    _long("sample called NaN", g.cell(g.LONG, 6, "sample_id", "NaN"), 6, "no name"),
    _long("a field too few", g.LONG.replace("m2\tA\t95", "m2\tA95"), 4, "9 fields"),
    _long("a field too many", g.LONG.replace("m2\tA\t95", "m2\tA\t95\t"), 4, "9 fields"),
    _long("quotation mark not closed", g.LONG.replace("m2\tA", '"m2\tA'), 4, "quot"),
    _long("zero purity", g.cell(g.LONG, 4, "tumour_content", 0), 4, "purity is zero", "tumour_content"),
    _long("negative purity", g.cell(g.LONG, 4, "tumour_content", -0.4), 4, "purity is negative"),
    _long("purity in per cent", g.LONG.replace("0.9\t", "90\t"), 2, "larger than 1", "0.8, not 80"),
    _long("purity in words", g.cell(g.LONG, 4, "tumour_content", "high"), 4, "not a number", "'high'"),
    _long("two purities of one sample", g.cell(g.LONG, 4, "tumour_content", 0.7), 4, "differs", "'0.7'"),
    _long("minor above major", g.cell(g.LONG, 3, "minor_cn", 3), 3, "minor copy number", "'3'"),
    _long("major 0 below minor", g.cell(g.LONG, 2, "major_cn", 0), 2, "above the major"),
    _long("negative copy number", g.cell(g.LONG, 3, "major_cn", -1), 3, "negative"),
    _long("fractional copy number", g.cell(g.LONG, 3, "major_cn", 1.7), 3, "whole number"),
    _long("absurd copy number", g.cell(g.LONG, 3, "major_cn", 4000), 3, "larger than 100"),
    _long(
        "total is not the sum",
        g.cell(g.rename(g.LONG, "error_rate", "total_cn"), 2, "total_cn", 5),
        2,
        "major + minor",
    ),
    _long(
        "major above total", g.cell(g.rename(g.LONG, "minor_cn", "total_cn"), 2, "major_cn", 3), 2, "major"
    ),
    _long("two normal copy numbers", g.cell(g.LONG, 3, "normal_cn", 1), 3, "normal_cn differs"),
    _long("error rate of one", g.cell(g.LONG, 3, "error_rate", 1), 3, "larger than 0.5"),
    _long(
        "two chromosomes of one mutation",
        g.cell(g.rename(g.LONG, "error_rate", "chrom"), 3, "chrom", "7"),
        3,
        "chrom differs",
    ),
    _long(
        "two positions of one mutation",
        g.cell(g.rename(g.LONG, "error_rate", "pos").replace("0.001", "5"), 3, "pos", 6),
        3,
        "pos differs",
    ),
    _long(
        "date of another form",
        g.rename(g.LONG, "error_rate", "date").replace("0.001", "3/4/21"),
        2,
        "YYYY-MM-DD",
    ),
    _long(
        "standard error of zero", g.rename(g.LONG, "error_rate", "purity_sd").replace("0.001", "0"), 2, "zero"
    ),
    _long(
        "no count at all",
        "mutation_id\tsample_id\tref_counts\talt_counts\nm1\tA\tNA\tNA\n",
        2,
        "no mutation can be used",
    ),
    _long(
        "samples in the mutation column",
        g.lines_of(
            [
                ["mutation_id", "sample_id", "ref_counts", "alt_counts"],
                *([f"m{i}", f"s{i}", 9, 1] for i in range(1500)),
            ]
        ),
        None,
        "sample column",
    ),
    BadInput(
        "long: purity of an unknown sample",
        g.long_file,
        "purity",
        None,
        ("no sample", "'C'"),
        {"purity": {"C": 0.5}},
    ),
    BadInput("long: purity of two", g.long_file, "purity", None, ("above 0", "'2.0'"), {"purity": 2.0}),
    BadInput("long: too high a minimum", g.long_file, "patient.tsv", 2, ("fewer than 99",), {"min_alt": 99}),
)

SSM_TABLES = (
    _ssm("missing column", g.without(g.SSM, "total_reads"), 1, "total_reads"),
    _ssm("list too short", g.cell(g.SSM, 3, "var_reads", "30,0"), 3, "another length"),
    _ssm(
        "lists of different lengths",
        g.SSM.replace("0.5,0.5,0.5", "0.5,0.5")
        .replace("0.999,0.999,0.999", "1,1")
        .replace("0.33,0.5,0.25", ".3,.4"),
        2,
        "var_read_prob has 2",
    ),
    _ssm("text in a list", g.cell(g.SSM, 2, "var_reads", "10,x,0"), 2, "not a number"),
    _ssm("negative count", g.cell(g.SSM, 2, "total_reads", "100,-90,80"), 2, "negative"),
    _ssm("fractional count", g.cell(g.SSM, 2, "total_reads", "100,90.5,80"), 2, "whole number"),
    _ssm("alt above depth", g.cell(g.SSM, 4, "var_reads", "5,51,5"), 4, "more alt reads"),
    _ssm("read probability above one", g.cell(g.SSM, 4, "var_read_prob", "5,.5,.5"), 4, "larger than 1"),
    _ssm("read probability of zero", g.cell(g.SSM, 4, "var_read_prob", "0,.5,.5"), 4, "zero"),
    _ssm("duplicate id", g.cell(g.SSM, 4, "id", "s0"), 4, "twice", "'s0'"),
    _ssm("no id", g.cell(g.SSM, 4, "id", ""), 4, "no id"),
    _ssm("empty list", g.cell(g.SSM, 4, "var_reads", ""), 4, "another length"),
    _ssm("header only", g.SSM.splitlines()[0] + "\n", 1, "no rows"),
    _ssm("field too few", g.SSM.replace("s1\t", "s1"), 3, "5 fields"),
    _params("broken JSON", '{"samples": ["D",\n "R1"', "not valid JSON", row=2),
    _params("a list", "[1, 2]", "JSON object", row=1),
    _params("empty file", "", "empty"),
    _params("too few names", _changed(samples=["D", "R1"]), "2 sample names for 3"),
    _params("one name twice", _changed(samples=["D", "R1", "D"]), "one name", "'D'"),
    _params("names are numbers", _changed(samples=[1, 2, 3]), "list of names"),
    _params("unknown mutation in a cluster", _changed(clusters=[["s0", "s9"]]), "not in the table", "'s9'"),
    _params("unknown mutation in garbage", _changed(garbage=["s8"]), "not in the table", "'s8'"),
    _params("mutation in two clusters", _changed(clusters=[["s0"], ["s1", "s0"]]), "two clusters", "'s0'"),
    _params("mutation in a cluster and in garbage", _changed(garbage=["s1"]), "two clusters", "'s1'"),
    _params("clusters are no lists", _changed(clusters={"a": 1}), "list of lists"),
    _params("garbage is a word", _changed(garbage="s2"), "garbage"),
    BadInput(
        "params: no such file",
        lambda d: g.ssm_file(d, params=None),
        "other.json",
        None,
        ("cannot be read",),
        {"params": "other.json"},
    ),
    BadInput(
        "params: samples of another table",
        lambda d: (g.write(d / "p.json", json.dumps({"samples": ["X", "Y"]})), g.long_file(d))[1],
        "p.json",
        None,
        ("not those of the table", "A, B"),
        {"params": "p.json"},
    ),
)

CGPVAF_TABLES = (
    _cgp("missing column", g.without(g.CGPVAF, "tumA_WTR"), 3, "tumA_WTR"),
    _cgp("no position", g.without(g.CGPVAF, "Pos"), 3, "Pos"),
    _cgp("text in a count", g.cell(g.CGPVAF, 4, "tumA_MTR", "ten"), 4, "tumA_MTR", "'ten'"),
    _cgp("negative count", g.cell(g.CGPVAF, 5, "tumB_WTR", -1), 5, "tumB_WTR", "negative"),
    _cgp("fractional count", g.cell(g.CGPVAF, 5, "tumB_WTR", 1.5), 5, "whole number"),
    _cgp("duplicate site", g.again(g.CGPVAF, 4), 6, "twice"),
    _cgp("empty position", g.cell(g.CGPVAF, 4, "Pos", ""), 4, "empty"),
    _cgp("text as position", g.cell(g.CGPVAF, 4, "Pos", "p13"), 4, "not a number"),
    _cgp("empty reference", g.cell(g.CGPVAF, 4, "Ref", ""), 4, "Ref is empty"),
    _cgp("two normals", g.cell(g.CGPVAF, 5, "#Normal", "other"), 5, "normal", "'other'"),
    _cgp("one sample twice", g.CGPVAF.replace("tumB_", "tumA_"), 3, "twice", "tumA_FAZ"),
    _cgp("header only", "\n".join(g.CGPVAF.splitlines()[:3]) + "\n", 3, "no rows"),
    _cgp("rows cut short", g.CGPVAF.rsplit("\t", 9)[0] + "\n", 5, "60 fields"),
    _cgp("truncated gzip", gzip.compress(g.CGPVAF.encode() * 9, mtime=0)[:-9], None, "truncated"),
    _cgp("Latin-1", g.CGPVAF.replace("tumA", "t\xe4").encode("latin-1"), 3, "not UTF-8"),
)

DPCLUST_FOLDERS = (
    _dp("no sheet", "dp", None, "no sample sheet", sheet=None),
    _dp("file of the sheet is not there", "sheet.txt", 3, "does not exist", "P_b_dp_input.txt", b=None),
    _dp("sheet without cellularity", "sheet.txt", 1, "cellularity", sheet=g.without(g.SHEET, "cellularity")),
    _dp("sheet without rows", "sheet.txt", 1, "no rows", sheet=g.SHEET.splitlines()[0] + "\n"),
    _dp("zero cellularity", "sheet.txt", 2, "zero", sheet=g.cell(g.SHEET, 2, "cellularity", 0)),
    _dp(
        "cellularity above one", "sheet.txt", 3, "larger than 1", sheet=g.cell(g.SHEET, 3, "cellularity", 1.2)
    ),
    _dp("one sample twice", "sheet.txt", 3, "occurs twice", sheet=g.cell(g.SHEET, 3, "subsample", "a")),
    _dp(
        "one file twice",
        "sheet.txt",
        3,
        "occurs twice",
        sheet=g.cell(g.SHEET, 3, "datafile", "P_a_dp_input.txt"),
    ),
    _dp("two patients", "sheet.txt", 3, "more than one patient", sheet=g.cell(g.SHEET, 3, "sample", "Q")),
    _dp("no name of a file", "sheet.txt", 3, "empty", sheet=g.cell(g.SHEET, 3, "datafile", "")),
    _dp("missing column", "P_a_dp_input.txt", 1, "WT.count", a=g.without(g.DP_A, "WT.count")),
    _dp("no copy number", "P_b_dp_input.txt", 1, "subclonal.CN", b=g.without(g.DP_B, "subclonal.CN")),
    _dp("text in a count", "P_a_dp_input.txt", 3, "'few'", a=g.cell(g.DP_A, 3, "mut.count", "few")),
    _dp("negative count", "P_b_dp_input.txt", 4, "negative", b=g.cell(g.DP_B, 4, "WT.count", -2)),
    _dp("negative copy number", "P_b_dp_input.txt", 4, "negative", b=g.cell(g.DP_B, 4, "subclonal.CN", -2)),
    _dp("position twice", "P_a_dp_input.txt", 3, "occurs twice", a=g.cell(g.DP_A, 3, "end", 100)),
    _dp("empty position", "P_a_dp_input.txt", 3, "empty", a=g.cell(g.DP_A, 3, "end", "NA")),
    _dp("empty chromosome", "P_a_dp_input.txt", 3, "empty", a=g.cell(g.DP_A, 3, "chr", "")),
    _dp("empty file", "P_a_dp_input.txt", None, "empty", a=""),
    _dp("ragged row", "P_a_dp_input.txt", 4, "9 fields", a=g.DP_A.replace("X\t300\t", "X\t")),
    BadInput(
        "dpclust: one sample's file alone",
        lambda d: g.dpclust_folder(d) / "P_a_dp_input.txt",
        "P_a_dp_input.txt",
        None,
        ("give the folder",),
    ),
)

COUNT_TABLES = (
    _counts("only NV", "p_NV.tsv", None, "other table", nr=None),
    _counts("only NR", "p_NR.tsv", None, "other table", nv=None),
    _counts("alt above depth", "p_NV.tsv", 2, "more alt reads", "'51'", nv=g.cell(g.NV, 2, "A", 51)),
    _counts("negative count", "p_NV.tsv", 3, "negative", nv=g.cell(g.NV, 3, "B", -8)),
    _counts("text in a count", "p_NR.tsv", 4, "'?'", nr=g.cell(g.NR, 4, "B", "?")),
    _counts("infinite count", "p_NR.tsv", 4, "infinite", nr=g.cell(g.NR, 4, "B", "Inf")),
    _counts("fractional count", "p_NR.tsv", 4, "whole number", nr=g.cell(g.NR, 4, "B", 20.2)),
    _counts("mutation in NV only", "p_NV.tsv", 3, "not in p_NR.tsv", "1_200_C_CTT", nr=g.drop(g.NR, 3)),
    _counts("mutation in NR only", "p_NR.tsv", 3, "not in p_NV.tsv", nv=g.drop(g.NV, 3)),
    _counts("sample in NV only", "p_NV.tsv", 1, "not in p_NR.tsv", nr=g.without(g.NR, "B")),
    _counts(
        "sample of another name", "p_NR.tsv", 1, "not in p_NV.tsv", "column C", nr=g.rename(g.NR, "B", "C")
    ),
    _counts("two samples of one name", "p_NV.tsv", 1, "twice", nv=g.rename(g.NV, "B", "A")),
    _counts("duplicate mutation", "p_NV.tsv", 5, "twice", nv=g.again(g.NV, 2)),
    _counts("mutation without a name", "p_NV.tsv", 3, "no name", nv=g.cell(g.NV, 3, 0, "")),
    _counts("ragged row", "p_NR.tsv", 3, "3 fields", nr=g.NR.replace("55\t48", "55")),
    _counts("empty partner", "p_NR.tsv", None, "empty", nr=""),
    _counts("partner without rows", "p_NR.tsv", 1, "no rows", nr=g.NR.splitlines()[0] + "\n"),
)

CASES: tuple[BadInput, ...] = (
    *ENCODINGS,
    *LONG_TABLES,
    *SSM_TABLES,
    *CGPVAF_TABLES,
    *DPCLUST_FOLDERS,
    *COUNT_TABLES,
)
"""Every faulty input."""
