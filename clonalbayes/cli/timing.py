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
    from clonalbayes.summaries.dating import candidates, date_draws
    from clonalbayes.timing import posterior
    from clonalbayes.timing import tables as files

    output.check_folder(options.out, force=options.force)
    if not 0.0 < options.callable <= 1.0:
        raise fail("--callable", "is no share", "Give a number above 0, at most 1.", value=str(options.callable))
    model = settings.load(options.model or "timing", "timing")
    reference = tables.read_reference(options.reference)
    given = None if options.treatments is None else files.read_treatments(options.treatments)
    source = _from_fit(options) if options.source.is_dir() else _from_counts(options)
    treatments = list(source.draws.treatments) if given is None else given
    asked = None if options.signatures is None else options.signatures.split(",")
    names = choose(reference, asked, model)
    names = candidates(names, model, treatments) if asked is None else names
    plan = {name: value for name in ("chains", "tune", "draws") if (value := getattr(options, name)) is not None}
    dated, trees = date_draws(
        source.draws,
        source.clones,
        source.origin,
        treatments,
        names,
        reference,
        model,
        schedule=plan,
        seed=options.seed,
    )
    spans = np.array([(course.start, course.end) for course in dated.courses]).reshape(-1, 2)
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
        "digest": model.digest, "origin": source.origin, "signatures": list(names),
        "schedule": dict(model.schedule) | plan, "treatments": [list(t) for t in treatments], "findings": found,
    }  # fmt: skip
    output.write_folder(options.out, written, run_info)
    words.to_dataset(dated).to_netcdf(options.out / "timing.nc", engine="netcdf4")
    if not options.quiet:
        print("\n".join(found) or "The tree has no split.")
        print(f"{options.out}: timing.tsv, branches.tsv, gates.tsv, clock.tsv, diagnostics.tsv, timing.nc, run.json")


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
