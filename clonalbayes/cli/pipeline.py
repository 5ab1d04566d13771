"""``clonalbayes run`` and ``example``: a patient's files to its result, and files to try it on."""

from __future__ import annotations

import argparse
import sys
import textwrap
from pathlib import Path

from clonalbayes.faults import fail

WIDTH = 100
"""Columns of what is printed."""

MARKS = ("run.toml", "truth.json")
"""What a folder of an example holds, and is known by."""


def run(options: argparse.Namespace) -> None:
    """Make what has changed and print what was found."""
    import matplotlib as mpl

    from clonalbayes.pipeline.run import run as run_file

    mpl.use("Agg")  # the page is a file: no screen is needed
    outcome = run_file(
        options.file,
        force=options.force,
        until=options.until,
        progress=not options.quiet and sys.stderr.isatty(),
        say=(lambda line: None) if options.quiet else print,
    )
    if not options.quiet and outcome.says:
        print_findings(outcome.folder)
        print(outcome)
        print(outcome.page)


def print_findings(folder: Path) -> None:
    """Print what a result says in sentences, those of the head of its page."""
    from clonalbayes.report.content import Content
    from clonalbayes.report.words import NARROW, summary

    print()
    for sentence in summary(Content.of(folder)):
        print(textwrap.fill(sentence.replace(NARROW, " "), WIDTH, initial_indent="- ", subsequent_indent="  "))
    print()


def example(options: argparse.Namespace) -> None:
    """Write the files of the example patient."""
    folder: Path = options.folder
    if folder.exists() and not folder.is_dir():
        raise fail(str(folder), "is a file", "Choose another name for the folder.")
    if folder.is_dir() and any(folder.iterdir()):
        if not all((folder / name).is_file() for name in MARKS):
            raise fail(str(folder), "is not empty and holds no example", "Choose another name.")
        if not options.force:
            raise fail(str(folder), "holds an example already", "Choose another name, or give --force.")
    from clonalbayes.simulate.files import write_example

    path = write_example(
        folder,
        options.mutations,
        depth=options.depth,
        panel=options.panel,
        seed=options.seed,
        say=(lambda line: None) if options.quiet else print,
    )
    if not options.quiet:
        print(f"{path}: check it with `clonalbayes check {path}`, run it with `clonalbayes run {path}`")
