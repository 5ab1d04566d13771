"""``clonalbayes plot``: a figure of a result folder, or all of them."""

from __future__ import annotations

import argparse
from pathlib import Path

from clonalbayes.cli.parser import PART_PLOTS
from clonalbayes.faults import fail


def plot(options: argparse.Namespace) -> None:
    """Draw one figure into a file, or every figure that the model has into a folder; print what was written."""
    if options.name in PART_PLOTS:
        _plot_part(options)
        return
    from clonalbayes.results import open_result

    result = open_result(options.result)  # a fault of the folder is told before matplotlib is loaded
    if options.name == "all" and options.out.exists() and not options.out.is_dir():
        raise fail(str(options.out), "is a file", "Name a folder for all figures.")
    import matplotlib as mpl

    mpl.use("Agg")  # a file is drawn: no screen is needed
    from clonalbayes.plots import OF_TREES, REGISTRY, draw
    from clonalbayes.plots.copy_number import has_places
    from clonalbayes.plots.registry import parts_of

    wanted = {options.name: Path(options.out)}
    if options.name == "all":
        left_out = () if "trees" in result.run else OF_TREES
        left_out = left_out if has_places(result) else (*left_out, "copy_number")
        there = [*(name for name in REGISTRY if name not in left_out), *parts_of(options.result)]
        wanted = {name: options.out / f"{name}.png" for name in there}
    for name, out in wanted.items():
        draw(name, options.result, out)
        print(out)


def _plot_part(options: argparse.Namespace) -> None:
    """Draw a figure of a folder of ``signatures`` or ``timing``."""
    from clonalbayes.plots import style

    style.check_suffix(options.out)
    import matplotlib as mpl

    mpl.use("Agg")
    from clonalbayes.plots import draw

    draw(options.name, options.result, options.out)
    print(options.out)
