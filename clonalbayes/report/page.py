"""The page: head with its policy, sections, packed tables, style and script, in one file."""

from __future__ import annotations

import base64
import gc
import hashlib
import math
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

from clonalbayes.faults import fail
from clonalbayes.results import REPORT

from .content import Content
from .data import as_json, islands, pack
from .figures import Figures
from .sections import SECTIONS, tables
from .svg import dark_variables
from .words import plural

TABLES = ("tables", "Tables and downloads")


def write_report(
    folder: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    events: str | os.PathLike[str] | None = None,
) -> Path:
    """Write the page of a result folder, whole or not at all.

    Parameters
    ----------
    folder
        Result folder.
    out
        File to write; by default ``report.html`` in the folder.
    events
        Table of events (drivers, rearrangements, clonotypes) to put on the tree; by default the folder's own.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If the folder is no result, the events cannot be read, or the file cannot be written.
    """
    content = Content.of(Path(folder), None if events is None else Path(events))
    path = content.folder / REPORT if out is None else Path(out).expanduser()
    if path.is_dir():
        raise fail(str(path), "is a folder", "Name a file, such as report.html.")
    text = make_page(content)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def make_page(content: Content) -> str:
    """Make the page; the same result gives the same page.

    Parameters
    ----------
    content
        What the result says.
    """
    from clonalbayes.plots.source import opened

    with opened(content.folder) as tree, _no_collection():
        figures = Figures(content, tree)
        made = {s.anchor: s.make(content, figures) for s in SECTIONS}
        answers = _answers(content)
    packed = pack(content)
    made[TABLES[0]] = tables(content, packed)
    titles = [(s.anchor, s.title) for s in SECTIONS]
    titles.insert(-1, TABLES)
    body = "".join(
        f'<section id="{anchor}" aria-labelledby="h-{anchor}">\n<h2 id="h-{anchor}">{escape(title)}</h2>\n'
        f"{made[anchor]}</section>\n"
        for anchor, title in titles
    )
    return _whole(content, titles, body, answers, islands(packed))


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the collector of cycles away while figures come and go: a tenth of the time."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


def _whole(content: Content, titles: list[tuple[str, str]], body: str, answers: dict[str, Any], data: str) -> str:
    """Put the parts together."""
    style, script = asset("report.css"), asset("report.js")
    dark = "@media screen and (prefers-color-scheme:dark){:root{" + dark_variables(body) + "}}"
    title = f"Clones of {content.patient}"
    menu = "".join(f'<li><a href="#{anchor}">{escape(text)}</a></li>' for anchor, text in titles)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy(script)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}{dark}\n</style>\n</head>\n<body>\n"
        '<a class="skip" href="#summary">To the findings</a>\n'
        f"<header><h1>{escape(title)}</h1>\n<p>{escape(_subtitle(content))}</p></header>\n"
        f'<nav aria-label="Sections"><ul>{menu}</ul></nav>\n<main>\n{body}</main>\n'
        f"<footer><p>{escape(_subtitle(content))}. This file holds everything that it shows; nothing is "
        "fetched.</p></footer>\n"
        f'<script type="application/json" id="clones">{as_json(answers)}</script>\n{data}'
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def _subtitle(content: Content) -> str:
    run = content.run
    model = run.get("model") or {}
    counts = f"{plural(len(content.samples), 'sample')}, {plural(len(content.labels), 'mutation')}"
    made = f"clonalbayes {run.get('clonalbayes', '')}, model {model.get('name', '')} {model.get('version', '')}"
    finished = str(run.get("finished", ""))[:10]
    return f"{counts}; {made}" + (f", fitted on {finished}" if finished else "")


def _answers(content: Content) -> dict[str, Any]:
    """What the tree tells when a clone is pointed at."""

    def number(value: float) -> float | None:
        return None if math.isnan(value) else float(f"{value:.4g}")

    clones = [
        {
            "id": c.number, "n": c.mutations, "parent": c.parent, "support": number(c.support),
            "events": [{"label": e.label, "how": e.how, "p": number(e.probability)} for e in c.events],
            "sizes": [[number(v) for v in (z.mean, z.lo, z.hi, z.ccf, z.present)]
                      for z in (c.sizes[s] for s in content.samples)],
        }
        for c in content.clones
    ]  # fmt: skip
    others = {row["clone"]: row["parents"] for row in content.unsettled if row.get("parents")}
    samples = [[name, content.dates.get(name, ""), content.groups.get(name, "")] for name in content.samples]
    return {"patient": content.patient, "samples": samples, "clones": clones, "open": others}


def policy(script: str) -> str:
    """Content-Security-Policy of a page: nothing is fetched, and no script runs but its own.

    Parameters
    ----------
    script
        Text of the page's script.
    """
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def asset(name: str) -> str:
    """Read a file of the package: style or script."""
    return resources.files("clonalbayes.report").joinpath(name).read_text(encoding="utf-8").replace("\r\n", "\n")
