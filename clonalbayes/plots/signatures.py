"""Figures of signatures: spectra in COSMIC's six colours with their intervals, and exposures by branch."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from clonalbayes.plots import style
from clonalbayes.plots.source import dataset
from clonalbayes.signatures.contexts import CONTEXTS, SUBSTITUTIONS
from clonalbayes.signatures.output import read_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.path import Path as Shape

type Folder = str | os.PathLike[str]

COSMIC_COLOURS = ("#03BCEE", "#010101", "#E32926", "#CAC9C9", "#A1CE63", "#EBC6C4")
"""Colours of C>A, C>G, C>T, T>A, T>C and T>G, as COSMIC draws them."""

DENOVO_COLOUR = "#8A8A8A"
SHOWN = 0.005
"""Share of all mutations from which a signature is drawn."""


def compute_exposures(folder: Folder) -> xr.Dataset:
    """Exposures of every branch, from a folder of ``clonalbayes signatures``.

    Returns
    -------
    xarray.Dataset
        mean, lo, hi (branch, signature) and mutations (branch). Signatures below half a hundredth of all
        mutations are left out; the note names them.
    """
    rows = read_rows(Path(folder) / "exposures.tsv")
    branches, names = (list(dict.fromkeys(row[key] for row in rows)) for key in ("branch", "signature"))
    shape = (len(branches), len(names))
    values = {key: np.array([_number(row[key]) for row in rows]).reshape(shape) for key in ("mean", "lo", "hi")}
    mutations = np.array([float(row["mutations"]) for row in rows]).reshape(shape)[:, 0]
    share = (values["mean"] * mutations[:, None]).sum(0) / max(mutations.sum(), 1.0)
    kept = np.flatnonzero(share >= SHOWN)
    left = [names[r] for r in range(len(names)) if share[r] < SHOWN]
    notes = [f"Not drawn, below {SHOWN:.1%} of all mutations: {', '.join(left)}."] if left else []
    return dataset(
        {key: (("branch", "signature"), value[:, kept]) for key, value in values.items()}
        | {"mutations": ("branch", mutations)},
        {"branch": branches, "signature": [names[r] for r in kept]}, notes,
    )  # fmt: skip


def draw_exposures(data: xr.Dataset, axes: Axes | None = None) -> Axes:
    """Draw what `compute_exposures` returned: a stacked bar a branch, with the interval of each share."""
    branches, names = ([str(x) for x in data[key].values] for key in ("branch", "signature"))
    with style.style():
        height = max(0.28 * len(branches) + 1.3, 2.4)
        axis = style.new_axes(1, 1, 6.8, height)[0, 0] if axes is None else axes
        place, shares = np.arange(len(branches)), data["mean"].values
        colours = [_colour(name, r) for r, name in enumerate(names)]
        style.stacked(axis, place, shares, colours, names)
        left = np.cumsum(shares, axis=1) - shares
        for r in range(len(names) - 1):
            low, high = (left[:, r] + data[key].values[:, r] for key in ("lo", "hi"))
            axis.hlines(place + 0.18 * ((r % 3) - 1), low, high, color="black", lw=0.8)
        style.name_ticks(axis, "y", branches)
        axis.set_ylim(len(branches) - 0.4, -0.6)
        axis.set_xlim(0, 1)
        axis.set_xlabel("share of the branch's mutations (line: 95 % interval of the share)")
        for k, n in enumerate(data["mutations"].values):
            axis.text(1.01, k, f"{n:,.0f}", va="center", fontsize=7, transform=axis.get_yaxis_transform())
        axis.legend(frameon=False, ncols=min(len(names), 6), loc="lower left", bbox_to_anchor=(0, 1.0))
        style.add_note(axis, data.attrs["note"], own=axes is None)
    return axis


def _colour(name: str, place: int) -> str:
    """Colour of a signature: grey for one without a reference."""
    return DENOVO_COLOUR if name.startswith("new") else style.PALETTE[place % len(style.PALETTE)]


def plot_exposures(folder: Folder, *, axes: Axes | None = None) -> Axes:
    """Draw the exposures of every branch, into a new figure or into `axes`; see `compute_exposures`."""
    return draw_exposures(compute_exposures(folder), axes)


def compute_spectra(folder: Folder) -> xr.Dataset:
    """Profiles of the signatures that make up more than half a hundredth of the mutations.

    Returns
    -------
    xarray.Dataset
        mean, lo, hi, reference (signature, context); title (signature) with the match and its cosine.
    """
    rows = read_rows(Path(folder) / "signatures.tsv")
    matches = {row["signature"]: row for row in read_rows(Path(folder) / "matches.tsv")}
    shown = [str(name) for name in compute_exposures(folder)["signature"].values]
    names = list(dict.fromkeys(row["signature"] for row in rows))
    values = {
        key: np.array([_number(row[key]) for row in rows]).reshape(len(names), len(CONTEXTS))
        for key in ("mean", "lo", "hi", "reference")
    }
    kept = [names.index(name) for name in shown]
    titles = [
        f"{name}: cosine {float(m['cosine_mean']):.3f} to {m['reference']} "
        f"({float(m['cosine_lo']):.3f} to {float(m['cosine_hi']):.3f})"
        for name, m in ((name, matches[name]) for name in shown)
    ]
    return dataset(
        {key: (("signature", "context"), value[kept]) for key, value in values.items()}
        | {"title": ("signature", np.array(titles, str))},
        {"signature": shown, "context": list(CONTEXTS)}, [],
    )  # fmt: skip


def draw_spectra(data: xr.Dataset, axes: Any = None) -> np.ndarray:
    """Draw what `compute_spectra` returned: one panel a signature, 96 bars with intervals, dots at the reference."""
    from matplotlib.patches import PathPatch

    n = data.sizes["signature"]
    with style.style():
        flat = style.new_axes(n, 1, 8.6, 1.55 * n + 0.5).ravel() if axes is None else style.given_axes(axes, n)
        place = np.arange(len(CONTEXTS))
        for r in range(n):
            axis = flat[r]
            mean, low, high, reference = (data[key].values[r] for key in ("mean", "lo", "hi", "reference"))
            for j, colour in enumerate(COSMIC_COLOURS):
                part = slice(16 * j, 16 * (j + 1))
                axis.add_patch(PathPatch(_bars(place[part], mean[part]), color=colour, lw=0))
            axis.plot(*style.strokes((place, low), (place, high)), color="0.35", lw=0.7, solid_capstyle="butt")
            if np.isfinite(reference).any():
                axis.plot(place, reference, ".", color="black", ms=2.2)
            top = max(float(np.nanmax(high)), 1e-3) * 1.18
            axis.set(xlim=(-0.8, len(CONTEXTS) - 0.2), ylim=(0, top))
            axis.set_title(style.escape(str(data["title"].values[r]), 90), loc="left")
            axis.set_xticks([])
            if r == 0:
                for j, name in enumerate(SUBSTITUTIONS):
                    axis.text(16 * j + 7.5, top * 0.9, name, ha="center", color=COSMIC_COLOURS[j], weight="bold")
        labels = [f"{label[0]}{label[2]}{label[6]}" for label in CONTEXTS]
        flat[n - 1].set_xticks(place, labels, rotation=90, fontsize=4.2, family="monospace")
        flat[n - 1].set_xlabel("trinucleotide; line: 95 % interval, dot: reference")
    return flat


def _bars(place: np.ndarray, height: np.ndarray) -> Shape:
    """Bars of one colour as one shape."""
    from matplotlib.path import Path as Shape

    left, right, zero = place - 0.375, place + 0.375, np.zeros(len(place))
    corners = [(left, zero), (left, height), (right, height), (right, zero)]
    return Shape.make_compound_path_from_polys(np.stack([np.stack(c, axis=-1) for c in corners], axis=1))


def plot_spectra(folder: Folder, *, axes: Any = None) -> np.ndarray:
    """Draw the profiles of the signatures in use, a panel each; see `compute_spectra`."""
    return draw_spectra(compute_spectra(folder), axes)


def _number(text: str) -> float:
    return float("nan") if text == "NA" else float(text)
