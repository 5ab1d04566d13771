"""The figures of a page: which there are, what each shows, and why one is missing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from clonalbayes.faults import InputError

from .content import Content
from .svg import drawn

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Plan:
    """One figure of a page.

    Attributes
    ----------
    name
        Name in `clonalbayes.plots`, and of the downloaded file.
    title
        What it shows, in a few words.
    caption
        How to read it.
    source
        "tree" if it is drawn from the posterior, "folder" if from the folder's tables.
    options
        For the function that draws it.
    """

    name: str
    title: str
    caption: str
    source: str = "tree"
    options: tuple[tuple[str, Any], ...] = ()


PLANS = {
    plan.name: plan
    for plan in (
        Plan("fish", "Clones over time",
             "Each clone grows inside its parent; the height is the share of all cells. Bars below it are the "
             "treatments, the strips each clone's prevalence on a scale of its own with its interval. Between "
             "samples nothing is known: the shape there is a guess."),
        Plan("clone_sizes", "Sizes of the clones on a log axis",
             "A dot is a clone's size in a sample, the bar its 95 % interval; it is filled where the clone surely is "
             "there, grey where it surely is not. The orange line is what errors alone look like. Where there is "
             "room, stars say how sure it is that the clone is there, a number that this is open.", "folder"),
        Plan("prevalence", "Prevalence of every clone in every sample",
             "Share of all cells with 95 % interval. Prevalences of a clone and of its descendants nest: they do "
             "not add up to one."),
        Plan("heatmap", "Variant allele fractions of the mutations",
             "A row a mutation, grouped by clone; a column a sample."),
        Plan("vaf", "Mutations in pairs of samples",
             "A dot a mutation, coloured by its clone; contours hold 50 and 90 % of a clone."),
        Plan("similarity", "Which mutations belong together",
             "The darker, the more probable it is that two mutations are of one clone.",
             options=(("max_draws", 200), ("max_mutations", 400))),
        Plan("exposures", "Signatures of every branch",
             "Share of each signature among the mutations of a branch; the lines are 95 % intervals.", "folder"),
        Plan("spectra", "Profiles of the signatures",
             "Share of each trinucleotide change with its interval; the dot is the reference.", "folder"),
        Plan("calendar", "The tree on the calendar",
             "Each clone's last common ancestor with the 95 % interval of its date; shaded: treatments.", "folder"),
        Plan("around", "Splits and treatments",
             "How probable it is that a split lies before, during or after a treatment.", "folder"),
        Plan("copy_number", "Copy number along the genome",
             "Total copies in black, copies of the minor allele in green; gains and losses are filled.", "folder"),
        Plan("alternatives", "Alternatives to the tree",
             "Grey: the consensus tree. An arc in a clone's colour is another parent that it may have, as wide as "
             "it is probable."),
        Plan("n_clones", "Number of clones",
             "Posterior of the number of clones, of all and of those that are not tiny."),
        Plan("convergence", "Whether the chains agree",
             "A dot a quantity: converged ones lie below and to the right of the lines. Right: the draws of two of "
             "them, a line a chain.", "folder"),
    )
}  # fmt: skip
"""Figures that matplotlib draws for a page; the tree is drawn by `clonalbayes.report.tree_svg`."""


class Figures:
    """Draws figures one by one, numbers their ids, and says why one is missing.

    Parameters
    ----------
    content
        The folder.
    tree
        Its posterior, open.
    """

    def __init__(self, content: Content, tree: xr.DataTree) -> None:
        self.content, self.tree = content, tree
        self.count = 0
        self.drawn: list[str] = []

    def html(self, name: str) -> str:
        """One figure as HTML, or a sentence that says why it is not there."""
        from clonalbayes.plots.registry import PARTS, REGISTRY

        plan = PLANS[name]
        make = (REGISTRY | PARTS)[name]
        source = self.tree if plan.source == "tree" else self.content.folder
        self.count += 1
        try:
            svg, width = drawn(lambda: make(source, **dict(plan.options)), f"f{self.count}-", plan.title)
        except InputError as error:
            return absent(f"{plan.title}: {error}")
        self.drawn.append(name)
        return frame(name, plan.title, plan.caption, svg, width)


def marked(text: str) -> str:
    """Escape a text; what is in backquotes is code, and an option is not broken at its dashes.

    Examples
    --------
    >>> marked("a < b: `fit`")
    'a &lt; b: <code>fit</code>'
    >>> marked("run with --draws 500")
    'run with <span class="day">--draws 500</span>'
    """
    coded = re.sub(r"`([^`<>]+)`", r"<code>\1</code>", escape(text))
    return re.sub(r"(?<![\w-])--[a-z]+(?: \d+)?", r'<span class="day">\g<0></span>', coded)


def absent(why: str) -> str:
    """A sentence that says why something is not there."""
    return f'<p class="absent">{marked(why)}</p>'


def frame(name: str, title: str, caption: str, svg: str, width: float) -> str:
    """Put a picture into its frame, with title, caption and downloads.

    Parameters
    ----------
    name
        Of the file that is downloaded.
    title, caption
        Above and below it.
    svg
        The picture.
    width
        Its own width in pixels; it is shown at most a little larger, and scrolls where the page is much narrower.
    """
    least, most = min(width * 0.85, max(900.0, width * 0.8)), width * 1.25
    return (
        f'<figure class="figure" id="figure-{name}" data-name="{escape(name)}">\n<h3>{escape(title)}</h3>\n'
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(title)}">'
        f'<div class="canvas" style="min-width:{least:.0f}px;max-width:{most:.0f}px">{svg}</div></div>\n'
        f"<figcaption>{escape(caption)}</figcaption>\n{BUTTONS.replace('NAME', escape(title))}\n</figure>\n"
    )


BUTTONS = (
    '<p class="buttons"><button type="button" data-save="svg" aria-label="Save NAME as SVG">SVG</button> '
    '<button type="button" data-save="png" aria-label="Save NAME as PNG">PNG</button></p>'
)
