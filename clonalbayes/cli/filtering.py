"""``clonalbayes filter``: every mutation, every filter, and why."""

from __future__ import annotations

import argparse
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from clonalbayes.cli.sites import check_out
from clonalbayes.faults import fail

if TYPE_CHECKING:
    import pandas as pd

    from clonalbayes.data.counts import CountTable
    from clonalbayes.filters import Filtered, FilterInput, Limits

COUNT_COLUMNS = ("alt_count_all", "asmd", "asrd", "clpm", "major_cn", "minor_cn", "normal_cn")
"""Columns of the table of counts that filters read besides the counts."""


def filter_table(options: argparse.Namespace) -> None:
    """Filter, write the table of every mutation, and print what each filter did."""
    inputs = [path for path in (options.input, options.sites) if path is not None]
    for out in (options.out, options.kept):
        if out is not None:
            check_out(out, inputs)
    if options.kept is not None and options.kept.absolute() == options.out.absolute():
        raise fail(str(options.kept), "--kept and --out are the same file", "Give them two names.")
    from clonalbayes.filters import apply_filters

    data, sites = _read(options)
    indels = None if sites is None else (sites.text("chrom"), sites.pos, sites.text("ref"), sites.text("alt"))
    done = apply_filters(data, _limits(options), only=options.only, skip=options.skip or (), indels=indels)
    lines = [_summary(done)]
    if options.fit is not None:
        lines.append(_victims(done, options.fit))
    if options.kept is not None:
        write_kept(options.input, {str(m) for m in done.mutations[done.kept]}, options.kept)
    write_frame(done.frame(), options.out)
    print("\n".join(lines))
    print(
        f"{options.out}: every mutation with its values" + (f"; {options.kept}: the kept ones" if options.kept else "")
    )


def _read(options: argparse.Namespace) -> tuple[FilterInput, CountTable | None]:
    """Read the table of counts and the table of sites."""
    from clonalbayes.data.counts import read_counts, read_site_facts
    from clonalbayes.filters import from_dataset, from_table

    sites = None if options.sites is None else read_site_facts(options.sites)
    if options.input.is_dir() or options.input.suffix == ".ssm":
        from clonalbayes.data.patient import read

        patient = read(options.input)
        return from_dataset(patient.data, sex=options.sex, diploid=options.diploid), sites
    table = read_counts(options.input, extra=COUNT_COLUMNS)
    return from_table(table, sites=sites, sex=options.sex, diploid=options.diploid), sites


def _limits(options: argparse.Namespace) -> Limits:
    """Gather the limits from the options and check what belongs together."""
    from clonalbayes.cli.parser_detection import FILTER_NUMBERS
    from clonalbayes.filters import Limits

    values = {name.replace("-", "_"): getattr(options, name.replace("-", "_")) for name in FILTER_NUMBERS}
    if values["min_depth"] > values["max_depth"]:
        raise fail("--min-depth", "the window of depths is empty", "--min-depth must not be above --max-depth.")
    for name in ("quality_ratio", "germline_q", "rho"):
        if values[name] > 1.0:
            raise fail(
                f"--{name.replace('_', '-')}", "is above 1", "Give a number between 0 and 1.", value=f"{values[name]:g}"
            )
    return Limits(**values)


def _summary(done: Filtered) -> str:
    """What each filter did, as a table for a terminal."""
    rows = [("filter", "tested", "failed", "only this", "rule")]
    for row in done.summary().itertuples():
        rows.append((row.filter, str(row.tested), str(row.failed), str(row.failed_only_this), row.rule))
    width = [max(len(row[i]) for row in rows) for i in range(4)]
    lines = ["  ".join([*(f"{row[i]:<{width[i]}}" for i in range(4)), row[4]]) for row in rows]
    lines.append(f"{int(done.kept.sum())} of {len(done.mutations)} mutations pass every filter")
    return "\n".join([*lines, *(f"note: {note}" for note in done.notes)])


def _victims(done: Filtered, folder: Path) -> str:
    """How many of the victims a fit keeps."""
    from clonalbayes.filters.victims import victims
    from clonalbayes.results import open_result

    found = victims(done, open_result(folder).mutations)
    lines = ["of what fell, the model keeps (in a clone with probability 0.5 or more):"]
    for row in found.by_filter.itertuples():
        lines.append(f"  {row.filter:<14} {row.model_keeps} of {row.in_fit} in the fit ({row.failed} fell)")
    return "\n".join(lines)


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    """Write a table, tab-separated, whole or not at all."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        frame.to_csv(part, sep="\t", index=False, float_format="%.5g")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_kept(source: Path, kept: set[str], path: Path) -> None:
    """Copy the rows of the mutations that pass, as they are in the input."""
    from clonalbayes.data.readers.text import guess_separator, header_line, read_text, split_line

    if source.is_dir():
        raise fail(str(source), "--kept copies rows of one table", "Leave --kept out, or give one table.")
    text = read_text(source)
    number, header = header_line(text)
    separator = guess_separator(header)
    key = _key_columns([h.strip() for h in split_line(header, separator)], source)
    lines = text.data.decode("utf-8").split("\n")
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("w", encoding="utf-8") as out:
            out.writelines(f"{line}\n" for line in lines[:number])
            for line in lines[number:]:
                cells = split_line(line, separator) if line.strip() else []
                if cells and _name_of(cells, key) in kept:
                    out.write(f"{line}\n")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _key_columns(header: list[str], source: Path) -> list[int]:
    """Columns that name the mutation: one, or chromosome, position and alleles."""
    from clonalbayes.data.readers.columns import match

    found = match(header, [])
    if "mutation" in found:
        return [header.index(found["mutation"][0])]
    wanted = [c for c in ("chrom", "pos", "ref", "alt") if c in found]
    if "pos" not in wanted:
        raise fail(str(source), "no column names the mutation", "Name one mutation_id.")
    return [header.index(found[c][0]) for c in wanted]


def _name_of(cells: list[str], key: list[int]) -> str:
    parts = [cells[i].strip() if i < len(cells) else "" for i in key]
    return parts[0] if len(parts) == 1 else ":".join(parts[:2]) + (f":{parts[2]}>{parts[3]}" if len(parts) == 4 else "")
