"""Which format is it? Decided by content, never by the name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clonalbayes.faults import FaultList, InputError, fail

from . import cgpvaf, dpclust, long, pairtree, wide
from .draft import Draft
from .params import read_params
from .text import TextFile, read_head, read_text


@dataclass(frozen=True)
class Format:
    """A format that can be read.

    Parameters
    ----------
    name
        Its name, as given to `format=`.
    meaning
        What it is, for people.
    refuse
        Function that returns why a file is not of this format, or None if it is.
    read
        Function of the files, the fault list and the source's name that returns the draft.
    """

    name: str
    meaning: str
    refuse: Callable[[TextFile], str | None]
    read: Callable[[list[TextFile], FaultList, str], Draft]


FORMATS: dict[str, Format] = {
    m.FORMAT: Format(m.FORMAT, m.MEANING, m.refuse, m.read) for m in (pairtree, cgpvaf, dpclust, long, wide)
}
"""The formats by name, in the order in which they are tried."""


def read_draft(path: Path, *, params: Path | None = None, format: str | None = None) -> Draft:
    """Recognise and read a file or folder.

    Parameters
    ----------
    path
        File or folder.
    params
        Pairtree's params file; with other formats its clusters are used too.
    format
        Name of the format, if it is not to be recognised.

    Returns
    -------
    Draft

    Raises
    ------
    InputError
        With every fault.
    """
    faults = FaultList()
    if format is not None and format not in FORMATS:
        raise fail(path.name, f"there is no format {format!r}", f"Choose one of: {', '.join(FORMATS)}.")
    known, sources = _folder(path, format) if path.is_dir() else _file(path, format)
    try:
        if known.name == pairtree.FORMAT:
            draft = pairtree.read(sources, faults, path.name, params)
        else:
            draft = known.read(sources, faults, path.name)
            if params is not None:
                _add_clusters(draft, params, faults)
    except InputError as error:
        raise _together(faults, error) from None
    faults.raise_if_any()
    return draft


def _together(faults: FaultList, error: InputError) -> InputError:
    """Join the faults found so far with those of an exception that ended the reading."""
    if not faults.faults or any(f in error.faults for f in faults.faults):
        return error
    return InputError([*faults.faults, *error.faults], {**faults.error().omitted, **error.omitted})


def _file(path: Path, format: str | None) -> tuple[Format, list[TextFile]]:
    source = read_text(path)
    known = FORMATS[format] if format else _recognise(source)
    if known.name == wide.FORMAT:
        other = wide.partner(path)
        return known, [source] if other is None else [source, read_text(other)]
    return known, [source]


def _recognise(source: TextFile) -> Format:
    reasons = {}
    for known in FORMATS.values():
        reason = known.refuse(source)
        if reason is None:
            return known
        reasons[known.name] = reason
    raise fail(source.name, "the content is of no known format", _why(reasons))


def _why(reasons: dict[str, str]) -> str:
    tried = "; ".join(f"{FORMATS[n].meaning}: {r}" for n, r in reasons.items())
    return f"What was tried: {tried}. Give a file of one of these formats."


def _folder(path: Path, format: str | None) -> tuple[Format, list[TextFile]]:
    """Find what a folder holds: a DPClust sheet, a pair of count tables, or tables of single samples."""
    found: dict[str, list[Path]] = {}
    inputs = 0
    seen = []
    for file in sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith(".")):
        head = read_head(file)
        if isinstance(head, str):
            seen.append(f"{file.name}: {head}")
            continue
        inputs += dpclust.is_input(head)
        names = [k.name for k in FORMATS.values() if (format in (None, k.name)) and k.refuse(head) is None]
        if names:
            found.setdefault(names[0], []).append(file)
        else:
            seen.append(f"{file.name}: of no known format")
    if dpclust.FORMAT in found:
        found = {dpclust.FORMAT: found[dpclust.FORMAT]}
    if not found and inputs:
        raise fail(
            path.name,
            "the folder has DPClust tables but no sample sheet",
            "Add the sheet: columns sample, subsample, datafile, cellularity, one row a sample.",
        )
    if not found:
        raise fail(
            path.name,
            "the folder holds no file of a known format",
            f"Give a file, or a folder with one patient's files. Found: {'; '.join(seen[:10]) or 'nothing'}.",
        )
    return _one_patient(path, found)


def _one_patient(path: Path, found: dict[str, list[Path]]) -> tuple[Format, list[TextFile]]:
    """Make sure that the files of a folder are one input."""
    listing = ", ".join(p.name for files in found.values() for p in files[:10])
    if len(found) > 1:
        raise fail(
            path.name,
            f"the folder holds files of several formats ({', '.join(found)})",
            f"Give one of the files, or name the format: {listing}.",
        )
    name, files = next(iter(found.items()))
    sources = [read_text(f) for f in files]
    several = name == long.FORMAT and all(long.is_single_sample(s) for s in sources)
    if len(files) > (2 if name == wide.FORMAT else 1) and not several:
        raise fail(
            path.name,
            f"the folder holds {len(files)} inputs of the format {name}",
            f"Give one of them: {listing}.",
        )
    if several:
        _check_stems(path, sources)
    return FORMATS[name], sources


def _check_stems(path: Path, sources: list[TextFile]) -> None:
    stems = [s.stem for s in sources]
    for stem in dict.fromkeys(s for s in stems if stems.count(s) > 1):
        raise fail(path.name, "two files give samples of one name", "Rename one of the files.", value=stem)


def _add_clusters(draft: Draft, params: Path, faults: FaultList) -> None:
    """Take the clusters of a params file for a table of another format."""
    given = read_params(params, faults, set(draft.mutations), len(draft.specimens))
    if given.samples is not None and set(given.samples) != set(draft.specimens):
        faults.add(
            params.name,
            "the sample names are not those of the table",
            f"The table's samples are: {', '.join(draft.specimens)}.",
            column="samples",
        )
    draft.notes += given.notes
    draft.digests.update(given.digests)
    if given.clusters is not None:
        draft.cluster = np.array([given.clusters.get(m, 0) for m in draft.mutations], dtype=np.int32)
