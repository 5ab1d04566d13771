"""``clonalbayes fit``: options in, result folder out, one line of what was found."""

from __future__ import annotations

import argparse
import sys

from clonalbayes.cli.purity import parse_purity


def fit(options: argparse.Namespace) -> None:
    """Run one fit and print what it found and where it is."""
    from clonalbayes.run import History, run_fit

    fitted = run_fit(
        options.input,
        options.out,
        params=options.params,
        purity=parse_purity(options.purity),
        min_alt=options.min_alt,
        spec=options.model,
        fixed_clusters=options.fixed_clusters,
        given_tree=options.tree,
        history=History(
            options.origin, options.treatments, options.callable, not options.no_dates, options.opportunities
        ),
        chains=options.chains,
        draws=options.draws,
        tune=options.tune,
        rungs=options.rungs,
        seed=options.seed,
        cores=options.cores,
        resume=options.resume,
        force=options.force,
        progress=not options.quiet and sys.stderr.isatty(),
    )
    page = None
    if options.report:
        from clonalbayes.cli.report import write

        page = write(fitted.folder)
    if options.quiet:
        return
    for note in fitted.patient.notes:
        print(f"note: {note}")
    print(fitted)
    if page is not None:
        print(page)
