"""``clonalbayes timing``: dates for the nodes of a tree, of a fit or of counts by branch."""

from __future__ import annotations

import argparse
from typing import Any

from clonalbayes import __version__
from clonalbayes.faults import fail


def timing(options: argparse.Namespace) -> None:
    """Read a tree with its mutations, run the chains, write dates, branches, gates, clock and sentences."""
    from clonalbayes.cli.signatures import choose
    from clonalbayes.signatures import output, settings, tables
    from clonalbayes.summaries.dating import candidates, date_draws, dated_part
    from clonalbayes.timing import tables as files

    output.check_folder(options.out, force=options.force)
    files.check_share(options.callable)
    model = settings.load(options.model or "timing", "timing")
    given = None if options.treatments is None else files.read_treatments(options.treatments)
    source = _from_fit(options) if options.source.is_dir() else _from_counts(options)
    reference = tables.read_reference(options.reference)
    reference = reference if source.data is None else tables.as_seen(reference, source.data)
    treatments = list(source.draws.treatments) if given is None else given
    asked = None if options.signatures is None else options.signatures.split(",")
    names = choose(reference, asked, model)
    names = candidates(names, model, treatments) if asked is None else names
    plan = {name: value for name in ("chains", "tune", "draws") if (value := getattr(options, name)) is not None}
    dated, trees = date_draws(
        source.draws, source.clones, source.origin, treatments, names, reference, model, schedule=plan,
        seed=options.seed,
    )  # fmt: skip
    part = dated_part(dated, trees, source.branches, model, options.seed)
    diagnostics, entry = part.entry["diagnostics"], {k: v for k, v in part.entry.items() if k != "diagnostics"}
    run_info = entry | {
        "clonalbayes": __version__, "command": "timing", "seed": options.seed, "model": model.to_dict(),
        "schedule": dict(model.schedule) | plan, "treatments": [list(t) for t in treatments],
    }  # fmt: skip
    output.write_folder(options.out, {**part.tables, "diagnostics": diagnostics}, run_info, part.arrays)
    if not options.quiet:
        print("\n".join(entry["findings"]))
        print(f"{options.out}: {', '.join(sorted(path.name for path in options.out.iterdir()))}")


class _Source:
    """What is to be dated: draws of trees, the mutations of their branches, names of clones, the origin, the data."""

    def __init__(self, draws: Any, branches: Any, clones: tuple[str, ...], origin: str, data: Any = None) -> None:
        self.draws, self.branches, self.clones, self.origin, self.data = draws, branches, clones, origin, data


def _from_fit(options: argparse.Namespace) -> _Source:
    from clonalbayes.results import open_result
    from clonalbayes.timing.posterior import branch_draws, tree_draws
    from clonalbayes.timing.tables import check_origin

    if options.tree is not None:
        raise fail("--tree", "goes with a table of counts", "Leave it out: the result has its own trees.")
    tree = open_result(options.source).tree
    origin = check_origin(options.origin or str(tree["constant_data"].to_dataset().attrs.get("origin_date", "")))
    draws = tree_draws(tree, origin, trees=options.trees, callable_share=options.callable)
    branches = branch_draws(tree, callable_share=options.callable)
    clones = tuple(str(k + 1) for k in range(draws.parent.shape[1]))
    return _Source(draws, branches, clones, origin, tree["constant_data"].to_dataset())


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
    draws = TreeDraws(
        parent[None], kinds, np.full((1, len(parent)), options.callable), parent, counts=table[None], bound=bound[None]
    )
    return _Source(draws, draws, counts.names, origin)
