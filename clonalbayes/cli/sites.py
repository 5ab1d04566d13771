"""``clonalbayes sites``: the calls of all samples and callers as one table of sites."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

from clonalbayes.faults import fail


def named_files(texts: Iterable[str]) -> tuple[list[Path], dict[str, str]]:
    """Tell files from ``NAME=FILE``.

    Returns
    -------
    tuple
        The files, and the names by path. A file whose own name has an equals sign is taken as a file.
    """
    files, names = [], {}
    for text in texts:
        name, sign, file = text.partition("=")
        if sign and name and file and not Path(text).exists():
            files.append(Path(file))
            names[str(Path(file))] = name
        else:
            files.append(Path(text))
    return files, names


def check_out(out: Path, files: Iterable[Path]) -> None:
    """Raise if an output would replace an input, or cannot be written."""
    if out.exists() and any(f.exists() and out.samefile(f) for f in files):
        raise fail(out.name, "the output is one of the inputs", "Give --out another name.")
    if out.is_dir():
        raise fail(out.name, "the output is a folder", "Give --out the name of a file.")
    if not out.absolute().parent.is_dir():
        raise fail(out.name, "the folder of the output does not exist", "Make the folder first.")


def sites(options: argparse.Namespace) -> None:
    """Write the table of sites and print what was assumed."""
    files, names = named_files(options.files)
    inputs = [*files, *([options.reference] if options.reference else [])]
    for out in (options.out, options.calls):
        if out is not None:
            check_out(out, inputs)
    from clonalbayes.variants import read_variants, write_calls, write_sites

    found = read_variants(
        files, reference=options.reference, split_mnv=options.split_mnv, pass_only=options.pass_only, names=names
    )
    if not len(found):
        why = "; ".join(found.notes) or "the files hold no record"
        raise fail(files[0].name, "no site is left", f"See what was left out: {why}.")
    write_sites(found, options.out)
    if options.calls is not None:
        write_calls(found, options.calls)
    kinds = ", ".join(f"{n} {kind}" for kind, n in found.table["kind"].value_counts().items())
    print(f"{options.out}: {len(found)} sites ({kinds}), {found.build or 'build unknown'}")
    print(f"samples: {', '.join(found.samples) or 'none named'}")
    for note in found.notes:
        print(note)
