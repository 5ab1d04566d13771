"""How many clones there are: the posterior of their number, of all and of those that are not tiny."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from clonalbayes.plots import style
from clonalbayes.plots.source import Source, dataset, group, opened

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def compute_n_clones(source: Source, *, share: float = 0.01, prob: float = 0.95) -> xr.Dataset:
    """Posterior of the number of clones.

    Parameters
    ----------
    source
        Tree or result folder; consensus clones are not needed.
    share
        A clone counts as large if it has more than this share of all mutations.
    prob
        Probability that the sets of likeliest numbers hold.

    Returns
    -------
    xarray.Dataset
        probability (which, n_clones) with which = "all" and "large"; low and high (which), the range of the
        smallest set of numbers that holds `prob`. `n_clones` runs without gaps over the numbers seen.
    """
    with opened(source, consensus=False) as tree:
        posterior = group(tree, "posterior")
        every = posterior["n_clones"].values.ravel().astype(np.int64)
        chains = range(posterior.sizes["chain"])  # one at a time: assignments may be large
        large = np.concatenate([_count_large(posterior["assignment"][c].values, share) for c in chains])
    first, last = min(every.min(), large.min()), max(every.max(), large.max())
    counts = [np.bincount(x - first, minlength=last - first + 1) for x in (every, large)]
    probability = np.stack(counts) / len(every)
    numbers = np.arange(first, last + 1)
    ranges = np.array([_likeliest(row, numbers, prob) for row in probability])
    return dataset(
        {
            "probability": (("which", "n_clones"), probability),
            "low": ("which", ranges[:, 0]),
            "high": ("which", ranges[:, 1]),
        },
        {"which": ["all", "large"], "n_clones": numbers},
        [], share=share, prob=prob,
    )  # fmt: skip


def _count_large(assignment: np.ndarray, share: float) -> np.ndarray:
    """Clones with more than a share of the mutations, in each draw of one chain [draw, mutation]."""
    limit = share * assignment.shape[1]
    return np.array([int((np.bincount(row[row >= 0]) > limit).sum()) for row in assignment], np.int64)


def _likeliest(probability: np.ndarray, numbers: np.ndarray, prob: float) -> tuple[int, int]:
    order = np.argsort(-probability, kind="stable")
    needed = int(np.searchsorted(np.cumsum(probability[order]), prob - 1e-12)) + 1
    held = numbers[order[:needed]]
    return int(held.min()), int(held.max())


def draw_n_clones(data: xr.Dataset, axes: Axes | None = None) -> Axes:
    """Draw what `compute_n_clones` returned.

    Parameters
    ----------
    data
        The Dataset.
    axes
        Axes to draw into; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    from matplotlib.ticker import MaxNLocator

    numbers = data["n_clones"].values
    with style.style():
        width = float(np.clip(0.3 * len(numbers), 3.4, 9.0))
        axis = style.new_axes(1, 1, width, 2.6)[0, 0] if axes is None else axes
        large = f"above {data.attrs['share']:.0%} of the mutations"
        texts = (f"all: {_range(data, 0)}", f"{large}: {_range(data, 1)}")
        for which, (colour, hatch) in enumerate((("#0072B2", None), ("#E69F00", "////"))):
            bars = data["probability"].values[which]
            look: dict[str, Any] = {"color": colour, "hatch": hatch, "edgecolor": "white", "lw": 0.4}
            axis.bar(numbers + 0.4 * which - 0.2, bars, 0.4, label=texts[which], **look)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axis.set_xlim(numbers[0] - 0.7, numbers[-1] + 0.7)
        axis.set(xlabel="number of clones", ylabel="posterior probability")
        high = float(data["probability"].values.max())
        axis.set_ylim(0, high * 1.5)  # room for the legend, wherever the bars are
        axis.set_yticks([t for t in axis.get_yticks() if t <= 1.0 and t <= high * 1.5])
        title = f"number of clones, {data.attrs['prob']:.0%}"
        axis.legend(frameon=False, loc="upper right", title=title, alignment="left", title_fontsize=7.5)
    return axis


def _range(data: xr.Dataset, which: int) -> str:
    low, high = int(data["low"][which]), int(data["high"][which])
    return str(low) if low == high else f"{low}–{high}"


def plot_n_clones(source: Source, *, axes: Axes | None = None, **options: Any) -> Axes:
    """Draw the posterior of the number of clones, of all and of those above 1 % of the mutations.

    Parameters
    ----------
    source
        Tree or result folder.
    axes
        As in `draw_n_clones`.
    **options
        As in `compute_n_clones`: share, prob.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    return draw_n_clones(compute_n_clones(source, **options), axes)
