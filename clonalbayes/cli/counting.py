"""``clonalbayes count``: the reads of every sample at given sites, as one long table."""

from __future__ import annotations

import argparse
import sys

from clonalbayes.cli.sites import check_out, named_files


def count(options: argparse.Namespace) -> None:
    """Count, write the table, and say what a reader of it should know."""
    files, _ = named_files(options.files)
    check_out(options.out, [*files, options.sites, options.reference])
    from clonalbayes.counting import count as count_reads

    counts = count_reads(
        options.sites,
        options.files,
        reference=options.reference,
        out=options.out,
        min_base_quality=options.min_base_quality,
        min_mapping_quality=options.min_mapping_quality,
        orphans=options.orphans == "keep",
        mates=options.mates,
        max_depth=options.max_depth,
        cores=options.cores,
        progress=not options.quiet and sys.stderr.isatty(),
    )
    if options.quiet:
        return
    print(f"{options.out}: {len(counts.sites)} sites in {len(counts.samples)} samples")
    for note in counts.notes:
        print(f"note: {note}")
