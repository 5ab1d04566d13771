"""``clonalbayes timing``: dates for the nodes of a tree, of a fit or of counts by branch."""

from __future__ import annotations

import argparse
from typing import Any

from clonalbayes import __version__
from clonalbayes.faults import fail


def timing(options: argparse.Namespace) -> None:
    """Read a tree with its mutations, run the chains, write dates, branches, gates, clock and sentences."""
    import numpy as np

    from clonalbayes.cli.signatures import choose
    from clonalbayes.signatures import output, settings, tables
    from clonalbayes.summaries import timing as words
    from clonalbayes.timing import posterior
    from clonalbayes.timing import tables as files
    from clonalbayes.timing.calendar import courses_of
    from clonalbayes.timing.sampler import make_trees, sample

    output.check_folder(options.out, force=options.force)
    if not 0.0 < options.callable <= 1.0:
        raise fail("--callable", "is no share", "Give a number above 0, at most 1.", value=str(options.callable))
    model = settings.load(options.model or "timing", "timing")
    reference = tables.read_reference(options.reference)
    given = None if options.treatments is None else files.read_treatments(options.treatments)
    source = _from_fit(options) if options.source.is_dir() else _from_counts(options)
    treatments = list(source.draws.treatments) if given is None else given
    courses = courses_of(treatments, source.origin)
    asked = None if options.signatures is None else options.signatures.split(",")
    names = (
        candidates(choose(reference, asked, model), model, treatments)
        if asked is None
        else choose(reference, asked, model)
    )
    profiles = reference.values[[reference.names.index(name) for name in names]]
    plan = dict(model.schedule) | {
        name: value for name in ("chains", "tune", "draws") if (value := getattr(options, name)) is not None
    }
    drawn = source.draws
    copies = -(-plan["chains"] // len(drawn.parent))
    repeat = {n: np.repeat(getattr(drawn, n), copies, 0) for n in ("parent", "counts", "bound", "detected")}
    trees = make_trees(repeat["parent"], repeat["bound"], repeat["detected"], names, model, courses)
    kept = max(plan["draws"] * plan["chains"] // len(repeat["parent"]), 4)
    thin = max(plan["draws"] // kept, 1)
    draws = sample(
        repeat["counts"], trees, profiles, np.ones(len(names), bool), model,
        tune=plan["tune"], draws=kept, thin=thin, seed=options.seed,
    )  # fmt: skip
    dated = words.Dated(
        source.clones, drawn.consensus, repeat["parent"], draws, names, tuple(model.role(n) for n in names),
        tuple(courses), source.origin, drawn.bound.max(0),
    )  # fmt: skip
    spans = np.array([(c.start, c.end) for c in courses]).reshape(-1, 2)
    checked = words.diagnostic_rows(dated)
    found = words.sentences(dated) + words.verdict(checked)
    written = {
        "timing": words.timing_rows(dated),
        "branches": _with_kinds(words.branch_rows(dated), source),
        "gates": words.gate_rows(dated, posterior.prior_overlap(trees, spans)),
        "diagnostics": checked,
        "clock": words.clock_rows(dated, model.constant("p_strict"), model.constant("p_acceleration")),
    }
    run_info = {
        "clonalbayes": __version__, "command": "timing", "seed": options.seed, "model": model.to_dict(),
        "digest": model.digest, "origin": source.origin, "signatures": list(names), "schedule": plan,
        "treatments": [list(t) for t in treatments], "findings": found,
    }  # fmt: skip
    output.write_folder(options.out, written, run_info)
    words.to_dataset(dated).to_netcdf(options.out / "timing.nc", engine="netcdf4")
    if not options.quiet:
        print("\n".join(found) or "The tree has no split.")
        print(f"{options.out}: timing.tsv, branches.tsv, gates.tsv, clock.tsv, diagnostics.tsv, timing.nc, run.json")


def candidates(names: tuple[str, ...], model: Any, treatments: list[Any]) -> tuple[str, ...]:
    """Leave out signatures of treatments that were not given, and other candidates that carry no time."""
    given = {course.name.lower() for course in treatments}
    return tuple(
        name
        for name in names
        if model.role(name) == "clock" or (model.role(name) == "treatment" and given & set(model.treatments[name]))
    )


class _Source:
    """What is to be dated: draws of trees, names of clones, the origin."""

    def __init__(self, draws: Any, clones: tuple[str, ...], origin: str) -> None:
        self.draws, self.clones, self.origin = draws, clones, origin


def _from_fit(options: argparse.Namespace) -> _Source:
    from clonalbayes.results import open_result
    from clonalbayes.timing.posterior import tree_draws
    from clonalbayes.timing.tables import check_origin

    if options.tree is not None:
        raise fail("--tree", "goes with a table of counts", "Leave it out: the result has its own trees.")
    tree = open_result(options.source).tree
    origin = check_origin(options.origin or str(tree["constant_data"].to_dataset().attrs.get("origin_date", "")))
    draws = tree_draws(tree, origin, trees=options.trees, callable_share=options.callable)
    return _Source(draws, tuple(str(k + 1) for k in range(draws.parent.shape[1])), origin)


def _from_counts(options: argparse.Namespace) -> _Source:
    import numpy as np

    from clonalbayes.signatures.tables import read_counts
    from clonalbayes.timing.posterior import TreeDraws
    from clonalbayes.timing.tables import check_origin, read_tree

    origin = check_origin(options.origin)
    if options.tree is None:
        raise fail("--tree", "the counts have no tree", "Give one: columns branch, parent, sampled.")
    counts = read_counts(options.source)
    parent, bound = read_tree(options.tree, counts.names, origin)
    table = counts.values.astype(np.int64)
    kinds = np.zeros((1, len(parent), 4), np.int64)
    kinds[0, :, 0] = table.sum(1)
    detected = np.full((1, len(parent)), options.callable)
    return _Source(TreeDraws(parent[None], table[None], kinds, bound[None], detected, parent, ()), counts.names, origin)


def _with_kinds(rows: list[dict[str, Any]], source: _Source) -> list[dict[str, Any]]:
    """Add the mutations of each branch that have no signature: indels and doublets."""
    from clonalbayes.intervals import hdi

    kinds = source.draws.kinds.astype(float)
    low, high = hdi(kinds)
    for k, name in enumerate(source.clones):
        for j, kind in ((1, "indels"), (2, "doublets and longer")):
            centre = float(kinds[:, k, j].mean())
            rows.append({
                "branch": name, "signature": kind, "made_mean": centre, "made_lo": float(low[k, j]),
                "made_hi": float(high[k, j]), "corrected_mean": float("nan"), "corrected_lo": float("nan"),
                "corrected_hi": float("nan"),
            })  # fmt: skip
    return rows
