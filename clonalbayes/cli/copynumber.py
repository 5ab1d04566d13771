"""``clonalbayes copynumber``: what callers say of copy number and purity, as one table or joined onto counts."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING

from clonalbayes.cli.sites import check_out, named_files
from clonalbayes.faults import fail

if TYPE_CHECKING:
    from clonalbayes.copynumber import CopyNumber


def copynumber(options: argparse.Namespace) -> None:
    """Read every file, write one table and say what was assumed."""
    files, _ = named_files(options.files)
    check_out(options.out, [*files, *([options.counts] if options.counts else [])])
    table = read_all(options.files)
    told = _segments(table, options) if options.counts is None else _join(table, options)
    if not options.quiet:
        for line in told:
            print(line)


def read_all(arguments: Iterable[str]) -> CopyNumber:
    """Read ``FILE`` or ``SAMPLE=FILE`` arguments, every fault of every file at once."""
    from clonalbayes.copynumber import segments

    given = [named_files([argument]) for argument in arguments]
    return segments.read_all((file, names.get(str(file))) for (file,), names in given)


def _segments(table: CopyNumber, options: argparse.Namespace) -> list[str]:
    """Write the table of segments."""
    if not len(table.segments):
        raise fail(options.files[0], "holds a purity and no segments", "Give a file of segments, or --counts INPUT.")
    table.write(options.out)
    found = [f"{options.out}: {len(table.segments)} segments of {', '.join(table.samples)}"]
    found += [f"{row.sample}: purity {row.purity:g} ({row.source})" for row in table.purity.itertuples()]
    return [*found, *(f"note: {note}" for note in table.notes)]


def _join(table: CopyNumber, options: argparse.Namespace) -> list[str]:
    """Write an input of `fit` with copy number and purity."""
    from clonalbayes.copynumber import add_copy_number
    from clonalbayes.data.export import export
    from clonalbayes.data.patient import read

    patient = add_copy_number(
        read(options.counts), table, sex=options.sex, build=options.genome, no_call=options.no_call
    )
    export(patient, "pyclone-vi", options.out)
    sizes = patient.data.sizes
    found = [f"{options.out}: {sizes['mutation']} mutations x {sizes['specimen']} samples"]
    found += [f"left out: {row.mutation}, {row.reason}" for row in patient.excluded.itertuples()]
    return [*found, *(f"note: {note}" for note in patient.notes)]
