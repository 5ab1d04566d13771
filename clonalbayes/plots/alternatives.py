"""Where else clones could hang: the consensus tree, and every other parent by its probability."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from clonalbayes.plots import style
from clonalbayes.plots.source import Source, dataset, group, opened, with_trees
from clonalbayes.plots.tree import RADIUS, draw_clones
from clonalbayes.plots.tree_layout import levels
from clonalbayes.summaries.trees import collect

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 40
"""Edges besides those of the consensus tree that are drawn."""

THICK = 5.0
"""Points of the line of an edge of probability 1."""

SURE, SLIGHT = 0.95, 0.075
"""Probabilities from which no edge is labelled, and below which none besides the consensus tree's."""

ACROSS, DOWN = 0.66, 0.62
"""Inches from level to level, and from leaf to leaf."""


def compute_alternatives(source: Source, *, least: float = 0.05) -> xr.Dataset:
    """Probabilities of all parents of all clones.

    Parameters
    ----------
    source
        Tree or result folder of a model with trees.
    least
        Probability from which a parent is drawn.

    Returns
    -------
    xarray.Dataset
        parent and child (edge; 0 the root), probability (edge), consensus (edge) whether it is in the consensus
        tree; consensus_parent (clone). The most probable first.

    Raises
    ------
    InputError
        If the model has no trees.
    """
    with opened(source) as tree:
        with_trees(tree)
        group(tree, "consensus")
        trees = collect(tree)
    table = trees.parent_probability
    best = np.zeros(table.shape, bool)
    best[trees.consensus.astype(int), np.arange(trees.clones)] = True
    parent, child = np.nonzero(best | (table >= max(least, 1e-12)))
    order = np.lexsort((child, -table[parent, child]))
    parent, child = parent[order], child[order]
    others = np.flatnonzero(~best[parent, child])
    rest = float(table.sum() - table[parent, child].sum())
    keep = np.ones(len(parent), bool)
    keep[others[MOST:]] = False
    notes = []
    if len(others) > MOST:
        notes.append(f"{MOST} of {len(others)} other parents are drawn, the most probable.")
    elif rest > 0.005:
        notes.append(f"Parents of a probability below {least:g} are not drawn.")
    parent, child = parent[keep], child[keep]
    return dataset(
        {
            "parent": ("edge", parent),
            "child": ("edge", child + 1),
            "probability": ("edge", table[parent, child]),
            "consensus": ("edge", best[parent, child]),
            "consensus_parent": ("clone", trees.consensus.astype(int)),
        },
        {"clone": np.arange(1, trees.clones + 1)},
        notes,
    )


def draw_alternatives(data: xr.Dataset, axes: Axes | None = None) -> Axes:
    """Draw what `compute_alternatives` returned.

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
    y, x = levels(data["consensus_parent"].values)
    leaves, deep = float(y.max(initial=0.0)) + 1.0, float(x.max(initial=0))
    with style.style():
        own = axes is None
        crowd = float((~data["consensus"].values).sum()) / max(data.sizes["clone"], 1)
        spacing = float(np.clip(0.8 + 0.25 * crowd, 1.0, 1.8))
        width = float(np.clip(ACROSS * spacing * deep + 1.2, 3.8, 17.0))
        height = float(np.clip(DOWN * spacing * leaves + 0.9, 1.8, 17.0))
        axis = style.new_axes(1, 1, width, height)[0, 0] if axes is None else axes
        axis.set(xlim=(-0.95, deep + 0.45), ylim=(y.max() + 0.6, y.min() - 0.6))
        axis.axis("off")
        axis.plot([x[0]], [y[0]], "s", ms=7, color="0.35", zorder=3)
        beside: dict[str, Any] = {"textcoords": "offset points", "ha": "right", "va": "center", "fontsize": 7}
        axis.annotate("normal\ncells", (x[0], y[0]), (-6, 0), **beside)
        draw_clones(axis, x[1:].astype(float), y[1:], RADIUS + 1.0)
        if own:
            _add_legend(axis)
        style.add_note(axis, data.attrs["note"], own=own)
        style.figure_of(axis).draw_without_rendering()  # arcs are laid around the marks: where these end up counts
        nodes = _in_inches(axis, x, y)
        taken = [*nodes]
        rows = range(data.sizes["edge"])
        for e in sorted(rows, key=lambda e: (not data["consensus"].values[e], -float(data["probability"][e]))):
            _draw_edge(axis, data, e, (x, y), nodes, taken)
    return axis


def _in_inches(axis: Axes, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Places [K + 1, 2] in inches from the lower left corner."""
    (left, right), (bottom, top) = axis.get_xlim(), axis.get_ylim()
    share = np.stack([(x - left) / (right - left), (y - bottom) / (top - bottom)], axis=1)
    return np.asarray(share * style.inches_of(axis))


def _draw_edge(
    axis: Axes,
    data: xr.Dataset,
    e: int,
    at: tuple[np.ndarray, np.ndarray],
    nodes: np.ndarray,
    taken: list[np.ndarray],
) -> None:
    """One edge: a straight grey line of the consensus tree, or an arc of the clone's colour to another parent.

    `taken` are the places of marks and numbers so far, in inches; that of this edge's number is added.
    """
    from matplotlib.patches import FancyArrowPatch

    parent, child = int(data["parent"].values[e]), int(data["child"].values[e])
    p, best = float(data["probability"].values[e]), bool(data["consensus"].values[e])
    bend = 0.0 if best else bend_of(nodes, parent, child)
    colour = "0.55" if best else style.colour_of(child)
    (x, y) = at
    arrow = FancyArrowPatch(
        (float(x[parent]), float(y[parent])),
        (float(x[child]), float(y[child])),
        arrowstyle="-" if best else "-|>",
        connectionstyle=f"arc3,rad={bend}",
        lw=max(THICK * p, 0.5),
        color=colour,
        shrinkA=RADIUS + 1.0,
        shrinkB=RADIUS + 1.5,
        mutation_scale=5.0 + 6.0 * p,
        zorder=1 if best else 2,
    )
    arrow.set_in_layout(False)
    axis.add_patch(arrow)
    if p < SURE and (best or p >= SLIGHT):
        _label_edge(axis, p, arc_points(nodes[parent], nodes[child], bend), taken)


def _label_edge(axis: Axes, p: float, curve: np.ndarray, taken: list[np.ndarray]) -> None:
    """Write a probability where along its edge [points, 2] it is farthest from marks and other numbers."""
    from matplotlib.patheffects import withStroke

    middle = curve[len(curve) // 4 : -len(curve) // 6]
    gap = np.linalg.norm(middle[:, None] - np.array(taken)[None], axis=2).min(1)
    place = middle[int(np.minimum(gap, 0.3).argmax())]  # beyond 0.3 inches it is far enough
    taken.append(place)
    wide, tall = style.inches_of(axis)
    look: dict[str, Any] = {
        "fontsize": 6,
        "ha": "center",
        "va": "center",
        "color": "0.1",
        "path_effects": [withStroke(linewidth=1.8, foreground="white")],
        "zorder": 5,
    }
    text = f"{p:.2f}".lstrip("0")
    axis.annotate(text, (place[0] / wide, place[1] / tall), xycoords="axes fraction", **look).set_in_layout(False)


def bend_of(nodes: np.ndarray, parent: int, child: int) -> float:
    """How far an arc bends, and to which side: as far from the other marks as can be, but little.

    Parameters
    ----------
    nodes
        [K + 1, 2] places in inches.
    parent, child
        Ends of the arc.
    """
    length = max(float(np.linalg.norm(nodes[child] - nodes[parent])), 0.3)
    others = np.delete(nodes, [parent, child], axis=0)
    best, room = 0.0, -np.inf
    for inches in (0.22, -0.22, 0.1, -0.1, 0.34, -0.34, 0.5, -0.5, 0.7, -0.7):
        bend = float(np.clip(2.0 * inches / length, -0.9, 0.9))
        points = arc_points(nodes[parent], nodes[child], bend)
        gap = np.linalg.norm(points[:, None] - others[None], axis=2).min(initial=1.0)
        gap = min(gap, 0.22) - 0.05 * abs(inches)  # what is clear of all marks need not go farther
        if gap > room + 1e-9:
            best, room = bend, gap
    return best


def arc_points(start: np.ndarray, end: np.ndarray, bend: float) -> np.ndarray:
    """Points [25, 2] of the arc that matplotlib draws: quadratic, its control point beside the chord's middle."""
    across, up = end - start
    control = (start + end) / 2.0 + bend * np.array([up, -across])
    t = np.linspace(0.0, 1.0, 25)[:, None]
    return np.asarray((1 - t) ** 2 * start + 2 * t * (1 - t) * control + t**2 * end)


def _add_legend(axis: Axes) -> None:
    """Say above the figure what the edges mean."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color="0.55", lw=THICK, label="consensus tree"),
        Line2D([], [], color=style.colour_of(5), lw=THICK / 2, label="other parent of the clone of that colour"),
    ]
    figure = style.figure_of(axis)
    figure.legend(
        handles=handles,
        loc="outside upper center",
        ncols=2 if figure.get_size_inches()[0] >= 4.5 else 1,
        frameon=False,
        title="width and number: probability",
        title_fontsize=7.5,
    )


def plot_alternatives(source: Source, *, axes: Axes | None = None, **options: Any) -> Axes:
    """Draw the consensus tree and the other parents that clones could have, as wide as they are probable.

    Parameters
    ----------
    source
        Tree or result folder of a model with trees.
    axes
        As in `draw_alternatives`.
    **options
        As in `compute_alternatives`: least.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    return draw_alternatives(compute_alternatives(source, **options), axes)
