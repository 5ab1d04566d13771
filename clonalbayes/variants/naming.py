"""Names of samples where files do not give any: columns that only say TUMOUR or NORMAL."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from clonalbayes.faults import FaultList

from .calls import Calls
from .vcf import NORMAL


def name_samples(calls: list[Calls], files: list[Path], names: Mapping[str, str]) -> list[str]:
    """Give samples the names that the user states; else, where several files say TUMOUR, those of the files.

    Parameters
    ----------
    calls
        The calls of each file; their sample names are changed.
    files
        Path of each.
    names
        Name of the tumour sample by path.

    Returns
    -------
    list of str
        What was assumed.

    Raises
    ------
    InputError
        If a name is given to a file with several tumour samples, or to none of the files.
    """
    faults = FaultList()
    for path in names:
        if path not in {str(f) for f in files}:
            faults.add(Path(path).name, "a name is given to a file that is not read", "Give the file too.")
    notes = []
    unnamed = [
        i for i, (c, f) in enumerate(zip(calls, files, strict=True)) if str(f) not in names and _tumours(c, True)
    ]
    for i, (c, file) in enumerate(zip(calls, files, strict=True)):
        if str(file) in names:
            _rename(c, names[str(file)], faults)
        elif i in unnamed and len(unnamed) > 1:
            notes.append(_by_file(c, file))
    faults.raise_if_any()
    return notes


def _tumours(calls: Calls, generic: bool) -> list[int]:
    """Return the samples that are no normals; with `generic` only those without a name of their own."""
    return [j for j, role in enumerate(calls.roles) if role != NORMAL and (calls.generic[j] or not generic)]


def _rename(calls: Calls, name: str, faults: FaultList) -> None:
    tumours = _tumours(calls, False)
    remedy = "Name a file with one tumour sample only; the samples of other files have names of their own."
    if len(tumours) != 1:
        faults.add(
            calls.file, f"the name cannot be given: the file has {len(tumours)} tumour samples", remedy, value=name
        )
    elif name in calls.samples and calls.samples.index(name) != tumours[0]:
        faults.add(calls.file, "the name is that of another sample of the file", remedy, value=name)
    else:
        calls.samples[tumours[0]] = name


def _by_file(calls: Calls, file: Path) -> str:
    stem = file.name.removesuffix(".gz").rsplit(".", 1)[0] or file.name
    tumours = _tumours(calls, True)
    for j in tumours:
        old = calls.samples[j]
        calls.samples[j] = stem if len(tumours) == 1 else f"{stem}:{old}"
    given = ", ".join(calls.samples[j] for j in tumours)
    return f"{calls.file}: its samples have no names; called {given} after the file (to name one, give NAME=FILE)"
