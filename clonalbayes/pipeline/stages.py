"""The stages of a run, one function a stage: what each reads, which settings it has, what it writes.

A stage calls the public function of its part of the package and says in one line what came out. The stages are
listed by `steps_of`; `plan` says which would be made, `run` makes them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .runfile import RunFile

if TYPE_CHECKING:
    from clonalbayes.variants import Sites

SITES, COUNTS, PANEL, ERRORS, FILTERS, DATA = "sites", "counts", "panel", "errors", "filters", "data"
SITES_FILE, CALLS_FILE, COUNTS_FILE, MODEL_FILE = "sites.tsv", "calls.tsv", "counts.tsv", "errors.json"
NOTES_FILE = "notes.json"

Made = Mapping[str, Path]
"""Folder of each stage that is there."""


@dataclass(frozen=True)
class Step:
    """One stage, not yet made.

    Parameters
    ----------
    name
        Its name.
    says
        What it does, for people.
    make
        Writes its files into a folder, given the folders of the stages before it; returns a line about them.
    settings
        What it depends on besides files.
    inputs
        Files that it reads.
    after
        Stages that it reads.
    """

    name: str
    says: str
    make: Callable[[Path, Made], str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[Path, ...] = ()
    after: tuple[str, ...] = ()


def steps_of(run: RunFile) -> list[Step]:
    """Return the stages of a run before the fit, in order.

    Parameters
    ----------
    run
        The description of the patient.
    """
    from .assembly import data_step
    from .event_stage import event_steps
    from .filter_keys import filter_step

    steps: list[Step] = []
    table = run.setting("counts", "table")
    if table is None:
        steps += [_sites_step(run), *_count_steps(run)]
    else:
        steps.append(_table_step(run, table))
    steps += _panel_steps(run)
    if table is None or run.tables.get("filters"):
        steps.append(filter_step(run, FILTERS, COUNTS))
    return [*steps, *event_steps(run), data_step(run, steps)]


def notes_of(folder: Path) -> list[str]:
    """Return what a stage said that a user should know."""
    path = folder / NOTES_FILE
    return list(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else []


def write_notes(folder: Path, notes: list[str]) -> None:
    """Keep what a user should know beside what a stage made."""
    (folder / NOTES_FILE).write_text(json.dumps(notes, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def call_files(run: RunFile) -> tuple[list[Path], dict[str, str]]:
    """Return the files of calls, and the sample of each that is listed under one sample only."""
    owners: dict[Path, list[str]] = {}
    for sample in run.samples:
        for file in sample.variants:
            owners.setdefault(file, []).append(sample.name)
    files = list(dict.fromkeys([*owners, *run.setting("variants", "files", ())]))
    return files, {str(file): names[0] for file, names in owners.items() if len(names) == 1}


def read_calls(run: RunFile) -> Sites:
    """Read and join all calls of a run.

    Raises
    ------
    InputError
        With every fault of every file, in the words of a run file.
    """
    from clonalbayes.faults import InputError
    from clonalbayes.variants import read_variants

    files, names = call_files(run)
    options = {name: run.setting("variants", name, default) for name, default in CALL_DEFAULTS.items()}
    try:
        return read_variants(files, reference=run.reference, names=names, **options)
    except InputError as error:
        here = "set pass_only = false in [variants]"
        told = [replace(f, remedy=f.remedy.replace("read the file without --pass-only", here)) for f in error.faults]
        raise InputError(told, error.omitted) from None


CALL_DEFAULTS = {"split_mnv": False, "pass_only": True}


def _sites_step(run: RunFile) -> Step:
    files, names = call_files(run)
    settings = {
        **{name: run.setting("variants", name, default) for name, default in CALL_DEFAULTS.items()},
        "names": list(names.values()),
    }

    def make(folder: Path, made: Made) -> str:
        from clonalbayes.faults import fail
        from clonalbayes.variants import write_calls, write_sites

        found = read_calls(run)
        if not len(found):
            why = "; ".join(found.notes) or "the files hold no record"
            raise fail(files[0].name, "no site is left", f"See what was left out: {why}.")
        write_sites(found, folder / SITES_FILE)
        write_calls(found, folder / CALLS_FILE)
        write_notes(folder, found.notes)
        kinds = ", ".join(f"{n} {kind}" for kind, n in found.table["kind"].value_counts().items())
        return f"{len(found)} sites from {len(files)} files ({kinds})"

    return Step(SITES, f"join the calls of {len(files)} files", make, settings, (*files, _reference(run)))


def _reference(run: RunFile) -> Path:
    assert run.reference is not None  # the run file was checked
    return run.reference


def folder_name(sample: str) -> str:
    """Return a sample's name as part of the name of a folder: other signs than letters and digits are replaced."""
    plain = re.sub(r"[^A-Za-z0-9_-]", "_", sample)
    return plain if plain == sample else f"{plain[:40]}-{hashlib.sha256(sample.encode()).hexdigest()[:8]}"


def _count_steps(run: RunFile) -> list[Step]:
    """One stage a sample, so that a new or changed file does not have the others counted again."""
    settings = {name: value for name, value in run.tables.get("count", {}).items() if name != "processes"}
    steps = []
    for sample in run.samples:
        assert sample.reads is not None  # the run file was checked
        make = partial(_count, run, [f"{sample.name}={sample.reads}"], settings)
        inputs = (sample.reads, _reference(run))
        says = f"count the sites in {sample.reads.name}"
        steps.append(Step(f"count-{folder_name(sample.name)}", says, make, settings, inputs, (SITES,)))
    names = tuple(step.name for step in steps)
    steps.append(Step(COUNTS, "put the counts together", partial(_stack, names), after=names))
    return steps


def _count(run: RunFile, files: list[str], settings: Mapping[str, Any], folder: Path, made: Made) -> str:
    """Count the sites in one or more BAM or CRAM files."""
    from clonalbayes.counting import count

    found = count(
        made[SITES] / SITES_FILE, files, reference=_reference(run), out=folder / COUNTS_FILE,
        cores=run.setting("count", "processes"), **settings,
    )  # fmt: skip
    write_notes(folder, found.notes)
    depth = found.column("depth")
    known = depth[depth >= 0]
    return f"{len(found.sites)} sites, mean depth {known.mean() if known.size else 0:.0f}"


def _stack(names: tuple[str, ...], folder: Path, made: Made) -> str:
    """Put the tables of the samples one below the other."""
    rows = 0
    with (folder / COUNTS_FILE).open("w", encoding="utf-8") as out:
        for number, name in enumerate(names):
            with (made[name] / COUNTS_FILE).open(encoding="utf-8") as table:
                header = next(table)
                if number == 0:
                    out.write(header)
                for line in table:
                    out.write(line)
                    rows += 1
    write_notes(folder, [note for name in names for note in notes_of(made[name])])
    return f"{rows} counts in {len(names)} samples"


def _table_step(run: RunFile, table: Path) -> Step:
    """Take counts that are there already."""

    def make(folder: Path, made: Made) -> str:
        write_notes(folder, [f"counts as given in {table.name}"])
        return f"taken from {table.name}"

    inputs = tuple(sorted(p for p in table.iterdir() if p.is_file())) if table.is_dir() else (table,)
    return Step(COUNTS, f"take the counts of {table.name}", make, {}, inputs)


def _panel_steps(run: RunFile) -> list[Step]:
    """Count the panel of normals, if its reads are given, and learn the error model."""
    panel = run.tables.get("panel", {})
    if panel.get("model") is not None:
        return [Step(ERRORS, f"take the error model {panel['model'].name}", partial(_copy_model, panel["model"]),
                     {}, (panel["model"],))]  # fmt: skip
    if panel.get("reads") and run.setting("counts", "table") is None:
        settings = {name: value for name, value in run.tables.get("count", {}).items() if name != "processes"}
        make = partial(_count, run, [str(file) for file in panel["reads"]], settings)
        inputs = (*panel["reads"], _reference(run))
        counted = Step(PANEL, f"count the sites in {len(panel['reads'])} normals", make, settings, inputs, (SITES,))
        return [counted, Step(ERRORS, "learn the site-error model", partial(_learn, None), after=(PANEL,))]
    if panel.get("counts") is not None:
        return [Step(ERRORS, f"learn the site-error model from {panel['counts'].name}",
                     partial(_learn, panel["counts"]), {}, (panel["counts"],))]  # fmt: skip
    return []


def _copy_model(path: Path, folder: Path, made: Made) -> str:
    from clonalbayes.errors import ErrorModel

    model = ErrorModel.load(path)
    model.save(folder / MODEL_FILE)
    return f"{path.name}: {model!r}"


def _learn(table: Path | None, folder: Path, made: Made) -> str:
    from clonalbayes.data.counts import read_counts
    from clonalbayes.errors import learn_from_table

    counted = read_counts(made[PANEL] / COUNTS_FILE if table is None else table, extra=("other_count",))
    model = learn_from_table(counted)
    model.save(folder / MODEL_FILE)
    mean = float(model.site_rates().mean.mean()) if len(model.sites) else float("nan")
    return f"{counted.alt.shape[1]} normals, mean error rate {mean:.1e}"


def counts_path(run: RunFile, made: Made) -> Path:
    """Return the table of counts that the data are assembled from."""
    given = run.setting("counts", "table")
    return Path(given) if given is not None else made[COUNTS] / COUNTS_FILE
