"""``clonalbayes events``: rearrangements, clonotypes and drivers of all samples as one table."""

from __future__ import annotations

import argparse

from clonalbayes.cli.sites import check_out, named_files


def events(options: argparse.Namespace) -> None:
    """Write the table of events and print what was assumed."""
    files, names = named_files(options.files)
    check_out(options.out, files)
    from clonalbayes.variants.events import read_events, write_events

    found = read_events(files, names=names, slop=options.slop)
    write_events(found, options.out)
    one = found.table.drop_duplicates("event")
    kinds = ", ".join(f"{n} {kind}" for kind, n in one["kind"].value_counts().items())
    samples = dict.fromkeys(s for s in found.table["sample"] if s)
    print(f"{options.out}: {len(one)} events ({kinds})")
    print(f"samples: {', '.join(samples) or 'none named'}")
    for note in found.notes:
        print(note)
