"""Read `run.toml`: one description of a patient, with every fault of it at once."""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clonalbayes.data.treatments import DATE_REMEDY, Treatment, parse_date
from clonalbayes.faults import FaultList
from clonalbayes.variants.builds import BUILDS, build_named

from . import keys
from .keys import Key
from .toml import Path_, read_toml, suggestion

NEEDED = "Add it; `clonalbayes example` writes a run.toml to start from."


@dataclass(frozen=True)
class Sample:
    """One sequenced sample.

    Parameters
    ----------
    name, date, group
        As in the Dataset; "" if not given.
    reads
        BAM or CRAM.
    variants, copy_number
        Files.
    purity
        A number, a file, or None.
    purity_sd
        Its standard error.
    """

    name: str
    date: str = ""
    group: str = ""
    reads: Path | None = None
    variants: tuple[Path, ...] = ()
    copy_number: tuple[Path, ...] = ()
    purity: float | Path | None = None
    purity_sd: float | None = None


@dataclass(frozen=True)
class RunFile:
    """What `run.toml` says; paths are absolute.

    Parameters
    ----------
    path
        The file.
    digest
        SHA-256 of the file.
    name, sex, origin_date, genome
        Of the patient; "" if not given. `genome` is as the user wrote it.
    reference
        FASTA.
    samples, treatments
        In the order of the file.
    tables
        The other tables by name, checked: variants, counts, count, filters, panel, copy_number, fit.
    out
        The result folder.
    """

    path: Path
    digest: str
    name: str
    sex: str
    origin_date: str
    genome: str
    reference: Path | None
    samples: tuple[Sample, ...]
    treatments: tuple[Treatment, ...]
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    out: Path = Path("result")

    def setting(self, table: str, key: str, default: Any = None) -> Any:
        """Return a value of one of the other tables, or the default."""
        return self.tables.get(table, {}).get(key, default)


class _Reader:
    """Collects the faults of one file, each with its line."""

    def __init__(self, path: Path, lines: dict[Path_, int], filters: Mapping[str, Key]) -> None:
        self.path, self.lines, self.faults = path, lines, FaultList()
        self.known = {**keys.TABLES, "filters": dict(filters)}

    def add(self, where: Path_, message: str, remedy: str, value: object = None) -> None:
        places = [where[:n] for n in range(len(where), 0, -1)] + [(where[0], 0)]
        row = next((self.lines[place] for place in places if place in self.lines), None)
        column = ".".join(str(part) for part in where if not isinstance(part, int)) or None
        text = None if value is None else str(value)
        self.faults.add(self.path.name, message, remedy, row=row, column=column, value=text)

    def table(self, content: object, where: Path_, known: Mapping[str, Key]) -> dict[str, Any]:
        """Check one table and return its values in their final form."""
        if not isinstance(content, dict):
            shape = f"[[{where[0]}]]" if where[0] in keys.REPEATED else f"[{where[0]}]"
            self.add(where, "is not a table", f"Write it as {shape} with its keys below.", content)
            return {}
        out = {}
        for name, value in content.items():
            if name not in known:
                self.add((*where, name), "there is no such key", suggestion(name, list(known)))
            else:
                out[name] = self.value(value, (*where, name), known[name])
        for name, key in known.items():
            if key.needed and name not in content:
                self.add(where, f"the key {name} is missing", f"It says: {key.meaning}.")
        return {name: value for name, value in out.items() if value is not None}

    def value(self, value: object, where: Path_, key: Key) -> Any:
        """Bring one value to its final form; a fault gives None."""
        if key.kind in ("number", "whole"):
            return self.number(value, where, key)
        if key.kind == "truth":
            return value if isinstance(value, bool) else self.wrong(value, where, "is neither true nor false")
        if key.kind == "date":
            return self.date(value, where)
        if key.kind == "file":
            return self.file(value, where)
        if key.kind == "files":
            several = value if isinstance(value, list) else [value]
            return tuple(f for f in (self.file(v, where) for v in several) if f is not None)
        if key.kind == "names":
            several = value if isinstance(value, list) else [value]
            one = Key(key.meaning, "choice", key.choices)
            return tuple(v for v in (self.value(v, where, one) for v in several) if v is not None)
        if key.kind == "purity":
            return self.file(value, where) if isinstance(value, str) else self.number(value, where, key)
        if not isinstance(value, str) or not value.strip():
            return self.wrong(value, where, "is not a text", "Write a text in quotation marks.")
        if key.kind == "choice" and value not in key.choices:
            return self.wrong(value, where, "is none of the choices", suggestion(value, list(key.choices)))
        return self.folder(value, where) if key.kind == "folder" else value.strip()

    def folder(self, value: str, where: Path_) -> Path | None:
        """Return a path of a folder that need not be there."""
        try:
            path = (self.path.parent / Path(value).expanduser()).absolute()
            path.exists()
        except (OSError, ValueError, RuntimeError) as error:
            self.add(where, f"is not the name of a folder ({error.args[-1]})", "Correct the path.", value)
            return None
        return path

    def wrong(self, value: object, where: Path_, message: str, remedy: str = "Write true or false.") -> None:
        self.add(where, message, remedy, value)

    def number(self, value: object, where: Path_, key: Key) -> float | int | None:
        whole = key.kind == "whole"
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            self.add(where, f"is not a {'whole ' if whole else ''}number", f"It says: {key.meaning}.", value)
            return None
        number: int | float = value
        low = float("-inf") if key.low is None else key.low
        high = float("inf") if key.high is None else key.high
        zero = key.kind == "purity" or where[-1] == "purity_sd"
        if not low <= number <= high or (zero and number == 0):
            span = f"{'above' if zero else 'at least'} {low:g}" + ("" if key.high is None else f" and at most {high:g}")
            self.add(where, "is outside its range", f"Give a number {span}.", value)
            return None
        return number

    def date(self, value: object, where: Path_) -> str | None:
        if isinstance(value, datetime.date):
            value = value.isoformat()[:10]
        date = parse_date(value) if isinstance(value, str) else None
        if date is None:
            self.add(where, "is not a date", DATE_REMEDY, value)
            return None
        if date > datetime.datetime.now(datetime.UTC).date() and where[-1] != "end":
            self.add(where, "the date is in the future", "Correct the date.", value)
        return date.isoformat()

    def file(self, value: object, where: Path_) -> Path | None:
        if not isinstance(value, str) or not value.strip():
            self.add(where, "is not the name of a file", "Write a path in quotation marks.", value)
            return None
        try:
            path = (self.path.parent / Path(value).expanduser()).absolute()
            there = path.exists()
        except (OSError, ValueError, RuntimeError) as error:
            self.add(where, f"is not the name of a file ({error.args[-1]})", "Correct the path.", value)
            return None
        if not there:
            near = suggestion(path.name, sorted(p.name for p in path.parent.iterdir())) if path.parent.is_dir() else ""
            hint = f" {near}" if near.startswith("Did") else ""
            folder = "the folder is not there" if not path.parent.is_dir() else "the file is not there"
            self.add(where, folder, f"Paths are relative to the folder of {self.path.name}.{hint}", value)
            return None
        return path


def read_run_file(path: Path, filters: Mapping[str, Key] | None = None) -> RunFile:
    """Read and check a description of a patient.

    Parameters
    ----------
    path
        The TOML file.
    filters
        Keys of the table `filters`.

    Returns
    -------
    RunFile

    Raises
    ------
    InputError
        With every fault of the file: unknown keys, impossible dates, files that are not there, ...
    """
    path = Path(path).expanduser().absolute()
    content, lines, data = read_toml(path)
    reader = _Reader(path, lines, filters or {})
    for name in content:
        if name not in reader.known:
            reader.add((name,), "there is no such table", suggestion(name, list(reader.known)))
    single = {
        name: reader.table(content.get(name, {}), (name,), known)
        for name, known in reader.known.items()
        if name not in keys.REPEATED
    }
    repeated = {name: _repeated(reader, content.get(name, []), name) for name in keys.REPEATED}
    patient, output = single.pop("patient"), single.pop("output")
    run = RunFile(
        path, hashlib.sha256(data).hexdigest(), patient.get("name", path.parent.name), patient.get("sex", ""),
        patient.get("origin_date", ""), patient.get("genome", ""), patient.get("reference"),
        tuple(Sample(**{"name": "", **row}) for row in repeated["sample"]),
        tuple(Treatment(row["name"], row["start"], row.get("end", "")) for row in repeated["treatment"]
              if {"name", "start"} <= set(row)),
        single, output.get("folder", path.parent / "result"),
    )  # fmt: skip
    _check_together(run, repeated, reader)
    reader.faults.raise_if_any()
    return run


def _repeated(reader: _Reader, content: object, name: str) -> list[dict[str, Any]]:
    if not isinstance(content, list):
        reader.add((name,), "there can be several", f"Write it with double brackets: [[{name}]].")
        content = [content]
    return [reader.table(row, (name, i), keys.TABLES[name]) for i, row in enumerate(content)]


def _check_together(run: RunFile, rows: dict[str, list[dict[str, Any]]], reader: _Reader) -> None:
    """Find what one value says against another."""
    if run.genome and build_named(run.genome) is None:
        known = ", ".join(BUILDS)
        reader.add(("patient", "genome"), "is no known genome build", f"Known are: {known}, hg19, hg38.", run.genome)
    if not rows["sample"]:
        reader.add(("sample",), "there is no sample", f"Add a table [[sample]] for each. {NEEDED}")
    _check_dates(run, rows, reader)
    _check_names(rows["sample"], reader)
    for i, row in enumerate(rows["sample"]):
        if "purity_sd" in row and not isinstance(row.get("purity"), int | float):
            reader.add(("sample", i, "purity_sd"), "there is no purity beside it", "Give purity as a number.")
    _check_sources(run, reader)


def _check_names(rows: list[dict[str, Any]], reader: _Reader) -> None:
    """Find samples of one name and reads that are two samples'."""
    for key, message in (("name", "two samples bear one name"), ("reads", "two samples have the same reads")):
        seen: dict[Any, int] = {}
        if key == "name":
            _check_signs(rows, reader)
        for i, row in enumerate(rows):
            if key in row and seen.setdefault(row[key], i) != i:
                value = row[key].name if isinstance(row[key], Path) else row[key]
                reader.add(("sample", i, key), message, "Correct one of them.", value)


def _check_signs(rows: list[dict[str, Any]], reader: _Reader) -> None:
    """Find names with signs that would be taken for a path or for NAME=FILE."""
    for i, row in enumerate(rows):
        if re.search(r"[/\\=\x00-\x1f]", row.get("name", "")):
            message = "the name holds a slash, an equals sign or a control character"
            reader.add(("sample", i, "name"), message, "Give the sample another name.", row["name"])


def _check_dates(run: RunFile, rows: dict[str, list[dict[str, Any]]], reader: _Reader) -> None:
    """Find dates before the origin, courses that end before they start, and courses that overlap."""
    for name, key in (("sample", "date"), ("treatment", "start")):
        for i, row in enumerate(rows[name]):
            if run.origin_date and key in row and row[key] < run.origin_date:
                message = f"is before the patient's origin date ({run.origin_date})"
                reader.add((name, i, key), message, "Correct one of the two dates.", row[key])
    whole = [(i, r) for i, r in enumerate(rows["treatment"]) if {"name", "start"} <= set(r)]
    for i, row in whole:
        if "end" in row and row["end"] < row["start"]:
            message = f"{row['name']} ends before it starts ({row['start']})"
            reader.add(("treatment", i, "end"), message, "Correct one of the two dates.", row["end"])
    for n, (i, row) in enumerate(whole):
        for _, other in whole[:n]:
            first, last = sorted((row, other), key=lambda r: r["start"])
            if row["name"] == other["name"] and last["start"] <= first.get("end", "9999"):
                message = f"two courses of {row['name']} overlap"
                reader.add(("treatment", i, "start"), message, "Join them into one course.", row["start"])


def _check_sources(run: RunFile, reader: _Reader) -> None:
    """Make sure that there is something to count, or counts, and not both."""
    table = run.setting("counts", "table")
    with_reads = [s.name for s in run.samples if s.reads is not None]
    without = [i for i, s in enumerate(run.samples) if s.reads is None]
    if table is not None:
        if with_reads:
            reader.add(("counts", "table"), "there are counts and reads", "Leave out the one that is not to be used.")
        return
    given = reader.lines.get(("counts", "table")) is not None
    if run.samples and not with_reads and not given and not any("reads" in w for w in reader.lines if len(w) == 3):
        remedy = "Give each sample its reads, or a table of counts as counts.table."
        reader.add(("sample",), "there are neither reads nor counts", remedy)
        return
    for i in without:
        if with_reads and ("sample", i, "reads") not in reader.lines:
            reader.add(("sample", i), "the sample has no reads", "Add reads = \"FILE.bam\".", run.samples[i].name)
    if with_reads and run.reference is None and ("patient", "reference") not in reader.lines:
        reader.add(("patient", "reference"), "the reference is missing", "Reads are counted against a FASTA file.")
    files = any(s.variants for s in run.samples) or run.setting("variants", "files")
    if with_reads and not files and not any("variants" in w for w in reader.lines):
        reader.add(("variants",), "there are no calls", "Name the sites to count: variants = [...] by sample, or "
                   "[variants] files = [...].")  # fmt: skip
