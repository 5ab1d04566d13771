"""Copy number along the genome, one strip a sample."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from clonalbayes.faults import fail
from clonalbayes.plots import style
from clonalbayes.plots.source import Source, dataset, folder_of, group, names, opened
from clonalbayes.results import SEGMENTS, read_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 16
"""Samples that are drawn at most."""

TOP = 6.0
"""Copies at which the axis ends; what is above is drawn at the edge."""

GAIN, LOSS, MINOR, TOTAL = "#D55E00", "#0072B2", "#009E73", "0.15"
LEAST = 0.004
"""Share of the genome below which a chromosome is not named."""


def compute_copy_number(source: Source) -> xr.Dataset:
    """Segments along the genome.

    Parameters
    ----------
    source
        Result folder, whose ``segments.tsv`` is taken if it is there. Else the copy number at the mutations, of a
        folder's posterior or a tree: from one to the next mutation with the same state.

    Returns
    -------
    xarray.Dataset
        specimen_index, begin, end (bases from the first chromosome's begin), total, minor, normal (segment), NaN
        where unknown; a subclonal segment has the mean of its states. at (chrom), where each chromosome begins,
        and the attribute length.

    Raises
    ------
    InputError
        If nothing is known of copy number, or of places.
    """
    folder = folder_of(source)
    if folder is not None and (folder / SEGMENTS).is_file():
        frame, of = _from_segments(read_table(folder / SEGMENTS, ("chrom", "source"))), SEGMENTS
    else:
        frame, of = _from_mutations(source), "mutations"
    frame = frame[np.isfinite(frame["total"].to_numpy(float))]
    if not len(frame):
        remedy = "Give segments of copy number in run.toml."
        raise fail("plot", "the result says nothing of copy number along the genome", remedy)
    samples = _in_order(list(dict.fromkeys(frame["sample"].astype(str))), folder)
    shown = samples
    notes = ["Copy number at the mutations: no segments were kept."] if of == "mutations" else []
    if len(samples) > MOST or of == "mutations":
        samples, shown = _different(frame, samples)
        if len(samples) > MOST:
            notes.append(f"{MOST} of {len(samples)} different samples are drawn.")
            samples, shown = samples[:MOST], shown[:MOST]
        frame = frame[frame["sample"].isin(samples)]
    ends = frame.groupby("chrom")["end"].max()
    chroms = sorted(ends.index, key=_order)
    length = np.array([float(ends[c]) for c in chroms])
    at = np.cumsum(length) - length
    offset = frame["chrom"].map(dict(zip(chroms, at, strict=True))).to_numpy(float)
    return dataset(
        {
            "specimen_index": ("segment", frame["sample"].map(samples.index).to_numpy(int)),
            "begin": ("segment", frame["start"].to_numpy(float) - 1.0 + offset),
            "end": ("segment", frame["end"].to_numpy(float) + offset),
            **{name: ("segment", frame[name].to_numpy(float)) for name in ("total", "minor", "normal")},
            "at": ("chrom", at),
        },
        {"chrom": [re.sub("^chr", "", c) for c in chroms], "specimen": shown},
        notes, length=float(length.sum()),
    )  # fmt: skip


def _different(frame: pd.DataFrame, samples: list[str]) -> tuple[list[str], list[str]]:
    """The first of the samples with the same copy number throughout, and their names with how many there are."""
    alike: dict[tuple[Any, ...], list[str]] = {}
    of_sample = dict(tuple(frame.drop(columns="sample").groupby(frame["sample"].astype(str))))
    for name in samples:
        rows = of_sample[name].sort_values(["chrom", "start"])
        key = tuple(rows.fillna(-1.0).round(3).itertuples(index=False, name=None))
        alike.setdefault(key, []).append(name)
    firsts = [names_[0] for names_ in alike.values()]
    return firsts, [f"{n[0]} and {len(n) - 1} more" if len(n) > 1 else n[0] for n in alike.values()]


def _in_order(samples: list[str], folder: Path | None) -> list[str]:
    """Samples in the order of the result; segments are sorted by name."""
    table = None if folder is None else folder / "samples.tsv"
    if table is None or not table.is_file():
        return samples
    known = read_table(table)["sample"].tolist()
    return sorted(samples, key=lambda name: known.index(name) if name in known else len(known))


def has_places(source: Source) -> bool:
    """Whether there is copy number to draw along the genome: segments, or mutations with their places."""
    folder = folder_of(source)
    if folder is not None and (folder / SEGMENTS).is_file():
        return True
    with opened(source, consensus=False) as tree:
        held = group(tree, "constant_data")
        return "pos" in held and "chrom" in held and bool((held["pos"].values >= 0).any())


def _order(name: str) -> tuple[int, str]:
    """Chromosomes by number, then X, Y, then the others."""
    plain = re.sub("^chr", "", name)
    return (int(plain), "") if plain.isdigit() else ({"X": 900, "Y": 901}.get(plain, 902), plain)


def _from_segments(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean copies of each segment over its two states."""
    number = {name: frame[name].to_numpy(float) for name in ("major_cn", "minor_cn", "total_cn", "normal_cn")}
    number = {name: np.where(value < 0, np.nan, value) for name, value in number.items()}
    major2, minor2 = (frame[name].to_numpy(float) for name in ("major2", "minor2"))
    two = np.isfinite(major2) & (major2 >= 0)
    share = np.where(two, frame["fraction"].to_numpy(float), 1.0)
    first = np.where(np.isfinite(number["major_cn"]), number["major_cn"] + number["minor_cn"], number["total_cn"])
    total = np.where(two, share * first + (1.0 - share) * (major2 + minor2), first)
    minor = np.where(two, share * number["minor_cn"] + (1.0 - share) * minor2, number["minor_cn"])
    normal = np.where(np.isfinite(number["normal_cn"]), number["normal_cn"], 2.0)
    return frame[["sample", "chrom", "start", "end"]].assign(total=total, minor=minor, normal=normal)


def _from_mutations(source: Source) -> pd.DataFrame:
    """Runs of mutations of one state, each up to the next run."""
    with opened(source, consensus=False) as tree:
        held = group(tree, "constant_data").load()
    samples = names(held["specimen"])
    if "chrom" not in held or "pos" not in held or not (held["pos"].values >= 0).any():
        return pd.DataFrame({n: [] for n in ("sample", "chrom", "start", "end", "total", "minor", "normal")})
    chrom, pos = held["chrom"].values.astype(str), held["pos"].values.astype(float)
    order = np.lexsort((pos, chrom))
    order = order[(pos[order] >= 0) & (chrom[order] != "")]
    parts = []
    for s, sample in enumerate(samples):
        major, minor = (held[name].values[order, s].astype(float) for name in ("major_cn", "minor_cn"))
        both = np.where(major < 0, np.nan, major + minor)
        if "total_cn" in held:
            both = np.where(major < 0, held["total_cn"].values[order, s].astype(float), both)
        state = np.stack([np.nan_to_num(both, nan=-1.0), minor])
        new = np.ones(len(order), bool)
        new[1:] = (chrom[order][1:] != chrom[order][:-1]) | (state[:, 1:] != state[:, :-1]).any(0)
        first = np.flatnonzero(new)
        last = np.append(first[1:], len(order)) - 1
        parts.append(pd.DataFrame({
            "sample": sample, "chrom": chrom[order][first], "start": pos[order][first], "end": pos[order][last],
            "total": np.where(both[first] < 0, np.nan, both[first]),
            "minor": np.where(minor[first] < 0, np.nan, minor[first]),
            "normal": held["normal_cn"].values[order, s][first].astype(float),
        }))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def draw_copy_number(data: xr.Dataset, axes: Any = None) -> np.ndarray:
    """Draw what `compute_copy_number` returned.

    Parameters
    ----------
    data
        The Dataset.
    axes
        One axes a sample; by default a new figure.

    Returns
    -------
    numpy.ndarray
        The axes.
    """
    samples = data.sizes["specimen"]
    with style.style():
        own = axes is None
        grid = style.new_axes(samples, 1, 8.4, 0.72 * samples + 1.0) if own else axes
        flat = style.given_axes(grid, samples)[:samples]
        for s, name in enumerate(names(data["specimen"])):
            _draw_sample(flat[s], data, s)
            shown = style.escape(name, 22)
            flat[s].set_ylabel(shown, rotation=0, ha="right", va="center", labelpad=6)
        _name_chromosomes(flat[samples - 1], data)
        if own:
            _add_legend(flat[0])
        style.add_note(flat[0], data.attrs["note"], own=own)
    return flat


def _draw_sample(axis: Axes, data: xr.Dataset, s: int) -> None:
    """Total and minor copies of one sample; gains and losses filled."""
    own = np.flatnonzero(data["specimen_index"].values == s)
    begin, end, total, minor, normal = (data[n].values[own] for n in ("begin", "end", "total", "minor", "normal"))
    total, high = np.minimum(total, TOP), float(np.clip(np.nanmax(np.append(total, 4.0)), 4.0, TOP))
    edges = np.append(data["at"].values, data.attrs["length"])
    for c in range(1, len(edges) - 1, 2):
        axis.axvspan(edges[c], edges[c + 1], color="0.95", lw=0, zorder=0)
    wide = data.attrs["length"] * 0.0015
    for colour, mask in ((GAIN, total > normal + 0.05), (LOSS, total < normal - 0.05)):
        if mask.any():
            span = np.maximum(end[mask] - begin[mask], wide)
            axis.bar(begin[mask], (total - normal)[mask], span, normal[mask], align="edge", color=colour, alpha=0.35)
    known = np.isfinite(minor)
    look: dict[str, Any] = {"zorder": 3}
    axis.hlines(
        minor[known] - 0.07, begin[known], np.maximum(end[known], begin[known] + wide), color=MINOR, lw=1.6, **look
    )
    axis.hlines(total, begin, np.maximum(end, begin + wide), color=TOTAL, lw=2.0, **look)
    axis.set(xlim=(0, data.attrs["length"]), ylim=(-0.35, high + 0.4), xticks=[])
    axis.set_yticks(range(0, int(high) + 1, 2))
    axis.grid(axis="y", color="0.88", lw=0.5)
    axis.set_axisbelow(True)


def _name_chromosomes(axis: Axes, data: xr.Dataset) -> None:
    """Names below the last strip; short chromosomes a line lower."""
    at = np.append(data["at"].values, data.attrs["length"])
    for c, name in enumerate(names(data["chrom"])):
        if at[c + 1] - at[c] < LEAST * data.attrs["length"]:
            continue
        low = c % 2 == 1 and at[c + 1] - at[c] < 0.03 * data.attrs["length"]
        words: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "va": "top", "fontsize": 6.8}
        place = ((at[c] + at[c + 1]) / 2, 0.0)
        axis.annotate(style.escape(name, 6), place, (0, -11 if low else -3), xycoords=axis.get_xaxis_transform(),
                      annotation_clip=False, **words)  # fmt: skip


def _add_legend(axis: Axes) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles = [
        Line2D([], [], color=TOTAL, lw=2.0, label="total copies"),
        Line2D([], [], color=MINOR, lw=1.6, label="copies of the minor allele"),
        Patch(color=GAIN, alpha=0.35, label="gain"),
        Patch(color=LOSS, alpha=0.35, label="loss"),
    ]
    style.figure_of(axis).legend(handles=handles, loc="outside upper left", ncols=4, frameon=False)


def plot_copy_number(source: Source, *, axes: Any = None) -> np.ndarray:
    """Draw the copy number of every sample along the genome.

    Parameters
    ----------
    source
        Tree or result folder.
    axes
        As in `draw_copy_number`.

    Returns
    -------
    numpy.ndarray
        The axes.
    """
    return draw_copy_number(compute_copy_number(source), axes)
