"""Sizes of clones on a log axis, with the background of errors and how sure presence is: small clones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from clonalbayes.plots import style
from clonalbayes.plots.source import Source, dataset, folder_of, group, names, opened
from clonalbayes.results import read_table
from clonalbayes.summaries.intervals import hdi, mean

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

DETECTION = "detection.tsv"

MOST = 24
"""Clones that are drawn at most, those of most sites."""

STARS = ((0.999, "***"), (0.99, "**"), (0.95, "*"))
"""Probability of presence from which so many stars are set."""

UNSURE = 0.05

NAMED = 24
"""Samples up to which presence is written above every clone; where there are more, filled and empty dots say it."""

BACKGROUND = "#D55E00"
HETEROZYGOUS = 2.0
"""Prevalence per VAF of a clone with one copy in two, by which an error rate is drawn beside prevalences."""


def compute_clone_sizes(source: Source) -> xr.Dataset:
    """Size of every clone in every sample, with its interval, presence and the background of errors.

    Parameters
    ----------
    source
        Result folder, whose ``detection.tsv`` is taken if it is there; else the posterior of a folder or a tree.

    Returns
    -------
    xarray.Dataset
        mean, lo, hi, p_present, background, limit (clone, specimen), NaN where unknown; n (clone) sites. Sizes
        are VAFs where they come from the detection, else shares of all cells; so is the background. `limit` is
        the smallest size that would be found.
    """
    folder = folder_of(source)
    if folder is not None and (folder / DETECTION).is_file():
        return _of_detection(read_table(folder / DETECTION))
    return _of_posterior(source)


def _of_detection(frame: pd.DataFrame) -> xr.Dataset:
    key = "clone" if "clone" in frame else "clade"
    clones, samples = (list(dict.fromkeys(frame[name].astype(str))) for name in (key, "sample"))
    place = (frame[key].astype(str).map(clones.index).to_numpy(), frame["sample"].astype(str).map(samples.index))
    kind = "vaf" if "vaf_mean" in frame else "prevalence"

    def table(column: str) -> np.ndarray:
        out = np.full((len(clones), len(samples)), np.nan)
        if column in frame:
            out[place] = frame[column].astype(float).to_numpy()
        return out

    with np.errstate(invalid="ignore", divide="ignore"):
        noise = table("noise_expected") / table("depth")
    background = np.where(np.isfinite(noise), noise, table("single_rate"))
    background = background * (1.0 if kind == "vaf" else HETEROZYGOUS)
    values = {"mean": table(f"{kind}_mean"), "lo": table(f"{kind}_lo"), "hi": table(f"{kind}_hi")}
    values |= {"p_present": table("p_present"), "background": background, "limit": table(f"lod_{kind}")}
    n = np.nan_to_num(np.nanmax(np.nan_to_num(table("n_sites"), nan=0.0), axis=1, initial=0.0)).astype(int)
    quantity = "VAF" if kind == "vaf" else "prevalence"
    return _dataset(values, n, clones, samples, quantity, f"mean and 95 % interval from {DETECTION}")


def _of_posterior(source: Source) -> xr.Dataset:
    with opened(source) as tree:
        held, posterior = group(tree, "consensus"), group(tree, "posterior")
        size = held["cellular_prevalence"].transpose("chain", "draw", "clone", "specimen").values
        labels = held["clone"].values.astype(int)
        samples = names(posterior["specimen"])
        error = posterior["error_rate"].values if "error_rate" in posterior else np.full((1, 1, len(samples)), np.nan)
    size = size.reshape(size.shape[0] * size.shape[1], *size.shape[2:]).astype(float)
    lo, hi = hdi(size, 0.95)
    clones = size.shape[1]
    background = HETEROZYGOUS * np.broadcast_to(error.mean((0, 1)), (clones, len(samples)))
    values = {
        "mean": mean(size), "lo": lo, "hi": hi,
        "p_present": mean(np.where(np.isnan(size), np.nan, size > 0)),
        "background": background, "limit": np.full((clones, len(samples)), np.nan),
    }  # fmt: skip
    n = np.bincount(np.maximum(labels, 0), minlength=clones + 1)[1:]
    numbers = [str(k + 1) for k in range(clones)]
    return _dataset(values, n, numbers, samples, "prevalence", "mean and 95 % interval of the fit")


def _dataset(
    values: dict[str, np.ndarray], n: np.ndarray, clones: list[str], samples: list[str], quantity: str, of: str
) -> xr.Dataset:
    notes = []
    kept = np.arange(len(clones))
    if len(clones) > MOST:
        kept = np.sort(np.argsort(-n, kind="stable")[:MOST])
        notes.append(f"{MOST} of {len(clones)} clones are drawn, those of most sites.")
    return dataset(
        {name: (("clone", "specimen"), value[kept]) for name, value in values.items()} | {"n": ("clone", n[kept])},
        {"clone": [clones[k] for k in kept], "specimen": samples},
        notes, quantity=quantity, of=of,
    )  # fmt: skip


def draw_clone_sizes(data: xr.Dataset, axes: Any = None) -> np.ndarray:
    """Draw what `compute_clone_sizes` returned: one panel a clone.

    Parameters
    ----------
    data
        The Dataset.
    axes
        One axes a clone; by default a new figure.

    Returns
    -------
    numpy.ndarray
        The axes.
    """
    clones, samples = data.sizes["clone"], data.sizes["specimen"]
    panels = max(clones, 1)
    columns = min(panels, 4 if samples <= 10 else 2 if samples <= 30 else 1)
    rows = -(-panels // columns)
    own = axes is None
    floor, top = _ends(data)
    with style.style():
        wide = float(np.clip(0.16 * samples + 0.5, 1.75, 8.0))
        named = style.room_for_names(names(data["specimen"]))
        grid = style.new_axes(rows, columns, wide * columns + 0.6, 1.45 * rows + named + 0.7) if own else axes
        flat = style.given_axes(grid, panels)
        for k in range(clones):
            _draw_clone(flat[k], data, k, floor, top)
            last = k + columns >= clones or not own
            style.name_ticks(flat[k], "x", names(data["specimen"]) if last else [])
            if last and samples > 3:
                flat[k].tick_params(axis="x", rotation=90)
            if k % columns == 0 or not own:
                flat[k].set_ylabel(data.attrs["quantity"])
            else:
                flat[k].tick_params(axis="y", labelleft=False)
        for spare in flat[clones:] if own else ():
            spare.set_axis_off()
        if own:
            _add_legend(flat[0], data)
        style.add_note(flat[0], data.attrs["note"], own=own)
    return flat[:panels]


def _ends(data: xr.Dataset) -> tuple[float, float]:
    """Ends of the log axis: below the background, the limit and every clone that is there; 1 or the largest."""
    sure = data["p_present"].values >= STARS[-1][0]
    known = [data["background"].values, data["limit"].values, np.where(sure, data["mean"].values, np.nan)]
    seen = np.concatenate([v[np.isfinite(v) & (v > 1e-7)].ravel() for v in known])
    low = float(seen.min()) if seen.size else 1e-2
    high = float(np.nanmax(data["hi"].values, initial=0.0))
    return float(10 ** np.floor(np.log10(low / 3.0))), (1.0 if high > 0.1 else max(high * 2.0, 1e-2))


def _draw_clone(axis: Axes, data: xr.Dataset, k: int, floor: float, top: float) -> None:
    """One clone: its size in every sample, what errors alone would look like, and stars for presence."""
    from matplotlib.patheffects import withStroke

    label = str(data["clone"].values[k])
    colour = style.colour_of(int(label)) if label.isdigit() else style.colour_of(k + 1)
    samples = data.sizes["specimen"]
    place = np.arange(samples)
    _draw_steps(axis, data["background"].values[k], place, color=BACKGROUND, lw=1.2, zorder=1)
    _draw_steps(axis, data["limit"].values[k], place, color="0.45", lw=1.0, ls=(0, (2, 1.2)), zorder=1)
    mean, lo, hi, p = (data[name].values[k] for name in ("mean", "lo", "hi", "p_present"))
    seen = np.flatnonzero(np.isfinite(mean) & (hi > floor))
    for shade, mask in ((colour, p >= UNSURE), ("0.55", p < UNSURE)):
        there = seen[mask[seen]]
        ends = style.strokes((there, np.maximum(lo[there], floor)), (there, hi[there]))
        axis.plot(*ends, color=shade, lw=2.0, solid_capstyle="butt", zorder=2)
    for shade, fill, mask in (
        (colour, colour, p >= STARS[-1][0]), (colour, "white", (p >= UNSURE) & (p < STARS[-1][0])),
        ("0.55", "white", p < UNSURE),
    ):  # fmt: skip
        shown = seen[mask[seen] & (mean[seen] > floor)]
        if len(shown):
            axis.plot(place[shown], mean[shown], "o", ms=4.2, mew=0.9, color=shade, mfc=fill, zorder=3)
    for s in seen[p[seen] >= UNSURE] if samples <= NAMED else ():
        stars = next((text for level, text in STARS if p[s] >= level), f"{p[s]:.2f}")
        words: dict[str, Any] = {"ha": "center", "va": "bottom", "fontsize": 7 if "*" in stars else 5.8, "zorder": 4}
        words["path_effects"] = [withStroke(linewidth=1.6, foreground="white")]
        place_ = (s, min(max(hi[s], mean[s]), top))
        axis.annotate(stars, place_, (0, 2.5), textcoords="offset points", **words).set_in_layout(False)
    axis.set(yscale="log", ylim=(floor, top * 2.6), xlim=(-0.6, samples - 0.4))
    powers = range(round(np.log10(floor)), 1)
    step = 1 if len(powers) <= 4 else 2
    ticks = [10.0**power for power in powers[::-1][::step][::-1]]
    axis.set_yticks(ticks, [f"{tick:.10f}".rstrip("0").rstrip(".") for tick in ticks])
    axis.set_title(f"{'clone ' if label.isdigit() else ''}{style.escape(label)} ({int(data['n'].values[k]):,})")
    axis.grid(axis="y", color="0.92", lw=0.5)
    axis.set_axisbelow(True)
    axis.minorticks_off()


def _draw_steps(axis: Axes, values: np.ndarray, place: np.ndarray, **look: Any) -> None:
    """A short line across each sample."""
    known = np.isfinite(values) & (values > 0)
    if known.any():
        ends = style.strokes((place[known] - 0.45, values[known]), (place[known] + 0.45, values[known]))
        axis.plot(*ends, solid_capstyle="butt", **look)


def _add_legend(axis: Axes, data: xr.Dataset) -> None:
    from matplotlib.lines import Line2D

    grey: dict[str, Any] = {"color": "0.3", "marker": "o", "ms": 4}
    stars = ", ".join(f"{text} {level:g}" for level, text in reversed(STARS))
    few = data.sizes["specimen"] <= NAMED
    handles = [
        Line2D([], [], lw=2.0, label=data.attrs["of"], **grey),
        Line2D([], [], lw=0, mfc="white", label=f"presence unsure{' (number: probability)' if few else ''}", **grey),
        *([Line2D([], [], lw=0, label=f"probability of presence at least: {stars}")] if few else []),
        Line2D([], [], color=BACKGROUND, lw=1.2, label="background: what errors alone look like"),
    ]
    if np.isfinite(data["limit"].values).any():
        handles.append(Line2D([], [], color="0.45", ls=(0, (2, 1.2)), label="limit of detection"))
    figure = style.figure_of(axis)
    columns = 2 if figure.get_size_inches()[0] >= 6.2 else 1
    figure.legend(handles=handles, loc="outside lower left", ncols=columns, frameon=False)


def plot_clone_sizes(source: Source, *, axes: Any = None) -> np.ndarray:
    """Draw the size of every clone in every sample on a log axis, with background and presence.

    Parameters
    ----------
    source
        Tree or result folder.
    axes
        As in `draw_clone_sizes`.

    Returns
    -------
    numpy.ndarray
        The axes.
    """
    return draw_clone_sizes(compute_clone_sizes(source), axes)
