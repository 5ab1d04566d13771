"""The table `filters` of `run.toml`, and the stage that it sets."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .keys import Key

if TYPE_CHECKING:
    from clonalbayes.data.counts import CountTable
    from clonalbayes.filters import Filtered

    from .runfile import RunFile
    from .stages import Made, Step

READ = ("alt_count_all", "asmd", "asrd", "clpm", "major_cn", "minor_cn", "total_cn", "normal_cn")
EXPLAINED_FILE, SUMMARY_FILE, FILTERED_FILE = "filters.tsv", "summary.tsv", "filtered.tsv"


def filter_keys() -> dict[str, Key]:
    """Return the keys of the table `filters`: which are applied, and their limits."""
    from clonalbayes.filters import FILTERS
    from clonalbayes.filters.filters import LIMIT_NAMES

    apply = Key("filters whose victims are left out (default: none; the model has noise and germline)", "names",
                tuple(FILTERS))  # fmt: skip
    return {"apply": apply, **{name: Key(f"limit of the filters: {name}", "number") for name in LIMIT_NAMES}}


def filter_step(run: RunFile, name: str, after: str) -> Step:
    """Return the stage that tests every mutation, and names those that are to be left out.

    Parameters
    ----------
    run
        The description of the patient.
    name, after
        Its name, and that of the counts.
    """
    from .stages import Step

    settings = {**run.tables.get("filters", {}), "sex": run.sex}
    inputs = [file for sample in run.samples for file in sample.copy_number]
    inputs += run.setting("copy_number", "files", ())
    says = "test every mutation by the hard filters"
    return Step(name, says, partial(_filter, run), settings, tuple(inputs), (after,))


def _filter(run: RunFile, folder: Path, made: Made) -> str:
    """Run the filters; every mutation is explained, those that fall to an applied one are listed."""
    from clonalbayes.data.counts import read_counts
    from clonalbayes.filters import Limits, apply_filters, from_table
    from clonalbayes.results import write_table

    from .stages import counts_path, write_notes

    table = read_counts(counts_path(run, made), extra=READ)
    _add_copy_number(run, table)
    stated = {key: value for key, value in run.tables.get("filters", {}).items() if key != "apply"}
    found = apply_filters(from_table(table, sex=run.sex or None), Limits(**stated))
    write_table(found.frame(), folder / EXPLAINED_FILE)
    write_table(found.summary(), folder / SUMMARY_FILE)
    left = _left_out(found, run.setting("filters", "apply", ()), table, folder)
    fallen = int((~found.kept).sum())
    notes = [f"{fallen} of {len(found.mutations)} mutations fall to a hard filter; {left} are left out "
             f"({EXPLAINED_FILE} of the stage says which and why)"]  # fmt: skip
    write_notes(folder, [*found.notes, *notes])
    counts = ", ".join(f"{o.name} {int(o.failed.sum())}" for o in found.outcomes if o.failed.any())
    return f"{fallen} of {len(found.mutations)} would fall ({counts or 'none'}); {left} left out"


def _add_copy_number(run: RunFile, table: CountTable) -> None:
    """Let the germline test know where a sample is diploid."""
    from clonalbayes.copynumber.join import look_up
    from clonalbayes.copynumber.regions import plain_chroms

    from .assembly import copy_number_of

    segments = copy_number_of(run).segments
    if not len(segments) or "major_cn" in table.numbers:
        return
    calls = look_up(segments, table.samples, plain_chroms(table.text("chrom")), table.pos)
    for name, values in (("major_cn", calls.major), ("minor_cn", calls.minor)):
        table.numbers[name] = np.where(values < 0, np.nan, values)


def _left_out(found: Filtered, apply: tuple[str, ...], table: CountTable, folder: Path) -> int:
    """Write the mutations that fall to an applied filter, with the rule that each one broke."""
    import pandas as pd

    from clonalbayes.results import write_table

    applied = [o for o in found.outcomes if o.name in apply]
    gone = np.flatnonzero(np.any([o.failed for o in applied], axis=0)) if applied else np.zeros(0, int)
    reasons = ["filter " + "; ".join(f"{o.name}: {o.rule}" for o in applied if o.failed[i]) for i in gone]
    rows = table.rows[gone] if len(table.rows) else np.zeros(len(gone), int)
    frame = pd.DataFrame({"mutation": found.mutations[gone], "reason": reasons, "file": table.name, "row": rows})
    write_table(frame, folder / FILTERED_FILE)
    return len(gone)
