"""The figures by name, for the command line and for `draw`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clonalbayes.faults import fail
from clonalbayes.plots import style
from clonalbayes.plots.alternatives import plot_alternatives
from clonalbayes.plots.clone_sizes import plot_clone_sizes
from clonalbayes.plots.convergence import plot_convergence
from clonalbayes.plots.copy_number import plot_copy_number
from clonalbayes.plots.fish import plot_fish
from clonalbayes.plots.heatmap import plot_heatmap
from clonalbayes.plots.n_clones import plot_n_clones
from clonalbayes.plots.prevalence import plot_prevalence
from clonalbayes.plots.signatures import plot_exposures, plot_spectra
from clonalbayes.plots.similarity import plot_similarity
from clonalbayes.plots.source import Source
from clonalbayes.plots.timing import has_splits, plot_around, plot_calendar
from clonalbayes.plots.tree import plot_tree
from clonalbayes.plots.vaf_pairs import plot_vaf_pairs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

REGISTRY: dict[str, Callable[..., Any]] = {
    "vaf": plot_vaf_pairs,
    "heatmap": plot_heatmap,
    "prevalence": plot_prevalence,
    "n_clones": plot_n_clones,
    "similarity": plot_similarity,
    "tree": plot_tree,
    "alternatives": plot_alternatives,
    "fish": plot_fish,
    "clone_sizes": plot_clone_sizes,
    "copy_number": plot_copy_number,
    "convergence": plot_convergence,
}
"""Name of a figure -> function that draws it from a tree or a result folder and returns its axes."""

PARTS: dict[str, Callable[..., Any]] = {
    "spectra": plot_spectra,
    "exposures": plot_exposures,
    "calendar": plot_calendar,
    "around": plot_around,
}
"""Name of a figure -> function that draws it from a folder of `fit`, `signatures` or `timing`, where it has that."""

NEEDED = {"spectra": "signatures.tsv", "exposures": "exposures.tsv", "calendar": "timing.nc", "around": "gates.tsv"}
"""File of the folder without which there is nothing to draw."""

OF_TREES = ("tree", "alternatives", "fish")
"""Figures that need a model with trees."""


def parts_of(folder: str | os.PathLike[str]) -> list[str]:
    """Names of `PARTS` that can be drawn of a folder: its files are there and hold something to draw."""
    there = [name for name, file in NEEDED.items() if (Path(folder) / file).is_file()]
    return [name for name in there if name != "around" or has_splits(folder)]


def draw(name: str, source: Source, out: str | os.PathLike[str] | None = None, **options: Any) -> Figure:
    """Draw a figure by its name.

    Parameters
    ----------
    name
        A name of `REGISTRY`.
    source
        Tree or result folder.
    out
        File to write (.png, .svg or .pdf), whole or not at all; the figure is closed then.
    **options
        Of the figure's own function.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.

    Raises
    ------
    InputError
        If there is no such figure, the folder is no result, or the file's suffix is no picture's.
    """
    figures = REGISTRY | PARTS
    if name not in figures:
        raise fail("plot", f"there is no figure {name!r}", f"Choose from {', '.join(figures)}.")
    if out is not None:
        style.check_suffix(out)
    figure = style.figure_of(figures[name](source, **options))
    if out is not None:
        import matplotlib.pyplot as plt

        try:
            style.save(figure, out)
        finally:
            plt.close(figure)
    return figure
