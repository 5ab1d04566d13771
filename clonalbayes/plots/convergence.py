"""Whether the chains agree: R-hat against effective sample size of every quantity, and two traces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from clonalbayes.plots import style
from clonalbayes.plots.source import Source, dataset, folder_of, group, opened
from clonalbayes.results import Result, open_result

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

R_HAT, ENOUGH = 1.01, 400.0
"""R-hat at most and bulk effective sample size at least of a quantity that the chains agree on."""

TRACES = {"n_clones": "number of clones", "log_likelihood": "log likelihood"}
WORST = 100.0
"""R-hats above, infinite ones too, are drawn here."""

NAMED = 6
"""Quantities that are named at most, the worst."""


def compute_convergence(source: Source) -> xr.Dataset:
    """Diagnostics of quantities that do not depend on labels, and the draws of two of them.

    Parameters
    ----------
    source
        Tree or result folder.

    Returns
    -------
    xarray.Dataset
        rhat and ess (quantity); trace (which, chain, draw).
    """
    folder = folder_of(source)
    with opened(source, consensus=False) as tree:
        posterior, stats = group(tree, "posterior"), group(tree, "sample_stats")
        values = [
            posterior["n_clones"].transpose("chain", "draw").values,
            stats["log_likelihood"].transpose("chain", "draw").values,
        ]
    frame = _diagnosed(source) if folder is None else _of_folder(source, folder)
    frame = frame[frame["rhat"].notna() & frame["ess_bulk"].notna()]
    return dataset(
        {
            "rhat": ("quantity", frame["rhat"].to_numpy(float)),
            "ess": ("quantity", frame["ess_bulk"].to_numpy(float)),
            "trace": (("which", "chain", "draw"), np.stack([v.astype(float) for v in values])),
        },
        {"quantity": frame["quantity"].astype(str).to_numpy(object).astype(str), "which": list(TRACES)},
        [],
    )  # fmt: skip


def _of_folder(source: Source, folder: Any) -> pd.DataFrame:
    return (source if isinstance(source, Result) else open_result(folder)).diagnostics


def _diagnosed(source: Any) -> pd.DataFrame:
    from clonalbayes.summaries import diagnose

    return diagnose(source)


def draw_convergence(data: xr.Dataset, axes: Any = None) -> np.ndarray:
    """Draw what `compute_convergence` returned.

    Parameters
    ----------
    data
        The Dataset.
    axes
        Three axes: diagnostics, trace of the number of clones, trace of the density; by default a new figure.

    Returns
    -------
    numpy.ndarray
        The axes.
    """
    import matplotlib.pyplot as plt

    with style.style():
        if axes is None:
            figure = plt.figure(figsize=(7.6, 3.3), layout="constrained")
            grid = figure.add_gridspec(2, 2, width_ratios=[1.25, 1])
            places = (grid[:, 0], grid[0, 1], grid[1, 1])
            flat = np.array([figure.add_subplot(place) for place in places], object)
        else:
            flat = style.given_axes(axes, 3)[:3]
        _draw_diagnostics(flat[0], data)
        for which, (axis, title) in enumerate(zip(flat[1:], TRACES.values(), strict=True)):
            trace = data["trace"].values[which]
            for c, draws in enumerate(trace):
                shade = f"{0.1 + 0.55 * c / max(len(trace) - 1, 1):.2f}"  # greys: colours are the clones'
                axis.plot(np.arange(1, len(draws) + 1), draws, lw=0.6, color=shade, alpha=0.85)
            axis.set_title(f"{title}, a line a chain", loc="left")
            axis.locator_params(nbins=4)
            axis.ticklabel_format(axis="y", useOffset=False)
        flat[1].tick_params(labelbottom=False)
        flat[2].set_xlabel("draw")
    return flat


def _draw_diagnostics(axis: Axes, data: xr.Dataset) -> None:
    """A dot a quantity; good ones lie below and to the right of the lines."""
    rhat = np.clip(data["rhat"].values, 1.0, WORST) - 1.0
    ess, floor = np.maximum(data["ess"].values, 1.0), 1e-3
    good = (rhat <= R_HAT - 1.0) & (ess >= ENOUGH)
    for mask, colour, marker in ((good, "#0072B2", "o"), (~good, "#D55E00", "s")):
        words = f"{int(mask.sum())} {'converged' if marker == 'o' else 'not converged'}"
        axis.plot(ess[mask], np.maximum(rhat[mask], floor), marker, ms=3.5, color=colour, mew=0, alpha=0.8, label=words)
    axis.axhline(R_HAT - 1.0, color="0.45", lw=0.8, ls="--")
    axis.axvline(ENOUGH, color="0.45", lw=0.8, ls="--")
    worst = np.argsort(-np.where(good, 0.0, rhat + 1e-3 * ENOUGH / ess), kind="stable")[:NAMED]
    taken: list[float] = []
    for q in worst[~good[worst]]:
        height = np.log10(max(rhat[q], floor))
        if any(abs(height - other) < 0.09 for other in taken):
            continue
        taken.append(height)
        words_look: dict[str, Any] = {"textcoords": "offset points", "va": "center", "fontsize": 6.5}
        name = style.escape(str(data["quantity"].values[q]), 24)
        axis.annotate(name, (ess[q], max(rhat[q], floor)), (5, 0), **words_look)
    axis.set(xscale="log", yscale="log", xlabel="bulk effective sample size", ylabel="R-hat")
    low, high = axis.get_ylim()
    axis.set_ylim(min(low, floor * 0.7), max(high, 0.03))
    axis.set_xlim(min(axis.get_xlim()[0], 100.0), max(axis.get_xlim()[1], 1500.0))
    ticks = [t for t in (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0) if axis.get_ylim()[0] <= t <= axis.get_ylim()[1]]
    axis.set_yticks(ticks, [f"{1 + t:g}" for t in ticks])
    axis.minorticks_off()
    axis.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, handletextpad=0.1)


def plot_convergence(source: Source, *, axes: Any = None) -> np.ndarray:
    """Draw R-hat and effective sample size of every quantity, and traces.

    Parameters
    ----------
    source
        Tree or result folder.
    axes
        As in `draw_convergence`.

    Returns
    -------
    numpy.ndarray
        The axes.
    """
    return draw_convergence(compute_convergence(source), axes)
