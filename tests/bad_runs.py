"""Faulty descriptions of patients as data: a name, what is changed in a good one, and what the message must say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SEGMENTS = "chrom\tstart\tend\tmajor_cn\tminor_cn\nc1\t1\t1000\t1\t1\nc1\t1001\t2000\t2\t1\nc2\t1\t2000\t1\t0\n"
RUN = """\
[patient]
name = "P1"
sex = "female"
origin_date = "2001-05-01"
reference = "ref.fa"

[[sample]]
name = "A"
date = "2012-03-05"
reads = "A.bam"
variants = ["A.vcf"]
copy_number = "A.segments.tsv"
purity = 0.8
purity_sd = 0.03

[[sample]]
name = "B"
date = 2013-04-01
reads = "B.bam"
variants = "B.vcf"
copy_number = "B.segments.tsv"
purity = "B.purity.txt"

[[treatment]]
name = "thiopurine"
start = "2012-04-01"
end = "2012-12-31"

[[treatment]]
name = "thiopurine"
start = "2013-02-01"

[fit]
seed = 1
chains = 2
draws = 20
tune = 20

[output]
folder = "result"
"""
COUNTS_RUN = """\
[[sample]]
name = "A"
[[sample]]
name = "B"
[counts]
table = "counts.tsv"
"""
TWO_SAMPLES = '[[sample]]\nname = "A"\n[[sample]]\nname = "B"'
COUNTS = "mutation_id\tsample_id\tref_counts\talt_counts\nm1\tA\t30\t20\nm1\tB\t40\t0\nm2\tA\t50\t9\nm2\tB\t20\t20\n"
VCF = """\
##fileformat=VCFv4.2
##contig=<ID=c1,length=2000>
##contig=<ID=c2,length=2000>
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Reads">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{sample}
"""


def good_run(folder: Path) -> Path:
    """Write a small patient that has no fault; return its run.toml."""
    from clonalbayes.simulate.alignments import simulate_bam
    from clonalbayes.simulate.fragments import draw_fragments, draw_reference, write_reference

    rng = np.random.default_rng(7)
    genome = draw_reference({"c1": 2000, "c2": 2000}, rng)
    write_reference(folder / "ref.fa", genome)
    variants = []
    for chrom in genome:
        for pos in range(300, 1800, 150):
            ref = chr(genome[chrom][pos - 1])
            variants.append((chrom, pos, ref, "A" if ref != "A" else "C"))
    for name, vaf in (("A", 0.3), ("B", 0.4)):
        fragments = draw_fragments(genome, variants, np.full(len(variants), vaf), 40, rng)
        simulate_bam(folder / f"{name}.bam", genome, fragments, rng, sample=name)
        rows = [f"{c}\t{p}\t.\t{r}\t{a}\t.\tPASS\t.\tGT:AD:DP\t0/1:28,12:40\n" for c, p, r, a in variants]
        (folder / f"{name}.vcf").write_text(VCF.format(sample=name) + "".join(rows))
        (folder / f"{name}.segments.tsv").write_text(SEGMENTS)
    (folder / "B.purity.txt").write_text("rho 0.7\nPloidy 2.1\n")
    (folder / "counts.tsv").write_text(COUNTS)
    (folder / "run.toml").write_text(RUN)
    return folder / "run.toml"


@dataclass(frozen=True)
class BadRun:
    """One faulty description.

    Parameters
    ----------
    name
        What is wrong with it.
    change
        Changes the files of a good one, in their folder.
    file
        File that the message must name.
    row
        Row that the message must name, if a row is at fault.
    says
        Fragments that the message must have.
    """

    name: str
    change: Callable[[Path], object]
    file: str
    row: int | None
    says: tuple[str, ...]


def toml(name: str, old: str, new: str, row: int | None, *says: str, base: str = RUN) -> BadRun:
    """Change a piece of the run file."""
    assert old in base, old
    return BadRun(name, lambda d: (d / "run.toml").write_text(base.replace(old, new, 1)), "run.toml", row, says)


def counts(name: str, old: str, new: str, row: int | None, *says: str) -> BadRun:
    """Change a piece of a run file that starts from counts."""
    return toml(name, old, new, row, *says, base=COUNTS_RUN)


def file(name: str, path: str, content: str | bytes | None, row: int | None, *says: str) -> BadRun:
    """Replace a file; None removes it."""

    def change(folder: Path) -> None:
        if content is None:
            (folder / path).unlink()
        else:
            (folder / path).write_bytes(content.encode() if isinstance(content, str) else content)

    return BadRun(name, change, path, row, says)


def segments(name: str, old: str, new: str, row: int | None, *says: str) -> BadRun:
    """Change a piece of the first sample's segments."""
    assert old in SEGMENTS, old
    return file(f"segments: {name}", "A.segments.tsv", SEGMENTS.replace(old, new, 1), row, *says)


def vcf(name: str, old: str, new: str, *says: str) -> BadRun:
    """Change a piece of the first sample's calls."""

    def change(folder: Path) -> None:
        text = (folder / "A.vcf").read_text()
        assert old in text
        (folder / "A.vcf").write_text(text.replace(old, new))

    return BadRun(f"calls: {name}", change, "A.vcf", None, says)


def edit_bytes(path: str, edit: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    """Change the bytes of a file."""
    return lambda d: (d / path).write_bytes(edit((d / path).read_bytes()))


def wrong_reference(folder: Path) -> None:
    (folder / "ref.fa").write_text(">c1\n" + "ACGT" * 400 + "\n>c2\n" + "ACGT" * 500 + "\n")
    (folder / "ref.fa.fai").unlink()


def other_result(folder: Path) -> None:
    (folder / "result").mkdir()
    (folder / "result" / "letters.txt").write_text("dear\n")


WRITTEN = (
    toml("quotation mark not closed", 'name = "P1"', 'name = "P1', 2, "is not TOML"),
    toml("date without quotes that is none", "2013-04-01", "2013-13-01", 18, "is not TOML"),
    file("not UTF-8", "run.toml", b'[patient]\nname = "M\xfcller"\n', 2, "not UTF-8"),
    file("empty", "run.toml", "", None, "there is no sample", "clonalbayes example"),
    toml("unknown table", "[fit]", "[fitt]", 33, "no such table", "Did you mean fit?"),
    toml("unknown key of the patient", "sex =", "gender =", 3, "no such key", "Known are: name, sex"),
    toml("misspelt key of the patient", "origin_date", "orign_date", 4, "Did you mean origin_date?"),
    toml("unknown key of a sample", 'reads = "B.bam"', 'bam = "B.bam"', 19, "sample.bam", "no such key"),
    toml("unknown key of a treatment", "end =", "stop =", 27, "no such key", "name, start, end"),
    toml("unknown key of the fit", "draws", "draw", 36, "Did you mean draws?"),
    toml("one bracket too few", "[[sample]]\nname = \"A\"", "[patient2]\nname = \"A\"", 7, "no such table"),
    counts("sample in single brackets", TWO_SAMPLES, '[sample]\nname = "A"', 1, "there can be several", "[[sample]]"),
    counts("sample that is no table", TWO_SAMPLES, 'sample = ["A", "B"]', 1, "is not a table"),
    counts("name that is a path", '"B"', '"../B"', 4, "holds a slash", "value '../B'"),
    counts("name with an equals sign", '"B"', '"x=B"', 4, "an equals sign"),
    counts("sample without a name", 'name = "B"', "", 3, "the key name is missing"),
    counts("name that is a number", '"B"', "5", 4, "is not a text", "value '5'"),
    counts("empty name", '"B"', '" "', 4, "is not a text"),
    counts("two samples of one name", '"B"', '"A"', 4, "two samples bear one name", "value 'A'"),
    toml("reads of two samples", 'reads = "B.bam"', 'reads = "A.bam"', 19, "two samples have the same reads"),
    toml("date of another form", '"2012-03-05"', '"5/3/2012"', 9, "is not a date", "YYYY-MM-DD"),
    toml("date that does not exist", '"2012-03-05"', '"2013-02-29"', 9, "is not a date"),
    toml("date in the future", '"2012-03-05"', '"2912-03-05"', 9, "in the future"),
    toml("sample before birth", '"2012-03-05"', '"1999-03-05"', 9, "before the patient's origin date (2001-05-01)"),
    toml("treatment before birth", '"2012-04-01"', '"2000-04-01"', 26, "before the patient's origin date"),
    toml("treatment that ends before it starts", '"2012-12-31"', '"2011-12-31"', 27,
         "thiopurine ends before it starts (2012-04-01)"),
    toml("treatment without a start", 'start = "2012-04-01"\n', "", 24, "the key start is missing"),
    toml("treatment without a name", 'name = "thiopurine"\n', "", 24, "the key name is missing"),
    toml("courses that overlap", '"2013-02-01"', '"2012-06-01"', 31, "two courses of thiopurine overlap"),
    toml("sex of another kind", '"female"', '"F"', 3, "none of the choices", "female, male"),
    toml("unknown genome build", 'sex = "female"', 'genome = "hg17"', 3, "no known genome build", "GRCh38"),
    toml("purity in per cent", "purity = 0.8", "purity = 80", 13, "outside its range", "at most 1"),
    toml("purity of zero", "purity = 0.8", "purity = 0.0", 13, "outside its range", "above 0"),
    toml("purity that is a truth value", "purity = 0.8", "purity = true", 13, "is not a number"),
    toml("purity in words", "purity = 0.8", 'purity = "high"', 13, "the file is not there"),
    toml("error without a purity", "purity = 0.8\n", "", 13, "there is no purity beside it"),
    toml("error that is too large", "purity_sd = 0.03", "purity_sd = 0.9", 14, "outside its range"),
    toml("no chains", "chains = 2", "chains = 0", 35, "outside its range", "at least 1"),
    toml("chains in words", "chains = 2", 'chains = "two"', 35, "is not a whole number"),
    toml("fraction of a draw", "draws = 20", "draws = 2.5", 36, "is not a whole number"),
    toml("truth value in words", "[fit]", '[variants]\npass_only = "yes"\n[fit]', 34, "neither true nor false"),
    toml("unknown choice", "[fit]", '[copy_number]\nno_call = "skip"\n[fit]', 34, "normal, missing, exclude"),
    toml("unknown filter", "[fit]", '[filters]\napply = ["germlin"]\n[fit]', 34, "Did you mean germline?"),
    toml("unknown limit of a filter", "[fit]", "[filters]\nmin_dept = 3\n[fit]", 34, "Did you mean min_depth?"),
    toml("limit that is no number", "[fit]", "[filters]\nmin_depth = true\n[fit]", 34, "is not a number"),
    toml("unknown model", "seed = 1", 'seed = 1\nmodel = "forest"', None, "forest"),
)  # fmt: skip

FILES = (
    toml("reads that are not there", '"B.bam"', '"Bb.bam"', 19, "the file is not there", "Did you mean B.bam?"),
    toml("folder that is not there", '"B.bam"', '"nowhere/B.bam"', 19, "the folder is not there"),
    toml("calls that are not there", '["A.vcf"]', '["A.vcf", "A2.vcf"]', 11, "A2.vcf", "not there"),
    toml("no reference", 'reference = "ref.fa"\n', "", 1, "the reference is missing"),
    toml("no calls", RUN[RUN.index("variants") : RUN.index('purity = "B')], "", None, "there are no calls"),
    toml("sample without reads", 'reads = "B.bam"\n', "", 16, "the sample has no reads", "value 'B'"),
    counts("nothing to count", "[counts]\ntable = \"counts.tsv\"\n", "", 1, "neither reads nor counts"),
    counts("counts and reads", 'name = "B"', 'name = "B"\nreads = "B.bam"', 7, "there are counts and reads"),
    counts("counts that are not there", "counts.tsv", "count.tsv", 6, "Did you mean counts.tsv?"),
    counts("sample that the counts lack", '"B"', '"C"', None, "the sample is not in the counts", "has: A, B"),
    BadRun("counts of more samples", lambda d: (d / "run.toml").write_text(
        '[[sample]]\nname = "A"\n[counts]\ntable = "counts.tsv"\n'), "counts.tsv", None,
        ("the sample is not in run.toml", "value 'B'")),
    BadRun("result that is a file", lambda d: (d / "result").write_text("dear\n"), "result", None, ("is a file",)),
    BadRun("result in a folder of other things", other_result, "result", None, ("is not a result folder",)),
    BadRun("truncated reads", edit_bytes("A.bam", lambda b: b[: len(b) // 2]), "A.bam", None, ("truncated",)),
    file("reads without an index", "A.bam.bai", None, None, "index"),
    file("empty reads", "A.bam", b"", None, "empty"),
    file("reads that are text", "A.bam", "dear\nyou\n", None, "A.bam"),
    BadRun("reads of another genome", wrong_reference, "A.bam", None, ("c1 has 2000 bases", "1600 in ref.fa")),
    file("reference that is no FASTA", "ref.fa", "dear\nyou\n", None, "ref.fa"),
    file("empty reference", "ref.fa", "", None, "empty"),
    vcf("wrong reference alleles", "\t.\tPASS", "\tPASS", "A.vcf"),
    vcf("no header", "#CHROM", "CHROM", "A.vcf"),
    vcf("position in words", "c1\t300\t", "c1\tthree\t", "A.vcf"),
    vcf("not filtered", "PASS", ".", "no record has been filtered", "set pass_only = false in [variants]"),
    file("no calls in the file", "A.vcf", "", None, "empty"),
    segments("overlap", "c1\t1001", "c1\t900", 3, "overlap and differ", "row 2 (c1:1-1000)"),
    segments("end before start", "1001\t2000", "2001\t2000", 3, "ends before it starts"),
    segments("minor above major", "2\t1\n", "1\t2\n", 3, "minor copy number is above"),
    segments("negative copy number", "2\t1\n", "2\t-1\n", 3, "negative", "'-1'"),
    segments("copy number in words", "2\t1\n", "two\t1\n", 3, "not a number", "'two'"),
    segments("fractional copy number", "2\t1\n", "2.4\t1\n", 3, "not a whole number"),
    segments("position in words", "1001\t", "here\t", 3, "not a number", "'here'"),
    segments("no position", "1001\t", "\t", 3, "no position"),
    segments("no chromosome", "c1\t1001", "\t1001", 3, "no chromosome"),
    segments("a field too few", "c1\t1001", "c1", 3, "5 fields"),
    segments("no minor copy number", "\tminor_cn", "\tother", 1, "minor_cn is missing"),
    segments("two columns of one name", "\tminor_cn", "\tmajor_cn", 1, "twice"),
    segments("no end", "\tend", "\tlength", 1, "the column end is missing"),
    segments("other chromosomes", SEGMENTS[SEGMENTS.index("c1") :], "x9\t1\t2000\t1\t0\n", None, "value 'x9'",
             "none of its chromosomes is in ref.fa", "c1, c2"),
    segments("beyond the end", "c2\t1\t2000", "c2\t1\t2001", None, "ends beyond chromosome c2 of ref.fa (2000)"),
    file("segments: header only", "A.segments.tsv", SEGMENTS.splitlines()[0], 1, "no rows"),
    file("segments: something else", "A.segments.tsv", "a letter\nto nobody\n", None, "no known format", "ASCAT"),
    file("segments: empty", "A.segments.tsv", "", None, "empty"),
    file("segments: UTF-16", "A.segments.tsv", SEGMENTS.encode("utf-16"), None, "UTF-16"),
    file("segments: of other samples", "A.segments.tsv",
         "sample,chrom,start,end,major_cn,minor_cn\nX,c1,1,9,1,1\nY,c1,1,9,1,1\n", None, "no sample of this name"),
    file("segments: total is not the sum", "A.segments.tsv",
         "chrom,start,end,major_cn,minor_cn,total_cn\nc1,1,9,1,1,3\n", 2, "not major + minor"),
    file("purity: not a number", "B.purity.txt", "rho high\n", 1, "'high'"),
    file("purity: above one", "B.purity.txt", "rho 1.7\n", 1, "at most 1"),
    file("purity: not given", "B.purity.txt",
         "rho\tpsi\tdistance\tis.best\nFRAC_GENOME\tNA\tNA\tNA\tTRUE\n", 2, "the purity is not given"),
    file("purity: no row of the genome", "B.purity.txt",
         "rho\tpsi\tdistance\tis.best\nASCAT\t0.5\t2\tNA\tTRUE\n", None, "no row FRAC_GENOME"),
    file("purity: something else", "B.purity.txt", "dear you\n", None, "no known format"),
)  # fmt: skip

BAD_RUNS = (*WRITTEN, *FILES)
