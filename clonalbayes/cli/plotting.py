"""``clonalbayes plot``: a figure of a result folder, or all of them."""

from __future__ import annotations

import argparse
from pathlib import Path

from clonalbayes.cli.parser import PLOTS
from clonalbayes.faults import fail

SUFFIXES = (".png", ".svg", ".pdf")
RESOLUTION = 150
"""Dots per inch of a PNG."""


def plot(options: argparse.Namespace) -> None:
    """Draw one figure into a file, or every figure into a folder; print what was written."""
    if not (options.result / "posterior.nc").is_file():
        raise fail(
            str(options.result), "is not a result folder", "Name a folder that `clonalbayes fit` has written."
        )
    if options.name != "all" and options.out.suffix.lower() not in SUFFIXES:
        raise fail(
            str(options.out), "is not a kind of picture known here", f"End it in {', '.join(SUFFIXES)}."
        )
    import matplotlib as mpl

    mpl.use("Agg")  # a file is drawn: no screen is needed
    if options.name == "all":
        for name in PLOTS:
            if name != "all":
                _draw(name, options.result, options.out / f"{name}.png")
    else:
        _draw(options.name, options.result, options.out)


def _draw(name: str, result: Path, out: Path) -> None:
    """Draw one figure and print its path."""
    from clonalbayes import plots

    figure = plots.draw(name, result)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=RESOLUTION, bbox_inches="tight")
    print(out)
