"""TOML with the line of every key, so that a fault can be found in the file."""

from __future__ import annotations

import difflib
import re
import tomllib
from pathlib import Path
from typing import Any

from clonalbayes.faults import fail

Path_ = tuple[str | int, ...]
"""Where a value stands: table, number of its repeat, key."""

_HEADER = re.compile(r"^\s*\[(\[?)\s*([A-Za-z0-9_.\"'-]+)\s*\]?\]")
_KEY = re.compile(r"^\s*([A-Za-z0-9_-]+|\"[^\"]*\")\s*=")
_AT_LINE = re.compile(r"\(at line (\d+), column \d+\)$")


def read_toml(path: Path) -> tuple[dict[str, Any], dict[Path_, int], bytes]:
    """Read a TOML file.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    tuple
        Its content, the line of each key, and its bytes.

    Raises
    ------
    InputError
        If it cannot be read or is not TOML.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        remedy = "Check path and permissions."
        raise fail(path.name, f"cannot be read ({error.strerror or error})", remedy) from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        raise fail(path.name, "the text is not UTF-8", "Save the file as UTF-8 text.", row=row) from None
    try:
        return tomllib.loads(text), lines_of(text), data
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        place = _AT_LINE.search(str(error))
        line = int(place[1]) if place else None
        what = _AT_LINE.sub("", str(error)).strip().rstrip(".")
        remedy = "Texts and dates stand in quotation marks, tables in brackets."
        raise fail(path.name, f"is not TOML: {what[:1].lower()}{what[1:]}", remedy, row=line) from None


def lines_of(text: str) -> dict[Path_, int]:
    r"""Return the line of each key and of each table, as far as a plain scan finds them.

    Parameters
    ----------
    text
        A TOML text.

    Examples
    --------
    >>> lines_of('[[sample]]\nname = "A"\n[[sample]]\nname = "B"')[("sample", 1, "name")]
    4
    """
    found: dict[Path_, int] = {}
    seen: dict[str, int] = {}
    table: Path_ = ()
    for number, line in enumerate(text.split("\n"), start=1):
        header, key = _HEADER.match(line), _KEY.match(line)
        if header:
            name = header[2].strip("\"'")
            if header[1]:
                seen[name] = seen.get(name, -1) + 1
                table = (name, seen[name])
            else:
                table = tuple(name.split("."))
            found.setdefault(table, number)
        elif key:
            found.setdefault((*table, key[1].strip('"')), number)
    return found


def suggestion(name: str, known: list[str]) -> str:
    """Word the remedy for an unknown name: the nearest known one, or all of them."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    return f"Did you mean {near[0]}?" if near else f"Known are: {', '.join(known)}."
