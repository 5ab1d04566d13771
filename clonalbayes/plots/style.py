"""How figures look: colours and markers of clones, names shown literally, notes, files."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from clonalbayes.faults import fail
from clonalbayes.plots.source import GERMLINE, NOISE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PALETTE = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#1E1EA5", "#692D00",
    "#E1C378", "#0F78FF", "#690F69", "#B4D2A5", "#D23C3C", "#8796FF", "#0FE1F0", "#004BA5",
    "#785A87", "#FF4B78", "#87E14B", "#691E1E", "#F0784B", "#5A1E4B", "#0F4BD2", "#964B00",
    "#690087", "#2DB4C3", "#5A69D2", "#B4005A", "#3C783C", "#00E1D2",
)  # fmt: skip
"""Colours of clones 1 to 30: each as far as can be from those before it, as people with normal vision, with
deuteranopia and with protanopia see it, and from black, white and the greys below. The first six are Okabe
and Ito's."""

MARKERS = ("o", "s", "^", "D", "v", "P")
"""One marker per ten clones, so that colour is not the only mark."""

NOISE_COLOUR, GERMLINE_COLOUR = "#B0B0B0", "#4D4D4D"

SUFFIXES = (".png", ".svg", ".pdf")
"""Files that figures can be written to."""

RESOLUTION = 150
"""Dots per inch of a PNG and of what is rasterised in the other formats."""

NAME_WIDTH = 26
"""Characters of a name that are shown."""

_RC: dict[Any, Any] = {
    "font.size": 8.0,
    "axes.titlesize": 9.0,
    "axes.labelsize": 8.5,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": 7.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "hatch.linewidth": 0.6,
    "text.usetex": False,  # names are shown literally
    "text.hinting": "no_hinting",  # else a text is up to a fourteenth wider in an SVG than the layout reckons
    "svg.fonttype": "path",
    "svg.hashsalt": "clonalbayes",  # the same figure is the same file
}


def colour_of(label: int) -> str:
    """Colour of a consensus label; noise is grey, germline dark grey.

    Examples
    --------
    >>> colour_of(1), colour_of(31) == colour_of(1), colour_of(0)
    ('#0072B2', True, '#B0B0B0')
    """
    if label in (NOISE, GERMLINE):
        return NOISE_COLOUR if label == NOISE else GERMLINE_COLOUR
    return PALETTE[(label - 1) % len(PALETTE)]


INK_LIGHT, INK_DARK = "#fdfdfd", "#020202"
"""White and black on the colours of clones: a dark page turns other greys round, not these."""


def ink_on(colour: str) -> str:
    """White or black, whichever is read better on a colour.

    Examples
    --------
    >>> ink_on("#0072B2"), ink_on("#E1C378")
    ('#fdfdfd', '#020202')
    """
    red, green, blue = (int(colour[i : i + 2], 16) / 255.0 for i in (1, 3, 5))
    return INK_DARK if 0.299 * red + 0.587 * green + 0.114 * blue > 0.55 else INK_LIGHT


def marker_of(label: int) -> str:
    """Marker of a consensus label."""
    if label in (NOISE, GERMLINE):
        return "x" if label == NOISE else "+"
    return MARKERS[(label - 1) // 10 % len(MARKERS)]


def name_of(label: int) -> str:
    """What a consensus label is called in a figure."""
    return {NOISE: "noise", GERMLINE: "germline"}.get(label, str(label))


def escape(name: str, width: int = NAME_WIDTH) -> str:
    r"""Write a name so that matplotlib shows it literally, on one line, cut in its middle if it is long.

    Examples
    --------
    >>> escape("a_$b$")
    'a_\\$b\\$'
    >>> escape("x" * 20 + "y" * 20, width=9)
    'xxxx…yyyy'
    """
    plain = "".join(c if c.isprintable() else "�" for c in name)
    if len(plain) > width:
        half = (width - 1) // 2
        plain = f"{plain[:half]}…{plain[len(plain) - (width - 1 - half) :]}"
    return plain.replace("$", r"\$")


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Draw in the house style without changing the user's settings."""
    import matplotlib as mpl

    with mpl.rc_context(_RC):
        yield


def new_axes(
    rows: int,
    columns: int,
    width: float,
    height: float,
    layout: Literal["constrained", "compressed"] = "constrained",
) -> np.ndarray:
    """Make a figure with axes [rows, columns]; width and height in inches; "compressed" for square panels."""
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(width, height), layout=layout)
    grid: np.ndarray = figure.subplots(rows, columns, squeeze=False)
    return grid


def given_axes(axes: Any, wanted: int) -> np.ndarray:
    """Axes that the caller made, as a flat array.

    Raises
    ------
    ValueError
        If there are fewer than the figure has panels.
    """
    flat: np.ndarray = np.atleast_1d(np.asarray(axes, object)).ravel()
    if len(flat) < wanted:
        raise ValueError(f"the figure has {wanted} panels, and {len(flat)} axes were given")
    return flat


def figure_of(axes: Any) -> Figure:
    """Figure that holds axes, given one or an array of them."""
    figure: Figure = np.atleast_1d(np.asarray(axes, object)).ravel()[0].get_figure(root=True)
    return figure


def inches_of(axis: Axes) -> tuple[float, float]:
    """Width and height of axes, before the layout has settled them."""
    wide, tall = axis.get_position().size * figure_of(axis).get_size_inches()
    return max(float(wide), 0.5), max(float(tall), 0.5)


def add_note(axis: Axes, text: str, *, own: bool) -> None:
    """Print under a figure (`own`), or above the axes of somebody else's, what its reader must be told."""
    if not text:
        return
    if own:
        wide = int(figure_of(axis).get_size_inches()[0] * 18)  # characters of this size that fit
        figure_of(axis).supxlabel(_wrap(text, wide), x=0.01, ha="left", fontsize=7.5, color="0.3")
    else:
        look: dict[str, Any] = {"ha": "right", "va": "bottom", "fontsize": 6, "color": "0.3"}
        axis.annotate(_wrap(text, 60), (1.0, 1.0), xycoords="axes fraction", **look)


def _wrap(text: str, width: int) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, max(width, 20)))


def strokes(begin: Sequence[Any], end: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Many straight strokes as one line with gaps: a single artist, and a single path of an SVG.

    Parameters
    ----------
    begin, end
        x and y of their two ends; scalars are those of every stroke.

    Returns
    -------
    tuple of numpy.ndarray
        x and y of the line, NaN between strokes.

    Examples
    --------
    >>> strokes((1.0, [2.0, 4.0]), (1.0, [3.0, 5.0]))[1].tolist()
    [2.0, 3.0, nan, 4.0, 5.0, nan]
    """
    x0, y0, x1, y1 = np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, float)) for v in (*begin, *end)))
    gap = np.full(len(x0), np.nan)
    return np.column_stack([x0, x1, gap]).ravel(), np.column_stack([y0, y1, gap]).ravel()


def stacked(
    axis: Axes, rows: np.ndarray, values: np.ndarray, colours: Sequence[str], names: Sequence[str] | None = None,
    left: float = 0.0,
) -> None:
    """Draw one stacked bar a row.

    Parameters
    ----------
    axis
        The axes.
    rows
        [n] heights.
    values
        [n, parts] lengths.
    colours, names
        [parts] colours, and names for the legend.
    left
        Where the bars begin.
    """  # fmt: skip
    begin = np.full(len(rows), float(left))
    for j, colour in enumerate(colours):
        label = None if names is None else escape(names[j])
        axis.barh(rows, values[:, j], 0.74, left=begin, color=colour, edgecolor="white", lw=0.5, label=label)
        begin = begin + values[:, j]


def name_ticks(
    axis: Axes, which: str, values: Sequence[str], *, size: float | None = None, width: int = NAME_WIDTH
) -> None:
    """Put names at 0, 1, 2, ... of an axis; on the x axis they are turned where they would touch.

    Parameters
    ----------
    axis
        The axes.
    which
        "x" or "y".
    values
        The names, as given in the data.
    size
        Font size; by default smaller where there are many.
    width
        Characters of a name that are shown.
    """
    shown = [escape(value, width) for value in values]
    font = size or (7.5 if len(shown) <= 40 else 6.5)
    if which == "y":
        axis.set_yticks(range(len(shown)), shown, fontsize=font)
        return
    room = inches_of(axis)[0] * 72.0 / max(len(shown), 1)
    turned = max((len(value) for value in shown), default=0) * font * 0.6 > room
    axis.set_xticks(range(len(shown)), shown, fontsize=font, rotation=90 if turned else 0)


def room_for_names(values: Sequence[str]) -> float:
    """Inches that names take which are turned by a quarter.

    Examples
    --------
    >>> round(room_for_names(["a", "x" * 16]), 2)
    1.0
    """
    return 7.5 * 0.6 / 72.0 * max((len(escape(value)) for value in values), default=0)


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> np.ndarray:
    """Move labels apart as little as needed.

    Parameters
    ----------
    wanted
        Places in rising order.
    gap
        Least distance of neighbours; made smaller where they would not fit between `low` and `high`.

    Examples
    --------
    >>> spread([0.0, 0.1, 5.0], 1.0, 0.0, 10.0).tolist()
    [0.0, 1.0, 5.0]
    """
    places = np.array(wanted, float)
    n = len(places)
    if n < 2:
        return places
    gap = min(gap, (high - low) / (n - 1))
    steps = gap * np.arange(n)
    # Isotonic regression of the places less their least distances: the nearest places that keep the gaps.
    blocks: list[list[float]] = []
    for value in places - steps:
        blocks.append([value, 1.0])
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            last, count = blocks.pop()
            mean, before = blocks[-1]
            blocks[-1] = [(mean * before + last * count) / (before + count), before + count]
    flat = np.concatenate([np.full(int(count), mean) for mean, count in blocks])
    return np.clip(flat, low, high - steps[-1]) + steps


def check_suffix(out: str | os.PathLike[str]) -> Path:
    """Check that a file's name ends as a picture's.

    Raises
    ------
    InputError
        If it does not; the valid ends are listed.
    """
    path = Path(out)
    if path.suffix.lower() not in SUFFIXES:
        raise fail(str(path), "is not a kind of picture known here", f"End it in {', '.join(SUFFIXES)}.")
    return path


def save(figure: Figure, out: str | os.PathLike[str]) -> Path:
    """Write a figure, whole or not at all; the format is the suffix of the name.

    Parameters
    ----------
    figure
        The figure.
    out
        A .png, .svg or .pdf file; its folder is made.

    Raises
    ------
    InputError
        If the suffix is another.
    """
    path = check_suffix(out)
    suffix = path.suffix.lower()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    dated: dict[str, None] = (
        {} if suffix == ".png" else {"Date" if suffix == ".svg" else "CreationDate": None}
    )
    try:
        with style():
            figure.savefig(temporary, format=suffix[1:], dpi=RESOLUTION, bbox_inches="tight", metadata=dated)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path
