"""Formulas of the site: TeX between dollar signs becomes MathML when the site is built, so browsers need no script."""

from __future__ import annotations

import html
import re
from typing import Any

FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)


def on_page_content(text: str, **about: Any) -> str:
    """Replace the formulas of a page (called by mkdocs)."""
    return FORMULA.sub(_mathml, text)


def _mathml(found: re.Match[str]) -> str:
    from latex2mathml.converter import convert

    block = found[2] == "["
    made = str(convert(html.unescape(found[3]).strip(), display="block" if block else "inline"))
    made = made.replace("<mi>&#x0007E;</mi>", '<mo lspace="0.28em" rspace="0.28em">&#x223C;</mo>')  # is distributed as
    return f'<div class="formula">{made}</div>' if block else made
