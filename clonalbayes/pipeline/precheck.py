"""Look at every file of a run before anything is computed, and collect the faults of all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from clonalbayes.copynumber.regions import plain_chrom
from clonalbayes.faults import Fault, FaultList, InputError
from clonalbayes.variants.builds import BUILDS, builds_that_hold

from .event_stage import events_of
from .runfile import RunFile

if TYPE_CHECKING:
    import pandas as pd

    from clonalbayes.variants.fasta import Reference


def precheck(run: RunFile, *, thorough: bool) -> None:
    """Raise everything that is wrong with the files of a run.

    Parameters
    ----------
    run
        The description of the patient.
    thorough
        Whether calls are read too, which takes longer; the stage that joins them does it anyway.

    Raises
    ------
    InputError
        With every fault of every file.
    """
    faults: list[Fault] = []
    _try(faults, lambda: _target(run.out))
    _try(faults, lambda: _model(run))
    genome = _try(faults, lambda: _genome(run)) if run.reference is not None else None
    if genome is not None:
        files = [(f"{s.name}={s.reads}") for s in run.samples if s.reads is not None]
        files += [str(file) for file in run.setting("panel", "reads", ())]
        for file in files:
            _try(faults, lambda file=file: _open(file, genome))  # type: ignore[misc]
    _try(faults, lambda: _copy_number(run, genome))
    _try(faults, lambda: _counts(run))
    _try(faults, lambda: events_of(run))
    if thorough:
        _try(faults, lambda: _calls(run))
    if faults:
        raise InputError(faults)


def _try[T](faults: list[Fault], look: Callable[[], T]) -> T | None:
    """Look at one thing; keep its faults."""
    try:
        return look()
    except InputError as error:
        faults += error.faults
        return None


def _target(folder: Path) -> None:
    from clonalbayes.run import check_target

    check_target(folder, force=True)


def _model(run: RunFile) -> None:
    from clonalbayes import specs

    model = model_of(run)
    try:
        specs.load("joint" if model is None else model)
    except InputError as error:
        mine = [replace(f, file=run.path.name, column="fit.model") if f.file == "--model" else f for f in error.faults]
        raise InputError(mine) from None


def model_of(run: RunFile) -> str | None:
    """Return the specification of a run: a name, or a file beside the run file; None if the data choose it."""
    given = run.setting("fit", "model")
    if given is None:
        return None
    name = str(given)
    return str(run.path.parent / name) if name.endswith(".toml") and not Path(name).is_absolute() else name


def _genome(run: RunFile) -> Reference:
    from clonalbayes.variants.fasta import Reference

    assert run.reference is not None  # the caller has looked
    return Reference(run.reference)


def _open(file: str, genome: Reference) -> None:
    from clonalbayes.counting.count import open_alignment

    open_alignment(file, genome)


def _copy_number(run: RunFile, genome: Reference | None) -> None:
    from clonalbayes.copynumber.segments import check_overlaps

    from .assembly import copy_number_of

    table = copy_number_of(run)
    faults = FaultList()
    known = [sample.name for sample in run.samples]
    check_overlaps(table.segments[table.segments["sample"].isin(known)], faults)
    strange = [name for name in table.samples if name not in known]
    if strange and not set(table.samples) & set(known):
        remedy = f"The samples are: {', '.join(known)}."
        message = "the copy number is of no sample of the patient"
        faults.add(run.path.name, message, remedy, value=", ".join(strange[:8]))
    if genome is not None:
        _check_genome(table.segments, genome, faults)
    faults.raise_if_any()


def _check_genome(segments: pd.DataFrame, genome: Reference, faults: FaultList) -> None:
    """Find files of segments on other chromosomes than those of the reference, or beyond their ends.

    A piece of a human genome serves as a reference: its chromosomes are shorter than the segments say.
    """
    lengths = {plain_chrom(name): length for name, length in genome.lengths.items()}
    for file, block in segments.groupby("source", sort=False):
        ends = {str(c): int(end) for c, end in block.groupby("chrom", sort=False)["end"].max().items()}
        if not set(ends) & set(lengths):
            remedy = f"{genome.name} has: {', '.join(list(genome.lengths)[:5])}. Use files of one genome."
            message = f"none of its chromosomes is in {genome.name}"
            faults.add(str(file), message, remedy, value=", ".join(list(ends)[:5]))
        for chrom, end in ends.items():
            if end > lengths.get(chrom, end) and (genome.build is not None or not _likely(ends)):
                remedy = "Use files of one genome build." + _likely(ends)
                message = f"a segment ends beyond chromosome {chrom} of {genome.name} ({lengths[chrom]})"
                faults.add(str(file), message, remedy, value=f"{chrom}:{end}")
                break


def _likely(ends: dict[str, int]) -> str:
    builds = builds_that_hold(ends)
    return f" The segments fit {' or '.join(builds)}." if builds and set(ends) & set(BUILDS[builds[0]]) else ""


def _calls(run: RunFile) -> None:
    if run.setting("counts", "table") is None:
        from .stages import read_calls

        read_calls(run)


def _counts(run: RunFile) -> None:
    table = run.setting("counts", "table")
    if table is None:
        return
    from clonalbayes.data.patient import read

    from .assembly import in_order

    in_order(run, read(table, min_alt=run.setting("fit", "min_alt")), table.name)
