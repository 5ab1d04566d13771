"""Small good inputs of every format, written by functions; the faulty ones are edits of these."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

BASES = "ACGT"


def lines_of(rows: list[list[object]], separator: str = "\t") -> str:
    """Join rows of cells to the text of a table."""
    return "".join(separator.join(map(str, r)) + "\n" for r in rows)


LONG_HEADER = (
    "mutation_id sample_id ref_counts alt_counts major_cn minor_cn normal_cn tumour_content error_rate"
)
LONG = lines_of(
    [
        LONG_HEADER.split(),
        ["m1", "A", 60, 40, 1, 1, 2, 0.9, 0.001],
        ["m1", "B", 80, 20, 2, 1, 2, 0.8, 0.001],
        ["m2", "A", 95, 5, 1, 1, 2, 0.9, 0.001],
        ["m2", "B", 50, 0, 1, 0, 2, 0.8, 0.001],
        ["m3", "A", 70, 30, 2, 2, 2, 0.9, 0.001],
        ["m3", "B", 66, 33, 1, 1, 2, 0.8, 0.001],
    ]
)

PYCLONE = lines_of(
    [
        "mutation_id ref_counts var_counts normal_cn minor_cn major_cn variant_freq".split(),
        ["m1", 60, 40, 2, 1, 1, 0.4],
        ["m2", 95, 5, 2, 0, 2, 0.05],
    ]
)

SSM = lines_of(
    [
        "id name var_reads total_reads var_read_prob".split(),
        ["s0", "1_1000", "10,20,0", "100,90,80", "0.5,0.5,0.5"],
        ["s1", "X_2000", "30,0,7", "60,70,80", "0.999,0.999,0.999"],
        ["s2", "chr2_300", "5,5,5", "50,50,50", "0.33,0.5,0.25"],
    ]
)

PARAMS = {"samples": ["D", "R1", "R2"], "clusters": [["s0"], ["s1"]], "garbage": ["s2"]}

SNV_FIELDS = "FAZ FCZ FGZ FTZ RAZ RCZ RGZ RTZ MTR WTR DEP MDR WDR VAF OFS".split()
INDEL_FIELDS = "MTR WTR DEP AMB UNK MDR WDR VAF OFS".split()
SITE_FIELDS = (
    "#Normal VariantID Chrom Pos Ref Alt Qual Filter Gene Transcript RNA CDS Protein Type Effect".split()
)


def cgpvaf(samples: list[str], fields: list[str], counts: list[list[tuple[int, int]]]) -> str:
    """Write a cgpVAF table; `counts` holds one (alt, ref) pair a site and sample, the normal first."""
    head = "##Normal\tNormal sample name\n##FORMAT-:DEP\tTotal reads\n"
    rows: list[list[object]] = [[*SITE_FIELDS, *(f"{s}_{f}" for s in samples for f in fields)]]
    for i, site in enumerate(counts):
        ref, alt = ("A", "T") if "FAZ" in fields else ("AT", "A")
        row: list[object] = [
            samples[0],
            ".",
            "1",
            1000 + i,
            ref,
            alt,
            ".",
            "3",
            "G",
            "T",
            "r.?",
            "-",
            "-",
            "Sub",
            "x",
        ]
        for mutated, wild in site:
            n = mutated + wild
            known = {
                "MTR": mutated,
                "WTR": wild,
                "DEP": n,
                "VAF": f"{mutated / n:.4f}" if n else "0.0",
                "OFS": "NA",
            }
            row += [known.get(f, 0) for f in fields]
        rows.append(row)
    return head + lines_of(rows)


CGPVAF = cgpvaf(
    ["norm", "tumA", "tumB"], SNV_FIELDS, [[(0, 30), (10, 20), (0, 0)], [(1, 40), (0, 25), (12, 30)]]
)

SHEET = lines_of(
    [
        "sample subsample datafile cellularity".split(),
        ["P", "a", "P_a_dp_input.txt", 0.9],
        ["P", "b", "P_b_dp_input.txt", 0.8],
    ]
)

DP_HEADER = (
    "chr end WT.count mut.count subclonal.CN mutation.copy.number subclonal.fraction "
    "no.chrs.bearing.mut phase"
).split()
DP_A = lines_of(
    [
        DP_HEADER,
        ["1", 100, 40, 60, 2, 1.1, 1.1, 1, "unphased"],
        ["1", 200, 70, 30, 3, 1.0, 1.0, 1, "unphased"],
        ["X", 300, 55, 45, 1, 0.9, 0.9, 1, "unphased"],
    ]
)
DP_B = lines_of(
    [
        DP_HEADER,
        ["X", 300, 90, 10, 1, 0.2, 0.2, 1, "unphased"],
        ["1", 100, 80, 20, 2.4, 0.4, 0.4, 1, "unphased"],
        ["2", 400, 60, 6, 2, 0.2, 0.2, 1, "unphased"],
    ]
)

NV = lines_of([["mutation", "A", "B"], ["1_100_A_T", 10, 0], ["1_200_C_CTT", 5, 8], ["X_300_G_A", 0, 20]])
NR = lines_of([["mutation", "A", "B"], ["1_100_A_T", 50, 40], ["1_200_C_CTT", 55, 48], ["X_300_G_A", 30, 20]])


def write(path: Path, text: str | bytes) -> Path:
    """Write one file and return its path."""
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def long_file(folder: Path, text: str | bytes = LONG, name: str = "patient.tsv") -> Path:
    """Write a long table."""
    return write(folder / name, text)


def ssm_file(folder: Path, text: str | bytes = SSM, params: object = PARAMS) -> Path:
    """Write an `.ssm` table and its params file (a string is written as it is, None is left out)."""
    if params is not None:
        write(
            folder / "patient.params.json", params if isinstance(params, str | bytes) else json.dumps(params)
        )
    return write(folder / "patient.ssm", text)


def cgpvaf_file(folder: Path, text: str | bytes = CGPVAF) -> Path:
    """Write a cgpVAF table."""
    return write(folder / "patient.vaf.tsv", text)


def dpclust_folder(
    folder: Path,
    sheet: str | bytes | None = SHEET,
    a: str | bytes | None = DP_A,
    b: str | bytes | None = DP_B,
) -> Path:
    """Write a DPClust input folder; None leaves a file out."""
    out = folder / "dp"
    out.mkdir()
    for name, text in (("sheet.txt", sheet), ("P_a_dp_input.txt", a), ("P_b_dp_input.txt", b)):
        if text is not None:
            write(out / name, text)
    return out


def counts_pair(folder: Path, nv: str | bytes | None = NV, nr: str | bytes | None = NR) -> Path:
    """Write the tables NV and NR, and return the path of NV (of NR if NV is left out)."""
    for name, text in (("p_NV.tsv", nv), ("p_NR.tsv", nr)):
        if text is not None:
            write(folder / name, text)
    return folder / ("p_NV.tsv" if nv is not None else "p_NR.tsv")


GOOD: dict[str, Callable[[Path], Path]] = {
    "long": long_file,
    "pairtree": ssm_file,
    "cgpvaf": cgpvaf_file,
    "dpclust": dpclust_folder,
    "counts": counts_pair,
}
"""A function that writes a good input, by format."""


def cell(text: str, row: int, column: str | int, value: object, separator: str = "\t") -> str:
    """Replace one cell of a table; `row` is the line number, `column` a header name or an index."""
    lines = [line.split(separator) for line in text.splitlines()]
    header = next(line for line in lines if not line[0].startswith("##"))
    index = header.index(column) if isinstance(column, str) else column
    lines[row - 1][index] = str(value)
    return lines_of([list(line) for line in lines], separator)


def without(text: str, column: str, separator: str = "\t") -> str:
    """Remove a column of a table."""
    lines = [line.split(separator) for line in text.splitlines()]
    start = next(i for i, line in enumerate(lines) if not line[0].startswith("##"))
    index = lines[start].index(column)
    kept = [line if i < start else line[:index] + line[index + 1 :] for i, line in enumerate(lines)]
    return lines_of([list(line) for line in kept], separator)


def rename(text: str, old: str, new: str) -> str:
    """Rename a column of a table (the first header cell of this name)."""
    return text.replace(old, new, 1)


def again(text: str, row: int) -> str:
    """Repeat one row at the end."""
    return text + text.splitlines()[row - 1] + "\n"


def drop(text: str, row: int) -> str:
    """Remove one row."""
    lines = text.splitlines()
    return "\n".join(lines[: row - 1] + lines[row:]) + "\n"
