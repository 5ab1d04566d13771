"""The sections of a page, one function each; every one takes the content and the figures and returns HTML."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

from . import words
from .content import Clone, Content
from .data import Packed
from .figures import BUTTONS, Figures, absent, marked
from .methods import citations, methods
from .tree_svg import colour, plain, tree_svg

NO_TREES = "The model of this result has no trees: fit one with `--model tree`."
LONG = 60
"""Characters of a name that are shown."""

BESIDE = 760
"""Pixels of a tree up to which there is room for the numbers of a clone beside it."""

WRAPPED = 24
"""Characters from which a cell of a table is given room for lines of text."""

OPEN = 12
"""Clones whose place is open that are explained in full at most."""

REASONS = 30
"""Reasons of the table of what was left out that are listed at most."""

FEW = 5
"""Findings of a part that are shown at once."""

WORST = 8
"""Quantities of the table of convergence."""


@dataclass(frozen=True)
class Section:
    """One section of a page.

    Attributes
    ----------
    anchor, title
        Its place in the page, and its heading.
    make
        Writes its HTML.
    """

    anchor: str
    title: str
    make: Callable[[Content, Figures], str]


def said(sentence: str) -> str:
    """Escape a sentence and put clones that it names into their colours.

    Examples
    --------
    >>> said("Clone 3 < 4").startswith('<span class="chip"')
    True
    """
    text = re.sub(r"(?<=\d) %", f"{words.NARROW}%", marked(sentence))
    text = re.sub(r"\b\d{4}-\d\d-\d\d\b", r'<span class="day">\g<0></span>', text)
    return re.sub(r"\b([Cc]lone (\d{1,4}))\b", _chip, text)


def _chip(found: re.Match[str]) -> str:
    return f'<span class="chip" style="--c:{colour(int(found[2]))}">{found[1]}</span>'


def table(head: list[str], rows: list[list[str]], caption: str) -> str:
    """Write a table; cells are HTML."""
    titles = "".join(f'<th scope="col">{escape(h)}</th>' for h in head)
    body = "".join("<tr>" + "".join(_cell(cell) for cell in row) + "</tr>\n" for row in rows)
    return (
        f'<div class="scroll" tabindex="0" role="region" '
        f'aria-label="{escape(caption)}"><table><caption>{escape(caption)}'
        f"</caption><thead><tr>{titles}</tr></thead><tbody>\n{body}</tbody></table></div>\n"
    )


def _cell(cell: str) -> str:
    size = 0 if "<button" in cell else len(re.sub("<[^>]*>", "", cell))
    kind = ' class="longer"' if size > 3 * WRAPPED else ' class="long"' if size > WRAPPED else ""
    return f"<td{kind}>{cell}</td>"


def summary(content: Content, figures: Figures) -> str:
    """What was found, in sentences; the verdict on convergence first."""
    verdict = str(content.run.get("verdict", "not judged")).rstrip(".")
    good = words.converged(verdict)
    head = "The chains agree" if good else "The chains do not agree: read these numbers with care"
    box = (
        f'<div class="verdict {"good" if good else "bad"}"><strong>{"✓" if good else "!"} {head}.</strong> '
        f"{marked(verdict[:1].upper() + verdict[1:])}.</div>\n"
    )
    items = "".join(f"<li>{said(sentence)}</li>\n" for sentence in words.summary(content))
    return box + f'<ul class="findings">\n{items}</ul>\n'


def tree(content: Content, figures: Figures) -> str:
    """The tree that answers, and the clones as a table."""
    if not content.has_trees:
        return absent(NO_TREES) + clones_table(content)
    if not content.clones:
        return absent("No clone was found.")
    svg = tree_svg(content.clones, content.samples)
    found = re.search(r'viewBox="0 0 (\d+) ', svg)
    wide = int(found[1]) if found else 700
    title = "Consensus tree"
    picture = (
        f'<figure class="figure" id="figure-tree" data-name="tree"><h3>{title}</h3>\n<div '
        f'class="treebox{" beside" if wide <= BESIDE else ""}">'
        f'<div class="scroll" tabindex="0" role="region" aria-label="{title}"><div class="canvas" '
        f'style="min-width:{wide * 0.86:.0f}px;max-width:{wide * 1.2:.0f}px">{svg}</div></div>\n'
        '<div class="card" id="card" aria-live="polite"><p class="hint">Point at a clone, tap it or walk with the '
        'arrow keys: '
        "its numbers appear here. Enter or a click holds it, Escape lets go.</p></div></div>\n"
        "<figcaption>Branches are as long as they have mutations (number above). Solid lines are sure (probability "
        "0.95 or "
        "more), dashed ones likely, dotted ones open. The columns are the samples: a square is as full as the clone is "
        "large, pale where its presence is open, empty where it is absent.</figcaption>\n"
        f"{BUTTONS.replace('NAME', title)}</figure>\n"
    )
    return picture + _unplaced(content) + clones_table(content)


def _unplaced(content: Content) -> str:
    """Events that are on no branch, and drivers that there are none of."""
    if not content.events:
        return absent("No driver events are on the tree: the result has no table of events ([events] in "
                      "run.toml, or `clonalbayes report --events FILE`).")  # fmt: skip
    rows = [[escape(plain(e.label, LONG)), escape(e.kind), escape(e.how)] for e in content.events if not e.clone]
    return table(["event", "kind", "why"], rows, "Events that are on no branch") if rows else ""


def clones_table(content: Content) -> str:
    """The clones with their parents, and where each is largest."""
    rows = []
    for clone in content.clones:
        largest = max(clone.sizes, key=lambda s: _finite(clone.sizes[s].mean), default=None)
        size = "" if largest is None else _size(clone, largest)
        parent = "" if clone.parent is None else ("normal cells" if clone.parent == 0 else str(clone.parent))
        sure = "" if clone.parent is None else words.probability(clone.support)
        sign = f'<span class="chip" style="--c:{colour(clone.number)}">{clone.number}</span>'
        events = escape(plain(", ".join(e.label for e in clone.events), 120))
        rows.append([sign, f"{clone.mutations:,}", parent, sure, events, size])
    head = ["clone", "mutations", "parent", "probability", "events", "largest in"]
    return table(head, rows, "Clones of the consensus")


def _finite(value: float) -> float:
    return -1.0 if math.isnan(value) else value


def _size(clone: Clone, sample: str) -> str:
    size = clone.sizes[sample]
    return f"{escape(plain(sample, 30))}: {words.share(size.mean)} ({words.share(size.lo)} to {words.share(size.hi)})"


def over_time(content: Content, figures: Figures) -> str:
    """The fish plot."""
    return figures.html("fish") if content.has_trees else absent(NO_TREES)


def small_clones(content: Content, figures: Figures) -> str:
    """Sizes on a log axis, and the table of detection."""
    said_ = content.findings("detection")
    note = f"<ul>\n{''.join(f'<li>{said(s)}</li>' for s in said_[:FEW])}</ul>\n" if said_ else ""
    if len(said_) > FEW:
        rest = "".join(f"<li>{said(s)}</li>\n" for s in said_[FEW:])
        note += f"<details><summary>{len(said_) - FEW} more findings</summary><ul>\n{rest}</ul></details>\n"
    if not content.has("detection.tsv"):
        note = absent("The result has no detection.tsv: sizes and presence are those of the fit, without a panel's "
                      "error rates at every site and without limits of detection.")  # fmt: skip
    return note + figures.html("clone_sizes") + _single_rate(content)


def _single_rate(content: Content) -> str:
    """The test with one error rate beside the probability, for comparison with the paper's figure."""
    rows = []
    for row in content.rows("detection"):
        key = row.get("clone") or row.get("clade") or ""
        if "single_rate_p" not in row:
            return ""
        p = float(row["p_present"]) if row.get("p_present") not in (None, "", "NA") else math.nan
        interval = f"{_short(row.get('vaf_lo'))} to {_short(row.get('vaf_hi'))}"
        numbers = [_short(row.get("vaf_mean")), interval, _short(row.get("lod_vaf")), _short(row["single_rate_p"])]
        rows.append([escape(plain(key, 20)), escape(plain(row["sample"], 30)), words.probability(p), *numbers])
    if not rows or len(rows) > 400:
        return ""
    head = [
        "clone",
        "sample",
        "probability of presence",
        "VAF",
        "95 % interval",
        "limit of detection",
        "p, single rate",
    ]
    caption = "Presence, and for comparison the one-sided binomial test with a single error rate"
    return f"<details><summary>{caption}</summary>{table(head, rows, caption)}</details>\n"


def _short(text: str | None) -> str:
    try:
        return f"{float(text):.2g}"  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return "–"


def clones_in_samples(content: Content, figures: Figures) -> str:
    """Prevalences, VAFs, pairs, co-clustering."""
    return "".join(figures.html(name) for name in ("prevalence", "heatmap", "vaf", "similarity"))


def signatures(content: Content, figures: Figures) -> str:
    """Exposures and profiles."""
    if not content.has("exposures.tsv"):
        return absent(
            "The result has no signatures: the mutations have no trinucleotide contexts, or none were asked for."
        )
    parts = "".join(f"<li>{said(s)}</li>\n" for s in content.findings("signatures"))
    whole = figures.html("exposures")
    if content.has("signatures.tsv", "matches.tsv"):
        whole += figures.html("spectra")
    return (f"<ul>\n{parts}</ul>\n" if parts else "") + whole


def calendar(content: Content, figures: Figures) -> str:
    """The tree on the calendar, and the splits around the treatments."""
    if not content.has("timing.nc"):
        dated = "" if content.dates else " The samples have no dates."
        return absent(f"The result has no dates of its branches.{dated}")
    parts = "".join(f"<li>{said(s)}</li>\n" for s in content.findings("timing"))
    around = figures.html("around") if content.has("timing.tsv") else ""
    return (f"<ul>\n{parts}</ul>\n" if parts else "") + figures.html("calendar") + around


def copy_number(content: Content, figures: Figures) -> str:
    """Copy number along the genome."""
    return figures.html("copy_number")


def alternatives(content: Content, figures: Figures) -> str:
    """Other trees, and what would tell."""
    if not content.has_trees:
        return absent(NO_TREES)
    found = content.run.get("trees") or {}
    parts = [figures.html("alternatives")]
    if not content.unsettled:
        parts.insert(0, "<p>Every clone's parent has a probability of at least 0.95.</p>\n")
    else:
        rows = "".join(f"<li>{said(row['statement'])}</li>\n" for row in content.unsettled[:OPEN])
        more = len(content.unsettled) - OPEN
        rest = f"<p>and {more} more, see identifiability.tsv.</p>\n" if more > 0 else ""
        parts.insert(0, f"<ul>\n{rows}</ul>\n{rest}")
    if found.get("complete") is not None and float(found["complete"]) < 0.9:
        parts.append(f"<p>Only {float(found['complete']):.0%} of the draws have every clone of the consensus: trust "
                     "single "
                     "relations more than whole trees.</p>\n")  # fmt: skip
    return "".join(parts)


def convergence(content: Content, figures: Figures) -> str:
    """The verdict, the worst quantities, the number of clones."""
    verdict = str(content.run.get("verdict", "not judged"))
    rows = [row for row in content.rows("diagnostics") if row.get("rhat") not in ("", "NA", None)]
    rows.sort(key=lambda row: -float(row["rhat"]))
    cells = [
        [escape(plain(row["quantity"], LONG)), _fixed(row["rhat"]), _whole(row["ess_bulk"]), marked(row["verdict"])]
        for row in rows[:WORST]
    ]
    worst = (
        table(["quantity", "R-hat", "effective draws", "verdict"], cells, "Quantities that agree least")
        if cells
        else ""
    )
    return f"<p>{said(verdict[:1].upper() + verdict[1:].rstrip('.'))}.</p>\n" + figures.html("convergence") + worst + (
        figures.html("n_clones"))  # fmt: skip


def _fixed(text: str) -> str:
    return f"{float(text):.3f}"


def _whole(text: str) -> str:
    return f"{float(text):,.0f}" if text not in ("", "NA") else "–"


def left_out(content: Content, figures: Figures) -> str:
    """What was filtered and why, and what else the run said of its input."""
    counts = Counter(row["reason"] for row in content.rows("excluded"))
    if counts:
        rows = [[escape(reason), f"{n:,}"] for reason, n in counts.most_common(REASONS)]
        out = table(["reason", "mutations"], rows, "Mutations left out before the fit")
    else:
        out = "<p>No mutation was left out before the fit.</p>\n"
    kinds = Counter(clone for clone, _ in content.labels.values() if not clone.isdigit())
    for kind, what in (("noise", "an artefact"), ("germline", "a germline variant")):
        if kinds[kind]:
            out += (f"<p>Of the mutations in the fit, {kinds[kind]:,} are more likely {what} than in any clone "
                    f"(<i>{kind}</i> in mutations.tsv).</p>\n")  # fmt: skip
    notes = "".join(f"<li>{escape(str(note))}</li>\n" for note in content.run.get("notes", []))
    return out + (f"<h3>Assumed of the input</h3>\n<ul>\n{notes}</ul>\n" if notes else "")


def tables(content: Content, packed: list[Packed]) -> str:
    """The viewer of tables, and every file with its download."""
    rows = []
    for p in packed:
        size = f"{p.rows:,} rows" if p.rows >= 0 else "text"
        name = escape(p.name)
        if p.data:
            see = f'<button type="button" data-table="{name}">Show</button> ' if p.rows >= 0 else ""
            what = f'{see}<button type="button" data-download="{name}">Download</button>'
        else:
            what = "too large for this page: in the result folder"
        rows.append([escape(p.title), f"<code>{name}</code>", size, what])
    listed = table(["table", "file", "size", "in this page"], rows, "Files of the result")
    viewer = (
        '<div id="viewer" class="viewer" hidden><h3 id="viewer-title">Table</h3><p class="tools"><label>Search '
        '<input type="search" id="search"></label> <span id="count" role="status"></span></p>'
        '<div class="scroll" tabindex="0" role="region" aria-label="Rows of the table"><table id="rows"></table></div>'
        '<p class="tools"><button type="button" id="previous">Previous</button> <span id="pages"></span> '
        '<button type="button" id="next">Next</button></p></div>\n'
    )
    script = '<noscript><p class="absent">Tables and downloads of this page need JavaScript.</p></noscript>'
    beside = "<p>Every draw of the posterior is in <code>posterior.nc</code> of the result folder.</p>\n"
    return listed + script + viewer + beside


def methods_section(content: Content, figures: Figures) -> str:
    """The paragraph to paste, and the citations."""
    cited = "".join(f"<li>{escape(text)}</li>\n" for text in citations(content))
    inputs: Any = content.run.get("inputs") or {}
    rows = [
        [escape(plain(str(name), LONG)), f"<code>{escape(str(digest)[:16])}…</code>"] for name, digest in inputs.items()
    ]
    files = table(["file", "SHA-256"], rows, "Input files") if rows else ""
    return (
        f'<p id="methods-text">{escape(methods(content))}</p>\n<p class="buttons"><button type="button" '
        'id="copy">Copy the '
        f'paragraph</button> <span id="copied" role="status"></span></p>\n<h3>Citations</h3>\n<ol '
        f'class="cited">\n{cited}'
        f"</ol>\n<details><summary>Input files</summary>{files}</details>\n"
    )


SECTIONS = (
    Section("summary", "Summary", summary),
    Section("tree", "Tree", tree),
    Section("time", "Over time", over_time),
    Section("sizes", "Small clones", small_clones),
    Section("samples", "Clones in the samples", clones_in_samples),
    Section("signatures", "Signatures", signatures),
    Section("calendar", "Calendar", calendar),
    Section("copy-number", "Copy number", copy_number),
    Section("alternatives", "Alternatives", alternatives),
    Section("convergence", "Convergence", convergence),
    Section("filtered", "Left out", left_out),
    Section("methods", "Methods", methods_section),
)
"""Sections in the order of the page; the tables come before the last one."""
