"""``clonalbayes contexts``: the trinucleotide context of every substitution."""

from __future__ import annotations

import argparse

from clonalbayes.cli.sites import check_out


def contexts(options: argparse.Namespace) -> None:
    """Write the table of contexts and print how many there are."""
    check_out(options.out, [options.sites, options.reference])
    from clonalbayes.variants import find_contexts, read_sites
    from clonalbayes.variants.contexts import write_contexts

    sites = read_sites(options.sites)
    found = find_contexts(sites, options.reference, options.sites.name)
    write_contexts(sites, found, options.out)
    print(f"{options.out}: {(found.labels != '').sum()} of {len(sites)} mutations have a context")
    for note in found.notes:
        print(note)
