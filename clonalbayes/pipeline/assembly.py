"""The last stage before the fit: counts, copy number, contexts, error rates, dates and treatments as one Dataset."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clonalbayes.data.assemble import LARGEST_DEFAULT_MIN_ALT
from clonalbayes.faults import FaultList, fail
from clonalbayes.results import SEGMENTS

from .filter_keys import FILTERED_FILE
from .runfile import RunFile
from .stages import (
    COUNTS,
    DATA,
    ERRORS,
    FILTERS,
    MODEL_FILE,
    Made,
    Step,
    counts_path,
    notes_of,
    write_notes,
)

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from clonalbayes.copynumber import CopyNumber
    from clonalbayes.data.patient import Patient

DATA_FILE, EXCLUDED_FILE, DIGESTS_FILE = "data.nc", "excluded.tsv", "digests.json"


def data_step(run: RunFile, before: list[Step]) -> Step:
    """Return the stage that assembles the Dataset.

    Parameters
    ----------
    run
        The description of the patient.
    before
        The stages before it.
    """
    names = [step.name for step in before]
    after = [name for name in (COUNTS, FILTERS, ERRORS) if name in names]
    inputs = [file for sample in run.samples for file in sample.copy_number]
    inputs += [sample.purity for sample in run.samples if isinstance(sample.purity, Path)]
    inputs += run.setting("copy_number", "files", ())
    inputs += [run.reference] if run.reference is not None else []
    settings: dict[str, Any] = {
        "patient": [run.name, run.sex, run.origin_date, run.genome],
        "samples": [
            [s.name, s.date, s.group, [f.name for f in s.copy_number],
             s.purity.name if isinstance(s.purity, Path) else s.purity, s.purity_sd]
            for s in run.samples
        ],
        "treatments": [list(t) for t in run.treatments],
        "copy_number": run.setting("copy_number", "no_call", "normal"),
        "min_alt": run.setting("fit", "min_alt"),
    }  # fmt: skip

    def make(folder: Path, made: Made) -> str:
        patient = assemble_patient(run, made)
        write_patient(patient, folder)
        table = copy_number_of(run)
        if len(table.segments):
            table.write(folder / SEGMENTS)
        sizes = patient.data.sizes
        left = len(patient.excluded)
        return f"{sizes['mutation']} mutations x {sizes['specimen']} samples, {left} left out"

    return Step(DATA, "copy number, contexts, dates and treatments into one table", make, settings,
                tuple(dict.fromkeys(inputs)), tuple(after))  # fmt: skip


def assemble_patient(run: RunFile, made: Made) -> Patient:
    """Make the patient that is fitted.

    Parameters
    ----------
    run
        The description of the patient.
    made
        Folders of the stages before.

    Raises
    ------
    InputError
        If the samples of the counts are not those of the run file, or the copy number cannot be used.
    """
    from clonalbayes.copynumber import add_copy_number
    from clonalbayes.data.patient import read

    path = counts_path(run, made)
    patient = read(path, min_alt=run.setting("fit", "min_alt"))
    if run.setting("counts", "table") is None:
        patient = _without(patient, f"{path.name}: columns not used")
    patient = in_order(run, patient, path.name)
    patient = _filtered(run, patient, made)
    patient = _with_facts(run, patient)
    table = copy_number_of(run)
    if table.samples or len(table.purity):
        patient = add_copy_number(patient, table, no_call=run.setting("copy_number", "no_call", "normal"))
    patient = _with_purity(run, patient, table)
    patient = _with_contexts(run, patient)
    patient = _with_errors(patient, made)
    return _with_notes(patient, made)


def copy_number_of(run: RunFile) -> CopyNumber:
    """Read all files of copy number and purity of a run.

    Raises
    ------
    InputError
        With every fault of every file.
    """
    from clonalbayes.copynumber.segments import read_all

    wanted: list[tuple[Path, str | None]] = [(f, s.name) for s in run.samples for f in s.copy_number]
    wanted += [(s.purity, s.name) for s in run.samples if isinstance(s.purity, Path)]
    wanted += [(f, None) for f in run.setting("copy_number", "files", ())]
    return read_all(wanted)


def in_order(run: RunFile, patient: Patient, file: str) -> Patient:
    """Bring the samples into the order of the run file.

    Parameters
    ----------
    run
        The description of the patient.
    patient
        The counts.
    file
        Their name in messages.

    Raises
    ------
    InputError
        If the two do not name the same samples.
    """
    faults = FaultList()
    there, wanted = patient.specimens, [sample.name for sample in run.samples]
    for name in wanted:
        if name not in there:
            faults.add(run.path.name, "the sample is not in the counts", f"{file} has: {', '.join(there)}.", value=name)
    for name in there:
        if name not in wanted:
            remedy = "Add a table [[sample]] for it, or remove it from the counts."
            faults.add(file, f"the sample is not in {run.path.name}", remedy, value=name)
    faults.raise_if_any()
    return replace(patient, data=patient.data.sel(specimen=wanted))


def _with_facts(run: RunFile, patient: Patient) -> Patient:
    """Put what the run file says of patient, samples and treatments into the Dataset."""
    from clonalbayes.data.treatments import add_treatments

    ds = patient.data
    facts = {name: [getattr(s, name) or str(old) for s, old in zip(run.samples, ds[name].values, strict=True)]
             for name in ("date", "group")}  # fmt: skip
    ds = ds.assign_coords({name: ("specimen", np.array(texts, dtype=str)) for name, texts in facts.items()})
    ds = add_treatments(ds, run.treatments)
    said = {"patient": run.name, "sex": run.sex, "origin_date": run.origin_date, "genome_build": _build(run)}
    ds = ds.assign_attrs({name: text for name, text in said.items() if text} | {"source": run.name})
    return replace(patient, data=ds, digests={**patient.digests, run.path.name: run.digest})


def _build(run: RunFile) -> str:
    """Return the genome build: as stated, else by the lengths of the reference's chromosomes."""
    if run.genome or run.reference is None:
        return run.genome
    from clonalbayes.variants.fasta import Reference

    return Reference(run.reference).build or ""


def _with_purity(run: RunFile, patient: Patient, table: CopyNumber) -> Patient:
    """Put stated purities into the Dataset, where they win over those of files; say which are not known."""
    ds, stated = patient.data, {s.name: s for s in run.samples if isinstance(s.purity, int | float)}
    value, error = (ds[name].values.astype(float).copy() for name in ("purity", "purity_sd"))
    for i, name in enumerate(patient.specimens):
        if name in stated:
            value[i] = float(stated[name].purity)  # type: ignore[arg-type]
            error[i] = np.nan if stated[name].purity_sd is None else stated[name].purity_sd
    ds = ds.assign_coords(purity=("specimen", value), purity_sd=("specimen", error))
    told = [f"purity as stated in {run.path.name}: {', '.join(stated)}"] if stated else []
    of_file = [note for note in patient.notes if note.startswith("purity") and "not given" in note]
    known = {*stated, *map(str, table.purity["sample"])}
    unknown = [name for name in patient.specimens if name not in known]
    if of_file and unknown and known:
        told.append(f"purity of {', '.join(unknown)} not given: taken as 1")
    if of_file and known:
        patient = _without(patient, of_file[0])
    return replace(patient, data=ds, notes=(*patient.notes, *told))


def _without(patient: Patient, beginning: str) -> Patient:
    """Take back what was said before it was known better."""
    return replace(patient, notes=tuple(note for note in patient.notes if not note.startswith(beginning)))


def _with_contexts(run: RunFile, patient: Patient) -> Patient:
    if run.reference is None:
        return patient
    from clonalbayes.variants.contexts import add_contexts

    ds, notes = add_contexts(patient.data, run.reference)
    return replace(patient, data=ds, notes=(*patient.notes, *notes))


def _with_errors(patient: Patient, made: Made) -> Patient:
    """Put the panel's error rate of each site into the Dataset."""
    if ERRORS not in made:
        return patient
    from clonalbayes.errors import ErrorModel
    from clonalbayes.errors.classes import classes_of

    model, ds = ErrorModel.load(made[ERRORS] / MODEL_FILE), patient.data
    classes = classes_of(*(ds[name].values.astype(object) for name in ("ref", "alt", "context")))
    mean = model.site_rates(ds["mutation"].values.astype(object), classes).mean
    ds = ds.assign(error_rate=("mutation", np.clip(mean, 0.0, 0.5)))
    return replace(patient, data=ds, notes=(*patient.notes, "error rate of each site from the panel of normals"))


def _filtered(run: RunFile, patient: Patient, made: Made) -> Patient:
    """Leave out what fell to the filters that are applied."""
    import pandas as pd

    if FILTERS not in made:
        return patient
    gone = pd.read_csv(made[FILTERS] / FILTERED_FILE, sep="\t", dtype=str, keep_default_na=False)
    gone = gone.assign(row=gone["row"].astype(int))
    keep = ~np.isin(patient.data["mutation"].values.astype(str), gone["mutation"].to_numpy(str))
    if not keep.any():
        remedy = "Apply fewer filters, or change their limits, in [filters]."
        raise fail(run.path.name, "no mutation is left after the filters", remedy)
    ds = patient.data.isel(mutation=np.flatnonzero(keep))
    excluded = pd.concat([gone, patient.excluded], ignore_index=True) if len(gone) else patient.excluded
    patient = replace(patient, data=ds, excluded=excluded)
    return patient if run.setting("fit", "min_alt") is not None else _with_rule(patient)


def _with_rule(patient: Patient) -> Patient:
    """Read the rule of ascertainment off the mutations that are left."""
    largest = patient.data["alt_count"].values.max(axis=1)
    rule = int(min(largest.min(), LARGEST_DEFAULT_MIN_ALT))
    if rule == patient.data.attrs["min_alt"]:
        return patient
    told = f"ascertainment: every mutation that the filters left has at least {rule} alt reads in one sample"
    patient = _without(patient, "ascertainment: ")
    return replace(patient, data=patient.data.assign_attrs(min_alt=rule), notes=(*patient.notes, told))


def _with_notes(patient: Patient, made: Made) -> Patient:
    """Add what earlier stages said to the notes, and check the whole."""
    notes = [note for folder in made.values() for note in notes_of(folder)]
    unique = dict.fromkeys([*notes, *patient.notes])
    ds = _validated(patient.data.assign_attrs(notes=json.dumps(list(unique))))
    return replace(patient, data=ds, notes=tuple(unique))


def _validated(ds: xr.Dataset) -> xr.Dataset:
    from clonalbayes.data.schema import validate

    return validate(ds)


def write_patient(patient: Patient, folder: Path) -> None:
    """Write a patient into a folder.

    Parameters
    ----------
    patient
        The patient.
    folder
        Gets the Dataset, the table of excluded mutations, the notes and the digests.
    """
    from clonalbayes.results import write_table

    patient.data.to_netcdf(folder / DATA_FILE, engine="netcdf4")
    write_table(patient.excluded, folder / EXCLUDED_FILE)
    write_notes(folder, list(patient.notes))
    (folder / DIGESTS_FILE).write_text(json.dumps(patient.digests, indent=1) + "\n", encoding="utf-8")


def read_patient(folder: Path) -> Patient:
    """Read a patient that `write_patient` wrote."""
    import pandas as pd
    import xarray as xr

    from clonalbayes.data.patient import Patient

    ds = xr.load_dataset(folder / DATA_FILE, engine="netcdf4")
    ds = ds.assign_attrs(min_alt=int(ds.attrs["min_alt"]))
    excluded: pd.DataFrame = pd.read_csv(folder / EXCLUDED_FILE, sep="\t", dtype=str, keep_default_na=False)
    excluded["row"] = excluded["row"].astype(int)
    digests = json.loads((folder / DIGESTS_FILE).read_text(encoding="utf-8"))
    return Patient(_validated(ds), excluded, tuple(notes_of(folder)), digests)
