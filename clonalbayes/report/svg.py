"""Figures of matplotlib as SVG that can stand many to a page: no comments, ids of their own, colours by theme."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

from clonalbayes.plots import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

DOTS = 144
"""Dots per inch of what is rasterised."""

MARGIN = 0.12
"""Inches around a figure."""

PADS = 0.04
"""Inches of it that the layout leaves itself."""

PANEL = "#fefefe"
"""Background of panels with pictures, whose colours cannot follow the theme: stays in the dark."""

_COLOUR = re.compile(r"((?:fill|stroke|stop-color): ?)(#[0-9a-f]{6})")
_REFERENCE = re.compile(r'(?:href="|url\()#([^")]*)')
_PATH = re.compile(r'(?<= )d="[^"]*"')
_PLACE = re.compile(r'(?<= )(?:x|y|x1|x2|y1|y2|cx|cy)="[^"]*"')
_NUMBER = re.compile(r"(-?\d+\.\d{2})\d+")


def svg_of(figure: Figure, prefix: str, title: str) -> tuple[str, float]:
    """Write a figure as SVG for a page, and its width in pixels.

    Parameters
    ----------
    figure
        The figure; it is not closed.
    prefix
        Begins every id, so that the ids of two figures differ.
    title
        What the figure shows, for readers who do not see it.
    """
    from matplotlib.transforms import Bbox

    _keep_panels(figure)
    figure.patch.set_alpha(0.0)
    with style.style():
        if (engine := figure.get_layout_engine()) is not None:
            engine.execute(figure)
            figure.set_layout_engine("none")  # laid out once: that is what takes the time
            wide, tall = figure.get_size_inches()  # nothing is outside, and the layout leaves no more than its pads
            box = Bbox.from_bounds(0.0, 0.0, wide, tall).padded(MARGIN - PADS)
        else:
            box = figure.get_tightbbox().padded(MARGIN)
        text = _written(figure)
    return themed(tidy(_framed(text, box, figure.get_size_inches()[1]), prefix, title))


def _written(figure: Figure) -> str:
    """The figure as SVG. `Figure.savefig` would draw it twice, the first time for a layout that is done already."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    out, dpi = io.StringIO(), figure.dpi
    none: dict[str, None] = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.dpi = DOTS
    try:
        canvas: Any = FigureCanvasSVG(figure)
        canvas.print_svg(out, metadata=none)
    finally:
        figure.dpi = dpi
    return out.getvalue()


def _framed(text: str, box: Bbox, tall: float) -> str:
    """Show of an SVG what is in a box of inches, of a figure so many inches tall."""
    numbers = (box.x0, tall - box.y1, box.width, box.height)
    return re.sub(r' viewBox="[^"]*"', f' viewBox="{" ".join(f"{72.0 * x:g}" for x in numbers)}"', text, count=1)


def _keep_panels(figure: Figure) -> None:
    """Give panels with rasterised points or images a background of their own."""
    for axis in figure.axes:
        raster = bool(axis.images) or any(line.get_rasterized() for line in axis.lines)
        axis.patch.set_alpha(None if raster else 0.0)
        if raster and not axis.patch.get_hatch():
            axis.patch.set_facecolor(PANEL)


def tidy(text: str, prefix: str, title: str) -> str:
    """Leave out what a page does not need, shorten numbers, make ids unique.

    Parameters
    ----------
    text
        An SVG document of matplotlib.
    prefix, title
        As in `svg_of`.
    """
    text = text[text.index("<svg") :]
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    wanted = set(_REFERENCE.findall(text))
    text = re.sub(r' id="([^"]*)"', lambda m: f' id="{prefix}{m[1]}"' if m[1] in wanted else "", text)
    text = re.sub(r'(xlink:href="#|url\(#)', lambda m: f"{m[1]}{prefix}", text)
    for kind in (_PATH, _PLACE):  # a scale, such as that of letters, keeps all its figures
        text = kind.sub(lambda m: _NUMBER.sub(r"\1", m[0]), text)
    text = re.sub(r"\s*\n\s*", "\n", _flat(text))
    head = text.index(">")
    return f"{_head(text[:head], title)}{text[head:]}".strip()


def _flat(text: str) -> str:
    """Take away groups that say nothing: two in five of the elements."""
    kept: list[bool] = []

    def judge(tag: re.Match[str]) -> str:
        if tag[0] != "</g>":
            kept.append(tag[0] != "<g>")
            return tag[0] if kept[-1] else ""
        return tag[0] if kept.pop() else ""

    return re.sub(r"<g(?: [^>]*)?>|</g>", judge, re.sub(r"<g(?: [^>]*)?/>", "", text))


def _head(head: str, title: str) -> str:
    head = re.sub(r' (width|height|version)="[^"]*"', "", head)
    return f'{head} role="img" aria-label="{escape(title)}"'


def themed(text: str) -> tuple[str, float]:
    """Write colours as variables with the colour itself to fall back on; return the width in pixels as well.

    The dark theme sets the variables, so the light one and the printed page need none.

    Examples
    --------
    >>> themed('<svg viewBox="0 0 72 9"><path style="fill: #000000"/></svg>')
    ('<svg viewBox="0 0 72 9"><path style="fill: var(--k000000,#000000)"/></svg>', 96.0)
    """
    found = re.search(r'viewBox="[-\d.]+ [-\d.]+ ([\d.]+) ', text)
    width = float(found[1]) if found else 500.0
    text = _COLOUR.sub(lambda m: m[0] if m[2] in (PANEL, *STEADY) else f"{m[1]}var(--k{m[2][1:]},{m[2]})", text)
    return text, width * 96.0 / 72.0


STEADY = (style.INK_LIGHT, style.INK_DARK)
"""Colours that are the same in every theme."""


def dark_variables(text: str) -> str:
    """Values that the dark theme gives to the colours of a page.

    Parameters
    ----------
    text
        The page's figures.
    """
    used = sorted(set(re.findall(r"var\(--k([0-9a-f]{6}),", text)))
    return "".join(f"--k{colour}:{dark_of('#' + colour)};" for colour in used)


def dark_of(colour: str) -> str:
    """Colour in the dark theme: greys are turned round, dark colours are lightened.

    Examples
    --------
    >>> dark_of("#000000"), dark_of("#ffffff"), dark_of("#e69f00"), dark_of("#1e1ea5")
    ('#e8eaed', '#1c2126', '#e69f00', '#6d6dc4')
    """
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    if max(red, green, blue) - min(red, green, blue) <= 4:
        share = (red + green + blue) / 765.0
        ends = ((232, 234, 237), (28, 33, 38))
        return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(*ends, strict=True))
    mix = 0.0
    while _light(red, green, blue, mix) < 0.16 and mix < 0.6:
        mix += 0.05
    return "#" + "".join(f"{round(v + (255 - v) * mix):02x}" for v in (red, green, blue))


def _light(red: int, green: int, blue: int, mix: float) -> float:
    """Relative luminance of a colour that is mixed with white."""
    values = [(v + (255 - v) * mix) / 255.0 for v in (red, green, blue)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def drawn(make: Callable[[], Any], prefix: str, title: str) -> tuple[str, float]:
    """Draw a figure and write it as `svg_of` does; the figure is closed.

    Parameters
    ----------
    make
        Draws, and returns axes.
    prefix, title
        As in `svg_of`.
    """
    import matplotlib.pyplot as plt

    with warnings.catch_warnings():  # letters that the font lacks are boxes; the page's own texts have them
        warnings.filterwarnings("ignore", r"Glyph .* missing from", UserWarning)
        figure = style.figure_of(make())
        try:
            return svg_of(figure, prefix, title)
        finally:
            plt.close(figure)
