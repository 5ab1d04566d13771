"""Which format is it? Decided by content, never by the name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...faults import FaultList, fail
from . import long
from .draft import Draft
from .text import TextFile, read_text


@dataclass(frozen=True)
class Format:
    """A format that can be read.

    Parameters
    ----------
    name
        Its name, as given to `format=`.
    meaning
        What it is, for people.
    refuse
        Function that returns why a file is not of this format, or None if it is.
    read
        Function of the files, the fault list and the source's name that returns the draft.
    """

    name: str
    meaning: str
    refuse: Callable[[TextFile], str | None]
    read: Callable[[list[TextFile], FaultList, str], Draft]


FORMATS: dict[str, Format] = {
    long.FORMAT: Format(long.FORMAT, long.MEANING, long.refuse, long.read),
}
"""The formats by name."""


def read_draft(
    path: Path, *, params: Path | None = None, format: str | None = None, min_alt: int | None = None
) -> Draft:
    """Recognise and read a file or folder.

    Returns
    -------
    Draft

    Raises
    ------
    InputError
        With every fault.
    """
    faults = FaultList()
    source = read_text(path)
    for known in FORMATS.values():
        if known.refuse(source) is None:
            draft = known.read([source], faults, path.name)
            faults.raise_if_any()
            return draft
    raise fail(path.name, "unknown", "x")
