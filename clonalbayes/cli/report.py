"""``clonalbayes report``: the page of a result folder."""

from __future__ import annotations

import argparse
from pathlib import Path


def report(options: argparse.Namespace) -> None:
    """Write the page and print where it is."""
    from clonalbayes.results import open_result

    open_result(options.result)  # a fault of the folder is told before matplotlib is loaded
    print(write(options.result, options.out, options.events))


def write(folder: Path, out: Path | None = None, events: Path | None = None) -> Path:
    """Write the page of a folder; no screen is needed."""
    import matplotlib as mpl

    mpl.use("Agg")
    from clonalbayes.report import write_report

    return write_report(folder, out, events=events)
