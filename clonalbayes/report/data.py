"""The tables of a result inside a page: packed, so that a hundred thousand mutations stay small."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from .content import Content

BUDGET = 5_500_000
"""Characters of packed tables in a page; what does not fit is named with the folder that holds it."""

LARGEST = 100_000_000
"""Bytes of a table from which it is not packed at all; a tenth of that for other files, which are not shown."""

TITLES = {
    "clones.tsv": "Clones in every sample",
    "mutations.tsv": "Mutations and their clones",
    "samples.tsv": "Samples",
    "n_clones.tsv": "Number of clones",
    "edges.tsv": "Parents and ancestors",
    "identifiability.tsv": "Clones whose place is open",
    "detection.tsv": "Small clones",
    "events.tsv": "Events",
    "exposures.tsv": "Exposures of branches to signatures",
    "signatures.tsv": "Profiles of signatures",
    "matches.tsv": "Signatures beside references",
    "timing.tsv": "Dates",
    "branches.tsv": "Branches by signature and kind",
    "gates.tsv": "Treatments and signatures",
    "clock.tsv": "Clock",
    "segments.tsv": "Copy number",
    "excluded.tsv": "Left out",
    "diagnostics.tsv": "Convergence",
}
"""Tables that a page may hold, in this order; any other table of the folder follows."""

TEXTS = {"run.json": "The run", "tree.nwk": "The tree in Newick", "trees.json": "All trees"}
"""Other files that can be downloaded from a page."""


@dataclass(frozen=True)
class Packed:
    """One file of the folder.

    Attributes
    ----------
    name, title
        File and what it is.
    rows
        Rows of a table; -1 of another file.
    data
        Packed with gzip, as base64; empty if it is too large for the page.
    """

    name: str
    title: str
    rows: int
    data: str


def pack(content: Content) -> list[Packed]:
    """Pack the tables and texts of a folder, the small ones first, as far as there is room.

    Parameters
    ----------
    content
        The folder.

    Returns
    -------
    list of Packed
        In the order in which they are shown.
    """
    there = sorted(p.name for p in content.folder.glob("*.tsv"))
    wanted = [n for n in TITLES if n in there] + [n for n in there if n not in TITLES]
    wanted += [n for n in TEXTS if (content.folder / n).is_file()]
    raw = {name: content.folder / name for name in wanted}
    room, packed = BUDGET, {}
    for name in sorted(wanted, key=lambda n: (n == "trees.json", raw[n].stat().st_size)):
        large = raw[name].stat().st_size > (LARGEST if raw[name].suffix == ".tsv" else LARGEST // 10)
        text = "" if large else _packed(raw[name])
        if len(text) > room:
            text = ""
        room -= len(text)
        packed[name] = text
    titles = TITLES | TEXTS
    return [Packed(n, titles.get(n, n), _rows(raw[n]), packed[n]) for n in wanted]


def _packed(path: Path) -> str:
    return base64.b64encode(gzip.compress(path.read_bytes(), compresslevel=7, mtime=0)).decode("ascii")


def _rows(path: Path) -> int:
    if path.suffix != ".tsv":
        return -1
    with path.open("rb") as file:
        return max(sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b"")) - 1, 0)


def islands(packed: list[Packed]) -> str:
    """Elements that hold the packed files; the browser reads them as text, never as markup or script."""
    return "".join(
        f'<script type="text/plain" class="packed" data-name="{escape(p.name)}">{p.data}</script>\n'
        for p in packed
        if p.data
    )


def as_json(value: Any) -> str:
    r"""Write JSON that cannot end the element that it is in.

    Examples
    --------
    >>> as_json("</script>&")
    '"\\u003c/script\\u003e\\u0026"'
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
