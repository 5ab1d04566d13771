"""``clonalbayes signatures``: the mutations of branches divided among signatures, written as tables."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clonalbayes import __version__
from clonalbayes.faults import FaultList, fail

if TYPE_CHECKING:
    import numpy as np

    from clonalbayes.signatures.settings import Settings
    from clonalbayes.signatures.tables import Table

MANY = 20
"""Profiles of a reference from which those that the model names are the candidates, if none are asked for."""


def signatures(options: argparse.Namespace) -> None:
    """Read counts and references, run the chains, write exposures, profiles, matches and findings."""
    from clonalbayes.signatures import output, settings, tables
    from clonalbayes.signatures.contexts import adjust
    from clonalbayes.signatures.report import report, with_genome_shares
    from clonalbayes.signatures.sampler import sample

    output.check_folder(options.out, force=options.force)
    model = settings.load(options.model or "signatures")
    counts = tables.read_counts(options.counts)
    reference = tables.read_reference(options.reference)
    asked = None if options.signatures is None else options.signatures.split(",")
    chosen = choose(reference, asked, model)
    sites = tables.read_opportunities(options.opportunities) if options.opportunities else None
    dictionary = reference
    if sites is not None:
        dictionary = tables.Table(reference.names, adjust(reference.values, *sites))
    used = () if options.no_prior else chosen
    profiles = dictionary.values[[dictionary.names.index(name) for name in used]]
    closed = read_gates(options.gates, counts.names, used) if options.gates else None
    plan = {name: value for name in ("chains", "tune", "draws") if (value := getattr(options, name)) is not None}
    draws = sample(
        counts.values.astype("int64"), counts.names, profiles, used, model,
        denovo=options.denovo, closed=closed, seed=options.seed, schedule=plan,
    )  # fmt: skip
    found = report(draws, dictionary, intended=not options.no_prior)
    rows = with_genome_shares(found.exposures, draws, sites)
    run_info = {
        "clonalbayes": __version__, "command": "signatures", "seed": options.seed, "model": model.to_dict(),
        "digest": model.digest, "candidates": list(used), "schedule": dict(model.schedule) | plan,
        "inputs": {p.name: output.digest_of(p) for p in (options.counts, options.reference) if p},
        "findings": found.findings, "citation": "COSMIC v3.4; Alexandrov et al. 2020, Nature 578:94",
    }  # fmt: skip
    written = {
        "exposures": rows, "signatures": found.profiles, "matches": found.matches, "diagnostics": found.diagnostics,
    }  # fmt: skip
    output.write_folder(options.out, written, run_info)
    if not options.quiet:
        print(summary(found.exposures, counts.names, draws.signatures))
        print("\n".join(found.findings))
        print(f"{options.out}: exposures.tsv, signatures.tsv, matches.tsv, diagnostics.tsv, run.json")


def choose(reference: Table, asked: list[str] | None, model: Settings) -> tuple[str, ...]:
    """Choose the candidates: those asked for, else all of a short table, else those that the model names.

    Raises
    ------
    InputError
        If one is asked for that the table does not have, or twice.
    """
    if asked is None:
        named = tuple(name for name in reference.names if name in model.roles)
        own = any(name in model.roles for name in reference.names)
        long_or_own = len(reference.names) > MANY or _is_own(reference)
        return named if own and long_or_own else reference.names
    faults = FaultList()
    for name in asked:
        if name not in reference.names:
            some = ", ".join(reference.names[:MANY])
            faults.add("--signatures", "there is no such reference profile", f"There are {some}.", value=name)
        elif asked.count(name) > 1:
            faults.add("--signatures", "is asked for twice", "Name it once.", value=name)
    faults.raise_if_any()
    return tuple(asked)


def _is_own(reference: Table) -> bool:
    from clonalbayes.signatures.tables import read_reference

    return reference.names == read_reference().names


def read_gates(path: Path, branches: tuple[str, ...], used: tuple[str, ...]) -> np.ndarray:
    """Read the branches in which a signature cannot be, as an array [K, R] of closed gates.

    Raises
    ------
    InputError
        With every fault: other columns, names that are not there.
    """
    import numpy as np

    from clonalbayes.signatures.output import read_rows

    if not path.is_file():
        raise fail(str(path), "there is no such file", "Check the name.")
    rows, faults = read_rows(path), FaultList()
    closed = np.zeros((len(branches), len(used)), bool)
    for number, row in enumerate(rows, 2):
        names = (row.get("branch") or "", row.get("signature") or "")
        for name, valid, column in zip(names, (branches, used), ("branch", "signature"), strict=True):
            if name not in valid:
                some = ", ".join(valid[:MANY])
                faults.add(str(path), f"there is no such {column}", f"There are {some}.", row=number, value=name)
        if names[0] in branches and names[1] in used:
            closed[branches.index(names[0]), used.index(names[1])] = True
    faults.raise_if_any()
    return closed


def summary(rows: list[dict[str, Any]], branches: tuple[str, ...], names: tuple[str, ...]) -> str:
    """Write the exposures as text: a line a branch, signatures that are anywhere above a hundredth."""
    table = {(row["branch"], row["signature"]): row for row in rows}
    shown = [name for name in names if any(table[b, name]["mean"] >= 0.01 for b in branches)]
    width = max(map(len, branches))
    lines = [f"{'':<{width}}  " + "".join(f"{name:<20}" for name in shown)]
    for branch in branches:
        cells = [table[branch, name] for name in shown]
        lines.append(
            f"{branch:<{width}}  " + "".join(f"{c['mean']:.2f} [{c['lo']:.2f}, {c['hi']:.2f}]".ljust(20) for c in cells)
        )
    return "\n".join(line.rstrip() for line in lines)
