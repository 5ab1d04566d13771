"""Tables as tab-separated text: written whole or not at all, and read again without loss."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

_MISSING = ("NA", "NaN", "nan", ".")
"""Texts that readers of tables take for an empty cell."""


@lru_cache(maxsize=1 << 16)
def quoted(text: str, also: str = "") -> str:
    r"""Write a text so that it stays one cell and is read again as it was: as `%XX` where need be.

    Parameters
    ----------
    text
        Any text.
    also
        Characters that are written as `%XX` besides `%`, quotation marks and control characters.

    Examples
    --------
    >>> quoted("a\tb,c", also=","), unquoted("a%09b%2Cc")
    ('a%09b%2Cc', 'a\tb,c')
    >>> quoted("NA")
    '%4EA'
    """
    out = re.sub(rf"[\x00-\x1f\x7f-\x9f\u2028\u2029%\"{re.escape(also)}]", lambda m: _escaped(m[0]), text)
    if out in _MISSING or out[:1].isspace():
        out = _escaped(out[0]) + out[1:]
    return out[:-1] + _escaped(out[-1]) if out[-1:].isspace() else out


def _escaped(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode())


def unquoted(text: str) -> str:
    """Undo `quoted`.

    Parameters
    ----------
    text
        A text from `quoted`.
    """
    if "%" not in text:
        return text
    raw = re.sub(rb"%([0-9A-F]{2})", lambda m: bytes([int(m[1], 16)]), text.encode())
    return raw.decode("utf-8", errors="replace")


def joined(texts: Sequence[str]) -> str:
    """Return texts as one list with commas.

    Parameters
    ----------
    texts
        Any texts; commas in them are written as `%2C`.
    """
    return ",".join(quoted(t, ",") for t in texts)


def parted(text: str) -> list[str]:
    """Undo `joined`.

    Parameters
    ----------
    text
        A list with commas; "" is the empty list.
    """
    return [unquoted(t) for t in text.split(",")] if text else []


def _cell(value: object) -> str:
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else repr(float(value)).removesuffix(".0")
    return str(value)


def column_text(values: pd.Series) -> list[str]:
    """Return a column as text; NaN is empty, as are the -1 of integers, which stand for unknown.

    Parameters
    ----------
    values
        A column of text, integers or floats.
    """
    if values.dtype.kind in "iu":
        return ["" if v == -1 else str(v) for v in values.tolist()]
    return [_cell(v) for v in values.tolist()]


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write a table; the file appears when it is complete.

    Parameters
    ----------
    frame
        Its texts hold no tabs and no line ends, see `quoted`.
    path
        The file; replaced if it exists.
    """
    rows = zip(*(column_text(frame[c]) for c in frame.columns), strict=True)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as stream:
            stream.write("\t".join(frame.columns) + "\n")
            stream.writelines("\t".join(row) + "\n" for row in rows)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
