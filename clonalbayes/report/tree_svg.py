"""The tree that answers: SVG whose clones can be pointed at, tapped and reached with the keyboard."""

from __future__ import annotations

from html import escape

import numpy as np

from clonalbayes.plots import style
from clonalbayes.plots.tree import LIKELY, SAID, SURE, round_length
from clonalbayes.plots.tree_layout import rows_of, to_scale
from clonalbayes.summaries.ancestry import ROOT

from .content import Clone
from .words import probability, share

ROW, LEFT = 30.0, 30.0
WIDTH, LEAST, WIDEST = 300.0, 46.0, 560.0
LABEL, RADIUS = 215.0, 11.0
CELL, NARROWEST, CELLS = 22.0, 13.0, 620.0
"""Width of a sample's column, at most and at least, and of all columns while they can be so narrow."""

FAR = 40
"""Samples from which clones are numbered behind the columns, too."""

CHARACTER = 6.1
"""Pixels of a character of a label."""

NAMES, SLOPE = 20, 0.87
"""Characters of a sample's name above its column, and its height per length: it is turned by 60 degrees."""


def plain(name: str, width: int) -> str:
    """Cut a name in its middle, and replace what cannot be shown.

    Examples
    --------
    >>> plain("abcdefgh", 5)
    'ab…gh'
    """
    shown = "".join(c if c.isprintable() else "�" for c in name)
    if len(shown) <= width:
        return shown
    half = (width - 1) // 2
    return f"{shown[:half]}…{shown[len(shown) - (width - 1 - half) :]}"


def colour(number: int) -> str:
    """Colour of a clone as a variable that the dark theme may lighten."""
    code = style.colour_of(number)[1:].lower()
    return f"var(--k{code},#{code})"


def tree_svg(clones: list[Clone], samples: list[str]) -> str:
    """Draw the consensus tree.

    Parameters
    ----------
    clones
        With their parents.
    samples
        Columns of the prevalences.

    Returns
    -------
    str
        SVG; each clone is a group with the attribute ``data-clone``.
    """
    parents = np.array([clone.parent or 0 for clone in clones])
    lengths = np.array([float(clone.mutations) for clone in clones])
    rows = rows_of(parents)
    scale = to_scale(parents, lengths, WIDTH, LEAST, WIDEST)
    label = _room(clones)
    longest = max((min(len(name), NAMES) for name in samples), default=0) * CHARACTER
    top = max(longest * SLOPE + 30.0, 50.0)
    heat = LEFT + float(scale.end.max(initial=LEAST)) + RADIUS + label
    cell = float(np.clip(CELLS / max(len(samples), 1), NARROWEST, CELL))
    size = (heat + cell * len(samples) + longest * 0.5 + 8.0, top + ROW * max(len(clones), 1) + 34.0)
    ends = np.append(0.0, scale.end)
    row = np.append(rows[parents == ROOT].min(initial=0), rows)
    parts = [_spines(parents, ends, row, top)]
    order = np.argsort(rows, kind="stable").tolist()
    places = {k: (LEFT + ends[parents[k]], LEFT + ends[k + 1], _y(rows[k], top)) for k in order}
    parts += [_clone(clones[k], places[k], samples, heat, cell) for k in order]
    # Texts lie above the buttons, which say all of it in their labels.
    parts.append(f'<g aria-hidden="true">{"".join(_texts(clones[k], places[k], label) for k in order)}</g>')
    if len(samples) > FAR:
        parts += [_number_again(clones[k], heat + cell * len(samples) + 6.0, places[k][2]) for k in order]
    parts.append(_heads(samples, heat, top, cell))
    parts.append(_scale_bar(scale.unit, bool(scale.lengthened.any()), size[1]))
    head = (
        f'<svg class="tree" viewBox="0 0 {size[0]:.0f} {size[1]:.0f}" role="group" '
        f'aria-label="Tree of the clones; each clone is a button">'
    )
    return head + "".join(parts) + "</svg>"


def _room(clones: list[Clone]) -> float:
    """Pixels for the texts beside the clones."""
    longest = max((len(_events(clone)) for clone in clones), default=0)
    return float(np.clip(longest * CHARACTER + 16.0, 30.0, LABEL))


def _events(clone: Clone) -> str:
    return ", ".join(event.label for event in clone.events)


def shortened(labels: list[str], room: int) -> str:
    """Join as many labels as there is room for, and say how many more there are.

    Examples
    --------
    >>> shortened(["NRAS G12D", "PAX5 deletion", "IGH"], 20)
    'NRAS G12D, 2 more'
    """
    for kept in range(len(labels), 0, -1):
        more = len(labels) - kept
        text = ", ".join(labels[:kept]) + (f", {more} more" if more else "")
        if len(text) <= room:
            return text
    return (
        plain(labels[0], room) if len(labels) == 1 else f"{plain(labels[0], max(room - 9, 5))}, {len(labels) - 1} more"
    )


def _y(row: float, top: float) -> float:
    return top + ROW * (row + 0.5)


def _spines(parents: np.ndarray, ends: np.ndarray, row: np.ndarray, top: float) -> str:
    """Vertical lines from each clone to its children, and the normal cells."""
    out = []
    for parent in range(len(parents) + 1):
        children = np.flatnonzero(parents == parent)
        if len(children):
            low, high = _y(row[parent], top), _y(row[children + 1].max(), top)
            x = LEFT + ends[parent]
            out.append(f'<path class="spine" d="M{x:.1f} {low:.1f}V{high:.1f}"/>')
    y = _y(row[0], top)
    out.append(f'<rect class="normal" x="{LEFT - 6:.1f}" y="{y - 6:.1f}" width="12" height="12" rx="2"/>')
    out.append(f'<text class="small" x="{LEFT - 7:.1f}" y="{y - 21:.1f}">normal cells</text>')
    return "".join(out)


def _number_again(clone: Clone, x: float, y: float) -> str:
    return f'<text class="small" aria-hidden="true" x="{x:.1f}" y="{y + 4:.1f}">{clone.number}</text>'


def _clone(clone: Clone, place: tuple[float, float, float], samples: list[str], heat: float, cell: float) -> str:
    """A branch, the clone at its end, and its prevalences: one button."""
    begin, end, y = place
    kind = "sure" if clone.support >= SURE else "likely" if clone.support >= LIKELY else "unlikely"
    parts = [
        f'<g class="node" id="tree-{clone.number}" data-clone="{clone.number}" tabindex="0" role="button" '
        f'aria-pressed="false" aria-label="{escape(spoken(clone))}">',
        f'<rect class="hit" x="{begin:.1f}" y="{y - ROW / 2:.1f}" '
        f'width="{heat - begin + cell * len(samples):.1f}" height="{ROW:.1f}"/>',
        f'<path class="branch {kind}" d="M{begin:.1f} {y:.1f}H{end:.1f}"/>',
        f'<circle cx="{end:.1f}" cy="{y:.1f}" r="{RADIUS}" style="fill:{colour(clone.number)}"/>',
    ]
    parts += [_cell(clone, sample, heat + cell * s, y, cell - 2.0) for s, sample in enumerate(samples)]
    return "".join([*parts, "</g>"])


def _texts(clone: Clone, place: tuple[float, float, float], label: float) -> str:
    """Length and support of a branch, number of the clone, what happened on the branch."""
    begin, end, y = place
    middle = (begin + end - RADIUS) / 2.0
    ink = "light" if style.ink_on(style.colour_of(clone.number)) == style.INK_LIGHT else "dark"
    parts = [f'<text class="length" x="{middle:.1f}" y="{y - 4:.1f}">{clone.mutations:,}</text>']
    if clone.support < SAID:
        parts.append(f'<text class="support" x="{middle:.1f}" y="{y + 11:.1f}">p {clone.support:.2f}</text>')
    parts.append(f'<text class="number {ink}" x="{end:.1f}" y="{y + 4:.1f}">{clone.number}</text>')
    if clone.events:
        shown = shortened([plain(e.label, 40) for e in clone.events], int((label - 16.0) / CHARACTER))
        parts.append(f'<text class="event" x="{end + RADIUS + 5:.1f}" y="{y + 4:.1f}">{escape(shown)}</text>')
    return "".join(parts)


def _cell(clone: Clone, sample: str, x: float, y: float, wide: float) -> str:
    """One prevalence: the fuller the square, the larger the clone; empty where it is absent."""
    size = clone.sizes[sample]
    box = f'x="{x + 1:.1f}" y="{y - 11:.1f}" width="{wide:.0f}" height="22"'
    out = [f'<rect class="cell" {box}/>']
    if size.present >= 0.05 and size.mean > 0:
        tall = 22.0 * float(np.clip(size.mean, 0.03, 1.0))
        faint = "" if size.present >= SURE else ' class="unsure"'
        out.append(
            f'<rect{faint} x="{x + 1:.1f}" y="{y + 11 - tall:.1f}" width="{wide:.0f}" height="{tall:.1f}" '
            f'style="fill:{colour(clone.number)}"/>'
        )
    return "".join(out)


def spoken(clone: Clone) -> str:
    """Say what a clone is, for those who hear the page."""
    where = "the normal cells" if not clone.parent else f"clone {clone.parent}"
    sizes = ", ".join(f"{name} {share(size.mean)}" for name, size in clone.sizes.items() if size.present >= SURE)
    events = f"; {_events(clone)}" if clone.events else ""
    return (
        f"Clone {clone.number}: {clone.mutations:,} mutations{events}; child of {where}, probability "
        f"{probability(clone.support)}; {f'in {sizes}' if sizes else 'surely in no sample'}"
    )


def _heads(samples: list[str], heat: float, top: float, cell: float) -> str:
    """Names of the samples above their columns, and what the columns are."""
    out = [f'<text class="small" x="{heat:.1f}" y="12">share of all cells</text>'] if samples else []
    for s, name in enumerate(samples):
        x = heat + cell * (s + 0.5) + 4.0
        out.append(
            f'<text class="sample" transform="translate({x:.1f} {top - 4:.0f}) rotate(-60)">'
            f"{escape(plain(name, NAMES))}</text>"
        )
    return "".join(out)


def _scale_bar(unit: float, lengthened: bool, bottom: float) -> str:
    """How long a number of mutations is."""
    if unit <= 0:
        return ""
    number = round_length(60.0 / unit)
    y = bottom - 18.0
    note = "; short branches are drawn longer" if lengthened else ""
    return (
        f'<path class="scale" d="M{LEFT:.1f} {y:.1f}h{number * unit:.1f}"/><text class="small" x="{LEFT:.1f}" '
        f'y="{y + 13:.1f}">{number:,} mutation{"s" * (number != 1)}{note}</text>'
    )
