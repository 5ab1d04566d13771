"""``clonalbayes detect``: small clones from all their sites, and what a planned assay would find."""

from __future__ import annotations

import argparse
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clonalbayes.cli.sites import check_out
from clonalbayes.faults import FaultList, fail

if TYPE_CHECKING:
    from clonalbayes.data.counts import CountTable
    from clonalbayes.detection import Detection
    from clonalbayes.errors.model import ErrorModel

REST = "rest"
"""Value of ``--controls``: every counted site that defines no clade."""

SURELY, NO_CLONES = 0.95, ("noise", "germline")
"""Probability from which a mutation of a fit stands for its clone; places of mutations that are no clones."""

DEEPEST, MOST_SITES = 1_000_000, 100_000
"""Largest depth and number of sites of a plan."""


def detect(options: argparse.Namespace) -> None:
    """Detect clades, or plan an assay; print, and write the table if asked to."""
    if options.plan is not None:
        _plan(options)
        return
    faults = FaultList()
    if options.sites is None:
        faults.add("SITES", "the list of sites is missing", "Give the sites that define the lineage, or --plan.")
    if not options.counts:
        faults.add("--counts", "there are no counts", "Give the table that `clonalbayes count` wrote.")
    faults.raise_if_any()
    if options.out is not None:
        check_out(options.out, [options.sites, *options.counts])
    from clonalbayes import specs
    from clonalbayes.cli.purity import parse_purity
    from clonalbayes.data.counts import read_counts, read_sites
    from clonalbayes.detection import detect as run
    from clonalbayes.detection.inputs import CN_COLUMNS

    spec = specs.load(options.model, "detection")
    purity = _plain_purity(parse_purity(options.purity))
    sites = _chosen(sites_of_result(options.sites) if options.sites.is_dir() else read_sites(options.sites), options)
    counts = [read_counts(path, extra=(*CN_COLUMNS, "other_count")) for path in options.counts]
    _complete(sites, counts)
    model = _model(options)
    controls = _controls(options.controls, sites, counts, options.sites)
    found = run(sites, counts, model, controls=controls, purity=purity, lost=options.lost, spec=spec)
    if options.out is not None:
        write_table(found.rows, options.out)
    print(report(found))


def _model(options: argparse.Namespace) -> ErrorModel | None:
    """Load the error model, or learn it from the panel."""
    if options.errors is not None:
        from clonalbayes.errors.model import ErrorModel

        return ErrorModel.load(options.errors)
    if options.panel is not None:
        from clonalbayes import specs
        from clonalbayes.cli.errors import learn

        return learn(options.panel, specs.load("errors", "errors"))
    return None


def sites_of_result(folder: Path) -> CountTable:
    """Mutations of a fit as sites of its clones: those that are surely in a clone.

    Parameters
    ----------
    folder : Path
        Result folder of `fit` or `run`.

    Returns
    -------
    CountTable
        Without counts; the clade of each site is the number of its clone.

    Raises
    ------
    InputError
        If the folder is no result, or no mutation is surely in a clone.
    """
    import numpy as np

    from clonalbayes.data.counts import named_sites
    from clonalbayes.results import open_result

    table = open_result(folder).mutations
    sure = ~table["clone"].isin(NO_CLONES) & (table["probability"] >= SURELY)
    if not sure.any():
        raise fail(str(folder), "no mutation is surely in a clone", "Give a list of sites.")
    found = named_sites(folder.name, table.loc[sure, "mutation"].to_numpy(object))
    found.texts["clade"] = table.loc[sure, "clone"].astype(str).to_numpy(object)
    order = np.argsort([int(name) for name in found.texts["clade"]], kind="stable")
    return take_sites(found, order)


def take_sites(sites: CountTable, rows: Any) -> CountTable:
    """Return some sites of a list without counts."""
    from dataclasses import replace

    texts = {name: column[rows] for name, column in sites.texts.items()}
    kept = {name: getattr(sites, name)[rows] for name in ("mutations", "alt", "depth", "pos", "rows")}
    return replace(sites, texts=texts, **kept)


def _chosen(sites: CountTable, options: argparse.Namespace) -> CountTable:
    """Keep the clades that are asked for."""
    import numpy as np

    if options.clades is None:
        return sites
    clades = sites.text("clade").astype(str)
    faults = FaultList()
    for name in options.clades:
        if name not in clades:
            faults.add("--clades", "there is no such clade", f"Clades: {', '.join(dict.fromkeys(clades))}.", value=name)
    faults.raise_if_any()
    return take_sites(sites, np.flatnonzero(np.isin(clades, options.clades)))


def _controls(
    text: str | None, sites: CountTable, counts: Sequence[CountTable], source: Path
) -> list[str] | None:
    """Read the list of control sites. Mutations of a result may be in its samples, and are none."""
    if text is None:
        return None
    if text == REST:
        own = {str(name) for name in sites.mutations}
        if source.is_dir():
            from clonalbayes.results import open_result

            own |= set(open_result(source).mutations["mutation"])
        rest = dict.fromkeys(str(name) for table in counts for name in table.mutations)
        return [name for name in rest if name not in own]
    from clonalbayes.data.counts import read_sites

    return [str(name) for name in read_sites(Path(text)).mutations]


def _complete(sites: CountTable, counts: Sequence[CountTable]) -> None:
    """Take alleles and contexts of the sites from the counts where the list of sites lacks them."""
    import numpy as np

    for column in ("ref", "alt", "context"):
        if column in sites.texts:
            continue
        for table in counts:
            if column in table.texts:
                known = dict(zip((str(m) for m in table.mutations), table.text(column).tolist(), strict=True))
                sites.texts[column] = np.array([known.get(str(m), "") for m in sites.mutations], object)
                break


def _plain_purity(given: Any) -> Any:
    """Drop the standard errors of purities: a small clone's own uncertainty is far larger."""
    values = given.values() if isinstance(given, dict) else [] if given is None else [given]
    numbers = [v[0] if isinstance(v, tuple) else v for v in values]
    for value in numbers:
        if not 0.0 < value <= 1.0:
            raise fail("--purity", "a purity is not above 0 and at most 1", "Give 0.8, not 80.", value=f"{value:g}")
    return dict(zip(given, numbers, strict=True)) if isinstance(given, dict) else given


def write_table(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Write rows as a tab-separated table, whole or not at all; NaN is empty."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("w", encoding="utf-8") as out:
            out.write("\t".join(rows[0]) + "\n")
            out.writelines("\t".join(map(_cell, row.values())) + "\n" for row in rows)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "" if value != value else f"{value:.6g}"
    return str(value).replace("\t", " ").replace("\n", " ")


def report(found: Detection) -> str:
    """Write the answer for a terminal, the test with a single rate beside it."""
    header = (
        "clade",
        "sample",
        "sites",
        "alt/depth",
        "VAF",
        "95 % interval",
        "p present",
        "p value",
        "limit",
        "single rate",
    )
    lines = [header]
    for row in found.rows:
        lines.append(
            (
                row["clade"],
                row["sample"],
                str(row["n_sites"]),
                f"{row['alt_count']}/{row['depth']}",
                f"{row['vaf_mean']:.2e}",
                f"{row['vaf_lo']:.2e} .. {row['vaf_hi']:.2e}",
                _probability(row["p_present"]),
                f"{row['p_value']:.1e}",
                f"{row['lod_vaf']:.1e}",
                f"{row['single_rate_p']:.1e}",
            )
        )
    width = [max(len(line[i]) for line in lines) for i in range(len(header))]
    text = ["  ".join(f"{cell:<{w}}" for cell, w in zip(line, width, strict=True)).rstrip() for line in lines]
    for row in found.rows:
        if row["p_contaminated"] > 0.05:
            text.append(
                f"{row['sample']}: {row['p_contaminated']:.2f} that {row['clade']} came from {row['contaminated_by']} "
                f"({row['contaminating_share']:.1e} of its reads)"
            )
        if row["n_left_out"]:
            text.append(
                f"{row['clade']} in {row['sample']}: {row['n_left_out']} sites left out, lost or at risk by copy number"
            )
    text += [f"note: {note}" for note in dict.fromkeys(found.notes)]
    text.append("limit: smallest VAF found with 95 % probability at 1 % false positives. single rate: one-sided")
    text.append("binomial test with the panel's mean rate, for comparison: it assumes that every sample errs alike.")
    return "\n".join(text)


def _probability(p: float) -> str:
    """Write a probability such that 1 is not claimed."""
    return "> 0.999" if p > 0.999 else f"{p:.3f}" if p > 0.001 else "< 0.001"


def _plan(options: argparse.Namespace) -> None:
    """Print the limit of detection of a planned assay."""
    depth, number = options.plan
    faults = FaultList()
    if not 1.0 <= depth <= DEEPEST:
        faults.add("--plan", f"the depth is not between 1 and {DEEPEST}", "Give DEPTH SITES.", value=f"{depth:g}")
    if number != int(number) or not 1 <= number <= MOST_SITES:
        remedy = f"Give DEPTH SITES, at most {MOST_SITES} sites."
        faults.add("--plan", "the number of sites is not a whole number above 0", remedy, value=f"{number:g}")
    if options.errors is None and options.panel is None:
        faults.add("--errors", "a plan needs an error model", "Give --errors F.json or --panel COUNTS.")
    faults.raise_if_any()
    from clonalbayes.detection import plan

    model = _model(options)
    if model is None:
        raise fail("--errors", "a plan needs an error model", "Give --errors F.json or --panel COUNTS.")
    found = plan(depth, int(number), model, control_sites=options.control_sites, spec=options.model)
    print(f"{found.n_sites} sites at {found.depth:g}x: {found.noise:.1f} reads of errors expected,")
    print(f"the sample's error factor known to {found.factor_sd:.0%}.")
    print(f"Found with 95 % probability at 1 % false positives: VAF {found.lod_vaf:.2e}, ", end="")
    print(f"{found.lod_prevalence:.2e} of the cells (heterozygous, two copies).")
