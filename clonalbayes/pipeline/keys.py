"""The keys of `run.toml`: what each one means, and which values it takes. The table of the documentation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "date", "file", "files", "number", "whole", "truth", "choice", "purity", "folder", "names"]

UNIT = (0.0, 1.0)


@dataclass(frozen=True)
class Key:
    """One key.

    Parameters
    ----------
    meaning
        What it says, for people.
    kind
        What its value is: text, a date, a file or several, a number ...
    choices
        Allowed values of a choice, or of each of several names.
    low, high
        Range of a number, both ends included.
    needed
        Whether it must be there.
    """

    meaning: str
    kind: Kind
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    needed: bool = False


def _whole(meaning: str, low: float = 0) -> Key:
    return Key(meaning, "whole", low=low)


PATIENT = {
    "name": Key("name of the patient", "text"),
    "sex": Key("decides the copies of X and Y in normal cells", "choice", ("female", "male")),
    "origin_date": Key("birth, or another day before which nothing happened; dates count from it", "date"),
    "genome": Key("genome build, such as GRCh38: pseudo-autosomal regions; by default read off the reference", "text"),
    "reference": Key("FASTA of the genome, indexed or not", "file"),
}
SAMPLE = {
    "name": Key("name of the sample", "text", needed=True),
    "date": Key("day of sampling", "date"),
    "group": Key("diagnosis, relapse, ... ; for figures", "text"),
    "reads": Key("BAM or CRAM file, sorted and indexed", "file"),
    "variants": Key("files of calls in this sample: VCF, BCF, MAF", "files"),
    "copy_number": Key("files of segments (and of purity) of this sample", "files"),
    "purity": Key("tumour cells / all cells; or a file that says it", "purity", low=0.0, high=1.0),
    "purity_sd": Key("standard error of the purity", "number", low=0.0, high=0.5),
}
TREATMENT = {
    "name": Key("what was given", "text", needed=True),
    "start": Key("first day", "date", needed=True),
    "end": Key("last day; absent = it went on beyond the last sample", "date"),
}
VARIANTS = {
    "files": Key("files of calls in several samples: VCF, MAF, a table of sites", "files"),
    "pass_only": Key("leave out calls that did not pass their caller's filters", "truth"),
    "split_mnv": Key("count substitutions of several bases one base at a time", "truth"),
}
COUNTS = {"table": Key("counts that are there already (any format of `fit`): nothing is counted then", "file")}
COUNT = {
    "min_base_quality": _whole("least Phred quality of a base"),
    "min_mapping_quality": _whole("least mapping quality of a read"),
    "processes": _whole("samples that are counted at a time", 1),
}
PANEL = {
    "counts": Key("table of counts in unmatched normals", "file"),
    "reads": Key("BAM or CRAM files of unmatched normals", "files"),
    "model": Key("error model that `clonalbayes errors` has saved", "file"),
}
COPY_NUMBER = {
    "files": Key("files of segments and of purity that name their samples", "files"),
    "no_call": Key(
        "a mutation that no segment covers: normal copies, its count not used, or left out",
        "choice",
        ("normal", "missing", "exclude"),
    ),
}
EVENTS = {
    "files": Key("drivers, rearrangements, clonotypes, in any format of `events`; for the tree's branches", "files"),
    "slop": _whole("bases by which the breakpoints of one rearrangement may differ between files"),
}
FIT = {
    "model": Key("specification, by name or as a file", "text"),
    "chains": _whole("independent chains", 1),
    "draws": _whole("draws kept per chain", 1),
    "tune": _whole("draws per chain before the first that is kept"),
    "seed": _whole("seed of the random numbers"),
    "cores": _whole("chains that run at a time", 1),
    "min_alt": _whole("alt reads that each mutation has in some sample"),
    "callable": Key("share of the genome in which mutations can be called (default: 1)", "number", low=0.01, high=1.0),
    "opportunities": Key("sites of each trinucleotide in an exome or panel: see `signatures --opportunities`", "file"),
    "dates": Key("date the tree, where there are dates, contexts and the origin_date (default: true)", "truth"),
}
OUTPUT = {"folder": Key("result folder (default: result)", "folder")}

TABLES: dict[str, dict[str, Key]] = {
    "patient": PATIENT, "sample": SAMPLE, "treatment": TREATMENT, "variants": VARIANTS, "counts": COUNTS,
    "count": COUNT, "filters": {}, "panel": PANEL, "copy_number": COPY_NUMBER, "events": EVENTS, "fit": FIT,
    "output": OUTPUT,
}  # fmt: skip
"""Table -> its keys. The keys of `filters` are those of the filters themselves; see `filter_keys`."""

REPEATED = ("sample", "treatment")
"""Tables of which there are several, written in double brackets."""
